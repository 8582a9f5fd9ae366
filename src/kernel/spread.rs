//! What a row's numbers are like: their range, their sum, and how far they are from the largest on average.

use super::instruction_set::Task;
use super::lanes::{exp, fold, larger, lesser};
use super::{Element, InstructionSet};

/// Two registers of AVX-512.
const WIDTH: usize = 16;

/// Range and sum of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least value; `+inf` for an empty row. Means nothing where `sum` is not finite.
    pub least: f64,
    /// The greatest value; `-inf` for an empty row. Means nothing where `sum` is not finite.
    pub greatest: f64,
    /// The sum; not finite where a value is not.
    pub sum: f64,
}

/// Looks at a row once.
pub fn spread<E: Element>(row: &[E]) -> Spread {
    InstructionSet::best().run(SpreadOf(row))
}

struct SpreadOf<'a, E>(&'a [E]);

impl<E: Element> Task for SpreadOf<'_, E> {
    type Output = Spread;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Spread {
        let (mut least, mut greatest) = ([f64::INFINITY; WIDTH], [f64::NEG_INFINITY; WIDTH]);
        let mut sum = [0.0; WIDTH];
        let (chunks, rest) = self.0.as_chunks::<WIDTH>();
        for chunk in chunks {
            for i in 0..WIDTH {
                let x = chunk[i].to_f64();
                least[i] = if x < least[i] { x } else { least[i] };
                greatest[i] = if x > greatest[i] { x } else { greatest[i] };
                sum[i] += x;
            }
        }
        if let Some(first) = rest.first() {
            // What fills up the last lanes changes nothing.
            let (mut last, mut terms) = ([*first; WIDTH], [E::ZERO; WIDTH]);
            last[..rest.len()].copy_from_slice(rest);
            terms[..rest.len()].copy_from_slice(rest);
            for i in 0..WIDTH {
                let x = last[i].to_f64();
                least[i] = if x < least[i] { x } else { least[i] };
                greatest[i] = if x > greatest[i] { x } else { greatest[i] };
                sum[i] += terms[i].to_f64();
            }
        }
        Spread { least: fold(least, lesser), greatest: fold(greatest, larger), sum: fold(sum, |a, b| a + b) }
    }
}

/// `Σ exp(x - max) (max - x)` over a row of finite values, of which `max` is the greatest. To about 1e-14.
pub fn exp_weighted_distance_sum<E: Element>(row: &[E], max: f64) -> f64 {
    InstructionSet::best().run(DistanceSum { row, max })
}

/// So far below, nothing is added; the distance itself may be beyond doubles.
const FAR_BELOW: f64 = 1e4;

struct DistanceSum<'a, E> {
    row: &'a [E],
    max: f64,
}

impl<E: Element> Task for DistanceSum<'_, E> {
    type Output = f64;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> f64 {
        let Self { row, max } = self;
        let mut sum = [0.0; WIDTH];
        let (chunks, rest) = row.as_chunks::<WIDTH>();
        for chunk in chunks {
            for i in 0..WIDTH {
                let below = (max - chunk[i].to_f64()).min(FAR_BELOW);
                sum[i] += exp::<FMA>(-below) * below;
            }
        }
        // At the largest value nothing is added.
        let mut last = [max; WIDTH];
        for (lane, x) in last.iter_mut().zip(rest) {
            *lane = x.to_f64();
        }
        for i in 0..WIDTH {
            let below = (max - last[i]).min(FAR_BELOW);
            sum[i] += exp::<FMA>(-below) * below;
        }
        sum.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_length_are_as_the_definitions_say() {
        for len in 0..70_u32 {
            let row: Vec<f32> = (0..len).map(|i| (i * 37 % 101) as f32 * 0.37 - 12.0).collect();
            let wide = || row.iter().map(|&x| f64::from(x));
            let (least, greatest) =
                (wide().fold(f64::INFINITY, f64::min), wide().fold(f64::NEG_INFINITY, f64::max));
            let total: f64 = wide().sum();
            let distances: f64 = wide().map(|x| (x - greatest).exp() * (greatest - x)).sum();
            for set in InstructionSet::available() {
                let found = set.run(SpreadOf(&row));
                assert_eq!((found.least, found.greatest), (least, greatest));
                assert!((found.sum - total).abs() <= 1e-12 * total.abs().max(1.0));
                let max = if len == 0 { 0.0 } else { greatest };
                let found = set.run(DistanceSum { row: &row, max });
                assert!(
                    (found - distances).abs() <= 1e-13 * distances.max(1.0),
                    "{len}: {found}, {distances}"
                );
            }
        }
    }

    #[test]
    fn the_sum_tells_that_a_value_is_not_finite() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in 0..40 {
                let mut row = [1.0; 40];
                row[at] = bad;
                assert!(!spread(&row).sum.is_finite());
            }
        }
        assert!(!spread(&[f32::INFINITY, f32::NEG_INFINITY]).sum.is_finite());
    }
}
