//! Words as small integers.

use super::table::Table;

/// Distinct words, numbered in the order in which they came; their texts lie one behind another.
#[derive(Clone, Debug, Default)]
pub(super) struct Vocabulary {
    text: String,
    /// Where each word's text ends.
    ends: Vec<usize>,
    /// Of each word its [`Key`], and the number of the next.
    table: Table<{ KEY + 1 }>,
}

/// What tells words apart without a look at their texts, if those are short: their bytes, some of them twice, and the
/// number of them; of others a hash.
type Key = [u32; KEY];

const KEY: usize = 3;
/// Bytes of a text that a key can tell from all others.
const SHORT: usize = 11;
/// Instead of a number of bytes.
const LONG: u32 = u32::MAX;

impl Vocabulary {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn text(&self, word: u32) -> &str {
        text_of(&self.text, &self.ends, word)
    }

    pub(super) fn get(&self, text: &str) -> Option<u32> {
        let is_it = |next| text.len() <= SHORT || self.text(next - 1) == text;
        self.table.get(self.entry(text, 0), is_it).map(|next| next - 1)
    }

    /// Has the place of a word that will be asked for on its way into the cache.
    pub(super) fn fetch(&self, text: &str) {
        self.table.fetch(self.entry(text, 0));
    }

    /// The number of a word that is not there yet; `None` where it is.
    pub(super) fn insert(&mut self, text: &str) -> Option<u32> {
        let word = self.len() as u32;
        let entry = self.entry(text, word + 1);
        let is_it = |next| text.len() <= SHORT || text_of(&self.text, &self.ends, next - 1) == text;
        if !self.table.insert(entry, is_it) {
            return None;
        }
        self.text.push_str(text);
        self.ends.push(self.text.len());
        Some(word)
    }

    fn entry(&self, text: &str, next: u32) -> [u32; KEY + 1] {
        let [a, b, c] = self.key(text);
        [a, b, c, next]
    }

    fn key(&self, text: &str) -> Key {
        let bytes = text.as_bytes();
        let four = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let len = bytes.len();
        let end = (len as u32) << 24;
        match len {
            0..4 => [bytes.iter().fold(0, |all, &byte| all << 8 | u32::from(byte)), 0, end],
            4..8 => [four(0), four(len - 4), end],
            8..=SHORT => [four(0), four(4), four(len - 4) >> 8 | end],
            _ => {
                let (eights, rest) = bytes.as_chunks::<8>();
                let mut last = [0; 8];
                last[..rest.len()].copy_from_slice(rest);
                let eights = eights.iter().chain([&last]).map(|&eight| u64::from_le_bytes(eight));
                let hash = eights.fold(0, |hash, eight| self.table.hash().of(hash ^ eight));
                [hash as u32, (hash >> 32) as u32, LONG]
            }
        }
    }
}

/// A word's text, of all texts and where each ends.
fn text_of<'a>(text: &'a str, ends: &[usize], word: u32) -> &'a str {
    let word = word as usize;
    let start = if word == 0 { 0 } else { ends[word - 1] };
    &text[start..ends[word]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_are_told_apart() {
        let mut vocabulary = Vocabulary::default();
        assert_eq!(vocabulary.get(""), None);
        let long = "é".repeat(40);
        let texts: Vec<String> = (0..3000_u32)
            .map(|i| match i % 4 {
                0 => i.to_string(),
                1 => long[..2 * (i as usize % 41)].to_owned() + &i.to_string(),
                2 => i.to_string() + &"\0".repeat(i as usize % 7),
                _ => i.to_string() + &long,
            })
            .chain([String::new(), "\0".to_owned()])
            .collect();
        for (number, text) in (0..).zip(&texts) {
            assert_eq!((vocabulary.get(text), vocabulary.insert(text)), (None, Some(number)), "{text:?}");
            assert_eq!(vocabulary.insert(text), None);
        }
        for (number, text) in (0..).zip(&texts) {
            assert_eq!((vocabulary.get(text), vocabulary.text(number)), (Some(number), text.as_str()));
        }
        assert_eq!(vocabulary.len(), texts.len());
    }
}
