//! Where in a table to look first.

/// A number of which each bit depends on all bits of both: the halves of their product, folded. Constants are odd, of
/// no pattern, and keep small numbers apart.
#[inline]
pub(super) fn hash(a: u64, b: u32) -> usize {
    let product = u128::from(a ^ 0x2d35_8dcc_aa6c_78a5) * u128::from(u64::from(b) ^ 0x8bb8_4b93_962e_acc9);
    (product ^ product >> 64) as usize
}
