use serde::Serialize;

use super::error_counts::RateSummary;

/// A check that was asked for, and how it came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// The option that asked for it: `max_loss`, `expect`.
    pub name: &'static str,
    /// What was found.
    pub observed: f64,
    /// What was allowed or expected.
    pub limit: f64,
    /// Whether it holds.
    pub passed: bool,
    /// One line for people.
    pub message: String,
}

impl Check {
    /// `observed` is not above `limit`, and is a number.
    pub fn at_most(name: &'static str, what: &str, observed: f64, limit: f64) -> Self {
        let passed = observed <= limit;
        let relation = if passed { "is at most" } else { "is not at most" };
        Self { name, observed, limit, passed, message: format!("{what} {observed} {relation} {limit}") }
    }

    /// The limits of the error rates that were given; a rate over nothing is NaN and holds no limit.
    pub fn error_rates(rates: &RateSummary, max_cer: Option<f64>, max_wer: Option<f64>) -> Vec<Self> {
        let check = |name, what, rate: Option<f64>, limit: Option<f64>| {
            limit.map(|limit| Self::at_most(name, what, rate.unwrap_or(f64::NAN), limit))
        };
        let cer = check("max_cer", "CER", rates.cer_ratio, max_cer);
        cer.into_iter().chain(check("max_wer", "WER", rates.wer_ratio, max_wer)).collect()
    }

    /// `|observed - expected| <= atol + rtol |expected|`; equal infinities pass, NaN never does.
    pub fn close(name: &'static str, what: &str, observed: f64, expected: f64, rtol: f64, atol: f64) -> Self {
        let allowed = atol + rtol * expected.abs();
        let difference = (observed - expected).abs();
        let passed = observed == expected || expected.is_finite() && difference <= allowed;
        let message = if passed {
            format!("{what} {observed} is within {allowed:e} of {expected}")
        } else {
            format!("{what} {observed} differs from {expected} by {difference:e}, allowed {allowed:e}")
        };
        Self { name, observed, limit: expected, passed, message }
    }
}
