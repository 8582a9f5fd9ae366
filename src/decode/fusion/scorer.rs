//! The scorer of a fusion, which keeps what it was asked lately.

use std::ops::Deref;

use super::gain_bounds::GainBounds;
use super::gains::Gains;
use super::{Fusion, FusionState, FusionWeights, LanguageModel, UNKNOWN};
use crate::decode::scorer::{Gain, Scorer};

/// A [`Fusion`], borrowed or shared (`&Fusion`, `Arc<Fusion>`), with weights. One that is shared can be kept, with its search,
/// from one request to the next, and go to another thread.
#[derive(Clone, Debug)]
pub struct FusionScorer<F> {
    gains: Gains<F>,
    bounds: GainBounds,
    /// The last extensions, each in the slot of its hash: from frame to frame mostly the same are asked for.
    recent: Vec<Extension>,
    /// The same where only one part of the state counts.
    recent_steps: Vec<Step>,
    counts: Counts,
}

/// What of a state an extension depends on and changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    /// The language model's state.
    Language,
    /// The word in progress, where the token does not end it.
    Word,
    /// All.
    All,
}

/// The part of a state that counts, after a token, and the gain.
#[derive(Clone, Copy, Debug)]
struct Step {
    from: u32,
    /// [`NONE`] in an empty slot.
    token: u32,
    next: u32,
    gain: Gain,
}

/// A state after a token, and the gain.
#[derive(Clone, Copy, Debug)]
struct Extension {
    state: FusionState,
    /// [`NONE`] in an empty slot.
    token: u32,
    next: FusionState,
    gain: Gain,
}

/// Slots of [`FusionScorer::recent`] and [`FusionScorer::recent_steps`], as a power of two.
const RECENT_BITS: u32 = 14;

/// No token.
const NONE: u32 = u32::MAX;

/// The slot of an extension.
fn slot(state: FusionState, token: u32) -> usize {
    let FusionState { language, word, hotwords } = state;
    let mixed = (u64::from(language) << 32 | u64::from(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (u64::from(hotwords) << 32 | u64::from(token))).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> (u64::BITS - RECENT_BITS)) as usize
}

/// The slot of a step.
fn step_slot(from: u32, token: u32) -> usize {
    let mixed = (u64::from(from) << 32 | u64::from(token)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - RECENT_BITS)) as usize
}

impl<F: Deref<Target = Fusion>> FusionScorer<F> {
    /// A scorer for one search at a time.
    ///
    /// # Panics
    /// If a weight is outside its limits: see [`FusionWeights`].
    pub fn new(fusion: F, weights: FusionWeights) -> Self {
        assert!(weights.are_allowed(), "weights within their limits");
        let bounds = GainBounds::new(&fusion, &weights);
        let with_hotwords = fusion.phrases.is_some();
        let counts = match &fusion.units.language {
            _ if with_hotwords => Counts::All,
            Some(LanguageModel::Tokens(..)) if fusion.units.words.is_some() => Counts::All,
            Some(LanguageModel::Tokens(..)) => Counts::Language,
            _ => Counts::Word,
        };
        let gains = Gains { fusion, weights, with_hotwords };
        Self { gains, bounds, recent: Vec::new(), recent_steps: Vec::new(), counts }
    }

    /// The part of a state that counts after a token, and the gain.
    #[inline]
    fn step(&mut self, state: FusionState, from: u32, token: u32) -> (u32, Gain) {
        match self.recent_steps.get(step_slot(from, token)) {
            Some(found) if found.token == token && found.from == from => (found.next, found.gain),
            _ => self.step_anew(state, from, token),
        }
    }

    #[inline(never)]
    fn step_anew(&mut self, state: FusionState, from: u32, token: u32) -> (u32, Gain) {
        if self.recent_steps.is_empty() {
            let empty = Step { from, token: NONE, next: from, gain: Gain::NONE };
            self.recent_steps.resize(1 << RECENT_BITS, empty);
        }
        let (FusionState { language, word, .. }, gain) = self.gains.extension(state, token);
        let gain = Gain::new(gain);
        let next = if self.counts == Counts::Language { language } else { word };
        self.recent_steps[step_slot(from, token)] = Step { from, token, next, gain };
        (next, gain)
    }

    /// Apart, so that the shorter way is inlined.
    #[inline(never)]
    fn extend_recent(&mut self, state: FusionState, token: u32) -> (FusionState, Gain) {
        match self.recent.get(slot(state, token)) {
            Some(found) if found.token == token && found.state == state => (found.next, found.gain),
            _ => self.extend_anew(state, token),
        }
    }

    fn extend_anew(&mut self, state: FusionState, token: u32) -> (FusionState, Gain) {
        if self.recent.is_empty() {
            let start = self.start();
            let empty = Extension { state: start, token: NONE, next: start, gain: Gain::NONE };
            self.recent.resize(1 << RECENT_BITS, empty);
        }
        let (next, gain) = self.gains.extension(state, token);
        let gain = Gain::new(gain);
        self.recent[slot(state, token)] = Extension { state, token, next, gain };
        (next, gain)
    }
}

impl<F: Deref<Target = Fusion>> Scorer for FusionScorer<F> {
    type State = FusionState;

    fn start(&self) -> FusionState {
        self.gains.start()
    }

    #[inline]
    fn extend(&mut self, state: FusionState, token: u32) -> (FusionState, Gain) {
        match self.counts {
            Counts::Language => {
                let (language, gain) = self.step(state, state.language, token);
                (FusionState { language, ..state }, gain)
            }
            Counts::Word if !self.gains.fusion.units.tokens[token as usize].ends_word => {
                if state.word == UNKNOWN {
                    return (state, Gain::NONE);
                }
                let (word, gain) = self.step(state, state.word, token);
                (FusionState { word, ..state }, gain)
            }
            _ => self.extend_recent(state, token),
        }
    }

    fn gain_bounds(&mut self, state: FusionState) -> &[f32] {
        self.bounds.of(&self.gains.fusion, &self.gains.weights, state)
    }

    fn gain_bounds_of_any_state(&self) -> &[f32] {
        self.bounds.of_all()
    }

    fn finish(&mut self, state: FusionState) -> Option<f64> {
        self.gains.finish(state)
    }
}
