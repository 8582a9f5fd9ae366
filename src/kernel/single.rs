//! Log-sum-exp of single-precision rows, in single-precision lanes.
//!
//! `exp(x - max)` in single precision would lose what `x - max` rounds away. So `x` and `max` are reduced
//! each by itself: `exp(x - max) = 2^(n - n_max) exp(r) / exp(r_max)` with `x = n ln 2 + r`, where `n` and
//! `r` are exact to some 2e-8, and the division is done in double precision, once a row.
//!
//! A loss near 0 is `ln(1 + s)` where 1 is the maximum's share and `s` that of all others; `s` would drown in
//! the 1. So the maximum is counted and not added, and the others are added in single precision over runs of
//! 16 only. `s` comes out within 1.7e-7 relative, and the loss therefore, too. Where `s` is next to nothing
//! (below 2^-80) the row is computed again in double precision.

use super::double;
use super::instruction_set::{InstructionSet, Task};
use super::lanes::{ROUND_SINGLE, exp, exp_single, larger, ln_1p};
use super::log_sum_exp::LogSumExp;
use super::rows::Rows;
use super::tile::{Lanes, SHORT, TILE, is_worth, transpose};
use super::tiles::Tiles;

/// Values that each lane of a step adds up: the sum of their terms is rounded twice.
const DEPTH: usize = 4;
/// Lanes of a step: four registers of AVX-512.
const WIDTH: usize = 64;
/// Lanes that are turned into doubles.
const NARROW: usize = 16;
/// Sums below this have terms that single precision left out.
pub(super) const TOO_SMALL: f64 = 8.271_806_125_530_277e-25; // 2^-80
/// What lies further beneath the maximum counts as `exp(-86)`; the powers of two stay normal numbers.
pub(super) const REACH: f32 = 86.0;
/// From here on, `x - max` is exact for all `x` that matter (Sterbenz's lemma), so the maximum is taken away
/// first and what remains is small.
pub(super) const LARGE: f32 = 256.0;

/// How the values of a row with a finite maximum are reduced.
#[derive(Clone, Copy)]
struct ExpArgument {
    /// Taken from each value first: the maximum where that is large.
    shift: f32,
    /// The maximum after the shift.
    max: f32,
    /// Nothing below this is told apart.
    low: f32,
    /// Rounds to an integer, and holds `127 - n_max` for the exponent's bits.
    offset: f32,
}

impl ExpArgument {
    #[inline(always)]
    fn new(max: f32) -> Self {
        let shift = if max.abs() >= LARGE { max } else { 0.0 };
        let max = max - shift;
        let n = (max * std::f32::consts::LOG2_E + ROUND_SINGLE) - ROUND_SINGLE;
        Self { shift, max, low: max - REACH, offset: (ROUND_SINGLE + 127.0) - n }
    }

    /// What a value adds to the sum, in units of `2^n_max`, and to the count of maxima.
    #[inline(always)]
    fn term<const FMA: bool>(self, x: f32) -> (f32, f32) {
        let x = x - self.shift;
        // Both comparisons let NaN through to the sum.
        let clamped = if x < self.low { self.low } else { x };
        let e = exp_single::<FMA>(clamped, self.offset);
        if x >= self.max { (0.0, 1.0) } else { (e, 0.0) }
    }

    /// The same for a few values.
    #[inline(always)]
    fn terms<const FMA: bool>(self, x: [f32; DEPTH]) -> (f32, f32) {
        // Not `x.map(…)`: a closure is a function of its own, which need not be inlined.
        let (a, b) = (self.term::<FMA>(x[0]), self.term::<FMA>(x[1]));
        let (c, d) = (self.term::<FMA>(x[2]), self.term::<FMA>(x[3]));
        ((a.0 + b.0) + (c.0 + d.0), (a.1 + b.1) + (c.1 + d.1))
    }

    /// `ln(2^n_max / exp(max))`, what the sum is to be multiplied by.
    #[inline(always)]
    fn log_unit(self) -> f64 {
        let n = f64::from((ROUND_SINGLE + 127.0) - self.offset);
        n * std::f64::consts::LN_2 - f64::from(self.max)
    }
}

/// The largest value but for NaN; `-inf` where there is none.
#[inline(always)]
fn max_of(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; WIDTH];
    let (steps, rest) = values.as_chunks::<{ DEPTH * WIDTH }>();
    for step in steps {
        for i in 0..WIDTH {
            let pair = larger(step[i], larger(step[i + WIDTH], lanes[i]));
            lanes[i] = larger(step[i + 2 * WIDTH], larger(step[i + 3 * WIDTH], pair));
        }
    }
    let (chunks, rest) = rest.as_chunks::<NARROW>();
    let last = padded(rest);
    for chunk in chunks.iter().chain([&last]) {
        for i in 0..NARROW {
            lanes[i] = larger(chunk[i], lanes[i]);
        }
    }
    let mut max = [f32::NEG_INFINITY; NARROW];
    for i in 0..NARROW {
        let pair = larger(lanes[i], lanes[i + NARROW]);
        max[i] = larger(pair, larger(lanes[i + 2 * NARROW], lanes[i + 3 * NARROW]));
    }
    let mut half = [f32::NEG_INFINITY; NARROW / 2];
    for i in 0..NARROW / 2 {
        half[i] = larger(max[i], max[i + NARROW / 2]);
    }
    let quarter = [
        larger(half[0], half[4]),
        larger(half[1], half[5]),
        larger(half[2], half[6]),
        larger(half[3], half[7]),
    ];
    larger(larger(quarter[0], quarter[2]), larger(quarter[1], quarter[3]))
}

/// Values and then `-inf`.
#[inline(always)]
fn padded(values: &[f32]) -> [f32; NARROW] {
    let mut lanes = [f32::NEG_INFINITY; NARROW];
    for (lane, &x) in lanes.iter_mut().zip(values) {
        *lane = x;
    }
    lanes
}

/// `Σ exp(x - max)` over what is below the maximum, and how often the maximum is there.
#[inline(always)]
pub(super) fn sum_of<const FMA: bool>(values: &[f32], max: f32) -> (f64, f64) {
    let argument = ExpArgument::new(max);
    let mut total = [0.0_f64; NARROW];
    let mut ties = [0.0_f32; WIDTH];
    let mut sum = [0.0_f32; WIDTH];
    let (steps, rest) = values.as_chunks::<{ DEPTH * WIDTH }>();
    for step in steps {
        for i in 0..WIDTH {
            let x = [step[i], step[i + WIDTH], step[i + 2 * WIDTH], step[i + 3 * WIDTH]];
            let (terms, maxima) = argument.terms::<FMA>(x);
            sum[i] = terms;
            ties[i] += maxima;
        }
        add_narrowed(&mut total, &sum);
    }
    let (chunks, rest) = rest.as_chunks::<NARROW>();
    let last = padded(rest);
    for chunk in chunks.iter().chain([&last]) {
        let mut terms = [0.0_f32; NARROW];
        for i in 0..NARROW {
            let (term, tie) = argument.term::<FMA>(chunk[i]);
            terms[i] = term;
            ties[i] += tie;
        }
        for i in 0..NARROW {
            total[i] += f64::from(terms[i]);
        }
    }
    let mut count = [0.0_f64; NARROW];
    add_narrowed(&mut count, &ties);
    (sum_lanes(&total) * exp::<FMA>(argument.log_unit()), sum_lanes(&count))
}

#[inline(always)]
fn sum_lanes(x: &[f64; NARROW]) -> f64 {
    let mut half = [0.0; NARROW / 2];
    for i in 0..NARROW / 2 {
        half[i] = x[i] + x[i + NARROW / 2];
    }
    ((half[0] + half[4]) + (half[2] + half[6])) + ((half[1] + half[5]) + (half[3] + half[7]))
}

#[inline(always)]
fn add_narrowed(total: &mut [f64; NARROW], sum: &[f32; WIDTH]) {
    for i in 0..NARROW {
        let pairs = (sum[i] + sum[i + NARROW]) + (sum[i + 2 * NARROW] + sum[i + 3 * NARROW]);
        total[i] += f64::from(pairs);
    }
}

/// What a row's blocks are looked at with.
pub(super) trait BlockSums: Copy {
    /// Values that are looked at twice in one go: they stay in the first-level cache.
    const BLOCK: usize;

    /// The largest value but for NaN; `-inf` where there is none.
    fn max_of(self, block: &[f32]) -> f32;

    /// `Σ exp(x - max)` over what is below the finite maximum, and how often the maximum is there. From the block's
    /// begin on, the row has `rest` values.
    fn sum_of<const FMA: bool>(self, block: &[f32], max: f32, rest: usize) -> (f64, f64);
}

/// In lanes.
#[derive(Clone, Copy)]
struct InLanes;

impl BlockSums for InLanes {
    const BLOCK: usize = 4096;

    #[inline(always)]
    fn max_of(self, block: &[f32]) -> f32 {
        max_of(block)
    }

    #[inline(always)]
    fn sum_of<const FMA: bool>(self, block: &[f32], max: f32, _: usize) -> (f64, f64) {
        sum_of::<FMA>(block, max)
    }
}

/// One row of any length.
#[inline(always)]
pub(super) fn of_row<const FMA: bool>(row: &[f32]) -> LogSumExp {
    of_blocks::<FMA, _>(row, InLanes)
}

/// The same with other sums.
#[inline(always)]
pub(super) fn of_blocks<const FMA: bool, S: BlockSums>(row: &[f32], sums: S) -> LogSumExp {
    let mut max = f32::NEG_INFINITY;
    // The sum of all but one maximum.
    let mut rest = 0.0_f64;
    for (number, block) in row.chunks(S::BLOCK).enumerate() {
        let here = sums.max_of(block);
        if !here.is_finite() {
            // All of it is -inf, or something is NaN or +inf.
            if here > 0.0 || block.iter().any(|x| x.is_nan()) {
                return double::of_row::<f32, FMA>(row);
            }
            continue;
        }
        let (sum, ties) = sums.sum_of::<FMA>(block, here, row.len() - number * S::BLOCK);
        let sum = sum + (ties - 1.0);
        if here > max {
            let ratio = (f64::from(max) - f64::from(here)).exp();
            let before = if max == f32::NEG_INFINITY { 0.0 } else { (1.0 + rest) * ratio };
            (max, rest) = (here, sum + before);
        } else {
            rest += (1.0 + sum) * (f64::from(here) - f64::from(max)).exp();
        }
    }
    // Not where it is NaN, or where there is no number.
    if rest >= TOO_SMALL {
        LogSumExp { max: f64::from(max), log_sum: ln_1p::<FMA>(rest) }
    } else {
        double::of_row::<f32, FMA>(row)
    }
}

/// Rows of up to [`SHORT`] values, [`TILE`] of them side by side.
#[inline(always)]
fn of_short_rows<const FMA: bool>(rows: Rows<'_, f32>, out: &mut [LogSumExp]) {
    let mut tile = [[0.0_f32; TILE]; SHORT];
    for (rows, out) in rows.chunks(TILE).zip(out.chunks_mut(TILE)) {
        transpose(rows, &mut tile);
        of_tile::<FMA>(&tile[..rows.classes()], out, |lane| double::of_row::<f32, FMA>(rows.get(lane)));
    }
}

/// What rows side by side come to, or `of_row` where one is out of the ordinary.
#[inline(always)]
fn of_tile<const FMA: bool>(tile: &[Lanes<f32>], out: &mut [LogSumExp], of_row: impl Fn(usize) -> LogSumExp) {
    let mut max = [f32::NEG_INFINITY; TILE];
    for lanes in tile {
        for i in 0..TILE {
            max[i] = larger(lanes[i], max[i]);
        }
    }
    let (rest, log_sum) = sums_of_tile::<FMA>(tile, &max);
    for (lane, out) in out.iter_mut().enumerate() {
        *out = if rest[lane] >= TOO_SMALL && max[lane].is_finite() {
            LogSumExp { max: f64::from(max[lane]), log_sum: log_sum[lane] }
        } else {
            of_row(lane)
        };
    }
}

/// For each row of a tile, the sum without one maximum's share, and the logarithm of the whole.
#[inline(always)]
fn sums_of_tile<const FMA: bool>(tile: &[Lanes<f32>], max: &[f32; TILE]) -> ([f64; TILE], [f64; TILE]) {
    let (mut shift, mut low, mut offset) = ([0.0_f32; TILE], [0.0_f32; TILE], [0.0_f32; TILE]);
    let (mut maximum, mut log_unit) = ([0.0_f32; TILE], [0.0_f64; TILE]);
    for i in 0..TILE {
        let argument = ExpArgument::new(max[i]);
        (shift[i], maximum[i], low[i], offset[i]) =
            (argument.shift, argument.max, argument.low, argument.offset);
        log_unit[i] = argument.log_unit();
    }
    let mut below = [0.0_f64; TILE];
    let mut ties = [0.0_f32; TILE];
    let mut sum = [0.0_f32; TILE];
    let (steps, rest) = tile.as_chunks::<DEPTH>();
    for step in steps {
        for i in 0..TILE {
            let argument = ExpArgument { shift: shift[i], max: maximum[i], low: low[i], offset: offset[i] };
            let (terms, maxima) = argument.terms::<FMA>([step[0][i], step[1][i], step[2][i], step[3][i]]);
            sum[i] = terms;
            ties[i] += maxima;
        }
        // By itself, so that the loop above has single-precision lanes only.
        for i in 0..TILE {
            below[i] += f64::from(sum[i]);
        }
    }
    for lanes in rest {
        for i in 0..TILE {
            let argument = ExpArgument { shift: shift[i], max: maximum[i], low: low[i], offset: offset[i] };
            let (term, tie) = argument.term::<FMA>(lanes[i]);
            sum[i] = term;
            ties[i] += tie;
        }
        for i in 0..TILE {
            below[i] += f64::from(sum[i]);
        }
    }
    let mut log_sum = [0.0_f64; TILE];
    for i in 0..TILE {
        below[i] = below[i] * exp::<FMA>(log_unit[i]) + (f64::from(ties[i]) - 1.0);
        log_sum[i] = ln_1p::<FMA>(below[i]);
    }
    (below, log_sum)
}

/// Each of `rows`.
pub(super) fn of_rows(set: InstructionSet, rows: Rows<'_, f32>, out: &mut [LogSumExp]) {
    set.run(OfRows { rows, out });
}

struct OfRows<'a> {
    rows: Rows<'a, f32>,
    out: &'a mut [LogSumExp],
}

impl Task for OfRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        if is_worth(self.out.len(), self.rows.classes()) {
            of_short_rows::<FMA>(self.rows, self.out);
            return;
        }
        for (row, out) in self.rows.iter().zip(self.out) {
            *out = of_row::<FMA>(row);
        }
    }
}

/// Each of the rows of `tiles`.
pub(super) fn of_tiles(set: InstructionSet, tiles: &Tiles<f32>, out: &mut [LogSumExp]) {
    set.run(OfTiles { tiles, out });
}

struct OfTiles<'a> {
    tiles: &'a Tiles<f32>,
    out: &'a mut [LogSumExp],
}

impl Task for OfTiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { tiles, out } = self;
        for ((number, tile), out) in tiles.iter().enumerate().zip(out.chunks_mut(TILE)) {
            let of_row =
                |lane| double::of_row::<f32, FMA>(&tiles.row(number * TILE + lane).collect::<Vec<_>>());
            of_tile::<FMA>(&tile[..tiles.classes()], out, of_row);
        }
    }
}

/// One row, for who is not compiled for an instruction set.
#[cfg(target_arch = "x86_64")]
pub(super) struct OfRow<'a>(pub(super) &'a [f32]);

#[cfg(target_arch = "x86_64")]
impl Task for OfRow<'_> {
    type Output = LogSumExp;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> LogSumExp {
        of_row::<FMA>(self.0)
    }
}
