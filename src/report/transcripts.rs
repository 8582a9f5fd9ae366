//! What looks wrong about files of texts: names of items among the words, and two texts that are written differently.

use std::collections::HashSet;
use std::path::Path;

use super::Warning;
use crate::input::{counted, display_path, without_first_word};
use crate::metrics::error_rate::{characters, words};
use crate::metrics::{edit_counts, other_line};
use crate::normal_form::{in_nfc, in_nfkc, is_unseen};
use crate::shown::shown;

/// So many lines tell whether their first words are names.
const FEW_LINES: usize = 3;

/// Lines that begin or end with the name of their item, which is no word of the text: all different, with digits, and
/// not of the kind that texts have.
fn item_names<S: AsRef<str>>(path: &Path, lines: &[S]) -> Option<Warning> {
    let (end, name, hint) = if let Some(name) = names(lines, first_name, is_name) {
        let separator = lines[0].as_ref()[name.len()..].chars().next().unwrap_or(' ');
        let cut = without_first_word(separator);
        ("begins", name, cut)
    } else {
        let in_brackets = |name: &str| name.starts_with('(') && name.ends_with(')') && has_digit(name);
        let last = |line: &'_ str| line.split_whitespace().next_back().unwrap_or_default().to_owned();
        ("ends", names(lines, last, in_brackets)?, "sed 's/ *([^()]*)$//'")
    };
    let message = format!(
        "{}: every line {end} with a different name, such as {}, which counts as a word: if it is the item's, remove it: \
         {hint}",
        display_path(path),
        shown(&name),
    );
    Some(Warning { code: "item_names", message })
}

/// The first of the lines' names, where all lines have one, each another, and most have more than that.
fn names<S: AsRef<str>>(
    lines: &[S],
    name_of: impl Fn(&str) -> String,
    is_name: impl Fn(&str) -> bool,
) -> Option<String> {
    let (first_lines, _) = lines.split_at_checked(FEW_LINES)?;
    let name_of = |line: &S| name_of(line.as_ref());
    // Of most texts, the first lines tell.
    let may_be = |line: &S| is_name(&name_of(line)) || name_of(line).parse::<usize>().is_ok();
    if !first_lines.iter().all(may_be) {
        return None;
    }
    let names: Vec<String> = lines.iter().map(name_of).collect();
    let first = names.first()?;
    let alone = lines.iter().zip(&names).filter(|(line, name)| line.as_ref().trim() == **name).count();
    let distinct: HashSet<&String> = names.iter().collect();
    let counts = || {
        let numbers = names.iter().map(|name| name.parse::<usize>().ok());
        let start = first.parse::<usize>().ok().filter(|&start| start <= 1)?;
        numbers.eq((start..start + names.len()).map(Some)).then_some(())
    };
    let named = names.iter().all(|name| is_name(name)) || counts().is_some();
    (named && distinct.len() == names.len() && 2 * alone < lines.len()).then(|| first.clone())
}

fn first_name(line: &str) -> String {
    line.split([' ', '\t', ',', '|']).next().unwrap_or_default().to_owned()
}

fn has_digit(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

/// Letters and digits, as in `utt-0012`, `1089-134686-0000` or `a01/line_3.png`; no number that a text may begin with.
fn is_name(text: &str) -> bool {
    let joined = text.contains(|c: char| c.is_alphabetic() || "-_/".contains(c));
    has_digit(text)
        && joined
        && !is_date(text)
        && text.chars().all(|c| c.is_alphanumeric() || "-_/.:#".contains(c))
}

/// Whether a text is three numbers with `-` or `/` between them, such as `2024-05-31`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    parts.len() == 3 && parts.iter().all(|part| (1..=4).contains(&part.len()) && part.parse::<u16>().is_ok())
}

/// One of two texts.
struct Side<'a, S> {
    name: &'a str,
    lines: &'a [S],
    /// Which bytes are in it: most of what is looked for is in neither, or in both.
    bytes: [bool; 256],
}

impl<'a, S: AsRef<str>> Side<'a, S> {
    fn new(name: &'a str, lines: &'a [S]) -> Self {
        let mut bytes = [false; 256];
        for byte in lines.iter().flat_map(|line| line.as_ref().bytes()) {
            bytes[usize::from(byte)] = true;
        }
        Self { name, lines, bytes }
    }

    /// Whether some character is of a kind.
    fn has(&self, kind: Kind) -> bool {
        let (ascii, others) = self.bytes.split_at(128);
        let in_ascii = (0..).zip(ascii).any(|(byte, &is_there)| is_there && kind(char::from(byte)));
        in_ascii || others.contains(&true) && self.lines.iter().any(|line| line.as_ref().contains(kind))
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().flat_map(|line| line.as_ref().split_whitespace())
    }

    /// How many words have such a character, and the first of them.
    fn with(&self, kind: Kind) -> Option<(usize, &str)> {
        let mut found = self.words().filter(|word| word.contains(kind));
        let first = found.next()?;
        Some((1 + found.count(), first))
    }
}

/// A word error rate that a recogniser of these words does not have.
const MANY_WRONG: f64 = 0.5;
/// So many words without a capital or a comma have none by intention.
const SEVERAL_WORDS: usize = 20;

/// What makes errors of lines that were read right. Of texts that a network just read (`were_read`), it is known what
/// they may have: what they lack was not read.
pub(crate) fn text_warnings<S: AsRef<str>>(
    name: &str,
    texts: &[S],
    (path, references): (&Path, &[String]),
    wer_ratio: Option<f64>,
    were_read: bool,
) -> Vec<Warning> {
    let case = (wer_ratio > Some(MANY_WRONG)).then(|| other_case(texts, references)).flatten();
    let reference_name = display_path(path);
    let (a, b) = (Side::new(name, texts), Side::new(&reference_name, references));
    let mut messages = one_sided(&a, &b, case.is_some());
    if !were_read {
        messages.extend(one_sided(&b, &a, case.is_some()));
    }
    let mut warnings: Vec<Warning> = messages.into_iter().map(other_spelling).collect();
    warnings.extend(case.or_else(|| other_characters(texts, references)));
    warnings.extend(other_lines(name, texts, (path, references)));
    warnings
}

fn other_spelling(message: String) -> Warning {
    Warning { code: "other_spelling", message }
}

/// What shows texts, as they were read, to be of other lines than the references, or to differ in their spaces.
pub(crate) fn other_lines(
    name: &str,
    texts: &[impl AsRef<str>],
    references: (&Path, &[String]),
) -> Vec<Warning> {
    let spaces = [
        odd_spaces(name, texts, references),
        outer_spaces(name, texts, references),
        inner_spaces(name, texts, references),
    ];
    let spaces = spaces.into_iter().flatten().map(other_spelling);
    spaces.chain(other_order(name, texts, references)).collect()
}

/// Most texts are like the reference of another line.
fn other_order(
    name: &str,
    texts: &[impl AsRef<str>],
    (path, references): (&Path, &[String]),
) -> Option<Warning> {
    let lines = texts.len().min(references.len());
    let text = |line: usize| texts[line].as_ref().chars();
    let (line, other) = other_line(lines, text, |line| references[line].chars())?;
    let message = format!(
        "{name}: text {} is most like line {} of {}, and most others are like another line, too: are both in the same order?",
        line + 1,
        other + 1,
        display_path(path)
    );
    Some(Warning { code: "other_order", message })
}

/// Lines of a file that are not only text, all of which counts as such.
pub(crate) fn more_than_text(path: &Path, lines: &[impl AsRef<str>]) -> Vec<Warning> {
    let kinds = [
        item_names(path, lines),
        headers_of_reads(path, lines),
        json_lines(path, lines),
        quoted_lines(path, lines),
    ];
    kinds.into_iter().flatten().collect()
}

/// Headers among the lines, as FASTA and FASTQ have them.
fn headers_of_reads(path: &Path, lines: &[impl AsRef<str>]) -> Option<Warning> {
    let begins = |at: usize, with: char| lines.get(at).is_some_and(|line| line.as_ref().starts_with(with));
    let is_fastq = lines.len() >= 4
        && lines.len().is_multiple_of(4)
        && (0..lines.len()).step_by(4).all(|read| begins(read, '@') && begins(read + 2, '+'));
    let is_header = |line: &str| line.starts_with('>') && !line.starts_with("> ") && line.len() > 1;
    let (mut headers, mut after_header, mut is_fasta) = (0, false, lines.len() > 1);
    for (at, line) in lines.iter().map(AsRef::as_ref).enumerate() {
        let header = is_header(line);
        is_fasta &= if header { !after_header } else { at > 0 && !line.contains(' ') };
        headers += usize::from(header);
        after_header = header;
    }
    is_fasta &= headers > 0 && !after_header;
    let (format, how) = match () {
        () if is_fastq => ("FASTQ", "awk 'NR % 4 == 2'"),
        () if is_fasta && 2 * headers == lines.len() => ("FASTA", "grep -v '^>'"),
        () if is_fasta => {
            ("FASTA", "awk '/^>/ { if (NR > 1) print s; s = \"\"; next } { s = s $0 } END { print s }'")
        }
        () => return None,
    };
    let message = format!(
        "{}: as in {format}, some lines are headers, which count as text: keep the sequences, as {how} does",
        display_path(path)
    );
    Some(Warning { code: "item_names", message })
}

/// Lines that are JSON objects, as in a manifest.
fn json_lines(path: &Path, lines: &[impl AsRef<str>]) -> Option<Warning> {
    let is_object = |line: &str| line.starts_with('{') && line.ends_with('}') && line.contains("\":");
    if lines.len() < 2 || !lines.iter().all(|line| is_object(line.as_ref())) {
        return None;
    }
    let message = format!(
        "{}: each line is a JSON object, all of which counts as text: take the texts out, as jq -r .text does",
        display_path(path)
    );
    Some(Warning { code: "json_lines", message })
}

/// Lines in quotes, as a CSV file has them.
fn quoted_lines(path: &Path, lines: &[impl AsRef<str>]) -> Option<Warning> {
    let is_quoted = |line: &str| line.len() > 1 && line.starts_with('"') && line.ends_with('"');
    if lines.len() < FEW_LINES || !lines.iter().all(|line| is_quoted(line.as_ref())) {
        return None;
    }
    let message = format!(
        "{}: every line is in quotes, which count as characters: if they are not part of the texts, remove them: \
         sed 's/^\"//; s/\"$//'",
        display_path(path)
    );
    Some(Warning { code: "quoted_lines", message })
}

/// A kind of characters.
type Kind = fn(char) -> bool;

/// What one of two texts has and the other never, so that each of it is an error.
fn one_sided<A: AsRef<str>, B: AsRef<str>>(
    one: &Side<'_, A>,
    other: &Side<'_, B>,
    case_is_told: bool,
) -> Vec<String> {
    let (path, of_other) = (one.name, other.name);
    let mut messages = Vec::new();
    let kinds: [(Kind, &str, &str); 2] = [
        (|c| ".,;:!?".contains(c), "punctuation", "keep it in both, or in neither"),
        (char::is_uppercase, CAPITALS, "use the same case in both"),
    ];
    let several = other.words().nth(SEVERAL_WORDS - 1).is_some();
    for (kind, what, hint) in kinds {
        if !several || case_is_told && what == CAPITALS || !one.has(kind) || other.has(kind) {
            continue;
        }
        if let Some((count, word)) =
            one.with(kind).filter(|&(count, _)| FEW_MARKED * count >= one.words().count())
        {
            let (count, word) = (counted(count, "word"), shown(word));
            messages.push(format!(
                "{path}: {count} with {what}, such as {word}, but {of_other} has none: {hint}"
            ));
        }
    }
    let of = |bytes: &[bool; 256]| (*b"| ").map(|separator| bytes[usize::from(separator)]);
    if of(&one.bytes) == [true, false] && of(&other.bytes) == [false, true] {
        messages.push(format!("{path} has '|' between words but {of_other} has spaces: tr '|' ' '"));
    }
    messages
}

/// Where fewer than one word in so many has a capital or a mark, it may have been misread.
const FEW_MARKED: usize = 25;

/// One text may end with a space that was read.
const SEVERAL_TEXTS: usize = 3;

/// Most texts begin or end with a space and no reference does, as where an alphabet's words end with their delimiter.
fn outer_spaces(
    name: &str,
    texts: &[impl AsRef<str>],
    (path, references): (&Path, &[String]),
) -> Option<String> {
    let is_outer = |text: &str| text.starts_with(' ') || text.ends_with(' ');
    let (mut count, mut all) = (0, 0);
    for text in texts.iter().map(AsRef::as_ref).filter(|text| !text.trim().is_empty()) {
        all += 1;
        count += usize::from(is_outer(text));
    }
    if count < SEVERAL_TEXTS || 2 * count <= all || references.iter().any(|line| is_outer(line)) {
        return None;
    }
    Some(format!(
        "{name}: {count} of {} begin or end with a space, but no line of {} does: each such space counts as a character; to \
         score the texts without them, strip them with sed 's/^ *//; s/ *$//'",
        counted(all, "text"),
        display_path(path)
    ))
}

/// Most texts have spaces and no reference has one, as where each token was taken for a word.
fn inner_spaces(
    name: &str,
    texts: &[impl AsRef<str>],
    (path, references): (&Path, &[String]),
) -> Option<String> {
    let has_one = |text: &str| text.trim().contains(' ');
    let count = texts.iter().filter(|text| has_one(text.as_ref())).count();
    // Bars between words are told by themselves.
    let is_apart = |line: &String| has_one(line) || line.contains('|');
    if count == 0 || 2 * count <= texts.len() || references.iter().any(is_apart) {
        return None;
    }
    Some(format!(
        "{name}: {count} of {} have spaces, but no line of {} has: each space counts as a character: write both alike",
        counted(texts.len(), "text"),
        display_path(path)
    ))
}

/// References with white space that no text has; in a text it is what was read.
fn odd_spaces(
    name: &str,
    texts: &[impl AsRef<str>],
    (path, references): (&Path, &[String]),
) -> Option<String> {
    let is_odd = |line: &str| line.trim() != line || line.contains("  ");
    let count = references.iter().filter(|line| is_odd(line)).count();
    (count > 0 && !texts.iter().any(|text| is_odd(text.as_ref()))).then(|| {
        format!(
            "{}: {} with leading, trailing or double spaces, but {name} has none: each counts as a character",
            display_path(path),
            counted(count, "line"),
        )
    })
}

/// Of the first lines, many wrong characters are the same letters in other characters or in reverse order, or are not seen.
fn other_characters(hypotheses: &[impl AsRef<str>], references: &[String]) -> Option<Warning> {
    let errors_of = |[reference, hypothesis]: [&str; 2]| {
        edit_counts(&characters(reference), &characters(hypothesis)).errors()
    };
    let (mut lines, mut errors) = (0, 0);
    let (mut in_one_form, mut seen, mut alike, mut reversed) = (0, 0, 0, 0);
    let mut unseen = None;
    for (hypothesis, reference) in first_lines(hypotheses, references) {
        lines += 1;
        let here = errors_of([reference, hypothesis]);
        errors += here;
        if here > 0 {
            let both = [reference, hypothesis].map(in_nfc);
            let errors_as = |way: &dyn Fn(&str) -> String| {
                let [a, b] = both.each_ref().map(|text| way(text));
                errors_of([&a, &b])
            };
            in_one_form += errors_as(&str::to_owned);
            seen += errors_as(&|text| text.replace(is_unseen, ""));
            alike += errors_as(&in_nfkc);
            let backwards: String = hypothesis.chars().rev().collect();
            reversed += errors_of([reference, &backwards]);
            unseen = unseen.or_else(|| both.iter().flat_map(|text| text.chars()).find(|&c| is_unseen(c)));
        }
    }
    // A letter or two may have been read otherwise.
    let many_vanish = |left: usize| errors.saturating_sub(left) > 2 && 10 * left <= 9 * errors;
    let in_form = |form: &str| {
        format!("both texts are normalised to Unicode {form}: unicodedata.normalize('{form}', text)")
    };
    let (left, how) = match unseen {
        _ if many_vanish(in_one_form) => (in_one_form, in_form("NFC")),
        Some(c) if many_vanish(seen) => {
            let code = u32::from(c);
            let how = format!(
                "invisible characters, such as U+{code:04X}, are removed: text.replace('\\u{code:04x}', '')"
            );
            (seen, how)
        }
        _ if many_vanish(alike) => (alike, in_form("NFKC")),
        _ if many_vanish(reversed) && 2 * reversed < errors => {
            (reversed, "the characters of one are in reverse order, as where a network reads from left to right: text[::-1]".to_owned())
        }
        _ => return None,
    };
    let verb = if left == 1 { "remains" } else { "remain" };
    Some(other_spelling(format!(
        "of {} in the first {}, {left} {verb} if {how}",
        counted(errors, "wrong character"),
        counted(lines, "line")
    )))
}

const CAPITALS: &str = "capitals";

/// Characters that are compared without regard to case or form.
const MAX_FOLDED: usize = 1 << 14;

/// The first lines, as long as there are no more than [`MAX_FOLDED`] characters.
fn first_lines<'a>(
    hypotheses: &'a [impl AsRef<str>],
    references: &'a [String],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut characters = 0;
    let both = hypotheses.iter().zip(references);
    both.map(|(hypothesis, reference)| (hypothesis.as_ref(), reference.as_str())).take_while(
        move |(hypothesis, reference)| {
            characters += hypothesis.len() + reference.len();
            characters <= MAX_FOLDED
        },
    )
}

/// How many errors there are between two texts.
type ErrorsOf = fn(&str, &str) -> usize;

/// Of the first lines, most wrong words, or most wrong characters, are wrong in upper and lower case alone.
fn other_case(hypotheses: &[impl AsRef<str>], references: &[String]) -> Option<Warning> {
    // A word may be as long as a read, and have other errors.
    let ways: [(ErrorsOf, &str); 2] = [
        (|a, b| edit_counts(&words(a), &words(b)).errors(), "word error"),
        (|a, b| edit_counts(&characters(a), &characters(b)).errors(), "wrong character"),
    ];
    ways.into_iter().find_map(|(errors_of, unit)| {
        let (mut lines, mut errors, mut left) = (0, 0, 0);
        for (hypothesis, reference) in first_lines(hypotheses, references) {
            lines += 1;
            errors += errors_of(reference, hypothesis);
            left += errors_of(&reference.to_lowercase(), &hypothesis.to_lowercase());
        }
        let verb = if left == 1 { "remains" } else { "remain" };
        let message = format!(
            "of {} in the first {}, {left} {verb} if case is ignored: use the same case in both texts",
            counted(errors, unit),
            counted(lines, "line")
        );
        (2 * left < errors).then_some(Warning { code: "other_case", message })
    })
}
