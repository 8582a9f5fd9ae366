//! Cross-entropy and CTC losses and their reductions, in natural logarithms.

pub mod cross_entropy;
pub mod cross_entropy_batch;
mod cross_entropy_rows;
pub mod ctc;
mod ctc_band;
pub mod ctc_batch;
mod ctc_forward;
mod ctc_labels;
mod ctc_linear;
mod ctc_log_space;
mod ctc_occupancy;
mod ctc_wide;
mod emissions;
mod emissions_batch;
mod frame_columns;
mod frames_of_rows;
mod gathered;
pub mod gradient;
pub mod gradient_check;
pub mod guess;
pub mod reduction;
pub mod slopes;
pub mod targets;

pub use ctc_labels::Columns;
pub use emissions::Emissions;
pub use emissions_batch::{EmissionsBatch, ItemEmissions};

/// Values that one thread takes at a time; of a cross-entropy, whose losses are added up for themselves.
const CHUNK_VALUES: usize = 1 << 16;
/// Chunks that one thread takes at least: blocks of no more come several at a time.
const FEW_CHUNKS: usize = 4;
