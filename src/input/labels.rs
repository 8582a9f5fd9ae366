//! Label files: what they hold and which loss they fit.

mod hints;
mod names;
mod padding;
mod probs;
mod sequences;
mod targets;
mod token_hints;

use std::fmt;
use std::path::Path;

use super::csv::CsvOptions;
use super::error::{counted, display_name};
use super::npy::{Dtype, FloatValues, NpyInfo, shape_text};
use super::numbers::{is_exact_integer, is_too_large, words};
use super::source::Source;
use super::text::{empty_end, line_count, lines_of, text_of};
use super::{InputError, Place};
use crate::kernel::Floats;
use hints::WHOLE;
use names::ClassNames;
use sequences::TOO_LARGE;

/// A label file as read, before it is known what its numbers mean.
pub struct LabelFile {
    name: String,
    content: Content,
    /// How a table of probabilities is written.
    csv: CsvOptions,
    /// Of classes, where a text may have them.
    names: Option<ClassNames>,
}

/// What it is, without what it holds.
impl fmt::Debug for LabelFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabelFile").field("name", &self.name).finish_non_exhaustive()
    }
}

enum Content {
    Integers { shape: Vec<usize>, values: Integers },
    Floats { shape: Vec<usize>, values: FloatValues },
    Text(String),
}

/// The integers of a .npy file.
enum Integers {
    /// All are small.
    Small(Vec<i32>),
    /// As in the file, in C order.
    Stored(NpyInfo, Vec<u8>),
}

impl Integers {
    fn len(&self) -> usize {
        match self {
            Self::Small(values) => values.len(),
            Self::Stored(info, _) => info.len,
        }
    }

    /// None where 64 bits with a sign do not hold it.
    fn get(&self, at: usize) -> Option<i64> {
        i64::try_from(self.exactly(at)).ok()
    }

    fn exactly(&self, at: usize) -> i128 {
        match self {
            Self::Small(values) => values[at].into(),
            Self::Stored(info, bytes) => info.integer_at(bytes, at).expect("an array of integers"),
        }
    }
}

pub(crate) use hints::LabelDoubt;
pub(crate) use padding::LeftOut;
pub use probs::ProbTargets;
pub use targets::{ClassTargets, TargetError};
pub(crate) use targets::{ONE_SCORE, are_next_tokens, is_class};

/// The lines of a table.
fn rows_of(text: &str) -> impl Iterator<Item = &str> {
    lines_of(text).filter(|line| !line.trim().is_empty())
}

impl LabelFile {
    /// Reads `path` (`-` is standard input): .npy or text. `csv` says how text is written if it is a table of
    /// probabilities; a delimiter that does not occur in the file is ignored.
    ///
    /// The file stays open, and is mapped into memory where [`allow_mapping`](crate::kernel::allow_mapping) was called.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn open(path: &Path, csv: CsvOptions) -> Result<Self, InputError> {
        Self::from_source(Source::open(path)?, csv)
    }

    /// The same as [`Self::open`], from a source of which nothing was read yet.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_source(mut source: Source, csv: CsvOptions) -> Result<Self, InputError> {
        let name = source.name().to_owned();
        if !source.is_npy()? {
            let content = Content::Text(text_of(&name, source.read_rest()?)?);
            return Ok(Self { name, content, csv, names: None });
        }
        let info = NpyInfo::read(&mut source)?;
        if info.dtype == Dtype::Bool {
            let error = InputError::new(&name, Place::whole(), "labels", "an array of booleans");
            return Err(error.hint(match info.shape[..] {
                [] | [_] => "if these are classes, save labels.astype('int64')",
                _ => "if these are classes, save labels.astype('int64'); if they are one-hot, labels.argmax(-1)",
            }));
        }
        if let Some(values) = info.read_small(&mut source)? {
            let content = Content::Integers { shape: info.shape, values: Integers::Small(values) };
            return Ok(Self { name, content, csv, names: None });
        }
        if !info.dtype.is_integer()
            && let Some(values) = info.floats_in_order(&mut source)?
        {
            return Ok(Self {
                name,
                content: Content::Floats { shape: info.shape, values },
                csv,
                names: None,
            });
        }
        let bytes = info.read_body(&mut source)?;
        let bytes = if info.is_in_order() { bytes } else { in_c_order(&bytes, &info) };
        let shape = info.shape.clone();
        let content = if info.dtype.is_integer() {
            Content::Integers { shape, values: Integers::Stored(info, bytes) }
        } else {
            Content::Floats { shape, values: FloatValues::Doubles(info.doubles(&bytes)) }
        };
        Ok(Self { name, content, csv, names: None })
    }

    /// Checks that a memory-mapped file has kept its length until now. Call this after everything was computed from it.
    ///
    /// # Errors
    /// If the file was shortened, or has become longer.
    pub fn check(&self) -> Result<(), InputError> {
        match &self.content {
            Content::Floats { values, .. } => values.check(),
            Content::Integers { .. } | Content::Text(_) => Ok(()),
        }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        display_name(&self.name)
    }

    /// The path that was given, `-` for standard input.
    pub fn path(&self) -> &str {
        &self.name
    }

    /// A short description of what it holds, for messages.
    pub fn describe(&self) -> String {
        match &self.content {
            Content::Integers { shape, .. } => format!("integers of shape {}", shape_text(shape)),
            Content::Floats { shape, .. } => format!("floats of shape {}", shape_text(shape)),
            Content::Text(text) if text.is_empty() => "an empty file".to_owned(),
            Content::Text(text) => counted(line_count(text), "line"),
        }
    }

    /// How to go on where there are more lines than items, if the last ones are empty.
    pub(crate) fn empty_end(&self, expected: usize) -> Option<&'static str> {
        let Content::Text(text) = &self.content else { return None };
        empty_end(lines_of(text), expected)
    }

    /// The number of label sequences, or `None` if it can't hold label sequences. `lengths` is the number of label
    /// lengths.
    pub fn sequences(&self, lengths: Option<usize>) -> Option<usize> {
        match &self.content {
            Content::Integers { shape, .. } => match shape[..] {
                [_] => Some(lengths.unwrap_or(1)),
                [items, _] => Some(items),
                _ => None,
            },
            Content::Floats { .. } => None,
            Content::Text(text) => Some(line_count(text)),
        }
    }

    /// Whether this could be a class index for each entry of an array of `shape`.
    pub fn fits_indices(&self, shape: &[usize]) -> bool {
        match &self.content {
            Content::Integers { shape: found, .. } => found == shape,
            Content::Floats { .. } => false,
            Content::Text(text) => {
                let (lines, per_line) = text_shape(shape);
                // What names lack is told line by line.
                let plain = || {
                    per_line == 1 && (self.names.is_some() || for_each_plain(text, |_| Some(())).is_some())
                };
                line_count(text) == lines
                    && (plain() || lines_of(text).all(|line| words(line).count() == per_line))
            }
        }
    }

    /// All integers of the file, in order, `i64::MAX` for those that do not fit into 64 bits (signed); `None` if it holds
    /// anything other than integers.
    pub fn integers(&self) -> Option<Vec<i64>> {
        match &self.content {
            Content::Integers { values, .. } => {
                Some((0..values.len()).map(|at| values.get(at).unwrap_or(TOO_LARGE)).collect())
            }
            Content::Floats { .. } => None,
            Content::Text(text) => {
                let too_large =
                    |entry: &str| (self.names.is_none() && is_too_large(entry)).then_some(TOO_LARGE);
                let entries = lines_of(text).flat_map(|line| self.entries(line, true));
                entries.map(|(_, entry)| self.index_of(entry).or_else(|| too_large(entry))).collect()
            }
        }
    }

    /// Whether this could be a probability for each of the logits, an array of `shape`.
    pub fn fits_probs(&self, shape: &[usize]) -> bool {
        match &self.content {
            Content::Integers { .. } => false,
            Content::Floats { shape: found, .. } => found == shape,
            Content::Text(text) => {
                let (rows, columns) = match *shape {
                    [columns] => (1, columns),
                    [rows, columns] => (rows, columns),
                    _ => return false,
                };
                let given = self.csv.delimiter.map(char::from);
                let is_row = |line: &str| {
                    let line = line.trim_end().trim_end_matches([',', ';', '\t']);
                    line.split([',', ';', '\t']).count() == columns
                        || words(line).count() == columns
                        || given.is_some_and(|given| line.split(given).count() == columns)
                };
                let mut lines = rows_of(text).skip(usize::from(self.has_names(text, rows)));
                // One number a row is a class index, and so is none for no row; of most files the first line tells.
                columns > 1
                    && rows > 0
                    && lines.next().is_some_and(is_row)
                    && lines.try_fold(1, |count, line| is_row(line).then_some(count + 1)) == Some(rows)
            }
        }
    }

    /// How the file is written, if it is a table of so many rows: one separated by spaces is as good as any other.
    fn table_options(&self, text: &str, rows: usize) -> CsvOptions {
        let given = self.csv.delimiter.filter(|&delimiter| text.contains(char::from(delimiter)));
        let blanks = !text.contains([',', ';', '\t']);
        let tabs = text.contains('\t') && !text.contains([',', ';']);
        // The rest is told as for any table.
        let found = || blanks.then_some(b' ').or(tabs.then_some(b'\t'));
        CsvOptions { delimiter: given.or_else(found), headers: self.has_names(text, rows) }
    }

    /// Whether the first line of a table of so many rows is names; those that were told of may be the logits' alone.
    fn has_names(&self, text: &str, rows: usize) -> bool {
        self.csv.headers && rows_of(text).count() == rows + 1
    }

    fn out_of_range(
        &self,
        place: Place,
        classes: usize,
        found: &str,
        ignore_index: Option<i64>,
    ) -> InputError {
        let ignored = ignore_index.map(|index| format!(" or {index} (ignored)")).unwrap_or_default();
        InputError::new(&self.name, place, format!("a class from 0 to {}{ignored}", classes - 1), found)
    }

    /// Whether in most lines of several characters every second one is a space, as where tokens are separated.
    pub(crate) fn is_spaced_out(&self) -> bool {
        /// Three letters; initials may be written so.
        const SEVERAL: usize = 5;
        let Content::Text(text) = &self.content else { return false };
        let (mut lines, mut spaced) = (0, 0);
        for line in lines_of(text).filter(|line| line.trim_end().chars().nth(SEVERAL - 1).is_some()) {
            lines += 1;
            spaced += usize::from(token_hints::is_spaced_out(line));
        }
        2 * spaced > lines
    }

    /// The lines of a text.
    pub(crate) fn text_lines(&self) -> Option<Vec<&str>> {
        let Content::Text(text) = &self.content else { return None };
        Some(lines_of(text).collect())
    }

    /// Where a CTC label of an item is.
    pub(crate) fn label_place(&self, item: usize, position: usize) -> Place {
        let place = Place::whole().at("item", item);
        let Content::Text(text) = &self.content else { return place.at("position", position) };
        let column = lines_of(text).nth(item).and_then(|line| words(line).nth(position));
        let place = place.at("line", item + 1);
        column.map_or(place.clone(), |(column, _)| place.at("column", column))
    }

    /// The shape of an array of integers.
    pub(crate) fn integer_shape(&self) -> Option<&[usize]> {
        match &self.content {
            Content::Integers { shape, .. } => Some(shape),
            Content::Floats { .. } | Content::Text(_) => None,
        }
    }

    /// Whether it is a one-dimensional array of integers: class indices, or the CTC labels of one item or of several
    /// items joined together.
    pub fn is_joined(&self) -> bool {
        matches!(&self.content, Content::Integers { shape, .. } if shape.len() == 1)
    }

    /// Whether it is an array of floating-point numbers.
    pub fn is_floats(&self) -> bool {
        matches!(&self.content, Content::Floats { .. })
    }

    /// Of floating-point numbers the first that is no integer, and its place.
    pub(crate) fn first_fraction(&self) -> Option<(Place, f64)> {
        let Content::Floats { shape, values } = &self.content else { return None };
        let of =
            |values: &mut dyn Iterator<Item = f64>| values.enumerate().find(|&(_, x)| !is_exact_integer(x));
        let (at, value) = match values.get() {
            Floats::Single(values) => of(&mut values.iter().map(|&x| x.into()))?,
            Floats::Double(values) => of(&mut values.iter().copied())?,
        };
        Some((targets::place_of(at, shape), value))
    }

    /// How to make integers of floating-point labels, where that loses nothing, or which of them is none.
    pub(crate) fn integers_hint(&self) -> String {
        match self.first_fraction() {
            None => "class indices and labels must be integers: labels.astype('int64')".to_owned(),
            Some((place, value)) => {
                let place = Some(place.to_string()).filter(|place| !place.is_empty());
                let place = place.unwrap_or_else(|| "it".to_owned());
                format!("class indices and labels must be integers, but {place} is {value}")
            }
        }
    }

    /// Whether it holds text rather than an array.
    pub fn is_text(&self) -> bool {
        matches!(self.content, Content::Text(_))
    }
}

/// Lines, and entries in each, of a text file for an array of `shape`.
fn text_shape(shape: &[usize]) -> (usize, usize) {
    shape.split_first().map_or((1, 1), |(&lines, rest)| (lines, rest.iter().product()))
}

/// Calls `visit` with the integers of a text that is nothing but one decimal integer a line; none where it is
/// not, or where `visit` returns none.
fn for_each_plain(text: &str, mut visit: impl FnMut(i64) -> Option<()>) -> Option<()> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let negative = bytes[at] == b'-';
        at += usize::from(negative);
        let first = at;
        let mut value = 0_i64;
        while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10)
        {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
            at += 1;
        }
        // 18 digits fit.
        if at == first || at - first > 18 {
            return None;
        }
        at += usize::from(bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n'));
        if bytes.get(at).is_some_and(|&byte| byte != b'\n') {
            return None;
        }
        at += 1;
        visit(if negative { -value } else { value })?;
    }
    Some(())
}

/// The bytes of values in Fortran's order, the last axis the fastest.
fn in_c_order(bytes: &[u8], info: &NpyInfo) -> Vec<u8> {
    let (size, mut ordered) = (info.dtype.size(), Vec::with_capacity(bytes.len()));
    for at in 0..info.len {
        let (mut rest, mut from, mut block) = (at, 0, info.len);
        // Strides of Fortran order, from the last axis to the first.
        for &size in info.shape.iter().rev() {
            block /= size;
            from += rest % size * block;
            rest /= size;
        }
        ordered.extend_from_slice(&bytes[from * size..][..size]);
    }
    ordered
}
