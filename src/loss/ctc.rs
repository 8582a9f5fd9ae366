//! CTC loss: minus the log-probability of a label sequence, summed over all its alignments.
//!
//! The forward recursion of Graves et al., "Connectionist Temporal Classification" (ICML 2006),
//! section 4.1, in linear space. Each frame is scaled so that its columns sum to one and the state is
//! rescaled by powers of two, so nothing is rounded that log space would keep, except for states that
//! sink below a threshold. Those are set to zero and *accounted for*: because the columns sum to one, the
//! mass that a dropped state could still have contributed is at most the mass it had. Where the sum of
//! all that was dropped is not negligible beside the result, the result is thrown away and the item is
//! computed again in log space.

use thiserror::Error;

use super::ctc_band::Band;
use super::ctc_log_space;
use super::{Columns, Emissions};
use crate::kernel::{Element, Sum};
use crate::logits::{InputKind, RowScale};

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

    /// The classes of a frame that this item needs.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }
}

/// A loss and how it was come by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CtcLoss {
    /// Minus the natural logarithm of the labels' probability; `+inf` where no alignment is possible.
    pub loss_nats: f64,
    /// Whether linear space lost too much and the item was computed in log space.
    pub log_space: bool,
}

/// CTC loss of one item.
///
/// `matrix`: `[frames, classes]`, row-major; all frames are in use.
///
/// # Errors
/// Where `matrix` is not whole frames of the classes that `labels` was checked against.
pub fn ctc_loss<E: Element>(matrix: &[E], kind: InputKind, labels: &CtcLabels) -> Result<f64, CtcError> {
    if !matrix.len().is_multiple_of(labels.classes) {
        return Err(CtcError::RaggedFrames { values: matrix.len(), classes: labels.classes });
    }
    let count = labels.columns.count();
    let mut log_probs = vec![0.0; matrix.len() / labels.classes * count];
    for (row, out) in matrix.chunks_exact(labels.classes).zip(log_probs.chunks_exact_mut(count)) {
        labels.columns.gather(row, RowScale::new(row, kind), out);
    }
    Ok(loss_of_emissions(&Emissions::new(&log_probs, labels.columns()), labels).loss_nats)
}

/// CTC loss of one item from what was gathered of its frames.
pub fn loss_of_emissions(emissions: &Emissions, labels: &CtcLabels) -> CtcLoss {
    let exact = |loss_nats: f64| CtcLoss { loss_nats: loss_nats + 0.0, log_space: false };
    if emissions.frames() < labels.frames_needed() {
        return exact(f64::INFINITY);
    }
    if labels.is_empty() {
        let total: Sum = emissions.iter().map(|frame| frame[0]).collect();
        return exact(-total.value());
    }
    match forward(emissions) {
        Some(log_prob) => exact(-log_prob),
        None => CtcLoss { loss_nats: -ctc_log_space::forward(emissions) + 0.0, log_space: true },
    }
}

/// States below this are dropped; with the largest state kept above [`RESCALE`], a product of a kept
/// state and a kept probability is still a normal number.
const FLUSH: f64 = pow2(-500);
/// The state is scaled up where its largest value is below this.
const RESCALE: f64 = pow2(-100);
/// The share of the result that may have been dropped: a sixteenth of a rounding error.
const NEGLIGIBLE: f64 = pow2(-57);

const fn pow2(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// The state of the recursion after a frame.
struct Alpha {
    /// `blanks[i]`: all prefixes that end in the blank after label `i`; `blanks[0]` comes before the first.
    blanks: Vec<f64>,
    /// `labels[i]`: all prefixes that end in label `i`, from 1; `labels[0]` is 0 always.
    labels: Vec<f64>,
}

/// The log-probability of the labels in linear space; none where too much was dropped on the way.
fn forward(emissions: &Emissions) -> Option<f64> {
    let frames = emissions.frames();
    let of_label = emissions.of_label();
    let length = of_label.len();
    // 0 where a label equals the one before: no step may pass over the blank between them.
    let may_skip: Vec<f64> = std::iter::once(0.0)
        .chain(of_label.windows(2).map(|pair| if pair[0] == pair[1] { 0.0 } else { 1.0 }))
        .collect();
    let mut now = Alpha { blanks: vec![0.0; length + 1], labels: vec![0.0; length + 1] };
    let mut next = Alpha { blanks: vec![0.0; length + 1], labels: vec![0.0; length + 1] };
    // A state before the first frame, from which the first blank and the first label are reached.
    now.blanks[0] = 1.0;
    let mut columns = Vec::new();
    let mut probs = vec![0.0; length];
    let mut log_scale = Sum::default();
    let mut exponent = 0_i64;
    // An upper bound of the mass dropped so far, in the units of the state.
    let mut dropped_mass = 0.0;

    for (frame, log_probs) in emissions.iter().enumerate() {
        let band = Band::new(frame, frames, length);
        let scaled = scale_frame(log_probs, &mut columns);
        if !scaled.log_total.is_finite() {
            // Nothing that the labels need has a chance in this frame; or a NaN goes through.
            return Some(scaled.log_total);
        }
        log_scale.add(scaled.log_total);
        for (prob, &column) in probs.iter_mut().zip(of_label) {
            *prob = columns[column as usize];
        }
        let step = step(&now, &mut next, band, columns[0], &probs, &may_skip);
        std::mem::swap(&mut now, &mut next);
        if step.dropped || scaled.dropped {
            // Each state is at most 1, and lost at most FLUSH by its own drop or by a probability's.
            dropped_mass += (4 * length + 2) as f64 * FLUSH;
        }
        if step.max < RESCALE {
            if step.max == 0.0 {
                return if dropped_mass == 0.0 { Some(f64::NEG_INFINITY) } else { None };
            }
            let up = -(step.max.log2().floor() as i64) - 1;
            let factor = pow2(up);
            now.blanks[band.low..=band.blanks].iter_mut().for_each(|a| *a *= factor);
            now.labels[band.low.max(1)..=band.labels].iter_mut().for_each(|a| *a *= factor);
            dropped_mass *= factor;
            exponent -= up;
        }
    }
    let prob = now.blanks[length] + now.labels[length];
    if prob == 0.0 && dropped_mass == 0.0 {
        return Some(f64::NEG_INFINITY);
    }
    if dropped_mass > prob * NEGLIGIBLE {
        return None;
    }
    Some(prob.ln() + exponent as f64 * std::f64::consts::LN_2 + log_scale.value())
}

struct ScaledFrame {
    /// Log-sum-exp of the frame's columns: what they were divided by.
    log_total: f64,
    /// Whether a probability above 0 was dropped.
    dropped: bool,
}

/// The frame's columns as probabilities that sum to one.
fn scale_frame(log_probs: &[f64], columns: &mut Vec<f64>) -> ScaledFrame {
    let max =
        log_probs.iter().copied().fold(f64::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a });
    if !max.is_finite() {
        return ScaledFrame { log_total: max, dropped: false };
    }
    columns.clear();
    columns.extend(log_probs.iter().map(|lp| (lp - max).exp()));
    let total: f64 = columns.iter().sum();
    let mut dropped = false;
    for (column, &lp) in columns.iter_mut().zip(log_probs) {
        *column /= total;
        if *column < FLUSH {
            *column = 0.0;
            dropped |= lp > f64::NEG_INFINITY;
        }
    }
    ScaledFrame { log_total: max + total.ln(), dropped }
}

struct Step {
    max: f64,
    dropped: bool,
}

/// One frame of the recursion, within the band.
fn step(now: &Alpha, next: &mut Alpha, band: Band, blank: f64, probs: &[f64], may_skip: &[f64]) -> Step {
    let mut max = 0.0_f64;
    let mut dropped = false;
    let mut keep = |a: f64| {
        let kept = if a < FLUSH { 0.0 } else { a };
        dropped |= a > kept;
        max = if kept > max { kept } else { max };
        kept
    };
    if band.low <= band.blanks {
        let range = band.low..=band.blanks;
        let sources = now.blanks[range.clone()].iter().zip(&now.labels[range.clone()]);
        for (to, (stay, after)) in next.blanks[range].iter_mut().zip(sources) {
            *to = keep((stay + after) * blank);
        }
    }
    let low = band.low.max(1);
    let range = low..=band.labels;
    let before = low - 1..=band.labels - 1;
    let sources = now.labels[range.clone()]
        .iter()
        .zip(&now.blanks[before.clone()])
        .zip(&now.labels[before.clone()])
        .zip(&may_skip[before.clone()])
        .zip(&probs[before]);
    for (to, ((((stay, from_blank), from_label), skip), prob)) in next.labels[range].iter_mut().zip(sources) {
        *to = keep((stay + from_blank + skip * from_label) * prob);
    }
    Step { max, dropped }
}
