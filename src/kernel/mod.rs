//! Log-sum-exp and its kin over slices; and, because it needs unsafe code, what the operating system has for files and
//! memory.
//!
//! What computes with class scores takes rows as they lie in memory and computes as if in double precision from the
//! values given, except [`fast_log_sum_exp_rows`], which is within 2e-7 on values of single precision. Each is compiled
//! for several instruction sets, and the best that the machine has is chosen when it runs: see [`InstructionSet`].

// A kernel's body takes on the instruction set of the wrapper that it is inlined into.
#![allow(clippy::inline_always)]

#[cfg(target_arch = "x86_64")]
mod ahead;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod best_step;
mod class_terms;
mod ctc_block;
mod ctc_wide;
mod double;
mod double_rows;
mod element;
mod exp;
mod exp_rows;
mod exp_sums;
mod exp_tile;
mod fetch;
mod floats;
mod half;
mod instruction_set;
mod lanes;
mod log_sum_exp;
mod log_sum_exp_rows;
mod reaching;
#[cfg(target_arch = "x86_64")]
mod registers;
mod rows;
mod single;
mod spread;
mod sum;
mod system;
mod tile;
mod tile_terms;
mod tiles;

pub(crate) use best_step::BestStep;
pub(crate) use class_terms::ClassTerms;
pub(crate) use ctc_block::{BLOCK_FRAMES, CtcBlock, CtcBlockShares, CtcStates, CtcTrace, exponent_of, pow2};
pub(crate) use ctc_wide::{CtcShares, CtcWideStep, Logs, Wide};
pub use element::Element;
pub(crate) use exp::{log_sum_of, scaled_columns};
pub(crate) use exp_rows::ExpRows;
pub(crate) use exp_sums::ScaledColumns;
pub(crate) use fetch::fetch_one;
pub use floats::Floats;
pub(crate) use half::{widen_big_endian_halves, widen_halves};
pub use instruction_set::InstructionSet;
pub(crate) use instruction_set::Task;
pub use log_sum_exp::{LogSumExp, log_add};
pub use log_sum_exp_rows::{fast_log_sum_exp_rows, fast_log_sum_exp_tiles, log_sum_exp, log_sum_exp_rows};
pub(crate) use reaching::reaching;
pub use rows::Rows;
pub use spread::{Spread, exp_weighted_distance_sum, spread};
pub use sum::Sum;
pub use system::allow_mapping;
pub(crate) use system::{Mapping, begin_program, is_mapping_allowed, zeros};
pub(crate) use tile_terms::TileTerms;
pub use tiles::Tiles;
