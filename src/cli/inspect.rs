//! `ctctool inspect`: what is in the file, and whether the labels fit it.

mod findings;
mod fit;
mod view;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use findings::{entropy_and_winners, numbers_of};
use view::View;

use super::ExitStatus;
use super::alphabet_args::AlphabetArgs;
use super::ctc_targets::{check_label_lengths, left_out_labels, seeming_label_padding};
use super::diagnostics::Diagnostics;
use super::frame_warnings::seeming_padding;
use super::inputs::{LogitsArgs, Oddity, matrix_params, oddity, open_labels, optional_integers};
use super::other_axis::other_axis;
use super::output_args::OutputArgs;
use super::subcommand::{Named, ResultCommand};
use super::values::{Word, result_format};
use crate::input::{Alphabet, AlphabetFile, InputError, LabelFile, Matrix, Place};
use crate::logits::Survey;
use crate::report::inspect::{Finding, InspectParams, InspectSummary};
use crate::report::{Format, Report};

/// What is in the file, and whether the labels fit it
///
/// Prints what the file is, what its numbers look like and why, and which classes are most often the argmax; with labels,
/// also how many frames each item needs and has, and how far the best path differs from the labels. Ends with findings
/// and the options they suggest.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    logits: LogitsArgs,

    /// Labels: integer .npy, or text with one item per line
    #[arg(long, value_name = "FILE", help_heading = "Labels")]
    labels: Option<PathBuf>,

    /// Number of labels in each item, for padded or joined .npy labels: a file, or N,N,…
    #[arg(
        long,
        value_name = "FILE|N,N,…",
        allow_negative_numbers = true,
        help_heading = "Labels",
        requires = "labels"
    )]
    label_lengths: Option<String>,

    #[command(flatten)]
    alphabet: AlphabetArgs,

    /// Output format
    #[arg(long, value_name = "FORMAT", value_parser = result_format(), default_value = "table", help_heading = "Output")]
    pub(super) format: Format,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl ResultCommand for Args {
    const NAME: &'static str = "inspect";

    fn delivery(&self) -> (&OutputArgs, Format) {
        (&self.output, self.format)
    }

    fn inputs(&self) -> Vec<Named<'_>> {
        let [logits, lengths] = self.logits.named();
        let label_lengths = ("--label-lengths", self.label_lengths.as_deref().map(OsStr::new));
        let labels = ("--labels", self.labels.as_deref().map(Path::as_os_str));
        vec![logits, labels, self.alphabet.names.named(), lengths, label_lengths]
    }

    fn run(&self, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
        let matrix = self.logits.open(&self.output, diagnostics)?;
        let alphabet = self.alphabet.names.file()?;
        let labels = self.labels.as_deref().map(|path| open_labels(path, &self.logits, diagnostics));
        let labels = labels.transpose()?.map(|labels| labels.with_names(alphabet.as_ref()));
        self.inspect(matrix, labels.as_ref(), alphabet, diagnostics)
    }
}

/// What the classes are, and every setting as resolved.
struct Settings {
    /// Where it may be a CTC input.
    blank: Option<u32>,
    class_names: Option<Vec<String>>,
    params: InspectParams,
}

impl Args {
    fn inspect(
        &self,
        mut matrix: Matrix,
        labels: Option<&LabelFile>,
        file: Option<AlphabetFile>,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let label_lengths = optional_integers("--label-lengths", self.label_lengths.as_deref())?;
        if let Some(labels) = labels {
            check_label_lengths(labels, label_lengths.as_ref())?;
        }
        let mut findings = Vec::new();
        let view = self.view(&matrix, labels, file.as_ref(), label_lengths.as_ref(), &mut findings)?;
        let Settings { blank, class_names, params } = self.settings(&matrix, labels, file.as_ref(), &view)?;
        let odd = |Oddity { code, message, hint }| Finding { code, message, flag: Some(hint) };
        findings.extend(oddity(&matrix).map(odd));
        let mut summary = described(&matrix, &view);
        // Probabilities are no labels to count, whole numbers neither.
        let of_rows = labels.filter(|labels| view.cross_entropy && !labels.fits_probs(matrix.shape()));
        let targets = of_rows.and_then(|labels| {
            let classes = view.geometry.classes();
            Some(fit::targets(&mut summary, labels, labels.integers()?, classes, &mut findings))
        });
        let mut survey = survey_of(&view, targets.as_ref().map_or(0, Vec::len));
        let again = matrix.can_be_read_again().then(|| matrix.again()).transpose()?;
        matrix.reduce(&view.geometry, &mut survey).map_err(InputError::from)?;
        // Only now, so that the frames of the header are there.
        let mut items = Vec::new();
        if let (Some(labels), Some(shape), Some(blank)) = (labels, &view.ctc, blank)
            && view.labels_fit
        {
            let raw = self.raw_labels(labels, shape, file, blank, label_lengths.as_ref())?;
            let are_indices = self.alphabet.names.alphabet.is_none() || !labels.is_text();
            let padding = seeming_label_padding(labels, label_lengths.as_ref()).filter(|_| are_indices);
            let flag = (!labels.is_text()).then(|| "--label-lengths FILE".to_owned());
            findings.extend(padding.map(|message| Finding { code: "label_padding", message, flag }));
            let left_out = left_out_labels(labels, label_lengths.as_ref());
            findings.extend(left_out.map(|message| Finding { code: "labels_left_out", message, flag: None }));
            fit::count_labels(&mut summary, raw.concat(), view.geometry.classes());
            let path = &params.matrix.logits;
            items = fit::items(
                path,
                (labels, label_lengths.as_ref()),
                &raw,
                shape,
                &view.lengths,
                blank,
                &mut findings,
            );
            if let Some(readings) = survey.readings() {
                fit::read_labels(&mut summary, &raw, readings, blank, !are_indices, &mut findings);
            }
        }
        if let Some(targets) = targets {
            fit::compare_winners(&mut summary, &targets, survey.row_winners(), &mut findings);
        }
        let row_place = |row: usize| match &view.ctc {
            Some(shape) => shape.place(row),
            None => Place::whole().at("row", row),
        };
        numbers_of(&mut summary, &survey, row_place);
        summary.runs = view.ctc.is_some().then_some(survey.runs);
        entropy_and_winners(&mut summary, &survey, blank, class_names.as_deref());
        self.number_findings(&summary, &survey, blank, row_place, &mut findings);
        if let Some(matrix) = again.filter(|_| summary.looks_like == "logits") {
            findings.extend(other_axis(matrix, &view.geometry)?);
        }
        findings.extend(self.of_frames(&params.matrix.logits, &view, &survey));
        summary.findings = findings;
        let mut report = Report::new("inspect", params, summary);
        report.items = items;
        diagnostics.judge(&report)?;
        let details = [report.summary.winners_table(), report.summary.table(&report.params)];
        let last = report.summary.findings_table();
        self.output.output(self.format).write(&report, &[&details[0], &details[1]], &last)?;
        Ok(ExitStatus::Success)
    }

    fn settings(
        &self,
        matrix: &Matrix,
        labels: Option<&LabelFile>,
        file: Option<&AlphabetFile>,
        view: &View,
    ) -> anyhow::Result<Settings> {
        let classes = view.geometry.classes();
        let may_be_ctc = !view.cross_entropy && matches!(matrix.shape().len(), 2 | 3);
        let blank = if may_be_ctc { Some(self.alphabet.names.blank_of(classes, file)?) } else { None };
        let names = match (file.cloned(), blank) {
            (Some(file), Some(blank)) => Some(match &view.ctc {
                Some(shape) => shape.alphabet(file, blank)?,
                None => Alphabet::new(file, classes, blank)?,
            }),
            _ => None,
        };
        let text = names.as_ref().filter(|_| labels.is_some_and(LabelFile::is_text));
        let split = text.and_then(|names| self.alphabet.label_split.or_else(|| names.only_split()));
        let params = InspectParams {
            matrix: matrix_params(matrix),
            labels: labels.map(|labels| labels.path().to_owned()),
            input: self.logits.input.word(),
            layout: view.ctc.as_ref().map(|shape| shape.layout.word()),
            layout_inferred: view.ctc.as_ref().is_some_and(|shape| shape.layout_inferred),
            blank,
            ctc_labels: self.alphabet.label_params(
                split.map(Word::word),
                self.logits.lengths.as_ref(),
                self.label_lengths.as_ref(),
            ),
        };
        Ok(Settings { blank, class_names: class_names(names.as_ref(), file, view)?, params })
    }

    /// Frames that are in use and seem not to be, or the other way round.
    fn of_frames(&self, path: &str, view: &View, survey: &Survey) -> Option<Finding> {
        let shape = view.ctc.as_ref()?;
        if self.logits.lengths.is_some() {
            return fit::unused_frames(shape, &view.lengths);
        }
        let padding = seeming_padding(path, shape, &survey.equal_at_end(), &view.lengths);
        padding.map(|message| found("padding", message, "--lengths FILE"))
    }
}

/// Something that was found, and the option to use.
fn found(code: &'static str, message: String, flag: &str) -> Finding {
    Finding { code, message, flag: Some(flag.to_owned()) }
}

/// A survey of what the labels ask for; `targets` of them are classes of rows.
fn survey_of(view: &View, targets: usize) -> Survey {
    let rows_per_item = view.ctc.as_ref().map_or(view.geometry.rows(), |shape| shape.frames);
    let survey = Survey::new(view.geometry.clone(), rows_per_item, view.lengths.clone());
    if view.labels_fit { survey.with_readings() } else { survey.with_row_winners(targets) }
}

/// What the classes are called.
fn class_names(
    alphabet: Option<&Alphabet>,
    file: Option<&AlphabetFile>,
    view: &View,
) -> Result<Option<Vec<String>>, InputError> {
    match (alphabet, file) {
        (Some(alphabet), _) => Ok(Some(alphabet.tokens().to_vec())),
        (None, Some(file)) if view.cross_entropy => {
            file.clone().class_names(view.geometry.classes()).map(Some)
        }
        _ => Ok(None),
    }
}

/// What the file is, before its numbers are read.
fn described(matrix: &Matrix, view: &View) -> InspectSummary {
    let details = matrix.npy_details();
    InspectSummary {
        format: if details.is_some() { "npy" } else { "csv" },
        npy_version: details.map(|(version, _)| version),
        dtype: matrix.dtype().name(),
        byte_order: details.map(|(_, big)| if big { "big" } else { "little" }),
        order: if matrix.fortran_order() { "Fortran" } else { "C" },
        shape: matrix.shape().to_vec(),
        values: matrix.shape().iter().product(),
        items: view.ctc.as_ref().map(|shape| shape.items),
        classes: view.geometry.classes(),
        looks_like: "logits",
        ..InspectSummary::default()
    }
}
