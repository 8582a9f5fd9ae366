//! What is written by hand for AVX2: log-sum-exp of single-precision rows, exponentials, and which sums reach a bar.
//!
//! The same as [`super::single`], up to twice as fast, by what the compiler does not make of lanes: sums stay in
//! registers, powers of two come from a table in a register, so that the series of `exp` can end early, and what comes
//! next is fetched meanwhile.
#![allow(unsafe_code)]

mod long;
mod reaching;
mod reduction;
mod short;

use std::arch::x86_64::{__m256, __m256d};

pub(super) use self::reaching::reaching;
use super::ahead::Ahead;
use super::instruction_set::Avx2;
use super::registers::{Registers, RowSum, TileSums};
use super::rows::Rows;
use super::tile::Lanes;

/// Values of a register.
const LANES: usize = 8;
/// Registers that go through each step together: with more, there are not enough for the constants.
const SIDE_BY_SIDE: usize = 2;
/// Steps whose terms are added in single precision, four a lane; their sums are added in double. A term is within
/// 7.2e-8, and two roundings add 6e-8 each: rows come out within 1.92e-7 relative.
const DEPTH: usize = 2;

type Side = [__m256; SIDE_BY_SIDE];
/// Sums of eight lanes.
type Totals = [__m256d; 2];

impl Registers for Avx2 {
    const LN_FACTOR: f64 = reduction::LN_FACTOR;

    #[inline(always)]
    fn max_of(self, values: &[f32]) -> f32 {
        // SAFETY: there is an `Avx2` only where the machine has the instructions of this function.
        unsafe { long::max_of(values) }
    }

    #[inline(always)]
    fn sums_of(self, values: &[f32], max: f32, ahead: Ahead) -> RowSum {
        // SAFETY: as above.
        unsafe { long::sums_of(values, max, ahead) }
    }

    #[inline(always)]
    fn transpose(self, rows: Rows<'_, f32>, tile: &mut [Lanes<f32>]) {
        // SAFETY: as above.
        unsafe { short::transpose(rows, tile) }
    }

    #[inline(always)]
    fn look_at(self, tile: &[Lanes<f32>], classes: usize, found: TileSums<'_>) {
        // SAFETY: as above.
        unsafe { short::look_at(tile, classes, found) }
    }
}
