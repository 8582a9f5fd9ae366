//! How to go on after a text that is no token of the alphabet: what the line and all others tell.

use std::collections::HashSet;

use crate::decode::spelling::WORD_PIECE_MARK;
use crate::input::alphabet::{Alphabet, LabelSplit};
use crate::input::error::counted;
use crate::input::numbers::{whole_number, words};
use crate::input::text::{lines_of, without_first_word};
use crate::normal_form::{form_hint, form_that_fits};
use crate::shown::{listed, shown};

/// How to go on after a `text` of a line, at a column of it, that is no token; `all` lines may have others.
pub(super) fn token_hint(
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
    let others = lines_of(all).flat_map(str::chars).filter(is_other);
    let others: Vec<String> = others.map(|c| shown(&c.to_string())).collect();
    if others.is_empty() {
        return String::new();
    }
    let count = counted(others.len(), "other character");
    format!("; it also lacks {count}: {}", listed(&others, MOST_NAMED))
}

/// So many characters are named.
const MOST_NAMED: usize = 10;

/// Whether every second character is a space, and no other: characters as tokens.
pub(super) fn is_spaced_out(line: &str) -> bool {
    line.contains(' ') && line.trim_end().chars().enumerate().all(|(at, c)| (at % 2 == 1) == (c == ' '))
}

/// How to remove what is beside an item's labels, where each line has a name before or behind them: `line` is one of `all`.
fn name_beside_text(line: &str, all: &str, split: LabelSplit, alphabet: &Alphabet) -> Option<String> {
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
        return lines().all(|line| line.contains('\t')).then(|| how.to_owned());
    }
    let (at, separator) = line.char_indices().find(|(_, c)| [' ', ',', '|'].contains(c))?;
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
    (are_names && fits(&line[at + 1..])).then(|| format!("its name with {}", without_first_word(separator)))
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
