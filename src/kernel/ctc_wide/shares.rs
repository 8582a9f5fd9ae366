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
    /// The share of each column.
    pub(crate) out: &'a mut [f64],
}

impl CtcShares<'_> {
    /// Writes the shares, which sum to one; NaN where no state is possible.
    ///
    /// # Panics
    /// Where a range is not within the states, or `out` is not as long as there are columns.
    pub(crate) fn run_on(self, set: InstructionSet) {
        set.run(self);
    }
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

/// Leaves `forward backward / 2^(exponent of prob)` in `room`, from its start on, `forward` being taken from its end
/// on; returns the greatest exponent.
#[inline(always)]
fn products(
    forward: &Part<'_>,
    backward: &Part<'_>,
    probs: impl Iterator<Item = i64>,
    room: &mut Wide,
) -> i64 {
    let forward = forward.mantissas.iter().zip(forward.exponents).rev();
    let backward = backward.mantissas.iter().zip(backward.exponents);
    let room = room.mantissas.iter_mut().zip(&mut room.exponents);
    let mut most = NONE;
    for ((((fm, fe), (bm, be)), prob), (to_m, to_e)) in forward.zip(backward).zip(probs).zip(room) {
        let m = fm * bm;
        let e = if m == 0.0 { NONE } else { fe + be - prob };
        most = larger(e, most);
        (*to_m, *to_e) = (m, e);
    }
    most
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

impl Task for CtcShares<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { first, blank_range, label_range, columns, of_label, out, .. } = self;
        let [blanks, labels] = self.room;
        let length = of_label.len();
        let here = |range: &Range<usize>| first + range.start..first + range.end;
        // The same states from the other end, of which there are so many more.
        let there =
            |range: &Range<usize>, states: usize| first + states - range.end..first + states - range.start;
        let blank = std::iter::repeat_n(columns.exponents[0], blank_range.len());
        let most_blank = products(
            &self.forward[0].part(there(&blank_range, length + 1)),
            &self.backward[0].part(here(&blank_range)),
            blank,
            blanks,
        );
        let most_label = products(
            &self.forward[1].part(there(&label_range, length + 2)),
            &self.backward[1].part(here(&label_range)),
            self.probs.part(here(&label_range)).exponents.iter().copied(),
            labels,
        );
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
