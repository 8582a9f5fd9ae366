//! What can be written with an alphabet.

use super::spelling::Spelling;
use crate::lm::{TreeWord, WordTree};

/// The texts of an alphabet's tokens, to tell whether a word can be written with them at all.
#[derive(Clone, Debug)]
pub struct TokenTexts {
    texts: WordTree,
    /// Whether an ASCII character is one of them.
    ascii: [bool; 128],
}

impl TokenTexts {
    /// The texts of all classes below `classes` except the blank.
    pub fn new(spelling: &Spelling, classes: u32, blank: u32) -> Self {
        let tokens = (0..classes).filter(|&class| class != blank);
        let pieces: Vec<_> = tokens.flat_map(|class| spelling.pieces(class)).collect();
        let texts = WordTree::new(pieces.iter().map(|piece| TreeWord { text: &piece.text, known: None }));
        let ascii = std::array::from_fn(|byte| {
            texts.step(WordTree::ROOT, &[byte as u8]).is_some_and(|node| texts.ends(node))
        });
        Self { texts, ascii }
    }

    /// Whether `word` is a concatenation of tokens, without regard to where in a word they may stand.
    pub fn can_write(&self, word: &str) -> bool {
        // Most alphabets have each character of most words.
        if word.bytes().all(|byte| self.ascii.get(usize::from(byte)) == Some(&true)) {
            return true;
        }
        // By byte: whether what is before it can be written.
        let mut written = vec![false; word.len() + 1];
        written[0] = true;
        for start in 0..word.len() {
            if written[start] {
                for length in self.texts.beginnings(&word.as_bytes()[start..]) {
                    written[start + length] = true;
                }
            }
        }
        written[word.len()]
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
}
