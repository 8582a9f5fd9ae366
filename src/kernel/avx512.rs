//! What is written by hand for AVX-512: log-sum-exp of rows, exponentials, the columns and the shares of a CTC item,
//! halves, and which sums reach a bar.
//!
//! The same as [`super::single`], up to twice as fast, by what the compiler does not make of lanes: the steps of
//! four registers alternate, so that none waits for its own last result, and powers of two come from a table in a
//! register, so that the series of `exp` can end early.
#![allow(unsafe_code)]

mod double;
mod exp;
mod gather;
mod half;
mod long;
mod reaching;
mod reduction;
mod shares;
mod short;

use std::arch::x86_64::{__m512, __m512d};

pub(super) use self::double::transpose_doubles;
pub(super) use self::exp::{exp_tile, scaled_columns};
pub(super) use self::gather::ctc_block;
pub(super) use self::half::widen_halves;
pub(super) use self::reaching::reaching;
pub(super) use self::shares::ctc_shares;
use super::ahead::Ahead;
use super::double::DoubleSums;
use super::element::Element;
use super::instruction_set::Avx512;
use super::registers::{Registers, RowSum, TileSums};
use super::rows::Rows;
use super::tile::Lanes;

/// Values of a register.
const LANES: usize = 16;
/// Registers whose steps alternate. Their four terms a lane are added in single precision, what comes of that in
/// double: a term is within 2.5e-8, and two roundings add 6e-8 each, so rows come out within 1.5e-7 relative.
const SIDE_BY_SIDE: usize = 4;
type Side = [__m512; SIDE_BY_SIDE];
/// Sums of sixteen lanes.
type Totals = [__m512d; 2];

impl Registers for Avx512 {
    const LN_FACTOR: f64 = reduction::LN_FACTOR;

    #[inline(always)]
    fn max_of(self, values: &[f32]) -> f32 {
        // SAFETY: there is an `Avx512` only where the machine has the instructions of this function.
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

impl DoubleSums for Avx512 {
    #[inline(always)]
    fn max_of<E: Element>(self, block: &[E]) -> f64 {
        // SAFETY: there is an `Avx512` only where the machine has the instructions of this function.
        unsafe { double::max_of(block) }
    }

    #[inline(always)]
    fn sum_of<E: Element, const FMA: bool>(self, block: &[E], max: f64) -> f64 {
        // SAFETY: as above.
        unsafe { double::sum_of(block, max) }
    }
}
