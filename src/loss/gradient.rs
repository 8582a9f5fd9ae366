//! Gradients of the losses with respect to the values of the matrix.
//!
//! Both losses are functions of a row's log-probabilities `lp`, and the step from the values to these is the same: with
//! `g` the derivative with respect to each `lp`, the derivative with respect to a value `x` is `g - softmax(x) Σ g` for
//! logits, `g` for log-probabilities and `g / p` for probabilities.

use rayon::prelude::*;

use super::cross_entropy::CrossEntropy;
use super::ctc::{CtcError, loss_of_emissions};
use super::ctc_labels::{Columns, CtcLabels};
use super::ctc_occupancy::{OccupancyRoom, occupancy};
use super::targets::{Target, Targets};
use super::{Emissions, ItemEmissions};
use crate::kernel::{Element, InstructionSet, scaled_columns};
use crate::logits::{InputKind, Items, RowScale};

/// The gradient of a reduced loss, row by row.
pub trait RowGradient: Sync {
    /// Writes the gradient with respect to each value of row number `row` to `out`, `[classes]`. `values`, `[classes]`,
    /// are the row's values; `room`, `[classes]`, is scratch space with any content.
    fn of_row<E: Element>(&self, row: usize, values: &[E], room: &mut [f64], out: &mut [f64]);
}

/// The gradient of the CTC losses of a file's items.
pub struct CtcGradient<'a> {
    kind: InputKind,
    rows: &'a Items,
    items: Vec<ItemGradient>,
}

struct ItemGradient {
    labels: CtcLabels,
    factor: f64,
    /// `[frames, columns]`, of probabilities with slopes: see [`occupancy`].
    shares: Vec<f64>,
}

impl<'a> CtcGradient<'a> {
    /// The gradient of `Σ factors[i] loss[i]` over the items of `rows`, whose values are `kind`. If a factor is 0, so
    /// is the item's gradient; otherwise the gradient of an item without an alignment is NaN in all its frames in use,
    /// as in PyTorch.
    ///
    /// # Panics
    /// If the number of `items` or of `factors` is not the number of items in `rows`.
    pub fn new(kind: InputKind, rows: &'a Items, items: Vec<ItemEmissions>, factors: &[f64]) -> Self {
        assert!([items.len(), factors.len()] == [rows.lengths().len(); 2], "all items");
        let of_item = |room: &mut OccupancyRoom, (item, &factor): (ItemEmissions, &f64)| {
            let (labels, mut shares) = item.into_parts();
            if factor != 0.0 {
                occupancy(&labels, &mut shares, kind == InputKind::Probs, room);
            }
            ItemGradient { labels, factor, shares }
        };
        let items = items.into_par_iter().zip(factors).map_init(OccupancyRoom::default, of_item);
        Self { kind, rows, items: items.collect() }
    }
}

impl RowGradient for CtcGradient<'_> {
    fn of_row<E: Element>(&self, row: usize, values: &[E], room: &mut [f64], out: &mut [f64]) {
        let (item, frame) = self.rows.place(row);
        let ItemGradient { labels, factor, shares } = &self.items[item];
        if *factor == 0.0 || !self.rows.is_used(row) {
            out.fill(0.0);
            return;
        }
        let count = labels.columns().count();
        let shares = &shares[frame * count..][..count];
        of_frame(labels.columns(), shares, *factor, values, self.kind, room, out);
    }
}

/// The gradient of `factor` times a CTC loss by the values of a frame, of which the columns have these shares.
fn of_frame<E: Element>(
    columns: &Columns,
    shares: &[f64],
    factor: f64,
    values: &[E],
    kind: InputKind,
    room: &mut [f64],
    out: &mut [f64],
) {
    // Without an alignment all of a frame's shares are NaN.
    out.fill(if shares[0].is_nan() { f64::NAN } else { 0.0 });
    for (&class, share) in columns.classes().iter().zip(shares) {
        out[class as usize] = -factor * share;
    }
    if kind != InputKind::Probs {
        through_normaliser(values, kind, -factor * shares.iter().sum::<f64>(), room, out);
        return;
    }
    for (g, p) in out.iter_mut().zip(values) {
        // At a probability of 0 it is the slope already.
        let p = if p.to_f64() == 0.0 { 1.0 } else { p.to_f64() };
        // 0 without a sign.
        *g = *g / p + 0.0;
    }
}

/// CTC loss of one item, in nats, and its gradient.
///
/// `matrix`: `[frames, classes]`, row-major; all frames are in use. The derivative with respect to each of its values
/// is written to `out`, `[frames, classes]`, over whatever was there. For logits it is `softmax(x)` minus the posterior
/// probability that an alignment of the labels is at this class in this frame (Graves et al. 2006, equation 16). If
/// there is no alignment, all of it is NaN, as in PyTorch.
///
/// # Errors
/// If the number of values is not a multiple of the number of classes that `labels` was checked against.
///
/// # Panics
/// If `out` is not as long as `matrix`.
pub fn ctc_gradient<E: Element>(
    matrix: &[E],
    kind: InputKind,
    labels: &CtcLabels,
    out: &mut [f64],
) -> Result<f64, CtcError> {
    assert_eq!(matrix.len(), out.len(), "a derivative for each value");
    let (classes, columns) = (labels.classes(), labels.columns());
    if !matrix.len().is_multiple_of(classes) {
        return Err(CtcError::RaggedFrames { values: matrix.len(), classes });
    }
    let mut shares = vec![0.0; matrix.len() / classes * columns.count()];
    for (row, log_probs) in matrix.chunks_exact(classes).zip(shares.chunks_exact_mut(columns.count())) {
        columns.gather(row, RowScale::new(row, kind), log_probs);
    }
    let loss = loss_of_emissions(&Emissions::new(&shares, labels)).of(kind).loss_nats;
    occupancy(labels, &mut shares, kind == InputKind::Probs, &mut OccupancyRoom::default());
    let mut room = vec![0.0; classes];
    let frames = shares.chunks_exact(columns.count());
    for ((values, out), shares) in matrix.chunks_exact(classes).zip(out.chunks_exact_mut(classes)).zip(frames)
    {
        of_frame(columns, shares, 1.0, values, kind, &mut room, out);
    }
    Ok(loss)
}

/// The gradient of a cross-entropy.
pub struct CrossEntropyGradient<'a, T> {
    kind: InputKind,
    loss: &'a CrossEntropy,
    targets: &'a T,
    factor: f64,
}

impl<'a, T: Targets> CrossEntropyGradient<'a, T> {
    /// The gradient of `factor` times the sum of the rows' losses, with values that are `kind`; 0 for ignored rows.
    ///
    /// # Panics
    /// If `loss` and `targets` are for different numbers of classes.
    pub fn new(kind: InputKind, loss: &'a CrossEntropy, targets: &'a T, factor: f64) -> Self {
        assert_eq!(loss.classes(), targets.classes(), "targets of as many classes");
        Self { kind, loss, targets, factor }
    }
}

impl<T: Targets> RowGradient for CrossEntropyGradient<'_, T> {
    fn of_row<E: Element>(&self, row: usize, values: &[E], room: &mut [f64], out: &mut [f64]) {
        let target = self.targets.target(row);
        let total = self.loss.log_prob_derivative(target, self.factor, out);
        if target != Target::Ignored {
            through_normaliser(values, self.kind, total, room, out);
        }
    }
}

/// From derivatives by log-probabilities, which sum to `total`, to those by the values that they are made of.
fn through_normaliser<E: Element>(
    row: &[E],
    kind: InputKind,
    total: f64,
    room: &mut [f64],
    gradient: &mut [f64],
) {
    match kind {
        InputKind::Logits => {
            let columns = scaled_columns(InstructionSet::best(), row, 1.0, room);
            // NaN in all of a row that is no distribution.
            let scale = if columns.max.is_finite() { total / columns.sum } else { f64::NAN };
            for (g, exp) in gradient.iter_mut().zip(room) {
                *g -= *exp * scale;
            }
        }
        InputKind::LogProbs => {}
        InputKind::Probs => {
            for (g, p) in gradient.iter_mut().zip(row) {
                // A class that the loss does not look at has no gradient, whatever its probability.
                *g = if *g == 0.0 { 0.0 } else { *g / p.to_f64() };
            }
        }
    }
}
