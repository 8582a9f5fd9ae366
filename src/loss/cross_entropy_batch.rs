//! Cross-entropy of a whole file: rows in, one number and, if asked, each row's loss out.

use rayon::prelude::*;

use super::cross_entropy::{CrossEntropy, WeightedLoss};
use super::reduction::{Reducer, Reductions};
use crate::kernel::Element;
use crate::logits::{Block, BlockVisitor, Geometry, ImproperRow, InputKind, Nonfinite, RowAudit, RowScale};

/// Values that one thread takes at a time.
const CHUNK_VALUES: usize = 1 << 16;

/// What each row is compared with.
pub trait Targets: Sync {
    /// The target of a row, in the user's numbering.
    fn target(&self, row: usize) -> Target<'_>;
}

/// A row's target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a> {
    /// A class.
    Index(usize),
    /// A probability for each class.
    Probs(&'a [f64]),
    /// None: the row is left out.
    Ignored,
}

/// Computes each row's loss as it comes and adds it up in the order of the file.
pub struct CrossEntropyBatch<'a, T> {
    loss: &'a CrossEntropy,
    kind: InputKind,
    geometry: Geometry,
    targets: &'a T,
    audit: RowAudit,
    reducer: Reducer,
    losses: Option<Vec<f64>>,
    ignored: usize,
    infinite: usize,
    nan: usize,
    undefined: Option<usize>,
    // Reused from block to block.
    rows: Vec<RowResult>,
}

/// The loss of a whole file.
pub struct CrossEntropyTotals {
    /// One number by each convention.
    pub reductions: Reductions,
    /// Each row's loss in the user's order, where it was asked for.
    pub losses: Option<Vec<f64>>,
    /// Number of rows.
    pub rows: usize,
    /// Rows that were left out.
    pub ignored: usize,
    /// Rows whose loss is infinite.
    pub infinite: usize,
    /// Rows whose loss is NaN.
    pub nan: usize,
    /// The first row that is a distribution and whose loss is NaN all the same: 0 times infinity.
    pub zero_times_infinity: Option<usize>,
    /// What was noticed about the rows.
    pub audit: RowAudit,
}

#[derive(Clone, Copy)]
struct RowResult {
    loss: WeightedLoss,
    /// What the row's probabilities sum to.
    total: f64,
    ignored: bool,
}

impl<'a, T: Targets> CrossEntropyBatch<'a, T> {
    /// `keep_losses`: whether each row's loss is wanted, beside the reductions.
    pub fn new(
        loss: &'a CrossEntropy,
        kind: InputKind,
        nonfinite: Nonfinite,
        geometry: Geometry,
        targets: &'a T,
        keep_losses: bool,
    ) -> Self {
        Self {
            loss,
            kind,
            targets,
            audit: RowAudit::new(kind, nonfinite),
            reducer: Reducer::default(),
            losses: keep_losses.then(|| vec![0.0; geometry.rows()]),
            geometry,
            ignored: 0,
            infinite: 0,
            nan: 0,
            undefined: None,
            rows: Vec::new(),
        }
    }

    /// The result, once every block was seen.
    pub fn finish(self) -> CrossEntropyTotals {
        CrossEntropyTotals {
            reductions: self.reducer.finish(),
            losses: self.losses,
            rows: self.geometry.rows(),
            ignored: self.ignored,
            infinite: self.infinite,
            nan: self.nan,
            zero_times_infinity: self.undefined,
            audit: self.audit,
        }
    }

    fn row_result<E: Element>(&self, row: usize, scores: &[E]) -> RowResult {
        let target = self.targets.target(row);
        if target == Target::Ignored {
            return RowResult {
                loss: WeightedLoss { loss_nats: 0.0, weight: 0.0 },
                total: 1.0,
                ignored: true,
            };
        }
        let scale = RowScale::new(scores, self.kind);
        let loss = match target {
            Target::Index(class) => self.loss.of_index(scores, scale, class),
            Target::Probs(probs) => self.loss.of_probs(scores, scale, probs),
            Target::Ignored => unreachable!("returned above"),
        };
        RowResult { loss, total: scale.total(), ignored: false }
    }
}

impl<T: Targets> BlockVisitor for CrossEntropyBatch<'_, T> {
    type Error = ImproperRow;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), ImproperRow> {
        let mut rows = std::mem::take(&mut self.rows);
        let empty =
            RowResult { loss: WeightedLoss { loss_nats: 0.0, weight: 0.0 }, total: 1.0, ignored: true };
        rows.clear();
        rows.resize(block.rows(), empty);
        let rows_per_chunk = (CHUNK_VALUES / self.geometry.classes()).max(16);
        rows.par_chunks_mut(rows_per_chunk).enumerate().for_each(|(chunk, out)| {
            let first = chunk * rows_per_chunk;
            block.for_each_row(first..first + out.len(), |row, scores| {
                let logical = self.geometry.logical_row(block.first_row() + row);
                out[row - first] = self.row_result(logical, scores);
            });
        });
        for (row, result) in rows.iter().enumerate() {
            let logical = self.geometry.logical_row(block.first_row() + row);
            if !result.ignored {
                if self.audit.wants_sample() {
                    block.for_each_row(row..row + 1, |_, scores| self.audit.sample(scores));
                }
                self.audit.note(logical, result.total, || block.row_to_f64(row))?;
            }
            let loss = result.loss.loss_nats;
            self.ignored += usize::from(result.ignored);
            self.infinite += usize::from(loss.is_infinite());
            self.nan += usize::from(loss.is_nan());
            if loss.is_nan() && !result.total.is_nan() {
                self.undefined = Some(self.undefined.map_or(logical, |first| first.min(logical)));
            }
            self.reducer.add_cross_entropy(loss, result.loss.weight, result.ignored);
            if let Some(losses) = &mut self.losses {
                losses[logical] = loss;
            }
        }
        self.rows = rows;
        Ok(())
    }
}
