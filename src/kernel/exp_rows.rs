//! Exponentials of short rows, side by side, for who needs some of them as well as what they sum to.

use super::instruction_set::Task;
use super::lanes::{exp, larger, lesser, ln_1p};
use super::tile::{Aligned, Lanes, SHORT, TILE, Tile};
use super::{Element, InstructionSet, LogSumExp, Rows, log_sum_exp};

/// Room for a few rows.
pub(crate) struct ExpRows<E> {
    tile: Box<Aligned<Tile<E>>>,
    /// What is kept of each class, a lane a row.
    exps: Box<Aligned<Tile<f64>>>,
    lse: [LogSumExp; TILE],
    least: [f64; TILE],
}

impl<E: Element> ExpRows<E> {
    /// The longest row.
    pub(crate) const CLASSES: usize = SHORT;
    /// The most rows.
    pub(crate) const ROWS: usize = TILE;

    /// No rows.
    pub(crate) fn new() -> Self {
        let tile = Box::new(Aligned([[E::ZERO; TILE]; SHORT]));
        let exps = Box::new(Aligned([[0.0; TILE]; SHORT]));
        Self { tile, exps, lse: [LogSumExp::ZERO; TILE], least: [0.0; TILE] }
    }

    /// Looks at `rows` and keeps `unit exp(x - max)` of each value, `unit` being a power of two from 2^-8 to 1; what is
    /// below `exp(-700)` may become 0.
    ///
    /// # Panics
    /// Where there are more rows or more classes than there may be.
    pub(crate) fn look_at(&mut self, set: InstructionSet, unit: f64, rows: Rows<'_, E>) {
        let classes = rows.classes();
        assert!(classes <= SHORT && rows.len() <= TILE, "a few short rows");
        E::transpose(set, rows, &mut self.tile.0);
        let sums = exp_tile(set, &self.tile.0, classes, unit, &mut self.exps.0);
        for (lane, (row, lse)) in rows.iter().zip(&mut self.lse).enumerate() {
            *lse = sums.log_sum_exp(lane).unwrap_or_else(|| log_sum_exp(row));
        }
        self.least = sums.least;
    }

    /// The normaliser of a row, as exact as [`super::log_sum_exp`]'s.
    pub(crate) fn log_sum_exp(&self, row: usize) -> LogSumExp {
        self.lse[row]
    }

    /// The least of what was kept of a row; any number where that is no distribution.
    pub(crate) fn least(&self, row: usize) -> f64 {
        self.least[row]
    }

    /// What was kept of some classes of a row.
    pub(crate) fn pick(&self, row: usize, classes: &[u32]) -> impl ExactSizeIterator<Item = f64> {
        assert!(row < TILE, "a row");
        classes.iter().map(move |&class| self.exps.0[class as usize][row])
    }
}

/// What rows side by side come to, a lane each.
pub(super) struct RowSums {
    /// The largest value but for NaN.
    pub max: [f64; TILE],
    /// The logarithm of the sum of the exponentials; no number from 0 on where some value is none.
    pub log_sum: [f64; TILE],
    /// The least of what is kept.
    pub least: [f64; TILE],
}

impl RowSums {
    /// Rows side by side. `keep` is given the place in its row and `exp(x - max)` of each value.
    #[inline(always)]
    pub(super) fn of_tile<E: Element, const FMA: bool>(
        tile: &[Lanes<E>],
        mut keep: impl FnMut(usize, [f64; TILE]),
    ) -> Self {
        let mut max = [f64::NEG_INFINITY; TILE];
        for lanes in tile {
            for i in 0..TILE {
                max[i] = larger(lanes[i].to_f64(), max[i]);
            }
        }
        let mut below = [0.0_f64; TILE];
        let mut ties = [-1.0_f64; TILE];
        let mut least = [f64::INFINITY; TILE];
        for (place, lanes) in tile.iter().enumerate() {
            let mut exps = [0.0; TILE];
            for i in 0..TILE {
                let x = lanes[i].to_f64();
                let e = exp::<FMA>(x - max[i]);
                let (term, tie) = if x >= max[i] { (0.0, 1.0) } else { (e, 0.0) };
                below[i] += term;
                ties[i] += tie;
                least[i] = lesser(e, least[i]);
                exps[i] = e;
            }
            keep(place, exps);
        }
        let mut log_sum = [0.0_f64; TILE];
        for i in 0..TILE {
            log_sum[i] = ln_1p::<FMA>(below[i] + ties[i]);
        }
        Self { max, log_sum, least }
    }

    /// That of a row; none where it is out of the ordinary.
    #[inline(always)]
    pub(super) fn log_sum_exp(&self, lane: usize) -> Option<LogSumExp> {
        let (max, log_sum) = (self.max[lane], self.log_sum[lane]);
        (log_sum >= 0.0 && max.is_finite()).then_some(LogSumExp { max, log_sum })
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn check<E: Element>(set: InstructionSet, values: &[E], classes: usize) {
        let mut rows = ExpRows::new();
        for gap in [0, 3] {
            let spread = |row: &[E]| [row, &[E::ZERO; 3][..gap]].concat();
            let mut apart: Vec<E> = values.chunks_exact(classes).flat_map(spread).collect();
            apart.truncate(apart.len() - gap);
            rows.look_at(set, 0.25, Rows::apart(&apart, classes, classes + gap));
            check_rows(set, &rows, values, classes);
        }
    }

    fn check_rows<E: Element>(set: InstructionSet, rows: &ExpRows<E>, values: &[E], classes: usize) {
        for (at, row) in values.chunks_exact(classes).enumerate() {
            let (alone, lse) = (log_sum_exp(row), rows.log_sum_exp(at));
            if !alone.is_proper() {
                assert!(lse.max == alone.max || lse.max.is_nan() && alone.max.is_nan());
                continue;
            }
            let off = (lse.log_sum - alone.log_sum).abs();
            assert!(
                lse.max == alone.max && off <= 1e-14 * alone.log_sum,
                "{}: {lse:?}, {alone:?}",
                set.name()
            );
            let exp = |x: &E| 0.25 * (x.to_f64() - alone.max).exp();
            let least = row.iter().map(exp).fold(f64::INFINITY, f64::min);
            assert!((rows.least(at) - least).abs() <= 1e-15 * least, "{}", set.name());
            let all: Vec<u32> = (0..classes as u32).rev().collect();
            for (kept, x) in rows.pick(at, &all).zip(row.iter().rev()) {
                assert!((kept - exp(x)).abs() <= 1e-15 * kept, "{}: {kept}, {}", set.name(), exp(x));
            }
        }
    }

    #[test]
    fn each_row_is_kept_as_if_alone() {
        for set in InstructionSet::available() {
            for classes in 1..=ExpRows::<f32>::CLASSES {
                for count in [1, 1 + classes % TILE, TILE] {
                    let mut values: Vec<f32> =
                        (0..classes * count).map(|i| (i * 37 % 101) as f32 * -0.9 + (i % 7) as f32).collect();
                    check(set, &values, classes);
                    // One row is no distribution, has what is impossible, or what is next to it.
                    values[classes * (count / 2)] =
                        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -3e38][classes % 4];
                    check(set, &values, classes);
                    let double: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
                    check(set, &double, classes);
                }
            }
        }
    }
}
