//! CTC: labels and lengths checked, frames read, losses reduced.

use std::sync::Arc;

use super::super::ExitStatus;
use super::super::ctc_shape::CtcShape;
use super::super::ctc_targets::CtcTargets;
use super::super::diagnostics::Diagnostics;
use super::super::frame_warnings::{blank_warning, padding, unused_frames};
use super::super::inputs::{improper_row, input_warnings, matrix_warning, optional_integers};
use super::super::other_axis::SecondLook;
use super::super::values::{Criterion, Word};
use super::gradient::{GradientOf, GradientWork};
use super::{Args, PROPAGATE};
use crate::input::{AlphabetFile, InputError, LabelFile, Matrix, counted, display_name};
use crate::logits::{ImproperRow, Items};
use crate::loss::ctc::CtcLabels;
use crate::loss::ctc_batch::{CtcBatch, CtcItem as ComputedItem, CtcReading, CtcTotals, FirstFrames};
use crate::loss::reduction::Reducer;
use crate::report::loss::{CtcItem, LossParams, LossSummary, Tally};
use crate::report::{ItemId, Status, Warning, infeasible};

impl Args {
    pub(super) fn run_ctc(
        &self,
        mut matrix: Matrix,
        labels: &LabelFile,
        alphabet: Option<AlphabetFile>,
        gradient: Option<GradientOf<'_>>,
        other_axis: Option<&str>,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let label_lengths = optional_integers("--label-lengths", self.label_lengths.as_deref())?;
        let (shape, lengths) = CtcShape::of_labels(&matrix, &self.logits, labels, label_lengths.as_ref())?;
        let CtcTargets { sequences, warnings: of_labels, blank, split, .. } =
            self.alphabet.sequences(alphabet, labels, &shape, label_lengths.as_ref())?;
        let params = LossParams {
            layout: Some(shape.layout.word()),
            layout_inferred: Some(shape.layout_inferred),
            blank: Some(blank),
            ctc_labels: self.alphabet.label_params(
                split,
                self.logits.lengths.as_ref(),
                self.label_lengths.as_ref(),
            ),
            zero_infinity: Some(self.settings.zero_infinity),
            ..self.params(&matrix, Criterion::Ctc, shape.classes, labels)
        };
        let odd = matrix_warning(&matrix);
        let second_look = SecondLook::new(&mut matrix, &shape.geometry)?;
        let unused = unused_frames(&mut matrix, &shape, &lengths, self.logits.input, blank)?;
        let name: Arc<str> = matrix.path().into();
        let rows = shape.with_lengths(&lengths)?;
        let totals = self.ctc_totals(matrix, &shape, &rows, sequences)?;

        let item = |(index, (item, labels))| {
            self.ctc_item(shape.id(&name, index), index, lengths[index], item, labels)
        };
        let items: Vec<CtcItem> = totals.items.iter().zip(&totals.labels).enumerate().map(item).collect();
        let mut tally = Tally::default();
        let mut reducer = Reducer::default();
        for item in &items {
            tally.add(item);
            reducer.add_ctc(item.loss_nats, item.label_length);
        }
        let exact = totals.items.iter().filter(|item| !item.loss.linear).count();
        diagnostics.note(format_args!(
            "{exact} of {} needed extended range: probabilities too small for doubles",
            counted(items.len(), "item")
        ));
        let mut warnings = input_warnings(&name, &totals.audit, odd, |row| shape.place(row).to_string());
        warnings
            .extend(other_axis.map(|message| Warning { code: "classes_last", message: message.to_owned() }));
        warnings.extend(second_look.warning(&totals.audit, |_| None)?);
        warnings.extend(of_labels);
        warnings.extend(unused);
        warnings.extend(items.is_empty().then(|| Warning {
            code: "mean_of_nothing",
            message: format!("{}: there are no items, so the mean is nan", display_name(&name)),
        }));
        warnings.extend(self.labels_of_rows(&shape, &items));
        let padded = self.logits.lengths.is_none().then(|| {
            let equal: Vec<usize> = totals.items.iter().map(|item| item.equal_at_end).collect();
            padding("padding_counted", &name, &shape, &equal, &lengths)
        });
        let told = [other_blank(&name, &totals, blank), padded.flatten()];
        // One mistake is told once.
        let improbable =
            told.iter().all(Option::is_none).then(|| improbable_labels(&totals.first, blank, &items));
        warnings.extend(told.into_iter().chain([improbable.flatten()]).flatten());
        warnings.extend(Warning::of_items(items.iter().filter_map(|item| self.ctc_objection(item))));
        let losses: Vec<f64> = totals.items.iter().map(|item| item.loss.loss_nats).collect();
        let gradient = gradient.map(|gradient| -> GradientWork<'_> {
            let (shape, losses) = (&shape, &losses);
            Box::new(move || self.ctc_gradient(gradient, shape, &rows, totals.labels, losses))
        });
        let summary = LossSummary::new(&params, self.settings.reduction, reducer.finish(), tally);
        self.deliver(params, summary, warnings, items, gradient, diagnostics)
    }

    /// Why an item has no finite loss, where it has none, and what becomes of that.
    fn ctc_objection(&self, item: &CtcItem) -> Option<(Status, String)> {
        let (kind, why) = objection(item)?;
        let loss = match item.status {
            Status::Nan => "its loss is NaN, as a value is",
            _ if self.settings.zero_infinity => "its loss of +inf counts as 0",
            _ => "its loss is +inf",
        };
        Some((kind, format!("{why}; {loss}")))
    }

    /// Reads all frames in use.
    fn ctc_totals(
        &self,
        matrix: Matrix,
        shape: &CtcShape,
        rows: &Items,
        labels: Vec<CtcLabels>,
    ) -> Result<CtcTotals, InputError> {
        let (kind, name) = (self.logits.input, matrix.name().to_owned());
        let mut batch = CtcBatch::new(kind, self.settings.nonfinite, rows.clone(), labels);
        let read = match batch.reading(matrix.is_in_memory(), matrix.has_short_items(rows)) {
            CtcReading::WholeItems => matrix.reduce_items(rows, &mut batch),
            CtcReading::Visit => matrix.read(&shape.geometry, &mut batch),
            CtcReading::Reduce => matrix.reduce(&shape.geometry, &mut batch),
        };
        let refused = |row: ImproperRow| {
            let none_given = self.logits.lengths.is_none() && shape.is_batch();
            let padding = none_given && (row.value.is_nan() || row.all_impossible);
            let hint = if padding { PADDING_OR_PROPAGATE } else { PROPAGATE };
            improper_row(&name, &row, shape.place(row.row), kind, hint)
        };
        read.map_err(|error| error.or(refused))?;
        Ok(batch.finish())
    }

    fn ctc_item(
        &self,
        id: ItemId,
        index: usize,
        frames: usize,
        computed: &ComputedItem,
        labels: &CtcLabels,
    ) -> CtcItem {
        let loss_nats = computed.loss.loss_nats;
        let counts_as_zero = self.settings.zero_infinity && loss_nats == f64::INFINITY;
        let frames_needed = labels.frames_needed();
        CtcItem {
            id,
            index,
            loss_nats: if counts_as_zero { 0.0 } else { loss_nats },
            status: match Status::of(loss_nats) {
                Status::Infinite if frames < frames_needed => Status::Infeasible,
                status => status,
            },
            frames,
            label_length: labels.len(),
            frames_needed,
        }
    }

    /// Nearly as many labels as rows in each item, where nobody said that this is CTC.
    fn labels_of_rows(&self, shape: &CtcShape, items: &[CtcItem]) -> Option<Warning> {
        let named = self.alphabet.names.alphabet.is_some();
        let asked = self.settings.criterion.is_some() || named || self.ctc_option().is_some();
        let is_one_each =
            |item: &CtcItem| item.frames >= FEW_FRAMES as usize && 10 * item.label_length >= 9 * item.frames;
        let item = items.first().filter(|_| !asked && items.iter().all(is_one_each))?;
        let (labels, rows) = (counted(item.label_length, "label"), item.frames);
        let how_many = if shape.is_batch() {
            "nearly as many labels as rows in each item".to_owned()
        } else {
            format!("{labels} for {rows} rows")
        };
        let next = if items.iter().all(|item| item.frames == item.label_length + 1) {
            ": of a language model, leave out each item's last row, which has no next token"
        } else {
            ""
        };
        let message = format!(
            "{}: treated as CTC, because there are {how_many}: if they are one class per row, give one for each row and \
             --criterion cross-entropy{next}",
            display_name(&item.id.input)
        );
        Some(Warning { code: "labels_of_rows", message })
    }
}

const PADDING_OR_PROPAGATE: &str =
    "if this is padding, give --lengths; --nonfinite propagate lets it through as PyTorch does";

/// Fewer frames than these tell nothing of who wins them.
const FEW_FRAMES: u64 = 16;
/// Fewer labels than these tell nothing of a class that is not among them.
const FEW_LABELS: u64 = 10;

/// Of the first frames, another class wins more than half, and the blank none or hardly any while that class is far
/// less frequent among the labels, or a third while it is not among them at all: who gives labels and a loss may look at
/// any numbers, so less than that is no mistake.
fn other_blank(name: &str, totals: &CtcTotals, blank: u32) -> Option<Warning> {
    let CtcTotals { first: FirstFrames { wins, .. }, labels, .. } = totals;
    let frames: u64 = wins.iter().sum();
    let winner = (0..wins.len()).max_by_key(|&class| wins[class])?;
    let ratio = |part: u64, all: u64| part as f64 / all.max(1) as f64;
    let (of_winner, of_blank) = (ratio(wins[winner], frames), ratio(wins[blank as usize], frames));
    let (mut winners, mut all) = (0, 0);
    for label in labels.iter().flat_map(CtcLabels::labels) {
        winners += u64::from(label as usize == winner);
        all += 1;
    }
    let in_labels = ratio(winners, all);
    let rather = in_labels == 0.0 || of_blank < 0.1 && of_winner > 0.6 && 2.5 * in_labels < of_winner;
    let most = of_winner > 0.5 && (of_blank == 0.0 || rather);
    let in_none = of_winner > 1.0 / 3.0 && of_blank < 0.1 && winners == 0 && all >= FEW_LABELS;
    let told = frames >= FEW_FRAMES && (most || in_none);
    told.then(|| blank_warning(name, wins, "the first ", blank, None)).flatten()
}

/// A network that is trained gives the winner of a frame this probability or more, in the geometric mean; random numbers
/// mostly do not.
const SURE: f64 = 0.75;
/// A label that is in the frames costs far less than this, in nats: it would be as probable as 0.01.
const MOST_NATS: f64 = 4.6;

/// In most items, the labels are far less probable than what wins the frames, and the network is sure of that.
fn improbable_labels(first: &FirstFrames, blank: u32, items: &[CtcItem]) -> Option<Warning> {
    let frames: u64 = first.wins.iter().sum();
    let of_winner = first.logp_nats / frames.max(1) as f64;
    let labels: usize = items.iter().map(|item| item.label_length).sum();
    if frames < FEW_FRAMES || (labels as u64) < FEW_LABELS || of_winner < SURE.ln() {
        return None;
    }
    let told = items.iter().filter(|item| item.status == Status::Ok && item.label_length > 0);
    let nats = |item: &CtcItem| (item.loss_nats + item.frames as f64 * of_winner) / item.label_length as f64;
    let improbable = told.clone().filter(|item| nats(item) > MOST_NATS);
    let (found, all) = (improbable.clone().count(), told.count());
    let item = improbable.clone().next().filter(|_| 2 * found > all)?;
    let others = match found - 1 {
        0 => String::new(),
        count => format!(" (and those of {})", counted(count, "other item")),
    };
    let why = if first.wins[blank as usize] == frames {
        "the first frames read as nothing but blanks: has the network been trained, and is that the blank?"
    } else {
        "do they belong to another item, or is --blank or --alphabet wrong? ctctool inspect compares them"
    };
    let message = format!(
        "{}: each of its labels costs {:.1} nats more than the class that the network is sure of{others}: {why}",
        item.id,
        nats(item),
    );
    Some(Warning { code: "improbable_labels", message })
}

/// What an infinite loss is due to.
fn objection(item: &CtcItem) -> Option<(Status, String)> {
    if item.is_infeasible() {
        let why = infeasible(&item.id, item.label_length, item.frames_needed, item.frames);
        return Some((Status::Infeasible, why));
    }
    let why = || format!("{}: every path of its labels has probability 0", item.id);
    (item.status == Status::Infinite).then(|| (Status::Infinite, why()))
}
