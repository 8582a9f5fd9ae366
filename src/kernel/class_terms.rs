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
        let mut sum = Sum::default();
        let mut terms = [0.0; BLOCK];
        let (kept, uniform) = self.smoothed;
        for (block, values) in self.values.chunks(BLOCK).enumerate() {
            let (first, terms) = (block * BLOCK, &mut terms[..values.len()]);
            // Loops of one thing each, over lengths that are not known beforehand, become vector code.
            for (term, x) in terms.iter_mut().zip(values) {
                *term = -self.shift.log_prob(x.to_f64());
            }
            if let Some(shares) = self.shares {
                for (term, share) in terms.iter_mut().zip(&shares[first..]) {
                    *term *= share.to_f64() * kept + uniform;
                }
            }
            if let Some(weight) = self.weight {
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
