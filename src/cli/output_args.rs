//! Options of how a result is delivered and what it must hold.

use std::path::{Path, PathBuf};

use clap::Args;

use super::diagnostics::{Diagnostics, UsageError};
use super::subcommand::Named;
use super::usage_error::typed_words;
use super::values::{Color, Word, number};
use crate::report::{Format, Output, Warning};

/// Limits of error rates.
#[derive(Args)]
#[command(next_help_heading = "Checks (exit code 1 if one fails)")]
pub(super) struct RateLimits {
    /// Fail unless the character error rate is at most X, a ratio (0.1 is 10 %)
    #[arg(long, value_name = "X", value_parser = number, allow_negative_numbers = true)]
    pub(super) max_cer: Option<f64>,

    /// Fail unless the word error rate is at most X, a ratio (0.1 is 10 %)
    #[arg(long, value_name = "X", value_parser = number, allow_negative_numbers = true)]
    pub(super) max_wer: Option<f64>,
}

impl RateLimits {
    pub(super) fn any(&self) -> bool {
        self.max_cer.is_some() || self.max_wer.is_some()
    }

    /// Limits that hardly any text exceeds are rather percentages.
    pub(super) fn warnings(&self) -> impl Iterator<Item = Warning> {
        let limits = [("--max-cer", self.max_cer), ("--max-wer", self.max_wer)];
        limits.into_iter().filter_map(|(option, limit)| {
            let limit = limit.filter(|&limit| limit > 1.0)?;
            let (percent, ratio) = (100.0 * limit, limit / 100.0);
            let message =
                format!("{option} is a ratio: {limit} means {percent} %; for {limit} % give {ratio}");
            Some(Warning { code: "limit_above_one", message })
        })
    }
}

/// How the result is delivered.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Write the result to a file, atomically
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Decimal places in tables, 0 to 17
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u8).range(0..=17))]
    precision: u8,

    /// Turn warnings into errors
    #[arg(long)]
    strict: bool,

    /// Suppress warnings and messages about failed checks
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Report on standard error what was read and how long it took
    #[arg(short, long)]
    verbose: bool,

    /// Colours on standard error
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    color: Color,

    /// Number of threads; the output is byte-identical for any [default: all processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_THREADS)))]
    threads: Option<u16>,
}

impl OutputArgs {
    /// The option that names where the result goes, and that file.
    pub(super) fn named(&self) -> Named<'_> {
        ("--output", self.output.as_deref().map(Path::as_os_str))
    }

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
    pub(super) fn check_target(&self) -> anyhow::Result<()> {
        if self.output.as_deref() == Some(Path::new("-")) {
            let message = "--output: expected a file; omit it to write to standard output";
            return Err(UsageError::new(message).into());
        }
        Ok(self.output(Format::default()).check_target()?)
    }

    /// Says that a file is written in another form than its name promises, where nobody asked for one;
    /// `takes` tells whether `--format` takes a word.
    pub(super) fn form_of_file(&self, format: Format, takes: impl Fn(&str) -> bool) -> Option<Warning> {
        let asked = || typed_words().iter().any(|word| word == "--format");
        let path = self.output.as_deref().filter(|_| format == Format::Table && !asked())?;
        let named = path.extension()?.to_str().map(str::to_ascii_lowercase);
        let forms = ["json", "jsonl", "csv", "ctm", "srt", "textgrid"];
        let meant = forms.into_iter().find(|form| named.as_deref() == Some(form) && takes(form))?;
        let name = path.display();
        let message = format!(
            "{name}: the result is written as a table: --format {meant} writes what the name promises"
        );
        Some(Warning { code: "table_in_file", message })
    }

    /// Starts as many threads as were asked for; this one is among them. A thread that has nothing to do goes to sleep,
    /// and takes a while to wake up: so shortly before there is work for it.
    pub(super) fn start_threads(&self) -> anyhow::Result<()> {
        let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|count| count.parse::<usize>().ok());
        let asked = asked.filter(|&count| count > 0 && self.threads.is_none());
        if asked > Some(MOST_THREADS.into()) {
            let error = format!("RAYON_NUM_THREADS: expected at most {MOST_THREADS} threads");
            return Err(UsageError::new(error).hint("unset it, or give --threads").into());
        }
        let processors =
            || std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS.into());
        let count = self.threads.map(usize::from).or(asked).unwrap_or_else(processors);
        let threads = rayon::ThreadPoolBuilder::new().num_threads(count).use_current_thread();
        threads.build_global().map_err(|error| {
            let error = UsageError::new(format!("--threads: can't start that many threads: {error}"));
            error.hint("give fewer; --threads 1 starts no extra threads").into()
        })
    }
}

/// More do not help anybody.
const MOST_THREADS: u16 = 1024;

/// Whether a format has a place for more of an item than a line.
pub(super) fn has_details(format: Format) -> bool {
    matches!(format, Format::Table | Format::Json | Format::Jsonl)
}

/// Says that what an option asked for is not among what a format shows.
pub(super) fn not_shown(option: &str, asked: bool, format: Format) -> Option<Warning> {
    (asked && !has_details(format)).then(|| Warning {
        code: "not_shown",
        message: format!("{option}: --format {} can't show this; use table, json or jsonl", format.word()),
    })
}
