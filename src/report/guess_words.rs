//! What a match of `--guess` says of itself.

use crate::loss::guess::{Convention, LabelShift, Reading, Unit};

impl Reading {
    /// A description; `None` for the kinds of input, which have a flag.
    pub fn describe(self) -> Option<&'static str> {
        match self {
            Self::Kind(_) => None,
            Self::DoubleSoftmax => Some("softmax is applied twice there"),
            Self::SoftmaxAsLogProbs => Some("probabilities are taken for log-probabilities there"),
            Self::ProbsPlusEpsilon => {
                Some("1e-7 is added to each probability, and each row divided by its sum, as Keras does")
            }
            Self::LogProbs { base: 2 } => Some("the numbers are base-2 logarithms"),
            Self::LogProbs { .. } => Some("the numbers are base-10 logarithms"),
        }
    }
}

impl LabelShift {
    /// A description; `None` if nothing was done. `ignored`: what stands for no class in the file, and so stays as it is.
    pub fn describe(self, ignored: Option<i64>) -> Option<String> {
        let but = ignored.map_or_else(String::new, |ignored| format!(" but {ignored}"));
        match self {
            Self::None => None,
            Self::FromOne => Some(format!("with 1 subtracted from every label{but}: the file counts from 1")),
            Self::LeftOut { class: 0 } => {
                Some(format!("with 1 added to every label{but}: the file leaves class 0 out"))
            }
            Self::LeftOut { class } => {
                Some(format!("with 1 added to every label from {class} on: the file leaves the blank out"))
            }
        }
    }
}

impl Convention {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::BatchMean => "batch_mean",
            Self::TokenMean => "token_mean",
            Self::FrameMean => "frame_mean",
            Self::ItemFrameMean => "item_frame_mean",
            Self::FirstAxisMean => "first_axis_mean",
            Self::ItemMean => "item_mean",
        }
    }

    /// A description; `None` for those that `--reduction` has.
    pub fn describe(self) -> Option<&'static str> {
        match self {
            Self::Mean | Self::Sum => None,
            Self::BatchMean => Some("see the row batch_mean"),
            Self::TokenMean => Some("see the row token_mean"),
            Self::FrameMean => Some("the sum divided by the number of frames"),
            Self::ItemFrameMean => Some("each item divided by its frames, then the mean over items"),
            Self::FirstAxisMean => Some("the sum divided by the size of axis 0"),
            Self::ItemMean => Some("the mean of each item along axis 0, then the mean over items"),
        }
    }
}

impl Unit {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Bits => "bits",
            Self::Digits => "digits",
            Self::LogProb => "log_prob",
            Self::Perplexity => "perplexity",
        }
    }

    /// A description; `None` for nats, which this program prints.
    pub fn describe(self) -> Option<&'static str> {
        match self {
            Self::Nats => None,
            Self::Bits => Some("the number is in bits"),
            Self::Digits => Some("the number is in base-10 logarithms"),
            Self::LogProb => Some("the number is the log-probability, the loss with its sign changed"),
            Self::Perplexity => Some("the number is the perplexity, e to the power of the loss"),
        }
    }
}
