//! What can steer the beam in addition to the class scores: a language model, a lexicon, hotwords.

/// With more classes than this, a search tries only those that can reach the beam in a frame; where these are few, it uses
/// bounds that hold for all states in place of each state's own.
pub(super) const MANY_CLASSES: usize = 1 << 11;

/// What an extension adds to a prefix's score: in nats, and as a factor of probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    nats: f64,
    factor: f64,
}

impl Gain {
    /// A gain of 0.
    pub const NONE: Self = Self { nats: 0.0, factor: 1.0 };

    /// A gain of `nats`; `-inf` forbids the extension. A scorer that often gives the same gain should keep it, since
    /// this computes an exponential.
    pub fn new(nats: f64) -> Self {
        if nats == 0.0 { Self::NONE } else { Self { nats, factor: nats.exp() } }
    }

    /// The gain in nats.
    pub fn nats(self) -> f64 {
        self.nats
    }

    /// The gain as a factor of probabilities.
    pub fn factor(self) -> f64 {
        self.factor
    }
}

/// Scores the extension of a prefix by a token.
///
/// The beam is ranked by `ln(pb + pn)` plus the sum of the gains of a prefix's tokens (shallow fusion).
/// A gain depends only on the prefix, not on the frame, so the search multiplies it into `pb` and `pn`: the
/// recursion is linear in these, and its bounds and ties stay exact.
///
/// Methods take `&mut self` so that a scorer may keep a cache; equal arguments must give equal results.
pub trait Scorer {
    /// The scorer's state after a prefix, which is kept with each prefix: a small integer, or a few of them.
    type State: Copy;

    /// Whether every gain is zero and every text may end; then none of the methods is ever called.
    const NEUTRAL: bool = false;

    /// The state of the empty prefix.
    fn start(&self) -> Self::State;

    /// The state after `token`, and what it gains. `-inf` forbids the token here; `+inf` and NaN are not
    /// allowed.
    fn extend(&mut self, state: Self::State, token: u32) -> (Self::State, Gain);

    /// For each class, `[classes]`, an upper bound in nats of the gain after `state`; `-inf` if the token is forbidden. The tighter
    /// the bounds, the less often [`Self::extend`] is called in vain.
    fn gain_bounds(&mut self, state: Self::State) -> &[f32];

    /// For each class, `[classes]`, an upper bound in nats of the gain after any state.
    fn gain_bounds_of_any_state(&self) -> &[f32];

    /// The gain, in nats, of a text that ends in this state; `None` if no text may end here. Texts that may not
    /// end are dropped at the end of the input unless nothing else is left.
    fn finish(&mut self, state: Self::State) -> Option<f64>;
}

/// No scorer: the beam is ranked by the class scores alone, at no cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoScorer;

impl Scorer for NoScorer {
    type State = ();
    const NEUTRAL: bool = true;

    fn start(&self) {}

    fn extend(&mut self, (): (), _token: u32) -> ((), Gain) {
        ((), Gain::NONE)
    }

    fn gain_bounds(&mut self, (): ()) -> &[f32] {
        &[]
    }

    fn gain_bounds_of_any_state(&self) -> &[f32] {
        &[]
    }

    fn finish(&mut self, (): ()) -> Option<f64> {
        Some(0.0)
    }
}

impl<S: Scorer> Scorer for &mut S {
    type State = S::State;
    const NEUTRAL: bool = S::NEUTRAL;

    fn start(&self) -> S::State {
        (**self).start()
    }

    fn extend(&mut self, state: S::State, token: u32) -> (S::State, Gain) {
        (**self).extend(state, token)
    }

    fn gain_bounds(&mut self, state: S::State) -> &[f32] {
        (**self).gain_bounds(state)
    }

    fn gain_bounds_of_any_state(&self) -> &[f32] {
        (**self).gain_bounds_of_any_state()
    }

    fn finish(&mut self, state: S::State) -> Option<f64> {
        (**self).finish(state)
    }
}
