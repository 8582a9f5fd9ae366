//! The CTC forward recursion frame by frame, in whatever numbers hold its states.
//!
//! Graves et al., "Connectionist Temporal Classification" (ICML 2006), section 4.1. It begins in linear space;
//! before a state is lost there it goes on in numbers of any size, and in log space where log-probabilities lie
//! beyond 1e10. So no frame is needed twice.

use super::ctc_band::Band;
use super::ctc_labels::CtcLabels;
use super::ctc_linear::{Linear, Step};
use super::ctc_log_space::LogSpace;
use super::ctc_wide::AnySize;
use super::frame_columns::{Frame, next_block};
use crate::kernel::{InstructionSet, Sum};
use crate::logits::InputKind;

/// A loss and how it was computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CtcLoss {
    /// Minus the natural logarithm of the labels' probability; `+inf` if no alignment is possible.
    pub loss_nats: f64,
    /// Whether the range of linear space was enough; if not, the recursion went on in numbers of any size.
    pub linear: bool,
}

impl CtcLoss {
    /// The same of an input of `kind`: no probability of logits is above 1, but by what is rounded.
    pub(super) fn of(self, kind: InputKind) -> Self {
        let above_one = kind == InputKind::Logits && self.loss_nats < 0.0;
        Self { loss_nats: if above_one { 0.0 } else { self.loss_nats }, ..self }
    }
}

/// An item's recursion between two of its frames.
pub(super) struct Forward {
    frames: usize,
    taken: usize,
    states: States,
    linear: bool,
    /// Room for a frame's log-probabilities.
    log_probs: Vec<f64>,
}

enum States {
    /// No labels: the sum of the blank's log-probabilities.
    Blanks(Sum),
    Linear(Linear),
    AnySize(AnySize),
    /// And what the logarithms lack.
    LogSpace(LogSpace, Sum),
    /// Whatever follows.
    Over(f64),
}

impl Forward {
    /// Before the first of so many frames.
    pub(super) fn new(labels: &CtcLabels, frames: usize) -> Self {
        let mut forward = Self {
            frames: 0,
            taken: 0,
            states: States::Over(f64::NEG_INFINITY),
            linear: true,
            log_probs: Vec::new(),
        };
        forward.begin(labels, frames);
        forward
    }

    /// The same as [`Self::new`], in the memory of another item's recursion.
    pub(super) fn begin(&mut self, labels: &CtcLabels, frames: usize) {
        let (of_label, columns) = (labels.columns().of_label(), labels.columns().count());
        (self.frames, self.taken, self.linear) = (frames, 0, true);
        if frames < labels.frames_needed() {
            self.states = States::Over(f64::NEG_INFINITY);
        } else if labels.is_empty() {
            self.states = States::Blanks(Sum::default());
        } else if let States::Linear(states) = &mut self.states {
            states.begin(of_label, columns);
        } else {
            self.states = States::Linear(Linear::new(of_label, columns));
        }
    }

    /// Frames that were taken.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Takes the next frames.
    pub(super) fn advance<'a>(
        &mut self,
        set: InstructionSet,
        labels: &CtcLabels,
        frames: impl IntoIterator<Item = Frame<'a>>,
    ) {
        let mut frames = frames.into_iter();
        loop {
            let (block, count) = next_block(&mut frames);
            if count == 0 {
                return;
            }
            self.advance_block(set, labels, &block[..count]);
        }
    }

    fn advance_block(&mut self, set: InstructionSet, labels: &CtcLabels, mut frames: &[Frame]) {
        let of_label = labels.columns().of_label();
        while let Some(frame) = frames.first() {
            let (first, all) = (self.taken, self.frames);
            let band_of = |at: usize| Band::new(first + at, all, of_label.len());
            let (mut taken, mut step) = (1, Step::Taken);
            match &mut self.states {
                // As for labels, no sum goes on from there.
                States::Blanks(sum) if sum.value() == f64::INFINITY => step = Step::Over(f64::NAN),
                States::Blanks(sum) => sum.add(frame.scale.log_max),
                States::Linear(states) => (taken, step) = states.advance(set, band_of, frames, None),
                States::AnySize(states) => step = states.advance(set, band_of(0), of_label, frame),
                States::Over(f64::NEG_INFINITY) if frame.scale.log_max.is_finite() => {}
                // Where nothing is possible, too, a NaN goes through.
                States::LogSpace(..) | States::Over(f64::NEG_INFINITY) => {
                    self.log_probs.clear();
                    self.log_probs.extend(frame.log_probs());
                    if lets_nan_through(first, all, of_label, &self.log_probs) {
                        step = Step::Over(f64::NAN);
                    } else if let States::LogSpace(states, _) = &mut self.states {
                        states.advance(band_of(0), of_label, &self.log_probs);
                    }
                }
                States::Over(_) => {}
            }
            match step {
                Step::Taken => {}
                Step::Over(log_prob) => self.states = States::Over(log_prob),
                Step::TooSteep if self.spread_out() => continue,
                Step::Lossy | Step::TooSteep => {
                    self.widen(of_label);
                    continue;
                }
            }
            frames = &frames[taken..];
            self.taken += taken;
        }
    }

    fn spread_out(&mut self) -> bool {
        if let States::Linear(states) = &mut self.states { states.spread_out() } else { false }
    }

    fn widen(&mut self, of_label: &[u32]) {
        self.linear = false;
        match &self.states {
            States::Linear(states) => {
                self.states = States::AnySize(AnySize::from_linear(states, of_label));
            }
            States::AnySize(states) => {
                let (blanks, labels, log_scale) = states.states(of_label.len());
                self.states = States::LogSpace(LogSpace { blanks, labels }, log_scale);
            }
            _ => unreachable!("log space holds everything"),
        }
    }

    /// The loss, after the last frame.
    pub(super) fn finish(&self, labels: &CtcLabels) -> CtcLoss {
        let log_prob = match &self.states {
            States::Blanks(sum) => sum.value(),
            States::Linear(states) => states.finish(labels.len()),
            States::AnySize(states) => states.finish(labels.len()),
            States::LogSpace(states, log_scale) => {
                let mut log_scale = *log_scale;
                log_scale.add(states.finish());
                log_scale.value()
            }
            States::Over(log_prob) => *log_prob,
        };
        CtcLoss { loss_nats: -log_prob + 0.0, linear: self.linear }
    }
}

/// Whether a NaN among the columns of frame `frame` of `frames` makes the loss one, as in PyTorch: where the end can be
/// reached from its state. States that the start can't reach count as well, for there it meets -inf, but for those of
/// the first frame, which begins with two only.
fn lets_nan_through(frame: usize, frames: usize, of_label: &[u32], log_probs: &[f64]) -> bool {
    let is_nan = |column: u32| log_probs[column as usize].is_nan();
    let left = frames - 1 - frame;
    // Frames that the labels behind a state need.
    let mut needed = 0;
    // From the end: the blank behind a label, then the label.
    for (at, &column) in of_label.iter().enumerate().rev() {
        if needed <= left && frame > 0 && is_nan(0) {
            return true;
        }
        needed += usize::from(of_label.get(at + 1) == Some(&column));
        if needed <= left && (frame > 0 || at == 0) && is_nan(column) {
            return true;
        }
        needed += 1;
    }
    needed <= left && is_nan(0)
}
