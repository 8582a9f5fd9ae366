//! Log-sum-exp of single-precision rows in registers of AVX-512.
//!
//! The same as [`super::single`], up to twice as fast, by what the compiler does not make of lanes: the steps of
//! four registers alternate, so that none waits for its own last result, and powers of two come from a table in a
//! register, so that the series of `exp` can end early.
#![allow(unsafe_code)]

mod exp;
mod gather;
mod long;
mod reaching;
mod reduction;
mod short;

use std::arch::x86_64::{__m512, __m512d};

pub(super) use self::exp::{exp_tile, scaled_columns};
pub(super) use self::gather::ctc_block;
use self::long::InRegisters;
pub(super) use self::reaching::reaching;
use self::reduction::log_unit;
use super::instruction_set::Avx512;
use super::lanes::{exp, ln_1p};
use super::log_sum_exp::LogSumExp;
use super::rows::Rows;
use super::single::{self, LARGE, TOO_SMALL};
use super::tile::{self, Tile};

/// Values of a register.
const LANES: usize = 16;
/// Registers whose steps alternate.
const SIDE_BY_SIDE: usize = 4;
/// Steps whose terms are added in single precision, sixteen a lane; their sums are added in double. Rows come out
/// within 1.8e-7 relative.
const DEPTH: usize = 4;

/// Rows whose logarithms are computed together where there are many: enough that none waits for the last.
const MANY: usize = 4 * LANES;

type Registers = [__m512; SIDE_BY_SIDE];
/// Sums of sixteen lanes.
type Totals = [__m512d; 2];

/// Each of `rows`.
pub(super) fn of_rows(instructions: Avx512, rows: Rows<'_, f32>, out: &mut [LogSumExp]) {
    let classes = rows.classes();
    let (short, few) = (tile::is_worth(out.len(), classes), out.len() <= LANES);
    // SAFETY: there is an `Avx512` only where the machine has the instructions of these functions.
    unsafe {
        match (short, few) {
            (true, true) => short::of_rows::<LANES>(rows, out),
            (true, false) => short::of_rows::<MANY>(rows, out),
            (false, _) if classes > long::BLOCK => {
                let sums = InRegisters { instructions, gap: rows.stride() - classes };
                for (row, out) in rows.iter().zip(out) {
                    *out = single::of_blocks::<true, _>(row, sums);
                }
            }
            (false, true) => long::of_rows::<LANES>(rows, out),
            (false, false) => long::of_rows::<MANY>(rows, out),
        }
    }
}

/// See [`tile::transpose`].
pub(super) fn transpose(_: Avx512, rows: Rows<'_, f32>, tile: &mut Tile<f32>) {
    // SAFETY: there is an `Avx512` only where the machine has the instructions of this function.
    unsafe { short::transpose(rows, tile) }
}

/// What was found of so many rows: their logarithms are computed together.
#[repr(align(64))]
struct Group<const ROWS: usize> {
    max: [f32; ROWS],
    /// The power of two next to `exp(max)`.
    n: [f32; ROWS],
    /// What is below the maximum, in the unit of [`log_unit`].
    sum: [f64; ROWS],
    /// How often the maximum is there.
    ties: [f32; ROWS],
}

impl<const ROWS: usize> Group<ROWS> {
    const EMPTY: Self = Self { max: [0.0; ROWS], n: [0.0; ROWS], sum: [0.0; ROWS], ties: [0.0; ROWS] };

    #[inline(always)]
    fn finish(&self, rows: Rows<'_, f32>, out: &mut [LogSumExp]) {
        let (mut rest, mut log_sum) = ([0.0; ROWS], [0.0; ROWS]);
        for (i, rest) in rest.iter_mut().enumerate() {
            let unit = exp::<true>(log_unit(self.max[i], self.n[i]));
            *rest = self.sum[i] * unit + (f64::from(self.ties[i]) - 1.0);
        }
        for i in 0..ROWS {
            log_sum[i] = ln_1p::<true>(rest[i]);
        }
        for (i, out) in out.iter_mut().enumerate() {
            *out = if rest[i] >= TOO_SMALL && self.max[i].abs() < LARGE {
                LogSumExp { max: f64::from(self.max[i]), log_sum: log_sum[i] }
            } else {
                single::of_row::<true>(rows.get(i))
            };
        }
    }
}
