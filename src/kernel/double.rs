//! Log-sum-exp of a row in double precision.

use super::Element;
use super::fetch::fetch;
use super::lanes::{exp, larger, ln_1p};
use super::log_sum_exp::LogSumExp;

/// Lanes that a row is summed in: four registers of AVX-512.
const WIDTH: usize = 32;
/// Values that are looked at twice in one go: with as many that are fetched meanwhile, they stay in the first-level
/// cache.
pub(super) const BLOCK: usize = 1024;

#[inline(always)]
fn sum_lanes(x: &[f64; WIDTH]) -> f64 {
    let mut eight = [0.0; 8];
    for i in 0..8 {
        eight[i] = (x[i] + x[i + 8]) + (x[i + 16] + x[i + 24]);
    }
    ((eight[0] + eight[4]) + (eight[2] + eight[6])) + ((eight[1] + eight[5]) + (eight[3] + eight[7]))
}

/// What a row's blocks are looked at with.
pub(super) trait DoubleSums: Copy {
    /// The largest value but for NaN; `-inf` where there is none.
    fn max_of<E: Element>(self, block: &[E]) -> f64;

    /// `Σ exp(x - max)` over all but one of the values that are the finite maximum.
    fn sum_of<E: Element, const FMA: bool>(self, block: &[E], max: f64) -> f64;
}

/// In lanes.
#[derive(Clone, Copy)]
pub(super) struct InLanes;

impl DoubleSums for InLanes {
    #[inline(always)]
    fn max_of<E: Element>(self, block: &[E]) -> f64 {
        let (chunks, rest) = block.as_chunks::<WIDTH>();
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

    #[inline(always)]
    fn sum_of<E: Element, const FMA: bool>(self, block: &[E], max: f64) -> f64 {
        let mut below = [0.0_f64; WIDTH];
        let mut ties = [0.0_f64; WIDTH];
        let (chunks, rest) = block.as_chunks::<WIDTH>();
        for chunk in chunks {
            // Most singles come from [`super::single`], which has read the row.
            if !E::SINGLE {
                fetch(chunk, BLOCK);
            }
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
}

/// One row of any length, for who is compiled for an instruction set already.
#[inline(always)]
pub(super) fn of_row<E: Element, const FMA: bool>(row: &[E]) -> LogSumExp {
    of_blocks::<E, FMA, _>(row, InLanes)
}

#[inline(always)]
pub(super) fn of_blocks<E: Element, const FMA: bool, S: DoubleSums>(row: &[E], sums: S) -> LogSumExp {
    let mut max = f64::NEG_INFINITY;
    // The sum of all but one maximum.
    let mut rest = 0.0_f64;
    for block in row.chunks(BLOCK) {
        let here = sums.max_of(block);
        if !here.is_finite() {
            if here > 0.0 || block.iter().any(|x| x.to_f64().is_nan()) {
                let nan = row.iter().any(|x| x.to_f64().is_nan());
                return LogSumExp { max: if nan { f64::NAN } else { here }, log_sum: f64::NAN };
            }
            continue;
        }
        let sum = sums.sum_of::<E, FMA>(block, here);
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
