//! The most probable path of a label sequence.
//!
//! The Viterbi recursion over the label sequence with blanks put in (Graves et al. 2006, section 4.1,
//! with maximum for sum). Of a long one, a good path is looked for first among what is near the best; then a state from
//! which even the largest log-probability of each frame to come does not make up for that path's score is left out. So
//! the path is the same as if none had been.

use std::ops::Range;

use thiserror::Error;

use crate::kernel::BestStep;
use crate::loss::Emissions;

/// A byte for each label of so many frames is kept in any case: 64 megabytes of them.
const FEW_BYTES: usize = 1 << 26;
/// Frames times labels that are not worth to look for what can be left out.
const FEW_PLACES: usize = 1 << 16;
/// How far beneath the best a state is followed by [`score_of_a_path`], in nats.
const NEAR: f64 = 60.0;

/// Why there is no alignment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AlignmentError {
    /// The labels need more frames than there are.
    #[error("{frames} frames are too few: the labels need {needed}")]
    TooFewFrames {
        /// Number of frames.
        frames: usize,
        /// The frames that the labels need: their number plus the number of equal neighbours.
        needed: usize,
    },
    /// There is not enough memory to trace the path back: that takes a byte for each label in some of the frames at a
    /// time.
    #[error("{labels} labels over {frames} frames need more memory than is available")]
    TooLarge {
        /// Number of frames.
        frames: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A log-probability that the labels need is NaN.
    #[error("frame {frame}: a log-probability is not a number")]
    NotANumber {
        /// Frame, from 0.
        frame: usize,
    },
    /// Every path has a probability of 0.
    #[error("every path of the labels has a probability of 0")]
    NoPath,
}

/// The state of each frame, and the path's log-probability.
pub(super) fn best_path(emissions: &Emissions<'_>) -> Result<(Vec<u32>, f64), AlignmentError> {
    let (frames, needed) = (emissions.frames(), emissions.labels().frames_needed());
    if frames < needed {
        return Err(AlignmentError::TooFewFrames { frames, needed });
    }
    let span = frames.isqrt().max(FEW_BYTES / emissions.labels().len().max(1));
    let floor = if frames.saturating_mul(emissions.labels().len()) < FEW_PLACES {
        Floor::none()
    } else {
        Floor::below(emissions, score_of_a_path(emissions))
    };
    best_states(emissions, span, &floor)
}

/// What the score of a state must not fall below to be on a path as good as one that is known.
struct Floor {
    /// By frame, after it; empty where nothing is known.
    after: Vec<f64>,
}

impl Floor {
    fn none() -> Self {
        Self { after: Vec::new() }
    }

    /// Some path has this score: what follows a frame adds no more than the largest log-probability of each.
    fn below(emissions: &Emissions<'_>, score: f64) -> Self {
        let largest: Vec<f64> =
            emissions.iter().map(|row| row.iter().copied().fold(f64::NEG_INFINITY, f64::max)).collect();
        let size: f64 = largest.iter().map(|x| x.abs()).sum();
        if score == f64::NEG_INFINITY || size == f64::INFINITY {
            return Self::none();
        }
        // Each of the two sums is rounded once a frame. What is above 0 may be made up for by what is below.
        let rounding = 4.0 * f64::EPSILON * largest.len() as f64 * (score.abs() + 2.0 * size);
        let mut after = vec![0.0; largest.len()];
        let mut rest = 0.0;
        for (after, largest) in after.iter_mut().zip(&largest).rev() {
            *after = score - rounding - rest;
            rest += largest;
        }
        Self { after }
    }

    fn after(&self, frame: usize) -> f64 {
        self.after.get(frame).copied().unwrap_or(f64::NEG_INFINITY)
    }
}

/// The score of a good path, most often the best; `-inf` where none was found.
fn score_of_a_path(emissions: &Emissions<'_>) -> f64 {
    let mut scores = Scores::new(emissions.of_label());
    for (frame, row) in emissions.iter().enumerate() {
        let window = scores.window_in(band(emissions, frame));
        scores.advance(row, window, None);
        scores.drop_below(scores.best() - NEAR);
    }
    scores.best_end().1
}

/// Labels that can be reached in a frame, and from which the end can.
fn band(emissions: &Emissions<'_>, frame: usize) -> Range<usize> {
    let (frames, labels) = (emissions.frames(), emissions.of_label().len());
    (labels + frame).saturating_sub(frames)..labels.min(frame + 1)
}

/// The state of each frame, and the path's log-probability.
///
/// The scores are kept of one frame in each `span`, and the way back is found span by span. What falls below the floor
/// is on no best path.
fn best_states(
    emissions: &Emissions<'_>,
    span: usize,
    floor: &Floor,
) -> Result<(Vec<u32>, f64), AlignmentError> {
    let (frames, labels) = (emissions.frames(), emissions.of_label());
    let span = span.clamp(1, frames.max(1));
    let rows = |frames: Range<usize>| emissions.iter().skip(frames.start).take(frames.len());
    let too_large = || AlignmentError::TooLarge { frames, labels: labels.len() };
    let mut steps = Steps::default();
    let mut scores = Scores::new(labels);
    let mut starts = Vec::new();
    let before_last = frames.saturating_sub(1) / span * span;
    for (frame, row) in rows(0..before_last).enumerate() {
        if frame % span == 0 {
            starts.push(scores.kept().ok_or_else(too_large)?);
        }
        scores.advance(row, scores.window_in(band(emissions, frame)), None);
        scores.drop_below(floor.after(frame));
    }
    starts.push(scores.kept().ok_or_else(too_large)?);
    let mut states = vec![0; frames];
    let mut end = None;
    let mut rest = frames;
    while let Some(start) = starts.pop() {
        scores.resume(&start);
        let first = starts.len() * span;
        steps.clear();
        for (frame, row) in (first..).zip(rows(first..rest)) {
            let window = scores.window_in(band(emissions, frame));
            let came_from = steps.of_frame(&window).ok_or_else(too_large)?;
            scores.advance(row, window, Some(came_from));
            scores.drop_below(floor.after(frame));
        }
        let (mut state, logp) = end.unwrap_or_else(|| scores.best_end());
        if logp == f64::NEG_INFINITY {
            return Err(AlignmentError::NoPath);
        }
        for frame in (first..rest).rev() {
            states[frame] = state as u32;
            state -= usize::from(steps.get(frame - first, state));
        }
        end = Some((state, logp));
        rest = first;
    }
    Ok((states, end.map_or(0.0, |(_, logp)| logp)))
}

/// What [`Scores`] are in their window; elsewhere they are `-inf`, or no path goes on from there.
struct Kept {
    window: Range<usize>,
    first_blank: f64,
    /// Of the labels of the window, then of the blank behind each.
    scores: Vec<f64>,
}

/// The scores of the best paths to each state: the blanks, and the labels.
struct Scores<'a> {
    /// The column of each label.
    sequence: &'a [u32],
    /// 0 for each label that may follow the one before it without a blank, else `-inf`.
    skips: Vec<f64>,
    /// Behind the first blank, that behind each label.
    blanks: Vec<f64>,
    /// Behind one that is none, each label.
    labels: Vec<f64>,
    /// Labels that were looked at in the last frame, each with the blank behind it. What was dropped is `-inf`.
    window: Range<usize>,
}

impl<'a> Scores<'a> {
    /// Before the first frame, only the first blank's place.
    fn new(sequence: &'a [u32]) -> Self {
        let none = f64::NEG_INFINITY;
        let mut blanks = vec![none; sequence.len() + 1];
        blanks[0] = 0.0;
        let skip = |i: usize| if i > 0 && sequence[i] != sequence[i - 1] { 0.0 } else { none };
        let skips = (0..sequence.len()).map(skip).collect();
        Self { sequence, skips, blanks, labels: vec![none; sequence.len() + 1], window: 0..0 }
    }

    /// To go on from here another time; none where there is no memory.
    fn kept(&self) -> Option<Kept> {
        let Self { blanks, labels, window, .. } = self;
        let of_window = window.start + 1..window.end + 1;
        let mut scores = Vec::new();
        scores.try_reserve_exact(2 * window.len()).ok()?;
        scores.extend_from_slice(&labels[of_window.clone()]);
        scores.extend_from_slice(&blanks[of_window]);
        Some(Kept { window: window.clone(), first_blank: blanks[0], scores })
    }

    /// Goes on from there.
    fn resume(&mut self, kept: &Kept) {
        self.labels.fill(f64::NEG_INFINITY);
        self.blanks.fill(f64::NEG_INFINITY);
        self.window = kept.window.clone();
        self.blanks[0] = kept.first_blank;
        let (labels, blanks) = kept.scores.split_at(kept.window.len());
        let of_window = self.window.start + 1..self.window.end + 1;
        self.labels[of_window.clone()].copy_from_slice(labels);
        self.blanks[of_window].copy_from_slice(blanks);
    }

    /// The labels that matter in the next frame, of a `band` of them.
    fn window_in(&self, band: Range<usize>) -> Range<usize> {
        let start = self.window.start.max(band.start);
        start..(self.window.end + 1).min(band.end).max(start)
    }

    /// Takes a frame in which these labels matter; says in `came_from` what each and the blank behind it come from.
    fn advance(&mut self, row: &[f64], window: Range<usize>, came_from: Option<&mut [u8]>) {
        let Range { start, end } = window;
        let step = BestStep {
            sequence: &self.sequence[start..end],
            skips: &self.skips[start..end],
            labels: &mut self.labels[start..=end],
            blanks: &mut self.blanks[start..=end],
            row,
            came_from,
        };
        step.take();
        self.blanks[0] += row[0];
        self.window = window;
    }

    /// The better of a label and the blank behind it.
    fn of_label(&self, i: usize) -> f64 {
        self.labels[i + 1].max(self.blanks[i + 1])
    }

    /// The best score of all.
    fn best(&self) -> f64 {
        self.window.clone().map(|i| self.of_label(i)).fold(self.blanks[0], f64::max)
    }

    /// Forgets, from both ends, what is below `floor`.
    fn drop_below(&mut self, floor: f64) {
        let none = f64::NEG_INFINITY;
        while !self.window.is_empty() && self.of_label(self.window.end - 1) < floor {
            self.window.end -= 1;
            (self.labels[self.window.end + 1], self.blanks[self.window.end + 1]) = (none, none);
        }
        if self.blanks[0] < floor {
            self.blanks[0] = none;
        }
        // The first label is reached from the first blank.
        if self.window.start == 0 && self.blanks[0] > none {
            return;
        }
        while !self.window.is_empty() && self.of_label(self.window.start) < floor {
            (self.labels[self.window.start + 1], self.blanks[self.window.start + 1]) = (none, none);
            self.window.start += 1;
        }
    }

    /// Where the best path ends, and its score.
    fn best_end(&self) -> (usize, f64) {
        let length = self.sequence.len();
        let (label, blank) = (self.labels[length], self.blanks[length]);
        if length > 0 && label >= blank { (2 * length - 1, label) } else { (2 * length, blank) }
    }
}

/// What the labels of some frames, and the blanks behind them, come from.
#[derive(Default)]
struct Steps {
    /// A byte for each label: see [`BestStep::came_from`].
    came_from: Vec<u8>,
    /// Of each frame: where its bytes begin, and its first label.
    frames: Vec<(usize, usize)>,
}

impl Steps {
    fn clear(&mut self) {
        self.came_from.clear();
        self.frames.clear();
    }

    /// Makes room for a frame in which these labels matter; none where there is no memory.
    fn of_frame(&mut self, window: &Range<usize>) -> Option<&mut [u8]> {
        let start = self.came_from.len();
        self.came_from.try_reserve(window.len()).ok()?;
        self.frames.push((start, window.start));
        self.came_from.resize(start + window.len(), 0);
        Some(&mut self.came_from[start..])
    }

    /// How many states before this one the path comes from.
    fn get(&self, frame: usize, state: usize) -> u8 {
        let (start, first) = self.frames[frame];
        // The first blank stays.
        let label = state.checked_sub(1).and_then(|state| (state / 2).checked_sub(first));
        let came_from = label.map_or(0, |label| self.came_from[start + label]);
        if state % 2 == 1 { BestStep::steps_to_label(came_from) } else { BestStep::steps_to_blank(came_from) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::loss::ctc::CtcLabels;

    /// Few different scores, so that paths tie.
    fn scores(frames: usize, columns: usize, seed: usize) -> Vec<f64> {
        (0..frames * columns).map(|at| -(((at * 7919 + seed * 104_729) % 1013 % 5) as f64)).collect()
    }

    #[test]
    fn spans_of_any_length_give_the_same_path() {
        let labels = CtcLabels::new(&[1, 2, 2, 3, 1], 4, 0).unwrap();
        for frames in 6..30 {
            let log_probs = scores(frames, 4, frames);
            let emissions = Emissions::new(&log_probs, &labels);
            let whole = best_states(&emissions, frames, &Floor::none()).unwrap();
            for span in 1..frames {
                assert_eq!(best_states(&emissions, span, &Floor::none()).unwrap(), whole, "{frames}, {span}");
            }
        }
        let none = CtcLabels::new(&[], 4, 0).unwrap();
        assert_eq!(best_states(&Emissions::new(&[], &none), 1, &Floor::none()).unwrap(), (Vec::new(), 0.0));
        let forbidden = vec![f64::NEG_INFINITY; 40];
        assert_eq!(
            best_states(&Emissions::new(&forbidden, &labels), 3, &Floor::none()),
            Err(AlignmentError::NoPath)
        );
    }

    #[test]
    fn what_is_below_the_floor_is_on_no_best_path() {
        let mut left_out = 0;
        for seed in 0..400 {
            let sequence: Vec<u32> = (0..=seed % 23).map(|i| 1 + ((i * i + seed) % 3) as u32).collect();
            let labels = CtcLabels::new(&sequence, 4, 0).unwrap();
            let columns = labels.columns().count();
            let frames = labels.frames_needed() + seed % 40;
            // Few scores that tie, or many; of no chance in some frames.
            let log_probs: Vec<f64> = (0..frames * columns)
                .map(|at| match (at * 7919 + seed * 104_729) % 1013 {
                    n if seed % 5 == 4 && n % 7 == 0 => f64::NEG_INFINITY,
                    n if seed % 2 == 0 => -((n % 5) as f64),
                    n => -(n as f64) * 0.1,
                })
                .collect();
            // No distribution: some are above 0.
            let log_probs: Vec<f64> =
                if seed % 11 == 7 { log_probs.iter().map(|x| x + 2.0).collect() } else { log_probs };
            let emissions = Emissions::new(&log_probs, &labels);
            let whole = best_states(&emissions, 7, &Floor::none());
            let best = whole.as_ref().map_or(f64::NEG_INFINITY, |&(_, logp)| logp);
            let found = score_of_a_path(&emissions);
            assert!(found <= best, "{seed}: {found}, {best}");
            // Of the best path itself, of a good one, and of a bad one.
            for score in [best, found, best - 3.0] {
                let floor = Floor::below(&emissions, score);
                let path = best_states(&emissions, 7, &floor);
                assert_eq!(path, whole, "{seed}, {score}");
            }
            let floor = Floor::below(&emissions, best);
            let mut scores = Scores::new(emissions.of_label());
            for (frame, row) in emissions.iter().enumerate() {
                scores.advance(row, scores.window_in(band(&emissions, frame)), None);
                let before = scores.window.len();
                scores.drop_below(floor.after(frame));
                left_out += before - scores.window.len();
            }
        }
        assert!(left_out > 1000, "{left_out}");
    }

    #[test]
    fn a_long_text_is_aligned_as_if_nothing_were_left_out() {
        let sequence: Vec<u32> = (0..700).map(|i| 1 + ((i * i * 7 + i) % 5) as u32).collect();
        let labels = CtcLabels::new(&sequence, 6, 0).unwrap();
        let frames = 3000;
        // Each label for two frames, then blanks; with noise.
        let log_probs: Vec<f64> = (0..frames * 6)
            .map(|at| {
                let (frame, column) = (at / 6, at % 6);
                let (label, place) = (frame * 700 / frames, frame * 700 % frames);
                let here = if place < frames / 2 { sequence[label] as usize } else { 0 };
                let noise = (at * 7919 % 1013) as f64 / 1013.0;
                if column == here { -0.1 * noise } else { -3.0 - 4.0 * noise }
            })
            .collect();
        let emissions = Emissions::new(&log_probs, &labels);
        let whole = best_states(&emissions, frames, &Floor::none()).unwrap();
        assert_eq!(best_path(&emissions).unwrap(), whole);
    }
}
