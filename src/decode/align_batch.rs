//! The best paths of a whole file's labels: frames in, alignments out.

use rayon::prelude::*;

use super::alignment::{Alignment, AlignmentError, align};
use crate::kernel::Element;
use crate::logits::{Block, BlockVisitor, ImproperRow, InputKind, Items, Nonfinite, RowAudit, RowScale};
use crate::loss::Emissions;
use crate::loss::ctc::CtcLabels;

/// Gathers what the items' labels need of each frame, in whatever order the frames come.
pub struct AlignBatch {
    kind: InputKind,
    rows: Items,
    items: Vec<Item>,
    audit: RowAudit,
}

struct Item {
    labels: CtcLabels,
    log_probs: Vec<f64>,
}

impl AlignBatch {
    /// A batch of these items, each with its labels.
    ///
    /// # Panics
    /// Where there are not as many labels as items.
    pub fn new(kind: InputKind, rows: Items, labels: Vec<CtcLabels>) -> Self {
        assert_eq!(labels.len(), rows.lengths().len(), "an item has labels");
        let items = labels.into_iter().map(|labels| Item { labels, log_probs: Vec::new() }).collect();
        Self { kind, rows, items, audit: RowAudit::new(kind, Nonfinite::Error) }
    }

    /// The items' alignments, in order, and what was noticed about the frames in use.
    pub fn finish(self) -> (Vec<Result<Alignment, AlignmentError>>, RowAudit) {
        let emissions = |item: &Item| align(&Emissions::new(&item.log_probs, &item.labels));
        let aligned = self.items.par_iter().map(emissions);
        (aligned.collect(), self.audit)
    }
}

impl BlockVisitor for AlignBatch {
    type Error = ImproperRow;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), ImproperRow> {
        let mut refused = Ok(());
        block.for_each_row(0..block.rows(), |row, scores| {
            // Every layout hands out an item's frames in order.
            let number = self.rows.number(block.first_row() + row);
            if !self.rows.is_used(number) || refused.is_err() {
                return;
            }
            let item = &mut self.items[self.rows.place(number).0];
            if self.audit.wanted() > 0 {
                self.audit.sample(scores);
            }
            let scale = RowScale::new(scores, self.kind);
            refused = self.audit.note(number, scale.total(), || scores.iter().map(|x| x.to_f64()).collect());
            let start = item.log_probs.len();
            item.log_probs.resize(start + item.labels.columns().count(), 0.0);
            item.labels.columns().gather(scores, scale, &mut item.log_probs[start..]);
        });
        refused
    }
}
