//! How to go on after a label that can't be right.

use super::LabelFile;
use super::sequences::TOO_LARGE;
use crate::input::List;

/// How to go on after a number that is none.
pub(super) const WHOLE: &str = "a class index is a whole number";
const COUNTED_FROM_1: &str = "classes count from 0: subtract 1 if yours count from 1";
const NO_PADDING: &str = "text labels are not padded: a line holds an item's labels and nothing else";

impl LabelFile {
    /// The least and the greatest of the labels.
    fn range(&self) -> Option<(i64, i64)> {
        let labels = self.integers()?;
        Some((*labels.iter().min()?, *labels.iter().max()?))
    }

    /// Whether a label is what the last class has where classes count from 1, as they may.
    fn counts_from_1(&self, value: i64, classes: usize) -> bool {
        usize::try_from(value) == Ok(classes) && self.range().is_some_and(|(least, _)| least >= 1)
    }

    /// How to go on after a CTC label that is no class; `lengths` are the label lengths, if they were given.
    pub(crate) fn label_hint(
        &self,
        value: i64,
        classes: usize,
        lengths: Option<&List<i64>>,
    ) -> Option<String> {
        let fills_rows = || self.padded_rows().is_some_and(|(class, _)| class == value);
        let padding = match (value, self.is_text()) {
            // Such a number is no padding.
            (TOO_LARGE, _) => None,
            (_, true) => (value < 0 || fills_rows()).then(|| NO_PADDING.to_owned()),
            _ if lengths.is_some() => None,
            _ if self.is_joined() => Some("if this is padding, give --label-lengths".to_owned()),
            _ => Some(format!(
                "if this is padding, give --label-lengths: they are (labels != {value}).sum(axis=1)"
            )),
        };
        if self.counts_from_1(value, classes) && !fills_rows() {
            return Some(COUNTED_FROM_1.to_owned());
        }
        padding
    }

    /// How to go on after a CTC label that is the blank, of which the `rest` of an item's labels begins.
    pub(crate) fn blank_hint(
        &self,
        rest: &[i64],
        classes: usize,
        lengths: Option<&List<i64>>,
    ) -> &'static str {
        let fills_the_end = rest.len() > 1 && rest.iter().all(|label| *label == rest[0]);
        if self.is_text() && fills_the_end {
            return NO_PADDING;
        }
        let (least, greatest) = self.range().unwrap_or_default();
        let (is_first, is_last) = (rest[0] == 0, rest[0] + 1 == classes as i64);
        if is_last && least >= 1 {
            "give --blank if another class is the blank, or subtract 1 from each label if they count from 1"
        } else if !self.is_text() && lengths.is_none() {
            "give --label-lengths if it is padding, or --blank if another class is the blank"
        } else if is_first && greatest + 1 < classes as i64 {
            "give --blank if another class is the blank, or add 1 to each label if they are numbered without it"
        } else {
            "give --blank if another class is the blank"
        }
    }

    /// How to go on after a class index that is none.
    pub(crate) fn index_hint(&self, value: i64, classes: usize) -> String {
        let ignore = format!("if {value} marks rows to leave out, give --ignore-index {value}");
        match self.step(classes) {
            _ if self.counts_from_1(value, classes) => COUNTED_FROM_1.to_owned(),
            Some(step) => format!(
                "all labels are multiples of {step}: divide them by {step} if that is how classes were saved"
            ),
            None => ignore,
        }
    }

    /// What all labels are multiples of, each class once: as gray levels are from 0 to 255.
    fn step(&self, classes: usize) -> Option<i64> {
        let mut labels = self.integers()?;
        labels.sort_unstable();
        labels.dedup();
        let step = *labels.get(1).filter(|&&step| labels[0] == 0 && step > 1)?;
        let is_multiple = |label: &i64| label % step == 0 && label / step < classes as i64;
        // 0 and another may be a class and what is left out.
        let several = labels.len() > 2 || classes == 2;
        (several && labels.iter().all(is_multiple)).then_some(step)
    }
}
