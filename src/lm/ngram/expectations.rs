//! Which words an n-gram model expects after a context of two or more, and a bound for all others.
//!
//! A word that no n-gram gives after the last two words or more has the context's back-off weights, and
//! the probability after one word at most:
//!
//! ```text
//! ln P(w | h) <= sum of ln backoff(h'), h' all contexts of two words or more  +  most(w)
//! ```

use std::f64::consts::LN_10;

use super::{EMPTY, NgramModel};

/// What the states of a model expect; words as bits, of which several may share one.
#[derive(Clone, Debug)]
pub struct Expectations {
    /// By state.
    states: Vec<Expected>,
    /// By word: the most of it in nats, in a state that does not expect it and has no back-off weights.
    most: Vec<f64>,
    most_backoff: f64,
}

/// What a state expects.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The bits of the words.
    pub words: u64,
    /// What all other words lose, in nats; a gain where it is above 0.
    pub backoff: f64,
}

impl Expectations {
    /// Looks at all n-grams of a model.
    pub fn new(model: &NgramModel) -> Self {
        let nodes = &model.nodes;
        let words = model.words().len();
        let is_short = |node: usize| node <= words;
        let mut states = vec![Expected { words: 0, backoff: 0.0 }; nodes.len()];
        let mut most_log10: Vec<f64> =
            nodes[1..=words].iter().map(|node| f64::from(node.log10_prob)).collect();
        let backoffs = nodes[..=words].iter().map(|node| f64::from(node.log10_backoff));
        let most_backoff_of_one = backoffs.fold(0.0, f64::max);
        for most in &mut most_log10 {
            *most += most_backoff_of_one;
        }
        #[expect(clippy::iter_over_hash_type, reason = "sets of bits and maxima have no order")]
        for (&key, &node) in &model.children {
            let (context, word) = ((key >> 32) as usize, key as u32);
            if is_short(context) {
                let most = &mut most_log10[word as usize];
                *most = most.max(f64::from(nodes[node as usize].log10_prob));
            } else {
                states[context].words |= 1 << Self::bit(word);
            }
        }
        // A suffix is shorter, so it comes before.
        for at in words + 1..nodes.len() {
            let suffix = nodes[at].suffix as usize;
            let Expected { words, backoff } = states[suffix];
            states[at].words |= words;
            states[at].backoff = backoff + f64::from(nodes[at].log10_backoff) * LN_10;
        }
        let most_backoff = states.iter().map(|state| state.backoff).fold(0.0, f64::max);
        let most = most_log10.into_iter().map(|log10| log10 * LN_10).collect();
        debug_assert!(states[EMPTY as usize].words == 0);
        Self { states, most, most_backoff }
    }

    /// The bit of a word, below 64.
    pub fn bit(word: u32) -> u32 {
        word % u64::BITS
    }

    /// What a state of the model expects.
    pub fn of(&self, state: u32) -> Expected {
        self.states[state as usize]
    }

    /// The largest back-off weight of any state, in nats, or 0.
    pub fn most_backoff(&self) -> f64 {
        self.most_backoff
    }

    /// A word that a state does not expect has at most this natural logarithm of its probability, and the
    /// state's back-off weight.
    pub fn most(&self, word: u32) -> f64 {
        self.most[word as usize]
    }
}
