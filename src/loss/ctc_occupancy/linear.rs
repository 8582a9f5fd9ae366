//! The shares in linear space, as far as its certificate reaches.

use super::Item;
use crate::kernel::{BLOCK_FRAMES, CtcBlockShares, CtcTrace};
use crate::logits::{InputKind, RowScale};
use crate::loss::ctc_band::Band;
use crate::loss::ctc_linear::{Linear, Step};
use crate::loss::frame_columns::{Frame, Frames};

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
}

impl Rest {
    /// Everything.
    pub(super) fn all(item: &Item<'_>) -> Self {
        Self { frames: item.frames, backward: Linear::mirrored(&item.reversed, item.columns) }
    }
}

/// Writes the shares over the log-probabilities, from the last frame on; returns what could not be written.
pub(super) fn write_shares(item: &Item<'_>, log_probs: &mut [f64], room: &mut LinearRoom) -> Option<Rest> {
    let LinearRoom { frames, starts, forward: alphas, backward: betas } = room;
    let Rest { frames: mut rest, mut backward } = Rest::all(item);
    let mut forward = Linear::new(item.of_label, item.columns);
    starts.begin(forward.states().0);
    let spans = || (0..item.frames).step_by(item.span).map(|first| first..item.frames.min(first + item.span));
    for span in spans() {
        starts.push(forward.states().0);
        fill(frames, &log_probs[item.values(span.clone())], item.columns);
        // The last one is taken below.
        if span.end < item.frames && !take(&mut forward, item, span.start, frames, None) {
            return Some(Rest { frames: rest, backward });
        }
    }
    let mut exponent = None;
    for (number, span) in spans().enumerate().rev() {
        forward.resume(starts, number);
        alphas.begin(forward.states().0);
        if span.end < item.frames {
            fill(frames, &log_probs[item.values(span.clone())], item.columns);
        }
        if !take(&mut forward, item, span.start, frames, Some(alphas)) {
            return Some(Rest { frames: rest, backward });
        }
        // Known after the last frame, of the last span, which comes first.
        exponent = exponent.or_else(|| forward.exponent_of_prob(item.of_label.len()));
        let Some(exponent) = exponent else {
            return Some(Rest { frames: rest, backward });
        };
        while rest > span.start {
            let mut block = [Frame::NONE; BLOCK_FRAMES];
            let count = BLOCK_FRAMES.min(rest - span.start);
            for (frame, at) in block[..count].iter_mut().zip((span.start..rest).rev()) {
                *frame = frames.get(at - span.start);
            }
            betas.begin(backward.states().0);
            let band_of = |at: usize| item.band_from_end(rest - 1 - at);
            let step = backward.advance(item.set, band_of, &block[..count], Some(betas));
            let (taken, Step::Taken) = step else {
                return Some(Rest { frames: rest, backward });
            };
            for (at, frame) in block[..taken].iter().enumerate() {
                rest -= 1;
                let Band { low, labels, .. } = item.band(rest);
                let shares = CtcBlockShares {
                    states: forward.states().0,
                    forward: (alphas, rest - span.start),
                    backward: (betas, at),
                    columns: frame.columns,
                    exponent,
                    range: low..labels + 1,
                };
                shares.write(item.set, &mut log_probs[item.values(rest..rest + 1)]);
            }
        }
    }
    None
}

fn fill(frames: &mut Frames, log_probs: &[f64], width: usize) {
    frames.clear();
    for log_probs in log_probs.chunks_exact(width) {
        frames.push(log_probs, |_| RowScale::LOG_PROBS);
    }
}

/// Takes the frames of a span; returns whether all could be.
fn take(
    states: &mut Linear,
    item: &Item<'_>,
    first: usize,
    frames: &Frames,
    mut trace: Option<&mut CtcTrace>,
) -> bool {
    let mut taken = 0;
    while taken < frames.len() {
        let mut block = [Frame::NONE; BLOCK_FRAMES];
        let count = BLOCK_FRAMES.min(frames.len() - taken);
        for (at, frame) in block[..count].iter_mut().enumerate() {
            *frame = frames.get(taken + at);
        }
        let band_of = |at: usize| item.band(first + taken + at);
        match states.advance(item.set, band_of, &block[..count], trace.as_deref_mut()) {
            (count, Step::Taken) => taken += count,
            _ => return false,
        }
    }
    true
}
