//! Shallow fusion: a language model, a lexicon and hotwords steer the beam.
//!
//! The beam is ranked by
//!
//! ```text
//! ln P_ctc(prefix) + α ln P_LM(units) + β · number of units + unknown words + hotwords
//! ```
//!
//! Units are words, scored where they end, or tokens. A word gets the unknown score as soon as no known word
//! begins with it, and the model's probability of `<unk>` at its end.
//!
//! ```
//! use ctctool::decode::spelling::{Spelling, WordDelimiter};
//! use ctctool::decode::{BeamConfig, Fusion, FusionScorer, FusionWeights, LanguageModel, NoScorer, beam_search};
//! use ctctool::lm::ArpaParser;
//! use ctctool::logits::InputKind;
//!
//! let arpa = "\\data\\\nngram 1=5\n\n\\1-grams:\n-9\t<unk>\n-9\t<s>\n-1\t</s>\n-0.1\ton\n-3\tno\n\n\\end\\\n";
//! let mut parser = ArpaParser::new();
//! parser.feed(arpa.as_bytes())?;
//! let model = LanguageModel::Words(parser.finish()?);
//!
//! // Class 0 is the blank, class 3 separates words. Two frames in which "n" and "o" are as likely.
//! let names = ["", "n", "o", " "].map(str::to_owned).to_vec();
//! let spelling = Spelling::new(names, WordDelimiter::Token(3));
//! let fusion = Fusion::new(&spelling, 4, Some(model), None);
//! let weights = FusionWeights { lm_weight: 0.5, with_end: true, unit_bonus: 1.5, unk_score: -10.0 };
//!
//! let probs = [0.1, 0.44, 0.44, 0.02, 0.1, 0.44, 0.44, 0.02];
//! let config = BeamConfig { beam_width: 10, blank: 0, input: InputKind::Probs, token_min_logp: None };
//! let steered = beam_search(&probs, 4, config, 1, FusionScorer::new(&fusion, weights))?;
//! assert_eq!(spelling.text(&steered.hypotheses[0].tokens), "on");
//! // By the frames alone, one letter that lasts is likelier than two.
//! let plain = beam_search(&probs, 4, config, 1, NoScorer)?;
//! assert_eq!(spelling.text(&plain.hypotheses[0].tokens), "n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod class_tree;
mod gain_bounds;
mod gains;
mod hotword_bounds;
mod language;
mod scorer;
mod word_bounds;

use std::sync::{Arc, OnceLock};

use self::class_tree::ClassTree;
use self::gain_bounds::BOUNDS;
use self::gains::Gains;
pub use self::language::{LanguageModel, TokenModel};
pub(crate) use self::language::{own_word, own_words, space_class};
pub use self::scorer::FusionScorer;
use super::spelling::{Spelling, WordPiece};
use crate::lm::{Hotwords, MAX_MAGNITUDE, NgramModel, Successors, WordTree};

/// Steps to find what tokens gain at most by hotwords: a tenth of a second.
const MAX_STEPS: usize = 20_000_000;

/// With more classes there would be room for the bounds of so few states that nothing stays there.
const MOST_CLASSES: usize = BOUNDS >> 6;
/// Of longer texts in all, the tree would take too much memory.
const MOST_BYTES: usize = 1 << 20;

/// How much each part counts; `unit_bonus` and `unk_score` are in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FusionWeights {
    /// α, the factor of the model's log-probabilities; from 0 to [`MAX_MAGNITUDE`].
    pub lm_weight: f64,
    /// Whether the end of the text (`</s>`) is scored.
    pub with_end: bool,
    /// β, added for each unit; from -[`MAX_MAGNITUDE`] to [`MAX_MAGNITUDE`].
    pub unit_bonus: f64,
    /// Added for each unit that the model does not know; from -[`MAX_MAGNITUDE`] to [`MAX_MAGNITUDE`].
    pub unk_score: f64,
}

impl FusionWeights {
    /// With others, what a token gains at most could not be told.
    pub(super) fn are_allowed(&self) -> bool {
        let sizes = -MAX_MAGNITUDE..=MAX_MAGNITUDE;
        self.lm_weight >= 0.0
            && [self.lm_weight, self.unit_bonus, self.unk_score].iter().all(|weight| sizes.contains(weight))
    }
}

/// Everything that steers a beam; several searches can share it, and a copy shares what it was made of.
#[derive(Clone, Debug)]
pub struct Fusion {
    units: Arc<Units>,
    phrases: Option<Phrases>,
}

/// The tokens and what is known of their sequences, but for hotwords.
#[derive(Debug)]
struct Units {
    /// By class.
    tokens: Vec<Token>,
    language: Option<LanguageModel>,
    /// The words that may be in progress; with a lexicon, no others.
    words: Option<WordTree>,
    /// The classes that only go on with a word, where there are words.
    going_on: ClassTree,
    only_words: bool,
    /// All classes, once there are hotwords.
    texts: OnceLock<ClassTree>,
    /// The most of any entry, in nats before weighting.
    language_bound: f64,
    /// Of a model of tokens.
    successors: Option<Successors>,
    /// Whether bounds of each state are told, for which `going_on` and `texts` are there.
    bounds_by_state: bool,
}

/// Hotwords, and what they give at most.
#[derive(Clone, Debug)]
struct Phrases {
    hotwords: Hotwords,
    /// By class.
    gain_bounds: Vec<f64>,
}

/// What a token adds to a text.
#[derive(Clone, Debug)]
struct Token {
    /// A word ends before it or within it.
    ends_word: bool,
    pieces: Box<[WordPiece]>,
}

impl Token {
    /// Whether a word ends before it.
    fn begins_with_end(&self) -> bool {
        self.pieces.first().is_some_and(|piece| piece.boundary)
    }

    /// Whether it is text within one word.
    fn only_goes_on(&self) -> bool {
        matches!(&*self.pieces, [piece] if !piece.boundary && !piece.text.is_empty())
    }
}

impl Fusion {
    /// `classes` includes the blank. With a `lexicon`, a text can have no other words.
    ///
    /// # Panics
    /// If a token model was made for another number of classes.
    pub fn new(
        spelling: &Spelling,
        classes: usize,
        language: Option<LanguageModel>,
        lexicon: Option<&[String]>,
    ) -> Self {
        if let Some(LanguageModel::Tokens(TokenModel { entries, .. })) = &language {
            assert_eq!(entries.len(), classes, "an entry for each class");
        }
        let words = language::words_in_progress(language.as_ref(), lexicon);
        let token = |class| {
            let pieces = spelling.pieces(class).into_boxed_slice();
            Token { ends_word: pieces.iter().any(|piece| piece.boundary), pieces }
        };
        let tokens: Vec<Token> = (0..classes as u32).map(token).collect();
        let language_bound = match &language {
            Some(LanguageModel::Words(model)) => {
                model.words().map(|(word, _)| model.logp_bound(word)).fold(f64::NEG_INFINITY, f64::max)
            }
            _ => 0.0,
        };
        let successors = match &language {
            Some(LanguageModel::Tokens(TokenModel { model, entries })) => {
                Some(Successors::new(model, entries))
            }
            _ => None,
        };
        let lengths = tokens.iter().flat_map(|token| &token.pieces).map(|piece| piece.text.len());
        let bounds_by_state = classes <= MOST_CLASSES && lengths.sum::<usize>() <= MOST_BYTES;
        let may_go_on = |token: &Token| words.is_some() && bounds_by_state && token.only_goes_on();
        let units = Units {
            going_on: tree_of(&tokens, may_go_on),
            texts: OnceLock::new(),
            tokens,
            language,
            words,
            only_words: lexicon.is_some(),
            language_bound,
            successors,
            bounds_by_state,
        };
        Self { units: Arc::new(units), phrases: None }
    }

    /// The same with these hotwords instead of any others, which add to the score wherever they occur. The model and
    /// the lexicon are shared, not copied.
    #[must_use]
    pub fn with_hotwords(&self, hotwords: Hotwords) -> Self {
        let tokens = &self.units.tokens;
        let steps = MAX_STEPS / tokens.len().max(1);
        let most = |piece: &WordPiece| hotwords.gain_bound(piece.boundary, piece.text.as_bytes(), steps);
        let gain_bounds = tokens.iter().map(|token| token.pieces.iter().map(most).sum()).collect();
        Self { units: Arc::clone(&self.units), phrases: Some(Phrases { hotwords, gain_bounds }) }
    }

    /// The texts of all classes.
    fn texts(&self) -> &ClassTree {
        let Units { tokens, texts, bounds_by_state, .. } = &*self.units;
        texts.get_or_init(|| tree_of(tokens, |_| *bounds_by_state))
    }

    fn hotwords(&self) -> Option<&Hotwords> {
        self.phrases.as_ref().map(|phrases| &phrases.hotwords)
    }

    /// How many classes it was made for, the blank among them.
    pub fn classes(&self) -> usize {
        self.units.tokens.len()
    }

    /// Natural logarithm of the language model's probability of a text, unweighted and without bonuses and
    /// scores of unknown words; including `</s>` if `with_end`. If the text ends with an unfinished word, neither
    /// that word nor the end is counted. `None` without a model.
    pub fn lm_logp(&self, tokens: &[u32], with_end: bool) -> Option<f64> {
        self.units.language.as_ref()?;
        let weights = FusionWeights { lm_weight: 1.0, with_end, unit_bonus: 0.0, unk_score: 0.0 };
        let gains = Gains { fusion: self, weights, with_hotwords: false };
        let mut state = gains.start();
        let mut logp = 0.0;
        for &token in tokens {
            let (next, gain) = gains.extension(state, token);
            state = next;
            logp += gain;
        }
        Some(logp + gains.finish(state).unwrap_or(0.0))
    }

    /// What the end of a word that is not empty gains; `logp` tells the natural logarithm of a word's probability.
    fn end_word(
        &self,
        word: u32,
        weights: &FusionWeights,
        logp: impl FnOnce(&NgramModel, u32) -> f64,
    ) -> f64 {
        let Some(words) = &self.units.words else { return 0.0 };
        if self.units.only_words && (word == UNKNOWN || !words.ends(word)) {
            return f64::NEG_INFINITY;
        }
        let Some(LanguageModel::Words(model)) = &self.units.language else { return 0.0 };
        let known = if word == UNKNOWN { None } else { words.known(word) };
        let score = if known.is_none() && !is_noted(words, word) { weights.unk_score } else { 0.0 };
        weights.lm_weight * logp(model, known.unwrap_or(model.unknown())) + weights.unit_bonus + score
    }

    /// The word in progress after more text, and the gain.
    fn go_on(&self, word: u32, text: &[u8], weights: &FusionWeights) -> (u32, f64) {
        let Some(words) = &self.units.words else { return (word, 0.0) };
        let next = if word == UNKNOWN { None } else { words.step(word, text) };
        (next.unwrap_or(UNKNOWN), self.gain_of_step(words, word, next, weights))
    }

    /// What a word in progress gains that becomes `next`, or what begins no word.
    fn gain_of_step(&self, words: &WordTree, word: u32, next: Option<u32>, weights: &FusionWeights) -> f64 {
        if word == UNKNOWN {
            return 0.0;
        }
        if next.is_none() && self.units.only_words {
            return f64::NEG_INFINITY;
        }
        let note = !is_noted(words, word) && next.is_none_or(|next| !words.leads_to_known(next));
        let by_words = matches!(self.units.language, Some(LanguageModel::Words(_)));
        if note && by_words { weights.unk_score } else { 0.0 }
    }

    /// Whether a text that keeps to the lexicon may end here, which it may not within a word.
    pub fn may_end(&self, tokens: &[u32]) -> bool {
        let weights = FusionWeights { lm_weight: 0.0, with_end: false, unit_bonus: 0.0, unk_score: 0.0 };
        let gains = Gains { fusion: self, weights, with_hotwords: false };
        let state = tokens.iter().fold(gains.start(), |state, &token| gains.extension(state, token).0);
        gains.finish(state).is_some()
    }
}

/// The texts of some classes.
fn tree_of(tokens: &[Token], is_wanted: impl Fn(&Token) -> bool) -> ClassTree {
    let wanted = (0..).zip(tokens).filter(|(_, token)| is_wanted(token));
    ClassTree::new(wanted.map(|(class, token)| (class, &*token.pieces)))
}

/// Where a prefix stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusionState {
    /// In the language model.
    language: u32,
    /// The word in progress, in the tree of words; [`UNKNOWN`] where it is in no word.
    word: u32,
    /// In the hotwords.
    hotwords: u32,
}

/// Instead of a node of the tree of words.
const UNKNOWN: u32 = u32::MAX;

/// Whether the score of unknown words was given to the word in progress.
fn is_noted(words: &WordTree, word: u32) -> bool {
    word == UNKNOWN || (word != WordTree::ROOT && !words.leads_to_known(word))
}
