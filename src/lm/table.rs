//! Tables that are much larger than a cache.

use std::hash::{BuildHasher, RandomState};

use bytemuck::Pod;

use crate::kernel::{fetch_one, zeros};

/// Entries of so many numbers: their key, and behind it a value, which is never 0. Open addressing, so that a look at
/// one mostly goes to one line of memory.
///
/// Where an entry is asked for, the value that is given with its key does not matter. Keys may be equal of entries that
/// are not: then the value tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Table<const NUMBERS: usize> {
    /// A power of two long, or empty. A value of 0 is that of a free place.
    slots: Vec<[u32; NUMBERS]>,
    len: usize,
    hash: Hash,
}

const FEWEST_SLOTS: usize = 64;

impl<const NUMBERS: usize> Table<NUMBERS>
where
    [u32; NUMBERS]: Pod,
{
    const VALUE: usize = NUMBERS - 1;

    /// The value of the entry with this key of whose value `is_it` holds.
    #[inline]
    pub(super) fn get(&self, entry: [u32; NUMBERS], is_it: impl Fn(u32) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let value = self.slots[self.slot(&entry, is_it)][Self::VALUE];
        (value != 0).then_some(value)
    }

    /// Adds an entry; false where one with this key is there of whose value `is_it` holds.
    pub(super) fn insert(&mut self, entry: [u32; NUMBERS], is_it: impl Fn(u32) -> bool) -> bool {
        if 3 * self.len >= 2 * self.slots.len() {
            self.grow();
        }
        let slot = self.slot(&entry, is_it);
        let is_new = self.slots[slot][Self::VALUE] == 0;
        if is_new {
            self.slots[slot] = entry;
            self.len += 1;
        }
        is_new
    }

    /// All entries.
    pub(super) fn iter(&self) -> impl Iterator<Item = [u32; NUMBERS]> {
        self.slots.iter().copied().filter(|slot| slot[Self::VALUE] != 0)
    }

    /// Has the place of an entry that will be asked for on its way into the cache.
    #[inline]
    pub(super) fn fetch(&self, entry: [u32; NUMBERS]) {
        if let Some(slot) = self.slots.get(self.first_slot(&entry)) {
            fetch_one(slot);
        }
    }

    /// The hash of keys, for what is to be part of one.
    pub(super) fn hash(&self) -> Hash {
        self.hash
    }

    /// Where an entry is if no other is there.
    #[inline]
    fn first_slot(&self, entry: &[u32; NUMBERS]) -> usize {
        let pairs = entry[..Self::VALUE].chunks(2).map(|pair| match *pair {
            [a, b] => u64::from(a) << 32 | u64::from(b),
            _ => u64::from(pair[0]),
        });
        let hash = pairs.fold(0, |hash, pair| self.hash.of(hash ^ pair));
        hash as usize & self.slots.len().wrapping_sub(1)
    }

    /// Where an entry is, or the free place that it would get.
    #[inline]
    fn slot(&self, entry: &[u32; NUMBERS], is_it: impl Fn(u32) -> bool) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = self.first_slot(entry);
        loop {
            let found = &self.slots[slot];
            let value = found[Self::VALUE];
            if value == 0 || found[..Self::VALUE] == entry[..Self::VALUE] && is_it(value) {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let larger = zeros((2 * self.slots.len()).max(FEWEST_SLOTS));
        for entry in std::mem::replace(&mut self.slots, larger) {
            if entry[Self::VALUE] != 0 {
                // No two of them are one.
                let slot = self.slot(&entry, |_| false);
                self.slots[slot] = entry;
            }
        }
    }
}

/// A function of a number of which each bit depends on all of the number's: a product, folded. Another one for each
/// table, so that nobody can make a file whose words or n-grams all lie in one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash {
    add: u64,
    times: u64,
}

impl Hash {
    #[inline]
    pub(super) fn of(self, number: u64) -> u64 {
        let product = u128::from(number ^ self.add) * u128::from(self.times);
        (product ^ product >> 64) as u64
    }
}

impl Default for Hash {
    fn default() -> Self {
        let random = RandomState::new();
        // An even factor would lose a bit.
        Self { add: random.hash_one(0), times: random.hash_one(1) | 1 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn each_is_found_and_no_other() {
        let mut table = Table::<3>::default();
        let mut known = HashMap::new();
        assert_eq!(table.get([1, 0, 0], |_| true), None);
        for step in 0_u32..5000 {
            let (node, word) = (1 + step % 71, step.wrapping_mul(0x9e37_79b9) >> 21);
            let is_new = !known.contains_key(&(node, word));
            assert_eq!(table.insert([node, word, 1 + step], |_| true), is_new);
            known.entry((node, word)).or_insert(1 + step);
        }
        for node in 0..75 {
            for word in 0..2100 {
                assert_eq!(table.get([node, word, 0], |_| true), known.get(&(node, word)).copied());
            }
        }
        let all: HashMap<_, _> = table.iter().map(|[node, word, child]| ((node, word), child)).collect();
        assert_eq!(all, known);
    }

    #[test]
    fn entries_of_one_key_are_told_by_their_values() {
        let mut table = Table::<4>::default();
        for value in 1..200 {
            assert!(table.insert([7, 8, 9, value], |found| found == value));
            assert!(!table.insert([7, 8, 9, value], |found| found == value));
        }
        for value in 0..201 {
            let expected = Some(value).filter(|value| (1..200).contains(value));
            assert_eq!(table.get([7, 8, 9, 0], |found| found == value), expected);
        }
    }
}
