//! What the rows of a cross-entropy are compared with.

use std::ops::Range;

use crate::kernel::Floats;

/// PyTorch's mark of a row that is left out.
pub(crate) const DEFAULT_IGNORE_INDEX: i64 = -100;

/// What each row is compared with.
pub trait Targets: Sync {
    /// The target of a row, in the user's numbering: a class that there is, or a probability for each of them.
    fn target(&self, row: usize) -> Target<'_>;

    /// The targets of some rows, `[rows, classes]`, where all rows have probabilities.
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
