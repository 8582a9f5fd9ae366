//! `ctctool loss`: cross-entropy or CTC loss.

mod criterion;
mod cross_entropy;
mod ctc;
mod gradient;
mod guess;
mod usage;

use std::ffi::OsStr;
use std::path::PathBuf;

use gradient::{GradientArgs, GradientOf, GradientWork};

use super::ExitStatus;
use super::alphabet_args::AlphabetArgs;
use super::diagnostics::{Diagnostics, with_cause, with_hints};
use super::inputs::{LogitsArgs, matrix_params, open_labels};
use super::output_args::OutputArgs;
use super::subcommand::{Named, ResultCommand};
use super::values::{Criterion, Word, checked_format, class_axis, number, zero_or_more};
use crate::input::{LabelFile, Matrix};
use crate::logits::Nonfinite;
use crate::loss::reduction::Reduction;
use crate::report::gradient::GradientCheck;
use crate::report::loss::{LossParams, LossSummary};
use crate::report::{Check, Details, Format, Record, Report, Warning};
pub(super) use criterion::{CLASSES_LAST, classes_last, criteria_that_fit, names_fit};
use criterion::{nearly_as_many, without};

/// Cross-entropy or CTC loss of a matrix against labels
///
/// Prints the loss under every reduction convention in use, each as PyTorch would compute it in double precision.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    logits: LogitsArgs,

    /// Labels: integer .npy, or text with one item per line; class probabilities: float .npy, or CSV
    #[arg(long, value_name = "FILE", help_heading = "Labels")]
    labels: PathBuf,

    /// Number of labels in each item, for padded or joined .npy labels: a file, or N,N,…
    #[arg(long, value_name = "FILE|N,N,…", allow_negative_numbers = true, help_heading = "Labels")]
    label_lengths: Option<String>,

    #[command(flatten)]
    alphabet: AlphabetArgs,

    #[command(flatten)]
    settings: Settings,

    #[command(flatten)]
    checks: Checks,

    #[command(flatten)]
    gradient: GradientArgs,

    /// Output format
    #[arg(long, value_name = "FORMAT", value_parser = checked_format(), default_value = "table", help_heading = "Output")]
    pub(super) format: Format,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Loss")]
struct Settings {
    /// Which loss; ce for short [default: inferred from the shapes if only one fits]
    #[arg(long, value_name = "LOSS", value_enum)]
    criterion: Option<Criterion>,

    /// How to combine per-item losses
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Reduction::Mean)]
    reduction: Reduction,

    /// Also list every item (as --reduction none, jsonl and csv do)
    #[arg(long)]
    items: bool,

    /// Cross-entropy: class axis of an input with 3 or more axes, 1 or -1 [default: 1]
    #[arg(long, value_name = "AXIS", allow_negative_numbers = true, value_parser = class_axis)]
    class_axis: Option<i8>,

    /// Cross-entropy: one weight per class: a file, or W,W,…
    #[arg(long, value_name = "FILE|W,W,…", allow_hyphen_values = true)]
    weight: Option<String>,

    /// Cross-entropy: target value to ignore [default: -100]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    ignore_index: Option<i64>,

    /// Cross-entropy: fraction of each target that is spread over all classes, 0 to 1 [default: 0]
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    label_smoothing: Option<f64>,

    /// CTC: count infinite losses as 0
    #[arg(long)]
    zero_infinity: bool,

    /// What to do with NaN, +inf and rows of nothing but -inf, if they are used
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Nonfinite::Error)]
    nonfinite: Nonfinite,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Checks (exit code 1 if one fails)")]
struct Checks {
    /// Fail unless the reduced loss is a number and at most X nats
    #[arg(long, value_name = "X", value_parser = number, allow_negative_numbers = true)]
    max_loss: Option<f64>,

    /// Fail unless the reduced loss is X nats, within --rtol and --atol
    #[arg(long, value_name = "X", value_parser = number, allow_negative_numbers = true, group = "number")]
    expect: Option<f64>,

    /// Relative tolerance of --expect and --guess [default: 1e-5]
    #[arg(long, value_name = "R", value_parser = zero_or_more, requires = "number", allow_negative_numbers = true)]
    rtol: Option<f64>,

    /// Absolute tolerance of --expect and --guess [default: 1e-8; with --guess, 0 unless X is 0]
    #[arg(long, value_name = "A", value_parser = zero_or_more, requires = "number", allow_negative_numbers = true)]
    atol: Option<f64>,

    /// Search for the settings that make the loss X, another system's number: reduction, kind of input, blank, layout,
    /// criterion, unit, labels off by one. Prints the flags to use with the same files; reads the matrix into memory
    #[arg(long, value_name = "X", allow_negative_numbers = true, group = "number", conflicts_with_all = ["max_loss", "items"], help_heading = "Diagnosis")]
    guess: Option<f64>,
}

impl ResultCommand for Args {
    const NAME: &'static str = "loss";

    fn delivery(&self) -> (&OutputArgs, Format) {
        (&self.output, self.format)
    }

    fn inputs(&self) -> Vec<Named<'_>> {
        let [logits, lengths] = self.logits.named();
        let label_lengths = ("--label-lengths", self.label_lengths.as_deref().map(OsStr::new));
        let weight = ("--weight", self.settings.weight.as_deref().map(OsStr::new));
        let labels = ("--labels", Some(self.labels.as_os_str()));
        vec![logits, labels, self.alphabet.names.named(), lengths, label_lengths, weight]
    }

    fn outputs(&self) -> Vec<Named<'_>> {
        vec![self.output.named(), self.gradient.named()]
    }

    fn run(&self, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
        self.check_usage()?;
        self.gradient.check_usage()?;
        self.compute(diagnostics)
    }
}

impl Args {
    fn compute(&self, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
        let matrix = self.logits.open(&self.output, diagnostics)?;
        let alphabet = self.alphabet.names.file()?;
        let labels = open_labels(&self.labels, &self.logits, diagnostics)?.with_names(alphabet.as_ref());
        let shape = matrix.shape().to_vec();
        let exchanged = || exchanged_axes(&shape, &labels);
        let other_axis = self.classes_last(&shape, &labels);
        if let Some(guess) = self.checks.guess {
            let result = self.run_guess(matrix, &labels, alphabet, guess, diagnostics);
            return result.map_err(|error| with_hints(error, other_axis));
        }
        let criterion = self
            .criterion(&matrix, &labels, alphabet.as_ref())
            .map_err(|error| with_hints(error, exchanged().or_else(|| other_axis.clone())))?;
        let misled = self.misleading_option(&matrix, &labels);
        let mut matrix = matrix;
        let gradient = GradientOf::new(&self.gradient, &mut matrix)?;
        let result = match criterion {
            Criterion::Ctc => {
                self.run_ctc(matrix, &labels, alphabet, gradient, other_axis.as_deref(), diagnostics)
            }
            Criterion::CrossEntropy => {
                self.run_cross_entropy(matrix, &labels, alphabet, gradient, diagnostics)
            }
        };
        // Names of rows, but for a line too many.
        let names = || match shape[..] {
            [rows, classes] if criterion == Criterion::Ctc && labels.may_be_names() => {
                labels.misfit(&[rows], classes)
            }
            _ => None,
        };
        let asked = self.settings.criterion.is_some() || self.ctc_option().is_some();
        let taken = criterion == Criterion::Ctc && !asked;
        let one_row = || taken.then(|| labels_in_a_row(&shape, &labels)).flatten();
        let nearly = || taken.then(|| nearly_as_many(&shape, &labels)).flatten();
        let hints =
            || other_axis.into_iter().chain(names()).chain(nearly()).chain(exchanged()).chain(one_row());
        result.map_err(|error| match misled {
            Some(hint) => with_cause(error, hint),
            None => with_hints(error, hints()),
        })
    }

    fn class_axis(&self, shape: &[usize]) -> Option<usize> {
        match (shape.len(), self.settings.class_axis) {
            (0, _) => None,
            (1, _) => Some(0),
            (axes, Some(-1)) => Some(axes - 1),
            _ => Some(1),
        }
    }

    fn lists_items(&self) -> bool {
        self.settings.items || self.settings.reduction == Reduction::None || self.format.lists_items()
    }

    /// The settings that both losses have; the others null.
    fn params(
        &self,
        matrix: &Matrix,
        criterion: Criterion,
        classes: usize,
        labels: &LabelFile,
    ) -> LossParams {
        let tolerance = |given: Option<f64>, default| self.checks.expect.map(|_| given.unwrap_or(default));
        LossParams {
            matrix: matrix_params(matrix),
            labels: labels.path().to_owned(),
            criterion: criterion.word(),
            criterion_inferred: self.settings.criterion.is_none(),
            reduction: self.settings.reduction.word(),
            input: self.logits.input.word(),
            nonfinite: self.settings.nonfinite.word(),
            classes,
            max_loss: self.checks.max_loss,
            expect: self.checks.expect,
            rtol: tolerance(self.checks.rtol, DEFAULT_RTOL),
            atol: tolerance(self.checks.atol, DEFAULT_ATOL),
            ..LossParams::default()
        }
    }

    fn deliver<I: Record>(
        &self,
        params: LossParams,
        summary: LossSummary,
        warnings: Vec<Warning>,
        items: Vec<I>,
        gradient: Option<GradientWork<'_>>,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let table = summary.table(&params);
        let mut report = Report::new("loss", params, summary);
        report.warnings = warnings;
        report.items = if self.lists_items() { items } else { Vec::new() };
        let file = report.params.matrix.logits.clone();
        if let Some(observed) = report.summary.loss_nats {
            if let Some(limit) = report.params.max_loss {
                report.checks.push(Check::at_most("max_loss", "loss", observed, limit).of(&file));
            }
            if let (Some(expected), Some(rtol), Some(atol)) =
                (report.params.expect, report.params.rtol, report.params.atol)
            {
                let close = |observed| Check::close("expect", "loss", observed, expected, rtol, atol);
                let mut check = close(observed);
                let mut named = report.summary.reductions.named().into_iter();
                // Another system's number is often another mean.
                if let (false, Some((name, _))) = (check.passed, named.find(|&(_, loss)| close(loss).passed))
                {
                    check.message = format!("{}; {name} matches", check.message);
                }
                report.checks.push(check.of(&file));
            }
        }
        diagnostics.judge(&report)?;
        if let Some(gradient) = gradient {
            report.summary.gradient = Some(gradient()?);
        }
        if let Some(path) = &self.gradient.grad {
            diagnostics.note(format_args!("{}: gradient written", path.display()));
        }
        let gradient = report.summary.gradient.as_ref();
        let check = gradient.and_then(|gradient| gradient.check.as_ref()).map(GradientCheck::table);
        let details: Vec<&dyn Details> = check.iter().map(|check| check as &dyn Details).collect();
        let written = self.output.output(self.format).write(&report, &details, &table);
        ExitStatus::of_checks(report.passed(), written)
    }
}

/// What to say where there is one label for each column.
fn exchanged_axes(shape: &[usize], labels: &LabelFile) -> Option<String> {
    let &[rows, columns] = shape else { return None };
    (rows != columns && rows > 1 && labels.fits_indices(&[columns])).then(|| {
        format!(
            "{} has a label for each of the {columns} columns: if these should be the rows, transpose the matrix: x.T",
            labels.name()
        )
    })
}

/// What to say where a line or a row of an array has a label for each row of the matrix.
fn labels_in_a_row(shape: &[usize], labels: &LabelFile) -> Option<String> {
    let &[rows, _] = shape else { return None };
    let fits = rows > 1 && labels.sequences(None) == Some(1) && labels.integers()?.len() == rows;
    fits.then(|| {
        format!(
            "{} has a label for each of the {rows} rows, but all in one row: for cross-entropy, write one per line, or reshape \
             an array with y.reshape(-1)",
            labels.name()
        )
    })
}

/// How to go on after a row that is no distribution.
const PROPAGATE: &str = "--nonfinite propagate lets it through as PyTorch does";
const DEFAULT_RTOL: f64 = 1e-5;
const DEFAULT_ATOL: f64 = 1e-8;
