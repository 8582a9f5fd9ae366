//! The CTC forward recursion in linear space.
//!
//! Each frame is scaled so that its largest column is a quarter: then no sum of three states grows. Every few
//! neighbouring states share an exponent, so nothing is rounded that log space would keep, except for states that
//! sink far beneath their neighbours. Before the first such state could be lost, fewer neighbours share one; where that
//! is not enough, the recursion ends here and goes on in numbers of any size.

use super::ctc_band::Band;
use super::frame_columns::{Frame, UNIT_EXPONENT};
use crate::kernel::{BLOCK_FRAMES, CtcBlock, CtcStates, CtcTrace, InstructionSet, Sum, exponent_of, pow2};

/// What became of a frame.
pub(super) enum Step {
    /// It was taken.
    Taken,
    /// The log-probability of the labels is known: `-inf` for nothing is possible any more, or NaN.
    Over(f64),
    /// These numbers can't hold the frame; the states are as before.
    Lossy,
    /// Neighbouring states would come to lie too far apart to share an exponent; they are as before.
    TooSteep,
}

/// Where the recursion stands between two frames.
pub(super) struct Linear {
    states: CtcStates,
    /// The logarithms of the frames' largest columns.
    log_scale: Sum,
    /// The exponent of the power of two that the frames' units are together.
    exponent: i64,
}

impl Linear {
    /// Before the first frame.
    pub(super) fn new(of_label: &[u32], columns: usize) -> Self {
        Self { states: CtcStates::new(of_label, columns), log_scale: Sum::default(), exponent: 0 }
    }

    /// The same as [`Self::new`] for the labels from the last to the first, with [mirrored](CtcStates::mirrored) states.
    pub(super) fn mirrored(reversed: &[u32], columns: usize) -> Self {
        Self { states: CtcStates::mirrored(reversed, columns), log_scale: Sum::default(), exponent: 0 }
    }

    /// The same as [`Self::new`], in the memory of another item's states.
    pub(super) fn begin(&mut self, of_label: &[u32], columns: usize) {
        self.states.begin(of_label, columns);
        (self.log_scale, self.exponent) = (Sum::default(), 0);
    }

    /// Takes some of the next frames, of which there is one at least and whose bands `band_of` knows; returns how many
    /// were taken, and what became of the one behind them. The states after each go to `trace`.
    pub(super) fn advance(
        &mut self,
        set: InstructionSet,
        band_of: impl Fn(usize) -> Band,
        frames: &[Frame],
        trace: Option<&mut CtcTrace>,
    ) -> (usize, Step) {
        let log_max = frames[0].scale.log_max;
        if log_max == f64::NEG_INFINITY {
            // Nothing that the labels need has a chance in this frame.
            return (1, Step::Over(log_max));
        }
        let (mut columns, mut bits) = ([&[][..]; BLOCK_FRAMES], [0; BLOCK_FRAMES]);
        let mut count = 0;
        for (frame, to) in frames.iter().zip(columns.iter_mut().zip(&mut bits)) {
            match frame.scale.bits {
                Some(bits) if frame.scale.log_max.is_finite() => *to.1 = bits,
                _ => break,
            }
            *to.0 = frame.columns;
            count += 1;
        }
        if count == 0 {
            return (0, Step::Lossy);
        }
        let mut trace = trace;
        let mut run = |states: &mut CtcStates, count: usize| {
            // A state that matters behind a frame needs the one before it in front of it.
            let range = band_of(0).low.saturating_sub(1)..band_of(count - 1).labels + 1;
            let block = CtcBlock::new(states, &columns[..count], &bits[..count], range);
            block.traced(trace.as_deref_mut()).run_on(set)
        };
        let mut taken = run(&mut self.states, count);
        if taken == 0 && count > 1 && self.states.depth() == 1 {
            // Of fewer frames fewer neighbours matter.
            taken = run(&mut self.states, 1);
        }
        for frame in &frames[..taken] {
            self.log_scale.add(frame.scale.log_max);
            self.exponent += UNIT_EXPONENT;
        }
        (taken, if taken == 0 { Step::TooSteep } else { Step::Taken })
    }

    /// Lets fewer neighbouring states share an exponent, where that can be.
    pub(super) fn spread_out(&mut self) -> bool {
        self.states.spread_out()
    }

    /// Lets as many neighbouring states share an exponent as those of another, which begins as this does.
    pub(super) fn share_as(&mut self, other: &Self) {
        let shared = self.states.share_by(other.states.depth());
        assert!(shared, "before the first frame there is one state");
    }

    /// Goes on from states of a trace of the same labels; what their logarithms lack is not told any more.
    pub(super) fn resume(&mut self, trace: &CtcTrace, frame: usize) {
        self.states.resume(trace, frame);
    }

    /// The states.
    pub(super) fn states(&self) -> &CtcStates {
        &self.states
    }

    /// What the states' logarithms lack.
    pub(super) fn log_scale(&self) -> Sum {
        let mut log_scale = self.log_scale;
        log_scale.add(-self.exponent as f64 * std::f64::consts::LN_2);
        log_scale
    }

    /// After the last frame: the exponent of the labels' probability as the states have it; none where that is 0.
    pub(super) fn exponent_of_prob(&self, length: usize) -> Option<i64> {
        let (blank, label, exponent) = self.states.get(length);
        (blank + label > 0.0).then(|| exponent + exponent_of(blank + label))
    }

    /// The log-probability of the labels after the last frame.
    pub(super) fn finish(&self, length: usize) -> f64 {
        let (blank, label, exponent) = self.states.get(length);
        let prob = blank + label;
        if prob == 0.0 {
            return f64::NEG_INFINITY;
        }
        let exponent_of_prob = exponent + exponent_of(prob) - self.exponent;
        // Between 1/2 and 2 where the probability is, which keeps the digits of one next to 1.
        let near = exponent_of_prob.clamp(-1, 0);
        let mantissa = prob * pow2(-exponent_of(prob)) * pow2(near);
        let mut log_prob = self.log_scale;
        log_prob.add((exponent_of_prob - near) as f64 * std::f64::consts::LN_2);
        log_prob.add(mantissa.ln());
        log_prob.value()
    }
}
