//! The normaliser of a row, in two parts.

/// The logarithm of a sum of exponentials, kept in two parts so that `x - lse` does not cancel.
///
/// `x - max - log_sum` is exact to the last bits even where all `x` are large and close together;
/// `x - (max + log_sum)` is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSumExp {
    /// The row's largest value; NaN if any value is NaN, `-inf` for an empty row.
    pub max: f64,
    /// `ln Σ exp(x - max)`, between 0 and `ln(classes)`; NaN where `max` is not finite.
    pub log_sum: f64,
}

impl LogSumExp {
    /// What to subtract from values that are log-probabilities already: nothing.
    pub const ZERO: Self = Self { max: 0.0, log_sum: 0.0 };

    /// `ln Σ exp(x)`: `-inf` for a row of `-inf`, `+inf` where a value is `+inf`, NaN where one is NaN.
    pub fn value(self) -> f64 {
        if self.max.is_infinite() { self.max } else { self.max + self.log_sum }
    }

    /// The log-probability of a value of this row, `x - ln Σ exp`.
    ///
    /// NaN for every value of a row that has no distribution (a NaN, a `+inf`, or nothing but `-inf`).
    #[inline(always)]
    pub fn log_prob(self, x: f64) -> f64 {
        x - self.max - self.log_sum
    }

    /// Whether the row is a distribution: no NaN, no `+inf`, something above `-inf`.
    pub fn is_proper(self) -> bool {
        self.max.is_finite()
    }
}

/// `ln(exp(a) + exp(b))`, where either may be `-inf`.
pub fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
