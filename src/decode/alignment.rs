//! Where each token of a text lies in time: on the most probable path that collapses to it.

use super::best_path::{AlignmentError, best_path};
use crate::loss::Emissions;

/// Where one token lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenSpan {
    /// First frame of the token.
    pub start_frame: usize,
    /// One past the token's last frame.
    pub end_frame: usize,
    /// The frame in which the token is most probable; the first one if several are equal.
    pub peak_frame: usize,
    /// Geometric mean of the token's probabilities over its frames.
    pub confidence: f64,
}

/// The most probable path of a label sequence.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Alignment {
    /// State of each frame: `2 i + 1` is label `i` (from 0), `2 i` is the blank before it; the last even state is the
    /// blank after all labels.
    pub states: Vec<u32>,
    /// Where each label lies.
    pub spans: Vec<TokenSpan>,
    /// Log-probability of the path in nats.
    pub logp_nats: f64,
}

/// Aligns a label sequence with its frames, as gathered in `emissions`.
///
/// Ties between equally probable paths are broken from the end backwards: staying in a state is preferred to
/// coming from the state before it, and that to skipping a blank; at the end, the last label is preferred to the
/// blank after it.
///
/// # Errors
/// If the labels need more frames or memory than there are, every path has a probability of 0, or a log-probability
/// that the labels need is NaN.
pub fn align(emissions: &Emissions<'_>) -> Result<Alignment, AlignmentError> {
    if let Some(frame) = emissions.iter().position(|frame| frame.iter().any(|logp| logp.is_nan())) {
        return Err(AlignmentError::NotANumber { frame });
    }
    let (states, logp_nats) = best_path(emissions)?;
    let spans = spans(emissions, &states);
    Ok(Alignment { states, spans, logp_nats })
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
