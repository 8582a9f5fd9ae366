//! Untrusted bytes to checked values.
//!
//! Everything malformed stops here, with the file, the place, what was expected and what was found.
//! No allocation follows from a header that the bytes behind it do not bear out.

mod alphabet;
mod csv;
mod csv_blocks;
mod error;
mod labels;
mod language;
mod matrix;
mod npy;
mod numbers;
mod result;
mod source;

pub use alphabet::{Alphabet, AlphabetFile, BlankChoice, LabelSplit, resolve_blank};
pub use csv::CsvOptions;
pub(crate) use csv::cut_first;
pub use error::{InputError, Place};
pub(crate) use error::{counted, display_name};
pub use labels::{ClassTargets, LabelFile, ProbTargets};
pub(crate) use labels::{ONE_SCORE, index_hint, is_class};
pub use language::{read_hotwords, read_language_model, read_lexicon};
pub(crate) use matrix::OddColumn;
pub use matrix::{Matrix, ReadError};
pub use npy::Dtype;
pub(crate) use npy::{FloatValues, reshape_hint, shape_text, wide_axes};
pub use numbers::{List, float_list, integer_list};
pub use result::{Comparable, ResultFile};
pub(crate) use source::empty_end;
pub use source::{Source, read_lines};
