//! Exponentials of a few numbers.

use super::InstructionSet;
use super::instruction_set::Task;
use super::lanes::exp;

/// Two registers of AVX-512.
const WIDTH: usize = 16;

/// `Σ exp(x)` for `x <= 0`, to about 1e-15 relative; `-inf` adds nothing, NaN stays.
pub fn sum_of_exp(set: InstructionSet, x: &[f64]) -> f64 {
    set.run(SumOfExp(x))
}

/// Writes `exp(x - max)` to `out`, of the same length; returns the maximum and the sum of what was written.
/// To about 1e-15; 0 below `exp(-708)`. The maximum is NaN where any `x` is; where it is not finite, the rest
/// means nothing.
pub(crate) fn exp_from_max(set: InstructionSet, x: &[f64], out: &mut [f64]) -> (f64, f64) {
    set.run(ExpFromMax { x, out })
}

struct ExpFromMax<'a> {
    x: &'a [f64],
    out: &'a mut [f64],
}

impl Task for ExpFromMax<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<const FMA: bool>(self) -> (f64, f64) {
        let Self { x, out } = self;
        let (chunks, rest) = x.as_chunks::<WIDTH>();
        let mut last = [f64::NEG_INFINITY; WIDTH];
        for (lane, &x) in last.iter_mut().zip(rest) {
            *lane = x;
        }
        let mut lanes = [f64::NEG_INFINITY; WIDTH];
        for chunk in chunks.iter().chain([&last]) {
            for i in 0..WIDTH {
                lanes[i] = if chunk[i] > lanes[i] { chunk[i] } else { lanes[i] };
            }
        }
        let mut max = f64::NEG_INFINITY;
        for lane in lanes {
            max = if lane > max { lane } else { max };
        }
        // What is not taken by the comparisons comes out in the sum.
        let mut sum = [0.0; WIDTH];
        let (to, to_rest) = out.as_chunks_mut::<WIDTH>();
        for (chunk, to) in chunks.iter().zip(to) {
            for i in 0..WIDTH {
                to[i] = exp::<FMA>(chunk[i] - max);
                sum[i] += to[i];
            }
        }
        let mut terms = [0.0; WIDTH];
        for i in 0..WIDTH {
            terms[i] = exp::<FMA>(last[i] - max);
            sum[i] += terms[i];
        }
        for (to, term) in to_rest.iter_mut().zip(terms) {
            *to = term;
        }
        let total: f64 = sum.iter().sum();
        if total.is_nan() && x.iter().any(|x| x.is_nan()) {
            max = f64::NAN;
        }
        (max, total)
    }
}

struct SumOfExp<'a>(&'a [f64]);

impl Task for SumOfExp<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        let mut sum = [0.0; WIDTH];
        let (chunks, rest) = self.0.as_chunks::<WIDTH>();
        for chunk in chunks {
            for i in 0..WIDTH {
                sum[i] += exp::<FMA>(chunk[i]);
            }
        }
        let mut last = [f64::NEG_INFINITY; WIDTH];
        last[..rest.len()].copy_from_slice(rest);
        for i in 0..WIDTH {
            sum[i] += exp::<FMA>(last[i]);
        }
        sum.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_from_the_maximum_are_right_at_every_length() {
        for set in InstructionSet::available() {
            for len in 1..50 {
                let x: Vec<f64> = (0..len).map(|i| f64::from(i * 37 % 101) * -0.9 - 400.0).collect();
                let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let mut out = vec![0.0; x.len()];
                let (found, total) = exp_from_max(set, &x, &mut out);
                assert_eq!(found, max);
                for (x, out) in x.iter().zip(&out) {
                    let expected = (x - max).exp();
                    assert!((out - expected).abs() <= 1e-15 * expected, "{}: {out}, {expected}", set.name());
                }
                assert!((total - out.iter().sum::<f64>()).abs() <= 1e-14 * total);
                let mut broken = x;
                broken[len as usize / 2] = f64::NAN;
                assert!(exp_from_max(set, &broken, &mut out).0.is_nan());
            }
        }
    }
}
