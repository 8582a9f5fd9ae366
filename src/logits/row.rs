//! From scores to log-probabilities, row by row.

use super::InputKind;
use crate::kernel::{
    Element, InstructionSet, LogSumExp, Rows, Tiles, fast_log_sum_exp_rows, fast_log_sum_exp_tiles,
    log_sum_exp,
};

/// A row's normaliser, which turns each of its values into a natural log-probability.
#[derive(Clone, Copy, Debug)]
pub struct RowScale {
    kind: InputKind,
    /// Log-sum-exp of the row; for probabilities, of their logarithms.
    lse: LogSumExp,
}

impl RowScale {
    /// The normaliser of any row of log-probabilities, which are taken as they are.
    pub(crate) const LOG_PROBS: Self = Self { kind: InputKind::LogProbs, lse: LogSumExp::ZERO };

    /// The normaliser of a row of `kind` with this log-sum-exp.
    pub(crate) fn of(kind: InputKind, lse: LogSumExp) -> Self {
        Self { kind, lse }
    }

    /// The normaliser of a row of `[classes]` values that are `kind`.
    pub fn new<E: Element>(row: &[E], kind: InputKind) -> Self {
        let lse = match kind {
            InputKind::Logits | InputKind::LogProbs => log_sum_exp(row),
            InputKind::Probs => sum_of_probs(row),
        };
        Self { kind, lse }
    }

    /// The natural logarithm of the probability of a value of this row.
    pub fn log_prob<E: Element>(self, x: E) -> f64 {
        match self.kind {
            InputKind::Logits => self.lse.log_prob(x.to_f64()),
            InputKind::LogProbs => x.to_f64(),
            InputKind::Probs => x.to_f64().ln(),
        }
    }

    /// What takes a value of this row to its log-probability; none where that is no subtraction, but a logarithm.
    pub(crate) fn shift(self) -> Option<LogSumExp> {
        match self.kind {
            InputKind::Logits => Some(self.lse),
            InputKind::LogProbs => Some(LogSumExp::ZERO),
            InputKind::Probs => None,
        }
    }

    /// The natural logarithm of the largest probability of a row of logits.
    pub(crate) fn log_largest(self) -> f64 {
        -self.lse.log_sum
    }

    /// Whether the row is a distribution: no NaN, no `+inf`, no negative probability, and at least one class with a
    /// probability above 0.
    pub fn is_proper(self) -> bool {
        self.lse.is_proper()
    }

    /// What the row's probabilities sum to: 1 for logits; NaN if the row is not a distribution.
    pub fn total(self) -> f64 {
        match self.kind {
            // Not by an exponential, for it is asked of each row.
            InputKind::Logits if self.is_proper() => 1.0,
            _ => self.log_total().exp(),
        }
    }

    /// The natural logarithm of [`Self::total`], also where that is below any double.
    pub fn log_total(self) -> f64 {
        match self.kind {
            _ if !self.is_proper() => f64::NAN,
            InputKind::Logits => 0.0,
            InputKind::LogProbs | InputKind::Probs => self.lse.value(),
        }
    }
}

/// The normalisers of a few rows.
#[derive(Debug)]
pub(crate) struct RowScales {
    kind: InputKind,
    lse: Vec<LogSumExp>,
}

impl RowScales {
    /// The normalisers of no rows yet; values will be `kind`.
    pub(crate) fn new(kind: InputKind) -> Self {
        Self { kind, lse: Vec::new() }
    }

    /// Computes the normaliser of each of `rows`; those of earlier rows are dropped.
    ///
    /// From single-precision values, log-probabilities are within 2e-7 (relative), which is enough where they are used
    /// one by one. It is not enough where alternatives are summed: their probabilities can sum to nearly 1, and then
    /// the difference from 1 is the result.
    pub(crate) fn look_at<E: Element>(&mut self, rows: Rows<'_, E>) {
        // What is there from before is overwritten.
        self.lse.resize(rows.len(), LogSumExp::ZERO);
        if self.kind == InputKind::Probs {
            for (row, lse) in rows.iter().zip(&mut self.lse) {
                *lse = sum_of_probs(row);
            }
        } else {
            fast_log_sum_exp_rows(InstructionSet::best(), rows, &mut self.lse);
        }
    }

    /// The same of rows side by side, which are no probabilities.
    pub(crate) fn look_at_tiles<E: Element>(&mut self, tiles: &Tiles<E>) {
        debug_assert_ne!(self.kind, InputKind::Probs, "logits or their like");
        self.lse.resize(tiles.len(), LogSumExp::ZERO);
        fast_log_sum_exp_tiles(InstructionSet::best(), tiles, &mut self.lse);
    }

    /// The normaliser of row `at`.
    pub(crate) fn get(&self, at: usize) -> RowScale {
        RowScale { kind: self.kind, lse: self.lse[at] }
    }

    /// Each row's log-sum-exp, to be subtracted from its logits.
    pub(crate) fn log_sum_exps(&self) -> &[LogSumExp] {
        &self.lse
    }

    /// The normalisers of all rows.
    pub(crate) fn iter(&self) -> impl Iterator<Item = RowScale> {
        self.lse.iter().map(|&lse| RowScale { kind: self.kind, lse })
    }
}

/// Whether a class of this log-probability leaves next to nothing to all others: such a frame, more or less of it, changes
/// no loss and no transcript.
pub(crate) fn is_certain(log_prob: f64) -> bool {
    const NEXT_TO_NOTHING: f64 = 1e-6;
    log_prob > -NEXT_TO_NOTHING
}

fn sum_of_probs<E: Element>(row: &[E]) -> LogSumExp {
    let mut sum = 0.0;
    let mut negative = false;
    for p in row {
        negative |= p.to_f64() < 0.0;
        sum += p.to_f64();
    }
    if sum == f64::INFINITY && row.iter().all(|p| p.to_f64() < f64::INFINITY) {
        // No distribution, but each of them is a number.
        sum = f64::MAX;
    }
    let max = if negative { f64::NAN } else { sum.ln() };
    LogSumExp { max, log_sum: if max.is_finite() { 0.0 } else { f64::NAN } }
}

/// Whether a row of probabilities may sum to this: half precision rounds each of them to one in 2048.
pub(super) fn sums_to_one(sum: f64) -> bool {
    (sum - 1.0).abs() <= 1e-3
}
