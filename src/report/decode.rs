//! The report of `ctctool decode`.

use std::io::{self, Write};

use serde::Serialize;

use super::ctc_input::CtcInputParams;
use super::error_counts::{ItemErrors, RateSummary};
use super::intervals::TimedText;
use super::{Cell, Details, ItemId, Record, Status, TableText, listing};
use crate::input::{counted, display_name};

/// Every resolved setting; null where it does not apply.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct DecodeParams {
    /// The matrix.
    #[serde(flatten)]
    pub input_params: CtcInputParams,
    /// The token, or the mark at a token's beginning, that separates words.
    pub word_delimiter: Option<String>,
    /// `greedy` or `beam`.
    pub method: &'static str,
    /// Width of the beam.
    pub beam: Option<usize>,
    /// Most hypotheses of an item.
    pub nbest: usize,
    /// Least log-probability of a token in a frame.
    pub token_min_logp: Option<f64>,
    /// Whether hypotheses were scored exactly.
    pub exact_scores: bool,
    /// Whether tokens were placed in time.
    pub timestamps: bool,
    /// Seconds from frame to frame.
    pub frame_shift: Option<f64>,
    /// What steers the beam.
    #[serde(flatten)]
    pub steering: Option<SteeringParams>,
    /// The references' file.
    pub refs: Option<String>,
    /// Limit of the character error rate.
    pub max_cer: Option<f64>,
    /// Limit of the word error rate.
    pub max_wer: Option<f64>,
}

/// Every resolved setting of what steers a beam; null where it does not apply.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct SteeringParams {
    /// The language model's file.
    pub lm: Option<String>,
    /// Length of its longest n-grams.
    pub lm_order: Option<usize>,
    /// `word` or `token`.
    pub lm_unit: Option<&'static str>,
    /// α.
    pub lm_weight: Option<f64>,
    /// β, for each word or token, in nats.
    pub word_bonus: Option<f64>,
    /// For each unknown word or token, in nats.
    pub unk_score: Option<f64>,
    /// What the model calls the alphabet's space.
    pub lm_space: Option<String>,
    /// Whether the end of a text is scored.
    pub lm_eos: Option<bool>,
    /// The lexicon's file.
    pub lexicon: Option<String>,
    /// The hotwords' file.
    pub hotwords: Option<String>,
    /// Weight of hotwords that have none of their own, in nats.
    pub hotword_weight: Option<f64>,
}

/// The result for the whole file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DecodeSummary {
    /// Number of items.
    pub items: usize,
    /// `greedy` or `beam`.
    pub method: &'static str,
    /// Width of the beam.
    pub beam: Option<usize>,
    /// Items whose best hypothesis is proved best, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved_best: Option<usize>,
    /// With references.
    #[serde(flatten)]
    pub rates: Option<RateSummary>,
}

/// One item's transcripts.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DecodeItem {
    /// The input and the item's index.
    pub id: ItemId,
    /// The item's index.
    pub index: usize,
    /// Frames in use.
    pub frames: usize,
    /// `infeasible` where no path is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The best hypothesis's text.
    pub text: String,
    /// Its classes.
    pub tokens: Vec<u32>,
    /// Its log-probability: of the best path (greedy), or of all paths in the beam.
    pub logp_nats: f64,
    /// All that were asked for, best first.
    pub hypotheses: Vec<HypothesisItem>,
    /// Whether no text at all is more probable than the best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved_best: Option<bool>,
    /// The reference's line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What differs from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<ItemErrors>,
}

/// One transcript of an item.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HypothesisItem {
    /// From 1.
    pub rank: usize,
    /// Its text.
    pub text: String,
    /// Its classes.
    pub tokens: Vec<u32>,
    /// Log-probability of the best path (greedy), or of all paths in the beam.
    pub logp_nats: f64,
    /// What the beam is ranked by, in nats, where it is steered: `logp_nats`, the weighted language model's,
    /// bonuses, unknown words and hotwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The language model's log-probability of the text: unweighted, with the end where that is scored,
    /// without bonuses and what unknown words add.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lm_logp_nats: Option<f64>,
    /// Log-probability of the text over all its paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctc_logp_nats: Option<f64>,
    /// Where its tokens lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_timed: Option<Vec<TimedItem>>,
    /// Where its words lie, where the alphabet has words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<TimedItem>>,
}

/// A token or a word in time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TimedItem {
    /// A token's class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<u32>,
    /// Its text.
    pub text: String,
    /// First frame.
    pub start_frame: usize,
    /// One past the last frame.
    pub end_frame: usize,
    /// A token's most probable frame; that of a word's most confident token.
    pub peak_frame: usize,
    /// Geometric mean of a token's probabilities; the least of a word's tokens'.
    pub confidence: f64,
    /// `start_frame` in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_seconds: Option<f64>,
    /// `end_frame` in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_seconds: Option<f64>,
    /// `peak_frame` in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_seconds: Option<f64>,
}

impl TimedItem {
    /// Its text, its frames (first, one past the last, peak), its confidence, and its beginning and end in seconds.
    pub(super) fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        sink(Cell::Text(&self.text));
        for frame in [self.start_frame, self.end_frame, self.peak_frame] {
            sink(Cell::Count(frame as u64));
        }
        sink(Cell::Number(self.confidence));
        sink(Cell::from(self.start_seconds));
        sink(Cell::from(self.end_seconds));
    }
}

/// What is shown of an item of which no path is left.
static NOTHING: [HypothesisItem; 1] = [HypothesisItem {
    rank: 1,
    text: String::new(),
    tokens: Vec::new(),
    logp_nats: f64::NEG_INFINITY,
    score: None,
    lm_logp_nats: None,
    ctc_logp_nats: None,
    tokens_timed: None,
    words: None,
}];

impl DecodeItem {
    /// The best hypothesis as files of intervals have it.
    pub(crate) fn timed(&self) -> TimedText<'_> {
        let best = self.hypotheses.first();
        TimedText {
            id: &self.id,
            frames: self.frames,
            status: self.status.unwrap_or(Status::Ok),
            objection: best.is_none().then(|| format!("{}: no hypothesis is left", self.id)),
            tokens: best.and_then(|best| best.tokens_timed.as_deref()).unwrap_or_default(),
            words: best.and_then(|best| best.words.as_deref()),
        }
    }
}

impl Record for DecodeItem {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "index",
        "rank",
        "frames",
        "text",
        "score",
        "logp_nats",
        "lm_logp_nats",
        "ctc_logp_nats",
        "proved_best",
        "reference",
        "character_errors",
        "word_errors",
    ];

    /// A row a hypothesis; one for an item that has none.
    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        let hypotheses = if self.hypotheses.is_empty() { &NOTHING[..] } else { &self.hypotheses };
        for hypothesis in hypotheses {
            let first = hypothesis.rank == 1;
            let errors = |counts: fn(&ItemErrors) -> usize| match &self.errors {
                Some(errors) if first => Cell::Count(counts(errors) as u64),
                _ => Cell::Empty,
            };
            sink(Cell::Id(&self.id));
            sink(Cell::Count(self.index as u64));
            sink(Cell::Count(hypothesis.rank as u64));
            sink(Cell::Count(self.frames as u64));
            sink(Cell::Text(&hypothesis.text));
            sink(hypothesis.score.into());
            sink(Cell::Number(hypothesis.logp_nats));
            sink(hypothesis.lm_logp_nats.into());
            sink(hypothesis.ctc_logp_nats.into());
            sink(match self.proved_best {
                Some(proved) if first => Cell::Text(if proved { "yes" } else { "no" }),
                _ => Cell::Empty,
            });
            sink(self.reference.as_deref().filter(|_| first).into());
            sink(errors(|e| e.characters.errors()));
            sink(errors(|e| e.words.errors()));
        }
    }

    fn failure(&self) -> Option<(String, String)> {
        let reference = self.reference.as_deref().unwrap_or_default();
        self.errors.as_ref()?.failure(&self.id, reference, &self.text)
    }
}

impl DecodeSummary {
    /// The summary for people.
    pub(crate) fn table(&self, params: &DecodeParams) -> TableText<'static> {
        let method = match self.beam {
            None => "greedy".to_owned(),
            Some(width) => format!("beam {width}"),
        };
        let proved = self.proved_best.map_or(String::new(), |count| format!(", {count} proved best"));
        let title = format!(
            "{method}, {}{proved} in {}: {}",
            counted(self.items, "item"),
            display_name(&params.input_params.matrix.logits),
            params.input_params.described()
        );
        let (header, rows) = match &self.rates {
            Some(rates) => (RateSummary::HEADER.to_vec(), rates.rows()),
            None => (Vec::new(), Vec::new()),
        };
        TableText { title, header, rows }
    }
}

/// The words of items in time, or the tokens where the alphabet has no words, for people.
pub(crate) struct TimedTable<'a>(pub &'a [DecodeItem]);

impl Details for TimedTable<'_> {
    fn write(&self, precision: usize, out: &mut dyn Write) -> io::Result<()> {
        let header = [
            "id",
            "rank",
            "text",
            "start_frame",
            "end_frame",
            "peak_frame",
            "confidence",
            "start_seconds",
            "end_seconds",
        ];
        listing::write_rows(&header, self.0, timed_cells, precision, out)
    }
}

fn timed_cells<'a>(item: &'a DecodeItem, sink: &mut dyn FnMut(Cell<'a>)) {
    for hypothesis in &item.hypotheses {
        let timed = hypothesis.words.as_ref().or(hypothesis.tokens_timed.as_ref());
        for unit in timed.into_iter().flatten() {
            sink(Cell::Id(&item.id));
            sink(Cell::Count(hypothesis.rank as u64));
            unit.cells(sink);
        }
    }
}
