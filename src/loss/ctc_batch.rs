//! CTC loss of a whole file: frames in, items' losses out.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::ctc::{CtcLabels, CtcLoss};
use super::ctc_forward::Forward;
use super::frame_columns::{ColumnScale, Frame};
use super::frames_of_rows::FramesOfRows;
use super::gathered::Gathered;
use crate::kernel::{BLOCK_FRAMES, Element, InstructionSet};
use crate::logits::{
    Block, BlockReducer, ImproperRow, InputKind, Items, Nonfinite, RowAudit, RowScale, rows_at_once,
};

/// Values that one thread takes at a time.
const CHUNK_VALUES: usize = 1 << 16;
/// Chunks that one thread takes at least: blocks of no more come several at a time.
const FEW_CHUNKS: usize = 4;
/// Of each item, where that does not take too much memory.
const FRAMES_PER_ROUND: usize = 4 * BLOCK_FRAMES;
/// As many short rows are computed at once.
const FEW_ROWS: usize = 16;

/// Gathers what the items' labels need of each frame, and advances their recursions round by round: what was
/// gathered in one is taken while the next is gathered.
pub struct CtcBatch {
    kind: InputKind,
    nonfinite: Nonfinite,
    rows: Items,
    items: Vec<Item>,
    /// What was gathered in this round so far, in the order of the file.
    coming: Vec<Gathered>,
    /// What was gathered in the round before.
    round: Vec<Gathered>,
    /// Items with frames in it, whose recursions whoever looks at the next block advances first.
    waiting: Vec<usize>,
    /// So many of them were taken.
    taken: AtomicUsize,
    /// Items that have frames in use, in the order in which these begin in the file; the first `begun` are not all
    /// behind what was read.
    order: Vec<usize>,
    begun: usize,
    /// Room for what is gathered, to be used again.
    room: Mutex<Vec<Gathered>>,
    audit: RowAudit,
    sample: RowAudit,
    first_wins: Vec<u64>,
}

struct Item {
    labels: CtcLabels,
    progress: Mutex<Progress>,
}

/// How far an item is.
enum Progress {
    NotBegun,
    Begun(Box<Begun>),
    Done(CtcItem),
}

struct Begun {
    forward: Forward,
    /// The last frame that was taken.
    last: (Vec<f64>, ColumnScale),
    /// So many of the last frames are the same.
    equal_at_end: usize,
}

/// What was computed of an item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CtcItem {
    /// Its loss.
    pub loss: CtcLoss,
    /// How many of its last frames are equal in all that its labels need.
    pub equal_at_end: usize,
}

/// The losses of a whole file.
pub struct CtcTotals {
    /// The items, in order.
    pub items: Vec<CtcItem>,
    /// What was noticed about the frames in use.
    pub audit: RowAudit,
    /// How often each class wins one of the first frames in use.
    pub first_wins: Vec<u64>,
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
struct Rows<E> {
    /// Those that follow each other in the file.
    run: Vec<Used>,
    /// Some that do not, and copies of their values.
    packed: Vec<Used>,
    values: Vec<E>,
    frames: FramesOfRows<E>,
    notes: ChunkNotes,
}

/// What was found in a block.
#[derive(Default)]
pub struct BlockNotes {
    chunks: Vec<ChunkNotes>,
    /// Of the first rows in use, and who wins each.
    sample: Option<(RowAudit, Vec<u32>)>,
}

struct ChunkNotes {
    audit: RowAudit,
    refused: Option<ImproperRow>,
    gathered: Gathered,
}

impl CtcBatch {
    /// A batch of these items, each with its labels.
    ///
    /// # Panics
    /// Where there are not as many labels as items.
    pub fn new(kind: InputKind, nonfinite: Nonfinite, rows: Items, labels: Vec<CtcLabels>) -> Self {
        assert_eq!(labels.len(), rows.lengths().len(), "an item has labels");
        let mut order: Vec<usize> = (0..labels.len()).filter(|&item| rows.lengths()[item] > 0).collect();
        order.sort_by_key(|&item| rows.file_rows(item).0);
        let first_wins = vec![0; rows.geometry().classes()];
        let item = |labels| Item { labels, progress: Mutex::new(Progress::NotBegun) };
        Self {
            kind,
            nonfinite,
            rows,
            items: labels.into_iter().map(item).collect(),
            coming: Vec::new(),
            round: Vec::new(),
            waiting: Vec::new(),
            taken: AtomicUsize::new(0),
            order,
            begun: 0,
            room: Mutex::default(),
            audit: RowAudit::new(kind, nonfinite),
            sample: RowAudit::new(kind, nonfinite),
            first_wins,
        }
    }

    /// The items' losses, in order, and what was noticed about the frames in use.
    ///
    /// # Panics
    /// Where not all of the matrix was looked at.
    pub fn finish(mut self) -> CtcTotals {
        self.end_round();
        self.advance_all();
        self.audit.merge(&self.sample, 0);
        let items =
            self.items.into_iter().zip(self.rows.lengths()).map(|(Item { labels, progress }, length)| {
                match progress.into_inner().unwrap_or_else(PoisonError::into_inner) {
                    Progress::Done(item) => item,
                    Progress::NotBegun if *length == 0 => {
                        CtcItem { loss: Forward::new(&labels, 0).finish(&labels), equal_at_end: 0 }
                    }
                    _ => panic!("all frames of the matrix were looked at"),
                }
            });
        CtcTotals { items: items.collect(), audit: self.audit, first_wins: self.first_wins }
    }

    /// Advances the recursions that wait for a thread.
    fn advance_some(&self) {
        while let Some(&item) = self.waiting.get(self.taken.fetch_add(1, Ordering::Relaxed)) {
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
        let from = self.round.partition_point(|gathered| gathered.rows().end <= row);
        self.round[from..].iter().flat_map(move |gathered| {
            let rows = (row..gathered.rows().end.min(last + 1)).step_by(stride);
            row += rows.len() * stride;
            rows.map(|row| gathered.frame(row))
        })
    }

    /// Takes an item's frames of the round.
    fn advance(&self, item: usize) {
        let set = InstructionSet::best();
        let Item { labels, progress } = &self.items[item];
        let length = self.rows.lengths()[item];
        let mut progress = lock(progress);
        let mut begun = match std::mem::replace(&mut *progress, Progress::NotBegun) {
            Progress::NotBegun => Box::new(Begun {
                forward: Forward::new(labels, length),
                last: (Vec::new(), Frame::NONE.scale),
                equal_at_end: 0,
            }),
            Progress::Begun(begun) => begun,
            Progress::Done(_) => unreachable!("an item that is done waits for nothing"),
        };
        let Begun { forward, last, equal_at_end } = &mut *begun;
        let mut before = Frame { columns: &last.0, scale: last.1 };
        let frames = self.frames_of(item, forward.taken()).inspect(|frame| {
            *equal_at_end = if frame.equals(&before) { *equal_at_end + 1 } else { 1 };
            before = *frame;
        });
        forward.advance(set, labels, frames);
        let (columns, scale) = (before.columns.to_vec(), before.scale);
        *last = (columns, scale);
        *progress = if begun.forward.taken() < length {
            Progress::Begun(begun)
        } else {
            let Begun { forward, equal_at_end, .. } = *begun;
            Progress::Done(CtcItem { loss: forward.finish(labels), equal_at_end })
        };
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
        let mut gathered = lock(&self.room).pop().unwrap_or_else(|| Gathered::new(self.kind));
        gathered.begin(block.first_row() + range.start..block.first_row() + range.end);
        let classes = self.rows.geometry().classes();
        let mut rows = Rows {
            run: Vec::new(),
            packed: Vec::new(),
            values: Vec::new(),
            frames: FramesOfRows::new(self.kind),
            notes: ChunkNotes { audit, refused: None, gathered },
        };
        let most = rows_at_once(classes);
        // Short rows are computed side by side, and in a batch of unequal lengths few are neighbours.
        let few = if rows.frames.is_short(classes) { FEW_ROWS } else { 0 };
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

    fn gather_packed<E: Element>(&self, rows: &mut Rows<E>) {
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
    fn gather_rows<E: Element>(&self, values: &[E], used: &[Used], rows: &mut Rows<E>) {
        let classes = self.rows.geometry().classes();
        let columns_of = |at: usize| self.items[used[at].item].labels.columns();
        let ChunkNotes { audit, refused, gathered } = &mut rows.notes;
        let frames = gathered.frames_of(used.iter().map(|used| used.row));
        let done = |at: usize, row: &[E], scale: RowScale| {
            audit.note(used[at].number, scale.total(), || row.iter().map(|x| x.to_f64()).collect())
        };
        if let Err(improper) = rows.frames.push_all(values, classes, columns_of, frames, done) {
            refused.get_or_insert(improper);
        }
    }

    /// The first rows in use, from which it is told what the numbers are.
    fn sample_of<E: Element>(&self, block: &Block<'_, E>) -> (RowAudit, Vec<u32>) {
        let mut sample = RowAudit::new(self.kind, self.nonfinite);
        let mut winners = Vec::new();
        for row in 0..block.rows() {
            if !sample.wants_sample() {
                break;
            }
            if self.used(block.first_row() + row).is_some() {
                block.for_each_row(row..row + 1, |_, scores| {
                    sample.sample(scores);
                    let max = |best: usize, class: usize| {
                        if scores[class].to_f64() > scores[best].to_f64() { class } else { best }
                    };
                    winners.push((0..scores.len()).fold(0, max) as u32);
                });
            }
        }
        (sample, winners)
    }
}

/// What a panic elsewhere left is thrown away with the batch.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BlockReducer for CtcBatch {
    type Part = BlockNotes;
    type Error = ImproperRow;

    /// Few, for what they gather is kept; but where items lie side by side, more of them, for an item's frames are taken
    /// several at a time.
    fn round(&self, rows: usize) -> usize {
        let side_by_side = if self.items.is_empty() { 1 } else { self.rows.file_rows(0).1 };
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
        let sample = self.sample.wants_sample().then(|| self.sample_of(&block));
        BlockNotes { chunks: chunks.map(gather).collect(), sample }
    }

    fn take(&mut self, part: BlockNotes) -> Result<(), ImproperRow> {
        if let Some((sample, winners)) = part.sample
            && self.sample.wants_sample()
        {
            self.sample.merge(&sample, 0);
            for class in winners {
                self.first_wins[class as usize] += 1;
            }
        }
        for chunk in part.chunks {
            if let Some(row) = chunk.refused {
                return Err(row);
            }
            self.audit.merge(&chunk.audit, 0);
            self.coming.push(chunk.gathered);
        }
        Ok(())
    }

    fn end_round(&mut self) {
        // Threads that had nothing to look at have left some.
        self.advance_all();
        let mut used = std::mem::replace(&mut self.round, std::mem::take(&mut self.coming));
        lock(&self.room).append(&mut used);
        let end = self.round.last().map_or(0, |gathered| gathered.rows().end);
        let begins_before = |&&item: &&usize| self.rows.file_rows(item).0 < end;
        let begin = self.order[self.begun..].iter().take_while(begins_before).count();
        let unfinished = |&item: &usize| !matches!(*lock(&self.items[item].progress), Progress::Done(_));
        let waiting = std::mem::take(&mut self.waiting);
        let waiting = waiting.into_iter().filter(unfinished);
        let waiting = waiting.chain(self.order[self.begun..][..begin].iter().copied()).collect();
        self.waiting = waiting;
        self.begun += begin;
        self.taken = AtomicUsize::new(0);
    }
}
