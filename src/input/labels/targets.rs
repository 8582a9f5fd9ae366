//! Targets of cross-entropy: a class for each row.

use std::borrow::Cow;

use rayon::prelude::*;
use thiserror::Error;

use super::{Content, Integers, LabelFile, for_each_plain, text_shape};
use crate::input::error::counted;
use crate::input::npy::{reshape_hint, shape_text};
use crate::input::numbers::{NAMED, is_too_large};
use crate::input::text::{line_count, lines_of};
use crate::input::{InputError, Place};
use crate::logits::unravel;
use crate::loss::targets::{Target, Targets};
use crate::shown::{cut, listed, shown};

/// Numbers of columns that a message has.
const MOST_COLUMNS: usize = 4;
/// Values that one thread checks at a time.
const CHECKED_AT_ONCE: usize = 1 << 16;

/// A class index for each row, or none for an ignored row; row-major over the logits' axes other than the class axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassTargets<'a> {
    targets: Cow<'a, [i32]>,
    classes: usize,
    /// Marks a row that is left out; no class.
    ignored: i32,
}

/// [`ClassTargets::ignored`] where the file has no say in it.
const IGNORED: i32 = i32::MIN;

/// A target that is no class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("row {row}: target {target} is not one of {classes} classes")]
pub struct TargetError {
    /// The row, from 0.
    pub row: usize,
    /// Its target.
    pub target: i64,
    /// Number of classes.
    pub classes: usize,
}

impl ClassTargets<'static> {
    /// Of a class index for each row; rows whose target is `ignore_index` (PyTorch's default is -100) are left out.
    ///
    /// # Errors
    /// Where another target is not one of `classes` classes.
    pub fn new(targets: &[i64], classes: usize, ignore_index: i64) -> Result<Self, TargetError> {
        let narrow = |(row, &target): (usize, &i64)| match target {
            _ if target == ignore_index => Ok(IGNORED),
            _ if is_class(target, classes) => Ok(target as i32),
            _ => Err(TargetError { row, target, classes }),
        };
        Ok(Self {
            targets: targets.iter().enumerate().map(narrow).collect::<Result<_, _>>()?,
            classes,
            ignored: IGNORED,
        })
    }
}

impl ClassTargets<'_> {
    /// The class of a row; `None` if it is ignored.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn get(&self, row: usize) -> Option<usize> {
        let target = self.targets[row];
        (target != self.ignored).then_some(target as usize)
    }

    /// For each row the target of the next one, in runs of `length` rows each; the last of each is ignored.
    pub(crate) fn of_next(&self, length: usize) -> Self {
        let next =
            self.targets.chunks(length.max(1)).flat_map(|run| run[1..].iter().copied().chain([self.ignored]));
        Self { targets: next.collect(), ..*self }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

impl Targets for ClassTargets<'_> {
    fn row_count(&self) -> usize {
        self.targets.len()
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn target(&self, row: usize) -> Target<'_> {
        self.get(row).map_or(Target::Ignored, Target::Index)
    }
}

impl LabelFile {
    /// How to go on where the entries or lines are not those of class indices for logits of `shape` without their
    /// class axis, if what they may be is known.
    pub(crate) fn misfit(&self, shape: &[usize], classes: usize) -> Option<String> {
        match &self.content {
            Content::Integers { shape: found, .. } => shape_hint(found, shape, classes),
            Content::Floats { shape: found, .. } => transposed_probs(found, shape, classes),
            Content::Text(text) => {
                let empty_end = self.empty_end(text_shape(shape).0).map(str::to_owned);
                empty_end.or_else(|| self.text_hint(text, shape, classes))
            }
        }
    }

    /// How to go on after a table where there is a class index for each entry of `rows`.
    fn text_hint(&self, text: &str, rows: &[usize], classes: usize) -> Option<String> {
        let (lines, per_line) = text_shape(rows);
        let found = line_count(text);
        let is_class = |entry: &str| self.index_of(entry).is_some();
        let entries = |line| self.entries(line, true);
        let are_classes = |line| entries(line).all(|(_, entry)| is_class(entry));
        let mut first = lines_of(text);
        let (names, row) = (first.next()?, first.next()?);
        let values = entries(row).count();
        let is_prob = |(_, entry): (usize, &str)| entry.parse().is_ok_and(|x: f64| (0.0..=1.0).contains(&x));
        let are_probs = |line| entries(line).all(is_prob);
        if values > 1 && found == lines + 1 && !are_probs(names) && are_probs(row) && !are_classes(row) {
            return Some("if these are class probabilities below a heading, give --headers".to_owned());
        }
        if per_line == 1 && values > 1 && (lines..=lines + 1).contains(&found) {
            let option = match row.trim().chars().find(|c| c.is_whitespace() || *c == ',') {
                Some('\t') => "",
                Some(',') => "-d, ",
                _ => "-d' ' ",
            };
            let columns = self.class_columns(text, values, classes);
            if let Some(first) = columns.first() {
                let which = if columns.len() > 1 {
                    format!(", one of the columns {}", listed(&columns, MOST_COLUMNS))
                } else {
                    String::new()
                };
                return Some(format!(
                    "a line has {values} values: keep only the class{which}, as cut {option}-f{first} does"
                ));
            }
            return Some(if values == classes + 1 && entries(row).skip(1).all(is_prob) {
                format!(
                    "if these are class probabilities behind a name or number, remove that: cut {option}-f2-"
                )
            } else {
                format!("a line has {values} values: keep only the class, as cut {option}-f{values} does")
            });
        }
        (!are_classes(names) && are_classes(row) && found == lines + 1).then(|| NAMED.to_owned())
    }

    /// Which of so many columns of a table, from 1, have a class, or what is left out, in each of the lines below the first,
    /// and do not just count them.
    fn class_columns(&self, text: &str, columns: usize, classes: usize) -> Vec<usize> {
        /// They tell what a column is.
        const LINES: usize = 100;
        #[derive(Clone)]
        struct Column {
            last: Option<i64>,
            are_classes: bool,
            counts: bool,
        }
        let mut found = vec![Column { last: None, are_classes: true, counts: true }; columns];
        let mut lines = 0;
        for line in lines_of(text).skip(1).take(LINES) {
            let mut entries = self.entries(line, true);
            for column in &mut found {
                let class = entries.next().and_then(|(_, entry)| self.index_of(entry));
                let class = class.filter(|&class| class < 0 || is_class(class, classes));
                let next = column.last.and_then(|last| last.checked_add(1));
                column.are_classes &= class.is_some();
                column.counts &= lines == 0 || class == next;
                column.last = class;
            }
            lines += 1;
        }
        let may_be = |column: &Column| column.are_classes && (lines < 2 || !column.counts);
        (1..).zip(&found).filter(|(_, column)| may_be(column)).map(|(number, _)| number).collect()
    }

    /// A class index for each entry of `shape`, the shape of the logits without their class axis.
    ///
    /// # Errors
    /// If there are not as many, or one is neither a class nor `ignore_index`.
    pub fn class_targets(
        &self,
        shape: &[usize],
        classes: usize,
        ignore_index: i64,
    ) -> Result<ClassTargets<'_>, InputError> {
        if let Content::Integers { shape: found, values: Integers::Small(values) } = &self.content
            && found == shape
            && all_classes(values, classes, ignore_index)
        {
            // An ignored index that is not small occurs nowhere, and may as well be one that does not.
            let ignored = i32::try_from(ignore_index).unwrap_or(IGNORED);
            return Ok(ClassTargets { targets: Cow::Borrowed(values), classes, ignored });
        }
        self.shifted_class_targets(shape, classes, ignore_index, |value| value)
    }

    /// The same as [`Self::class_targets`], if a value of the file stands for the class `class_of(value)` unless it is
    /// `ignore_index`.
    ///
    /// # Errors
    /// As [`Self::class_targets`].
    pub fn shifted_class_targets(
        &self,
        shape: &[usize],
        classes: usize,
        ignore_index: i64,
        class_of: impl Fn(i64) -> i64,
    ) -> Result<ClassTargets<'static>, InputError> {
        let check = TargetCheck { file: self, shape, classes, ignore_index, class_of };
        let targets = match &self.content {
            Content::Floats { shape: found, .. } => {
                return Err(check.other_count().hint(transposed_probs(found, shape, classes).unwrap_or_else(|| {
                    format!(
                        "floating-point labels of shape {} can't be class probabilities, as the logits have another \
                         shape; {}",
                        shape_text(found),
                        self.integers_hint()
                    )
                })));
            }
            Content::Integers { shape: found, values } if found == shape => check.integers(values)?,
            Content::Text(text) if line_count(text) == text_shape(shape).0 => check.text(text)?,
            _ => return Err(check.other_count().maybe_hint(self.misfit(shape, classes))),
        };
        Ok(ClassTargets { targets: targets.into(), classes, ignored: IGNORED })
    }
}

/// What the class indices of a file must be.
struct TargetCheck<'a, F> {
    file: &'a LabelFile,
    /// Of the logits without their class axis.
    shape: &'a [usize],
    classes: usize,
    ignore_index: i64,
    class_of: F,
}

impl<F: Fn(i64) -> i64> TargetCheck<'_, F> {
    fn target(&self, value: i64, place: impl Fn() -> Place) -> Result<i32, InputError> {
        let Self { classes, ignore_index, .. } = *self;
        if value == ignore_index {
            return Ok(IGNORED);
        }
        let class = (self.class_of)(value);
        if is_class(class, classes) {
            return Ok(class as i32);
        }
        let error = self.out_of_range(place(), &value.to_string());
        Err(if classes == 1 {
            error.hint(ONE_SCORE)
        } else {
            error.hint(self.file.index_hint(value, classes, ignore_index))
        })
    }

    fn out_of_range(&self, place: Place, found: &str) -> InputError {
        self.file.out_of_range(place, self.classes, found, Some(self.ignore_index))
    }

    fn integers(&self, values: &Integers) -> Result<Vec<i32>, InputError> {
        let place = |row: usize| place_of(row, self.shape);
        let too_large = |row: usize| self.out_of_range(place(row), &values.exactly(row).to_string());
        let target = |row: usize| {
            let value = values.get(row).ok_or_else(|| too_large(row))?;
            self.target(value, || place(row))
        };
        (0..values.len()).map(target).collect()
    }

    /// Of as many lines as there must be.
    fn text(&self, text: &str) -> Result<Vec<i32>, InputError> {
        let (_, per_line) = text_shape(self.shape);
        if per_line == 1
            && self.file.names.is_none()
            && let Some(targets) = plain_targets(text, self.classes, self.ignore_index, &self.class_of)
        {
            return Ok(targets);
        }
        let name = &self.file.name;
        let mut targets = Vec::new();
        for (line, content) in lines_of(text).enumerate() {
            let before = targets.len();
            for (column, entry) in self.file.entries(content, per_line == 1) {
                let place = || Place::whole().at("line", line + 1).at("column", column);
                let value = self.file.index_of(entry).ok_or_else(|| {
                    if self.file.names.is_none() && is_too_large(entry) {
                        return self.out_of_range(place(), &cut(entry));
                    }
                    let found = if per_line == 1 && self.file.names.is_some() { content } else { entry };
                    let hint = self
                        .file
                        .text_hint(text, self.shape, self.classes)
                        .or_else(|| self.file.no_class_hint(entry));
                    InputError::new(name, place(), self.file.one_class(), shown(found)).maybe_hint(hint)
                })?;
                targets.push(self.target(value, place)?);
            }
            let found = targets.len() - before;
            if found != per_line {
                let one_or_many = match (per_line, &self.file.names) {
                    (1, None) => "class index",
                    (_, None) => "class indices",
                    (1, Some(_)) => "class name",
                    (_, Some(_)) => "class names",
                };
                let expected = format!("{per_line} {one_or_many}");
                let place = Place::whole().at("line", line + 1);
                let error = InputError::new(name, place, expected, found.to_string());
                return Err(error.maybe_hint(self.file.text_hint(text, self.shape, self.classes)));
            }
        }
        Ok(targets)
    }

    /// There are not as many as rows.
    fn other_count(&self) -> InputError {
        let (lines, per_line) = text_shape(self.shape);
        let in_text = format!("{} of {per_line}", counted(lines, "line"));
        let shape = shape_text(self.shape);
        let expected = format!("one class index per row of the logits: shape {shape} ({in_text} in text)");
        InputError::new(&self.file.name, Place::whole(), expected, self.file.describe())
    }
}

/// Whether each item has a label less than places, and these are not the classes.
pub(crate) fn are_next_tokens(found: &[usize], rows: &[usize], classes: usize) -> bool {
    let (&[items, labels], &[of_items, places]) = (found, rows) else { return false };
    items == of_items && labels + 1 == places && labels != classes
}

/// How to go on where there is one class.
pub(crate) const ONE_SCORE: &str = "a single score per row is a sigmoid's: make two classes of x, in the labels' shape: np.stack([0 * x, x], 1), or of its probabilities np.stack([1 - x, x], 1)";

/// How to go on after integers of shape `found` where there is a class index for each entry of `rows`.
fn shape_hint(found: &[usize], rows: &[usize], classes: usize) -> Option<String> {
    if let Some(hint) = reshape_hint("labels", found, rows) {
        return Some(hint);
    }
    if rows.is_empty() && found == [classes] {
        return Some(ONE_SCORE.to_owned());
    }
    if rows.len() == 2 && found.iter().eq(rows.iter().rev()) {
        return Some("their axes are swapped: use labels.T".to_owned());
    }
    if are_next_tokens(found, rows, classes) {
        return Some(
            "there is one label fewer than positions: of a language model, leave out each item's last position, which has no next \
             token"
                .to_owned(),
        );
    }
    let axes = found.len() == rows.len() + 1;
    let class_axis = (0..found.len()).find(|&axis| {
        axes && found[axis] == classes && found[..axis] == rows[..axis] && found[axis + 1..] == rows[axis..]
    })?;
    Some(format!(
        "if the integers are class probabilities, save labels.astype('float32'); \
         if they are one-hot, a single 1 in each, save labels.argmax({class_axis}){}",
        // A mask has a score for each of its places.
        if found.len() > 2 { format!("; {ONE_SCORE}") } else { String::new() }
    ))
}

/// How to go on after probabilities of shape `found`, whose classes lie on another axis than those of logits that have a
/// row for each entry of `rows`.
fn transposed_probs(found: &[usize], rows: &[usize], classes: usize) -> Option<String> {
    match *rows {
        [rows] if found == [classes, rows] && classes != rows => {
            Some("if these are class probabilities, their axes are swapped: save labels.T".to_owned())
        }
        [_, _, ..] if found.split_last() == Some((&classes, rows)) => {
            Some("if these are class probabilities, their classes must be on axis 1: numpy.moveaxis(labels, -1, 1)".to_owned())
        }
        _ => None,
    }
}

/// Whether an integer is one of so many classes; a matrix has fewer than 2^31.
pub(crate) fn is_class(value: i64, classes: usize) -> bool {
    (0..classes.min(i32::MAX as usize) as i64).contains(&value)
}

/// Whether each value is a class or the ignored index.
fn all_classes(values: &[i32], classes: usize, ignore_index: i64) -> bool {
    let known = |value: i64| is_class(value, classes) || value == ignore_index;
    // All are looked at, so that lanes do not wait for each other.
    let all = |values: &[i32]| values.iter().fold(true, |all, &value| all & known(value.into()));
    values.par_chunks(CHECKED_AT_ONCE).map(all).reduce(|| true, |a, b| a & b)
}

/// The targets of a text with nothing but a class or the ignored index a line; none where there is more to it,
/// or something to object to.
fn plain_targets(
    text: &str,
    classes: usize,
    ignore_index: i64,
    class_of: impl Fn(i64) -> i64,
) -> Option<Vec<i32>> {
    let mut targets = Vec::new();
    for_each_plain(text, |value| {
        let class = Some(class_of(value)).filter(|&class| is_class(class, classes));
        targets.push(if value == ignore_index { IGNORED } else { class? as i32 });
        Some(())
    })?;
    Some(targets)
}

/// Where a row is, of an array of `shape` without the class axis.
pub(super) fn place_of(row: usize, shape: &[usize]) -> Place {
    // A row of one axis is a number, else an index as NumPy writes it.
    let name = if shape.len() == 1 { "row" } else { "index" };
    unravel(row, shape).into_iter().fold(Place::whole(), |place, at| place.at(name, at))
}
