//! Exponentials of a few numbers that are scaled to sum to one.

use super::InstructionSet;
use super::instruction_set::Task;
use super::lanes::exp;

/// Two registers of AVX-512.
const WIDTH: usize = 16;

/// What a frame's columns were divided by, and what was lost of them.
pub(crate) struct ScaledColumns {
    /// The largest logarithm; NaN where any is. Where it is not finite, the rest means nothing.
    pub(crate) max: f64,
    /// `Σ exp(x - max)`.
    pub(crate) total: f64,
    /// Whether a probability above 0 became 0.
    pub(crate) dropped: bool,
}

/// Writes `exp(x)` to `out`, of the same length, divided by their sum; what is below `flush` becomes 0.
/// To about 1e-15.
pub(crate) fn scaled_columns(set: InstructionSet, x: &[f64], flush: f64, out: &mut [f64]) -> ScaledColumns {
    set.run(ScaleColumns { x, flush, out })
}

struct ScaleColumns<'a> {
    x: &'a [f64],
    flush: f64,
    out: &'a mut [f64],
}

impl Task for ScaleColumns<'_> {
    type Output = ScaledColumns;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> ScaledColumns {
        let Self { x, flush, out } = self;
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
        for (chunk, to) in chunks.iter().zip(&mut *to) {
            // Through arrays of this function, which nothing else refers to: only then are these lanes.
            let mut terms = [0.0; WIDTH];
            for i in 0..WIDTH {
                terms[i] = exp::<FMA>(chunk[i] - max);
                sum[i] += terms[i];
            }
            *to = terms;
        }
        let mut terms = [0.0; WIDTH];
        for i in 0..WIDTH {
            terms[i] = exp::<FMA>(last[i] - max);
            sum[i] += terms[i];
        }
        let mut half = [0.0; WIDTH / 2];
        for i in 0..WIDTH / 2 {
            half[i] = sum[i] + sum[i + WIDTH / 2];
        }
        let total: f64 = half.iter().sum();
        if total.is_nan() && x.iter().any(|x| x.is_nan()) {
            max = f64::NAN;
        }
        let unit = 1.0 / total;
        let mut lost = [0.0; WIDTH];
        for (chunk, to) in chunks.iter().zip(to) {
            let mut terms = *to;
            for i in 0..WIDTH {
                let scaled = terms[i] * unit;
                terms[i] = if scaled < flush { 0.0 } else { scaled };
                let is_lost = scaled < flush && chunk[i] > f64::NEG_INFINITY;
                lost[i] = if is_lost { 1.0 } else { lost[i] };
            }
            *to = terms;
        }
        for i in 0..WIDTH {
            let scaled = terms[i] * unit;
            terms[i] = if scaled < flush { 0.0 } else { scaled };
            let is_lost = scaled < flush && last[i] > f64::NEG_INFINITY;
            lost[i] = if is_lost { 1.0 } else { lost[i] };
        }
        for (to, term) in to_rest.iter_mut().zip(terms) {
            *to = term;
        }
        ScaledColumns { max, total, dropped: lost.iter().any(|&lost| lost > 0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_scaled_right_at_every_length() {
        for set in InstructionSet::available() {
            for len in 1..50 {
                let x: Vec<f64> = (0..len).map(|i| f64::from(i * 37 % 101) * -0.9 - 400.0).collect();
                let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = x.iter().map(|x| (x - max).exp()).sum();
                let mut out = vec![0.0; x.len()];
                let found = scaled_columns(set, &x, 1e-30, &mut out);
                assert_eq!(found.max, max);
                assert!((found.total - total).abs() <= 1e-14 * total);
                let mut dropped = false;
                for (x, out) in x.iter().zip(&out) {
                    let expected = (x - max).exp() / total;
                    dropped |= expected < 1e-30;
                    let expected = if expected < 1e-30 { 0.0 } else { expected };
                    assert!((out - expected).abs() <= 2e-15 * expected, "{}: {out}, {expected}", set.name());
                }
                assert_eq!(found.dropped, dropped);
                let mut broken = x;
                broken[len as usize / 2] = f64::NAN;
                assert!(scaled_columns(set, &broken, 1e-30, &mut out).max.is_nan());
            }
            let mut out = [1.0; 3];
            let found = scaled_columns(set, &[0.0, f64::NEG_INFINITY, 0.0], 1e-30, &mut out);
            assert!(!found.dropped && out == [0.5, 0.0, 0.5]);
        }
    }
}
