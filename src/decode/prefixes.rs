//! The prefixes of a beam in order, and how they hang together.

use super::arithmetic::Arithmetic;
use super::prefix_tree::{NONE, NodeId, PrefixTree};

/// Entries that end in the same token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// The token; [`NONE`] for the empty prefix.
    pub(super) token: u32,
    /// The first of its rows; [`Prefixes::next`] has the others.
    pub(super) head: u32,
}

/// Which group a class has in this beam, if any.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Number of the beam.
    epoch: u64,
    group: u32,
}

/// The rows of a beam without their masses. Most frames leave them as they are.
///
/// All lists are by row and of the same length but `groups`.
#[derive(Debug)]
pub(super) struct Prefixes {
    pub(super) nodes: Vec<NodeId>,
    /// The last token; [`NONE`] for the empty prefix.
    pub(super) last: Vec<u32>,
    /// Row of the parent, or [`NONE`].
    pub(super) parents: Vec<u32>,
    /// Where [`Masses::flat`] has what of the parent goes on to this row.
    pub(super) sources: Vec<u32>,
    /// Index into `groups`.
    pub(super) group: Vec<u32>,
    /// The next row that ends in the same token, or [`NONE`].
    pub(super) next: Vec<u32>,
    pub(super) groups: Vec<Group>,
    slots: Vec<Slot>,
    epoch: u64,
}

impl Prefixes {
    /// No rows yet, over `classes` classes.
    pub(super) fn new(classes: usize) -> Self {
        Self {
            nodes: Vec::new(),
            last: Vec::new(),
            parents: Vec::new(),
            sources: Vec::new(),
            group: Vec::new(),
            next: Vec::new(),
            groups: Vec::new(),
            slots: vec![Slot { epoch: 0, group: NONE }; classes],
            epoch: 0,
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Takes the rows of a new beam, whose places the tree knows.
    pub(super) fn set(&mut self, nodes: &[NodeId], tree: &PrefixTree) {
        let len = nodes.len();
        self.nodes.clear();
        self.nodes.extend_from_slice(nodes);
        self.last.clear();
        self.last.extend(nodes.iter().map(|&node| tree.token(node)));
        self.parents.clear();
        self.parents.extend(nodes.iter().map(|&node| match tree.token(node) {
            NONE => NONE,
            _ => tree.position(tree.parent(node)),
        }));
        self.epoch += 1;
        self.groups.clear();
        for list in [&mut self.sources, &mut self.group, &mut self.next] {
            list.resize(len, NONE);
        }
        let rows = self.last.iter().zip(&self.parents).zip(&mut self.sources);
        let rows = rows.zip(&mut self.group).zip(&mut self.next);
        for (row, ((((&last, &parent), source), group), next)) in (0..).zip(rows) {
            *source = match parent {
                NONE => 2 * len as u32,
                // A repeated label needs a blank before it.
                _ if self.last[parent as usize] == last => len as u32 + parent,
                _ => parent,
            };
            *group = self.groups.len() as u32;
            if let Some(slot) = self.slots.get_mut(last as usize) {
                if slot.epoch == self.epoch {
                    *group = slot.group;
                } else {
                    *slot = Slot { epoch: self.epoch, group: *group };
                }
            }
            if *group as usize == self.groups.len() {
                self.groups.push(Group { token: last, head: NONE });
            }
            *next = std::mem::replace(&mut self.groups[*group as usize].head, row);
        }
    }

    /// The group of a class, or [`NONE`].
    pub(super) fn group_of(&self, class: u32) -> u32 {
        let slot = self.slots[class as usize];
        if slot.epoch == self.epoch { slot.group } else { NONE }
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
