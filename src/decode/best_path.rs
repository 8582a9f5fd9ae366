//! The most probable path of a label sequence.
//!
//! The Viterbi recursion over the label sequence with blanks put in (Graves et al. 2006, section 4.1,
//! with maximum for sum). Of a long one, a good path is looked for first among what is near the best; then a state from
//! which even the largest log-probability of each frame to come does not make up for that path's score is left out. So
//! the path is the same as if none had been.

use std::ops::Range;

use super::alignment::AlignmentError;
use crate::loss::Emissions;

/// Two bits for each state of so many frames are kept in any case: 64 megabytes of them.
const FEW_BYTES: usize = 1 << 26;
/// Frames times labels that are not worth to look for what can be left out.
const FEW_PLACES: usize = 1 << 16;
/// How far beneath the best a state is followed by [`score_of_a_path`], in nats.
const NEAR: f64 = 60.0;

/// The state of each frame, and the path's log-probability; there are as many frames as the labels need.
pub(super) fn best_path(emissions: &Emissions<'_>) -> Result<(Vec<u32>, f64), AlignmentError> {
    let frames = emissions.frames();
    let span = frames.isqrt().max(FEW_BYTES / Steps::bytes_of(emissions.labels().len()));
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
        scores.advance(row, window, |_, _| {});
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
    let mut steps = Steps::default();
    let mut starts = vec![Scores::new(labels)];
    let before_last = frames.saturating_sub(1) / span * span;
    for first in (0..before_last).step_by(span) {
        let mut scores = starts[starts.len() - 1].clone();
        for (frame, row) in (first..).zip(rows(first..first + span)) {
            scores.advance(row, scores.window_in(band(emissions, frame)), |_, _| {});
            scores.drop_below(floor.after(frame));
        }
        starts.push(scores);
    }
    let mut states = vec![0; frames];
    let mut end = None;
    let mut rest = frames;
    while let Some(mut scores) = starts.pop() {
        let first = starts.len() * span;
        steps.clear();
        for (frame, row) in (first..).zip(rows(first..rest)) {
            let window = scores.window_in(band(emissions, frame));
            steps.begin(&window).ok_or(AlignmentError::TooLarge { frames, labels: labels.len() })?;
            scores.advance(row, window, |state, step| steps.set(state, step));
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

/// The blank's column.
const BLANK: usize = 0;

/// The scores of the best paths to each state: the blanks, and the labels.
#[derive(Clone)]
struct Scores<'a> {
    /// The column of each label.
    sequence: &'a [u32],
    blanks: Vec<f64>,
    labels: Vec<f64>,
    /// Labels that were looked at in the last frame, each with the blank behind it. What was dropped is `-inf`.
    window: Range<usize>,
}

impl<'a> Scores<'a> {
    /// Before the first frame, only the first blank's place.
    fn new(sequence: &'a [u32]) -> Self {
        let mut blanks = vec![f64::NEG_INFINITY; sequence.len() + 1];
        blanks[0] = 0.0;
        Self { sequence, blanks, labels: vec![f64::NEG_INFINITY; sequence.len()], window: 0..0 }
    }

    /// The labels that matter in the next frame, of a `band` of them.
    fn window_in(&self, band: Range<usize>) -> Range<usize> {
        let start = self.window.start.max(band.start);
        start..(self.window.end + 1).min(band.end).max(start)
    }

    /// Takes a frame in which these labels matter; `came` is told how far each state comes from.
    fn advance(&mut self, row: &[f64], window: Range<usize>, mut came: impl FnMut(usize, u8)) {
        let Self { sequence, blanks, labels, .. } = self;
        let of_blank = row[BLANK];
        // From the end, so that what a state is computed from is still the last frame's.
        for i in window.clone().rev() {
            let (stay, enter) = (blanks[i + 1], labels[i]);
            let step = u8::from(enter > stay);
            came(2 * i + 2, step);
            blanks[i + 1] = if step == 1 { enter } else { stay } + of_blank;

            let (mut best, mut step) = (labels[i], 0);
            if blanks[i] > best {
                (best, step) = (blanks[i], 1);
            }
            if i > 0 && sequence[i] != sequence[i - 1] && labels[i - 1] > best {
                (best, step) = (labels[i - 1], 2);
            }
            came(2 * i + 1, step);
            labels[i] = best + row[sequence[i] as usize];
        }
        blanks[0] += of_blank;
        self.window = window;
    }

    /// The better of a label and the blank behind it.
    fn of_label(&self, i: usize) -> f64 {
        self.labels[i].max(self.blanks[i + 1])
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
            (self.labels[self.window.end], self.blanks[self.window.end + 1]) = (none, none);
        }
        if self.blanks[0] < floor {
            self.blanks[0] = none;
        }
        // The first label is reached from the first blank.
        if self.window.start == 0 && self.blanks[0] > none {
            return;
        }
        while !self.window.is_empty() && self.of_label(self.window.start) < floor {
            (self.labels[self.window.start], self.blanks[self.window.start + 1]) = (none, none);
            self.window.start += 1;
        }
    }

    /// Where the best path ends, and its score.
    fn best_end(&self) -> (usize, f64) {
        let length = self.sequence.len();
        match self.labels.last() {
            Some(&label) if label >= self.blanks[length] => (2 * length - 1, label),
            _ => (2 * length, self.blanks[length]),
        }
    }
}

/// How far each state of some frames comes from: two bits each.
#[derive(Default)]
struct Steps {
    bytes: Vec<u8>,
    /// Of each frame: where its bytes begin, and its first state.
    frames: Vec<(usize, usize)>,
}

impl Steps {
    /// Bytes of a frame in which so many labels matter.
    fn bytes_of(labels: usize) -> usize {
        (2 * labels).div_ceil(4).max(1)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
    }

    /// Makes room for a frame in which these labels matter; none where there is no memory.
    fn begin(&mut self, window: &Range<usize>) -> Option<()> {
        let more = Self::bytes_of(window.len());
        self.bytes.try_reserve(more).ok()?;
        self.frames.push((self.bytes.len(), 2 * window.start + 1));
        self.bytes.resize(self.bytes.len() + more, 0);
        Some(())
    }

    /// Of the last frame. Each is set once.
    fn set(&mut self, state: usize, step: u8) {
        let Some(&(start, first)) = self.frames.last() else { return };
        let at = state - first;
        self.bytes[start + at / 4] |= step << (at % 4 * 2);
    }

    fn get(&self, frame: usize, state: usize) -> u8 {
        let (start, first) = self.frames[frame];
        // The first blank stays.
        state.checked_sub(first).map_or(0, |at| self.bytes[start + at / 4] >> (at % 4 * 2) & 3)
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
                scores.advance(row, scores.window_in(band(&emissions, frame)), |_, _| {});
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
