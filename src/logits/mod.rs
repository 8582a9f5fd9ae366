//! The checked matrix types that all computations work on.
//!
//! A file of any layout is seen as a sequence of *planes*: `[planes, classes, inner]` in the order of its bytes.
//! If the class axis is the last one in memory, `inner` is 1 and each plane is one row. Otherwise (class axis 1,
//! Fortran order), a plane is transposed tile by tile on the way to the kernels, or its rows are put side by side, as
//! cross-entropy takes them. So every computation sees whole rows of class scores, numbered in the order of the
//! file, and [`Geometry::logical_row`] translates that to the user's row number.

mod audit;
mod block;
#[cfg(feature = "cli")]
mod distributions;
mod geometry;
mod in_memory;
mod item_block;
mod items;
mod log_bases;
mod row;
mod survey;
#[cfg(feature = "cli")]
mod unused;
mod whole_numbers;
mod winner;

pub(crate) use audit::may_sum_to_one;
pub use audit::{ImproperRow, RowAudit, Unnormalised};
pub(crate) use block::rows_in_order;
pub use block::{Block, rows_at_once};
#[cfg(feature = "cli")]
pub(crate) use distributions::{DistributionProbe, Enough};
pub(crate) use geometry::unravel;
pub use geometry::{Geometry, MAX_CLASSES, ShapeError};
pub use in_memory::reduce_slice;
pub(crate) use in_memory::{reduce_blocks, round_of};
pub use item_block::{ItemBlock, ItemOrder};
pub use items::{Items, ItemsError};
pub use row::RowScale;
pub(crate) use row::RowScales;
pub(crate) use row::is_certain;
pub use survey::{Entropies, Nonfinites, Survey, SurveyPart, SurveyTotals};
#[cfg(feature = "cli")]
pub(crate) use unused::UnusedFrames;
pub(crate) use winner::{any, position_of, row_max};

use crate::kernel::Element;

/// What the numbers of a matrix are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputKind {
    /// Any scores; they are normalised by log-softmax, which leaves log-probabilities unchanged.
    #[default]
    Logits,
    /// Natural logarithms of probabilities; they are not normalised.
    LogProbs,
    /// Probabilities; they are not normalised.
    Probs,
}

/// What to do with a row in use that is not a distribution: one with a NaN, a `+inf`, or nothing but `-inf`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nonfinite {
    /// Refuse it.
    #[default]
    Error,
    /// Let it through, as PyTorch does.
    Propagate,
}

/// Processes a matrix in pieces: blocks are looked at in parallel, and the results are then taken in the order of the
/// file.
pub trait BlockReducer: Sync {
    /// The result for a block.
    type Part: Send;
    /// Why a block can't be used.
    type Error: Send;

    /// How many blocks of `rows` rows each thread looks at before the results are taken.
    fn round(&self, _rows: usize) -> usize {
        64
    }

    /// Looks at a block. Called from several threads, in any order of the blocks.
    fn look<E: Element>(&self, block: Block<'_, E>) -> Self::Part;

    /// Takes the result for the next block, in the order of the file.
    ///
    /// # Errors
    /// If the rows can't be used; reading then stops.
    fn take(&mut self, part: Self::Part) -> Result<(), Self::Error>;

    /// Called after the results so far were taken; more blocks may follow.
    fn end_round(&mut self) {}
}

/// Processes the items of a CTC input some at a time: whole items are looked at in parallel, and the results are then
/// taken in order.
pub trait ItemReducer: Sync {
    /// The result for some items.
    type Part: Send;
    /// Why they can't be used.
    type Error: Send;

    /// Looks at some items. Called from several threads, in any order.
    fn look_at_items<E: Element>(&self, block: ItemBlock<'_, E>) -> Self::Part;

    /// Takes the result for the next items, in order.
    ///
    /// # Errors
    /// If they can't be used; reading then stops.
    fn take_items(&mut self, part: Self::Part) -> Result<(), Self::Error>;
}

/// How much of a matrix is handed out at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtOnce {
    /// A few megabytes.
    Little,
    /// 64 megabytes of a regular file, or one run of rows where that is more.
    Much {
        /// Rows of a run, which are not taken apart where values of a row lie beside each other and a run is not huge.
        run: usize,
    },
    /// All of a regular file that is not huge.
    All,
}

/// Processes a matrix block by block, in the order of the file.
pub trait BlockVisitor {
    /// Why a block can't be used.
    type Error;

    /// How large a block is to be.
    fn at_once(&self) -> AtOnce {
        AtOnce::Little
    }

    /// Takes the next rows.
    ///
    /// # Errors
    /// If the rows can't be used; reading then stops.
    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), Self::Error>;
}
