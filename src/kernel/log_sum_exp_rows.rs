//! Log-sum-exp of rows, with the best that the machine has.

use super::element::sealed;
#[cfg(target_arch = "x86_64")]
use super::registers::{self, Registers};
use super::tile::{self, Lanes, SHORT};
use super::tiles::Tiles;
use super::{Element, InstructionSet, LogSumExp, Rows, double_rows, single};

/// Log-sum-exp over one row of `[classes]` values, as if in double precision: `log_sum` is within 1e-14
/// relative, also where it is next to 0, but that what is 708 below the largest or more counts as nothing.
pub fn log_sum_exp<E: Element>(row: &[E]) -> LogSumExp {
    double_rows::of_one_row(InstructionSet::best(), row)
}

/// Log-sum-exp over each of `rows`, as exact as [`log_sum_exp`]; `out`: `[rows]`.
///
/// # Panics
/// Where `out` has another length than there are rows.
pub fn log_sum_exp_rows<E: Element>(set: InstructionSet, rows: Rows<'_, E>, out: &mut [LogSumExp]) {
    assert_eq!(rows.len(), out.len(), "a row for each result");
    double_rows::of_rows(set, rows, out);
}

/// Log-sum-exp over each of `rows` for callers that need no more than single precision has, some three times as fast on
/// such values as [`log_sum_exp_rows`]: `log_sum` is within 2e-7 relative, also where it is next to 0. From doubles it is
/// as exact as that. `out`: `[rows]`.
///
/// # Panics
/// Where `out` has another length than there are rows.
pub fn fast_log_sum_exp_rows<E: Element>(set: InstructionSet, rows: Rows<'_, E>, out: &mut [LogSumExp]) {
    assert_eq!(rows.len(), out.len(), "a row for each result");
    if rows.classes() == 1 {
        // Nothing but the maximum.
        for (row, out) in rows.iter().zip(out) {
            let max = row[0].to_f64();
            *out = if max.is_finite() { LogSumExp { max, log_sum: 0.0 } } else { log_sum_exp(row) };
        }
        return;
    }
    E::fast_rows(set, rows, out);
}

/// [`fast_log_sum_exp_rows`] for rows that lie side by side; `out`: `[rows]`.
///
/// # Panics
/// Where `out` has another length than there are rows.
pub fn fast_log_sum_exp_tiles<E: Element>(set: InstructionSet, tiles: &Tiles<E>, out: &mut [LogSumExp]) {
    assert_eq!(tiles.len(), out.len(), "a row for each result");
    E::fast_tiles(set, tiles, out);
}

impl sealed::Kernels for f32 {
    const MOST_CLASSES: usize = 512;

    fn fast_rows(set: InstructionSet, rows: Rows<'_, Self>, out: &mut [LogSumExp]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = set.avx512() {
            return registers::of_rows(set, avx512, rows, double_rows::of_rows, out);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = set.avx2() {
            return registers::of_rows(set, avx2, rows, double_rows::of_rows, out);
        }
        single::of_rows(set, rows, out);
    }

    fn fast_tiles(set: InstructionSet, tiles: &Tiles<Self>, out: &mut [LogSumExp]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = set.avx512() {
            return registers::of_tiles(set, avx512, tiles, double_rows::of_rows, out);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = set.avx2() {
            return registers::of_tiles(set, avx2, tiles, double_rows::of_rows, out);
        }
        single::of_tiles(set, tiles, out);
    }

    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    fn transpose(set: InstructionSet, rows: Rows<'_, Self>, tile: &mut [Lanes<Self>]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = set.avx512() {
            return avx512.transpose(rows, tile);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = set.avx2() {
            return avx2.transpose(rows, tile);
        }
        tile::transpose(rows, tile);
    }
}

impl sealed::Kernels for f64 {
    const MOST_CLASSES: usize = SHORT;

    fn fast_rows(set: InstructionSet, rows: Rows<'_, Self>, out: &mut [LogSumExp]) {
        double_rows::of_rows(set, rows, out);
    }

    fn fast_tiles(set: InstructionSet, tiles: &Tiles<Self>, out: &mut [LogSumExp]) {
        double_rows::of_tiles(set, tiles, out);
    }

    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    fn transpose(set: InstructionSet, rows: Rows<'_, Self>, tile: &mut [Lanes<Self>]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = set.avx512() {
            return super::avx512::transpose_doubles(avx512, rows, tile);
        }
        tile::transpose(rows, tile);
    }
}
