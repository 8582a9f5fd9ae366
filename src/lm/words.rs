//! The words that may be in progress, as a tree over the bytes of their texts.

/// A node of a [`WordTree`].
pub type WordNode = u32;

/// A word of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeWord<'a> {
    /// Its text.
    pub text: &'a str,
    /// Its number in the language model, if that knows the word.
    pub known: Option<u32>,
}

/// No number.
const NONE: u32 = u32::MAX;

/// A tree of words: each prefix of each word is a node; the children of a node lie together, in the order of their
/// bytes.
#[derive(Clone, Debug)]
pub struct WordTree {
    /// By node: its first child; one more than there are nodes.
    children: Vec<WordNode>,
    /// By node: the byte that leads to it.
    bytes: Vec<u8>,
    /// By node: whether a word ends here, and whether it or a longer one is known.
    marks: Vec<u8>,
    /// By node: the number of the known word that ends here, or [`NONE`].
    known: Vec<u32>,
    /// By node: the bits of the bytes that lead on.
    ways: Vec<u64>,
}

const ENDS: u8 = 1;
const LEADS_TO_KNOWN: u8 = 2;

impl WordTree {
    /// The node of the empty text.
    pub const ROOT: WordNode = 0;

    /// A tree of words. If two words are equal, the one that the model knows is taken.
    pub fn new<'a>(words: impl IntoIterator<Item = TreeWord<'a>>) -> Self {
        let mut words: Vec<TreeWord<'a>> = words.into_iter().filter(|word| !word.text.is_empty()).collect();
        // The known before the unknown.
        words.sort_unstable_by_key(|word| (word.text, word.known.unwrap_or(NONE)));
        words.dedup_by_key(|word| word.text);
        let mut known_before = vec![0_usize];
        for word in &words {
            known_before.push(known_before.last().unwrap_or(&0) + usize::from(word.known.is_some()));
        }
        let mut tree = Self {
            children: Vec::new(),
            bytes: vec![0],
            marks: Vec::new(),
            known: Vec::new(),
            ways: Vec::new(),
        };
        // Nodes in the order of their depth: the words that go through each, and the depth.
        let mut spans = vec![(0, words.len(), 0)];
        let mut node = 0;
        while let Some(&(mut first, end, depth)) = spans.get(node) {
            let leads = known_before[end] > known_before[first];
            let mut mark = if leads { LEADS_TO_KNOWN } else { 0 };
            let mut known = NONE;
            if first < end && words[first].text.len() == depth {
                mark |= ENDS;
                known = words[first].known.unwrap_or(NONE);
                first += 1;
            }
            tree.marks.push(mark);
            tree.known.push(known);
            tree.children.push(spans.len() as WordNode);
            while first < end {
                let byte = words[first].text.as_bytes()[depth];
                let same = words[first..end].partition_point(|word| word.text.as_bytes()[depth] == byte);
                spans.push((first, first + same, depth + 1));
                tree.bytes.push(byte);
                first += same;
            }
            node += 1;
        }
        tree.children.push(spans.len() as WordNode);
        let ways = tree.children.windows(2).map(|children| {
            let children = &tree.bytes[children[0] as usize..children[1] as usize];
            children.iter().fold(0, |ways, &byte| ways | 1 << Self::bit(byte))
        });
        tree.ways = ways.collect();
        tree
    }

    /// One of 64 bits for the byte that a text begins with.
    pub fn bit(byte: u8) -> u32 {
        u32::from(byte) % u64::BITS
    }

    /// The bits (see [`Self::bit`]) of all bytes by which a word may continue here.
    pub fn ways(&self, node: WordNode) -> u64 {
        self.ways[node as usize]
    }

    /// The node after more text; `None` if no word continues in this way.
    pub fn step(&self, node: WordNode, text: &[u8]) -> Option<WordNode> {
        let mut node = node as usize;
        for &byte in text {
            let (first, end) = (self.children[node] as usize, self.children[node + 1] as usize);
            let found = &self.bytes[first..end];
            node = first + found.iter().position(|&other| other == byte)?;
        }
        Some(node as WordNode)
    }

    /// The lengths in bytes of all words that `text` begins with, the shortest first.
    pub fn beginnings(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let steps = text.iter().scan(Self::ROOT, |node, byte| {
            *node = self.step(*node, std::slice::from_ref(byte))?;
            Some(*node)
        });
        (1..).zip(steps).filter(|&(_, node)| self.ends(node)).map(|(length, _)| length)
    }

    /// Whether a word ends at this node.
    pub fn ends(&self, node: WordNode) -> bool {
        self.marks[node as usize] & ENDS != 0
    }

    /// Whether a known word ends at this node or below it.
    pub fn leads_to_known(&self, node: WordNode) -> bool {
        self.marks[node as usize] & LEADS_TO_KNOWN != 0
    }

    /// The number of the known word that ends at this node.
    pub fn known(&self, node: WordNode) -> Option<u32> {
        let known = self.known[node as usize];
        (known != NONE).then_some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_of_a_word_is_found() {
        let words =
            [("to", Some(4)), ("tea", None), ("ten", Some(2)), ("to", None), ("", Some(9)), ("é", None)];
        let tree = WordTree::new(words.map(|(text, known)| TreeWord { text, known }));
        let step = |text: &str| tree.step(WordTree::ROOT, text.as_bytes());
        for (text, ends, leads, known) in [
            ("", false, true, None),
            ("t", false, true, None),
            ("to", true, true, Some(4)),
            ("te", false, true, None),
            ("tea", true, false, None),
            ("ten", true, true, Some(2)),
            ("é", true, false, None),
        ] {
            let node = step(text).expect(text);
            assert_eq!((tree.ends(node), tree.leads_to_known(node), tree.known(node)), (ends, leads, known));
        }
        assert_eq!((step("a"), step("tend"), step("tx")), (None, None, None));
        let beginnings = |text: &str| tree.beginnings(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!((beginnings("tend"), beginnings("to"), beginnings("é")), (vec![3], vec![2], vec![2]));
        assert_eq!((beginnings("t"), beginnings(""), beginnings("xto")), (vec![], vec![], vec![]));
        let nested = WordTree::new(["a", "ab", "abc"].map(|text| TreeWord { text, known: None }));
        assert_eq!(nested.beginnings(b"abd").collect::<Vec<_>>(), [1, 2]);
        let bits = |text: &[u8]| text.iter().fold(0, |bits, &byte| bits | 1 << WordTree::bit(byte));
        for (text, goes_on_with) in [("", "té".as_bytes()), ("t", b"oe"), ("te", b"an"), ("ten", b"")] {
            // Of the é, the first byte.
            let goes_on_with = &goes_on_with[..goes_on_with.len().min(2)];
            assert_eq!(tree.ways(step(text).expect(text)), bits(goes_on_with));
        }
        assert_eq!(WordTree::new([]).step(WordTree::ROOT, b"a"), None);
    }
}
