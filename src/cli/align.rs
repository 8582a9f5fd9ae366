//! `ctctool align`: where each label lies in time.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use rayon::prelude::*;

use super::ExitStatus;
use super::alphabet_args::{AlphabetArgs, check_no_empty_entry};
use super::ctc_shape::CtcShape;
use super::ctc_targets::CtcTargets;
use super::diagnostics::Diagnostics;
use super::frame_warnings::{first_and_more, unused_frames};
use super::inputs::{
    INSPECT, LogitsArgs, improper_row, input_warnings, matrix_warning, open_labels, optional_integers,
};
use super::other_axis::SecondLook;
use super::output_args::OutputArgs;
use super::subcommand::{Named, ResultCommand};
use super::timing::{Clock, check_subtitles, check_times, write_times};
use super::values::{Word, alignment_format, frame_shift};
use crate::decode::spelling::{Spelling, WordDelimiter};
use crate::decode::{Alignment, AlignmentError, align};
use crate::input::{Alphabet, LabelFile, LabelSplit, Matrix, display_name};
use crate::logits::{ImproperRow, Nonfinite};
use crate::loss::{EmissionsBatch, ItemEmissions};
use crate::report::align::{AlignItem, AlignParams, AlignSummary};
use crate::report::intervals::TimedText;
use crate::report::{Format, ItemId, Report, Status, Warning};

/// Forced alignment: where each label lies in time
///
/// Prints, for each token and, if the alphabet has words, each word: the first frame, the end frame (one past the last),
/// the most probable frame and a confidence, all on the best path of the labels.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    logits: LogitsArgs,

    /// Labels: integer .npy, or text with one item per line
    #[arg(long, value_name = "FILE", help_heading = "Labels")]
    labels: PathBuf,

    /// Number of labels in each item, for padded or joined .npy labels: a file, or N,N,…
    #[arg(long, value_name = "FILE|N,N,…", allow_negative_numbers = true, help_heading = "Labels")]
    label_lengths: Option<String>,

    #[command(flatten)]
    alphabet: AlphabetArgs,

    /// Seconds per frame: also print times; required for ctm, srt and textgrid
    #[arg(long, value_name = "SECONDS", value_parser = frame_shift, allow_negative_numbers = true)]
    frame_shift: Option<f64>,

    /// Output format; ctm, srt and textgrid need --frame-shift
    #[arg(long, value_name = "FORMAT", value_parser = alignment_format(), default_value = "table", help_heading = "Output")]
    pub(super) format: Format,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl ResultCommand for Args {
    const NAME: &'static str = "align";

    fn delivery(&self) -> (&OutputArgs, Format) {
        (&self.output, self.format)
    }

    fn inputs(&self) -> Vec<Named<'_>> {
        let [logits, lengths] = self.logits.named();
        let label_lengths = ("--label-lengths", self.label_lengths.as_deref().map(OsStr::new));
        let labels = ("--labels", Some(self.labels.as_os_str()));
        vec![logits, labels, self.alphabet.names.named(), lengths, label_lengths]
    }

    fn run(&self, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
        check_times(self.format, self.frame_shift, "--frame-shift SECONDS")?;
        let matrix = self.logits.open(&self.output, diagnostics)?;
        let labels = open_labels(&self.labels, &self.logits, diagnostics)?;
        self.align(matrix, &labels, diagnostics)
    }
}

impl Args {
    fn align(
        &self,
        mut matrix: Matrix,
        labels: &LabelFile,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let label_lengths = optional_integers("--label-lengths", self.label_lengths.as_deref())?;
        let (shape, lengths) = CtcShape::of_labels(&matrix, &self.logits, labels, label_lengths.as_ref())?;
        check_subtitles(self.format, &matrix, &shape)?;
        let CtcTargets { sequences, warnings: of_labels, blank, split, alphabet } =
            self.alphabet.sequences(self.alphabet.names.file()?, labels, &shape, label_lengths.as_ref())?;
        let spelling = spelling_of(alphabet, labels, split, blank)?;
        let params = AlignParams {
            input_params: shape.params(&matrix, &self.logits, blank, self.alphabet.names.alphabet.as_deref()),
            labels: labels.path().to_owned(),
            label_split: split,
            unk: self.alphabet.unk.clone(),
            label_lengths: self.label_lengths.clone(),
            frame_shift: self.frame_shift,
        };
        let odd = matrix_warning(&matrix);
        let second_look = SecondLook::new(&mut matrix, &shape.geometry)?;
        let unused = unused_frames(&mut matrix, &shape, &lengths, self.logits.input, blank)?;
        let name: Arc<str> = matrix.path().into();
        let kind = self.logits.input;
        let rows = shape.with_lengths(&lengths)?;
        let mut batch = EmissionsBatch::new(kind, Nonfinite::Error, rows, sequences);
        let refused = |row: ImproperRow| improper_row(&name, &row, shape.place(row.row), kind, INSPECT);
        matrix.reduce(&shape.geometry, &mut batch).map_err(|error| error.or(refused))?;
        let (emissions, audit) = batch.finish();
        let alignments: Vec<_> = emissions.par_iter().map(|item| align(&item.emissions())).collect();
        let best: Vec<f64> = emissions.iter().map(ItemEmissions::best_logp).collect();
        let mut items = Vec::with_capacity(emissions.len());
        for (index, (of_item, alignment)) in emissions.iter().zip(alignments).enumerate() {
            if let Err(error @ (AlignmentError::TooLarge { .. } | AlignmentError::NotANumber { .. })) =
                &alignment
            {
                return Err(anyhow!("{}: item {index}: {error}", display_name(&name)));
            }
            items.push(self.item(shape.id(&name, index), index, of_item, alignment, &spelling));
        }
        let mut warnings = input_warnings(&name, &audit, odd, |row| shape.place(row).to_string());
        warnings.extend(second_look.warning(&audit, |_| None)?);
        warnings.extend(of_labels);
        warnings.extend(unused);
        warnings.extend(Clock(self.frame_shift).warning());
        warnings.extend(improbable_labels(&name, &shape, &items, &best));
        warnings.extend(Warning::of_items(
            items.iter().filter_map(|item| Some((item.status, item.objection()?))),
        ));
        self.deliver(params, warnings, items, diagnostics)
    }

    fn item(
        &self,
        id: ItemId,
        index: usize,
        of_item: &ItemEmissions,
        alignment: Result<Alignment, AlignmentError>,
        spelling: &Spelling,
    ) -> AlignItem {
        let tokens = of_item.labels().labels();
        let mut item = AlignItem {
            id,
            index,
            status: Status::Ok,
            frames: of_item.emissions().frames(),
            label_length: tokens.len(),
            frames_needed: of_item.labels().frames_needed(),
            text: spelling.text(&tokens),
            path_logp_nats: None,
            tokens_timed: Vec::new(),
            words: None,
        };
        match alignment {
            Ok(Alignment { spans, logp_nats, .. }) => {
                let clock = Clock(self.frame_shift);
                item.path_logp_nats = Some(logp_nats);
                item.tokens_timed = clock.tokens(spelling, &tokens, &spans);
                item.words = clock.words(spelling, &tokens, &spans);
            }
            Err(AlignmentError::TooFewFrames { .. }) => item.status = Status::Infeasible,
            // What takes too much memory or holds a NaN is told before.
            Err(
                AlignmentError::NoPath | AlignmentError::TooLarge { .. } | AlignmentError::NotANumber { .. },
            ) => item.status = Status::Infinite,
        }
        item
    }

    fn deliver(
        &self,
        params: AlignParams,
        warnings: Vec<Warning>,
        items: Vec<AlignItem>,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let count = |status| items.iter().filter(|item| item.status == status).count();
        let summary = AlignSummary {
            items: items.len(),
            aligned: count(Status::Ok),
            infeasible: count(Status::Infeasible),
            infinite: count(Status::Infinite),
        };
        let table = summary.table(&params);
        let mut report = Report::new("align", params, summary);
        report.warnings = warnings;
        report.items = items;
        diagnostics.judge(&report)?;
        if let (Some(shift), true) = (self.frame_shift, self.format.has_times()) {
            let items: Vec<TimedText<'_>> = report.items.iter().map(AlignItem::timed).collect();
            write_times(&self.output, self.format, &items, shift)?;
        } else {
            self.output.output(self.format).write(&report, &[], &table)?;
        }
        Ok(ExitStatus::Success)
    }
}

/// Half of an item's labels are at most so probable where they lie.
const IMPROBABLE: f64 = 0.01;
/// A label may cost so many nats more than what the network reads instead, on average: a twentieth of its probability.
const MOST_NATS: f64 = 3.0;

/// Items whose labels the network does not see in them, or that have more in them than their labels; each with the
/// log-probability of its best path of all.
fn improbable_labels(name: &str, shape: &CtcShape, items: &[AlignItem], best: &[f64]) -> Option<Warning> {
    let median = |item: &AlignItem| {
        let mut confidences: Vec<f64> = item.tokens_timed.iter().map(|token| token.confidence).collect();
        confidences.sort_by(f64::total_cmp);
        confidences.get(confidences.len() / 2).copied()
    };
    let nats =
        |item: &AlignItem| Some((best[item.index] - item.path_logp_nats?) / item.label_length.max(1) as f64);
    let found = |item: &AlignItem| -> Option<(usize, String)> {
        if let Some(median) = median(item).filter(|&median| median < IMPROBABLE) {
            let what = format!(
                "half of its labels have a probability of at most {median:.1e} where they are aligned"
            );
            return Some((item.index, what));
        }
        let nats = nats(item).filter(|&nats| nats > MOST_NATS && item.label_length >= FEW_LABELS)?;
        Some((
            item.index,
            format!("the best path without labels is more probable, by {nats:.1} nats per label"),
        ))
    };
    let (indices, what): (Vec<usize>, Vec<String>) = items.iter().filter_map(found).unzip();
    let (first, others) = first_and_more(name, shape, &indices)?;
    let message = format!(
        "{first}: {}{others}: do they belong to another item, or another alphabet, or is there more in it than its labels?",
        what[0]
    );
    Some(Warning { code: "improbable_labels", message })
}

/// Fewer labels than these tell nothing by their mean.
const FEW_LABELS: usize = 5;

/// How tokens become words: as the labels are written.
fn spelling_of(
    alphabet: Option<Alphabet>,
    labels: &LabelFile,
    split: Option<&str>,
    blank: u32,
) -> anyhow::Result<Spelling> {
    let Some(alphabet) = alphabet else { return Ok(Spelling::indices()) };
    if !labels.is_text() {
        check_no_empty_entry(&alphabet)?;
    }
    let names = alphabet.tokens().to_vec();
    let delimiter = match Spelling::default_delimiter(&names, blank) {
        WordDelimiter::None if split == Some(LabelSplit::Tokens.word()) => WordDelimiter::EachToken,
        delimiter => delimiter,
    };
    Ok(Spelling::new(names, delimiter))
}
