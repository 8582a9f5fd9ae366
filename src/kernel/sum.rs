//! Sums that keep what rounding would lose.

use super::InstructionSet;
use super::instruction_set::Task;

/// Terms that are added side by side.
const LANES: usize = 32;

/// A running sum of doubles that keeps what rounding would lose (Kahan's idea, with Knuth's exact sum of two).
///
/// A million terms sum to the last bit or two, so a mean does not depend on how long the file is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    total: f64,
    lost: f64,
}

impl Sum {
    /// Adds one term; infinities and NaN go through as in a plain sum.
    pub fn add(&mut self, term: f64) {
        let (total, error) = two_sum(self.total, term);
        self.total = total;
        self.lost += error;
    }

    /// Adds many terms.
    pub fn add_all(&mut self, terms: &[f64]) {
        self.append(InstructionSet::best().run(SumOf(terms)));
    }

    /// Adds the terms of another sum.
    pub fn append(&mut self, other: Self) {
        self.add(other.total);
        self.lost += other.lost;
    }

    /// The sum so far.
    pub fn value(self) -> f64 {
        // An infinite total makes the correction NaN; the total alone is right then.
        if self.total.is_finite() { self.total + self.lost } else { self.total }
    }
}

/// The sum of two numbers, and what was rounded away of it, whichever is the larger (D. E. Knuth's `TwoSum`).
#[inline(always)]
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

/// Sums of terms side by side, so that no sum waits for the one before.
struct LaneSums {
    totals: [f64; LANES],
    lost: [f64; LANES],
}

impl LaneSums {
    #[inline(always)]
    fn new() -> Self {
        Self { totals: [0.0; LANES], lost: [0.0; LANES] }
    }

    /// Adds one term to each lane.
    #[inline(always)]
    fn add(&mut self, terms: &[f64; LANES]) {
        // Through arrays of this function, each by itself: only then are these lanes.
        let (mut sums, mut errors) = ([0.0; LANES], [0.0; LANES]);
        for i in 0..LANES {
            let (sum, error) = two_sum(self.totals[i], terms[i]);
            sums[i] = sum;
            errors[i] = self.lost[i] + error;
        }
        (self.totals, self.lost) = (sums, errors);
    }

    /// Adds the lanes up, halves to halves.
    #[inline(always)]
    fn sum(&self) -> Sum {
        let sums = fold_lanes::<32, 16>(&self.totals, &self.lost);
        let sums = fold_lanes::<16, 8>(&sums.0, &sums.1);
        let sums = fold_lanes::<8, 4>(&sums.0, &sums.1);
        let sums = fold_lanes::<4, 2>(&sums.0, &sums.1);
        let ([total], [lost]) = fold_lanes::<2, 1>(&sums.0, &sums.1);
        Sum { total, lost }
    }
}

/// Adds the second half of some sums to the first.
#[inline(always)]
fn fold_lanes<const N: usize, const HALF: usize>(
    totals: &[f64; N],
    lost: &[f64; N],
) -> ([f64; HALF], [f64; HALF]) {
    let (mut sums, mut errors) = ([0.0; HALF], [0.0; HALF]);
    for i in 0..HALF {
        let (sum, error) = two_sum(totals[i], totals[i + HALF]);
        sums[i] = sum;
        errors[i] = lost[i] + lost[i + HALF] + error;
    }
    (sums, errors)
}

struct SumOf<'a>(&'a [f64]);

impl Task for SumOf<'_> {
    type Output = Sum;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Sum {
        let mut sums = LaneSums::new();
        let (chunks, rest) = self.0.as_chunks();
        for terms in chunks {
            sums.add(terms);
        }
        if !rest.is_empty() {
            let mut terms = [0.0; LANES];
            terms[..rest.len()].copy_from_slice(rest);
            sums.add(&terms);
        }
        sums.sum()
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Self::default();
        terms.into_iter().for_each(|term| sum.add(term));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounding_loses_is_kept_at_every_length() {
        // Whole numbers whose plain sum in doubles loses the small ones.
        let terms: Vec<i64> = (0..3 * LANES as i64 + 2)
            .map(|i| if i % 3 == 0 { (1 << 60) - (i << 20) } else { 2 * i - 1 })
            .collect();
        for len in 0..=terms.len() {
            let exact: i128 = terms[..len].iter().map(|&term| i128::from(term)).sum();
            let terms: Vec<f64> = terms[..len].iter().map(|&term| term as f64).collect();
            let mut lanes = Sum::default();
            lanes.add_all(&terms);
            for sum in [lanes, terms.into_iter().collect()] {
                assert_eq!(sum.value(), exact as f64, "{len} terms");
            }
        }
    }

    #[test]
    fn infinities_and_nan_go_through() {
        for at in [0, 1, LANES, 3 * LANES] {
            for (term, other, expected) in [
                (f64::INFINITY, 1.0, f64::INFINITY),
                (f64::NEG_INFINITY, 1.0, f64::NEG_INFINITY),
                (f64::INFINITY, f64::NEG_INFINITY, f64::NAN),
                (f64::NAN, f64::INFINITY, f64::NAN),
            ] {
                let mut terms = vec![1.0; 3 * LANES + 2];
                (terms[at], terms[at + 1]) = (term, other);
                let mut sum = Sum::default();
                sum.add_all(&terms);
                assert_eq!(sum.value().to_bits() << 1, expected.to_bits() << 1, "{term} at {at}");
            }
        }
    }
}
