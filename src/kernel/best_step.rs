//! One frame of the search for the best path of a label sequence: the maximum where the loss has a sum.

use super::InstructionSet;
use super::instruction_set::Task;

/// Labels that are taken at a time: what they were before stays in the first-level cache.
const BLOCK: usize = 64;

/// A frame, and the scores of the best paths to each state before it, which become those after it.
///
/// The labels are those that matter in this frame; before each of them lies a blank.
pub(crate) struct BestStep<'a> {
    /// Column of each label, `[labels]`.
    pub sequence: &'a [u32],
    /// 0 for each label that may follow the one before it without a blank, else `-inf`; `[labels]`.
    pub skips: &'a [f64],
    /// Scores of the label before the first, and of each label: `[1 + labels]`.
    pub labels: &'a mut [f64],
    /// Scores of the blank before the first label, and of that behind each: `[1 + labels]`.
    pub blanks: &'a mut [f64],
    /// Log-probability of each column; the first is the blank's.
    pub row: &'a [f64],
    /// Where to say what each label and the blank behind it come from, where somebody wants to know: see
    /// [`BestStep::steps_to_label`]. `[labels]`
    pub came_from: Option<&'a mut [u8]>,
}

impl BestStep<'_> {
    /// Computes the scores. Of equal ones, a state's own is preferred to that of the state before it, and that to the
    /// label before that. The blank before the first label is as it was.
    pub(crate) fn take(self) {
        InstructionSet::best().run(self);
    }

    /// How many states before a label the path comes from, by what was said of it: 0 to 2.
    pub(crate) fn steps_to_label(came_from: u8) -> u8 {
        came_from & 3
    }

    /// The same of the blank behind it: 0 or 1.
    pub(crate) fn steps_to_blank(came_from: u8) -> u8 {
        came_from >> 2
    }
}

impl Task for BestStep<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { sequence, skips, labels, blanks, row, mut came_from } = self;
        let of_blank = row[0];
        let (mut old_labels, mut old_blanks, mut of_label) =
            ([0.0; BLOCK + 1], [0.0; BLOCK + 1], [0.0; BLOCK]);
        // From the end, so that what a state is computed from is still the last frame's.
        for first in (0..sequence.len()).step_by(BLOCK).rev() {
            let sequence = &sequence[first..sequence.len().min(first + BLOCK)];
            let len = sequence.len();
            let skips = &skips[first..][..len];
            old_labels[..=len].copy_from_slice(&labels[first..=first + len]);
            old_blanks[..=len].copy_from_slice(&blanks[first..=first + len]);
            for (log_prob, &column) in of_label.iter_mut().zip(sequence) {
                *log_prob = row[column as usize];
            }
            let (before, own) = (&old_labels[..len], &old_labels[1..=len]);
            let (blank_before, blank_behind) = (&old_blanks[..len], &old_blanks[1..=len]);
            let (labels, blanks) = (&mut labels[first + 1..][..len], &mut blanks[first + 1..][..len]);
            let of_label = &of_label[..len];
            // Loops over lengths that are not known beforehand become vector code.
            for i in 0..len {
                let best = if own[i] > blank_behind[i] { own[i] } else { blank_behind[i] };
                blanks[i] = best + of_blank;
            }
            for i in 0..len {
                let best = if blank_before[i] > own[i] { blank_before[i] } else { own[i] };
                let skipped = before[i] + skips[i];
                labels[i] = if skipped > best { skipped } else { best } + of_label[i];
            }
            if let Some(came_from) = &mut came_from {
                let came_from = &mut came_from[first..][..len];
                for i in 0..len {
                    let (best, step) =
                        if blank_before[i] > own[i] { (blank_before[i], 1) } else { (own[i], 0) };
                    let step = if before[i] + skips[i] > best { 2 } else { step };
                    came_from[i] = step | u8::from(own[i] > blank_behind[i]) << 2;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// State by state, from the last.
    fn one_by_one(step: &mut BestStep<'_>) -> Vec<u8> {
        let mut came_from = vec![0; step.sequence.len()];
        for i in (0..step.sequence.len()).rev() {
            let (before, own) = (step.labels[i] + step.skips[i], step.labels[i + 1]);
            let mut candidates = [(own, 0), (step.blanks[i], 1), (before, 2)];
            // Stable: of equal ones the first stays first.
            candidates.sort_by(|a, b| b.0.partial_cmp(&a.0).expect("no NaN"));
            let enters = own > step.blanks[i + 1];
            step.blanks[i + 1] = if enters { own } else { step.blanks[i + 1] } + step.row[0];
            step.labels[i + 1] = candidates[0].0 + step.row[step.sequence[i] as usize];
            came_from[i] = candidates[0].1 | u8::from(enters) << 2;
        }
        came_from
    }

    #[test]
    fn every_length_is_as_state_by_state_with_every_instruction_set() {
        // Few different scores, so that they tie.
        let score = |at: usize| match at * 7919 % 1013 % 7 {
            6 => f64::NEG_INFINITY,
            n => -(n as f64),
        };
        for len in (0..40).chain([63, 64, 65, 127, 128, 129, 130, 300]) {
            let sequence: Vec<u32> = (0..len).map(|i| 1 + ((i * i + len) % 3) as u32).collect();
            let skip =
                |i: usize| if i > 0 && sequence[i] != sequence[i - 1] { 0.0 } else { f64::NEG_INFINITY };
            let skips: Vec<f64> = (0..len).map(skip).collect();
            let row = [-1.0, -0.5, -2.0, -3.0];
            let labels: Vec<f64> = (0..=len).map(|i| score(i + len)).collect();
            let blanks: Vec<f64> = (0..=len).map(|i| score(3 * i + 1)).collect();
            let (mut expected_labels, mut expected_blanks) = (labels.clone(), blanks.clone());
            let mut expected = BestStep {
                sequence: &sequence,
                skips: &skips,
                labels: &mut expected_labels,
                blanks: &mut expected_blanks,
                row: &row,
                came_from: None,
            };
            let expected_from = one_by_one(&mut expected);
            for set in InstructionSet::available() {
                for said in [false, true] {
                    let (mut labels, mut blanks) = (labels.clone(), blanks.clone());
                    let mut came_from = vec![9; len];
                    set.run(BestStep {
                        sequence: &sequence,
                        skips: &skips,
                        labels: &mut labels,
                        blanks: &mut blanks,
                        row: &row,
                        came_from: said.then_some(&mut came_from[..]),
                    });
                    assert!(labels == expected_labels && blanks == expected_blanks, "{len}, {set:?}");
                    assert!(!said || came_from == expected_from, "{len}, {set:?}");
                }
            }
        }
    }
}
