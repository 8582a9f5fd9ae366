use super::InputKind;
use crate::kernel::{Element, LogSumExp, log_sum_exp};

/// One row's normaliser: turns each of its values into a log-probability.
#[derive(Clone, Copy, Debug)]
pub struct RowScale {
    kind: InputKind,
    /// Log-sum-exp of the row; for probabilities, of their logarithms.
    lse: LogSumExp,
}

impl RowScale {
    /// Looks at one row of `[classes]` values once.
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

    /// Whether the row is a distribution: no NaN, no `+inf`, no negative probability, and some class
    /// has a chance.
    pub fn is_proper(self) -> bool {
        self.lse.is_proper()
    }

    /// What the row's probabilities sum to: 1 for logits; NaN where the row is no distribution.
    pub fn total(self) -> f64 {
        match self.kind {
            _ if !self.is_proper() => f64::NAN,
            InputKind::Logits => 1.0,
            InputKind::LogProbs | InputKind::Probs => self.lse.value().exp(),
        }
    }
}

fn sum_of_probs<E: Element>(row: &[E]) -> LogSumExp {
    let mut sum = 0.0;
    let mut negative = false;
    for p in row {
        negative |= p.to_f64() < 0.0;
        sum += p.to_f64();
    }
    let max = if negative { f64::NAN } else { sum.ln() };
    LogSumExp { max, log_sum: if max.is_finite() { 0.0 } else { f64::NAN } }
}
