//! Levenshtein distance with unit costs, with error counts and an alignment.
//!
//! Several alignments can have the least cost. The one that is used prefers, going back from the ends of both
//! sequences, a match or substitution to a deletion, and a deletion to an insertion. So the counts are
//! deterministic.

use super::bit_matrix::{Band, Differences, Pattern};

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
    /// Symbols of the reference in whose place the hypothesis has another symbol.
    pub substitutions: usize,
    /// Symbols of the reference that the hypothesis lacks.
    pub deletions: usize,
    /// Symbols of the hypothesis that the reference lacks.
    pub insertions: usize,
    /// Symbols that are the same.
    pub correct: usize,
}

impl EditCounts {
    /// The edit distance: substitutions, deletions and insertions.
    pub fn errors(&self) -> usize {
        self.substitutions + self.deletions + self.insertions
    }

    /// Number of symbols of the reference.
    pub fn reference_length(&self) -> usize {
        self.substitutions + self.deletions + self.correct
    }

    /// Errors divided by the reference's length; `None` if that is zero.
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
/// For sequences of `n` and `m` symbols, this takes at most about `n m / 32` steps and `3/4 n sqrt(m)` bytes of memory;
/// for sequences at a small edit distance `d` far fewer, at most `n d / 4` steps.
pub fn edit_counts<T: Ord>(reference: &[T], hypothesis: &[T]) -> EditCounts {
    let mut counts = EditCounts::default();
    trace_back(reference, hypothesis, LONG, |op| counts.count(op));
    counts
}

/// The steps that turn `reference` into `hypothesis`, in order.
///
/// This takes the time and memory of [`edit_counts`], and one byte for each step of the alignment.
pub fn align<T: Ord>(reference: &[T], hypothesis: &[T]) -> Vec<EditOp> {
    let mut ops = Vec::with_capacity(reference.len().max(hypothesis.len()));
    trace_back(reference, hypothesis, LONG, |op| ops.push(op));
    ops.reverse();
    ops
}

/// From so many rows or columns on, a narrow band of the matrix is tried before the whole.
const LONG: usize = 512;
/// That by this is its width.
const NARROW: usize = 8;
/// How many times as wide the next one is at least.
const WIDENING: usize = 2;
/// Columns after which it is looked whether a band is wide enough.
const LOOK: usize = 64;

/// Every so many columns of the matrix of `rows` and `columns`, from the first on, but for none in the last stride.
///
/// A way that costs `d` strays no farther than `d` from the diagonal. So where what is found within a band costs no
/// more than the band is wide, all cheapest ways lie in it (Ukkonen, "Algorithms for approximate string matching",
/// 1985). Where a column's every row costs more already, the next band is as wide as this column lets expect.
fn first_pass(
    pattern: &mut Pattern,
    [rows, columns]: [usize; 2],
    stride: usize,
    long: usize,
) -> Vec<Differences> {
    let longer = rows.max(columns);
    let mut width = if longer < long { longer } else { (long / NARROW).max(rows.abs_diff(columns)).max(1) };
    loop {
        // A band has as many rows above the diagonal as below.
        if 2 * width >= longer {
            width = longer;
        }
        let mut here = Differences::first_column(Band::new(rows, width));
        let mut checkpoints = Vec::with_capacity(columns / stride + 1);
        let mut expected = None;
        for column in 0..columns {
            if column % stride == 0 {
                checkpoints.push(here.clone());
            }
            if width == longer && column / stride == (columns - 1) / stride {
                return checkpoints;
            }
            pattern.advance(column, &mut here);
            if width < longer && (column + 1) % LOOK == 0 {
                let least = here.least();
                if least > width {
                    // A fifth more, for no text is the same all over.
                    expected = Some((1.2 * least as f64 * columns as f64 / (column + 1) as f64) as usize);
                    break;
                }
            }
        }
        // What a band finds is a way, though perhaps not the cheapest.
        let enough = if expected.is_none() { here.last_value() } else { longer };
        if enough <= width {
            return checkpoints;
        }
        width = expected.unwrap_or(0).max(WIDENING * width).min(enough);
    }
}

fn keep(block: &mut Vec<Differences>, at: usize, column: &Differences) {
    match block.get_mut(at) {
        Some(kept) => kept.clone_from(column),
        None => block.push(column.clone()),
    }
}

/// Visits the steps of the preferred alignment, last first.
///
/// The distance matrix is kept as the signs of the differences between neighbours, and only every so
/// many columns of it; what lies between two of those is computed again when the way back comes there.
///
/// `long`: from how many symbols on bands are tried.
fn trace_back<T: Ord>(reference: &[T], hypothesis: &[T], long: usize, mut visit: impl FnMut(EditOp)) {
    let (mut i, mut j) = (reference.len(), hypothesis.len());
    // A common end is all matches, whatever comes before.
    while i > 0 && j > 0 && reference[i - 1] == hypothesis[j - 1] {
        visit(EditOp::Correct);
        (i, j) = (i - 1, j - 1);
    }
    if i > 0 && j > 0 {
        let mut pattern = Pattern::new(&reference[..i], &hypothesis[..j]);
        let stride = j.isqrt().max(1);
        let mut checkpoints = first_pass(&mut pattern, [i, j], stride, long);
        let mut block = Vec::with_capacity(stride + 1);
        while i > 0 && j > 0 {
            let Some(mut here) = checkpoints.pop() else { break };
            let first = checkpoints.len() * stride;
            if first >= j {
                continue;
            }
            keep(&mut block, 0, &here);
            for column in first..j {
                pattern.advance(column, &mut here);
                keep(&mut block, column - first + 1, &here);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of a text elsewhere in it, so that ways stray from the diagonal.
    #[test]
    fn bands_of_any_width_give_the_same_way() {
        let mut seed = 7_u64;
        let mut below = |n: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % n
        };
        for round in 0..300 {
            let symbols = [2, 4, 30][round % 3];
            let reference: Vec<usize> = (0..=below(500)).map(|_| below(symbols)).collect();
            let mut hypothesis = reference.clone();
            for _ in 0..below(4) {
                hypothesis.rotate_left(below(150) % reference.len());
                let at = below(hypothesis.len());
                hypothesis[at] = symbols;
                hypothesis.splice(at..at, (0..below(5)).map(|symbol| symbol % symbols));
            }
            let way = |long| {
                let mut ops = Vec::new();
                trace_back(&reference, &hypothesis, long, |op| ops.push(op));
                ops
            };
            let whole = way(usize::MAX);
            for long in [1, 8, 40, 200, 400] {
                assert_eq!(way(long), whole, "{round}, {long}: {reference:?} {hypothesis:?}");
            }
        }
    }
}
