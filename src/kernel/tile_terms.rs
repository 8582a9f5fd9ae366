//! Sums over all classes of rows side by side: see [`super::class_terms`].

use super::instruction_set::Task;
use super::sum::two_sum;
use super::tile::{Lanes, TILE};
use super::{Element, LogSumExp, Tiles};

/// Terms that are added up in a plain sum; these sums are added without what rounding loses.
const AT_ONCE: usize = 8;

/// Of each row `Σ_c -w[c] lp[c] (a s[c] + b)` with log-probabilities `lp`, shares `s` and weights `w`.
pub(crate) struct TileTerms<'a, E, P> {
    pub values: &'a Tiles<E>,
    /// What takes each row's values to log-probabilities; where none, they are such.
    pub shifts: Option<&'a [LogSumExp]>,
    /// A share for each class of each row; where none, what is in brackets is 1.
    pub shares: Option<&'a Tiles<P>>,
    /// What each share is multiplied by, and what is added then: `(a, b)`.
    pub smoothed: (f64, f64),
    /// A weight for each class, 1 where none.
    pub weight: Option<&'a [f64]>,
    /// `[rows]`.
    pub out: &'a mut [f64],
}

impl<E: Element, P: Element> Task for TileTerms<'_, E, P> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { values, shifts, shares, smoothed: (kept, uniform), weight, out } = self;
        let classes = values.classes();
        let weight = weight.map(|weight| &weight[..classes]);
        assert!(shares.is_none_or(|shares| (shares.classes(), shares.len()) == (classes, values.len())));
        for ((number, tile), out) in values.iter().enumerate().zip(out.chunks_mut(TILE)) {
            let tile = &tile[..classes];
            let shares = shares.map(|shares| &shares.tile(number)[..classes]);
            let (mut max, mut log_sum) = ([0.0; TILE], [0.0; TILE]);
            if let Some(shifts) = shifts {
                for (i, shift) in shifts[number * TILE..].iter().take(TILE).enumerate() {
                    (max[i], log_sum[i]) = (shift.max, shift.log_sum);
                }
            }
            let (mut total, mut lost) = ([0.0; TILE], [0.0; TILE]);
            for (block, lanes) in tile.chunks(AT_ONCE).enumerate() {
                let mut plain = [0.0; TILE];
                for (at, lanes) in lanes.iter().enumerate() {
                    let class = block * AT_ONCE + at;
                    let mut terms = negated::<E>(lanes, &max, &log_sum);
                    if let Some(shares) = shares {
                        for i in 0..TILE {
                            terms[i] *= shares[class][i].to_f64() * kept + uniform;
                        }
                    }
                    if let Some(weight) = weight {
                        for term in &mut terms {
                            *term *= weight[class];
                        }
                    }
                    for i in 0..TILE {
                        plain[i] += terms[i];
                    }
                }
                for i in 0..TILE {
                    let (sum, error) = two_sum(total[i], plain[i]);
                    total[i] = sum;
                    lost[i] += error;
                }
            }
            for (i, out) in out.iter_mut().enumerate() {
                // Where a sum is infinite, what it lost is NaN.
                *out = if total[i].is_finite() { total[i] + lost[i] } else { total[i] };
            }
        }
    }
}

/// The log-probabilities of a class, less than 0 as more.
#[inline(always)]
fn negated<E: Element>(lanes: &Lanes<E>, max: &[f64; TILE], log_sum: &[f64; TILE]) -> [f64; TILE] {
    let mut terms = [0.0; TILE];
    for i in 0..TILE {
        terms[i] = -(lanes[i].to_f64() - max[i] - log_sum[i]);
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::class_terms::ClassTerms;
    use crate::kernel::{InstructionSet, Rows};

    /// Each row by itself, by the kernel for one row.
    #[test]
    fn rows_side_by_side_are_as_each_by_itself() {
        for classes in [1, 2, 7, 8, 9, 21, 100, 128] {
            let rows = 37;
            let value = |i: usize| (i * 37 % 101) as f32 * 0.37 - 20.0;
            let values: Vec<f32> = (0..rows * classes).map(value).collect();
            let factors: Vec<f64> = (0..rows * classes).map(|i| (i * 53 % 89) as f64 / 64.0).collect();
            let weights: Vec<f64> = (0..classes).map(|i| (i * 29 % 13) as f64 / 8.0).collect();
            let shifts: Vec<LogSumExp> =
                (0..rows).map(|i| LogSumExp { max: 17.37 + i as f64, log_sum: 0.5 }).collect();
            for set in InstructionSet::available() {
                let mut tiles = Tiles::new(classes).expect("few classes");
                let mut shares = Tiles::new(classes).expect("few classes");
                tiles.take_rows(set, Rows::new(&values, classes));
                shares.take_rows(set, Rows::new(&factors, classes));
                for kind in 0..8 {
                    let shifts = (kind & 1 == 1).then_some(&shifts[..]);
                    let shares = (kind & 2 == 2).then_some(&shares);
                    let weight = (kind & 4 == 4).then_some(&weights[..]);
                    let smoothed = (0.75, 0.125);
                    let mut out = vec![f64::NAN; rows];
                    set.run(TileTerms { values: &tiles, shifts, shares, smoothed, weight, out: &mut out });
                    for (row, (found, values)) in out.iter().zip(values.chunks(classes)).enumerate() {
                        let shift = shifts.map_or(LogSumExp::ZERO, |shifts| shifts[row]);
                        let shares = shares.map(|_| &factors[row * classes..][..classes]);
                        let expected =
                            set.run(ClassTerms { values, shift, shares, smoothed, weight }).value();
                        // Of terms of any sign, each step rounds by half a unit of what all sizes sum to.
                        let size = 60.0 * 2.0 * 2.0 * classes as f64;
                        assert!(
                            (found - expected).abs() <= 1e-15 * size,
                            "{classes}, {row}: {found}, {expected}"
                        );
                    }
                }
            }
        }
    }
}
