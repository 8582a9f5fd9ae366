//! Untrusted text in messages.

use std::borrow::Cow;

/// Characters of a text that are shown.
const MOST: usize = 40;

/// The digits of a number, or the first of them.
pub(crate) fn cut(digits: &str) -> String {
    match digits.char_indices().nth(MOST) {
        None => digits.to_owned(),
        Some((end, _)) => format!("{}…", &digits[..end]),
    }
}

/// A short form of untrusted text for a message: no control characters, no more than a few words.
pub(crate) fn shown(text: &str) -> String {
    let short = text.chars().take(MOST);
    // Without control characters a backslash and quotes are what they are.
    let is_plain = |c: char| matches!(c, '\\' | '"' | '\'') || c.escape_debug().count() == 1;
    let mut short: String = if short.clone().all(is_plain) {
        short.collect()
    } else {
        short.flat_map(char::escape_debug).collect()
    };
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    format!("'{short}'")
}

/// A word of a command line that a message shows, as a shell takes it for one word.
pub(crate) fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}

/// Numbers with commas between them, the first few.
pub(crate) fn listed<T: ToString>(numbers: &[T], most: usize) -> String {
    let shown: Vec<String> = numbers.iter().take(most).map(ToString::to_string).collect();
    format!("{}{}", shown.join(", "), if numbers.len() > most { ", …" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_control_characters_are_escaped() {
        for (text, expected) in [
            (r"\end\", r"'\end\'"),
            (r#"{'descr': "a"}"#, r#"'{'descr': "a"}'"#),
            ("a\tb", r"'a\tb'"),
            ("\\\t", r"'\\\t'"),
            ("\u{1b}[2J", r"'\u{1b}[2J'"),
            ("\u{202e}x", r"'\u{202e}x'"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn a_shell_takes_what_is_quoted_for_one_word() {
        for (word, shown) in [
            ("a/b-1.txt", "a/b-1.txt"),
            ("", "''"),
            ("a b", "'a b'"),
            ("x'; touch y; echo '", r"'x'\''; touch y; echo '\'''"),
            ("$(id)", "'$(id)'"),
        ] {
            assert_eq!(quoted(word), shown);
        }
    }
}
