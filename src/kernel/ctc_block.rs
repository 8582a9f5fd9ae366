//! A few frames of the CTC forward recursion in linear space.
//!
//! One exponent for all states would not do: between the first and the last of them lie more powers of two than a
//! double has, and the more the more labels there are. Neighbours share one, and a lane holds neighbours: so no step
//! needs a state of another lane but the first place of each, and the exponents, too, are lanes. Between the blocks of
//! frames the exponents are set anew, and the least state of each few neighbours tells for how many frames none of them
//! can be lost, whatever happens in these.
#![allow(unsafe_code)]

mod shares;
mod states;
mod trace;

use std::ops::Range;

use super::InstructionSet;
use super::instruction_set::Task;
use super::lanes::{larger, lesser, madd};
pub(crate) use shares::CtcBlockShares;
pub(super) use shares::{FEW, ShareLanes};
pub(crate) use states::CtcStates;
use states::refill;
pub(crate) use trace::CtcTrace;
use trace::Traced;

/// Groups of neighbours that are computed side by side: one register of AVX-512.
pub(super) const LANES: usize = 8;
/// Places of a group at the most.
const MAX_DEPTH: usize = 8;
/// Frames of a block at the most.
pub(crate) const BLOCK_FRAMES: usize = 8;
/// The exponent of states that are 0, below all others.
const NONE: i64 = -(1 << 60);
/// The exponent that a group's largest state is brought to. Three of them are added before anything makes them less.
const TOP: i64 = 1000;
/// The least exponent that a state may come to have: what is rounded away below the normal numbers is nothing beside
/// it.
const LEAST: i64 = -960;

/// `2^exponent`, for exponents of normal doubles.
pub(crate) const fn pow2(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// `floor(log2(x))` of a positive normal number; -1023 for what is smaller.
pub(crate) fn exponent_of(x: f64) -> i64 {
    (x.to_bits() >> 52) as i64 - 1023
}

/// The number from 1 to 2 that a positive normal number is times a power of two.
#[inline(always)]
pub(super) fn mantissa_of(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & 0x000f_ffff_ffff_ffff | 0x3ff0_0000_0000_0000)
}

pub(super) type Lanes = [f64; LANES];

/// Frames to come, at most [`BLOCK_FRAMES`].
pub(crate) struct CtcBlock<'a> {
    states: &'a mut CtcStates,
    /// None is shorter than the states' columns and one.
    frames: &'a [&'a [f64]],
    bits: &'a [i64],
    /// Places, not states.
    range: Range<usize>,
    trace: Option<&'a mut CtcTrace>,
}

impl<'a> CtcBlock<'a> {
    /// `frames`: each frame's probabilities, none above a quarter, column 0 the blank's, and one 0 behind them. `bits`:
    /// for each frame, 2 to minus this is no more than any of its probabilities above 0. States below `range` matter no
    /// more, states from its end on are all 0 still behind the last of the frames.
    ///
    /// # Panics
    /// Where there are more than [`BLOCK_FRAMES`], or not as many `bits`, or a frame lacks columns.
    pub(crate) fn new(
        states: &'a mut CtcStates,
        frames: &'a [&'a [f64]],
        bits: &'a [i64],
        range: Range<usize>,
    ) -> Self {
        assert!(frames.len() <= BLOCK_FRAMES && frames.len() == bits.len(), "a block of frames");
        assert!(frames.iter().all(|frame| frame.len() > states.columns), "each frame has all columns");
        let range = states.first + range.start..states.first + range.end;
        Self { states, frames, bits, range, trace: None }
    }

    /// The same, the states after each frame that is taken being added to `trace`.
    pub(crate) fn traced(self, trace: Option<&'a mut CtcTrace>) -> Self {
        Self { trace, ..self }
    }

    /// In each frame, at each place `i`
    ///
    /// ```text
    /// blanks'[i] = (blanks[i] + labels[i]) blank
    /// labels'[i] = (labels[i] + blanks[i - 1] + may_skip[i] labels[i - 1]) prob[i]
    /// ```
    ///
    /// Returns how many of the frames were taken: those in which surely no state above 0 becomes 0.
    pub(crate) fn run_on(self, set: InstructionSet) -> usize {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = set.avx512() {
            return super::avx512::ctc_block(avx512, self);
        }
        set.run(self)
    }
}

/// What is known of each group before a block, behind what is known of [`BLOCK_FRAMES`] that are none.
#[derive(Clone, Debug, Default)]
struct BlockSurvey {
    /// The exponent of the largest state; [`NONE`] where all are 0.
    most: Vec<i64>,
    /// The exponent of the least state above 0; [`ALL`] where all are 0.
    least: Vec<i64>,
    /// The exponent that states are to have.
    next: Vec<i64>,
    /// For each set, what states of the group before are times to have that of their own.
    entering: Vec<[Lanes; 2]>,
}

/// The exponent of the least of no states.
const ALL: i64 = -NONE;

impl BlockSurvey {
    fn begin(&mut self, sets: usize) {
        refill(&mut self.most, at(sets), NONE);
        refill(&mut self.least, at(sets), ALL);
        refill(&mut self.next, at(sets), NONE);
        refill(&mut self.entering, sets, [[0.0; LANES]; 2]);
    }
}

/// The place in [`BlockSurvey`] of the first group of a set.
fn at(set: usize) -> usize {
    BLOCK_FRAMES + set * LANES
}

#[inline(always)]
fn lanes(values: &[i64], at: usize) -> [i64; LANES] {
    *values[at..].first_chunk().expect("all lanes of a set")
}

/// The exponents of the largest and the least state above 0 in each lane, and whether some state of it is 0.
#[inline(always)]
fn extremes(blanks: &[Lanes], labels: &[Lanes]) -> ([i64; LANES], [i64; LANES], [bool; LANES]) {
    let (mut max, mut min, mut low) = ([0.0; LANES], [f64::INFINITY; LANES], [f64::INFINITY; LANES]);
    for (&blanks, &labels) in blanks.iter().zip(labels) {
        for i in 0..LANES {
            max[i] = larger(larger(blanks[i], labels[i]), max[i]);
            low[i] = lesser(lesser(blanks[i], labels[i]), low[i]);
            let blank = if blanks[i] > 0.0 { blanks[i] } else { f64::INFINITY };
            let label = if labels[i] > 0.0 { labels[i] } else { f64::INFINITY };
            min[i] = lesser(lesser(blank, label), min[i]);
        }
    }
    let (mut most, mut least, mut gaps) = ([NONE; LANES], [ALL; LANES], [false; LANES]);
    for i in 0..LANES {
        most[i] = if max[i] > 0.0 { exponent_of(max[i]) } else { NONE };
        least[i] = if max[i] > 0.0 { exponent_of(min[i]) } else { ALL };
        gaps[i] = low[i] == 0.0;
    }
    (most, least, gaps)
}

/// Two to the exponents, in two factors, for each may be beyond what one can be; 0 where that says so.
#[inline(always)]
fn powers(exponents: [i64; LANES], zero: [bool; LANES]) -> [Lanes; 2] {
    let (mut a, mut b) = ([0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        let exponent = exponents[i].clamp(-2000, 2000);
        let half = exponent >> 1;
        a[i] = if zero[i] { 0.0 } else { pow2(half) };
        b[i] = pow2(exponent - half);
    }
    [a, b]
}

#[inline(always)]
fn times(x: Lanes, factors: &[Lanes; 2]) -> Lanes {
    let mut out = [0.0; LANES];
    for i in 0..LANES {
        out[i] = x[i] * factors[0][i] * factors[1][i];
    }
    out
}

/// Each lane's value is that of the lane before; the first's is `first`.
#[inline(always)]
fn from_before(lanes: Lanes, first: f64) -> Lanes {
    std::array::from_fn(|i| if i == 0 { first } else { lanes[i - 1] })
}

/// A row of the formula of [`CtcBlock::run_on`].
#[inline(always)]
fn step<const FMA: bool>(
    [blanks, labels]: [Lanes; 2],
    [blanks_before, labels_before]: [Lanes; 2],
    may_skip: Lanes,
    probs: Lanes,
    blank: f64,
) -> [Lanes; 2] {
    let (mut to_blanks, mut to_labels) = ([0.0; LANES], [0.0; LANES]);
    for i in 0..LANES {
        let entering = madd::<FMA>(may_skip[i], labels_before[i], blanks_before[i]);
        to_blanks[i] = (blanks[i] + labels[i]) * blank;
        to_labels[i] = (labels[i] + entering) * probs[i];
    }
    [to_blanks, to_labels]
}

impl CtcBlock<'_> {
    /// Finds what exponents the groups need; returns how many powers of two each state can lose.
    #[inline(always)]
    fn survey(&mut self, sets: Range<usize>, groups: Range<usize>) -> i64 {
        let depth = self.states.depth;
        let CtcStates { blanks, labels, exponents, survey: found, .. } = &mut *self.states;
        // How many groups before it a group can be reached from within this block.
        let reach = self.frames.len().div_ceil(depth);
        // What is before the sets is of no use any more.
        found.most[at(sets.start) - reach..at(sets.start)].fill(NONE);
        found.least[at(sets.start) - reach..at(sets.start)].fill(ALL);
        found.next[at(sets.start) - 1] = NONE;
        let mut budgets = [ALL; LANES];
        for set in sets {
            let rows = set * depth..(set + 1) * depth;
            let (mut most, mut least, gaps) = extremes(&blanks[rows.clone()], &labels[rows]);
            let own = lanes(exponents, set * LANES);
            for i in 0..LANES {
                let none = most[i] == NONE || set * LANES + i < groups.start;
                most[i] = if none { NONE } else { most[i] + own[i] };
                least[i] = if none { ALL } else { least[i] + own[i] };
            }
            found.most[at(set)..][..LANES].copy_from_slice(&most);
            found.least[at(set)..][..LANES].copy_from_slice(&least);
            let mut entering = [ALL; LANES];
            for back in 1..=reach {
                let (more, less) = (lanes(&found.most, at(set) - back), lanes(&found.least, at(set) - back));
                for i in 0..LANES {
                    most[i] = larger(most[i], more[i]);
                    entering[i] = lesser(entering[i], less[i]);
                }
            }
            let mut next = [NONE; LANES];
            for i in 0..LANES {
                // What enters a group without gaps is added to more, or matters.
                let entering = if gaps[i] { entering[i] } else { ALL };
                budgets[i] = lesser(budgets[i], lesser(least[i], entering) - most[i]);
                next[i] = if most[i] == NONE { NONE } else { most[i] - TOP };
            }
            found.next[at(set)..][..LANES].copy_from_slice(&next);
        }
        budgets.into_iter().fold(ALL, lesser) + TOP - LEAST
    }
}

/// Rows of a set, as many each.
struct Set<'a> {
    blanks: &'a mut [Lanes],
    labels: &'a mut [Lanes],
    may_skip: &'a [Lanes],
    column_of: &'a [[u32; LANES]],
    /// The last blank and the last label of the set before.
    before: [f64; 2],
    /// See [`BlockSurvey`].
    entering: &'a [Lanes; 2],
}

impl Set<'_> {
    #[inline(always)]
    fn advance<const FMA: bool, G: Gather>(self, gather: G, frame: G::Frame<'_>, blank: f64) {
        let Self { blanks, labels, may_skip, column_of, before: [first_blank, first_label], entering } = self;
        let depth = blanks.len();
        let (labels, may_skip, column_of) = (&mut labels[..depth], &may_skip[..depth], &column_of[..depth]);
        let Some(last) = depth.checked_sub(1) else { return };
        let (mut blank_row, mut label_row) = (blanks[last], labels[last]);
        let blanks_entering = times(from_before(blank_row, first_blank), entering);
        let labels_entering = times(from_before(label_row, first_label), entering);
        for row in (0..depth).rev() {
            let (blanks_before, labels_before) = if row == 0 {
                (blanks_entering, labels_entering)
            } else {
                (blanks[row - 1], labels[row - 1])
            };
            // SAFETY: no column is above `columns`, and each frame has more values: `CtcStates::new` and
            // `CtcBlock::new` make sure.
            let probs = unsafe { gather.gather(frame, &column_of[row]) };
            [blanks[row], labels[row]] = step::<FMA>(
                [blank_row, label_row],
                [blanks_before, labels_before],
                may_skip[row],
                probs,
                blank,
            );
            (blank_row, label_row) = (blanks_before, labels_before);
        }
    }
}

/// How a frame's columns are picked.
pub(super) trait Gather: Copy {
    /// A frame to pick from.
    type Frame<'a>: Copy;

    /// The frame of these columns.
    fn frame(self, columns: &[f64]) -> Self::Frame<'_>;

    /// The columns at each of the places.
    ///
    /// # Safety
    /// Each place is below the number of columns, and none is more than `i32` counts.
    unsafe fn gather(self, frame: Self::Frame<'_>, places: &[u32; LANES]) -> Lanes;
}

/// One by one.
#[derive(Clone, Copy)]
struct Loads;

impl Gather for Loads {
    type Frame<'a> = &'a [f64];

    #[inline(always)]
    fn frame(self, columns: &[f64]) -> &[f64] {
        columns
    }

    #[inline(always)]
    unsafe fn gather(self, frame: &[f64], places: &[u32; LANES]) -> Lanes {
        let mut lanes = [0.0; LANES];
        for (lane, &place) in lanes.iter_mut().zip(places) {
            // SAFETY: as the caller promises.
            *lane = unsafe { *frame.get_unchecked(place as usize) };
        }
        lanes
    }
}

impl Task for CtcBlock<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> usize {
        self.advance::<FMA, _>(Loads)
    }
}

impl CtcBlock<'_> {
    /// Columns of each frame, without the one that is 0.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // by hand only
    pub(super) fn columns(&self) -> usize {
        self.states.columns
    }

    /// See [`CtcBlock::run_on`].
    #[inline(always)]
    pub(super) fn advance<const FMA: bool, G: Gather>(mut self, gather: G) -> usize {
        let depth = self.states.depth;
        let groups = self.range.start / depth..(self.range.end - 1) / depth + 1;
        let sets = groups.start / LANES..groups.end.div_ceil(LANES);
        let mut budget = self.survey(sets.clone(), groups);
        let enough = |&&bits: &&i64| {
            budget -= bits;
            budget >= 0
        };
        let count = self.bits.iter().take_while(enough).count();
        if count == 0 {
            return 0;
        }
        let CtcStates { blanks, labels, exponents, survey, may_skip, column_of, .. } = self.states;
        for set in sets.clone() {
            let (next, before) = (lanes(&survey.next, at(set)), lanes(&survey.next, at(set) - 1));
            let (own, most) = (lanes(exponents, set * LANES), lanes(&survey.most, at(set)));
            let (mut up, mut gone) = ([0; LANES], [false; LANES]);
            let (mut up_entering, mut none) = ([0; LANES], [false; LANES]);
            for i in 0..LANES {
                gone[i] = most[i] == NONE;
                up[i] = own[i] - next[i];
                none[i] = before[i] == NONE || next[i] == NONE;
                up_entering[i] = before[i] - next[i];
            }
            let factors = powers(up, gone);
            for row in set * depth..(set + 1) * depth {
                blanks[row] = times(blanks[row], &factors);
                labels[row] = times(labels[row], &factors);
            }
            survey.entering[set] = powers(up_entering, none);
            exponents[set * LANES..][..LANES].copy_from_slice(&next);
        }
        for columns in &self.frames[..count] {
            let frame = gather.frame(columns);
            // From the end backwards: a state needs those before it as they were.
            for set in sets.clone().rev() {
                let (blanks_behind, blanks) = blanks[..(set + 1) * depth].split_at_mut(set * depth);
                let (labels_behind, labels) = labels[..(set + 1) * depth].split_at_mut(set * depth);
                let first = |rows: &[Lanes]| rows.last().map_or(0.0, |row| row[LANES - 1]);
                let rows = set * depth..(set + 1) * depth;
                let set = Set {
                    blanks,
                    labels,
                    may_skip: &may_skip[rows.clone()],
                    column_of: &column_of[rows],
                    before: [first(blanks_behind), first(labels_behind)],
                    entering: &survey.entering[set],
                };
                set.advance::<FMA, G>(gather, frame, columns[0]);
            }
            if let Some(trace) = &mut self.trace {
                trace.push_parts(Traced { blanks, labels, exponents });
            }
        }
        count
    }
}

#[cfg(test)]
mod tests;
