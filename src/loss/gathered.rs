//! What a CTC loss keeps of some rows of the file until their items' recursions take them.

use std::ops::Range;

use crate::kernel::Element;
use crate::logits::RowScale;

/// Scores in the precision of the file.
enum Scores {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Scores {
    fn len(&self) -> usize {
        match self {
            Self::Single(scores) => scores.len(),
            Self::Double(scores) => scores.len(),
        }
    }
}

impl Default for Scores {
    fn default() -> Self {
        Self::Single(Vec::new())
    }
}

/// Of consecutive rows of the file that are in use, the scores of the columns that their items' labels need, as
/// they were in the file, and what makes log-probabilities of them.
#[derive(Default)]
pub(super) struct Gathered {
    /// In the file.
    first_row: usize,
    rows: usize,
    scores: Scores,
    /// By row: where its scores begin. Any number for a row that is not in use.
    starts: Vec<usize>,
    /// By row; any for a row that is not in use.
    scales: Vec<RowScale>,
}

impl Gathered {
    /// Makes it empty, for these rows of the file.
    pub(super) fn begin<E: Element>(&mut self, rows: Range<usize>) {
        (self.first_row, self.rows) = (rows.start, rows.len());
        self.starts.clear();
        self.scales.clear();
        match &mut self.scores {
            Scores::Single(scores) if E::SINGLE => scores.clear(),
            Scores::Double(scores) if !E::SINGLE => scores.clear(),
            scores if E::SINGLE => *scores = Scores::Single(Vec::new()),
            scores => *scores = Scores::Double(Vec::new()),
        }
    }

    /// Keeps the scores of a row's columns; rows come in order.
    pub(super) fn push<E: Element>(&mut self, row: usize, columns: &[E], scale: RowScale) {
        let count = row - self.first_row + 1;
        self.starts.resize(count, self.scores.len());
        self.scales.resize(count, scale);
        let columns = columns.iter().map(|x| x.to_f64());
        match &mut self.scores {
            // Single precision holds what came from it.
            Scores::Single(scores) => scores.extend(columns.map(|x| x as f32)),
            Scores::Double(scores) => scores.extend(columns),
        }
    }

    /// The rows of the file.
    pub(super) fn rows(&self) -> Range<usize> {
        self.first_row..self.first_row + self.rows
    }

    /// Writes the log-probabilities of the columns of a row in use to `out`, `[columns]`.
    pub(super) fn log_probs(&self, row: usize, out: &mut [f64]) {
        fn of<E: Element>(scores: &[E], scale: RowScale, out: &mut [f64]) {
            for (out, &x) in out.iter_mut().zip(scores) {
                *out = scale.log_prob(x);
            }
        }
        let at = row - self.first_row;
        let (start, scale) = (self.starts[at], self.scales[at]);
        match &self.scores {
            Scores::Single(scores) => of(&scores[start..][..out.len()], scale, out),
            Scores::Double(scores) => of(&scores[start..][..out.len()], scale, out),
        }
    }
}
