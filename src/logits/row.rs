use super::InputKind;
use crate::kernel::{
    Element, InstructionSet, LogSumExp, fast_log_sum_exp_rows, log_sum_exp, log_sum_exp_rows,
};

/// How exact a row's normaliser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accuracy {
    /// As if in double precision, whatever the values are. What adds up alternatives needs it: their
    /// probabilities can sum to next to one, and what is missing from one is the result.
    Double,
    /// Log-probabilities within 2e-7 relative from single precision: enough for what takes them one by one.
    OfInput,
}

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

    /// Looks at each row of `values`, `[rows, classes]`, row-major, once, and leaves the normalisers in
    /// `scales`; `scratch` is room to be used again.
    pub fn of_rows<E: Element>(
        values: &[E],
        classes: usize,
        kind: InputKind,
        accuracy: Accuracy,
        scratch: &mut Vec<LogSumExp>,
        scales: &mut Vec<Self>,
    ) {
        scales.clear();
        if kind == InputKind::Probs {
            scales.extend(values.chunks_exact(classes).map(|row| Self::new(row, kind)));
            return;
        }
        scratch.resize(values.len() / classes, LogSumExp::ZERO);
        let set = InstructionSet::best();
        match accuracy {
            Accuracy::Double => log_sum_exp_rows(set, values, classes, scratch),
            Accuracy::OfInput => fast_log_sum_exp_rows(set, values, classes, scratch),
        }
        scales.extend(scratch.iter().map(|&lse| Self { kind, lse }));
    }

    /// The natural logarithm of the probability of a value of this row.
    pub fn log_prob<E: Element>(self, x: E) -> f64 {
        match self.kind {
            InputKind::Logits => self.lse.log_prob(x.to_f64()),
            InputKind::LogProbs => x.to_f64(),
            InputKind::Probs => x.to_f64().ln(),
        }
    }

    /// The natural logarithm of the largest probability of a row of logits.
    pub(crate) fn log_largest(self) -> f64 {
        -self.lse.log_sum
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
