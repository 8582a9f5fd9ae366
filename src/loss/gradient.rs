//! Gradients of the losses with respect to the values of the matrix.
//!
//! Both losses are functions of the log-probabilities `lp`, and what comes before is the same: with `g` the
//! derivative by each `lp` of a row, the derivative by the value `x` is `g - softmax(x) Σ g` for logits, `g` for
//! log-probabilities and `g / p` for probabilities.

use super::Emissions;
use super::cross_entropy::CrossEntropy;
use super::cross_entropy_batch::Target;
use super::ctc::{CtcError, CtcLabels};
use super::ctc_occupancy::occupancy;
use crate::kernel::Sum;
use crate::logits::{InputKind, RowScale};

/// Writes `factor` times the gradient of one item's CTC loss to `out`; `rows` and `out`: `[frames, classes]`, the
/// frames in use.
///
/// NaN in every frame where no alignment is possible, as PyTorch has it.
///
/// # Errors
/// Where `rows` is not whole frames of the classes that `labels` was checked against.
///
/// # Panics
/// Where `out` has another length than `rows`.
pub fn ctc_gradient(
    rows: &[f64],
    kind: InputKind,
    labels: &CtcLabels,
    factor: f64,
    out: &mut [f64],
) -> Result<(), CtcError> {
    assert_eq!(rows.len(), out.len(), "a place for each value");
    let (classes, columns) = (labels.classes(), labels.columns());
    if !rows.len().is_multiple_of(classes) {
        return Err(CtcError::RaggedFrames { values: rows.len(), classes });
    }
    let mut log_probs = vec![0.0; rows.len() / classes * columns.count()];
    for (row, gathered) in rows.chunks_exact(classes).zip(log_probs.chunks_exact_mut(columns.count())) {
        columns.gather(row, RowScale::new(row, kind), gathered);
    }
    let shares = occupancy(&Emissions::new(&log_probs, labels));
    let rows = rows.chunks_exact(classes).zip(out.chunks_exact_mut(classes));
    for ((row, out), shares) in rows.zip(shares.chunks_exact(columns.count())) {
        out.fill(0.0);
        for (&class, share) in columns.classes().iter().zip(shares) {
            out[class as usize] = -factor * share;
        }
        through_normaliser(row, kind, out);
    }
    Ok(())
}

/// Writes `factor` times the gradient of one row's cross-entropy to `out`, `[classes]`; zeros where it is ignored.
pub fn cross_entropy_gradient(
    row: &[f64],
    kind: InputKind,
    loss: &CrossEntropy,
    target: Target<'_>,
    factor: f64,
    out: &mut [f64],
) {
    out.fill(0.0);
    if target == Target::Ignored {
        return;
    }
    loss.log_prob_derivative(target, out);
    for g in out.iter_mut() {
        *g *= factor;
    }
    through_normaliser(row, kind, out);
}

/// From derivatives by log-probabilities to those by the values that they are made of.
fn through_normaliser(row: &[f64], kind: InputKind, gradient: &mut [f64]) {
    match kind {
        InputKind::Logits => {
            let scale = RowScale::new(row, kind);
            let total: Sum = gradient.iter().copied().collect();
            for (g, &x) in gradient.iter_mut().zip(row) {
                *g -= scale.log_prob(x).exp() * total.value();
            }
        }
        InputKind::LogProbs => {}
        InputKind::Probs => {
            for (g, p) in gradient.iter_mut().zip(row) {
                // A class that the loss does not look at has no gradient, whatever its probability.
                *g = if *g == 0.0 { 0.0 } else { *g / p };
            }
        }
    }
}

/// Central difference of `loss` at entry `at` of `values`: none where the entry or a loss is not finite.
pub fn central_difference(
    values: &mut [f64],
    at: usize,
    kind: InputKind,
    mut loss: impl FnMut(&[f64]) -> f64,
) -> Option<f64> {
    // The cube root of the rounding unit, where truncation and rounding are about as large.
    const STEP: f64 = 6e-6;
    let x = values[at];
    // The loss bends on a scale of 1 in logarithms, however large they are; a probability must stay one.
    let size = if kind == InputKind::Probs { x.abs() } else { 1.0 };
    let (below, above) = (x - STEP * size, x + STEP * size);
    if !x.is_finite() || below == above {
        return None;
    }
    values[at] = above;
    let high = loss(values);
    values[at] = below;
    let low = loss(values);
    values[at] = x;
    let slope = (high - low) / (above - below);
    slope.is_finite().then_some(slope)
}

/// The entry where a gradient agrees least with a difference of losses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worst {
    /// The entry's row.
    pub row: usize,
    /// The entry's class.
    pub class: usize,
    /// The gradient.
    pub gradient: f64,
    /// The central difference.
    pub difference: f64,
}

impl Worst {
    /// How far they are apart; NaN where the gradient is no number.
    pub fn error(&self) -> f64 {
        (self.gradient - self.difference).abs()
    }
}

/// A gradient against differences at sampled entries.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Entries that were compared.
    pub sampled: usize,
    /// The greatest magnitude of the gradient at them.
    pub greatest: f64,
    /// Where they agree least; none where nothing was compared.
    pub worst: Option<Worst>,
}

/// Rows that are sampled; of each, the entry with the greatest gradient and another.
const SAMPLED_ROWS: usize = 200;

/// Compares `gradient`, `[rows, classes]`, with `difference(row, class)` at entries of `used` rows: always the same
/// ones for the same shape.
pub fn agreement(
    gradient: &[f64],
    classes: usize,
    used: &[usize],
    mut difference: impl FnMut(usize, usize) -> Option<f64>,
) -> Agreement {
    let mut agreement = Agreement::default();
    let count = used.len().min(SAMPLED_ROWS);
    for sample in 0..count {
        let row = used[sample * used.len() / count];
        let of_row = &gradient[row * classes..][..classes];
        let steepest = (0..classes)
            .fold(0, |best, class| if of_row[class].abs() > of_row[best].abs() { class } else { best });
        // Classes in turn, by a step that is prime to most counts.
        let other = sample * 7919 % classes;
        for class in [steepest, other].into_iter().take(1 + usize::from(other != steepest)) {
            let Some(difference) = difference(row, class) else { continue };
            let here = Worst { row, class, gradient: of_row[class], difference };
            agreement.sampled += 1;
            agreement.greatest = agreement.greatest.max(here.gradient.abs());
            let worse = |worst: Worst| here.error().is_nan() || here.error() > worst.error();
            if agreement.worst.is_none_or(worse) {
                agreement.worst = Some(here);
            }
        }
    }
    agreement
}
