//! Cross-entropy of a whole file: rows in, one number and, if asked, each row's loss out.

use rayon::prelude::*;

use super::cross_entropy::CrossEntropy;
use super::cross_entropy_rows::{FewLosses, FewRows, RowLosses};
use super::reduction::{Reducer, Reductions};
use super::targets::Targets;
use super::{CHUNK_VALUES, FEW_CHUNKS};
use crate::kernel::{Element, Tiles};
use crate::logits::{
    Block, BlockReducer, Geometry, ImproperRow, InputKind, Nonfinite, RowAudit, rows_at_once,
};

/// Computes each row's loss as it comes and adds it up in the order of the file.
pub struct CrossEntropyBatch<'a, T> {
    rows: RowLosses<'a, T>,
    nonfinite: Nonfinite,
    losses: Option<Vec<f64>>,
    found: ChunkTotals,
    sample: RowAudit,
}

/// The loss of a whole file.
#[derive(Debug)]
#[non_exhaustive]
pub struct CrossEntropyTotals {
    /// The loss as one number, by each convention.
    pub reductions: Reductions,
    /// Each row's loss in the user's order, if it was asked for.
    pub losses: Option<Vec<f64>>,
    /// Number of rows.
    pub rows: usize,
    /// Number of rows that were ignored.
    pub ignored: usize,
    /// Number of rows whose loss is infinite.
    pub infinite: usize,
    /// The first row whose loss is infinite.
    pub first_infinite: Option<usize>,
    /// Number of rows whose loss is NaN.
    pub nan: usize,
    /// The first row whose loss is NaN although the row itself is a valid distribution: 0 times infinity.
    pub zero_times_infinity: Option<usize>,
    /// What was noticed about the rows.
    pub audit: RowAudit,
}

/// What is left of some rows.
struct ChunkTotals {
    reducer: Reducer,
    ignored: usize,
    infinite: usize,
    first_infinite: Option<usize>,
    nan: usize,
    /// The first row whose loss is NaN though it is a distribution.
    undefined: Option<usize>,
    audit: RowAudit,
    refused: Option<ImproperRow>,
}

impl ChunkTotals {
    fn new(kind: InputKind, nonfinite: Nonfinite) -> Self {
        Self {
            reducer: Reducer::default(),
            ignored: 0,
            infinite: 0,
            first_infinite: None,
            nan: 0,
            undefined: None,
            audit: RowAudit::new(kind, nonfinite),
            refused: None,
        }
    }

    /// Adds what was found in the rows that follow.
    fn append(&mut self, next: &Self) {
        self.reducer.append(&next.reducer);
        self.ignored += next.ignored;
        self.infinite += next.infinite;
        self.first_infinite = earlier(self.first_infinite, next.first_infinite);
        self.nan += next.nan;
        self.undefined = earlier(self.undefined, next.undefined);
        self.audit.merge(&next.audit, 0);
    }
}

/// The smaller of two row numbers, where there are any.
fn earlier(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    a.into_iter().chain(b).min()
}

/// What is left of a block.
pub struct BlockLosses {
    first_row: usize,
    chunks: Vec<ChunkTotals>,
    /// Each row's loss, in the order of the file, where it was asked for.
    losses: Vec<f64>,
    sample: Option<RowAudit>,
}

impl<'a, T: Targets> CrossEntropyBatch<'a, T> {
    /// `keep_losses`: whether to keep each row's loss as well as the reductions.
    ///
    /// # Panics
    /// If `loss` or `targets` are for another number of classes than `geometry` has, or there is not a target for each of
    /// its rows.
    pub fn new(
        loss: &'a CrossEntropy,
        kind: InputKind,
        nonfinite: Nonfinite,
        geometry: Geometry,
        targets: &'a T,
        keep_losses: bool,
    ) -> Self {
        assert_eq!(loss.classes(), geometry.classes(), "a loss of as many classes");
        assert_eq!(targets.classes(), geometry.classes(), "targets of as many classes");
        assert_eq!(targets.row_count(), geometry.rows(), "a target for each row");
        Self {
            nonfinite,
            losses: keep_losses.then(|| vec![0.0; geometry.rows()]),
            found: ChunkTotals::new(kind, nonfinite),
            sample: RowAudit::new(kind, nonfinite),
            rows: RowLosses { loss, kind, geometry, targets },
        }
    }

    /// The result, after every block was taken.
    pub fn finish(mut self) -> CrossEntropyTotals {
        self.found.audit.merge(&self.sample, 0);
        CrossEntropyTotals {
            reductions: self.found.reducer.finish(),
            losses: self.losses,
            rows: self.rows.geometry.rows(),
            ignored: self.found.ignored,
            infinite: self.found.infinite,
            first_infinite: self.found.first_infinite,
            nan: self.found.nan,
            zero_times_infinity: self.found.undefined,
            audit: self.found.audit,
        }
    }

    /// Computes the losses of `rows`; `losses` has a place for each, or none where they are not kept.
    fn look_at<E: Element>(
        &self,
        block: &Block<'_, E>,
        rows: std::ops::Range<usize>,
        (tiles, few): &mut (Option<Tiles<E>>, FewLosses),
        losses: &mut [f64],
    ) -> ChunkTotals {
        let mut found = ChunkTotals::new(self.rows.kind, self.nonfinite);
        let start = rows.start;
        let classes = self.rows.geometry.classes();
        let mut visit = |first, rows: FewRows<'_, E>| {
            if found.refused.is_some() {
                return;
            }
            let first_row = block.first_row() + first;
            let ignored = self.rows.look_at(first_row, rows, few);
            // All are looked at, so that lanes do not wait for each other.
            let finite = few.losses.iter().fold(true, |all, loss| all & loss.is_finite());
            if self.rows.kind != InputKind::Logits || !finite {
                self.note(first_row, rows, few, &mut found);
            }
            found.ignored += ignored;
            found.reducer.add_cross_entropy(&few.losses, &few.weights, ignored);
            if !losses.is_empty() {
                losses[first - start..][..few.losses.len()].copy_from_slice(&few.losses);
            }
        };
        if let Some(tiles) = tiles {
            block.for_each_tiles(rows, tiles, |first, tiles| visit(first, FewRows::Tiles(tiles)));
        } else {
            block.for_each_run(rows, rows_at_once(classes), |first, values| {
                visit(first, FewRows::Whole(values));
            });
        }
        found
    }

    /// Notes what is odd about the same rows: whether they are distributions, and their losses finite.
    fn note<E: Element>(
        &self,
        first_row: usize,
        rows: FewRows<'_, E>,
        few: &FewLosses,
        found: &mut ChunkTotals,
    ) {
        let classes = self.rows.geometry.classes();
        for (at, (scale, loss)) in few.scales.iter().zip(&few.losses).enumerate() {
            let row = self.rows.geometry.logical_row(first_row + at);
            if self.rows.is_ignored(row) {
                continue;
            }
            let total = scale.total();
            let values = || match rows {
                FewRows::Whole(values) => {
                    values[at * classes..][..classes].iter().map(|x| x.to_f64()).collect()
                }
                FewRows::Tiles(tiles) => tiles.row(at).map(Element::to_f64).collect(),
            };
            if let Err(improper) = found.audit.note(row, total, values) {
                found.refused = Some(improper);
                return;
            }
            if loss.is_infinite() {
                found.infinite += 1;
                found.first_infinite = earlier(found.first_infinite, Some(row));
            }
            found.nan += usize::from(loss.is_nan());
            if loss.is_nan() && !total.is_nan() {
                found.undefined = earlier(found.undefined, Some(row));
            }
        }
    }

    /// The first rows in use, from which it is told what the numbers are.
    fn sample_of<E: Element>(&self, block: &Block<'_, E>) -> RowAudit {
        let mut sample = RowAudit::new(self.rows.kind, self.nonfinite);
        for row in 0..block.rows() {
            if sample.wanted() == 0 {
                break;
            }
            let logical = self.rows.geometry.logical_row(block.first_row() + row);
            if !self.rows.is_ignored(logical) {
                block.for_each_row(row..row + 1, |_, scores| sample.sample(block.first_row() + row, scores));
            }
        }
        sample
    }
}

impl<T: Targets> BlockReducer for CrossEntropyBatch<'_, T> {
    type Part = BlockLosses;
    type Error = ImproperRow;

    fn look<E: Element>(&self, block: Block<'_, E>) -> BlockLosses {
        let mut losses = if self.losses.is_some() { vec![0.0; block.rows()] } else { Vec::new() };
        let rows_per_chunk = (CHUNK_VALUES / self.rows.geometry.classes()).max(16);
        let range = |chunk: usize| chunk * rows_per_chunk..((chunk + 1) * rows_per_chunk).min(block.rows());
        let chunks = block.rows().div_ceil(rows_per_chunk);
        let room = || (self.rows.tiles(), self.rows.room());
        let look_at =
            |room: &mut _, chunk, losses: &mut [f64]| self.look_at(&block, range(chunk), room, losses);
        let chunks = if losses.is_empty() {
            let all = (0..chunks).into_par_iter().with_min_len(FEW_CHUNKS);
            all.map_init(room, |room, chunk| look_at(room, chunk, &mut [])).collect()
        } else {
            let pieces = losses.par_chunks_mut(rows_per_chunk).enumerate().with_min_len(FEW_CHUNKS);
            pieces.map_init(room, |room, (chunk, losses)| look_at(room, chunk, losses)).collect()
        };
        let sample = (self.sample.wanted() > 0).then(|| self.sample_of(&block));
        BlockLosses { first_row: block.first_row(), chunks, losses, sample }
    }

    fn take(&mut self, part: BlockLosses) -> Result<(), ImproperRow> {
        for chunk in part.chunks {
            if let Some(row) = chunk.refused {
                return Err(row);
            }
            self.found.append(&chunk);
        }
        if let Some(sample) = part.sample {
            self.sample.merge(&sample, 0);
        }
        if let Some(losses) = &mut self.losses {
            if self.rows.geometry.is_in_order() {
                losses[part.first_row..][..part.losses.len()].copy_from_slice(&part.losses);
            } else {
                for (row, loss) in part.losses.into_iter().enumerate() {
                    losses[self.rows.geometry.logical_row(part.first_row + row)] = loss;
                }
            }
        }
        Ok(())
    }
}
