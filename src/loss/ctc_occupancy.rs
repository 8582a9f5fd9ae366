//! How probable it is that an alignment is at a label's class in a frame: forward and backward.
//!
//! Graves et al., "Connectionist Temporal Classification" (ICML 2006), section 4.1, equation 14. The backward
//! recursion is the forward one over the reversed frames and labels. Both are in numbers of any size, and in log space
//! where these can't hold a log-probability.

use super::Emissions;
use super::ctc_band::Band;
use super::ctc_labels::CtcLabels;
use super::ctc_log_space::LogSpace;
use super::ctc_wide::{AnySize, WideStates};
use crate::kernel::InstructionSet;

/// So many forward states are kept in any case: a few megabytes of them.
const FEW_STATES: usize = 1 << 17;

/// Memory to be used again, for fresh memory costs more than what is written into it.
#[derive(Default)]
pub(super) struct OccupancyRoom(Vec<WideStates>);

/// Writes over the log-probabilities, `[frames, columns]` as [`Emissions`] has them, what share of all alignments of the
/// labels is at each column's class in each frame: each frame sums to one, and is NaN where no alignment is possible.
///
/// `slopes`: whether to write, in place of the share of a column without a chance, which is 0, what the share comes to
/// for each bit of probability that the column would have.
///
/// Of a long item the forward states are kept of one frame in each span, and computed again span by span as the
/// backward recursion needs them: memory for the states of `2 √frames` frames, or for [`FEW_STATES`].
pub(super) fn occupancy(labels: &CtcLabels, log_probs: &mut [f64], slopes: bool, room: &mut OccupancyRoom) {
    let frames = Emissions::new(log_probs, labels).frames();
    if frames < labels.frames_needed() {
        log_probs.fill(f64::NAN);
        return;
    }
    let few = FEW_STATES / (2 * labels.len() + 2);
    let span = frames.isqrt().max(few).max(1);
    let set = InstructionSet::best();
    if !in_spans::<InAnySize>(set, labels, log_probs, slopes, span, &mut room.0) {
        let done = in_spans::<InLogSpace>(set, labels, log_probs, slopes, span, &mut Vec::new());
        assert!(done, "log space holds everything");
    }
}

/// A recursion of one direction, in whatever numbers.
trait Recursion: Sized {
    /// The states between two frames.
    type States: Clone;

    fn new(set: InstructionSet, of_label: &[u32], columns: usize) -> Self;

    /// Takes a frame's log-probabilities of the columns; returns whether these numbers can hold them.
    fn advance(&mut self, band: Band, of_label: &[u32], log_probs: &[f64]) -> bool;

    fn states(&self) -> &Self::States;

    fn resume(&mut self, states: Self::States);

    /// Of the backward recursion, over `reversed` labels, in a frame that both have taken: writes the columns' shares
    /// over their log-probabilities.
    fn shares(&mut self, forward: &Self::States, band: Band, reversed: &[u32], in_frame: &mut [f64]);
}

struct InAnySize {
    set: InstructionSet,
    recursion: AnySize,
    room: WideStates,
}

impl Recursion for InAnySize {
    type States = WideStates;

    fn new(set: InstructionSet, of_label: &[u32], columns: usize) -> Self {
        let recursion = AnySize::new(of_label, columns);
        Self { set, room: recursion.wide_states().clone(), recursion }
    }

    fn advance(&mut self, band: Band, of_label: &[u32], log_probs: &[f64]) -> bool {
        self.recursion.advance_by_logs(self.set, band, of_label, log_probs)
    }

    fn states(&self) -> &WideStates {
        self.recursion.wide_states()
    }

    fn resume(&mut self, states: WideStates) {
        self.recursion.resume(states);
    }

    fn shares(&mut self, forward: &WideStates, band: Band, reversed: &[u32], out: &mut [f64]) {
        self.recursion.shares(self.set, forward, band, reversed, &mut self.room, out);
    }
}

struct InLogSpace(LogSpace);

impl Recursion for InLogSpace {
    type States = LogSpace;

    fn new(_: InstructionSet, of_label: &[u32], _: usize) -> Self {
        Self(LogSpace::new(of_label.len()))
    }

    fn advance(&mut self, band: Band, of_label: &[u32], log_probs: &[f64]) -> bool {
        self.0.advance(band, of_label, log_probs);
        true
    }

    fn states(&self) -> &LogSpace {
        &self.0
    }

    fn resume(&mut self, states: LogSpace) {
        self.0 = states;
    }

    fn shares(&mut self, forward: &LogSpace, band: Band, reversed: &[u32], in_frame: &mut [f64]) {
        shares_of_frame(forward, &self.0, band, reversed, in_frame);
    }
}

/// There are as many frames as the labels need. False, and nothing is written, where numbers of this kind can't hold one.
fn in_spans<R: Recursion>(
    set: InstructionSet,
    labels: &CtcLabels,
    log_probs: &mut [f64],
    slopes: bool,
    span: usize,
    alphas: &mut Vec<R::States>,
) -> bool {
    let (of_label, width) = (labels.columns().of_label(), labels.columns().count());
    let frames = log_probs.len() / width;
    let band = |frame: usize| Band::new(frame, frames, of_label.len());
    let of_frame = |frame: usize| frame * width..(frame + 1) * width;
    let mut forward = R::new(set, of_label, width);
    let mut starts = vec![forward.states().clone()];
    let before_last = frames.saturating_sub(1) / span * span;
    for frame in 0..before_last {
        if !forward.advance(band(frame), of_label, &log_probs[of_frame(frame)]) {
            return false;
        }
        if (frame + 1) % span == 0 {
            starts.push(forward.states().clone());
        }
    }
    let reversed: Vec<u32> = of_label.iter().rev().copied().collect();
    let mut backward = R::new(set, &reversed, width);
    let mut rest = frames;
    while let Some(start) = starts.pop() {
        let first = starts.len() * span;
        forward.resume(start.clone());
        for frame in first..rest {
            if !forward.advance(band(frame), of_label, &log_probs[of_frame(frame)]) {
                return false;
            }
            // What is there from before is overwritten.
            match alphas.get_mut(frame - first) {
                Some(alphas) => alphas.clone_from(forward.states()),
                None => alphas.push(forward.states().clone()),
            }
        }
        for frame in (first..rest).rev() {
            let in_frame = &mut log_probs[of_frame(frame)];
            let bands = [band(frame), band(frames - 1 - frame)];
            let of_impossible = (slopes && in_frame.contains(&f64::NEG_INFINITY)).then(|| {
                let before = if frame > first { &alphas[frame - first - 1] } else { &start };
                slopes_of_impossible(
                    [&mut forward, &mut backward],
                    before,
                    bands,
                    [of_label, &reversed],
                    in_frame,
                )
            });
            // The forward recursion has taken it already.
            let taken = backward.advance(bands[1], &reversed, in_frame);
            assert!(taken, "what one direction takes, the other does");
            backward.shares(&alphas[frame - first], bands[0], &reversed, in_frame);
            // Where there is no alignment, all is NaN.
            if let Some(slopes) = of_impossible.filter(|_| !in_frame[0].is_nan()) {
                for (column, slope) in slopes {
                    in_frame[column] = slope;
                }
            }
        }
        rest = first;
    }
    true
}

/// Of all alignments with some more, those without must have as much for the others to be told: what they come to is
/// divided by it.
const ENOUGH: f64 = 1e-150;
/// The logarithm of the probability of a column whose slope is next to the largest number.
const LITTLE: f64 = -350.0;

/// What the columns without a chance in a frame would have of all alignments, for each bit of probability; below 1e-150
/// it may come out as 0. The forward recursion came to `before` the frame, the backward one is behind it and stays there.
///
/// With some probability for such columns, alignments through them and through others are in the right proportion, and
/// those through others are all that there are.
fn slopes_of_impossible<R: Recursion>(
    [forward, backward]: [&mut R; 2],
    before: &R::States,
    bands: [Band; 2],
    [of_label, reversed]: [&[u32]; 2],
    log_probs: &[f64],
) -> Vec<(usize, f64)> {
    let is_impossible = |column: usize| log_probs[column] == f64::NEG_INFINITY;
    let behind = backward.states().clone();
    // The shares where some of them have this much, and what is left for the possible ones.
    let mut shares_with = |opened: &[usize], log_prob: f64| {
        let mut shares = log_probs.to_vec();
        for &column in opened {
            shares[column] = log_prob;
        }
        forward.resume(before.clone());
        let taken =
            forward.advance(bands[0], of_label, &shares) && backward.advance(bands[1], reversed, &shares);
        assert!(taken, "they took less likely ones");
        backward.shares(forward.states(), bands[0], reversed, &mut shares);
        backward.resume(behind.clone());
        let possible: f64 =
            (0..shares.len()).filter(|&column| !is_impossible(column)).map(|at| shares[at]).sum();
        (shares, possible)
    };
    let impossible: Vec<usize> = (0..log_probs.len()).filter(|&column| is_impossible(column)).collect();
    let (shares, possible) = shares_with(&impossible, 0.0);
    let slope = |column: usize| {
        if possible >= ENOUGH {
            return (column, shares[column] / possible);
        }
        // Each by itself, for one may outweigh all others.
        let (shares, possible) = shares_with(&[column], 0.0);
        if possible >= ENOUGH {
            return (column, shares[column] / possible);
        }
        let (shares, possible) = shares_with(&[column], LITTLE);
        (column, shares[column] / possible * (-LITTLE).exp())
    };
    impossible.iter().copied().map(slope).collect()
}

/// The shares in one frame, whose own log-probability both directions hold.
fn shares_of_frame(
    forward: &LogSpace,
    backward: &LogSpace,
    band: Band,
    reversed: &[u32],
    in_frame: &mut [f64],
) {
    let length = reversed.len();
    let log_probs = in_frame.to_vec();
    let path = |forward: f64, backward: f64, column: usize| {
        let possible = forward > f64::NEG_INFINITY && backward > f64::NEG_INFINITY;
        if possible { forward + backward - log_probs[column] } else { f64::NEG_INFINITY }
    };
    let label = |i: usize| reversed[length - i] as usize;
    let of_blank = |i: usize| path(forward.blanks[i], backward.blanks[length - i], 0);
    let of_token = |i: usize| path(forward.labels[i], backward.labels[length + 1 - i], label(i));
    let (blanks, tokens) = (band.low..=band.blanks, band.low.max(1)..=band.labels);
    let paths = blanks.clone().map(of_blank).chain(tokens.clone().map(of_token));
    let most = paths.fold(f64::NEG_INFINITY, f64::max);
    let out = in_frame;
    out.fill(0.0);
    for i in blanks {
        out[0] += (of_blank(i) - most).exp();
    }
    for i in tokens {
        out[label(i)] += (of_token(i) - most).exp();
    }
    // NaN where nothing is possible, as it should be.
    let total: f64 = out.iter().sum();
    for share in out {
        *share /= total;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
