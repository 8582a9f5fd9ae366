//! Checks a gradient against finite differences of the loss, at some entries.

use crate::logits::InputKind;

/// A row, and the gradient with respect to its values.
#[derive(Clone, Debug, PartialEq)]
pub struct RowSample {
    /// The user's number of the row.
    pub row: usize,
    /// Its values, `[classes]`.
    pub values: Vec<f64>,
    /// The gradient with respect to each value, `[classes]`.
    pub gradient: Vec<f64>,
}

/// A derivative estimated by finite differences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// The central difference.
    pub value: f64,
    /// How much of it may be due to the rounding of the losses.
    pub noise: f64,
}

impl Slope {
    /// The slope of `factor` times the loss.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { value: self.value * factor, noise: self.noise * factor.abs() }
    }
}

/// Central difference of `loss` at entry `at` of `values`; `None` if the entry or a loss is not finite.
pub fn central_difference(
    values: &mut [f64],
    at: usize,
    kind: InputKind,
    mut loss: impl FnMut(&[f64]) -> f64,
) -> Option<Slope> {
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
    let value = (high - low) / (above - below);
    let noise = f64::EPSILON * high.abs().max(low.abs()).max(1.0) / (above - below);
    value.is_finite().then_some(Slope { value, noise })
}

/// The entry at which the gradient agrees least with the central difference.
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
    /// The absolute difference of the two; NaN if the gradient is NaN.
    pub fn error(&self) -> f64 {
        (self.gradient - self.difference).abs()
    }
}

/// How well a gradient agrees with central differences at sampled entries.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Number of entries that were compared.
    pub sampled: usize,
    /// The largest magnitude of the gradient at these entries.
    pub greatest: f64,
    /// Where they agree least; `None` if nothing was compared.
    pub worst: Option<Worst>,
}

/// Rows that are sampled; of each, the entry with the greatest gradient and another.
const SAMPLED_ROWS: usize = 200;

/// The rows to compare, out of those that are `used`, in order; the choice depends only on how many there are.
pub fn sampled_rows(used: &[usize]) -> Vec<usize> {
    let count = used.len().min(SAMPLED_ROWS);
    (0..count).map(|sample| used[sample * used.len() / count]).collect()
}

/// Entries that are tried for one with a difference: at a probability of 0 there is none.
const TRIED: usize = 8;

/// The entries of a row by which the loss falls or rises most, the steepest first.
fn steepest(gradient: &[f64]) -> Vec<usize> {
    let steepness = |class: usize| if gradient[class].is_nan() { 0.0 } else { gradient[class].abs() };
    let steeper = |a: &usize, b: &usize| steepness(*b).total_cmp(&steepness(*a)).then(a.cmp(b));
    let mut classes: Vec<usize> = (0..gradient.len()).collect();
    if classes.len() > TRIED {
        classes.select_nth_unstable_by(TRIED, steeper);
        classes.truncate(TRIED);
    }
    classes.sort_unstable_by(steeper);
    classes
}

/// A difference of which rounding may be more than this, relative to the greatest gradient, tells nothing: that of a probability
/// next to 0, whose steps are too small to be seen in the loss.
const MOST_NOISE: f64 = 1e-4;

/// Compares the gradient with `difference(sample, class)` at entries of the rows of `samples`, in their order, where the
/// difference tells anything.
pub fn agreement(
    samples: &[RowSample],
    mut difference: impl FnMut(&RowSample, usize) -> Option<Slope>,
) -> Agreement {
    let mut found: Vec<(Worst, f64)> = Vec::new();
    for (number, sample) in samples.iter().enumerate() {
        let gradient = &sample.gradient;
        let mut compared = |class: usize| {
            let Slope { value, noise } = difference(sample, class)?;
            let here = Worst { row: sample.row, class, gradient: gradient[class], difference: value };
            found.push((here, noise));
            Some(class)
        };
        let first = steepest(gradient).into_iter().find_map(&mut compared);
        // Classes in turn, by a step that is prime to most counts.
        let other = number * 7919 % gradient.len();
        if first != Some(other) {
            compared(other);
        }
    }
    // Where a difference tells nothing, the gradient is no measure for others either.
    let tells = |(here, noise): &&(Worst, f64)| *noise <= MOST_NOISE * here.gradient.abs();
    let greatest = found.iter().filter(tells).map(|(here, _)| here.gradient.abs()).fold(0.0, f64::max);
    let is_steep = |(here, _): &(Worst, f64)| here.gradient.abs() > 0.0;
    let all_flat = !found.iter().any(is_steep);
    let mut agreement = Agreement::default();
    for (here, _) in found.into_iter().filter(|&(_, noise)| all_flat || noise <= MOST_NOISE * greatest) {
        agreement.sampled += 1;
        agreement.greatest = agreement.greatest.max(here.gradient.abs());
        let worse = |worst: Worst| here.error().is_nan() || here.error() > worst.error();
        if agreement.worst.is_none_or(worse) {
            agreement.worst = Some(here);
        }
    }
    agreement
}
