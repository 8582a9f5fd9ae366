//! What can be written with an alphabet.

use super::spelling::Spelling;
use crate::lm::{TreeWord, WordTree};

/// The texts of an alphabet's tokens, to tell whether a word can be written with them at all.
#[derive(Clone, Debug)]
pub struct TokenTexts(Texts);

#[derive(Clone, Debug)]
enum Texts {
    Names {
        tree: WordTree,
        /// Whether an ASCII character is one of them.
        ascii: Box<[bool]>,
    },
    /// Class indices below `classes`, however many a file claims.
    Indices { classes: u32, blank: u32 },
}

impl TokenTexts {
    /// The texts of all classes below `classes` except the blank.
    pub fn new(spelling: &Spelling, classes: u32, blank: u32) -> Self {
        if !spelling.has_names() {
            return Self(Texts::Indices { classes, blank });
        }
        let tokens = (0..classes).filter(|&class| class != blank);
        let pieces: Vec<_> = tokens.flat_map(|class| spelling.pieces(class)).collect();
        let tree = WordTree::new(pieces.iter().map(|piece| TreeWord { text: &piece.text, known: None }));
        let is_token = |byte| tree.step(WordTree::ROOT, &[byte]).is_some_and(|node| tree.ends(node));
        let ascii = (0..128).map(is_token).collect();
        Self(Texts::Names { tree, ascii })
    }

    /// Whether `word` is a concatenation of tokens, without regard to where in a word they may stand.
    pub fn can_write(&self, word: &str) -> bool {
        // Most alphabets have each character of most words.
        if let Texts::Names { ascii, .. } = &self.0
            && word.bytes().all(|byte| ascii.get(usize::from(byte)) == Some(&true))
        {
            return true;
        }
        // By byte: whether what is before it can be written.
        let mut written = vec![false; word.len() + 1];
        written[0] = true;
        for start in 0..word.len() {
            if written[start] {
                self.for_each_beginning(&word.as_bytes()[start..], |length| written[start + length] = true);
            }
        }
        written[word.len()]
    }

    /// The lengths of the tokens that a text begins with.
    fn for_each_beginning(&self, text: &[u8], visit: impl FnMut(usize)) {
        match &self.0 {
            Texts::Names { tree, .. } => tree.beginnings(text).for_each(visit),
            Texts::Indices { classes, blank } => {
                let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
                // No index begins with a zero but 0.
                let most = if text.first() == Some(&b'0') { 1 } else { u32::MAX.ilog10() as usize + 1 };
                let is_token = |&length: &usize| {
                    let index = std::str::from_utf8(&text[..length]).ok().and_then(|text| text.parse().ok());
                    index.is_some_and(|index: u32| index < *classes && index != *blank)
                };
                (1..=digits.min(most)).filter(is_token).for_each(visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::spelling::WordDelimiter;

    #[test]
    fn words_are_written_with_tokens_of_any_length() {
        let names = ["blank", "a", "ß", "bc", "▁中", " ", ""].map(str::to_owned).to_vec();
        let spelling = Spelling::new(names, WordDelimiter::Prefix("▁".to_owned()));
        let texts = TokenTexts::new(&spelling, 7, 0);
        for word in ["", "a", "aa", "abc", "bcß中a", "中中"] {
            assert!(texts.can_write(word), "{word}");
        }
        for word in ["b", "c", "ab", "blank", "A", "a中文", "ß́"] {
            assert!(!texts.can_write(word), "{word}");
        }
    }
    #[test]
    fn indices_are_written_as_by_their_names() {
        for (classes, blank) in [(1, 0), (3, 1), (11, 0), (12, 5), (130, 12), (1000, 999)] {
            let names = (0..classes).map(|class: u32| class.to_string()).collect();
            let by_name = TokenTexts::new(&Spelling::new(names, WordDelimiter::None), classes, blank);
            let by_index = TokenTexts::new(&Spelling::indices(), classes, blank);
            for word in (0..2000).map(|number: u32| number.to_string()) {
                assert_eq!(
                    by_index.can_write(&word),
                    by_name.can_write(&word),
                    "{word} of {classes}, {blank}"
                );
            }
        }
        let all = TokenTexts::new(&Spelling::indices(), u32::MAX, 0);
        assert!(all.can_write("4294967294") && all.can_write("42949672950") && !all.can_write("01"));
        assert!(!all.can_write("a1") && !all.can_write("0") && all.can_write(""));
    }
}
