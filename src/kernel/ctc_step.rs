//! One frame of the CTC forward recursion in linear space.

use std::ops::Range;

use super::InstructionSet;
use super::instruction_set::Task;

/// One register of AVX-512.
const LANES: usize = 8;

/// A frame's step: from the states before to those after, all of the same length, which goes on for at least
/// [`CtcStep::LANES`] places behind `range`.
///
/// At each place `i` of `range`, and at up to `LANES - 1` behind it,
///
/// ```text
/// next_blanks[i] = (blanks[i] + labels[i]) blank
/// next_labels[i] = (labels[i] + blanks[i - 1] + may_skip[i] labels[i - 1]) probs[i]
/// ```
///
/// and what is below `flush` becomes 0.
pub(crate) struct CtcStep<'a> {
    pub(crate) blanks: &'a [f64],
    pub(crate) labels: &'a [f64],
    pub(crate) next_blanks: &'a mut [f64],
    pub(crate) next_labels: &'a mut [f64],
    pub(crate) may_skip: &'a [f64],
    pub(crate) probs: &'a [f64],
    pub(crate) blank: f64,
    pub(crate) flush: f64,
    pub(crate) range: Range<usize>,
}

/// What happened in a step.
pub(crate) struct CtcStepDone {
    /// The largest state.
    pub(crate) max: f64,
    /// Whether a state above 0 became 0.
    pub(crate) dropped: bool,
}

impl CtcStep<'_> {
    /// Places that must follow the range.
    pub(crate) const LANES: usize = LANES;

    pub(crate) fn run_on(self, set: InstructionSet) -> CtcStepDone {
        set.run(self)
    }
}

impl Task for CtcStep<'_> {
    type Output = CtcStepDone;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> CtcStepDone {
        let mut max = [0.0_f64; LANES];
        let mut lost = [0.0_f64; LANES];
        let (start, len) = (self.range.start, self.range.len().next_multiple_of(LANES));
        let places = start..start + len;
        let before = start - 1..start + len - 1;
        let (to_blanks, _) = self.next_blanks[places.clone()].as_chunks_mut::<LANES>();
        let (to_labels, _) = self.next_labels[places.clone()].as_chunks_mut::<LANES>();
        let (blanks, _) = self.blanks[places.clone()].as_chunks::<LANES>();
        let (labels, _) = self.labels[places.clone()].as_chunks::<LANES>();
        let (may_skip, _) = self.may_skip[places.clone()].as_chunks::<LANES>();
        let (probs, _) = self.probs[places].as_chunks::<LANES>();
        let (blanks_before, _) = self.blanks[before.clone()].as_chunks::<LANES>();
        let (labels_before, _) = self.labels[before].as_chunks::<LANES>();
        let from = blanks.iter().zip(labels).zip(blanks_before).zip(labels_before).zip(may_skip).zip(probs);
        for ((to_blanks, to_labels), from) in to_blanks.iter_mut().zip(to_labels).zip(from) {
            let (((((blanks, labels), blanks_before), labels_before), may_skip), probs) = from;
            for i in 0..LANES {
                let blank = (blanks[i] + labels[i]) * self.blank;
                let label = (labels[i] + blanks_before[i] + may_skip[i] * labels_before[i]) * probs[i];
                let blank_kept = if blank < self.flush { 0.0 } else { blank };
                let label_kept = if label < self.flush { 0.0 } else { label };
                to_blanks[i] = blank_kept;
                to_labels[i] = label_kept;
                lost[i] += (blank - blank_kept) + (label - label_kept);
                let larger = if blank_kept > label_kept { blank_kept } else { label_kept };
                max[i] = if larger > max[i] { larger } else { max[i] };
            }
        }
        let mut largest = 0.0;
        let mut dropped = false;
        for i in 0..LANES {
            largest = if max[i] > largest { max[i] } else { largest };
            dropped |= lost[i] > 0.0;
        }
        CtcStepDone { max: largest, dropped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from 0 to 1, some of them tiny, some 0.
    fn numbers(seed: u64, len: usize) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..len).map(|_| if next() < 0.1 { 0.0 } else { next() * 10_f64.powf(-20.0 * next()) }).collect()
    }

    #[test]
    fn a_step_is_its_formula_with_every_instruction_set() {
        for set in InstructionSet::available() {
            for len in 1..40 {
                let places = len + 1 + LANES;
                let [blanks, labels, probs] = [1, 2, 3].map(|seed| numbers(seed * 100 + len as u64, places));
                let may_skip: Vec<f64> = (0..places).map(|i| f64::from(u8::from(i % 3 != 0))).collect();
                let (mut next_blanks, mut next_labels) = (vec![9.0; places], vec![9.0; places]);
                let (blank, flush, range) = (0.3, 1e-25, 1..len + 1);
                let done = CtcStep {
                    blanks: &blanks,
                    labels: &labels,
                    next_blanks: &mut next_blanks,
                    next_labels: &mut next_labels,
                    may_skip: &may_skip,
                    probs: &probs,
                    blank,
                    flush,
                    range: range.clone(),
                }
                .run_on(set);
                let (mut max, mut dropped) = (0.0_f64, false);
                for i in 1..=len.next_multiple_of(LANES) {
                    let blank = (blanks[i] + labels[i]) * blank;
                    let label = (labels[i] + blanks[i - 1] + may_skip[i] * labels[i - 1]) * probs[i];
                    for (found, state) in [(next_blanks[i], blank), (next_labels[i], label)] {
                        let kept = if state < flush { 0.0 } else { state };
                        dropped |= state > kept;
                        max = max.max(kept);
                        assert!((found - kept).abs() <= 1e-15 * kept, "{}: {found} for {kept}", set.name());
                    }
                }
                assert!((done.max - max).abs() <= 1e-15 * max && done.dropped == dropped);
            }
        }
    }
}
