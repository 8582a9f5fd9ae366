//! Where in a table to look first.

use std::hash::{BuildHasher, RandomState};

/// A function of two numbers of which each bit depends on all of theirs: their product, folded. Another one for each
/// table, so that nobody can make a file whose words or n-grams all lie in one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash {
    a: u64,
    b: u64,
}

impl Hash {
    #[inline]
    pub(super) fn of(self, a: u64, b: u64) -> u64 {
        let product = u128::from(a ^ self.a) * u128::from(b ^ self.b);
        (product ^ product >> 64) as u64
    }
}

impl Default for Hash {
    fn default() -> Self {
        let random = RandomState::new();
        Self { a: random.hash_one(0), b: random.hash_one(1) }
    }
}
