//! `ctctool inspect`: what is in the file, and whether the labels fit it.

use std::path::PathBuf;
use std::sync::Arc;

use super::ExitStatus;
use super::diagnostics::{Diagnostics, UsageError};
use super::inputs::{AlphabetArgs, CtcShape, LogitsArgs, OutputArgs, bad_shape, optional_integers};
use super::values::{Word, result_format};
use crate::input::{AlphabetFile, InputError, LabelFile, Matrix, Place, ReadError, resolve_blank};
use crate::logits::{Geometry, InputKind, Survey};
use crate::loss::Emissions;
use crate::loss::ctc::{CtcLabels, loss_of_emissions};
use crate::report::inspect::{Finding, InspectItem, InspectParams, InspectSummary, Winner};
use crate::report::{Format, ItemId, Report};

/// What is in the file, and whether the labels fit it
///
/// Prints what the file is, what its numbers look like and why, which classes win its frames, and, with labels, for
/// each item the frames that it needs against those it has. Ends with findings and the options that follow from them.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    logits: LogitsArgs,

    /// Labels: .npy of integers, or text with an item a line
    #[arg(long, value_name = "FILE", help_heading = "Labels")]
    labels: Option<PathBuf>,

    /// Labels in use of each item of a .npy file: a file, or N,N,…
    #[arg(long, value_name = "FILE|N,N,…", help_heading = "Labels", requires = "labels")]
    label_lengths: Option<String>,

    #[command(flatten)]
    alphabet: AlphabetArgs,

    /// How the result is printed
    #[arg(long, value_name = "FORMAT", value_parser = result_format(), default_value = "table", help_heading = "Output")]
    format: Format,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Classes that are listed among the winners.
const MOST_WINNERS: usize = 8;

pub(super) fn run(args: &Args, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
    let from_stdin = |path: &PathBuf| path.as_os_str() == "-";
    if from_stdin(&args.logits.logits) && args.labels.as_ref().is_some_and(from_stdin) {
        return Err(UsageError::new("only one of LOGITS and --labels can come from standard input").into());
    }
    let matrix = args.logits.open()?;
    let labels = args.labels.as_deref().map(LabelFile::open).transpose()?;
    args.run(matrix, labels.as_ref(), diagnostics)
}

/// How the rows are to be read.
struct View {
    geometry: Geometry,
    ctc: Option<CtcShape>,
    lengths: Vec<usize>,
}

impl Args {
    fn run(
        &self,
        matrix: Matrix,
        labels: Option<&LabelFile>,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let label_lengths = optional_integers(self.label_lengths.as_ref())?;
        let mut findings = Vec::new();
        let view = self.view(&matrix, labels, label_lengths.as_deref(), &mut findings)?;
        let classes = view.geometry.classes();
        let file = self.alphabet.alphabet.as_deref().map(AlphabetFile::open).transpose()?;
        let blank = match &view.ctc {
            Some(_) => Some(resolve_blank(&self.alphabet.blank(), classes, file.as_ref())?),
            None => None,
        };
        let params = InspectParams {
            logits: matrix.name().to_owned(),
            labels: labels.map(|labels| labels.name().to_owned()),
            layout: view.ctc.as_ref().map(|shape| shape.layout.word()),
            layout_inferred: view.ctc.as_ref().is_some_and(|shape| shape.layout_inferred),
            blank,
            lengths: self.logits.lengths.clone(),
        };
        let items = match (labels, &view.ctc, blank) {
            (Some(labels), Some(shape), Some(blank)) => {
                let lengths = label_lengths.as_deref();
                self.items(&matrix, labels, shape, &view.lengths, lengths, blank, &mut findings)?
            }
            _ => Vec::new(),
        };
        let rows_per_item = view.ctc.as_ref().map_or(view.geometry.rows(), |shape| shape.frames);
        let details = matrix.npy_details();
        let mut summary = InspectSummary {
            format: if details.is_some() { "npy" } else { "csv" },
            npy_version: details.map(|(version, _)| version),
            dtype: matrix.dtype().name(),
            byte_order: details.map(|(_, big)| if big { "big" } else { "little" }),
            order: if matrix.fortran_order() { "Fortran" } else { "C" },
            shape: matrix.shape().to_vec(),
            items: view.ctc.as_ref().map(|shape| shape.items),
            classes,
            rows: 0,
            min: None,
            max: None,
            nan: 0,
            positive_infinite: 0,
            negative_infinite: 0,
            first_bad_place: None,
            looks_like: "logits",
            rows_like_probs_ratio: 0.0,
            rows_like_log_probs_ratio: 0.0,
            entropy_mean_nats: None,
            entropy_min_nats: None,
            entropy_max_nats: None,
            winners: Vec::new(),
            blank_ratio: None,
            runs: 0,
            label_classes: None,
            findings: Vec::new(),
        };
        let mut survey = Survey::new(view.geometry.clone(), rows_per_item, view.lengths.clone());
        matrix.reduce(&view.geometry, &mut survey).map_err(|error| match error {
            ReadError::Input(error) => error,
            ReadError::Visit(never) => match never {},
        })?;
        let place = |(row, class): (usize, usize)| {
            let place =
                view.ctc.as_ref().map_or_else(|| Place::whole().at("row", row), |shape| shape.place(row));
            place.at("class", class).to_string()
        };
        fill(&mut summary, &survey, blank, place);
        if let Some(labels) = labels
            && view.ctc.is_some()
            && (file.is_none() || !labels.is_text())
        {
            let raw = labels.raw_sequences(summary.items.unwrap_or(0), label_lengths.as_deref())?;
            let mut used = raw.concat();
            used.sort_unstable();
            used.dedup();
            summary.label_classes = Some(used.len());
        }
        self.number_findings(&summary, blank, &mut findings);
        summary.findings = findings;
        let mut report = Report::new("inspect", params, summary);
        report.items = items;
        diagnostics.judge(&report)?;
        let details = [report.summary.winners_table(), report.summary.table(&report.params)];
        let last = report.summary.findings_table();
        self.output.output(self.format).write(&report, &details, &last)?;
        Ok(ExitStatus::Success)
    }

    /// Which axes are which: as a CTC input where it can be one.
    fn view(
        &self,
        matrix: &Matrix,
        labels: Option<&LabelFile>,
        label_lengths: Option<&[i64]>,
        findings: &mut Vec<Finding>,
    ) -> anyhow::Result<View> {
        let given = optional_integers(self.logits.lengths.as_ref())?;
        let shape = matrix.shape();
        if !(2..=3).contains(&shape.len()) {
            // Classifier logits: the classes' axis is PyTorch's.
            let axis = usize::from(shape.len() > 1);
            if shape.is_empty() {
                let error =
                    InputError::new(matrix.name(), Place::whole(), "at least one axis", "a single number");
                return Err(error.into());
            }
            let rows: Vec<usize> = (0..shape.len()).filter(|&other| other != axis).collect();
            let geometry = Geometry::new(shape, matrix.fortran_order(), axis, &rows);
            let geometry = geometry.map_err(|error| bad_shape(matrix, &error))?;
            return Ok(View { geometry, ctc: None, lengths: Vec::new() });
        }
        let speaks_of = given.as_ref().map(Vec::len);
        let speaks_of = speaks_of.or_else(|| labels?.sequences(label_lengths.map(<[i64]>::len)));
        match CtcShape::new(matrix, self.logits.layout, speaks_of) {
            Ok(ctc) => {
                if ctc.layout_inferred {
                    let layout = ctc.layout.word();
                    let axis = usize::from(layout == "tnc");
                    let message =
                        format!("axis {axis} has as many entries as there are items: the layout is {layout}");
                    findings.push(Finding {
                        code: "layout",
                        message,
                        flag: Some(format!("--layout {layout}")),
                    });
                }
                let lengths = ctc.lengths(self.logits.lengths.as_deref(), given.as_deref())?;
                Ok(View { geometry: ctc.geometry.clone(), ctc: Some(ctc), lengths })
            }
            Err(error) if shape.len() == 3 && self.logits.layout.is_none() => {
                let message = error.to_string();
                findings.push(Finding {
                    code: "layout",
                    message,
                    flag: Some("--layout tnc or --layout ntc".into()),
                });
                let geometry = Geometry::new(shape, matrix.fortran_order(), 2, &[0, 1]);
                let geometry = geometry.map_err(|error| bad_shape(matrix, &error))?;
                Ok(View { geometry, ctc: None, lengths: Vec::new() })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether each item's labels fit its frames; what does not is a finding, not an error.
    #[allow(clippy::too_many_arguments)] // all that an item is
    fn items(
        &self,
        matrix: &Matrix,
        labels: &LabelFile,
        shape: &CtcShape,
        lengths: &[usize],
        label_lengths: Option<&[i64]>,
        blank: u32,
        findings: &mut Vec<Finding>,
    ) -> anyhow::Result<Vec<InspectItem>> {
        let raw: Vec<Vec<i64>> = if self.alphabet.alphabet.is_some() && labels.is_text() {
            let targets = self.alphabet.sequences(labels, shape, label_lengths)?;
            let sequences = targets.sequences.iter();
            sequences.map(|sequence| sequence.labels().into_iter().map(i64::from).collect()).collect()
        } else {
            labels.raw_sequences(shape.items, label_lengths)?
        };
        let name: Arc<str> = matrix.name().into();
        let items: Vec<InspectItem> = raw
            .iter()
            .enumerate()
            .map(|(index, sequence)| {
                let id = ItemId { input: name.clone(), index: shape.is_batch().then_some(index) };
                item(id, index, sequence, lengths[index], shape.classes, blank)
            })
            .collect();
        let mut find = |code, what: &str, flag: Option<&str>, test: fn(&InspectItem) -> bool| {
            let mut found = items.iter().filter(|item| test(item));
            if let Some(first) = found.next() {
                let count = 1 + found.count();
                let message = format!("{count} of {} items {what}, the first is {}", items.len(), first.id);
                findings.push(Finding { code, message, flag: flag.map(str::to_owned) });
            }
        };
        find("infeasible", "have fewer frames than their labels need", None, |item| {
            item.frames < item.frames_needed
        });
        find("out_of_range", "have labels that are no class", None, |item| item.out_of_range > 0);
        let flag = "--label-lengths, if it is padding; --blank, if another class is the blank";
        find("blank_label", "have the blank among their labels", Some(flag), |item| item.blanks > 0);
        Ok(items)
    }

    /// What the numbers say.
    fn number_findings(&self, summary: &InspectSummary, blank: Option<u32>, findings: &mut Vec<Finding>) {
        if let Some(place) = &summary.first_bad_place {
            let message = format!(
                "{} values are NaN and {} +inf, the first at {place}: a loss over them is refused",
                summary.nan, summary.positive_infinite
            );
            findings.push(Finding { code: "nonfinite", message, flag: Some("--nonfinite propagate".into()) });
        }
        if summary.looks_like != self.logits.input.word() && summary.looks_like != "logits" {
            let share = summary.rows_like_probs_ratio.max(summary.rows_like_log_probs_ratio);
            let message = format!("{:.1} % of the rows look like {}", 100.0 * share, summary.looks_like);
            let flag = format!("--input {}", summary.looks_like);
            findings.push(Finding { code: "input_kind", message, flag: Some(flag) });
        }
        if let (Some(blank), Some(winner)) = (blank, summary.winners.first())
            && winner.class != blank as usize
        {
            let message = format!(
                "class {} wins {:.0} % of the frames, the blank, class {blank}, {:.0} %",
                winner.class,
                100.0 * winner.ratio,
                100.0 * summary.blank_ratio.unwrap_or(0.0)
            );
            let last = winner.class + 1 == summary.classes;
            let flag = if last { "--blank last".to_owned() } else { format!("--blank {}", winner.class) };
            findings.push(Finding { code: "blank", message, flag: Some(flag) });
        }
    }
}

fn item(id: ItemId, index: usize, labels: &[i64], frames: usize, classes: usize, blank: u32) -> InspectItem {
    let is_class = |label: &&i64| (0..classes as i64).contains(*label);
    let repeats = labels.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let out_of_range = labels.len() - labels.iter().filter(is_class).count();
    let blanks = labels.iter().filter(|&&label| label == i64::from(blank)).count();
    let valid: Vec<u32> = labels.iter().filter_map(|&label| u32::try_from(label).ok()).collect();
    // Where every class has "probability" 1 in every frame, the sum over alignments counts them.
    let ln_alignments =
        CtcLabels::new(&valid, classes, blank).ok().filter(|labels_| labels_.len() == labels.len());
    let ln_alignments = ln_alignments.map(|labels| {
        let ones = vec![0.0; frames * labels.columns().count()];
        -loss_of_emissions(&Emissions::new(&ones, labels.columns()), &labels).loss_nats
    });
    InspectItem {
        id,
        index,
        frames,
        label_length: labels.len(),
        frames_needed: labels.len() + repeats,
        out_of_range,
        blanks,
        ln_alignments: ln_alignments.filter(|ln| ln.is_finite()).map(|ln| ln + 0.0),
    }
}

fn fill(
    summary: &mut InspectSummary,
    survey: &Survey,
    blank: Option<u32>,
    place: impl Fn((usize, usize)) -> String,
) {
    let rows = survey.found.rows as f64;
    let [nan, positive, negative] = survey.found.nonfinite;
    summary.rows = survey.found.rows;
    summary.min = survey.found.range.map(|(low, _)| low);
    summary.max = survey.found.range.map(|(_, high)| high);
    summary.nan = nan.count;
    summary.positive_infinite = positive.count;
    summary.negative_infinite = negative.count;
    summary.first_bad_place = [nan.first, positive.first].into_iter().flatten().min().map(place);
    summary.looks_like = match survey.looks_like() {
        InputKind::Logits => "logits",
        InputKind::LogProbs => "log-probs",
        InputKind::Probs => "probs",
    };
    if survey.found.rows > 0 {
        summary.rows_like_probs_ratio = survey.found.like_probs as f64 / rows;
        summary.rows_like_log_probs_ratio = survey.found.like_log_probs as f64 / rows;
    }
    let proper: u64 = survey.wins.iter().sum();
    let entropies = survey.entropies();
    summary.entropy_mean_nats = entropies.map(|all| all.mean());
    summary.entropy_min_nats = entropies.map(|all| all.least);
    summary.entropy_max_nats = entropies.map(|all| all.greatest);
    summary.runs = survey.runs;
    if proper > 0 {
        let ratio = |class: usize| survey.wins[class] as f64 / proper as f64;
        let mut order: Vec<usize> = (0..survey.wins.len()).filter(|&class| survey.wins[class] > 0).collect();
        order.sort_by_key(|&class| (std::cmp::Reverse(survey.wins[class]), class));
        summary.winners =
            order.into_iter().take(MOST_WINNERS).map(|class| Winner { class, ratio: ratio(class) }).collect();
        summary.blank_ratio = blank.map(|blank| ratio(blank as usize));
    }
}
