//! What an item's labels need of its frames.

use super::ctc_labels::CtcLabels;

/// What remains of an item's frames once they were looked at: the log-probabilities of the columns that
/// its labels need, `[frames, columns]`, row-major, column 0 the blank.
#[derive(Clone, Copy, Debug)]
pub struct Emissions<'a> {
    log_probs: &'a [f64],
    labels: &'a CtcLabels,
}

impl<'a> Emissions<'a> {
    /// `log_probs`: whole frames, each as [`super::Columns::gather`] writes it for these labels.
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
        self.log_probs.len() / self.columns()
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
        self.log_probs.chunks_exact(self.columns())
    }

    /// Column of each label.
    pub fn of_label(&self) -> &'a [u32] {
        self.labels.columns().of_label()
    }
}
