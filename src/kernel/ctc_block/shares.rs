//! How probable the classes of a frame are: the products of what leads to each state and what follows.
//!
//! Graves et al., "Connectionist Temporal Classification" (ICML 2006), equation 14.

use std::ops::Range;

use super::trace::{CtcTrace, Traced};
use super::{CtcStates, LANES, Lanes, NONE, exponent_of, lanes, lesser, mantissa_of};
use crate::kernel::InstructionSet;
use crate::kernel::instruction_set::Task;

/// So few columns are added up side by side; of more, one label after the other.
pub(in crate::kernel) const FEW: usize = 8;

/// Both directions have a frame's probabilities, so products are up to 2^-600 times shares: they are times this, so that
/// none is lost whose share is a normal number.
const HEADROOM: i64 = 900;

/// A frame that both directions have taken: `forward` from the start, `backward`, whose states are
/// [mirrored](CtcStates::mirrored), from the end.
pub(crate) struct CtcBlockShares<'a> {
    /// Those that went forward, after whatever frame.
    pub(crate) states: &'a CtcStates,
    pub(crate) forward: (&'a CtcTrace, usize),
    pub(crate) backward: (&'a CtcTrace, usize),
    /// The frame's probabilities, as both took them.
    pub(crate) columns: &'a [f64],
    /// The exponent of the labels' probability, which is the same in each frame, as the states have it.
    pub(crate) exponent: i64,
    /// States that can be on an alignment, by their number.
    pub(crate) range: Range<usize>,
}

/// What is done to some lanes.
pub(in crate::kernel) trait ShareLanes: Copy {
    /// `a b 2^exponent`, `b` and the exponents taken in the other order of lanes; nowhere far above [`HEADROOM`]'s power of
    /// two, and 0 where it is no normal number. None is negative.
    fn products(self, a: &Lanes, b: &Lanes, exponents: &[f64; LANES]) -> Lanes;

    /// Adds each lane to the sums of its column, where it has any.
    fn add(self, sums: &mut [Lanes; FEW], column_of: &[u32; LANES], products: &Lanes);
}

impl CtcBlockShares<'_> {
    /// Writes the share of each column; they sum to one.
    ///
    /// # Panics
    /// If there are not as many in `out` as columns of the labels, or fewer in `columns`.
    pub(crate) fn write(self, set: InstructionSet, out: &mut [f64]) {
        assert!(out.len() == self.states.columns && out.len() <= self.columns.len(), "shares of the columns");
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = set.avx512() {
            return crate::kernel::avx512::ctc_shares(avx512, &self, out);
        }
        set.run(Write { frame: self, out });
    }

    #[inline(always)]
    pub(in crate::kernel) fn write_by(&self, by: impl ShareLanes, out: &mut [f64]) {
        let blank = if out.len() <= FEW {
            let mut few = [[0.0; LANES]; FEW];
            let blank = self.products(by, |column_of, products| by.add(&mut few, column_of, products));
            for (out, sums) in out.iter_mut().zip(few) {
                *out = sums.iter().sum();
            }
            blank
        } else {
            out.fill(0.0);
            self.products(by, |column_of, products| {
                for (&column, product) in column_of.iter().zip(products) {
                    // Behind the last label there is none.
                    if let Some(sum) = out.get_mut(column as usize) {
                        *sum += product;
                    }
                }
            })
        };
        out[0] = blank.iter().sum();
        let mut total = 0.0;
        for (share, prob) in out.iter_mut().zip(self.columns) {
            // Where the column has no chance, none of its states has.
            *share = if *share == 0.0 { 0.0 } else { *share / prob };
            total += *share;
        }
        for share in out {
            *share /= total;
        }
    }

    /// Hands on the labels' products, a row and its columns at a time; returns the blanks', a lane's together.
    #[inline(always)]
    fn products(&self, by: impl ShareLanes, mut of_labels: impl FnMut(&[u32; LANES], &Lanes)) -> Lanes {
        let Traced { blanks, labels, exponents } = self.forward.0.at(self.forward.1);
        let back = self.backward.0.at(self.backward.1);
        let (depth, sets) = (self.states.depth, exponents.len() / LANES);
        let set_of = |state: usize| state / (depth * LANES);
        let mut sums = [0.0; LANES];
        for set in set_of(self.range.start)..=set_of(self.range.end - 1) {
            // Blank `i` of all places is the last but `i` of the other direction. The label in the same place there is
            // the one behind, so label `i` is the last but `i - 1`: in the next row, or the next lane's first.
            let mirror = sets - 1 - set;
            let (here, there) = (set * depth, mirror * depth);
            let (label_behind, exponent_behind) = if set == 0 {
                (0.0, NONE)
            } else {
                (back.labels[there + depth][0], back.exponents[(mirror + 1) * LANES])
            };
            let (own, opposite) = (lanes(exponents, set * LANES), lanes(back.exponents, mirror * LANES));
            let of_rows = self.exponents(&own, &opposite);
            let of_first_labels = self.exponents(&own, &next_lane(&opposite, exponent_behind));
            let (blanks, labels) = (&blanks[here..here + depth], &labels[here..here + depth]);
            let column_of = &self.states.column_of[here..here + depth];
            let back_blanks = &back.blanks[there..there + depth];
            let back_labels = &back.labels[there..there + depth];
            for row in 0..depth {
                let of_blanks = by.products(&blanks[row], &back_blanks[depth - 1 - row], &of_rows);
                for i in 0..LANES {
                    sums[i] += of_blanks[i];
                }
                let products = if row == 0 {
                    by.products(&labels[0], &next_lane(&back_labels[0], label_behind), &of_first_labels)
                } else {
                    by.products(&labels[row], &back_labels[depth - row], &of_rows)
                };
                of_labels(&column_of[row], &products);
            }
        }
        sums
    }

    /// The exponents of products, `opposite` and these in the other order of lanes: exact where they matter.
    #[inline(always)]
    fn exponents(&self, own: &[i64; LANES], opposite: &[i64; LANES]) -> [f64; LANES] {
        let mut out = [0.0; LANES];
        for i in 0..LANES {
            out[i] = (own[LANES - 1 - i] + opposite[i] + HEADROOM - self.exponent) as f64;
        }
        out
    }
}

/// Each lane has what the next one has, the last one `last`.
#[inline(always)]
fn next_lane<T: Copy>(lanes: &[T; LANES], last: T) -> [T; LANES] {
    std::array::from_fn(|i| if i + 1 == LANES { last } else { lanes[i + 1] })
}

struct Write<'a, 'b> {
    frame: CtcBlockShares<'a>,
    out: &'b mut [f64],
}

impl Task for Write<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        self.frame.write_by(OneByOne, self.out);
    }
}

/// As the compiler makes it.
#[derive(Clone, Copy)]
struct OneByOne;

impl ShareLanes for OneByOne {
    #[inline(always)]
    fn products(self, a: &Lanes, b: &Lanes, exponents: &[f64; LANES]) -> Lanes {
        let mut out = [0.0; LANES];
        for i in 0..LANES {
            let (b, exponent) = (b[LANES - 1 - i], exponents[LANES - 1 - i]);
            let exponent = exponent_of(a[i]) + exponent_of(b) + exponent as i64;
            let none = lesser(a[i], b) == 0.0 || exponent < -1022;
            let power = f64::from_bits(((exponent + 1023) as u64) << 52);
            out[i] = if none { 0.0 } else { mantissa_of(a[i]) * mantissa_of(b) * power };
        }
        out
    }

    #[inline(always)]
    fn add(self, sums: &mut [Lanes; FEW], column_of: &[u32; LANES], products: &Lanes) {
        for i in 0..LANES {
            if let Some(sums) = sums.get_mut(column_of[i] as usize) {
                sums[i] += products[i];
            }
        }
    }
}
