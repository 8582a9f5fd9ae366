use super::{Block, BlockVisitor, Geometry, InputKind};
use crate::kernel::{Element, log_sum_exp};

/// How far from one (or its logarithm from zero) a row may sum: half precision rounds to one in 2048.
const SUM_TOLERANCE: f64 = 1e-3;

/// What all numbers of a matrix look like.
#[derive(Clone, Debug)]
pub struct Survey {
    geometry: Geometry,
    rows_per_item: usize,
    lengths: Vec<usize>,
    /// Rows that were looked at.
    pub rows: u64,
    /// Values that were looked at.
    pub values: u64,
    /// Least and greatest finite value.
    pub range: Option<(f64, f64)>,
    /// NaN, `+inf` and `-inf`.
    pub nonfinite: [Nonfinites; 3],
    /// Rows of nothing but `-inf`; the place's class is the first.
    pub impossible: Nonfinites,
    /// Rows that sum to one with nothing below 0.
    pub like_probs: u64,
    /// Rows whose exponentials sum to one.
    pub like_log_probs: u64,
    /// Least, greatest and sum of the rows' entropies, in nats.
    pub entropy: Option<(f64, f64, f64)>,
    /// How often each class wins a row.
    pub wins: Vec<u64>,
    /// Runs of rows, within an item, that the same class wins.
    pub runs: u64,
    last_winner: Option<(usize, usize)>,
}

/// Values (or rows) that are not finite.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nonfinites {
    /// How many.
    pub count: u64,
    /// Row and class of the first.
    pub first: Option<(usize, usize)>,
}

impl Survey {
    /// A survey of items of `rows_per_item` rows each, of which the first `lengths[i]` are in use.
    pub fn new(geometry: Geometry, rows_per_item: usize, lengths: Vec<usize>) -> Self {
        Self {
            wins: vec![0; geometry.classes()],
            geometry,
            rows_per_item: rows_per_item.max(1),
            lengths,
            rows: 0,
            values: 0,
            range: None,
            nonfinite: [Nonfinites::default(); 3],
            impossible: Nonfinites::default(),
            like_probs: 0,
            like_log_probs: 0,
            entropy: None,
            runs: 0,
            last_winner: None,
        }
    }

    /// What the numbers look like: what nearly all rows with a distribution do.
    pub fn looks_like(&self) -> InputKind {
        let nearly_all =
            |count: u64| self.geometry.classes() > 1 && count > 0 && count * 100 >= self.rows * 99;
        if nearly_all(self.like_probs) {
            InputKind::Probs
        } else if nearly_all(self.like_log_probs) {
            InputKind::LogProbs
        } else {
            InputKind::Logits
        }
    }

    fn note_value(&mut self, x: f64, place: (usize, usize)) {
        let kind = if x.is_nan() {
            0
        } else if x == f64::INFINITY {
            1
        } else if x == f64::NEG_INFINITY {
            2
        } else {
            let (low, high) = self.range.unwrap_or((x, x));
            self.range = Some((low.min(x), high.max(x)));
            return;
        };
        self.nonfinite[kind].count += 1;
        self.nonfinite[kind].first.get_or_insert(place);
    }

    fn note_row<E: Element>(&mut self, row: usize, scores: &[E]) {
        self.rows += 1;
        self.values += scores.len() as u64;
        let mut sum = 0.0;
        let mut negative = false;
        let mut winner = 0;
        for (class, x) in scores.iter().enumerate() {
            let x = x.to_f64();
            self.note_value(x, (row, class));
            sum += x;
            negative |= x < 0.0;
            if x > scores[winner].to_f64() || scores[winner].to_f64().is_nan() {
                winner = class;
            }
        }
        let lse = log_sum_exp(scores);
        if !lse.is_proper() {
            if scores.iter().all(|x| x.to_f64() == f64::NEG_INFINITY) {
                self.impossible.count += 1;
                self.impossible.first.get_or_insert((row, 0));
            }
            self.last_winner = None;
            return;
        }
        let probs = !negative && (sum - 1.0).abs() <= SUM_TOLERANCE;
        self.like_probs += u64::from(probs);
        self.like_log_probs += u64::from(lse.value().abs() <= SUM_TOLERANCE);
        let term = |x: f64| {
            let lp = if probs { x.ln() } else { lse.log_prob(x) };
            if lp == f64::NEG_INFINITY { 0.0 } else { -lp.exp() * lp }
        };
        // A sum of zeros has a sign, an entropy has none.
        let entropy = scores.iter().map(|x| term(x.to_f64())).sum::<f64>().max(0.0);
        let (low, high, total) = self.entropy.unwrap_or((entropy, entropy, 0.0));
        self.entropy = Some((low.min(entropy), high.max(entropy), total + entropy));
        self.wins[winner] += 1;
        let here = (row / self.rows_per_item, winner);
        self.runs += u64::from(self.last_winner != Some(here));
        self.last_winner = Some(here);
    }
}

impl BlockVisitor for Survey {
    type Error = std::convert::Infallible;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), Self::Error> {
        block.for_each_row(0..block.rows(), |row, scores| {
            let logical = self.geometry.logical_row(block.first_row() + row);
            let (item, frame) = (logical / self.rows_per_item, logical % self.rows_per_item);
            if self.lengths.get(item).is_none_or(|&length| frame < length) {
                self.note_row(logical, scores);
            }
        });
        Ok(())
    }
}
