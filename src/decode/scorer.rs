//! What can steer the beam beside the class scores: a language model, a lexicon, hotwords.

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

/// Bounds of what a token gains, in nats. The tighter, the sooner the search can stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GainBounds {
    /// It gains no more in any state.
    pub most: f64,
    /// It gains no more in a state that does not expect it.
    pub unexpected: f64,
    /// Which bit of [`Expected::tokens`] stands for it, below 64. Tokens may share one.
    pub bit: u32,
}

/// What a state expects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// The tokens, as bits. Any other gains no more than [`GainBounds::unexpected`].
    pub tokens: u64,
    /// Nats that all others gain less than that; at least 0.
    pub less: f64,
}

impl Expected {
    /// Anything.
    pub const ALL: Self = Self { tokens: u64::MAX, less: 0.0 };
}

impl GainBounds {
    /// So much, whatever the state.
    pub fn of_any_state(most: f64) -> Self {
        Self { most, unexpected: most, bit: 0 }
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

    /// What extensions by `token` gain at most. Asked once for each token.
    fn bounds(&self, token: u32) -> GainBounds;

    /// What a state expects.
    fn expected(&self, _state: Self::State) -> Expected {
        Expected::ALL
    }

    /// No extension by any token gains more, in nats.
    fn max_gain_of_all(&self) -> f64;

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

    fn bounds(&self, _token: u32) -> GainBounds {
        GainBounds::of_any_state(0.0)
    }

    fn max_gain_of_all(&self) -> f64 {
        0.0
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

    fn bounds(&self, token: u32) -> GainBounds {
        (**self).bounds(token)
    }

    fn expected(&self, state: S::State) -> Expected {
        (**self).expected(state)
    }

    fn max_gain_of_all(&self) -> f64 {
        (**self).max_gain_of_all()
    }

    fn finish(&mut self, state: S::State) -> Option<f64> {
        (**self).finish(state)
    }
}
