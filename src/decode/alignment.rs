//! Where each token of a text lies in time: the most probable path that collapses to it.
//!
//! The Viterbi recursion over the label sequence with blanks put in (Graves et al. 2006, section 4.1,
//! with maximum for sum).

use thiserror::Error;

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
    /// A label is the blank.
    #[error("label {position} is the blank")]
    LabelIsBlank {
        /// Place in the label sequence, from 0.
        position: usize,
    },
    /// A label or the blank has no column.
    #[error("there is no column {column} among {columns}")]
    ColumnOutOfRange {
        /// The column asked for.
        column: u32,
        /// Number of columns.
        columns: usize,
    },
    /// The values are not whole frames.
    #[error("{values} values are not whole frames of {columns} columns")]
    Ragged {
        /// Number of values given.
        values: usize,
        /// Number of columns.
        columns: usize,
    },
}

/// Aligns a label sequence.
///
/// `log_probs`: `[frames, columns]`, row-major, in nats, none NaN: all classes, or those that are
/// needed. `labels`: the column of each label. `blank`: the column of the blank.
///
/// Of equally probable paths, going back from the end, the one that stays in a state is preferred to one
/// that comes from the state before it, and that to one that skips a blank; at the end, the last label is
/// preferred to the blank after it.
///
/// # Errors
/// Where the labels do not fit the frames or the columns, or have no probability.
pub fn align(
    log_probs: &[f64],
    columns: usize,
    labels: &[u32],
    blank: u32,
) -> Result<Alignment, AlignmentError> {
    if columns == 0 || !log_probs.len().is_multiple_of(columns) {
        return Err(AlignmentError::Ragged { values: log_probs.len(), columns });
    }
    if let Some(&column) = labels.iter().chain([&blank]).find(|&&column| column as usize >= columns) {
        return Err(AlignmentError::ColumnOutOfRange { column, columns });
    }
    if let Some(position) = labels.iter().position(|&label| label == blank) {
        return Err(AlignmentError::LabelIsBlank { position });
    }
    let frames = log_probs.len() / columns;
    let needed = labels.len() + labels.windows(2).filter(|pair| pair[0] == pair[1]).count();
    if frames < needed {
        return Err(AlignmentError::TooFewFrames { frames, needed });
    }
    let (states, logp_nats) = best_states(log_probs, columns, labels, blank)?;
    let spans = spans(log_probs, columns, labels, &states);
    Ok(Alignment { states, spans, logp_nats })
}

/// The state of each frame, and the path's log-probability.
fn best_states(
    log_probs: &[f64],
    columns: usize,
    labels: &[u32],
    blank: u32,
) -> Result<(Vec<u32>, f64), AlignmentError> {
    let frames = log_probs.len() / columns;
    let count = 2 * labels.len() + 1;
    let too_large = AlignmentError::TooLarge { frames, labels: labels.len() };
    let mut steps = Steps::new(frames, count).ok_or(too_large)?;
    // Scores of the blanks and of the labels; before the first frame, only the first blank's place.
    let mut blanks = vec![f64::NEG_INFINITY; labels.len() + 1];
    let mut tokens = vec![f64::NEG_INFINITY; labels.len()];
    blanks[0] = 0.0;
    let may_skip: Vec<bool> = (0..labels.len()).map(|i| i > 0 && labels[i] != labels[i - 1]).collect();
    for (frame, row) in log_probs.chunks_exact(columns).enumerate() {
        // From the end, so that what a state is computed from is still the last frame's.
        for i in (0..labels.len()).rev() {
            let (stay, enter) = (blanks[i + 1], tokens[i]);
            let step = u8::from(enter > stay);
            steps.set(frame, 2 * i + 2, step);
            blanks[i + 1] = if step == 1 { enter } else { stay } + row[blank as usize];

            let (mut best, mut step) = (tokens[i], 0);
            if blanks[i] > best {
                (best, step) = (blanks[i], 1);
            }
            if may_skip[i] && tokens[i - 1] > best {
                (best, step) = (tokens[i - 1], 2);
            }
            steps.set(frame, 2 * i + 1, step);
            tokens[i] = best + row[labels[i] as usize];
        }
        blanks[0] += row[blank as usize];
    }
    let last_blank = blanks[labels.len()];
    let (mut state, logp) = match tokens.last() {
        Some(&token) if token >= last_blank => (count - 2, token),
        _ => (count - 1, last_blank),
    };
    if logp == f64::NEG_INFINITY {
        return Err(AlignmentError::NoPath);
    }
    let mut states = vec![0; frames];
    for frame in (0..frames).rev() {
        states[frame] = state as u32;
        state -= usize::from(steps.get(frame, state));
    }
    Ok((states, logp))
}

/// How far each state of each frame comes from: two bits each.
struct Steps {
    bytes: Vec<u8>,
    stride: usize,
}

impl Steps {
    /// None where there is no memory.
    fn new(frames: usize, states: usize) -> Option<Self> {
        let stride = states.div_ceil(4);
        let len = frames.checked_mul(stride)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).ok()?;
        bytes.resize(len, 0);
        Some(Self { bytes, stride })
    }

    /// Each is set once.
    fn set(&mut self, frame: usize, state: usize, step: u8) {
        self.bytes[frame * self.stride + state / 4] |= step << (state % 4 * 2);
    }

    fn get(&self, frame: usize, state: usize) -> u8 {
        self.bytes[frame * self.stride + state / 4] >> (state % 4 * 2) & 3
    }
}

fn spans(log_probs: &[f64], columns: usize, labels: &[u32], states: &[u32]) -> Vec<TokenSpan> {
    let mut spans: Vec<TokenSpan> = Vec::with_capacity(labels.len());
    let mut frame = 0;
    for run in states.chunk_by(|a, b| a == b) {
        let end_frame = frame + run.len();
        if run[0] % 2 == 1 {
            let column = labels[run[0] as usize / 2] as usize;
            let logp = |frame: usize| log_probs[frame * columns + column];
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
