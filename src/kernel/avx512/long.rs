//! Rows one after another: a register holds values of one row.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use super::reduction::Reduction;
use super::{LANES, SIDE_BY_SIDE, Side};
use crate::kernel::ahead::Ahead;
use crate::kernel::fetch::fetch;
use crate::kernel::registers::RowSum;

/// Values that are looked at in one step.
const STEP: usize = SIDE_BY_SIDE * LANES;

/// The registers of `values`, and those of as many values `ahead` of them on their way into the cache.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn load(values: &[f32; STEP], ahead: usize) -> Side {
    let mut registers = [_mm512_setzero_ps(); SIDE_BY_SIDE];
    for (register, chunk) in registers.iter_mut().zip(values.as_chunks::<LANES>().0) {
        fetch(chunk, ahead);
        // SAFETY: loads the sixteen values of the chunk.
        *register = unsafe { _mm512_loadu_ps(chunk.as_ptr()) };
    }
    registers
}

/// Fewer than [`STEP`] values and then `-inf`.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn load_rest(values: &[f32]) -> Side {
    let mask = (1_u64 << values.len()) - 1;
    let mut registers = [_mm512_set1_ps(f32::NEG_INFINITY); SIDE_BY_SIDE];
    for (i, register) in registers.iter_mut().enumerate() {
        let lanes = (mask >> (i * LANES)) as u16;
        let from = values.as_ptr().wrapping_add(i * LANES);
        // SAFETY: the mask has a bit for each value of the slice; nothing else is read.
        *register = unsafe { _mm512_mask_loadu_ps(*register, lanes, from) };
    }
    registers
}

/// See [`crate::kernel::registers::Registers::max_of`].
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn max_of(values: &[f32]) -> f32 {
    let (steps, rest) = values.as_chunks::<STEP>();
    let mut max = load_rest(rest);
    for max in &mut max {
        // Not NaN, for that is the first.
        *max = _mm512_max_ps(*max, _mm512_set1_ps(f32::NEG_INFINITY));
    }
    for step in steps {
        for (max, chunk) in max.iter_mut().zip(step.as_chunks::<LANES>().0) {
            // SAFETY: reads the sixteen values of the chunk.
            *max = _mm512_max_ps(unsafe { _mm512_loadu_ps(chunk.as_ptr()) }, *max);
        }
    }
    _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(max[0], max[1]), _mm512_max_ps(max[2], max[3])))
}

/// See [`crate::kernel::registers::Registers::sums_of`].
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn sums_of(values: &[f32], max: f32, ahead: Ahead) -> RowSum {
    let reduction = Reduction::new(_mm512_set1_ps(max));
    let mut ties = _mm512_setzero_ps();
    let mut totals = [_mm512_setzero_pd(); 2];
    let (steps, rest) = values.as_chunks::<STEP>();
    for (number, step) in steps.iter().enumerate() {
        reduction.add(load(step, ahead.of(number * STEP)), &mut totals, &mut ties);
    }
    if !rest.is_empty() {
        reduction.add(load_rest(rest), &mut totals, &mut ties);
    }
    RowSum {
        n: _mm512_cvtss_f32(reduction.n),
        sum: _mm512_reduce_add_pd(_mm512_add_pd(totals[0], totals[1])),
        ties: _mm512_reduce_add_ps(ties),
    }
}
