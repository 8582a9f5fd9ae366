//! Half precision, widened to single.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use super::LANES;
use crate::kernel::instruction_set::Avx512;

/// See [`crate::kernel::widen_halves`].
pub(in crate::kernel) fn widen_halves(_: Avx512, halves: &[[u8; 2]], out: &mut [f32]) {
    // SAFETY: there is an `Avx512` only where the machine has the instructions of this function.
    unsafe { widen(halves, out) }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn widen(halves: &[[u8; 2]], out: &mut [f32]) {
    let (steps, rest) = halves.as_chunks::<LANES>();
    let (wide, wide_rest) = out.as_chunks_mut::<LANES>();
    for (step, wide) in steps.iter().zip(wide) {
        *wide = widen_step(step);
    }
    let mut last = [[0; 2]; LANES];
    last[..rest.len()].copy_from_slice(rest);
    wide_rest.copy_from_slice(&widen_step(&last)[..wide_rest.len()]);
}

#[inline]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn widen_step(step: &[[u8; 2]; LANES]) -> [f32; LANES] {
    let mut wide = [0.0; LANES];
    // SAFETY: both arrays are as long as what is read and written, at any place.
    unsafe {
        let halves = _mm256_loadu_si256(step.as_ptr().cast());
        _mm512_storeu_ps(wide.as_mut_ptr(), _mm512_cvtph_ps(halves));
    }
    wide
}
