//! Language models, lexicons and hotwords: what a text is worth in addition to its class scores.
//!
//! - [`arpa`]: ARPA files to models
//! - [`ngram`]: n-gram models with back-off, whose states are small integers
//! - [`words`]: the words that may be in progress, as a tree
//! - [`hotwords`]: phrases that add to a text's score wherever they occur
//!
//! All of it takes bytes and integers and knows nothing of files.

/// The largest magnitude of a weight, a bonus or a score, and of a number in a language model. So sums over texts of
/// any length stay finite, and differences of probabilities are not lost to rounding.
pub const MAX_MAGNITUDE: f64 = 1e6;

pub mod arpa;
pub mod hotwords;
pub mod ngram;
mod table;
mod vocabulary;
pub mod words;

pub use arpa::{ArpaError, ArpaParser, ArpaProblem};
pub use hotwords::Hotwords;
pub use ngram::NgramModel;
pub(crate) use ngram::Successors;
pub(crate) use words::{TreeWord, WordNode, WordTree};
