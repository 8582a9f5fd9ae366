//! One item, from its frames to everything that was asked about its transcript.

use super::alignment::{TokenSpan, align, spans_of_path};
use super::beam::{BeamConfig, BeamDecoder, BeamError};
use super::beam_result::{BeamResult, Hypothesis, Space};
use super::frame::frames;
use super::fusion::{Fusion, FusionScorer, FusionWeights};
use super::greedy::{greedy_of_rows, winners};
use super::scorer::NoScorer;
use crate::kernel::{Element, Rows, Sum};
use crate::logits::{InputKind, RowScale, position_of, row_max};
use crate::loss::Emissions;
use crate::loss::ctc::{CtcLabels, loss_of_emissions};
use std::fmt;

/// What to compute for each item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ItemConfig {
    /// What the numbers are.
    pub input: InputKind,
    /// Class of the blank.
    pub blank: u32,
    /// Width of the beam; `None` decodes greedily.
    pub beam_width: Option<usize>,
    /// The largest number of hypotheses to return.
    pub nbest: usize,
    /// Tokens whose natural log-probability in a frame is below this are left out of it; `None` leaves nothing out.
    pub token_min_logp: Option<f64>,
    /// Whether to score each hypothesis exactly, and to prove the best one to be the best if possible.
    pub exact_scores: bool,
    /// Whether to find each token's place in time.
    pub timestamps: bool,
}

impl ItemConfig {
    /// Whether a frame's winner is all that is asked for.
    pub(super) fn asks_for_path_alone(&self) -> bool {
        self.beam_width.is_none() && !self.exact_scores && !self.timestamps
    }
}

/// Greedy, of logits whose blank is class 0, and nothing besides the text.
impl Default for ItemConfig {
    fn default() -> Self {
        Self {
            input: InputKind::Logits,
            blank: 0,
            beam_width: None,
            nbest: 1,
            token_min_logp: None,
            exact_scores: false,
            timestamps: false,
        }
    }
}

/// A transcript and what was asked about it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Transcript {
    /// Class indices, without blanks.
    pub tokens: Vec<u32>,
    /// In nats. Greedy: log-probability of the best path. Beam: log-probability of all of the text's paths that stayed
    /// in the beam.
    pub logp_nats: f64,
    /// What the beam is ranked by, in nats, if it is steered.
    pub score_nats: Option<f64>,
    /// The language model's natural log-probability of the text, unweighted: see [`Fusion::lm_logp`].
    pub lm_logp_nats: Option<f64>,
    /// Exact log-probability of the text, over all its paths, in nats, if it was asked for.
    pub ctc_logp_nats: Option<f64>,
    /// Where each token lies on the text's best path.
    pub spans: Option<Vec<TokenSpan>>,
}

impl Transcript {
    pub(super) fn new(tokens: Vec<u32>, logp_nats: f64) -> Self {
        Self { tokens, logp_nats, score_nats: None, lm_logp_nats: None, ctc_logp_nats: None, spans: None }
    }
}

/// An item's transcripts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DecodedItem {
    /// Best first; empty if the lexicon or `token_min_logp` leaves no path through the frames.
    pub transcripts: Vec<Transcript>,
    /// Whether it was proved that no text at all is more probable than the first transcript; `None` if that was not
    /// asked for, or if the beam is steered, and so does not look for the most probable text.
    pub proved_best: Option<bool>,
    /// Whether the first transcript ends within a word, because no text in the beam ends with a word of the lexicon.
    pub unfinished: bool,
    /// The class with the largest value in each frame.
    pub path: Vec<u32>,
    /// Whether the beam search had to run in log space.
    pub log_space: bool,
}

/// Decodes items of one kind, and keeps the search's memory from item to item.
pub struct ItemDecoder<'a> {
    config: ItemConfig,
    classes: usize,
    search: Search<'a>,
}

/// What it is, without what it holds.
impl fmt::Debug for ItemDecoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemDecoder").field("config", &self.config).finish_non_exhaustive()
    }
}

enum Search<'a> {
    Greedy,
    Beam(Box<BeamDecoder<NoScorer>>),
    Steered { beam: Box<BeamDecoder<FusionScorer<&'a Fusion>>>, fusion: &'a Fusion, with_end: bool },
}

impl<'a> ItemDecoder<'a> {
    /// A decoder of frames of `classes` classes, whose beam, if it has one, is steered by `fusion`.
    ///
    /// # Errors
    /// If the configuration or `fusion` does not fit the number of classes, or a weight is out of range.
    pub fn new(
        config: ItemConfig,
        classes: usize,
        fusion: Option<(&'a Fusion, FusionWeights)>,
    ) -> Result<Self, BeamError> {
        if config.blank as usize >= classes {
            return Err(BeamError::BlankOutOfRange { blank: config.blank, classes });
        }
        if let Some((_, weights)) = fusion.filter(|(_, weights)| !weights.are_allowed()) {
            return Err(BeamError::FusionWeights(weights));
        }
        let ItemConfig { blank, input, token_min_logp, .. } = config;
        let beam = |beam_width| BeamConfig { beam_width, blank, input, token_min_logp };
        let search = match (config.beam_width, fusion) {
            (None, _) => Search::Greedy,
            (Some(width), None) => Search::Beam(Box::new(BeamDecoder::new(beam(width), classes, NoScorer)?)),
            (Some(width), Some((fusion, weights))) => Search::Steered {
                beam: Box::new(BeamDecoder::new(beam(width), classes, FusionScorer::new(fusion, weights))?),
                fusion,
                with_end: weights.with_end,
            },
        };
        Ok(Self { config, classes, search })
    }

    /// What it computes.
    pub fn config(&self) -> ItemConfig {
        self.config
    }

    /// Number of classes of a frame.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Decodes one item: `values` is `[frames, classes]`, row-major.
    ///
    /// # Errors
    /// If a value of a frame is not a usable score, or no class of it has a probability above 0.
    pub fn decode<E: Element>(&mut self, values: &[E]) -> Result<DecodedItem, BeamError> {
        self.decode_rows(frames(values, self.classes)?)
    }

    /// The same of frames that need not lie one after another.
    pub(super) fn decode_rows<E: Element>(&mut self, rows: Rows<'_, E>) -> Result<DecodedItem, BeamError> {
        let found = self.search(rows);
        if !matches!(found, Err(BeamError::NoPath { .. })) {
            return found;
        }
        // Also behind the frame where the search ended, a value that is no score is refused.
        let path = greedy_of_rows(rows, self.config.blank, self.config.input)?.path;
        Ok(DecodedItem {
            transcripts: Vec::new(),
            proved_best: None,
            unfinished: false,
            path,
            log_space: false,
        })
    }

    fn search<E: Element>(&mut self, rows: Rows<'_, E>) -> Result<DecodedItem, BeamError> {
        let config = self.config;
        let mut path = None;
        let (mut transcripts, beam_logp_nats, log_space) = match &mut self.search {
            Search::Greedy => {
                let best = greedy_of_rows(rows, config.blank, config.input)?;
                path = Some(best.path);
                (vec![Transcript::new(best.tokens, best.logp_nats)], None, false)
            }
            Search::Beam(beam) => {
                // The proof needs every entry of the beam.
                let limit = if config.exact_scores { usize::MAX } else { config.nbest };
                let BeamResult { hypotheses, beam_logp_nats, space } = beam.decode_rows(rows, limit)?;
                let found = hypotheses.into_iter().map(|h| Transcript::new(h.tokens, h.logp_nats));
                (found.collect(), Some(beam_logp_nats), space == Space::Log)
            }
            Search::Steered { beam, fusion, with_end } => {
                let BeamResult { hypotheses, beam_logp_nats, space } =
                    beam.decode_rows(rows, config.nbest)?;
                let found = hypotheses.into_iter().map(|Hypothesis { tokens, logp_nats, score_nats }| {
                    // Without a model nothing is gained by it.
                    let lm_logp_nats = Some(fusion.lm_logp(&tokens, *with_end).unwrap_or(0.0));
                    Transcript {
                        score_nats: Some(score_nats),
                        lm_logp_nats,
                        ..Transcript::new(tokens, logp_nats)
                    }
                });
                (found.collect(), Some(beam_logp_nats), space == Space::Log)
            }
        };
        let is_steered = matches!(self.search, Search::Steered { .. });
        let unfinished = match (&self.search, transcripts.first()) {
            (Search::Steered { fusion, .. }, Some(first)) => !fusion.may_end(&first.tokens),
            _ => false,
        };
        let mut proved_best = None;
        if config.exact_scores || config.timestamps {
            let frames = Frames::new(rows, config);
            if config.exact_scores {
                let others = transcripts.split_off(transcripts.len().min(config.nbest));
                for transcript in &mut transcripts {
                    transcript.ctc_logp_nats = Some(frames.ctc_logp(&transcript.tokens)?);
                }
                if !is_steered {
                    proved_best = Some(frames.proves_best(&transcripts, &others, beam_logp_nats)?);
                }
            }
            if config.timestamps {
                for transcript in &mut transcripts {
                    let spans = match &path {
                        Some(path) if frames.have_one_path() => {
                            frames.spans_of_path(path, &transcript.tokens)?
                        }
                        _ => frames.spans(&transcript.tokens)?,
                    };
                    transcript.spans = Some(spans);
                }
            }
        }
        let path = path.unwrap_or_else(|| winners(rows));
        Ok(DecodedItem { transcripts, proved_best, unfinished, path, log_space })
    }
}

/// An item's frames with their normalisers, for looking at several texts.
struct Frames<'a, E> {
    rows: Rows<'a, E>,
    blank: u32,
    scales: Vec<RowScale>,
}

impl<'a, E: Element> Frames<'a, E> {
    fn new(rows: Rows<'a, E>, config: ItemConfig) -> Self {
        let scales = rows.iter().map(|row| RowScale::new(row, config.input)).collect();
        Self { rows, blank: config.blank, scales }
    }

    /// Logarithm of what all paths together sum to: 0 where each frame's probabilities sum to one.
    fn total_logp(&self) -> f64 {
        self.scales.iter().map(|scale| scale.log_total()).collect::<Sum>().value()
    }

    fn gather(&self, tokens: &[u32]) -> Result<(CtcLabels, Vec<f64>), BeamError> {
        let classes = self.rows.classes();
        let no_blank = BeamError::BlankOutOfRange { blank: self.blank, classes };
        let labels = CtcLabels::new(tokens, classes, self.blank).map_err(|_| no_blank)?;
        let columns = labels.columns().count();
        let mut log_probs = vec![0.0; self.scales.len() * columns];
        let rows = self.rows.iter().zip(&self.scales);
        for ((row, &scale), out) in rows.zip(log_probs.chunks_exact_mut(columns)) {
            labels.columns().gather(row, scale, out);
        }
        Ok((labels, log_probs))
    }

    fn ctc_logp(&self, tokens: &[u32]) -> Result<f64, BeamError> {
        let (labels, log_probs) = self.gather(tokens)?;
        let loss = loss_of_emissions(&Emissions::new(&log_probs, &labels));
        Ok(0.0 - loss.loss_nats)
    }

    /// Where the tokens of a text that was decoded from these frames lie.
    fn spans(&self, tokens: &[u32]) -> Result<Vec<TokenSpan>, BeamError> {
        let (labels, log_probs) = self.gather(tokens)?;
        Ok(align(&Emissions::new(&log_probs, &labels))?.spans)
    }

    /// Whether one class alone wins each frame, so that the greedy path is the most probable of its text, too.
    fn have_one_path(&self) -> bool {
        self.rows.iter().all(|row| {
            let max = row_max(row);
            position_of(row, max).is_some_and(|class| position_of(&row[class + 1..], max).is_none())
        })
    }

    /// Where the tokens of a path lie that is the most probable of its text.
    fn spans_of_path(&self, path: &[u32], tokens: &[u32]) -> Result<Vec<TokenSpan>, BeamError> {
        let (labels, log_probs) = self.gather(tokens)?;
        Ok(spans_of_path(path, self.blank, &Emissions::new(&log_probs, &labels)))
    }

    /// Whether the first transcript is the most probable text of all; those of `others` that can matter are scored.
    ///
    /// Every path reads one text, so a text has no more than what the beam found of it and what the beam leaves of the
    /// whole: `total - Σ (pb + pn)`. All in units of the whole.
    fn proves_best(
        &self,
        scored: &[Transcript],
        others: &[Transcript],
        beam_logp_nats: Option<f64>,
    ) -> Result<bool, BeamError> {
        let Some((best, rest)) = scored.split_first() else { return Ok(false) };
        let total = self.total_logp();
        let exact = |transcript: &Transcript| transcript.ctc_logp_nats.unwrap_or(f64::NAN);
        // Greedy looked at one text only; all of its paths are known now.
        let covered = (beam_logp_nats.unwrap_or(exact(best)) - total).exp();
        // Sums of that many steps may be off by as many roundings.
        let rounding = (self.scales.len() + scored.len() + others.len() + 1) as f64 * 4.0 * f64::EPSILON;
        let left = 1.0 - covered + rounding;
        let probability = (exact(best) - total).exp();
        let is_less = |logp: f64| logp <= exact(best) + rounding;
        let may_be_best = probability >= left && rest.iter().all(|other| is_less(exact(other)));
        if !may_be_best {
            return Ok(false);
        }
        for other in others {
            let most = (other.logp_nats - total).exp() + left + rounding;
            if most > probability && !is_less(self.ctc_logp(&other.tokens)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
