//! Targets of cross-entropy: a probability for each class of each row.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::targets::place_of;
use super::{Content, LabelFile};
use crate::input::csv;
use crate::input::error::counted;
use crate::input::npy::shape_text;
use crate::input::numbers::words;
use crate::input::text::lines_of;
use crate::input::{InputError, Place};
use crate::kernel::{Element, Floats, Spread, spread};
use crate::logits::{Geometry, Unnormalised, rows_in_order};
use crate::loss::targets::{Target, Targets};
use crate::plain_number::any_number;
use crate::shown::shown;

/// Values that one thread looks at at a time.
const LOOKED_AT_ONCE: usize = 1 << 16;
/// How far from 1 a row may sum to; single precision and a decimal or two less stay within.
const SUM_TOLERANCE: f64 = 1e-3;

/// Class probabilities for each row: `[rows, classes]`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbTargets<'a> {
    values: Values<'a>,
    classes: usize,
    unnormalised: Option<Unnormalised>,
    first_negative: Option<(usize, usize, f64)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Values<'a> {
    Single(Cow<'a, [f32]>),
    Double(Cow<'a, [f64]>),
}

impl Targets for ProbTargets<'_> {
    fn row_count(&self) -> usize {
        let values = match &self.values {
            Values::Single(values) => values.len(),
            Values::Double(values) => values.len(),
        };
        values / self.classes
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn target(&self, row: usize) -> Target<'_> {
        Target::Probs(self.get(row))
    }

    fn probs(&self, rows: Range<usize>) -> Option<Floats<'_>> {
        Some(self.rows(rows))
    }
}

impl ProbTargets<'_> {
    /// The probabilities of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> Floats<'_> {
        self.rows(row..row + 1)
    }

    /// The probabilities of some rows, `[rows, classes]`, row-major.
    pub fn rows(&self, rows: Range<usize>) -> Floats<'_> {
        let range = rows.start * self.classes..rows.end * self.classes;
        match &self.values {
            Values::Single(values) => Floats::Single(&values[range]),
            Values::Double(values) => Floats::Double(&values[range]),
        }
    }

    /// The rows whose sum differs from 1 by more than 0.001, if there are any.
    pub fn unnormalised(&self) -> Option<Unnormalised> {
        self.unnormalised
    }

    /// Whether all probabilities are exactly 0 or 1.
    pub fn are_yes_or_no(&self) -> bool {
        match &self.values {
            Values::Single(values) => are_yes_or_no(values),
            Values::Double(values) => are_yes_or_no(values),
        }
    }

    /// The first value below 0: its row, its class, and the value.
    pub fn first_negative(&self) -> Option<(usize, usize, f64)> {
        self.first_negative
    }
}

fn are_yes_or_no<E: Element>(values: &[E]) -> bool {
    values.par_iter().all(|value| [0.0, 1.0].contains(&value.to_f64()))
}

/// What was noticed about some rows.
#[derive(Clone, Copy, Default)]
struct Noticed {
    /// The first row with a value that is not finite; what follows it is not looked at.
    not_finite: Option<usize>,
    /// The first row with a value below 0.
    first_negative: Option<usize>,
    /// How many rows do not sum to one, and the first of them with its sum.
    unnormalised: usize,
    first_unnormalised: Option<(usize, f64)>,
}

impl Noticed {
    /// Looks at a few rows, the first of which is row `first`.
    fn of<E: Element>(first: usize, values: &[E], classes: usize) -> Self {
        let mut noticed = Self::default();
        for (row, values) in (first..).zip(values.chunks_exact(classes)) {
            let Spread { least, sum, .. } = spread(values);
            // A sum of finite values may be infinite or NaN, too.
            if !sum.is_finite() && values.iter().any(|value| !value.to_f64().is_finite()) {
                noticed.not_finite = Some(row);
                break;
            }
            if least < 0.0 {
                noticed.first_negative = noticed.first_negative.or(Some(row));
            }
            if sum.is_nan() || (sum - 1.0).abs() > SUM_TOLERANCE {
                noticed.unnormalised += 1;
                noticed.first_unnormalised = noticed.first_unnormalised.or(Some((row, sum)));
            }
        }
        noticed
    }

    /// With what was noticed about the rows that follow.
    fn and(self, next: Self) -> Self {
        Self {
            not_finite: self.not_finite.or(next.not_finite),
            first_negative: self.first_negative.or(next.first_negative),
            unnormalised: self.unnormalised + next.unnormalised,
            first_unnormalised: self.first_unnormalised.or(next.first_unnormalised),
        }
    }
}

fn notice<E: Element>(values: &[E], classes: usize) -> Noticed {
    let rows = (LOOKED_AT_ONCE / classes).max(1);
    let pieces = values.par_chunks(rows * classes).enumerate();
    let looked = pieces.map(|(piece, values)| Noticed::of(piece * rows, values, classes));
    looked.reduce(Noticed::default, Noticed::and)
}

impl LabelFile {
    /// Class probabilities for logits of `shape`, whose rows run along `class_axis`.
    ///
    /// # Errors
    /// If the file has another shape, or a value is not finite.
    pub fn prob_targets(&self, shape: &[usize], class_axis: usize) -> Result<ProbTargets<'_>, InputError> {
        let mismatch = || {
            let expected = format!("class probabilities of the logits' shape {}", shape_text(shape));
            InputError::new(&self.name, Place::whole(), expected, self.describe())
        };
        let values = match &self.content {
            Content::Integers { .. } => {
                return Err(mismatch().hint("save them as floats: labels.astype('float64')"));
            }
            Content::Floats { shape: found, .. } if found != shape => return Err(mismatch()),
            Content::Floats { values, .. } => match values.get() {
                Floats::Single(values) => Values::Single(values.into()),
                Floats::Double(values) => Values::Double(values.into()),
            },
            Content::Text(text) => {
                let options = self.table_options(text, if let [rows, _] = *shape { rows } else { 1 });
                let (rows, values) = if options.delimiter == Some(b' ') {
                    self.table_of_words(text, options.headers)?
                } else {
                    let table = csv::parse(&self.name, text.as_bytes(), options)?;
                    (table.rows, table.values)
                };
                if values.len() != shape.iter().product::<usize>() || shape.len() > 1 && rows != shape[0] {
                    return Err(mismatch());
                }
                Values::Double(values.into())
            }
        };
        let Ok(geometry) = Geometry::along(shape, false, class_axis) else { return Err(mismatch()) };
        let rows: Vec<usize> = [&shape[..class_axis], &shape[class_axis + 1..]].concat();
        match values {
            Values::Single(values) => self.looked_at(values, &rows, &geometry, Values::Single),
            Values::Double(values) => self.looked_at(values, &rows, &geometry, Values::Double),
        }
    }

    /// Numbers with any spaces between them: how many rows, and all of them.
    fn table_of_words(&self, text: &str, headers: bool) -> Result<(usize, Vec<f64>), InputError> {
        let (mut rows, mut values) = (0, Vec::new());
        // The first line's number, and how many numbers it has.
        let mut first = None;
        let lines = (1..).zip(lines_of(text)).filter(|(_, line)| !line.trim().is_empty());
        for (number, line) in lines.skip(usize::from(headers)) {
            rows += 1;
            let count = words(line).count();
            let &mut (first_line, expected) = first.get_or_insert((number, count));
            if count != expected {
                let expected = format!("{} as in line {first_line}", counted(expected, "number"));
                let place = Place::whole().at("line", number);
                return Err(InputError::new(&self.name, place, expected, count.to_string()));
            }
            for (column, word) in words(line) {
                let place = || Place::whole().at("line", number).at("column", column);
                let value = any_number(word.as_bytes());
                values.push(
                    value.ok_or_else(|| InputError::new(&self.name, place(), "a number", shown(word)))?,
                );
            }
        }
        Ok((rows, values))
    }

    /// The targets that are `values` in the order of the file; `shape` is that of the rows.
    fn looked_at<'a, E: Element>(
        &self,
        values: Cow<'a, [E]>,
        shape: &[usize],
        geometry: &Geometry,
        as_values: impl Fn(Cow<'a, [E]>) -> Values<'a>,
    ) -> Result<ProbTargets<'a>, InputError> {
        let in_order = geometry.is_in_order() && geometry.has_whole_rows();
        let values = if in_order { values } else { rows_in_order(&values, geometry).into() };
        let classes = geometry.classes();
        let noticed = notice(&values, classes);
        let first = |row: Option<usize>, is: fn(f64) -> bool| {
            let row = row?;
            let mut of_row =
                values[row * classes..][..classes].iter().map(|value| value.to_f64()).enumerate();
            of_row.find(|&(_, value)| is(value)).map(|(class, value)| (row, class, value))
        };
        if let Some((row, class, value)) = first(noticed.not_finite, |value| !value.is_finite()) {
            let row = if self.is_text() { Place::whole().at("row", row) } else { place_of(row, shape) };
            let place = row.at("class", class);
            return Err(InputError::new(&self.name, place, "a probability", value.to_string()));
        }
        let first_negative = first(noticed.first_negative, |value| value < 0.0);
        let first = noticed.first_unnormalised;
        let unnormalised = first.map(|(first, sum)| Unnormalised { rows: noticed.unnormalised, first, sum });
        Ok(ProbTargets { values: as_values(values), classes, unnormalised, first_negative })
    }
}
