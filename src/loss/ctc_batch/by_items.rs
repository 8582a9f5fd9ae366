//! Each thread takes items through all their frames that are in memory: what a row comes to is used at once.

use std::sync::Mutex;

use rayon::prelude::*;

use super::{CtcBatch, Item, Progress, lock};
use crate::kernel::Element;
use crate::logits::{Block, BlockVisitor, ImproperRow, RowAudit, RowScale, rows_at_once};
use crate::loss::frame_columns::Frames;
use crate::loss::frames_of_rows::FramesOfRows;

/// Columns are little beside so many times as many classes.
const LITTLE: usize = 8;

/// What a thread needs to go through frames.
struct Room<E> {
    rows: FramesOfRows<E>,
    frames: Frames,
}

/// What was found in an item's frames of a block.
struct Notes {
    audit: RowAudit,
    refused: Option<ImproperRow>,
}

impl CtcBatch {
    /// Whether threads are to take items, not rows, where the whole file is in memory: what would else be kept of the
    /// rows is not little beside them, and no item is more than a thread's share.
    pub fn goes_by_items(&self) -> bool {
        let lengths = self.rows.lengths();
        let most = lengths.iter().max().copied().unwrap_or_default();
        let all: usize = lengths.iter().sum();
        let columns: usize = self.items.iter().map(|item| item.labels.columns().count()).sum();
        let geometry = self.rows.geometry();
        geometry.has_whole_rows()
            && LITTLE * columns >= geometry.classes().saturating_mul(self.items.len())
            && most.saturating_mul(rayon::current_num_threads()) <= all
    }

    /// Takes an item's frames of the block.
    fn advance_through<E: Element>(&self, item: usize, block: &Block<'_, E>, room: &mut Room<E>) -> Notes {
        let Item { labels, progress } = &self.items[item];
        let length = self.rows.lengths()[item];
        let (start, stride) = self.rows.file_rows(item);
        let mut progress = lock(progress);
        let mut begun = progress.go_on(labels, length);
        let first = begun.forward.taken();
        let in_block = (block.first_row() + block.rows()).saturating_sub(start).div_ceil(stride);
        let mut notes = Notes { audit: RowAudit::new(self.kind, self.nonfinite), refused: None };
        let Room { rows, frames } = room;
        let most = rows_at_once(self.rows.geometry().classes());
        let mut taken = first;
        while taken < in_block.min(length) && notes.refused.is_none() {
            let count = most.min(in_block.min(length) - taken);
            let values = block.rows_apart(start + taken * stride - block.first_row(), count, stride);
            frames.clear();
            let done = |at: usize, row: &[E], scale: RowScale| {
                let values = || row.iter().map(|x| x.to_f64()).collect();
                notes.audit.note(self.rows.number_of(item, taken + at), scale.total(), values)
            };
            notes.refused = rows.push_all(values, |_| labels.columns(), frames, done).err();
            begun.take(labels, frames.iter());
            taken += count;
        }
        *progress = Progress::after(begun, labels, length);
        notes
    }
}

impl BlockVisitor for CtcBatch {
    type Error = ImproperRow;

    fn values_at_once(&self) -> usize {
        usize::MAX
    }

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), ImproperRow> {
        let end = block.first_row() + block.rows();
        self.begin(end);
        let rooms: Mutex<Vec<Room<E>>> = Mutex::default();
        let through = |&item: &usize| {
            let room = lock(&rooms).pop();
            let new = || Room { rows: FramesOfRows::new(self.kind), frames: Frames::new(self.kind) };
            let mut room = room.unwrap_or_else(new);
            let notes = self.advance_through(item, &block, &mut room);
            lock(&rooms).push(room);
            notes
        };
        let look = || self.waiting.par_iter().with_max_len(1).map(through).collect::<Vec<Notes>>();
        let (notes, sample) = rayon::join(look, || self.sample_of(&block));
        self.take_sample(sample);
        // Forgets those that are done now.
        self.begin(end);
        for Notes { audit, .. } in &notes {
            self.audit.merge(audit, 0);
        }
        let refused = notes.into_iter().filter_map(|notes| notes.refused);
        match refused.min_by_key(|row| self.rows.file_row(row.row)) {
            Some(row) => Err(row),
            None => Ok(()),
        }
    }
}
