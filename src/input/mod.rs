//! From untrusted bytes to checked values.
//!
//! Malformed input is refused here, with the file, the place, what was expected and what was found. Nothing is
//! allocated because of a header that the bytes behind it do not bear out.
//!
//! A matrix is not held in memory as a whole: whatever computes something from it, here the CTC losses of its items, is
//! given its rows block by block.
//!
//! ```
//! use ctctool::input::{CsvOptions, LabelFile, Matrix, Source};
//! use ctctool::logits::{Geometry, InputKind, Items, Nonfinite};
//! use ctctool::loss::ctc_batch::CtcBatch;
//!
//! // `Matrix::open` and `LabelFile::open` open files; bytes in memory can be a source, too.
//! let options = CsvOptions::default();
//! let matrix = Matrix::from_source(Source::from_reader("logits.csv", &b"0,0,0\n0,0,0\n"[..]), options)?;
//! let labels = LabelFile::from_source(Source::from_reader("labels.txt", &b"1\n"[..]), options)?;
//!
//! // (time, class): the classes are axis 1, and there is one item that uses all frames.
//! let [frames, classes] = *matrix.shape() else { panic!("two axes") };
//! let geometry = Geometry::along(matrix.shape(), matrix.fortran_order(), 1)?;
//! let items = Items::new(geometry.clone(), frames, vec![frames])?;
//! let labels = labels.index_sequences(1, None, classes, 0)?;
//!
//! let mut batch = CtcBatch::new(InputKind::Logits, Nonfinite::Error, items, labels);
//! matrix.reduce(&geometry, &mut batch)?;
//! let losses: Vec<f64> = batch.finish().items.iter().map(|item| item.loss.loss_nats).collect();
//! assert!((losses[0] - 3.0_f64.ln()).abs() < 1e-15);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alphabet;
mod csv;
mod csv_blocks;
mod error;
mod labels;
mod language;
mod matrix;
mod npy;
mod numbers;
#[cfg(feature = "cli")]
mod result;
mod source;
mod text;

pub use alphabet::{Alphabet, AlphabetFile, BlankChoice, LabelSplit, NoToken, resolve_blank};
pub use csv::CsvOptions;
pub(crate) use csv::cut_first;
#[cfg(feature = "cli")]
pub(crate) use error::display_path;
pub use error::{Finding, InputError, Place};
pub(crate) use error::{counted, display_name};
pub use labels::{ClassTargets, LabelFile, ProbTargets, TargetError};
pub(crate) use labels::{LabelDoubt, LeftOut, ONE_SCORE, are_next_tokens, is_class};
pub use language::{read_hotwords, read_language_model, read_lexicon};
pub(crate) use matrix::OddColumn;
pub use matrix::{Matrix, ReadError};
pub use npy::Dtype;
pub(crate) use npy::{FloatValues, reshape_hint, shape_text, wide_axes};
pub use numbers::{List, float_list, integer_list};
#[cfg(feature = "cli")]
pub use result::{Comparable, ResultFile};
pub use source::Source;
pub(crate) use text::empty_end;
pub use text::read_lines;
#[cfg(feature = "cli")]
pub(crate) use text::without_first_word;
