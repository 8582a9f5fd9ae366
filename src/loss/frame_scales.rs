//! Frames' normalisers, as exact as a CTC loss needs them.

use crate::kernel::{Element, ScaledColumns};
use crate::logits::{Accuracy, InputKind, RowScale, RowScales};

/// Frames of no more classes are computed in double precision at once: it costs little.
pub(super) const SHORT: usize = 128;
/// The error of a normaliser from single precision beside what a frame may add to a loss within 2e-7: 1.8e-7, and
/// some for what compares them.
const ERROR_SHARE: f64 = 0.95;

/// The normalisers of a few frames.
pub(super) struct FrameScales {
    kind: InputKind,
    scales: RowScales,
    /// They are within single precision only.
    rough: bool,
}

impl FrameScales {
    /// No frames yet, of values that are `kind`.
    pub(super) fn new(kind: InputKind) -> Self {
        Self { kind, scales: RowScales::new(kind), rough: false }
    }

    /// Looks at each row of `values`, `[rows, classes]`, row-major.
    pub(super) fn look_at<E: Element>(&mut self, values: &[E], classes: usize) {
        let accuracy = if classes > SHORT { Accuracy::OfInput } else { Accuracy::Double };
        self.rough = accuracy == Accuracy::OfInput && E::SINGLE && self.kind == InputKind::Logits;
        self.scales.look_at(values, classes, accuracy);
    }

    /// The normaliser of `row`, which was number `at` of those, where the scores of the labels' columns are so.
    pub(super) fn scale<E: Element>(&self, at: usize, row: &[E], columns: ScaledColumns) -> RowScale {
        let scale = self.scales.get(at);
        if self.rough && needs_double(scale, columns) { RowScale::new(row, self.kind) } else { scale }
    }
}

/// Whether the frame's normaliser must be more exact than single precision makes it.
///
/// Its error is at most `1.8e-7 (1 - p)`, `p` being the largest probability. Every alignment passes through one
/// of these columns in this frame, so the frame adds at least `-ln c` to the loss, where `c` is what they sum
/// to. Where the error is at most 2e-7 of that in each frame, so is the sum of all frames' errors beside the loss.
fn needs_double(scale: RowScale, columns: ScaledColumns) -> bool {
    match columns.max {
        _ if !scale.is_proper() => true,
        f64::NEG_INFINITY => false,
        max => {
            let covered = scale.log_prob(max) + columns.sum.ln();
            covered > -ERROR_SHARE && covered > ERROR_SHARE * scale.log_largest().exp_m1()
        }
    }
}
