//! What tokens and ends gain by a fusion.

use std::ops::Deref;

use super::{Fusion, FusionState, FusionWeights, LanguageModel, TokenModel};
use crate::decode::spelling::WordPiece;
use crate::lm::{Hotwords, WordTree};

/// A [`Fusion`] with weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gains<F> {
    pub(super) fusion: F,
    pub(super) weights: FusionWeights,
    pub(super) with_hotwords: bool,
}

/// The state of hotwords after a token, and what they give for it.
pub(super) fn hotwords_after(hotwords: &Hotwords, mut state: u32, pieces: &[WordPiece]) -> (u32, f64) {
    let mut gain = 0.0;
    for WordPiece { boundary, text } in pieces {
        if *boundary {
            let (next, more) = hotwords.boundary(state);
            state = next;
            gain += more;
        }
        let (next, more) = hotwords.text(state, text.as_bytes());
        state = next;
        gain += more;
    }
    (state, gain)
}

impl<F: Deref<Target = Fusion>> Gains<F> {
    /// The state of the empty prefix.
    pub(super) fn start(&self) -> FusionState {
        let language = match &self.fusion.units.language {
            Some(LanguageModel::Words(model) | LanguageModel::Tokens(TokenModel { model, .. })) => {
                model.start()
            }
            None => 0,
        };
        let hotwords = self.fusion.hotwords().map_or(0, Hotwords::start);
        FusionState { language, word: WordTree::ROOT, hotwords }
    }

    /// The state after a token, and the gain.
    pub(super) fn extension(&self, state: FusionState, token: u32) -> (FusionState, f64) {
        let FusionState { mut language, mut word, mut hotwords } = state;
        let mut gain = 0.0;
        if let Some(LanguageModel::Tokens(TokenModel { model, entries })) = &self.fusion.units.language {
            let entry = entries[token as usize];
            let (next, logp) = model.score(language, entry.unwrap_or(model.unknown()));
            language = next;
            gain += self.weights.lm_weight * logp + self.weights.unit_bonus;
            if entry.is_none() {
                gain += self.weights.unk_score;
            }
        }
        let phrases = self.fusion.hotwords().filter(|_| self.with_hotwords);
        for WordPiece { boundary, text } in &self.fusion.units.tokens[token as usize].pieces {
            if self.fusion.units.words.is_some() {
                if *boundary && word != WordTree::ROOT {
                    let (next, more) = self.end_word(language, word);
                    (language, word) = (next, WordTree::ROOT);
                    gain += more;
                }
                if !text.is_empty() {
                    let (next, more) = self.fusion.go_on(word, text.as_bytes(), &self.weights);
                    word = next;
                    gain += more;
                }
            }
        }
        if let Some(phrases) = phrases {
            let (next, more) =
                hotwords_after(phrases, hotwords, &self.fusion.units.tokens[token as usize].pieces);
            hotwords = next;
            gain += more;
        }
        (FusionState { language, word, hotwords }, gain)
    }

    /// The language model's state after the end of a word that is not empty, and the gain.
    fn end_word(&self, language: u32, word: u32) -> (u32, f64) {
        let mut next = language;
        let gain = self.fusion.end_word(word, &self.weights, |model, word| {
            let (state, logp) = model.score(language, word);
            next = state;
            logp
        });
        (next, gain)
    }

    /// What a text gains that ends in this state; `None` where no text may end.
    pub(super) fn finish(&self, state: FusionState) -> Option<f64> {
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
        if let Some(LanguageModel::Words(model) | LanguageModel::Tokens(TokenModel { model, .. })) =
            &self.fusion.units.language
            && let Some(end) = model.end().filter(|_| self.weights.with_end)
        {
            gain += self.weights.lm_weight * model.score(language, end).1;
        }
        if let (Some(phrases), true) = (self.fusion.hotwords(), self.with_hotwords) {
            gain += phrases.end(hotwords);
        }
        Some(gain)
    }
}
