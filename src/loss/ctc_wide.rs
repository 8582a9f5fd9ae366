//! The CTC forward recursion in numbers of any size: slower than linear space, and nothing is dropped.

use super::Emissions;
use super::ctc_band::Band;
use crate::kernel::{CtcWideStep, InstructionSet, Logs, Wide};

/// The log-probability of the labels; none where a log-probability is too low even for this. At least one
/// label, and frames enough for an alignment.
pub(super) fn forward(emissions: &Emissions, set: InstructionSet) -> Option<f64> {
    let frames = emissions.frames();
    let of_label = emissions.of_label();
    let length = of_label.len();
    // As in linear space: the state that is numbered `i` is at place `i + 1`.
    let places = length + 2 + CtcWideStep::LANES;
    let mut may_skip = vec![0.0; places];
    for (i, pair) in of_label.windows(2).enumerate() {
        may_skip[i + 3] = if pair[0] == pair[1] { 0.0 } else { 1.0 };
    }
    let (mut blanks, mut labels) = (Wide::zeros(places), Wide::zeros(places));
    let (mut next_blanks, mut next_labels) = (blanks.clone(), labels.clone());
    let mut probs = Wide::zeros(places);
    let mut columns = Wide::zeros(0);
    blanks.set_one(1);
    for (frame, log_probs) in emissions.iter().enumerate() {
        match columns.set_exp(set, log_probs) {
            Logs::Usable => {}
            Logs::Not(log_prob) => return Some(log_prob),
            Logs::TooLow => return None,
        }
        let band = Band::new(frame, frames, length);
        for i in band.low.max(1)..=band.labels {
            probs.copy(i + 1, &columns, of_label[i - 1] as usize);
        }
        let step = CtcWideStep {
            blanks: &blanks,
            labels: &labels,
            next_blanks: &mut next_blanks,
            next_labels: &mut next_labels,
            may_skip: &may_skip,
            probs: &probs,
            columns: &columns,
            range: band.low + 1..band.labels + 2,
        };
        step.run_on(set);
        std::mem::swap(&mut blanks, &mut next_blanks);
        std::mem::swap(&mut labels, &mut next_labels);
    }
    Some(Wide::ln_of_sum((&blanks, length + 1), (&labels, length + 1)))
}
