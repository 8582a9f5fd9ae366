//! The report of `ctctool compare`.

use serde::Serialize;
use serde_json::Value;

use super::eval::Pair;
use super::{Cell, Record, Shortest, Status, TableText};
use crate::input::display_name;

/// Every resolved setting.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CompareParams {
    /// The base, as the user named it.
    pub base: String,
    /// What is compared with it.
    pub new: String,
    /// `matrix` or `result`.
    pub kind: &'static str,
    /// `elementwise`, `max`, `mean` or `median`.
    pub stat: &'static str,
    /// Relative tolerance.
    pub rtol: f64,
    /// Absolute tolerance.
    pub atol: f64,
    /// Matrices: their shape.
    pub shape: Option<Vec<usize>>,
    /// Matrices: what separates the columns of CSV, where it was given.
    pub delimiter: Option<char>,
    /// Matrices: whether the first row of CSV is names.
    pub headers: Option<bool>,
    /// The less precise of the matrices' dtypes, or of those of the results' inputs.
    pub dtype: Option<String>,
    /// The dtypes of base and new, where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtypes: Option<[String; 2]>,
    /// Results: the command that printed them.
    pub command: Option<String>,
}

/// How the two differ as a whole.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct CompareSummary {
    /// Whether they are the same within what was allowed.
    pub equal: bool,
    /// Values compared.
    pub values: usize,
    /// Values beyond what was allowed.
    pub differing: usize,
    /// The statistic of the absolute differences; null for `elementwise` and where it is NaN.
    pub statistic: Option<f64>,
    /// What was allowed: for the statistic, or at the worst place.
    pub allowed: Option<f64>,
    /// The difference that exceeds what was allowed most, or is the greatest where none does; null where it is not
    /// finite, or what differs is no number.
    pub worst_absolute: Option<f64>,
    /// Where it is.
    pub worst_place: Option<String>,
    /// The greatest absolute difference; null where a value is NaN.
    pub max_absolute: Option<f64>,
    /// Where it is.
    pub max_absolute_place: Option<String>,
    /// The greatest relative difference; null where a value is NaN.
    pub max_relative: Option<f64>,
    /// Where it is.
    pub max_relative_place: Option<String>,
    /// Matrices that differ: how one of them was made of the other, where that tells all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// Matrices that differ: the part that has all values that do, where it is no more than half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Matrices that differ: how many rows along the last axis have their greatest value at another place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_winners: Option<usize>,
    /// Results: items that only the new one has, by index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_items: Option<Vec<u64>>,
    /// Results: items that only the base has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone_items: Option<Vec<u64>>,
    /// Results: items whose text is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_texts: Option<Vec<u64>>,
    /// Results: the item that differs most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst_item: Option<u64>,
}

/// One value that differs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CompareItem {
    /// Where it is: `[3, 0, 17]`, or `items[2].loss_nats`.
    pub place: String,
    /// The base's value.
    pub base: Value,
    /// The new value.
    pub new: Value,
    /// The absolute difference of two numbers; null where not finite.
    pub absolute: Option<f64>,
    /// What kind of number that is.
    pub status: Option<Status>,
    /// The relative difference, likewise.
    pub relative: Option<f64>,
    /// What was allowed.
    pub allowed: Option<f64>,
    /// A changed text's words: those of the base as the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<Pair>>,
    /// For people.
    #[serde(skip)]
    pub shown: [String; 2],
}

impl Record for CompareItem {
    const COLUMNS: &'static [&'static str] = &["place", "base", "new", "absolute", "relative", "allowed"];

    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        sink(Cell::Text(&self.place));
        sink(Cell::Text(&self.shown[0]));
        sink(Cell::Text(&self.shown[1]));
        for number in [self.absolute, self.relative, self.allowed] {
            sink(number.into());
        }
    }

    fn failure(&self) -> Option<(String, String)> {
        let [base, new] = &self.shown;
        let message = match (self.absolute, self.allowed) {
            (Some(absolute), Some(allowed)) => {
                let [absolute, allowed] = [absolute, allowed].map(Shortest);
                format!("expected {base}, found {new}: a difference of {absolute}, allowed {allowed}")
            }
            _ if self.words.is_some() => format!("expected '{base}', found '{new}'"),
            _ => format!("expected {base}, found {new}"),
        };
        Some((self.place.clone(), format!("{}: {message}", self.place)))
    }
}

impl CompareSummary {
    /// The summary for people.
    pub(crate) fn table(&self, params: &CompareParams) -> TableText<'_> {
        let verdict = if self.equal { "the same within tolerance" } else { "different" };
        let title = format!(
            "{} and {}: {verdict}: {} of {} values differ (rtol {:e}, atol {:e}, {}{})",
            display_name(&params.base),
            display_name(&params.new),
            self.differing,
            self.values,
            params.rtol,
            params.atol,
            params.stat,
            params.dtypes.as_ref().map_or(String::new(), |[base, new]| format!(", {base} against {new}")),
        );
        let mut rows = Vec::new();
        // No difference is nowhere.
        let somewhere = self.worst_absolute != Some(0.0);
        // What was allowed belongs to the statistic, or to the value at the worst place.
        let allowed_place = self.worst_place.as_ref().filter(|_| self.statistic.is_none());
        // Most often the greatest difference is the worst one, too.
        let worst = self.worst_absolute.filter(|_| self.worst_place != self.max_absolute_place);
        for (name, value, place) in [
            ("greatest absolute difference", self.max_absolute, self.max_absolute_place.as_ref()),
            ("greatest relative difference", self.max_relative, self.max_relative_place.as_ref()),
            ("worst relative to what is allowed", worst, self.worst_place.as_ref()),
            (params.stat, self.statistic, None),
            ("allowed", self.allowed, allowed_place),
        ] {
            if let Some(value) = value {
                let place = place.filter(|_| somewhere).map_or(Cell::Empty, |place| Cell::Text(place));
                rows.push(vec![Cell::Text(name), Cell::Number(value), place]);
            }
        }
        if let Some(count) = self.changed_winners {
            let name = "rows along the last axis with a different argmax";
            rows.push(vec![Cell::Text(name), Cell::Count(count as u64), Cell::Empty]);
        }
        for (name, list) in [
            ("new items", &self.new_items),
            ("missing items", &self.gone_items),
            ("items with different text", &self.changed_texts),
        ] {
            if let Some(list) = list.as_ref().filter(|list| !list.is_empty()) {
                rows.push(vec![Cell::Text(name), Cell::Count(list.len() as u64), Cell::Empty]);
            }
        }
        if let Some(item) = self.worst_item {
            rows.push(vec![Cell::Text("item that differs most"), Cell::Count(item), Cell::Empty]);
        }
        let header = if rows.is_empty() { Vec::new() } else { vec!["", "value", "place"] };
        TableText { title, header, rows }
    }
}

/// The words of texts that changed, each item's under those of the base, for people.
pub(crate) fn changed_texts_table(texts: &[(u64, Vec<Pair>)]) -> TableText<'_> {
    let mut rows = Vec::new();
    for (item, words) in texts {
        for pair in words {
            rows.push(pair.row(Cell::Count(*item)).to_vec());
        }
    }
    let title = "changed texts, word by word".to_owned();
    TableText { title, header: vec!["item", "change", "base", "new"], rows }
}
