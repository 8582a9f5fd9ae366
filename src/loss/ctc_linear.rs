//! The CTC forward recursion in linear space.
//!
//! Each frame is scaled so that its columns sum to one and the state is rescaled by powers of two, so
//! nothing is rounded that log space would keep, except for states that sink below a threshold. Those are
//! set to zero and *accounted for*: because the columns sum to one, the mass that a dropped state could
//! still have contributed is at most the mass it had. Where the sum of all that was dropped is not
//! negligible beside the result, there is no result.
//!
//! The states lie in two arrays, blanks and labels, with room at the end for whole lanes: what is beyond the
//! band is 0 and stays 0, for nothing reaches it.

use super::Emissions;
use super::ctc_band::Band;
use crate::kernel::{CtcStep, InstructionSet, Sum, scaled_columns};

/// What stands for 1 in the state: as much room beneath it as there is.
const ONE: f64 = pow2(960);
/// The state is scaled up where its largest value is below this.
const RESCALE: f64 = pow2(860);
/// States below this are dropped: 2^-1360 of what [`ONE`] stands for.
const FLUSH: f64 = pow2(-400);
/// Probabilities below this are dropped. A kept state times a kept probability is still a normal number, so
/// what a step drops is seen.
const FLUSH_PROB: f64 = pow2(-600);
/// The share of the result that may have been dropped: a sixteenth of a rounding error.
const NEGLIGIBLE: f64 = pow2(-57);

const fn pow2(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// The state of the recursion after a frame, one place further up than it is numbered: place 0 is empty.
struct Alpha {
    /// `blanks[i + 1]`: all prefixes that end in the blank after label `i`; `i = 0` comes before the first.
    blanks: Vec<f64>,
    /// `labels[i + 1]`: all prefixes that end in label `i`, from 1; 0 for `i = 0`.
    labels: Vec<f64>,
}

impl Alpha {
    fn new(length: usize) -> Self {
        let places = length + 2 + CtcStep::LANES;
        Self { blanks: vec![0.0; places], labels: vec![0.0; places] }
    }
}

/// The log-probability of the labels; none where too much was dropped on the way. At least one label, and
/// frames enough for an alignment.
pub(super) fn forward(emissions: &Emissions, set: InstructionSet) -> Option<f64> {
    let frames = emissions.frames();
    let of_label = emissions.of_label();
    let length = of_label.len();
    let places = length + 2 + CtcStep::LANES;
    // For label `i`, at place `i + 1`: 0 where it equals the one before, so that no step may pass over the
    // blank between them; and its probability in the frame.
    let mut may_skip = vec![0.0; places];
    for (i, pair) in of_label.windows(2).enumerate() {
        may_skip[i + 3] = if pair[0] == pair[1] { 0.0 } else { 1.0 };
    }
    let mut probs = vec![0.0; places];
    let (mut now, mut next) = (Alpha::new(length), Alpha::new(length));
    // A state before the first frame, from which the first blank and the first label are reached.
    now.blanks[1] = ONE;
    let mut columns = Vec::new();
    let mut log_scale = Sum::default();
    let mut exponent = 0_i64;
    // The product of the frames' totals: a number from 1 to 2 and the exponent of a power of two.
    let mut total = (1.0, 0_i64);
    // An upper bound of the mass dropped so far, in the units of the state.
    let mut dropped_mass = 0.0;

    for (frame, log_probs) in emissions.iter().enumerate() {
        let band = Band::new(frame, frames, length);
        columns.resize(log_probs.len(), 0.0);
        let scaled = scaled_columns(set, log_probs, FLUSH_PROB, &mut columns);
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
        for (prob, &column) in probs[first + 1..=band.labels + 1].iter_mut().zip(&of_label[first - 1..]) {
            *prob = columns[column as usize];
        }
        let step = CtcStep {
            blanks: &now.blanks,
            labels: &now.labels,
            next_blanks: &mut next.blanks,
            next_labels: &mut next.labels,
            may_skip: &may_skip,
            probs: &probs,
            blank: columns[0],
            flush: FLUSH,
            range: band.low + 1..band.labels + 2,
        };
        let done = step.run_on(set);
        std::mem::swap(&mut now, &mut next);
        // A state lost at most this, by its own drop or by a probability's.
        let states = (2 * length + 1) as f64;
        dropped_mass += if done.dropped { states * FLUSH } else { 0.0 };
        dropped_mass += if scaled.dropped { states * (3.0 * ONE * FLUSH_PROB) } else { 0.0 };
        if done.max < RESCALE {
            if done.max == 0.0 {
                return if dropped_mass == 0.0 { Some(f64::NEG_INFINITY) } else { None };
            }
            if dropped_mass > done.max * states * NEGLIGIBLE {
                // The mass only shrinks: it will not be negligible later.
                return None;
            }
            let up = (exponent_of(ONE) - 1 - exponent_of(done.max)).min(1023);
            let factor = pow2(up);
            let range = band.low + 1..band.labels + 2;
            now.blanks[range.clone()].iter_mut().for_each(|a| *a *= factor);
            now.labels[range].iter_mut().for_each(|a| *a *= factor);
            dropped_mass *= factor;
            exponent -= up;
        }
    }
    let prob = now.blanks[length + 1] + now.labels[length + 1];
    if prob == 0.0 && dropped_mass == 0.0 {
        return Some(f64::NEG_INFINITY);
    }
    if dropped_mass > prob * NEGLIGIBLE {
        return None;
    }
    // In units of 1 again, which keeps the digits of a probability next to 1.
    let scaled = if prob >= 1.0 { prob / ONE } else { prob };
    exponent -= if prob >= 1.0 { 0 } else { exponent_of(ONE) };
    let ln_2 = std::f64::consts::LN_2;
    log_scale.add((exponent + total.1) as f64 * ln_2);
    log_scale.add(scaled.ln());
    log_scale.add(total.0.ln());
    Some(log_scale.value())
}

/// The largest power of two, as its exponent, that is not above a normal number.
fn exponent_of(x: f64) -> i64 {
    (x.to_bits() >> 52) as i64 - 1023
}
