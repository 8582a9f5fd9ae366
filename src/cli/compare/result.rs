//! Two results of this program: the same command and parameters, then number by number.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::diagnostics::UsageError;
use super::super::eval::pairs;
use super::super::values::{Stat, Word};
use super::{Args, MOST_LISTED, Outcome};
use crate::input::{Dtype, ResultFile};
use crate::metrics::error_rate::words;
use crate::metrics::{Difference, Tolerance};
use crate::report::compare::{CompareItem, CompareParams, CompareSummary};

/// Parameters that do not change what the numbers mean: names of files, and limits of checks.
const FREE_PARAMS: [&str; 16] = [
    "logits",
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
];

pub(super) fn compare(args: &Args, base: &ResultFile, new: &ResultFile) -> anyhow::Result<Outcome> {
    if args.stat != Stat::Elementwise {
        return Err(UsageError::new("--stat is for matrices; results are compared value by value").into());
    }
    if base.command != new.command {
        let message = format!(
            "{} is a result of '{}' and {} of '{}': they can't be compared",
            base.name, base.command, new.name, new.command
        );
        return Err(UsageError::new(message).into());
    }
    check_params(base, new)?;
    let dtype = base.value["params"]["dtype"].as_str();
    let tolerance = args.tolerance(match dtype {
        Some("float16") => Dtype::F16,
        Some("float32") => Dtype::F32,
        _ => Dtype::F64,
    });
    let mut found =
        Found { tolerance, values: 0, differing: 0, leaves: Vec::new(), absolute: None, relative: None };
    found.walk("summary", &base.value["summary"], &new.value["summary"]);
    let (base_items, new_items) = (by_index(&base.value), by_index(&new.value));
    let mut worst: Option<(u64, f64)> = None;
    for (&index, base) in &base_items {
        let Some(new) = new_items.get(&index) else { continue };
        let before = found.leaves.len();
        found.walk(&format!("items[{index}]"), base, new);
        let severity = found.leaves[before..].iter().map(Leaf::severity).fold(f64::NEG_INFINITY, f64::max);
        if severity > worst.map_or(f64::NEG_INFINITY, |(_, most)| most) {
            worst = Some((index, severity));
        }
    }
    let gone: Vec<u64> = base_items.keys().filter(|index| !new_items.contains_key(index)).copied().collect();
    let fresh: Vec<u64> = new_items.keys().filter(|index| !base_items.contains_key(index)).copied().collect();
    let Found { values, differing, mut leaves, absolute, relative, .. } = found;
    leaves.sort_by(|a, b| b.severity().total_cmp(&a.severity()));
    leaves.truncate(MOST_LISTED);
    let items: Vec<CompareItem> = leaves.into_iter().map(Leaf::into_item).collect();
    let summary = CompareSummary {
        equal: differing == 0 && gone.is_empty() && fresh.is_empty(),
        values,
        differing,
        statistic: None,
        allowed: items.first().and_then(|item| item.allowed),
        max_absolute: absolute.as_ref().map(|(value, _)| *value),
        max_absolute_place: absolute.map(|(_, place)| place),
        max_relative: relative.as_ref().map(|(value, _)| *value),
        max_relative_place: relative.map(|(_, place)| place),
        new_items: Some(fresh),
        gone_items: Some(gone),
        worst_item: worst.map(|(index, _)| index),
    };
    let params = CompareParams {
        base: base.name.clone(),
        new: new.name.clone(),
        kind: "result",
        stat: args.stat.word(),
        rtol: tolerance.rtol,
        atol: tolerance.atol,
        shape: None,
        dtype: dtype.map(str::to_owned),
        command: Some(base.command.clone()),
    };
    Ok(Outcome { params, summary, items })
}

fn check_params(base: &ResultFile, new: &ResultFile) -> Result<(), UsageError> {
    let empty = serde_json::Map::new();
    let params = |file: &ResultFile| file.value["params"].as_object().unwrap_or(&empty).clone();
    let (old, fresh) = (params(base), params(new));
    for key in old.keys().chain(fresh.keys()).filter(|key| !FREE_PARAMS.contains(&key.as_str())) {
        let (a, b) = (old.get(key).unwrap_or(&Value::Null), fresh.get(key).unwrap_or(&Value::Null));
        if a != b {
            let message = format!(
                "{} and {} were made with other parameters: {key} is {a} in the first and {b} in the second",
                base.name, new.name
            );
            return Err(UsageError::new(message).hint("give both runs the same options"));
        }
    }
    Ok(())
}

fn by_index(result: &Value) -> BTreeMap<u64, &Value> {
    let items = result["items"].as_array().into_iter().flatten().enumerate();
    items.map(|(at, item)| (item["index"].as_u64().unwrap_or(at as u64), item)).collect()
}

/// A value that differs.
struct Leaf {
    place: String,
    base: Value,
    new: Value,
    difference: Option<Difference>,
}

impl Leaf {
    fn severity(&self) -> f64 {
        // What is no number at all comes before any number.
        self.difference.map_or(f64::INFINITY, |difference| difference.severity())
    }

    fn into_item(self) -> CompareItem {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let is_text = self.place.rsplit('.').next() == Some("text");
        CompareItem {
            words: is_text.then(|| pairs(&words(&text(&self.base)), &words(&text(&self.new)))),
            shown: [text(&self.base), text(&self.new)],
            place: self.place,
            base: self.base,
            new: self.new,
            absolute: self.difference.map(|d| d.absolute),
            relative: self.difference.map(|d| d.relative),
            allowed: self.difference.map(|d| d.allowed),
        }
    }
}

/// What was found on the way through two results.
struct Found {
    tolerance: Tolerance,
    values: usize,
    differing: usize,
    leaves: Vec<Leaf>,
    /// The greatest differences and their places.
    absolute: Option<(f64, String)>,
    relative: Option<(f64, String)>,
}

impl Found {
    fn walk(&mut self, place: &str, base: &Value, new: &Value) {
        match (base, new) {
            (Value::Object(a), Value::Object(b)) => {
                // An item's name has the file's in it.
                for (key, value) in a.iter().filter(|(key, _)| *key != "id") {
                    self.walk(&format!("{place}.{key}"), value, b.get(key).unwrap_or(&Value::Null));
                }
                for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                    self.walk(&format!("{place}.{key}"), &Value::Null, value);
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (at, (a, b)) in a.iter().zip(b).enumerate() {
                    self.walk(&format!("{place}[{at}]"), a, b);
                }
            }
            (Value::Number(a), Value::Number(b)) => {
                let difference =
                    self.tolerance.compare(a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
                for (most, value) in
                    [(&mut self.absolute, difference.absolute), (&mut self.relative, difference.relative)]
                {
                    if most.as_ref().is_none_or(|(greatest, _)| value > *greatest) {
                        *most = Some((value, place.to_owned()));
                    }
                }
                self.leaf(place, base, new, difference.passed, Some(difference));
            }
            _ => self.leaf(place, base, new, base == new, None),
        }
    }

    fn leaf(&mut self, place: &str, base: &Value, new: &Value, passed: bool, difference: Option<Difference>) {
        self.values += 1;
        if !passed {
            self.differing += 1;
            self.leaves.push(Leaf {
                place: place.to_owned(),
                base: base.clone(),
                new: new.clone(),
                difference,
            });
        }
    }
}
