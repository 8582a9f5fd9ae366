//! Cross-entropy of a few rows at a time.

use super::cross_entropy::{CrossEntropy, WeightedLoss};
use super::targets::{Target, Targets};
use crate::kernel::{Element, Floats, InstructionSet, LogSumExp, Rows, Tiles};
use crate::logits::{Geometry, InputKind, RowScales};

/// A few rows of a block.
#[derive(Clone, Copy)]
pub(super) enum FewRows<'a, E> {
    /// One after another.
    Whole(&'a [E]),
    /// Side by side.
    Tiles(&'a Tiles<E>),
}

/// What comes of a few rows, to be used again.
pub(super) struct FewLosses {
    pub(super) scales: RowScales,
    pub(super) losses: Vec<f64>,
    /// Each row's in the mean.
    pub(super) weights: Vec<f64>,
    shares: Shares,
}

/// Room for the class probabilities of the same rows.
enum Shares {
    None,
    Single(Tiles<f32>),
    Double(Tiles<f64>),
}

impl Shares {
    /// For such as `some`, where they go side by side.
    fn like(some: Option<Floats<'_>>, classes: usize) -> Self {
        let tiles = match some {
            None => None,
            Some(Floats::Single(_)) => Tiles::new(classes).map(Self::Single),
            Some(Floats::Double(_)) => Tiles::new(classes).map(Self::Double),
        };
        tiles.unwrap_or(Self::None)
    }
}

/// What losses are computed from besides the values.
pub(super) struct RowLosses<'a, T> {
    pub(super) loss: &'a CrossEntropy,
    pub(super) kind: InputKind,
    pub(super) geometry: Geometry,
    pub(super) targets: &'a T,
}

impl<T: Targets> RowLosses<'_, T> {
    /// Room for a few rows.
    pub(super) fn room(&self) -> FewLosses {
        let shares = Shares::like(self.targets.probs(0..0), self.geometry.classes());
        FewLosses { scales: RowScales::new(self.kind), losses: Vec::new(), weights: Vec::new(), shares }
    }

    /// Where rows are put side by side, where that is faster: where their values lie apart, and where losses are sums over
    /// all classes.
    pub(super) fn tiles<E: Element>(&self) -> Option<Tiles<E>> {
        let of_all = self.loss.smooths() || self.targets.probs(0..0).is_some();
        let wanted = of_all || !self.geometry.has_whole_rows();
        if wanted && self.kind != InputKind::Probs { Tiles::new(self.geometry.classes()) } else { None }
    }

    /// Whether a row is left out.
    pub(super) fn is_ignored(&self, logical_row: usize) -> bool {
        self.targets.target(logical_row) == Target::Ignored
    }

    /// The losses of rows of which the first is number `first_row` of the file; returns how many are ignored, whose loss
    /// is 0.
    pub(super) fn look_at<E: Element>(
        &self,
        first_row: usize,
        few: FewRows<'_, E>,
        found: &mut FewLosses,
    ) -> usize {
        let classes = self.geometry.classes();
        // A loss is the logarithm of one probability or a sum of such: no more exact than each of them.
        let rows = match few {
            FewRows::Whole(values) => {
                found.scales.look_at(Rows::new(values, classes));
                values.len() / classes
            }
            FewRows::Tiles(tiles) => {
                found.scales.look_at_tiles(tiles);
                tiles.len()
            }
        };
        found.losses.resize(rows, 0.0);
        found.weights.resize(rows, 0.0);
        // Loops of a few things each: what one loop for all needs does not fit into registers.
        let ignored = match few {
            FewRows::Whole(values) => {
                let score = |at: usize, class: usize| values[at * classes + class].to_f64();
                self.of_classes(first_row, score, found)
            }
            FewRows::Tiles(tiles) => {
                let score = |at, class| tiles.get(at, class).to_f64();
                let ignored = self.of_classes(first_row, score, found);
                ignored.or_else(|| self.of_tiles(first_row, tiles, found))
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
        let rows = values.chunks_exact(classes).zip(found.scales.iter());
        let to = found.losses.iter_mut().zip(&mut found.weights);
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

    /// The same where each is a sum over all classes: of smoothed class indices, or of probabilities that lie in the order
    /// of the rows; none where it is not.
    fn of_tiles<E: Element>(
        &self,
        first_row: usize,
        tiles: &Tiles<E>,
        found: &mut FewLosses,
    ) -> Option<usize> {
        let FewLosses { scales, losses, weights, shares } = found;
        let shifts = (self.kind == InputKind::Logits).then_some(scales.log_sum_exps());
        if self.geometry.is_in_order()
            && let Some(probs) = self.targets.probs(first_row..first_row + tiles.len())
        {
            let (set, classes) = (InstructionSet::best(), tiles.classes());
            match (shares, probs) {
                (Shares::Single(shares), Floats::Single(probs)) => {
                    shares.take_rows(set, Rows::new(probs, classes));
                    self.loss.sums_of_tiles(tiles, shifts, Some(&*shares), losses);
                }
                (Shares::Double(shares), Floats::Double(probs)) => {
                    shares.take_rows(set, Rows::new(probs, classes));
                    self.loss.sums_of_tiles(tiles, shifts, Some(&*shares), losses);
                }
                _ => return None,
            }
            weights.fill(1.0);
            // 0 without a sign.
            for loss in losses {
                *loss += 0.0;
            }
            return Some(0);
        }
        if !self.loss.smooths() {
            return None;
        }
        self.loss.sums_of_tiles(tiles, shifts, None::<&Tiles<f64>>, losses);
        let mut ignored = 0;
        let to = losses.iter_mut().zip(weights);
        for (at, (scale, (loss, weight))) in scales.iter().zip(to).enumerate() {
            (*loss, *weight) = match self.targets.target(self.geometry.logical_row(first_row + at)) {
                Target::Index(class) => {
                    let weight = self.loss.weight_of(class);
                    let of_class = CrossEntropy::of_class(scale.log_prob(tiles.get(at, class)), weight);
                    (self.loss.with_all(of_class, *loss) + 0.0, weight)
                }
                Target::Probs(_) => return None,
                Target::Ignored => {
                    ignored += 1;
                    (0.0, 0.0)
                }
            };
        }
        Some(ignored)
    }

    /// The same in loops of a few instructions, where each loss is that of one class of logits or log-probabilities; none
    /// where one is not.
    fn of_classes(
        &self,
        first_row: usize,
        score_of: impl Fn(usize, usize) -> f64,
        found: &mut FewLosses,
    ) -> Option<usize> {
        let FewLosses { scales, losses, weights, .. } = found;
        if self.kind == InputKind::Probs || self.loss.smooths() {
            return None;
        }
        let target = |at: usize| self.targets.target(self.geometry.logical_row(first_row + at));
        let mut ignored = 0;
        for (at, (score, weight)) in losses.iter_mut().zip(&mut *weights).enumerate() {
            (*score, *weight) = match target(at) {
                Target::Index(class) => (score_of(at, class), self.loss.weight_of(class)),
                Target::Probs(_) => return None,
                Target::Ignored => {
                    ignored += 1;
                    (0.0, 0.0)
                }
            };
        }
        let taken_as_given = self.kind == InputKind::LogProbs;
        for ((loss, weight), lse) in losses.iter_mut().zip(weights).zip(scales.log_sum_exps()) {
            let lse = if taken_as_given { LogSumExp::ZERO } else { *lse };
            *loss = CrossEntropy::of_class(lse.log_prob(*loss), *weight);
        }
        if ignored > 0 {
            let losses = losses.iter_mut().enumerate();
            losses.filter(|&(at, _)| target(at) == Target::Ignored).for_each(|(_, loss)| *loss = 0.0);
        }
        Some(ignored)
    }
}
