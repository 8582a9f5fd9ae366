//! Targets of CTC: a label sequence for each item.

use std::ops::Range;

use rayon::prelude::*;

use super::hints::LabelDoubt;
use super::token_hints::token_hint;
use super::{Content, LabelFile, WHOLE};
use crate::input::alphabet::{Alphabet, LabelSplit, NoToken};
use crate::input::error::counted;
use crate::input::numbers::{empty_field, is_number, is_too_large, whole_number, words};
use crate::input::text::{line_count, lines_of};
use crate::input::{InputError, List, Place};
use crate::loss::ctc::{CtcError, CtcLabels};
use crate::shown::{cut, shown};

/// Lines that a thread takes at a time.
const LINES_AT_ONCE: usize = 1024;

/// Stands for what 64 bits do not hold.
pub(super) const TOO_LARGE: i64 = i64::MAX;

/// An error of a label, and what is to be said of how to go on.
struct BadLabel {
    error: InputError,
    doubt: Option<LabelDoubt>,
}

/// An error of a line of text.
enum BadLine {
    /// Of a line, from 0: what to say of it is to be found out.
    NoToken {
        line: usize,
        found: NoToken,
    },
    Error(InputError),
}

impl From<InputError> for BadLine {
    fn from(error: InputError) -> Self {
        Self::Error(error)
    }
}

impl From<InputError> for BadLabel {
    fn from(error: InputError) -> Self {
        Self { error, doubt: None }
    }
}

impl LabelFile {
    /// Label sequences of class indices for `items` items. `lengths` are the label lengths, if they were given.
    ///
    /// # Errors
    /// If there are not as many sequences as items, or a label is not a class or is the blank.
    pub fn index_sequences(
        &self,
        items: usize,
        lengths: Option<&List<i64>>,
        classes: usize,
        blank: u32,
    ) -> Result<Vec<CtcLabels>, InputError> {
        // Once, for what all labels tell takes its time.
        let with_hint = |bad: BadLabel| {
            let hint = bad.doubt.and_then(|doubt| self.label_hint(doubt, classes, lengths));
            bad.error.maybe_hint(hint)
        };
        if let Content::Text(text) = &self.content {
            self.check_count(items, line_count(text), "line")?;
            let sequence = |(line, content): (usize, &str)| {
                let place_of = |position| place_in_line(line, content, position);
                let written =
                    |position| words(content).nth(position).map_or(String::new(), |(_, word)| cut(word));
                self.sequence(&self.index_line(line, content)?, place_of, written, classes, blank)
            };
            return of_lines(text, sequence).map_err(with_hint);
        }
        let Content::Integers { shape, values } = &self.content else {
            return Err(InputError::new(&self.name, Place::whole(), "integer labels", self.describe())
                .hint(self.integers_hint()));
        };
        let spans = self.spans(items, lengths, shape)?;
        let sequences = spans.iter().enumerate().map(|(item, span)| {
            // What is no 64-bit integer is no class either.
            let labels: Vec<i64> = span.clone().map(|at| values.get(at).unwrap_or(TOO_LARGE)).collect();
            let place_of = |position| Place::whole().at("item", item).at("position", position);
            let written = |position| values.exactly(span.start + position).to_string();
            self.sequence(&labels, place_of, written, classes, blank)
        });
        sequences.collect::<Result<_, _>>().map_err(with_hint)
    }

    /// Label sequences exactly as they are in the file, unchecked; what does not fit into a signed 64-bit integer
    /// becomes [`i64::MAX`].
    ///
    /// # Errors
    /// If there are not as many sequences as items, or the labels are not integers.
    pub fn raw_sequences(
        &self,
        items: usize,
        lengths: Option<&List<i64>>,
    ) -> Result<Vec<Vec<i64>>, InputError> {
        match &self.content {
            Content::Text(text) => {
                self.check_count(items, line_count(text), "line")?;
                let sequence = |(line, content): (usize, &str)| {
                    let labels = self.index_line(line, content)?;
                    match labels.iter().position(|&label| label == TOO_LARGE) {
                        None => Ok(labels),
                        Some(position) => {
                            let place = place_in_line(line, content, position);
                            Err(InputError::new(
                                &self.name,
                                place,
                                "a class index",
                                "a number beyond 64 bits",
                            ))
                        }
                    }
                };
                of_lines(text, sequence)
            }
            Content::Integers { shape, values } => {
                let spans = self.spans(items, lengths, shape)?;
                let sequence = |span: &Range<usize>| {
                    span.clone().map(|at| values.get(at).unwrap_or(TOO_LARGE)).collect()
                };
                Ok(spans.iter().map(sequence).collect())
            }
            Content::Floats { .. } => {
                Err(InputError::new(&self.name, Place::whole(), "integer labels", self.describe()))
            }
        }
    }

    /// The class indices of a line.
    fn index_line(&self, line: usize, content: &str) -> Result<Vec<i64>, InputError> {
        let label = |(position, (_, word)): (usize, (usize, &str))| {
            whole_number(word).or_else(|| is_too_large(word).then_some(TOO_LARGE)).ok_or_else(|| {
                let place = place_in_line(line, content, position);
                InputError::new(&self.name, place, "a class index", shown(word)).hint(
                    if word.starts_with(['[', '{']) {
                        "separate an item's labels with spaces, without brackets"
                    } else if is_number(word) {
                        WHOLE
                    } else {
                        "text labels need --alphabet FILE"
                    },
                )
            })
        };
        if let Some(column) = empty_field(content) {
            let place = Place::whole().at("item", line).at("line", line + 1).at("column", column);
            return Err(InputError::new(&self.name, place, "a class index", "an empty field"));
        }
        words(content).enumerate().map(label).collect()
    }

    /// Where each item's labels lie among the values.
    fn spans(
        &self,
        items: usize,
        lengths: Option<&List<i64>>,
        shape: &[usize],
    ) -> Result<Vec<Range<usize>>, InputError> {
        let lengths_error = |place: Place, expected: String, found: String| {
            InputError::new(lengths.map_or("--label-lengths", List::name), place, expected, found)
        };
        if let Some(lengths) = lengths
            && lengths.len() != items
        {
            return Err(lengths_error(
                Place::whole(),
                format!("{}, one per item", counted(items, "length")),
                lengths.len().to_string(),
            ));
        }
        let length_of = |item: usize, most: usize| match lengths {
            None => Ok(most),
            Some(lengths) => {
                usize::try_from(lengths[item]).ok().filter(|&length| length <= most).ok_or_else(|| {
                    lengths_error(
                        lengths.place(item),
                        format!("a length from 0 to {most}, the number of labels"),
                        lengths[item].to_string(),
                    )
                })
            }
        };
        match *shape {
            [found, width] => {
                self.check_count(items, found, "row")?;
                (0..items).map(|item| Ok(item * width..item * width + length_of(item, width)?)).collect()
            }
            [total] if lengths.is_none() && items != 1 => Err(InputError::new(
                &self.name,
                Place::whole(),
                format!("labels for {items} items"),
                format!("a list of {total} without lengths"),
            )
            .hint("joined labels need --label-lengths FILE|N,N,…")),
            [total] => {
                let mut start: usize = 0;
                let mut spans = Vec::new();
                for item in 0..items {
                    let length = length_of(item, total)?;
                    let end = start.saturating_add(length);
                    spans.push(start..end);
                    start = end;
                }
                if start == total {
                    Ok(spans)
                } else {
                    Err(lengths_error(
                        Place::whole(),
                        format!("a sum of {total}, the number of labels in {}", self.name()),
                        start.to_string(),
                    ))
                }
            }
            _ => Err(InputError::new(
                &self.name,
                Place::whole(),
                "labels of shape (items, longest length) or (total length,)",
                self.describe(),
            )),
        }
    }

    fn check_count(&self, items: usize, found: usize, unit: &str) -> Result<(), InputError> {
        if found == items {
            return Ok(());
        }
        let expected = format!("{} of labels, one per item", counted(items, unit));
        let is_json =
            matches!(&self.content, Content::Text(text) if text.starts_with("[[") || text.starts_with("{\""));
        let hint = if is_json {
            Some("write each item's labels on a line of its own, without brackets")
        } else if self.is_text() && found < items {
            Some("write an empty target as an empty line")
        } else if self.is_text() && items == 1 {
            Some("the matrix is one item: write its labels on one line")
        } else {
            self.empty_end(items)
        };
        let found = if found == 0 { self.describe() } else { found.to_string() };
        Err(InputError::new(&self.name, Place::whole(), expected, found).maybe_hint(hint))
    }

    fn sequence(
        &self,
        labels: &[i64],
        place_of: impl Fn(usize) -> Place,
        written: impl Fn(usize) -> String,
        classes: usize,
        blank: u32,
    ) -> Result<CtcLabels, BadLabel> {
        let mut sequence = Vec::with_capacity(labels.len());
        for (position, &value) in labels.iter().enumerate() {
            match u32::try_from(value) {
                Ok(label) if (label as usize) < classes => sequence.push(label),
                _ => {
                    let found = if value == TOO_LARGE { written(position) } else { value.to_string() };
                    let error = self.out_of_range(place_of(position), classes, &found, None);
                    return Err(BadLabel { error, doubt: Some(LabelDoubt::NoClass(value)) });
                }
            }
        }
        CtcLabels::new(&sequence, classes, blank).map_err(|error| match error {
            CtcError::LabelIsBlank { position, label } => BadLabel {
                error: InputError::new(
                    &self.name,
                    place_of(position),
                    "a label that is not the blank",
                    label.to_string(),
                ),
                doubt: Some(LabelDoubt::blank(&labels[position..])),
            },
            other => {
                let what = "labels that fit the logits";
                InputError::new(&self.name, Place::whole(), what, other.to_string()).into()
            }
        })
    }

    /// Label sequences from text, one line per item, encoded with an alphabet.
    ///
    /// # Errors
    /// If this is not text, there are not `items` lines, or something is not in the alphabet and there is no
    /// `unknown`.
    pub fn text_sequences(
        &self,
        items: usize,
        alphabet: &Alphabet,
        split: LabelSplit,
        unknown: Option<u32>,
    ) -> Result<Vec<CtcLabels>, InputError> {
        let Content::Text(lines) = &self.content else {
            return Err(InputError::new(&self.name, Place::whole(), "text", self.describe()));
        };
        self.check_count(items, line_count(lines), "line")?;
        let encode = |(line, content): (usize, &str)| {
            let labels = alphabet.encode(content, split, unknown);
            let labels = labels.map_err(|found| BadLine::NoToken { line, found })?;
            CtcLabels::new(&labels, alphabet.tokens().len(), alphabet.blank()).map_err(|error| {
                let place = Place::whole().at("item", line).at("line", line + 1);
                InputError::new(&self.name, place, "labels that fit the logits", error.to_string()).into()
            })
        };
        of_lines(lines, encode).map_err(|bad| match bad {
            BadLine::Error(error) => error,
            // Once, for what all lines tell takes its time.
            BadLine::NoToken { line, found } => self.no_token(line, &found, lines, split, alphabet),
        })
    }

    /// What is in a line of `all`, from 0, and is no token.
    fn no_token(
        &self,
        line: usize,
        NoToken { column, text }: &NoToken,
        all: &str,
        split: LabelSplit,
        alphabet: &Alphabet,
    ) -> InputError {
        let blank = alphabet.blank();
        let place = Place::whole().at("item", line).at("line", line + 1).at("column", *column);
        if alphabet.tokens()[blank as usize] == *text {
            let found = format!("{}, class {blank}", shown(text));
            return InputError::new(&self.name, place, "a token that is not the blank", found)
                .hint(alphabet.blank_hint());
        }
        let content = lines_of(all).nth(line).unwrap_or_default();
        let error = InputError::new(&self.name, place, "a token of the alphabet", shown(text));
        error.hint(token_hint(text, *column, content, all, split, alphabet))
    }

    /// How many labels of a text are not in the alphabet; none if one is the blank.
    pub(crate) fn unknown(&self, alphabet: &Alphabet, split: LabelSplit) -> usize {
        // No class.
        const UNKNOWN: u32 = u32::MAX;
        let Content::Text(text) = &self.content else { return 0 };
        let labels = |line| alphabet.encode(line, split, Some(UNKNOWN)).unwrap_or_default();
        lines_of(text).flat_map(labels).filter(|&label| label == UNKNOWN).count()
    }
}

/// What `of_line` makes of each line and its number from 0, or the first line's error.
fn of_lines<T: Send, E: Send>(
    text: &str,
    of_line: impl Fn((usize, &str)) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    if line_count(text) <= LINES_AT_ONCE {
        return lines_of(text).enumerate().map(of_line).collect();
    }
    let lines: Vec<&str> = lines_of(text).collect();
    let of_chunk = |(chunk, lines): (usize, &[&str])| {
        let numbered = (chunk * LINES_AT_ONCE..).zip(lines.iter().copied());
        numbered.map(&of_line).collect::<Result<Vec<T>, E>>()
    };
    let chunks: Vec<_> = lines.par_chunks(LINES_AT_ONCE).enumerate().map(of_chunk).collect();
    let mut all = Vec::with_capacity(lines.len());
    for chunk in chunks {
        all.append(&mut chunk?);
    }
    Ok(all)
}

/// Where a number of a line is.
fn place_in_line(line: usize, content: &str, position: usize) -> Place {
    let place = Place::whole().at("item", line).at("line", line + 1);
    match words(content).nth(position) {
        Some((column, _)) => place.at("column", column),
        None => place,
    }
}
