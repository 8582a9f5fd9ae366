//! `ctctool compare`: two matrices or two results within a tolerance.

mod matrix;
mod result;

use std::path::PathBuf;

use super::ExitStatus;
use super::diagnostics::{Diagnostics, UsageError};
use super::inputs::note_matrix;
use super::output_args::OutputArgs;
use super::subcommand::{Named, ResultCommand};
use super::values::{Stat, checked_format, delimiter, zero_or_more};
use crate::input::{Comparable, CsvOptions, Dtype};
use crate::metrics::Tolerance;
use crate::report::compare::{CompareItem, CompareParams, CompareSummary, changed_texts_table};
use crate::report::eval::Pair;
use crate::report::{Check, Details, Format, Report, Shortest, Warning};

/// Compare two matrices, or two results of this program, within a tolerance
///
/// A value may differ from the base's by atol + rtol × |base|. NaN never passes, infinities pass if equal. Matrices are
/// .npy or CSV, or one of each; of two dtypes, the less precise decides the tolerance. Results are what --format json
/// prints. The exit code is 1 if they differ, 2 if they can't be compared: different shapes, commands or parameters.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Reference file; - for standard input
    #[arg(value_name = "BASE")]
    base: PathBuf,

    /// File to check; - for standard input
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// Relative tolerance [default: 1e-3 for f16, 1.3e-6 for f32, 1e-7 for f64, 0 for integers]
    #[arg(long, value_name = "R", value_parser = zero_or_more, allow_negative_numbers = true)]
    rtol: Option<f64>,

    /// Absolute tolerance [default: 1e-5 for f16 and f32, 1e-7 for f64, 0 for integers]
    #[arg(long, value_name = "A", value_parser = zero_or_more, allow_negative_numbers = true)]
    atol: Option<f64>,

    /// What must be within the tolerance: every value, or a statistic of the absolute differences against the same
    /// statistic of the base's magnitudes
    #[arg(long, value_name = "STAT", value_enum, default_value_t = Stat::Elementwise)]
    stat: Stat,

    /// CSV delimiter: an ASCII character or 'tab'
    #[arg(short, long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,

    /// The CSV's first row holds column names
    #[arg(long)]
    headers: bool,

    /// Output format
    #[arg(long, value_name = "FORMAT", value_parser = checked_format(), default_value = "table", help_heading = "Output")]
    pub(super) format: Format,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What a comparison found.
struct Outcome {
    params: CompareParams,
    summary: CompareSummary,
    items: Vec<CompareItem>,
    /// Changed texts by item, word by word.
    texts: Vec<(u64, Vec<Pair>)>,
    warning: Option<Warning>,
}

/// Differing values that are listed; the worst come first.
const MAX_LISTED: usize = 20;

impl ResultCommand for Args {
    const NAME: &'static str = "compare";

    fn delivery(&self) -> (&OutputArgs, Format) {
        (&self.output, self.format)
    }

    fn inputs(&self) -> Vec<Named<'_>> {
        vec![("BASE", Some(self.base.as_os_str())), ("NEW", Some(self.new.as_os_str()))]
    }

    fn run(&self, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
        compare_files(self, diagnostics)
    }
}

fn compare_files(args: &Args, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
    let options = CsvOptions { delimiter: args.delimiter, headers: args.headers };
    args.output.start_threads()?;
    let base = Comparable::open(&args.base, options)?;
    let new = Comparable::open(&args.new, options)?;
    for file in [&base, &new] {
        match file {
            Comparable::Matrix(matrix) => note_matrix(matrix, diagnostics),
            Comparable::Result(file) => {
                diagnostics.note(format_args!("{}: a result of {}", file.name(), file.command));
            }
        }
    }
    let outcome = match (base, new) {
        (Comparable::Matrix(base), Comparable::Matrix(new)) => matrix::compare(args, base, new)?,
        (Comparable::Result(base), Comparable::Result(new)) => result::compare(args, &base, &new)?,
        (Comparable::Matrix(matrix), Comparable::Result(result))
        | (Comparable::Result(result), Comparable::Matrix(matrix)) => {
            let (matrix, result) = (matrix.name(), result.name());
            let message = format!("{matrix} is a matrix and {result} a result: they can't be compared");
            return Err(UsageError::new(message).into());
        }
    };
    let Outcome { params, summary, items, texts, warning } = outcome;
    let check = Check::comparison(&summary, &params);
    let mut report = Report::new("compare", params, summary);
    report.checks.push(check);
    report.warnings.extend(args.half_precision(&report.params));
    report.warnings.extend(warning);
    report.items = items;
    diagnostics.judge(&report)?;
    let changed = changed_texts_table(&texts);
    let details: &[&dyn Details] = if texts.is_empty() { &[] } else { &[&changed] };
    let table = report.summary.table(&report.params);
    let written = args.output.output(args.format).write(&report, details, &table);
    ExitStatus::of_checks(report.passed(), written)
}

/// Integers are exact, so the other decides.
fn less_precise(a: Dtype, b: Dtype) -> Dtype {
    let rank = |dtype: Dtype| match dtype {
        Dtype::F16 => 0,
        Dtype::F32 => 1,
        Dtype::F64 => 2,
        _ => 3,
    };
    if rank(a) <= rank(b) { a } else { b }
}

impl Args {
    /// Nobody asked for the tolerance of half precision, and one of two files has it.
    fn half_precision(&self, params: &CompareParams) -> Option<Warning> {
        let given = self.rtol.is_some() && self.atol.is_some();
        let half = |dtypes: &&[String; 2]| !given && dtypes.contains(&Dtype::F16.name());
        let [base, new] = params.dtypes.as_ref().filter(half)?;
        let other = if *base == Dtype::F16.name() { new } else { base };
        let other = [Dtype::F32, Dtype::F64].into_iter().find(|dtype| dtype.name() == *other);
        if other.is_some_and(|other| self.tolerance(other) == self.tolerance(Dtype::F16)) {
            return None;
        }
        let defaults = [("--rtol", self.rtol, params.rtol), ("--atol", self.atol, params.atol)];
        let defaults = defaults.into_iter().filter(|(_, given, _)| given.is_none());
        let taken: Vec<String> =
            defaults.map(|(option, _, value)| format!("{option} {}", Shortest(value))).collect();
        let message = format!(
            "{} is {base} and {} is {new}: the tolerance is that of float16, {}",
            params.base,
            params.new,
            taken.join(" ")
        );
        Some(Warning { code: "half_precision", message })
    }

    /// The tolerance asked for, else that of the dtype.
    fn tolerance(&self, dtype: Dtype) -> Tolerance {
        let (rtol, atol) = match dtype {
            Dtype::F16 => (1e-3, 1e-5),
            Dtype::F32 => (1.3e-6, 1e-5),
            Dtype::F64 => (1e-7, 1e-7),
            // What counts or numbers something is right or wrong.
            Dtype::Int(_) | Dtype::Uint(_) | Dtype::Bool => (0.0, 0.0),
        };
        Tolerance { rtol: self.rtol.unwrap_or(rtol), atol: self.atol.unwrap_or(atol) }
    }
}
