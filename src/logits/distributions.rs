//! Whether the rows of a matrix are distributions.

use super::audit::are_probs;
use super::row::sums_to_one;
use super::{Block, BlockVisitor};
use crate::kernel::{Element, log_sum_exp};

/// Rows that are looked at.
const FEW_ROWS: usize = 64;

/// Looks at the first rows, and ends there.
#[derive(Clone, Debug, Default)]
pub(crate) struct DistributionProbe {
    rows: usize,
    probs: usize,
    log_probs: usize,
}

/// Enough was seen.
#[derive(Debug)]
pub(crate) struct Enough;

impl DistributionProbe {
    /// Whether all rows that were looked at are probabilities, or all their logarithms; one row tells nothing.
    pub(crate) fn are_distributions(&self) -> bool {
        self.rows > 1 && [self.probs, self.log_probs].contains(&self.rows)
    }
}

impl BlockVisitor for DistributionProbe {
    type Error = Enough;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), Enough> {
        let rows = block.rows().min(FEW_ROWS - self.rows);
        block.for_each_row(0..rows, |_, row| {
            self.rows += 1;
            self.probs += usize::from(are_probs(row));
            self.log_probs += usize::from(row.len() > 1 && sums_to_one(log_sum_exp(row).value().exp()));
        });
        if self.rows == FEW_ROWS { Err(Enough) } else { Ok(()) }
    }
}
