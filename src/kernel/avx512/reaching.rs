//! Sums compared sixteen at a time: the compiler does not make a mask's bits of sixteen comparisons.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use crate::kernel::instruction_set::Avx512;

/// See [`crate::kernel::reaching`].
pub(in crate::kernel) fn reaching(_: Avx512, a: &[f32], b: &[f32], bar: f32, out: &mut [u64]) {
    // SAFETY: there is an `Avx512` only where the machine has these instructions.
    unsafe { run(a, b, bar, out) }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn run(a: &[f32], b: &[f32], bar: f32, out: &mut [u64]) {
    const LANES: usize = 16;
    const WORD: usize = u64::BITS as usize;
    let bar = _mm512_set1_ps(bar);
    for ((a, b), word) in a.chunks(WORD).zip(b.chunks(WORD)).zip(out) {
        *word = 0;
        let (a_chunks, a_rest) = a.as_chunks::<LANES>();
        let (b_chunks, b_rest) = b.as_chunks::<LANES>();
        for (number, (a, b)) in a_chunks.iter().zip(b_chunks).enumerate() {
            // SAFETY: reads sixteen values of each.
            let (a, b) = unsafe { (_mm512_loadu_ps(a.as_ptr()), _mm512_loadu_ps(b.as_ptr())) };
            let reach = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(_mm512_add_ps(a, b), bar);
            *word |= u64::from(reach) << (number * LANES);
        }
        if !a_rest.is_empty() {
            let lanes = ((1_u32 << a_rest.len().min(b_rest.len())) - 1) as u16;
            // SAFETY: the mask has a bit for each value of both.
            let (a, b) = unsafe {
                (_mm512_maskz_loadu_ps(lanes, a_rest.as_ptr()), _mm512_maskz_loadu_ps(lanes, b_rest.as_ptr()))
            };
            let reach = _mm512_mask_cmp_ps_mask::<_CMP_GE_OQ>(lanes, _mm512_add_ps(a, b), bar);
            *word |= u64::from(reach) << (a_chunks.len() * LANES);
        }
    }
}
