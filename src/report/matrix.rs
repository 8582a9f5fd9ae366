//! The matrix that a result is of.

use serde::Serialize;

/// What its file holds and how it was read.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct MatrixParams {
    /// The matrix, as the user named it.
    pub logits: String,
    /// `float32`; `float64` for CSV.
    pub dtype: String,
    /// Shape of the matrix.
    pub shape: Vec<usize>,
    /// How a CSV file was read.
    #[serde(flatten)]
    pub csv: CsvParams,
}

/// How a CSV file was read; null for .npy.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct CsvParams {
    /// What separates columns.
    pub delimiter: Option<char>,
    /// Whether the first row is names.
    pub headers: Option<bool>,
}
