//! Shallow fusion: a language model, a lexicon and hotwords steer the beam.
//!
//! The beam is ranked by
//!
//! ```text
//! ln P_ctc(prefix) + α ln P_LM(units) + β · number of units + unknown words + hotwords
//! ```
//!
//! Units are words, scored where they end, or tokens. An unknown word gains the unknown score as soon as it
//! is no beginning of a known one, and the model's probability of `<unk>` at its end.

use super::scorer::{Gain, Scorer};
use super::spelling::Spelling;
use crate::lm::{Hotwords, NgramModel, WordTree};

/// How much each part counts; all but the first two in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FusionWeights {
    /// α, what the model's log-probabilities are multiplied by; finite, 0 or more.
    pub lm_weight: f64,
    /// Whether the end of the text is scored.
    pub with_end: bool,
    /// β, for each unit; finite.
    pub unit_bonus: f64,
    /// For each unit that the model does not know; finite.
    pub unk_score: f64,
}

/// What a language model's entries are.
#[derive(Clone, Debug)]
pub enum LanguageModel {
    /// Words, as the spelling separates them.
    Words(NgramModel),
    /// Tokens: the entry of each class; `None` where the model does not know it.
    Tokens(NgramModel, Vec<Option<u32>>),
}

/// All that steers a beam; shared by searches.
#[derive(Clone, Debug)]
pub struct Fusion {
    pieces: Vec<Piece>,
    language: Option<LanguageModel>,
    /// The words that may be in progress; with a lexicon, no others.
    words: Option<WordTree>,
    only_words: bool,
    hotwords: Option<Hotwords>,
    /// By class: the most that it gains from hotwords.
    hotwords_most: Vec<f64>,
    /// The most of any entry, in nats before weighting.
    language_most: f64,
}

/// What a token adds to a text.
#[derive(Clone, Debug)]
struct Piece {
    /// A word ends before it.
    boundary: bool,
    text: Box<[u8]>,
}

impl Fusion {
    /// `words` are all words that `language` has, if its entries are words; with `only_words` no others can
    /// be in a text.
    pub fn new(
        spelling: &Spelling,
        classes: usize,
        language: Option<LanguageModel>,
        words: Option<WordTree>,
        only_words: bool,
        hotwords: Option<Hotwords>,
    ) -> Self {
        let piece = |class| {
            let (boundary, text) = spelling.piece(class);
            Piece { boundary, text: text.into_bytes().into() }
        };
        let pieces: Vec<Piece> = (0..classes as u32).map(piece).collect();
        let most = |hotwords: &Hotwords| -> Vec<f64> {
            pieces.iter().map(|piece| hotwords.most(piece.boundary, &piece.text)).collect()
        };
        let hotwords_most = hotwords.as_ref().map_or_else(|| vec![0.0; classes], most);
        let language_most = match &language {
            Some(LanguageModel::Words(model)) => {
                model.words().map(|(word, _)| model.most(word)).fold(f64::NEG_INFINITY, f64::max)
            }
            _ => 0.0,
        };
        Self { pieces, language, words, only_words, hotwords, hotwords_most, language_most }
    }

    /// Natural logarithm of the language model's probability of a text, unweighted and without bonus and
    /// scores of unknown words; with `</s>` where `with_end`, but of an unfinished word neither it nor the
    /// end. `None` without a model.
    pub fn lm_logp(&self, tokens: &[u32], with_end: bool) -> Option<f64> {
        self.language.as_ref()?;
        let weights = FusionWeights { lm_weight: 1.0, with_end, unit_bonus: 0.0, unk_score: 0.0 };
        let mut scorer = FusionScorer::new(self, weights);
        scorer.with_hotwords = false;
        let mut state = scorer.start();
        let mut logp = 0.0;
        for &token in tokens {
            let (next, gain) = scorer.extension(state, token);
            state = next;
            logp += gain;
        }
        Some(logp + scorer.finish(state).unwrap_or(0.0))
    }

    /// Whether a text that keeps to the lexicon may end: not within a word.
    pub fn may_end(&self, tokens: &[u32]) -> bool {
        let weights = FusionWeights { lm_weight: 0.0, with_end: false, unit_bonus: 0.0, unk_score: 0.0 };
        let mut scorer = FusionScorer::new(self, weights);
        let start = scorer.start();
        let state = tokens.iter().fold(start, |state, &token| scorer.extension(state, token).0);
        scorer.finish(state).is_some()
    }
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

/// A [`Fusion`] with weights.
#[derive(Clone, Debug)]
pub struct FusionScorer<'a> {
    fusion: &'a Fusion,
    weights: FusionWeights,
    with_hotwords: bool,
    /// By class.
    most: Vec<f64>,
    most_of_all: f64,
    /// The last extensions, each in the slot of its hash: from frame to frame mostly the same are asked for.
    recent: Vec<Extension>,
    /// The same where only one part of the state counts.
    recent_steps: Vec<Step>,
    counts: Counts,
}

/// What of a state an extension depends on and changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    /// The language model's state.
    Language,
    /// The word in progress, where the token does not end it.
    Word,
    /// All.
    All,
}

/// The part of a state that counts, after a token, and the gain.
#[derive(Clone, Copy, Debug)]
struct Step {
    from: u32,
    /// [`NONE`] in an empty slot.
    token: u32,
    next: u32,
    gain: Gain,
}

/// A state after a token, and the gain.
#[derive(Clone, Copy, Debug)]
struct Extension {
    state: FusionState,
    /// [`NONE`] in an empty slot.
    token: u32,
    next: FusionState,
    gain: Gain,
}

/// Slots of [`FusionScorer::recent`] and [`FusionScorer::recent_steps`], as a power of two.
const RECENT_BITS: u32 = 14;

/// No token.
const NONE: u32 = u32::MAX;

/// The slot of an extension.
fn slot(state: FusionState, token: u32) -> usize {
    let FusionState { language, word, hotwords } = state;
    let mixed = (u64::from(language) << 32 | u64::from(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (u64::from(hotwords) << 32 | u64::from(token))).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> (u64::BITS - RECENT_BITS)) as usize
}

/// The slot of a step.
fn step_slot(from: u32, token: u32) -> usize {
    let mixed = (u64::from(from) << 32 | u64::from(token)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - RECENT_BITS)) as usize
}

impl<'a> FusionScorer<'a> {
    /// A scorer for one search at a time.
    pub fn new(fusion: &'a Fusion, weights: FusionWeights) -> Self {
        let FusionWeights { lm_weight, unit_bonus, unk_score, .. } = weights;
        let unknown = unk_score.max(0.0);
        let of_token = |class: usize| {
            let piece = &fusion.pieces[class];
            let most = match &fusion.language {
                None => 0.0,
                Some(LanguageModel::Tokens(model, entries)) => {
                    let score = if entries[class].is_none() { unk_score } else { 0.0 };
                    let entry = entries[class].unwrap_or(model.unknown());
                    lm_weight * model.most(entry) + unit_bonus + score
                }
                Some(LanguageModel::Words(_)) => {
                    let word = lm_weight * fusion.language_most + unit_bonus + unknown;
                    // There may be no word to end.
                    let ended = if piece.boundary { word.max(0.0) } else { 0.0 };
                    ended + if piece.text.is_empty() { 0.0 } else { unknown }
                }
            };
            most + fusion.hotwords_most[class]
        };
        let most: Vec<f64> = (0..fusion.pieces.len()).map(of_token).collect();
        let most_of_all = most.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let with_hotwords = fusion.hotwords.is_some();
        let counts = match &fusion.language {
            _ if with_hotwords => Counts::All,
            Some(LanguageModel::Tokens(..)) if fusion.words.is_some() => Counts::All,
            Some(LanguageModel::Tokens(..)) => Counts::Language,
            _ => Counts::Word,
        };
        Self {
            fusion,
            weights,
            with_hotwords,
            most,
            most_of_all,
            recent: Vec::new(),
            recent_steps: Vec::new(),
            counts,
        }
    }

    /// The part of a state that counts after a token, and the gain.
    #[inline]
    fn step(&mut self, state: FusionState, from: u32, token: u32) -> (u32, Gain) {
        match self.recent_steps.get(step_slot(from, token)) {
            Some(found) if found.token == token && found.from == from => (found.next, found.gain),
            _ => self.step_anew(state, from, token),
        }
    }

    #[inline(never)]
    fn step_anew(&mut self, state: FusionState, from: u32, token: u32) -> (u32, Gain) {
        if self.recent_steps.is_empty() {
            let empty = Step { from, token: NONE, next: from, gain: Gain::NONE };
            self.recent_steps.resize(1 << RECENT_BITS, empty);
        }
        let (FusionState { language, word, .. }, gain) = self.extension(state, token);
        let gain = Gain::new(gain);
        let next = if self.counts == Counts::Language { language } else { word };
        self.recent_steps[step_slot(from, token)] = Step { from, token, next, gain };
        (next, gain)
    }

    /// Apart, so that the shorter way is inlined.
    #[inline(never)]
    fn extend_recent(&mut self, state: FusionState, token: u32) -> (FusionState, Gain) {
        match self.recent.get(slot(state, token)) {
            Some(found) if found.token == token && found.state == state => (found.next, found.gain),
            _ => self.extend_anew(state, token),
        }
    }

    fn extend_anew(&mut self, state: FusionState, token: u32) -> (FusionState, Gain) {
        if self.recent.is_empty() {
            let start = self.start();
            let empty = Extension { state: start, token: NONE, next: start, gain: Gain::NONE };
            self.recent.resize(1 << RECENT_BITS, empty);
        }
        let (next, gain) = self.extension(state, token);
        let gain = Gain::new(gain);
        self.recent[slot(state, token)] = Extension { state, token, next, gain };
        (next, gain)
    }

    /// The state after a token, and the gain.
    fn extension(&self, state: FusionState, token: u32) -> (FusionState, f64) {
        let FusionState { mut language, mut word, mut hotwords } = state;
        let piece = &self.fusion.pieces[token as usize];
        let mut gain = 0.0;
        if let Some(LanguageModel::Tokens(model, entries)) = &self.fusion.language {
            let entry = entries[token as usize];
            let (next, logp) = model.score(language, entry.unwrap_or(model.unknown()));
            language = next;
            gain += self.weights.lm_weight * logp + self.weights.unit_bonus;
            if entry.is_none() {
                gain += self.weights.unk_score;
            }
        }
        if self.fusion.words.is_some() {
            if piece.boundary && word != WordTree::ROOT {
                let (next, more) = self.end_word(language, word);
                (language, word) = (next, WordTree::ROOT);
                gain += more;
            }
            if !piece.text.is_empty() {
                let (next, more) = self.go_on(word, &piece.text);
                word = next;
                gain += more;
            }
        }
        if self.with_hotwords
            && let Some(phrases) = &self.fusion.hotwords
        {
            if piece.boundary {
                let (next, more) = phrases.boundary(hotwords);
                hotwords = next;
                gain += more;
            }
            let (next, more) = phrases.text(hotwords, &piece.text);
            hotwords = next;
            gain += more;
        }
        (FusionState { language, word, hotwords }, gain)
    }

    /// The score of the end of a word that is not empty: the model's state after it, and the gain.
    fn end_word(&self, language: u32, word: u32) -> (u32, f64) {
        let Fusion { language: model, words: Some(words), only_words, .. } = self.fusion else {
            return (language, 0.0);
        };
        if *only_words && (word == UNKNOWN || !words.ends(word)) {
            return (language, f64::NEG_INFINITY);
        }
        let Some(LanguageModel::Words(model)) = model else { return (language, 0.0) };
        let known = if word == UNKNOWN { None } else { words.known(word) };
        let (language, logp) = model.score(language, known.unwrap_or(model.unknown()));
        let noted = word == UNKNOWN || !words.leads_to_known(word);
        let score = if known.is_none() && !noted { self.weights.unk_score } else { 0.0 };
        (language, self.weights.lm_weight * logp + self.weights.unit_bonus + score)
    }

    /// The word in progress after more text, and the gain.
    fn go_on(&self, word: u32, text: &[u8]) -> (u32, f64) {
        let Fusion { language, words: Some(words), only_words, .. } = self.fusion else {
            return (word, 0.0);
        };
        if word == UNKNOWN {
            return (UNKNOWN, 0.0);
        }
        let next = words.step(word, text);
        if next.is_none() && *only_words {
            return (UNKNOWN, f64::NEG_INFINITY);
        }
        let noted = word != WordTree::ROOT && !words.leads_to_known(word);
        let note = !noted && next.is_none_or(|next| !words.leads_to_known(next));
        let by_words = matches!(language, Some(LanguageModel::Words(_)));
        (next.unwrap_or(UNKNOWN), if note && by_words { self.weights.unk_score } else { 0.0 })
    }
}

impl Scorer for FusionScorer<'_> {
    type State = FusionState;

    fn start(&self) -> FusionState {
        let language = match &self.fusion.language {
            Some(LanguageModel::Words(model) | LanguageModel::Tokens(model, _)) => model.start(),
            None => 0,
        };
        let hotwords = self.fusion.hotwords.as_ref().map_or(0, Hotwords::start);
        FusionState { language, word: WordTree::ROOT, hotwords }
    }

    #[inline]
    fn extend(&mut self, state: FusionState, token: u32) -> (FusionState, Gain) {
        match self.counts {
            Counts::Language => {
                let (language, gain) = self.step(state, state.language, token);
                (FusionState { language, ..state }, gain)
            }
            Counts::Word if !self.fusion.pieces[token as usize].boundary => {
                if state.word == UNKNOWN {
                    return (state, Gain::NONE);
                }
                let (word, gain) = self.step(state, state.word, token);
                (FusionState { word, ..state }, gain)
            }
            _ => self.extend_recent(state, token),
        }
    }

    fn max_gain(&self, token: u32) -> f64 {
        self.most[token as usize]
    }

    fn max_gain_of_all(&self) -> f64 {
        self.most_of_all
    }

    fn finish(&mut self, state: FusionState) -> Option<f64> {
        let FusionState { mut language, word, hotwords } = state;
        let mut gain = 0.0;
        if word != WordTree::ROOT {
            let (next, more) = self.end_word(language, word);
            if more == f64::NEG_INFINITY {
                return None;
            }
            language = next;
            gain += more;
        }
        if let Some(LanguageModel::Words(model) | LanguageModel::Tokens(model, _)) = &self.fusion.language
            && let Some(end) = model.end().filter(|_| self.weights.with_end)
        {
            gain += self.weights.lm_weight * model.score(language, end).1;
        }
        if let (Some(phrases), true) = (&self.fusion.hotwords, self.with_hotwords) {
            gain += phrases.end(hotwords);
        }
        Some(gain)
    }
}
