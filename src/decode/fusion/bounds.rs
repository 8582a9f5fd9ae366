//! What tokens gain at most, so that the search need not ask for every gain.

use super::{Fusion, FusionState, FusionWeights, LanguageModel, UNKNOWN, is_noted};
use crate::decode::scorer::{Expected, GainBounds};
use crate::decode::spelling::WordPiece;
use crate::lm::{Expectations, WordTree};

impl Fusion {
    /// What a token gains at most.
    pub(super) fn bounds(&self, class: usize, weights: &FusionWeights) -> GainBounds {
        let most = self.most(class, weights);
        if let (Some(expectations), Some(LanguageModel::Tokens(model, entries))) =
            (&self.expectations, &self.language)
        {
            let entry = entries[class].unwrap_or(model.unknown());
            let less = model.most(entry) - expectations.most(entry) - expectations.most_backoff();
            let unexpected = most - weights.lm_weight * less;
            return GainBounds { most, unexpected, bit: Expectations::bit(entry) };
        }
        let goes_on = match &*self.tokens[class].pieces {
            [WordPiece { boundary: false, text }] if self.words.is_some() => text.as_bytes().first(),
            _ => None,
        };
        let Some(&byte) = goes_on else { return GainBounds::of_any_state(most) };
        let unexpected = match &self.language {
            _ if self.only_words => f64::NEG_INFINITY,
            Some(LanguageModel::Words(_)) => weights.unk_score + self.hotwords_most[class],
            _ => most,
        };
        GainBounds { most, unexpected, bit: WordTree::bit(byte) }
    }

    /// What a token gains at most, whatever the state.
    fn most(&self, class: usize, weights: &FusionWeights) -> f64 {
        let FusionWeights { lm_weight, unit_bonus, unk_score, .. } = *weights;
        let unknown = unk_score.max(0.0);
        let most = match &self.language {
            None => 0.0,
            Some(LanguageModel::Tokens(model, entries)) => {
                let score = if entries[class].is_none() { unk_score } else { 0.0 };
                let entry = entries[class].unwrap_or(model.unknown());
                lm_weight * model.most(entry) + unit_bonus + score
            }
            Some(LanguageModel::Words(_)) => {
                let word = lm_weight * self.language_most + unit_bonus + unknown;
                let gains = self.tokens[class].pieces.iter().map(|piece| {
                    // There may be no word to end.
                    let ended = if piece.boundary { word.max(0.0) } else { 0.0 };
                    ended + if piece.text.is_empty() { 0.0 } else { unknown }
                });
                gains.sum()
            }
        };
        most + self.hotwords_most[class]
    }

    /// What a state expects.
    pub(super) fn expected(&self, state: FusionState, weights: &FusionWeights) -> Expected {
        if let Some(expectations) = &self.expectations {
            let expected = expectations.of(state.language);
            let less = weights.lm_weight * (expectations.most_backoff() - expected.backoff);
            return Expected { tokens: expected.words, less };
        }
        match &self.words {
            // A word that was noted goes on with anything.
            Some(words) if state.word != UNKNOWN && (self.only_words || !is_noted(words, state.word)) => {
                Expected { tokens: words.ways(state.word), less: 0.0 }
            }
            _ => Expected::ALL,
        }
    }
}
