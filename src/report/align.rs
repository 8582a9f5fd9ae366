//! The report of `ctctool align`.

use serde::Serialize;

use super::ctc_input::CtcInputParams;
use super::decode::TimedItem;
use super::intervals::TimedText;
use super::{Cell, ItemId, Record, Status, TableText, infeasible};
use crate::input::{counted, display_name};

/// Every resolved setting; null where it does not apply.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct AlignParams {
    /// The matrix.
    #[serde(flatten)]
    pub input_params: CtcInputParams,
    /// The labels, as the user named them.
    pub labels: String,
    /// How text labels were split.
    pub label_split: Option<&'static str>,
    /// The token for what is not in the alphabet.
    pub unk: Option<String>,
    /// Where the label lengths came from.
    pub label_lengths: Option<String>,
    /// Seconds from frame to frame.
    pub frame_shift: Option<f64>,
}

/// The result for the whole file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlignSummary {
    /// Number of items.
    pub items: usize,
    /// Items with an alignment.
    pub aligned: usize,
    /// Items with fewer frames than their labels need.
    pub infeasible: usize,
    /// Items whose every path has a probability of 0.
    pub infinite: usize,
}

/// One item's best path.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AlignItem {
    /// The input and the item's index.
    pub id: ItemId,
    /// The item's index.
    pub index: usize,
    /// `ok`, `infeasible`, or `infinite` where every path has a probability of 0.
    pub status: Status,
    /// Frames in use.
    pub frames: usize,
    /// Number of labels.
    pub label_length: usize,
    /// Labels and the blanks that repeats need.
    pub frames_needed: usize,
    /// The labels' text.
    pub text: String,
    /// Log-probability of the best path; null where there is none.
    pub path_logp_nats: Option<f64>,
    /// Where each label lies.
    pub tokens_timed: Vec<TimedItem>,
    /// Where each word lies, where the alphabet has words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<TimedItem>>,
}

impl AlignItem {
    /// Why there is no alignment; none where there is one.
    pub(crate) fn objection(&self) -> Option<String> {
        match self.status {
            Status::Ok => None,
            Status::Infeasible => {
                Some(infeasible(&self.id, self.label_length, self.frames_needed, self.frames))
            }
            _ => Some(format!("{}: every path of its labels has probability 0", self.id)),
        }
    }

    /// As files of intervals have it.
    pub(crate) fn timed(&self) -> TimedText<'_> {
        TimedText {
            id: &self.id,
            frames: self.frames,
            status: self.status,
            objection: self.objection(),
            tokens: &self.tokens_timed,
            words: self.words.as_deref(),
        }
    }
}

impl Record for AlignItem {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "index",
        "status",
        "unit",
        "text",
        "start_frame",
        "end_frame",
        "peak_frame",
        "confidence",
        "start_seconds",
        "end_seconds",
        "path_logp_nats",
    ];

    /// A row a token and a row a word; one row where there is neither, or no alignment.
    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        let mut row = |unit: &'static str, timed: Option<&'a TimedItem>| {
            sink(Cell::Id(&self.id));
            sink(Cell::Count(self.index as u64));
            sink(Cell::Text(self.status.name()));
            let Some(timed) = timed else {
                (0..Self::COLUMNS.len() - 4).for_each(|_| sink(Cell::Empty));
                sink(Cell::from(self.path_logp_nats));
                return;
            };
            sink(Cell::Text(unit));
            timed.cells(sink);
            sink(Cell::from(self.path_logp_nats));
        };
        if self.tokens_timed.is_empty() {
            row("", None);
        }
        self.tokens_timed.iter().for_each(|token| row("token", Some(token)));
        self.words.iter().flatten().for_each(|word| row("word", Some(word)));
    }
}

impl AlignSummary {
    /// The summary for people.
    pub(crate) fn table(&self, params: &AlignParams) -> TableText<'static> {
        let title = format!(
            "{} of {} of {} aligned, {} infeasible{}: {}",
            self.aligned,
            counted(self.items, "item"),
            display_name(&params.input_params.matrix.logits),
            self.infeasible,
            if self.infinite > 0 { format!(", {} without a path", self.infinite) } else { String::new() },
            params.input_params.described()
        );
        TableText { title, header: Vec::new(), rows: Vec::new() }
    }
}
