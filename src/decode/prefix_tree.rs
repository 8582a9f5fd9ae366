//! The prefixes that the search knows, as a tree in which each prefix occurs once.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

/// A node's number.
pub(super) type NodeId = u32;

/// The empty prefix; never freed.
pub(super) const ROOT: NodeId = 0;

/// No token, no position.
pub(super) const NONE: u32 = u32::MAX;

/// Only what is in the beam or leads to it is alive: `nodes[i].parent` is alive wherever `nodes[i]` is,
/// and a node that is not in the beam has children.
#[derive(Clone, Debug)]
struct Node {
    parent: NodeId,
    token: u32,
    depth: u32,
    /// Number of children that are alive.
    children: u32,
    /// Place in the beam, or [`NONE`].
    position: u32,
}

/// Prefixes hash-consed by (parent, token), without a hash of all of them.
///
/// A child that is in the beam is known to the search; one that is not, but has descendants there, is in
/// `dormant`; any other does not exist, because a node is freed as soon as nothing in the beam needs it.
/// So a prefix that comes back is the same node, and memory follows the beam, not the frames.
#[derive(Clone, Debug)]
pub(super) struct PrefixTree {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
    dormant: FxHashMap<(NodeId, u32), NodeId>,
}

impl PrefixTree {
    /// A tree of the empty prefix, which is first in the beam.
    pub(super) fn new() -> Self {
        let root = Node { parent: ROOT, token: NONE, depth: 0, children: 0, position: 0 };
        Self { nodes: vec![root], free: Vec::new(), dormant: FxHashMap::default() }
    }

    /// Back to [`Self::new`], keeping the memory.
    pub(super) fn reset(&mut self) {
        self.nodes.truncate(1);
        self.nodes[ROOT as usize].children = 0;
        self.nodes[ROOT as usize].position = 0;
        self.free.clear();
        self.dormant.clear();
    }

    /// The place in the beam of a prefix, or [`NONE`].
    pub(super) fn position(&self, node: NodeId) -> u32 {
        self.nodes[node as usize].position
    }

    /// Notes the place in the beam of a prefix.
    pub(super) fn set_position(&mut self, node: NodeId, position: u32) {
        self.nodes[node as usize].position = position;
    }

    /// The prefix without its last token; the empty one's is itself.
    pub(super) fn parent(&self, node: NodeId) -> NodeId {
        self.nodes[node as usize].parent
    }

    /// The prefix `parent + token`, which is not in the beam, and whether it was not known.
    ///
    /// The caller puts it into the beam by [`Self::set_position`].
    pub(super) fn child(&mut self, parent: NodeId, token: u32) -> (NodeId, bool) {
        // Most often the table is empty of this parent's children, and often of all.
        if self.nodes[parent as usize].children > 0
            && let Some(node) = self.dormant.remove(&(parent, token))
        {
            // In the beam from now on, though its place comes later: its last child may leave before.
            self.nodes[node as usize].position = 0;
            return (node, false);
        }
        let depth = self.nodes[parent as usize].depth + 1;
        self.nodes[parent as usize].children += 1;
        let node = Node { parent, token, depth, children: 0, position: NONE };
        if let Some(id) = self.free.pop() {
            self.nodes[id as usize] = node;
            return (id, true);
        }
        self.nodes.push(node);
        ((self.nodes.len() - 1) as NodeId, true)
    }

    /// Takes a prefix out of the beam, and frees what nothing needs any more.
    pub(super) fn leave(&mut self, node: NodeId) {
        self.nodes[node as usize].position = NONE;
        if self.nodes[node as usize].children > 0 {
            self.sleep(node);
            return;
        }
        let mut id = node;
        while id != ROOT {
            let parent = self.nodes[id as usize].parent;
            self.free.push(id);
            self.nodes[parent as usize].children -= 1;
            if self.nodes[parent as usize].children > 0 || self.nodes[parent as usize].position != NONE {
                return;
            }
            if parent != ROOT {
                let grandparent = self.nodes[parent as usize].parent;
                self.dormant.remove(&(grandparent, self.nodes[parent as usize].token));
            }
            id = parent;
        }
    }

    fn sleep(&mut self, node: NodeId) {
        if node != ROOT {
            let Node { parent, token, .. } = self.nodes[node as usize];
            self.dormant.insert((parent, token), node);
        }
    }

    /// The tokens of a prefix.
    pub(super) fn tokens(&self, node: NodeId) -> Vec<u32> {
        let mut tokens = vec![0; self.nodes[node as usize].depth as usize];
        let mut id = node;
        for slot in tokens.iter_mut().rev() {
            *slot = self.nodes[id as usize].token;
            id = self.nodes[id as usize].parent;
        }
        tokens
    }

    /// Number of prefixes that are alive.
    #[cfg(test)]
    pub(super) fn alive(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    /// Lexicographic order of two prefixes, each perhaps with one more token ([`NONE`]: without); a
    /// prefix comes before its extensions.
    pub(super) fn compare(&self, a: (NodeId, u32), b: (NodeId, u32)) -> Ordering {
        let (mut a, mut b) = (self.cursor(a), self.cursor(b));
        let by_length = a.depth.cmp(&b.depth);
        while a.depth > b.depth {
            a = self.up(&a);
        }
        while b.depth > a.depth {
            b = self.up(&b);
        }
        while a.parent != b.parent {
            a = self.up(&a);
            b = self.up(&b);
        }
        a.token.cmp(&b.token).then(by_length)
    }

    fn cursor(&self, (node, token): (NodeId, u32)) -> Cursor {
        let Node { parent, token: last, depth, .. } = self.nodes[node as usize];
        if token == NONE {
            Cursor { parent, token: last, depth }
        } else {
            Cursor { parent: node, token, depth: depth + 1 }
        }
    }

    fn up(&self, cursor: &Cursor) -> Cursor {
        self.cursor((cursor.parent, NONE))
    }
}

/// A prefix that may not have a node yet.
struct Cursor {
    parent: NodeId,
    token: u32,
    depth: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_comes_back_is_the_same_node() {
        let mut tree = PrefixTree::new();
        let (a, fresh) = tree.child(ROOT, 7);
        assert!(fresh);
        tree.set_position(a, 1);
        let (ab, _) = tree.child(a, 8);
        tree.set_position(ab, 2);
        tree.leave(a);
        assert_eq!(tree.child(ROOT, 7), (a, false));
        tree.set_position(a, 1);
        tree.leave(a);
        tree.leave(ab);
        assert_eq!(tree.alive(), 1);
        assert!(tree.dormant.is_empty());
    }

    #[test]
    fn prefixes_compare_as_their_tokens_do() {
        let mut tree = PrefixTree::new();
        let mut nodes = vec![ROOT];
        for token in 0..3 {
            for parent in nodes.clone() {
                nodes.push(tree.child(parent, token).0);
            }
        }
        let texts: Vec<(NodeId, u32)> =
            nodes.iter().flat_map(|&node| [NONE, 3, 4].map(|token| (node, token))).collect();
        let written = |(node, token): (NodeId, u32)| {
            let mut tokens = tree.tokens(node);
            tokens.extend((token != NONE).then_some(token));
            tokens
        };
        for &a in &texts {
            for &b in &texts {
                assert_eq!(tree.compare(a, b), written(a).cmp(&written(b)));
            }
        }
    }
}
