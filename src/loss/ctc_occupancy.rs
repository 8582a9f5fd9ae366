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

/// What the columns without a chance in a frame would have of all alignments, for each bit of probability. The forward
/// recursion came to `before` the frame, the backward one is behind it and stays there.
///
/// With a probability of 1 for each of them, alignments through them and through others are in the right proportion, and
/// those through others are all that there are.
fn slopes_of_impossible<R: Recursion>(
    [forward, backward]: [&mut R; 2],
    before: &R::States,
    bands: [Band; 2],
    [of_label, reversed]: [&[u32]; 2],
    log_probs: &[f64],
) -> Vec<(usize, f64)> {
    let is_impossible = |&log_prob: &f64| log_prob == f64::NEG_INFINITY;
    let mut shares: Vec<f64> = log_probs.iter().map(|x| if is_impossible(x) { 0.0 } else { *x }).collect();
    let behind = backward.states().clone();
    forward.resume(before.clone());
    let taken = forward.advance(bands[0], of_label, &shares) && backward.advance(bands[1], reversed, &shares);
    assert!(taken, "they took less likely ones");
    backward.shares(forward.states(), bands[0], reversed, &mut shares);
    backward.resume(behind);
    let (impossible, possible): (Vec<_>, Vec<_>) =
        shares.into_iter().enumerate().partition(|&(column, _)| is_impossible(&log_probs[column]));
    let possible: f64 = possible.into_iter().map(|(_, share)| share).sum();
    impossible.into_iter().map(|(column, share)| (column, share / possible)).collect()
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
mod tests {
    use super::*;

    /// The shares, where numbers of this kind can hold the frames.
    fn shares_in<R: Recursion>(set: InstructionSet, emissions: &Emissions, span: usize) -> Option<Vec<f64>> {
        shares_or_slopes_in::<R>(set, emissions, false, span)
    }

    fn shares_or_slopes_in<R: Recursion>(
        set: InstructionSet,
        emissions: &Emissions,
        slopes: bool,
        span: usize,
    ) -> Option<Vec<f64>> {
        let mut shares: Vec<f64> = emissions.iter().flatten().copied().collect();
        in_spans::<R>(set, emissions.labels(), &mut shares, slopes, span, &mut Vec::new()).then_some(shares)
    }

    fn occupancy_of(emissions: &Emissions) -> Vec<f64> {
        let mut shares: Vec<f64> = emissions.iter().flatten().copied().collect();
        occupancy(emissions.labels(), &mut shares, false, &mut OccupancyRoom::default());
        shares
    }

    /// Labels with repeats, and log-probabilities that `log_prob` makes of a frame's and a column's number.
    fn emissions(labels: &CtcLabels, frames: usize, log_prob: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let columns = labels.columns().count();
        (0..frames * columns).map(|at| log_prob(at / columns, at % columns)).collect()
    }

    #[test]
    fn spans_of_any_length_give_the_same_shares() {
        let labels = CtcLabels::new(&[1, 2, 2, 3, 1], 4, 0).unwrap();
        let set = InstructionSet::best();
        for frames in [6, 7, 16, 29] {
            let log_probs = emissions(&labels, frames, |frame, column| {
                -(((frame * 4 + column) * 37 % 101) as f64) * 0.05
            });
            let emissions = Emissions::new(&log_probs, &labels);
            let bits = |shares: Option<Vec<f64>>| -> Vec<u64> {
                shares.unwrap().into_iter().map(f64::to_bits).collect()
            };
            let whole = [
                bits(shares_in::<InAnySize>(set, &emissions, frames)),
                bits(shares_in::<InLogSpace>(set, &emissions, frames)),
            ];
            assert_eq!(whole[0].len(), log_probs.len());
            for span in 1..frames {
                assert_eq!(bits(shares_in::<InAnySize>(set, &emissions, span)), whole[0], "{frames}, {span}");
                assert_eq!(
                    bits(shares_in::<InLogSpace>(set, &emissions, span)),
                    whole[1],
                    "{frames}, {span}"
                );
            }
        }
    }

    /// Each alignment's probability, added up where it is, over that of all: the definition. With `slopes`, where a
    /// column has no chance its alignments count as if it had one of 1.
    fn by_enumeration(emissions: &Emissions, labels: &[u32], columns: usize, slopes: bool) -> Vec<f64> {
        let frames = emissions.frames();
        let mut shares = vec![0.0; frames * columns];
        let mut total = 0.0;
        for mut code in 0..columns.pow(frames as u32) {
            let path: Vec<usize> = (0..frames)
                .map(|_| {
                    let column = code % columns;
                    code /= columns;
                    column
                })
                .collect();
            let mut read = path.clone();
            read.dedup();
            read.retain(|&column| column != 0);
            if read.iter().map(|&column| column as u32).eq(labels.iter().copied()) {
                let log_probs: Vec<f64> =
                    path.iter().enumerate().map(|(t, &c)| emissions.frame(t)[c]).collect();
                total += log_probs.iter().sum::<f64>().exp();
                for (frame, &column) in path.iter().enumerate() {
                    let mut log_probs = log_probs.clone();
                    if slopes && log_probs[frame] == f64::NEG_INFINITY {
                        log_probs[frame] = 0.0;
                    }
                    shares[frame * columns + column] += log_probs.iter().sum::<f64>().exp();
                }
            }
        }
        shares.into_iter().map(|share| share / total).collect()
    }

    fn assert_near(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
        assert_eq!(found.len(), expected.len());
        for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let near = (found - expected).abs() <= tolerance * expected.abs() + 1e-14;
            assert!(near || found.is_nan() && expected.is_nan(), "{what}, {at}: {found} for {expected}");
        }
    }

    fn largest_finite(frame: &[f64]) -> f64 {
        frame.iter().map(|x| x.abs()).filter(|x| x.is_finite()).fold(0.0, f64::max)
    }

    #[test]
    fn shares_are_those_of_all_alignments() {
        let label_lists: [&[u32]; 7] = [&[], &[1], &[1, 1], &[1, 2], &[2, 1, 2], &[1, 1, 2], &[2, 2, 2]];
        for of_labels in label_lists {
            let labels = CtcLabels::new(of_labels, 3, 0).unwrap();
            let columns = labels.columns().count();
            let of_label = labels.columns().of_label();
            for frames in labels.frames_needed()..8 {
                let impossible = |frame: usize, column: usize| frame == 2 && column == 1 && frames > 6;
                let log_probs = emissions(&labels, frames, |frame, column| {
                    let log_prob = -(((frame * 3 + column) * 37 % 11) as f64) * 0.3;
                    if impossible(frame, column) { f64::NEG_INFINITY } else { log_prob }
                });
                let emissions = Emissions::new(&log_probs, &labels);
                let expected = by_enumeration(&emissions, of_label, columns, false);
                for set in InstructionSet::available() {
                    let wide = shares_in::<InAnySize>(set, &emissions, 3).unwrap();
                    assert_near(&wide, &expected, 1e-13, &format!("{of_labels:?}, {frames}, {}", set.name()));
                }
                let log_space = shares_in::<InLogSpace>(InstructionSet::best(), &emissions, 3).unwrap();
                assert_near(&log_space, &expected, 1e-13, &format!("{of_labels:?}, {frames}, log space"));
            }
        }
    }

    #[test]
    fn slopes_are_those_of_all_alignments() {
        let mut impossible = 0;
        for of_labels in [&[][..], &[1], &[1, 1], &[1, 2], &[2, 1, 2], &[2, 2, 2]] {
            let labels = CtcLabels::new(of_labels, 3, 0).unwrap();
            let (columns, of_label) = (labels.columns().count(), labels.columns().of_label());
            for frames in labels.frames_needed().max(1)..7 {
                for seed in 0..12 {
                    let log_probs = emissions(&labels, frames, |frame, column| {
                        let number = (frame * 31 + column * 17 + seed * 7) * 37 % 101;
                        if number % 4 == 0 { f64::NEG_INFINITY } else { -(number as f64) * 0.1 }
                    });
                    let emissions = Emissions::new(&log_probs, &labels);
                    let mut expected = by_enumeration(&emissions, of_label, columns, true);
                    if !by_enumeration(&emissions, of_label, columns, false)[0].is_finite() {
                        expected.fill(f64::NAN);
                    }
                    let slopes = expected
                        .iter()
                        .zip(&log_probs)
                        .filter(|(slope, log_prob)| **slope > 0.0 && **log_prob == f64::NEG_INFINITY);
                    impossible += slopes.count();
                    let what = format!("{of_labels:?}, {frames}, {seed}");
                    for span in 1..=frames {
                        for set in InstructionSet::available() {
                            let wide = shares_or_slopes_in::<InAnySize>(set, &emissions, true, span);
                            // Not where a whole frame is impossible.
                            let wide = wide.unwrap_or_else(|| vec![f64::NAN; expected.len()]);
                            assert_near(&wide, &expected, 1e-13, &format!("{what}, {}", set.name()));
                        }
                        let set = InstructionSet::best();
                        let log_space =
                            shares_or_slopes_in::<InLogSpace>(set, &emissions, true, span).unwrap();
                        assert_near(&log_space, &expected, 1e-13, &format!("{what}, log space"));
                    }
                }
            }
        }
        assert!(impossible > 100, "{impossible}");
    }

    #[test]
    fn numbers_of_any_size_give_the_shares_of_log_space() {
        let mut possible = 0;
        for (length, frames) in [(1, 40), (7, 7), (8, 30), (9, 200), (40, 90), (100, 130), (130, 131)] {
            let of_labels: Vec<u32> = (0..length).map(|i| 1 + (i * i % 5) as u32).collect();
            let labels = CtcLabels::new(&of_labels, 6, 0).unwrap();
            for kind in 0..4 {
                let log_probs = emissions(&labels, frames, |frame, column| {
                    let seed = (frame * 31 + column * 17) % 97;
                    match kind {
                        0 => -(seed as f64) * 0.1,
                        // Far beyond what doubles hold.
                        1 => -(seed as f64) * 90.0,
                        2 if seed % 7 == 0 => f64::NEG_INFINITY,
                        2 => -(seed as f64) * 1e4,
                        // One path, all but certain.
                        _ => {
                            if frame * 7 / frames == column {
                                0.0
                            } else {
                                -700.0 - seed as f64
                            }
                        }
                    }
                });
                let emissions = Emissions::new(&log_probs, &labels);
                let expected = shares_in::<InLogSpace>(InstructionSet::best(), &emissions, 11).unwrap();
                // A logarithm is as exact as the last digit of the largest that it is the sum of.
                let size: f64 = emissions.iter().map(largest_finite).sum();
                let tolerance = 1e-13 + 4.0 * f64::EPSILON * size;
                possible += usize::from(!expected[0].is_nan());
                for set in InstructionSet::available() {
                    for span in [11, frames] {
                        let found = shares_in::<InAnySize>(set, &emissions, span).unwrap();
                        assert_near(
                            &found,
                            &expected,
                            tolerance,
                            &format!("{length}, {frames}, {kind}, {}", set.name()),
                        );
                    }
                }
            }
        }
        assert!(possible >= 15, "{possible}");
    }

    #[test]
    fn fewer_frames_than_the_labels_need_have_none() {
        let labels = CtcLabels::new(&[1, 2, 2], 3, 0).unwrap();
        for frames in 0..4 {
            let log_probs = emissions(&labels, frames, |_, _| -1.0);
            let shares = occupancy_of(&Emissions::new(&log_probs, &labels));
            assert_eq!(shares.len(), log_probs.len());
            assert!(shares.iter().all(|share| share.is_nan()));
        }
    }

    #[test]
    fn what_has_no_exponent_is_computed_in_log_space() {
        let labels = CtcLabels::new(&[1, 2], 3, 0).unwrap();
        for far in [-1e30, f64::from(f32::MIN), 3e15] {
            let log_probs =
                emissions(&labels, 4, |frame, column| if (frame + column) % 3 == 0 { -0.5 } else { far });
            let emissions = Emissions::new(&log_probs, &labels);
            assert!(shares_in::<InAnySize>(InstructionSet::best(), &emissions, 4).is_none());
            let shares = occupancy_of(&emissions);
            assert!(shares.chunks_exact(3).all(|frame| (frame.iter().sum::<f64>() - 1.0).abs() < 1e-14));
        }
    }
}
