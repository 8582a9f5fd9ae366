//! Bounded selection: the best so many of a stream of candidates.

use std::cmp::Ordering;

use super::order::Order;
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

/// The candidates of a frame, of which `width` will be kept.
///
/// `threshold` never exceeds the mass of the `width`-th best so far.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    width: usize,
    threshold: f64,
    /// Nothing that ranks after this can be kept; known once there are `width` candidates.
    last: Option<Candidate>,
    /// What stays, best first; filled when it is needed.
    stays: Vec<Candidate>,
    has_stays: bool,
    /// What extends.
    extensions: Vec<Candidate>,
    /// So many of them are best first.
    settled: usize,
    selected: Vec<Candidate>,
    order: Order<Candidate>,
}

impl Pool {
    /// A pool that keeps `width` (at least 1) candidates.
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            threshold: 0.0,
            last: None,
            stays: Vec::new(),
            has_stays: false,
            extensions: Vec::new(),
            settled: 0,
            selected: Vec::new(),
            order: Order::new(),
        }
    }

    /// Empties the pool for a frame whose rows have the masses `stays` if they stay. If `width` of them
    /// have any mass, the last is the threshold, else there is none but `smallest`, the least mass.
    pub(super) fn begin(
        &mut self,
        stays: &[f64],
        in_order: bool,
        smallest: f64,
        ties: impl Fn(&Candidate, &Candidate) -> Ordering,
    ) {
        self.has_stays = false;
        self.extensions.clear();
        self.settled = 0;
        self.threshold = smallest;
        self.last = None;
        if !in_order {
            self.add_stays(stays);
            self.stays.retain(|stay| stay.mass >= smallest);
            self.order.sort(&mut self.stays, |candidate| candidate.mass, &ties);
        }
        if stays.len() == self.width {
            self.bound(if in_order {
                candidates(stays).next_back()
            } else {
                self.stays.get(self.width - 1).copied()
            });
        }
    }

    fn bound(&mut self, last: Option<Candidate>) {
        if let Some(last) = last {
            self.threshold = last.mass;
            self.last = Some(last);
        }
    }

    fn add_stays(&mut self, stays: &[f64]) {
        if !self.has_stays {
            self.has_stays = true;
            self.stays.clear();
            self.stays.extend(candidates(stays));
        }
    }

    /// Nothing lighter can be kept.
    pub(super) fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Whether `width` candidates are known that are no worse than the threshold.
    pub(super) fn is_bounded(&self) -> bool {
        self.last.is_some()
    }

    /// Whether nothing extends.
    pub(super) fn is_empty(&self) -> bool {
        self.extensions.is_empty()
    }

    /// Adds an extension that is not below the threshold.
    pub(super) fn push(&mut self, candidate: Candidate) {
        self.extensions.push(candidate);
    }

    /// Whether a candidate as heavy as the threshold can still be kept.
    pub(super) fn admits_tie(
        &self,
        candidate: &Candidate,
        ties: impl Fn(&Candidate, &Candidate) -> Ordering,
    ) -> bool {
        self.last.is_none_or(|last| ties(candidate, &last) != Ordering::Greater)
    }

    /// Once there are enough new ones, drops what can't be kept and lifts the threshold.
    pub(super) fn settle(&mut self, stays: &[f64], ties: impl Fn(&Candidate, &Candidate) -> Ordering) {
        if self.extensions.len() - self.settled >= (self.width / 2).max(4) {
            self.cut(stays, ties);
        }
    }

    /// Sorts the extensions and drops what is not among the best `width` of all.
    fn cut(&mut self, stays: &[f64], ties: impl Fn(&Candidate, &Candidate) -> Ordering) {
        self.add_stays(stays);
        if self.extensions.len() > self.settled {
            self.order.sort(&mut self.extensions, |candidate| candidate.mass, &ties);
        }
        while self.stays.len() + self.extensions.len() > self.width {
            match (self.stays.last(), self.extensions.last()) {
                (Some(stay), Some(extension)) if comes_first(extension, stay, &ties) => self.stays.pop(),
                (_, Some(_)) => self.extensions.pop(),
                _ => self.stays.pop(),
            };
        }
        self.settled = self.extensions.len();
        if self.stays.len() + self.extensions.len() == self.width {
            let last = match (self.stays.last(), self.extensions.last()) {
                (Some(stay), Some(extension)) if comes_first(extension, stay, &ties) => Some(*stay),
                (stay, extension) => extension.or(stay).copied(),
            };
            self.bound(last);
        }
    }

    /// The best `width` candidates, best first.
    pub(super) fn select(
        &mut self,
        stays: &[f64],
        ties: impl Fn(&Candidate, &Candidate) -> Ordering,
    ) -> &[Candidate] {
        self.cut(stays, &ties);
        self.selected.clear();
        let mut stays = self.stays.iter().peekable();
        for extension in &self.extensions {
            while let Some(stay) = stays.next_if(|stay| !comes_first(extension, stay, &ties)) {
                self.selected.push(*stay);
            }
            self.selected.push(*extension);
        }
        self.selected.extend(stays);
        &self.selected
    }
}

/// The rows as candidates.
fn candidates(stays: &[f64]) -> impl DoubleEndedIterator<Item = Candidate> + ExactSizeIterator {
    stays.iter().enumerate().map(|(row, &mass)| Candidate { mass, row: row as u32, token: NONE })
}

fn comes_first(a: &Candidate, b: &Candidate, ties: impl Fn(&Candidate, &Candidate) -> Ordering) -> bool {
    a.mass > b.mass || (a.mass == b.mass && ties(a, b) == Ordering::Less)
}
