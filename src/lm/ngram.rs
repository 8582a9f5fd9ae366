//! N-gram models with back-off.
//!
//! ```text
//! ln P(w | h) = ln P(h w)                      where h w is an n-gram of the model
//!             = ln backoff(h) + ln P(w | h')   otherwise; h' is h without its first word
//! ```
//!
//! Each n-gram is a node. A state is the node of the longest context that can matter for what follows, so it
//! is a single integer; backing off to a shorter context follows a link.

mod successors;

pub use self::successors::{Successor, Successors};

use super::table::Table;
use super::vocabulary::Vocabulary;

/// The state of no context.
pub(super) const EMPTY: u32 = 0;

/// Base-10 logarithm of an unknown word's probability where the model has none, as in `KenLM`.
const UNKNOWN_LOG10: f64 = -100.0;

/// An n-gram. Words lie at `1 + word`, longer ones behind them.
#[derive(Clone, Copy, Debug)]
struct Node {
    log10_prob: f64,
    /// Base-10 logarithm; NaN while it is not known.
    log10_backoff: f64,
    /// The longest n-gram that this one ends with: while building, of all; then, of those that matter.
    suffix: u32,
    /// The state after this n-gram: itself, or its suffix where nothing can follow.
    next: u32,
}

/// A checked n-gram model. Words and states are small integers.
#[derive(Clone, Debug)]
pub struct NgramModel {
    vocabulary: Vocabulary,
    order: usize,
    nodes: Vec<Node>,
    /// Longer n-grams: the node of all but the last word, that word, and the n-gram's own node.
    children: Table<3>,
    /// By word: the largest base-10 logarithm that it has after any context.
    log10_bounds: Vec<f32>,
    unknown: u32,
    begin: Option<u32>,
    end: Option<u32>,
}

/// The n-gram that continues another by a word.
#[inline]
fn child(children: &Table<3>, node: u32, word: u32) -> Option<u32> {
    children.get([node, word, 0], |_| true)
}

impl NgramModel {
    /// The length of the longest n-grams.
    pub fn order(&self) -> usize {
        self.order
    }

    /// Number of n-grams, of all orders together.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Never true: a model has unigrams.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A word's number; `None` if the model does not have the word.
    pub fn word(&self, text: &str) -> Option<u32> {
        self.vocabulary.get(text)
    }

    /// All words with their numbers, including special ones such as `<s>`.
    pub fn words(&self) -> impl ExactSizeIterator<Item = (u32, &str)> {
        (0..self.vocabulary.len() as u32).map(|word| (word, self.vocabulary.text(word)))
    }

    /// The number that stands for words that the model does not have; if it has no `<unk>`, each of these has a
    /// probability of 1e-100.
    pub fn unknown(&self) -> u32 {
        self.unknown
    }

    /// The number of `</s>`, if the model has it.
    pub fn end(&self) -> Option<u32> {
        self.end
    }

    /// Whether the model has `<s>`.
    pub fn has_begin(&self) -> bool {
        self.begin.is_some()
    }

    /// Whether words that the model does not have are more probable than 1e-100.
    pub fn has_unknown(&self) -> bool {
        self.nodes[1 + self.unknown as usize].log10_prob > UNKNOWN_LOG10
    }

    /// Whether the word is `<s>`, `</s>` or `<unk>`, which are not words of a text.
    pub fn is_special(&self, word: u32) -> bool {
        word == self.unknown || Some(word) == self.begin || Some(word) == self.end
    }

    /// The state at the beginning of a text: after `<s>`, or without context if the model has no `<s>`.
    pub fn start(&self) -> u32 {
        self.begin.map_or(EMPTY, |begin| self.nodes[1 + begin as usize].next)
    }

    /// The state without context.
    pub fn no_context(&self) -> u32 {
        EMPTY
    }

    /// The state after a word, and the natural logarithm of its probability.
    ///
    /// # Panics
    /// If `state` is not of this model, or `word` not of its vocabulary.
    pub fn score(&self, state: u32, word: u32) -> (u32, f64) {
        let mut log10 = 0.0;
        let mut context = state;
        let node = loop {
            if context == EMPTY {
                break 1 + word;
            }
            if let Some(node) = child(&self.children, context, word) {
                break node;
            }
            let Node { log10_backoff, suffix, .. } = self.nodes[context as usize];
            log10 += log10_backoff;
            context = suffix;
        };
        let Node { log10_prob, next, .. } = self.nodes[node as usize];
        (next, (log10 + log10_prob) * std::f64::consts::LN_10)
    }

    /// An upper bound of the natural logarithm of the word's probability after any context; tight up to rounding.
    ///
    /// # Panics
    /// If `word` is not of the model's vocabulary.
    pub fn logp_bound(&self, word: u32) -> f64 {
        f64::from(self.log10_bounds[word as usize]) * std::f64::consts::LN_10
    }
}

/// A model while its n-grams come in, in the order of their length.
#[derive(Debug)]
pub(super) struct Builder {
    vocabulary: Vocabulary,
    nodes: Vec<Node>,
    children: Table<3>,
    /// By node: all of it but the last word, and that word.
    links: Vec<(u32, u32)>,
}

/// Why an n-gram can't be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is there already.
    Duplicate,
    /// Its context has no back-off weight.
    NoBackoff,
    /// There are too many.
    TooMany,
}

/// An n-gram whose words are known and whose context is an n-gram.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResolvedNgram {
    pub(super) context: u32,
    pub(super) word: u32,
    /// See [`Builder::suffix`].
    pub(super) suffix: u32,
}

impl Builder {
    /// What an n-gram of one word continues.
    pub(super) const NO_WORDS: u32 = EMPTY;

    pub(super) fn new() -> Self {
        let empty = Node { log10_prob: 0.0, log10_backoff: 0.0, suffix: EMPTY, next: EMPTY };
        Self {
            vocabulary: Vocabulary::default(),
            nodes: vec![empty],
            children: Table::default(),
            links: vec![(EMPTY, 0)],
        }
    }

    pub(super) fn add_word(&mut self, text: &str, prob: f64, backoff: Option<f64>) -> Result<(), Refusal> {
        // A node, which is `1 + word`, and a word of a tree have a number that is none.
        if self.nodes.len() >= u32::MAX as usize - 2 {
            return Err(Refusal::TooMany);
        }
        let word = self.vocabulary.insert(text).ok_or(Refusal::Duplicate)?;
        self.push(prob, backoff, EMPTY, (EMPTY, word));
        Ok(())
    }

    /// To be called between the words and the longer n-grams.
    pub(super) fn end_words(&mut self) {
        if self.unknown().is_none() {
            // There is none yet, and room was left for it.
            let _ = self.add_word("<unk>", UNKNOWN_LOG10, Some(0.0));
        }
    }

    fn unknown(&self) -> Option<u32> {
        self.vocabulary.get("<unk>").or_else(|| self.vocabulary.get("<UNK>"))
    }

    pub(super) fn word(&self, text: &str) -> Option<u32> {
        self.vocabulary.get(text)
    }

    /// Has what [`Self::word`] looks at on its way into the cache.
    pub(super) fn fetch_word(&self, text: &str) {
        self.vocabulary.fetch(text);
    }

    /// The n-gram that continues another by a word, if it is one.
    pub(super) fn longer(&self, node: u32, word: u32) -> Option<u32> {
        if node == Self::NO_WORDS { Some(1 + word) } else { child(&self.children, node, word) }
    }

    /// The longest n-gram that the one which continues `context` by `word` ends with.
    pub(super) fn suffix(&self, context: u32, word: u32) -> u32 {
        let mut shorter = context;
        loop {
            shorter = self.nodes[shorter as usize].suffix;
            if let Some(suffix) = self.longer(shorter, word) {
                return suffix;
            }
        }
    }

    /// Has the place that [`Self::suffix`] looks at first in the table on its way into the cache.
    #[inline]
    pub(super) fn fetch_suffix(&self, context: u32, word: u32) {
        let shorter = self.nodes[context as usize].suffix;
        if shorter != Self::NO_WORDS {
            self.children.fetch([shorter, word, 0]);
        }
    }

    /// Has the place that [`Self::add`] needs in the table on its way into the cache.
    #[inline]
    pub(super) fn fetch(&self, ResolvedNgram { context, word, .. }: ResolvedNgram) {
        self.children.fetch([context, word, 0]);
    }

    pub(super) fn add(
        &mut self,
        found: ResolvedNgram,
        prob: f64,
        backoff: Option<f64>,
    ) -> Result<(), Refusal> {
        let ResolvedNgram { context, word, suffix } = found;
        if self.nodes.len() >= u32::MAX as usize - 1 {
            return Err(Refusal::TooMany);
        }
        if self.nodes[context as usize].log10_backoff.is_nan() {
            return Err(Refusal::NoBackoff);
        }
        let node = self.nodes.len() as u32;
        if !self.children.insert([context, word, node], |_| true) {
            return Err(Refusal::Duplicate);
        }
        self.push(prob, backoff, suffix, (context, word));
        Ok(())
    }

    fn push(&mut self, log10_prob: f64, backoff: Option<f64>, suffix: u32, link: (u32, u32)) {
        let log10_backoff = backoff.unwrap_or(f64::NAN);
        self.nodes.push(Node { log10_prob, log10_backoff, suffix, next: EMPTY });
        self.links.push(link);
    }

    /// The model of order `order`.
    pub(super) fn finish(mut self, order: usize) -> NgramModel {
        for node in &mut self.nodes {
            if node.log10_backoff.is_nan() {
                node.log10_backoff = 0.0;
            }
        }
        let log10_bounds = self.log10_bounds();
        let mut followed = vec![false; self.nodes.len()];
        for &(context, _) in &self.links[1..] {
            followed[context as usize] = true;
        }
        // A suffix is shorter, so it comes before.
        for (at, followed) in followed.into_iter().enumerate().skip(1) {
            let suffix = self.nodes[self.nodes[at].suffix as usize].next;
            let matters = followed || self.nodes[at].log10_backoff != 0.0;
            self.nodes[at].suffix = suffix;
            self.nodes[at].next = if matters { at as u32 } else { suffix };
        }
        let unknown = self.unknown().unwrap_or_default();
        let (begin, end) = (self.vocabulary.get("<s>"), self.vocabulary.get("</s>"));
        let Self { vocabulary, mut nodes, children, .. } = self;
        nodes.shrink_to_fit();
        NgramModel { vocabulary, order, nodes, children, log10_bounds, unknown, begin, end }
    }

    /// Each n-gram may be reached from longer contexts by way of their back-off weights, which may exceed 1.
    fn log10_bounds(&self) -> Vec<f32> {
        let mut from_longer = vec![0.0_f64; self.nodes.len()];
        for at in (1..self.nodes.len()).rev() {
            let Node { log10_backoff, suffix, .. } = self.nodes[at];
            let reached = from_longer[at] + log10_backoff;
            let shorter = &mut from_longer[suffix as usize];
            *shorter = shorter.max(reached);
        }
        let mut most = vec![f32::NEG_INFINITY; self.vocabulary.len()];
        for (node, &(context, word)) in self.nodes.iter().zip(&self.links).skip(1) {
            let log10 = node.log10_prob + from_longer[context as usize];
            // Rounded up, for it is a bound.
            let bound = (log10 as f32).next_up();
            most[word as usize] = most[word as usize].max(bound);
        }
        most
    }
}
