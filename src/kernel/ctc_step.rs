//! One frame of the CTC forward recursion in linear space, with an exponent for every few states: the range that
//! one exponent for all would need grows with the number of labels, that of neighbours does not.

use std::ops::Range;

use super::InstructionSet;
use super::instruction_set::Task;

/// States that share an exponent: one register of AVX-512.
const LANES: usize = 8;
/// The exponent of states that are 0, below all others.
const NONE: i64 = -(1 << 60);
/// The exponent that the largest state of a group is brought to.
const TOP: i64 = 959;
/// A group is brought up again where its largest state is below this.
const LOW: f64 = pow2(860);
/// What is below this is dropped: at least 2^-1260 of its group's largest state.
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
/// `blanks[i] 2^exponents[i / LANES]`, and of the labels likewise.
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
            blanks: vec![0.0; groups * LANES],
            labels: vec![0.0; groups * LANES],
            exponents: vec![NONE; groups],
        }
    }

    /// Places that there is room for.
    pub(crate) fn room(&self) -> usize {
        self.blanks.len()
    }

    /// Makes the blank at place `at` a one.
    pub(crate) fn set_one(&mut self, at: usize) {
        (self.blanks[at], self.exponents[at / LANES]) = (pow2(TOP), -TOP);
    }

    /// The blank and the label at a place, and the exponent of a power of two that both are times.
    pub(crate) fn at(&self, at: usize) -> (f64, f64, i64) {
        (self.blanks[at], self.labels[at], self.exponents[at / LANES])
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

#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

impl Task for CtcStep<'_> {
    type Output = CtcStepDone;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> CtcStepDone {
        let Self { now, next, may_skip, probs, blank, range } = self;
        let (blanks, _) = now.blanks.as_chunks::<LANES>();
        let (labels, _) = now.labels.as_chunks::<LANES>();
        let (to_blanks, _) = next.blanks.as_chunks_mut::<LANES>();
        let (to_labels, _) = next.labels.as_chunks_mut::<LANES>();
        let (may_skip, _) = may_skip.as_chunks::<LANES>();
        let (probs, _) = probs.as_chunks::<LANES>();
        let groups = range.start / LANES..range.end.div_ceil(LANES);
        let (mut alive, mut lost) = (false, [0.0; LANES]);
        // What comes in from the group before: its last blank, its last label, and their exponent.
        let mut incoming = (0.0, 0.0, NONE);
        if groups.start > 0 && range.start % LANES == 0 {
            let last = groups.start - 1;
            incoming = (blanks[last][LANES - 1], labels[last][LANES - 1], now.exponents[last]);
        }
        // 0 for lanes of the first group that are below the range.
        let mut inside = [1.0; LANES];
        for lane in &mut inside[..range.start % LANES] {
            *lane = 0.0;
        }
        let from = blanks[groups.clone()].iter().zip(&labels[groups.clone()]);
        let from = from.zip(&now.exponents[groups.clone()]);
        let with = may_skip[groups.clone()].iter().zip(&probs[groups.clone()]);
        let to = to_blanks[groups.clone()].iter_mut().zip(&mut to_labels[groups.clone()]);
        let to = to.zip(&mut next.exponents[groups]);
        for (((from, &own), (may_skip, probs)), ((to_blanks, to_labels), to_exponent)) in
            from.zip(with).zip(to)
        {
            let (blanks, labels) = from;
            let other = if incoming.0 + incoming.1 > 0.0 { incoming.2 } else { NONE };
            let exponent = if own > other { own } else { other };
            let stay = factor(own - exponent);
            let mut blanks_before = [incoming.0; LANES];
            let mut labels_before = [incoming.1; LANES];
            blanks_before[1..].copy_from_slice(&blanks[..LANES - 1]);
            labels_before[1..].copy_from_slice(&labels[..LANES - 1]);
            let mut enter = [stay; LANES];
            enter[0] = factor(other - exponent);
            incoming = (blanks[LANES - 1], labels[LANES - 1], own);
            // Into arrays of this function, which nothing else refers to: only then are these lanes.
            let (blanks, labels, may_skip, probs) = (*blanks, *labels, *may_skip, *probs);
            let (mut blanks_after, mut labels_after) = ([0.0; LANES], [0.0; LANES]);
            let mut max = [0.0_f64; LANES];
            for i in 0..LANES {
                let before = blanks_before[i] + may_skip[i] * labels_before[i];
                let blank_source = (blanks[i] + labels[i]) * inside[i];
                let label_source = (labels[i] + before) * inside[i];
                let blank_after = blank_source * stay * blank;
                let label_after = (labels[i] * stay + before * enter[i]) * inside[i] * probs[i];
                let blank_kept = if blank_after >= FLUSH { blank_after } else { 0.0 };
                let label_kept = if label_after >= FLUSH { label_after } else { 0.0 };
                blanks_after[i] = blank_kept;
                labels_after[i] = label_kept;
                max[i] = if blank_kept > label_kept { blank_kept } else { label_kept };
                // Above 0 where a state was, whatever its exponent; the product is a normal number.
                let blank_lost = if blank_after < FLUSH { blank_source * blank } else { 0.0 };
                let label_lost = if label_after < FLUSH { label_source * probs[i] } else { 0.0 };
                lost[i] += blank_lost + label_lost;
            }
            inside = [1.0; LANES];
            *to_blanks = blanks_after;
            *to_labels = labels_after;
            // By halves, so that the lanes need not wait for each other.
            let mut max4 = [0.0; LANES / 2];
            for i in 0..LANES / 2 {
                max4[i] = larger(max[i], max[i + LANES / 2]);
            }
            let largest = larger(larger(max4[0], max4[1]), larger(max4[2], max4[3]));
            *to_exponent = if largest > 0.0 { exponent } else { NONE };
            alive |= largest > 0.0;
            if largest > 0.0 && largest < LOW {
                let top = exponent_of(largest);
                let up = if TOP - top > 1023 { 1023 } else { TOP - top };
                for i in 0..LANES {
                    to_blanks[i] *= pow2(up);
                    to_labels[i] *= pow2(up);
                }
                *to_exponent -= up;
            }
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
                (now.blanks, now.labels) = (state(1), state(2));
                let probs = numbers(3, 40);
                let may_skip: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i % 3 != 0))).collect();
                let value = |values: &[f64], at: usize| log2(values[at], now.exponents[at / LANES]);
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
                            let found = log2(found[at], next.exponents[at / LANES]);
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
                    assert!(
                        (start / LANES * LANES..start).all(|at| next.blanks[at] + next.labels[at] == 0.0)
                    );
                }
            }
        }
    }
}
