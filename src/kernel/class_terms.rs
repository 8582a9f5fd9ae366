//! Sums over all classes of a row, as label smoothing and class probabilities need them.

use super::instruction_set::Task;
use super::lanes::fold;
use super::{Element, LogSumExp, Sum};

/// Two registers of AVX-512.
const LANES: usize = 16;
/// Terms that are added up in plain sums, of which each lane has 8; these are added without what rounding loses.
const BLOCK: usize = 8 * LANES;

/// `Σ_c -w[c] lp[c] (a s[c] + b)` with log-probabilities `lp`, shares `s` and weights `w`.
pub(crate) struct ClassTerms<'a, E, P> {
    /// `[classes]`.
    pub values: &'a [E],
    /// Takes them to log-probabilities.
    pub shift: LogSumExp,
    /// A share for each class; where none, what is in brackets is 1.
    pub shares: Option<&'a [P]>,
    /// What each share is multiplied by, and what is added then: `(a, b)`.
    pub smoothed: (f64, f64),
    /// A weight for each class, 1 where none.
    pub weight: Option<&'a [f64]>,
}

impl<E: Element, P: Element> Task for ClassTerms<'_, E, P> {
    type Output = Sum;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Sum {
        let classes = self.values.len();
        let (shares, weight) = (self.shares.map(|x| &x[..classes]), self.weight.map(|x| &x[..classes]));
        let mut sum = Sum::default();
        let mut terms = [0.0; BLOCK];
        let (kept, uniform) = self.smoothed;
        for (block, values) in self.values.chunks(BLOCK).enumerate() {
            let (first, terms) = (block * BLOCK, &mut terms[..values.len()]);
            // Loops of one thing each, over lengths that are not known beforehand, become vector code.
            for (term, x) in terms.iter_mut().zip(values) {
                *term = -self.shift.log_prob(x.to_f64());
            }
            if let Some(shares) = shares {
                for (term, share) in terms.iter_mut().zip(&shares[first..]) {
                    *term *= share.to_f64() * kept + uniform;
                }
            }
            if let Some(weight) = weight {
                for (term, weight) in terms.iter_mut().zip(&weight[first..]) {
                    *term *= weight;
                }
            }
            sum.add(sum_in_lanes(terms));
        }
        sum
    }
}

/// A plain sum, in lanes.
#[inline(always)]
fn sum_in_lanes(terms: &[f64]) -> f64 {
    let (chunks, rest) = terms.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    sums[..rest.len()].copy_from_slice(rest);
    for chunk in chunks {
        for i in 0..LANES {
            sums[i] += chunk[i];
        }
    }
    fold(sums, |a, b| a + b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::InstructionSet;

    #[test]
    fn every_length_is_the_definition_with_every_instruction_set() {
        let scores: Vec<f32> = (0..300_u32).map(|i| (i * 37 % 101) as f32 * 0.37 - 20.0).collect();
        let factors: Vec<f64> = (0..300_u32).map(|i| f64::from(i * 53 % 89) / 64.0).collect();
        let shift = LogSumExp { max: 17.37, log_sum: 0.5 };
        let smoothed = (0.75, 0.125);
        for len in 0..=scores.len() {
            let values = &scores[..len];
            for (shares, weight) in [
                (None, None),
                (Some(&factors[..len]), None),
                (None, Some(&factors[300 - len..])),
                (Some(&factors[..len]), Some(&factors[300 - len..])),
            ] {
                let term = |class: usize| {
                    let share = shares.map_or(1.0, |shares| shares[class] * 0.75 + 0.125);
                    (17.87 - f64::from(values[class])) * share * weight.map_or(1.0, |weight| weight[class])
                };
                let expected: f64 = (0..len).map(term).sum();
                for set in InstructionSet::available() {
                    let found = set.run(ClassTerms { values, shift, shares, smoothed, weight }).value();
                    // All terms have one sign: each step of either sum rounds by half a unit of it at most.
                    assert!((found - expected).abs() <= 1e-13 * expected, "{len}: {found}, {expected}");
                }
            }
        }
    }
}
