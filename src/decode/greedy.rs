//! Greedy (best path) decoding.

use super::frame::{Frame, FrameError, frames};
use crate::kernel::{Element, Rows, Sum};
use crate::logits::{InputKind, position_of, row_max};

/// The most probable path, and the text it collapses to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GreedyPath {
    /// The text's class indices: repeats merged, then blanks dropped.
    pub tokens: Vec<u32>,
    /// Log-probability of the path (not of the text) in nats: the sum of the frames' largest.
    pub logp_nats: f64,
    /// The class with the largest value in each frame; the smallest index if several are equal.
    pub path: Vec<u32>,
}

/// Takes the class with the largest value in each frame.
///
/// `values`: `[frames, classes]`, row-major. If `blank` is not a class, nothing is dropped. No frames give the
/// empty text with log-probability 0.
///
/// # Errors
/// If the number of values is not a multiple of the number of classes, a value is NaN or `+inf` (or a probability
/// negative), or a frame gives no class a probability above 0.
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
    let mut search = GreedySearch::of_frames(rows.len());
    for row in rows.iter() {
        search.push_frame(row, input)?;
    }
    Ok(search.finish(blank))
}

/// A path that is taken frame by frame, as they come.
///
/// ```
/// use ctctool::decode::{GreedySearch, collapse};
/// use ctctool::logits::InputKind;
///
/// let mut search = GreedySearch::default();
/// for frame in [[0.1, 0.7, 0.2], [0.1, 0.7, 0.2], [0.8, 0.1, 0.1]] {
///     search.push_frame(&frame, InputKind::Probs)?;
/// }
/// // So far: class 0 is the blank.
/// assert_eq!(collapse(search.path(), 0), [1]);
/// search.push_frame(&[0.1, 0.7, 0.2], InputKind::Probs)?;
/// assert_eq!(search.finish(0).tokens, [1, 1]);
/// # Ok::<(), ctctool::decode::FrameError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct GreedySearch {
    path: Vec<u32>,
    logp: Sum,
}

impl GreedySearch {
    /// None yet of so many frames, which must not be more than there is memory for.
    fn of_frames(count: usize) -> Self {
        Self { path: Vec::with_capacity(count), logp: Sum::default() }
    }

    /// The class with the largest value in each frame so far.
    pub fn path(&self) -> &[u32] {
        &self.path
    }

    /// Takes the next frame, `[classes]`.
    ///
    /// # Errors
    /// If a value is NaN or `+inf` (or a probability negative), or the frame gives no class a probability above 0;
    /// the frame is not taken then.
    pub fn push_frame<E: Element>(&mut self, row: &[E], input: InputKind) -> Result<(), FrameError> {
        let frame = Frame::new(row, input, f64::NEG_INFINITY, self.path.len())?;
        self.path.push(winner(row, frame.max()));
        self.logp.add(frame.max_logp());
        Ok(())
    }

    /// The path, and its text. If `blank` is not a class, nothing is dropped.
    pub fn finish(self, blank: u32) -> GreedyPath {
        let Self { path, logp } = self;
        GreedyPath { tokens: collapse(&path, blank), logp_nats: logp.value(), path }
    }
}

/// The class that wins each of some frames that were found to be usable; the smaller where two are equal.
pub(super) fn winners<E: Element>(rows: Rows<'_, E>) -> Vec<u32> {
    rows.iter().map(|row| winner(row, row_max(row))).collect()
}

fn winner<E: Element>(row: &[E], max: f64) -> u32 {
    // A usable frame has its maximum somewhere.
    position_of(row, max).unwrap_or_default() as u32
}

/// The class indices of a path's text: repeats merged, then blanks dropped. `path` has one class per frame.
pub fn collapse(path: &[u32], blank: u32) -> Vec<u32> {
    let befores = std::iter::once(blank).chain(path.iter().copied());
    let kept = path.iter().copied().zip(befores).filter(|&(class, before)| class != before && class != blank);
    // Grown a token at a time, many short texts would wait for each other's memory.
    let mut tokens = Vec::with_capacity(kept.clone().count());
    tokens.extend(kept.map(|(class, _)| class));
    tokens
}
