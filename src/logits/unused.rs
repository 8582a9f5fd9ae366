//! What frames behind the items' lengths hold.

use super::{Block, BlockVisitor, Enough, InputKind, Items, RowScale, position_of, row_max};
use crate::kernel::Element;

/// Frames that are looked at, of each item and in all: right behind the frames in use.
const FEW_FRAMES: usize = 8;
const MOST_FRAMES: usize = 256;

/// Counts which of the first frames behind the items' lengths are surely no blanks, and ends there.
#[derive(Clone, Debug)]
pub(crate) struct UnusedFrames {
    items: Items,
    kind: InputKind,
    blank: u32,
    frames: usize,
    read: usize,
}

impl UnusedFrames {
    /// None yet; the values are `kind`.
    pub(crate) fn new(items: Items, kind: InputKind, blank: u32) -> Self {
        Self { items, kind, blank, frames: 0, read: 0 }
    }

    /// Of so many frames, how many give more than half of their probability to one class that is not the blank.
    pub(crate) fn found(&self) -> (usize, usize) {
        (self.frames, self.read)
    }

    fn look<E: Element>(&mut self, scores: &[E]) {
        self.frames += 1;
        let max = row_max(scores);
        let Some(class) = position_of(scores, max).filter(|&class| class != self.blank as usize) else {
            return;
        };
        let logp = RowScale::new(scores, self.kind).log_prob(scores[class]);
        self.read += usize::from(logp > 0.5_f64.ln());
    }
}

impl BlockVisitor for UnusedFrames {
    type Error = Enough;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), Enough> {
        for row in 0..block.rows() {
            let (item, frame) = self.items.place(self.items.number(block.first_row() + row));
            let length = self.items.lengths()[item];
            if (length..length + FEW_FRAMES).contains(&frame) {
                block.for_each_row(row..row + 1, |_, scores| self.look(scores));
                if self.frames == MOST_FRAMES {
                    return Err(Enough);
                }
            }
        }
        Ok(())
    }
}
