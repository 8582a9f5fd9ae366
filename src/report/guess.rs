//! The report of `ctctool loss --guess`.

use serde::Serialize;

use super::check::rounding;
use super::loss::CtcLabelParams;
use super::matrix::MatrixParams;
use super::{Cell, Record, TableText};

/// What was looked for, in which files.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GuessParams {
    /// The matrix.
    #[serde(flatten)]
    pub matrix: MatrixParams,
    /// The labels, as the user named them.
    pub labels: String,
    /// What was given, and is not searched for; null where nothing was: the loss.
    pub criterion: Option<&'static str>,
    /// CTC: `tc`, `tnc` or `ntc`.
    pub layout: Option<&'static str>,
    /// CTC: the blank, as it was given.
    pub blank: Option<String>,
    /// CTC: how items and their labels are read.
    #[serde(flatten)]
    pub ctc_labels: CtcLabelParams,
    /// CTC: whether infinite losses count as 0.
    pub zero_infinity: bool,
    /// Cross-entropy: axis of the classes.
    pub class_axis: Option<i8>,
    /// Cross-entropy: a weight per class.
    pub weight: Option<Vec<f64>>,
    /// Cross-entropy: the target value that is left out.
    pub ignore_index: Option<i64>,
    /// Cross-entropy: label smoothing.
    pub label_smoothing: Option<f64>,
    /// `none`, `mean` or `sum`: the reduction that needs no flag.
    pub reduction: &'static str,
    /// `logits`, `log-probs` or `probs`: the kind that needs no flag.
    pub input: &'static str,
    /// `error` or `propagate`.
    pub nonfinite: &'static str,
    /// The other system's number.
    pub guess: f64,
    /// Relative tolerance.
    pub rtol: f64,
    /// Absolute tolerance.
    pub atol: f64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GuessSummary {
    /// The other system's number.
    pub guess: f64,
    /// Combinations that were tried.
    pub tried: usize,
    /// Combinations that give the number.
    pub matches: usize,
    /// Matches that are listed: the plainest.
    pub listed: usize,
    /// What comes nearest, where nothing matches.
    pub closest: Option<GuessItem>,
}

/// One combination.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GuessItem {
    /// Its number.
    pub value: f64,
    /// How far it is from the one looked for.
    pub relative_difference: f64,
    /// `ctc` or `cross-entropy`.
    pub criterion: &'static str,
    /// `mean`, `sum`, `batch_mean`, `token_mean`, `frame_mean`, `item_frame_mean`, `first_axis_mean` or `item_mean`.
    pub convention: &'static str,
    /// `nats`, `bits`, `digits`, `perplexity` or `log_prob`.
    pub unit: &'static str,
    /// Flags that go with the files; empty where the defaults do.
    pub flags: String,
    /// Whether those flags make this program's reduced loss the number.
    pub flags_suffice: bool,
    /// What no flag says.
    pub note: Option<String>,
}

impl GuessSummary {
    /// The summary for people.
    pub(crate) fn table(&self, params: &GuessParams) -> TableText<'static> {
        let GuessParams { guess, rtol, atol, .. } = params;
        let within =
            if *atol == 0.0 { format!("rtol {rtol:e}") } else { format!("rtol {rtol:e}, atol {atol:e}") };
        let combinations = if self.tried == 1 { "combination" } else { "combinations" };
        let title = match (&self.closest, self.matches) {
            (Some(closest), _) if closest.relative_difference <= NEAR => format!(
                "none of {} {combinations} gives {guess} within {within}; the closest is {}, a relative difference of {:.1e}: {}{}",
                self.tried,
                closest.value,
                closest.relative_difference,
                closest.describe(),
                rounding(closest.value, *guess)
                    .map(|rtol| format!("; rounded, it matches: --rtol {rtol:e}"))
                    .unwrap_or_default()
            ),
            // What is far away explains nothing.
            (Some(_), _) => format!(
                "none of {} {combinations} gives {guess} within {within}, nor comes within {} % of it",
                self.tried,
                100.0 * NEAR
            ),
            (None, 0) => format!("none of {} {combinations} gives {guess} within {within}", self.tried),
            (None, matches) => {
                let listed = if self.listed < matches {
                    format!("; the {} plainest are listed", self.listed)
                } else {
                    String::new()
                };
                let verb = if matches == 1 { "gives" } else { "give" };
                format!("{matches} of {} {combinations} {verb} {guess} within {within}{listed}", self.tried)
            }
        };
        TableText { title, ..TableText::default() }
    }
}

/// How far a number may be from what was asked for to be shown as the closest, relative to that.
const NEAR: f64 = 0.05;

impl GuessItem {
    fn describe(&self) -> String {
        let mut parts = vec![format!("{} {}", self.criterion, self.convention)];
        if !self.flags.is_empty() {
            parts.push(self.flags.clone());
        }
        parts.extend(self.note.clone());
        parts.join("; ")
    }
}

impl Record for GuessItem {
    const COLUMNS: &'static [&'static str] = &[
        "value",
        "relative_difference",
        "criterion",
        "convention",
        "unit",
        "flags",
        "flags_suffice",
        "note",
    ];

    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        sink(Cell::Number(self.value));
        sink(Cell::Number(self.relative_difference));
        sink(Cell::Text(self.criterion));
        sink(Cell::Text(self.convention));
        sink(Cell::Text(self.unit));
        sink(Cell::Text(&self.flags));
        sink(Cell::Text(if self.flags_suffice { "yes" } else { "no" }));
        sink(self.note.as_deref().into());
    }
}
