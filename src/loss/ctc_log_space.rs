//! The CTC forward recursion in log space: slower, and exact whatever the range of the numbers.

use super::Emissions;
use super::ctc_band::Band;
use crate::kernel::log_add;

/// The log-probability of the labels. At least one label, and frames enough for an alignment.
pub(super) fn forward(emissions: &Emissions) -> f64 {
    let mut log_prob = f64::NEG_INFINITY;
    let length = emissions.of_label().len();
    forward_states(emissions.iter(), emissions.of_label(), |blanks, labels| {
        log_prob = log_add(blanks[length], labels[length]);
    });
    log_prob
}

/// Runs the recursion over `frames` and shows `each` the states after every frame: those of the blanks (after label
/// `i` from 0) and of the labels (from 1). Frames enough for an alignment; states that are on none may be anything
/// where they can't be reached from the end.
pub(super) fn forward_states<'a>(
    frames: impl ExactSizeIterator<Item = &'a [f64]>,
    of_label: &[u32],
    mut each: impl FnMut(&[f64], &[f64]),
) {
    let count = frames.len();
    let length = of_label.len();
    let nothing = vec![f64::NEG_INFINITY; length + 1];
    let (mut blanks, mut labels) = (nothing.clone(), nothing);
    blanks[0] = 0.0;
    for (frame, log_probs) in frames.enumerate() {
        let band = Band::new(frame, count, length);
        // From the end backwards, so that what a state needs of the frame before is still there: the
        // blank after label `i` needs label `i`, which needs the blank before it.
        for i in (band.low..=length.min(frame + 1)).rev() {
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
        each(&blanks, &labels);
    }
}
