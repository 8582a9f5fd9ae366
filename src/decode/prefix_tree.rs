//! The prefixes that the search knows, as a tree in which each prefix occurs once.

use std::cmp::Ordering;

/// A node's number.
pub(super) type NodeId = u32;

/// The empty prefix; never freed.
pub(super) const ROOT: NodeId = 0;

/// No token, no position.
pub(super) const NONE: u32 = u32::MAX;

/// `nodes[i].parent` and `nodes[i].jump` are less than `i`, but for the root.
#[derive(Clone, Copy, Debug)]
struct Node {
    parent: NodeId,
    token: u32,
    depth: u32,
    /// An ancestor far above, for walks of logarithmic length.
    jump: NodeId,
    /// The first of the children that are dormant, or [`NONE`].
    dormant: NodeId,
    /// Where it is dormant: the next of its parent's dormant children, or [`NONE`].
    sibling: NodeId,
}

const EMPTY: Node = Node { parent: ROOT, token: NONE, depth: 0, jump: ROOT, dormant: NONE, sibling: NONE };

/// Fewer nodes are not worth cleaning.
const FEW: usize = 4096;

/// Prefixes hash-consed by (parent, token), without a hash.
///
/// A child that is in the beam is known to the search. One that is not, but has descendants there, is dormant: it can
/// come back, and its parent knows it. So a prefix that comes back is the same node. All others are forgotten, and
/// [`Self::clean`] takes them away once there are many: memory follows the beam, not the frames.
#[derive(Clone, Debug)]
pub(super) struct PrefixTree {
    nodes: Vec<Node>,
    /// With so many nodes it is time to clean.
    full: usize,
    /// The new numbers of the nodes that stayed.
    places: Vec<NodeId>,
}

impl PrefixTree {
    /// A tree of the empty prefix, which is in the beam.
    pub(super) fn new() -> Self {
        Self { nodes: vec![EMPTY], full: FEW, places: Vec::new() }
    }

    /// Back to [`Self::new`], keeping the memory.
    pub(super) fn reset(&mut self) {
        self.nodes.clear();
        self.nodes.push(EMPTY);
        self.full = FEW;
    }

    /// The prefix without its last token; the empty one's is itself.
    pub(super) fn parent(&self, node: NodeId) -> NodeId {
        self.nodes[node as usize].parent
    }

    /// The prefix `parent + token`, which comes into the beam, and whether it was dormant.
    pub(super) fn child(&mut self, parent: NodeId, token: u32) -> (NodeId, bool) {
        let Node { depth, jump, dormant, .. } = self.nodes[parent as usize];
        if dormant != NONE
            && let Some(node) = self.wake(parent, token)
        {
            return (node, true);
        }
        // Jumps of skew-binary lengths (Myers, "An applicative random-access stack", 1983).
        let far = self.nodes[jump as usize];
        let even = depth - far.depth == far.depth - self.nodes[far.jump as usize].depth;
        let jump = if even { far.jump } else { parent };
        if self.nodes.len() == self.nodes.capacity() {
            // Doubling would take more memory than all else.
            self.nodes.reserve_exact(64 + self.nodes.len() / 4);
        }
        self.nodes.push(Node { parent, token, depth: depth + 1, jump, dormant: NONE, sibling: NONE });
        ((self.nodes.len() - 1) as NodeId, false)
    }

    /// Whether a prefix has dormant children; their descendants may have left the beam since.
    pub(super) fn has_dormant(&self, node: NodeId) -> bool {
        self.nodes[node as usize].dormant != NONE
    }

    /// A prefix leaves the beam that has descendants there.
    pub(super) fn sleep(&mut self, node: NodeId) {
        if node != ROOT {
            let parent = self.parent(node);
            self.nodes[node as usize].sibling =
                std::mem::replace(&mut self.nodes[parent as usize].dormant, node);
        }
    }

    /// Whether it is time to clean.
    pub(super) fn is_full(&self) -> bool {
        self.nodes.len() >= self.full
    }

    /// Takes away what a beam does not need. The other nodes have new numbers then: see [`Self::moved`].
    pub(super) fn clean(&mut self, beam: impl Iterator<Item = NodeId>) {
        // What becomes of a node, before its new number is known.
        const LEADS: NodeId = 0;
        const IN_BEAM: NodeId = 1;
        let Self { nodes, places, .. } = self;
        places.clear();
        places.resize(nodes.len(), NONE);
        places[ROOT as usize] = LEADS;
        for node in beam {
            places[node as usize] = IN_BEAM;
            let mut above = nodes[node as usize].parent;
            while places[above as usize] == NONE {
                places[above as usize] = LEADS;
                above = nodes[above as usize].parent;
            }
        }
        let mut alive = 0;
        for id in 0..self.nodes.len() {
            let mark = self.places[id];
            if mark == NONE {
                continue;
            }
            let node = self.nodes[id];
            // Ancestors went first.
            let place = |node: NodeId| self.places[node as usize];
            let (parent, jump) =
                if alive == 0 { (ROOT, ROOT) } else { (place(node.parent), place(node.jump)) };
            self.nodes[alive] = Node { parent, jump, dormant: NONE, sibling: NONE, ..node };
            self.places[id] = alive as NodeId;
            if mark == LEADS {
                self.sleep(alive as NodeId);
            }
            alive += 1;
        }
        self.nodes.truncate(alive);
        self.full = FEW.max(2 * alive);
    }

    /// The new number of a node that was in the beam when the tree was cleaned last.
    pub(super) fn moved(&self, node: NodeId) -> NodeId {
        self.places[node as usize]
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

    /// Number of nodes.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
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
        let (a, _) = tree.child(ROOT, 7);
        tree.child(a, 8);
        tree.sleep(a);
        assert_eq!((tree.has_dormant(ROOT), tree.child(ROOT, 7)), (true, (a, true)));
        assert!(!tree.has_dormant(ROOT));
    }

    #[test]
    fn any_of_several_dormant_siblings_comes_back() {
        for back in [[7, 8, 9], [9, 8, 7], [8, 9, 7]] {
            let mut tree = PrefixTree::new();
            let siblings = [7, 8, 9].map(|token| tree.child(ROOT, token).0);
            for node in siblings {
                tree.sleep(node);
            }
            for token in back {
                assert_eq!(tree.child(ROOT, token), (siblings[token as usize - 7], true));
            }
            assert!(!tree.has_dormant(ROOT));
        }
    }

    /// A beam of two texts, all else being forgotten or dormant.
    #[test]
    fn what_nothing_leads_to_is_cleaned_away() {
        let mut tree = PrefixTree::new();
        let mut path = |tokens: &[u32]| tokens.iter().fold(ROOT, |node, &token| tree.child(node, token).0);
        let beam = [path(&[1, 2, 3]), path(&[4])];
        path(&[5, 6, 7]);
        tree.clean(beam.into_iter());
        let [long, short] = beam.map(|node| tree.moved(node));
        assert_eq!((tree.tokens(long), tree.tokens(short)), (vec![1, 2, 3], vec![4]));
        assert_eq!(tree.len(), 5);
        // What leads to the beam is dormant, what is in it and what was forgotten is not.
        let (one, returned) = tree.child(ROOT, 1);
        assert!(returned && tree.child(one, 2).1);
        assert!(!tree.child(ROOT, 4).1 && !tree.child(ROOT, 5).1);
    }

    #[test]
    fn a_long_walk_keeps_little() {
        let mut tree = PrefixTree::new();
        let mut beam = ROOT;
        for token in 0..10 * FEW as u32 {
            let away = tree.child(beam, 8).0;
            tree.child(away, 9);
            beam = tree.child(beam, token % 7).0;
            if tree.is_full() {
                tree.clean([beam].into_iter());
                beam = tree.moved(beam);
            }
        }
        let depth = tree.tokens(beam).len();
        assert_eq!(depth, 10 * FEW);
        assert!(tree.len() <= 2 * (depth + 1), "{} nodes for {depth}", tree.len());
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
