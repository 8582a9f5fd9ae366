//! Untrusted text in messages.

use std::borrow::Cow;

/// A short form of untrusted text for a message: no control characters, no more than a few words.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let mut short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

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
