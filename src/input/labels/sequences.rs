//! Targets of CTC: a label sequence for each item.

use std::collections::HashSet;
use std::ops::Range;

use rayon::prelude::*;

use super::hints::LabelDoubt;
use super::{Content, LabelFile, WHOLE};
use crate::decode::spelling::WORD_PIECE_MARK;
use crate::input::alphabet::{Alphabet, LabelSplit, NoToken};
use crate::input::error::counted;
use crate::input::numbers::{empty_field, is_number, is_too_large, whole_number, words};
use crate::input::text::{line_count, lines_of};
use crate::input::{InputError, List, Place};
use crate::loss::ctc::{CtcError, CtcLabels};
use crate::normal_form::{form_hint, form_that_fits};
use crate::shown::{cut, shown};

/// Lines that a thread takes at a time.
const LINES_AT_ONCE: usize = 1024;

/// Stands for what 64 bits do not hold.
pub(super) const TOO_LARGE: i64 = i64::MAX;

/// An error of a label, and what is to be said of how to go on.
struct BadLabel {
    error: InputError,
    doubt: Option<LabelDoubt>,
}

impl From<InputError> for BadLabel {
    fn from(error: InputError) -> Self {
        Self { error, doubt: None }
    }
}

impl LabelFile {
    /// Label sequences of class indices for `items` items. `lengths` are the label lengths, if they were given.
    ///
    /// # Errors
    /// If there are not as many sequences as items, or a label is not a class or is the blank.
    pub fn index_sequences(
        &self,
        items: usize,
        lengths: Option<&List<i64>>,
        classes: usize,
        blank: u32,
    ) -> Result<Vec<CtcLabels>, InputError> {
        // Once, for what all labels tell takes its time.
        let with_hint = |bad: BadLabel| {
            let hint = bad.doubt.and_then(|doubt| self.label_hint(doubt, classes, lengths));
            bad.error.maybe_hint(hint)
        };
        if let Content::Text(text) = &self.content {
            self.check_count(items, line_count(text), "line")?;
            let sequence = |(line, content): (usize, &str)| {
                let place_of = |position| place_in_line(line, content, position);
                let written =
                    |position| words(content).nth(position).map_or(String::new(), |(_, word)| cut(word));
                self.sequence(&self.index_line(line, content)?, place_of, written, classes, blank)
            };
            return of_lines(text, sequence).map_err(with_hint);
        }
        let Content::Integers { shape, values } = &self.content else {
            return Err(InputError::new(&self.name, Place::whole(), "integer labels", self.describe())
                .hint(self.integers_hint()));
        };
        let spans = self.spans(items, lengths, shape)?;
        let sequences = spans.iter().enumerate().map(|(item, span)| {
            // What is no 64-bit integer is no class either.
            let labels: Vec<i64> = span.clone().map(|at| values.get(at).unwrap_or(TOO_LARGE)).collect();
            let place_of = |position| Place::whole().at("item", item).at("position", position);
            let written = |position| values.exactly(span.start + position).to_string();
            self.sequence(&labels, place_of, written, classes, blank)
        });
        sequences.collect::<Result<_, _>>().map_err(with_hint)
    }

    /// Label sequences exactly as they are in the file, unchecked; what does not fit into a signed 64-bit integer
    /// becomes [`i64::MAX`].
    ///
    /// # Errors
    /// If there are not as many sequences as items, or the labels are not integers.
    pub fn raw_sequences(
        &self,
        items: usize,
        lengths: Option<&List<i64>>,
    ) -> Result<Vec<Vec<i64>>, InputError> {
        match &self.content {
            Content::Text(text) => {
                self.check_count(items, line_count(text), "line")?;
                let sequence = |(line, content): (usize, &str)| {
                    let labels = self.index_line(line, content)?;
                    match labels.iter().position(|&label| label == TOO_LARGE) {
                        None => Ok(labels),
                        Some(position) => {
                            let place = place_in_line(line, content, position);
                            Err(InputError::new(
                                &self.name,
                                place,
                                "a class index",
                                "a number beyond 64 bits",
                            ))
                        }
                    }
                };
                of_lines(text, sequence)
            }
            Content::Integers { shape, values } => {
                let spans = self.spans(items, lengths, shape)?;
                let sequence = |span: &Range<usize>| {
                    span.clone().map(|at| values.get(at).unwrap_or(TOO_LARGE)).collect()
                };
                Ok(spans.iter().map(sequence).collect())
            }
            Content::Floats { .. } => {
                Err(InputError::new(&self.name, Place::whole(), "integer labels", self.describe()))
            }
        }
    }

    /// The class indices of a line.
    fn index_line(&self, line: usize, content: &str) -> Result<Vec<i64>, InputError> {
        let label = |(position, (_, word)): (usize, (usize, &str))| {
            whole_number(word).or_else(|| is_too_large(word).then_some(TOO_LARGE)).ok_or_else(|| {
                let place = place_in_line(line, content, position);
                InputError::new(&self.name, place, "a class index", shown(word)).hint(
                    if word.starts_with(['[', '{']) {
                        "separate an item's labels with spaces, without brackets"
                    } else if is_number(word) {
                        WHOLE
                    } else {
                        "text labels need --alphabet FILE"
                    },
                )
            })
        };
        if let Some(column) = empty_field(content) {
            let place = Place::whole().at("item", line).at("line", line + 1).at("column", column);
            return Err(InputError::new(&self.name, place, "a class index", "an empty field"));
        }
        words(content).enumerate().map(label).collect()
    }

    /// Where each item's labels lie among the values.
    fn spans(
        &self,
        items: usize,
        lengths: Option<&List<i64>>,
        shape: &[usize],
    ) -> Result<Vec<Range<usize>>, InputError> {
        let lengths_error = |place: Place, expected: String, found: String| {
            InputError::new(lengths.map_or("--label-lengths", List::name), place, expected, found)
        };
        if let Some(lengths) = lengths
            && lengths.len() != items
        {
            return Err(lengths_error(
                Place::whole(),
                format!("{}, one per item", counted(items, "length")),
                lengths.len().to_string(),
            ));
        }
        let length_of = |item: usize, most: usize| match lengths {
            None => Ok(most),
            Some(lengths) => {
                usize::try_from(lengths[item]).ok().filter(|&length| length <= most).ok_or_else(|| {
                    lengths_error(
                        lengths.place(item),
                        format!("a length from 0 to {most}, the number of labels"),
                        lengths[item].to_string(),
                    )
                })
            }
        };
        match *shape {
            [found, width] => {
                self.check_count(items, found, "row")?;
                (0..items).map(|item| Ok(item * width..item * width + length_of(item, width)?)).collect()
            }
            [total] if lengths.is_none() && items != 1 => Err(InputError::new(
                &self.name,
                Place::whole(),
                format!("labels for {items} items"),
                format!("a list of {total} without lengths"),
            )
            .hint("joined labels need --label-lengths FILE|N,N,…")),
            [total] => {
                let mut start: usize = 0;
                let mut spans = Vec::new();
                for item in 0..items {
                    let length = length_of(item, total)?;
                    let end = start.saturating_add(length);
                    spans.push(start..end);
                    start = end;
                }
                if start == total {
                    Ok(spans)
                } else {
                    Err(lengths_error(
                        Place::whole(),
                        format!("a sum of {total}, the number of labels in {}", self.name()),
                        start.to_string(),
                    ))
                }
            }
            _ => Err(InputError::new(
                &self.name,
                Place::whole(),
                "labels of shape (items, longest length) or (total length,)",
                self.describe(),
            )),
        }
    }

    fn check_count(&self, items: usize, found: usize, unit: &str) -> Result<(), InputError> {
        if found == items {
            return Ok(());
        }
        let expected = format!("{} of labels, one per item", counted(items, unit));
        let is_json =
            matches!(&self.content, Content::Text(text) if text.starts_with("[[") || text.starts_with("{\""));
        let hint = if is_json {
            Some("write each item's labels on a line of its own, without brackets")
        } else if self.is_text() && found < items {
            Some("write an empty target as an empty line")
        } else if self.is_text() && items == 1 {
            Some("the matrix is one item: write its labels on one line")
        } else {
            self.empty_end(items)
        };
        let found = if found == 0 { self.describe() } else { found.to_string() };
        Err(InputError::new(&self.name, Place::whole(), expected, found).maybe_hint(hint))
    }

    fn sequence(
        &self,
        labels: &[i64],
        place_of: impl Fn(usize) -> Place,
        written: impl Fn(usize) -> String,
        classes: usize,
        blank: u32,
    ) -> Result<CtcLabels, BadLabel> {
        let mut sequence = Vec::with_capacity(labels.len());
        for (position, &value) in labels.iter().enumerate() {
            match u32::try_from(value) {
                Ok(label) if (label as usize) < classes => sequence.push(label),
                _ => {
                    let found = if value == TOO_LARGE { written(position) } else { value.to_string() };
                    let error = self.out_of_range(place_of(position), classes, &found, None);
                    return Err(BadLabel { error, doubt: Some(LabelDoubt::NoClass(value)) });
                }
            }
        }
        CtcLabels::new(&sequence, classes, blank).map_err(|error| match error {
            CtcError::LabelIsBlank { position, label } => BadLabel {
                error: InputError::new(
                    &self.name,
                    place_of(position),
                    "a label that is not the blank",
                    label.to_string(),
                ),
                doubt: Some(LabelDoubt::blank(&labels[position..])),
            },
            other => {
                let what = "labels that fit the logits";
                InputError::new(&self.name, Place::whole(), what, other.to_string()).into()
            }
        })
    }

    /// Label sequences from text, one line per item, encoded with an alphabet.
    ///
    /// # Errors
    /// If this is not text, there are not `items` lines, or something is not in the alphabet and there is no
    /// `unknown`.
    pub fn text_sequences(
        &self,
        items: usize,
        alphabet: &Alphabet,
        split: LabelSplit,
        unknown: Option<u32>,
    ) -> Result<Vec<CtcLabels>, InputError> {
        let blank = alphabet.blank();
        let Content::Text(lines) = &self.content else {
            return Err(InputError::new(&self.name, Place::whole(), "text", self.describe()));
        };
        self.check_count(items, line_count(lines), "line")?;
        let encode = |(line, content): (usize, &str)| {
            let labels = alphabet.encode(content, split, unknown).map_err(|NoToken { column, text }| {
                let place = Place::whole().at("item", line).at("line", line + 1).at("column", column);
                if alphabet.tokens()[blank as usize] == text {
                    let found = format!("{}, class {blank}", shown(&text));
                    return InputError::new(&self.name, place, "a token that is not the blank", found)
                        .hint(alphabet.blank_hint());
                }
                let error = InputError::new(&self.name, place, "a token of the alphabet", shown(&text));
                error.hint(token_hint(&text, column, content, lines, split, alphabet))
            })?;
            CtcLabels::new(&labels, alphabet.tokens().len(), blank).map_err(|error| {
                let place = Place::whole().at("item", line).at("line", line + 1);
                InputError::new(&self.name, place, "labels that fit the logits", error.to_string())
            })
        };
        of_lines(lines, encode)
    }

    /// How many labels of a text are not in the alphabet; none if one is the blank.
    pub(crate) fn unknown(&self, alphabet: &Alphabet, split: LabelSplit) -> usize {
        // No class.
        const UNKNOWN: u32 = u32::MAX;
        let Content::Text(text) = &self.content else { return 0 };
        let labels = |line| alphabet.encode(line, split, Some(UNKNOWN)).unwrap_or_default();
        lines_of(text).flat_map(labels).filter(|&label| label == UNKNOWN).count()
    }
}

/// What `of_line` makes of each line and its number from 0, or the first line's error.
fn of_lines<T: Send, E: Send>(
    text: &str,
    of_line: impl Fn((usize, &str)) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    if line_count(text) <= LINES_AT_ONCE {
        return lines_of(text).enumerate().map(of_line).collect();
    }
    let lines: Vec<&str> = lines_of(text).collect();
    let of_chunk = |(chunk, lines): (usize, &[&str])| {
        let numbered = (chunk * LINES_AT_ONCE..).zip(lines.iter().copied());
        numbered.map(&of_line).collect::<Result<Vec<T>, E>>()
    };
    let chunks: Vec<_> = lines.par_chunks(LINES_AT_ONCE).enumerate().map(of_chunk).collect();
    let mut all = Vec::with_capacity(lines.len());
    for chunk in chunks {
        all.append(&mut chunk?);
    }
    Ok(all)
}

/// How to go on after a `text` of a line, at a column of it, that is no token.
/// `all` lines may have others.
fn token_hint(
    text: &str,
    column: usize,
    line: &str,
    all: &str,
    split: LabelSplit,
    alphabet: &Alphabet,
) -> String {
    let by_tokens = split == LabelSplit::Tokens;
    let hint = if alphabet.has_word_pieces() && (text == " " || !line.contains(WORD_PIECE_MARK)) {
        "write the word pieces that the model was trained with, separated by spaces, and give --label-split tokens"
    } else if let Some(how) = name_beside_text(line, all, split, alphabet) {
        return format!("a line holds only an item's labels: remove {how}");
    } else if text == " " && is_spaced_out(line)
        || !by_tokens && !text.trim().is_empty() && alphabet.encode(line, LabelSplit::Tokens, None).is_ok()
    {
        "if spaces separate the tokens, give --label-split tokens"
    } else if text == "{" && column == 1 {
        "a line holds an item's labels, not JSON"
    } else if words(line).all(|(_, word)| whole_number(word).is_some()) {
        "if these are class indices, leave --alphabet out"
    } else if by_tokens && alphabet.encode(text, LabelSplit::Chars, None).is_ok() {
        "give --label-split chars for text that is not split into tokens"
    } else if by_tokens && in_other_case(text, alphabet) {
        "its characters are in the alphabet except for their case: write the labels in the alphabet's case, and give \
         --label-split chars"
    } else if let Some(token) = other_case(text, alphabet.tokens()) {
        return format!("the alphabet has {}: write the labels in the same case", shown(token));
    } else if let Some(form) = form_that_fits(line, |line| alphabet.encode(line, split, None).is_ok()) {
        return form_hint(form);
    } else if let Some(token) = unknown_token(alphabet.tokens()) {
        let others = other_characters(all, text, split, alphabet);
        return format!(
            "give --unk {} to use that token for whatever the alphabet does not have{others}",
            shown(token)
        );
    } else {
        let others = other_characters(all, text, split, alphabet);
        return format!(
            "the alphabet has no token for it: remove it from the labels, or give --unk TOKEN, a token to use instead{others}"
        );
    };
    hint.to_owned()
}

/// The characters besides `found` that the alphabet does not have either, for a hint.
fn other_characters(all: &str, found: &str, split: LabelSplit, alphabet: &Alphabet) -> String {
    if split != LabelSplit::Chars {
        return String::new();
    }
    let mut seen = HashSet::new();
    let is_other = |c: &char| {
        let is_new = seen.insert(*c) && !found.contains(*c);
        is_new && alphabet.encode(c.encode_utf8(&mut [0; 4]), split, None).is_err()
    };
    let others: Vec<char> = lines_of(all).flat_map(str::chars).filter(is_other).collect();
    if others.is_empty() {
        return String::new();
    }
    let named: Vec<String> = others.iter().take(MOST_NAMED).map(|c| shown(&c.to_string())).collect();
    let more = if others.len() > MOST_NAMED { ", …" } else { "" };
    format!("; it also lacks {}: {}{more}", counted(others.len(), "other character"), named.join(", "))
}

/// So many characters are named.
const MOST_NAMED: usize = 10;

/// Whether every second character is a space, and no other: characters as tokens.
pub(super) fn is_spaced_out(line: &str) -> bool {
    line.contains(' ') && line.trim_end().chars().enumerate().all(|(at, c)| (at % 2 == 1) == (c == ' '))
}

/// How to remove what is beside an item's labels, where each line has a name before or behind them: `line` is one of `all`.
fn name_beside_text(line: &str, all: &str, split: LabelSplit, alphabet: &Alphabet) -> Option<&'static str> {
    if split == LabelSplit::Tokens {
        return None;
    }
    let fits = |text: &str| alphabet.encode(text.trim(), split, None).is_ok();
    let is_token = |text: &str| alphabet.tokens().iter().any(|token| token == text);
    let lines = || lines_of(all).filter(|line| !line.trim().is_empty());
    if let Some((front, end)) = line.split_once('\t').filter(|_| !is_token("\t")) {
        let how = match (fits(front), fits(end)) {
            (true, true) if end.is_empty() => "the tab at its end with cut -f1",
            (_, true) if !end.is_empty() => "its name with cut -f2",
            (true, _) => "what is behind it with cut -f1",
            _ => return None,
        };
        return lines().all(|line| line.contains('\t')).then_some(how);
    }
    let at = line.find([' ', ',', '|'])?;
    let how = match line.as_bytes()[at] {
        b',' => "its name with cut -d, -f2-",
        b'|' => "its name with cut -d'|' -f2-",
        // An empty text may have no space before it.
        _ => "its name with sed 's/^[^ ]* *//'",
    };
    // A text may begin with a number, but hardly each, and each with another.
    let name_of = |line: &'_ str| line.split([' ', ',', '|']).next().unwrap_or_default().to_owned();
    let names: Vec<String> = lines().map(name_of).collect();
    let distinct: HashSet<&String> = names.iter().collect();
    let digits = |name: &str| name.chars().filter(char::is_ascii_digit).count();
    let may_be = |name: &String| digits(name) > 0 && !fits(name);
    let is_path = |name: &str| name.contains(['_', '/', '.']) || digits(name) >= 5;
    let are_names = distinct.len() == names.len()
        && names.iter().all(may_be)
        && (names.len() > 1 || names.first().is_some_and(|name| is_path(name)));
    (are_names && fits(&line[at + 1..])).then_some(how)
}

/// Whether the characters of a text are in the alphabet, but for upper and lower case.
fn in_other_case(text: &str, alphabet: &Alphabet) -> bool {
    let fits = |text: &str| alphabet.encode(text, LabelSplit::Chars, None).is_ok();
    fits(&text.to_uppercase()) || fits(&text.to_lowercase())
}

/// The token that stands for what is not in the alphabet, by its name.
fn unknown_token(tokens: &[String]) -> Option<&str> {
    const NAMES: [&str; 4] = ["<unk>", "[unk]", "unk", "\u{2047}"];
    tokens.iter().map(String::as_str).find(|token| NAMES.contains(&token.to_lowercase().as_str()))
}

/// The token that is a text but for upper and lower case.
fn other_case<'a>(text: &str, tokens: &'a [String]) -> Option<&'a str> {
    let folded = text.to_lowercase();
    tokens.iter().map(String::as_str).find(|token| token.to_lowercase() == folded)
}

/// Where a number of a line is.
fn place_in_line(line: usize, content: &str, position: usize) -> Place {
    let place = Place::whole().at("item", line).at("line", line + 1);
    match words(content).nth(position) {
        Some((column, _)) => place.at("column", column),
        None => place,
    }
}
