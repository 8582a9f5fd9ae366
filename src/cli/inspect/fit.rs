//! Whether the labels fit; what does not is a finding, not an error.

use std::sync::Arc;

use super::super::ctc_shape::CtcShape;
use super::Args;
use crate::input::{AlphabetFile, LabelFile, List, is_class};
use crate::loss::Emissions;
use crate::loss::ctc::{CtcLabels, loss_of_emissions};
use crate::report::ItemId;
use crate::report::inspect::{Finding, InspectItem, InspectSummary};

impl Args {
    /// Each item's labels, whatever they are.
    pub(super) fn raw_labels(
        &self,
        labels: &LabelFile,
        shape: &CtcShape,
        alphabet: Option<AlphabetFile>,
        blank: u32,
        label_lengths: Option<&List<i64>>,
    ) -> anyhow::Result<Vec<Vec<i64>>> {
        if alphabet.is_none() || !labels.is_text() {
            return Ok(labels.raw_sequences(shape.items, label_lengths)?);
        }
        let targets = self.alphabet.sequences_by(alphabet, blank, labels, shape, label_lengths)?;
        let sequences = targets.sequences.iter();
        Ok(sequences.map(|sequence| sequence.labels().into_iter().map(i64::from).collect()).collect())
    }
}

/// How many classes there are among labels, and how many labels are none.
pub(super) fn count_labels(summary: &mut InspectSummary, mut labels: Vec<i64>, classes: usize) {
    summary.labels_out_of_range = Some(labels.iter().filter(|&&label| !is_class(label, classes)).count());
    labels.sort_unstable();
    labels.dedup();
    summary.label_classes = Some(labels.into_iter().filter(|&label| is_class(label, classes)).count());
}

/// The labels of a classifier, a class a row.
pub(super) fn targets(
    summary: &mut InspectSummary,
    labels: &LabelFile,
    classes: usize,
    findings: &mut Vec<Finding>,
) {
    // Probabilities are no labels to count.
    let Some(targets) = labels.integers() else { return };
    let ignored = super::super::loss::DEFAULT_IGNORE_INDEX;
    let strange = |label: i64| !is_class(label, classes) && label != ignored;
    if let Some(first) = targets.iter().position(|&label| strange(label)) {
        let count = targets.iter().filter(|&&label| strange(label)).count();
        let message = format!(
            "{count} of {} labels are no class from 0 to {}, the first is {} of row {first}",
            targets.len(),
            classes - 1,
            targets[first]
        );
        let flag = if targets[first] == classes as i64 {
            "subtract 1 from each, if they count from 1".to_owned()
        } else {
            format!("--ignore-index {}, if it is padding", targets[first])
        };
        findings.push(Finding { code: "out_of_range", message, flag: Some(flag) });
    }
    count_labels(summary, targets.into_iter().filter(|&label| label != ignored).collect(), classes);
}

/// Each item's labels against its frames.
pub(super) fn items(
    name: &str,
    raw: &[Vec<i64>],
    shape: &CtcShape,
    lengths: &[usize],
    blank: u32,
    findings: &mut Vec<Finding>,
) -> Vec<InspectItem> {
    let name: Arc<str> = name.into();
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
            let verb = if count == 1 { "has" } else { "have" };
            let message =
                format!("{count} of {} items {verb} {what}, the first is {}", items.len(), first.id);
            findings.push(Finding { code, message, flag: flag.map(str::to_owned) });
        }
    };
    find("infeasible", "fewer frames than the labels need", None, |item| item.frames < item.frames_needed);
    let flag = "--label-lengths, if it is padding";
    find("out_of_range", "labels that are no class", Some(flag), |item| item.out_of_range > 0);
    let flag = "--label-lengths, if it is padding; --blank, if another class is the blank";
    find("blank_label", "the blank among the labels", Some(flag), |item| item.blanks > 0);
    items
}

fn item(id: ItemId, index: usize, labels: &[i64], frames: usize, classes: usize, blank: u32) -> InspectItem {
    let repeats = labels.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let out_of_range = labels.iter().filter(|&&label| !is_class(label, classes)).count();
    let blanks = labels.iter().filter(|&&label| label == i64::from(blank)).count();
    let valid: Vec<u32> = labels.iter().filter_map(|&label| u32::try_from(label).ok()).collect();
    // Where every class has "probability" 1 in every frame, the sum over alignments counts them.
    let ln_alignments =
        CtcLabels::new(&valid, classes, blank).ok().filter(|labels_| labels_.len() == labels.len());
    let ln_alignments = ln_alignments.map(|labels| {
        let ones = vec![0.0; frames * labels.columns().count()];
        -loss_of_emissions(&Emissions::new(&ones, &labels)).loss_nats
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
