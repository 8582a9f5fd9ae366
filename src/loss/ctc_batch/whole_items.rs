//! Threads take items that are read whole: nothing is kept of a frame but until its item's recursion takes it, and of
//! an item its loss alone.

use std::ops::Range;
use std::sync::PoisonError;

use super::{Begun, CtcBatch, CtcItem, Item, Progress, Sample};
use crate::kernel::{BLOCK_FRAMES, Element, ExpRows, Rows};
use crate::logits::{ImproperRow, ItemBlock, ItemOrder, ItemReducer, RowAudit, rows_at_once};
use crate::loss::frame_columns::Frames;
use crate::loss::frames_of_rows::FramesOfRows;

/// What a thread needs to go through items.
struct Room<E> {
    rows: FramesOfRows<E>,
    frames: Frames,
    /// Recursions whose memory is used again.
    begun: Vec<Begun>,
}

/// What was found in some items.
pub struct ItemNotes {
    first: usize,
    items: Vec<CtcItem>,
    audit: RowAudit,
    refused: Option<ImproperRow>,
    sample: Option<Sample>,
}

impl CtcBatch {
    /// The items from `first` on that go side by side: of the same length, and lying so.
    fn side_by_side_in<E: Element>(&self, block: &ItemBlock<'_, E>, first: usize) -> Range<usize> {
        let length = self.rows.lengths()[first];
        let most = match block.order() {
            // As many as short rows are computed side by side.
            ItemOrder::FrameByFrame => ExpRows::<E>::ROWS,
            ItemOrder::ItemByItem if length == self.rows.frames() => {
                rows_at_once(self.rows.geometry().classes()) / length
            }
            ItemOrder::ItemByItem => 1,
        };
        let lengths = self.rows.lengths()[first..block.items().end].iter().take(most.max(1));
        first..first + lengths.take_while(|&&other| other == length).count()
    }

    /// Takes items of the same length through all their frames, a few frames of each in turn.
    fn take_whole<E: Element>(
        &self,
        block: &ItemBlock<'_, E>,
        group: Range<usize>,
        room: &mut Room<E>,
        notes: &mut ItemNotes,
    ) -> Result<(), ImproperRow> {
        let Room { rows, frames, begun } = room;
        let length = self.rows.lengths()[group.start];
        let labels_of = |item: usize| &self.items[item].labels;
        for (at, item) in group.clone().enumerate() {
            match begun.get_mut(at) {
                Some(begun) => begun.begin(labels_of(item), length),
                None => begun.push(Begun::new(labels_of(item), length)),
            }
        }
        let mut push = |values: Rows<'_, E>, frames: &mut Frames, place: &dyn Fn(usize) -> (usize, usize)| {
            let columns_of = |at: usize| labels_of(place(at).0).columns();
            rows.push_all(values, columns_of, frames, |at, row, scale| {
                let (item, frame) = place(at);
                notes.audit.note_row(self.rows.number_of(item, frame), scale.total(), row)
            })
        };
        let across = block.order() == ItemOrder::FrameByFrame && group.len() > 1;
        let at_once = rows_at_once(self.rows.geometry().classes()) / group.len();
        let at_once = at_once.next_multiple_of(BLOCK_FRAMES);
        for first in (0..length).step_by(at_once) {
            let turn = first..(first + at_once).min(length);
            frames.clear();
            if across {
                for frame in turn.clone() {
                    push(block.items_at(group.clone(), frame), frames, &|at| (group.start + at, frame))?;
                }
            } else {
                let place = |at: usize| (group.start + at / turn.len(), turn.start + at % turn.len());
                push(block.frames(group.clone(), turn.clone()), frames, &place)?;
            }
            for (at, item) in group.clone().enumerate() {
                let (start, step) = if across { (at, group.len()) } else { (at * turn.len(), 1) };
                let taken = (0..turn.len()).map(|frame| frames.get(start + frame * step));
                begun[at].take(labels_of(item), taken);
            }
        }
        notes.items.extend(group.clone().zip(&*begun).map(|(item, begun)| begun.item(labels_of(item))));
        Ok(())
    }

    /// The first rows in use, where more are wanted.
    fn sample_of_items<E: Element>(&self, block: &ItemBlock<'_, E>) -> Option<Sample> {
        let mut sample = self.new_sample()?;
        for (item, frame, scores) in block.rows() {
            if sample.audit.wanted() == 0 {
                break;
            }
            if frame < self.rows.lengths()[item] {
                sample.look(self.rows.file_row(self.rows.number_of(item, frame)), scores);
            }
        }
        Some(sample)
    }
}

impl ItemReducer for CtcBatch {
    type Part = ItemNotes;
    type Error = ImproperRow;

    fn look_at_items<E: Element>(&self, block: ItemBlock<'_, E>) -> ItemNotes {
        let mut room =
            Room { rows: FramesOfRows::new(self.kind), frames: Frames::new(self.kind), begun: Vec::new() };
        let items = block.items();
        let mut notes = ItemNotes {
            first: items.start,
            items: Vec::with_capacity(items.len()),
            audit: RowAudit::new(self.kind, self.nonfinite),
            refused: None,
            sample: self.sample_of_items(&block),
        };
        let mut next = items.start;
        while next < items.end && notes.refused.is_none() {
            let group = self.side_by_side_in(&block, next);
            next = group.end;
            let mut refused = |group| self.take_whole(&block, group, &mut room, &mut notes).err();
            let found = refused(group.clone());
            // Of several, the first item's, however they lie.
            notes.refused =
                found.map(|row| group.map(|item| item..item + 1).find_map(refused).unwrap_or(row));
        }
        notes
    }

    fn take_items(&mut self, part: ItemNotes) -> Result<(), ImproperRow> {
        let ItemNotes { first, items, audit, refused, sample } = part;
        self.take_sample(sample);
        if let Some(row) = refused {
            return Err(row);
        }
        self.audit.merge(&audit, 0);
        for (Item { progress, .. }, item) in self.items[first..].iter_mut().zip(items) {
            *progress.get_mut().unwrap_or_else(PoisonError::into_inner) = Progress::Done(item);
        }
        Ok(())
    }
}
