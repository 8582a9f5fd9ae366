//! What tokens gain at most by the words that they end and go on with.
//!
//! Of a state the word in progress alone counts. Most tokens either end it, and all of these gain the same for it, or go
//! on with no known word, and all of these gain the same, too: what is left is found by walking the tree of words and
//! the tokens' texts together.

use super::class_tree::{ClassNode, ClassTree, TextStep};
use super::{Fusion, FusionWeights, Token, UNKNOWN};
use crate::lm::{NgramModel, WordNode, WordTree};

/// What does not depend on the state, and room for what does.
#[derive(Clone, Debug)]
pub(super) struct WordBounds {
    /// By class: what it gains after a word has ended before it, if one ends there in any case.
    after_end: Vec<Option<f64>>,
    /// The classes that neither begin with the end of a word nor only go on with one.
    others: Vec<u32>,
    /// By class: the most after a state.
    of_state: Vec<f64>,
    /// Where both trees have still to be walked.
    ways: Vec<(ClassNode, WordNode)>,
}

impl WordBounds {
    pub(super) fn new(fusion: &Fusion, weights: &FusionWeights) -> Self {
        let tokens = || (0..).zip(&fusion.units.tokens);
        let after_end = |(class, token): (u32, &Token)| {
            token.begins_with_end().then(|| fusion.most_of_word(class, WordTree::ROOT, weights))
        };
        let others = tokens().filter(|(_, token)| !token.begins_with_end() && !token.only_goes_on());
        Self {
            after_end: tokens().map(after_end).collect(),
            others: others.map(|(class, _)| class).collect(),
            of_state: Vec::new(),
            ways: Vec::new(),
        }
    }

    /// By class: the most with this word in progress, in nats.
    pub(super) fn of(
        &mut self,
        fusion: &Fusion,
        words: &WordTree,
        weights: &FusionWeights,
        word: WordNode,
    ) -> &[f64] {
        let Self { after_end, others, of_state, ways } = self;
        let tree = &fusion.units.going_on;
        let end =
            if word == WordTree::ROOT { 0.0 } else { fusion.end_word(word, weights, NgramModel::logp_bound) };
        let to_unknown = fusion.gain_of_step(words, word, None, weights);
        of_state.clear();
        of_state.extend(after_end.iter().map(|after| after.map_or(to_unknown, |after| end + after)));
        for &class in &*others {
            of_state[class as usize] = fusion.most_of_word(class, word, weights);
        }
        if word == UNKNOWN {
            return of_state;
        }
        ways.push((ClassTree::ROOT, word));
        while let Some((node, after)) = ways.pop() {
            let gain = fusion.gain_of_step(words, word, Some(after), weights);
            for &class in tree.here(node) {
                of_state[class as usize] = gain;
            }
            for (step, child) in tree.children(node) {
                if let TextStep::Byte(byte) = step
                    && words.ways(after) >> WordTree::bit(byte) & 1 == 1
                    && let Some(next) = words.step(after, &[byte])
                {
                    ways.push((child, next));
                }
            }
        }
        of_state
    }
}

impl Fusion {
    /// What a token gains at most by the words it ends and goes on with.
    fn most_of_word(&self, class: u32, mut word: WordNode, weights: &FusionWeights) -> f64 {
        let mut gain = 0.0;
        for piece in &self.units.tokens[class as usize].pieces {
            if piece.boundary && word != WordTree::ROOT {
                gain += self.end_word(word, weights, NgramModel::logp_bound);
                word = WordTree::ROOT;
            }
            if !piece.text.is_empty() {
                let (next, more) = self.go_on(word, piece.text.as_bytes(), weights);
                word = next;
                gain += more;
            }
        }
        gain
    }
}
