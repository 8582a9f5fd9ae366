//! Edit counts as results show them.

use serde::Serialize;

use super::{Cell, ItemId};
use crate::metrics::{EditCounts, ErrorRates, LineErrors};

/// What differs from a reference, in characters or words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ErrorCounts {
    /// Another symbol than the reference has.
    pub substitutions: usize,
    /// Symbols of the reference that are missing.
    pub deletions: usize,
    /// Symbols that the reference does not have.
    pub insertions: usize,
    /// Symbols as in the reference.
    pub correct: usize,
    /// Symbols of the reference.
    pub reference_length: usize,
}

impl ErrorCounts {
    /// The edit distance.
    pub(crate) fn errors(&self) -> usize {
        self.substitutions + self.deletions + self.insertions
    }
}

impl From<EditCounts> for ErrorCounts {
    fn from(counts: EditCounts) -> Self {
        Self {
            substitutions: counts.substitutions,
            deletions: counts.deletions,
            insertions: counts.insertions,
            correct: counts.correct,
            reference_length: counts.reference_length(),
        }
    }
}

/// The errors of one line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct ItemErrors {
    /// Character errors over characters of the reference; null where it has none.
    pub cer_ratio: Option<f64>,
    /// Word errors over words of the reference, likewise.
    pub wer_ratio: Option<f64>,
    /// On Unicode scalar values.
    pub characters: ErrorCounts,
    /// On words split at white space.
    pub words: ErrorCounts,
}

impl ItemErrors {
    /// As [`super::Record::failure`] says it; none where there are no errors.
    pub(super) fn failure(&self, id: &ItemId, reference: &str, text: &str) -> Option<(String, String)> {
        let (characters, words) = (self.characters.errors(), self.words.errors());
        (characters > 0).then(|| {
            let message = format!(
                "{id}: {characters} of {} characters and {words} of {} words wrong: expected '{reference}', found \
                 '{text}'",
                self.characters.reference_length, self.words.reference_length
            );
            (id.to_string(), message)
        })
    }
}

impl From<LineErrors> for ItemErrors {
    fn from(line: LineErrors) -> Self {
        Self {
            cer_ratio: line.characters.rate(),
            wer_ratio: line.words.rate(),
            characters: line.characters.into(),
            words: line.words.into(),
        }
    }
}

/// The errors of a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct RateSummary {
    /// Total character errors over total reference length; null where that is 0.
    pub cer_ratio: Option<f64>,
    /// Total word errors over total reference length; null where that is 0.
    pub wer_ratio: Option<f64>,
    /// Lines with any error over all lines; null where there is no line.
    pub ser_ratio: Option<f64>,
    /// On Unicode scalar values.
    pub characters: ErrorCounts,
    /// On words split at white space.
    pub words: ErrorCounts,
}

impl From<ErrorRates> for RateSummary {
    fn from(rates: ErrorRates) -> Self {
        Self {
            cer_ratio: rates.cer_ratio(),
            wer_ratio: rates.wer_ratio(),
            ser_ratio: rates.ser_ratio(),
            characters: rates.characters.into(),
            words: rates.words.into(),
        }
    }
}

impl RateSummary {
    /// Columns of [`Self::rows`].
    pub(crate) const HEADER: [&'static str; 8] =
        ["", "rate", "errors", "substitutions", "deletions", "insertions", "correct", "reference"];

    /// The rates and their counts for people.
    pub(crate) fn rows(&self) -> Vec<Vec<Cell<'static>>> {
        let row = |name: &'static str, ratio: Option<f64>, counts: ErrorCounts| {
            let numbers = [
                counts.errors(),
                counts.substitutions,
                counts.deletions,
                counts.insertions,
                counts.correct,
                counts.reference_length,
            ];
            let mut row = vec![Cell::Text(name), ratio.into()];
            row.extend(numbers.map(|count| Cell::Count(count as u64)));
            row
        };
        vec![row("CER", self.cer_ratio, self.characters), row("WER", self.wer_ratio, self.words)]
    }
}
