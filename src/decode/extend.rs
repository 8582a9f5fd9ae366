//! The extensions of a frame, of which only those are looked at that can be kept.
//!
//! The entries are in order, heaviest first. Four things keep a frame far from `beam_width * classes`:
//!
//! - What stays can only meet an extension of its own parent, so merging is a look whether the parent is
//!   in the beam, and such an extension is left out here.
//! - The lightest of a full beam's stays is a threshold from the beginning, and it rises as candidates
//!   are found. A token whose probability times the heaviest entry is below it is never looked at.
//! - Tokens are tried likeliest first, each on the heaviest entries first, until the first that is too
//!   light. Of one entry's extensions only the likeliest `beam_width` can matter, and one more, because
//!   the entry's own last token counts with `pb` alone.
//! - With a scorer, a token that an entry does not expect gains little, so the scorer is rarely asked in vain.
//!
//! Nothing that ties with the threshold is dropped but by the order of label sequences.

use std::cmp::Ordering;

use super::arithmetic::Arithmetic;
use super::column::{Bounds, Column};
use super::frame::Frame;
use super::fused::{FusedRow, FusedRows};
use super::lost_mass::VANISHING;
use super::order::Order;
use super::pool::{Candidate, Pool};
use super::prefix_tree::NONE;
use super::prefixes::{Masses, Prefixes};
use super::row::{Scored, largest};
use super::scorer::Scorer;
use crate::kernel::Element;

/// What a frame begins with, and what stays of it.
pub(super) struct View<'a, T> {
    pub(super) prefixes: &'a Prefixes,
    pub(super) masses: &'a Masses,
    /// By row: the mass if it stays.
    pub(super) stays: &'a [f64],
    /// By group: the token's relative probability.
    pub(super) factors: &'a [f64],
    pub(super) fused: &'a FusedRows<T>,
}

impl<T: Copy> View<'_, T> {
    /// The order of two candidates' texts.
    fn ties(&self, a: &Candidate, b: &Candidate) -> Ordering {
        self.prefixes.compare((a.row, a.token), (b.row, b.token))
    }

    /// No extension by a token is heavier.
    fn heaviest<A: Arithmetic>(&self, column: &Column) -> f64 {
        let totals = self.masses.totals();
        let unexpected = A::mul(totals[0], column.unexpected);
        let first = self.fused.first(column.bit);
        first.map_or(unexpected, |row| unexpected.max(A::mul(totals[row], column.bound)))
    }
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
    /// With a scorer: what was found and may reach the threshold, in order.
    columns: Vec<Column>,
    by_bound: Order<Column>,
    /// By class.
    bounds: Vec<Bounds>,
    /// What extends.
    pub(super) pool: Pool,
    tied: Ties,
    vanished: bool,
    /// The first `chosen` of them: what a column is tried on.
    rows: Vec<u32>,
    chosen: usize,
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
            columns: Vec::new(),
            by_bound: Order::new(),
            bounds: Vec::new(),
            pool: Pool::new(width),
            tied: Ties { p: f64::NAN, threshold: f64::NAN, token: 0, rows: Vec::new() },
            vanished: false,
            rows: Vec::new(),
            chosen: 0,
        }
    }

    /// Fills the pool with the extensions that may be kept. Returns whether some mass vanished.
    pub(super) fn extend<S: Scorer, A: Arithmetic, E: Element>(
        &mut self,
        frame: &Frame<E>,
        view: &View<S::State>,
        in_order: bool,
        scorer: &mut S,
    ) -> bool {
        self.vanished = false;
        let rows = view.masses.len();
        self.pool.begin(view.stays, in_order, A::SMALLEST, |a, b| view.ties(a, b));
        (self.reach, self.above) = (rows, rows);
        self.tied.p = f64::NAN;
        let mut number = 0;
        if !S::NEUTRAL && self.bounds.is_empty() {
            let bounds = |class| Bounds::new::<A>(scorer.bounds(class));
            self.bounds = (0..frame.row().len() as u32).map(bounds).collect();
        }
        // Where a token wins the frame, what stays is light, and the first column lifts the threshold.
        let winner = frame.winner(self.blank);
        if let Some(class) = winner {
            self.unmark(rows);
            let column = self.column::<S, A, E>(Scored { value: frame.max(), class }, frame, view);
            self.extend_by::<S, A>(column, view, scorer);
            if !S::NEUTRAL {
                // Another token's bound may be larger.
                self.reach = rows;
            }
            number += 1;
        }
        self.find::<S, A, E>(frame, view, scorer);
        if !S::NEUTRAL {
            self.find_bounded::<S, A, E>(frame, view);
        }
        let count = if S::NEUTRAL { self.found.len() } else { self.columns.len() };
        if winner.is_none() && count > 0 {
            self.unmark(rows);
        }
        for place in 0..count {
            let column = if S::NEUTRAL {
                self.column::<S, A, E>(self.found[place], frame, view)
            } else {
                self.columns[place]
            };
            if Some(column.token) == winner {
                continue;
            }
            self.extend_by::<S, A>(Column { number, ..column }, view, scorer);
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

    /// Tries a token on the rows. None that comes later may have a larger bound.
    fn extend_by<S: Scorer, A: Arithmetic>(&mut self, column: Column, view: &View<S::State>, scorer: &mut S) {
        if column.p <= A::ZERO {
            return;
        }
        let totals = view.masses.totals();
        let threshold = self.pool.threshold();
        while self.reach > 0 && A::mul(totals[self.reach - 1], column.bound) < threshold {
            self.vanished |= !self.pool.is_bounded();
            self.reach -= 1;
        }
        if self.reach == 0 {
            return;
        }
        if !S::NEUTRAL && view.heaviest::<A>(&column) < threshold {
            let forbidden = column.unexpected <= A::ZERO && view.fused.first(column.bit).is_none();
            self.vanished |= !self.pool.is_bounded() && !forbidden;
            return;
        }
        self.mark(view.prefixes, &column);
        if S::NEUTRAL {
            self.above = self.above.min(self.reach);
            while self.pool.is_bounded()
                && self.above > 0
                && A::mul(totals[self.above - 1], column.p) <= threshold
            {
                self.above -= 1;
            }
            self.extend_all::<A>(&totals[..self.above], &column);
            self.extend_tied(&column, view);
        } else {
            self.choose::<A, S::State>(&column, view);
            for place in 0..self.chosen {
                let row = self.rows[place] as usize;
                self.extend_scored::<S, A>(totals[row], row, &column, view, scorer);
            }
        }
        self.extend_repeated::<S, A>(&column, view, scorer);
        self.pool.settle(view.stays, |a, b| view.ties(a, b));
    }

    /// Finds the tokens that may extend something, the likeliest first where none gains anything.
    fn find<S: Scorer, A: Arithmetic, E: Element>(
        &mut self,
        frame: &Frame<E>,
        view: &View<S::State>,
        scorer: &S,
    ) {
        let best = view.masses.totals()[0];
        let mut relative = 0.0;
        if self.pool.is_bounded() {
            relative = A::ratio(self.pool.threshold(), best);
            if !S::NEUTRAL {
                relative *= (-scorer.max_gain_of_all()).exp();
            }
        }
        let limit = if S::NEUTRAL { self.width + 1 } else { usize::MAX };
        largest(frame.row(), frame.bar(relative), limit, self.blank, &mut self.found);
        if S::NEUTRAL {
            self.by_value.sort(&mut self.found, |found| found.value, |a, b| a.class.cmp(&b.class));
        }
    }

    /// Makes columns of those that may extend something with their own gain, those with the largest bound first.
    fn find_bounded<S: Scorer, A: Arithmetic, E: Element>(
        &mut self,
        frame: &Frame<E>,
        view: &View<S::State>,
    ) {
        self.columns.clear();
        for place in 0..self.found.len() {
            let found = self.found[place];
            if self.pool.is_bounded() {
                let above = frame.above::<A>(found.value);
                let bounds = &self.bounds[found.class as usize];
                let above = Column::bounded::<A>(found.class, above, NONE, bounds);
                if view.heaviest::<A>(&above) < self.pool.threshold() {
                    continue;
                }
            }
            let column = self.column::<S, A, E>(found, frame, view);
            self.columns.push(column);
        }
        self.by_bound.sort(&mut self.columns, |column| column.bound, |a, b| a.token.cmp(&b.token));
    }

    /// A token as the first column of a frame.
    fn column<S: Scorer, A: Arithmetic, E: Element>(
        &mut self,
        Scored { value, class: token }: Scored,
        frame: &Frame<E>,
        view: &View<S::State>,
    ) -> Column {
        let (p, head) = match view.prefixes.group_of(token) {
            NONE => {
                let (p, lossy) = frame.relative_token::<A>(value);
                self.vanished |= lossy;
                (p, NONE)
            }
            group => (view.factors[group as usize], view.prefixes.groups[group as usize].head),
        };
        if S::NEUTRAL {
            Column::plain(token, p, head)
        } else {
            Column::bounded::<A>(token, p, head, &self.bounds[token as usize])
        }
    }

    /// Marks the rows that have no plain extension in this column: they end in its token, or the
    /// extension is in the beam.
    fn mark(&mut self, prefixes: &Prefixes, column: &Column) {
        let mut row = column.head;
        while row != NONE {
            self.skip[row as usize] = column.number;
            let parent = prefixes.rows[row as usize].parent;
            if parent != NONE {
                self.skip[parent as usize] = column.number;
                self.has_child[parent as usize] = column.number;
            }
            row = prefixes.next[row as usize];
        }
    }

    fn extend_all<A: Arithmetic>(&mut self, totals: &[f64], column: &Column) {
        for (row, (&total, &skip)) in (0..).zip(totals.iter().zip(&self.skip)) {
            if skip != column.number {
                self.pool.push(Candidate { mass: A::mul(total, column.p), row, token: column.token });
            }
        }
    }

    /// Extends the rows that meet the threshold exactly. One whose extension comes too late in the order
    /// of texts is dropped for all larger tokens of equal probability, for those come later still.
    fn extend_tied<T: Copy>(&mut self, column: &Column, view: &View<T>) {
        let Self { tied, pool, skip, .. } = self;
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
            let admitted = pool.admits_tie(&candidate, |a, b| view.ties(a, b));
            if admitted {
                pool.push(candidate);
            }
            admitted
        });
    }

    /// Extends the rows that end in the column's token by another one, after a blank.
    fn extend_repeated<S: Scorer, A: Arithmetic>(
        &mut self,
        column: &Column,
        view: &View<S::State>,
        scorer: &mut S,
    ) {
        let mut next = column.head;
        while next != NONE {
            let row = next as usize;
            next = view.prefixes.next[row];
            let pb = view.masses.pb()[row];
            if self.has_child[row] == column.number || pb <= A::ZERO {
                continue;
            }
            if !S::NEUTRAL {
                let most = view.fused.rows()[row].most::<A>(column);
                if A::mul(pb, most) >= self.pool.threshold() {
                    self.extend_scored::<S, A>(pb, row, column, view, scorer);
                } else {
                    self.vanished |= !self.pool.is_bounded() && most > A::ZERO;
                }
                continue;
            }
            let candidate = Candidate { mass: A::mul(pb, column.p), row: row as u32, token: column.token };
            let threshold = self.pool.threshold();
            let tie = candidate.mass == threshold;
            if candidate.mass > threshold || (tie && self.pool.admits_tie(&candidate, |a, b| view.ties(a, b)))
            {
                self.pool.push(candidate);
            } else {
                self.vanished |= !self.pool.is_bounded();
            }
        }
    }

    /// Chooses the rows whose extension may be kept as far as what they expect tells, without a branch for each.
    fn choose<A: Arithmetic, T: Copy>(&mut self, column: &Column, view: &View<T>) {
        let threshold = self.pool.threshold();
        self.rows.resize(view.masses.len(), 0);
        self.chosen = 0;
        let rows = view.masses.totals()[..self.reach].iter().zip(view.fused.rows()).zip(&self.skip);
        let mut left = false;
        for (row, ((&total, fused), &skip)) in (0..).zip(rows) {
            let heavy = A::mul(total, fused.most::<A>(column)) >= threshold;
            left |= !heavy;
            self.rows[self.chosen] = row;
            self.chosen += usize::from(heavy && skip != column.number);
        }
        self.vanished |= left && !self.pool.is_bounded() && column.unexpected > A::ZERO;
    }

    /// Asks the scorer for the extension of a row.
    #[inline]
    fn extend_scored<S: Scorer, A: Arithmetic>(
        &mut self,
        mass: f64,
        row: usize,
        column: &Column,
        view: &View<S::State>,
        scorer: &mut S,
    ) {
        let FusedRow { state, .. } = view.fused.rows()[row];
        let (_, gain) = scorer.extend(state, column.token);
        let factor = A::from_gain(gain);
        if A::CAN_UNDERFLOW && factor < VANISHING {
            self.vanished |= gain.nats() > f64::NEG_INFINITY;
        }
        let mass = A::mul(A::mul(mass, column.p), factor);
        if mass >= self.pool.threshold() {
            self.pool.push(Candidate { mass, row: row as u32, token: column.token });
        } else {
            self.vanished |= !self.pool.is_bounded() && factor > A::ZERO;
        }
    }
}
