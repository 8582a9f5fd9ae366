//! What tokens gain at most after a state, so that the search need not ask for every gain.
//!
//! Of a model of tokens and of hotwords that is what they gain; of words that end with a token, the most that the model has
//! for them after any context.

use super::hotword_bounds::HotwordBounds;
use super::word_bounds::WordBounds;
use super::{Fusion, FusionState, FusionWeights, LanguageModel, TokenModel, UNKNOWN};

/// The bounds of the states that were asked for last, in nats, each in one of two slots by its hash.
#[derive(Clone, Debug)]
pub(super) struct GainBounds {
    classes: usize,
    /// By class: the most in any state.
    of_all: Vec<f32>,
    /// By class: for a model of tokens without context, else 0.
    alone: Vec<f64>,
    of_words: Option<WordBounds>,
    of_hotwords: Option<HotwordBounds>,
    /// Which bits of a state's part in the language model count: all or none.
    language_mask: u32,
    /// Which bits of a state's word in progress count.
    word_mask: u32,
    /// Which bits of a state's part in the hotwords count.
    hotwords_mask: u32,
    slot_bits: u32,
    /// By slot: whose bounds are there.
    keys: Vec<Key>,
    /// By slot and class.
    bounds: Vec<f32>,
    /// States that were looked at.
    looks: usize,
    /// Room for a state's contexts.
    contexts: Vec<(u32, f64)>,
    /// Room for a state's bounds.
    sums: Vec<f64>,
}

/// What of a state the bounds depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    /// Of a model of tokens, else 0.
    language: u32,
    /// [`NO_WORD`] in an empty slot.
    word: u32,
    hotwords: u32,
}

/// Neither a node of a tree of words nor [`UNKNOWN`].
const NO_WORD: u32 = UNKNOWN - 1;
/// Slots, as a power of two, where they fit into [`BOUNDS`].
const SLOT_BITS: u32 = 12;
/// So many bounds are kept.
pub(super) const BOUNDS: usize = 1 << 22;

impl GainBounds {
    pub(super) fn new(fusion: &Fusion, weights: &FusionWeights) -> Self {
        let classes = fusion.units.tokens.len();
        let mask = |counts: bool| if counts { u32::MAX } else { 0 };
        Self {
            classes,
            of_all: (0..classes).map(|class| above(fusion.gain_bound(class, weights))).collect(),
            alone: (0..classes).map(|class| fusion.alone(class, weights)).collect(),
            of_words: fusion.units.words.as_ref().map(|_| WordBounds::new(fusion, weights)),
            of_hotwords: fusion.hotwords().map(|hotwords| HotwordBounds::new(fusion, hotwords)),
            language_mask: mask(fusion.units.successors.is_some()),
            word_mask: mask(fusion.units.words.is_some()),
            hotwords_mask: mask(fusion.phrases.is_some()),
            slot_bits: (BOUNDS / classes.max(1)).max(1).ilog2().min(SLOT_BITS),
            keys: Vec::new(),
            bounds: Vec::new(),
            looks: 0,
            contexts: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// By class: the most in any state.
    pub(super) fn of_all(&self) -> &[f32] {
        &self.of_all
    }

    /// By class: the most after a state.
    #[inline]
    pub(super) fn of(&mut self, fusion: &Fusion, weights: &FusionWeights, state: FusionState) -> &[f32] {
        if !fusion.units.bounds_by_state {
            return &self.of_all;
        }
        let key = Key {
            language: state.language & self.language_mask,
            word: state.word & self.word_mask,
            hotwords: state.hotwords & self.hotwords_mask,
        };
        let mixed = (u64::from(key.language) << 32 | u64::from(key.word)) ^ u64::from(key.hotwords) << 20;
        let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slots = [mixed, mixed << 32].map(|mixed| (mixed >> (u64::BITS - self.slot_bits)) as usize);
        let found = slots.into_iter().find(|&slot| self.keys.get(slot) == Some(&key));
        let slot = found.unwrap_or_else(|| self.look_at(slots, fusion, weights, key));
        &self.bounds[slot * self.classes..][..self.classes]
    }

    /// Finds a state's bounds; returns the one of two slots where they are.
    #[inline(never)]
    fn look_at(&mut self, slots: [usize; 2], fusion: &Fusion, weights: &FusionWeights, key: Key) -> usize {
        if self.keys.is_empty() {
            let empty = Key { language: 0, word: NO_WORD, hotwords: 0 };
            self.keys.resize(1 << self.slot_bits, empty);
            self.bounds.resize(self.classes << self.slot_bits, 0.0);
        }
        // In turns, so that two states in one slot do not drive each other out for ever.
        self.looks += 1;
        let slot = slots[self.looks % 2];
        self.keys[slot] = key;
        self.sums.clone_from(&self.alone);
        if let Some(LanguageModel::Tokens(TokenModel { model, .. })) = &fusion.units.language
            && let Some(successors) = &fusion.units.successors
        {
            let weight = weights.lm_weight * std::f64::consts::LN_10;
            self.contexts.clear();
            self.contexts.extend(model.contexts(key.language));
            let mut left: f64 = self.contexts.iter().map(|&(_, log10)| log10).sum();
            let backed_off = weight * left;
            for sum in &mut self.sums {
                *sum += backed_off;
            }
            // What a longer context has replaces what the shorter gave.
            for &(context, log10) in self.contexts.iter().rev() {
                left -= log10;
                for &end in successors.of(context) {
                    let gain = weight * (left + f64::from(end.log10_bound));
                    for class in successors.classes(end) {
                        self.sums[class] = gain + fusion.beside(class, weights);
                    }
                }
            }
        }
        if let (Some(of_words), Some(words)) = (&mut self.of_words, &fusion.units.words) {
            for (sum, gain) in self.sums.iter_mut().zip(of_words.of(fusion, words, weights, key.word)) {
                *sum += gain;
            }
        }
        if let (Some(of_hotwords), Some(hotwords)) = (&mut self.of_hotwords, fusion.hotwords()) {
            of_hotwords.add_to(&mut self.sums, fusion, hotwords, key.hotwords);
        }
        let bounds = &mut self.bounds[slot * self.classes..][..self.classes];
        for (bound, &sum) in bounds.iter_mut().zip(&self.sums) {
            *bound = above(sum);
        }
        slot
    }
}

/// A little more than a sum of a few gains, which was rounded; what is forbidden stays so.
fn above(sum: f64) -> f32 {
    (sum + 1e-6 * sum.abs().min(f64::MAX) + 1e-6) as f32
}

impl Fusion {
    /// What a token gains whatever the state, beside a model's probabilities and what depends on words and hotwords.
    fn beside(&self, class: usize, weights: &FusionWeights) -> f64 {
        let Some(LanguageModel::Tokens(TokenModel { entries, .. })) = &self.units.language else {
            return 0.0;
        };
        weights.unit_bonus + if entries[class].is_none() { weights.unk_score } else { 0.0 }
    }

    /// What a token gains where no context and no word are known, but by hotwords.
    fn alone(&self, class: usize, weights: &FusionWeights) -> f64 {
        let logp = match &self.units.language {
            Some(LanguageModel::Tokens(TokenModel { model, entries })) => {
                model.score(model.no_context(), entries[class].unwrap_or(model.unknown())).1
            }
            _ => 0.0,
        };
        weights.lm_weight * logp + self.beside(class, weights)
    }

    /// What a token gains at most, whatever the state.
    fn gain_bound(&self, class: usize, weights: &FusionWeights) -> f64 {
        let FusionWeights { lm_weight, unit_bonus, unk_score, .. } = *weights;
        let unknown = unk_score.max(0.0);
        let most = match &self.units.language {
            None => 0.0,
            Some(LanguageModel::Tokens(TokenModel { model, entries })) => {
                lm_weight * model.logp_bound(entries[class].unwrap_or(model.unknown()))
            }
            Some(LanguageModel::Words(_)) => {
                let word = lm_weight * self.units.language_bound + unit_bonus + unknown;
                let gains = self.units.tokens[class].pieces.iter().map(|piece| {
                    // There may be no word to end.
                    let ended = if piece.boundary { word.max(0.0) } else { 0.0 };
                    ended + if piece.text.is_empty() { 0.0 } else { unknown }
                });
                gains.sum()
            }
        };
        let of_hotwords = self.phrases.as_ref().map_or(0.0, |phrases| phrases.gain_bounds[class]);
        most + self.beside(class, weights) + of_hotwords
    }
}
