//! Arguments that subcommands share, and what they mean once the files are open.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::diagnostics::{Diagnostics, UsageError};
use super::values::{Color, Layout, Word, delimiter};
use crate::input::{
    Alphabet, AlphabetFile, BlankChoice, CsvOptions, InputError, LabelFile, LabelSplit, List, Matrix, Place,
    counted, display_name, integer_list, read_lines, resolve_blank, shape_text,
};
use crate::logits::{Geometry, ImproperRow, InputKind, RowAudit, ShapeError};
use crate::loss::ctc::CtcLabels;
use crate::report::ctc_input::CtcInputParams;
use crate::report::{Format, Output, OutputError, Warning};

/// The matrix and what its numbers are.
#[derive(Args)]
#[command(next_help_heading = "Input")]
pub(super) struct LogitsArgs {
    /// The network's output: .npy or CSV; - is standard input
    #[arg(value_name = "LOGITS", default_value = "-")]
    pub(super) logits: PathBuf,

    /// What the numbers are
    #[arg(long, value_name = "KIND", value_enum, default_value_t = InputKind::Logits)]
    pub(super) input: InputKind,

    /// Order of the axes of a CTC input (2-D is tc; told from the labels where 3-D leaves one choice)
    #[arg(long, value_name = "LAYOUT", value_enum)]
    pub(super) layout: Option<Layout>,

    /// Frames in use of each item: a file, or N,N,… (all of them where not given)
    #[arg(long, value_name = "FILE|N,N,…")]
    pub(super) lengths: Option<String>,

    /// CSV delimiter: a character or 'tab' (default: ',', tab for .tsv, ';' where the first row has it and no ',')
    #[arg(short, long, value_name = "CHAR", value_parser = delimiter)]
    pub(super) delimiter: Option<u8>,

    /// The CSV's first row is names
    #[arg(long)]
    pub(super) headers: bool,
}

/// Only one thing can come from standard input: options and the files they name.
pub(super) fn check_stdin(named: &[(&str, Option<&OsStr>)]) -> Result<(), UsageError> {
    let mut from_stdin = named.iter().filter(|(_, file)| file.is_some_and(|file| file == "-"));
    match (from_stdin.next(), from_stdin.next()) {
        (Some((one, _)), Some((other, _))) => {
            Err(UsageError::new(format!("only one of {one} and {other} can come from standard input")))
        }
        _ => Ok(()),
    }
}

impl LogitsArgs {
    /// The arguments that name files, and the files.
    pub(super) fn named(&self) -> [(&'static str, Option<&OsStr>); 2] {
        let lengths = self.lengths.as_deref().map(OsStr::new);
        [("LOGITS", Some(self.logits.as_os_str())), ("--lengths", lengths)]
    }

    pub(super) fn open(&self, diagnostics: Diagnostics) -> Result<Matrix, InputError> {
        let options = CsvOptions { delimiter: self.delimiter, headers: self.headers };
        let matrix = Matrix::open(&self.logits, options)?;
        note_matrix(&matrix, diagnostics);
        Ok(matrix)
    }
}

/// Says what a matrix is, to who wants to know.
pub(super) fn note_matrix(matrix: &Matrix, diagnostics: Diagnostics) {
    let (name, dtype) = (matrix.name(), matrix.dtype().name());
    diagnostics.note(format_args!("{name}: {} of {dtype}", found_shape(matrix)));
}

/// Opens labels and says what they are.
pub(super) fn open_labels(path: &Path, diagnostics: Diagnostics) -> Result<LabelFile, InputError> {
    let labels = LabelFile::open(path)?;
    diagnostics.note(format_args!("{}: {}", labels.name(), labels.describe()));
    Ok(labels)
}

/// Reads lines of text and says how many there are.
pub(super) fn open_lines(path: &Path, diagnostics: Diagnostics) -> Result<Vec<String>, InputError> {
    let lines = read_lines(path)?;
    diagnostics.note(format_args!("{}: {}", path.display(), counted(lines.len(), "line")));
    Ok(lines)
}

/// Class names and the blank.
#[derive(Args, Clone)]
#[command(next_help_heading = "Classes")]
pub(super) struct AlphabetArgs {
    /// Class names, one a line, or JSON: a list, or an object of token to index; the blank may be left out
    #[arg(long, value_name = "FILE")]
    pub(super) alphabet: Option<PathBuf>,

    /// The blank: a class index (negative counts from the end), 'last', or a token of the alphabet [default: 0]
    #[arg(long, value_name = "N|last|TOKEN", allow_hyphen_values = true)]
    pub(super) blank: Option<BlankChoice>,

    /// How text labels become tokens (default: chars where every token is one character)
    #[arg(long, value_name = "HOW", value_enum, requires = "alphabet")]
    pub(super) label_split: Option<LabelSplit>,

    /// The token that stands for what the alphabet does not have
    #[arg(long, value_name = "TOKEN", requires = "alphabet", allow_hyphen_values = true)]
    pub(super) unk: Option<String>,
}

/// What an item's labels are, and what classes are called.
pub(super) struct CtcTargets {
    pub(super) sequences: Vec<CtcLabels>,
    pub(super) blank: u32,
    /// How text was split, where the labels are text.
    pub(super) split: Option<&'static str>,
    pub(super) alphabet: Option<Alphabet>,
}

impl AlphabetArgs {
    /// The option that names a file, and the file.
    pub(super) fn named(&self) -> (&'static str, Option<&OsStr>) {
        ("--alphabet", self.alphabet.as_deref().map(Path::as_os_str))
    }

    /// The checked label sequences of a file.
    pub(super) fn sequences(
        &self,
        labels: &LabelFile,
        shape: &CtcShape,
        label_lengths: Option<&List<i64>>,
    ) -> anyhow::Result<CtcTargets> {
        let file = self.alphabet.as_deref().map(AlphabetFile::open).transpose()?;
        let blank = resolve_blank(&self.blank(), shape.classes, file.as_ref())?;
        self.sequences_by(file, blank, labels, shape, label_lengths)
    }

    /// The same with an alphabet that was read and a blank that is known.
    pub(super) fn sequences_by(
        &self,
        file: Option<AlphabetFile>,
        blank: u32,
        labels: &LabelFile,
        shape: &CtcShape,
        label_lengths: Option<&List<i64>>,
    ) -> anyhow::Result<CtcTargets> {
        let (items, classes) = (shape.items, shape.classes);
        let alphabet = file.map(|file| Alphabet::new(file, classes, blank)).transpose()?;
        let Some(names) = alphabet.as_ref().filter(|_| labels.is_text()) else {
            if labels.is_text() && label_lengths.is_some() {
                let message = "--label-lengths is for .npy labels; in text, each line is an item";
                return Err(UsageError::new(message).into());
            }
            let sequences = labels.index_sequences(items, label_lengths, classes, blank)?;
            return Ok(CtcTargets { sequences, blank, split: None, alphabet });
        };
        let split = self.label_split.or_else(|| names.only_split()).ok_or_else(|| {
            if let Some(class) = names.empty_entry() {
                let message = format!("the alphabet's entry {class} is empty, and no label can be that");
                return UsageError::new(message)
                    .hint("leave the empty line out, or give --label-split longest");
            }
            let message =
                "the alphabet has tokens of more than one character: it is not clear how labels are split";
            UsageError::new(message).hint("give --label-split chars, tokens or longest")
        })?;
        let unknown = self.unk.as_deref().map(|token| names.unknown(token)).transpose()?;
        let sequences = labels.text_sequences(items, names, split, unknown, blank)?;
        Ok(CtcTargets { sequences, blank, split: Some(split.word()), alphabet })
    }

    pub(super) fn blank(&self) -> BlankChoice {
        self.blank.clone().unwrap_or(BlankChoice::Index(0))
    }
}

/// Limits of error rates.
#[derive(Args)]
#[command(next_help_heading = "Checks (exit code 1 where one does not hold)")]
pub(super) struct RateLimits {
    /// The character error rate is not above X
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) max_cer: Option<f64>,

    /// The word error rate is not above X
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(super) max_wer: Option<f64>,
}

impl RateLimits {
    pub(super) fn any(&self) -> bool {
        self.max_cer.is_some() || self.max_wer.is_some()
    }
}

/// How the result is delivered.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Write the result to a file, whole or not at all
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Decimals in tables
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u8).range(0..=17))]
    precision: u8,

    /// Turn warnings into errors
    #[arg(long)]
    strict: bool,

    /// Print no warnings
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Say on standard error what was read and how long it took
    #[arg(short, long)]
    verbose: bool,

    /// Colours on standard error
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    color: Color,

    /// Number of threads (the result has the same bytes with any) [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl OutputArgs {
    pub(super) fn diagnostics(&self) -> Diagnostics {
        let colored = match self.color {
            Color::Auto => Diagnostics::stderr_takes_color(),
            Color::Always => true,
            Color::Never => false,
        };
        Diagnostics { quiet: self.quiet, verbose: self.verbose, strict: self.strict, colored }
    }

    pub(super) fn output(&self, format: Format) -> Output {
        Output { format, path: self.output.clone(), precision: usize::from(self.precision) }
    }

    /// Whether the result can be written where it was asked for; told before all work.
    pub(super) fn check_target(&self) -> Result<(), OutputError> {
        self.output(Format::default()).check_target()
    }

    /// Runs `work` on as many threads as were asked for.
    pub(super) fn on_threads<T: Send>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<T> {
        match self.threads {
            None => work(),
            Some(count) => {
                rayon::ThreadPoolBuilder::new().num_threads(usize::from(count)).build()?.install(work)
            }
        }
    }
}

/// How a CTC input's axes lie.
pub(super) struct CtcShape {
    pub(super) layout: Layout,
    pub(super) layout_inferred: bool,
    pub(super) items: usize,
    pub(super) frames: usize,
    pub(super) classes: usize,
    pub(super) geometry: Geometry,
}

impl CtcShape {
    /// References are a line an item.
    pub(super) fn check_references(&self, path: &Path, references: &[String]) -> Result<(), InputError> {
        if references.len() == self.items {
            return Ok(());
        }
        let expected = format!("{}, one an item", counted(self.items, "line"));
        let name = path.display().to_string();
        Err(InputError::new(&name, Place::whole(), expected, references.len().to_string()))
    }

    /// What a result says of the input.
    pub(super) fn params(
        &self,
        matrix: &Matrix,
        logits: &LogitsArgs,
        blank: u32,
        alphabet: Option<&Path>,
    ) -> CtcInputParams {
        CtcInputParams {
            logits: matrix.name().to_owned(),
            dtype: matrix.dtype().name(),
            shape: matrix.shape().to_vec(),
            input: logits.input.word(),
            layout: self.layout.word(),
            layout_inferred: self.layout_inferred,
            classes: self.classes,
            blank,
            alphabet: alphabet.map(|path| path.display().to_string()),
            lengths: logits.lengths.clone(),
        }
    }

    /// Resolves the layout; `items` is how many items the labels or lengths speak of.
    pub(super) fn new(matrix: &Matrix, asked: Option<Layout>, items: Option<usize>) -> anyhow::Result<Self> {
        let shape = matrix.shape();
        let wrong =
            |expected: &str| InputError::new(matrix.name(), Place::whole(), expected, found_shape(matrix));
        let (layout, layout_inferred) = match (shape.len(), asked) {
            (2, None | Some(Layout::Tc)) => (Layout::Tc, false),
            (3, Some(layout @ (Layout::Tnc | Layout::Ntc))) => (layout, false),
            (3, None) => (infer_layout(matrix, items)?, true),
            (2, Some(_)) => return Err(wrong("three axes for this --layout").into()),
            (3, Some(Layout::Tc)) => return Err(wrong("two axes for --layout tc").into()),
            _ => return Err(wrong("a CTC input of 2 or 3 axes").into()),
        };
        let (items, frames) = match layout {
            Layout::Tc => (1, shape[0]),
            Layout::Tnc => (shape[1], shape[0]),
            Layout::Ntc => (shape[0], shape[1]),
        };
        let class_axis = shape.len() - 1;
        let geometry = Geometry::new(shape, matrix.fortran_order(), class_axis, layout.row_axes())
            .map_err(|error| bad_shape(matrix, &error))?;
        Ok(Self { layout, layout_inferred, items, frames, classes: shape[class_axis], geometry })
    }

    /// Whether the input is a batch, so that items are named by their index.
    pub(super) fn is_batch(&self) -> bool {
        self.layout != Layout::Tc
    }

    /// Where a row lies, by its number.
    pub(super) fn place(&self, row: usize) -> Place {
        let place = Place::whole();
        let place = if self.is_batch() { place.at("item", row / self.frames) } else { place };
        place.at("frame", row % self.frames)
    }

    /// The frames in use of each item.
    pub(super) fn lengths(&self, given: Option<&List<i64>>) -> Result<Vec<usize>, InputError> {
        let Some(given) = given else { return Ok(vec![self.frames; self.items]) };
        if given.len() != self.items {
            let expected = format!("{}, one an item", counted(self.items, "length"));
            return Err(InputError::new(given.name(), Place::whole(), expected, given.len().to_string()));
        }
        let check = |(item, &length): (usize, &i64)| {
            usize::try_from(length).ok().filter(|&length| length <= self.frames).ok_or_else(|| {
                let expected = format!("a length from 0 to {}, the number of frames", self.frames);
                InputError::new(given.name(), Place::whole().at("item", item), expected, length.to_string())
            })
        };
        given.iter().enumerate().map(check).collect()
    }
}

fn infer_layout(matrix: &Matrix, items: Option<usize>) -> anyhow::Result<Layout> {
    let shape = matrix.shape();
    match items.map(|items| (shape[0] == items, shape[1] == items)) {
        Some((true, false)) => Ok(Layout::Ntc),
        Some((false, true)) => Ok(Layout::Tnc),
        matches => {
            let entries = |count| if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
            let reason = match (matches, items) {
                (Some((true, _)), Some(items)) => format!("both first axes have {}", entries(items)),
                (_, Some(items)) => {
                    format!("neither of the first axes has {}, one for each item", entries(items))
                }
                _ => "nothing says which axis is the batch".to_owned(),
            };
            let name = display_name(matrix.name());
            Err(UsageError::new(format!(
                "{name}: the layout of shape {} can't be told: {reason}",
                shape_text(shape)
            ))
            .hint("give --layout tnc (time, item, class) or --layout ntc (item, time, class)")
            .into())
        }
    }
}

pub(super) fn found_shape(matrix: &Matrix) -> String {
    format!("shape {}", shape_text(matrix.shape()))
}

pub(super) fn bad_shape(matrix: &Matrix, error: &ShapeError) -> InputError {
    let (expected, found) = match error {
        ShapeError::NoClasses(shape, _) if shape[..] == [0, 0] && matrix.npy_details().is_none() => {
            ("a table of numbers".to_owned(), "no row".to_owned())
        }
        ShapeError::NoClasses(_, axis) => {
            (format!("a shape with at least one class on axis {axis}"), found_shape(matrix))
        }
        _ => ("a shape that memory can hold".to_owned(), found_shape(matrix)),
    };
    InputError::new(matrix.name(), Place::whole(), expected, found)
}

/// How to go on after a row that is no distribution, where it can't be let through.
pub(super) const INSPECT: &str = "ctctool inspect counts such values and names the first";

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
        "these are no probabilities: give --input log-probs, or leave --input out for logits"
    } else {
        hint
    })
}

/// A list of lengths, where the option was given.
pub(super) fn optional_integers(
    option: &str,
    argument: Option<&str>,
) -> Result<Option<List<i64>>, InputError> {
    argument.map(|argument| integer_list(option, argument)).transpose()
}

/// What the rows in use show of a wrong `--input`.
pub(super) fn input_warnings(audit: &RowAudit, place: impl Fn(usize) -> String) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(rows) = audit.looks_like_probs() {
        let message = format!(
            "the input looks like probabilities (all {rows} rows that were looked at sum to 1 with nothing below 0), \
             and softmax over probabilities is not what a network was trained with: give --input probs"
        );
        warnings.push(Warning { code: "looks_like_probs", message });
    }
    if let Some((count, row, total)) = audit.unnormalised() {
        let rows = if count == 1 { "1 row does".to_owned() } else { format!("{count} rows do") };
        let message =
            format!("{rows} not sum to 1, the first is {} with {total}: are these logits?", place(row));
        warnings.push(Warning { code: "not_normalised", message });
    }
    warnings
}
