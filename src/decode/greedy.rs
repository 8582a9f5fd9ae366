//! Greedy (best path) decoding.

use super::frame::{Frame, FrameError, frames};
use crate::kernel::{Element, Rows, Sum};
use crate::logits::{InputKind, position_of, row_max};

/// The most probable path, and the text it collapses to.
#[derive(Clone, Debug, PartialEq)]
pub struct GreedyPath {
    /// The text's classes: repeats merged, then blanks dropped.
    pub tokens: Vec<u32>,
    /// Log-probability of the path (not of the text) in nats: the sum of the frames' largest.
    pub logp_nats: f64,
    /// The class that wins each frame; the smaller where two are equal.
    pub path: Vec<u32>,
}

/// Takes the largest class of each frame.
///
/// `values`: `[frames, classes]`, row-major. `blank` need not be a class: then nothing is dropped. No
/// frames give the empty text with log-probability 0.
///
/// # Errors
/// Where `values` are not whole frames, a value is NaN or `+inf` (or a probability negative), or a frame
/// gives no class any probability.
pub fn greedy<E: Element>(
    values: &[E],
    classes: usize,
    blank: u32,
    input: InputKind,
) -> Result<GreedyPath, FrameError> {
    greedy_of_rows(frames(values, classes)?, blank, input)
}

/// The same of frames that need not lie one after another.
pub(super) fn greedy_of_rows<E: Element>(
    rows: Rows<'_, E>,
    blank: u32,
    input: InputKind,
) -> Result<GreedyPath, FrameError> {
    let mut path = Vec::new();
    let mut logp = Sum::default();
    for (number, row) in rows.iter().enumerate() {
        let frame = Frame::new(row, input, f64::NEG_INFINITY, number)?;
        path.push(winner(row, frame.max()));
        logp.add(frame.max_logp());
    }
    Ok(GreedyPath { tokens: collapse(&path, blank), logp_nats: logp.value(), path })
}

/// The class that wins each of some frames that were found to be usable; the smaller where two are equal.
pub(super) fn winners<E: Element>(rows: Rows<'_, E>) -> Vec<u32> {
    rows.iter().map(|row| winner(row, row_max(row))).collect()
}

fn winner<E: Element>(row: &[E], max: f64) -> u32 {
    // A usable frame has its maximum somewhere.
    position_of(row, max).unwrap_or_default() as u32
}

/// The text of a path, a class a frame: repeats merged, then blanks dropped.
pub fn collapse(path: &[u32], blank: u32) -> Vec<u32> {
    let mut tokens = Vec::new();
    let mut before = blank;
    for &class in path {
        if class != before && class != blank {
            tokens.push(class);
        }
        before = class;
    }
    tokens
}
