//! CTC loss of a whole file: frames in, items' losses out.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rayon::prelude::*;

use super::Emissions;
use super::collected::{Collected, Gathered};
use super::ctc::{CtcLabels, CtcLoss, loss_of_emissions};
use super::frame_scales::{FrameScales, SHORT};
use crate::kernel::Element;
use crate::logits::{Block, BlockReducer, ImproperRow, InputKind, Items, Nonfinite, RowAudit, rows_at_once};

/// Values that one thread takes at a time.
const CHUNK_VALUES: usize = 1 << 16;
/// Chunks that one thread takes at least: blocks of no more come several at a time.
const FEW_CHUNKS: usize = 4;

/// Collects what the items' labels need of each frame, in whatever order the frames come, and computes an
/// item's loss as soon as its last frame was there.
pub struct CtcBatch {
    kind: InputKind,
    nonfinite: Nonfinite,
    rows: Items,
    items: Vec<Item>,
    /// What was collected of each item that is not complete.
    collected: Vec<Mutex<Collected>>,
    /// Items that are complete; whoever looks at the next block computes them first.
    ready: Mutex<Vec<Ready>>,
    /// Room for what a thread gathers, to be used again.
    gathered: Mutex<Vec<Gathered>>,
    /// Room for an item's log-probabilities, to be used again.
    scratch: Mutex<Vec<Vec<f64>>>,
    audit: RowAudit,
    sample: RowAudit,
}

struct Item {
    labels: CtcLabels,
    loss: OnceLock<CtcLoss>,
}

struct Ready {
    item: usize,
    collected: Collected,
}

/// Rows that are looked at together, and what is computed of them.
struct Rows<E> {
    /// The user's numbers of the rows.
    numbers: Vec<usize>,
    /// Copies of the rows, where they are short.
    values: Vec<E>,
    scales: FrameScales,
    /// The scores of a row's columns.
    columns: Vec<E>,
    gathered: Gathered,
}

impl<E> Default for Rows<E> {
    fn default() -> Self {
        Self {
            numbers: Vec::new(),
            values: Vec::new(),
            scales: FrameScales::default(),
            columns: Vec::new(),
            gathered: Gathered::default(),
        }
    }
}

/// What was noticed in a block.
#[derive(Default)]
pub struct BlockNotes {
    chunks: Vec<ChunkNotes>,
    sample: Option<RowAudit>,
}

struct ChunkNotes {
    audit: RowAudit,
    refused: Option<ImproperRow>,
}

impl CtcBatch {
    /// A batch of these items, each with its labels.
    ///
    /// # Panics
    /// Where there are not as many labels as items.
    pub fn new(kind: InputKind, nonfinite: Nonfinite, rows: Items, labels: Vec<CtcLabels>) -> Self {
        assert_eq!(labels.len(), rows.lengths().len(), "an item has labels");
        let items: Vec<Item> =
            labels.into_iter().map(|labels| Item { labels, loss: OnceLock::new() }).collect();
        let empty = |(item, _): (usize, &usize)| Ready { item, collected: Collected::default() };
        let ready =
            rows.lengths().iter().enumerate().filter(|(_, length)| **length == 0).map(empty).collect();
        Self {
            kind,
            nonfinite,
            rows,
            collected: items.iter().map(|_| Mutex::default()).collect(),
            gathered: Mutex::default(),
            scratch: Mutex::default(),
            items,
            ready: Mutex::new(ready),
            audit: RowAudit::new(kind, nonfinite),
            sample: RowAudit::new(kind, nonfinite),
        }
    }

    /// The items' losses, in order, and what was noticed about the frames in use.
    ///
    /// # Panics
    /// Where not all of the matrix was looked at.
    pub fn finish(mut self) -> (Vec<CtcLoss>, RowAudit) {
        let ready = std::mem::take(self.ready.get_mut().unwrap_or_else(PoisonError::into_inner));
        ready.into_par_iter().for_each(|ready| self.compute(&ready));
        self.audit.merge(&self.sample, 0);
        let loss = |item: &Item| *item.loss.get().expect("all frames of the matrix were looked at");
        let losses = self.items.iter().map(loss).collect();
        (losses, self.audit)
    }

    fn compute(&self, ready: &Ready) {
        let Item { labels, loss, .. } = &self.items[ready.item];
        let mut log_probs = lock(&self.scratch).pop().unwrap_or_default();
        ready.collected.log_probs(labels.columns().count(), &mut log_probs);
        // An item is ready once.
        let _ = loss.set(loss_of_emissions(&Emissions::new(&log_probs, labels)));
        lock(&self.scratch).push(log_probs);
    }

    fn next_ready(&self) -> Option<Ready> {
        lock(&self.ready).pop()
    }

    /// Whether a row is a frame in use.
    fn is_used<E: Element>(&self, block: &Block<'_, E>, row: usize) -> bool {
        self.rows.is_used(self.rows.number(block.first_row() + row))
    }

    /// Normalises the rows in use and gathers their columns.
    fn gather<E: Element>(&self, block: &Block<'_, E>, range: Range<usize>) -> ChunkNotes {
        let mut notes = ChunkNotes { audit: RowAudit::new(self.kind, self.nonfinite), refused: None };
        let classes = self.rows.geometry().classes();
        let gathered = lock(&self.gathered).pop().unwrap_or_default();
        let mut rows = Rows { gathered, ..Rows::default() };
        let most = rows_at_once(classes);
        let mut row = range.start;
        while row < range.end && notes.refused.is_none() {
            // Rows that are not in use are not looked at.
            if !self.is_used(block, row) {
                row += 1;
                continue;
            }
            let start = row;
            while row < range.end && self.is_used(block, row) {
                row += 1;
            }
            block.for_each_run(start..row, most, |first, values| {
                let first = block.first_row() + first;
                let numbers = (first..).map(|row| self.rows.number(row));
                if classes > SHORT {
                    rows.numbers.clear();
                    rows.numbers.extend(numbers.take(values.len() / classes));
                    self.gather_rows(values, &mut rows, &mut notes);
                    return;
                }
                // Short rows are computed side by side, and in a batch of unequal lengths few are neighbours.
                for (number, values) in numbers.zip(values.chunks_exact(classes)) {
                    rows.numbers.push(number);
                    rows.values.extend_from_slice(values);
                    if rows.numbers.len() == most {
                        self.gather_packed(&mut rows, &mut notes);
                    }
                }
            });
        }
        self.gather_packed(&mut rows, &mut notes);
        self.collect(&mut rows.gathered);
        lock(&self.gathered).push(rows.gathered);
        notes
    }

    fn gather_packed<E: Element>(&self, rows: &mut Rows<E>, notes: &mut ChunkNotes) {
        let values = std::mem::take(&mut rows.values);
        self.gather_rows(&values, rows, notes);
        rows.numbers.clear();
        rows.values = values;
        rows.values.clear();
    }

    /// Normalises `values`, `[rows, classes]`, of the rows numbered in `rows`, and keeps what their items' labels need.
    fn gather_rows<E: Element>(&self, values: &[E], rows: &mut Rows<E>, notes: &mut ChunkNotes) {
        let classes = self.rows.geometry().classes();
        rows.scales.of_rows(values, classes, self.kind);
        for (at, (scores, &number)) in values.chunks_exact(classes).zip(&rows.numbers).enumerate() {
            let (item, frame) = self.rows.place(number);
            self.items[item].labels.columns().pick(scores, &mut rows.columns);
            let scale = rows.scales.scale(at, scores, self.kind, &rows.columns);
            let values = || scores.iter().map(|x| x.to_f64()).collect();
            if let Err(row) = notes.audit.note(number, scale.total(), values) {
                notes.refused.get_or_insert(row);
                return;
            }
            rows.gathered.push((item, frame), &rows.columns, scale);
        }
    }

    /// Adds to each item what was gathered of it; where that was the last of it, the item is ready.
    fn collect(&self, gathered: &mut Gathered) {
        gathered.drain(|item, frames| {
            let length = self.rows.lengths()[item];
            let mut collected = lock(&self.collected[item]);
            collected.add(frames, length);
            if collected.frames() == length {
                let collected = std::mem::take(&mut *collected);
                lock(&self.ready).push(Ready { item, collected });
            }
        });
    }

    /// The first rows in use, from which it is told what the numbers are.
    fn sample_of<E: Element>(&self, block: &Block<'_, E>) -> RowAudit {
        let mut sample = RowAudit::new(self.kind, self.nonfinite);
        for row in 0..block.rows() {
            if !sample.wants_sample() {
                break;
            }
            if self.is_used(block, row) {
                block.for_each_row(row..row + 1, |_, scores| sample.sample(scores));
            }
        }
        sample
    }
}

/// What a panic elsewhere left is thrown away with the batch.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BlockReducer for CtcBatch {
    type Part = BlockNotes;
    type Error = ImproperRow;

    fn look<E: Element>(&self, block: Block<'_, E>) -> BlockNotes {
        while let Some(ready) = self.next_ready() {
            self.compute(&ready);
        }
        let rows_per_chunk = (CHUNK_VALUES / self.rows.geometry().classes()).max(16);
        let chunks = (0..block.rows().div_ceil(rows_per_chunk)).into_par_iter().with_min_len(FEW_CHUNKS);
        let gather = |chunk: usize| {
            let first = chunk * rows_per_chunk;
            self.gather(&block, first..(first + rows_per_chunk).min(block.rows()))
        };
        let sample = self.sample.wants_sample().then(|| self.sample_of(&block));
        BlockNotes { chunks: chunks.map(gather).collect(), sample }
    }

    fn take(&mut self, part: BlockNotes) -> Result<(), ImproperRow> {
        if let Some(sample) = part.sample
            && self.sample.wants_sample()
        {
            self.sample.merge(&sample, 0);
        }
        for chunk in part.chunks {
            if let Some(row) = chunk.refused {
                return Err(row);
            }
            self.audit.merge(&chunk.audit, 0);
        }
        Ok(())
    }
}
