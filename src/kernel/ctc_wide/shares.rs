//! How probable the states of a frame are: the product of what leads to them and what follows.
//!
//! Graves et al., "Connectionist Temporal Classification" (ICML 2006), equation 14.

use std::ops::Range;

use super::{LANES, NONE, Wide, larger, scaled};
use crate::kernel::InstructionSet;
use crate::kernel::instruction_set::Task;

/// A frame's states, both directions having taken it.
///
/// State `i` of `forward` and of `backward` is at place `first + i`; blank `i` of one is blank `length - i` of the
/// other, and label `i` is label `length + 1 - i`. Numbers and ranges are those of `backward`.
pub(crate) struct CtcShares<'a> {
    /// Blanks and labels.
    pub(crate) forward: [&'a Wide; 2],
    pub(crate) backward: [&'a Wide; 2],
    /// Of each label's class in this frame.
    pub(crate) probs: &'a Wide,
    /// Of each column in this frame.
    pub(crate) columns: &'a Wide,
    /// Column of each label.
    pub(crate) of_label: &'a [u32],
    pub(crate) first: usize,
    /// Blanks and labels that can be on an alignment.
    pub(crate) blank_range: Range<usize>,
    pub(crate) label_range: Range<usize>,
    /// Room for as many.
    pub(crate) room: [&'a mut Wide; 2],
}

impl CtcShares<'_> {
    /// Writes the share of each column, which sum to one; NaN where no state is possible.
    ///
    /// # Panics
    /// Where a range is not within the states, or `out` is not as long as there are columns.
    pub(crate) fn write(self, set: InstructionSet, out: &mut [f64]) {
        set.run(Write { frame: self, out });
    }

    /// What the states of each column come to, all times the same number: a number, and the exponent of the power of two
    /// that it is times. So one is told beside another that is beyond what doubles hold.
    ///
    /// # Panics
    /// Where a range is not within the states.
    pub(crate) fn sums(self) -> Vec<(f64, i64)> {
        let (columns, of_label) = (self.columns, self.of_label);
        let (label_range, blank_range) = (self.label_range.clone(), self.blank_range.clone());
        let (most_blank, _, [blanks, labels]) = self.products();
        let of_labels = || {
            let states = labels.mantissas.iter().zip(&labels.exponents);
            label_range.clone().map(|i| of_label[i - 1] as usize).zip(states)
        };
        let mut sums = vec![(0.0, NONE); columns.mantissas.len()];
        sums[0] = (sum_of(scale(blanks, blank_range.len(), most_blank)), most_blank);
        for (column, (_, &exponent)) in of_labels() {
            sums[column].1 = larger(exponent, sums[column].1);
        }
        for (column, (&mantissa, &exponent)) in of_labels() {
            sums[column].0 += scaled(mantissa, exponent - sums[column].1);
        }
        for ((sum, _), prob) in sums.iter_mut().zip(&columns.mantissas) {
            *sum = if *sum == 0.0 { 0.0 } else { *sum / prob };
        }
        sums
    }
}

impl<'a> CtcShares<'a> {
    /// Leaves the states' products in the room, from its start on; returns the greatest exponents, of blanks and of labels.
    #[inline(always)]
    fn products(self) -> (i64, i64, [&'a mut Wide; 2]) {
        let Self { first, blank_range, label_range, columns, of_label, .. } = self;
        let [blanks, labels] = self.room;
        let length = of_label.len();
        let here = |range: &Range<usize>| first + range.start..first + range.end;
        // The same states from the other end, of which there are so many more.
        let there =
            |range: &Range<usize>, states: usize| first + states - range.end..first + states - range.start;
        let exponents = self.probs.part(here(&label_range)).exponents.as_chunks::<LANES>();
        let of_labels = |chunk: usize| {
            exponents.0.get(chunk).copied().unwrap_or_else(|| padded(exponents.1.iter().copied(), 0))
        };
        let most_blank = products(
            &self.forward[0].part(there(&blank_range, length + 1)),
            &self.backward[0].part(here(&blank_range)),
            |_| [columns.exponents[0]; LANES],
            blanks,
        );
        let most_label = products(
            &self.forward[1].part(there(&label_range, length + 2)),
            &self.backward[1].part(here(&label_range)),
            of_labels,
            labels,
        );
        (most_blank, most_label, [blanks, labels])
    }
}

/// The shares of a frame's columns, and where they go.
struct Write<'a, 'o> {
    frame: CtcShares<'a>,
    out: &'o mut [f64],
}

/// Some places of numbers of any size.
struct Part<'a> {
    mantissas: &'a [f64],
    exponents: &'a [i64],
}

impl Wide {
    fn part(&self, range: Range<usize>) -> Part<'_> {
        Part { mantissas: &self.mantissas[range.clone()], exponents: &self.exponents[range] }
    }
}

/// A few places' products, and their exponents.
#[inline(always)]
fn product(
    (fm, fe): ([f64; LANES], [i64; LANES]),
    (bm, be): ([f64; LANES], [i64; LANES]),
    probs: [i64; LANES],
) -> ([f64; LANES], [i64; LANES]) {
    let (mut m, mut e) = ([0.0; LANES], [NONE; LANES]);
    for i in 0..LANES {
        m[i] = fm[i] * bm[i];
        let sum = fe[i] + be[i] - probs[i];
        e[i] = if m[i] == 0.0 { NONE } else { sum };
    }
    (m, e)
}

/// The first of some values, and others behind them that are `rest`.
#[inline(always)]
fn padded<T: Copy>(values: impl Iterator<Item = T>, rest: T) -> [T; LANES] {
    let mut lanes = [rest; LANES];
    lanes.iter_mut().zip(values).for_each(|(lane, value)| *lane = value);
    lanes
}

/// Leaves `forward backward / 2^(exponent of prob)` in `room`, from its start on, `forward` being taken from its end
/// on; returns the greatest exponent. `probs` has the exponents of each [`LANES`] places, by their number.
#[inline(always)]
fn products(
    forward: &Part<'_>,
    backward: &Part<'_>,
    probs: impl Fn(usize) -> [i64; LANES],
    room: &mut Wide,
) -> i64 {
    let (rest_fm, fm) = forward.mantissas.as_rchunks::<LANES>();
    let (rest_fe, fe) = forward.exponents.as_rchunks::<LANES>();
    let (bm, rest_bm) = backward.mantissas.as_chunks::<LANES>();
    let (be, rest_be) = backward.exponents.as_chunks::<LANES>();
    let len = backward.mantissas.len();
    let (to_m, rest_m) = room.mantissas[..len].as_chunks_mut::<LANES>();
    let (to_e, rest_e) = room.exponents[..len].as_chunks_mut::<LANES>();
    let mut most = [NONE; LANES];
    let forward = fm.iter().zip(fe).rev();
    let of_all = forward.zip(bm.iter().zip(be)).zip(to_m.iter_mut().zip(to_e)).enumerate();
    for (chunk, (((fm, fe), (bm, be)), (to_m, to_e))) in of_all {
        let (mut turned_m, mut turned_e) = ([0.0; LANES], [0; LANES]);
        for i in 0..LANES {
            (turned_m[i], turned_e[i]) = (fm[LANES - 1 - i], fe[LANES - 1 - i]);
        }
        (*to_m, *to_e) = product((turned_m, turned_e), (*bm, *be), probs(chunk));
        for i in 0..LANES {
            most[i] = larger(to_e[i], most[i]);
        }
    }
    let forward = (padded(rest_fm.iter().rev().copied(), 0.0), padded(rest_fe.iter().rev().copied(), NONE));
    let backward = (padded(rest_bm.iter().copied(), 0.0), padded(rest_be.iter().copied(), NONE));
    let (m, e) = product(forward, backward, probs(len / LANES));
    rest_m.copy_from_slice(&m[..rest_m.len()]);
    rest_e.copy_from_slice(&e[..rest_e.len()]);
    most.into_iter().chain(e).fold(NONE, larger)
}

/// Brings the first `len` of `room` to one exponent.
#[inline(always)]
fn scale(room: &mut Wide, len: usize, most: i64) -> &[f64] {
    let (mantissas, exponents) = (&mut room.mantissas[..len], &room.exponents[..len]);
    for (m, &e) in mantissas.iter_mut().zip(exponents) {
        *m = scaled(*m, e - most);
    }
    mantissas
}

#[inline(always)]
fn sum_of(numbers: &[f64]) -> f64 {
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            sums[i] += chunk[i];
        }
    }
    sums.iter().chain(rest).sum()
}

impl Task for Write<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { frame, out } = self;
        let (columns, of_label) = (frame.columns, frame.of_label);
        let (label_range, blank_range) = (frame.label_range.clone(), frame.blank_range.clone());
        let (most_blank, most_label, [blanks, labels]) = frame.products();
        let most = larger(most_blank, most_label);
        out.fill(0.0);
        out[0] = sum_of(scale(blanks, blank_range.len(), most));
        let shares = scale(labels, label_range.len(), most);
        for (i, share) in label_range.zip(shares) {
            out[of_label[i - 1] as usize] += share;
        }
        for (share, prob) in out.iter_mut().zip(&columns.mantissas) {
            // Where the column has no chance, none of its states has.
            *share = if *share == 0.0 { 0.0 } else { *share / prob };
        }
        let total = sum_of(out);
        for share in out {
            *share /= total;
        }
    }
}
