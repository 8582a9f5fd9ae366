//! The extensions of a frame where there is a scorer, of which it is asked only for those that can be kept.
//!
//! The entries are in order, heaviest first. For each the scorer tells what every token gains at most there, and one
//! pass over the classes tells which of them may reach the threshold: the lightest of a full beam's stays, which rises
//! as candidates are found. What stays can only meet an extension of its own parent, so that an extension which is in
//! the beam already is left out here.
//!
//! Nothing that ties with the threshold is dropped but by the order of label sequences.

use super::arithmetic::Arithmetic;
use super::children::Children;
use super::frame::Frame;
use super::fused::FusedRows;
use super::lost_mass::VANISHING;
use super::pool::{Candidate, Pool};
use super::prefixes::{Masses, Prefixes};
use super::row::largest_sum;
use super::scorer::{MANY_CLASSES, Scorer};
use crate::kernel::{Element, InstructionSet, reaching};

/// With many classes, one in so many has to have a chance for a state's bounds to be looked at.
const ASKED_FOR_BOUNDS: usize = 128;

/// What a frame begins with, and what stays of it.
pub(super) struct ScoredView<'a, T> {
    pub(super) prefixes: &'a Prefixes,
    pub(super) children: &'a Children,
    pub(super) masses: &'a Masses,
    /// By row: the mass if it stays.
    pub(super) stays: &'a [f64],
    /// By class: the relative probability; one more, of no token.
    pub(super) factors: &'a [f64],
    pub(super) fused: &'a FusedRows<T>,
}

/// The buffers to find what extends a beam, and what was found out about it.
#[derive(Debug)]
pub(super) struct ScoredExtensions {
    set: InstructionSet,
    blank: u32,
    /// By class: the natural logarithm of the relative probability, or a little more; `-inf` of what is not to be
    /// tried.
    above: Vec<f32>,
    /// With many classes: those that have a chance in the frame.
    tried: Vec<u32>,
    /// With fewer: a bit for each.
    bits: Vec<u64>,
    /// Those that may extend a row.
    hits: Vec<u32>,
    vanished: bool,
}

impl ScoredExtensions {
    pub(super) fn new(blank: u32) -> Self {
        let set = InstructionSet::best();
        let (tried, bits, hits) = (Vec::new(), Vec::new(), Vec::new());
        Self { set, blank, above: Vec::new(), tried, bits, hits, vanished: false }
    }

    /// Fills the pool with the extensions that may be kept. Returns whether some mass vanished.
    #[inline(always)]
    pub(super) fn extend<S: Scorer, A: Arithmetic, E: Element>(
        &mut self,
        frame: &Frame<E>,
        view: &ScoredView<S::State>,
        pool: &mut Pool,
        scorer: &mut S,
    ) -> bool {
        self.vanished = false;
        let mut threshold = Threshold::UNKNOWN;
        self.look_at::<A, E>(frame, &view.factors[..frame.row().len()]);
        let rows = view.fused.rows();
        let totals = view.masses.totals();
        let many = self.above.len() > MANY_CLASSES;
        // Where a token wins the frame, what stays is light, and the winner's extensions lift the threshold.
        if let Some(winner) = frame.winner(self.blank) {
            let above = std::mem::replace(&mut self.above[winner as usize], f32::NEG_INFINITY);
            let most = above + scorer.gain_bounds_of_any_state()[winner as usize];
            for (row, (fused, &total)) in rows.iter().zip(totals).enumerate() {
                let bar = threshold.bar::<A>(pool, total);
                if most < bar {
                    break;
                }
                if many || above + scorer.gain_bounds(fused.state)[winner as usize] >= bar {
                    self.ask::<S, A>(row, winner, view, pool, scorer);
                }
            }
            pool.settle(view.stays, |a, b| view.prefixes.compare(a, b));
        }
        let most = largest_sum(&self.above, scorer.gain_bounds_of_any_state());
        if many {
            let bar = totals.first().map_or(f32::MIN, |&best| threshold.bar::<A>(pool, best));
            let most = scorer.gain_bounds_of_any_state();
            let chance = |&class: &u32| self.above[class as usize] + most[class as usize] >= bar;
            self.tried.clear();
            self.tried.extend((0..self.above.len() as u32).filter(chance));
        }
        for (row, (fused, &total)) in rows.iter().zip(totals).enumerate() {
            let bar = threshold.bar::<A>(pool, total);
            if most < bar {
                break;
            }
            // To tell the bounds of a state takes about as long as to ask for a few classes.
            if many && self.tried.len() < self.above.len() / ASKED_FOR_BOUNDS {
                self.find_hits_of_few(scorer.gain_bounds_of_any_state(), bar);
            } else {
                self.find_hits(scorer.gain_bounds(fused.state), bar);
            }
            for place in 0..self.hits.len() {
                self.ask::<S, A>(row, self.hits[place], view, pool, scorer);
            }
            pool.settle(view.stays, |a, b| view.prefixes.compare(a, b));
        }
        self.vanished
    }

    /// Of the few that have a chance in the frame, finds those that may extend a row.
    #[inline(always)]
    fn find_hits_of_few(&mut self, most: &[f32], bar: f32) {
        let Self { above, tried, hits, .. } = self;
        let reaches = |&&class: &&u32| above[class as usize] + most[class as usize] >= bar;
        hits.clear();
        hits.extend(tried.iter().filter(reaches));
    }

    /// Finds the tokens that may extend a row where they gain so much at most.
    #[inline(always)]
    fn find_hits(&mut self, most: &[f32], bar: f32) {
        let Self { set, above, bits, hits, .. } = self;
        hits.clear();
        reaching(*set, most, above, bar, bits);
        for (first, &word) in (0..).step_by(u64::BITS as usize).zip(&*bits) {
            let mut word = word;
            while word != 0 {
                hits.push(first + word.trailing_zeros());
                word &= word - 1;
            }
        }
    }

    /// Bounds of the relative probabilities.
    #[inline(always)]
    fn look_at<A: Arithmetic, E: Element>(&mut self, frame: &Frame<E>, factors: &[f64]) {
        frame.nats_above::<A>(factors, &mut self.above);
        if A::CAN_UNDERFLOW && frame.may_vanish() {
            for (class, (above, &x)) in (0..).zip(self.above.iter_mut().zip(frame.row())) {
                if *above == f32::NEG_INFINITY && frame.vanishes::<A>(class) {
                    *above = frame.relative_nats(x.to_f64()).max(f64::from(f32::MIN)) as f32;
                }
            }
        }
        self.above[self.blank as usize] = f32::NEG_INFINITY;
        self.bits.resize(factors.len().div_ceil(u64::BITS as usize), 0);
    }

    /// Asks the scorer for the extension of a row.
    #[inline]
    fn ask<S: Scorer, A: Arithmetic>(
        &mut self,
        row: usize,
        token: u32,
        view: &ScoredView<S::State>,
        pool: &mut Pool,
        scorer: &mut S,
    ) {
        let prefixes = &view.prefixes.rows;
        if view.children.has(prefixes, row, token) {
            return;
        }
        // A repeated label needs a blank before it.
        let from = if prefixes[row].last == token { view.masses.pb() } else { view.masses.totals() };
        let from = from[row];
        if from <= A::ZERO {
            return;
        }
        let p = view.factors[token as usize];
        let (_, gain) = scorer.extend(view.fused.rows()[row].state, token);
        let factor = A::from_gain(gain);
        let mass = A::mul(A::mul(from, p), factor);
        if mass >= pool.threshold() {
            pool.push(Candidate { mass, row: row as u32, token });
            let lossy = A::CAN_UNDERFLOW && (p < VANISHING || factor < VANISHING);
            if !lossy {
                return;
            }
        }
        // What has lost digits, or all, may have been more.
        let most = if A::CAN_UNDERFLOW { from * p.max(VANISHING) * factor.max(VANISHING) } else { mass };
        let is_light = pool.is_bounded() && most < pool.threshold();
        self.vanished |= gain.nats() > f64::NEG_INFINITY && !is_light;
    }
}

/// The pool's threshold and its logarithm.
struct Threshold {
    mass: f64,
    nats: f64,
}

impl Threshold {
    /// Not asked for yet.
    const UNKNOWN: Self = Self { mass: f64::NAN, nats: f64::NAN };

    /// No extension of a row of this mass is kept whose probability and gain add less, in nats.
    #[inline(always)]
    fn bar<A: Arithmetic>(&mut self, pool: &Pool, total: f64) -> f32 {
        if !pool.is_bounded() {
            // Whatever is possible.
            return f32::MIN;
        }
        if self.mass != pool.threshold() {
            self.mass = pool.threshold();
            self.nats = *A::nats_around(self.mass).start();
        }
        let nats = self.nats - A::nats_around(total).end();
        // A sum of two is rounded, as this is. What is not to be tried is below any bar.
        ((nats - 1e-6 * nats.abs() - 1e-6) as f32).max(f32::MIN)
    }
}
