//! The state of a beam search between frames, and what stays in a frame.

use std::marker::PhantomData;

use super::arithmetic::Arithmetic;
use super::beam_result::{BeamResult, Hypothesis, Space};
use super::children::Children;
use super::extend::{Extensions, View};
use super::extend_scored::{ScoredExtensions, ScoredView};
use super::frame::{Frame, FrameError};
use super::fused::{FusedRow, FusedRows};
use super::groups::Groups;
use super::lost_mass::{LARGE, LostMass, SMALL, VANISHING};
use super::pool::{Candidate, Pool};
use super::prefix_tree::NONE;
use super::prefixes::{Masses, Prefixes};
use super::scorer::Scorer;
use crate::kernel::{Element, Sum, log_add};
use crate::logits::InputKind;

/// How the rows are after a frame if none is added.
#[derive(Clone, Copy, Debug)]
struct Stayed {
    /// The rows are still in order, and all have mass.
    in_order: bool,
    /// Some mass is too small to be told.
    vanished: bool,
}

/// A search and the buffers of its frames. Masses contain the scorer's gains.
///
/// Rows are in order, heaviest first, of equal ones the lexicographically smaller first.
pub(super) struct Search<S: Scorer, A> {
    width: usize,
    blank: u32,
    scorer: S,
    arithmetic: PhantomData<A>,
    /// Empty where the scorer is neutral.
    fused: FusedRows<S::State>,
    prefixes: Prefixes,
    masses: Masses,
    /// No mass above zero is lighter than this; 0 where nothing is known.
    floor: f64,
    /// Masses are probabilities times the arithmetic's unit to this power.
    scale: i128,
    offset_nats: Sum,
    lost: LostMass,
    /// The masses if all rows stay.
    stays: Masses,
    /// The tokens' probabilities in this frame: without a scorer by group, else by class, and then that of no token.
    factors: Vec<f64>,
    pool: Pool,
    extensions: Extensions,
    /// Without a scorer.
    groups: Groups,
    scored_extensions: ScoredExtensions,
    /// With a scorer.
    children: Children,
}

impl<S: Scorer, A: Arithmetic> Search<S, A> {
    /// `width` is at least 1 and `blank` below `classes`.
    pub(super) fn new(width: usize, blank: u32, classes: usize, scorer: S) -> Self {
        let largest_gain = scorer.gain_bounds_of_any_state().iter().copied().fold(0.0, f32::max);
        let mut search = Self {
            width,
            blank,
            scorer,
            arithmetic: PhantomData,
            fused: FusedRows::new(),
            prefixes: Prefixes::new(),
            masses: Masses::default(),
            floor: 0.0,
            scale: 0,
            offset_nats: Sum::default(),
            lost: LostMass::new(largest_gain.into()),
            stays: Masses::default(),
            factors: Vec::new(),
            pool: Pool::new(width),
            extensions: Extensions::new(width, blank),
            groups: Groups::new(classes),
            scored_extensions: ScoredExtensions::new(blank),
            children: Children::new(classes),
        };
        search.reset();
        search
    }

    /// The scorer, for another search of the same item.
    pub(super) fn scorer(&mut self) -> &mut S {
        &mut self.scorer
    }

    /// Looks at the next frame. With a scorer, its factors are kept for [`Self::step`].
    #[inline(always)]
    pub(super) fn look_at<'a, E: Element>(
        &mut self,
        row: &'a [E],
        kind: InputKind,
        min_logp: f64,
        number: usize,
    ) -> Result<Frame<'a, E>, FrameError> {
        if S::NEUTRAL {
            Frame::new(row, kind, min_logp, number)
        } else {
            let frame = Frame::with_factors::<A>(row, kind, min_logp, number, self.blank, &mut self.factors)?;
            self.factors.push(A::ZERO);
            Ok(frame)
        }
    }

    /// Begins a new item.
    pub(super) fn reset(&mut self) {
        self.prefixes.reset();
        if !S::NEUTRAL {
            self.fused.begin::<A, S>(&self.scorer);
        }
        self.link();
        self.masses.resize::<A>(1);
        self.masses.set(0, A::START, A::START, A::ZERO);
        self.floor = 0.0;
        self.scale = A::START_SCALE;
        self.offset_nats = Sum::default();
        self.lost.reset();
    }

    /// Takes a frame; false where no mass is left or the arithmetic can't vouch for the beam.
    #[inline(always)]
    pub(super) fn step<E: Element>(&mut self, frame: &Frame<E>) -> bool {
        let Some(&best_before) = self.masses.totals().first() else { return false };
        let Stayed { in_order, mut vanished } = self.stay(frame);
        let stays = self.stays.totals();
        let prefixes = &self.prefixes;
        self.pool.begin(stays, in_order, A::SMALLEST, |a, b| prefixes.compare(a, b));
        vanished |= if S::NEUTRAL {
            let (groups, masses, factors) = (&self.groups, &self.masses, &self.factors);
            let view = View { prefixes, groups, masses, stays, factors };
            self.extensions.extend::<A, E>(frame, &view, &mut self.pool)
        } else {
            let (children, masses, factors) = (&self.children, &self.masses, &self.factors);
            let fused = &self.fused;
            let view = ScoredView { prefixes, children, masses, stays, factors, fused };
            self.scored_extensions.extend::<S, A, E>(frame, &view, &mut self.pool, &mut self.scorer)
        };
        if in_order && self.pool.is_empty() {
            std::mem::swap(&mut self.masses, &mut self.stays);
            self.lost.keep_all();
        } else {
            self.rebuild();
        }
        let (Some(&best), Some(&lightest)) = (self.masses.totals().first(), self.masses.totals().last())
        else {
            return false;
        };
        self.offset_nats.add(frame.offset_nats());
        if A::CAN_UNDERFLOW {
            let len = self.masses.len();
            self.lost.end(len, best_before, vanished);
            self.floor = self.floor.min(lightest);
            if best >= LARGE || !self.lost.is_safe(lightest, len == self.width) {
                return false;
            }
        }
        let units = A::rescaling(best);
        if units != 0 {
            self.masses.rescale::<A>(units);
            self.scale += i128::from(units);
            if A::CAN_UNDERFLOW {
                self.lost.rescale(units);
                self.floor = A::rescaled(self.floor, units);
            }
        }
        true
    }

    /// Computes what each row has if it stays: paths that go on with a blank or repeat the last token,
    /// and those of the row's parent that come to the row.
    #[inline(always)]
    fn stay<E: Element>(&mut self, frame: &Frame<E>) -> Stayed {
        let blank = frame.row()[self.blank as usize].to_f64();
        let (p_blank, vanished) = if S::NEUTRAL {
            let (p, lossy) = frame.relative::<A>(blank);
            (p, self.find_factors(frame) || lossy)
        } else {
            let mut lasts = self.prefixes.rows.iter().map(|prefix| prefix.last).filter(|&last| last != NONE);
            let mut lossy = || frame.relative::<A>(blank).1 || lasts.any(|last| frame.vanishes::<A>(last));
            (self.factors[self.blank as usize], frame.may_vanish() && lossy())
        };
        let stayed = if A::CAN_UNDERFLOW && !(S::NEUTRAL && self.is_far_from_small(p_blank)) {
            self.stay_rows::<true>(p_blank)
        } else {
            self.stay_rows::<false>(p_blank)
        };
        if A::CAN_UNDERFLOW && self.lost.any() {
            self.lose_with_stays(p_blank);
        }
        Stayed { vanished: vanished || stayed.vanished, ..stayed }
    }

    /// The factors of the groups' tokens; whether one vanished.
    #[inline(always)]
    fn find_factors<E: Element>(&mut self, frame: &Frame<E>) -> bool {
        let mut vanished = false;
        self.factors.clear();
        for group in &self.groups.all {
            let (p, lossy) = match group.token {
                NONE => (A::ZERO, false),
                token => frame.relative_token::<A>(frame.row()[token as usize]),
            };
            vanished |= lossy;
            self.factors.push(p);
        }
        vanished
    }

    /// What the rows have to do with each other.
    fn link(&mut self) {
        if S::NEUTRAL {
            self.groups.link(&self.prefixes.rows);
        } else {
            self.children.link(&self.prefixes.rows);
        }
    }

    /// Whether no mass becomes [`SMALL`] where rows stay. Lowers the floor by what such a frame can.
    #[inline(always)]
    fn is_far_from_small(&mut self, p_blank: f64) -> bool {
        let positive = |least: f64, x: f64| if x > 0.0 && x < least { x } else { least };
        let least = self.factors.iter().copied().fold(positive(f64::INFINITY, p_blank), positive);
        if self.floor * least < SMALL {
            let masses = self.masses.flat.iter().chain(&self.masses.pn);
            self.floor = masses.copied().fold(f64::INFINITY, positive);
        }
        self.floor *= least;
        self.floor >= SMALL
    }

    /// The rows of [`Self::stay`]. `CHECKED`: whether to look which masses fade.
    #[allow(clippy::needless_bitwise_bool)] // lanes do not wait for each other
    #[inline(always)]
    fn stay_rows<const CHECKED: bool>(&mut self, p_blank: f64) -> Stayed {
        let len = self.prefixes.len();
        self.stays.resize::<A>(len);
        // Without a scorer the rows' groups tell their tokens' probabilities, else the rows themselves.
        let lasts = if S::NEUTRAL { &self.groups.group } else { &self.children.lasts };
        let (totals, pbs) = self.stays.flat.split_at_mut(len);
        let pns = &mut self.stays.pn;
        // What lies elsewhere is picked first, so that the rest becomes vector code.
        for ((p_last, from), (&last, &source)) in
            totals.iter_mut().zip(&mut *pbs).zip(lasts.iter().zip(&self.prefixes.sources))
        {
            *p_last = self.factors[last as usize];
            *from = self.masses.flat[source as usize];
        }
        let mut vanished = false;
        if !S::NEUTRAL {
            for (gain, fused) in pns.iter_mut().zip(self.fused.rows()) {
                *gain = fused.factor;
                vanished |= A::CAN_UNDERFLOW & (fused.factor < VANISHING);
            }
        }
        let masses = self.masses.totals().iter().zip(&self.masses.pn);
        for (((stay_total, stay_pb), stay_pn), (&total, &pn)) in
            totals.iter_mut().zip(pbs).zip(pns).zip(masses)
        {
            let (p_last, from) = (*stay_total, *stay_pb);
            let pb = A::mul(total, p_blank);
            let repeat = A::mul(pn, p_last);
            let mut inflow = A::mul(from, p_last);
            if !S::NEUTRAL {
                inflow = A::mul(inflow, *stay_pn);
            }
            if CHECKED {
                let fades = |mass: f64, from: f64, p: f64| (mass < SMALL) & (from > 0.0) & (p > 0.0);
                vanished |= fades(pb, total, p_blank);
                vanished |= fades(repeat, pn, p_last);
                vanished |= fades(inflow, from, p_last);
            }
            *stay_pb = pb;
            *stay_pn = A::add(repeat, inflow);
            *stay_total = A::add(pb, *stay_pn);
        }
        Stayed { in_order: self.stay_in_order(), vanished }
    }

    /// Whether what stays is in order as it is: the heaviest first, equal ones in the order of their texts.
    #[allow(clippy::needless_bitwise_bool)] // lanes do not wait for each other
    #[inline(always)]
    fn stay_in_order(&self) -> bool {
        let (stays, totals) = (self.stays.totals(), self.masses.totals());
        let pairs = stays.iter().zip(stays.iter().skip(1));
        let falls = pairs.fold(true, |all, (before, after)| all & (after < before));
        // Equal ones that were equal before are.
        let is_next =
            |i: usize| stays[i] < stays[i - 1] || stays[i] == stays[i - 1] && totals[i] == totals[i - 1];
        (falls || (1..stays.len()).all(is_next)) && stays.last().is_none_or(|&last| last > A::ZERO)
    }

    #[cold]
    fn lose_with_stays(&mut self, p_blank: f64) {
        self.lost.begin();
        let lasts = if S::NEUTRAL { &self.groups.group } else { &self.children.lasts };
        for (row, (&last, prefix)) in lasts.iter().zip(&self.prefixes.rows).enumerate() {
            let p_last = self.factors[last as usize];
            let gain = if S::NEUTRAL { 1.0 } else { self.fused.rows()[row].factor };
            let above = (prefix.parent != NONE).then_some((prefix.parent as usize, p_last * gain));
            self.lost.stay(row, p_blank + p_last, above);
        }
    }

    /// Makes the best of what stays and what extends the beam.
    #[inline(always)]
    fn rebuild(&mut self) {
        let Self { prefixes, masses, stays, lost, .. } = self;
        let selected = self.pool.select(stays.totals(), |a, b| prefixes.compare(a, b));
        if A::CAN_UNDERFLOW && lost.any() {
            lose_with_selected(lost, selected, prefixes, masses);
        }
        prefixes.begin();
        masses.resize::<A>(selected.len());
        for (place, &Candidate { mass, row, token }) in selected.iter().enumerate() {
            let row = row as usize;
            if token == NONE {
                prefixes.keep(row);
                masses.set(place, mass, stays.pb()[row], stays.pn[row]);
                if !S::NEUTRAL {
                    self.fused.keep(row);
                }
            } else {
                prefixes.extend(row, token);
                masses.set(place, mass, A::ZERO, mass);
                if !S::NEUTRAL {
                    self.fused.extend::<A, S>(row, token, &mut self.scorer);
                }
            }
        }
        prefixes.end();
        if !S::NEUTRAL {
            self.fused.end();
        }
        self.link();
    }

    /// The beam as it stands, at most `limit` hypotheses of it.
    pub(super) fn finish(&mut self, limit: usize) -> BeamResult {
        let Self { prefixes: Prefixes { rows, tree, .. }, masses, fused, scorer, .. } = self;
        let offset = self.offset_nats.value();
        let space = if A::CAN_UNDERFLOW { Space::Linear } else { Space::Log };
        let nats = |mass: f64| A::to_nats(mass, self.scale) + offset;
        let rows = rows.iter().map(|prefix| prefix.node).zip(masses.totals());
        if S::NEUTRAL {
            let all = masses.totals().iter().copied().fold(A::ZERO, A::add);
            let hypotheses = rows.take(limit).map(|(node, &total)| {
                let logp_nats = nats(total);
                Hypothesis { tokens: tree.tokens(node), logp_nats, score_nats: logp_nats }
            });
            return BeamResult { hypotheses: hypotheses.collect(), beam_logp_nats: nats(all), space };
        }
        let mut beam_logp_nats = f64::NEG_INFINITY;
        let mut ended = Vec::new();
        let mut unended = Vec::new();
        for ((node, &total), &FusedRow { state, gain, .. }) in rows.zip(fused.rows()) {
            let score = nats(total);
            let logp_nats = score - gain;
            beam_logp_nats = log_add(beam_logp_nats, logp_nats);
            let end = scorer.finish(state);
            let list = if end.is_some() { &mut ended } else { &mut unended };
            list.push((score + end.unwrap_or(0.0), logp_nats, node));
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

#[cold]
fn lose_with_selected(lost: &mut LostMass, selected: &[Candidate], prefixes: &Prefixes, masses: &Masses) {
    for &Candidate { mass, row, token } in selected {
        let row = row as usize;
        if token == NONE {
            lost.keep(row);
        } else {
            let repeats = prefixes.rows[row].last == token;
            let from = if repeats { masses.pb()[row] } else { masses.totals()[row] };
            lost.extend(row, mass / from);
        }
    }
}
