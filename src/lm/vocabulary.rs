//! Words as small integers.

use super::hash::Hash;
use crate::kernel::{fetch_one, zeros};

/// Distinct words, numbered in the order in which they came; their texts lie one behind another.
#[derive(Clone, Debug, Default)]
pub(super) struct Vocabulary {
    text: String,
    /// Where each word's text ends.
    ends: Vec<usize>,
    /// Open addressing; a power of two long, or empty.
    slots: Vec<Slot>,
    hash: Hash,
}

/// A word's [`Key`], and behind it the word's number and one more: 0 is none.
type Slot = [u32; KEY + 1];

/// What tells words apart without a look at their texts, if those are short: their bytes, some of them twice, and the
/// number of them; of others a hash.
type Key = [u32; KEY];

const KEY: usize = 3;
/// Bytes of a text that a key can tell from all others.
const SHORT: usize = 11;
/// Instead of a number of bytes.
const LONG: u32 = u32::MAX;

const FEWEST_SLOTS: usize = 64;

impl Vocabulary {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn text(&self, word: u32) -> &str {
        let word = word as usize;
        let start = if word == 0 { 0 } else { self.ends[word - 1] };
        &self.text[start..self.ends[word]]
    }

    pub(super) fn get(&self, text: &str) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let [.., next] = self.slots[self.slot(text, self.key_of(text))];
        next.checked_sub(1)
    }

    /// Has the place of a word that will be asked for on its way into the cache.
    pub(super) fn fetch(&self, text: &str) {
        if let Some(slot) = self.slots.get(self.hash_of(self.key_of(text))) {
            fetch_one(slot);
        }
    }

    /// The number of a word that is not there yet; `None` where it is.
    pub(super) fn insert(&mut self, text: &str) -> Option<u32> {
        if 3 * self.len() >= 2 * self.slots.len() {
            self.grow();
        }
        let key @ [a, b, c] = self.key_of(text);
        let slot = self.slot(text, key);
        if !is_free(self.slots[slot]) {
            return None;
        }
        let word = self.len() as u32;
        self.slots[slot] = [a, b, c, word + 1];
        self.text.push_str(text);
        self.ends.push(self.text.len());
        Some(word)
    }

    fn key_of(&self, text: &str) -> Key {
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
                let hash = eights.fold(0, |hash, eight| self.hash.of(hash ^ eight, 0));
                [hash as u32, (hash >> 32) as u32, LONG]
            }
        }
    }

    /// The slot of a key if no other is there.
    fn hash_of(&self, [a, b, c]: Key) -> usize {
        let hash = self.hash.of(u64::from(a) << 32 | u64::from(b), c.into());
        hash as usize & self.slots.len().wrapping_sub(1)
    }

    /// The word's slot, or the free one that it would get.
    fn slot(&self, text: &str, key: Key) -> usize {
        self.first_slot(key, |[a, b, c, next]| {
            [a, b, c] == key && (text.len() <= SHORT || self.text(next - 1) == text)
        })
    }

    /// The first of a key's slots of which something holds, or that is free.
    fn first_slot(&self, key: Key, holds: impl Fn(Slot) -> bool) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = self.hash_of(key);
        while !is_free(self.slots[slot]) && !holds(self.slots[slot]) {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let larger = zeros((2 * self.slots.len()).max(FEWEST_SLOTS));
        for old @ [a, b, c, _] in std::mem::replace(&mut self.slots, larger) {
            if !is_free(old) {
                let slot = self.first_slot([a, b, c], |_| false);
                self.slots[slot] = old;
            }
        }
    }
}

fn is_free([.., next]: Slot) -> bool {
    next == 0
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
