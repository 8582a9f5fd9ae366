//! CTC loss: minus the log-probability of a label sequence, summed over all its alignments.
//!
//! The forward recursion of Graves et al., "Connectionist Temporal Classification" (ICML 2006), section 4.1.

use std::convert::Infallible;

use thiserror::Error;

use super::ctc_forward::Forward;
use super::frame_columns::Frames;
use super::frames_of_rows::FramesOfRows;
use super::{Columns, Emissions};
use crate::kernel::{BLOCK_FRAMES, Element, InstructionSet, Rows};
use crate::logits::{InputKind, RowScale, rows_at_once};

/// Why a label sequence does not fit a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CtcError {
    /// The blank is not a class.
    #[error("blank {blank} is not one of {classes} classes")]
    BlankOutOfRange {
        /// The blank's index.
        blank: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A label is not a class.
    #[error("label {label} at position {position} is not one of {classes} classes")]
    LabelOutOfRange {
        /// Place in the label sequence, from 0.
        position: usize,
        /// The label found there.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A label equals the blank, which has no alignment of its own.
    #[error("label {label} at position {position} is the blank")]
    LabelIsBlank {
        /// Place in the label sequence, from 0.
        position: usize,
        /// The label found there.
        label: u32,
    },
    /// The matrix is not whole frames.
    #[error("{values} values are not whole frames of {classes} classes")]
    RaggedFrames {
        /// Number of values given.
        values: usize,
        /// Number of classes.
        classes: usize,
    },
}

/// One item's label sequence, checked against the number of classes and the blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtcLabels {
    columns: Columns,
    classes: usize,
    frames_needed: usize,
}

impl CtcLabels {
    /// Checks `labels`, class indices of an item's target.
    ///
    /// # Errors
    /// Where the blank or a label is no class, or a label is the blank.
    pub fn new(labels: &[u32], classes: usize, blank: u32) -> Result<Self, CtcError> {
        if blank as usize >= classes {
            return Err(CtcError::BlankOutOfRange { blank, classes });
        }
        for (position, &label) in labels.iter().enumerate() {
            if label as usize >= classes {
                return Err(CtcError::LabelOutOfRange { position, label, classes });
            }
            if label == blank {
                return Err(CtcError::LabelIsBlank { position, label });
            }
        }
        let repeats = labels.windows(2).filter(|pair| pair[0] == pair[1]).count();
        Ok(Self { columns: Columns::new(labels, blank), classes, frames_needed: labels.len() + repeats })
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.columns.of_label().len()
    }

    /// The labels, class indices.
    pub fn labels(&self) -> Vec<u32> {
        self.columns.labels()
    }

    /// Whether the target is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fewest frames with an alignment: the length, and a blank between equal neighbours.
    pub fn frames_needed(&self) -> usize {
        self.frames_needed
    }

    /// How many classes they were checked against.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The classes of a frame that this item needs.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }
}

/// A loss and how it was computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CtcLoss {
    /// Minus the natural logarithm of the labels' probability; `+inf` where no alignment is possible.
    pub loss_nats: f64,
    /// Whether linear space was wide enough; else the recursion went on in numbers of any size.
    pub linear: bool,
}

impl CtcLoss {
    /// The same of an input of `kind`: no probability of logits is above 1, but by what is rounded.
    pub(super) fn of(self, kind: InputKind) -> Self {
        let above_one = kind == InputKind::Logits && self.loss_nats < 0.0;
        Self { loss_nats: if above_one { 0.0 } else { self.loss_nats }, ..self }
    }
}

/// CTC loss of one item.
///
/// `matrix`: `[frames, classes]`, row-major; all frames are in use. From single precision the loss is within 2e-7
/// relative where there are more than 128 classes, else as exact as from double precision. Where an alignment is
/// possible, logits of a frame with NaN or `+inf`, or with nothing but `-inf`, make it NaN, as in PyTorch; so do NaN
/// and `+inf` among log-probabilities and probabilities where the labels need them and the end can be reached. It is
/// `+inf` where there are fewer frames than [`CtcLabels::frames_needed`] or no alignment has a probability above 0, and
/// 0 for an empty target without frames.
///
/// # Errors
/// Where `matrix` is not whole frames of the classes that `labels` was checked against.
pub fn ctc_loss<E: Element>(matrix: &[E], kind: InputKind, labels: &CtcLabels) -> Result<f64, CtcError> {
    if !matrix.len().is_multiple_of(labels.classes) {
        return Err(CtcError::RaggedFrames { values: matrix.len(), classes: labels.classes });
    }
    let (classes, columns) = (labels.classes, labels.columns());
    let set = InstructionSet::best();
    let mut forward = Forward::new(labels, matrix.len() / classes);
    let (mut rows, mut frames) = (FramesOfRows::new(kind), Frames::new(kind));
    for values in matrix.chunks(rows_at_once(classes) * classes) {
        frames.clear();
        let Ok(()) = rows.push_all(
            Rows::new(values, classes),
            |_| columns,
            &mut frames,
            |_, _, _| Ok::<_, Infallible>(()),
        );
        forward.advance(set, labels, frames.iter());
    }
    Ok(forward.finish(labels).of(kind).loss_nats)
}

/// Natural logarithm of the number of alignments of labels with so many frames; `-inf` where there is none.
///
/// Where every class has "probability" 1 in every frame, the sum over alignments counts them.
pub fn ln_alignments(labels: &CtcLabels, frames: usize) -> f64 {
    let mut forward = Forward::new(labels, frames);
    let mut one = Frames::new(InputKind::LogProbs);
    one.push(&vec![0.0; labels.columns().count()], |_| RowScale::LOG_PROBS);
    forward.advance(InstructionSet::best(), labels, std::iter::repeat_n(one.get(0), frames));
    -forward.finish(labels).loss_nats
}

/// CTC loss of one item from what was gathered of its frames.
pub fn loss_of_emissions(emissions: &Emissions) -> CtcLoss {
    loss_of_emissions_on(InstructionSet::best(), emissions)
}

/// The same with the instructions of `set`.
pub fn loss_of_emissions_on(set: InstructionSet, emissions: &Emissions) -> CtcLoss {
    let labels = emissions.labels();
    let mut forward = Forward::new(labels, emissions.frames());
    let mut frames = Frames::new(InputKind::LogProbs).with(set);
    for log_probs in emissions.iter() {
        // Blocks of frames are advanced at a time.
        if frames.len() == BLOCK_FRAMES {
            forward.advance(set, labels, frames.iter());
            frames.clear();
        }
        frames.push(log_probs, |_| RowScale::LOG_PROBS);
    }
    forward.advance(set, labels, frames.iter());
    forward.finish(labels)
}
