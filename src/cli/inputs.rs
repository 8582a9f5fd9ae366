//! The matrix and other files that subcommands share: options, opening, and what is wrong with them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::Args;

use super::diagnostics::Diagnostics;
use super::output_args::OutputArgs;
use super::subcommand::Named;
use super::values::{Layout, delimiter};
use crate::input::{
    CsvOptions, Dtype, InputError, LabelFile, List, Matrix, OddColumn, Place, Source, counted, cut_first,
    display_name, display_path, integer_list, read_lines, shape_text,
};
use crate::logits::{
    ImproperRow, InputKind, MAX_CLASSES, RowAudit, ShapeError, Unnormalised, may_sum_to_one,
};
use crate::report::matrix::{CsvParams, MatrixParams};
use crate::report::{Shortest, Warning};
use crate::shown::shown;

/// The matrix and what its numbers are.
#[derive(Args)]
#[command(next_help_heading = "Input")]
pub(super) struct LogitsArgs {
    /// The network's output: .npy or CSV; - for standard input
    #[arg(value_name = "LOGITS", default_value = "-")]
    pub(super) logits: PathBuf,

    /// What the values are
    #[arg(long, value_name = "KIND", value_enum, default_value_t = InputKind::Logits)]
    pub(super) input: InputKind,

    /// Axis order of a CTC input (2-D: tc; 3-D: inferred if the number of items in the labels, references or lengths fits only one axis)
    #[arg(long, value_name = "LAYOUT", value_enum)]
    pub(super) layout: Option<Layout>,

    /// Number of frames to use from each item: a file, or N,N,… [default: all]
    #[arg(long, value_name = "FILE|N,N,…", allow_negative_numbers = true)]
    pub(super) lengths: Option<String>,

    /// CSV delimiter: an ASCII character or 'tab' (default: ',', tab for .tsv, ';' if the first row has one and no ',')
    #[arg(short, long, value_name = "CHAR", value_parser = delimiter)]
    pub(super) delimiter: Option<u8>,

    /// The CSV's first row holds column names
    #[arg(long)]
    pub(super) headers: bool,
}

impl LogitsArgs {
    /// The arguments that name files, and the files.
    pub(super) fn named(&self) -> [Named<'_>; 2] {
        let lengths = self.lengths.as_deref().map(OsStr::new);
        [("LOGITS", Some(self.logits.as_os_str())), ("--lengths", lengths)]
    }

    fn csv_options(&self) -> CsvOptions {
        CsvOptions { delimiter: self.delimiter, headers: self.headers }
    }

    /// Opens the file and starts the threads that read it.
    pub(super) fn open(&self, output: &OutputArgs, diagnostics: Diagnostics) -> anyhow::Result<Matrix> {
        let source = Source::open(&self.logits)?;
        output.start_threads()?;
        let matrix = Matrix::from_source(source, self.csv_options())?;
        note_matrix(&matrix, diagnostics);
        Ok(matrix)
    }
}

/// Says what a matrix is, to who wants to know.
pub(super) fn note_matrix(matrix: &Matrix, diagnostics: Diagnostics) {
    let (name, dtype) = (matrix.name(), matrix.dtype().name());
    diagnostics.note(format_args!("{name}: {} of {dtype}", found_shape(matrix)));
}

/// What a matrix is, for a result of it.
pub(super) fn matrix_params(matrix: &Matrix) -> MatrixParams {
    MatrixParams {
        logits: matrix.path().to_owned(),
        dtype: matrix.dtype().name(),
        shape: matrix.shape().to_vec(),
        csv: csv_params(matrix),
    }
}

/// How a CSV file was read, for a result of it.
pub(super) fn csv_params(matrix: &Matrix) -> CsvParams {
    let csv = matrix.csv_options();
    CsvParams {
        delimiter: csv.and_then(|csv| csv.delimiter).map(char::from),
        headers: csv.map(|csv| csv.headers),
    }
}

/// Opens labels and says what they are.
pub(super) fn open_labels(
    path: &Path,
    logits: &LogitsArgs,
    diagnostics: Diagnostics,
) -> Result<LabelFile, InputError> {
    let labels = LabelFile::open(path, logits.csv_options())?;
    diagnostics.note(format_args!("{}: {}", labels.name(), labels.describe()));
    Ok(labels)
}

/// Reads lines of text and says how many there are.
pub(super) fn open_lines(path: &Path, diagnostics: Diagnostics) -> Result<Vec<String>, InputError> {
    let lines = read_lines(path)?;
    diagnostics.note(format_args!("{}: {}", display_path(path), counted(lines.len(), "line")));
    Ok(lines)
}

pub(super) fn found_shape(matrix: &Matrix) -> String {
    format!("shape {}", shape_text(matrix.shape()))
}

pub(super) fn bad_shape(matrix: &Matrix, error: &ShapeError) -> InputError {
    let (expected, found) = match error {
        ShapeError::NoClasses(shape, _) if shape[..] == [0, 0] && matrix.npy_details().is_none() => {
            ("a table of numbers".to_owned(), "no rows".to_owned())
        }
        ShapeError::NoClasses(_, axis) => {
            (format!("a shape with at least one class on axis {axis}"), found_shape(matrix))
        }
        ShapeError::TooManyClasses(_, axis) => {
            (format!("at most {MAX_CLASSES} classes on axis {axis}"), found_shape(matrix))
        }
        _ => ("a shape that fits in memory".to_owned(), found_shape(matrix)),
    };
    InputError::new(matrix.name(), Place::whole(), expected, found)
}

/// How to go on after a row that is no distribution, where it can't be let through.
pub(super) const INSPECT: &str =
    "if this is padding, give --lengths; ctctool inspect counts such values and locates the first";

/// A row that was refused, with its place in the file's terms.
pub(super) fn improper_row(
    name: &str,
    row: &ImproperRow,
    place: Place,
    kind: InputKind,
    hint: &str,
) -> InputError {
    let all = "nothing but";
    let (expected, found) = match (row.all_impossible, kind) {
        (true, InputKind::Probs) => ("a probability above 0", format!("{all} zeros")),
        (true, _) => ("a value above -inf", format!("{all} -inf")),
        (false, InputKind::Probs) => ("a finite probability of 0 or more", row.value.to_string()),
        (false, _) => ("a finite number", row.value.to_string()),
    };
    let place = if row.all_impossible { place } else { place.at("class", row.class) };
    // Nobody has probabilities below 0, so these are none.
    let no_probs = kind == InputKind::Probs && row.value < 0.0 && !row.all_impossible;
    InputError::new(name, place, expected, found).hint(if no_probs {
        "these are not probabilities: give --input log-probs, or omit --input for logits"
    } else {
        hint
    })
}

/// What is odd about a matrix, before its values are looked at.
pub(super) struct Oddity {
    pub(super) code: &'static str,
    pub(super) message: String,
    /// How to go on.
    pub(super) hint: String,
}

/// A CSV of which a column is no class, or integers so small that they are hardly scores as they stand.
pub(super) fn oddity(matrix: &Matrix) -> Option<Oddity> {
    let (name, dtype) = (matrix.name(), matrix.dtype());
    if let Some(column) = matrix.odd_column() {
        let delimiter = matrix.csv_options().and_then(|csv| csv.delimiter).unwrap_or(b',');
        let columns = matrix.shape()[1];
        return Some(match column {
            OddColumn::RowNumbers => Oddity {
                code: "row_numbers",
                message: format!("{name}: the first column just counts the rows, but is read as class 0"),
                hint: format!("remove it from the file with {}", cut_first(delimiter)),
            },
            OddColumn::WholeNumbers(class) => Oddity {
                code: "whole_number_column",
                message: format!(
                    "{name}: column {} has only whole numbers, like labels or row numbers, but is read as class {class}",
                    class + 1
                ),
                hint: if class == 0 {
                    format!("if it is not a score, remove it from the file with {}", cut_first(delimiter))
                } else {
                    let keep = cut_first(delimiter).replace("2-", &format!("-{}", columns - 1));
                    format!("if it is not a score, remove it from the file with {keep}")
                },
            },
        });
    }
    let (like, hint) = match dtype {
        Dtype::Int(1) | Dtype::Uint(1) => {
            ("quantised scores", "dequantise them: (x.astype('float32') - zero_point) * scale")
        }
        Dtype::Int(2) | Dtype::Uint(2) => (
            "the raw bits of half-precision floats",
            "reinterpret them with x.view('float16'), bfloat16 with (x.view('uint16').astype('uint32') << \
             16).view('float32'); dequantise quantised scores with (x.astype('float32') - zero_point) * scale",
        ),
        _ => return None,
    };
    let message = format!("{name}: its values are integers of type {}, like {like}", dtype.name());
    Some(Oddity { code: "small_integers", message, hint: hint.to_owned() })
}

/// A table whose `columns` have the names of the classes in the file `alphabet`, in another order.
pub(super) fn column_names_warning(
    columns: &[String],
    alphabet: &str,
    classes: &[String],
) -> Option<Warning> {
    let distinct: HashSet<&String> = columns.iter().collect();
    let written = || classes.iter().enumerate().filter(|(_, name)| !name.is_empty());
    if columns.len() != classes.len() || !written().all(|(_, name)| distinct.contains(name)) {
        return None;
    }
    let (class, name) = written().find(|&(class, name)| columns[class] != *name)?;
    let message = format!(
        "{alphabet}: class {class} is {}, but column {} is named {}: alphabet and columns are in different orders",
        shown(name),
        class + 1,
        shown(&columns[class])
    );
    Some(Warning { code: "column_names", message })
}

/// What is odd about a matrix, as a warning.
pub(super) fn matrix_warning(matrix: &Matrix) -> Option<Warning> {
    let Oddity { code, message, hint } = oddity(matrix)?;
    Some(Warning { code, message: format!("{message}: {hint}") })
}

/// A list of lengths, where the option was given.
pub(super) fn optional_integers(
    option: &str,
    argument: Option<&str>,
) -> Result<Option<List<i64>>, InputError> {
    argument.map(|argument| integer_list(option, argument)).transpose()
}

/// What it means that probabilities are next to equal in so many rows.
pub(super) fn softmax_twice(rows: impl Display) -> String {
    format!(
        "in all {rows} rows the largest probability is at most e times the smallest: softmax was applied twice (save \
         what comes before the first), or the network has learned nothing"
    )
}

/// What it means that all numbers of so many rows are whole.
pub(super) fn whole_numbers(rows: impl Display) -> String {
    format!(
        "in all {rows} rows checked, all values are whole numbers: quantised scores must be dequantised first, (x - \
         zero_point) * scale, and the argmax is no score"
    )
}

/// What it means that the powers of another base than e sum to 1 in so many of the first rows.
pub(super) fn log_base(rows: usize, base: u8) -> String {
    format!(
        "in each of the first {rows} rows, {base}**x sums to 1, so these are base-{base} logarithms: convert them to natural \
         ones with x * numpy.log({base})"
    )
}

/// What the rows in use show of a wrong `--input`.
///
/// `odd` is what was said of the matrix before.
pub(super) fn input_warnings(
    name: &str,
    audit: &RowAudit,
    odd: Option<Warning>,
    place: impl Fn(usize) -> String,
) -> Vec<Warning> {
    let name = display_name(name);
    let is_told = odd.is_some();
    let mut warnings: Vec<Warning> = odd.into_iter().collect();
    let like_probs = audit.looks_like_probs();
    let but = if audit.looks_rounded() { " but for rounding" } else { "" };
    if let (InputKind::Logits, Some(rows)) = (audit.kind(), like_probs) {
        let unless = if audit.looks_flat().is_some() { " unless softmax was applied twice" } else { "" };
        let message = format!(
            "{name} looks like probabilities (all {rows} rows checked sum to 1{but}, with no negative value), but \
             logits were expected: give --input probs{unless}"
        );
        warnings.push(Warning { code: "looks_like_probs", message });
    }
    if let Some(rows) = audit.looks_flat() {
        warnings.push(Warning { code: "softmax_twice", message: format!("{name}: {}", softmax_twice(rows)) });
    }
    if let Some((rows, base)) = audit.looks_like_other_base() {
        warnings.push(Warning { code: "log_base", message: format!("{name}: {}", log_base(rows, base)) });
    }
    if let Some(rows) = audit.looks_whole().filter(|_| !is_told) {
        let message = format!("{name}: {}", whole_numbers(rows));
        warnings.push(Warning { code: "whole_numbers", message });
    }
    if let Some(Unnormalised { rows, first, sum }) = audit.unnormalised() {
        let rows = if rows == 1 { "1 row does".to_owned() } else { format!("{rows} rows do") };
        let rather = match like_probs {
            Some(_) => &format!("taken as probabilities they do{but}: give --input probs"),
            None if audit.kind() == InputKind::Probs && (may_sum_to_one(sum) || audit.looks_rounded()) => {
                "were they rounded?"
            }
            None if audit.kind() == InputKind::Probs && may_sum_to_one(sum / 100.0) => {
                "if these are percentages, divide them by 100"
            }
            None => {
                "are these logits, or are the classes on another axis? ctctool inspect shows what they look like"
            }
        };
        let (first, sum) = (place(first), Shortest(sum));
        let message = format!("{name}: {rows} not sum to 1 (the first, {first}, sums to {sum}): {rather}");
        warnings.push(Warning { code: "not_normalised", message });
    }
    warnings
}
