//! The best paths of a whole file's labels: frames in, alignments out.

use rayon::prelude::*;

use super::alignment::{Alignment, AlignmentError, align};
use crate::kernel::Element;
use crate::logits::{Block, BlockVisitor, Geometry, ImproperRow, InputKind, Nonfinite, RowAudit, RowScale};
use crate::loss::ctc::CtcLabels;

/// Gathers what the items' labels need of each frame, in whatever order the frames come.
pub struct AlignBatch {
    kind: InputKind,
    geometry: Geometry,
    frames: usize,
    items: Vec<Item>,
    audit: RowAudit,
}

struct Item {
    labels: CtcLabels,
    length: usize,
    log_probs: Vec<f64>,
}

impl AlignBatch {
    /// Items of `frames` frames each, numbered `item * frames + frame` by `geometry`; of item `i` the first
    /// `lengths[i]` are in use.
    pub fn new(
        kind: InputKind,
        geometry: Geometry,
        frames: usize,
        labels: Vec<CtcLabels>,
        lengths: &[usize],
    ) -> Self {
        let items = labels.into_iter().zip(lengths);
        let items = items.map(|(labels, &length)| Item { labels, length, log_probs: Vec::new() }).collect();
        Self { kind, geometry, frames, items, audit: RowAudit::new(kind, Nonfinite::Error) }
    }

    /// The items' alignments, in order, and what was noticed about the frames in use.
    pub fn finish(self) -> (Vec<Result<Alignment, AlignmentError>>, RowAudit) {
        let aligned = self.items.par_iter().map(|item| {
            let columns = item.labels.columns();
            align(&item.log_probs, columns.count(), columns.of_label(), 0)
        });
        (aligned.collect(), self.audit)
    }
}

impl BlockVisitor for AlignBatch {
    type Error = ImproperRow;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), ImproperRow> {
        let mut refused = Ok(());
        block.for_each_row(0..block.rows(), |row, scores| {
            let logical = self.geometry.logical_row(block.first_row() + row);
            // Every layout hands out an item's frames in order.
            let (item, frame) = (&mut self.items[logical / self.frames], logical % self.frames);
            if frame >= item.length || refused.is_err() {
                return;
            }
            if self.audit.wants_sample() {
                self.audit.sample(scores);
            }
            let scale = RowScale::new(scores, self.kind);
            refused = self.audit.note(logical, scale.total(), || scores.iter().map(|x| x.to_f64()).collect());
            let start = item.log_probs.len();
            item.log_probs.resize(start + item.labels.columns().count(), 0.0);
            item.labels.columns().gather(scores, scale, &mut item.log_probs[start..]);
        });
        refused
    }
}
