//! The report of `ctctool tune`.

use serde::Serialize;

use super::ctc_input::CtcInputParams;
use super::decode::SteeringParams;
use super::error_counts::RateSummary;
use super::{Cell, Record, Shortest, TableText};
use crate::input::{counted, display_name};

/// Every resolved setting.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TuneParams {
    /// The matrix.
    #[serde(flatten)]
    pub input_params: CtcInputParams,
    /// The token, or the mark at a token's beginning, that separates words.
    pub word_delimiter: Option<String>,
    /// The references' file.
    pub refs: String,
    /// What steers the beam, without weight and bonus.
    #[serde(flatten)]
    pub steering: SteeringParams,
    /// The weights that were tried.
    pub lm_weights: Vec<f64>,
    /// The bonuses that were tried.
    pub word_bonuses: Vec<f64>,
    /// The widths that were tried.
    pub beams: Vec<u32>,
    /// `wer` or `cer`: what was to become least.
    pub objective: &'static str,
}

/// The result for all that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct TuneSummary {
    /// Number of settings.
    pub settings: usize,
    /// Number of lines that each was tried on.
    pub lines: usize,
    /// Settings with as few errors as the best, and the best itself.
    pub tied: usize,
    /// The setting with the least errors; of tied ones the narrowest beam, then the one in their middle.
    pub best: TunePoint,
    /// The options of `decode` that make it.
    pub flags: String,
    /// What the best path reads, without beam and model.
    pub greedy: RateSummary,
}

/// One setting and its errors.
#[derive(Clone, Debug, Serialize)]
pub struct TunePoint {
    /// α.
    pub lm_weight: f64,
    /// β, in nats.
    pub word_bonus: f64,
    /// Width of the beam.
    pub beam: u32,
    /// Whether it is the one to use.
    pub is_best: bool,
    /// Its error rates.
    #[serde(flatten)]
    pub rates: RateSummary,
}

impl TunePoint {
    /// The options of `decode` that make it.
    pub fn flags(&self) -> String {
        let Self { beam, lm_weight, word_bonus, .. } = *self;
        let [lm_weight, word_bonus] = [lm_weight, word_bonus].map(Shortest);
        format!("--beam {beam} --lm-weight {lm_weight} --word-bonus {word_bonus}")
    }
}

impl Record for TunePoint {
    const COLUMNS: &'static [&'static str] = &[
        "lm_weight",
        "word_bonus",
        "beam",
        "cer_ratio",
        "character_errors",
        "wer_ratio",
        "word_errors",
        "is_best",
    ];

    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        sink(Cell::Number(self.lm_weight));
        sink(Cell::Number(self.word_bonus));
        sink(Cell::Count(u64::from(self.beam)));
        sink(Cell::from(self.rates.cer_ratio));
        sink(Cell::Count(self.rates.characters.errors() as u64));
        sink(Cell::from(self.rates.wer_ratio));
        sink(Cell::Count(self.rates.words.errors() as u64));
        sink(if self.is_best { Cell::Text("*") } else { Cell::Empty });
    }
}

impl TuneSummary {
    /// The summary for people.
    pub fn table(&self, params: &TuneParams) -> TableText<'static> {
        let row = |name: &'static str, rates: &RateSummary| {
            vec![
                Cell::Text(name),
                Cell::from(rates.cer_ratio),
                Cell::from(rates.wer_ratio),
                Cell::from(rates.ser_ratio),
            ]
        };
        let title = format!(
            "{} on {} of {}: lowest {}: {}{}",
            counted(self.settings, "setting"),
            counted(self.lines, "line"),
            display_name(&params.input_params.matrix.logits),
            params.objective.to_uppercase(),
            self.flags,
            match self.tied {
                ..=1 => String::new(),
                tied => format!(" ({tied} tied; this is the middle one of those with the narrowest beam)"),
            },
        );
        let rows = vec![row("greedy", &self.greedy), row("best", &self.best.rates)];
        TableText { title, header: vec!["", "CER", "WER", "SER"], rows }
    }
}
