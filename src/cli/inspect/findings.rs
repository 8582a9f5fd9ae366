//! What the numbers say, and the options that follow.

use super::super::inputs::{log_base, softmax_twice, whole_numbers};
use super::super::values::Word;
use super::Args;
use crate::input::Place;
use crate::logits::{Survey, SurveyTotals};
use crate::report::inspect::{Finding, InspectSummary, Winner};

/// Share of the rows from which on a class is taken for the blank: no letter is that frequent.
const LIKELY_BLANK: f64 = 1.0 / 3.0;

impl Args {
    pub(super) fn number_findings(
        &self,
        summary: &InspectSummary,
        survey: &Survey,
        blank: Option<u32>,
        row_place: impl Fn(usize) -> Place,
        findings: &mut Vec<Finding>,
    ) {
        let is_told = findings.iter().any(|finding| finding.code == "small_integers");
        let mut find = |code, message, flag| findings.push(Finding { code, message, flag });
        let propagate = || Some("--nonfinite propagate".to_owned());
        if let Some(place) = &summary.first_bad_place {
            let (nan, infinite) = (summary.nan, summary.positive_infinite);
            let message =
                format!("{nan} NaN and {infinite} +inf, the first at {place}: a loss over them is rejected");
            find("nonfinite", message, propagate());
        }
        if let Some((row, _)) = survey.found.impossible.first {
            let count = survey.found.impossible.count;
            let rows = if count == 1 { "row has" } else { "rows have" };
            let message = format!(
                "{count} {rows} nothing but -inf, the first at {}: a loss over them is rejected",
                row_place(row)
            );
            find("impossible_row", message, propagate());
        }
        if summary.looks_like != self.logits.input.word() && summary.looks_like != "logits" {
            let share = summary.rows_like_probs_ratio.max(summary.rows_like_log_probs_ratio);
            let message = format!("{:.1} % of the rows look like {}", 100.0 * share, summary.looks_like);
            find("input_kind", message, Some(format!("--input {}", summary.looks_like)));
        }
        if let Some((rows, base)) = survey.looks_like_other_base() {
            find("log_base", log_base(rows, base), None);
        }
        if survey.looks_flat() {
            find("softmax_twice", softmax_twice(summary.rows), None);
        }
        if let Some(rows) = survey.looks_whole().filter(|_| !is_told) {
            find("whole_numbers", whole_numbers(rows), None);
        }
        let (Some(blank), Some(winner)) = (blank, summary.winners.first()) else { return };
        let of_blank = summary.blank_ratio.unwrap_or(0.0);
        let reads_labels = summary.label_error_ratio.is_some_and(|ratio| ratio < 0.5);
        let is_seldom = of_blank == 0.0 || winner.ratio >= LIKELY_BLANK && !reads_labels;
        if winner.class != blank as usize && is_seldom {
            let message = format!(
                "class {} is the argmax of {:.0} % of the frames, the blank (class {blank}) of {:.0} %",
                winner.class,
                100.0 * winner.ratio,
                100.0 * of_blank
            );
            let last = winner.class + 1 == summary.classes;
            let flag = if last { "--blank last".to_owned() } else { format!("--blank {}", winner.class) };
            // Else it may be any.
            find("blank", message, (winner.ratio >= LIKELY_BLANK).then_some(flag));
        }
    }
}

/// The range, what is not finite, and what the rest looks like.
pub(super) fn numbers_of(summary: &mut InspectSummary, survey: &Survey, row_place: impl Fn(usize) -> Place) {
    let SurveyTotals { nan, positive_infinite: positive, negative_infinite: negative, .. } = &survey.found;
    let place = |(row, class): (usize, usize)| row_place(row).at("class", class).to_string();
    summary.rows = survey.found.rows;
    summary.min = survey.found.range.map(|(low, _)| low);
    summary.max = survey.found.range.map(|(_, high)| high);
    summary.nan = nan.count;
    summary.positive_infinite = positive.count;
    summary.negative_infinite = negative.count;
    summary.first_nan_place = nan.first.map(place);
    summary.first_positive_infinite_place = positive.first.map(place);
    summary.first_negative_infinite_place = negative.first.map(place);
    summary.first_bad_place = [nan.first, positive.first].into_iter().flatten().min().map(place);
    summary.impossible_rows = survey.found.impossible.count;
    summary.looks_like = survey.looks_like().word();
    if survey.found.rows > 0 {
        let ratio = |count: u64| count as f64 / survey.found.rows as f64;
        summary.rows_like_probs_ratio = ratio(survey.found.like_probs);
        summary.rows_like_log_probs_ratio = ratio(survey.found.like_log_probs);
    }
}

/// What the rows are as distributions; those that are none do not count.
pub(super) fn entropy_and_winners(
    summary: &mut InspectSummary,
    survey: &Survey,
    blank: Option<u32>,
    names: Option<&[String]>,
) {
    let proper: u64 = survey.wins.iter().sum();
    let entropies = survey.entropies();
    summary.entropy_mean_nats = entropies.map(|all| all.mean());
    summary.entropy_min_nats = entropies.map(|all| all.least);
    summary.entropy_max_nats = entropies.map(|all| all.greatest);
    if proper == 0 {
        return;
    }
    let ratio = |class: usize| survey.wins[class] as f64 / proper as f64;
    let mut order: Vec<usize> = (0..survey.wins.len()).filter(|&class| survey.wins[class] > 0).collect();
    order.sort_by_key(|&class| (std::cmp::Reverse(survey.wins[class]), class));
    let winner =
        |class: usize| Winner { class, token: names.map(|names| names[class].clone()), ratio: ratio(class) };
    summary.winners = order.into_iter().map(winner).collect();
    summary.blank_ratio = blank.map(|blank| ratio(blank as usize));
}
