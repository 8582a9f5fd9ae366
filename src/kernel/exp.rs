//! Exponentials of a few numbers.

use super::InstructionSet;
use super::instruction_set::Task;
use super::lanes::exp;

/// Two registers of AVX-512.
const WIDTH: usize = 16;

/// `Σ exp(x)` for `x <= 0`, to about 1e-15 relative; `-inf` adds nothing, NaN stays.
pub fn sum_of_exp(x: &[f64]) -> f64 {
    InstructionSet::best().run(SumOfExp(x))
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
