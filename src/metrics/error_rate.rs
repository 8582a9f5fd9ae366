//! Character, word and sentence error rates.

use super::edit_distance::{EditCounts, edit_counts};

/// The errors of one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineErrors {
    /// Counts over Unicode scalar values.
    pub characters: EditCounts,
    /// Counts over words, split at white space.
    pub words: EditCounts,
}

impl LineErrors {
    /// Compares a line with its reference. Nothing is trimmed or folded.
    pub fn new(reference: &str, hypothesis: &str) -> Self {
        let (expected, found) = (characters(reference), characters(hypothesis));
        Self {
            characters: edit_counts(&expected, &found),
            words: edit_counts(&words(reference), &words(hypothesis)),
        }
    }
}

/// The Unicode scalar values of a line.
pub fn characters(line: &str) -> Vec<char> {
    line.chars().collect()
}

/// The words of a line, as separated by white space (as Unicode defines it).
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// The errors of many lines together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorRates {
    /// Total counts over all lines, in Unicode scalar values.
    pub characters: EditCounts,
    /// Total counts over all lines, in words.
    pub words: EditCounts,
    /// Number of lines.
    pub lines: usize,
    /// Number of lines that differ from their reference in any character.
    pub wrong_lines: usize,
}

impl ErrorRates {
    /// Adds a line.
    pub fn add(&mut self, line: &LineErrors) {
        self.characters += line.characters;
        self.words += line.words;
        self.lines += 1;
        self.wrong_lines += usize::from(line.characters.errors() > 0);
    }

    /// Character error rate: total errors divided by total reference length; `None` if that is zero.
    pub fn cer_ratio(&self) -> Option<f64> {
        self.characters.rate()
    }

    /// Word error rate: total errors divided by total reference length in words; `None` if that is zero.
    pub fn wer_ratio(&self) -> Option<f64> {
        self.words.rate()
    }

    /// Sentence error rate: wrong lines divided by all lines; `None` if there are no lines.
    pub fn ser_ratio(&self) -> Option<f64> {
        (self.lines > 0).then(|| self.wrong_lines as f64 / self.lines as f64)
    }
}
