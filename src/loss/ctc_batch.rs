//! CTC loss of a whole file: frames in, items' losses out.

use std::sync::{Mutex, OnceLock, PoisonError};

use rayon::prelude::*;

use super::Emissions;
use super::ctc::{CtcLabels, CtcLoss, loss_of_emissions};
use crate::kernel::{Element, InstructionSet, sum_of_exp};
use crate::logits::{
    Accuracy, Block, BlockReducer, Geometry, ImproperRow, InputKind, Nonfinite, RowAudit, RowScale,
    rows_at_once,
};

/// Values that one thread takes at a time.
const CHUNK_VALUES: usize = 1 << 16;
/// Chunks that one thread takes at least: blocks of no more come several at a time.
const FEW_CHUNKS: usize = 4;

/// Collects what the items' labels need of each frame, in whatever order the frames come, and computes an
/// item's loss as soon as its last frame was there.
pub struct CtcBatch {
    kind: InputKind,
    nonfinite: Nonfinite,
    geometry: Geometry,
    frames: usize,
    items: Vec<Item>,
    /// What was collected of each item that is not complete.
    collected: Vec<Vec<f64>>,
    /// Items that are complete; whoever looks at the next block computes them first.
    ready: Mutex<Vec<Ready>>,
    audit: RowAudit,
    sample: RowAudit,
}

struct Item {
    labels: CtcLabels,
    length: usize,
    loss: OnceLock<CtcLoss>,
}

struct Ready {
    item: usize,
    log_probs: Vec<f64>,
}

/// What the items need of a block.
#[derive(Default)]
pub struct BlockColumns {
    chunks: Vec<ChunkColumns>,
    sample: Option<RowAudit>,
}

struct ChunkColumns {
    runs: Vec<Run>,
    log_probs: Vec<f64>,
    audit: RowAudit,
    refused: Option<ImproperRow>,
}

/// Frames of an item that follow each other.
struct Run {
    item: usize,
    values: usize,
}

impl CtcBatch {
    /// Items of `frames` frames each, numbered `item * frames + frame` by `geometry`; of item `i` the
    /// first `lengths[i]` are in use.
    pub fn new(
        kind: InputKind,
        nonfinite: Nonfinite,
        geometry: Geometry,
        frames: usize,
        labels: Vec<CtcLabels>,
        lengths: &[usize],
    ) -> Self {
        debug_assert_eq!(labels.len() * frames, geometry.rows());
        debug_assert!(lengths.len() == labels.len() && lengths.iter().all(|&length| length <= frames));
        let items: Vec<Item> = labels
            .into_iter()
            .zip(lengths)
            .map(|(labels, &length)| Item { labels, length, loss: OnceLock::new() })
            .collect();
        let empty = |(item, _): (usize, &Item)| Ready { item, log_probs: Vec::new() };
        let ready = items.iter().enumerate().filter(|(_, item)| item.length == 0).map(empty).collect();
        Self {
            kind,
            nonfinite,
            geometry,
            frames,
            collected: items.iter().map(|_| Vec::new()).collect(),
            items,
            ready: Mutex::new(ready),
            audit: RowAudit::new(kind, nonfinite),
            sample: RowAudit::new(kind, nonfinite),
        }
    }

    /// The items' losses, in order, and what was noticed about the frames in use.
    pub fn finish(mut self) -> (Vec<CtcLoss>, RowAudit) {
        let ready = std::mem::take(self.ready.get_mut().unwrap_or_else(PoisonError::into_inner));
        ready.into_par_iter().for_each(|ready| self.compute(&ready));
        self.audit.merge(&self.sample, 0);
        let losses = self.items.iter().filter_map(|item| item.loss.get().copied()).collect();
        (losses, self.audit)
    }

    fn compute(&self, ready: &Ready) {
        let Item { labels, loss, .. } = &self.items[ready.item];
        // An item is ready once.
        let _ = loss.set(loss_of_emissions(&Emissions::new(&ready.log_probs, labels.columns()), labels));
    }

    fn next_ready(&self) -> Option<Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// The item and frame of a row, where it is in use.
    fn frame_of<E: Element>(&self, block: &Block<'_, E>, row: usize) -> Option<usize> {
        let logical = self.geometry.logical_row(block.first_row() + row);
        let item = logical / self.frames;
        (logical % self.frames < self.items[item].length).then_some(item)
    }

    /// Normalises the rows in use and gathers their columns.
    fn gather<E: Element>(&self, block: &Block<'_, E>, rows: std::ops::Range<usize>) -> ChunkColumns {
        let mut found = ChunkColumns {
            runs: Vec::new(),
            log_probs: Vec::new(),
            audit: RowAudit::new(self.kind, self.nonfinite),
            refused: None,
        };
        let (mut scratch, mut scales) = (Vec::new(), Vec::new());
        let classes = self.geometry.classes();
        let mut row = rows.start;
        while row < rows.end && found.refused.is_none() {
            // Rows that are not in use are not looked at.
            if self.frame_of(block, row).is_none() {
                row += 1;
                continue;
            }
            let start = row;
            while row < rows.end && self.frame_of(block, row).is_some() {
                row += 1;
            }
            block.for_each_run(start..row, rows_at_once(classes), |first, values| {
                let accuracy = if classes > SHORT { Accuracy::OfInput } else { Accuracy::Double };
                RowScale::of_rows(values, classes, self.kind, accuracy, &mut scratch, &mut scales);
                for (at, (scores, &scale)) in values.chunks_exact(classes).zip(&scales).enumerate() {
                    let logical = self.geometry.logical_row(block.first_row() + first + at);
                    let values = || scores.iter().map(|x| x.to_f64()).collect();
                    if let Err(row) = found.audit.note(logical, scale.total(), values) {
                        found.refused.get_or_insert(row);
                        return;
                    }
                    let item = logical / self.frames;
                    let columns = self.items[item].labels.columns();
                    let start = found.log_probs.len();
                    columns.gather_onto(scores, scale, &mut found.log_probs);
                    if accuracy == Accuracy::OfInput
                        && needs_double::<E>(self.kind, &found.log_probs[start..])
                    {
                        found.log_probs.truncate(start);
                        let scale = RowScale::new(scores, self.kind);
                        columns.gather_onto(scores, scale, &mut found.log_probs);
                    }
                    match found.runs.last_mut() {
                        Some(run) if run.item == item => run.values += columns.count(),
                        _ => found.runs.push(Run { item, values: columns.count() }),
                    }
                }
            });
        }
        found
    }

    /// The first rows in use, from which it is told what the numbers are.
    fn sample_of<E: Element>(&self, block: &Block<'_, E>) -> RowAudit {
        let mut sample = RowAudit::new(self.kind, self.nonfinite);
        for row in 0..block.rows() {
            if !sample.wants_sample() {
                break;
            }
            if self.frame_of(block, row).is_some() {
                block.for_each_row(row..row + 1, |_, scores| sample.sample(scores));
            }
        }
        sample
    }
}

/// Frames of no more classes are computed in double precision at once: it costs little.
const SHORT: usize = 128;
/// The share of a frame that the labels' classes may have for single precision to be enough; below `1/e`.
const MOST_COVERED: f64 = 0.36;

/// Whether the frame's normaliser must be more exact than single precision makes it.
///
/// Its error is at most `2e-7 (1 - p)`, `p` being the largest probability. Every alignment passes through one
/// of these columns in this frame, so the frame adds at least `-ln c` to the loss, where `c` is what they sum
/// to. With `c` below `1/e` that is above 1, and the error at most 2e-7 of it; so is the sum of all frames'
/// errors beside the loss.
fn needs_double<E: Element>(kind: InputKind, log_probs: &[f64]) -> bool {
    // A NaN asks for it, too.
    let covered = sum_of_exp(InstructionSet::best(), log_probs) <= MOST_COVERED;
    kind == InputKind::Logits && E::SINGLE && !covered
}

impl BlockReducer for CtcBatch {
    type Part = BlockColumns;
    type Error = ImproperRow;

    fn look<E: Element>(&self, block: Block<'_, E>) -> BlockColumns {
        while let Some(ready) = self.next_ready() {
            self.compute(&ready);
        }
        let rows_per_chunk = (CHUNK_VALUES / self.geometry.classes()).max(16);
        let chunks = (0..block.rows().div_ceil(rows_per_chunk)).into_par_iter().with_min_len(FEW_CHUNKS);
        let gather = |chunk: usize| {
            let first = chunk * rows_per_chunk;
            self.gather(&block, first..(first + rows_per_chunk).min(block.rows()))
        };
        let sample = self.sample.wants_sample().then(|| self.sample_of(&block));
        BlockColumns { chunks: chunks.map(gather).collect(), sample }
    }

    fn take(&mut self, part: BlockColumns) -> Result<(), ImproperRow> {
        if let Some(sample) = part.sample
            && self.sample.wants_sample()
        {
            self.sample.merge(&sample, 0);
        }
        let ready = self.ready.get_mut().unwrap_or_else(PoisonError::into_inner);
        for chunk in part.chunks {
            if let Some(row) = chunk.refused {
                return Err(row);
            }
            self.audit.merge(&chunk.audit, 0);
            let mut log_probs = &chunk.log_probs[..];
            for run in chunk.runs {
                let (columns, rest) = log_probs.split_at(run.values);
                log_probs = rest;
                // Every layout hands out an item's frames in order.
                let collected = &mut self.collected[run.item];
                collected.extend_from_slice(columns);
                let item = &self.items[run.item];
                if collected.len() == item.length * item.labels.columns().count() {
                    ready.push(Ready { item: run.item, log_probs: std::mem::take(collected) });
                }
            }
        }
        Ok(())
    }
}
