//! The CTC forward recursion in log space: slower, and exact whatever the range of the numbers.

use super::ctc_band::Band;
use crate::kernel::log_add;

/// The states between two frames: those of the blanks (after label `i` from 0) and of the labels (from 1).
///
/// States that are on no alignment may be anything where they can't be reached from the end.
#[derive(Clone)]
pub(super) struct LogSpace {
    pub(super) blanks: Vec<f64>,
    pub(super) labels: Vec<f64>,
}

impl LogSpace {
    /// Before the first frame of so many labels.
    pub(super) fn new(length: usize) -> Self {
        let nothing = vec![f64::NEG_INFINITY; length + 1];
        let (mut blanks, labels) = (nothing.clone(), nothing);
        blanks[0] = 0.0;
        Self { blanks, labels }
    }

    /// Takes a frame's log-probabilities of the columns.
    pub(super) fn advance(&mut self, band: Band, of_label: &[u32], log_probs: &[f64]) {
        let Self { blanks, labels } = self;
        // From the end backwards, so that what a state needs of the frame before is still there: the
        // blank after label `i` needs label `i`, which needs the blank before it.
        for i in (band.low..=band.labels).rev() {
            if i <= band.blanks {
                blanks[i] = log_add(blanks[i], labels[i]) + log_probs[0];
            }
            if i == 0 {
                continue;
            }
            let column = of_label[i - 1] as usize;
            // The blank before label `i` still has the value of the frame before.
            let mut sum = log_add(labels[i], blanks[i - 1]);
            if i > 1 && of_label[i - 1] != of_label[i - 2] {
                sum = log_add(sum, labels[i - 1]);
            }
            labels[i] = sum + log_probs[column];
        }
    }

    /// The log-probability of the labels after the last frame.
    pub(super) fn finish(&self) -> f64 {
        let last = self.blanks.len() - 1;
        log_add(self.blanks[last], self.labels[last])
    }
}
