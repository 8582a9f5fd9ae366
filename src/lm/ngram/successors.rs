//! The n-grams of a model by their context, for the tokens of an alphabet.

use super::{EMPTY, NgramModel};
use crate::kernel::Element;

/// For each context of n-grams, the words that follow it in the model, as far as an alphabet has them.
#[derive(Clone, Debug)]
pub struct Successors {
    /// By state: its first successor; one more than there are states.
    first: Vec<u32>,
    all: Vec<Successor>,
    /// By class: the next that stands for the same word, or [`NONE`].
    same: Vec<u32>,
}

/// The end of an n-gram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Successor {
    /// The first class that stands for its last word.
    class: u32,
    /// No less than the base-10 logarithm of its probability after its context.
    pub log10_bound: f32,
}

/// No class.
const NONE: u32 = u32::MAX;

impl Successors {
    /// Collects the n-grams of a model; `words` has the model's word for each class, `None` for the unknown word.
    pub fn new(model: &NgramModel, words: &[Option<u32>]) -> Self {
        let mut class_of = vec![NONE; model.words().len()];
        let mut same = vec![NONE; words.len()];
        for (class, word) in words.iter().enumerate().rev() {
            let first = &mut class_of[word.unwrap_or(model.unknown()) as usize];
            same[class] = std::mem::replace(first, class as u32);
        }
        let ends = || {
            let ends = model.children.iter().filter_map(|[context, word, node]| {
                let class = class_of[word as usize];
                (class != NONE).then_some((context as usize, class, node))
            });
            ends.map(|(context, class, node)| {
                let log10_bound = f32::round_up(model.nodes[node as usize].log10_prob);
                (context, Successor { class, log10_bound })
            })
        };
        // Those of a context are of different words, so their order does not matter.
        let mut first = vec![0_u32; model.nodes.len() + 1];
        for (context, _) in ends() {
            first[context + 1] += 1;
        }
        for context in 1..first.len() {
            first[context] += first[context - 1];
        }
        let mut all = vec![Successor { class: 0, log10_bound: 0.0 }; first[model.nodes.len()] as usize];
        let mut free = first.clone();
        for (context, successor) in ends() {
            all[free[context] as usize] = successor;
            free[context] += 1;
        }
        Self { first, all, same }
    }

    /// The n-grams that extend a state's n-gram by one word.
    pub fn of(&self, state: u32) -> &[Successor] {
        let state = state as usize;
        &self.all[self.first[state] as usize..self.first[state + 1] as usize]
    }

    /// The classes that stand for an n-gram's last word.
    pub fn classes(&self, end: Successor) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(end.class), |&class| {
            Some(self.same[class as usize]).filter(|&class| class != NONE)
        })
        .map(|class| class as usize)
    }
}

impl NgramModel {
    /// A state and its shorter contexts, the longest first, each with the base-10 logarithm of its back-off weight; the
    /// state without context is not included.
    pub fn contexts(&self, state: u32) -> impl Iterator<Item = (u32, f64)> {
        let mut context = state;
        std::iter::from_fn(move || {
            let this = context;
            let node = self.nodes[this as usize];
            context = node.suffix;
            (this != EMPTY).then_some((this, node.log10_backoff))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lm::ArpaParser;

    const ARPA: &str = "\\data\\
ngram 1=5
ngram 2=3
ngram 3=1

\\1-grams:
-1\t<unk>\t-0.1
-2\t<s>\t-0.2
-1.5\t</s>
-0.5\ta\t-0.3
-0.7\tb\t-0.4

\\2-grams:
-0.1\t<s> a\t-0.6
-0.2\ta b\t-0.7
-0.3\ta <unk>

\\3-grams:
-0.05\t<s> a b

\\end\\
";

    #[test]
    fn the_ends_of_ngrams_are_found_by_context_and_class() {
        let mut parser = ArpaParser::new();
        parser.feed(ARPA.as_bytes()).expect("a proper model");
        let model = parser.finish().expect("a proper model");
        // Of the classes, two are unknown, and the model's other words are none.
        let (a, b) = (model.word("a"), model.word("b"));
        let successors = Successors::new(&model, &[None, b, None, a]);
        let all = |state: u32| {
            let ends = successors.of(state).iter();
            let mut all: Vec<(usize, f32)> = ends
                .flat_map(|&end| successors.classes(end).map(move |class| (class, end.log10_bound)))
                .collect();
            all.sort_by_key(|&(class, _)| class);
            all
        };
        let start = model.start();
        let up = f32::round_up;
        assert_eq!(all(start), [(3, up(-0.1))]);
        assert_eq!(model.contexts(start).collect::<Vec<_>>(), [(start, -0.2)]);
        let (after_a, _) = model.score(start, a.expect("a word"));
        assert_eq!(all(after_a), [(1, up(-0.05))]);
        let contexts: Vec<(u32, f64)> = model.contexts(after_a).collect();
        assert_eq!(contexts.iter().map(|context| context.1).collect::<Vec<_>>(), [-0.6, -0.3]);
        assert_eq!(all(contexts[1].0), [(0, up(-0.3)), (1, up(-0.2)), (2, up(-0.3))]);
        assert_eq!(model.contexts(model.no_context()).count(), 0);
    }
}
