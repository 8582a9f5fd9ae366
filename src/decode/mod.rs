//! From class scores to label sequences.
//!
//! - [`mod@greedy`]: the best path, frame by frame
//! - [`beam`]: prefix beam search that prunes nothing but the beam
//! - [`scorer`]: the interface of what can steer the beam, such as a language model
//! - [`fusion`]: a language model, a lexicon and hotwords as a scorer
//! - [`alignment`]: where each token of a text lies in time
//!
//! All of it takes plain slices, `[frames, classes]`, row-major, and knows nothing of files.

// What a frame of a beam is spent on becomes code for each instruction set only where it is inlined into its task.
#![allow(clippy::inline_always)]

pub mod alignment;
pub mod arithmetic;
mod audited;
pub mod batch;
pub mod beam;
mod beam_result;
mod best_path;
mod children;
pub mod collect;
mod extend;
mod extend_scored;
pub mod frame;
mod fused;
pub mod fusion;
pub mod greedy;
mod groups;
pub mod item;
mod lost_mass;
mod order;
mod pool;
mod prefix_tree;
mod prefixes;
mod row;
pub mod scorer;
mod search;
pub mod spelling;
pub mod token_texts;

pub use alignment::{Alignment, TokenSpan, align};
pub use arithmetic::{Arithmetic, Linear, Log};
pub use beam::{BeamConfig, BeamDecoder, BeamError, BeamSearch, beam_search};
pub use beam_result::{BeamResult, Hypothesis, Space};
pub use best_path::AlignmentError;
pub use frame::FrameError;
pub use fusion::{Fusion, FusionScorer, FusionState, FusionWeights, LanguageModel, TokenModel};
pub use greedy::{GreedyPath, GreedySearch, collapse, greedy};
pub use item::{DecodedItem, ItemConfig, ItemDecoder, Transcript};
pub use scorer::{Gain, NoScorer, Scorer};
pub use spelling::{Spelling, WordDelimiter};
