//! The report of `ctctool inspect`.

use serde::Serialize;

use super::loss::CtcLabelParams;
use super::matrix::MatrixParams;
use super::{Cell, ItemId, Record, TableText};
use crate::input::{display_name, shape_text};

/// Classes that people are shown among the winners.
const MOST_WINNERS: usize = 8;

/// Every resolved setting; null where it does not apply.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct InspectParams {
    /// The matrix.
    #[serde(flatten)]
    pub matrix: MatrixParams,
    /// The labels, as the user named them.
    pub labels: Option<String>,
    /// `logits`, `log-probs` or `probs`.
    pub input: &'static str,
    /// `tc`, `tnc` or `ntc`; null where it can't be told, and for cross-entropy.
    pub layout: Option<&'static str>,
    /// Whether the layout was told from the shapes.
    pub layout_inferred: bool,
    /// Index of the blank.
    pub blank: Option<u32>,
    /// The labels' settings.
    #[serde(flatten)]
    pub ctc_labels: CtcLabelParams,
}

/// What is in the file.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct InspectSummary {
    /// `npy` or `csv`.
    pub format: &'static str,
    /// Version of the .npy format.
    pub npy_version: Option<u8>,
    /// NumPy's name of the values' type.
    pub dtype: String,
    /// `little` or `big`.
    pub byte_order: Option<&'static str>,
    /// `C` or `Fortran`.
    pub order: &'static str,
    /// Sizes of the axes.
    pub shape: Vec<usize>,
    /// Number of values in the file.
    pub values: usize,
    /// Number of items, where the layout is known.
    pub items: Option<usize>,
    /// Number of classes.
    pub classes: usize,
    /// Rows (frames in use) that were looked at.
    pub rows: u64,
    /// Least finite value.
    pub min: Option<f64>,
    /// Greatest finite value.
    pub max: Option<f64>,
    /// How many are NaN.
    pub nan: u64,
    /// How many are `+inf`.
    pub positive_infinite: u64,
    /// How many are `-inf`.
    pub negative_infinite: u64,
    /// Place of the first NaN.
    pub first_nan_place: Option<String>,
    /// Place of the first `+inf`.
    pub first_positive_infinite_place: Option<String>,
    /// Place of the first `-inf`.
    pub first_negative_infinite_place: Option<String>,
    /// Place of the first NaN or `+inf`.
    pub first_bad_place: Option<String>,
    /// Rows of nothing but `-inf`.
    pub impossible_rows: u64,
    /// `logits`, `log-probs` or `probs`.
    pub looks_like: &'static str,
    /// Rows that sum to one with nothing below 0, over all.
    pub rows_like_probs_ratio: f64,
    /// Rows whose exponentials sum to one, over all.
    pub rows_like_log_probs_ratio: f64,
    /// Mean entropy of a row.
    pub entropy_mean_nats: Option<f64>,
    /// Least entropy of a row.
    pub entropy_min_nats: Option<f64>,
    /// Greatest entropy of a row.
    pub entropy_max_nats: Option<f64>,
    /// The classes that win a row, those that win most first.
    pub winners: Vec<Winner>,
    /// Rows that the blank wins, over all; null where there is no blank.
    pub blank_ratio: Option<f64>,
    /// Runs of frames that the same class wins, within items; null where the rows are no frames.
    pub runs: Option<u64>,
    /// With labels: different classes among them.
    pub label_classes: Option<usize>,
    /// With labels that are indices: how many are no class.
    pub labels_out_of_range: Option<usize>,
    /// With labels of CTC: how far the best path reads others, in errors for each label; with classes of rows: how many other
    /// classes win, for each. Null where there is none.
    pub label_error_ratio: Option<f64>,
    /// What follows, in plain words.
    pub findings: Vec<Finding>,
}

/// How often a class wins.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Winner {
    /// The class.
    pub class: usize,
    /// Its name, with an alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Rows that it wins, over all.
    pub ratio: f64,
}

/// Something to know, and the option that follows from it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    /// A stable name for scripts.
    pub code: &'static str,
    /// One line for people.
    pub message: String,
    /// The option, where one follows.
    pub flag: Option<String>,
}

/// Whether an item's labels fit its frames.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct InspectItem {
    /// The input and the item's index.
    pub id: ItemId,
    /// The item's index.
    pub index: usize,
    /// Frames in use.
    pub frames: usize,
    /// Number of labels.
    pub label_length: usize,
    /// Labels and the blanks that repeats need.
    pub frames_needed: usize,
    /// Labels that are no class.
    pub out_of_range: usize,
    /// Labels that are the blank.
    pub blanks: usize,
    /// Natural logarithm of the number of alignments; null where there is none, or a label is no label.
    pub ln_alignments: Option<f64>,
}

impl Record for InspectItem {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "index",
        "frames",
        "label_length",
        "frames_needed",
        "out_of_range",
        "blanks",
        "ln_alignments",
    ];

    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        sink(Cell::Id(&self.id));
        let counts =
            [self.index, self.frames, self.label_length, self.frames_needed, self.out_of_range, self.blanks];
        for count in counts {
            sink(Cell::Count(count as u64));
        }
        sink(self.ln_alignments.into());
    }
}

impl InspectSummary {
    /// The facts for people.
    pub(crate) fn table<'a>(&'a self, params: &InspectParams) -> TableText<'a> {
        let title = format!(
            "{}: {} {} of shape {}",
            display_name(&params.matrix.logits),
            self.format,
            self.dtype,
            shape_text(&self.shape)
        );
        let mut rows = Vec::new();
        let mut placed = |name: &'static str, cell: Cell<'static>, place: Option<&'a String>| {
            if cell != Cell::Empty {
                let place = place.map_or(Cell::Empty, |place| Cell::Text(place));
                rows.push(vec![Cell::Text(name), cell, place]);
            }
        };
        let mut row = |name, cell| placed(name, cell, None);
        row(".npy version", self.npy_version.map_or(Cell::Empty, |version| Cell::Count(u64::from(version))));
        row("memory order", Cell::Text(self.order));
        row("byte order", self.byte_order.into());
        row("values", Cell::Count(self.values as u64));
        row("layout", params.layout.map_or(Cell::Text("unknown"), Cell::Text));
        row("items", self.items.map_or(Cell::Empty, |items| Cell::Count(items as u64)));
        row("classes", Cell::Count(self.classes as u64));
        row("rows", Cell::Count(self.rows));
        row("minimum", Cell::from(self.min));
        row("maximum", Cell::from(self.max));
        placed("NaN", Cell::Count(self.nan), self.first_nan_place.as_ref());
        placed("+inf", Cell::Count(self.positive_infinite), self.first_positive_infinite_place.as_ref());
        placed("-inf", Cell::Count(self.negative_infinite), self.first_negative_infinite_place.as_ref());
        let mut row = |name, cell| placed(name, cell, None);
        row("looks like", Cell::Text(self.looks_like));
        row("rows that sum to 1 (ratio)", Cell::Number(self.rows_like_probs_ratio));
        row("rows whose exponentials sum to 1 (ratio)", Cell::Number(self.rows_like_log_probs_ratio));
        row("mean entropy (nats)", Cell::from(self.entropy_mean_nats));
        row("minimum entropy (nats)", Cell::from(self.entropy_min_nats));
        row("maximum entropy (nats)", Cell::from(self.entropy_max_nats));
        row("blank is argmax (ratio)", Cell::from(self.blank_ratio));
        row("runs of one argmax", self.runs.map_or(Cell::Empty, Cell::Count));
        let count = |count: Option<usize>| count.map_or(Cell::Empty, |count| Cell::Count(count as u64));
        row("distinct classes in the labels", count(self.label_classes));
        row("labels that are not a class", count(self.labels_out_of_range));
        row("errors against the labels (ratio)", Cell::from(self.label_error_ratio));
        TableText { title, header: vec!["", "value", "first at"], rows }
    }

    /// The classes that win most, for people.
    pub(crate) fn winners_table<'a>(&'a self) -> TableText<'a> {
        let shown = &self.winners[..self.winners.len().min(MOST_WINNERS)];
        let named = shown.iter().any(|winner| winner.token.is_some());
        let row = |winner: &'a Winner| {
            let mut row = vec![Cell::Count(winner.class as u64), Cell::Number(winner.ratio)];
            // A space would not be seen.
            let token = winner.token.as_deref().map(|token| if token == " " { "' '" } else { token });
            row.extend(named.then(|| Cell::from(token)));
            row
        };
        let rows: Vec<_> = shown.iter().map(row).collect();
        let title = match self.winners.len() {
            0 => "no row has an argmax".to_owned(),
            all if all > shown.len() => {
                format!("the {} most frequent of {all} argmax classes", shown.len())
            }
            _ => "most frequent argmax classes".to_owned(),
        };
        let mut header = vec!["class", "ratio"];
        header.extend(named.then_some("token"));
        TableText { title, header: if rows.is_empty() { Vec::new() } else { header }, rows }
    }

    /// What follows, for people.
    pub(crate) fn findings_table(&self) -> TableText<'_> {
        let mut rows: Vec<Vec<Cell<'_>>> = Vec::new();
        for finding in &self.findings {
            let flag = finding.flag.as_deref().unwrap_or_default();
            rows.push(vec![Cell::Text(&finding.message), Cell::Text(flag)]);
        }
        let title = if rows.is_empty() { "nothing unusual found" } else { "findings" };
        let header = if rows.is_empty() { Vec::new() } else { vec!["what", "option"] };
        TableText { title: title.to_owned(), header, rows }
    }
}
