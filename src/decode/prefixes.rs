//! The prefixes of a beam in order, and how they hang together.

use std::cmp::Ordering;

use super::arithmetic::Arithmetic;
use super::pool::Candidate;
use super::prefix_tree::{NONE, NodeId, PrefixTree, ROOT};

/// A label sequence in the beam.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix {
    pub(super) node: NodeId,
    /// The last token; [`NONE`] for the empty prefix.
    pub(super) last: u32,
    /// Row of the parent, or [`NONE`].
    pub(super) parent: u32,
}

/// The rows of a beam without their masses, and those of the next while it is built. Most frames leave them as they
/// are.
#[derive(Debug)]
pub(super) struct Prefixes {
    pub(super) rows: Vec<Prefix>,
    /// By row: where [`Masses::flat`] has what of the parent goes on to this row.
    pub(super) sources: Vec<u32>,
    pub(super) tree: PrefixTree,
    /// The rows of the next beam; their parents are rows of this one.
    new: Vec<Prefix>,
    /// By row: its place in the next beam, or [`NONE`].
    places: Vec<u32>,
    /// By row: a child is in the next beam.
    leads: Vec<bool>,
    /// Prefixes of the next beam that were dormant, and their places there.
    returned: Vec<(NodeId, u32)>,
}

impl Prefixes {
    /// No rows yet.
    pub(super) fn new() -> Self {
        Self {
            rows: Vec::new(),
            sources: Vec::new(),
            tree: PrefixTree::new(),
            new: Vec::new(),
            places: Vec::new(),
            leads: Vec::new(),
            returned: Vec::new(),
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The order of two candidates' texts.
    pub(super) fn compare(&self, a: &Candidate, b: &Candidate) -> Ordering {
        let text = |candidate: &Candidate| (self.rows[candidate.row as usize].node, candidate.token);
        self.tree.compare(text(a), text(b))
    }

    /// The empty prefix alone.
    pub(super) fn reset(&mut self) {
        self.tree.reset();
        self.rows.clear();
        self.rows.push(Prefix { node: ROOT, last: NONE, parent: NONE });
        self.link();
    }

    /// Begins the next beam.
    pub(super) fn begin(&mut self) {
        if self.tree.is_full() {
            self.tree.clean(self.rows.iter().map(|prefix| prefix.node));
            for prefix in &mut self.rows {
                prefix.node = self.tree.moved(prefix.node);
            }
        }
        self.new.clear();
        self.returned.clear();
        self.places.clear();
        self.places.resize(self.rows.len(), NONE);
        self.leads.clear();
        self.leads.resize(self.rows.len(), false);
    }

    /// The next beam's next row is a row of this one.
    pub(super) fn keep(&mut self, row: usize) {
        self.places[row] = self.new.len() as u32;
        self.new.push(self.rows[row]);
    }

    /// The next beam's next row extends a row of this one.
    pub(super) fn extend(&mut self, row: usize, token: u32) {
        let (node, was_dormant) = self.tree.child(self.rows[row].node, token);
        if was_dormant {
            self.returned.push((node, self.new.len() as u32));
        }
        self.new.push(Prefix { node, last: token, parent: row as u32 });
    }

    /// The next beam is complete, and becomes this one.
    pub(super) fn end(&mut self) {
        for prefix in &mut self.new {
            if prefix.parent != NONE {
                self.leads[prefix.parent as usize] = true;
                prefix.parent = self.places[prefix.parent as usize];
            }
        }
        // Only now, so that what leaves the beam and has descendants in the new one is told from what has none.
        for row in 0..self.rows.len() {
            if self.places[row] == NONE && (self.leads[row] || self.tree.has_dormant(self.rows[row].node)) {
                self.sleep(row);
            }
        }
        if !self.returned.is_empty() {
            self.returned.sort_unstable();
            for prefix in self.new.iter_mut().filter(|prefix| prefix.parent == NONE && prefix.last != NONE) {
                let parent = self.tree.parent(prefix.node);
                if let Ok(found) = self.returned.binary_search_by_key(&parent, |&(node, _)| node) {
                    prefix.parent = self.returned[found].1;
                }
            }
        }
        std::mem::swap(&mut self.rows, &mut self.new);
        self.link();
    }

    /// A row that leaves the beam and has descendants there becomes dormant, and with it what is above and leaves, too.
    fn sleep(&mut self, mut row: usize) {
        loop {
            let Prefix { node, parent, .. } = self.rows[row];
            self.tree.sleep(node);
            // It does not fall asleep twice.
            self.places[row] = 0;
            if parent == NONE || self.places[parent as usize] != NONE {
                return;
            }
            row = parent as usize;
        }
    }

    /// Finds where each row's mass comes from.
    fn link(&mut self) {
        let len = self.rows.len();
        self.sources.clear();
        self.sources.extend(self.rows.iter().map(|&Prefix { last, parent, .. }| match parent {
            NONE => 2 * len as u32,
            // A repeated label needs a blank before it.
            _ if self.rows[parent as usize].last == last => len as u32 + parent,
            _ => parent,
        }));
    }
}

/// The masses of a beam's rows.
#[derive(Debug, Default)]
pub(super) struct Masses {
    /// `pb + pn` by row, then `pb` by row, then nothing.
    pub(super) flat: Vec<f64>,
    /// `pn` by row.
    pub(super) pn: Vec<f64>,
}

impl Masses {
    /// Makes room for `len` rows.
    pub(super) fn resize<A: Arithmetic>(&mut self, len: usize) {
        if self.pn.len() != len {
            self.pn.resize(len, A::ZERO);
            self.flat.resize(2 * len + 1, A::ZERO);
            self.flat[2 * len] = A::ZERO;
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.pn.len()
    }

    /// Sets a row.
    pub(super) fn set(&mut self, row: usize, total: f64, pb: f64, pn: f64) {
        let len = self.len();
        self.flat[row] = total;
        self.flat[len + row] = pb;
        self.pn[row] = pn;
    }

    /// `pb + pn` by row.
    pub(super) fn totals(&self) -> &[f64] {
        &self.flat[..self.pn.len()]
    }

    /// `pb` by row.
    pub(super) fn pb(&self) -> &[f64] {
        &self.flat[self.pn.len()..2 * self.pn.len()]
    }

    /// Multiplies all by the arithmetic's unit to the power of `units`.
    pub(super) fn rescale<A: Arithmetic>(&mut self, units: i64) {
        for mass in self.flat.iter_mut().chain(&mut self.pn) {
            *mass = A::rescaled(*mass, units);
        }
    }
}
