//! The report of `ctctool eval`.

use std::io::{self, Write};

use serde::Serialize;

use super::error_counts::{ErrorCounts, ItemErrors, RateSummary};
use super::{Cell, Details, ItemId, Record, TableText, listing};
use crate::input::{counted, display_name};
use crate::metrics::{EditOp, align};

/// Every resolved setting.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct EvalParams {
    /// The file of hypotheses.
    pub hyp: String,
    /// The file of references.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Whether aligned pairs were asked for.
    pub alignments: bool,
    /// Limit of the character error rate.
    pub max_cer: Option<f64>,
    /// Limit of the word error rate.
    pub max_wer: Option<f64>,
}

/// The result for the whole file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EvalSummary {
    /// Number of lines.
    pub items: usize,
    /// Lines that differ from their reference.
    pub wrong_items: usize,
    /// Error rates and their counts.
    #[serde(flatten)]
    pub rates: RateSummary,
}

/// One pair of lines.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EvalItem {
    /// The file of hypotheses and the line's index.
    pub id: ItemId,
    /// The line's index, from 0.
    pub index: usize,
    /// What differs.
    pub errors: ItemErrors,
    /// The line and its reference, for formats of checks alone.
    #[serde(skip)]
    pub texts: Option<[String; 2]>,
    /// The aligned pairs, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignments: Option<Alignments>,
}

/// Aligned pairs of a line.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Alignments {
    /// Character by character.
    pub characters: Vec<Pair>,
    /// Word by word.
    pub words: Vec<Pair>,
}

/// A symbol of the reference and what stands for it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Pair {
    /// `correct`, `substitution`, `deletion` or `insertion`.
    pub op: &'static str,
    /// Null for an insertion.
    pub reference: Option<String>,
    /// Null for a deletion.
    pub hypothesis: Option<String>,
}

impl Pair {
    /// The symbols of both lines, paired.
    pub(crate) fn align<T: Ord + ToString>(reference: &[T], hypothesis: &[T]) -> Vec<Self> {
        let (mut expected, mut found) = (reference.iter(), hypothesis.iter());
        let pair = |op| {
            let (name, reference, hypothesis) = match op {
                EditOp::Correct => ("correct", expected.next(), found.next()),
                EditOp::Substitution => ("substitution", expected.next(), found.next()),
                EditOp::Deletion => ("deletion", expected.next(), None),
                EditOp::Insertion => ("insertion", None, found.next()),
            };
            let text = |symbol: Option<&T>| symbol.map(ToString::to_string);
            Self { op: name, reference: text(reference), hypothesis: text(hypothesis) }
        };
        align(reference, hypothesis).into_iter().map(pair).collect()
    }

    /// A row of a table for people; `item` is where the pair is from.
    pub(super) fn row<'a>(&'a self, item: Cell<'a>) -> [Cell<'a>; 4] {
        [
            item,
            Cell::Text(if self.op == "correct" { "" } else { self.op }),
            self.reference.as_deref().into(),
            self.hypothesis.as_deref().into(),
        ]
    }
}

impl Record for EvalItem {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "index",
        "cer_ratio",
        "character_substitutions",
        "character_deletions",
        "character_insertions",
        "character_correct",
        "character_reference_length",
        "wer_ratio",
        "word_substitutions",
        "word_deletions",
        "word_insertions",
        "word_correct",
        "word_reference_length",
    ];

    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        sink(Cell::Id(&self.id));
        sink(Cell::Count(self.index as u64));
        let errors = &self.errors;
        for (ratio, counts) in [(errors.cer_ratio, errors.characters), (errors.wer_ratio, errors.words)] {
            sink(ratio.into());
            let ErrorCounts { substitutions, deletions, insertions, correct, reference_length } = counts;
            for count in [substitutions, deletions, insertions, correct, reference_length] {
                sink(Cell::Count(count as u64));
            }
        }
    }

    fn failure(&self) -> Option<(String, String)> {
        let [hypothesis, reference] = self.texts.as_ref()?;
        self.errors.failure(&self.id, reference, hypothesis)
    }
}

impl EvalSummary {
    /// The summary for people.
    pub(crate) fn table(&self, params: &EvalParams) -> TableText<'static> {
        let title = format!(
            "{} of {} against {}: {} wrong{}",
            counted(self.items, "line"),
            display_name(&params.hyp),
            display_name(&params.reference),
            self.wrong_items,
            self.rates.ser_ratio.map_or(String::new(), |ratio| format!(" (SER {ratio:.6})")),
        );
        TableText { title, header: RateSummary::HEADER.to_vec(), rows: self.rates.rows() }
    }
}

/// Each line's words under those of its reference, for people.
pub(crate) struct AlignmentTable<'a>(pub &'a [EvalItem]);

impl Details for AlignmentTable<'_> {
    fn write(&self, precision: usize, out: &mut dyn Write) -> io::Result<()> {
        listing::write_rows(
            &["id", "error", "reference", "hypothesis"],
            self.0,
            aligned_cells,
            precision,
            out,
        )
    }
}

fn aligned_cells<'a>(item: &'a EvalItem, sink: &mut dyn FnMut(Cell<'a>)) {
    for pair in item.alignments.iter().flat_map(|alignments| &alignments.words) {
        pair.row(Cell::Id(&item.id)).into_iter().for_each(&mut *sink);
    }
}
