//! A token that may extend the rows of a beam, and what it can come to.

use super::arithmetic::Arithmetic;
use super::lost_mass::VANISHING;
use super::scorer::GainBounds;

/// A token's largest gains as factors, a little more so that rounding can't make an extension exceed them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    most: f64,
    unexpected: f64,
    bit: u32,
}

impl Bounds {
    pub(super) fn new<A: Arithmetic>(bounds: GainBounds) -> Self {
        let GainBounds { most, unexpected, bit } = bounds;
        let factor = |nats: f64| A::from_log(nats + 1e-9);
        let vanishes = A::CAN_UNDERFLOW && unexpected > f64::NEG_INFINITY && factor(unexpected) < VANISHING;
        Self { most: factor(most), unexpected: factor(if vanishes { most } else { unexpected }), bit }
    }
}

/// A token that may extend something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) token: u32,
    /// Its place among the frame's columns.
    pub(super) number: u32,
    /// Relative probability.
    pub(super) p: f64,
    /// The same times the largest gain.
    pub(super) bound: f64,
    /// The same times the largest gain where the token is not expected.
    pub(super) unexpected: f64,
    /// What stands for it among what is expected.
    pub(super) bit: u32,
    /// First of the rows that end in this token.
    pub(super) head: u32,
}

impl Column {
    /// A token that gains nothing.
    pub(super) fn plain(token: u32, p: f64, head: u32) -> Self {
        Self { token, number: 0, p, bound: p, unexpected: p, bit: 0, head }
    }

    /// A token that gains this much at most.
    pub(super) fn bounded<A: Arithmetic>(token: u32, p: f64, head: u32, bounds: &Bounds) -> Self {
        let &Bounds { most, unexpected, bit } = bounds;
        Self { token, number: 0, p, bound: A::mul(p, most), unexpected: A::mul(p, unexpected), bit, head }
    }
}
