//! What the scorer says of the rows of a beam.

use super::arithmetic::Arithmetic;
use super::scorer::{Gain, Scorer};

/// What the scorer says of a prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct FusedRow<T> {
    pub(super) state: T,
    /// Sum of the gains of all tokens, in nats.
    pub(super) gain: f64,
    /// The last token's gain, as a factor.
    pub(super) factor: f64,
}

/// The rows of a beam, and those of the next while it is built.
#[derive(Clone, Debug)]
pub(super) struct FusedRows<T> {
    rows: Vec<FusedRow<T>>,
    next: Vec<FusedRow<T>>,
}

impl<T: Copy> FusedRows<T> {
    pub(super) fn new() -> Self {
        Self { rows: Vec::new(), next: Vec::new() }
    }

    /// In the order of the beam.
    pub(super) fn rows(&self) -> &[FusedRow<T>] {
        &self.rows
    }

    /// The empty prefix alone.
    pub(super) fn begin<A: Arithmetic, S: Scorer<State = T>>(&mut self, scorer: &S) {
        self.next.clear();
        self.push::<A>(scorer.start(), 0.0, Gain::NONE);
        self.end();
    }

    /// The next beam's next row is a row of this one.
    pub(super) fn keep(&mut self, row: usize) {
        self.next.push(self.rows[row]);
    }

    /// The next beam's next row extends a row of this one.
    pub(super) fn extend<A: Arithmetic, S: Scorer<State = T>>(
        &mut self,
        row: usize,
        token: u32,
        scorer: &mut S,
    ) {
        let FusedRow { state, gain, .. } = self.rows[row];
        let (state, more) = scorer.extend(state, token);
        self.push::<A>(state, gain + more.nats(), more);
    }

    fn push<A: Arithmetic>(&mut self, state: T, gain: f64, last: Gain) {
        self.next.push(FusedRow { state, gain, factor: A::from_gain(last) });
    }

    /// The next beam is complete, and becomes this one.
    pub(super) fn end(&mut self) {
        std::mem::swap(&mut self.rows, &mut self.next);
        self.next.clear();
    }
}
