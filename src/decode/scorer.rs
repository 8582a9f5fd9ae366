//! What can steer the beam beside the class scores: a language model, a lexicon, hotwords.

/// With more classes a search looks only at those that have a chance in a frame, and where these are few, not at the
/// bounds of a state.
pub(super) const MANY_CLASSES: usize = 1 << 11;

/// What an extension adds to a prefix's score: nats, and the factor that they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    nats: f64,
    factor: f64,
}

impl Gain {
    /// Adds nothing.
    pub const NONE: Self = Self { nats: 0.0, factor: 1.0 };

    /// So many nats; `-inf` forbids the extension. A scorer that gives the same gain often should keep it, for this
    /// computes an exponential.
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
/// A gain depends on the prefix only, not on the frame, so the search folds it into the masses: the
/// recursion is linear in them, and its bounds and ties stay exact.
///
/// Methods take `&mut self` so that a scorer may keep a cache; equal arguments must give equal results.
pub trait Scorer {
    /// Where a prefix stands; kept with each prefix. A small integer, or a few of them.
    type State: Copy;

    /// Whether every gain is zero and every text may end: then nothing of this is ever called.
    const NEUTRAL: bool = false;

    /// The state of the empty prefix.
    fn start(&self) -> Self::State;

    /// The state after `token`, and what it gains. `-inf` forbids the token here; `+inf` and NaN are not
    /// allowed.
    fn extend(&mut self, state: Self::State, token: u32) -> (Self::State, Gain);

    /// By class: nats that the gain after `state` does not exceed; `-inf` where the token is forbidden. The tighter,
    /// the less often [`Self::extend`] is asked in vain.
    fn gain_bounds(&mut self, state: Self::State) -> &[f32];

    /// By class: the same, whatever the state.
    fn gain_bounds_of_any_state(&self) -> &[f32];

    /// What a text gains that ends in this state, in nats; `None` where no text may end. Such texts
    /// are dropped at the end of the input unless nothing else is left.
    fn finish(&mut self, state: Self::State) -> Option<f64>;
}

/// No scorer: the beam is ranked by the class scores alone, and this costs nothing.
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
