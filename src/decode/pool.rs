//! Bounded selection: the best so many of a stream of candidates.

use std::cmp::Ordering;

use super::prefix_tree::NONE;

/// A possible entry of the next beam.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Its mass.
    pub(super) mass: f64,
    /// The entry of this beam that it stays or extends.
    pub(super) row: u32,
    /// The token that extends it, or [`NONE`]: it stays.
    pub(super) token: u32,
}

impl Candidate {
    /// Whether it is an entry of this beam.
    pub(super) fn stays(&self) -> bool {
        self.token == NONE
    }
}

/// Heaviest first; `ties` decides where masses are equal.
fn rank(a: &Candidate, b: &Candidate, ties: impl Fn(&Candidate, &Candidate) -> Ordering) -> Ordering {
    if a.mass > b.mass {
        Ordering::Less
    } else if a.mass < b.mass {
        Ordering::Greater
    } else {
        ties(a, b)
    }
}

/// The candidates of a frame, of which `width` will be kept.
///
/// `threshold` never exceeds the mass of the `width`-th best so far.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    items: Vec<Candidate>,
    width: usize,
    threshold: f64,
    last: Option<Candidate>,
}

impl Pool {
    /// A pool that keeps `width` (at least 1) candidates.
    pub(super) fn new(width: usize) -> Self {
        Self { items: Vec::new(), width, threshold: 0.0, last: None }
    }

    /// Empties the pool.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.last = None;
    }

    /// Sets the threshold by what the pool holds: if that is `width` candidates the last of them, else
    /// the least mass that there is.
    pub(super) fn bound(&mut self, smallest: f64, ties: impl Fn(&Candidate, &Candidate) -> Ordering) {
        self.threshold = smallest;
        if self.items.len() >= self.width
            && let Some(last) = self.items.iter().copied().max_by(|a, b| rank(a, b, &ties))
        {
            self.set_last(last);
        }
    }

    /// Nothing that ranks after this candidate can be kept.
    fn set_last(&mut self, last: Candidate) {
        self.threshold = last.mass;
        self.last = Some(last);
    }

    /// Nothing lighter can be kept.
    pub(super) fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Whether `width` candidates are known that are no worse than the threshold.
    pub(super) fn is_bounded(&self) -> bool {
        self.last.is_some()
    }

    /// Adds a candidate that is not below the threshold.
    pub(super) fn push(&mut self, candidate: Candidate) {
        self.items.push(candidate);
    }

    /// Whether a candidate as heavy as the threshold can still be kept.
    pub(super) fn admits_tie(
        &self,
        candidate: &Candidate,
        ties: impl Fn(&Candidate, &Candidate) -> Ordering,
    ) -> bool {
        self.last.is_none_or(|last| ties(candidate, &last) != Ordering::Greater)
    }

    /// Once there are enough of them, drops what can't be kept and lifts the threshold.
    pub(super) fn settle(&mut self, ties: impl Fn(&Candidate, &Candidate) -> Ordering) {
        if self.items.len() >= self.width.saturating_mul(2).max(self.width.saturating_add(32)) {
            self.select(ties);
        }
    }

    fn select(&mut self, ties: impl Fn(&Candidate, &Candidate) -> Ordering) {
        self.items.select_nth_unstable_by(self.width - 1, |a, b| rank(a, b, &ties));
        self.items.truncate(self.width);
        self.set_last(self.items[self.width - 1]);
    }

    /// The best `width` candidates, best first.
    pub(super) fn sorted(&mut self, ties: impl Fn(&Candidate, &Candidate) -> Ordering) -> &[Candidate] {
        if self.items.len() > self.width {
            self.select(&ties);
        }
        self.items.sort_unstable_by(|a, b| rank(a, b, &ties));
        &self.items
    }
}
