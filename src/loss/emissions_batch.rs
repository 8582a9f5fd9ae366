//! What the labels of a file's items need of their frames: frames in, emissions out.

use std::ops::Range;

use super::Emissions;
use super::ctc_labels::CtcLabels;
use crate::kernel::{Element, Sum};
use crate::logits::{
    Block, BlockReducer, ImproperRow, InputKind, Items, Nonfinite, RowAudit, RowScale, row_max,
};

/// Blocks that each thread looks at before their frames are put in their places.
const ROUND: usize = 8;

/// An item's labels, and the log-probabilities of their columns in its frames in use.
#[derive(Clone, Debug)]
pub struct ItemEmissions {
    labels: CtcLabels,
    log_probs: Vec<f64>,
    best: Sum,
}

impl ItemEmissions {
    /// The log-probabilities that the labels need from the item's frames.
    pub fn emissions(&self) -> Emissions<'_> {
        Emissions::new(&self.log_probs, &self.labels)
    }

    /// Its labels, and the log-probabilities, `[frames, columns]`.
    pub(super) fn into_parts(self) -> (CtcLabels, Vec<f64>) {
        (self.labels, self.log_probs)
    }

    /// The item's labels.
    pub fn labels(&self) -> &CtcLabels {
        &self.labels
    }

    /// Log-probability of the best path of all, whatever its labels, in nats.
    pub fn best_logp(&self) -> f64 {
        self.best.value()
    }
}

/// Gathers the log-probabilities that the items' labels need from each frame; frames may come in any order.
pub struct EmissionsBatch {
    kind: InputKind,
    nonfinite: Nonfinite,
    rows: Items,
    items: Vec<ItemEmissions>,
    audit: RowAudit,
}

/// Of a block's rows.
pub struct GatheredRows {
    /// In the file.
    rows: Range<usize>,
    /// Of those in use, one after the other.
    log_probs: Vec<f64>,
    /// Each one's largest log-probability.
    largest: Vec<f64>,
    audit: RowAudit,
    refused: Option<ImproperRow>,
}

impl EmissionsBatch {
    /// A batch of the items of `rows`, each with its labels; the values are `kind`.
    ///
    /// # Panics
    /// If there are not as many labels as items, or some were checked against another number of classes.
    pub fn new(kind: InputKind, nonfinite: Nonfinite, rows: Items, labels: Vec<CtcLabels>) -> Self {
        assert_eq!(labels.len(), rows.lengths().len(), "an item has labels");
        let classes = rows.geometry().classes();
        assert!(labels.iter().all(|labels| labels.classes() == classes), "labels of as many classes");
        let items = labels
            .into_iter()
            .map(|labels| ItemEmissions { labels, log_probs: Vec::new(), best: Sum::default() })
            .collect();
        Self { kind, nonfinite, rows, items, audit: RowAudit::new(kind, nonfinite) }
    }

    /// The items, in order, and what was noticed about the frames in use.
    pub fn finish(self) -> (Vec<ItemEmissions>, RowAudit) {
        (self.items, self.audit)
    }

    /// The number of a row of the file and its item, where it is in use.
    fn used(&self, file_row: usize) -> Option<(usize, usize)> {
        let number = self.rows.number(file_row);
        self.rows.is_used(number).then(|| (number, self.rows.place(number).0))
    }
}

impl BlockReducer for EmissionsBatch {
    type Part = GatheredRows;
    type Error = ImproperRow;

    fn round(&self, _: usize) -> usize {
        ROUND
    }

    fn look<E: Element>(&self, block: Block<'_, E>) -> GatheredRows {
        let mut audit = RowAudit::new(self.kind, self.nonfinite);
        let mut refused = None;
        let (mut log_probs, mut largest) = (Vec::new(), Vec::new());
        let mut samples = 0..self.audit.wanted();
        block.for_each_row(0..block.rows(), |row, scores| {
            let Some((number, item)) = self.used(block.first_row() + row).filter(|_| refused.is_none())
            else {
                return;
            };
            if samples.next().is_some() {
                audit.sample(block.first_row() + row, scores);
            }
            let scale = RowScale::new(scores, self.kind);
            refused = audit.note_row(number, scale.total(), scores).err();
            let columns = self.items[item].labels.columns();
            let start = log_probs.len();
            if start == 0 {
                log_probs.reserve(block.rows() * columns.count());
            }
            log_probs.resize(start + columns.count(), 0.0);
            columns.gather(scores, scale, &mut log_probs[start..]);
            largest.push(scale.log_prob(row_max(scores)));
        });
        let rows = block.first_row()..block.first_row() + block.rows();
        GatheredRows { rows, log_probs, largest, audit, refused }
    }

    fn take(&mut self, part: GatheredRows) -> Result<(), ImproperRow> {
        let GatheredRows { rows, log_probs, largest, audit, refused } = part;
        if let Some(row) = refused {
            return Err(row);
        }
        self.audit.merge(&audit, 0);
        let mut rest = &log_probs[..];
        let mut largest = largest.into_iter();
        for file_row in rows {
            // Every layout hands out an item's frames in order.
            if let Some((_, item)) = self.used(file_row) {
                let item = &mut self.items[item];
                let (frame, others) = rest.split_at(item.labels.columns().count());
                item.log_probs.extend_from_slice(frame);
                largest.next().into_iter().for_each(|logp| item.best.add(logp));
                rest = others;
            }
        }
        Ok(())
    }
}
