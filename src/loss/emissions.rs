//! The log-probabilities that an item's labels need from its frames.

use super::ctc_labels::CtcLabels;

/// The part of an item's frames that its labels need: the natural log-probabilities of the blank and of each distinct
/// label, `[frames, columns]`, row-major; column 0 is the blank. See [`Columns`](super::Columns).
#[derive(Clone, Copy, Debug)]
pub struct Emissions<'a> {
    log_probs: &'a [f64],
    labels: &'a CtcLabels,
}

impl<'a> Emissions<'a> {
    /// `log_probs`: `[frames, columns]`, each frame as [`super::Columns::gather`] writes it for these labels.
    ///
    /// # Panics
    /// If the number of values is not a multiple of the number of columns.
    pub fn new(log_probs: &'a [f64], labels: &'a CtcLabels) -> Self {
        assert!(log_probs.len().is_multiple_of(labels.columns().count()), "whole frames");
        Self { log_probs, labels }
    }

    /// The labels that the frames were gathered for.
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

    /// The columns' log-probabilities, one slice per frame.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a [f64]> + ExactSizeIterator + use<'a> {
        self.log_probs.chunks_exact(self.columns())
    }

    /// Column of each label.
    pub fn of_label(&self) -> &'a [u32] {
        self.labels.columns().of_label()
    }
}
