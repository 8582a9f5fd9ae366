//! Levenshtein distance with unit costs, its counts and its alignment.
//!
//! Of the alignments of least cost, the one is meant that, going back from the ends of both sequences,
//! prefers a match or substitution to a deletion, and a deletion to an insertion. So counts are
//! deterministic.

use std::hash::Hash;

use super::bit_matrix::{Differences, Pattern};

/// One step of an alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditOp {
    /// Both have the same symbol.
    Correct,
    /// The hypothesis has another symbol than the reference.
    Substitution,
    /// The hypothesis lacks a symbol of the reference.
    Deletion,
    /// The hypothesis has a symbol that the reference lacks.
    Insertion,
}

/// How often each step occurs in an alignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EditCounts {
    /// Symbols of the reference that the hypothesis has another in place of.
    pub substitutions: usize,
    /// Symbols of the reference that the hypothesis lacks.
    pub deletions: usize,
    /// Symbols of the hypothesis that the reference lacks.
    pub insertions: usize,
    /// Symbols that are the same.
    pub correct: usize,
}

impl EditCounts {
    /// The edit distance.
    pub fn errors(&self) -> usize {
        self.substitutions + self.deletions + self.insertions
    }

    /// Number of symbols of the reference.
    pub fn reference_length(&self) -> usize {
        self.substitutions + self.deletions + self.correct
    }

    /// Number of symbols of the hypothesis.
    pub fn hypothesis_length(&self) -> usize {
        self.substitutions + self.insertions + self.correct
    }

    /// Errors over the reference's length; `None` where that is zero.
    pub fn rate(&self) -> Option<f64> {
        (self.reference_length() > 0).then(|| self.errors() as f64 / self.reference_length() as f64)
    }

    fn count(&mut self, op: EditOp) {
        *match op {
            EditOp::Correct => &mut self.correct,
            EditOp::Substitution => &mut self.substitutions,
            EditOp::Deletion => &mut self.deletions,
            EditOp::Insertion => &mut self.insertions,
        } += 1;
    }
}

impl std::ops::AddAssign for EditCounts {
    fn add_assign(&mut self, other: Self) {
        self.substitutions += other.substitutions;
        self.deletions += other.deletions;
        self.insertions += other.insertions;
        self.correct += other.correct;
    }
}

/// Counts the steps that turn `reference` into `hypothesis`.
///
/// Time is `n m / 64` steps, memory about `3/4 n sqrt(m)` bytes, for `n` and `m` symbols.
pub fn edit_counts<T: Eq + Hash>(reference: &[T], hypothesis: &[T]) -> EditCounts {
    let mut counts = EditCounts::default();
    trace_back(reference, hypothesis, |op| counts.count(op));
    counts
}

/// The steps that turn `reference` into `hypothesis`, in order.
///
/// Time and memory as [`edit_counts`], and one byte a step.
pub fn align<T: Eq + Hash>(reference: &[T], hypothesis: &[T]) -> Vec<EditOp> {
    let mut ops = Vec::with_capacity(reference.len().max(hypothesis.len()));
    trace_back(reference, hypothesis, |op| ops.push(op));
    ops.reverse();
    ops
}

/// Visits the steps of the preferred alignment, last first.
///
/// The distance matrix is kept as the signs of the differences between neighbours, and only every so
/// many columns of it; what lies between two of those is computed again when the way back comes there.
fn trace_back<T: Eq + Hash>(reference: &[T], hypothesis: &[T], mut visit: impl FnMut(EditOp)) {
    let (mut i, mut j) = (reference.len(), hypothesis.len());
    // A common end is all matches, whatever comes before.
    while i > 0 && j > 0 && reference[i - 1] == hypothesis[j - 1] {
        visit(EditOp::Correct);
        (i, j) = (i - 1, j - 1);
    }
    if i > 0 && j > 0 {
        let mut pattern = Pattern::new(&reference[..i], &hypothesis[..j]);
        let stride = j.isqrt().max(1);
        let mut here = Differences::first_column(i);
        let mut checkpoints = Vec::with_capacity(j / stride + 1);
        for column in 0..j {
            if column % stride == 0 {
                checkpoints.push(here.clone());
            }
            if column / stride == (j - 1) / stride {
                break;
            }
            pattern.advance(column, &mut here);
        }
        let mut block = Vec::with_capacity(stride + 1);
        while i > 0 && j > 0 {
            let Some(mut here) = checkpoints.pop() else { break };
            let first = checkpoints.len() * stride;
            if first >= j {
                continue;
            }
            block.clear();
            block.push(here.clone());
            for column in first..j {
                pattern.advance(column, &mut here);
                block.push(here.clone());
            }
            while i > 0 && j > first {
                let (before, here) = (&block[j - first - 1], &block[j - first]);
                if reference[i - 1] == hypothesis[j - 1] {
                    // Never dearer than any other way.
                    visit(EditOp::Correct);
                    (i, j) = (i - 1, j - 1);
                } else if here.left_falls(i - 1) {
                    // Above is nearer than the diagonal.
                    visit(EditOp::Deletion);
                    i -= 1;
                } else if before.above_falls(i - 1) {
                    visit(EditOp::Insertion);
                    j -= 1;
                } else {
                    visit(EditOp::Substitution);
                    (i, j) = (i - 1, j - 1);
                }
            }
        }
    }
    (0..i).for_each(|_| visit(EditOp::Deletion));
    (0..j).for_each(|_| visit(EditOp::Insertion));
}
