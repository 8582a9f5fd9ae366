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
#[inline]
fn run(a: &[f32], b: &[f32], bar: f32, out: &mut [u64]) {
    const WORD: usize = u64::BITS as usize;
    let len = a.len().min(b.len());
    let bars = _mm256_set1_ps(bar);
    let bits = |at: usize| {
        // SAFETY: reads eight values of each from `at` on; below, whole eights before `len`, or the last eight.
        let (a, b) = unsafe { (_mm256_loadu_ps(a.as_ptr().add(at)), _mm256_loadu_ps(b.as_ptr().add(at))) };
        u64::from(_mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(_mm256_add_ps(a, b), bars)) as u8)
    };
    let eights = |first: usize, steps: usize| {
        (0..steps).fold(0, |word, step| word | bits(first + step * LANES) << (step * LANES))
    };
    for (word, first) in out.iter_mut().zip((0..len).step_by(WORD)) {
        if first + WORD <= len {
            // A constant number of steps.
            *word = eights(first, WORD / LANES);
            continue;
        }
        let (steps, rest) = ((len - first) / LANES, len % LANES);
        *word = eights(first, steps);
        if rest > 0 && len >= LANES {
            // The last eight, of which some were looked at before.
            *word |= bits(len - LANES) >> (LANES - rest) << (steps * LANES);
        } else {
            let values = a.iter().zip(b).enumerate().skip(len - rest);
            *word |= values.fold(0, |word, (at, (a, b))| word | u64::from(a + b >= bar) << at);
        }
    }
}
