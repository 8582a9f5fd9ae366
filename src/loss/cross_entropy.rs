//! Cross-entropy of one row: class indices or class probabilities, class weights, label smoothing.
//!
//! Formulas: PyTorch's `CrossEntropyLoss`.

use thiserror::Error;

use super::targets::Target;
use crate::kernel::{ClassTerms, Element, Floats, InstructionSet, LogSumExp, Sum, TileTerms, Tiles};
use crate::logits::RowScale;

/// Why settings do not define a loss.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CrossEntropyError {
    /// The number of weights is not the number of classes.
    #[error("expected {classes} class weights, one per class, found {weights}")]
    WeightCount {
        /// Number of weights.
        weights: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A weight that is NaN or infinite.
    #[error("the weight of class {class} is {weight}, which is not finite")]
    WeightNotFinite {
        /// The class.
        class: usize,
        /// Its weight.
        weight: f64,
    },
    /// Label smoothing outside of 0 to 1.
    #[error("label smoothing {0} is not between 0 and 1")]
    Smoothing(f64),
}

/// A row's loss and its weight in the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedLoss {
    /// The loss in nats, weighted.
    pub loss_nats: f64,
    /// What the row adds to the denominator of the mean.
    pub weight: f64,
}

/// The settings of the loss, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropy {
    weight: Option<Vec<f64>>,
    smoothing: f64,
    classes: usize,
}

impl CrossEntropy {
    /// `weight`: one per class, or `None` for all 1; `smoothing`: from 0 to 1.
    ///
    /// # Errors
    /// If there are not as many weights as classes, a weight is not finite, or the smoothing is out of range.
    pub fn new(classes: usize, weight: Option<Vec<f64>>, smoothing: f64) -> Result<Self, CrossEntropyError> {
        if let Some(weight) = &weight {
            if weight.len() != classes {
                return Err(CrossEntropyError::WeightCount { weights: weight.len(), classes });
            }
            if let Some(class) = weight.iter().position(|w| !w.is_finite()) {
                return Err(CrossEntropyError::WeightNotFinite { class, weight: weight[class] });
            }
        }
        if !(0.0..=1.0).contains(&smoothing) {
            return Err(CrossEntropyError::Smoothing(smoothing));
        }
        Ok(Self { weight, smoothing, classes })
    }

    /// The number of classes that it was made for.
    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// Whether there is label smoothing.
    pub(super) fn smooths(&self) -> bool {
        self.smoothing > 0.0
    }

    /// The loss where one class is the target and nothing is smoothed; 0 without a sign.
    #[inline]
    pub(super) fn of_class(log_prob: f64, weight: f64) -> f64 {
        -log_prob * weight + 0.0
    }

    #[inline]
    pub(super) fn weight_of(&self, class: usize) -> f64 {
        self.weight.as_ref().map_or(1.0, |weight| weight[class])
    }

    /// Writes `factor` times the derivative of a row's loss by each of its log-probabilities to `out`, `[classes]`; 0
    /// for an ignored row. Returns their sum.
    pub(super) fn log_prob_derivative(&self, target: Target<'_>, factor: f64, out: &mut [f64]) -> f64 {
        if target == Target::Ignored {
            out.fill(0.0);
            return 0.0;
        }
        let (kept, uniform) = self.shares_of();
        let factor = -factor;
        // Not 0 times what may be infinite.
        out.fill(if uniform == 0.0 { 0.0 } else { uniform * factor });
        match target {
            Target::Ignored => {}
            Target::Index(y) => out[y] += kept * factor,
            Target::Probs(Floats::Single(t)) => add_scaled(out, t, kept * factor),
            Target::Probs(Floats::Double(t)) => add_scaled(out, t, kept * factor),
        }
        if let (Target::Index(y), true) = (target, uniform == 0.0) {
            // All others are 0.
            out[y] *= self.weight_of(y);
            return out[y];
        }
        for (g, weight) in out.iter_mut().zip(self.weight.iter().flatten()) {
            *g *= weight;
        }
        out.iter().copied().collect::<Sum>().value()
    }

    /// What a row adds to the denominator of the mean: the target's class weight, or 1 for class probabilities.
    pub fn mean_weight(&self, target: Target<'_>) -> f64 {
        match target {
            Target::Ignored => 0.0,
            Target::Index(class) => self.weight_of(class),
            Target::Probs(_) => 1.0,
        }
    }

    /// The loss, in nats, of a row of `[classes]` values whose target is class `target`; with `lp` the
    /// log-probabilities, `y` the target, `w` the weights, `ε` the smoothing and `C` the number of classes:
    /// `(1-ε) (-w[y] lp[y]) + (ε/C) Σ_c -w[c] lp[c]`.
    ///
    /// # Panics
    /// Where `row` does not have as many values as there are classes, or `target` is none of them.
    #[inline]
    pub fn of_index<E: Element>(&self, row: &[E], scale: RowScale, target: usize) -> WeightedLoss {
        assert_eq!(row.len(), self.classes, "a value for each class");
        let weight = self.weight_of(target);
        let loss = Self::of_class(scale.log_prob(row[target]), weight);
        let loss = if self.smooths() { self.smoothed(loss, row, scale) + 0.0 } else { loss };
        WeightedLoss { loss_nats: loss, weight }
    }

    /// `(1-ε) loss + (ε/C) Σ_c -w[c] lp[c]`.
    #[inline(never)] // what it needs would leave `of_index` no registers
    fn smoothed<E: Element>(&self, loss: f64, row: &[E], scale: RowScale) -> f64 {
        self.with_all(loss, self.sum_of_terms(row, scale, None::<&[f64]>))
    }

    /// The same where what is summed over all classes is known.
    pub(super) fn with_all(&self, loss: f64, all: f64) -> f64 {
        let (kept, uniform) = self.shares_of();
        loss * kept + all * uniform
    }

    /// The loss, in nats, of a row of `[classes]` values against `target`, `[classes]` probabilities `t`:
    /// `-Σ_c w[c] lp[c] t'[c]` with `t' = t (1-ε) + ε/C`. The row's weight in the mean is 1.
    ///
    /// A probability of 0 times a log-probability of `-inf` is NaN, as in PyTorch.
    ///
    /// # Panics
    /// Where `row` or `target` does not have as many values as there are classes.
    pub fn of_probs<E: Element>(&self, row: &[E], scale: RowScale, target: Floats<'_>) -> WeightedLoss {
        assert_eq!([row.len(), target.len()], [self.classes; 2], "a value for each class");
        let loss = match target {
            Floats::Single(target) => self.sum_of_terms(row, scale, Some(target)),
            Floats::Double(target) => self.sum_of_terms(row, scale, Some(target)),
        };
        WeightedLoss { loss_nats: loss + 0.0, weight: 1.0 }
    }

    /// `Σ_c -w[c] lp[c] ((1-ε) s[c] + ε/C)` with shares `s`; where none, what is in brackets is 1.
    fn sum_of_terms<E: Element, P: Element>(&self, row: &[E], scale: RowScale, shares: Option<&[P]>) -> f64 {
        const AT_ONCE: usize = 256;
        if let Some(shift) = scale.shift() {
            return self.sum_of_shifted(row, shift, shares, 0).value();
        }
        let mut sum = Sum::default();
        let mut log_probs = [0.0; AT_ONCE];
        for (block, row) in row.chunks(AT_ONCE).enumerate() {
            let log_probs = &mut log_probs[..row.len()];
            log_probs.iter_mut().zip(row).for_each(|(log_prob, &x)| *log_prob = scale.log_prob(x));
            let shares = shares.map(|shares| &shares[block * AT_ONCE..]);
            sum.append(self.sum_of_shifted(log_probs, LogSumExp::ZERO, shares, block * AT_ONCE));
        }
        sum.value()
    }

    /// What a share is multiplied by, and what is added then.
    fn shares_of(&self) -> (f64, f64) {
        (1.0 - self.smoothing, self.smoothing / self.classes as f64)
    }

    /// The same of rows side by side, which `shifts` take to log-probabilities where they are none yet: a sum for each.
    pub(super) fn sums_of_tiles<E: Element, P: Element>(
        &self,
        values: &Tiles<E>,
        shifts: Option<&[LogSumExp]>,
        shares: Option<&Tiles<P>>,
        out: &mut [f64],
    ) {
        let (smoothed, weight) = (self.shares_of(), self.weight.as_deref());
        InstructionSet::best().run(TileTerms { values, shifts, shares, smoothed, weight, out });
    }

    /// The same of values that `shift` takes to log-probabilities, the first of them that of class `first`.
    fn sum_of_shifted<E: Element, P: Element>(
        &self,
        values: &[E],
        shift: LogSumExp,
        shares: Option<&[P]>,
        first: usize,
    ) -> Sum {
        let smoothed = self.shares_of();
        let weight = self.weight.as_ref().map(|weight| &weight[first..]);
        InstructionSet::best().run(ClassTerms { values, shift, shares, smoothed, weight })
    }
}

/// Adds `factor` times each of `terms` to `out`.
fn add_scaled<P: Element>(out: &mut [f64], terms: &[P], factor: f64) {
    out.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term.to_f64() * factor);
}
