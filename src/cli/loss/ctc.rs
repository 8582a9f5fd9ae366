//! CTC: labels and lengths checked, frames read, losses reduced.

use super::super::ExitStatus;
use super::super::diagnostics::{Diagnostics, UsageError};
use super::super::inputs::{CtcShape, improper_row, input_warnings, optional_integers};
use super::super::values::{Criterion, Word};
use super::{Args, PROPAGATE};
use crate::input::{Alphabet, AlphabetFile, LabelFile, Matrix, ReadError, resolve_blank};
use crate::loss::ctc::CtcLabels;
use crate::loss::ctc_batch::CtcBatch;
use crate::loss::reduction::Reducer;
use crate::report::loss::{CtcItem, LossParams, Tally};
use crate::report::{ItemId, Status, Warning};

impl Args {
    pub(super) fn run_ctc(
        &self,
        matrix: Matrix,
        labels: &LabelFile,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let lengths = optional_integers(self.logits.lengths.as_ref())?;
        let label_lengths = optional_integers(self.label_lengths.as_ref())?;
        let speaks_of = match &lengths {
            Some(lengths) => Some(lengths.len()),
            None => labels.sequences(label_lengths.as_ref().map(Vec::len)),
        };
        let shape = CtcShape::new(&matrix, self.logits.layout, speaks_of)?;
        let lengths = shape.lengths(self.logits.lengths.as_deref(), lengths.as_deref())?;
        let (sequences, blank, split) = self.sequences(labels, &shape, label_lengths.as_deref())?;
        let params = LossParams {
            layout: Some(shape.layout.word()),
            layout_inferred: Some(shape.layout_inferred),
            blank: Some(blank),
            alphabet: self.alphabet.alphabet.as_ref().map(|path| path.display().to_string()),
            label_split: split,
            unk: self.alphabet.unk.clone(),
            lengths: self.logits.lengths.clone(),
            label_lengths: self.label_lengths.clone(),
            zero_infinity: Some(self.settings.zero_infinity),
            ..self.params(&matrix, Criterion::Ctc, shape.classes, labels)
        };
        let id = |index| ItemId { input: matrix.name().into(), index: shape.is_batch().then_some(index) };
        let mut items: Vec<CtcItem> = (0..shape.items)
            .map(|index| CtcItem {
                id: id(index),
                index,
                loss_nats: 0.0,
                status: Status::Ok,
                frames: lengths[index],
                label_length: sequences[index].len(),
                frames_needed: sequences[index].frames_needed(),
            })
            .collect();

        let kind = self.logits.input;
        let mut batch = CtcBatch::new(
            kind,
            self.settings.nonfinite,
            shape.geometry.clone(),
            shape.frames,
            sequences,
            &lengths,
        );
        let name = matrix.name().to_owned();
        matrix.reduce(&shape.geometry, &mut batch).map_err(|error| match error {
            ReadError::Input(error) => error,
            ReadError::Visit(row) => improper_row(&name, &row, shape.place(row.row), kind).hint(PROPAGATE),
        })?;
        let (losses, audit) = batch.finish();

        let mut tally = Tally::default();
        let mut reducer = Reducer::default();
        for (item, loss) in items.iter_mut().zip(&losses) {
            item.status = match Status::of(loss.loss_nats) {
                Status::Infinite if item.frames < item.frames_needed => Status::Infeasible,
                status => status,
            };
            item.loss_nats = loss.loss_nats;
            if self.settings.zero_infinity && loss.loss_nats == f64::INFINITY {
                item.loss_nats = 0.0;
            }
            tally.add(item.status);
            reducer.add_ctc(item.loss_nats, item.label_length);
        }
        let exact = losses.iter().filter(|loss| !loss.linear).count();
        diagnostics.note(format_args!("{exact} of {} items computed beyond linear space", losses.len()));
        let mut warnings = input_warnings(&audit, |row| shape.place(row).to_string());
        warnings.extend(infeasible_warnings(&items));
        self.deliver(params, reducer.finish(), tally, warnings, items, diagnostics)
    }

    /// The checked label sequences, the blank, and how text was split.
    fn sequences(
        &self,
        labels: &LabelFile,
        shape: &CtcShape,
        label_lengths: Option<&[i64]>,
    ) -> anyhow::Result<(Vec<CtcLabels>, u32, Option<&'static str>)> {
        let file = self.alphabet.alphabet.as_deref().map(AlphabetFile::open).transpose()?;
        let blank = resolve_blank(&self.alphabet.blank(), shape.classes, file.as_ref())?;
        let alphabet = file.map(|file| Alphabet::new(file, shape.classes, blank)).transpose()?;
        let Some(alphabet) = alphabet.filter(|_| labels.is_text()) else {
            if labels.is_text() && label_lengths.is_some() {
                return Err(UsageError::new(
                    "--label-lengths is for .npy labels; in text, each line is an item",
                )
                .into());
            }
            return Ok((
                labels.index_sequences(shape.items, label_lengths, shape.classes, blank)?,
                blank,
                None,
            ));
        };
        let split = self.alphabet.label_split.or_else(|| alphabet.only_split()).ok_or_else(|| {
            UsageError::new(
                "the alphabet has tokens of more than one character: it is not clear how labels are split",
            )
            .hint("give --label-split chars, tokens or longest")
        })?;
        let unknown = self.alphabet.unk.as_deref().map(|token| alphabet.unknown(token)).transpose()?;
        let sequences = labels.text_sequences(shape.items, &alphabet, split, unknown, blank)?;
        Ok((sequences, blank, Some(split.word())))
    }
}

/// Infeasible items that are named each; the rest is counted.
const MOST_NAMED: usize = 10;

fn infeasible_warnings(items: &[CtcItem]) -> Vec<Warning> {
    let infeasible: Vec<&CtcItem> = items.iter().filter(|item| item.status == Status::Infeasible).collect();
    let mut warnings: Vec<Warning> = infeasible
        .iter()
        .take(MOST_NAMED)
        .map(|item| {
            let message = format!(
                "{}: infeasible: its {} labels need {} frames, it has {}; its loss is +inf",
                item.id, item.label_length, item.frames_needed, item.frames
            );
            Warning { code: "infeasible", message }
        })
        .collect();
    if infeasible.len() > MOST_NAMED {
        let message = format!("{} more items are infeasible", infeasible.len() - MOST_NAMED);
        warnings.push(Warning { code: "infeasible", message });
    }
    warnings
}
