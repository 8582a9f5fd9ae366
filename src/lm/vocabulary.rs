//! Words as small integers.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// No word.
const NONE: u32 = u32::MAX;

/// Distinct words, numbered in the order in which they came; their texts lie one behind another.
#[derive(Clone, Debug, Default)]
pub(super) struct Vocabulary {
    text: String,
    /// Where each word's text ends.
    ends: Vec<usize>,
    /// Words by the hash of their text, open addressing; a power of two long.
    slots: Vec<u32>,
}

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
        let word = self.slots[self.slot(text)];
        (word != NONE).then_some(word)
    }

    /// The number of a word that is not there yet; `None` where it is.
    pub(super) fn insert(&mut self, text: &str) -> Option<u32> {
        if self.slots.len() < 2 * (self.len() + 1) {
            self.grow();
        }
        let slot = self.slot(text);
        if self.slots[slot] != NONE {
            return None;
        }
        let word = self.len() as u32;
        self.slots[slot] = word;
        self.text.push_str(text);
        self.ends.push(self.text.len());
        Some(word)
    }

    /// The word's slot, or the empty one that it would get.
    fn slot(&self, text: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut hasher = FxHasher::default();
        hasher.write(text.as_bytes());
        let mut slot = hasher.finish() as usize & mask;
        while self.slots[slot] != NONE && self.text(self.slots[slot]) != text {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let size = (4 * self.slots.len()).max(64);
        self.slots.clear();
        self.slots.resize(size, NONE);
        for word in 0..self.len() as u32 {
            let slot = self.slot(self.text(word));
            self.slots[slot] = word;
        }
    }
}
