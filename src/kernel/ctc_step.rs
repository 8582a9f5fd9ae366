//! One frame of the CTC forward recursion in linear space, with an exponent for every few states: the range that
//! one exponent for all would need grows with the number of labels, that of neighbours does not.

use std::ops::Range;

use super::InstructionSet;
use super::instruction_set::Task;
use super::lanes::{larger, madd};

/// States that share an exponent: one register of AVX-512.
const LANES: usize = 8;
/// The exponent of states that are 0, below all others.
const NONE: i64 = -(1 << 60);
/// The exponent that the largest state of a group is brought to in each frame.
const TOP: i64 = 959;
/// What is below this is dropped: at most 2^-1358 of its group's largest state.
const FLUSH: f64 = pow2(-400);

/// The exponent of the least probability that [`CtcStep`] takes: times a state it is still a normal number, so
/// that what is dropped is seen.
pub(crate) const LEAST_PROB_EXPONENT: i64 = -600;

pub(crate) const fn pow2(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// The exponent of a normal number.
pub(crate) fn exponent_of(x: f64) -> i64 {
    (x.to_bits() >> 52) as i64 - 1023
}

/// The state of the recursion after a frame. `LANES` neighbours share an exponent: the value of place `i` is
/// `blanks[LANES + i] 2^exponents[i / LANES]`, and of the labels likewise. What stands before place 0 is 0.
#[derive(Clone, Debug)]
pub(crate) struct CtcState {
    blanks: Vec<f64>,
    labels: Vec<f64>,
    exponents: Vec<i64>,
}

impl CtcState {
    /// Zeros at so many places, and at some more, so that all groups are full.
    pub(crate) fn zeros(places: usize) -> Self {
        let groups = places.div_ceil(LANES);
        Self {
            blanks: vec![0.0; LANES + groups * LANES],
            labels: vec![0.0; LANES + groups * LANES],
            exponents: vec![NONE; groups],
        }
    }

    /// Places that there is room for.
    pub(crate) fn room(&self) -> usize {
        self.blanks.len() - LANES
    }

    /// Makes the blank at place `at` a one.
    pub(crate) fn set_one(&mut self, at: usize) {
        (self.blanks[LANES + at], self.exponents[at / LANES]) = (pow2(TOP), -TOP);
    }

    /// The blank and the label at a place, and the exponent of a power of two that both are times.
    pub(crate) fn at(&self, at: usize) -> (f64, f64, i64) {
        (self.blanks[LANES + at], self.labels[LANES + at], self.exponents[at / LANES])
    }
}

/// A frame's step.
///
/// At each place `i` of `range`
///
/// ```text
/// next_blanks[i] = (blanks[i] + labels[i]) blank
/// next_labels[i] = (labels[i] + blanks[i - 1] + may_skip[i] labels[i - 1]) probs[i]
/// ```
///
/// What is below the range becomes 0 where it shares a group with it; what is above must have been 0 and stays.
/// All slices have [`CtcState::room`] places.
pub(crate) struct CtcStep<'a> {
    pub(crate) now: &'a CtcState,
    pub(crate) next: &'a mut CtcState,
    pub(crate) may_skip: &'a [f64],
    pub(crate) probs: &'a [f64],
    pub(crate) blank: f64,
    pub(crate) range: Range<usize>,
}

/// What happened in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CtcStepDone {
    /// Whether some state is above 0.
    pub(crate) alive: bool,
    /// Whether some state that is above 0 became 0, for it is too small beside its neighbours.
    pub(crate) dropped: bool,
}

impl CtcStep<'_> {
    pub(crate) fn run_on(self, set: InstructionSet) -> CtcStepDone {
        set.run(self)
    }
}

/// `2^shift` for `shift <= 0`; 0 where it would be no normal number.
#[inline(always)]
fn factor(shift: i64) -> f64 {
    let shift = if shift < -1022 { -1023 } else { shift };
    f64::from_bits(((shift + 1023) as u64) << 52)
}

impl Task for CtcStep<'_> {
    type Output = CtcStepDone;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> CtcStepDone {
        let Self { now, next, may_skip, probs, blank, range } = self;
        let groups = range.start / LANES..range.end.div_ceil(LANES);
        let first = groups.start * LANES;
        let blanks = now.blanks[first + LANES..].as_chunks::<LANES>().0;
        let labels = now.labels[first + LANES..].as_chunks::<LANES>().0;
        // The same, each lane one place before.
        let blanks_before = now.blanks[first + LANES - 1..].as_chunks::<LANES>().0;
        let labels_before = now.labels[first + LANES - 1..].as_chunks::<LANES>().0;
        let to_blanks = next.blanks[first + LANES..].as_chunks_mut::<LANES>().0;
        let to_labels = next.labels[first + LANES..].as_chunks_mut::<LANES>().0;
        let may_skip = may_skip[first..].as_chunks::<LANES>().0;
        let probs = probs[first..].as_chunks::<LANES>().0;
        let (mut alive, mut lost) = (false, [0.0; LANES]);
        // 0 for lanes of the first group that are below the range.
        let mut inside = [1.0; LANES];
        inside[..range.start % LANES].fill(0.0);
        // The exponent of the group before, where something comes from there.
        let mut before = NONE;
        if groups.start > 0 && range.start % LANES == 0 {
            before = now.exponents[groups.start - 1];
        }
        let from = blanks.iter().zip(labels).zip(blanks_before.iter().zip(labels_before));
        let from = from.zip(&now.exponents[groups.clone()]);
        let with = may_skip.iter().zip(probs);
        let to = to_blanks.iter_mut().zip(to_labels).zip(&mut next.exponents[groups]);
        for (((from, &own), (may_skip, probs)), ((to_blanks, to_labels), to_exponent)) in
            from.zip(with).zip(to)
        {
            // Into arrays of this function, which nothing else refers to: only then are these lanes.
            let ((&blanks, &labels), (&blanks_before, &labels_before)) = from;
            let (may_skip, probs) = (*may_skip, *probs);
            let other = if blanks_before[0] + labels_before[0] > 0.0 { before } else { NONE };
            before = own;
            let exponent = if own > other { own } else { other };
            let stay = factor(own - exponent);
            let mut enter = [stay; LANES];
            enter[0] = factor(other - exponent);
            let (mut blanks_after, mut labels_after) = ([0.0; LANES], [0.0; LANES]);
            let mut max = [0.0_f64; LANES];
            for i in 0..LANES {
                let entering = madd::<FMA>(may_skip[i], labels_before[i], blanks_before[i]);
                let (blank, prob) = (blank * inside[i], probs[i] * inside[i]);
                // Above 0 where a state is, whatever its exponent: the product is a normal number.
                let blank_source = (blanks[i] + labels[i]) * blank;
                let label_source = (labels[i] + entering) * prob;
                let blank_after = blank_source * stay;
                let label_after = madd::<FMA>(labels[i], stay, entering * enter[i]) * prob;
                let blank_kept = if blank_after >= FLUSH { blank_after } else { 0.0 };
                let label_kept = if label_after >= FLUSH { label_after } else { 0.0 };
                blanks_after[i] = blank_kept;
                labels_after[i] = label_kept;
                max[i] = larger(blank_kept, label_kept);
                let blank_lost = if blank_after < FLUSH { blank_source } else { 0.0 };
                let label_lost = if label_after < FLUSH { label_source } else { 0.0 };
                lost[i] += blank_lost + label_lost;
            }
            inside = [1.0; LANES];
            // By halves, so that the lanes need not wait for each other.
            let mut max4 = [0.0; LANES / 2];
            for i in 0..LANES / 2 {
                max4[i] = larger(max[i], max[i + LANES / 2]);
            }
            let largest = larger(larger(max4[0], max4[2]), larger(max4[1], max4[3]));
            alive |= largest > 0.0;
            // Without a branch, which would be taken in one frame of ten or so.
            let up = TOP - exponent_of(largest);
            let up = if up > 1023 { 1023 } else { up };
            for i in 0..LANES {
                blanks_after[i] *= pow2(up);
                labels_after[i] *= pow2(up);
            }
            let exponent = if largest > 0.0 { exponent - up } else { NONE };
            *to_blanks = blanks_after;
            *to_labels = labels_after;
            *to_exponent = exponent;
        }
        CtcStepDone { alive, dropped: lost.iter().any(|&lost| lost > 0.0) }
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

    /// A value as its logarithm to base 2.
    fn log2(x: f64, exponent: i64) -> f64 {
        x.log2() + exponent as f64
    }

    fn add(a: f64, b: f64) -> f64 {
        let (high, low) = if a > b { (a, b) } else { (b, a) };
        if low == f64::NEG_INFINITY { high } else { high + (1.0 + (low - high).exp2()).log2() }
    }

    #[test]
    fn a_step_is_its_formula_with_every_instruction_set() {
        // Groups of much the same size, groups far apart, groups that are all 0.
        for scales in
            [[0, 0, 0, 0, 0], [0, -900, 500, -3000, 200], [0, NONE, 40, NONE, -7], [-90, 0, 100, 0, 0]]
        {
            for (start, end) in [(0, 40), (3, 38), (8, 33), (15, 17), (0, 1), (7, 8), (16, 40)] {
                let mut now = CtcState::zeros(40);
                now.exponents = scales.to_vec();
                let of_group = |at: usize| if scales[at / LANES] == NONE { 0.0 } else { pow2(900) };
                let state = |seed| -> Vec<f64> {
                    numbers(seed, 40).into_iter().enumerate().map(|(at, x)| x * of_group(at)).collect()
                };
                now.blanks.splice(LANES.., state(1));
                now.labels.splice(LANES.., state(2));
                let probs = numbers(3, 40);
                let may_skip: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i % 3 != 0))).collect();
                let value = |values: &[f64], at: usize| log2(values[LANES + at], now.exponents[at / LANES]);
                let zero = f64::NEG_INFINITY;
                let before = |values: &[f64], at: usize| if at == 0 { zero } else { value(values, at - 1) };
                for set in InstructionSet::available() {
                    let mut next = CtcState::zeros(40);
                    let (now, next_of) = (&now, &mut next);
                    let (probs, may_skip) = (&probs, &may_skip);
                    let done = CtcStep { now, next: next_of, may_skip, probs, blank: 0.3, range: start..end }
                        .run_on(set);
                    let mut alive = false;
                    for at in start..end.next_multiple_of(LANES) {
                        let blank = add(value(&now.blanks, at), value(&now.labels, at)) + 0.3_f64.log2();
                        let skipped = if may_skip[at] == 0.0 { zero } else { before(&now.labels, at) };
                        let label = add(value(&now.labels, at), add(before(&now.blanks, at), skipped))
                            + probs[at].log2();
                        for (found, expected) in [(&next.blanks, blank), (&next.labels, label)] {
                            let found = log2(found[LANES + at], next.exponents[at / LANES]);
                            alive |= found > zero;
                            let close = (found - expected).abs() <= 1e-12 * expected.abs().max(1.0);
                            let name = set.name();
                            assert!(
                                found == expected || close || found == zero && done.dropped,
                                "{name}, {scales:?}, {start}..{end} at {at}: {found} for {expected}, {done:?}"
                            );
                        }
                    }
                    assert_eq!(done.alive, alive);
                    assert!((start / LANES * LANES..start).all(|at| next.at(at).0 + next.at(at).1 == 0.0));
                }
            }
        }
    }
}
