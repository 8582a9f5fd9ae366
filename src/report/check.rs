//! Checks: what was asked for, and how it came out.

use serde::Serialize;

use super::compare::{CompareParams, CompareSummary};
use super::error_counts::RateSummary;
use super::{Shortest, Status};
use crate::input::display_name;
use crate::metrics::{Difference, Tolerance};
use crate::shown;

/// A check that was asked for, and how it came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Check {
    /// What asked for it: `max_loss`, `expect`, `max_cer`, `max_wer`, `compare`; `cer` and `wer` have no limit.
    pub name: &'static str,
    /// What was found: for `compare`, the greatest difference of numbers, else how many texts, items and the like differ.
    pub observed: f64,
    /// What kind of number that is.
    pub status: Status,
    /// What was allowed or expected.
    pub limit: f64,
    /// Whether it holds.
    pub passed: bool,
    /// One line for people.
    pub message: String,
}

impl Check {
    /// `observed` is not above `limit`, and is a number. A loss or a rate of `-inf` is none that anybody wants.
    pub(crate) fn at_most(name: &'static str, what: &str, observed: f64, limit: f64) -> Self {
        let passed = observed <= limit && observed > f64::NEG_INFINITY;
        let relation = match () {
            () if passed => "is at most",
            () if observed > limit => "exceeds",
            () => "fails the limit of",
        };
        let message = format!("{what} {} {relation} {}", Shortest(observed), Shortest(limit));
        Self::new(name, observed, limit, passed, message)
    }

    fn new(name: &'static str, observed: f64, limit: f64, passed: bool, message: String) -> Self {
        Self { name, observed, status: Status::of(observed), limit, passed, message }
    }

    /// The same, with the file in its message: of many runs, only one failed.
    #[must_use]
    pub(crate) fn of(self, file: &str) -> Self {
        let message = format!("{}: {}", display_name(file), self.message);
        Self { message, ..self }
    }

    /// Whether two matrices or results are the same within tolerance.
    pub(crate) fn comparison(summary: &CompareSummary, params: &CompareParams) -> Self {
        let observed = summary.statistic.or(summary.worst_absolute).unwrap_or(0.0);
        let limit = summary.allowed.unwrap_or(0.0);
        let mut parts = vec![format!(
            "{} against {}: {} of {} values differ",
            display_name(&params.new),
            display_name(&params.base),
            summary.differing,
            summary.values
        )];
        if let Some(list) = summary.changed_texts.as_deref().filter(|list| !list.is_empty()) {
            let items = if list.len() == 1 { "item has" } else { "items have" };
            parts.push(format!("{} {items} different text ({})", list.len(), listed(list)));
        }
        let (most, allowed) = (Shortest(observed), Shortest(limit));
        if summary.statistic.is_some() {
            parts.push(format!("the {} difference is {most}", params.stat));
            parts.push(format!("allowed {allowed}"));
            if let (true, Some(place)) = (!summary.equal && observed <= limit, &summary.max_absolute_place) {
                parts.push(format!("but an infinity differs at {place}"));
            }
        } else if let Some(place) = &summary.worst_place {
            if summary.worst_absolute.is_none() {
                parts.push(format!("the first at {place}"));
            } else if observed != 0.0 {
                let worst = if summary.differing > 0 { "the worst by" } else { "the greatest difference is" };
                parts.push(format!("{worst} {most} at {place}"));
                parts.push(format!("allowed {allowed}"));
            }
        }
        for (list, what) in [(&summary.new_items, "new"), (&summary.gone_items, "missing")] {
            if let Some(list) = list.as_deref().filter(|list| !list.is_empty()) {
                let items = if list.len() == 1 { "item is" } else { "items are" };
                parts.push(format!("{} {items} {what} ({})", list.len(), listed(list)));
            }
        }
        if let Some(count) = summary.changed_winners.filter(|&count| count > 0) {
            let rows = if count == 1 { "row has" } else { "rows have" };
            parts.push(format!("{count} {rows} a different argmax"));
        }
        parts.extend(summary.region.as_ref().map(|region| format!("all of them in {region}")));
        parts.extend(summary.relation.clone());
        let message = parts.join(", ");
        // What has no size, such as a text or an item, is counted.
        let no_size = !summary.equal && summary.statistic.is_none() && observed <= limit;
        let items: usize =
            [&summary.new_items, &summary.gone_items].into_iter().flatten().map(Vec::len).sum();
        let count = (summary.differing + items) as f64;
        let (observed, limit) = if no_size { (count, 0.0) } else { (observed, limit) };
        Self::new("compare", observed, limit, summary.equal, message)
    }

    /// The limits of the error rates that were given; a rate over nothing is NaN and holds no limit.
    pub(crate) fn error_rates(rates: &RateSummary, max_cer: Option<f64>, max_wer: Option<f64>) -> Vec<Self> {
        let check = |name, what, rate: Option<f64>, limit: Option<f64>| {
            limit.map(|limit| {
                if let Some(rate) = rate {
                    return Self::at_most(name, what, rate, limit);
                }
                let limit_text = Shortest(limit);
                let message = format!(
                    "{what} of an empty reference is undefined, which fails the limit of {limit_text}"
                );
                Self::new(name, f64::NAN, limit, false, message)
            })
        };
        let cer = check("max_cer", "CER", rates.cer_ratio, max_cer);
        cer.into_iter().chain(check("max_wer", "WER", rates.wer_ratio, max_wer)).collect()
    }

    /// The error rates where none has a limit, for formats that show nothing but checks.
    pub(crate) fn rates_without_limits(rates: &RateSummary) -> Vec<Self> {
        let check = |name, what, rate: Option<f64>| {
            rate.map(|observed| {
                let message = format!("{what} {}, no limit given", Shortest(observed));
                Self::new(name, observed, f64::INFINITY, true, message)
            })
        };
        let cer = check("cer", "CER", rates.cer_ratio);
        cer.into_iter().chain(check("wer", "WER", rates.wer_ratio)).collect()
    }

    /// `|observed - expected| <= atol + rtol |expected|`; equal infinities pass, NaN never does.
    pub(crate) fn close(
        name: &'static str,
        what: &str,
        observed: f64,
        expected: f64,
        rtol: f64,
        atol: f64,
    ) -> Self {
        let Difference { absolute, allowed, passed, .. } =
            Tolerance { rtol, atol }.compare(expected, observed);
        let [allowed, difference, shown, of] = [allowed, absolute, observed, expected].map(Shortest);
        let message = if passed {
            format!("{what} {shown} is within {allowed} of {of}")
        } else {
            let rounded =
                rounding(observed, expected).map(|rtol| format!("; rounded, it matches: --rtol {rtol:e}"));
            format!(
                "{what} {shown} differs from {of} by {difference}, allowed {allowed}{}",
                rounded.unwrap_or_default()
            )
        };
        Self::new(name, observed, expected, passed, message)
    }
}

/// If `value` rounds to `rounded`, of some digits, the relative tolerance that accepts it.
pub(super) fn rounding(value: f64, rounded: f64) -> Option<f64> {
    let text = rounded.to_string();
    let decimals =
        text.split_once('.').map(|(_, decimals)| decimals.len()).filter(|&decimals| decimals > 1)?;
    let tolerance = 0.5 * 10_f64.powi(-(decimals as i32)) / rounded.abs();
    // More than a hundredth would accept other numbers.
    let rtol = 10_f64.powf(tolerance.log10().ceil());
    (rtol < 0.011 && format!("{value:.decimals$}") == text).then_some(rtol)
}

/// Numbers with commas between them, the first ten.
pub(crate) fn listed(numbers: &[u64]) -> String {
    shown::listed(numbers, 10)
}
