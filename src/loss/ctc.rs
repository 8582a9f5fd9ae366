//! CTC loss: minus the natural logarithm of a label sequence's probability, summed over all its alignments.
//!
//! The forward recursion of Graves et al., "Connectionist Temporal Classification" (ICML 2006), section 4.1.

use std::convert::Infallible;

use super::Emissions;
use super::ctc_forward::Forward;
use super::frame_columns::Frames;
use super::frames_of_rows::FramesOfRows;
use crate::kernel::{BLOCK_FRAMES, Element, InstructionSet, Rows};
use crate::logits::{InputKind, RowScale, rows_at_once};

pub use super::ctc_forward::CtcLoss;
pub use super::ctc_labels::{CtcError, CtcLabels};

/// CTC loss of one item, in nats.
///
/// `matrix`: `[frames, classes]`, row-major; all frames are in use. `kind` says what its values are.
///
/// From single-precision values the loss is within 2e-7 (relative) if there are more than 128 classes, otherwise as
/// exact as from double precision.
///
/// Special values:
/// - `+inf` if there are fewer frames than [`CtcLabels::frames_needed`], or if no alignment has a probability above 0;
/// - 0 for an empty target without frames;
/// - NaN, as in PyTorch, if an alignment is possible and a frame of logits has a NaN or `+inf` or nothing but `-inf`,
///   or if a NaN or `+inf` is among the log-probabilities or probabilities that the labels need, at a place from
///   which the end can be reached.
///
/// # Errors
/// If the number of values is not a multiple of the number of classes that `labels` was checked against.
pub fn ctc_loss<E: Element>(matrix: &[E], kind: InputKind, labels: &CtcLabels) -> Result<f64, CtcError> {
    let (classes, columns) = (labels.classes(), labels.columns());
    if !matrix.len().is_multiple_of(classes) {
        return Err(CtcError::RaggedFrames { values: matrix.len(), classes });
    }
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

/// CTC loss of one item from the log-probabilities that were gathered from its frames.
pub fn loss_of_emissions(emissions: &Emissions) -> CtcLoss {
    loss_of_emissions_on(InstructionSet::best(), emissions)
}

/// The same as [`loss_of_emissions`], with the instructions of `set`.
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
