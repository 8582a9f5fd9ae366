//! What another system may have done to the same numbers: readings of the input, labels, conventions, units.

use super::reduction::Reductions;
use crate::kernel::log_sum_exp;
use crate::logits::InputKind;

/// What a system takes the numbers of a matrix to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One of the kinds of input that this program has.
    Kind(InputKind),
    /// Softmax is followed by a loss that has its own log-softmax, so softmax is applied twice.
    DoubleSoftmax,
    /// Softmax is followed by a loss that expects log-probabilities, so the logarithm is missing.
    SoftmaxAsLogProbs,
    /// The numbers are probabilities; [`EPSILON`] is added to each, and softmax then makes each row sum to 1 again, as in
    /// Keras' `ctc_batch_cost`.
    ProbsPlusEpsilon,
    /// The numbers are logarithms of probabilities to this base.
    LogProbs {
        /// 2 or 10.
        base: u8,
    },
}

/// What Keras adds to probabilities before it takes their logarithm.
const EPSILON: f64 = 1e-7;

impl Reading {
    /// The readings that are possible for values from `least` to `most`, the most usual ones first.
    pub fn possible(least: f64, most: f64) -> Vec<Self> {
        let mut readings = vec![Self::Kind(InputKind::Logits), Self::Kind(InputKind::LogProbs)];
        if least >= 0.0 {
            readings.push(Self::Kind(InputKind::Probs));
        }
        readings.extend([Self::DoubleSoftmax, Self::SoftmaxAsLogProbs]);
        if most <= 0.0 {
            readings.extend([Self::LogProbs { base: 2 }, Self::LogProbs { base: 10 }]);
        }
        readings
    }

    /// Changes `rows`, `[rows, classes]`, in place to what the system's loss sees, and returns what that is.
    pub fn apply(self, rows: &mut [f64], classes: usize) -> InputKind {
        match self {
            Self::Kind(kind) => kind,
            Self::DoubleSoftmax => {
                rows.chunks_exact_mut(classes).for_each(softmax);
                InputKind::Logits
            }
            Self::SoftmaxAsLogProbs => {
                rows.chunks_exact_mut(classes).for_each(softmax);
                InputKind::LogProbs
            }
            Self::ProbsPlusEpsilon => {
                for x in rows {
                    *x = (*x + EPSILON).ln();
                }
                InputKind::Logits
            }
            Self::LogProbs { base } => {
                let factor = f64::from(base).ln();
                for x in rows {
                    *x *= factor;
                }
                InputKind::LogProbs
            }
        }
    }
}

fn softmax(row: &mut [f64]) {
    let lse = log_sum_exp(row);
    for x in row {
        *x = lse.log_prob(*x).exp();
    }
}

/// What may have been done to labels before they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelShift {
    /// Nothing.
    None,
    /// The labels count from 1.
    FromOne,
    /// The labels count the classes without the blank (or, for cross-entropy, without class 0).
    LeftOut {
        /// The class that is left out.
        class: i64,
    },
}

impl LabelShift {
    /// The class that a label of the file stands for.
    pub fn apply(self, label: i64) -> i64 {
        match self {
            Self::FromOne => label.saturating_sub(1),
            Self::LeftOut { class } if label >= class => label.saturating_add(1),
            Self::None | Self::LeftOut { .. } => label,
        }
    }
}

/// How a system's losses become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// [`Reductions::mean`].
    Mean,
    /// [`Reductions::sum`].
    Sum,
    /// [`Reductions::batch_mean`].
    BatchMean,
    /// [`Reductions::token_mean`].
    TokenMean,
    /// CTC: the sum divided by the number of frames in use.
    FrameMean,
    /// CTC: each item's loss divided by its number of frames in use, then the mean over items.
    ItemFrameMean,
    /// Cross-entropy with three axes or more: the sum divided by the size of the first axis.
    FirstAxisMean,
    /// The same input: the mean of each item along the first axis, then the mean over items.
    ItemMean,
}

impl Convention {
    /// The conventions that [`Reductions`] has, with their numbers.
    pub fn of(reductions: &Reductions) -> Vec<(Self, f64)> {
        let Reductions { sum, mean, batch_mean, token_mean } = *reductions;
        vec![
            (Self::Mean, mean),
            (Self::Sum, sum),
            (Self::BatchMean, batch_mean),
            (Self::TokenMean, token_mean),
        ]
    }
}

/// What a system's number is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Natural logarithms.
    Nats,
    /// Logarithms to base 2.
    Bits,
    /// Logarithms to base 10.
    Digits,
    /// The log-probability in natural logarithms: the loss with its sign changed.
    LogProb,
    /// The perplexity: e to the power of the loss in nats.
    Perplexity,
}

impl Unit {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Nats, Self::Bits, Self::Digits, Self::LogProb, Self::Perplexity];

    /// A loss in this unit.
    pub fn of(self, loss_nats: f64) -> f64 {
        match self {
            Self::Nats => loss_nats,
            Self::Bits => loss_nats / std::f64::consts::LN_2,
            Self::Digits => loss_nats / std::f64::consts::LN_10,
            Self::LogProb => -loss_nats,
            Self::Perplexity => loss_nats.exp(),
        }
    }
}
