//! What tokens gain by hotwords.
//!
//! Most tokens break whatever match was begun, and gain what they gain where none was, less the credit of that. What is
//! left is found by walking the automaton and the tokens' texts together.

use super::Fusion;
use super::class_tree::{ClassNode, ClassTree, TextStep};
use super::gains::hotwords_after;
use crate::lm::Hotwords;

/// What does not depend on the state, and room for what does.
#[derive(Clone, Debug)]
pub(super) struct HotwordBounds {
    /// By class: what it gains where no match was begun.
    of_nothing: Vec<f64>,
    /// Where the automaton and the tree have still to be walked.
    ways: Vec<Way>,
}

/// Where a text leads.
#[derive(Clone, Copy, Debug)]
struct Way {
    node: ClassNode,
    /// From the state.
    own: u32,
    /// From nothing.
    other: u32,
    /// How much more was completed from the state than from nothing.
    completed: f64,
}

impl HotwordBounds {
    pub(super) fn new(fusion: &Fusion, hotwords: &Hotwords) -> Self {
        let of_nothing = fusion
            .units
            .tokens
            .iter()
            .map(|token| hotwords_after(hotwords, Hotwords::NOTHING, &token.pieces).1);
        Self { of_nothing: of_nothing.collect(), ways: Vec::new() }
    }

    /// Adds to `sums`, by class, what it gains after a state, in nats.
    pub(super) fn add_to(&mut self, sums: &mut [f64], fusion: &Fusion, hotwords: &Hotwords, state: u32) {
        let Self { of_nothing, ways } = self;
        let tree = fusion.texts();
        let begun = hotwords.credit(state);
        for (sum, of_nothing) in sums.iter_mut().zip(&*of_nothing) {
            *sum += of_nothing - begun;
        }
        ways.push(Way { node: ClassTree::ROOT, own: state, other: Hotwords::NOTHING, completed: 0.0 });
        while let Some(Way { node, own, other, completed }) = ways.pop() {
            let more = completed + (hotwords.credit(own) - hotwords.credit(other));
            for &class in tree.here(node) {
                sums[class as usize] += more;
            }
            for (step, child) in tree.children(node) {
                let byte = match step {
                    TextStep::Boundary => None,
                    TextStep::Byte(byte) => Some(byte),
                };
                if let Some([own, other]) = hotwords.apart(own, other, byte) {
                    let completed = completed + (own.1 - other.1);
                    ways.push(Way { node: child, own: own.0, other: other.0, completed });
                } else if completed != 0.0 {
                    for &class in tree.all(child) {
                        sums[class as usize] += completed;
                    }
                }
            }
        }
    }
}
