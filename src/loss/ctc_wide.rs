//! The CTC forward recursion in numbers of any size: slower than linear space, and nothing is dropped.

use super::ctc_band::Band;
use super::ctc_forward::Step;
use super::ctc_linear::Linear;
use super::frame_columns::{Frame, UNIT_EXPONENT};
use crate::kernel::{CtcWideStep, InstructionSet, Logs, Sum, Wide};

/// Place of the state that is numbered 0: the one before it is looked at, too.
const FIRST: usize = 1;

/// Where the recursion stands between two frames.
pub(super) struct AnySize {
    blanks: Wide,
    labels: Wide,
    next_blanks: Wide,
    next_labels: Wide,
    /// 0 where a label equals the one before, for no step may pass over the blank between them, and 1 where it does
    /// not.
    may_skip: Vec<f64>,
    /// Of each label in this frame.
    probs: Wide,
    /// Of each column in this frame.
    columns: Wide,
    /// What the states' logarithms lack.
    log_scale: Sum,
}

impl AnySize {
    /// Goes on from where linear space ends.
    pub(super) fn from_linear(linear: &Linear, of_label: &[u32]) -> Self {
        let places = of_label.len() + 1 + FIRST + CtcWideStep::LANES;
        let (states, log_scale) = linear.states();
        let (blanks, labels) = Wide::of_states(states, FIRST, places);
        let mut may_skip = vec![0.0; places];
        for (i, pair) in of_label.windows(2).enumerate() {
            may_skip[FIRST + i + 2] = if pair[0] == pair[1] { 0.0 } else { 1.0 };
        }
        Self {
            blanks,
            labels,
            next_blanks: Wide::zeros(places),
            next_labels: Wide::zeros(places),
            may_skip,
            probs: Wide::zeros(places),
            columns: Wide::zeros(0),
            log_scale,
        }
    }

    /// Takes a frame, or says why not.
    pub(super) fn advance(
        &mut self,
        set: InstructionSet,
        band: Band,
        of_label: &[u32],
        frame: &Frame,
    ) -> Step {
        let columns = &frame.columns[..frame.columns.len() - 1];
        match frame.scale.bits {
            Some(_) => {
                self.columns.set_all(columns, -UNIT_EXPONENT);
                self.log_scale.add(frame.scale.log_max);
            }
            None => match self.columns.set_exp(set, columns) {
                Logs::Usable => {}
                Logs::Not(f64::NEG_INFINITY) => return Step::Over(f64::NEG_INFINITY),
                Logs::Not(_) | Logs::TooLow => return Step::Lossy,
            },
        }
        for i in band.low.max(1)..=band.labels {
            self.probs.copy(i + FIRST, &self.columns, of_label[i - 1] as usize);
        }
        let step = CtcWideStep {
            blanks: &self.blanks,
            labels: &self.labels,
            next_blanks: &mut self.next_blanks,
            next_labels: &mut self.next_labels,
            may_skip: &self.may_skip,
            probs: &self.probs,
            columns: &self.columns,
            range: band.low + FIRST..band.labels + 1 + FIRST,
        };
        step.run_on(set);
        std::mem::swap(&mut self.blanks, &mut self.next_blanks);
        std::mem::swap(&mut self.labels, &mut self.next_labels);
        Step::Taken
    }

    /// The logarithms of the blanks' and the labels' states, from number 0 on, and what they lack.
    pub(super) fn states(&self, length: usize) -> (Vec<f64>, Vec<f64>, Sum) {
        let logs = |states: &Wide| (0..=length).map(|i| states.ln(i + FIRST)).collect();
        (logs(&self.blanks), logs(&self.labels), self.log_scale)
    }

    /// The log-probability of the labels after the last frame.
    pub(super) fn finish(mut self, length: usize) -> f64 {
        self.log_scale.add(Wide::ln_of_sum((&self.blanks, length + FIRST), (&self.labels, length + FIRST)));
        self.log_scale.value()
    }
}
