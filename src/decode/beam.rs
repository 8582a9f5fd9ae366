//! Prefix beam search that prunes nothing but the beam.
//!
//! The recursion of Graves' thesis (2008, section 7.5) and Hannun et al. (2014), with one entry for each
//! label sequence `y`, split by whether its paths end in a blank (`pb`) or in its last label (`pn`):
//!
//! ```text
//! stay, blank:   pb'(y)   += (pb(y) + pn(y)) p(blank)
//! stay, repeat:  pn'(y)   += pn(y) p(last(y))
//! extend by c:   pn'(y+c) += (c = last(y) ? pb(y) : pb(y) + pn(y)) p(c)
//! ```
//!
//! After each frame the `beam_width` entries with the largest `pb + pn` are kept; among equal ones, those with
//! the lexicographically smaller label sequence. The result is the same as from sorting all
//! `beam_width * classes` candidates of each frame, but only those that can be kept are computed: see `extend.rs`.

use std::fmt;
use thiserror::Error;

use super::arithmetic::{Arithmetic, Linear, Log};
use super::beam_result::BeamResult;
use super::best_path::AlignmentError;
use super::frame::{FrameError, frames};
use super::fusion::FusionWeights;
use super::scorer::Scorer;
use super::search::Search;
use crate::kernel::{Element, InstructionSet, Rows, Task};
use crate::logits::InputKind;

/// What to search for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BeamConfig {
    /// Number of label sequences kept after each frame; at least 1.
    pub beam_width: usize,
    /// Class of the blank.
    pub blank: u32,
    /// What the numbers are.
    pub input: InputKind,
    /// Tokens whose natural log-probability in a frame is below this are left out of the frame; the blank
    /// never is. `None` leaves nothing out.
    pub token_min_logp: Option<f64>,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum BeamError {
    /// A beam width of 0.
    #[error("the beam width must be at least 1")]
    NoWidth,
    /// A beam width that is too large for the entries to be numbered.
    #[error("a beam width of {0} is too large")]
    WidthTooLarge(usize),
    /// The blank is not a class.
    #[error("blank {blank} is not one of {classes} classes")]
    BlankOutOfRange {
        /// The blank's index.
        blank: u32,
        /// Number of classes.
        classes: usize,
    },
    /// What steers the beam was made for another number of classes.
    #[error("what steers the beam is for {fusion} classes, and there are {classes}")]
    FusionClasses {
        /// The classes that it was made for.
        fusion: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A weight of what steers the beam is out of range.
    #[error("{0:?} has a weight out of range")]
    FusionWeights(FusionWeights),
    /// `token_min_logp` is NaN.
    #[error("the minimum log-probability of a token is not a number")]
    TokenMinLogp,
    /// A frame that can't be decoded.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A text that was found can't be aligned.
    #[error(transparent)]
    Alignment(#[from] AlignmentError),
    /// No prefix has a probability above 0 after this frame: `token_min_logp` or the scorer rules out all.
    #[error("frame {frame}: no label sequence has a probability above 0")]
    NoPath {
        /// Frame, from 0.
        frame: usize,
    },
    /// Probabilities left the range of a double: decode again in [`Log`] arithmetic. [`BeamDecoder`] does
    /// so by itself and never returns this.
    #[error("frame {frame}: probabilities are out of range for linear arithmetic")]
    Underflow {
        /// Frame, from 0.
        frame: usize,
    },
}

/// A beam search that is fed frame by frame.
///
/// In [`Linear`] arithmetic, [`BeamError::Underflow`] means that the item must be decoded again in
/// [`Log`] arithmetic; [`BeamDecoder`] does that by itself.
pub struct BeamSearch<S: Scorer, A: Arithmetic = Linear> {
    config: BeamConfig,
    classes: usize,
    search: Search<S, A>,
    frame: usize,
    set: InstructionSet,
    /// What the item ended with.
    failed: Option<BeamError>,
}

/// What it is, without what it holds.
impl<S: Scorer, A: Arithmetic> fmt::Debug for BeamSearch<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeamSearch").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A frame of a search, which is to be compiled for each instruction set: most of it are loops over rows and classes.
struct Advance<'a, S: Scorer, A, E> {
    search: &'a mut Search<S, A>,
    row: &'a [E],
    config: BeamConfig,
    frame: usize,
}

impl<S: Scorer, A: Arithmetic, E: Element> Task for Advance<'_, S, A, E> {
    type Output = Result<bool, FrameError>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Self::Output {
        let Self { search, row, config, frame } = self;
        let min_logp = config.token_min_logp.unwrap_or(f64::NEG_INFINITY);
        let frame = search.look_at(row, config.input, min_logp, frame)?;
        Ok(search.step(&frame))
    }
}

impl<S: Scorer, A: Arithmetic> BeamSearch<S, A> {
    /// A search over frames of `classes` classes.
    ///
    /// # Errors
    /// Where the configuration makes no sense for that many classes, or the scorer is for others.
    pub fn new(config: BeamConfig, classes: usize, scorer: S) -> Result<Self, BeamError> {
        if config.beam_width == 0 {
            return Err(BeamError::NoWidth);
        }
        // Rows of a beam are counted twice.
        if config.beam_width > u32::MAX as usize / 2 {
            return Err(BeamError::WidthTooLarge(config.beam_width));
        }
        if config.blank as usize >= classes {
            return Err(BeamError::BlankOutOfRange { blank: config.blank, classes });
        }
        if config.token_min_logp.is_some_and(f64::is_nan) {
            return Err(BeamError::TokenMinLogp);
        }
        let steered = scorer.gain_bounds_of_any_state().len();
        if !S::NEUTRAL && steered != classes {
            return Err(BeamError::FusionClasses { fusion: steered, classes });
        }
        let search = Search::new(config.beam_width, config.blank, classes, scorer);
        Ok(Self { config, classes, search, frame: 0, set: InstructionSet::best(), failed: None })
    }

    /// Begins a new item; memory and scorer are kept.
    pub fn reset(&mut self) {
        self.search.reset();
        self.frame = 0;
        self.failed = None;
    }

    /// Takes the next frame of `[classes]` values.
    ///
    /// # Errors
    /// If the frame can't be decoded, no prefix has a probability above 0 after it, or the arithmetic's
    /// range does not suffice; then the same for every frame, and there is nothing to be found, until [`Self::reset`].
    pub fn push_frame<E: Element>(&mut self, row: &[E]) -> Result<(), BeamError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.advance(row);
        self.failed = result.as_ref().err().cloned();
        result
    }

    fn advance<E: Element>(&mut self, row: &[E]) -> Result<(), BeamError> {
        if row.len() != self.classes {
            return Err(FrameError::Ragged { values: row.len(), classes: self.classes }.into());
        }
        let Self { set, search, config, frame, .. } = self;
        if !set.run(Advance { search, row, config: *config, frame: *frame })? {
            let frame = self.frame;
            return Err(if A::CAN_UNDERFLOW {
                BeamError::Underflow { frame }
            } else {
                BeamError::NoPath { frame }
            });
        }
        self.frame += 1;
        Ok(())
    }

    /// The final beam: at most `limit` hypotheses, best first. Without any frame, that is the empty text with a
    /// probability of 1; after an error there are none.
    pub fn finish(&mut self, limit: usize) -> BeamResult {
        let found = self.search.finish(limit);
        if self.failed.is_none() {
            return found;
        }
        BeamResult { hypotheses: Vec::new(), beam_logp_nats: f64::NEG_INFINITY, ..found }
    }

    fn decode<E: Element>(&mut self, rows: Rows<'_, E>, limit: usize) -> Result<BeamResult, BeamError> {
        self.reset();
        for row in rows.iter() {
            self.push_frame(row)?;
        }
        Ok(self.finish(limit))
    }
}

/// Decodes whole items, in linear arithmetic or, where its range does not suffice, in logarithms; so ranks are
/// always those of exact arithmetic, up to rounding. Keeps its memory from item to item.
#[derive(Debug)]
pub struct BeamDecoder<S: Scorer> {
    linear: BeamSearch<S, Linear>,
}

impl<S: Scorer> BeamDecoder<S> {
    /// A decoder of frames of `classes` classes.
    ///
    /// # Errors
    /// Where the configuration makes no sense for that many classes, or the scorer is for others.
    pub fn new(config: BeamConfig, classes: usize, scorer: S) -> Result<Self, BeamError> {
        Ok(Self { linear: BeamSearch::new(config, classes, scorer)? })
    }

    /// Decodes one item: `values` is `[frames, classes]`, row-major. Returns at most `limit` hypotheses
    /// of the final beam.
    ///
    /// # Errors
    /// If the number of values is not a multiple of the number of classes, or as for [`BeamSearch::push_frame`], but
    /// never [`BeamError::Underflow`].
    pub fn decode<E: Element>(&mut self, values: &[E], limit: usize) -> Result<BeamResult, BeamError> {
        self.decode_rows(frames(values, self.linear.classes)?, limit)
    }

    /// The same of frames that need not lie one after another.
    pub(super) fn decode_rows<E: Element>(
        &mut self,
        rows: Rows<'_, E>,
        limit: usize,
    ) -> Result<BeamResult, BeamError> {
        match self.linear.decode(rows, limit) {
            Err(BeamError::Underflow { .. }) => {
                let BeamSearch { config, classes, search, .. } = &mut self.linear;
                BeamSearch::<_, Log>::new(*config, *classes, search.scorer())?.decode(rows, limit)
            }
            result => result,
        }
    }
}

/// Decodes one item, as [`BeamDecoder`] does: `values` is `[frames, classes]`, row-major. Returns at most `limit`
/// hypotheses of the final beam, best first. For no steering, `scorer` is [`NoScorer`](super::NoScorer);
/// [`mod@super::fusion`] has an example with a language model.
///
/// ```
/// use ctctool::decode::{BeamConfig, NoScorer, beam_search};
/// use ctctool::logits::InputKind;
///
/// // Two frames, three classes, class 0 is the blank.
/// let probs = [0.5, 0.3, 0.2, 0.4, 0.35, 0.25];
/// let config = BeamConfig { beam_width: 10, blank: 0, input: InputKind::Probs, token_min_logp: None };
/// let found = beam_search(&probs, 3, config, 2, NoScorer)?;
/// let best = &found.hypotheses[0];
/// // "1 1", "1 blank" and "blank 1" are read as 1.
/// assert_eq!(best.tokens, [1]);
/// assert!((best.logp_nats - (0.3 * 0.35 + 0.3 * 0.4 + 0.5 * 0.35_f64).ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`BeamDecoder::new`] and [`BeamDecoder::decode`].
pub fn beam_search<E: Element, S: Scorer>(
    values: &[E],
    classes: usize,
    config: BeamConfig,
    limit: usize,
    scorer: S,
) -> Result<BeamResult, BeamError> {
    BeamDecoder::new(config, classes, scorer)?.decode(values, limit)
}
