//! How probable it is that an alignment is at a label's class in a frame: forward and backward in log space.
//!
//! Graves et al., "Connectionist Temporal Classification" (ICML 2006), section 4.1, equation 14. The backward
//! recursion is the forward one over the reversed frames and labels.

use super::Emissions;
use super::ctc_band::Band;
use super::ctc_log_space::LogSpace;

/// So many forward states are kept in any case: eight megabytes of them.
const FEW_STATES: usize = 1 << 20;

/// Of all alignments of the labels, the share that is at each column's class in each frame: `[frames, columns]`,
/// row-major, each frame summing to one; NaN where no alignment is possible.
///
/// Of a long item the forward states are kept of one frame in each span, and computed again span by span as the
/// backward recursion needs them: memory for the states of `2 √frames` frames, or for [`FEW_STATES`].
pub(super) fn occupancy(emissions: &Emissions) -> Vec<f64> {
    let few = FEW_STATES / (2 * emissions.of_label().len() + 2);
    occupancy_in_spans(emissions, emissions.frames().isqrt().max(few).max(1))
}

fn occupancy_in_spans(emissions: &Emissions, span: usize) -> Vec<f64> {
    let (frames, width) = (emissions.frames(), emissions.columns());
    let of_label = emissions.of_label();
    let length = of_label.len();
    let band = |frame: usize| Band::new(frame, frames, length);
    let mut forward = LogSpace::new(length);
    let mut starts = vec![forward.clone()];
    let before_last = frames.saturating_sub(1) / span * span;
    for (frame, log_probs) in emissions.iter().enumerate().take(before_last) {
        forward.advance(band(frame), of_label, log_probs);
        if (frame + 1) % span == 0 {
            starts.push(forward.clone());
        }
    }
    let reversed: Vec<u32> = of_label.iter().rev().copied().collect();
    let mut shares = vec![0.0; frames * width];
    let mut backward = LogSpace::new(length);
    let mut alphas = Vec::new();
    let mut rest = frames;
    while let Some(mut forward) = starts.pop() {
        let first = starts.len() * span;
        alphas.clear();
        for (frame, log_probs) in emissions.iter().enumerate().take(rest).skip(first) {
            forward.advance(band(frame), of_label, log_probs);
            alphas.push(forward.clone());
        }
        for (frame, log_probs) in emissions.iter().enumerate().take(rest).skip(first).rev() {
            backward.advance(band(frames - 1 - frame), &reversed, log_probs);
            let out = &mut shares[frame * width..][..width];
            shares_of_frame(&alphas[frame - first], &backward, log_probs, of_label, out);
        }
        rest = first;
    }
    shares
}

/// The shares in one frame, whose own log-probability both directions hold.
fn shares_of_frame(
    forward: &LogSpace,
    backward: &LogSpace,
    log_probs: &[f64],
    of_label: &[u32],
    out: &mut [f64],
) {
    let length = of_label.len();
    let path = |forward: f64, backward: f64, column: usize| {
        let possible = forward > f64::NEG_INFINITY && backward > f64::NEG_INFINITY;
        if possible { forward + backward - log_probs[column] } else { f64::NEG_INFINITY }
    };
    let label = |i: usize| of_label[i - 1] as usize;
    let of_blank = |i: usize| path(forward.blanks[i], backward.blanks[length - i], 0);
    let of_token = |i: usize| path(forward.labels[i], backward.labels[length + 1 - i], label(i));
    let most = (0..=length).map(of_blank).chain((1..=length).map(of_token)).fold(f64::NEG_INFINITY, f64::max);
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::loss::ctc::CtcLabels;

    #[test]
    fn spans_of_any_length_give_the_same_shares() {
        let labels = CtcLabels::new(&[1, 2, 2, 3, 1], 4, 0).unwrap();
        for frames in [0, 1, 5, 6, 7, 16, 29] {
            let log_probs: Vec<f64> =
                (0..frames * labels.columns().count()).map(|at| -((at * 37 % 101) as f64) * 0.05).collect();
            let emissions = Emissions::new(&log_probs, &labels);
            let bits = |shares: Vec<f64>| shares.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            let whole = bits(occupancy(&emissions));
            assert_eq!(whole.len(), log_probs.len());
            for span in 1..frames {
                assert_eq!(bits(occupancy_in_spans(&emissions, span)), whole, "{frames}, {span}");
            }
        }
    }
}
