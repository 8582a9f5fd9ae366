//! Each thread takes items through all their frames that are in memory: what a row comes to is used at once.

use std::sync::Mutex;

use rayon::prelude::*;

use super::{CtcBatch, Item, Progress, lock};
use crate::kernel::Element;
use crate::logits::{AtOnce, Block, BlockVisitor, ImproperRow, RowAudit, RowScale, rows_at_once};
use crate::loss::frame_columns::Frames;
use crate::loss::frames_of_rows::FramesOfRows;

/// Columns are little beside so many times as many classes.
const LITTLE: usize = 8;

/// Values of a frame that come into the cache together.
const BESIDE: usize = 1024;
/// Groups of items for each thread at least.
const FEW_GROUPS: usize = 4;

/// What a thread needs to go through frames.
struct Room<E> {
    rows: FramesOfRows<E>,
    frames: Frames,
}

/// What was found in some items' frames of a block.
struct Notes {
    audit: RowAudit,
    /// Where there are some: among them the first.
    refused: Vec<ImproperRow>,
}

impl CtcBatch {
    /// Whether threads are to take items, not rows, where the whole file is in memory: what would else be kept of the
    /// rows is not little beside them, and no item is more than a thread's share.
    pub(super) fn goes_by_items(&self) -> bool {
        let lengths = self.rows.lengths();
        let most = lengths.iter().max().copied().unwrap_or_default();
        let all: usize = lengths.iter().sum();
        let columns: usize = self.items.iter().map(|item| item.labels.columns().count()).sum();
        let geometry = self.rows.geometry();
        geometry.has_whole_rows()
            && LITTLE * columns >= geometry.classes().saturating_mul(self.items.len())
            && most.saturating_mul(rayon::current_num_threads()) <= all
    }

    /// How many items a thread takes side by side: where they lie beside each other, as many as have a frame in few
    /// thousand bytes, which come into the cache together; but enough are left for all threads.
    fn side_by_side(&self) -> usize {
        let Some(&item) = self.waiting.first() else { return 1 };
        if self.rows.file_rows(item).1 == 1 {
            return 1;
        }
        let share = self.waiting.len() / (FEW_GROUPS * rayon::current_num_threads());
        (BESIDE / self.rows.geometry().classes()).min(share).max(1)
    }

    /// Takes some items through all their frames of the block, a few frames of each in turn.
    fn advance_group<E: Element>(&self, group: &[usize], block: &Block<'_, E>, room: &mut Room<E>) -> Notes {
        let mut notes = Notes { audit: RowAudit::new(self.kind, self.nonfinite), refused: Vec::new() };
        let mut more = true;
        while more && notes.refused.is_empty() {
            more = false;
            for &item in group {
                more |= self.advance_some_of(item, block, room, &mut notes);
            }
        }
        notes
    }

    /// Takes an item's next frames of the block; returns whether there were any.
    fn advance_some_of<E: Element>(
        &self,
        item: usize,
        block: &Block<'_, E>,
        room: &mut Room<E>,
        notes: &mut Notes,
    ) -> bool {
        let Item { labels, progress } = &self.items[item];
        let length = self.rows.lengths()[item];
        let mut progress = lock(progress);
        let taken = progress.taken(length);
        let most = rows_at_once(self.rows.geometry().classes());
        let Some(values) = self.rows.frames_in(block, item, taken, most) else { return false };
        let Room { rows, frames } = room;
        frames.clear();
        let done = |at: usize, row: &[E], scale: RowScale| {
            notes.audit.note_row(self.rows.number_of(item, taken + at), scale.total(), row)
        };
        let refused = rows.push_all(values, |_| labels.columns(), frames, done).err();
        notes.refused.extend(refused);
        let mut begun = progress.go_on(labels, length);
        begun.take(labels, frames.iter());
        *progress = Progress::after(begun, labels, length);
        true
    }
}

impl BlockVisitor for CtcBatch {
    type Error = ImproperRow;

    fn at_once(&self) -> AtOnce {
        AtOnce::Much { run: 1 }
    }

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), ImproperRow> {
        self.begin(block.first_row() + block.rows());
        let rooms: Mutex<Vec<Room<E>>> = Mutex::default();
        let through = |group: &[usize]| {
            let room = lock(&rooms).pop();
            let new = || Room { rows: FramesOfRows::new(self.kind), frames: Frames::new(self.kind) };
            let mut room = room.unwrap_or_else(new);
            let notes = self.advance_group(group, &block, &mut room);
            lock(&rooms).push(room);
            notes
        };
        let groups = self.waiting.par_chunks(self.side_by_side()).with_max_len(1);
        let look = || groups.map(through).collect::<Vec<Notes>>();
        let (notes, sample) = rayon::join(look, || self.sample_of(&block));
        self.take_sample(sample);
        for Notes { audit, .. } in &notes {
            self.audit.merge(audit, 0);
        }
        let refused = notes.into_iter().flat_map(|notes| notes.refused);
        match refused.min_by_key(|row| self.rows.file_row(row.row)) {
            Some(row) => Err(row),
            None => Ok(()),
        }
    }
}
