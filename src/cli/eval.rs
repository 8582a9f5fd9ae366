//! `ctctool eval`: error rates of two text files.

use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::ExitStatus;
use super::diagnostics::Diagnostics;
use super::inputs::open_lines;
use super::output_args::{OutputArgs, RateLimits, has_details, not_shown};
use super::subcommand::{Named, ResultCommand};
use super::values::checked_format;
use crate::input::{InputError, Place, counted, display_path, empty_end};
use crate::metrics::error_rate::{characters, words};
use crate::metrics::{ErrorRates, LineErrors};
use crate::report::eval::{AlignmentTable, Alignments, EvalItem, EvalParams, EvalSummary, Pair};
use crate::report::transcripts::{more_than_text, text_warnings};
use crate::report::{Check, Details, Format, ItemId, Report};

/// Lines that one thread compares at a time.
const FEW_LINES: usize = 16;

/// Character and word error rates of two text files
///
/// Pairs lines in order. Words are separated by white space; nothing is trimmed or case-folded. Of the alignments with
/// the fewest errors, the one counted prefers, from the end backwards, a substitution to a deletion and a deletion to
/// an insertion.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Hypotheses, one line per item; - for standard input
    #[arg(value_name = "HYP")]
    hyp: PathBuf,

    /// References, one line per item
    #[arg(value_name = "REF")]
    reference: PathBuf,

    /// List each line's aligned pairs
    #[arg(long)]
    alignments: bool,

    #[command(flatten)]
    limits: RateLimits,

    /// Output format
    #[arg(long, value_name = "FORMAT", value_parser = checked_format(), default_value = "table", help_heading = "Output")]
    pub(super) format: Format,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl ResultCommand for Args {
    const NAME: &'static str = "eval";

    fn delivery(&self) -> (&OutputArgs, Format) {
        (&self.output, self.format)
    }

    fn inputs(&self) -> Vec<Named<'_>> {
        vec![("HYP", Some(self.hyp.as_os_str())), ("REF", Some(self.reference.as_os_str()))]
    }

    fn run(&self, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
        evaluate(self, diagnostics)
    }
}

fn evaluate(args: &Args, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
    let hypotheses = open_lines(&args.hyp, diagnostics)?;
    let references = open_lines(&args.reference, diagnostics)?;
    let name = args.hyp.display().to_string();
    if hypotheses.len() != references.len() {
        return Err(other_count(args, &hypotheses, &references).into());
    }
    let input: Arc<str> = name.as_str().into();
    let mut rates = ErrorRates::default();
    let aligned = args.alignments && has_details(args.format);
    let compare = |(hypothesis, reference): (&String, &String)| {
        let alignments = aligned.then(|| Alignments {
            // A table has words alone.
            characters: match args.format {
                Format::Table => Vec::new(),
                _ => Pair::align(&characters(reference), &characters(hypothesis)),
            },
            words: Pair::align(&words(reference), &words(hypothesis)),
        });
        (LineErrors::new(reference, hypothesis), alignments)
    };
    // To start threads takes as long as some lines, and a table without items needs them for nothing else.
    let compared: Vec<(LineErrors, Option<Alignments>)> =
        if hypotheses.len() <= FEW_LINES && args.format == Format::Table && !aligned {
            hypotheses.iter().zip(&references).map(compare).collect()
        } else {
            args.output.start_threads()?;
            hypotheses.par_iter().zip(&references).with_min_len(FEW_LINES).map(compare).collect()
        };
    let items = compared.into_iter().enumerate().map(|(index, (errors, alignments))| {
        rates.add(&errors);
        let id = ItemId { input: input.clone(), index: Some(index) };
        let texts = || [hypotheses[index].clone(), references[index].clone()];
        EvalItem {
            id,
            index,
            errors: errors.into(),
            texts: args.format.is_of_checks().then(texts),
            alignments,
        }
    });
    let items: Vec<EvalItem> = items.collect();
    let params = EvalParams {
        hyp: name,
        reference: args.reference.display().to_string(),
        alignments: args.alignments,
        max_cer: args.limits.max_cer,
        max_wer: args.limits.max_wer,
    };
    let summary = EvalSummary { items: items.len(), wrong_items: rates.wrong_lines, rates: rates.into() };
    let table = summary.table(&params);
    let mut report = Report::new("eval", params, summary);
    let mut checks = Check::error_rates(&report.summary.rates, args.limits.max_cer, args.limits.max_wer);
    if args.format.is_of_checks() && !args.limits.any() {
        checks = Check::rates_without_limits(&report.summary.rates);
    }
    report.checks = checks.into_iter().map(|check| check.of(&report.params.hyp)).collect();
    report.warnings.extend(args.limits.warnings());
    for (path, lines) in [(&args.hyp, &hypotheses), (&args.reference, &references)] {
        report.warnings.extend(more_than_text(path, lines));
    }
    let given = (&*args.reference, &*references);
    report.warnings.extend(text_warnings(
        &display_path(&args.hyp),
        &hypotheses,
        given,
        rates.wer_ratio(),
        false,
    ));
    report.warnings.extend(not_shown("--alignments", args.alignments, args.format));
    diagnostics.judge(&report)?;
    let output = args.output.output(args.format);
    let written = if args.format == Format::Table {
        let details = AlignmentTable(&items);
        let details: &[&dyn Details] = if args.alignments { &[&details] } else { &[] };
        output.write(&report, details, &table)
    } else {
        report.items = items;
        output.write(&report, &[], &table)
    };
    ExitStatus::of_checks(report.passed(), written)
}

/// A number of lines that is not that of the references.
fn other_count(args: &Args, hypotheses: &[String], references: &[String]) -> InputError {
    let expected = format!("{} as in {}", counted(references.len(), "line"), display_path(&args.reference));
    let error = InputError::new(
        &args.hyp.display().to_string(),
        Place::whole(),
        expected,
        hypotheses.len().to_string(),
    );
    let is_result = hypotheses.first().is_some_and(|line| {
        let of_items = ["id,index,", "{\"schema_version\":", "{\"type\":\"item\""];
        of_items.iter().any(|start| line.starts_with(start))
    });
    let result = "this is a result of this program: ctctool decode --format text writes only the texts";
    let [found, wanted] = [hypotheses, references].map(|lines| lines.iter().map(String::as_str));
    let hint = is_result.then_some(result).or_else(|| empty_end(found, references.len())).or_else(|| {
        empty_end(wanted, hypotheses.len()).and(Some("the other ends with an empty line: delete it"))
    });
    error.maybe_hint(hint)
}
