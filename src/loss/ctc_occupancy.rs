//! How probable it is that an alignment is at a label's class in a frame: forward and backward.
//!
//! Graves et al., "Connectionist Temporal Classification" (ICML 2006), section 4.1, equation 14. The backward
//! recursion is the forward one over the reversed frames and labels. Both begin in linear space; where that would lose
//! a state they go on in numbers of any size, and in log space where these can't hold a log-probability.

mod linear;

use self::linear::{LinearRoom, Rest};
use super::Emissions;
use super::ctc_band::Band;
use super::ctc_labels::CtcLabels;
use super::ctc_log_space::LogSpace;
use super::ctc_wide::{AnySize, WideStates};
use crate::kernel::{InstructionSet, log_sum_exp, pow2};
use std::ops::Range;

/// So many forward states are kept in any case: a megabyte or two of them.
const FEW_STATES: usize = 1 << 16;

/// Memory to be used again, for fresh memory costs more than what is written into it.
#[derive(Default)]
pub(super) struct OccupancyRoom {
    linear: LinearRoom,
    wide: Vec<WideStates>,
}

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
    let item = Item::new(InstructionSet::best(), labels, frames, slopes, frames.isqrt().max(few).max(1));
    let rest = if slopes && log_probs.contains(&f64::NEG_INFINITY) {
        // Slopes are not found in linear space.
        Rest::all(&item)
    } else if let Some(rest) = linear::write_shares(&item, log_probs, &mut room.linear) {
        rest
    } else {
        return;
    };
    let any_size = InAnySize::of(item.set, AnySize::from_linear(&rest.backward, &item.reversed));
    if !in_spans(&item, log_probs, rest.frames, any_size, &mut room.wide) {
        // Then linear space had not begun.
        let log_space = InLogSpace::new(&item, &item.reversed);
        let done = in_spans(&item, log_probs, frames, log_space, &mut Vec::new());
        assert!(done, "log space holds everything");
    }
}

/// What is to be found, and in what steps.
struct Item<'a> {
    set: InstructionSet,
    of_label: &'a [u32],
    reversed: Vec<u32>,
    columns: usize,
    /// As many as the labels need, or more.
    frames: usize,
    slopes: bool,
    /// Of so many frames the forward states are kept.
    span: usize,
}

impl<'a> Item<'a> {
    fn new(set: InstructionSet, labels: &'a CtcLabels, frames: usize, slopes: bool, span: usize) -> Self {
        let (of_label, columns) = (labels.columns().of_label(), labels.columns().count());
        let reversed = of_label.iter().rev().copied().collect();
        Self { set, of_label, reversed, columns, frames, slopes, span }
    }

    /// Of the recursion from the start after a frame.
    fn band(&self, frame: usize) -> Band {
        Band::new(frame, self.frames, self.of_label.len())
    }

    /// Of the recursion from the end after a frame.
    fn band_from_end(&self, frame: usize) -> Band {
        self.band(self.frames - 1 - frame)
    }

    /// The values of some frames.
    fn values(&self, frames: Range<usize>) -> Range<usize> {
        frames.start * self.columns..frames.end * self.columns
    }
}

/// A recursion of one direction, in whatever numbers.
trait Recursion: Sized {
    /// The states between two frames.
    type States: Clone;

    /// Before the first frame of its direction; `of_label` is in that direction, too.
    fn new(item: &Item<'_>, of_label: &[u32]) -> Self;

    /// Takes a frame's log-probabilities of the columns; returns whether these numbers can hold them.
    fn advance(&mut self, band: Band, of_label: &[u32], log_probs: &[f64]) -> bool;

    fn states(&self) -> &Self::States;

    fn resume(&mut self, states: Self::States);

    /// Of the backward recursion, over `reversed` labels, in a frame that both have taken: writes the columns' shares
    /// over their log-probabilities.
    fn shares(&mut self, forward: &Self::States, band: Band, reversed: &[u32], in_frame: &mut [f64]);

    /// In the same place: what the columns' states come to, all times the same number, as [`CtcShares::sums`] has it.
    fn sums(
        &mut self,
        forward: &Self::States,
        band: Band,
        reversed: &[u32],
        log_probs: &[f64],
    ) -> Vec<(f64, i64)>;
}

struct InAnySize {
    set: InstructionSet,
    recursion: AnySize,
    room: WideStates,
}

impl InAnySize {
    fn of(set: InstructionSet, recursion: AnySize) -> Self {
        Self { set, room: recursion.wide_states().clone(), recursion }
    }
}

impl Recursion for InAnySize {
    type States = WideStates;

    fn new(item: &Item<'_>, of_label: &[u32]) -> Self {
        Self::of(item.set, AnySize::new(of_label, item.columns))
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
        self.recursion.shares(forward, band, reversed, &mut self.room).write(self.set, out);
    }

    fn sums(&mut self, forward: &WideStates, band: Band, reversed: &[u32], _: &[f64]) -> Vec<(f64, i64)> {
        self.recursion.shares(forward, band, reversed, &mut self.room).sums()
    }
}

struct InLogSpace(LogSpace);

impl Recursion for InLogSpace {
    type States = LogSpace;

    fn new(_: &Item<'_>, of_label: &[u32]) -> Self {
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
        // NaN where nothing is possible, as it should be.
        let logs = logs_of_columns(forward, &self.0, band, reversed, in_frame);
        let total = log_sum_exp(&logs);
        for (share, log) in in_frame.iter_mut().zip(logs) {
            *share = if total.is_proper() { total.log_prob(log).exp() } else { f64::NAN };
        }
    }

    fn sums(
        &mut self,
        forward: &LogSpace,
        band: Band,
        reversed: &[u32],
        log_probs: &[f64],
    ) -> Vec<(f64, i64)> {
        let logs = logs_of_columns(forward, &self.0, band, reversed, log_probs);
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        logs.iter().map(|log| power_of(log - most)).collect()
    }
}

/// Writes the shares in the first `rest` frames, `backward` having come to these from the end. False, and nothing is
/// written, where numbers of this kind can't hold one.
fn in_spans<R: Recursion>(
    item: &Item<'_>,
    log_probs: &mut [f64],
    mut rest: usize,
    mut backward: R,
    alphas: &mut Vec<R::States>,
) -> bool {
    let Item { of_label, ref reversed, span, slopes, .. } = *item;
    let of_frame = |frame: usize| item.values(frame..frame + 1);
    let mut forward = R::new(item, of_label);
    let mut starts = vec![forward.states().clone()];
    let before_last = rest.saturating_sub(1) / span * span;
    for frame in 0..before_last {
        if !forward.advance(item.band(frame), of_label, &log_probs[of_frame(frame)]) {
            return false;
        }
        if (frame + 1) % span == 0 {
            starts.push(forward.states().clone());
        }
    }
    while let Some(start) = starts.pop() {
        let first = starts.len() * span;
        forward.resume(start.clone());
        for frame in first..rest {
            if !forward.advance(item.band(frame), of_label, &log_probs[of_frame(frame)]) {
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
            let bands = [item.band(frame), item.band_from_end(frame)];
            let of_impossible = (slopes && in_frame.contains(&f64::NEG_INFINITY)).then(|| {
                let before = if frame > first { &alphas[frame - first - 1] } else { &start };
                slopes_of_impossible(
                    [&mut forward, &mut backward],
                    before,
                    bands,
                    [of_label, reversed],
                    in_frame,
                )
            });
            // The forward recursion has taken it already.
            let taken = backward.advance(bands[1], reversed, in_frame);
            assert!(taken, "what one direction takes, the other does");
            backward.shares(&alphas[frame - first], bands[0], reversed, in_frame);
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

/// What the columns without a chance in a frame would have of all alignments, for each bit of probability. The forward
/// recursion came to `before` the frame, the backward one is behind it and stays there.
///
/// With a probability of 1 for such columns, alignments through them and through others are in the right proportion, and
/// those through others are all that there are.
fn slopes_of_impossible<R: Recursion>(
    [forward, backward]: [&mut R; 2],
    before: &R::States,
    bands: [Band; 2],
    [of_label, reversed]: [&[u32]; 2],
    log_probs: &[f64],
) -> Vec<(usize, f64)> {
    let is_impossible = |&column: &usize| log_probs[column] == f64::NEG_INFINITY;
    let opened: Vec<f64> = log_probs.iter().map(|&x| if x == f64::NEG_INFINITY { 0.0 } else { x }).collect();
    let behind = backward.states().clone();
    forward.resume(before.clone());
    let taken = forward.advance(bands[0], of_label, &opened) && backward.advance(bands[1], reversed, &opened);
    assert!(taken, "they took less likely ones");
    let sums = backward.sums(forward.states(), bands[0], reversed, &opened);
    backward.resume(behind);
    let columns = || 0..log_probs.len();
    let possible = || columns().filter(|column| !is_impossible(column)).map(|column| sums[column]);
    let most = possible().filter(|(sum, _)| *sum > 0.0).map(|(_, exponent)| exponent).max().unwrap_or(0);
    let total: f64 = possible().map(|(sum, exponent)| times_power(sum, exponent - most)).sum();
    let slope = |column: usize| {
        let (sum, exponent) = sums[column];
        (column, if sum == 0.0 { 0.0 } else { times_power(sum / total, exponent - most) })
    };
    columns().filter(is_impossible).map(slope).collect()
}

/// `x 2^exponent`, however large.
fn times_power(x: f64, exponent: i64) -> f64 {
    // Beyond three of these there is nothing.
    let mut rest = exponent.clamp(-3000, 3000);
    let mut x = x;
    while rest != 0 && x != 0.0 {
        let part = rest.clamp(-1000, 1000);
        x *= pow2(part);
        rest -= part;
    }
    x
}

/// `e^log` as a number and the exponent of a power of two that it is times.
fn power_of(log: f64) -> (f64, i64) {
    if log.is_nan() || log == f64::NEG_INFINITY {
        return (0.0, 0);
    }
    // What is beyond this is so beside anything.
    let exponent = (log / std::f64::consts::LN_2).floor().max(-1e18);
    ((log - exponent * std::f64::consts::LN_2).exp(), exponent as i64)
}

/// The logarithms of what the states of each column come to in one frame, whose own log-probability both directions hold.
fn logs_of_columns(
    forward: &LogSpace,
    backward: &LogSpace,
    band: Band,
    reversed: &[u32],
    log_probs: &[f64],
) -> Vec<f64> {
    let length = reversed.len();
    let mut of_column = vec![Vec::new(); log_probs.len()];
    let mut add = |forward: f64, backward: f64, column: usize| {
        if forward > f64::NEG_INFINITY && backward > f64::NEG_INFINITY {
            of_column[column].push(forward + backward - log_probs[column]);
        }
    };
    for i in band.low..=band.blanks {
        add(forward.blanks[i], backward.blanks[length - i], 0);
    }
    for i in band.low.max(1)..=band.labels {
        add(forward.labels[i], backward.labels[length + 1 - i], reversed[length - i] as usize);
    }
    of_column.iter().map(|paths| log_sum_exp(paths).value()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
