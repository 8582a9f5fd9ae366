//! The textbook edit distance, with the whole matrix.

use ctctool::metrics::EditOp;

/// The preferred alignment: from the end backwards, diagonal before deletion before insertion.
pub(crate) fn full_matrix<T: PartialEq>(reference: &[T], hypothesis: &[T]) -> Vec<EditOp> {
    let (n, m) = (reference.len(), hypothesis.len());
    let mut cost = vec![vec![0; m + 1]; n + 1];
    for i in 0..=n {
        for j in 0..=m {
            cost[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let differs = usize::from(reference[i - 1] != hypothesis[j - 1]);
                (cost[i - 1][j - 1] + differs).min(cost[i - 1][j] + 1).min(cost[i][j - 1] + 1)
            };
        }
    }
    let (mut i, mut j) = (n, m);
    let mut ops = Vec::new();
    while i > 0 || j > 0 {
        let equal = i > 0 && j > 0 && reference[i - 1] == hypothesis[j - 1];
        if i > 0 && j > 0 && cost[i][j] == cost[i - 1][j - 1] + usize::from(!equal) {
            ops.push(if equal { EditOp::Correct } else { EditOp::Substitution });
            (i, j) = (i - 1, j - 1);
        } else if i > 0 && cost[i][j] == cost[i - 1][j] + 1 {
            ops.push(EditOp::Deletion);
            i -= 1;
        } else {
            ops.push(EditOp::Insertion);
            j -= 1;
        }
    }
    ops.reverse();
    ops
}
