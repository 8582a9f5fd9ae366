//! Log-sum-exp of rows in double precision, with the best that the machine has.

use super::double::{DoubleSums, InLanes, of_blocks};
use super::exp_tile::exp_tile;
use super::instruction_set::Task;
use super::log_sum_exp::LogSumExp;
use super::rows::Rows;
use super::tile::{Aligned, Lanes, SHORT, TILE, Tile};
use super::tiles::Tiles;
use super::{Element, InstructionSet};

/// One row.
pub(super) fn of_one_row<E: Element>(set: InstructionSet, row: &[E]) -> LogSumExp {
    #[cfg(target_arch = "x86_64")]
    if let Some(sums) = set.avx512() {
        return set.run(OfRow { row, sums });
    }
    set.run(OfRow { row, sums: InLanes })
}

/// Each of `rows`.
pub(super) fn of_rows<E: Element>(set: InstructionSet, rows: Rows<'_, E>, out: &mut [LogSumExp]) {
    if rows.classes() <= SHORT {
        of_short_rows(set, rows, out);
        return;
    }
    for (row, out) in rows.iter().zip(out) {
        *out = of_one_row(set, row);
    }
}

/// Rows of up to [`SHORT`] values, [`TILE`] of them side by side.
fn of_short_rows<E: Element>(set: InstructionSet, rows: Rows<'_, E>, out: &mut [LogSumExp]) {
    let mut tile = Aligned([[E::ZERO; TILE]; SHORT]);
    let mut exps = Aligned([[0.0; TILE]; SHORT]);
    for (rows, out) in rows.chunks(TILE).zip(out.chunks_mut(TILE)) {
        E::transpose(set, rows, &mut tile.0);
        of_tile(set, &tile.0, rows.classes(), &mut exps.0, out, |lane| of_one_row(set, rows.get(lane)));
    }
}

/// Rows side by side, of at most [`SHORT`] classes.
pub(super) fn of_tiles<E: Element>(set: InstructionSet, tiles: &Tiles<E>, out: &mut [LogSumExp]) {
    let mut exps = Aligned([[0.0; TILE]; SHORT]);
    for ((number, tile), out) in tiles.iter().enumerate().zip(out.chunks_mut(TILE)) {
        let of_row = |lane| of_one_row(set, &tiles.row(number * TILE + lane).collect::<Vec<_>>());
        of_tile(set, tile, tiles.classes(), &mut exps.0, out, of_row);
    }
}

/// What rows side by side come to, or `of_row` where one is out of the ordinary.
fn of_tile<E: Element>(
    set: InstructionSet,
    tile: &[Lanes<E>],
    classes: usize,
    exps: &mut Tile<f64>,
    out: &mut [LogSumExp],
    of_row: impl Fn(usize) -> LogSumExp,
) {
    let sums = exp_tile(set, tile, classes, 1.0, exps);
    for (lane, out) in out.iter_mut().enumerate() {
        *out = sums.log_sum_exp(lane).unwrap_or_else(|| of_row(lane));
    }
}

struct OfRow<'a, E, S> {
    row: &'a [E],
    sums: S,
}

impl<E: Element, S: DoubleSums> Task for OfRow<'_, E, S> {
    type Output = LogSumExp;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> LogSumExp {
        of_blocks::<E, FMA, _>(self.row, self.sums)
    }
}
