//! What another system may have done to the same numbers: readings of the input, labels, conventions, units.

use super::ctc::CtcLabels;
use super::ctc_batch::CtcBatch;
use super::reduction::Reductions;
use crate::kernel::log_sum_exp;
use crate::logits::{Block, BlockReducer, Geometry, InputKind, Items, Nonfinite, position_of, row_max};

/// What a system takes the numbers of a matrix to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// One of the kinds of input that this program has.
    Kind(InputKind),
    /// Softmax is followed by a loss that has its own log-softmax, so softmax is applied twice.
    DoubleSoftmax,
    /// Softmax is followed by a loss that expects log-probabilities, so the logarithm is missing.
    SoftmaxAsLogProbs,
    /// The numbers are probabilities; 1e-7 is added to each, and softmax then makes each row sum to 1 again, as in
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

    /// The CTC losses of items of so many `frames` whose values are `rows`, `[rows, classes]`, item by item.
    ///
    /// # Panics
    /// If `lengths` exceed `frames`, or there are not as many rows.
    pub(crate) fn ctc_losses(
        self,
        rows: &[f64],
        classes: usize,
        frames: usize,
        targets: &[CtcLabels],
        lengths: &[usize],
    ) -> Vec<f64> {
        let mut values = rows.to_vec();
        let kind = self.apply(&mut values, classes);
        let geometry = Geometry::new(&[rows.len() / classes, classes], false, 1, &[0]);
        let geometry = geometry.expect("rows that are in memory");
        let items =
            Items::new(geometry.clone(), frames, lengths.to_vec()).expect("lengths that were checked");
        let mut batch = CtcBatch::new(kind, Nonfinite::Propagate, items, targets.to_vec());
        // With `propagate` no row is refused.
        let part = batch.look(Block::new(&values, &geometry, 0));
        let _ = batch.take(part);
        batch.finish().items.iter().map(|item| item.loss.loss_nats).collect()
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

/// Values times blanks, up to which every class is tried as the blank.
const MOST_BLANK_VALUES: usize = 1 << 25;

/// The blanks to try, the usual ones first, and whether each is an unusual one: the one asked for, the first, the last, the
/// class that wins the most of `rows`, `[rows, classes]`; every class where that costs little.
pub(crate) fn blanks(rows: &[f64], classes: usize, asked: u32) -> Vec<(u32, bool)> {
    let mut wins = vec![0_usize; classes];
    for row in rows.chunks_exact(classes) {
        wins[position_of(row, row_max(row)).unwrap_or_default()] += 1;
    }
    let winner = (0..classes).rev().max_by_key(|&class| wins[class]).unwrap_or(0) as u32;
    let mut blanks: Vec<(u32, bool)> = Vec::new();
    for blank in [asked, 0, classes as u32 - 1, winner] {
        if !blanks.contains(&(blank, false)) {
            blanks.push((blank, false));
        }
    }
    if rows.len().max(classes).saturating_mul(classes) <= MOST_BLANK_VALUES {
        let usual = blanks.clone();
        let rest = (0..classes as u32).filter(|&class| !usual.contains(&(class, false)));
        blanks.extend(rest.map(|class| (class, true)));
    }
    blanks
}

/// The mean of each of `items` items over its rows' weights, then over items.
pub(crate) fn item_mean(losses: &[f64], items: usize, weight: impl Fn(usize) -> f64) -> f64 {
    // Items without rows may be any number.
    if losses.is_empty() {
        return f64::NAN;
    }
    let rows = losses.len() / items;
    let mean = |item: usize| {
        let of_item = item * rows..(item + 1) * rows;
        let weights: f64 = of_item.clone().map(&weight).sum();
        losses[of_item].iter().sum::<f64>() / weights
    };
    (0..items).map(mean).sum::<f64>() / items as f64
}
