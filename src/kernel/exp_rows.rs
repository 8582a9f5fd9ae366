//! Exponentials of short rows, side by side, for who needs some of them as well as what they sum to.

use super::exp_tile::exp_tile;
use super::tile::{Aligned, SHORT, TILE, Tile};
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
