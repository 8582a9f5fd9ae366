//! The CTC forward recursion in linear space.
//!
//! Each frame is scaled so that its largest column is a quarter: then no sum of three states grows. Every few
//! neighbouring states share an exponent, so nothing is rounded that log space would keep, except for states that
//! sink far beneath their neighbours. Before the first such state is dropped, the recursion ends here and goes on
//! in numbers of any size.

use super::ctc_band::Band;
use super::ctc_forward::{Step, may_skip};
use crate::kernel::{
    CtcState, CtcStep, InstructionSet, LEAST_PROB_EXPONENT, Sum, exponent_of, pow2, scaled_columns,
};

/// What the largest column of a frame becomes.
const UNIT_EXPONENT: i64 = -2;

/// Where the recursion stands between two frames.
pub(super) struct Linear {
    /// State `i` is at place `i`: the blank after label `i`, counted from 1, and that label.
    now: CtcState,
    next: CtcState,
    may_skip: Vec<f64>,
    /// Of each label in this frame.
    probs: Vec<f64>,
    /// Of each column in this frame.
    columns: Vec<f64>,
    /// The logarithms of the frames' largest columns.
    log_scale: Sum,
    /// The exponent of the power of two that the frames' units are together.
    exponent: i64,
}

impl Linear {
    /// Before the first frame. At least one label.
    pub(super) fn new(of_label: &[u32], columns: usize) -> Self {
        let mut now = CtcState::zeros(of_label.len() + 1);
        // A state from which the first blank and the first label are reached.
        now.set_one(0);
        Self {
            next: CtcState::zeros(of_label.len() + 1),
            probs: vec![0.0; now.room()],
            columns: vec![0.0; columns],
            log_scale: Sum::default(),
            exponent: 0,
            may_skip: may_skip(of_label, now.room(), 0),
            now,
        }
    }

    /// Takes a frame's log-probabilities of the columns, or says why not.
    pub(super) fn advance(
        &mut self,
        set: InstructionSet,
        band: Band,
        of_label: &[u32],
        log_probs: &[f64],
    ) -> Step {
        let Self { now, next, may_skip, probs, columns, .. } = self;
        let scaled = scaled_columns(set, log_probs, pow2(UNIT_EXPONENT), pow2(LEAST_PROB_EXPONENT), columns);
        if !scaled.max.is_finite() {
            // Nothing that the labels need has a chance in this frame; or a NaN goes through.
            return Step::Over(scaled.max);
        }
        if scaled.dropped {
            return Step::Lossy;
        }
        let first = band.low.max(1);
        for (prob, &column) in probs[first..=band.labels].iter_mut().zip(&of_label[first - 1..]) {
            *prob = columns[column as usize];
        }
        let range = band.low..band.labels + 1;
        let done = CtcStep { now, next, may_skip, probs, blank: columns[0], range }.run_on(set);
        if done.dropped {
            return Step::Lossy;
        }
        if !done.alive {
            return Step::Over(f64::NEG_INFINITY);
        }
        std::mem::swap(now, next);
        self.log_scale.add(scaled.max);
        self.exponent += UNIT_EXPONENT;
        Step::Taken
    }

    /// The states, as [`CtcState`] numbers them, and what their logarithms lack.
    pub(super) fn states(&self) -> (&CtcState, Sum) {
        let mut log_scale = self.log_scale;
        log_scale.add(-self.exponent as f64 * std::f64::consts::LN_2);
        (&self.now, log_scale)
    }

    /// The log-probability of the labels after the last frame.
    pub(super) fn finish(mut self, length: usize) -> f64 {
        let (blank, label, exponent) = self.now.at(length);
        let prob = blank + label;
        if prob == 0.0 {
            return f64::NEG_INFINITY;
        }
        let exponent_of_prob = exponent + exponent_of(prob) - self.exponent;
        // Between 1/2 and 2 where the probability is, which keeps the digits of one next to 1.
        let near = exponent_of_prob.clamp(-1, 0);
        let mantissa = prob * pow2(-exponent_of(prob)) * pow2(near);
        self.log_scale.add((exponent_of_prob - near) as f64 * std::f64::consts::LN_2);
        self.log_scale.add(mantissa.ln());
        self.log_scale.value()
    }
}
