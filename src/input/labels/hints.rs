//! How to go on after a label that can't be right.

use super::sequences::TOO_LARGE;
use super::{Content, LabelFile};
use crate::input::List;

/// How to go on after a number that is none.
pub(super) const WHOLE: &str = "a class index is a whole number";
const COUNTED_FROM_1: &str = "classes count from 0: subtract 1 if yours count from 1";
const NO_PADDING: &str = "text labels are not padded: a line holds an item's labels and nothing else";

/// What is wrong with a CTC label.
#[derive(Clone, Copy)]
pub(crate) enum LabelDoubt {
    /// It is no class.
    NoClass(i64),
    /// It is the blank.
    Blank {
        label: i64,
        /// Whether nothing else follows in its item, and it several times.
        fills_the_end: bool,
    },
}

impl LabelDoubt {
    /// The blank, of which the `rest` of an item's labels begins.
    pub(crate) fn blank(rest: &[i64]) -> Self {
        let fills_the_end = rest.len() > 1 && rest.iter().all(|label| *label == rest[0]);
        Self::Blank { label: rest[0], fills_the_end }
    }
}

impl LabelFile {
    /// How to go on after a CTC label; `lengths` are the label lengths, if they were given.
    pub(crate) fn label_hint(
        &self,
        doubt: LabelDoubt,
        classes: usize,
        lengths: Option<&List<i64>>,
    ) -> Option<String> {
        match doubt {
            LabelDoubt::NoClass(label) => self.range_hint(label, classes, lengths),
            LabelDoubt::Blank { label, fills_the_end } => {
                Some(self.blank_hint(label, fills_the_end, classes, lengths).to_owned())
            }
        }
    }

    /// The labels of all items, of a padded array those within `lengths`.
    fn in_use(&self, lengths: Option<&List<i64>>) -> Vec<i64> {
        let mut labels = self.integers().unwrap_or_default();
        if let (Content::Integers { shape, .. }, Some(lengths)) = (&self.content, lengths)
            && let [_, width] = shape[..]
            && width > 0
        {
            let rows = labels.chunks(width).zip(lengths.iter());
            let used =
                rows.flat_map(|(row, &length)| &row[..usize::try_from(length).unwrap_or(0).min(width)]);
            labels = used.copied().collect();
        }
        labels
    }

    fn range_hint(&self, label: i64, classes: usize, lengths: Option<&List<i64>>) -> Option<String> {
        let padding = self.padded_rows().map(|(class, _)| class);
        let fills_rows = padding == Some(label);
        let mut labels = self.in_use(lengths);
        labels.retain(|&label| Some(label) != padding);
        if !fills_rows && count_from_1(&labels, label, classes) {
            return Some(COUNTED_FROM_1.to_owned());
        }
        match (label, self.is_text()) {
            // Such a number is no padding.
            (TOO_LARGE, _) => None,
            (_, true) => (label < 0 || fills_rows).then(|| NO_PADDING.to_owned()),
            _ if lengths.is_some() => None,
            _ if self.is_joined() => Some("if this is padding, give --label-lengths".to_owned()),
            _ => Some(format!(
                "if this is padding, give --label-lengths: they are (labels != {label}).sum(axis=1)"
            )),
        }
    }

    fn blank_hint(
        &self,
        label: i64,
        fills_the_end: bool,
        classes: usize,
        lengths: Option<&List<i64>>,
    ) -> &'static str {
        if self.is_text() && fills_the_end {
            return NO_PADDING;
        }
        let (labels, last) = (self.in_use(lengths), classes as i64 - 1);
        if label == last && labels.iter().all(|&label| label >= 1) {
            "give --blank if another class is the blank, or subtract 1 from each label if they count from 1"
        } else if !self.is_text() && lengths.is_none() {
            "give --label-lengths if it is padding, or --blank if another class is the blank"
        } else if label == 0 && labels.iter().all(|&label| label < last) {
            "give --blank if another class is the blank, or add 1 to each label if they are numbered without it"
        } else {
            "give --blank if another class is the blank"
        }
    }

    /// How to go on after a class index that is none, where rows with `ignore_index` are left out.
    pub(crate) fn index_hint(&self, label: i64, classes: usize, ignore_index: i64) -> String {
        let mut labels = self.integers().unwrap_or_default();
        labels.retain(|&label| label != ignore_index);
        if count_from_1(&labels, label, classes) {
            return COUNTED_FROM_1.to_owned();
        }
        if let Some(step) = step(labels, classes) {
            return format!(
                "all labels are multiples of {step}: divide them by {step} if that is how classes were saved"
            );
        }
        format!("if {label} marks rows to leave out, give --ignore-index {label}")
    }
}

/// Whether a label is what the last class has where classes count from 1, as these may. What is below 0 is none.
fn count_from_1(labels: &[i64], label: i64, classes: usize) -> bool {
    usize::try_from(label) == Ok(classes) && labels.iter().all(|&label| label != 0)
}

/// What all labels are multiples of, each class once: as gray levels are from 0 to 255.
fn step(mut labels: Vec<i64>, classes: usize) -> Option<i64> {
    labels.sort_unstable();
    labels.dedup();
    let step = *labels.get(1).filter(|&&step| labels[0] == 0 && step > 1)?;
    let is_multiple = |label: &i64| label % step == 0 && label / step < classes as i64;
    // One that is no class may be what is left out.
    let several = labels.iter().filter(|&&label| label >= classes as i64).count() > 1 || classes == 2;
    (several && labels.iter().all(is_multiple)).then_some(step)
}
