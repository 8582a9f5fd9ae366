//! Exponentials of a few numbers beside the largest of them.

use super::InstructionSet;
use super::instruction_set::Task;
use super::lanes::{exp, larger};

/// Two registers of AVX-512.
const WIDTH: usize = 16;

/// What a frame's columns were divided by, and whether something was lost of them.
pub(crate) struct ScaledColumns {
    /// The largest logarithm; NaN where any is. Where it is not finite, the rest means nothing.
    pub(crate) max: f64,
    /// Whether a probability above 0 became 0.
    pub(crate) dropped: bool,
}

/// Writes `unit exp(x - max)` to `out`, of the same length; what is below `flush` becomes 0. To about 1e-16, where
/// `unit` is a power of two.
pub(crate) fn scaled_columns(
    set: InstructionSet,
    x: &[f64],
    unit: f64,
    flush: f64,
    out: &mut [f64],
) -> ScaledColumns {
    set.run(ScaleColumns { x, unit, flush, out })
}

struct ScaleColumns<'a> {
    x: &'a [f64],
    unit: f64,
    flush: f64,
    out: &'a mut [f64],
}

/// The largest of the lanes, by halves, so that they need not wait for each other.
#[inline(always)]
fn largest(lanes: [f64; WIDTH]) -> f64 {
    let (mut max8, mut max4) = ([0.0; 8], [0.0; 4]);
    for i in 0..8 {
        max8[i] = larger(lanes[i], lanes[i + 8]);
    }
    for i in 0..4 {
        max4[i] = larger(max8[i], max8[i + 4]);
    }
    larger(larger(max4[0], max4[2]), larger(max4[1], max4[3]))
}

impl Task for ScaleColumns<'_> {
    type Output = ScaledColumns;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> ScaledColumns {
        let Self { x, unit, flush, out } = self;
        let (chunks, rest) = x.as_chunks::<WIDTH>();
        let mut last = [f64::NEG_INFINITY; WIDTH];
        last[..rest.len()].copy_from_slice(rest);
        let mut lanes = [f64::NEG_INFINITY; WIDTH];
        let mut nan = [0.0; WIDTH];
        for chunk in chunks.iter().chain([&last]) {
            for i in 0..WIDTH {
                lanes[i] = larger(chunk[i], lanes[i]);
                nan[i] = if chunk[i].is_nan() { 1.0 } else { nan[i] };
            }
        }
        let max = if nan.iter().any(|&nan| nan > 0.0) { f64::NAN } else { largest(lanes) };
        let mut lost = [0.0; WIDTH];
        let mut terms = [0.0; WIDTH];
        let (to, to_rest) = out.as_chunks_mut::<WIDTH>();
        for (chunk, to) in chunks.iter().zip(to) {
            // Through arrays of this function, which nothing else refers to: only then are these lanes.
            for i in 0..WIDTH {
                let term = exp::<FMA>(chunk[i] - max) * unit;
                terms[i] = if term < flush { 0.0 } else { term };
                lost[i] = if term < flush && chunk[i] > f64::NEG_INFINITY { 1.0 } else { lost[i] };
            }
            *to = terms;
        }
        for i in 0..WIDTH {
            let term = exp::<FMA>(last[i] - max) * unit;
            terms[i] = if term < flush { 0.0 } else { term };
            lost[i] = if term < flush && last[i] > f64::NEG_INFINITY { 1.0 } else { lost[i] };
        }
        to_rest.copy_from_slice(&terms[..rest.len()]);
        ScaledColumns { max, dropped: lost.iter().any(|&lost| lost > 0.0) }
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
                let mut out = vec![0.0; x.len()];
                let found = scaled_columns(set, &x, 0.5, 1e-30, &mut out);
                assert_eq!(found.max, max);
                let mut dropped = false;
                for (x, out) in x.iter().zip(&out) {
                    let expected = (x - max).exp() / 2.0;
                    dropped |= expected < 1e-30;
                    let expected = if expected < 1e-30 { 0.0 } else { expected };
                    assert!((out - expected).abs() <= 5e-16 * expected, "{}: {out}, {expected}", set.name());
                }
                assert_eq!(found.dropped, dropped);
                let mut broken = x;
                broken[len as usize / 2] = f64::NAN;
                assert!(scaled_columns(set, &broken, 0.5, 1e-30, &mut out).max.is_nan());
            }
            let mut out = [1.0; 3];
            let found = scaled_columns(set, &[0.0, f64::NEG_INFINITY, 0.0], 0.5, 1e-30, &mut out);
            assert!(!found.dropped && out == [0.5, 0.0, 0.5]);
        }
    }
}
