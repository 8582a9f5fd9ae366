//! The extensions of a frame, of which only those are looked at that can be kept.
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

use std::cmp::Ordering;

use super::arithmetic::Arithmetic;
use super::frame::Frame;
use super::lost_mass::VANISHING;
use super::pool::{Candidate, Pool};
use super::prefix_tree::{NONE, PrefixTree};
use super::row::{Scored, largest};
use super::scorer::Scorer;
use super::search::{Beam, Fused};
use crate::kernel::Element;

/// A token in a frame.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Number of the frame that the rest is of.
    frame: u32,
    /// First of the entries that end in this token.
    head: u32,
    /// Relative probability.
    p: f64,
}

/// A token that may extend something.
#[derive(Clone, Copy, Debug)]
struct Column {
    /// Relative probability.
    p: f64,
    /// The same times the largest gain.
    bound: f64,
    token: u32,
    /// First of the entries that end in this token.
    head: u32,
}

/// The candidates of a frame and the buffers to find them.
#[derive(Debug)]
pub(super) struct Extensions {
    blank: u32,
    width: usize,
    frame: u32,
    /// By class.
    slots: Vec<Slot>,
    /// By row: next entry that ends in the same token.
    next: Vec<u32>,
    /// By row: the last column that this row has no plain extension in.
    skip: Vec<u32>,
    /// By row: the last column whose extension of this row is in the beam.
    has_child: Vec<u32>,
    found: Vec<Scored>,
    columns: Vec<Column>,
    /// What stays and what extends.
    pub(super) pool: Pool,
    tied: Vec<u32>,
    vanished: bool,
}

impl Extensions {
    /// For beams of `width` entries.
    pub(super) fn new(width: usize, blank: u32, classes: usize) -> Self {
        Self {
            blank,
            width,
            frame: 0,
            slots: vec![Slot { frame: 0, head: NONE, p: 0.0 }; classes],
            next: Vec::new(),
            skip: Vec::new(),
            has_child: Vec::new(),
            found: Vec::new(),
            columns: Vec::new(),
            pool: Pool::new(width),
            tied: Vec::new(),
            vanished: false,
        }
    }

    /// Begins a frame on a beam of `entries` entries.
    pub(super) fn begin(&mut self, entries: usize) {
        self.frame = self.frame.wrapping_add(1);
        if self.frame == 0 {
            self.slots.iter_mut().for_each(|slot| slot.frame = u32::MAX);
        }
        self.next.clear();
        self.next.resize(entries, NONE);
        for marks in [&mut self.skip, &mut self.has_child] {
            marks.clear();
            marks.resize(entries, NONE);
        }
        self.pool.clear();
        self.vanished = false;
    }

    /// Notes that an entry ends in `token`; returns the token's relative probability.
    pub(super) fn link<A: Arithmetic, E: Element>(&mut self, frame: &Frame<E>, row: u32, token: u32) -> f64 {
        let slot = &mut self.slots[token as usize];
        if slot.frame != self.frame {
            let (p, lossy) = frame.relative_token::<A>(frame.row()[token as usize].to_f64());
            self.vanished |= lossy;
            *slot = Slot { frame: self.frame, head: NONE, p };
        }
        self.next[row as usize] = slot.head;
        slot.head = row;
        slot.p
    }

    /// Fills the pool, which holds what stays, with the extensions that may be kept. Returns whether some
    /// mass vanished since [`Self::begin`].
    pub(super) fn extend<S: Scorer, A: Arithmetic, E: Element>(
        &mut self,
        frame: &Frame<E>,
        beam: &Beam,
        tree: &PrefixTree,
        fused: &[Fused<S::State>],
        scorer: &mut S,
    ) -> bool {
        let ties = |a: &Candidate, b: &Candidate| {
            let node = |candidate: &Candidate| beam.entries[candidate.row as usize].node;
            tree.compare((node(a), a.token), (node(b), b.token))
        };
        self.pool.bound(A::SMALLEST, ties);
        self.find_columns::<S, A, E>(frame, beam.totals[0], scorer);
        let columns = std::mem::take(&mut self.columns);
        // Rows that reach the threshold, and those above it; both can only become fewer.
        let (mut reach, mut above) = (beam.totals.len(), beam.totals.len());
        let mut tied_at = (f64::NAN, f64::NAN);
        for (number, column) in (0..).zip(&columns) {
            let threshold = self.pool.threshold();
            while reach > 0 && A::mul(beam.totals[reach - 1], column.bound) < threshold {
                self.vanished |= !self.pool.is_bounded();
                reach -= 1;
            }
            if reach == 0 {
                break;
            }
            above = above.min(reach);
            self.mark(beam, column, number);
            if S::NEUTRAL {
                while self.pool.is_bounded()
                    && above > 0
                    && A::mul(beam.totals[above - 1], column.p) <= threshold
                {
                    above -= 1;
                }
                self.extend_all::<A>(&beam.totals[..above], column, number);
                if tied_at != (column.p, threshold) {
                    tied_at = (column.p, threshold);
                    self.tied.clear();
                    self.tied.extend(above as u32..reach as u32);
                }
                self.extend_tied(column, number, threshold, ties);
            } else {
                for row in 0..reach {
                    if self.skip[row] != number {
                        let entry = &beam.entries[row];
                        let state = fused[entry.node as usize].state;
                        self.extend_scored::<S, A>(beam.totals[row], row, state, column, scorer);
                    }
                }
            }
            let mut row = column.head;
            while row != NONE {
                let entry = &beam.entries[row as usize];
                if self.has_child[row as usize] != number && entry.pb > A::ZERO {
                    if S::NEUTRAL {
                        self.extend_one::<A>(entry.pb, row, column, ties);
                    } else {
                        let state = fused[entry.node as usize].state;
                        self.extend_scored::<S, A>(entry.pb, row as usize, state, column, scorer);
                    }
                }
                row = self.next[row as usize];
            }
            self.pool.settle(ties);
        }
        self.columns = columns;
        self.vanished
    }

    /// The tokens that may extend something, those with the largest bound first.
    fn find_columns<S: Scorer, A: Arithmetic, E: Element>(
        &mut self,
        frame: &Frame<E>,
        best: f64,
        scorer: &S,
    ) {
        let mut ln_relative = f64::NEG_INFINITY;
        if self.pool.is_bounded() {
            ln_relative = A::log_ratio(self.pool.threshold(), best);
            if !S::NEUTRAL {
                ln_relative -= scorer.max_gain_of_all();
            }
        }
        let limit = if S::NEUTRAL { self.width + 1 } else { usize::MAX };
        largest(frame.row(), frame.bar(ln_relative), limit, self.blank, &mut self.found);
        self.columns.clear();
        for &Scored { value, class: token } in &self.found {
            let slot = self.slots[token as usize];
            let (p, head) = if slot.frame == self.frame {
                (slot.p, slot.head)
            } else {
                let (p, lossy) = frame.relative_token::<A>(value);
                self.vanished |= lossy;
                (p, NONE)
            };
            if p > A::ZERO {
                let bound =
                    if S::NEUTRAL { p } else { A::mul(p, A::from_log(scorer.max_gain(token) + 1e-9)) };
                self.columns.push(Column { p, bound, token, head });
            }
        }
        self.columns.sort_unstable_by(|a, b| b.bound.total_cmp(&a.bound).then(a.token.cmp(&b.token)));
    }

    /// Marks the rows that have no plain extension in this column: they end in its token, or the
    /// extension is in the beam.
    fn mark(&mut self, beam: &Beam, column: &Column, number: u32) {
        let mut row = column.head;
        while row != NONE {
            self.skip[row as usize] = number;
            let parent = beam.parents[row as usize];
            if parent != NONE {
                self.skip[parent as usize] = number;
                self.has_child[parent as usize] = number;
            }
            row = self.next[row as usize];
        }
    }

    fn extend_all<A: Arithmetic>(&mut self, totals: &[f64], column: &Column, number: u32) {
        let token = column.token;
        for (row, (&total, &skip)) in (0..).zip(totals.iter().zip(&self.skip)) {
            if skip != number {
                self.pool.push(Candidate { mass: A::mul(total, column.p), row, token });
            }
        }
    }

    /// The rows that meet the threshold exactly. One whose extension comes too late in the order of texts
    /// is dropped for all later tokens of equal probability, for those come later still.
    fn extend_tied(
        &mut self,
        column: &Column,
        number: u32,
        mass: f64,
        ties: impl Fn(&Candidate, &Candidate) -> Ordering,
    ) {
        let Self { tied, pool, skip, .. } = self;
        tied.retain(|&row| {
            if skip[row as usize] == number {
                return true;
            }
            let candidate = Candidate { mass, row, token: column.token };
            let admitted = pool.admits_tie(&candidate, &ties);
            if admitted {
                pool.push(candidate);
            }
            admitted
        });
    }

    fn extend_one<A: Arithmetic>(
        &mut self,
        pb: f64,
        row: u32,
        column: &Column,
        ties: impl Fn(&Candidate, &Candidate) -> Ordering,
    ) {
        let candidate = Candidate { mass: A::mul(pb, column.p), row, token: column.token };
        let threshold = self.pool.threshold();
        if candidate.mass > threshold
            || (candidate.mass == threshold && self.pool.admits_tie(&candidate, ties))
        {
            self.pool.push(candidate);
        } else {
            self.vanished |= !self.pool.is_bounded();
        }
    }

    fn extend_scored<S: Scorer, A: Arithmetic>(
        &mut self,
        mass: f64,
        row: usize,
        state: S::State,
        column: &Column,
        scorer: &mut S,
    ) {
        let (_, gain) = scorer.extend(state, column.token);
        let factor = A::from_log(gain);
        self.vanished |= A::CAN_UNDERFLOW && factor < VANISHING && gain > f64::NEG_INFINITY;
        let mass = A::mul(A::mul(mass, column.p), factor);
        if mass >= self.pool.threshold() {
            self.pool.push(Candidate { mass, row: row as u32, token: column.token });
        } else {
            self.vanished |= !self.pool.is_bounded() && factor > A::ZERO;
        }
    }
}
