//! Cross-entropy of a whole file: rows in, one number and, if asked, each row's loss out.

use rayon::prelude::*;

use super::cross_entropy::{CrossEntropy, WeightedLoss};
use super::reduction::{Reducer, Reductions};
use super::targets::{Target, Targets};
use crate::kernel::{Element, Rows, Tiles};
use crate::logits::{
    Block, BlockReducer, Geometry, ImproperRow, InputKind, Nonfinite, RowAudit, RowScales, rows_at_once,
};

/// Values whose losses are added up for themselves, and that one thread takes at a time.
const CHUNK_VALUES: usize = 1 << 16;
/// Chunks that one thread takes at least: blocks of no more come several at a time.
const FEW_CHUNKS: usize = 4;

/// Computes each row's loss as it comes and adds it up in the order of the file.
pub struct CrossEntropyBatch<'a, T> {
    loss: &'a CrossEntropy,
    kind: InputKind,
    nonfinite: Nonfinite,
    geometry: Geometry,
    targets: &'a T,
    losses: Option<Vec<f64>>,
    found: Found,
    sample: RowAudit,
}

/// The loss of a whole file.
#[derive(Debug)]
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
    /// The first of them.
    pub first_infinite: Option<usize>,
    /// Rows whose loss is NaN.
    pub nan: usize,
    /// The first row that is a distribution and whose loss is NaN all the same: 0 times infinity.
    pub zero_times_infinity: Option<usize>,
    /// What was noticed about the rows.
    pub audit: RowAudit,
}

/// A few rows' losses and weights in the mean.
#[derive(Default)]
struct Run {
    losses: Vec<f64>,
    weights: Vec<f64>,
}

/// What a thread needs, to be used again.
struct Room<E> {
    scales: RowScales,
    run: Run,
    /// Where rows are put side by side whose values lie apart.
    tiles: Option<Tiles<E>>,
}

/// What is left of some rows.
struct Found {
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

/// A few rows of a block.
#[derive(Clone, Copy)]
enum FewRows<'a, E> {
    /// One after another.
    Whole(&'a [E]),
    /// Side by side, where values of a row lie apart.
    Tiles(&'a Tiles<E>),
}

impl Found {
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
    chunks: Vec<Found>,
    /// Each row's loss, in the order of the file, where it was asked for.
    losses: Vec<f64>,
    sample: Option<RowAudit>,
}

impl<'a, T: Targets> CrossEntropyBatch<'a, T> {
    /// `keep_losses`: whether each row's loss is wanted, beside the reductions.
    ///
    /// # Panics
    /// Where `loss` is for another number of classes than `geometry` has.
    pub fn new(
        loss: &'a CrossEntropy,
        kind: InputKind,
        nonfinite: Nonfinite,
        geometry: Geometry,
        targets: &'a T,
        keep_losses: bool,
    ) -> Self {
        assert_eq!(loss.classes(), geometry.classes(), "a loss of as many classes");
        Self {
            loss,
            kind,
            nonfinite,
            targets,
            losses: keep_losses.then(|| vec![0.0; geometry.rows()]),
            found: Found::new(kind, nonfinite),
            sample: RowAudit::new(kind, nonfinite),
            geometry,
        }
    }

    /// The result, once every block was seen.
    pub fn finish(mut self) -> CrossEntropyTotals {
        self.found.audit.merge(&self.sample, 0);
        CrossEntropyTotals {
            reductions: self.found.reducer.finish(),
            losses: self.losses,
            rows: self.geometry.rows(),
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
        room: &mut Room<E>,
        losses: &mut [f64],
    ) -> Found {
        let mut found = Found::new(self.kind, self.nonfinite);
        let Room { scales, run, tiles } = room;
        let start = rows.start;
        let classes = self.geometry.classes();
        let mut visit = |first, few: FewRows<'_, E>| {
            if found.refused.is_some() {
                return;
            }
            // A loss is the logarithm of one probability or a sum of such: no more exact than each of them.
            match few {
                FewRows::Whole(values) => scales.look_at(Rows::new(values, classes)),
                FewRows::Tiles(tiles) => scales.look_at_tiles(tiles),
            }
            // Loops of a few things each: what one loop for all needs does not fit into registers.
            let first_row = block.first_row() + first;
            let ignored = self.losses_of(first_row, few, scales, run);
            // All are looked at, so that lanes do not wait for each other.
            let finite = run.losses.iter().fold(true, |all, loss| all & loss.is_finite());
            if self.kind != InputKind::Logits || !finite {
                self.note(first_row, few, scales, run, &mut found);
            }
            found.ignored += ignored;
            found.reducer.add_cross_entropy(&run.losses, &run.weights, ignored);
            if !losses.is_empty() {
                losses[first - start..][..run.losses.len()].copy_from_slice(&run.losses);
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

    /// The losses of the rows from `first_row` of the file on; returns how many are ignored, whose loss is 0.
    fn losses_of<E: Element>(
        &self,
        first_row: usize,
        few: FewRows<'_, E>,
        scales: &RowScales,
        run: &mut Run,
    ) -> usize {
        let classes = self.geometry.classes();
        let rows = scales.log_sum_exps().len();
        run.losses.resize(rows, 0.0);
        run.weights.resize(rows, 0.0);
        let ignored = match few {
            FewRows::Whole(values) => {
                let score = |at: usize, class: usize| values[at * classes + class].to_f64();
                self.losses_of_classes(first_row, score, scales, run)
            }
            FewRows::Tiles(tiles) => {
                let score = |at, class| tiles.get(at, class).to_f64();
                self.losses_of_classes(first_row, score, scales, run)
            }
        };
        if let Some(ignored) = ignored {
            return ignored;
        }
        let turned;
        let values = match few {
            FewRows::Whole(values) => values,
            FewRows::Tiles(tiles) => {
                turned = tiles.rows();
                &turned
            }
        };
        let mut ignored = 0;
        let rows = values.chunks_exact(classes).zip(scales.iter());
        let to = run.losses.iter_mut().zip(&mut run.weights);
        for (at, ((scores, scale), (loss, weight))) in rows.zip(to).enumerate() {
            let of_row = match self.targets.target(self.geometry.logical_row(first_row + at)) {
                Target::Index(class) => self.loss.of_index(scores, scale, class),
                Target::Probs(probs) => self.loss.of_probs(scores, scale, probs),
                Target::Ignored => {
                    ignored += 1;
                    WeightedLoss { loss_nats: 0.0, weight: 0.0 }
                }
            };
            (*loss, *weight) = (of_row.loss_nats, of_row.weight);
        }
        ignored
    }

    /// The same in loops of a few instructions, where each loss is that of one class of logits; none where one is not.
    fn losses_of_classes(
        &self,
        first_row: usize,
        score_of: impl Fn(usize, usize) -> f64,
        scales: &RowScales,
        run: &mut Run,
    ) -> Option<usize> {
        if self.kind != InputKind::Logits || self.loss.smooths() {
            return None;
        }
        let target = |at: usize| self.targets.target(self.geometry.logical_row(first_row + at));
        let mut ignored = 0;
        for (at, (score, weight)) in run.losses.iter_mut().zip(&mut run.weights).enumerate() {
            (*score, *weight) = match target(at) {
                Target::Index(class) => (score_of(at, class), self.loss.weight_of(class)),
                Target::Probs(_) => return None,
                Target::Ignored => {
                    ignored += 1;
                    (0.0, 0.0)
                }
            };
        }
        for ((loss, weight), lse) in run.losses.iter_mut().zip(&run.weights).zip(scales.log_sum_exps()) {
            *loss = CrossEntropy::of_class(lse.log_prob(*loss), *weight);
        }
        if ignored > 0 {
            let losses = run.losses.iter_mut().enumerate();
            losses.filter(|&(at, _)| target(at) == Target::Ignored).for_each(|(_, loss)| *loss = 0.0);
        }
        Some(ignored)
    }

    /// Notes what is odd about the same rows: whether they are distributions, and their losses finite.
    fn note<E: Element>(
        &self,
        first_row: usize,
        few: FewRows<'_, E>,
        scales: &RowScales,
        run: &Run,
        found: &mut Found,
    ) {
        let classes = self.geometry.classes();
        for (at, (scale, loss)) in scales.iter().zip(&run.losses).enumerate() {
            let row = self.geometry.logical_row(first_row + at);
            if self.targets.target(row) == Target::Ignored {
                continue;
            }
            let total = scale.total();
            let values = || match few {
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
        let mut sample = RowAudit::new(self.kind, self.nonfinite);
        for row in 0..block.rows() {
            if sample.wanted() == 0 {
                break;
            }
            let logical = self.geometry.logical_row(block.first_row() + row);
            if self.targets.target(logical) != Target::Ignored {
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
        let rows_per_chunk = (CHUNK_VALUES / self.geometry.classes()).max(16);
        let range = |chunk: usize| chunk * rows_per_chunk..((chunk + 1) * rows_per_chunk).min(block.rows());
        let chunks = block.rows().div_ceil(rows_per_chunk);
        let room = || {
            let apart = self.kind != InputKind::Probs && !block.has_whole_rows();
            let tiles = if apart { Tiles::new(self.geometry.classes()) } else { None };
            Room { scales: RowScales::new(self.kind), run: Run::default(), tiles }
        };
        let look_at =
            |room: &mut Room<E>, chunk, losses: &mut [f64]| self.look_at(&block, range(chunk), room, losses);
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
            if self.geometry.is_in_order() {
                losses[part.first_row..][..part.losses.len()].copy_from_slice(&part.losses);
            } else {
                for (row, loss) in part.losses.into_iter().enumerate() {
                    losses[self.geometry.logical_row(part.first_row + row)] = loss;
                }
            }
        }
        Ok(())
    }
}
