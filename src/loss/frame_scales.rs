//! Frames' normalisers, as exact as a CTC loss needs them.

use super::Columns;
use crate::kernel::{Element, InstructionSet, LogSumExp, sum_of_exp};
use crate::logits::{Accuracy, InputKind, RowScale};

/// Frames of no more classes are computed in double precision at once: it costs little.
pub(super) const SHORT: usize = 128;
/// The share of a frame that the labels' classes may have for single precision to be enough; below `1/e`.
const MOST_COVERED: f64 = 0.36;

/// The normalisers of a few frames.
#[derive(Default)]
pub(super) struct FrameScales {
    scales: Vec<RowScale>,
    scratch: Vec<LogSumExp>,
    log_probs: Vec<f64>,
    /// They are within single precision only.
    rough: bool,
}

impl FrameScales {
    /// Looks at each row of `values`, `[rows, classes]`, row-major.
    pub(super) fn of_rows<E: Element>(&mut self, values: &[E], classes: usize, kind: InputKind) {
        let accuracy = if classes > SHORT { Accuracy::OfInput } else { Accuracy::Double };
        self.rough = accuracy == Accuracy::OfInput && E::SINGLE && kind == InputKind::Logits;
        RowScale::of_rows(values, classes, kind, accuracy, &mut self.scratch, &mut self.scales);
    }

    /// The normaliser of `row`, which was number `at` of those, for labels that need `columns` of it.
    pub(super) fn scale<E: Element>(
        &mut self,
        at: usize,
        row: &[E],
        kind: InputKind,
        columns: &Columns,
    ) -> RowScale {
        let scale = self.scales[at];
        if !self.rough {
            return scale;
        }
        self.log_probs.resize(columns.count(), 0.0);
        columns.gather(row, scale, &mut self.log_probs);
        if needs_double(&self.log_probs) { RowScale::new(row, kind) } else { scale }
    }
}

/// Whether the frame's normaliser must be more exact than single precision makes it.
///
/// Its error is at most `2e-7 (1 - p)`, `p` being the largest probability. Every alignment passes through one
/// of these columns in this frame, so the frame adds at least `-ln c` to the loss, where `c` is what they sum
/// to. With `c` below `1/e` that is above 1, and the error at most 2e-7 of it; so is the sum of all frames'
/// errors beside the loss.
fn needs_double(log_probs: &[f64]) -> bool {
    let covered = sum_of_exp(InstructionSet::best(), log_probs);
    covered.is_nan() || covered > MOST_COVERED
}
