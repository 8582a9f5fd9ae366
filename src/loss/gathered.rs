//! What a CTC loss keeps of some rows of the file until their items' recursions take them.

use std::ops::Range;

use super::frame_columns::{Frame, Frames};
use crate::kernel::{Element, ScaledColumns};
use crate::logits::{InputKind, RowScale};

/// Of consecutive rows of the file, those in use as the frames that they are to their items' labels.
pub(super) struct Gathered {
    /// In the file.
    first_row: usize,
    rows: usize,
    frames: Frames,
    /// By row: which frame it is. Any number for a row that is not in use.
    frame_of: Vec<usize>,
}

impl Gathered {
    /// Of no rows, whose scores are `kind`.
    pub(super) fn new(kind: InputKind) -> Self {
        Self { first_row: 0, rows: 0, frames: Frames::new(kind), frame_of: Vec::new() }
    }

    /// Makes it empty, for these rows of the file.
    pub(super) fn begin(&mut self, rows: Range<usize>) {
        (self.first_row, self.rows) = (rows.start, rows.len());
        self.frames.clear();
        self.frame_of.clear();
    }

    /// Keeps the scores of a row's columns; rows come in order. For `scale_of` see [`Frames::push`].
    pub(super) fn push<E: Element>(
        &mut self,
        row: usize,
        scores: &[E],
        scale_of: impl FnOnce(ScaledColumns) -> RowScale,
    ) {
        self.frame_of.resize(row - self.first_row + 1, self.frames.len());
        self.frames.push(scores, scale_of);
    }

    /// The rows of the file.
    pub(super) fn rows(&self) -> Range<usize> {
        self.first_row..self.first_row + self.rows
    }

    /// A row in use.
    pub(super) fn frame(&self, row: usize) -> Frame<'_> {
        self.frames.get(self.frame_of[row - self.first_row])
    }
}
