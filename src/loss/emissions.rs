use super::ctc::CtcLabels;
use crate::kernel::Element;
use crate::logits::RowScale;

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
        let mut distinct = labels.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let of_label =
            labels.iter().map(|label| distinct.partition_point(|class| class < label) as u32 + 1).collect();
        let classes = std::iter::once(blank).chain(distinct).collect();
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
    pub fn gather<E: Element>(&self, row: &[E], scale: RowScale, out: &mut [f64]) {
        for (out, &class) in out.iter_mut().zip(&self.classes) {
            *out = scale.log_prob(row[class as usize]);
        }
    }
}

/// What remains of an item's frames once they were looked at: the log-probabilities of the columns that
/// its labels need, `[frames, columns]`, row-major, column 0 the blank.
#[derive(Clone, Copy, Debug)]
pub struct Emissions<'a> {
    log_probs: &'a [f64],
    labels: &'a CtcLabels,
}

impl<'a> Emissions<'a> {
    /// `log_probs`: whole frames, each as [`Columns::gather`] writes it for these labels.
    ///
    /// # Panics
    /// Where they are not whole frames.
    pub fn new(log_probs: &'a [f64], labels: &'a CtcLabels) -> Self {
        assert!(log_probs.len().is_multiple_of(labels.columns().count()), "whole frames");
        Self { log_probs, labels }
    }

    /// What the frames were gathered for.
    pub fn labels(&self) -> &'a CtcLabels {
        self.labels
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.log_probs.len() / self.labels.columns().count()
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.labels.columns().count()
    }

    /// The columns' log-probabilities of a frame.
    pub(crate) fn frame(&self, frame: usize) -> &'a [f64] {
        let columns = self.columns();
        &self.log_probs[frame * columns..][..columns]
    }

    /// The columns' log-probabilities, a slice a frame.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a [f64]> + ExactSizeIterator + use<'a> {
        self.log_probs.chunks_exact(self.labels.columns().count())
    }

    /// Column of each label.
    pub fn of_label(&self) -> &'a [u32] {
        &self.labels.columns().of_label
    }
}
