//! CTC loss of a whole file: frames in, items' losses out.

use rayon::prelude::*;

use super::Emissions;
use super::ctc::{CtcLabels, CtcLoss, loss_of_emissions};
use crate::kernel::Element;
use crate::logits::{Block, BlockVisitor, Geometry, ImproperRow, InputKind, Nonfinite, RowAudit, RowScale};

/// Values that one thread takes at a time.
const CHUNK_VALUES: usize = 1 << 16;

/// Collects what the items' labels need of each frame, in whatever order the frames come, and computes an
/// item's loss as soon as its last frame was there.
pub struct CtcBatch {
    kind: InputKind,
    geometry: Geometry,
    frames: usize,
    items: Vec<Item>,
    audit: RowAudit,
    // Reused from block to block.
    wanted: Vec<Wanted>,
    gathered: Vec<f64>,
    totals: Vec<f64>,
}

struct Item {
    labels: CtcLabels,
    length: usize,
    log_probs: Vec<f64>,
    loss: Option<CtcLoss>,
}

impl Item {
    fn is_ready(&self) -> bool {
        self.loss.is_none() && self.log_probs.len() == self.length * self.labels.columns().count()
    }
}

/// A row of the block that an item needs.
#[derive(Clone, Copy)]
struct Wanted {
    row: usize,
    item: usize,
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
        let items = labels
            .into_iter()
            .zip(lengths)
            .map(|(labels, &length)| Item { labels, length, log_probs: Vec::new(), loss: None })
            .collect();
        Self {
            kind,
            geometry,
            frames,
            items,
            audit: RowAudit::new(kind, nonfinite),
            wanted: Vec::new(),
            gathered: Vec::new(),
            totals: Vec::new(),
        }
    }

    /// The items' losses, in order, and what was noticed about the frames in use.
    pub fn finish(mut self) -> (Vec<CtcLoss>, RowAudit) {
        self.compute_ready();
        let losses = self.items.iter().filter_map(|item| item.loss).collect();
        (losses, self.audit)
    }

    fn compute_ready(&mut self) {
        self.items.par_iter_mut().filter(|item| item.is_ready()).for_each(|item| {
            let emissions = Emissions::new(&item.log_probs, item.labels.columns());
            item.loss = Some(loss_of_emissions(&emissions, &item.labels));
            item.log_probs = Vec::new();
        });
    }

    fn columns_of(&self, wanted: Wanted) -> usize {
        self.items[wanted.item].labels.columns().count()
    }

    /// Normalises the wanted rows and gathers their columns, in parallel.
    fn gather<E: Element>(&mut self, block: &Block<'_, E>) {
        let width: usize = self.wanted.iter().map(|&wanted| self.columns_of(wanted)).sum();
        let mut gathered = std::mem::take(&mut self.gathered);
        let mut totals = std::mem::take(&mut self.totals);
        gathered.clear();
        gathered.resize(width, 0.0);
        totals.clear();
        totals.resize(self.wanted.len(), 0.0);

        let rows_per_chunk = (CHUNK_VALUES / self.geometry.classes()).max(16);
        let mut chunks = Vec::new();
        let (mut columns_left, mut totals_left) = (&mut gathered[..], &mut totals[..]);
        for wanted in self.wanted.chunks(rows_per_chunk) {
            let width = wanted.iter().map(|&wanted| self.columns_of(wanted)).sum();
            let (columns, rest) = columns_left.split_at_mut(width);
            let (totals, totals_rest) = totals_left.split_at_mut(wanted.len());
            (columns_left, totals_left) = (rest, totals_rest);
            chunks.push((wanted, columns, totals));
        }
        chunks.into_par_iter().for_each(|(wanted, mut columns, totals)| {
            let mut next = 0;
            for run in wanted.chunk_by(|a, b| a.row + 1 == b.row) {
                block.for_each_row(run[0].row..run[0].row + run.len(), |row, scores| {
                    let wanted = run[row - run[0].row];
                    let (out, rest) = std::mem::take(&mut columns).split_at_mut(self.columns_of(wanted));
                    columns = rest;
                    let scale = RowScale::new(scores, self.kind);
                    self.items[wanted.item].labels.columns().gather(scores, scale, out);
                    totals[next] = scale.total();
                    next += 1;
                });
            }
        });
        self.gathered = gathered;
        self.totals = totals;
    }
}

impl BlockVisitor for CtcBatch {
    type Error = ImproperRow;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), ImproperRow> {
        self.wanted.clear();
        for row in 0..block.rows() {
            let logical = self.geometry.logical_row(block.first_row() + row);
            let (item, frame) = (logical / self.frames, logical % self.frames);
            if frame < self.items[item].length {
                self.wanted.push(Wanted { row, item });
                if self.audit.wants_sample() {
                    block.for_each_row(row..row + 1, |_, scores| self.audit.sample(scores));
                }
            }
        }
        self.gather(&block);
        let mut gathered = &self.gathered[..];
        let mut complete = false;
        for (wanted, &total) in self.wanted.iter().zip(&self.totals) {
            let logical = self.geometry.logical_row(block.first_row() + wanted.row);
            self.audit.note(logical, total, || block.row_to_f64(wanted.row))?;
            let item = &mut self.items[wanted.item];
            // Every layout hands out an item's frames in order.
            let (columns, rest) = gathered.split_at(item.labels.columns().count());
            item.log_probs.extend_from_slice(columns);
            gathered = rest;
            complete |= item.is_ready();
        }
        if complete {
            self.compute_ready();
        }
        Ok(())
    }
}
