//! Exact losses and transcripts from a network's output matrix.
//!
//! `ctctool` is a command-line program and the library behind it. The program is a pipeline, and the
//! modules are its stages:
//!
//! ```text
//! arguments → read → check → compute → reduce → judge → render
//!    cli      input   logits  kernel   loss     report  report
//!                              lm      metrics
//!                              decode
//! ```
//!
//! - [`kernel`]: log-sum-exp and related sums over slices
//! - [`logits`]: the checked matrix types that all computations work on
//! - [`loss`]: cross-entropy and CTC, and their reductions
//! - [`lm`]: n-gram models, lexicons and hotwords
//! - [`decode`]: greedy and exact beam-search transcripts, and where their tokens lie in time
//! - [`metrics`]: edit distance and error rates; how two matrices differ, and how one was made of the other
//! - [`input`]: from untrusted bytes to checked values
//! - `report` (of the program): what a result consists of, and one file for each output format
//! - `cli` (of the program): the subcommands
//!
//! `kernel`, `logits`, `loss`, `lm`, `decode` and `metrics` are pure: they take checked types and slices and
//! know nothing of files. The exception is `kernel`, which has all unsafe code and so also maps files into memory and
//! turns a signal (`SIGBUS`) into a message.
//!
//! ```
//! use ctctool::logits::InputKind;
//! use ctctool::loss::ctc::{CtcLabels, ctc_loss};
//!
//! // Two frames, three classes, class 0 is the blank: P("1") = 3 of the 9 equally likely paths.
//! let logits = [0.0_f64; 6];
//! let labels = CtcLabels::new(&[1], 3, 0)?;
//! let loss = ctc_loss(&logits, InputKind::Logits, &labels)?;
//! assert!((loss - 3.0_f64.ln()).abs() < 1e-15);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// What the program alone uses.
#![cfg_attr(not(feature = "cli"), allow(dead_code, unused_imports))]

#[cfg(feature = "cli")]
pub mod cli;
pub mod decode;
pub mod input;
pub mod kernel;
pub mod lm;
pub mod logits;
pub mod loss;
pub mod metrics;
mod normal_form;
mod plain_number;
#[cfg(feature = "cli")]
pub(crate) mod report;
mod shown;

/// Version of the JSON output's structure; it goes up when a key changes its meaning or is removed.
pub const SCHEMA_VERSION: u32 = 1;
