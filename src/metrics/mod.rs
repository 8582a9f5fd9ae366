//! How far a text is from its reference, and a number or a matrix from its base.

mod bit_matrix;
pub mod edit_distance;
pub mod error_rate;
mod evidence;
pub(crate) mod greatest;
mod line_order;
pub mod matrices;
mod region;
pub mod relation;
mod row_labels;
pub mod tolerance;

pub use edit_distance::{EditCounts, EditOp, align, edit_counts};
pub use error_rate::{ErrorRates, LineErrors};
pub use line_order::other_line;
pub use matrices::{Differences, Matrices, Statistic};
pub use relation::{Operation, Relation, ShortFloat};
pub use row_labels::{Mismatch, RowLabels};
pub use tolerance::{Difference, Tolerance};
