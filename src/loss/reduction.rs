//! From the losses of all items to one number, by every convention in use.

use crate::kernel::Sum;

/// How the losses of all items become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// No single number: the items' losses are the result.
    None,
    /// The mean as PyTorch defines it: see [`Reductions::mean`].
    #[default]
    Mean,
    /// The plain sum.
    Sum,
}

impl Reduction {
    /// What the loss of each item is times in the number that is asked for, by the items' numbers of labels: for its
    /// gradient. Of [`Self::None`], that of the mean.
    ///
    /// Formula: PyTorch's `ctc_loss`.
    pub fn ctc_factors(self, label_lengths: impl ExactSizeIterator<Item = usize>) -> Vec<f64> {
        let items = label_lengths.len();
        let factor = |length: usize| match self {
            Self::Sum => 1.0,
            Self::Mean | Self::None => 1.0 / (length.max(1) * items) as f64,
        };
        label_lengths.map(factor).collect()
    }

    /// What the loss of each row of a cross-entropy is times in the number that is asked for, by what each row adds to the
    /// mean's denominator: for its gradient. Of [`Self::None`], that of the mean.
    ///
    /// Formula: PyTorch's `cross_entropy`.
    pub fn cross_entropy_factor(self, weights: impl Iterator<Item = f64>) -> f64 {
        match self {
            Self::Sum => 1.0,
            Self::Mean | Self::None => 1.0 / weights.collect::<Sum>().value(),
        }
    }
}

/// The loss of the whole file by each convention, in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reductions {
    /// The sum over all items.
    pub sum: f64,
    /// PyTorch's mean. CTC: each loss divided by `max(1, label_length)`, then the mean over items.
    /// Cross-entropy: the sum divided by the sum of the targets' class weights; with class probabilities,
    /// divided by the number of items.
    pub mean: f64,
    /// The sum divided by the number of items (warp-ctc, ESPnet, Keras).
    pub batch_mean: f64,
    /// The sum divided by the number of target tokens; for cross-entropy, by the number of items that are not ignored.
    pub token_mean: f64,
}

impl Reductions {
    /// The number that `reduction` asks for; `None` for [`Reduction::None`].
    pub fn get(&self, reduction: Reduction) -> Option<f64> {
        match reduction {
            Reduction::None => None,
            Reduction::Mean => Some(self.mean),
            Reduction::Sum => Some(self.sum),
        }
    }
}

/// Adds up the items of one loss (CTC or cross-entropy) in their order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reducer {
    sum: Sum,
    /// Of CTC items, each over its label length.
    per_label: Option<Sum>,
    /// Denominator of PyTorch's mean.
    weight: Sum,
    items: usize,
    tokens: u64,
}

impl Reducer {
    /// Adds one CTC item. Formula: PyTorch's `ctc_loss`, reduction `mean`.
    pub fn add_ctc(&mut self, loss: f64, label_length: usize) {
        self.per_label.get_or_insert_default().add(loss / label_length.max(1) as f64);
        self.sum.add(loss);
        self.weight.add(1.0);
        self.items += 1;
        self.tokens += label_length as u64;
    }

    /// Adds rows of cross-entropy, of which `ignored` are ignored. Each row's weight is what it adds to the mean's
    /// denominator: the target's class weight, 0 if the row is ignored, 1 for class probabilities.
    ///
    /// # Panics
    /// If `ignored` is more than the number of rows.
    pub fn add_cross_entropy(&mut self, losses: &[f64], weights: &[f64], ignored: usize) {
        self.sum.add_all(losses);
        self.weight.add_all(weights);
        self.items += losses.len();
        self.tokens += losses.len().checked_sub(ignored).expect("no more than there are") as u64;
    }

    /// Adds what another reducer has of the items that follow.
    pub fn append(&mut self, next: &Self) {
        self.sum.append(next.sum);
        if let Some(per_label) = next.per_label {
            self.per_label.get_or_insert_default().append(per_label);
        }
        self.weight.append(next.weight);
        self.items += next.items;
        self.tokens += next.tokens;
    }

    /// The result; a mean over nothing is NaN.
    pub fn finish(&self) -> Reductions {
        let sum = self.sum.value();
        let weight = self.weight.value();
        Reductions {
            sum,
            // With smoothing, the sum can be above 0 where all weights are 0: no mean either.
            mean: if weight == 0.0 { f64::NAN } else { self.per_label.unwrap_or(self.sum).value() / weight },
            batch_mean: sum / self.items as f64,
            token_mean: sum / self.tokens as f64,
        }
    }
}
