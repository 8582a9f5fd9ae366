//! Two results of this program: the same command and parameters, then number by number.

use std::collections::BTreeSet;

use rayon::prelude::*;
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

/// Items that a thread compares at a time.
const ITEMS_AT_ONCE: usize = 256;

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

/// Differences are sorted once there are so many times as many as are listed.
const MANY: usize = 64;

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
    let nothing = || ResultDifferences::new(tolerance, args.tolerance(Dtype::Int(8)), exchanged);
    let mut found = nothing();
    found.walk("summary", &base.value["summary"], &new.value["summary"]);
    let in_both: Vec<(u64, usize, usize)> = base
        .indices()
        .iter()
        .filter_map(|(index, &at)| Some((*index, at, *new.indices().get(index)?)))
        .collect();
    let parts = in_both.par_chunks(ITEMS_AT_ONCE).map(|items| ItemsFound::of(base, new, items, nothing()));
    let (mut worst, mut changed_texts, mut texts) = (None, Vec::new(), Vec::new());
    for part in parts.collect::<Vec<_>>() {
        found.append(part.found);
        worst = worse(worst, part.worst);
        changed_texts.extend(part.changed_texts);
        texts.extend(part.texts);
    }
    texts.truncate(MAX_LISTED);
    let texts =
        texts.into_iter().map(|(index, [base, new])| (index, pairs(&words(&base), &words(&new)))).collect();
    found.sort_leaves();
    let ResultDifferences { values, differing, mut leaves, absolute, relative, .. } = found;
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
        ..CompareSummary::default()
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
        .filter(|(_, a, b)| a != b)
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

/// The worse of two items, each with what is worst about it; the first of equal ones.
fn worse(a: Option<(u64, f64)>, b: Option<(u64, f64)>) -> Option<(u64, f64)> {
    match (a, b) {
        (Some(a), Some(b)) if b.1 > a.1 => Some(b),
        (a, b) => a.or(b),
    }
}

/// What was found in some items that both results have.
struct ItemsFound {
    found: ResultDifferences,
    worst: Option<(u64, f64)>,
    changed_texts: Vec<u64>,
    /// Of the first of these, the two texts.
    texts: Vec<(u64, [String; 2])>,
}

impl ItemsFound {
    /// Compares items: their index, and their number in each file.
    fn of(
        base: &ResultFile,
        new: &ResultFile,
        items: &[(u64, usize, usize)],
        found: ResultDifferences,
    ) -> Self {
        let mut all = Self { found, worst: None, changed_texts: Vec::new(), texts: Vec::new() };
        for &(index, in_base, in_new) in items {
            let (base, new) = (base.item(in_base), new.item(in_new));
            all.found.worst_here = None;
            all.found.walk(&format!("items[{index}]"), &base, &new);
            all.worst = worse(all.worst, all.found.worst_here.map(|severity| (index, severity)));
            if let (Some(base), Some(new)) = (base["text"].as_str(), new["text"].as_str())
                && base != new
            {
                all.changed_texts.push(index);
                if all.texts.len() < MAX_LISTED {
                    all.texts.push((index, [base.to_owned(), new.to_owned()]));
                }
            }
        }
        all
    }
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
struct ResultDifferences {
    tolerance: Tolerance,
    /// Of counts, places and classes, which are written without a decimal point.
    of_integers: Tolerance,
    /// Whether items and frames are exchanged in the inputs, and so in what is said of their shapes.
    exchanged: bool,
    values: usize,
    differing: usize,
    /// Those that may be listed, and the worst number.
    leaves: Vec<Leaf>,
    /// The severity of the worst since this was last set to none.
    worst_here: Option<f64>,
    /// The greatest differences and their places.
    absolute: Option<(Difference, String)>,
    relative: Option<(Difference, String)>,
}

impl ResultDifferences {
    /// Nothing yet.
    fn new(tolerance: Tolerance, of_integers: Tolerance, exchanged: bool) -> Self {
        Self {
            tolerance,
            of_integers,
            exchanged,
            values: 0,
            differing: 0,
            leaves: Vec::new(),
            worst_here: None,
            absolute: None,
            relative: None,
        }
    }

    /// Adds what was found in what follows.
    fn append(&mut self, next: Self) {
        self.values += next.values;
        self.differing += next.differing;
        self.leaves.extend(next.leaves);
        self.keep_few();
        if let Some((difference, place)) = next.absolute {
            keep_greater(&mut self.absolute, difference, |d| d.absolute, || place);
        }
        if let Some((difference, place)) = next.relative {
            keep_greater(&mut self.relative, difference, |d| d.relative, || place);
        }
    }

    fn walk(&mut self, place: &str, base: &Value, new: &Value) {
        self.walk_beside(place, base, new, [&Value::Null; 2]);
    }

    /// `statuses`: of an object in each, what stands beside it about its numbers.
    fn walk_beside(&mut self, place: &str, base: &Value, new: &Value, statuses: [&Value; 2]) {
        match (base, new) {
            (Value::Object(a), Value::Object(b)) => {
                let exchanged = self.exchanged;
                // What the statuses say is in the numbers, too, and older results lack them.
                let is_left_out = |key: &str| {
                    let in_one = a.contains_key(key) != b.contains_key(key);
                    may_differ(exchanged, place, key) || key == "reductions_status" && in_one
                };
                let is_nan = |status: Option<&Value>| status.is_some_and(|status| status == "nan");
                let both_nan = |key: &str| {
                    statuses.iter().all(|statuses| is_nan(statuses.get(key)))
                        || key == "loss_nats" && [a, b].iter().all(|object| is_nan(object.get("status")))
                };
                for (key, value) in a.iter().filter(|(key, _)| !is_left_out(key)) {
                    let (place, new) = (format!("{place}.{key}"), b.get(key).unwrap_or(&Value::Null));
                    if both_nan(key) {
                        self.number(&place, value, new);
                    } else if value.is_object() {
                        let beside = format!("{key}_status");
                        let statuses = [a, b].map(|object| object.get(&beside).unwrap_or(&Value::Null));
                        self.walk_beside(&place, value, new, statuses);
                    } else {
                        self.walk(&place, value, new);
                    }
                }
                for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key) && !is_left_out(key)) {
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
        keep_greater(&mut self.absolute, difference, |d| d.absolute, || place.to_owned());
        keep_greater(&mut self.relative, difference, |d| d.relative, || place.to_owned());
        self.leaf(place, base, new, difference.passed, Some(difference));
    }

    fn leaf(&mut self, place: &str, base: &Value, new: &Value, passed: bool, difference: Option<Difference>) {
        self.values += 1;
        if !passed {
            self.differing += 1;
            let (base, new) = (base.clone(), new.clone());
            let leaf = Leaf { place: place.to_owned(), base, new, difference };
            let severity = leaf.severity();
            self.worst_here = Some(self.worst_here.map_or(severity, |worst| worst.max(severity)));
            self.leaves.push(leaf);
            self.keep_few();
        }
    }

    /// The worst first, of equal ones in the order of the results.
    fn sort_leaves(&mut self) {
        let order = |a: &Leaf, b: &Leaf| {
            b.severity().total_cmp(&a.severity()).then(a.is_detail().cmp(&b.is_detail()))
        };
        self.leaves.sort_by(order);
    }

    /// Leaves the worst, where there are many.
    fn keep_few(&mut self) {
        if self.leaves.len() <= MANY * MAX_LISTED {
            return;
        }
        self.sort_leaves();
        let number = self.leaves.iter().position(|leaf| leaf.difference.is_some());
        let beyond = number.filter(|&at| at >= MAX_LISTED).map(|at| self.leaves.swap_remove(at));
        self.leaves.truncate(MAX_LISTED);
        self.leaves.extend(beyond);
    }
}

/// Puts a difference and its place where one is that is less by `measure`; NaN is the greatest.
fn keep_greater(
    most: &mut Option<(Difference, String)>,
    difference: Difference,
    measure: fn(&Difference) -> f64,
    place: impl FnOnce() -> String,
) {
    let greater = |a: f64, b: f64| a > b || a.is_nan() && !b.is_nan();
    if most.as_ref().is_none_or(|(greatest, _)| greater(measure(&difference), measure(greatest))) {
        *most = Some((difference, place()));
    }
}

/// Whether a value may differ: one that is a name, and where items and frames are exchanged what is said of the layout.
fn may_differ(exchanged: bool, place: &str, key: &str) -> bool {
    let of_layout = key == "shape" && place == "summary" || matches!(key, "flag" | "flags");
    is_name(place, key) || exchanged && of_layout
}

/// Whether a value is the name of a file, or has it in it: an item's, where a gradient was written, and what is written
/// for people.
fn is_name(place: &str, key: &str) -> bool {
    match key {
        "id" => true,
        "file" => place == "summary.gradient",
        "relation" => place == "summary",
        "message" => place.starts_with("summary.findings["),
        _ => false,
    }
}
