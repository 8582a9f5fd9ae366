//! The texts of classes as a tree, to be walked along with the words or phrases that they may go on with.

use std::ops::Range;

use crate::decode::spelling::WordPiece;

/// A node of a [`ClassTree`].
pub(super) type ClassNode = u32;

/// Each beginning of each class's text is a node; the children of a node lie together.
#[derive(Clone, Debug)]
pub(super) struct ClassTree {
    nodes: Vec<Node>,
    /// The classes in the order of their texts.
    classes: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Node {
    /// What leads here.
    step: TextStep,
    children: Range<ClassNode>,
    /// Which of the classes begin like this.
    all: Range<u32>,
    /// The end of those that are no longer.
    here_end: u32,
}

/// What a text goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TextStep {
    /// The end of a word.
    Boundary,
    /// A byte of a word.
    Byte(u8),
}

impl ClassTree {
    /// The empty text.
    pub(super) const ROOT: ClassNode = 0;

    /// Of some classes and what each adds to a text.
    pub(super) fn new<'a>(classes: impl Iterator<Item = (u32, &'a [WordPiece])>) -> Self {
        let mut texts: Vec<(Vec<TextStep>, u32)> =
            classes.map(|(class, pieces)| (steps_of(pieces).collect(), class)).collect();
        texts.sort_unstable();
        // Nodes in the order of their depth: the texts that go through each, and the depth.
        let mut spans = vec![(TextStep::Boundary, 0..texts.len(), 0)];
        let mut nodes = Vec::new();
        while let Some((step, all, depth)) = spans.get(nodes.len()).cloned() {
            let is_here = |text: &(Vec<TextStep>, u32)| text.0.len() == depth;
            let here_end = all.start + texts[all.clone()].partition_point(is_here);
            let first_child = spans.len() as ClassNode;
            let mut first = here_end;
            while first < all.end {
                let step = texts[first].0[depth];
                let end = first + texts[first..all.end].partition_point(|text| text.0[depth] == step);
                spans.push((step, first..end, depth + 1));
                first = end;
            }
            nodes.push(Node {
                step,
                children: first_child..spans.len() as ClassNode,
                all: all.start as u32..all.end as u32,
                here_end: here_end as u32,
            });
        }
        Self { nodes, classes: texts.into_iter().map(|(_, class)| class).collect() }
    }

    /// The texts that are one step longer.
    pub(super) fn children(&self, node: ClassNode) -> impl Iterator<Item = (TextStep, ClassNode)> + '_ {
        self.nodes[node as usize].children.clone().map(|child| (self.nodes[child as usize].step, child))
    }

    /// The classes with this text.
    pub(super) fn here(&self, node: ClassNode) -> &[u32] {
        let Node { all, here_end, .. } = &self.nodes[node as usize];
        &self.classes[all.start as usize..*here_end as usize]
    }

    /// The classes whose texts begin with this one.
    pub(super) fn all(&self, node: ClassNode) -> &[u32] {
        let Range { start, end } = self.nodes[node as usize].all;
        &self.classes[start as usize..end as usize]
    }
}

fn steps_of(pieces: &[WordPiece]) -> impl Iterator<Item = TextStep> + '_ {
    pieces.iter().flat_map(|WordPiece { boundary, text }| {
        boundary.then_some(TextStep::Boundary).into_iter().chain(text.bytes().map(TextStep::Byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_below_each_beginning_of_its_text() {
        let piece = |boundary, text: &str| WordPiece { boundary, text: text.to_owned() };
        let texts = [
            vec![piece(false, "ab")],
            vec![],
            vec![piece(true, "a")],
            vec![piece(false, "a")],
            vec![piece(false, "a"), piece(true, "")],
            vec![piece(false, "ab")],
        ];
        let tree = ClassTree::new((0..).zip(texts.iter().map(Vec::as_slice)));
        let below = |node: ClassNode| {
            let mut all = tree.all(node).to_vec();
            all.sort_unstable();
            (tree.here(node).to_vec(), all)
        };
        let step = |node: ClassNode, step: TextStep| {
            tree.children(node).find(|&(other, _)| other == step).map(|(_, child)| child)
        };
        let child = |node: ClassNode, byte: u8| step(node, TextStep::Byte(byte)).expect("a child");
        assert_eq!(below(ClassTree::ROOT), (vec![1], vec![0, 1, 2, 3, 4, 5]));
        let a = child(ClassTree::ROOT, b'a');
        assert_eq!(below(a), (vec![3], vec![0, 3, 4, 5]));
        assert_eq!(below(child(a, b'b')), (vec![0, 5], vec![0, 5]));
        assert_eq!(below(step(a, TextStep::Boundary).expect("a child")), (vec![4], vec![4]));
        let after_boundary = step(ClassTree::ROOT, TextStep::Boundary).expect("a child");
        assert_eq!(below(child(after_boundary, b'a')), (vec![2], vec![2]));
        assert_eq!(step(a, TextStep::Byte(b'c')), None);
    }
}
