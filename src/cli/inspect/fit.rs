//! Whether the labels fit; what does not is a finding, not an error.

use std::sync::Arc;

use super::super::ctc_shape::CtcShape;
use super::super::frame_warnings::frames_left;
use super::Args;
use crate::input::{AlphabetFile, LabelDoubt, LabelFile, List, counted, is_class};
use crate::loss::ctc::CtcLabels;
use crate::loss::targets::DEFAULT_IGNORE_INDEX;
use crate::metrics::{Mismatch, RowLabels, edit_counts, other_line};
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

/// More errors a label than a network makes of labels that it was trained with.
const OTHER_LABELS: f64 = 0.8;
/// So many labels tell.
const SEVERAL_LABELS: usize = 10;

/// The labels, which may have been text, against what the best path reads; `readings` are by item, blanks among them.
pub(super) fn read_labels(
    summary: &mut InspectSummary,
    raw: &[Vec<i64>],
    readings: &[Vec<u32>],
    blank: u32,
    by_name: bool,
    findings: &mut Vec<Finding>,
) {
    let labels: usize = raw.iter().map(Vec::len).sum();
    if labels == 0 {
        return;
    }
    let empty = Vec::new();
    let read: Vec<Vec<i64>> = (0..raw.len())
        .map(|item| readings.get(item).unwrap_or(&empty).iter().filter(|&&token| token != blank))
        .map(|tokens| tokens.map(|&token| i64::from(token)).collect())
        .collect();
    // As if the labels were so much larger.
    let ratio = |added: i64| {
        let errors = |(labels, read): (&Vec<i64>, &Vec<i64>)| {
            let labels: Vec<i64> = labels.iter().map(|label| label.saturating_add(added)).collect();
            edit_counts(&labels, read).errors()
        };
        raw.iter().zip(&read).map(errors).sum::<usize>() as f64 / labels as f64
    };
    let as_they_are = ratio(0);
    summary.label_error_ratio = Some(as_they_are);
    let many = as_they_are >= OTHER_LABELS && labels >= SEVERAL_LABELS;
    let shifted = [-1, 1].into_iter().filter(|_| many).map(|added| (added, ratio(added)));
    let shifted = shifted.into_iter().find(|(_, other)| 2.0 * other < as_they_are);
    let moved = || other_line(raw.len(), |item| read[item].iter(), |item| raw[item].iter());
    if let Some((item, other)) = shifted.is_none().then(moved).flatten() {
        let message = format!(
            "the best path differs from the labels, with {as_they_are:.2} errors per label: that of item {item} is most like the \
             labels of item {other}, and most others are like another's, too: are both in the same order?"
        );
        findings.push(Finding { code: "other_labels", message, flag: None });
        return;
    }
    if !many {
        return;
    }
    let nothing = read.iter().all(Vec::is_empty);
    let why = match shifted {
        _ if nothing => {
            "it is nothing but blanks: has the network been trained, and is that the blank?".to_owned()
        }
        Some((added, other)) if by_name => format!(
            "taking each label for the class {} leaves {other:.2}: has the alphabet an entry too many or too few before the \
             letters, or another --blank?",
            if added > 0 { "after it" } else { "before it" }
        ),
        Some((added, other)) => format!(
            "adding {added} to each label leaves {other:.2}: do the labels start from a different number?"
        ),
        None => {
            "do the labels belong to these items, in this order, and does the alphabet match the classes?"
                .to_owned()
        }
    };
    let message =
        format!("the best path differs from the labels, with {as_they_are:.2} errors per label: {why}");
    findings.push(Finding { code: "other_labels", message, flag: None });
}

/// Batches are padded to their longest item, but for networks of one input size.
pub(super) fn unused_frames(shape: &CtcShape, lengths: &[usize]) -> Option<Finding> {
    let longest = frames_left(shape, lengths)?;
    let message = format!("{longest}: are --lengths in frames of the network's output?");
    Some(Finding { code: "unused_frames", message, flag: None })
}

/// The labels of a classifier, a class a row; `None` for those that are no class.
pub(super) fn targets(
    summary: &mut InspectSummary,
    labels: &LabelFile,
    targets: Vec<i64>,
    classes: usize,
    findings: &mut Vec<Finding>,
) -> Vec<Option<u32>> {
    let strange = |label: i64| !is_class(label, classes) && label != DEFAULT_IGNORE_INDEX;
    if let Some(first) = targets.iter().position(|&label| strange(label)) {
        let count = targets.iter().filter(|&&label| strange(label)).count();
        let message = format!(
            "{count} of {} labels are not a class from 0 to {}, the first is {} in row {first}",
            targets.len(),
            classes - 1,
            targets[first]
        );
        let flag = labels.index_hint(targets[first], classes, DEFAULT_IGNORE_INDEX);
        findings.push(Finding { code: "out_of_range", message, flag: Some(flag) });
    }
    let class = |&label: &i64| is_class(label, classes).then_some(label as u32);
    let of_rows = targets.iter().map(class).collect();
    count_labels(
        summary,
        targets.into_iter().filter(|&label| label != DEFAULT_IGNORE_INDEX).collect(),
        classes,
    );
    of_rows
}

/// The labels of a classifier against who wins their rows.
pub(super) fn compare_winners(
    summary: &mut InspectSummary,
    labels: &[Option<u32>],
    winners: &[Option<u32>],
    findings: &mut Vec<Finding>,
) {
    let labels = RowLabels::new(labels, winners);
    summary.label_error_ratio = labels.error_ratio();
    let (Some(ratio), Some(mismatch)) = (labels.error_ratio(), labels.mismatch()) else {
        return;
    };
    let why = match mismatch {
        Mismatch::Numbered { added, error_ratio } => format!(
            "adding {added} to each label leaves {error_ratio:.2}: do the labels start from a different number?"
        ),
        Mismatch::Moved { rows, error_ratio } => {
            let count = counted(rows.unsigned_abs(), "row");
            let (way, why) = if rows > 0 {
                ("down", "are some missing at the beginning?")
            } else {
                ("up", "are there too many at the beginning? (a language model's label is the next token)")
            };
            format!("moving the labels {way} by {count} leaves {error_ratio:.2}: {why}")
        }
        Mismatch::Renamed { label, winner, count } => format!(
            "most rows with label {label} have argmax {winner}, and {} likewise a class of their own: are the classes in the same order?",
            if count == 2 {
                "those of another label".to_owned()
            } else {
                format!("those of {} other labels", count - 1)
            }
        ),
        Mismatch::Unrelated { error_ratio } => format!(
            "by chance it would be {error_ratio:.2}: do the labels belong to these rows, in this order, and has the network been \
             trained?"
        ),
    };
    findings.push(Finding {
        code: "other_labels",
        message: format!("the argmax differs from the label for a fraction {ratio:.2} of the labels: {why}"),
        flag: None,
    });
}

/// Each item's labels against its frames.
pub(super) fn items(
    name: &str,
    (labels, label_lengths): (&LabelFile, Option<&List<i64>>),
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
            let id = shape.id(&name, index);
            item(id, index, sequence, lengths[index], shape.classes, blank)
        })
        .collect();
    let first_of = |what: &str, test: &dyn Fn(&InspectItem) -> bool| {
        let mut found = items.iter().filter(|item| test(item));
        let first = found.next()?;
        let count = 1 + found.count();
        let verb = if count == 1 { "has" } else { "have" };
        Some((
            first.index,
            format!("{count} of {} items {verb} {what}, the first is {}", items.len(), first.id),
        ))
    };
    let short = |item: &InspectItem| item.frames < item.frames_needed;
    if let Some((_, message)) = first_of("fewer frames than the labels need", &short) {
        findings.push(Finding { code: "infeasible", message, flag: None });
    }
    let mut find_label =
        |code, what: &str, strange: &dyn Fn(i64) -> bool, hint: &dyn Fn(&[i64]) -> Option<String>| {
            let position = |item: usize| raw[item].iter().position(|&label| strange(label));
            let (item, message) = first_of(what, &|item| position(item.index).is_some())?;
            let position = position(item)?;
            let label = raw[item][position];
            // In place of what 64 bits do not hold.
            let label = if label == i64::MAX { "a larger number".to_owned() } else { label.to_string() };
            let message =
                format!("{message}: {label} at {} of {}", labels.label_place(item, position), labels.name());
            findings.push(Finding { code, message, flag: hint(&raw[item][position..]) });
            Some(())
        };
    let classes = shape.classes;
    let no_class = |label| !is_class(label, classes);
    find_label("out_of_range", "labels that are not a class", &no_class, &|rest| {
        labels.label_hint(LabelDoubt::NoClass(rest[0]), classes, label_lengths)
    });
    let is_blank = |label| label == i64::from(blank);
    find_label("blank_label", "the blank among the labels", &is_blank, &|rest| {
        labels.label_hint(LabelDoubt::blank(rest), classes, label_lengths)
    });
    items
}

fn item(id: ItemId, index: usize, labels: &[i64], frames: usize, classes: usize, blank: u32) -> InspectItem {
    let repeats = labels.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let out_of_range = labels.iter().filter(|&&label| !is_class(label, classes)).count();
    let blanks = labels.iter().filter(|&&label| label == i64::from(blank)).count();
    let valid: Vec<u32> = labels.iter().filter_map(|&label| u32::try_from(label).ok()).collect();
    let valid = CtcLabels::new(&valid, classes, blank).ok().filter(|valid| valid.len() == labels.len());
    let ln_alignments = valid.map(|labels| labels.ln_alignments(frames));
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
