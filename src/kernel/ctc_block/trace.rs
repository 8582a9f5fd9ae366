//! The states after each of some frames, for who needs them again.

use super::{CtcStates, Lanes};

/// States of one item after some frames, in their order.
#[derive(Debug, Default)]
pub(crate) struct CtcTrace {
    rows: usize,
    groups: usize,
    /// After each frame the blanks, then the labels.
    states: Vec<Lanes>,
    exponents: Vec<i64>,
}

/// See [`CtcStates`].
#[derive(Clone, Copy)]
pub(super) struct Traced<'a> {
    pub(super) blanks: &'a [Lanes],
    pub(super) labels: &'a [Lanes],
    pub(super) exponents: &'a [i64],
}

impl CtcTrace {
    /// Forgets all, for an item that has as many labels as `states`.
    pub(crate) fn begin(&mut self, states: &CtcStates) {
        (self.rows, self.groups) = (states.blanks.len(), states.exponents.len());
        self.states.clear();
        self.exponents.clear();
    }

    /// Adds states.
    pub(crate) fn push(&mut self, states: &CtcStates) {
        self.push_parts(Traced {
            blanks: &states.blanks,
            labels: &states.labels,
            exponents: &states.exponents,
        });
    }

    pub(super) fn push_parts(&mut self, states: Traced<'_>) {
        debug_assert_eq!((states.blanks.len(), states.exponents.len()), (self.rows, self.groups));
        self.states.extend_from_slice(states.blanks);
        self.states.extend_from_slice(states.labels);
        self.exponents.extend_from_slice(states.exponents);
    }

    pub(super) fn at(&self, frame: usize) -> Traced<'_> {
        let (blanks, labels) = self.states[2 * frame * self.rows..][..2 * self.rows].split_at(self.rows);
        Traced { blanks, labels, exponents: &self.exponents[frame * self.groups..][..self.groups] }
    }
}

impl CtcStates {
    /// Goes on from states of a trace of the same labels.
    pub(crate) fn resume(&mut self, trace: &CtcTrace, frame: usize) {
        let Traced { blanks, labels, exponents } = trace.at(frame);
        self.blanks.copy_from_slice(blanks);
        self.labels.copy_from_slice(labels);
        self.exponents.copy_from_slice(exponents);
    }
}
