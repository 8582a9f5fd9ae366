//! What a beam search ends with.

/// A label sequence that was in the beam at the end.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Hypothesis {
    /// Its class indices, without blanks.
    pub tokens: Vec<u32>,
    /// `ln(pb + pn)` in nats, without the scorer's gains: a lower bound of the text's log-probability, since
    /// paths that left the beam are not counted.
    pub logp_nats: f64,
    /// What the beam is ranked by, in nats: `logp_nats` plus the scorer's gains.
    pub score_nats: f64,
}

/// The number system that a result was computed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Probabilities (masses) themselves.
    Linear,
    /// Logarithms of masses, because linear ones would have underflowed.
    Log,
}

/// The final beam.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BeamResult {
    /// Best first; among equal ones the lexicographically smaller first. No two have the same tokens.
    pub hypotheses: Vec<Hypothesis>,
    /// Natural logarithm of the sum of `pb + pn` over the whole beam, including entries that are not
    /// among `hypotheses`: no text outside the beam has a probability above one minus its exponential.
    pub beam_logp_nats: f64,
    /// The number system that was used.
    pub space: Space,
}
