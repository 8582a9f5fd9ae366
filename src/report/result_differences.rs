//! How two results of this program differ: value by value, whatever they are of.

use rayon::prelude::*;
use serde_json::Value;

use super::compare::{CompareItem, CompareSummary};
use super::eval::Pair;
use super::{Shortest, Status};
use crate::input::ResultFile;
use crate::metrics::error_rate::words;
use crate::metrics::greatest::Greatest;
use crate::metrics::{Difference, Tolerance};

/// Items that a thread compares at a time.
const ITEMS_AT_ONCE: usize = 256;
/// Differences are sorted once there are so many times as many as are listed.
const MANY: usize = 64;

/// What two results may differ in, and how much of it is told.
#[derive(Clone, Copy)]
pub(crate) struct ComparisonSettings {
    pub(crate) tolerance: Tolerance,
    /// Of counts, places and classes, which are written without a decimal point.
    pub(crate) of_integers: Tolerance,
    /// Whether items and frames are exchanged in the inputs, and so in what is said of their shapes.
    pub(crate) exchanged: bool,
    /// How many differences are wanted.
    pub(crate) listed: usize,
}

/// How two results differ.
pub(crate) struct ResultDifferences {
    /// Of what both have: items in one alone are not looked at.
    pub(crate) summary: CompareSummary,
    /// The worst differences.
    pub(crate) items: Vec<CompareItem>,
    /// The first of the items with other texts, and the texts' words side by side.
    pub(crate) texts: Vec<(u64, Vec<Pair>)>,
}

impl ComparisonSettings {
    /// Compares the summaries, and the items that both results have.
    pub(crate) fn differences(self, base: &ResultFile, new: &ResultFile) -> ResultDifferences {
        let mut found = Walk::new(self);
        found.walk("summary", &base.value["summary"], &new.value["summary"]);
        let in_both: Vec<(u64, usize, usize)> = base
            .indices()
            .iter()
            .filter_map(|(index, &at)| Some((*index, at, *new.indices().get(index)?)))
            .collect();
        let parts = in_both.par_chunks(ITEMS_AT_ONCE).map(|items| ItemsFound::of(base, new, items, self));
        let mut of_items = ItemsFound { found, worst: None, changed_texts: Vec::new(), texts: Vec::new() };
        for part in parts.collect::<Vec<_>>() {
            of_items.append(part);
        }
        of_items.finish()
    }
}

/// What was found in the summaries or in some items.
struct ItemsFound {
    found: Walk,
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
        settings: ComparisonSettings,
    ) -> Self {
        let mut all =
            Self { found: Walk::new(settings), worst: None, changed_texts: Vec::new(), texts: Vec::new() };
        for &(index, in_base, in_new) in items {
            let (base, new) = (base.item(in_base), new.item(in_new));
            all.found.worst_here = None;
            all.found.walk(&format!("items[{index}]"), &base, &new);
            all.worst = worse(all.worst, all.found.worst_here.map(|severity| (index, severity)));
            if let (Some(base), Some(new)) = (base["text"].as_str(), new["text"].as_str())
                && base != new
            {
                all.changed_texts.push(index);
                if all.texts.len() < settings.listed {
                    all.texts.push((index, [base.to_owned(), new.to_owned()]));
                }
            }
        }
        all
    }

    /// Adds what was found in what follows.
    fn append(&mut self, next: Self) {
        self.found.append(next.found);
        self.worst = worse(self.worst, next.worst);
        self.changed_texts.extend(next.changed_texts);
        self.texts.extend(next.texts);
    }

    fn finish(mut self) -> ResultDifferences {
        self.found.sort_leaves();
        let Walk { settings, values, differing, mut leaves, absolute, relative, .. } = self.found;
        let (absolute, relative) = (absolute.at(), relative.at());
        // A number where one differs, else whatever does, else the greatest difference there is.
        let number = leaves.iter().find(|leaf| leaf.difference.is_some()).or(leaves.first());
        let (worst, worst_place) = match (number, &absolute) {
            (Some(leaf), _) => (leaf.difference, Some(leaf.place.clone())),
            (None, Some((difference, place))) => (Some(*difference), Some(place.clone())),
            (None, None) => (None, None),
        };
        leaves.truncate(settings.listed);
        self.texts.truncate(settings.listed);
        let aligned =
            |(index, [base, new]): (u64, [String; 2])| (index, Pair::align(&words(&base), &words(&new)));
        ResultDifferences {
            summary: CompareSummary {
                equal: differing == 0,
                values,
                differing,
                allowed: worst.map(|difference| difference.allowed),
                worst_absolute: worst.map(|difference| difference.absolute),
                worst_place,
                max_absolute: absolute.as_ref().map(|(difference, _)| difference.absolute),
                max_absolute_place: absolute.map(|(_, place)| place),
                max_relative: relative.as_ref().map(|(difference, _)| difference.relative),
                max_relative_place: relative.map(|(_, place)| place),
                changed_texts: Some(self.changed_texts),
                worst_item: self.worst.map(|(index, _)| index),
                ..CompareSummary::default()
            },
            items: leaves.into_iter().map(Leaf::into_item).collect(),
            texts: self.texts.into_iter().map(aligned).collect(),
        }
    }
}

/// The worse of two items, each with what is worst about it; the first of equal ones.
fn worse(a: Option<(u64, f64)>, b: Option<(u64, f64)>) -> Option<(u64, f64)> {
    match (a, b) {
        (Some(a), Some(b)) if b.1 > a.1 => Some(b),
        (a, b) => a.or(b),
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
            words: is_text.then(|| Pair::align(&words(&text(&self.base)), &words(&text(&self.new)))),
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
struct Walk {
    settings: ComparisonSettings,
    values: usize,
    differing: usize,
    /// Those that may be listed, and the worst number.
    leaves: Vec<Leaf>,
    /// The severity of the worst since this was last set to none.
    worst_here: Option<f64>,
    /// The greatest differences and their places.
    absolute: Greatest<(Difference, String)>,
    relative: Greatest<(Difference, String)>,
}

impl Walk {
    /// Nothing yet.
    fn new(settings: ComparisonSettings) -> Self {
        Self {
            settings,
            values: 0,
            differing: 0,
            leaves: Vec::new(),
            worst_here: None,
            absolute: Greatest::default(),
            relative: Greatest::default(),
        }
    }

    /// Adds what was found in what follows.
    fn append(&mut self, next: Self) {
        self.values += next.values;
        self.differing += next.differing;
        self.leaves.extend(next.leaves);
        self.keep_few();
        self.absolute.append(next.absolute);
        self.relative.append(next.relative);
    }

    fn walk(&mut self, place: &str, base: &Value, new: &Value) {
        self.walk_beside(place, base, new, [&Value::Null; 2]);
    }

    /// `statuses`: of an object in each, what stands beside it about its numbers.
    fn walk_beside(&mut self, place: &str, base: &Value, new: &Value, statuses: [&Value; 2]) {
        match (base, new) {
            (Value::Object(a), Value::Object(b)) => {
                let exchanged = self.settings.exchanged;
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
        let tolerance = if integers { self.settings.of_integers } else { self.settings.tolerance };
        let difference = tolerance.compare(a, b);
        self.absolute.note(difference.absolute, || (difference, place.to_owned()));
        self.relative.note(difference.relative, || (difference, place.to_owned()));
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
        let listed = self.settings.listed;
        if self.leaves.len() <= MANY * listed {
            return;
        }
        self.sort_leaves();
        let number = self.leaves.iter().position(|leaf| leaf.difference.is_some());
        let beyond = number.filter(|&at| at >= listed).map(|at| self.leaves.swap_remove(at));
        self.leaves.truncate(listed);
        self.leaves.extend(beyond);
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
