//! The CTC forward recursion in numbers of any size: slower than linear space, and nothing is dropped.

use super::ctc_band::Band;
use super::ctc_linear::{Linear, Step};
use super::frame_columns::{Frame, UNIT_EXPONENT};
use crate::kernel::{CtcShares, CtcWideStep, InstructionSet, Logs, Sum, Wide};

/// Place of the state that is numbered 0: the one before it is looked at, too.
const FIRST: usize = 1;

/// The states between two frames, from place [`FIRST`] on.
pub(super) struct WideStates {
    blanks: Wide,
    labels: Wide,
}

impl Clone for WideStates {
    fn clone(&self) -> Self {
        Self { blanks: self.blanks.clone(), labels: self.labels.clone() }
    }

    fn clone_from(&mut self, source: &Self) {
        self.blanks.clone_from(&source.blanks);
        self.labels.clone_from(&source.labels);
    }
}

/// Where the recursion stands between two frames.
pub(super) struct AnySize {
    states: WideStates,
    next: WideStates,
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
        let (blanks, labels) = Wide::of_states(linear.states(), FIRST, places);
        let zeros = || Wide::zeros(places);
        let mut may_skip = vec![0.0; places];
        for (i, pair) in of_label.windows(2).enumerate() {
            may_skip[FIRST + i + 2] = if pair[0] == pair[1] { 0.0 } else { 1.0 };
        }
        Self {
            states: WideStates { blanks, labels },
            next: WideStates { blanks: zeros(), labels: zeros() },
            may_skip,
            probs: zeros(),
            columns: Wide::zeros(0),
            log_scale: linear.log_scale(),
        }
    }

    /// Before the first frame.
    pub(super) fn new(of_label: &[u32], columns: usize) -> Self {
        Self::from_linear(&Linear::new(of_label, columns), of_label)
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
                Logs::Not(_) | Logs::TooFar => return Step::Lossy,
            },
        }
        self.advance_by_columns(set, band, of_label);
        Step::Taken
    }

    /// Takes a frame's log-probabilities of the columns; returns whether it could.
    pub(super) fn advance_by_logs(
        &mut self,
        set: InstructionSet,
        band: Band,
        of_label: &[u32],
        log_probs: &[f64],
    ) -> bool {
        let usable = self.columns.set_exp(set, log_probs) == Logs::Usable;
        if usable {
            self.advance_by_columns(set, band, of_label);
        }
        usable
    }

    fn advance_by_columns(&mut self, set: InstructionSet, band: Band, of_label: &[u32]) {
        let first = band.low.max(1);
        self.probs.copy(first + FIRST, &self.columns, &of_label[first - 1..band.labels.max(first - 1)]);
        let step = CtcWideStep {
            blanks: &self.states.blanks,
            labels: &self.states.labels,
            next_blanks: &mut self.next.blanks,
            next_labels: &mut self.next.labels,
            may_skip: &self.may_skip,
            probs: &self.probs,
            columns: &self.columns,
            range: band.low + FIRST..band.labels + 1 + FIRST,
        };
        step.run_on(set);
        std::mem::swap(&mut self.states, &mut self.next);
    }

    /// The states, to go on from another time.
    pub(super) fn wide_states(&self) -> &WideStates {
        &self.states
    }

    /// Goes on from states of the same labels.
    pub(super) fn resume(&mut self, states: WideStates) {
        // What no start has reached is 0, and must be so in both.
        self.next.clone_from(&states);
        self.states = states;
    }

    /// The recursion having come from the end, over reversed labels, to a frame that `forward` came to from the start:
    /// what share of all alignments is at each column in that frame. `band` is the forward recursion's, `room` any states
    /// of as many labels.
    pub(super) fn shares<'a>(
        &'a self,
        forward: &'a WideStates,
        band: Band,
        reversed: &'a [u32],
        room: &'a mut WideStates,
    ) -> CtcShares<'a> {
        let length = reversed.len();
        let WideStates { blanks, labels } = room;
        CtcShares {
            forward: [&forward.blanks, &forward.labels],
            backward: [&self.states.blanks, &self.states.labels],
            probs: &self.probs,
            columns: &self.columns,
            of_label: reversed,
            first: FIRST,
            blank_range: length - band.blanks..length - band.low + 1,
            label_range: length + 1 - band.labels..length + 1 - band.low.max(1) + 1,
            room: [blanks, labels],
        }
    }

    /// The logarithms of the blanks' and the labels' states, from number 0 on, and what they lack.
    pub(super) fn states(&self, length: usize) -> (Vec<f64>, Vec<f64>, Sum) {
        let logs = |states: &Wide| (0..=length).map(|i| states.ln(i + FIRST)).collect();
        (logs(&self.states.blanks), logs(&self.states.labels), self.log_scale)
    }

    /// The log-probability of the labels after the last frame.
    pub(super) fn finish(&self, length: usize) -> f64 {
        let WideStates { blanks, labels } = &self.states;
        let mut log_prob = self.log_scale;
        log_prob.add(Wide::ln_of_sum((blanks, length + FIRST), (labels, length + FIRST)));
        log_prob.value()
    }
}
