use serde::Serialize;

use super::compare::{CompareParams, CompareSummary};
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

    /// Whether two matrices or results are the same within tolerance.
    pub fn comparison(summary: &CompareSummary, params: &CompareParams) -> Self {
        let observed = summary.statistic.or(summary.max_absolute).unwrap_or(0.0);
        let place = summary.max_absolute_place.as_deref().unwrap_or("nowhere");
        let items = |list: &Option<Vec<u64>>| list.as_ref().map_or(0, Vec::len);
        let (fresh, gone) = (items(&summary.new_items), items(&summary.gone_items));
        let worst = match summary.max_absolute {
            Some(most) if most != 0.0 => {
                format!(", the greatest absolute difference is {most:e} at {place}")
            }
            _ => String::new(),
        };
        let items = match fresh + gone {
            0 => String::new(),
            _ => format!(", {fresh} items are new and {gone} gone"),
        };
        let message = format!(
            "{} against {}: {} of {} values differ{worst}{items}",
            params.new, params.base, summary.differing, summary.values
        );
        Self {
            name: "compare",
            observed,
            limit: summary.allowed.unwrap_or(0.0),
            passed: summary.equal,
            message,
        }
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
