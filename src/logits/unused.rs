//! What frames behind the items' lengths hold.

use super::{Block, BlockVisitor, Enough, InputKind, Items, RowScale, position_of, row_max};
use crate::kernel::Element;

/// Items that are looked at, and frames behind each one's length: as many as it has, but no fewer and no more than these.
const FEW_ITEMS: usize = 16;
const FRAMES: std::ops::RangeInclusive<usize> = 8..=64;

/// Looks at the first items' frames behind their lengths, and ends there.
#[derive(Clone, Debug)]
pub(crate) struct UnusedFrames {
    items: Items,
    kind: InputKind,
    blank: u32,
    seen: Vec<Seen>,
    /// No frame from here on is looked at.
    end: usize,
}

/// Of an item.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The class that wins its last frame in use: a network may go on with it where there is nothing.
    last: Option<usize>,
    /// Another class, but the blank, that surely wins a frame behind.
    other: Option<usize>,
    /// Whether a third does.
    several: bool,
}

impl UnusedFrames {
    /// Nothing yet; the values are `kind`.
    pub(crate) fn new(items: Items, kind: InputKind, blank: u32) -> Self {
        let seen = vec![Seen::default(); items.lengths().len().min(FEW_ITEMS)];
        let end = items.lengths()[..seen.len()].iter().map(|&length| end_of(length)).max().unwrap_or(0);
        Self { items, kind, blank, seen, end }
    }

    /// How many items go on behind their lengths with several classes, each of which has more than half of a frame's
    /// probability, and how many were looked at.
    pub(crate) fn found(&self) -> (usize, usize) {
        (self.seen.iter().filter(|seen| seen.several).count(), self.seen.len())
    }

    fn look<E: Element>(&mut self, item: usize, is_used: bool, scores: &[E]) {
        let max = row_max(scores);
        let Some(class) = position_of(scores, max) else { return };
        let seen = &mut self.seen[item];
        if is_used {
            seen.last = Some(class);
        } else if class != self.blank as usize
            && seen.last != Some(class)
            && RowScale::new(scores, self.kind).log_prob(max) > 0.5_f64.ln()
        {
            seen.several |= *seen.other.get_or_insert(class) != class;
        }
    }
}

/// Where what is looked at ends, of an item of so many frames.
fn end_of(length: usize) -> usize {
    length + length.clamp(*FRAMES.start(), *FRAMES.end())
}

impl BlockVisitor for UnusedFrames {
    type Error = Enough;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), Enough> {
        // Items come one after the other, or all their first frames, then all their second.
        let in_order = self.items.geometry().is_in_order();
        let mut beyond = true;
        for row in 0..block.rows() {
            let (item, frame) = self.items.place(self.items.number(block.first_row() + row));
            beyond &= if in_order { item >= self.seen.len() } else { frame >= self.end };
            if item >= self.seen.len() {
                continue;
            }
            let length = self.items.lengths()[item];
            if (length.saturating_sub(1)..end_of(length)).contains(&frame) {
                let is_used = frame < length;
                block.for_each_row(row..row + 1, |_, scores| self.look(item, is_used, scores));
            }
        }
        if beyond { Err(Enough) } else { Ok(()) }
    }
}
