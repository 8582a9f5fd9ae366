//! Rows one after another: a register holds values of one row.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use super::reduction::{Reduction, Sums, log_unit};
use super::{DEPTH, Group, LANES, Registers, SIDE_BY_SIDE};
use crate::kernel::instruction_set::Avx512;
use crate::kernel::lanes::exp;
use crate::kernel::log_sum_exp::LogSumExp;
use crate::kernel::rows::Rows;
use crate::kernel::single::{self, LARGE, RowSums};

/// Values that are looked at twice in one go: with as many that are fetched meanwhile, they stay in the
/// first-level cache.
pub(super) const BLOCK: usize = 2048;
/// Values that are looked at in one step.
const STEP: usize = SIDE_BY_SIDE * LANES;

/// Rows of one block each.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn of_rows<const ROWS: usize>(rows: Rows<'_, f32>, out: &mut [LogSumExp]) {
    let mut group = Group::<ROWS>::EMPTY;
    // In a later row, where rows do not follow each other.
    let apart = rows.stride() > rows.classes();
    let beyond = if apart { (BLOCK / rows.classes()) * rows.stride() } else { BLOCK };
    let ahead = Ahead { within: 0, beyond };
    for (rows, out) in rows.chunks(ROWS).zip(out.chunks_mut(ROWS)) {
        for (i, row) in rows.iter().enumerate() {
            group.max[i] = max_of(row);
            let reduction = Reduction::new(_mm512_set1_ps(group.max[i]));
            group.n[i] = _mm512_cvtss_f32(reduction.n);
            (group.sum[i], group.ties[i]) = sum_of(row, ahead, &reduction);
        }
        group.finish(rows, out);
    }
}

/// The blocks of a longer row, where the machine has the instructions.
#[derive(Clone, Copy)]
pub(super) struct InRegisters {
    #[allow(dead_code)]
    pub(super) instructions: Avx512,
    /// Values between two rows.
    pub(super) gap: usize,
}

/// How far behind the values that are looked at those are that are fetched meanwhile.
#[derive(Clone, Copy)]
struct Ahead {
    /// [`BLOCK`] behind so many of the first values there are more of the same row.
    within: usize,
    /// How far it is for the others.
    beyond: usize,
}

impl Ahead {
    #[inline(always)]
    fn of(self, place: usize) -> usize {
        if place < self.within { BLOCK } else { self.beyond }
    }
}

impl RowSums for InRegisters {
    const BLOCK: usize = BLOCK;

    #[inline(always)]
    fn max_of(self, block: &[f32]) -> f32 {
        // SAFETY: there is an `Avx512` only where the machine has the instructions.
        unsafe { max_of(block) }
    }

    #[inline(always)]
    fn sum_of(self, block: &[f32], max: f32, rest: usize) -> (f64, f64) {
        if max.abs() >= LARGE {
            return single::sum_of::<true>(block, max);
        }
        // SAFETY: as above.
        let (n, sum, ties) = unsafe {
            let reduction = Reduction::new(_mm512_set1_ps(max));
            let ahead = Ahead { within: rest.saturating_sub(BLOCK), beyond: BLOCK + self.gap };
            let (sum, ties) = sum_of(block, ahead, &reduction);
            (_mm512_cvtss_f32(reduction.n), sum, ties)
        };
        (sum * exp::<true>(log_unit(max, n)), f64::from(ties))
    }
}

/// The registers of `values`, and those of as many values `ahead` of them on their way into the cache.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn load(values: &[f32; STEP], ahead: usize) -> Registers {
    let mut registers = [_mm512_setzero_ps(); SIDE_BY_SIDE];
    for (register, chunk) in registers.iter_mut().zip(values.as_chunks::<LANES>().0) {
        let from = chunk.as_ptr();
        // SAFETY: loads the sixteen values of the chunk. What is fetched may be any address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(ahead).cast());
            *register = _mm512_loadu_ps(from);
        }
    }
    registers
}

/// Fewer than [`STEP`] values and then `-inf`.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn load_rest(values: &[f32]) -> Registers {
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

/// The largest value but for NaN; `-inf` where there is none.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn max_of(values: &[f32]) -> f32 {
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

/// The sum of what is below the maximum, in the unit of [`log_unit`], and how often the maximum is there.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn sum_of(values: &[f32], ahead: Ahead, reduction: &Reduction) -> (f64, f32) {
    let mut ties = _mm512_setzero_ps();
    let mut totals = [_mm512_setzero_pd(); 2];
    let (runs, rest) = values.as_chunks::<{ DEPTH * STEP }>();
    for (number, run) in runs.iter().enumerate() {
        let ahead = ahead.of(number * DEPTH * STEP);
        let mut sums = Sums::zero();
        for step in run.as_chunks::<STEP>().0 {
            reduction.add(load(step, ahead), &mut sums, &mut ties);
        }
        sums.add_to(&mut totals);
    }
    let mut sums = Sums::zero();
    let (steps, rest) = rest.as_chunks::<STEP>();
    for step in steps {
        reduction.add(load(step, ahead.beyond), &mut sums, &mut ties);
    }
    if !rest.is_empty() {
        reduction.add(load_rest(rest), &mut sums, &mut ties);
    }
    sums.add_to(&mut totals);
    (_mm512_reduce_add_pd(_mm512_add_pd(totals[0], totals[1])), _mm512_reduce_add_ps(ties))
}
