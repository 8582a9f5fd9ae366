//! The longer n-grams by what they continue.

use crate::kernel::{fetch_one, zeros};
use crate::lm::hash::Hash;

/// N-grams of two or more words by the node of all but the last, and that word: open addressing, so that a look at one
/// mostly goes to one line of a table that is much larger than a cache.
#[derive(Clone, Debug, Default)]
pub(super) struct Children {
    /// What is continued, the word and the n-gram's own node; a power of two long, or empty. [`FREE`] is no n-gram's
    /// node.
    slots: Vec<[u32; 3]>,
    len: usize,
    hash: Hash,
}

/// The node of no words, which continues none.
const FREE: u32 = super::EMPTY;

const FEWEST_SLOTS: usize = 64;

impl Children {
    /// The n-gram that continues `node` by `word`.
    #[inline]
    pub(super) fn get(&self, node: u32, word: u32) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let [.., child] = self.slots[self.slot(node, word)];
        (child != FREE).then_some(child)
    }

    /// Adds an n-gram; false where it is there already.
    pub(super) fn insert(&mut self, node: u32, word: u32, child: u32) -> bool {
        if 3 * self.len >= 2 * self.slots.len() {
            self.grow();
        }
        let slot = self.slot(node, word);
        let is_new = self.slots[slot][2] == FREE;
        if is_new {
            self.slots[slot] = [node, word, child];
            self.len += 1;
        }
        is_new
    }

    /// All n-grams, each with what it continues and its last word.
    pub(super) fn iter(&self) -> impl Iterator<Item = [u32; 3]> {
        self.slots.iter().copied().filter(|&[.., child]| child != FREE)
    }

    /// Has the place of an n-gram that will be looked at on its way into the cache.
    #[inline]
    pub(super) fn fetch(&self, node: u32, word: u32) {
        if let Some(slot) = self.slots.get(self.first_slot(node, word)) {
            fetch_one(slot);
        }
    }

    /// Where an n-gram is if no other is there.
    #[inline]
    fn first_slot(&self, node: u32, word: u32) -> usize {
        self.hash.of(u64::from(node) << 32 | u64::from(word), 0) as usize & self.slots.len().wrapping_sub(1)
    }

    /// Where an n-gram is, or would be.
    #[inline]
    fn slot(&self, node: u32, word: u32) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = self.first_slot(node, word);
        loop {
            let [other, last, child] = self.slots[slot];
            if child == FREE || (other, last) == (node, word) {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let larger = zeros((2 * self.slots.len()).max(FEWEST_SLOTS));
        for [node, word, child] in std::mem::replace(&mut self.slots, larger) {
            if child != FREE {
                let slot = self.slot(node, word);
                self.slots[slot] = [node, word, child];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn each_is_found_and_no_other() {
        let mut children = Children::default();
        let mut known = HashMap::new();
        assert_eq!(children.get(1, 0), None);
        for step in 0_u32..5000 {
            let (node, word) = (1 + step % 71, step.wrapping_mul(0x9e37_79b9) >> 21);
            let is_new = !known.contains_key(&(node, word));
            assert_eq!(children.insert(node, word, 1 + step), is_new);
            known.entry((node, word)).or_insert(1 + step);
        }
        for node in 0..75 {
            for word in 0..2100 {
                assert_eq!(children.get(node, word), known.get(&(node, word)).copied());
            }
        }
        let all: HashMap<_, _> = children.iter().map(|[node, word, child]| ((node, word), child)).collect();
        assert_eq!(all, known);
    }
}
