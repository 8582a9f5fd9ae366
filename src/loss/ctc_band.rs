//! Which part of the CTC recursion's states matters.

/// Which states can be on an alignment after a frame: label `i` (from 1) for `low.max(1)..=labels`, the
/// blank after label `i` for `low..=blanks`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub(super) low: usize,
    pub(super) labels: usize,
    pub(super) blanks: usize,
}

impl Band {
    /// The band after frame `frame` of `frames`, for `length` labels: what the start can reach in that
    /// many steps and the end can be reached from, a step advancing by one label at the most.
    pub(super) fn new(frame: usize, frames: usize, length: usize) -> Self {
        Self {
            low: length.saturating_sub(frames - 1 - frame),
            labels: length.min(frame + 1),
            blanks: length.min(frame),
        }
    }
}
