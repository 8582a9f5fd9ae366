//! The certificate of the linear arithmetic: a bound on what underflow has taken away.

use crate::kernel::{exponent_of, pow2};

/// How far, in powers of two, the lightest entry must be above the bound of what was lost.
const SAFE_BITS: i64 = 60;

/// Entries below `2^LOWEST_BITS` are near the end of a double's range, where products lose digits.
const LOWEST_BITS: i64 = -800;

/// Masses below this may have lost digits.
pub(super) const SMALL: f64 = pow2(-880);

/// A frame may not bring the heaviest mass above this, so that scaling back keeps all digits of masses
/// that are not [`SMALL`].
pub(super) const LARGE: f64 = pow2(1000);

/// Factors below this have lost digits, or may.
pub(super) const VANISHING: f64 = 1e-300;

/// Losses are held in units of `2^-UNIT_BITS`, for they are too small for the scale of the masses.
const UNIT_BITS: i64 = 1000;

/// What a factor loses near 0 is less than two to minus this.
const FACTOR_BITS: i64 = 1074;

/// For each entry of the beam, a bound on the mass that it should have and has not.
///
/// A loss goes the way of the mass that it is missing from, so it is carried along by the same recursion.
/// Losses of entries that leave the beam are forgotten: that mass would have left with them. Nothing is
/// kept before the first loss, and most inputs never have one.
#[derive(Clone, Debug)]
pub(super) struct LostMass {
    /// What a frame takes of the heaviest mass at most where something vanishes, in units of losses.
    most: f64,
    some: bool,
    /// By row.
    losses: Vec<f64>,
    /// By row: the loss if the row stays.
    stays: Vec<f64>,
    /// By row of the next beam.
    next: Vec<f64>,
}

impl LostMass {
    /// Nothing is lost yet; no gain exceeds `largest_gain`, in nats.
    pub(super) fn new(largest_gain: f64) -> Self {
        // Factors and products lose at most `2^-FACTOR_BITS`, and that times a gain.
        let most = (largest_gain - (FACTOR_BITS - UNIT_BITS) as f64 * std::f64::consts::LN_2).exp();
        Self { most: most.max(1.0), some: false, losses: Vec::new(), stays: Vec::new(), next: Vec::new() }
    }

    /// Nothing is lost.
    pub(super) fn reset(&mut self) {
        self.some = false;
    }

    /// Whether anything may be lost; only then are rows to be reported.
    pub(super) fn any(&self) -> bool {
        self.some
    }

    /// Begins a frame; each row of the beam follows by [`Self::stay`].
    pub(super) fn begin(&mut self) {
        self.stays.clear();
        self.next.clear();
    }

    /// The next row stays: its own mass is multiplied by at most `own`, and that of its parent, if it
    /// has one in the beam, by `inherited`.
    pub(super) fn stay(&mut self, row: usize, own: f64, parent: Option<(usize, f64)>) {
        let inherited = parent.map_or(0.0, |(parent, factor)| self.losses[parent] * factor);
        self.stays.push(self.losses[row] * own + inherited);
    }

    /// The new beam has the same rows.
    pub(super) fn keep_all(&mut self) {
        if self.some {
            std::mem::swap(&mut self.next, &mut self.stays);
        }
    }

    /// The next entry of the new beam is this row as it stays.
    pub(super) fn keep(&mut self, row: usize) {
        self.next.push(self.stays[row]);
    }

    /// The next entry of the new beam extends this row, whose mass is multiplied by `factor`.
    pub(super) fn extend(&mut self, row: usize, factor: f64) {
        self.next.push(self.losses[row] * factor);
    }

    /// Ends a frame that has made a beam of `entries` of one whose heaviest was `best`. If something has
    /// `vanished`, each entry has lost less than `most` units of `best`.
    pub(super) fn end(&mut self, entries: usize, best: f64, vanished: bool) {
        if self.some {
            std::mem::swap(&mut self.losses, &mut self.next);
        } else if vanished {
            self.some = true;
            self.losses.clear();
            self.losses.resize(entries, 0.0);
        }
        if vanished {
            self.losses.iter_mut().for_each(|loss| *loss += best * self.most);
        }
    }

    /// All masses were multiplied by `2^units`.
    pub(super) fn rescale(&mut self, units: i64) {
        let half = units / 2;
        for loss in &mut self.losses {
            *loss *= pow2(half) * pow2(units - half);
        }
    }

    /// Whether the beam is what exact arithmetic would keep: its lightest entry is far above all that
    /// was lost, and if there is room in it, nothing was.
    pub(super) fn is_safe(&self, lightest: f64, full: bool) -> bool {
        let bits = exponent_of(lightest);
        if bits <= LOWEST_BITS || !self.some {
            return bits > LOWEST_BITS;
        }
        let lost: f64 = self.losses.iter().sum();
        full && lost.is_finite() && exponent_of(lost) - UNIT_BITS + SAFE_BITS < bits
    }
}
