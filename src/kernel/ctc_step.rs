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

    pub(crate) fn run(self) -> CtcStepDone {
        InstructionSet::best().run(self)
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
