//! The state of a beam search between frames, and what stays in a frame.

use std::marker::PhantomData;

use super::arithmetic::Arithmetic;
use super::beam::{BeamResult, Hypothesis, Space};
use super::extend::Extensions;
use super::frame::Frame;
use super::lost_mass::{LostMass, SMALL};
use super::pool::Candidate;
use super::prefix_tree::{NONE, NodeId, PrefixTree, ROOT};
use super::scorer::Scorer;
use crate::kernel::{Element, Sum, log_add};

/// A prefix in the beam. Masses contain the scorer's gains.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Mass of the paths that end in a blank.
    pub(super) pb: f64,
    /// Mass of the paths that end in the last token.
    pub(super) pn: f64,
    pub(super) node: NodeId,
    /// The last token; [`NONE`] for the empty prefix.
    pub(super) last: u32,
}

/// The entries, heaviest first, of equal ones the lexicographically smaller first.
#[derive(Debug, Default)]
pub(super) struct Beam {
    pub(super) entries: Vec<Entry>,
    /// `pb + pn` of each entry, above zero.
    pub(super) totals: Vec<f64>,
    /// Place of each entry's parent in the beam, or [`NONE`].
    pub(super) parents: Vec<u32>,
}

/// What the scorer says of a prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fused<T> {
    pub(super) state: T,
    /// Sum of the gains of all tokens, in nats.
    gain: f64,
    /// The last token's gain, as a factor.
    factor: f64,
}

/// A search and the buffers of its frames.
pub(super) struct Search<S: Scorer, A> {
    width: usize,
    blank: u32,
    scorer: S,
    arithmetic: PhantomData<A>,
    tree: PrefixTree,
    /// By node; empty where the scorer is neutral.
    fused: Vec<Fused<S::State>>,
    beam: Beam,
    /// Masses are probabilities times the arithmetic's unit to this power.
    scale: i64,
    offset_nats: Sum,
    lost: LostMass,
    /// The entries as they stay in this frame.
    stays: Vec<Entry>,
    extensions: Extensions,
    kept: Vec<bool>,
}

impl<S: Scorer, A: Arithmetic> Search<S, A> {
    /// `width` is at least 1 and `blank` below `classes`.
    pub(super) fn new(width: usize, blank: u32, classes: usize, scorer: S) -> Self {
        let mut search = Self {
            width,
            blank,
            scorer,
            arithmetic: PhantomData,
            tree: PrefixTree::new(),
            fused: Vec::new(),
            beam: Beam::default(),
            scale: 0,
            offset_nats: Sum::default(),
            lost: LostMass::NONE,
            stays: Vec::new(),
            extensions: Extensions::new(width, blank, classes),
            kept: Vec::new(),
        };
        search.reset();
        search
    }

    /// Begins a new item.
    pub(super) fn reset(&mut self) {
        self.tree.reset();
        self.fused.clear();
        if !S::NEUTRAL {
            self.fused.push(Fused { state: self.scorer.start(), gain: 0.0, factor: A::from_log(0.0) });
        }
        self.beam.entries.clear();
        self.beam.totals.clear();
        self.beam.entries.push(Entry { pb: A::START, pn: A::ZERO, node: ROOT, last: NONE });
        self.beam.totals.push(A::START);
        self.scale = A::START_SCALE;
        self.offset_nats = Sum::default();
        self.lost = LostMass::NONE;
    }

    /// Takes a frame; false where no mass is left or the arithmetic can't vouch for the beam.
    pub(super) fn step<E: Element>(&mut self, frame: &Frame<E>) -> bool {
        let (before, best_before) = (self.beam.entries.len(), self.beam.totals[0]);
        let mut vanished = self.stay(frame);
        vanished |=
            self.extensions.extend::<S, A, E>(frame, &self.beam, &self.tree, &self.fused, &mut self.scorer);
        self.rebuild();
        let (Some(&best), Some(&lightest)) = (self.beam.totals.first(), self.beam.totals.last()) else {
            return false;
        };
        self.offset_nats.add(frame.offset_nats());
        if A::CAN_UNDERFLOW {
            if vanished {
                self.lost.note(before, best_before);
            }
            if self.lost.any() {
                let gain = if S::NEUTRAL { 0.0 } else { self.scorer.max_gain_of_all().max(0.0) };
                self.lost.grow(frame.ln_total() + gain);
            }
            if !best.is_finite() || !self.lost.is_safe(lightest, self.beam.totals.len() == self.width) {
                return false;
            }
        }
        let units = A::rescaling(best);
        if units != 0 {
            self.rescale(units);
        }
        true
    }

    /// Computes what each entry has if it stays, and offers that to the pool. Returns whether some mass
    /// vanished.
    fn stay<E: Element>(&mut self, frame: &Frame<E>) -> bool {
        let Beam { entries, totals, parents } = &mut self.beam;
        self.extensions.begin(entries.len());
        self.stays.clear();
        parents.clear();
        let (p_blank, mut vanished) = frame.relative::<A>(frame.row()[self.blank as usize].to_f64());
        let mut product = |a: f64, b: f64| {
            let mass = A::mul(a, b);
            vanished |= A::CAN_UNDERFLOW && mass < SMALL && a > 0.0 && b > 0.0;
            mass
        };
        for (row, entry) in entries.iter().enumerate() {
            let pb = product(totals[row], p_blank);
            let mut pn = A::ZERO;
            let mut parent = NONE;
            if entry.last != NONE {
                let p_last = self.extensions.link::<A, E>(frame, row as u32, entry.last);
                pn = product(entry.pn, p_last);
                parent = self.tree.position(self.tree.parent(entry.node));
                if parent != NONE {
                    let above = &entries[parent as usize];
                    let from = if above.last == entry.last { above.pb } else { totals[parent as usize] };
                    let mut mass = product(from, p_last);
                    if !S::NEUTRAL {
                        mass = product(mass, self.fused[entry.node as usize].factor);
                    }
                    pn = A::add(pn, mass);
                }
            }
            parents.push(parent);
            self.stays.push(Entry { pb, pn, ..*entry });
            let mass = A::add(pb, pn);
            if mass > A::ZERO {
                self.extensions.pool.push(Candidate { mass, row: row as u32, token: NONE });
            }
        }
        vanished
    }

    /// Makes the pool's best the beam.
    fn rebuild(&mut self) {
        let Beam { entries, totals, .. } = &mut self.beam;
        let tree = &mut self.tree;
        let selected = self.extensions.pool.sorted(|a, b| {
            tree.compare((entries[a.row as usize].node, a.token), (entries[b.row as usize].node, b.token))
        });
        self.kept.clear();
        self.kept.resize(entries.len(), false);
        totals.clear();
        let first_new = self.stays.len();
        for candidate in selected {
            let row = candidate.row as usize;
            totals.push(candidate.mass);
            if candidate.stays() {
                self.kept[row] = true;
                self.stays.push(self.stays[row]);
                continue;
            }
            let parent = entries[row].node;
            let (node, fresh) = tree.child(parent, candidate.token);
            self.stays.push(Entry { pb: A::ZERO, pn: candidate.mass, node, last: candidate.token });
            if fresh && !S::NEUTRAL {
                let Fused { state, gain, .. } = self.fused[parent as usize];
                let (state, more) = self.scorer.extend(state, candidate.token);
                let fused = Fused { state, gain: gain + more, factor: A::from_log(more) };
                match self.fused.get_mut(node as usize) {
                    Some(slot) => *slot = fused,
                    None => self.fused.push(fused),
                }
            }
        }
        // Only now, so that no parent of a new entry is freed.
        for (entry, kept) in entries.iter().zip(&self.kept) {
            if !kept {
                tree.leave(entry.node);
            }
        }
        entries.clear();
        entries.extend_from_slice(&self.stays[first_new..]);
        for (position, entry) in (0..).zip(entries.iter()) {
            tree.set_position(entry.node, position);
        }
    }

    fn rescale(&mut self, units: i64) {
        let Beam { entries, totals, .. } = &mut self.beam;
        for (entry, total) in entries.iter_mut().zip(totals.iter_mut()) {
            entry.pb = A::rescaled(entry.pb, units);
            entry.pn = A::rescaled(entry.pn, units);
            *total = A::rescaled(*total, units);
        }
        self.scale += units;
        if A::CAN_UNDERFLOW {
            self.lost.rescale(units);
            if units < 0 {
                self.lost.note(entries.len(), totals[0]);
            }
        }
    }

    /// The beam as it stands, at most `limit` hypotheses of it.
    pub(super) fn finish(&mut self, limit: usize) -> BeamResult {
        let Self { beam, tree, fused, scorer, .. } = self;
        let offset = self.offset_nats.value();
        let space = if A::CAN_UNDERFLOW { Space::Linear } else { Space::Log };
        let nats = |mass: f64| A::to_nats(mass, self.scale) + offset;
        if S::NEUTRAL {
            let all = beam.totals.iter().copied().fold(A::ZERO, A::add);
            let hypotheses = beam.entries.iter().zip(&beam.totals).take(limit).map(|(entry, &total)| {
                let logp_nats = nats(total);
                Hypothesis { tokens: tree.tokens(entry.node), logp_nats, score_nats: logp_nats }
            });
            return BeamResult { hypotheses: hypotheses.collect(), beam_logp_nats: nats(all), space };
        }
        let mut beam_logp_nats = f64::NEG_INFINITY;
        let mut ended = Vec::new();
        let mut unended = Vec::new();
        for (entry, &total) in beam.entries.iter().zip(&beam.totals) {
            let Fused { state, gain, .. } = fused[entry.node as usize];
            let score = nats(total);
            let logp_nats = score - gain;
            beam_logp_nats = log_add(beam_logp_nats, logp_nats);
            let end = scorer.finish(state);
            let list = if end.is_some() { &mut ended } else { &mut unended };
            list.push((score + end.unwrap_or(0.0), logp_nats, entry.node));
        }
        let mut ranked = if ended.is_empty() { unended } else { ended };
        // The final gains change the order; where they make scores equal, the smaller text is first.
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| tree.compare((a.2, NONE), (b.2, NONE))));
        let hypotheses = ranked.iter().take(limit).map(|&(score_nats, logp_nats, node)| Hypothesis {
            tokens: tree.tokens(node),
            logp_nats,
            score_nats,
        });
        BeamResult { hypotheses: hypotheses.collect(), beam_logp_nats, space }
    }
}
