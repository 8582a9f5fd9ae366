//! One frame of the CTC forward recursion with numbers of any size.
//!
//! A probability is `m 2^e` with `1 <= m < 2`, or 0, `m` a double and `e` an integer beside it: as exact as
//! linear space and as wide as log space, without a logarithm or an exponential for each state.

mod shares;

use std::ops::Range;

use super::InstructionSet;
use super::ctc_block::{CtcStates, exponent_of, mantissa_of, pow2};
use super::instruction_set::Task;
use super::lanes::{exp_parts, larger};

pub(crate) use self::shares::CtcShares;
const LANES: usize = 8;
/// The exponent of 0: below all others, and far enough from the end that sums of exponents do not overflow.
const NONE: i64 = -(1 << 60);
/// Logarithms beyond this, to either side, are not held: doubles tell their exponents exactly, and the sum of those of 80
/// million frames is no more than [`NONE`].
const MAX_LOG: f64 = 1.0e10;

/// Probabilities of any size; a place each.
#[derive(Debug)]
pub(crate) struct Wide {
    mantissas: Vec<f64>,
    exponents: Vec<i64>,
}

impl Clone for Wide {
    fn clone(&self) -> Self {
        Self { mantissas: self.mantissas.clone(), exponents: self.exponents.clone() }
    }

    // What is derived would take new memory.
    fn clone_from(&mut self, source: &Self) {
        self.mantissas.clone_from(&source.mantissas);
        self.exponents.clone_from(&source.exponents);
    }
}

impl Wide {
    /// So many zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        Self { mantissas: vec![0.0; len], exponents: vec![NONE; len] }
    }

    /// Copies the values at `places` of `source` to this one, from place `to` on.
    pub(crate) fn copy(&mut self, to: usize, source: &Self, places: &[u32]) {
        let own = self.mantissas[to..].iter_mut().zip(&mut self.exponents[to..]);
        let (mantissas, exponents) = (&source.mantissas[..], &source.exponents[..source.mantissas.len()]);
        for ((mantissa, exponent), &place) in own.zip(places) {
            (*mantissa, *exponent) = (mantissas[place as usize], exponents[place as usize]);
        }
    }

    /// The blanks and the labels of a state that is numbered from place `first` of these on.
    pub(crate) fn of_states(states: &CtcStates, first: usize, places: usize) -> (Self, Self) {
        let (mut blanks, mut labels) = (Self::zeros(places), Self::zeros(places));
        for at in 0..states.room().min(places - first) {
            let (blank, label, exponent) = states.get(at);
            blanks.set(first + at, blank, exponent);
            labels.set(first + at, label, exponent);
        }
        (blanks, labels)
    }

    /// Makes place `at` a number, 0 or a normal one, times a power of two.
    fn set(&mut self, at: usize, x: f64, exponent: i64) {
        let up = exponent_of(x);
        let number = if x == 0.0 { (0.0, NONE) } else { (x * pow2(-up), exponent + up) };
        (self.mantissas[at], self.exponents[at]) = number;
    }

    /// The natural logarithm of a value.
    pub(crate) fn ln(&self, at: usize) -> f64 {
        ln((self.mantissas[at], self.exponents[at]))
    }

    /// The natural logarithm of the sum of two values.
    pub(crate) fn ln_of_sum(a: (&Self, usize), b: (&Self, usize)) -> f64 {
        let part = |(x, at): (&Self, usize)| (x.mantissas[at], x.exponents[at]);
        ln(sum(part(a), part(b), (0.0, NONE)))
    }

    /// Takes numbers, 0 or normal ones, each times a power of two.
    pub(crate) fn set_all(&mut self, numbers: &[f64], exponent: i64) {
        self.mantissas.resize(numbers.len(), 0.0);
        self.exponents.resize(numbers.len(), NONE);
        for (at, &x) in numbers.iter().enumerate() {
            self.set(at, x, exponent);
        }
    }

    /// Takes the exponentials of `logs`; says whether they can be computed with.
    pub(crate) fn set_exp(&mut self, set: InstructionSet, logs: &[f64]) -> Logs {
        self.mantissas.resize(logs.len(), 0.0);
        self.exponents.resize(logs.len(), NONE);
        set.run(SetExp { logs, to: self })
    }
}

/// What was seen of some logarithms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Logs {
    /// They are finite or `-inf`.
    Usable,
    /// All are `-inf`, or some `+inf` or NaN: that.
    Not(f64),
    /// One is so far from 0 that its exponential is not held.
    TooFar,
}

struct SetExp<'a> {
    logs: &'a [f64],
    to: &'a mut Wide,
}

impl Task for SetExp<'_> {
    type Output = Logs;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Logs {
        let Self { logs, to: Wide { mantissas, exponents } } = self;
        let mut seen = LogsSeen::default();
        let (chunks, rest) = logs.as_chunks::<LANES>();
        let (to_m, rest_m) = mantissas.as_chunks_mut::<LANES>();
        let (to_e, rest_e) = exponents.as_chunks_mut::<LANES>();
        for ((&chunk, to_m), to_e) in chunks.iter().zip(to_m).zip(to_e) {
            (*to_m, *to_e) = seen.exp_parts::<FMA>(chunk);
        }
        let mut last = [f64::NEG_INFINITY; LANES];
        last[..rest.len()].copy_from_slice(rest);
        let (last_m, last_e) = seen.exp_parts::<FMA>(last);
        rest_m.copy_from_slice(&last_m[..rest.len()]);
        rest_e.copy_from_slice(&last_e[..rest.len()]);
        let any = |lanes: [f64; LANES]| lanes.iter().any(|&lane| lane > 0.0);
        let max = seen.max.iter().fold(f64::NEG_INFINITY, |a, &b| larger(a, b));
        match () {
            () if any(seen.nan) => Logs::Not(f64::NAN),
            () if max.is_infinite() => Logs::Not(max),
            () if any(seen.too_far) => Logs::TooFar,
            () => Logs::Usable,
        }
    }
}

/// What lanes of logarithms were; above 0 where something was so.
struct LogsSeen {
    max: [f64; LANES],
    nan: [f64; LANES],
    too_far: [f64; LANES],
}

impl Default for LogsSeen {
    fn default() -> Self {
        Self { max: [f64::NEG_INFINITY; LANES], nan: [0.0; LANES], too_far: [0.0; LANES] }
    }
}

impl LogsSeen {
    #[inline(always)]
    fn exp_parts<const FMA: bool>(&mut self, x: [f64; LANES]) -> ([f64; LANES], [i64; LANES]) {
        let (mut m, mut e) = ([0.0; LANES], [0; LANES]);
        for i in 0..LANES {
            let x = x[i];
            self.nan[i] = if x.is_nan() { 1.0 } else { self.nan[i] };
            let far = if (-MAX_LOG..=MAX_LOG).contains(&x) { 0.0 } else { 1.0 };
            self.too_far[i] =
                if x > f64::NEG_INFINITY { larger(far, self.too_far[i]) } else { self.too_far[i] };
            self.max[i] = larger(x, self.max[i]);
            let clamped = if x < -MAX_LOG { -MAX_LOG } else { x };
            let (mantissa, exponent) = exp_parts::<FMA>(clamped);
            m[i] = if x == f64::NEG_INFINITY { 0.0 } else { mantissa };
            e[i] = exponent;
        }
        (m, e)
    }
}

/// `m 2^shift` for `shift <= 0`; 0 where it would be no normal number.
#[inline(always)]
fn scaled(m: f64, shift: i64) -> f64 {
    let shift = if shift < -1022 { -1023 } else { shift };
    m * f64::from_bits(((shift + 1023) as u64) << 52)
}

/// The natural logarithm of a mantissa times a power of two.
fn ln((mantissa, exponent): (f64, i64)) -> f64 {
    if mantissa == 0.0 { f64::NEG_INFINITY } else { mantissa.ln() + exponent as f64 * std::f64::consts::LN_2 }
}

/// The sum of three values; its mantissa is below 6.
#[inline(always)]
fn sum(a: (f64, i64), b: (f64, i64), c: (f64, i64)) -> (f64, i64) {
    let e = larger(larger(a.1, b.1), c.1);
    (scaled(a.0, a.1 - e) + scaled(b.0, b.1 - e) + scaled(c.0, c.1 - e), e)
}

/// The product, its mantissa brought to between 1 and 2.
#[inline(always)]
fn product(a: (f64, i64), b: (f64, i64)) -> (f64, i64) {
    let m = a.0 * b.0;
    if m == 0.0 { (0.0, NONE) } else { (mantissa_of(m), a.1 + b.1 + exponent_of(m)) }
}

/// A frame's step, as those of [`super::CtcBlock`], in numbers of any size.
pub(crate) struct CtcWideStep<'a> {
    pub(crate) blanks: &'a Wide,
    pub(crate) labels: &'a Wide,
    pub(crate) next_blanks: &'a mut Wide,
    pub(crate) next_labels: &'a mut Wide,
    pub(crate) may_skip: &'a [f64],
    /// Of each label; the blank's is at place 0 of `columns`.
    pub(crate) probs: &'a Wide,
    pub(crate) columns: &'a Wide,
    pub(crate) range: Range<usize>,
}

impl CtcWideStep<'_> {
    /// Places that must follow the range.
    pub(crate) const LANES: usize = LANES;

    pub(crate) fn run_on(self, set: InstructionSet) {
        set.run(self);
    }
}

/// Lanes of an array from a place on.
#[inline(always)]
fn lanes<T>(values: &[T], at: usize) -> &[T; LANES] {
    values[at..].first_chunk().expect("room for whole lanes behind the range")
}

impl Task for CtcWideStep<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let blank = (self.columns.mantissas[0], self.columns.exponents[0]);
        for at in self.range.step_by(LANES) {
            let (bm, be) = (lanes(&self.blanks.mantissas, at), lanes(&self.blanks.exponents, at));
            let (lm, le) = (lanes(&self.labels.mantissas, at), lanes(&self.labels.exponents, at));
            let (bm1, be1) = (lanes(&self.blanks.mantissas, at - 1), lanes(&self.blanks.exponents, at - 1));
            let (lm1, le1) = (lanes(&self.labels.mantissas, at - 1), lanes(&self.labels.exponents, at - 1));
            let (pm, pe) = (lanes(&self.probs.mantissas, at), lanes(&self.probs.exponents, at));
            let skip = lanes(self.may_skip, at);
            let (mut nbm, mut nbe, mut nlm, mut nle) = ([0.0; LANES], [0; LANES], [0.0; LANES], [0; LANES]);
            for i in 0..LANES {
                let label = (lm[i], le[i]);
                let stay = sum((bm[i], be[i]), label, (0.0, NONE));
                (nbm[i], nbe[i]) = product(stay, blank);
                let skipped = (lm1[i] * skip[i], if skip[i] == 0.0 { NONE } else { le1[i] });
                let from = sum(label, (bm1[i], be1[i]), skipped);
                (nlm[i], nle[i]) = product(from, (pm[i], pe[i]));
            }
            self.next_blanks.mantissas[at..at + LANES].copy_from_slice(&nbm);
            self.next_blanks.exponents[at..at + LANES].copy_from_slice(&nbe);
            self.next_labels.mantissas[at..at + LANES].copy_from_slice(&nlm);
            self.next_labels.exponents[at..at + LANES].copy_from_slice(&nle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(set: InstructionSet, logs: &[f64]) -> Wide {
        let mut wide = Wide::zeros(0);
        assert_eq!(wide.set_exp(set, logs), Logs::Usable);
        wide
    }

    /// From next to 1 to what no double holds, and zeros.
    fn logs(seed: usize, len: usize) -> Vec<f64> {
        let log = |i: usize| match (i * 7 + seed) % 11 {
            0 => f64::NEG_INFINITY,
            n if n < 8 => -0.37 * ((i * 31 + seed) % 97) as f64,
            n => -1000.3 * n as f64 * ((i + seed) % 5) as f64,
        };
        (0..len).map(log).collect()
    }

    fn log_sum(terms: &[f64]) -> f64 {
        let max = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if max == f64::NEG_INFINITY {
            max
        } else {
            max + terms.iter().map(|x| (x - max).exp()).sum::<f64>().ln()
        }
    }

    #[test]
    fn a_step_is_its_formula_with_every_instruction_set() {
        for set in InstructionSet::available() {
            for len in 1..30 {
                let places = len + 1 + LANES;
                let [blanks, labels, probs] = [1, 2, 3].map(|seed| logs(seed + len, places));
                let may_skip: Vec<f64> = (0..places).map(|i| f64::from(u8::from(i % 3 != 0))).collect();
                let blank = -0.7;
                let (mut next_blanks, mut next_labels) = (Wide::zeros(places), Wide::zeros(places));
                CtcWideStep {
                    blanks: &wide(set, &blanks),
                    labels: &wide(set, &labels),
                    next_blanks: &mut next_blanks,
                    next_labels: &mut next_labels,
                    may_skip: &may_skip,
                    probs: &wide(set, &probs),
                    columns: &wide(set, &[blank]),
                    range: 1..len + 1,
                }
                .run_on(set);
                for i in 1..=len {
                    let skipped = if may_skip[i] == 0.0 { f64::NEG_INFINITY } else { labels[i - 1] };
                    let blank = log_sum(&[blanks[i], labels[i]]) + blank;
                    let label = log_sum(&[labels[i], blanks[i - 1], skipped]) + probs[i];
                    for (found, state) in [(next_blanks.ln(i), blank), (next_labels.ln(i), label)] {
                        let close = found == state || (found - state).abs() <= 1e-14 * state.abs().max(1.0);
                        assert!(close, "{}: {found} for {state}", set.name());
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_probability_is_told() {
        for set in InstructionSet::available() {
            let told = |logs: &[f64]| Wide::zeros(0).set_exp(set, logs);
            assert!(matches!(told(&[-1.0, f64::NAN]), Logs::Not(x) if x.is_nan()));
            assert_eq!(told(&[f64::NEG_INFINITY; 3]), Logs::Not(f64::NEG_INFINITY));
            assert_eq!(told(&[0.0, f64::INFINITY]), Logs::Not(f64::INFINITY));
            assert_eq!(told(&[0.0, -1e15]), Logs::TooFar);
            assert_eq!(told(&[0.0, 1e15]), Logs::TooFar);
            assert_eq!(told(&[-1e10, 1e10]), Logs::Usable);
        }
    }
}
