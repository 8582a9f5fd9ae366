//! What `ctctool loss` says of a gradient.

use serde::Serialize;

use super::{Cell, TableText};
use crate::loss::gradient_check::Worst;

/// The gradient of the reduced loss.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GradientSummary {
    /// Where it was written.
    pub file: Option<String>,
    /// How it agrees with finite differences, where that was asked for.
    pub check: Option<GradientCheck>,
}

/// How a gradient agrees with central differences of the loss.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GradientCheck {
    /// Entries that were compared.
    pub sampled: usize,
    /// The greatest magnitude among them.
    pub greatest_gradient: f64,
    /// The greatest difference; null where an entry is not a number, or none was compared.
    pub worst_absolute_error: Option<f64>,
    /// That over `greatest_gradient`.
    pub worst_relative_error: Option<f64>,
    /// Where it is.
    pub worst_place: Option<String>,
    /// The gradient there.
    pub gradient: Option<f64>,
    /// The central difference there.
    pub difference: Option<f64>,
}

impl GradientCheck {
    /// Puts the numbers together; `place` is where the worst entry is.
    pub(crate) fn new(sampled: usize, greatest: f64, worst: Option<Worst>, place: Option<String>) -> Self {
        let error = worst.map(|worst| worst.error()).filter(|error| error.is_finite());
        Self {
            sampled,
            greatest_gradient: greatest,
            worst_absolute_error: error,
            worst_relative_error: error.filter(|_| greatest > 0.0).map(|error| error / greatest),
            worst_place: place,
            gradient: worst.map(|worst| worst.gradient),
            difference: worst.map(|worst| worst.difference),
        }
    }

    /// The check for people.
    pub(crate) fn table(&self) -> TableText<'_> {
        let title = format!("gradient against central differences at {} entries", self.sampled);
        let Some(place) = &self.worst_place else { return TableText { title, ..TableText::default() } };
        let number = |value: Option<f64>| Cell::Number(value.unwrap_or(f64::NAN));
        let rows = vec![
            vec![Cell::Text("worst absolute error"), number(self.worst_absolute_error)],
            vec![Cell::Text("relative to the greatest gradient"), number(self.worst_relative_error)],
            vec![Cell::Text("at"), Cell::Text(place)],
            vec![Cell::Text("gradient there"), number(self.gradient)],
            vec![Cell::Text("central difference there"), number(self.difference)],
        ];
        TableText { title, header: vec!["", "value"], rows }
    }
}
