//! Threads share the rows: what the labels need of each is gathered, and the items' recursions take it round by
//! round, what was gathered in one while the next is gathered.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::{CtcBatch, Item, Progress, Sample, lock};
use crate::kernel::{BLOCK_FRAMES, Element, ExpRows, Rows};
use crate::logits::{Block, BlockReducer, ImproperRow, RowAudit, RowScale, rows_at_once};
use crate::loss::frame_columns::Frame;
use crate::loss::frames_of_rows::FramesOfRows;
use crate::loss::gathered::Gathered;
use crate::loss::{CHUNK_VALUES, FEW_CHUNKS};

/// Of each item, where that does not take too much memory.
const FRAMES_PER_ROUND: usize = 4 * BLOCK_FRAMES;

/// What is between two rounds.
#[derive(Default)]
pub(super) struct Rounds {
    /// What was gathered in this round so far, in the order of the file.
    coming: Vec<Gathered>,
    /// What was gathered in the round before.
    round: Vec<Gathered>,
    /// So many of the items that wait for it were taken, by whoever looks at the next blocks.
    taken: AtomicUsize,
    /// Room for what is gathered, to be used again.
    room: Mutex<Vec<Gathered>>,
}

/// A row in use.
#[derive(Clone, Copy)]
struct Used {
    /// In the file.
    row: usize,
    /// The user's.
    number: usize,
    item: usize,
}

/// Rows that are looked at together, and what is computed of them.
struct Together<E> {
    /// Those that follow each other in the file.
    run: Vec<Used>,
    /// Some that do not, and copies of their values.
    packed: Vec<Used>,
    values: Vec<E>,
    frames: FramesOfRows<E>,
    notes: ChunkNotes,
}

/// What was found in a block.
pub struct BlockNotes {
    chunks: Vec<ChunkNotes>,
    sample: Option<Sample>,
}

struct ChunkNotes {
    audit: RowAudit,
    refused: Option<ImproperRow>,
    gathered: Gathered,
}

impl CtcBatch {
    /// Advances the recursions that wait for a thread.
    fn advance_some(&self) {
        while let Some(&item) = self.waiting.get(self.rounds.taken.fetch_add(1, Ordering::Relaxed)) {
            self.advance(item);
        }
    }

    /// The same with all threads.
    fn advance_all(&self) {
        if self.waiting.len() > 1 {
            (0..rayon::current_num_threads())
                .into_par_iter()
                .with_max_len(1)
                .for_each(|_| self.advance_some());
        } else {
            self.advance_some();
        }
    }

    /// An item's frames of the round, which follow so many.
    fn frames_of(&self, item: usize, taken: usize) -> impl Iterator<Item = Frame<'_>> {
        let (start, stride) = self.rows.file_rows(item);
        let mut row = start + taken * stride;
        let last = start + (self.rows.lengths()[item] - 1) * stride;
        let from = self.rounds.round.partition_point(|gathered| gathered.rows().end <= row);
        self.rounds.round[from..].iter().flat_map(move |gathered| {
            let rows = (row..gathered.rows().end.min(last + 1)).step_by(stride);
            row += rows.len() * stride;
            rows.map(|row| gathered.frame(row))
        })
    }

    /// Takes an item's frames of the round.
    fn advance(&self, item: usize) {
        let Item { labels, progress } = &self.items[item];
        let length = self.rows.lengths()[item];
        let mut progress = lock(progress);
        let mut begun = progress.go_on(labels, length);
        let taken = begun.forward.taken();
        begun.take(labels, self.frames_of(item, taken));
        *progress = Progress::after(begun, labels, length);
    }

    /// A row of the file, where it is a frame in use.
    fn used(&self, row: usize) -> Option<Used> {
        let number = self.rows.number(row);
        let (item, frame) = self.rows.place(number);
        (frame < self.rows.lengths()[item]).then_some(Used { row, number, item })
    }

    /// Normalises the rows in use and gathers their columns.
    fn gather<E: Element>(&self, block: &Block<'_, E>, range: Range<usize>) -> ChunkNotes {
        let audit = RowAudit::new(self.kind, self.nonfinite);
        let mut gathered = lock(&self.rounds.room).pop().unwrap_or_else(|| Gathered::new(self.kind));
        gathered.begin(block.first_row() + range.start..block.first_row() + range.end);
        let classes = self.rows.geometry().classes();
        let mut rows = Together {
            run: Vec::new(),
            packed: Vec::new(),
            values: Vec::new(),
            frames: FramesOfRows::new(self.kind),
            notes: ChunkNotes { audit, refused: None, gathered },
        };
        let most = rows_at_once(classes);
        // Short rows are computed side by side, and in a batch of unequal lengths few are neighbours.
        let few = if rows.frames.is_short(classes) { ExpRows::<E>::ROWS } else { 0 };
        let mut row = range.start;
        while row < range.end && rows.notes.refused.is_none() {
            let in_use = |row| self.used(block.first_row() + row);
            let mut run = std::mem::take(&mut rows.run);
            run.clear();
            run.extend((row..range.end).map_while(in_use).take(most));
            if run.is_empty() {
                // It is not looked at.
                row += 1;
            }
            block.for_each_run(row..row + run.len(), most, |first, values| {
                let run = &run[first - row..][..values.len() / classes];
                if run.len() >= few {
                    self.gather_packed(&mut rows);
                    self.gather_rows(values, run, &mut rows);
                } else {
                    rows.packed.extend_from_slice(run);
                    rows.values.extend_from_slice(values);
                    if rows.packed.len() >= most {
                        self.gather_packed(&mut rows);
                    }
                }
            });
            row += run.len();
            rows.run = run;
        }
        self.gather_packed(&mut rows);
        rows.notes
    }

    fn gather_packed<E: Element>(&self, rows: &mut Together<E>) {
        if rows.packed.is_empty() {
            return;
        }
        let (mut used, mut values) = (std::mem::take(&mut rows.packed), std::mem::take(&mut rows.values));
        self.gather_rows(&values, &used, rows);
        used.clear();
        values.clear();
        (rows.packed, rows.values) = (used, values);
    }

    /// Normalises `values`, `[rows, classes]`, and keeps what their items' labels need.
    fn gather_rows<E: Element>(&self, values: &[E], used: &[Used], rows: &mut Together<E>) {
        let classes = self.rows.geometry().classes();
        let columns_of = |at: usize| self.items[used[at].item].labels.columns();
        let ChunkNotes { audit, refused, gathered } = &mut rows.notes;
        let frames = gathered.frames_of(used.iter().map(|used| used.row));
        let done =
            |at: usize, row: &[E], scale: RowScale| audit.note_row(used[at].number, scale.total(), row);
        if let Err(improper) = rows.frames.push_all(Rows::new(values, classes), columns_of, frames, done) {
            refused.get_or_insert(improper);
        }
    }

    /// Takes what is left of the last rounds, where there were any.
    pub(super) fn finish_rounds(&mut self) {
        if self.rounds.round.is_empty() && self.rounds.coming.is_empty() {
            return;
        }
        self.end_round();
        self.advance_all();
    }
}

impl BlockReducer for CtcBatch {
    type Part = BlockNotes;
    type Error = ImproperRow;

    /// Few, for what they gather is kept; but where items lie side by side, more of them, for an item's frames are
    /// taken several at a time.
    fn round(&self, rows: usize) -> usize {
        let side_by_side = self.order.first().map_or(1, |&item| self.rows.file_rows(item).1);
        let wanted = (FRAMES_PER_ROUND * side_by_side) / rows.max(1) / rayon::current_num_threads();
        wanted.clamp(2, 8)
    }

    fn look<E: Element>(&self, block: Block<'_, E>) -> BlockNotes {
        self.advance_some();
        let rows_per_chunk = (CHUNK_VALUES / self.rows.geometry().classes()).max(16);
        let chunks = (0..block.rows().div_ceil(rows_per_chunk)).into_par_iter().with_min_len(FEW_CHUNKS);
        let gather = |chunk: usize| {
            let first = chunk * rows_per_chunk;
            self.gather(&block, first..(first + rows_per_chunk).min(block.rows()))
        };
        BlockNotes { chunks: chunks.map(gather).collect(), sample: self.sample_of(&block) }
    }

    fn take(&mut self, part: BlockNotes) -> Result<(), ImproperRow> {
        self.take_sample(part.sample);
        for chunk in part.chunks {
            if let Some(row) = chunk.refused {
                return Err(row);
            }
            self.audit.merge(&chunk.audit, 0);
            self.rounds.coming.push(chunk.gathered);
        }
        Ok(())
    }

    fn end_round(&mut self) {
        // Threads that had nothing to look at have left some.
        self.advance_all();
        let mut used = std::mem::replace(&mut self.rounds.round, std::mem::take(&mut self.rounds.coming));
        lock(&self.rounds.room).append(&mut used);
        self.begin(self.rounds.round.last().map_or(0, |gathered| gathered.rows().end));
        self.rounds.taken = AtomicUsize::new(0);
    }
}
