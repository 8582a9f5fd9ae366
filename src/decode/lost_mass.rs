//! The certificate of the linear arithmetic: a bound on what underflow may have taken away.

use super::arithmetic::exponent;

/// How far, in powers of two, the lightest entry must be above the bound of what was lost.
const SAFE_BITS: f64 = 60.0;

/// Entries below `2^LOWEST_BITS` are near the end of a double's range, where products lose digits.
const LOWEST_BITS: i64 = -800;

/// Masses below this may have lost digits: `2^-960`.
pub(super) const SMALL: f64 = 1.026_342_011_119_824_6e-289;

/// Factors below this have lost digits, or may.
pub(super) const VANISHING: f64 = 1e-300;

/// An upper bound of the mass missing from the beam, all entries together.
///
/// A frame multiplies a mass that is missing by at most the sum of its relative probabilities, whatever
/// text it would have gone to, and what a frame loses itself is less than `2^-1070` of the heaviest mass
/// for each entry. Mass that leaves the beam is not lost: it is what the beam is defined to drop.
#[derive(Clone, Copy, Debug)]
pub(super) struct LostMass {
    /// Base-2 logarithm of the bound, at the search's scale.
    log2: f64,
}

impl LostMass {
    /// Nothing is lost.
    pub(super) const NONE: Self = Self { log2: f64::NEG_INFINITY };

    /// Whether anything may be lost.
    pub(super) fn any(self) -> bool {
        self.log2 > f64::NEG_INFINITY
    }

    /// After a frame whose relative probabilities, with the largest gain, sum to `exp(ln_growth)`.
    pub(super) fn grow(&mut self, ln_growth: f64) {
        self.log2 += ln_growth.max(0.0) * std::f64::consts::LOG2_E;
    }

    /// Something vanished in a frame that began with `entries`, the heaviest `best`.
    pub(super) fn note(&mut self, entries: usize, best: f64) {
        let bits = (entries as f64).log2() + exponent(best) as f64 - 1070.0;
        self.log2 = self.log2.max(bits) + 1.0;
    }

    /// The scale has grown by `units` powers of two.
    pub(super) fn rescale(&mut self, units: i64) {
        self.log2 += units as f64;
    }

    /// Whether the beam is what exact arithmetic would keep: its lightest entry is far above all that
    /// was lost, and if there is room in it, nothing was.
    pub(super) fn is_safe(self, lightest: f64, full: bool) -> bool {
        let bits = exponent(lightest);
        bits > LOWEST_BITS && (!self.any() || (full && bits as f64 - self.log2 > SAFE_BITS))
    }
}
