//! Sums compared eight at a time: the compiler does not make a mask's bits of eight comparisons.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use super::LANES;
use crate::kernel::instruction_set::Avx2;

/// See [`crate::kernel::reaching`].
pub(in crate::kernel) fn reaching(_: Avx2, a: &[f32], b: &[f32], bar: f32, out: &mut [u64]) {
    // SAFETY: there is an `Avx2` only where the machine has these instructions.
    unsafe { run(a, b, bar, out) }
}

#[target_feature(enable = "avx2,fma")]
fn run(a: &[f32], b: &[f32], bar: f32, out: &mut [u64]) {
    const WORD: usize = u64::BITS as usize;
    for ((a, b), word) in a.chunks(WORD).zip(b.chunks(WORD)).zip(out) {
        *word = 0;
        let (a_chunks, a_rest) = a.as_chunks::<LANES>();
        let (b_chunks, b_rest) = b.as_chunks::<LANES>();
        for (number, (a, b)) in a_chunks.iter().zip(b_chunks).enumerate() {
            // SAFETY: reads eight values of each.
            let (a, b) = unsafe { (_mm256_loadu_ps(a.as_ptr()), _mm256_loadu_ps(b.as_ptr())) };
            let reach = _mm256_cmp_ps::<_CMP_GE_OQ>(_mm256_add_ps(a, b), _mm256_set1_ps(bar));
            *word |= u64::from(_mm256_movemask_ps(reach) as u8) << (number * LANES);
        }
        for (i, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
            *word |= u64::from(a + b >= bar) << (a_chunks.len() * LANES + i);
        }
    }
}
