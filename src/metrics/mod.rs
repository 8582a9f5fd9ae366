//! How far a text is from its reference.

mod bit_matrix;
pub mod edit_distance;
pub mod error_rate;
pub mod tolerance;

pub use edit_distance::{EditCounts, EditOp, align, edit_counts};
pub use error_rate::{ErrorRates, LineErrors};
pub use tolerance::{Difference, Tolerance};
