//! What the scorer says of the rows of a beam.

use super::arithmetic::Arithmetic;
use super::column::Column;
use super::prefix_tree::NONE;
use super::scorer::{Expected, Gain, Scorer};

/// What the scorer says of a prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct FusedRow<T> {
    pub(super) state: T,
    /// The tokens that are expected to follow, as bits.
    pub(super) expected: u64,
    /// What all others gain less, as a factor: at most 1, or a little more.
    pub(super) less: f64,
    /// Sum of the gains of all tokens, in nats.
    pub(super) gain: f64,
    /// The last token's gain, as a factor.
    pub(super) factor: f64,
}

impl<T> FusedRow<T> {
    /// No extension of the row by a token is heavier than the row times this.
    pub(super) fn most<A: Arithmetic>(&self, column: &Column) -> f64 {
        if self.expected >> column.bit & 1 == 1 { column.bound } else { A::mul(column.unexpected, self.less) }
    }
}

/// The rows of a beam, and those of the next while it is built.
#[derive(Clone, Debug)]
pub(super) struct FusedRows<T> {
    rows: Vec<FusedRow<T>>,
    next: Vec<FusedRow<T>>,
    /// By bit: the first row that expects it, or [`NONE`].
    first: [u32; u64::BITS as usize],
}

impl<T: Copy> FusedRows<T> {
    pub(super) fn new() -> Self {
        Self { rows: Vec::new(), next: Vec::new(), first: [NONE; u64::BITS as usize] }
    }

    /// In the order of the beam.
    pub(super) fn rows(&self) -> &[FusedRow<T>] {
        &self.rows
    }

    /// The first row that expects a bit, if any does.
    pub(super) fn first(&self, bit: u32) -> Option<usize> {
        let row = self.first[bit as usize];
        (row != NONE).then_some(row as usize)
    }

    /// The empty prefix alone.
    pub(super) fn begin<A: Arithmetic, S: Scorer<State = T>>(&mut self, scorer: &S) {
        self.next.clear();
        self.push::<A, S>(scorer.start(), 0.0, Gain::NONE, scorer);
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
        self.push::<A, S>(state, gain + more.nats(), more, scorer);
    }

    fn push<A: Arithmetic, S: Scorer<State = T>>(&mut self, state: T, gain: f64, last: Gain, scorer: &S) {
        let Expected { tokens: expected, less } = scorer.expected(state);
        let less = A::above_log(-less.clamp(0.0, 700.0));
        self.next.push(FusedRow { state, expected, less, gain, factor: A::from_gain(last) });
    }

    /// The next beam is complete, and becomes this one.
    pub(super) fn end(&mut self) {
        std::mem::swap(&mut self.rows, &mut self.next);
        self.next.clear();
        self.first = [NONE; u64::BITS as usize];
        let mut missing = u64::MAX;
        for (row, FusedRow { expected, .. }) in (0..).zip(&self.rows) {
            let mut new = expected & missing;
            missing &= !new;
            while new != 0 {
                self.first[new.trailing_zeros() as usize] = row;
                new &= new - 1;
            }
            if missing == 0 {
                break;
            }
        }
    }
}
