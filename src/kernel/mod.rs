//! Log-sum-exp and its kin over slices.
//!
//! Every function takes one row of class scores as it lies in memory and computes as if in double
//! precision from the values given.

mod element;
mod log_sum_exp;
mod sum;

pub use element::Element;
pub use log_sum_exp::{LogSumExp, log_add, log_sum_exp};
pub use sum::Sum;
