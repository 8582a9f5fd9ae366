//! Log-sum-exp of single-precision rows with what is written by hand for an instruction set's registers.
//!
//! The method is that of [`super::single`]; what a row's values come to is found by hand, and the logarithms of many
//! rows are computed together.

use super::ahead::{Ahead, BLOCK};
use super::instruction_set::{InstructionSet, Task};
use super::lanes::{exp, ln_1p};
use super::log_sum_exp::LogSumExp;
use super::rows::Rows;
use super::single::{self, BlockSums, LARGE, OfRow, TOO_SMALL};
use super::tile::{self, Aligned, Lanes, SHORT, TILE};
use super::tiles::Tiles;

/// Registers of an instruction set that the machine has.
pub(super) trait Registers: Copy {
    /// The logarithm of the factor that sums have.
    const LN_FACTOR: f64;

    /// The largest value but for NaN; `-inf` where there is none.
    fn max_of(self, values: &[f32]) -> f32;

    /// What values below [`LARGE`] come to beside the largest of them, while others are fetched.
    fn sums_of(self, values: &[f32], max: f32, ahead: Ahead) -> RowSum;

    /// See [`tile::transpose`].
    fn transpose(self, rows: Rows<'_, f32>, tile: &mut [Lanes<f32>]);

    /// What rows side by side come to, each beside its largest value; the last [`tile::STEP`] is filled up.
    fn look_at(self, tile: &[Lanes<f32>], classes: usize, found: TileSums<'_>);
}

/// What a row's values come to.
#[derive(Clone, Copy)]
pub(super) struct RowSum {
    /// The power of two next to `exp(max)`.
    pub(super) n: f32,
    /// What is below the maximum, in the unit of [`log_unit`] times the factor.
    pub(super) sum: f64,
    /// How often the maximum is there.
    pub(super) ties: f32,
}

/// The same of rows side by side.
pub(super) struct TileSums<'a> {
    pub(super) max: &'a mut [f32; TILE],
    pub(super) n: &'a mut [f32; TILE],
    pub(super) sum: &'a mut [f64; TILE],
    pub(super) ties: &'a mut [f32; TILE],
}

/// Rows whose logarithms are computed together where there are many: enough that none waits for the last.
const MANY: usize = 4 * TILE;

/// What was found of so many rows.
#[repr(align(64))]
struct Group<const ROWS: usize> {
    max: [f32; ROWS],
    n: [f32; ROWS],
    sum: [f64; ROWS],
    ties: [f32; ROWS],
    /// Whether these make a logarithm: 1 or 0.
    proper: [u64; ROWS],
}

impl<const ROWS: usize> Group<ROWS> {
    const EMPTY: Self =
        Self { max: [0.0; ROWS], n: [0.0; ROWS], sum: [0.0; ROWS], ties: [0.0; ROWS], proper: [0; ROWS] };

    fn tile(&mut self, number: usize) -> TileSums<'_> {
        TileSums {
            max: &mut self.max.as_chunks_mut().0[number],
            n: &mut self.n.as_chunks_mut().0[number],
            sum: &mut self.sum.as_chunks_mut().0[number],
            ties: &mut self.ties.as_chunks_mut().0[number],
        }
    }
}

/// The same in double precision, for rows that are out of the ordinary.
pub(super) type InDoubles = fn(InstructionSet, Rows<'_, f32>, &mut [LogSumExp]);

/// Each of `rows`.
pub(super) fn of_rows<R: Registers>(
    set: InstructionSet,
    registers: R,
    rows: Rows<'_, f32>,
    in_doubles: InDoubles,
    out: &mut [LogSumExp],
) {
    let classes = rows.classes();
    if tile::is_worth(out.len(), classes) {
        let mut tile = Aligned([[f32::NEG_INFINITY; TILE]; SHORT]);
        let look_at = |number, found: TileSums<'_>| {
            registers.transpose(rows.tile(number), &mut tile.0);
            registers.look_at(&tile.0, classes, found);
        };
        in_groups((set, R::LN_FACTOR, in_doubles), classes, out, look_at, |row, to| to.extend(rows.get(row)));
    } else if classes <= BLOCK {
        let ahead = Ahead::of_rows(rows);
        let look_at = |number, found: TileSums<'_>| {
            for (i, row) in rows.tile(number).iter().enumerate() {
                let max = registers.max_of(row);
                let RowSum { n, sum, ties } = registers.sums_of(row, max, ahead);
                (found.max[i], found.n[i], found.sum[i], found.ties[i]) = (max, n, sum, ties);
            }
        };
        in_groups((set, R::LN_FACTOR, in_doubles), classes, out, look_at, |row, to| to.extend(rows.get(row)));
    } else {
        let sums = InRegisters { registers, gap: rows.stride() - classes };
        set.run(OfBlocks { rows, sums, out });
    }
}

/// Each of the rows of `tiles`.
pub(super) fn of_tiles<R: Registers>(
    set: InstructionSet,
    registers: R,
    tiles: &Tiles<f32>,
    in_doubles: InDoubles,
    out: &mut [LogSumExp],
) {
    let classes = tiles.classes();
    let look_at = |number, found: TileSums<'_>| registers.look_at(tiles.tile(number), classes, found);
    in_groups((set, R::LN_FACTOR, in_doubles), classes, out, look_at, |row, to| to.extend(tiles.row(row)));
}

/// Looks at as many rows at a time as a tile has, and computes the logarithms of as many as there are; `copy_row` adds
/// one that is out of the ordinary to others.
fn in_groups(
    how: (InstructionSet, f64, InDoubles),
    classes: usize,
    out: &mut [LogSumExp],
    look_at: impl FnMut(usize, TileSums<'_>),
    copy_row: impl Fn(usize, &mut Vec<f32>),
) {
    if out.len() <= TILE {
        in_groups_of::<TILE>(how, classes, out, look_at, copy_row);
    } else {
        in_groups_of::<MANY>(how, classes, out, look_at, copy_row);
    }
}

fn in_groups_of<const ROWS: usize>(
    (set, ln_factor, in_doubles): (InstructionSet, f64, InDoubles),
    classes: usize,
    out: &mut [LogSumExp],
    mut look_at: impl FnMut(usize, TileSums<'_>),
    copy_row: impl Fn(usize, &mut Vec<f32>),
) {
    let mut group = Group::<ROWS>::EMPTY;
    let mut improper = Vec::new();
    for (number, out) in out.chunks_mut(ROWS).enumerate() {
        for tile in 0..out.len().div_ceil(TILE) {
            look_at(number * (ROWS / TILE) + tile, group.tile(tile));
        }
        set.run(Finish { group: &mut group, ln_factor, out });
        if group.proper != [1; ROWS] {
            improper.clear();
            let numbers = || (0..out.len()).filter(|&i| group.proper[i] == 0);
            let mut found = [LogSumExp::ZERO; ROWS];
            for (i, found) in numbers().zip(&mut found) {
                copy_row(number * ROWS + i, &mut improper);
                *found = out[i];
            }
            let rows = Rows::new(&improper, classes);
            of_improper(set, rows, in_doubles, &mut found[..rows.len()]);
            numbers().zip(found).for_each(|(i, found)| out[i] = found);
        }
    }
}

/// Rows that are certain of a class, of large numbers, or no distributions; the maximum of each is known.
fn of_improper(set: InstructionSet, rows: Rows<'_, f32>, in_doubles: InDoubles, out: &mut [LogSumExp]) {
    if rows.classes() <= SHORT {
        in_doubles(set, rows, out);
        return;
    }
    for (row, out) in rows.iter().zip(out) {
        if out.max.abs() >= f64::from(LARGE) {
            *out = set.run(OfRow(row));
        } else {
            in_doubles(set, Rows::new(row, row.len()), std::slice::from_mut(out));
        }
    }
}

/// Rows of several blocks.
struct OfBlocks<'a, S> {
    rows: Rows<'a, f32>,
    sums: S,
    out: &'a mut [LogSumExp],
}

impl<S: BlockSums> Task for OfBlocks<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (row, out) in self.rows.iter().zip(self.out) {
            *out = single::of_blocks::<FMA, _>(row, self.sums);
        }
    }
}

/// The blocks of a row.
#[derive(Clone, Copy)]
struct InRegisters<R> {
    registers: R,
    /// Values between two rows.
    gap: usize,
}

impl<R: Registers> BlockSums for InRegisters<R> {
    const BLOCK: usize = BLOCK;

    #[inline(always)]
    fn max_of(self, block: &[f32]) -> f32 {
        self.registers.max_of(block)
    }

    #[inline(always)]
    fn sum_of<const FMA: bool>(self, block: &[f32], max: f32, rest: usize) -> (f64, f64) {
        if max.abs() >= LARGE {
            return single::sum_of::<FMA>(block, max);
        }
        let RowSum { n, sum, ties } = self.registers.sums_of(block, max, Ahead::of_block(rest, self.gap));
        (sum * exp::<FMA>(log_unit(max, n) - R::LN_FACTOR), f64::from(ties))
    }
}

/// The logarithms of what was found.
struct Finish<'a, const ROWS: usize> {
    group: &'a mut Group<ROWS>,
    ln_factor: f64,
    out: &'a mut [LogSumExp],
}

impl<const ROWS: usize> Task for Finish<'_, ROWS> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { group, ln_factor, out } = self;
        let (mut rest, mut log_sum) = ([0.0_f64; ROWS], [0.0_f64; ROWS]);
        for (i, rest) in rest.iter_mut().enumerate() {
            let unit = exp::<FMA>(log_unit(group.max[i], group.n[i]) - ln_factor);
            *rest = group.sum[i] * unit + (f64::from(group.ties[i]) - 1.0);
        }
        for i in 0..ROWS {
            log_sum[i] = ln_1p::<FMA>(rest[i]);
            let max = f64::from(group.max[i]);
            group.proper[i] = u64::from(rest[i] >= TOO_SMALL) & u64::from(max.abs() < f64::from(LARGE));
        }
        for ((out, &max), &log_sum) in out.iter_mut().zip(&group.max).zip(&log_sum) {
            *out = LogSumExp { max: f64::from(max), log_sum };
        }
    }
}

/// The logarithm of what the sum of a row is to be multiplied by, the factor apart.
#[inline(always)]
fn log_unit(max: f32, n: f32) -> f64 {
    f64::from(n) * std::f64::consts::LN_2 - f64::from(max)
}
