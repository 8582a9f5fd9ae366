//! Exponentials of a few numbers beside the largest of them.

use super::exp_sums::ScaledColumns;
use super::instruction_set::Task;
use super::lanes::{exp, fold, larger, lesser, ln_1p};
use super::{Element, InstructionSet};

/// Two registers of AVX-512.
const WIDTH: usize = 16;

/// Writes `unit exp(x - max)` to `out`, of the same length. To about 1e-16, where `unit` is a power of two from 2^-8 to
/// 1; what is below `exp(-700)` may become 0.
pub(crate) fn scaled_columns<E: Element>(
    set: InstructionSet,
    x: &[E],
    unit: f64,
    out: &mut [f64],
) -> ScaledColumns {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx512) = set.avx512() {
        return super::avx512::scaled_columns(avx512, x, unit, out);
    }
    set.run(ScaleColumns { x, unit, out })
}

struct ScaleColumns<'a, E> {
    x: &'a [E],
    unit: f64,
    out: &'a mut [f64],
}

impl<E: Element> Task for ScaleColumns<'_, E> {
    type Output = ScaledColumns;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> ScaledColumns {
        let Self { x, unit, out } = self;
        let (chunks, rest) = x.as_chunks::<WIDTH>();
        let mut last = [f64::NEG_INFINITY; WIDTH];
        for (last, x) in last.iter_mut().zip(rest) {
            *last = x.to_f64();
        }
        let (mut greatest, mut least) = ([f64::NEG_INFINITY; WIDTH], [f64::INFINITY; WIDTH]);
        let mut nan = [0.0; WIDTH];
        let mut look = |chunk: [f64; WIDTH]| {
            for i in 0..WIDTH {
                let x = chunk[i];
                greatest[i] = larger(x, greatest[i]);
                least[i] = if x > f64::NEG_INFINITY { lesser(x, least[i]) } else { least[i] };
                nan[i] = if x.is_nan() { 1.0 } else { nan[i] };
            }
        };
        for chunk in chunks {
            look(chunk.map(E::to_f64));
        }
        look(last);
        let nan = fold(nan, larger) > 0.0;
        let max = if nan { f64::NAN } else { fold(greatest, larger) };
        let least = fold(least, lesser);
        let mut sums = [0.0; WIDTH];
        let mut terms_of = |chunk: [f64; WIDTH]| {
            // Through arrays of this function, which nothing else refers to: only then are these lanes.
            let mut terms = [0.0; WIDTH];
            for i in 0..WIDTH {
                let term = exp::<FMA>(chunk[i] - max);
                sums[i] += term;
                terms[i] = term * unit;
            }
            terms
        };
        let (to, to_rest) = out.as_chunks_mut::<WIDTH>();
        for (chunk, to) in chunks.iter().zip(to) {
            *to = terms_of(chunk.map(E::to_f64));
        }
        let terms = terms_of(last);
        to_rest.copy_from_slice(&terms[..rest.len()]);
        ScaledColumns { max, least, sum: fold(sums, |a, b| a + b) }
    }
}

/// `ln Σ x` of exponentials of which the largest is 1, without that of rounding the sum to it: within 1e-14 relative,
/// also next to 0.
pub(crate) fn log_sum_of(exps: &[f64]) -> f64 {
    InstructionSet::best().run(LogSumOf(exps))
}

struct LogSumOf<'a>(&'a [f64]);

impl Task for LogSumOf<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        let (mut below, mut ones) = ([0.0; WIDTH], [0.0; WIDTH]);
        let (chunks, rest) = self.0.as_chunks::<WIDTH>();
        let mut last = [0.0; WIDTH];
        last[..rest.len()].copy_from_slice(rest);
        // Not by a closure, which need not be inlined, and then is not compiled for the instruction set.
        for chunk in chunks.iter().chain([&last]) {
            for i in 0..WIDTH {
                let x = chunk[i];
                let (term, one) = if x < 1.0 { (x, 0.0) } else { (0.0, 1.0) };
                below[i] += term;
                ones[i] += one;
            }
        }
        ln_1p::<FMA>(fold(below, |a, b| a + b) + (fold(ones, |a, b| a + b) - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares what comes of numbers with what is to.
    fn check<E: Element>(set: InstructionSet, x: &[E]) {
        let numbers = || x.iter().map(|x| x.to_f64());
        let max = numbers().fold(f64::NEG_INFINITY, f64::max);
        let least = numbers().filter(|x| x.is_finite()).fold(f64::INFINITY, f64::min);
        let mut out = vec![0.0; x.len()];
        let found = scaled_columns(set, x, 0.5, &mut out);
        assert_eq!((found.max, found.least), (max, least));
        let mut sum = 0.0;
        for (x, out) in numbers().zip(&out) {
            let expected = (x - max).exp() / 2.0;
            sum += expected * 2.0;
            assert!((out - expected).abs() <= 5e-16 * expected, "{}: {out}, {expected}", set.name());
        }
        assert!((found.sum - sum).abs() <= 1e-14 * sum, "{}: {found:?}, {sum}", set.name());
    }

    #[test]
    fn a_sum_next_to_one_keeps_what_is_above_it() {
        for set in InstructionSet::available() {
            for len in 1..100 {
                for tiny in [0.0, 1e-300, 1e-20, 3e-9, 0.5, 1.0] {
                    let mut exps = vec![tiny; len];
                    exps[len / 2] = 1.0;
                    let expected = (tiny * (len - 1) as f64).ln_1p();
                    let found = set.run(LogSumOf(&exps));
                    assert!(
                        (found - expected).abs() <= 1e-14 * expected,
                        "{}: {found}, {expected}",
                        set.name()
                    );
                }
            }
        }
    }

    #[test]
    fn columns_are_scaled_right_at_every_length() {
        for set in InstructionSet::available() {
            for len in 1..100 {
                let mut x: Vec<f64> = (0..len).map(|i| f64::from(i * 37 % 101) * -0.9 - 400.0).collect();
                if len > 4 {
                    x[len as usize / 3] = f64::NEG_INFINITY;
                }
                check(set, &x);
                let mut single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
                check(set, &single);
                let mut out = vec![0.0; x.len()];
                x[len as usize / 2] = f64::NAN;
                single[len as usize / 2] = f32::NAN;
                assert!(scaled_columns(set, &x, 0.5, &mut out).max.is_nan());
                assert!(scaled_columns(set, &single, 0.5, &mut out).max.is_nan());
            }
            // To where an exponential may become 0.
            check(set, &[0.0_f32, -690.0, -699.9]);
            check(set, &[3e38_f32, 3e38]);
            for nothing in [f32::NEG_INFINITY, -3e38] {
                let mut out = [1.0; 3];
                scaled_columns(set, &[0.0, nothing, 0.0], 0.5, &mut out);
                assert_eq!(out, [0.5, 0.0, 0.5]);
            }
            let mut out = [1.0; 3];
            assert_eq!(scaled_columns(set, &[f32::NEG_INFINITY; 3], 0.5, &mut out).max, f64::NEG_INFINITY);
            assert_eq!(scaled_columns(set, &[f64::NEG_INFINITY; 3], 0.5, &mut out).max, f64::NEG_INFINITY);
            assert_eq!(scaled_columns(set, &[0.0, f32::INFINITY], 0.5, &mut out[..2]).max, f64::INFINITY);
        }
    }
}
