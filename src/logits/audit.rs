//! Checks of the rows in use: whether they are distributions, and what they look like.

use thiserror::Error;

use super::log_bases::LogBases;
use super::row::sums_to_one;
use super::whole_numbers::WholeNumbers;
use super::{InputKind, Nonfinite};
use crate::kernel::{Element, log_sum_exp};

/// A row in use that is not a distribution.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("row {row}, class {class}: {value} where a finite number was expected")]
pub struct ImproperRow {
    /// The row's number, in the user's order.
    pub row: usize,
    /// The first class whose value is at fault.
    pub class: usize,
    /// The value found there.
    pub value: f64,
    /// Whether every value of the row is `-inf` (or every probability 0).
    pub all_impossible: bool,
}

/// Rows of probabilities, or of their logarithms, that do not sum to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unnormalised {
    /// How many there are.
    pub rows: usize,
    /// The first of them, in the user's numbering.
    pub first: usize,
    /// What that sums to.
    pub sum: f64,
}

/// Rows that are looked at to tell what the numbers are.
const SAMPLE_ROWS: usize = 256;

/// Whether a row that may be probabilities, of which none is below 0, sums to one but for what two decimals round away.
/// Of logits, hardly one row does.
pub(crate) fn may_sum_to_one(sum: f64) -> bool {
    (sum - 1.0).abs() <= 0.02
}

/// Steps from 0 to 1 of what is written with two decimals, or was stored in a byte.
const STEPS: [f64; 3] = [100.0, 255.0, 256.0];

/// Whether a row, which sums to `sum`, consists of probabilities that were rounded to few steps. Each may be half a step
/// off, and many that are less than that are lost.
pub(super) fn are_rounded_probs<E: Element>(row: &[E], sum: f64) -> bool {
    let may_be = |steps: f64| {
        let lost = (0.5 * row.len() as f64 / steps).min(0.5);
        // As near as half precision, or six decimals, can be.
        let on_step = |x: f64| {
            let step = x * steps;
            (0.0..=1.0).contains(&x) && (step - step.round()).abs() <= 1e-3 + 5e-4 * step
        };
        (sum - 1.0).abs() <= lost && row.iter().all(|x| on_step(x.to_f64()))
    };
    row.len() > 1 && STEPS.into_iter().any(may_be)
}

/// Watches the rows in use for signs that they are not what they were given as.
#[derive(Clone, Debug)]
pub struct RowAudit {
    kind: InputKind,
    nonfinite: Nonfinite,
    /// How many rows do not sum to one.
    unnormalised: usize,
    /// The first of them, in the user's numbering, and what it sums to.
    first_unnormalised: Option<(usize, f64)>,
    sampled: usize,
    /// Of the rows that were sampled, the first that can't be probabilities.
    first_unlike_probs: Option<usize>,
    /// Whether the sum of one that may be probabilities shows that these were rounded.
    rounded: bool,
    /// And the first in which a probability is more than e times another, or which can be neither probabilities nor their
    /// logarithms.
    first_steep: Option<usize>,
    /// Of the first [`FEW_ROWS`], the first with a value that no probability is and no logarithm of one.
    first_unbounded: Option<usize>,
    /// Of these, the first whose exponentials do not sum to one.
    first_unlike_log_probs: Option<usize>,
    bases: LogBases,
    whole: WholeNumbers,
}

/// Rows that are looked at more closely.
const FEW_ROWS: usize = 8;

/// Softmax over probabilities makes none more than e times another; single precision and decimals may round it so far.
const FLAT_NATS: f64 = 1.0 + 1e-3;
/// So many rows are no accident.
pub(super) const SEVERAL_ROWS: usize = 16;

/// Whether of probabilities from `least` to `greatest` none is more than e times another.
pub(super) fn is_flat(least: f64, greatest: f64) -> bool {
    greatest <= FLAT_NATS.exp() * least
}

/// Whether the same holds where these are logarithms.
pub(super) fn is_flat_in_logs(least: f64, greatest: f64) -> bool {
    greatest - least <= FLAT_NATS
}

/// Whether a row may be probabilities.
pub(super) fn are_probs<E: Element>(row: &[E]) -> bool {
    sum_of_seeming_probs(row).is_some()
}

/// What a row sums to, if it may be probabilities.
fn sum_of_seeming_probs<E: Element>(row: &[E]) -> Option<f64> {
    let values = || row.iter().map(|x| x.to_f64());
    // A row of logits ends at its first negative value; the sum of all would take longer than their loss.
    if row.len() < 2 || !values().all(|x| x >= 0.0) {
        return None;
    }
    let sum = values().sum();
    (may_sum_to_one(sum) || are_rounded_probs(row, sum)).then_some(sum)
}

/// Whether a row may be probabilities, or logarithms of some, that need not sum to one. A row of logits soon has a value
/// on either side.
fn are_bounded<E: Element>(row: &[E]) -> bool {
    let values = || row.iter().map(|x| x.to_f64());
    values().all(|x| x <= 0.0) || values().all(|x| (0.0..=1.0).contains(&x))
}

fn are_flat_probs<E: Element>(row: &[E]) -> bool {
    let values = row.iter().map(|x| x.to_f64());
    let (least, most) = values.fold((f64::INFINITY, 0.0), |(least, most), x| (x.min(least), x.max(most)));
    is_flat(least, most)
}

/// Most rows end soon, at a value above 0 or far from another.
fn are_flat_log_probs<E: Element>(row: &[E]) -> bool {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    let is_near = |x: f64| {
        (least, most) = (x.min(least), x.max(most));
        x <= 0.0 && is_flat_in_logs(least, most)
    };
    row.len() > 1
        && row.iter().map(|x| x.to_f64()).all(is_near)
        && sums_to_one(log_sum_exp(row).value().exp())
}

impl RowAudit {
    /// An audit that has seen no row yet.
    pub fn new(kind: InputKind, nonfinite: Nonfinite) -> Self {
        Self {
            kind,
            nonfinite,
            unnormalised: 0,
            first_unnormalised: None,
            sampled: 0,
            first_unlike_probs: None,
            rounded: false,
            first_steep: None,
            first_unbounded: None,
            first_unlike_log_probs: None,
            bases: LogBases::default(),
            whole: WholeNumbers::default(),
        }
    }

    /// The same, of rows that come after `before` others: if those are enough of a sample, it wants none of its own.
    pub(crate) fn after(before: usize, kind: InputKind, nonfinite: Nonfinite) -> Self {
        let sampled = if before < SAMPLE_ROWS { 0 } else { SAMPLE_ROWS };
        Self { sampled, ..Self::new(kind, nonfinite) }
    }

    /// The kind of input that the numbers were given as.
    pub fn kind(&self) -> InputKind {
        self.kind
    }

    /// How many rows are still wanted by [`Self::sample`].
    pub fn wanted(&self) -> usize {
        SAMPLE_ROWS.saturating_sub(self.sampled)
    }

    /// Looks at a row to tell whether it could be probabilities; `number` is its number in the file, or in the item.
    pub fn sample<E: Element>(&mut self, number: usize, row: &[E]) {
        let sum = sum_of_seeming_probs(row);
        let are_probs = sum.is_some();
        self.rounded |= sum.is_some_and(|sum| !may_sum_to_one(sum));
        if !are_probs || self.kind == InputKind::Probs {
            self.first_unlike_probs.get_or_insert(self.sampled);
        }
        if !are_probs && !are_flat_log_probs(row) || are_probs && !are_flat_probs(row) {
            self.first_steep.get_or_insert(self.sampled);
        }
        if self.sampled < FEW_ROWS {
            if !are_bounded(row) {
                self.first_unbounded.get_or_insert(self.sampled);
            } else if !sums_to_one(log_sum_exp(row).value().exp()) {
                self.first_unlike_log_probs.get_or_insert(self.sampled);
            }
        }
        self.bases.look(number, row);
        self.whole.look(number, row);
        self.sampled += 1;
    }

    /// Notes what the probabilities of `row` sum to; NaN means that it is not a distribution.
    ///
    /// # Errors
    /// If the row is not a distribution and such rows are refused; only then is `values` asked for its content.
    pub fn note(
        &mut self,
        row: usize,
        total: f64,
        values: impl FnOnce() -> Vec<f64>,
    ) -> Result<(), ImproperRow> {
        if total.is_nan() {
            return match self.nonfinite {
                Nonfinite::Error => Err(self.improper(row, &values())),
                Nonfinite::Propagate => Ok(()),
            };
        }
        if !sums_to_one(total) {
            self.unnormalised += 1;
            if self.first_unnormalised.is_none_or(|(first, _)| row < first) {
                self.first_unnormalised = Some((row, total));
            }
        }
        Ok(())
    }

    /// [`Self::note`] for a row whose `scores` are at hand, `[classes]`.
    pub(crate) fn note_row<E: Element>(
        &mut self,
        row: usize,
        total: f64,
        scores: &[E],
    ) -> Result<(), ImproperRow> {
        self.note(row, total, || scores.iter().map(|x| x.to_f64()).collect())
    }

    fn improper(&self, row: usize, values: &[f64]) -> ImproperRow {
        let impossible = if self.kind == InputKind::Probs { 0.0 } else { f64::NEG_INFINITY };
        let at_fault =
            |x: &f64| x.is_nan() || *x == f64::INFINITY || self.kind == InputKind::Probs && *x < 0.0;
        let all_impossible = values.iter().all(|&x| x == impossible);
        let class = values.iter().position(at_fault).unwrap_or(0);
        ImproperRow { row, class, value: values.get(class).copied().unwrap_or(f64::NAN), all_impossible }
    }

    /// Adds what another audit saw; its row 0 is row `first_row` here.
    pub fn merge(&mut self, other: &Self, first_row: usize) {
        self.unnormalised += other.unnormalised;
        if let Some((row, total)) = other.first_unnormalised
            && self.first_unnormalised.is_none_or(|(first, _)| first_row + row < first)
        {
            self.first_unnormalised = Some((first_row + row, total));
        }
        // As many as if one audit had seen all.
        let sampled = other.sampled.min(self.wanted());
        let next = |first: Option<usize>| first.filter(|&row| row < sampled).map(|row| self.sampled + row);
        self.first_unlike_probs = self.first_unlike_probs.or(next(other.first_unlike_probs));
        self.rounded |= other.rounded && sampled > 0;
        self.first_steep = self.first_steep.or(next(other.first_steep));
        self.first_unbounded = self.first_unbounded.or(next(other.first_unbounded));
        self.first_unlike_log_probs = self.first_unlike_log_probs.or(next(other.first_unlike_log_probs));
        self.bases.add(other.bases);
        self.whole.add(other.whole);
        self.sampled += sampled;
    }

    /// The rows of log-probabilities or probabilities that do not sum to 1, if there are any.
    pub fn unnormalised(&self) -> Option<Unnormalised> {
        self.first_unnormalised.map(|(first, sum)| Unnormalised { rows: self.unnormalised, first, sum })
    }

    /// Whether the rows were given as logits and are no distributions, but may be made of the values of some that lie
    /// along another axis.
    pub(crate) fn may_be_parts_of_distributions(&self) -> bool {
        let among_few = |first: Option<usize>| first.is_some_and(|row| row < FEW_ROWS);
        self.kind == InputKind::Logits
            && !among_few(self.first_unbounded)
            && self.first_unlike_probs.is_some()
            && among_few(self.first_unlike_log_probs)
    }

    /// The number of sampled rows, if none has a probability more than e times another: then softmax was applied to
    /// probabilities, or the network has learned nothing.
    pub fn looks_flat(&self) -> Option<usize> {
        (self.sampled >= SEVERAL_ROWS && self.first_steep.is_none()).then_some(self.sampled)
    }

    /// The number of rows looked at, if the first rows hold whole numbers alone, and not only 0 and 1.
    pub fn looks_whole(&self) -> Option<usize> {
        self.whole.rows()
    }

    /// The number of rows looked at and the base, if the first rows are logarithms of probabilities to another base
    /// than e.
    pub fn looks_like_other_base(&self) -> Option<(usize, u8)> {
        self.bases.other()
    }

    /// Whether a sampled row seems to be probabilities that were rounded, so that they do not sum to 1.
    pub fn looks_rounded(&self) -> bool {
        self.rounded
    }

    /// The number of sampled rows, if all of them look like probabilities but were given as logits or
    /// log-probabilities.
    pub fn looks_like_probs(&self) -> Option<usize> {
        (self.sampled > 0 && self.first_unlike_probs.is_none()).then_some(self.sampled)
    }
}
