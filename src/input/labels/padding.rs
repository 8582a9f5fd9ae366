//! Rows of labels that are filled up to one length.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Content, Integers, LabelFile};
use crate::input::List;
use crate::input::numbers::{whole_number, words};
use crate::input::text::lines_of;

/// So many lines of text tell what is at their ends alone.
const MANY_LINES: usize = 8;

/// Rows of class indices, all of one width above 0.
struct Rows<'a> {
    width: usize,
    values: Values<'a>,
}

enum Values<'a> {
    OfArray(&'a Integers),
    OfText(Vec<i64>),
}

impl Rows<'_> {
    fn len(&self) -> usize {
        let values = match &self.values {
            Values::OfArray(values) => values.len(),
            Values::OfText(values) => values.len(),
        };
        values / self.width
    }

    /// None where 64 bits do not hold it.
    fn get(&self, row: usize, at: usize) -> Option<i64> {
        let at = row * self.width + at;
        match &self.values {
            Values::OfArray(values) => values.get(at),
            Values::OfText(values) => Some(values[at]),
        }
    }

    /// How many rows are padded with a class: 0 may be among the labels, too; another class is nowhere else, and fills
    /// the end of most rows.
    fn padded_with(&self, class: i64) -> Option<usize> {
        let is_padding = |row: usize, at: usize| self.get(row, at) == Some(class);
        let length =
            |row: usize| self.width - (0..self.width).rev().take_while(|&at| is_padding(row, at)).count();
        let lengths: Vec<usize> = (0..self.len()).map(length).collect();
        let rows_below = |length: usize| lengths.iter().filter(|&&other| other < length).count();
        let (several, any) = (rows_below(self.width - 1), rows_below(self.width));
        let only_at_ends = || (0..self.len()).all(|row| (0..lengths[row]).all(|at| !is_padding(row, at)));
        let (unequal, most) = (lengths.iter().min() < lengths.iter().max(), 2 * several > self.len());
        let padded = match self.values {
            // Round numbers may end in 0 as well.
            Values::OfText(_) => self.len() >= MANY_LINES && only_at_ends(),
            Values::OfArray(_) if class == 0 => most || only_at_ends(),
            Values::OfArray(_) => most && only_at_ends(),
        };
        (unequal && several > 0 && any > 1 && padded).then_some(any)
    }
}

/// Labels behind their rows' lengths that are no padding.
pub(crate) struct LeftOut {
    /// The first of them.
    pub(crate) label: i64,
    pub(crate) row: usize,
    pub(crate) position: usize,
    /// How many rows have some.
    pub(crate) rows: usize,
}

impl LabelFile {
    /// The class indices of an array of two axes, or of lines of equally many.
    fn rows(&self) -> Option<Rows<'_>> {
        let (width, values) = match &self.content {
            Content::Integers { shape, values } => match shape[..] {
                [_, width] => (width, Values::OfArray(values)),
                _ => return None,
            },
            Content::Floats { .. } => return None,
            Content::Text(text) => {
                let width = words(lines_of(text).next()?).count();
                let mut values = Vec::new();
                for line in lines_of(text) {
                    let before = values.len();
                    for (_, word) in words(line) {
                        values.push(whole_number(word)?);
                    }
                    if values.len() != before + width {
                        return None;
                    }
                }
                (width, Values::OfText(values))
            }
        };
        // Rows without a place may be any number.
        (width > 0).then_some(Rows { width, values })
    }

    /// Where a class fills the end of rows as padding does: the class, and how many of the rows.
    pub(crate) fn padded_rows(&self) -> Option<(i64, usize)> {
        let rows = self.rows()?;
        let padded_with = |class: i64| Some((class, rows.padded_with(class)?));
        // What ends most rows is what ends the middle one of them in order.
        let most = || {
            let mut ends: Vec<i64> =
                (0..rows.len()).filter_map(|row| rows.get(row, rows.width - 1)).collect();
            ends.sort_unstable();
            ends.get(ends.len() / 2).copied()
        };
        padded_with(0).or_else(|| padded_with(most()?))
    }

    /// What `lengths`, one for each row of an array, leave out besides what they leave out most.
    pub(crate) fn left_out(&self, lengths: &List<i64>) -> Option<LeftOut> {
        let rows = self.rows().filter(|rows| rows.len() == lengths.len())?;
        let behind = |row: usize| -> Range<usize> {
            usize::try_from(lengths[row]).map_or(rows.width, |length| length.min(rows.width))..rows.width
        };
        let left_out = || (0..rows.len()).filter(|&row| !behind(row).is_empty());
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for row in left_out() {
            for label in behind(row).filter_map(|at| rows.get(row, at)) {
                *counts.entry(label).or_default() += 1;
            }
        }
        // Of equally many the least, for padding is mostly 0 or less.
        let (&padding, _) = counts.iter().rev().max_by_key(|(_, count)| **count)?;
        let padded = left_out().filter(|&row| rows.get(row, rows.width - 1) == Some(padding)).count();
        // What was left in memory is no padding, and what follows each row's labels, such as an end, is none of them.
        let first = |row: usize| rows.get(row, behind(row).start);
        let followed = left_out().next().map(first)?;
        let all_followed = followed != Some(padding) && left_out().all(|row| first(row) == followed);
        if rows.len() < 2 || 2 * padded < left_out().count() || all_followed {
            return None;
        }
        let mut found = (0..rows.len()).filter_map(|row| {
            let is_label = |&at: &usize| rows.get(row, at).is_some_and(|label| label != padding);
            let position = behind(row).find(is_label)?;
            Some(LeftOut { label: rows.get(row, position)?, row, position, rows: 1 })
        });
        let first = found.next()?;
        Some(LeftOut { rows: 1 + found.count(), ..first })
    }
}
