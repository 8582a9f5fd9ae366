//! The label sequence of a CTC item, and which classes of a frame it needs.

use thiserror::Error;

use crate::kernel::{Element, Sum};
use crate::logits::RowScale;

/// Why a label sequence and a matrix can't be used together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CtcError {
    /// The blank is not a class.
    #[error("blank {blank} is not one of {classes} classes")]
    BlankOutOfRange {
        /// The blank's index.
        blank: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A label is not a class.
    #[error("label {label} at position {position} is not one of {classes} classes")]
    LabelOutOfRange {
        /// Place in the label sequence, from 0.
        position: usize,
        /// The label found there.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A label equals the blank, which can't be a label.
    #[error("label {label} at position {position} is the blank")]
    LabelIsBlank {
        /// Place in the label sequence, from 0.
        position: usize,
        /// The label found there.
        label: u32,
    },
    /// The number of values is not a multiple of the number of classes.
    #[error("{values} values do not make whole frames of {classes} classes")]
    RaggedFrames {
        /// Number of values given.
        values: usize,
        /// Number of classes.
        classes: usize,
    },
}

/// One item's label sequence, checked against the number of classes and the blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtcLabels {
    columns: Columns,
    classes: usize,
    frames_needed: usize,
}

impl CtcLabels {
    /// Checks `labels`, the class indices of one item's target, against the number of `classes` and the `blank`.
    ///
    /// # Errors
    /// If the blank or a label is not below `classes`, or a label is the blank.
    pub fn new(labels: &[u32], classes: usize, blank: u32) -> Result<Self, CtcError> {
        if blank as usize >= classes {
            return Err(CtcError::BlankOutOfRange { blank, classes });
        }
        for (position, &label) in labels.iter().enumerate() {
            if label as usize >= classes {
                return Err(CtcError::LabelOutOfRange { position, label, classes });
            }
            if label == blank {
                return Err(CtcError::LabelIsBlank { position, label });
            }
        }
        let repeats = labels.windows(2).filter(|pair| pair[0] == pair[1]).count();
        Ok(Self { columns: Columns::new(labels, blank), classes, frames_needed: labels.len() + repeats })
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.columns.of_label().len()
    }

    /// The labels, class indices.
    pub fn labels(&self) -> Vec<u32> {
        self.columns.labels()
    }

    /// Whether the target is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fewest frames that have an alignment: the number of labels plus the number of equal neighbours, between
    /// which there must be a blank.
    pub fn frames_needed(&self) -> usize {
        self.frames_needed
    }

    /// Natural logarithm of the number of alignments with `frames` frames; `-inf` if there is none.
    ///
    /// Each label is a run of at least one frame. Before, between and after the labels there are runs of blanks, which
    /// may be empty except between equal labels. So the frames are distributed over `2 labels + 1` runs.
    pub fn ln_alignments(&self, frames: usize) -> f64 {
        let Some(spare) = frames.checked_sub(self.frames_needed) else { return f64::NEG_INFINITY };
        // ln (spare + 2 labels choose 2 labels)
        let mut sum = Sum::default();
        for k in 1..=2 * self.len() {
            sum.add((spare as f64 / k as f64).ln_1p());
        }
        sum.value()
    }

    /// The number of classes that the labels were checked against.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The classes of a frame that this item needs.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }
}

/// Which classes of a frame an item's labels need: the blank first, then each label's class once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Class of each column; column 0 is the blank.
    classes: Vec<u32>,
    /// Column of each label.
    of_label: Vec<u32>,
}

impl Columns {
    /// The columns for `labels`, none of which is `blank`.
    pub(crate) fn new(labels: &[u32], blank: u32) -> Self {
        let mut classes = Vec::with_capacity(labels.len() + 1);
        classes.push(blank);
        classes.extend_from_slice(labels);
        classes[1..].sort_unstable();
        // The blank, which no label is, stays the first.
        classes.dedup();
        let column = |label: &u32| classes[1..].partition_point(|class| class < label) as u32 + 1;
        let of_label = labels.iter().map(column).collect();
        Self { classes, of_label }
    }

    /// Number of columns: distinct labels and the blank.
    pub fn count(&self) -> usize {
        self.classes.len()
    }

    /// The class of each column, the blank first.
    pub(crate) fn classes(&self) -> &[u32] {
        &self.classes
    }

    /// Column of each label, in the order of the labels.
    pub fn of_label(&self) -> &[u32] {
        &self.of_label
    }

    /// The class of each label.
    pub(crate) fn labels(&self) -> Vec<u32> {
        self.of_label.iter().map(|&column| self.classes[column as usize]).collect()
    }

    /// Leaves the scores of this frame's columns in `out`, `[columns]`.
    pub(crate) fn pick<E: Element>(&self, row: &[E], out: &mut Vec<E>) {
        out.clear();
        out.extend(self.classes.iter().map(|&class| row[class as usize]));
    }

    /// Writes the log-probabilities of this frame's columns to `out`, `[columns]`.
    ///
    /// # Panics
    /// Where `out` has another length, or `row` lacks one of the classes.
    pub fn gather<E: Element>(&self, row: &[E], scale: RowScale, out: &mut [f64]) {
        assert_eq!(out.len(), self.classes.len(), "a place for each column");
        for (out, &class) in out.iter_mut().zip(&self.classes) {
            *out = scale.log_prob(row[class as usize]);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn alignments_are_as_many_as_there_are_paths() {
        for labels in [&[][..], &[1], &[1, 1], &[1, 2], &[2, 1, 2], &[1, 1, 1], &[1, 2, 2, 1]] {
            let checked = CtcLabels::new(labels, 3, 0).unwrap();
            for frames in 0..9_u32 {
                let reads_so = |path: &u32| {
                    let mut read: Vec<u32> = (0..frames).map(|frame| path / 3_u32.pow(frame) % 3).collect();
                    read.dedup();
                    read.retain(|&class| class != 0);
                    read == labels
                };
                let paths = (0..3_u32.pow(frames)).filter(reads_so).count() as f64;
                let found = checked.ln_alignments(frames as usize);
                assert!(
                    found == paths.ln() || (found - paths.ln()).abs() < 1e-14 * paths.ln(),
                    "{labels:?}, {frames}: {found}"
                );
            }
        }
    }
}
