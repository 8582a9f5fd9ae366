//! How probable it is that an alignment is at a label's class in a frame: forward and backward in log space.
//!
//! Graves et al., "Connectionist Temporal Classification" (ICML 2006), section 4.1, equation 14. The backward
//! recursion is the forward one over the reversed frames and labels.

use super::Emissions;
use super::ctc_band::Band;
use super::ctc_log_space::LogSpace;

/// Of all alignments of the labels, the share that is at each column's class in each frame: `[frames, columns]`,
/// row-major, each frame summing to one; NaN where no alignment is possible.
pub(super) fn occupancy(emissions: &Emissions) -> Vec<f64> {
    let (frames, width) = (emissions.frames(), emissions.columns());
    let of_label = emissions.of_label();
    let length = of_label.len();
    // All states after each frame: the blanks, then the labels.
    let states = 2 * length + 2;
    let mut alphas = Vec::with_capacity(frames * states);
    let mut forward = LogSpace::new(length);
    for (frame, log_probs) in emissions.iter().enumerate() {
        forward.advance(Band::new(frame, frames, length), of_label, log_probs);
        alphas.extend_from_slice(&forward.blanks);
        alphas.extend_from_slice(&forward.labels);
    }
    let reversed: Vec<u32> = of_label.iter().rev().copied().collect();
    let mut shares = vec![0.0; frames * width];
    let mut backward = LogSpace::new(length);
    for (frame, log_probs) in emissions.iter().enumerate().rev() {
        backward.advance(Band::new(frames - 1 - frame, frames, length), &reversed, log_probs);
        let LogSpace { blanks, labels } = &backward;
        let alpha = &alphas[frame * states..][..states];
        let out = &mut shares[frame * width..][..width];
        // Both directions hold the frame's own log-probability.
        let path = |forward: f64, backward: f64, column: usize| {
            let possible = forward > f64::NEG_INFINITY && backward > f64::NEG_INFINITY;
            if possible { forward + backward - log_probs[column] } else { f64::NEG_INFINITY }
        };
        let label = |i: usize| of_label[i - 1] as usize;
        let of_blank = |i: usize| path(alpha[i], blanks[length - i], 0);
        let of_token = |i: usize| path(alpha[length + 1 + i], labels[length + 1 - i], label(i));
        let most =
            (0..=length).map(of_blank).chain((1..=length).map(of_token)).fold(f64::NEG_INFINITY, f64::max);
        for i in 0..=length {
            out[0] += (of_blank(i) - most).exp();
        }
        for i in 1..=length {
            out[label(i)] += (of_token(i) - most).exp();
        }
        // NaN where nothing is possible, as it should be.
        let total: f64 = out.iter().sum();
        for share in out {
            *share /= total;
        }
    }
    shares
}
