//! Log-sum-exp of rows in double-precision lanes.

use super::exp_rows::RowSums;
use super::instruction_set::Task;
use super::lanes::{exp, larger, ln_1p};
use super::log_sum_exp::LogSumExp;
use super::rows::Rows;
use super::tile::{Aligned, SHORT, TILE};
use super::{Element, InstructionSet};

/// Lanes that a row is summed in: four registers of AVX-512.
const WIDTH: usize = 32;
/// Values that are looked at twice in one go: they stay in the first-level cache.
const BLOCK: usize = 2048;

/// The largest value but for NaN; `-inf` where there is none.
#[inline(always)]
fn max_of<E: Element>(values: &[E]) -> f64 {
    let (chunks, rest) = values.as_chunks::<WIDTH>();
    let mut lanes = [f64::NEG_INFINITY; WIDTH];
    for chunk in chunks {
        for i in 0..WIDTH {
            let x = chunk[i].to_f64();
            lanes[i] = larger(x, lanes[i]);
        }
    }
    let mut max = f64::NEG_INFINITY;
    for x in rest {
        max = if x.to_f64() > max { x.to_f64() } else { max };
    }
    let mut eight = [f64::NEG_INFINITY; 8];
    for i in 0..8 {
        eight[i] = larger(larger(lanes[i], lanes[i + 8]), larger(lanes[i + 16], lanes[i + 24]));
    }
    for x in eight {
        max = larger(x, max);
    }
    max
}

/// `Σ exp(x - max)` over all but one of the values that are the maximum.
#[inline(always)]
fn sum_of<E: Element, const FMA: bool>(values: &[E], max: f64) -> f64 {
    let mut below = [0.0_f64; WIDTH];
    let mut ties = [0.0_f64; WIDTH];
    let (chunks, rest) = values.as_chunks::<WIDTH>();
    for chunk in chunks {
        for i in 0..WIDTH {
            let x = chunk[i].to_f64();
            let e = exp::<FMA>(x - max);
            let (term, tie) = if x >= max { (0.0, 1.0) } else { (e, 0.0) };
            below[i] += term;
            ties[i] += tie;
        }
    }
    let mut lanes = [f64::NEG_INFINITY; WIDTH];
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = x.to_f64();
    }
    if !rest.is_empty() {
        for i in 0..WIDTH {
            let e = exp::<FMA>(lanes[i] - max);
            let (term, tie) = if lanes[i] >= max { (0.0, 1.0) } else { (e, 0.0) };
            below[i] += term;
            ties[i] += tie;
        }
    }
    sum_lanes(&below) + (sum_lanes(&ties) - 1.0)
}

#[inline(always)]
fn sum_lanes(x: &[f64; WIDTH]) -> f64 {
    let mut eight = [0.0; 8];
    for i in 0..8 {
        eight[i] = (x[i] + x[i + 8]) + (x[i + 16] + x[i + 24]);
    }
    ((eight[0] + eight[4]) + (eight[2] + eight[6])) + ((eight[1] + eight[5]) + (eight[3] + eight[7]))
}

/// One row of any length, in double precision.
#[inline(always)]
pub(super) fn of_row<E: Element, const FMA: bool>(row: &[E]) -> LogSumExp {
    let mut max = f64::NEG_INFINITY;
    // The sum of all but one maximum.
    let mut rest = 0.0_f64;
    for block in row.chunks(BLOCK) {
        let here = max_of(block);
        if !here.is_finite() {
            if here > 0.0 || block.iter().any(|x| x.to_f64().is_nan()) {
                let nan = row.iter().any(|x| x.to_f64().is_nan());
                return LogSumExp { max: if nan { f64::NAN } else { here }, log_sum: f64::NAN };
            }
            continue;
        }
        let sum = sum_of::<E, FMA>(block, here);
        if here > max {
            let before = if max == f64::NEG_INFINITY { 0.0 } else { (1.0 + rest) * (max - here).exp() };
            (max, rest) = (here, sum + before);
        } else {
            rest += (1.0 + sum) * (here - max).exp();
        }
    }
    match () {
        () if rest.is_nan() => LogSumExp { max: f64::NAN, log_sum: f64::NAN },
        () if max == f64::NEG_INFINITY => LogSumExp { max, log_sum: f64::NAN },
        () => LogSumExp { max, log_sum: ln_1p::<FMA>(rest) },
    }
}

/// Rows of up to [`SHORT`] values, [`TILE`] of them side by side.
#[inline(always)]
fn of_short_rows<E: Element, const FMA: bool>(set: InstructionSet, rows: Rows<'_, E>, out: &mut [LogSumExp]) {
    let mut tile = Aligned([[E::ZERO; TILE]; SHORT]);
    for (rows, out) in rows.chunks(TILE).zip(out.chunks_mut(TILE)) {
        E::transpose(set, rows, &mut tile.0);
        let sums = RowSums::of_tile::<E, FMA>(&tile.0[..rows.classes()], |_, _| {});
        for (lane, (row, out)) in rows.iter().zip(out).enumerate() {
            *out = sums.log_sum_exp(lane).unwrap_or_else(|| of_row::<E, FMA>(row));
        }
    }
}

/// One row with the instructions of a set.
pub(super) struct OfRow<'a, E>(pub(super) &'a [E]);

impl<E: Element> Task for OfRow<'_, E> {
    type Output = LogSumExp;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> LogSumExp {
        of_row::<E, FMA>(self.0)
    }
}

/// Each of some rows.
pub(super) struct OfRows<'a, E> {
    pub(super) set: InstructionSet,
    pub(super) rows: Rows<'a, E>,
    pub(super) out: &'a mut [LogSumExp],
}

impl<E: Element> Task for OfRows<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        if self.rows.classes() <= SHORT {
            of_short_rows::<E, FMA>(self.set, self.rows, self.out);
            return;
        }
        for (row, out) in self.rows.iter().zip(self.out) {
            *out = of_row::<E, FMA>(row);
        }
    }
}
