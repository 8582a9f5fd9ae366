//! Two results of this program: the same command and parameters, then number by number.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::diagnostics::UsageError;
use super::super::values::{Stat, Word};
use super::{Args, MAX_LISTED, Outcome, less_precise};
use crate::input::{Dtype, ResultFile};
use crate::report::compare::{CompareParams, CompareSummary};
use crate::report::listed;
use crate::report::result_differences::{ComparisonSettings, ResultDifferences};

/// Parameters that do not change what the numbers mean: names of files, how and how precisely they are written, limits
/// of checks, and whether a setting was asked for or inferred.
const FREE_PARAMS: [&str; 24] = [
    "dtype",
    "logits",
    "delimiter",
    "headers",
    "labels",
    "lengths",
    "label_lengths",
    "alphabet",
    "refs",
    "hyp",
    "ref",
    "base",
    "new",
    "max_loss",
    "expect",
    "rtol",
    "atol",
    "max_cer",
    "max_wer",
    "lm",
    "lexicon",
    "hotwords",
    "criterion_inferred",
    "layout_inferred",
];

/// Of these, the ones that change it where they are given at all.
const SETTING_PARAMS: [&str; 5] = ["lengths", "alphabet", "lm", "lexicon", "hotwords"];

/// How the same items lie in a file.
const LAYOUT_PARAMS: [&str; 2] = ["layout", "shape"];

pub(super) fn compare(args: &Args, base: &ResultFile, new: &ResultFile) -> anyhow::Result<Outcome> {
    if args.stat != Stat::Elementwise {
        return Err(UsageError::new("--stat is for matrices; results are compared value by value").into());
    }
    if base.command != new.command {
        let message = format!(
            "{} is a result of '{}' and {} of '{}': they can't be compared",
            base.name(),
            base.command,
            new.name(),
            new.command
        );
        return Err(UsageError::new(message).into());
    }
    let only_in = |a: &ResultFile, b: &ResultFile| -> Vec<u64> {
        a.indices().keys().filter(|index| !b.indices().contains_key(index)).copied().collect()
    };
    let (gone, fresh) = (only_in(base, new), only_in(new, base));
    let exchanged = only_exchanged(&base.value["params"], &new.value["params"]);
    check_params(base, new, exchanged, &gone, &fresh)?;
    let dtypes = [base, new].map(|file| file.value["params"]["dtype"].as_str());
    // The less precise of the inputs; whatever is neither of these counts as double precision.
    let below_double = |name: &str| [Dtype::F16, Dtype::F32].into_iter().find(|dtype| dtype.name() == name);
    let precision = dtypes.iter().flatten().filter_map(|name| below_double(name)).reduce(less_precise);
    let tolerance = args.tolerance(precision.unwrap_or(Dtype::F64));
    let settings = ComparisonSettings {
        tolerance,
        of_integers: args.tolerance(Dtype::Int(8)),
        exchanged,
        listed: MAX_LISTED,
    };
    let ResultDifferences { summary, items, texts } = settings.differences(base, new);
    let summary = CompareSummary {
        equal: summary.equal && gone.is_empty() && fresh.is_empty(),
        new_items: Some(fresh),
        gone_items: Some(gone),
        ..summary
    };
    let params = CompareParams {
        base: base.path().to_owned(),
        new: new.path().to_owned(),
        kind: "result",
        stat: args.stat.word(),
        rtol: tolerance.rtol,
        atol: tolerance.atol,
        shape: None,
        delimiter: None,
        headers: None,
        dtype: precision.map(Dtype::name).or(dtypes[0].map(str::to_owned)),
        dtypes: match dtypes {
            [Some(a), Some(b)] if a != b => Some([a.to_owned(), b.to_owned()]),
            _ => None,
        },
        command: Some(base.command.clone()),
    };
    Ok(Outcome { params, summary, items, texts, warning: None })
}

/// Refuses results that other settings made.
fn check_params(
    base: &ResultFile,
    new: &ResultFile,
    exchanged: bool,
    gone: &[u64],
    fresh: &[u64],
) -> Result<(), UsageError> {
    let empty = serde_json::Map::new();
    let params = |file: &ResultFile| file.value["params"].as_object().unwrap_or(&empty).clone();
    let (old, latest) = (params(base), params(new));
    let keys: BTreeSet<&String> = old.keys().chain(latest.keys()).collect();
    let mut parts: Vec<String> = keys
        .into_iter()
        .map(|key| (key, old.get(key).unwrap_or(&Value::Null), latest.get(key).unwrap_or(&Value::Null)))
        .filter(|(_, a, b)| !is_same(a, b))
        .filter(|(key, ..)| !(exchanged && LAYOUT_PARAMS.contains(&key.as_str())))
        .filter(|(key, a, b)| {
            let given_once = a.is_null() != b.is_null() && SETTING_PARAMS.contains(&key.as_str());
            // A list that was typed is a setting, the name of a file is not.
            given_once || !FREE_PARAMS.contains(&key.as_str()) || is_list(a) && is_list(b)
        })
        .map(|(key, a, b)| format!("{key} is {} in the first and {} in the second", brief(a), brief(b)))
        .collect();
    if parts.is_empty() {
        return Ok(());
    }
    for (which, items) in [("first", gone), ("second", fresh)] {
        if !items.is_empty() {
            parts.push(format!("only the {which} has items {}", listed(items)));
        }
    }
    let message = format!(
        "{} and {} were made with different parameters: {}",
        base.name(),
        new.name(),
        parts.join("; ")
    );
    Err(UsageError::new(message).hint("give both runs the same options"))
}

/// Whether two parameters are the same; other programs may write `1.0` as `1`.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64() == b.as_f64() && (a.is_f64() || b.is_f64())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        _ => a == b,
    }
}

/// Whether one input has its first two axes, items and frames, where the other has them the other way round.
fn only_exchanged(a: &Value, b: &Value) -> bool {
    let layouts = [a, b].map(|params| params["layout"].as_str());
    let shapes = [a, b].map(|params| params["shape"].as_array());
    let ([Some(a), Some(b)], [Some("tnc"), Some("ntc")] | [Some("ntc"), Some("tnc")]) = (shapes, layouts)
    else {
        return false;
    };
    matches!((&a[..], &b[..]), ([a0, a1, a2], [b0, b1, b2]) if (a0, a1, a2) == (b1, b0, b2))
}

/// Whether a parameter is a list of numbers as an option takes it.
fn is_list(value: &Value) -> bool {
    let numbers = |text: &str| text.split(',').all(|word| word.trim().parse::<f64>().is_ok());
    value.as_str().is_some_and(numbers)
}

/// A value as JSON, or its beginning.
fn brief(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
