//! What a CTC loss keeps of some rows of the file until their items' recursions take them.

use std::ops::Range;

use super::frame_columns::{Frame, Frames};
use crate::logits::InputKind;

/// Consecutive rows of the file: of each row in use, the columns that its item's labels need.
pub(super) struct Gathered {
    /// In the file.
    first_row: usize,
    rows: usize,
    frames: Frames,
    /// By row: which frame it is. Any number for a row that is not in use.
    frame_of: Vec<usize>,
}

impl Gathered {
    /// No rows yet; scores to come are `kind`.
    pub(super) fn new(kind: InputKind) -> Self {
        Self { first_row: 0, rows: 0, frames: Frames::new(kind), frame_of: Vec::new() }
    }

    /// Makes it empty, for these rows of the file.
    pub(super) fn begin(&mut self, rows: Range<usize>) {
        (self.first_row, self.rows) = (rows.start, rows.len());
        self.frames.clear();
        self.frame_of.clear();
    }

    /// Where the frames of these rows are to be put, one after the other; rows come in order.
    pub(super) fn frames_of(&mut self, rows: impl Iterator<Item = usize>) -> &mut Frames {
        for (frame, row) in (self.frames.len()..).zip(rows) {
            self.frame_of.resize(row - self.first_row, frame);
            self.frame_of.push(frame);
        }
        &mut self.frames
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
