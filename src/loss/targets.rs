//! The targets of a cross-entropy's rows.

use std::ops::Range;

use crate::kernel::Floats;

/// PyTorch's mark of a row that is left out.
pub(crate) const DEFAULT_IGNORE_INDEX: i64 = -100;

/// The target of each row.
pub trait Targets: Sync {
    /// How many rows have one.
    fn row_count(&self) -> usize;

    /// The number of classes that they are of.
    fn classes(&self) -> usize;

    /// The target of a row, in the user's numbering: a class index below [`Self::classes`], or a probability
    /// for each class.
    fn target(&self, row: usize) -> Target<'_>;

    /// The targets of some rows, `[rows, classes]`, if all rows have class probabilities.
    fn probs(&self, _rows: Range<usize>) -> Option<Floats<'_>> {
        None
    }
}

/// A row's target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a> {
    /// A class.
    Index(usize),
    /// A probability for each class.
    Probs(Floats<'a>),
    /// None: the row is left out.
    Ignored,
}
