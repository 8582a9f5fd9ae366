//! A survey of all numbers of a matrix: what they look like.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::audit::{SEVERAL_ROWS, are_rounded_probs, is_flat, is_flat_in_logs, may_sum_to_one};
use super::log_bases::LogBases;
use super::row::{is_certain, sums_to_one};
use super::whole_numbers::WholeNumbers;
use super::{Block, BlockReducer, Geometry, InputKind};
use crate::kernel::{Element, Spread, Sum, exp_weighted_distance_sum, log_sum_exp, spread};

/// A survey of all numbers of a matrix: what they look like.
#[derive(Clone, Debug)]
pub struct Survey {
    geometry: Geometry,
    rows_per_item: usize,
    lengths: Vec<usize>,
    /// What was found.
    pub found: SurveyTotals,
    /// How often each class wins a row.
    pub wins: Vec<u64>,
    /// Number of runs of rows, within an item, that the same class wins. Of rows of several axes that are no items, runs
    /// in the order of the file.
    pub runs: u64,
    /// How each item's rows ended so far.
    ends: Vec<End>,
    /// By item: who won each of its runs, where that was asked for and is not too much.
    readings: Option<Vec<Vec<u32>>>,
    /// By row: who won it, for as many rows as was asked for.
    row_winners: Vec<Option<u32>>,
}

/// Runs that are kept.
const MOST_RUNS: u64 = 1 << 24;

/// How some rows of an item end.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    /// The last row, where it is a distribution.
    row: Option<Shape>,
    /// How many equal rows, that one included, were the last.
    equal: usize,
}

/// What tells one row from another: in equal rows, this is equal.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
    winner: u32,
    sum: f64,
    log_sum: f64,
    /// See [`is_certain`].
    certain: bool,
}

/// What was counted over all rows.
#[derive(Clone, Debug, Default)]
pub struct SurveyTotals {
    /// Number of rows that were looked at.
    pub rows: u64,
    /// Least and greatest finite value.
    pub range: Option<(f64, f64)>,
    /// NaN.
    pub nan: Nonfinites,
    /// `+inf`.
    pub positive_infinite: Nonfinites,
    /// `-inf`.
    pub negative_infinite: Nonfinites,
    /// Rows of nothing but `-inf`; the place's class is the first.
    pub impossible: Nonfinites,
    /// Number of rows that sum to 1 and have nothing below 0.
    pub like_probs: u64,
    /// Number of rows whose exponentials sum to 1.
    pub like_log_probs: u64,
    /// Of both, those in which no probability is more than e times another.
    flat: u64,
    bases: LogBases,
    whole: WholeNumbers,
    /// The entropies of the rows, read as logits.
    entropies: Entropies,
    /// The entropies, read as probabilities, of the rows that look like probabilities.
    entropies_of_probs: Entropies,
}

/// Entropies of some rows, in nats.
#[derive(Clone, Copy, Debug)]
pub struct Entropies {
    /// The least; `+inf` for no rows.
    pub least: f64,
    /// The greatest; `-inf` for no rows.
    pub greatest: f64,
    sum: Sum,
    rows: u64,
}

impl Default for Entropies {
    fn default() -> Self {
        Self { least: f64::INFINITY, greatest: f64::NEG_INFINITY, sum: Sum::default(), rows: 0 }
    }
}

impl Entropies {
    /// The mean; NaN for no rows.
    pub fn mean(&self) -> f64 {
        self.sum.value() / self.rows as f64
    }

    fn add(&mut self, other: Self) {
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
        self.sum.append(other.sum);
        self.rows += other.rows;
    }

    fn note(&mut self, entropy: f64) {
        // A sum of zeros has a sign, an entropy has none.
        let entropy = entropy.max(0.0);
        let mut sum = Sum::default();
        sum.add(entropy);
        self.add(Self { least: entropy, greatest: entropy, sum, rows: 1 });
    }
}

/// What was found in a block.
#[derive(Default)]
pub struct SurveyPart {
    found: SurveyTotals,
    /// The rows that are distributions, and who won each.
    winners: Vec<(usize, u32)>,
    items: BTreeMap<usize, Runs>,
}

/// An item's rows in a block.
struct Runs {
    /// The first of them, where it is a distribution.
    first: Option<Shape>,
    end: End,
    rows: usize,
    /// Runs of rows that the same class wins.
    count: u64,
    /// Who won them, where that is kept.
    winners: Vec<u32>,
}

/// Values (or rows) that are not finite.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nonfinites {
    /// How many there are.
    pub count: u64,
    /// Row and class of the first, in the user's numbering of rows.
    pub first: Option<(usize, usize)>,
}

impl Nonfinites {
    fn append(&mut self, next: Self) {
        self.count += next.count;
        self.first = self.first.into_iter().chain(next.first).min();
    }
}

impl Survey {
    /// A survey of items of `rows_per_item` rows each; the first `lengths[i]` rows of item `i` are in use.
    pub fn new(geometry: Geometry, rows_per_item: usize, lengths: Vec<usize>) -> Self {
        Self {
            wins: vec![0; geometry.classes()],
            ends: Vec::new(),
            geometry,
            rows_per_item: rows_per_item.max(1),
            lengths,
            found: SurveyTotals::default(),
            runs: 0,
            readings: None,
            row_winners: Vec::new(),
        }
    }

    /// The same survey, which also records what each item's best path reads, including blanks: see [`Self::readings`].
    #[must_use]
    pub fn with_readings(self) -> Self {
        Self { readings: Some(Vec::new()), ..self }
    }

    /// The same survey, which also records who wins each of the first `rows` rows: see [`Self::row_winners`].
    #[must_use]
    pub fn with_row_winners(self, rows: usize) -> Self {
        Self { row_winners: vec![None; rows], ..self }
    }

    /// For each item, up to the last one that has a row, the class that wins each run of its rows. `None` if it was not
    /// asked for, or would take too much memory.
    pub fn readings(&self) -> Option<&[Vec<u32>]> {
        self.readings.as_deref()
    }

    /// For each row, as far as was asked for, the class that wins it; `None` if it is no distribution.
    pub fn row_winners(&self) -> &[Option<u32>] {
        &self.row_winners
    }

    /// What the numbers look like: the kind that nearly all rows that are distributions look like.
    pub fn looks_like(&self) -> InputKind {
        let rows: u64 = self.wins.iter().sum();
        let nearly_all = |count: u64| self.geometry.classes() > 1 && count > 0 && count * 100 >= rows * 99;
        if nearly_all(self.found.like_probs) {
            InputKind::Probs
        } else if nearly_all(self.found.like_log_probs) {
            InputKind::LogProbs
        } else {
            InputKind::Logits
        }
    }

    /// Whether there are several rows and none has a probability more than e times another: then softmax was applied to
    /// probabilities, or the network has learned nothing.
    pub fn looks_flat(&self) -> bool {
        let several = self.found.rows >= SEVERAL_ROWS as u64 && self.geometry.classes() > 1;
        several && self.found.flat == self.found.rows
    }

    /// The number of rows looked at and the base, if the first rows are logarithms of probabilities to another base
    /// than e.
    pub fn looks_like_other_base(&self) -> Option<(usize, u8)> {
        self.found.bases.other()
    }

    /// The number of rows looked at, if the first rows hold whole numbers alone, and not only 0 and 1.
    pub fn looks_whole(&self) -> Option<usize> {
        self.found.whole.rows()
    }

    /// For each item, how many of its last rows are equal; 0 if those rows are certain of one class.
    pub fn equal_at_end(&self) -> Vec<usize> {
        let is_open = |end: &&End| !end.row.is_some_and(|row| row.certain);
        let equal = |item: usize| self.ends.get(item).filter(is_open).map_or(0, |end| end.equal);
        (0..self.lengths.len()).map(equal).collect()
    }

    /// The rows' entropies, read as the kind that the numbers look like; `None` if no row is a distribution.
    pub fn entropies(&self) -> Option<Entropies> {
        let entropies = match self.looks_like() {
            InputKind::Probs => self.found.entropies_of_probs,
            InputKind::Logits | InputKind::LogProbs => self.found.entropies,
        };
        (entropies.rows > 0).then_some(entropies)
    }
}

impl End {
    /// After `count` more rows, all of them like this.
    fn then(self, row: Option<Shape>, count: usize) -> Self {
        let goes_on = row.is_some() && self.row == row;
        Self { row, equal: if goes_on { self.equal + count } else { count } }
    }
}

impl SurveyTotals {
    /// Looks at a row, and says what it is; none where it is no distribution.
    fn note_row<E: Element>(&mut self, row: usize, scores: &[E]) -> Option<Shape> {
        self.rows += 1;
        let Spread { least, greatest, sum } = spread(scores);
        let finite = sum.is_finite() && !scores.is_empty();
        if finite {
            self.note_range(least, greatest);
        } else {
            for (class, x) in scores.iter().enumerate() {
                self.note_value(x.to_f64(), (row, class));
            }
        }
        let lse = log_sum_exp(scores);
        if !lse.is_proper() {
            if scores.iter().all(|x| x.to_f64() == f64::NEG_INFINITY) {
                self.impossible.append(Nonfinites { count: 1, first: Some((row, 0)) });
            }
            return None;
        }
        let negative = scores.iter().any(|x| x.to_f64() < 0.0);
        let probs = !negative && (may_sum_to_one(sum) || are_rounded_probs(scores, sum));
        self.like_probs += u64::from(probs);
        let log_probs = sums_to_one(lse.value().exp());
        self.like_log_probs += u64::from(log_probs);
        self.bases.look(row, scores);
        self.whole.look(row, scores);
        let is_flat = probs && is_flat(least, greatest) || log_probs && is_flat_in_logs(least, greatest);
        self.flat += u64::from(finite && is_flat);
        let of = |lp: f64| if lp == f64::NEG_INFINITY { 0.0 } else { -lp.exp() * lp };
        if probs {
            self.entropies_of_probs.note(scores.iter().map(|x| of(x.to_f64().ln())).sum());
        }
        self.entropies.note(if finite {
            // Σ p (ln Σ exp(x - max) + max - x)
            lse.log_sum + exp_weighted_distance_sum(scores, greatest) / lse.log_sum.exp()
        } else {
            scores.iter().map(|x| of(lse.log_prob(x.to_f64()))).sum()
        });
        let winner = scores.iter().position(|x| x.to_f64() == lse.max)? as u32;
        let certain = is_certain(-lse.log_sum) || probs && is_certain(greatest.ln());
        Some(Shape { winner, sum, log_sum: lse.log_sum, certain })
    }

    fn note_range(&mut self, least: f64, greatest: f64) {
        let (low, high) = self.range.unwrap_or((least, greatest));
        self.range = Some((low.min(least), high.max(greatest)));
    }

    fn note_value(&mut self, x: f64, place: (usize, usize)) {
        let kind = if x.is_nan() {
            &mut self.nan
        } else if x == f64::INFINITY {
            &mut self.positive_infinite
        } else if x == f64::NEG_INFINITY {
            &mut self.negative_infinite
        } else {
            return self.note_range(x, x);
        };
        kind.append(Nonfinites { count: 1, first: Some(place) });
    }

    /// Adds what was found in the rows that follow.
    fn append(&mut self, next: &Self) {
        self.rows += next.rows;
        if let Some((least, greatest)) = next.range {
            self.note_range(least, greatest);
        }
        self.nan.append(next.nan);
        self.positive_infinite.append(next.positive_infinite);
        self.negative_infinite.append(next.negative_infinite);
        self.impossible.append(next.impossible);
        self.like_probs += next.like_probs;
        self.like_log_probs += next.like_log_probs;
        self.flat += next.flat;
        self.bases.add(next.bases);
        self.whole.add(next.whole);
        self.entropies.add(next.entropies);
        self.entropies_of_probs.add(next.entropies_of_probs);
    }
}

impl BlockReducer for Survey {
    type Part = SurveyPart;
    type Error = Infallible;

    fn look<E: Element>(&self, block: Block<'_, E>) -> SurveyPart {
        let mut part = SurveyPart::default();
        block.for_each_row(0..block.rows(), |row, scores| {
            let logical = self.geometry.logical_row(block.first_row() + row);
            let (item, frame) = (logical / self.rows_per_item, logical % self.rows_per_item);
            if self.lengths.get(item).is_some_and(|&length| frame >= length) {
                return;
            }
            let shape = part.found.note_row(logical, scores);
            let winner = |shape: Option<Shape>| shape.map(|shape| shape.winner);
            part.winners.extend(winner(shape).map(|winner| (logical, winner)));
            let new = u64::from(shape.is_some());
            let kept = |is_new: bool| winner(shape).filter(|_| is_new && self.readings.is_some());
            // Every layout of items hands out their frames in order.
            part.items
                .entry(item)
                .and_modify(|runs| {
                    let is_new = winner(runs.end.row) != winner(shape);
                    runs.count += if is_new { new } else { 0 };
                    runs.winners.extend(kept(is_new));
                    runs.end = runs.end.then(shape, 1);
                    runs.rows += 1;
                })
                .or_insert_with(|| Runs {
                    first: shape,
                    end: End::default().then(shape, 1),
                    rows: 1,
                    count: new,
                    winners: kept(true).into_iter().collect(),
                });
        });
        part
    }

    fn take(&mut self, part: SurveyPart) -> Result<(), Infallible> {
        self.found.append(&part.found);
        for (row, winner) in part.winners {
            self.wins[winner as usize] += 1;
            if let Some(kept) = self.row_winners.get_mut(row) {
                *kept = Some(winner);
            }
        }
        for (item, runs) in part.items {
            // Only as many as there were, for a header may claim any number.
            if self.ends.len() <= item {
                self.ends.resize(item + 1, End::default());
            }
            let end = &mut self.ends[item];
            let goes_on = end.row.zip(runs.first).is_some_and(|(last, first)| last.winner == first.winner);
            self.runs += runs.count - u64::from(goes_on);
            if let Some(readings) = self.readings.as_mut().filter(|_| self.runs <= MOST_RUNS) {
                readings.resize(readings.len().max(item + 1), Vec::new());
                readings[item].extend(&runs.winners[usize::from(goes_on)..]);
            } else {
                self.readings = None;
            }
            *end = if runs.end.equal == runs.rows { end.then(runs.first, runs.rows) } else { runs.end };
        }
        Ok(())
    }
}
