//! Whether numbers are logarithms of probabilities to another base than e.

use super::row::sums_to_one;
use crate::kernel::{Element, log_sum_exp};

/// Bases of logarithms beside e.
const OTHERS: [u8; 2] = [2, 10];
/// Rows that are looked at: those with the first numbers, whatever the threads.
pub(super) const FIRST_ROWS: usize = 256;
/// Values that are, in whole rows, but for the first row: exponentials to three bases take their time.
const FIRST_VALUES: usize = 1 << 15;

/// What the first rows of a file, or of an item, are logarithms to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LogBases {
    rows: usize,
    natural: usize,
    /// To each of [`OTHERS`], as long as all rows are.
    others: [usize; OTHERS.len()],
}

impl LogBases {
    /// Looks at row number `number`, where that is one of the first.
    pub(super) fn look<E: Element>(&mut self, number: usize, row: &[E]) {
        if number >= FIRST_ROWS || number > 0 && (number + 1).saturating_mul(row.len()) > FIRST_VALUES {
            return;
        }
        let before = self.rows;
        self.rows += 1;
        if !self.others.contains(&before) {
            return;
        }
        // All but certain rows are logarithms to any base.
        self.natural += usize::from(are_logarithms(row, std::f64::consts::E));
        for (count, base) in self.others.iter_mut().zip(OTHERS) {
            *count += usize::from(*count == before && are_logarithms(row, base.into()));
        }
    }

    /// Adds what was found in other rows.
    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.natural += other.natural;
        for (count, other) in self.others.iter_mut().zip(other.others) {
            *count += other;
        }
    }

    /// The base, and how many rows were looked at, where all of them are logarithms of probabilities to another one than
    /// e, and not all are to base e.
    pub(super) fn other(self) -> Option<(usize, u8)> {
        let mut others = OTHERS.into_iter().zip(self.others);
        let (base, _) = others.find(|&(_, count)| count == self.rows && self.natural < self.rows)?;
        Some((self.rows, base))
    }
}

fn are_logarithms<E: Element>(row: &[E], base: f64) -> bool {
    if row.len() < 2 || !row.iter().all(|x| x.to_f64() <= 0.0) {
        return false;
    }
    let factor = base.ln();
    let natural: Vec<f64> = row.iter().map(|x| x.to_f64() * factor).collect();
    sums_to_one(log_sum_exp(&natural).value().exp())
}
