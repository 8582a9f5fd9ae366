//! Whether numbers are what they would be, had one matrix been made of the other in some way.

use super::{Difference, Tolerance};

/// Numbers that differ, at the least: three of them could be chance where one was fitted.
const FEW: usize = 4;
/// What may remain of a difference that is explained.
const UNEXPLAINED: f64 = 0.01;
/// Differences that may remain as they are, one in so many.
const RARE: usize = 100;

/// What speaks for it and against it.
pub(super) struct Evidence {
    tolerance: Tolerance,
    /// Some number is another than rounding makes of what is expected.
    refuted: bool,
    found: Vec<f64>,
    /// Of numbers that differ from the base's: how far they are from these, and from what is expected.
    distances: Vec<[f64; 2]>,
    /// Of the expected numbers but 0, the least and the greatest.
    range: [f64; 2],
}

/// The middle one of the finite numbers; NaN where there is none.
fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.filter(|x| x.is_finite()).collect();
    let middle = numbers.len() / 2;
    if numbers.is_empty() { f64::NAN } else { *numbers.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

fn distance(a: f64, b: f64) -> f64 {
    if a == b || a.is_nan() && b.is_nan() { 0.0 } else { (a - b).abs() }
}

impl Evidence {
    /// None yet; `tolerance` tells which numbers differ and what their precision is.
    pub(super) fn new(tolerance: Tolerance) -> Self {
        let range = [f64::INFINITY, f64::NEG_INFINITY];
        Self { tolerance, refuted: false, found: Vec::new(), distances: Vec::new(), range }
    }

    /// Takes numbers of one kind: what they are expected to be, what they are and what the base's are. `logs`: they are
    /// the base's less a logarithm, and so have the rounding of these.
    pub(super) fn add(&mut self, expected: &[f64], found: &[f64], base: &[f64], logs: bool) {
        let half = self.tolerance.rtol >= 1e-3;
        // Eight times what two programs of this precision may differ by; half precision ends at 6e-8.
        let (share, end) = ((8.0 * self.tolerance.rtol).clamp(2e-5, 1e-2), if half { 6e-8 } else { 0.0 });
        let finite = |x: f64| if x.is_finite() { x.abs() } else { 0.0 };
        // A mask or another outlier is no measure of the rest.
        let typical = finite(median(expected.iter().map(|x| x.abs())));
        for ((&expected, &found), &base) in expected.iter().zip(found).zip(base) {
            let size = finite(expected).max(typical).max(if logs { finite(base) } else { 0.0 });
            let after = distance(found, expected);
            self.refuted |= after > share * size + end || after.is_nan();
            let Difference { absolute: before, passed, .. } = self.tolerance.compare(base, found);
            if !passed {
                self.distances.push([before, after]);
            }
            if expected.is_finite() && expected != 0.0 {
                self.range = [self.range[0].min(expected), self.range[1].max(expected)];
            }
        }
        self.found.extend_from_slice(found);
    }

    pub(super) fn is_refuted(&self) -> bool {
        self.refuted
    }

    /// Whether it explains all but a few of the differences. `spread`: numbers are also nearer to what is expected than they
    /// are to each other, for a large number that was added makes all others look alike.
    pub(super) fn holds(&self, spread: bool) -> bool {
        if self.refuted || self.distances.len() < FEW || self.range[0] >= self.range[1] {
            return false;
        }
        let apart = if spread {
            let middle = median(self.found.iter().copied());
            median(self.found.iter().map(|x| (x - middle).abs()))
        } else {
            f64::INFINITY
        };
        let is_explained = |&&[before, after]: &&[f64; 2]| {
            after == 0.0 || before.is_finite() && after <= UNEXPLAINED * before.min(apart)
        };
        let explained = self.distances.iter().filter(is_explained).count();
        (self.distances.len() - explained) * RARE <= self.distances.len()
    }
}
