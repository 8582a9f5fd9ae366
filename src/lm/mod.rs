//! Language models, lexicons and hotwords: what a text is worth beside its class scores.
//!
//! - [`arpa`]: ARPA files to models
//! - [`ngram`]: n-gram models with back-off, whose states are small integers
//! - [`words`]: the words that may be in progress, as a tree
//! - [`hotwords`]: phrases that add to a text's score wherever they occur
//!
//! All of it takes bytes and integers and knows no files.

/// No weight, bonus or score is larger in size, nor is a number of a language model: sums over texts of
/// any length stay finite, and differences of probabilities tell.
pub const MAX_MAGNITUDE: f64 = 1e6;

pub mod arpa;
pub mod hotwords;
pub mod ngram;
mod table;
mod vocabulary;
pub mod words;

pub use arpa::{ArpaError, ArpaParser, ArpaProblem};
pub use hotwords::Hotwords;
pub use ngram::{NgramModel, Successors};
pub use words::{TreeWord, WordTree};
