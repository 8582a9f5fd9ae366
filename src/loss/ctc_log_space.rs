//! The CTC forward recursion in log space: slower, and exact whatever the range of the numbers.

use super::Emissions;
use super::ctc_band::Band;
use crate::kernel::log_add;

/// The log-probability of the labels. At least one label, and frames enough for an alignment.
pub(super) fn forward(emissions: &Emissions) -> f64 {
    let frames = emissions.frames();
    let of_label = emissions.of_label();
    let length = of_label.len();
    let nothing = vec![f64::NEG_INFINITY; length + 1];
    let (mut blanks, mut labels) = (nothing.clone(), nothing);
    blanks[0] = 0.0;
    for (frame, log_probs) in emissions.iter().enumerate() {
        let band = Band::new(frame, frames, length);
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
    }
    log_add(blanks[length], labels[length])
}
