//! CTC loss of a whole file: frames in, items' losses out.
//!
//! Where there are enough items, each thread takes items through all their frames: see `by_items`. Where there are
//! few, or what is in memory comes in pieces, threads share the rows: see `by_rows`. Items that can be read whole are taken
//! through all their frames at once: see `whole_items`.

mod by_items;
mod by_rows;
mod whole_items;

use std::sync::{Mutex, MutexGuard, PoisonError};

use self::by_rows::Rounds;
use super::ctc_forward::{CtcLoss, Forward};
use super::ctc_labels::CtcLabels;
use super::frame_columns::{ColumnScale, Frame};
use crate::kernel::{Element, InstructionSet};
use crate::logits::{
    Block, InputKind, Items, Nonfinite, RowAudit, RowScale, is_certain, position_of, row_max,
};

/// Items of more frames are better taken where they lie in memory, for what an item costs besides is little then.
const MANY_FRAMES: usize = 64;

/// Advances the CTC recursions of a file's items as their frames are read.
pub struct CtcBatch {
    kind: InputKind,
    nonfinite: Nonfinite,
    rows: Items,
    items: Vec<Item>,
    /// Items that have frames in use, in the order in which these begin in the file; the first `begun` are not all
    /// behind what was read.
    order: Vec<usize>,
    begun: usize,
    /// Of these, the ones that have frames left.
    waiting: Vec<usize>,
    rounds: Rounds,
    audit: RowAudit,
    sample: RowAudit,
    first: FirstFrames,
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
#[non_exhaustive]
pub struct CtcItem {
    /// The item's loss.
    pub loss: CtcLoss,
    /// How many of its last frames are equal in all classes that its labels need; 0 if those frames are certain of one
    /// class.
    pub equal_at_end: usize,
}

/// The losses of a whole file.
#[derive(Debug)]
#[non_exhaustive]
pub struct CtcTotals {
    /// The items, in order.
    pub items: Vec<CtcItem>,
    /// Their labels, as they were given.
    pub labels: Vec<CtcLabels>,
    /// What was noticed about the frames in use.
    pub audit: RowAudit,
    /// Who wins the first frames in use.
    pub first: FirstFrames,
}

/// What wins the first frames in use, and how surely.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FirstFrames {
    /// How many of them each class wins.
    pub wins: Vec<u64>,
    /// The log-probabilities of all winners, summed, in nats.
    pub logp_nats: f64,
}

/// Which of the traits that [`CtcBatch`] has is the fastest way to read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtcReading {
    /// [`ItemReducer`](crate::logits::ItemReducer): threads take items that are read whole.
    WholeItems,
    /// [`BlockVisitor`](crate::logits::BlockVisitor): threads take items through what is in memory.
    Visit,
    /// [`BlockReducer`](crate::logits::BlockReducer): threads share the rows.
    Reduce,
}

/// Of the first rows in use, what tells what the numbers are, and the class that wins each, with its log-probability.
struct Sample {
    audit: RowAudit,
    winners: Vec<(u32, f64)>,
}

impl Sample {
    /// Looks at a row of the file.
    fn look<E: Element>(&mut self, row: usize, scores: &[E]) {
        self.audit.sample(row, scores);
        let max = row_max(scores);
        let logp = RowScale::new(scores, self.audit.kind()).log_prob(max);
        self.winners.push((position_of(scores, max).unwrap_or_default() as u32, logp));
    }
}

impl Begun {
    fn new(labels: &CtcLabels, length: usize) -> Self {
        Self { forward: Forward::new(labels, length), last: (Vec::new(), Frame::NONE.scale), equal_at_end: 0 }
    }

    /// The same as [`Self::new`], in the memory of another item's recursion.
    fn begin(&mut self, labels: &CtcLabels, length: usize) {
        let Self { forward, last, equal_at_end } = self;
        forward.begin(labels, length);
        last.0.clear();
        (last.1, *equal_at_end) = (Frame::NONE.scale, 0);
    }

    /// Takes the next frames.
    fn take<'a>(&mut self, labels: &CtcLabels, frames: impl Iterator<Item = Frame<'a>>) {
        let Self { forward, last, equal_at_end } = self;
        let mut before: Option<Frame> = None;
        let frames = frames.inspect(|frame| {
            let last = Frame { columns: &last.0, scale: last.1 };
            *equal_at_end = if frame.equals(&before.unwrap_or(last)) { *equal_at_end + 1 } else { 1 };
            before = Some(*frame);
        });
        forward.advance(InstructionSet::best(), labels, frames);
        if let Some(frame) = before {
            last.0.clear();
            last.0.extend_from_slice(frame.columns);
            last.1 = frame.scale;
        }
    }

    /// What was computed, after the last frame.
    fn item(&self, labels: &CtcLabels) -> CtcItem {
        let equal_at_end = if is_certain(self.last.1.log_max) { 0 } else { self.equal_at_end };
        CtcItem { loss: self.forward.finish(labels), equal_at_end }
    }
}

impl Progress {
    /// Frames that were taken of an item of so many.
    fn taken(&self, length: usize) -> usize {
        match self {
            Self::NotBegun => 0,
            Self::Begun(begun) => begun.forward.taken(),
            Self::Done(_) => length,
        }
    }

    /// An item of so many frames, to go on with; what is left has not begun.
    fn go_on(&mut self, labels: &CtcLabels, length: usize) -> Box<Begun> {
        match std::mem::replace(self, Self::NotBegun) {
            Self::NotBegun => Box::new(Begun::new(labels, length)),
            Self::Begun(begun) => begun,
            Self::Done(_) => unreachable!("an item that is done waits for nothing"),
        }
    }

    /// The item after some of its frames.
    fn after(begun: Box<Begun>, labels: &CtcLabels, length: usize) -> Self {
        if begun.forward.taken() < length { Self::Begun(begun) } else { Self::Done(begun.item(labels)) }
    }
}

impl CtcBatch {
    /// A batch of the items of `rows`, each with its labels; the values are `kind`.
    ///
    /// # Panics
    /// If there are not as many labels as items, or some were checked against another number of classes.
    pub fn new(kind: InputKind, nonfinite: Nonfinite, rows: Items, labels: Vec<CtcLabels>) -> Self {
        assert_eq!(labels.len(), rows.lengths().len(), "an item has labels");
        let classes = rows.geometry().classes();
        assert!(labels.iter().all(|labels| labels.classes() == classes), "labels of as many classes");
        let mut order: Vec<usize> = (0..labels.len()).filter(|&item| rows.lengths()[item] > 0).collect();
        order.sort_by_key(|&item| rows.file_rows(item).0);
        let first = FirstFrames { wins: vec![0; classes], logp_nats: 0.0 };
        let item = |labels| Item { labels, progress: Mutex::new(Progress::NotBegun) };
        Self {
            kind,
            nonfinite,
            rows,
            items: labels.into_iter().map(item).collect(),
            order,
            begun: 0,
            waiting: Vec::new(),
            rounds: Rounds::default(),
            audit: RowAudit::new(kind, nonfinite),
            sample: RowAudit::new(kind, nonfinite),
            first,
        }
    }

    /// How a file is best read, by whether its values are used where they lie in memory and whether its items are short.
    pub fn reading(&self, in_memory: bool, short_items: bool) -> CtcReading {
        let by_items = in_memory && self.goes_by_items();
        if short_items && !(by_items && self.rows.frames() > MANY_FRAMES) {
            CtcReading::WholeItems
        } else if by_items {
            CtcReading::Visit
        } else {
            CtcReading::Reduce
        }
    }

    /// The items' losses, in order, and what was noticed about the frames in use.
    ///
    /// # Panics
    /// If not all of the matrix was read.
    pub fn finish(mut self) -> CtcTotals {
        self.finish_rounds();
        self.audit.merge(&self.sample, 0);
        let items =
            self.items.into_iter().zip(self.rows.lengths()).map(|(Item { labels, progress }, length)| {
                let item = match progress.into_inner().unwrap_or_else(PoisonError::into_inner) {
                    Progress::Done(item) => CtcItem { loss: item.loss.of(self.kind), ..item },
                    Progress::NotBegun if *length == 0 => Begun::new(&labels, 0).item(&labels),
                    _ => panic!("all frames of the matrix were looked at"),
                };
                (item, labels)
            });
        let (items, labels) = items.unzip();
        CtcTotals { items, labels, audit: self.audit, first: self.first }
    }

    /// Begins the items whose frames begin before row `end` of the file, and forgets those that are done.
    fn begin(&mut self, end: usize) {
        let begins_before = |&&item: &&usize| self.rows.file_rows(item).0 < end;
        let begin = self.order[self.begun..].iter().take_while(begins_before).count();
        let unfinished = |&item: &usize| !matches!(*lock(&self.items[item].progress), Progress::Done(_));
        let waiting = std::mem::take(&mut self.waiting);
        let waiting = waiting.into_iter().filter(unfinished);
        let waiting = waiting.chain(self.order[self.begun..][..begin].iter().copied()).collect();
        self.waiting = waiting;
        self.begun += begin;
    }

    /// The first rows in use, where more are wanted.
    fn sample_of<E: Element>(&self, block: &Block<'_, E>) -> Option<Sample> {
        let mut sample = self.new_sample()?;
        for row in 0..block.rows() {
            if sample.audit.wanted() == 0 {
                break;
            }
            if self.rows.is_used(self.rows.number(block.first_row() + row)) {
                let look = |_, scores: &[E]| sample.look(block.first_row() + row, scores);
                block.for_each_row(row..row + 1, look);
            }
        }
        Some(sample)
    }

    /// Of no rows; none where no more are wanted.
    fn new_sample(&self) -> Option<Sample> {
        let audit = RowAudit::new(self.kind, self.nonfinite);
        (self.sample.wanted() > 0).then(|| Sample { audit, winners: Vec::new() })
    }

    fn take_sample(&mut self, sample: Option<Sample>) {
        let Some(Sample { audit, winners }) = sample else { return };
        for (class, logp_nats) in winners.into_iter().take(self.sample.wanted()) {
            self.first.wins[class as usize] += 1;
            self.first.logp_nats += logp_nats;
        }
        self.sample.merge(&audit, 0);
    }
}

/// What a panic elsewhere left is thrown away with the batch.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
