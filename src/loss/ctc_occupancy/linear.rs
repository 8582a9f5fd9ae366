//! The shares in linear space, as far as its certificate reaches.

use super::Item;
use crate::kernel::{CtcBlockShares, CtcTrace};
use crate::logits::{InputKind, RowScale};
use crate::loss::ctc_band::Band;
use crate::loss::ctc_linear::{Linear, Step};
use crate::loss::frame_columns::{Frames, next_block};

/// Memory to be used again.
pub(super) struct LinearRoom {
    frames: Frames,
    /// Before each span.
    starts: CtcTrace,
    /// After each frame of a span.
    forward: CtcTrace,
    /// After each frame of a block.
    backward: CtcTrace,
}

impl Default for LinearRoom {
    fn default() -> Self {
        Self {
            frames: Frames::new(InputKind::LogProbs),
            starts: CtcTrace::default(),
            forward: CtcTrace::default(),
            backward: CtcTrace::default(),
        }
    }
}

/// What is left where linear space ends.
pub(super) struct Rest {
    /// The first frames, whose log-probabilities are as they were.
    pub(super) frames: usize,
    /// Where the recursion from the end stands behind them.
    pub(super) backward: Linear,
    /// The exponent of the labels' probability as the states have it, where all frames were taken once.
    exponent: Option<i64>,
}

impl Rest {
    /// Everything.
    pub(super) fn all(item: &Item<'_>) -> Self {
        let backward = Linear::mirrored(&item.reversed, item.columns);
        Self { frames: item.frames, backward, exponent: None }
    }
}

/// Writes the shares over the log-probabilities, from the last frame on; returns what could not be written.
pub(super) fn write_shares(item: &Item<'_>, log_probs: &mut [f64], room: &mut LinearRoom) -> Option<Rest> {
    let mut rest = Rest::all(item);
    loop {
        match write_from_end(item, log_probs, &mut rest, room) {
            Step::Taken => return None,
            Step::TooSteep if rest.backward.spread_out() => {}
            Step::TooSteep | Step::Lossy | Step::Over(_) => return Some(rest),
        }
    }
}

/// The same, as far as so many neighbouring states can share an exponent as do in the rest; `Taken` where that is all.
fn write_from_end(item: &Item<'_>, log_probs: &mut [f64], rest: &mut Rest, room: &mut LinearRoom) -> Step {
    let LinearRoom { frames, starts, forward: alphas, backward: betas } = room;
    let mut forward = Linear::new(item.of_label, item.columns);
    forward.share_as(&rest.backward);
    starts.begin(forward.states());
    let end = rest.frames;
    let spans = || (0..end).step_by(item.span).map(|first| first..end.min(first + item.span));
    for span in spans() {
        starts.push(forward.states());
        fill(frames, &log_probs[item.values(span.clone())], item.columns);
        // The last one is taken below.
        if span.end < end
            && let Err(step) = take(&mut forward, item, span.start, frames, None)
        {
            return step;
        }
    }
    for (number, span) in spans().enumerate().rev() {
        forward.resume(starts, number);
        alphas.begin(forward.states());
        if span.end < end {
            fill(frames, &log_probs[item.values(span.clone())], item.columns);
        }
        if let Err(step) = take(&mut forward, item, span.start, frames, Some(alphas)) {
            return step;
        }
        if span.end == item.frames {
            rest.exponent = forward.exponent_of_prob(item.of_label.len());
        }
        let Some(exponent) = rest.exponent else { return Step::Over(f64::NEG_INFINITY) };
        while rest.frames > span.start {
            let (block, count) = next_block((0..rest.frames - span.start).rev().map(|at| frames.get(at)));
            betas.begin(rest.backward.states());
            let band_of = |at: usize| item.band_from_end(rest.frames - 1 - at);
            let taken = match rest.backward.advance(item.set, band_of, &block[..count], Some(betas)) {
                (taken, Step::Taken) => taken,
                (_, step) => return step,
            };
            for (at, frame) in block[..taken].iter().enumerate() {
                rest.frames -= 1;
                let Band { low, labels, .. } = item.band(rest.frames);
                let shares = CtcBlockShares {
                    states: forward.states(),
                    forward: (alphas, rest.frames - span.start),
                    backward: (betas, at),
                    columns: frame.columns,
                    exponent,
                    range: low..labels + 1,
                };
                shares.write(item.set, &mut log_probs[item.values(rest.frames..rest.frames + 1)]);
            }
        }
    }
    Step::Taken
}

fn fill(frames: &mut Frames, log_probs: &[f64], width: usize) {
    frames.clear();
    for log_probs in log_probs.chunks_exact(width) {
        frames.push(log_probs, |_| RowScale::LOG_PROBS);
    }
}

/// Takes the frames of a span, or says why not.
fn take(
    states: &mut Linear,
    item: &Item<'_>,
    first: usize,
    frames: &Frames,
    mut trace: Option<&mut CtcTrace>,
) -> Result<(), Step> {
    let mut taken = 0;
    while taken < frames.len() {
        let (block, count) = next_block((taken..frames.len()).map(|at| frames.get(at)));
        let band_of = |at: usize| item.band(first + taken + at);
        match states.advance(item.set, band_of, &block[..count], trace.as_deref_mut()) {
            (count, Step::Taken) => taken += count,
            (_, step) => return Err(step),
        }
    }
    Ok(())
}
