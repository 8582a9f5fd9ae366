//! What exponentials of some numbers come to.

use super::lanes::{exp, larger, lesser, ln_1p};
use super::tile::{Lanes, TILE};
use super::{Element, LogSumExp};

/// What some numbers are beside each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ScaledColumns {
    /// The largest; NaN where any is. Where it is not finite, the rest means nothing.
    pub max: f64,
    /// The least above `-inf`.
    pub least: f64,
    /// `Σ exp(x - max)`.
    pub sum: f64,
}

/// What rows side by side come to, a lane each.
pub(super) struct RowSums {
    /// The largest value but for NaN.
    pub max: [f64; TILE],
    /// The logarithm of the sum of the exponentials; no number from 0 on where some value is none.
    pub log_sum: [f64; TILE],
    /// The least of what is kept.
    pub least: [f64; TILE],
}

impl RowSums {
    /// Rows side by side. `keep` is given the place in its row and `exp(x - max)` of each value.
    #[inline(always)]
    pub(super) fn of_tile<E: Element, const FMA: bool>(
        tile: &[Lanes<E>],
        mut keep: impl FnMut(usize, [f64; TILE]),
    ) -> Self {
        let mut max = [f64::NEG_INFINITY; TILE];
        for lanes in tile {
            for i in 0..TILE {
                max[i] = larger(lanes[i].to_f64(), max[i]);
            }
        }
        let mut below = [0.0_f64; TILE];
        let mut ties = [-1.0_f64; TILE];
        let mut least = [f64::INFINITY; TILE];
        for (place, lanes) in tile.iter().enumerate() {
            let mut exps = [0.0; TILE];
            for i in 0..TILE {
                let x = lanes[i].to_f64();
                let e = exp::<FMA>(x - max[i]);
                let (term, tie) = if x >= max[i] { (0.0, 1.0) } else { (e, 0.0) };
                below[i] += term;
                ties[i] += tie;
                least[i] = lesser(e, least[i]);
                exps[i] = e;
            }
            keep(place, exps);
        }
        let mut log_sum = [0.0_f64; TILE];
        for i in 0..TILE {
            log_sum[i] = ln_1p::<FMA>(below[i] + ties[i]);
        }
        Self { max, log_sum, least }
    }

    /// That of a row; none where it is out of the ordinary.
    #[inline(always)]
    pub(super) fn log_sum_exp(&self, lane: usize) -> Option<LogSumExp> {
        let (max, log_sum) = (self.max[lane], self.log_sum[lane]);
        (log_sum >= 0.0 && max.is_finite()).then_some(LogSumExp { max, log_sum })
    }
}
