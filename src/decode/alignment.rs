//! Where each token of a text lies in time: the most probable path that collapses to it.
//!
//! The Viterbi recursion over the label sequence with blanks put in (Graves et al. 2006, section 4.1,
//! with maximum for sum).

use std::ops::Range;

use thiserror::Error;

use crate::loss::Emissions;

/// Where one token lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenSpan {
    /// First frame of the token.
    pub start_frame: usize,
    /// One past the token's last frame.
    pub end_frame: usize,
    /// The frame in which the token is most probable, the first of equal ones.
    pub peak_frame: usize,
    /// Geometric mean of the token's probabilities over its frames.
    pub confidence: f64,
}

/// The most probable path of a label sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Alignment {
    /// State of each frame: `2 i + 1` is label `i`, even states are the blanks around the labels.
    pub states: Vec<u32>,
    /// Where each label lies.
    pub spans: Vec<TokenSpan>,
    /// Log-probability of the path in nats.
    pub logp_nats: f64,
}

/// Why there is no alignment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AlignmentError {
    /// The labels need more frames than there are.
    #[error("{frames} frames are too few: the labels need {needed}")]
    TooFewFrames {
        /// Number of frames.
        frames: usize,
        /// Number of labels and of equal neighbours among them.
        needed: usize,
    },
    /// The path can't be followed back in the memory that there is: two bits for each state of each frame.
    #[error("{labels} labels over {frames} frames need more memory than there is")]
    TooLarge {
        /// Number of frames.
        frames: usize,
        /// Number of labels.
        labels: usize,
    },
    /// Every path has a probability of zero.
    #[error("every path of the labels has a probability of zero")]
    NoPath,
}

/// Aligns a label sequence with the frames that were gathered for it.
///
/// Of equally probable paths, going back from the end, the one that stays in a state is preferred to one
/// that comes from the state before it, and that to one that skips a blank; at the end, the last label is
/// preferred to the blank after it.
///
/// # Errors
/// Where the labels need more frames or memory than there are, or have no probability.
pub fn align(emissions: &Emissions<'_>) -> Result<Alignment, AlignmentError> {
    let (frames, needed) = (emissions.frames(), emissions.labels().frames_needed());
    if frames < needed {
        return Err(AlignmentError::TooFewFrames { frames, needed });
    }
    let span = frames.isqrt().max(FEW_BYTES / Steps::stride(emissions.labels().len()));
    let (states, logp_nats) = best_states(emissions, span)?;
    let spans = spans(emissions, &states);
    Ok(Alignment { states, spans, logp_nats })
}

/// Two bits for each state of so many frames are kept in any case: 64 megabytes of them.
const FEW_BYTES: usize = 1 << 26;

/// The state of each frame, and the path's log-probability.
///
/// The scores are kept of one frame in each `span`, and the way back is found span by span.
fn best_states(emissions: &Emissions<'_>, span: usize) -> Result<(Vec<u32>, f64), AlignmentError> {
    let (frames, labels) = (emissions.frames(), emissions.of_label());
    let span = span.clamp(1, frames.max(1));
    let too_large = AlignmentError::TooLarge { frames, labels: labels.len() };
    let mut steps = Steps::new(span, labels.len()).ok_or(too_large)?;
    let rows = |frames: Range<usize>| emissions.iter().skip(frames.start).take(frames.len());
    // Labels that can be reached in a frame, and from which the end can.
    let band = |frame: usize| (labels.len() + frame).saturating_sub(frames)..labels.len().min(frame + 1);
    let mut starts = vec![Scores::new(labels)];
    let before_last = frames.saturating_sub(1) / span * span;
    for first in (0..before_last).step_by(span) {
        let mut scores = starts[starts.len() - 1].clone();
        for (frame, row) in (first..).zip(rows(first..first + span)) {
            scores.advance(row, band(frame), |_, _| {});
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
            scores.advance(row, band(frame), |state, step| steps.set(frame - first, state, step));
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
}

impl<'a> Scores<'a> {
    /// Before the first frame, only the first blank's place.
    fn new(sequence: &'a [u32]) -> Self {
        let mut blanks = vec![f64::NEG_INFINITY; sequence.len() + 1];
        blanks[0] = 0.0;
        Self { sequence, blanks, labels: vec![f64::NEG_INFINITY; sequence.len()] }
    }

    /// Takes a frame in which no more than a `band` of the labels matters; `came` is told how far each state comes
    /// from.
    fn advance(&mut self, row: &[f64], band: Range<usize>, mut came: impl FnMut(usize, u8)) {
        let Self { sequence, blanks, labels, .. } = self;
        let of_blank = row[BLANK];
        // From the end, so that what a state is computed from is still the last frame's.
        for i in band.rev() {
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
struct Steps {
    bytes: Vec<u8>,
    stride: usize,
}

impl Steps {
    /// Bytes a frame.
    fn stride(labels: usize) -> usize {
        (2 * labels + 1).div_ceil(4)
    }

    /// None where there is no memory.
    fn new(frames: usize, labels: usize) -> Option<Self> {
        let stride = Self::stride(labels);
        let len = frames.checked_mul(stride)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).ok()?;
        bytes.resize(len, 0);
        Some(Self { bytes, stride })
    }

    fn clear(&mut self) {
        self.bytes.fill(0);
    }

    /// Each is set once.
    fn set(&mut self, frame: usize, state: usize, step: u8) {
        self.bytes[frame * self.stride + state / 4] |= step << (state % 4 * 2);
    }

    fn get(&self, frame: usize, state: usize) -> u8 {
        self.bytes[frame * self.stride + state / 4] >> (state % 4 * 2) & 3
    }
}

/// Where the tokens of a path lie, a class a frame, that collapses to the labels.
pub(super) fn spans_of_path(path: &[u32], blank: u32, emissions: &Emissions<'_>) -> Vec<TokenSpan> {
    let (mut state, mut before) = (0, blank);
    let state_of = |&class: &u32| {
        state += match (before == blank, class == blank) {
            (true, true) => 0,
            (true, false) | (false, true) => 1,
            (false, false) if class == before => 0,
            (false, false) => 2,
        };
        before = class;
        state
    };
    let states: Vec<u32> = path.iter().map(state_of).collect();
    spans(emissions, &states)
}

fn spans(emissions: &Emissions<'_>, states: &[u32]) -> Vec<TokenSpan> {
    let labels = emissions.of_label();
    let mut spans: Vec<TokenSpan> = Vec::with_capacity(labels.len());
    let mut frame = 0;
    for run in states.chunk_by(|a, b| a == b) {
        let end_frame = frame + run.len();
        if run[0] % 2 == 1 {
            let column = labels[run[0] as usize / 2] as usize;
            let logp = |frame: usize| emissions.frame(frame)[column];
            let mut peak_frame = frame;
            for later in frame + 1..end_frame {
                if logp(later) > logp(peak_frame) {
                    peak_frame = later;
                }
            }
            let mean = (frame..end_frame).map(logp).sum::<f64>() / run.len() as f64;
            spans.push(TokenSpan { start_frame: frame, end_frame, peak_frame, confidence: mean.exp() });
        }
        frame = end_frame;
    }
    spans
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
            let whole = best_states(&emissions, frames).unwrap();
            for span in 1..frames {
                assert_eq!(best_states(&emissions, span).unwrap(), whole, "{frames}, {span}");
            }
        }
        let none = CtcLabels::new(&[], 4, 0).unwrap();
        assert_eq!(best_states(&Emissions::new(&[], &none), 1).unwrap(), (Vec::new(), 0.0));
        let forbidden = vec![f64::NEG_INFINITY; 40];
        assert_eq!(best_states(&Emissions::new(&forbidden, &labels), 3), Err(AlignmentError::NoPath));
    }
}
