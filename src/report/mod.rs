//! What a result is, and one renderer a file.
//!
//! A command builds a [`Report`]; [`Output`] renders it as a table, JSON, JSON lines, CSV, or what CI reads.

pub(crate) mod align;
mod cell;
mod check;
mod chunks;
mod ci;
pub(crate) mod compare;
mod csv;
pub(crate) mod ctc_input;
pub(crate) mod decode;
pub(crate) mod error_counts;
pub(crate) mod eval;
pub(crate) mod gradient;
pub(crate) mod gradient_file;
pub(crate) mod guess;
mod guess_words;
pub(crate) mod inspect;
pub(crate) mod intervals;
mod json;
mod listing;
pub(crate) mod loss;
pub(crate) mod matrix;
mod new_file;
mod npy;
mod number;
mod output;
mod random_write;
pub(crate) mod relation;
pub(crate) mod result_differences;
mod table;
pub(crate) mod transcripts;
pub(crate) mod tune;

use serde::Serialize;

use crate::input::counted;
pub(crate) use cell::{Cell, Details, ItemId, Record, TableText};
pub(crate) use check::Check;
pub(crate) use check::listed;
pub(crate) use npy::write_npy_header;
pub(crate) use number::Shortest;
pub(crate) use output::is_standard_output;
pub(crate) use output::{Format, Output, OutputError};
pub(crate) use random_write::RandomWrite;
pub(crate) use table::escaped;

/// Something that the user should know about the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Warning {
    /// A stable name for scripts: `infeasible`, `not_normalised`.
    pub code: &'static str,
    /// One line for people.
    pub message: String,
}

impl Warning {
    /// A warning for each item's objection, sorted by its status's name; those of one status stay in order.
    pub(crate) fn of_items(objections: impl Iterator<Item = (Status, String)>) -> Vec<Self> {
        let mut warnings: Vec<Self> =
            objections.map(|(status, message)| Self { code: status.name(), message }).collect();
        warnings.sort_by_key(|warning| warning.code);
        warnings
    }

    /// What people see of warnings: the first of those of many items, at most so many, and how many more there are.
    pub(crate) fn for_people(warnings: &[Self], most: usize) -> Vec<Self> {
        let mut shown = Vec::new();
        for same in warnings.chunk_by(|a, b| a.code == b.code) {
            let (first, rest) = same.split_at(same.len().min(most));
            shown.extend_from_slice(first);
            if !rest.is_empty() {
                let (code, verb) = (first[0].code, if rest.len() == 1 { "is" } else { "are" });
                let message = format!("{} {verb} {code}", counted(rest.len(), "more item"));
                shown.push(Self { code, message });
            }
        }
        shown
    }
}

/// Why there is no alignment of an item with too few frames.
pub(crate) fn infeasible(id: &ItemId, labels: usize, frames_needed: usize, frames: usize) -> String {
    format!(
        "{id}: infeasible: its {} need{} {}, but it has {frames}",
        counted(labels, "label"),
        if labels == 1 { "s" } else { "" },
        counted(frames_needed, "frame"),
    )
}

/// The result of a command.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report<P, S, I> {
    schema_version: u32,
    command: &'static str,
    version: &'static str,
    /// Every setting that the result depends on, as resolved.
    pub params: P,
    /// What the user should know about the input.
    pub warnings: Vec<Warning>,
    /// The checks that were asked for and how they came out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// The result for the whole.
    pub summary: S,
    /// The result for each item.
    pub items: Vec<I>,
}

impl<P, S, I> Report<P, S, I> {
    /// A report of `command` by this version of the program.
    pub(crate) fn new(command: &'static str, params: P, summary: S) -> Self {
        Self {
            schema_version: crate::SCHEMA_VERSION,
            command,
            version: env!("CARGO_PKG_VERSION"),
            params,
            warnings: Vec::new(),
            checks: Vec::new(),
            summary,
            items: Vec::new(),
        }
    }

    /// The same without its items.
    fn without_items(&self) -> Report<&P, &S, I> {
        Report {
            schema_version: self.schema_version,
            command: self.command,
            version: self.version,
            params: &self.params,
            warnings: self.warnings.clone(),
            checks: self.checks.clone(),
            summary: &self.summary,
            items: Vec::new(),
        }
    }

    /// Whether every check that was asked for holds.
    pub(crate) fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }
}

/// What kind of number a loss is; JSON has no infinities, so it stands beside the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// A finite number.
    Ok,
    /// Left out by `ignore_index`.
    Ignored,
    /// `+inf`, because there are fewer frames than the labels need; of a transcript, that a lexicon or
    /// `--token-min-logp` leaves no text.
    Infeasible,
    /// Infinite for another reason.
    Infinite,
    /// Not a number.
    Nan,
}

impl Status {
    /// The status of a number by itself.
    pub(crate) fn of(value: f64) -> Self {
        if value.is_nan() {
            Self::Nan
        } else if value.is_infinite() {
            Self::Infinite
        } else {
            Self::Ok
        }
    }

    /// The name that JSON has.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Ignored => "ignored",
            Self::Infeasible => "infeasible",
            Self::Infinite => "infinite",
            Self::Nan => "nan",
        }
    }
}
