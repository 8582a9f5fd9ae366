//! Phrases that add to a text's score wherever they occur.
//!
//! An automaton (Aho and Corasick, 1975) over the bytes of the text. A phrase in progress has credit: its weight
//! times the fraction of its bytes that are there. The credit of a state is the largest one among the phrases that
//! the end of the text may still become, and never below 0. A step gains the weights of the phrases that it completes
//! plus the change in credit. So what was given for a match that breaks is taken back, and at the end of a text its
//! score has the weight of each occurrence and nothing else.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use super::MAX_MAGNITUDE;

/// What stands for the boundary of a word in the automaton.
const BOUNDARY: u8 = b' ';

/// The node of nothing.
const ROOT: u32 = 0;

#[derive(Clone, Debug)]
struct Node {
    /// The byte that leads here.
    byte: u8,
    /// The longest other node that this one ends with.
    suffix: u32,
    /// Weights of all phrases that are complete here.
    completed: f64,
    credit: f64,
    children: Vec<(u8, u32)>,
}

impl Node {
    fn new(byte: u8) -> Self {
        Self { byte, suffix: ROOT, completed: 0.0, credit: 0.0, children: Vec::new() }
    }

    fn child(&self, byte: u8) -> Option<u32> {
        self.children.iter().find(|child| child.0 == byte).map(|child| child.1)
    }
}

/// Weighted phrases, as an automaton.
#[derive(Clone, Debug)]
pub struct Hotwords {
    nodes: Vec<Node>,
    whole_words: bool,
    /// By byte: the most that is completed, and the most credit, where it leads to.
    by_byte: Vec<(f64, f64)>,
}

impl Hotwords {
    /// The state in which no match was begun.
    pub(crate) const NOTHING: u32 = ROOT;

    /// `phrases` are texts, each with what every occurrence of it adds, in nats, from -[`MAX_MAGNITUDE`] to
    /// [`MAX_MAGNITUDE`]. With `whole_words`, a phrase must begin and end where words do, except at a character of a
    /// script without spaces between words, and any white space in it is a word boundary; without, phrases are found
    /// anywhere.
    ///
    /// # Panics
    /// If a weight is outside these limits.
    pub fn new<'a>(phrases: impl IntoIterator<Item = (&'a str, f64)>, whole_words: bool) -> Self {
        let by_byte = vec![(0.0, 0.0); 1 << u8::BITS];
        let mut hotwords = Self { nodes: vec![Node::new(0)], whole_words, by_byte };
        for (phrase, weight) in phrases {
            assert!((-MAX_MAGNITUDE..=MAX_MAGNITUDE).contains(&weight), "a weight within its limits");
            let words: Vec<&str> = phrase.split_whitespace().collect();
            let text = if whole_words { words.join(" ") } else { phrase.trim().to_owned() };
            let at_boundary =
                |c: Option<char>| whole_words && c.is_some_and(|c| !is_written_without_spaces(c));
            if !text.is_empty() {
                let ends = [at_boundary(text.chars().next()), at_boundary(text.chars().next_back())];
                hotwords.add(text.as_bytes(), ends, weight);
            }
        }
        hotwords.link();
        hotwords
    }

    /// `begins` and `ends`: whether it does where a word does.
    fn add(&mut self, text: &[u8], [begins, ends]: [bool; 2], weight: f64) {
        let mut node = ROOT;
        if begins {
            node = self.child_or_new(node, BOUNDARY);
        }
        for (at, &byte) in text.iter().enumerate() {
            node = self.child_or_new(node, byte);
            let share = (at + 1) as f64 / text.len() as f64;
            if ends || at + 1 < text.len() {
                let credit = &mut self.nodes[node as usize].credit;
                *credit = credit.max(weight * share);
            }
        }
        if ends {
            node = self.child_or_new(node, BOUNDARY);
        }
        self.nodes[node as usize].completed += weight;
    }

    fn child_or_new(&mut self, node: u32, byte: u8) -> u32 {
        if let Some(child) = self.nodes[node as usize].child(byte) {
            return child;
        }
        let child = self.nodes.len() as u32;
        self.nodes.push(Node::new(byte));
        self.nodes[node as usize].children.push((byte, child));
        child
    }

    fn link(&mut self) {
        let mut queue: VecDeque<u32> = self.nodes[0].children.iter().map(|child| child.1).collect();
        while let Some(node) = queue.pop_front() {
            let Node { suffix, children, .. } = self.nodes[node as usize].clone();
            let shorter = &self.nodes[suffix as usize];
            let (completed, credit) = (shorter.completed, shorter.credit);
            self.nodes[node as usize].completed += completed;
            let own = &mut self.nodes[node as usize].credit;
            *own = own.max(credit);
            for (byte, child) in children {
                self.nodes[child as usize].suffix = self.next(suffix, byte);
                queue.push_back(child);
            }
        }
        for &Node { byte, completed, credit, .. } in &self.nodes[1..] {
            let (most_completed, most_credit) = &mut self.by_byte[usize::from(byte)];
            (*most_completed, *most_credit) = (most_completed.max(completed), most_credit.max(credit));
        }
    }

    /// The state of an empty text.
    pub fn start(&self) -> u32 {
        if self.whole_words { self.next(ROOT, BOUNDARY) } else { ROOT }
    }

    /// The state after a word boundary, and the gain in nats. Several boundaries in a row count as one.
    pub fn boundary(&self, state: u32) -> (u32, f64) {
        if self.is_boundary(state) {
            return (state, 0.0);
        }
        self.step(state, BOUNDARY)
    }

    /// Whether a state lies between words, so that another boundary changes nothing.
    fn is_boundary(&self, state: u32) -> bool {
        self.whole_words && self.nodes[state as usize].byte == BOUNDARY
    }

    /// The state after more text, and the gain in nats.
    pub fn text(&self, mut state: u32, text: &[u8]) -> (u32, f64) {
        let mut gain = 0.0;
        for &byte in text {
            let (next, more) = self.step(state, byte);
            state = next;
            gain += more;
        }
        (state, gain)
    }

    /// The gain, in nats, at the end of a text.
    pub fn end(&self, state: u32) -> f64 {
        let (last, gain) = if self.whole_words { self.boundary(state) } else { (state, 0.0) };
        gain - self.nodes[last as usize].credit
    }

    fn step(&self, state: u32, byte: u8) -> (u32, f64) {
        let next = self.next(state, byte);
        (next, self.gain_of(state, next))
    }

    fn gain_of(&self, state: u32, next: u32) -> f64 {
        let Node { completed, credit, .. } = &self.nodes[next as usize];
        completed + (credit - self.nodes[state as usize].credit)
    }

    fn next(&self, state: u32, byte: u8) -> u32 {
        let mut left = usize::MAX;
        self.next_within(state, byte, &mut left).unwrap_or(ROOT)
    }

    /// The same, with no more steps from node to node than are `left`.
    fn next_within(&self, mut state: u32, byte: u8, left: &mut usize) -> Option<u32> {
        loop {
            *left = left.checked_sub(1)?;
            let node = &self.nodes[state as usize];
            if let Some(child) = node.child(byte) {
                return Some(child);
            }
            if state == ROOT {
                return Some(ROOT);
            }
            state = node.suffix;
        }
    }

    /// What the end of a match that was begun would take back, in nats: what a state has that leads nowhere.
    pub(crate) fn credit(&self, state: u32) -> f64 {
        self.nodes[state as usize].credit
    }

    /// Where two states lead by a byte, or by a boundary, and what is completed there, in nats. `other` is where the same
    /// text leads from nothing that leads to `own` from some state. `None` if they lead to the same state: then whatever
    /// was begun in `own` alone is broken.
    pub(crate) fn apart(&self, own: u32, other: u32, byte: Option<u8>) -> Option<[(u32, f64); 2]> {
        let byte = match byte {
            // A boundary that follows another is none.
            None if self.is_boundary(own) => {
                let of_other =
                    if self.is_boundary(other) { (other, 0.0) } else { self.arrival(other, BOUNDARY) };
                return Some([(own, 0.0), of_other]);
            }
            None => BOUNDARY,
            Some(byte) => byte,
        };
        // What the other has is what `own` ends with.
        let mut node = own;
        while node != other && self.nodes[node as usize].child(byte).is_none() {
            node = self.nodes[node as usize].suffix;
        }
        (node != other).then(|| [self.arrival(own, byte), self.arrival(other, byte)])
    }

    /// The state after a byte, and what is completed there.
    fn arrival(&self, state: u32, byte: u8) -> (u32, f64) {
        let next = self.next(state, byte);
        (next, self.nodes[next as usize].completed)
    }

    /// An upper bound, in nats, of what any state gains by a piece of text; `begins_word` says whether a word begins
    /// before it. If the exact bound would take more than `steps` steps, a rougher one is returned.
    pub fn gain_bound(&self, begins_word: bool, text: &[u8], steps: usize) -> f64 {
        self.greatest_gain(begins_word, text, steps).unwrap_or_else(|| {
            let boundary = [BOUNDARY];
            let bytes = boundary[..usize::from(begins_word)].iter().chain(text);
            let completed: f64 = bytes.clone().map(|&byte| self.by_byte[usize::from(byte)].0).sum();
            let credit = bytes.last().map_or(0.0, |&byte| self.by_byte[usize::from(byte)].1);
            // Where a boundary follows another, the state is as it was.
            let unchanged = if text.is_empty() { 0.0 } else { f64::NEG_INFINITY };
            (completed + credit).max(unchanged)
        })
    }

    /// The most that any state gains by it, if so many steps tell.
    fn greatest_gain(&self, begins_word: bool, text: &[u8], steps: usize) -> Option<f64> {
        // At least one for each state and byte.
        let mut left = steps.checked_sub(self.nodes.len() * (text.len() + 1))?;
        let mut greatest = f64::NEG_INFINITY;
        for start in 0..self.nodes.len() as u32 {
            let (mut state, mut gain) = (start, 0.0);
            let boundary = [BOUNDARY];
            let boundary = &boundary[..usize::from(begins_word && !self.is_boundary(start))];
            for &byte in boundary.iter().chain(text) {
                let next = self.next_within(state, byte, &mut left)?;
                gain += self.gain_of(state, next);
                state = next;
            }
            greatest = greatest.max(gain);
        }
        Some(greatest)
    }
}

/// Whether a character is of a script that has no spaces between words: Han, Hiragana, Katakana, Thai, Lao, Burmese or
/// Khmer.
fn is_written_without_spaces(c: char) -> bool {
    const SCRIPTS: [RangeInclusive<char>; 13] = [
        '\u{e00}'..='\u{eff}',
        '\u{1000}'..='\u{109f}',
        '\u{1780}'..='\u{17ff}',
        '\u{3005}'..='\u{3007}',
        '\u{3040}'..='\u{312f}',
        '\u{31f0}'..='\u{31ff}',
        '\u{3400}'..='\u{4dbf}',
        '\u{4e00}'..='\u{9fff}',
        '\u{aa60}'..='\u{aa7f}',
        '\u{f900}'..='\u{faff}',
        '\u{ff66}'..='\u{ff9f}',
        '\u{1b000}'..='\u{1b16f}',
        '\u{20000}'..='\u{3ffff}',
    ];
    SCRIPTS.iter().any(|script| script.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text with `|` between its words gains.
    fn gain(hotwords: &Hotwords, text: &str) -> f64 {
        let mut state = hotwords.start();
        let mut sum = 0.0;
        for (at, word) in text.split('|').enumerate() {
            let (next, gain) = if at > 0 { hotwords.boundary(state) } else { (state, 0.0) };
            let (next, more) = hotwords.text(next, word.as_bytes());
            (state, sum) = (next, sum + gain + more);
        }
        sum + hotwords.end(state)
    }

    #[test]
    fn phrases_of_scripts_without_spaces_are_found_within_words() {
        let phrases = [("北京", 4.0), ("東京 タワー", 8.0), ("K歌", 16.0), ("第1", 32.0), ("on", 64.0)];
        let hotwords = Hotwords::new(phrases, true);
        for (text, expected) in [
            ("我在北京。", 4.0),
            ("北京", 4.0),
            ("北京|北京人", 8.0),
            ("北|京", 0.0),
            ("東京|タワー", 8.0),
            ("大東京|タワーズ", 8.0),
            ("東京タワー", 0.0),
            // The other end is that of a word.
            ("唱K歌", 0.0),
            ("唱|K歌曲", 16.0),
            ("在第1", 32.0),
            ("第12", 0.0),
            ("lemon", 0.0),
            ("on|北京on", 68.0),
        ] {
            let found = gain(&hotwords, text);
            assert!((found - expected).abs() < 1e-12, "{text}: {found}");
        }
    }

    #[test]
    fn no_state_gains_more_than_the_bounds() {
        let phrases = [("ab", 2.0), ("ba b", 3.5), ("b", 0.25), ("aab", -4.0), ("日本", 1.5)];
        for whole_words in [false, true] {
            let hotwords = Hotwords::new(phrases, whole_words);
            for text in ["", "a", "b", "ab", "bab", "日", "本", "日本", "x", "bx"] {
                for begins_word in [false, true] {
                    let [rough, exact] =
                        [0, usize::MAX].map(|steps| hotwords.gain_bound(begins_word, text.as_bytes(), steps));
                    assert!(exact <= rough, "{text}: {exact} above {rough}");
                    // With any number of steps it is one or the other.
                    for steps in 0..400 {
                        let bound = hotwords.gain_bound(begins_word, text.as_bytes(), steps);
                        assert!([rough, exact].contains(&bound), "{text}, {steps} steps: {bound}");
                    }
                    let gains = (0..hotwords.nodes.len() as u32).map(|state| {
                        let (state, gain) = if begins_word { hotwords.boundary(state) } else { (state, 0.0) };
                        gain + hotwords.text(state, text.as_bytes()).1
                    });
                    assert_eq!(gains.fold(f64::NEG_INFINITY, f64::max), exact, "{text}");
                }
            }
        }
    }
}
