//! The CTC forward recursion in linear space.
//!
//! Each frame is scaled so that its columns sum to one, and every few neighbouring states share an exponent, so
//! nothing is rounded that log space would keep, except for states that sink far beneath their neighbours.
//! Those are set to zero and *accounted for*: because the columns sum to one, and a state's successors have
//! different columns, the mass that a dropped state could still have contributed is at most the mass it had.
//! Where the sum of all that was dropped is not negligible beside the result, there is no result.

use super::Emissions;
use super::ctc_band::Band;
use crate::kernel::{
    CtcState, CtcStep, InstructionSet, LEAST_PROB_EXPONENT, Sum, exponent_of, pow2, scaled_columns,
};

/// The share of the result that may have been dropped, as a power of two: a sixteenth of a rounding error.
const NEGLIGIBLE: i64 = -57;

/// The log-probability of the labels; none where too much was dropped on the way. At least one label, and
/// frames enough for an alignment.
pub(super) fn forward(emissions: &Emissions, set: InstructionSet) -> Option<f64> {
    let frames = emissions.frames();
    let of_label = emissions.of_label();
    let length = of_label.len();
    // State `i` is at place `i`: the blank after label `i`, counted from 1, and that label.
    let (mut now, mut next) = (CtcState::zeros(length + 1), CtcState::zeros(length + 1));
    // 0 where a label equals the one before: no step may pass over the blank between them.
    let mut may_skip = vec![0.0; now.room()];
    for (i, pair) in of_label.windows(2).enumerate() {
        may_skip[i + 2] = if pair[0] == pair[1] { 0.0 } else { 1.0 };
    }
    let mut probs = vec![0.0; now.room()];
    // A state before the first frame, from which the first blank and the first label are reached.
    now.set_one(0);
    let mut columns = vec![0.0; emissions.columns()];
    let mut log_scale = Sum::default();
    // The product of the frames' totals: a number from 1 to 2 and the exponent of a power of two.
    let mut total = (1.0, 0_i64);
    // All that was dropped is less than 2 to this.
    let mut dropped: Option<i64> = None;
    let mut bound = 1;
    // There are so many states, as a power of two; and frames.
    let states = i64::from((2 * length + 1).next_power_of_two().ilog2());
    let many = states + i64::from(frames.next_power_of_two().ilog2()) + 1;

    for (frame, log_probs) in emissions.iter().enumerate() {
        let band = Band::new(frame, frames, length);
        let scaled = scaled_columns(set, log_probs, pow2(LEAST_PROB_EXPONENT), &mut columns);
        if !scaled.max.is_finite() {
            // Nothing that the labels need has a chance in this frame; or a NaN goes through.
            return Some(scaled.max);
        }
        log_scale.add(scaled.max);
        // Their logarithms are added as the logarithm of their product.
        let product = total.0 * scaled.total;
        let up = exponent_of(product);
        total = (product * pow2(-up), total.1 + up);
        let first = band.low.max(1);
        for (prob, &column) in probs[first..=band.labels].iter_mut().zip(&of_label[first - 1..]) {
            *prob = columns[column as usize];
        }
        if scaled.dropped {
            // Three states at the most led to one that lost it all.
            dropped = dropped.max(Some(bound + 2 + LEAST_PROB_EXPONENT));
        }
        let (may_skip, probs, blank) = (&may_skip[..], &probs[..], columns[0]);
        let range = band.low..band.labels + 1;
        let done = CtcStep { now: &now, next: &mut next, may_skip, probs, blank, range }.run_on(set);
        std::mem::swap(&mut now, &mut next);
        dropped = dropped.max(done.dropped);
        let Some(most) = done.bound else {
            return if dropped.is_none() { Some(f64::NEG_INFINITY) } else { None };
        };
        bound = most;
    }
    let (prob, exponent) = now.sum_at(length);
    if prob == 0.0 {
        return if dropped.is_none() { Some(f64::NEG_INFINITY) } else { None };
    }
    let exponent_of_prob = exponent + exponent_of(prob);
    if dropped.is_some_and(|dropped| dropped + many > exponent_of_prob + NEGLIGIBLE) {
        return None;
    }
    // Between 1/2 and 2 where the probability is, which keeps the digits of one next to 1.
    let near = exponent_of_prob.clamp(-1, 0);
    let mantissa = prob * pow2(-exponent_of(prob)) * pow2(near);
    let ln_2 = std::f64::consts::LN_2;
    log_scale.add((exponent_of_prob - near + total.1) as f64 * ln_2);
    log_scale.add(mantissa.ln());
    log_scale.add(total.0.ln());
    Some(log_scale.value())
}
