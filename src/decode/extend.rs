//! The extensions of a frame where there is no scorer, of which only those are looked at that can be kept.
//!
//! The entries are in order, heaviest first. Three things keep a frame far from `beam_width * classes`:
//!
//! - What stays can only meet an extension of its own parent, so merging is a look whether the parent is
//!   in the beam, and such an extension is left out here.
//! - The lightest of a full beam's stays is a threshold from the beginning, and it rises as candidates
//!   are found. A token whose probability times the heaviest entry is below it is never looked at.
//! - Tokens are tried likeliest first, each on the heaviest entries first, until the first that is too
//!   light. Of one entry's extensions only the likeliest `beam_width` can matter, and one more, because
//!   the entry's own last token counts with `pb` alone.
//!
//! Nothing that ties with the threshold is dropped but by the order of label sequences.

use super::arithmetic::Arithmetic;
use super::frame::Frame;
use super::groups::Groups;
use super::order::Order;
use super::pool::{Candidate, Pool};
use super::prefix_tree::NONE;
use super::prefixes::{Masses, Prefixes};
use super::row::{Scored, largest};
use crate::kernel::Element;

/// What a frame begins with, and what stays of it.
pub(super) struct View<'a> {
    pub(super) prefixes: &'a Prefixes,
    pub(super) groups: &'a Groups,
    pub(super) masses: &'a Masses,
    /// By row: the mass if it stays.
    pub(super) stays: &'a [f64],
    /// By group: the token's relative probability.
    pub(super) factors: &'a [f64],
}

/// The candidates of a frame and the buffers to find them.
#[derive(Debug)]
pub(super) struct Extensions {
    blank: u32,
    width: usize,
    /// By row: the last column that this row has no plain extension in.
    skip: Vec<u32>,
    /// By row: the last column whose extension of this row is in the beam.
    has_child: Vec<u32>,
    /// So many rows may reach the threshold, and so many of them exceed it; both only become fewer.
    reach: usize,
    above: usize,
    found: Vec<Scored>,
    by_value: Order<Scored>,
    tied: Ties,
    vanished: bool,
}

/// A token that may extend something.
#[derive(Clone, Copy, Debug)]
struct Column {
    token: u32,
    /// Its place among the frame's columns.
    number: u32,
    /// Relative probability.
    p: f64,
    /// First of the rows that end in this token.
    head: u32,
}

/// The rows whose extension by some token meets the threshold exactly.
#[derive(Debug)]
struct Ties {
    p: f64,
    threshold: f64,
    token: u32,
    rows: Vec<u32>,
}

impl Extensions {
    /// For beams of `width` entries.
    pub(super) fn new(width: usize, blank: u32) -> Self {
        Self {
            blank,
            width,
            skip: Vec::new(),
            has_child: Vec::new(),
            reach: 0,
            above: 0,
            found: Vec::new(),
            by_value: Order::new(),
            tied: Ties { p: f64::NAN, threshold: f64::NAN, token: 0, rows: Vec::new() },
            vanished: false,
        }
    }

    /// Fills the pool with the extensions that may be kept. Returns whether some mass vanished.
    pub(super) fn extend<A: Arithmetic, E: Element>(
        &mut self,
        frame: &Frame<E>,
        view: &View,
        pool: &mut Pool,
    ) -> bool {
        self.vanished = false;
        let rows = view.masses.len();
        (self.reach, self.above) = (rows, rows);
        self.tied.p = f64::NAN;
        let mut number = 0;
        // Where a token wins the frame, what stays is light, and the first column lifts the threshold.
        let winner = frame.winner(self.blank);
        if let Some(class) = winner {
            self.unmark(rows);
            let column = self.column::<A, E>(class, number, frame, view);
            self.extend_by::<A>(column, view, pool);
            number += 1;
        }
        self.find::<A, E>(frame, view, pool);
        if winner.is_none() && !self.found.is_empty() {
            self.unmark(rows);
        }
        for place in 0..self.found.len() {
            let column = self.column::<A, E>(self.found[place].class, number, frame, view);
            if Some(column.token) == winner {
                continue;
            }
            self.extend_by::<A>(column, view, pool);
            number += 1;
            if self.reach == 0 {
                break;
            }
        }
        self.vanished
    }

    fn unmark(&mut self, rows: usize) {
        for marks in [&mut self.skip, &mut self.has_child] {
            marks.clear();
            marks.resize(rows, NONE);
        }
    }

    /// Tries a token on the rows. None that comes later may be likelier.
    fn extend_by<A: Arithmetic>(&mut self, column: Column, view: &View, pool: &mut Pool) {
        if column.p <= A::ZERO {
            return;
        }
        let totals = view.masses.totals();
        let threshold = pool.threshold();
        while self.reach > 0 && A::mul(totals[self.reach - 1], column.p) < threshold {
            self.vanished |= !pool.is_bounded();
            self.reach -= 1;
        }
        if self.reach == 0 {
            return;
        }
        self.mark(view, &column);
        self.above = self.above.min(self.reach);
        while pool.is_bounded() && self.above > 0 && A::mul(totals[self.above - 1], column.p) <= threshold {
            self.above -= 1;
        }
        self.extend_all::<A>(&totals[..self.above], &column, pool);
        self.extend_tied(&column, view, pool);
        self.extend_repeated::<A>(&column, view, pool);
        pool.settle(view.stays, |a, b| view.prefixes.compare(a, b));
    }

    /// Finds the tokens that may extend something, the likeliest first.
    fn find<A: Arithmetic, E: Element>(&mut self, frame: &Frame<E>, view: &View, pool: &Pool) {
        let best = view.masses.totals()[0];
        let relative = if pool.is_bounded() { A::ratio(pool.threshold(), best) } else { 0.0 };
        largest(frame.row(), frame.bar(relative), self.width + 1, self.blank, &mut self.found);
        self.by_value.sort(&mut self.found, |found| found.value, |a, b| a.class.cmp(&b.class));
    }

    /// A token as a column of a frame.
    fn column<A: Arithmetic, E: Element>(
        &mut self,
        token: u32,
        number: u32,
        frame: &Frame<E>,
        view: &View,
    ) -> Column {
        let (p, head) = match view.groups.of(token) {
            NONE => {
                let (p, lossy) = frame.relative_token::<A>(frame.row()[token as usize]);
                self.vanished |= lossy;
                (p, NONE)
            }
            group => (view.factors[group as usize], view.groups.all[group as usize].head),
        };
        Column { token, number, p, head }
    }

    /// Marks the rows that have no plain extension in this column: they end in its token, or the
    /// extension is in the beam.
    fn mark(&mut self, view: &View, column: &Column) {
        let mut row = column.head;
        while row != NONE {
            self.skip[row as usize] = column.number;
            let parent = view.prefixes.rows[row as usize].parent;
            if parent != NONE {
                self.skip[parent as usize] = column.number;
                self.has_child[parent as usize] = column.number;
            }
            row = view.groups.next[row as usize];
        }
    }

    fn extend_all<A: Arithmetic>(&self, totals: &[f64], column: &Column, pool: &mut Pool) {
        for (row, (&total, &skip)) in (0..).zip(totals.iter().zip(&self.skip)) {
            if skip != column.number {
                pool.push(Candidate { mass: A::mul(total, column.p), row, token: column.token });
            }
        }
    }

    /// Extends the rows that meet the threshold exactly. One whose extension comes too late in the order
    /// of texts is dropped for all larger tokens of equal probability, for those come later still.
    fn extend_tied(&mut self, column: &Column, view: &View, pool: &mut Pool) {
        let Self { tied, skip, .. } = self;
        let threshold = pool.threshold();
        if tied.p != column.p || tied.threshold != threshold || tied.token > column.token {
            tied.rows.clear();
            tied.rows.extend(self.above as u32..self.reach as u32);
        }
        (tied.p, tied.threshold, tied.token) = (column.p, threshold, column.token);
        tied.rows.retain(|&row| {
            if skip[row as usize] == column.number {
                return true;
            }
            let candidate = Candidate { mass: threshold, row, token: column.token };
            let admitted = pool.admits_tie(&candidate, |a, b| view.prefixes.compare(a, b));
            if admitted {
                pool.push(candidate);
            }
            admitted
        });
    }

    /// Extends the rows that end in the column's token by another one, after a blank.
    fn extend_repeated<A: Arithmetic>(&mut self, column: &Column, view: &View, pool: &mut Pool) {
        let mut next = column.head;
        while next != NONE {
            let row = next as usize;
            next = view.groups.next[row];
            let pb = view.masses.pb()[row];
            if self.has_child[row] == column.number || pb <= A::ZERO {
                continue;
            }
            let candidate = Candidate { mass: A::mul(pb, column.p), row: row as u32, token: column.token };
            let threshold = pool.threshold();
            let tie = candidate.mass == threshold;
            if candidate.mass > threshold
                || (tie && pool.admits_tie(&candidate, |a, b| view.prefixes.compare(a, b)))
            {
                pool.push(candidate);
            } else {
                self.vanished |= !pool.is_bounded();
            }
        }
    }
}
