//! Rows one after another: a register holds values of one row.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use super::reduction::{Reduction, add_to};
use super::{DEPTH, LANES, SIDE_BY_SIDE, Side};
use crate::kernel::ahead::Ahead;
use crate::kernel::fetch::fetch;
use crate::kernel::registers::RowSum;

/// Values that are looked at in one step.
const STEP: usize = SIDE_BY_SIDE * LANES;

/// The registers of `values`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn load(values: &[f32; STEP]) -> Side {
    let mut registers = [_mm256_setzero_ps(); SIDE_BY_SIDE];
    for (register, chunk) in registers.iter_mut().zip(values.as_chunks::<LANES>().0) {
        // SAFETY: loads the eight values of the chunk.
        *register = unsafe { _mm256_loadu_ps(chunk.as_ptr()) };
    }
    registers
}

/// Fewer than [`STEP`] values and then `-inf`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn load_rest(values: &[f32]) -> Side {
    const MASK: [i32; 2 * LANES] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut registers = [_mm256_set1_ps(f32::NEG_INFINITY); SIDE_BY_SIDE];
    for (register, some) in registers.iter_mut().zip(values.chunks(LANES)) {
        let mask = MASK[LANES - some.len()..].as_ptr();
        // SAFETY: there are eight numbers from there on, and as many of them say that a value is to be read as there
        // are.
        unsafe {
            let mask = _mm256_loadu_si256(mask.cast());
            let some = _mm256_maskload_ps(some.as_ptr(), mask);
            *register = _mm256_blendv_ps(*register, some, _mm256_castsi256_ps(mask));
        }
    }
    registers
}

/// See [`crate::kernel::registers::Registers::max_of`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn max_of(values: &[f32]) -> f32 {
    let mut max = [_mm256_set1_ps(f32::NEG_INFINITY); SIDE_BY_SIDE];
    let (steps, rest) = values.as_chunks::<STEP>();
    for step in steps {
        for (max, x) in max.iter_mut().zip(load(step)) {
            // Not NaN, for that is the first.
            *max = _mm256_max_ps(x, *max);
        }
    }
    for (max, x) in max.iter_mut().zip(load_rest(rest)) {
        *max = _mm256_max_ps(x, *max);
    }
    let max = _mm256_max_ps(max[0], max[1]);
    let max = _mm_max_ps(_mm256_castps256_ps128(max), _mm256_extractf128_ps::<1>(max));
    let max = _mm_max_ps(max, _mm_movehl_ps(max, max));
    _mm_cvtss_f32(_mm_max_ss(max, _mm_movehdup_ps(max)))
}

/// See [`crate::kernel::registers::Registers::sums_of`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn sums_of(values: &[f32], max: f32, ahead: Ahead) -> RowSum {
    let reduction = Reduction::new(_mm256_set1_ps(max));
    let mut above = _mm256_setzero_si256();
    let mut totals = [_mm256_setzero_pd(); 2];
    let (runs, rest) = values.as_chunks::<{ DEPTH * STEP }>();
    for (number, run) in runs.iter().enumerate() {
        let ahead = ahead.of(number * DEPTH * STEP);
        let mut sum = _mm256_setzero_ps();
        for step in run.as_chunks::<STEP>().0 {
            fetch(step, ahead);
            sum = _mm256_add_ps(sum, reduction.sum(load(step), &mut above));
        }
        add_to(&mut totals, sum);
    }
    let mut sum = _mm256_setzero_ps();
    let (steps, last) = rest.as_chunks::<STEP>();
    for step in steps {
        fetch(step, ahead.of(values.len() - rest.len()));
        sum = _mm256_add_ps(sum, reduction.sum(load(step), &mut above));
    }
    if !last.is_empty() {
        sum = _mm256_add_ps(sum, reduction.sum(load_rest(last), &mut above));
    }
    add_to(&mut totals, sum);
    let lanes = values.len().next_multiple_of(STEP) as i32;
    let total = _mm256_add_pd(totals[0], totals[1]);
    let total = _mm_add_pd(_mm256_castpd256_pd128(total), _mm256_extractf128_pd::<1>(total));
    let above = _mm_add_epi32(_mm256_castsi256_si128(above), _mm256_extracti128_si256::<1>(above));
    let above = _mm_add_epi32(above, _mm_shuffle_epi32::<0b01_00_11_10>(above));
    let above = _mm_add_epi32(above, _mm_shuffle_epi32::<0b10_11_00_01>(above));
    RowSum {
        n: _mm256_cvtss_f32(reduction.n),
        sum: _mm_cvtsd_f64(_mm_add_sd(total, _mm_unpackhi_pd(total, total))),
        ties: (lanes + _mm_cvtsi128_si32(above)) as f32,
    }
}
