//! The report of `ctctool loss`.

use serde::Serialize;

use super::gradient::GradientSummary;
use super::matrix::MatrixParams;
use super::{Cell, ItemId, Record, Status, TableText};
use crate::input::{counted, display_name};
use crate::loss::reduction::{Reduction, Reductions};

/// How the items of a CTC input and their labels are read.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct CtcLabelParams {
    /// The alphabet's file.
    pub alphabet: Option<String>,
    /// How text labels are split.
    pub label_split: Option<&'static str>,
    /// The token for what is not in the alphabet.
    pub unk: Option<String>,
    /// Where the lengths came from.
    pub lengths: Option<String>,
    /// Where the label lengths came from.
    pub label_lengths: Option<String>,
}

/// Every resolved setting; null where it does not apply.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct LossParams {
    /// The matrix.
    #[serde(flatten)]
    pub matrix: MatrixParams,
    /// The labels, as the user named them.
    pub labels: String,
    /// `ctc` or `cross-entropy`.
    pub criterion: &'static str,
    /// Whether the criterion was told from the shapes.
    pub criterion_inferred: bool,
    /// `none`, `mean` or `sum`.
    pub reduction: &'static str,
    /// `logits`, `log-probs` or `probs`.
    pub input: &'static str,
    /// `error` or `propagate`.
    pub nonfinite: &'static str,
    /// Number of classes.
    pub classes: usize,
    /// CTC: `tc`, `tnc` or `ntc`.
    pub layout: Option<&'static str>,
    /// CTC: whether the layout was told from the shapes.
    pub layout_inferred: Option<bool>,
    /// CTC: index of the blank.
    pub blank: Option<u32>,
    /// CTC: how items and their labels were read.
    #[serde(flatten)]
    pub ctc_labels: CtcLabelParams,
    /// CTC: whether infinite losses count as 0.
    pub zero_infinity: Option<bool>,
    /// Cross-entropy: axis of the classes, from 0.
    pub class_axis: Option<usize>,
    /// Cross-entropy: `indices` or `probs`.
    pub targets: Option<&'static str>,
    /// Cross-entropy: a weight per class.
    pub weight: Option<Vec<f64>>,
    /// Cross-entropy: the target value that is left out; null for probabilities.
    pub ignore_index: Option<i64>,
    /// Cross-entropy: label smoothing.
    pub label_smoothing: Option<f64>,
    /// Limit of the reduced loss.
    pub max_loss: Option<f64>,
    /// The reduced loss that was expected.
    pub expect: Option<f64>,
    /// Relative tolerance of `expect`.
    pub rtol: Option<f64>,
    /// Absolute tolerance of `expect`.
    pub atol: Option<f64>,
}

/// The loss of the whole file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LossSummary {
    /// `ctc` or `cross-entropy`.
    pub criterion: &'static str,
    /// `none`, `mean` or `sum`.
    pub reduction: &'static str,
    /// The reduced loss; null for `none` and where it is not finite.
    pub loss_nats: Option<f64>,
    /// What kind of number the loss is; for `none`, the worst of all items.
    pub status: Status,
    /// Number of items.
    pub items: usize,
    /// Items left out by `ignore_index`.
    pub ignored: usize,
    /// CTC items with fewer frames than their labels need.
    pub infeasible: usize,
    /// Items with a loss of `+inf` for another reason, whether it counts as 0 or not.
    pub infinite: usize,
    /// Items with a loss of NaN.
    pub nan: usize,
    /// The loss by each convention.
    pub reductions: ByReduction<f64>,
    /// What kind of number each of these is.
    pub reductions_status: ByReduction<Status>,
    /// The gradient, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient: Option<GradientSummary>,
}

/// Something of each of the [`Reductions`]; numbers that are not finite are null.
#[derive(Clone, Copy, Debug, Serialize)]
#[allow(missing_docs)] // the same four names
pub(crate) struct ByReduction<T> {
    pub sum: T,
    pub mean: T,
    pub batch_mean: T,
    pub token_mean: T,
}

impl<T> ByReduction<T> {
    fn of(reductions: Reductions, of_number: impl Fn(f64) -> T) -> Self {
        let Reductions { sum, mean, batch_mean, token_mean } = reductions;
        let [sum, mean, batch_mean, token_mean] = [sum, mean, batch_mean, token_mean].map(of_number);
        Self { sum, mean, batch_mean, token_mean }
    }
}

impl ByReduction<f64> {
    /// Their names and they.
    pub(crate) fn named(&self) -> [(&'static str, f64); 4] {
        [
            ("mean", self.mean),
            ("sum", self.sum),
            ("batch_mean", self.batch_mean),
            ("token_mean", self.token_mean),
        ]
    }
}

/// Counts of what the losses of the items were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// All items.
    pub items: usize,
    /// Left out.
    pub ignored: usize,
    /// Too few frames, even where a NaN makes the loss one.
    pub infeasible: usize,
    /// Infinite for another reason.
    pub infinite: usize,
    /// Not a number.
    pub nan: usize,
}

impl Tally {
    /// Counts one item.
    pub(crate) fn add(&mut self, item: &CtcItem) {
        self.items += 1;
        self.infeasible += usize::from(item.is_infeasible());
        self.infinite += usize::from(item.status == Status::Infinite);
        self.nan += usize::from(item.status == Status::Nan);
    }

    fn worst(self) -> Status {
        if self.nan > 0 {
            Status::Nan
        } else if self.infeasible > 0 {
            Status::Infeasible
        } else if self.infinite > 0 {
            Status::Infinite
        } else {
            Status::Ok
        }
    }
}

impl LossSummary {
    /// Puts the numbers together.
    pub(crate) fn new(
        params: &LossParams,
        reduction: Reduction,
        reductions: Reductions,
        tally: Tally,
    ) -> Self {
        let loss_nats = reductions.get(reduction);
        let status_of = |number| match Status::of(number) {
            // Why it is infinite, where that is known.
            Status::Infinite if tally.infeasible > 0 => Status::Infeasible,
            status => status,
        };
        let status = loss_nats.map_or_else(|| tally.worst(), status_of);
        Self {
            criterion: params.criterion,
            reduction: params.reduction,
            loss_nats,
            status,
            items: tally.items,
            ignored: tally.ignored,
            infeasible: tally.infeasible,
            infinite: tally.infinite,
            nan: tally.nan,
            reductions: ByReduction::of(reductions, |number| number),
            reductions_status: ByReduction::of(reductions, status_of),
            gradient: None,
        }
    }

    /// The summary for people.
    pub(crate) fn table(&self, params: &LossParams) -> TableText<'static> {
        let ctc = self.criterion == "ctc";
        let name = if ctc { "CTC loss" } else { "cross-entropy" };
        let items = if ctc { "item" } else { "row" };
        let classes = counted(params.classes, "class");
        let layout = match (params.layout, params.blank, params.class_axis) {
            (Some(layout), Some(blank), _) => {
                let inferred = if params.layout_inferred == Some(true) { " (inferred)" } else { "" };
                format!("layout {layout}{inferred}, {classes}, blank {blank}")
            }
            (_, _, Some(axis)) => format!("{classes} on axis {axis}"),
            _ => classes,
        };
        let title = format!(
            "{name} of {} in {}: {layout}",
            counted(self.items, items),
            display_name(&params.matrix.logits)
        );
        let means = if ctc {
            ["mean over items of loss / target length", "sum / items", "sum / target tokens of all items"]
        } else if params.targets == Some("probs") {
            ["sum / rows, as PyTorch does for probabilities", "sum / rows", "sum / rows"]
        } else {
            ["sum / sum of the targets' weights", "sum / all rows", "sum / rows that are not ignored"]
        };
        let sum = if ctc { "sum over items" } else { "sum over rows" };
        let meanings = [means[0], sum, means[1], means[2]];
        let mut rows: Vec<Vec<Cell<'static>>> = Vec::new();
        for ((name, value), meaning) in self.reductions.named().into_iter().zip(meanings) {
            let asked = if name == self.reduction { "*" } else { "" };
            rows.push(vec![Cell::Text(asked), Cell::Text(name), Cell::Number(value), Cell::Text(meaning)]);
        }
        let counted = if ctc {
            ("infeasible", self.infeasible, "items with fewer frames than their labels need")
        } else {
            ("ignored", self.ignored, "rows whose target is the ignored index")
        };
        let infinite = if ctc {
            ("infinite", self.infinite, "items whose labels have no path with a probability above 0")
        } else {
            ("infinite", self.infinite, "rows with a target that has no probability")
        };
        let nan = if ctc {
            ("nan", self.nan, "items with a loss of nan: --items lists which")
        } else {
            ("nan", self.nan, "rows with a loss of nan: --items lists which")
        };
        let told = [infinite, nan].into_iter().filter(|(_, count, _)| *count > 0);
        for (name, count, meaning) in std::iter::once(counted).chain(told) {
            rows.push(vec![Cell::Empty, Cell::Text(name), Cell::Count(count as u64), Cell::Text(meaning)]);
        }
        TableText { title, header: vec!["", "reduction", "loss (nats)", ""], rows }
    }
}

/// One item of a CTC loss.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CtcItem {
    /// The input and the item's index.
    pub id: ItemId,
    /// The item's index.
    pub index: usize,
    /// Its loss; null where not finite.
    pub loss_nats: f64,
    /// What kind of number it is. An infeasible item stays one where `zero_infinity` makes it 0, but not where it is NaN.
    pub status: Status,
    /// Frames in use.
    pub frames: usize,
    /// Number of labels.
    pub label_length: usize,
    /// Labels and the blanks that repeats need.
    pub frames_needed: usize,
}

impl CtcItem {
    /// Whether no alignment has as few frames.
    pub(crate) fn is_infeasible(&self) -> bool {
        self.frames < self.frames_needed
    }
}

impl Record for CtcItem {
    const COLUMNS: &'static [&'static str] =
        &["id", "index", "loss_nats", "status", "frames", "label_length", "frames_needed"];

    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        sink(Cell::Id(&self.id));
        sink(Cell::Count(self.index as u64));
        sink(Cell::Number(self.loss_nats));
        sink(Cell::Text(self.status.name()));
        sink(Cell::Count(self.frames as u64));
        sink(Cell::Count(self.label_length as u64));
        sink(Cell::Count(self.frames_needed as u64));
    }
}

/// One row of a cross-entropy.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CrossEntropyItem {
    /// The input and the row's index.
    pub id: ItemId,
    /// The row's index, row-major over the axes but the classes'.
    pub index: usize,
    /// Its loss; null where not finite.
    pub loss_nats: f64,
    /// What kind of number it is.
    pub status: Status,
    /// Its target, the ignored index too; null for probabilities.
    pub target: Option<i64>,
}

impl Record for CrossEntropyItem {
    const COLUMNS: &'static [&'static str] = &["id", "index", "loss_nats", "status", "target"];

    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        sink(Cell::Id(&self.id));
        sink(Cell::Count(self.index as u64));
        sink(Cell::Number(self.loss_nats));
        sink(Cell::Text(self.status.name()));
        sink(self.target.map_or(Cell::Empty, Cell::Integer));
    }
}
