//! Exponentials of rows side by side.

use super::exp_sums::RowSums;
use super::instruction_set::Task;
use super::tile::{Lanes, TILE, Tile};
use super::{Element, InstructionSet};

/// Keeps `unit exp(x - max)` of each value of rows side by side, whose last [`super::tile::STEP`] is filled up.
pub(super) fn exp_tile<E: Element>(
    set: InstructionSet,
    tile: &[Lanes<E>],
    classes: usize,
    unit: f64,
    exps: &mut Tile<f64>,
) -> RowSums {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx512) = set.avx512() {
        return super::avx512::exp_tile(avx512, tile, classes, unit, exps);
    }
    set.run(ExpTile { tile: &tile[..classes], unit, exps: &mut exps[..classes] })
}

struct ExpTile<'a, E> {
    tile: &'a [Lanes<E>],
    unit: f64,
    exps: &'a mut [[f64; TILE]],
}

impl<E: Element> Task for ExpTile<'_, E> {
    type Output = RowSums;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> RowSums {
        let Self { tile, unit, exps } = self;
        let mut sums = RowSums::of_tile::<E, FMA>(tile, |place, lanes| {
            for (to, x) in exps[place].iter_mut().zip(lanes) {
                *to = x * unit;
            }
        });
        for least in &mut sums.least {
            *least *= unit;
        }
        sums
    }
}
