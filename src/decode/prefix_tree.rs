//! The prefixes that the search knows, as a tree in which each prefix occurs once.

use std::cmp::Ordering;

/// A node's number.
pub(super) type NodeId = u32;

/// The empty prefix; never freed.
pub(super) const ROOT: NodeId = 0;

/// No token, no position.
pub(super) const NONE: u32 = u32::MAX;

/// Only what is in the beam or leads to it is alive: `nodes[i].parent` and `nodes[i].jump` are alive
/// wherever `nodes[i]` is, and a node that is not in the beam has children.
#[derive(Clone, Copy, Debug)]
struct Node {
    parent: NodeId,
    token: u32,
    depth: u32,
    /// Number of children that are alive.
    children: u32,
    /// Place in the beam or [`NONE`].
    position: u32,
    /// An ancestor far above, for walks of logarithmic length.
    jump: NodeId,
    /// The first of the children that are dormant, or [`NONE`].
    dormant: NodeId,
    /// Where it is dormant: the next of its parent's dormant children, or [`NONE`].
    sibling: NodeId,
}

/// Prefixes hash-consed by (parent, token), without a hash.
///
/// A child that is in the beam is known to the search. One that is not, but has descendants there, is dormant: it can
/// come back, and its parent knows it. Any other does not exist, because a node is freed as soon as nothing in
/// the beam needs it. So a prefix that comes back is the same node, and memory follows the beam, not the
/// frames.
#[derive(Clone, Debug)]
pub(super) struct PrefixTree {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
}

impl PrefixTree {
    /// A tree of the empty prefix, which is first in the beam.
    pub(super) fn new() -> Self {
        let root = Node {
            parent: ROOT,
            token: NONE,
            depth: 0,
            children: 0,
            position: 0,
            jump: ROOT,
            dormant: NONE,
            sibling: NONE,
        };
        Self { nodes: vec![root], free: Vec::new() }
    }

    /// Back to [`Self::new`], keeping the memory.
    pub(super) fn reset(&mut self) {
        let Self { nodes: root, .. } = Self::new();
        self.nodes.clear();
        self.nodes.extend(root);
        self.free.clear();
    }

    /// The place in the beam of a prefix, or [`NONE`].
    pub(super) fn position(&self, node: NodeId) -> u32 {
        self.nodes[node as usize].position
    }

    /// Notes the place in the beam of a prefix.
    pub(super) fn set_position(&mut self, node: NodeId, position: u32) {
        self.nodes[node as usize].position = position;
    }

    /// The last token of a prefix; [`NONE`] for the empty one.
    pub(super) fn token(&self, node: NodeId) -> u32 {
        self.nodes[node as usize].token
    }

    /// The prefix without its last token; the empty one's is itself.
    pub(super) fn parent(&self, node: NodeId) -> NodeId {
        self.nodes[node as usize].parent
    }

    /// The prefix `parent + token`, which is not in the beam.
    ///
    /// The caller puts it into the beam by [`Self::set_position`].
    pub(super) fn child(&mut self, parent: NodeId, token: u32) -> NodeId {
        if let Some(node) = self.wake(parent, token) {
            return node;
        }
        let above = &mut self.nodes[parent as usize];
        above.children += 1;
        // Jumps of skew-binary lengths (Myers, "An applicative random-access stack", 1983).
        let Node { depth, jump, .. } = *above;
        let far = self.nodes[jump as usize];
        let even = depth - far.depth == far.depth - self.nodes[far.jump as usize].depth;
        let jump = if even { far.jump } else { parent };
        let node = Node {
            parent,
            token,
            depth: depth + 1,
            children: 0,
            position: NONE,
            jump,
            dormant: NONE,
            sibling: NONE,
        };
        if let Some(id) = self.free.pop() {
            self.nodes[id as usize] = node;
            return id;
        }
        if self.nodes.len() == self.nodes.capacity() {
            // Doubling would take more memory than all else.
            self.nodes.reserve_exact(64 + self.nodes.len() / 4);
        }
        self.nodes.push(node);
        (self.nodes.len() - 1) as NodeId
    }

    /// Takes a prefix out of the beam, and frees what nothing needs any more.
    pub(super) fn leave(&mut self, node: NodeId) {
        self.nodes[node as usize].position = NONE;
        if node == ROOT {
            return;
        }
        let Node { parent, children, .. } = self.nodes[node as usize];
        if children > 0 {
            let above = &mut self.nodes[parent as usize];
            let sibling = std::mem::replace(&mut above.dormant, node);
            self.nodes[node as usize].sibling = sibling;
            return;
        }
        let mut id = node;
        while id != ROOT {
            let Node { parent, .. } = self.nodes[id as usize];
            self.free.push(id);
            let above = &mut self.nodes[parent as usize];
            above.children -= 1;
            if above.children > 0 || above.position != NONE || parent == ROOT {
                return;
            }
            let Node { parent: grandparent, token, .. } = *above;
            self.wake(grandparent, token);
            id = parent;
        }
    }

    /// The dormant child of a prefix by a token, if there is one; it is not dormant any more.
    fn wake(&mut self, parent: NodeId, token: u32) -> Option<NodeId> {
        let mut before = NONE;
        let mut id = self.nodes[parent as usize].dormant;
        // Each leads to another entry of the beam, so there are not many.
        while id != NONE {
            let Node { token: last, sibling, .. } = self.nodes[id as usize];
            if last == token {
                match before {
                    NONE => self.nodes[parent as usize].dormant = sibling,
                    _ => self.nodes[before as usize].sibling = sibling,
                }
                return Some(id);
            }
            (before, id) = (id, sibling);
        }
        None
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
        let length =
            |(node, token): (NodeId, u32)| self.nodes[node as usize].depth + u32::from(token != NONE);
        let by_length = length(a).cmp(&length(b));
        let shorter = length(a).min(length(b));
        let ((mut a, last_a), (mut b, last_b)) = (self.cut(a, shorter), self.cut(b, shorter));
        // Both are as long now, without the token that comes after the node.
        if a == b {
            return last_a.cmp(&last_b).then(by_length);
        }
        loop {
            let (left, right) = (self.nodes[a as usize], self.nodes[b as usize]);
            if left.parent == right.parent {
                return left.token.cmp(&right.token);
            }
            // Jumps are as long for both, because they depend on the depth alone.
            (a, b) =
                if left.jump == right.jump { (left.parent, right.parent) } else { (left.jump, right.jump) };
        }
    }

    /// The first `length` tokens of a prefix with perhaps one more token: all but the last of them as a
    /// node, and the last. The empty prefix is the root and [`NONE`].
    fn cut(&self, (node, token): (NodeId, u32), length: u32) -> (NodeId, u32) {
        if token != NONE && length > self.nodes[node as usize].depth {
            return (node, token);
        }
        let mut id = node;
        while self.nodes[id as usize].depth > length {
            let Node { parent, jump, .. } = self.nodes[id as usize];
            id = if self.nodes[jump as usize].depth >= length { jump } else { parent };
        }
        let Node { parent, token, .. } = self.nodes[id as usize];
        (parent, token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_comes_back_is_the_same_node() {
        let mut tree = PrefixTree::new();
        let a = tree.child(ROOT, 7);
        tree.set_position(a, 1);
        let ab = tree.child(a, 8);
        tree.set_position(ab, 2);
        tree.leave(a);
        assert_eq!(tree.child(ROOT, 7), a);
        tree.set_position(a, 1);
        tree.leave(a);
        tree.leave(ab);
        assert_eq!((tree.alive(), tree.nodes[ROOT as usize].dormant), (1, NONE));
    }

    #[test]
    fn any_of_several_dormant_siblings_comes_back() {
        for back in [[7, 8, 9], [9, 8, 7], [8, 9, 7]] {
            let mut tree = PrefixTree::new();
            let siblings = [7, 8, 9].map(|token| tree.child(ROOT, token));
            let leaves = siblings.map(|node| tree.child(node, 1));
            for (position, node) in (1..).zip(siblings.into_iter().chain(leaves)) {
                tree.set_position(node, position);
            }
            for node in siblings {
                tree.leave(node);
            }
            for token in back {
                assert_eq!(tree.child(ROOT, token), siblings[token as usize - 7]);
            }
            assert_eq!(tree.nodes[ROOT as usize].dormant, NONE);
        }
    }

    #[test]
    fn what_nothing_leads_to_is_freed() {
        let mut tree = PrefixTree::new();
        let mut node = ROOT;
        for token in 0..1000 {
            let next = tree.child(node, token % 7);
            tree.set_position(next, 0);
            tree.leave(node);
            node = next;
        }
        assert_eq!(tree.alive(), 1001);
        tree.leave(node);
        assert_eq!((tree.alive(), tree.nodes[ROOT as usize].dormant), (1, NONE));
    }

    #[test]
    fn prefixes_compare_as_their_tokens_do() {
        let mut tree = PrefixTree::new();
        let mut nodes = vec![ROOT];
        for token in 0..3 {
            for parent in nodes.clone() {
                nodes.push(tree.child(parent, token));
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
