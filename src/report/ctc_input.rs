//! What a CTC input is, as every result of one tells it.

use serde::Serialize;

use super::matrix::MatrixParams;
use crate::input::counted;

/// A matrix of class scores and how it was read.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct CtcInputParams {
    /// The matrix.
    #[serde(flatten)]
    pub matrix: MatrixParams,
    /// `logits`, `log-probs` or `probs`.
    pub input: &'static str,
    /// `tc`, `tnc` or `ntc`.
    pub layout: &'static str,
    /// Whether the layout was told from the shapes.
    pub layout_inferred: bool,
    /// Number of classes.
    pub classes: usize,
    /// Index of the blank.
    pub blank: u32,
    /// The alphabet's file.
    pub alphabet: Option<String>,
    /// Where the lengths came from.
    pub lengths: Option<String>,
}

impl CtcInputParams {
    /// Layout, classes and blank, for people.
    pub(super) fn described(&self) -> String {
        let inferred = if self.layout_inferred { " (inferred)" } else { "" };
        format!("layout {}{inferred}, {}, blank {}", self.layout, counted(self.classes, "class"), self.blank)
    }
}
