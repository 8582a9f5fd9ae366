//! Two results of this program: the same command and parameters, then number by number.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::diagnostics::UsageError;
use super::super::eval::pairs;
use super::super::values::{Stat, Word};
use super::{Args, MAX_LISTED, Outcome, less_precise};
use crate::input::{Dtype, ResultFile};
use crate::metrics::error_rate::words;
use crate::metrics::{Difference, Tolerance};
use crate::report::compare::{CompareItem, CompareParams, CompareSummary};
use crate::report::{Shortest, Status, listed};

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
const SETTING_PARAMS: [&str; 4] = ["lengths", "lm", "lexicon", "hotwords"];

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
    let (base_items, new_items) = (by_index(&base.value), by_index(&new.value));
    let only_in = |a: &Items<'_>, b: &Items<'_>| -> Vec<u64> {
        a.keys().filter(|index| !b.contains_key(index)).copied().collect()
    };
    let (gone, fresh) = (only_in(&base_items, &new_items), only_in(&new_items, &base_items));
    check_params(base, new, &gone, &fresh)?;
    let dtypes = [base, new].map(|file| file.value["params"]["dtype"].as_str());
    // The less precise of the inputs; whatever is neither of these counts as double precision.
    let below_double = |name: &str| [Dtype::F16, Dtype::F32].into_iter().find(|dtype| dtype.name() == name);
    let precision = dtypes.iter().flatten().filter_map(|name| below_double(name)).reduce(less_precise);
    let tolerance = args.tolerance(precision.unwrap_or(Dtype::F64));
    let mut found = Found {
        tolerance,
        of_integers: args.tolerance(Dtype::Int(8)),
        values: 0,
        differing: 0,
        leaves: Vec::new(),
        absolute: None,
        relative: None,
    };
    found.walk("summary", &base.value["summary"], &new.value["summary"]);
    let mut worst: Option<(u64, f64)> = None;
    let mut texts = Vec::new();
    for (&index, base) in &base_items {
        let Some(new) = new_items.get(&index) else { continue };
        let before = found.leaves.len();
        found.walk(&format!("items[{index}]"), base, new);
        let severity = found.leaves[before..].iter().map(Leaf::severity).fold(f64::NEG_INFINITY, f64::max);
        if severity > worst.map_or(f64::NEG_INFINITY, |(_, most)| most) {
            worst = Some((index, severity));
        }
        if let (Some(base), Some(new)) = (base["text"].as_str(), new["text"].as_str())
            && base != new
        {
            texts.push((index, base, new));
        }
    }
    let changed_texts = texts.iter().map(|(index, ..)| *index).collect();
    texts.truncate(MAX_LISTED);
    let texts =
        texts.into_iter().map(|(index, base, new)| (index, pairs(&words(base), &words(new)))).collect();
    let Found { values, differing, mut leaves, absolute, relative, .. } = found;
    leaves.sort_by(|a, b| b.severity().total_cmp(&a.severity()).then(a.is_detail().cmp(&b.is_detail())));
    // A number where one differs, else whatever does, else the greatest difference there is.
    let number = leaves.iter().find(|leaf| leaf.difference.is_some()).or(leaves.first());
    let worst_difference = match number {
        Some(leaf) => leaf.difference,
        None => absolute.as_ref().map(|(difference, _)| *difference),
    };
    let worst_place = number.map(|leaf| &leaf.place).or(absolute.as_ref().map(|(_, place)| place)).cloned();
    leaves.truncate(MAX_LISTED);
    let items: Vec<CompareItem> = leaves.into_iter().map(Leaf::into_item).collect();
    let summary = CompareSummary {
        equal: differing == 0 && gone.is_empty() && fresh.is_empty(),
        values,
        differing,
        statistic: None,
        allowed: worst_difference.map(|difference| difference.allowed),
        worst_absolute: worst_difference.map(|difference| difference.absolute),
        worst_place,
        max_absolute: absolute.as_ref().map(|(difference, _)| difference.absolute),
        max_absolute_place: absolute.map(|(_, place)| place),
        max_relative: relative.as_ref().map(|(difference, _)| difference.relative),
        max_relative_place: relative.map(|(_, place)| place),
        changed_texts: Some(changed_texts),
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
        delimiter: None,
        headers: None,
        dtype: precision.map(Dtype::name).or(dtypes[0].map(str::to_owned)),
        dtypes: match dtypes {
            [Some(a), Some(b)] if a != b => Some([a.to_owned(), b.to_owned()]),
            _ => None,
        },
        command: Some(base.command.clone()),
    };
    Ok(Outcome { params, summary, items, texts })
}

/// Refuses results that other settings made.
fn check_params(base: &ResultFile, new: &ResultFile, gone: &[u64], fresh: &[u64]) -> Result<(), UsageError> {
    let empty = serde_json::Map::new();
    let params = |file: &ResultFile| file.value["params"].as_object().unwrap_or(&empty).clone();
    let (old, latest) = (params(base), params(new));
    let keys: BTreeSet<&String> = old.keys().chain(latest.keys()).collect();
    let mut parts: Vec<String> = keys
        .into_iter()
        .map(|key| (key, old.get(key).unwrap_or(&Value::Null), latest.get(key).unwrap_or(&Value::Null)))
        .filter(|(_, a, b)| a != b)
        .filter(|(key, a, b)| {
            let given_once = a.is_null() != b.is_null() && SETTING_PARAMS.contains(&key.as_str());
            given_once || !FREE_PARAMS.contains(&key.as_str())
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
    let message =
        format!("{} and {} were made with other parameters: {}", base.name, new.name, parts.join("; "));
    Err(UsageError::new(message).hint("give both runs the same options"))
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

type Items<'a> = BTreeMap<u64, &'a Value>;

fn by_index(result: &Value) -> Items<'_> {
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

    /// Whether it repeats what the item itself says, as its hypotheses and tokens do.
    fn is_detail(&self) -> bool {
        self.place.starts_with("items[") && !self.is_text_of_item()
    }

    fn is_text_of_item(&self) -> bool {
        self.place.ends_with("].text") && self.place.matches('.').count() == 1
    }

    fn into_item(self) -> CompareItem {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            // JSON has null for it.
            Value::Null if self.difference.is_some() => Shortest(f64::NAN).to_string(),
            other => other.to_string(),
        };
        let is_text = self.place.rsplit('.').next() == Some("text");
        CompareItem {
            words: is_text.then(|| pairs(&words(&text(&self.base)), &words(&text(&self.new)))),
            shown: [text(&self.base), text(&self.new)],
            place: self.place,
            base: self.base,
            new: self.new,
            absolute: self.difference.map(|d| d.absolute),
            status: self.difference.map(|d| Status::of(d.absolute)),
            relative: self.difference.map(|d| d.relative),
            allowed: self.difference.map(|d| d.allowed),
        }
    }
}

/// What was found on the way through two results.
struct Found {
    tolerance: Tolerance,
    /// Of counts, places and classes, which are written without a decimal point.
    of_integers: Tolerance,
    values: usize,
    differing: usize,
    leaves: Vec<Leaf>,
    /// The greatest differences and their places.
    absolute: Option<(Difference, String)>,
    relative: Option<(Difference, String)>,
}

impl Found {
    fn walk(&mut self, place: &str, base: &Value, new: &Value) {
        match (base, new) {
            (Value::Object(a), Value::Object(b)) => {
                let both_nan = [a, b].iter().all(|object| object.get("status") == Some(&"nan".into()));
                for (key, value) in a.iter().filter(|(key, _)| !is_name(place, key)) {
                    let (place, new) = (format!("{place}.{key}"), b.get(key).unwrap_or(&Value::Null));
                    if both_nan && key == "loss_nats" {
                        self.number(&place, value, new);
                    } else {
                        self.walk(&place, value, new);
                    }
                }
                for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key) && !is_name(place, key))
                {
                    self.walk(&format!("{place}.{key}"), &Value::Null, value);
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (at, (a, b)) in a.iter().zip(b).enumerate() {
                    self.walk(&format!("{place}[{at}]"), a, b);
                }
            }
            (Value::Number(_), Value::Number(_)) => self.number(place, base, new),
            _ => self.leaf(place, base, new, base == new, None),
        }
    }

    /// Two numbers; null is one that is none.
    fn number(&mut self, place: &str, base: &Value, new: &Value) {
        let [a, b] = [base, new].map(|value| value.as_f64().unwrap_or(f64::NAN));
        let integers = [base, new].into_iter().all(|value| value.is_i64() || value.is_u64());
        let tolerance = if integers { self.of_integers } else { self.tolerance };
        let difference = tolerance.compare(a, b);
        let greater = |a: f64, b: f64| a > b || a.is_nan() && !b.is_nan();
        let measures: [fn(&Difference) -> f64; 2] = [|d| d.absolute, |d| d.relative];
        for (most, value) in [&mut self.absolute, &mut self.relative].into_iter().zip(measures) {
            if most.as_ref().is_none_or(|(greatest, _)| greater(value(&difference), value(greatest))) {
                *most = Some((difference, place.to_owned()));
            }
        }
        self.leaf(place, base, new, difference.passed, Some(difference));
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

/// Whether a value is the name of a file, or has it in it: an item's, or where a gradient was written.
fn is_name(place: &str, key: &str) -> bool {
    key == "id" || key == "file" && place == "summary.gradient"
}
