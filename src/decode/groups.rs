//! Which entries of a beam end in which token.

use super::prefix_tree::NONE;
use super::prefixes::Prefix;

/// Entries that end in the same token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// The token; [`NONE`] for the empty prefix.
    pub(super) token: u32,
    /// The first of its rows; [`Groups::next`] has the others.
    pub(super) head: u32,
}

/// Which group a class has in this beam, if any.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Number of the beam.
    epoch: u64,
    group: u32,
}

/// The rows of a beam by their last token.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) all: Vec<Group>,
    /// By row: index into `all`.
    pub(super) group: Vec<u32>,
    /// By row: the next that ends in the same token, or [`NONE`].
    pub(super) next: Vec<u32>,
    classes: usize,
    /// By class; made with the first row that ends in one, for a header can claim any number of classes.
    slots: Vec<Slot>,
    epoch: u64,
}

impl Groups {
    /// No rows yet, over `classes` classes.
    pub(super) fn new(classes: usize) -> Self {
        Self { all: Vec::new(), group: Vec::new(), next: Vec::new(), classes, slots: Vec::new(), epoch: 0 }
    }

    /// Finds those of a beam.
    pub(super) fn link(&mut self, rows: &[Prefix]) {
        self.epoch += 1;
        if self.slots.is_empty() && rows.iter().any(|row| (row.last as usize) < self.classes) {
            self.slots = vec![Slot { epoch: 0, group: NONE }; self.classes];
        }
        self.all.clear();
        for list in [&mut self.group, &mut self.next] {
            list.resize(rows.len(), NONE);
        }
        let rows = rows.iter().zip(&mut self.group).zip(&mut self.next);
        for (row, ((&Prefix { last, .. }, group), next)) in (0..).zip(rows) {
            *group = self.all.len() as u32;
            if let Some(slot) = self.slots.get_mut(last as usize) {
                if slot.epoch == self.epoch {
                    *group = slot.group;
                } else {
                    *slot = Slot { epoch: self.epoch, group: *group };
                }
            }
            if *group as usize == self.all.len() {
                self.all.push(Group { token: last, head: NONE });
            }
            *next = std::mem::replace(&mut self.all[*group as usize].head, row);
        }
    }

    /// The group of a class, or [`NONE`].
    pub(super) fn of(&self, class: u32) -> u32 {
        match self.slots.get(class as usize) {
            Some(slot) if slot.epoch == self.epoch => slot.group,
            _ => NONE,
        }
    }
}
