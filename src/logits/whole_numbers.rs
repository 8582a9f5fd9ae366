//! Whether scores are whole numbers, which a network's hardly are.

use super::audit::SEVERAL_ROWS;
use super::log_bases::FIRST_ROWS;
use crate::kernel::Element;

/// What the first rows of a file, or of an item, hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WholeNumbers {
    rows: u32,
    /// Whether one of these has other numbers than whole ones.
    fractional: bool,
    /// And than 0 and 1, which may be classes.
    not_binary: bool,
}

impl WholeNumbers {
    /// Looks at row number `number`, where that is one of the first.
    pub(super) fn look<E: Element>(&mut self, number: usize, row: &[E]) {
        if number >= FIRST_ROWS {
            return;
        }
        // Most rows end soon.
        let is_whole = row.iter().all(|x| x.to_f64().is_infinite() || x.to_f64().fract() == 0.0);
        let is_binary = is_whole && row.iter().all(|x| x.to_f64() == 0.0 || x.to_f64() == 1.0);
        self.rows += 1;
        self.fractional |= !is_whole;
        self.not_binary |= !is_binary;
    }

    /// Adds what was found in other rows.
    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.fractional |= other.fractional;
        self.not_binary |= other.not_binary;
    }

    /// How many rows were looked at, if these are several and hold whole numbers alone, not all of them 0 or 1.
    pub(super) fn rows(self) -> Option<usize> {
        let rows = self.rows as usize;
        (rows >= SEVERAL_ROWS && !self.fractional && self.not_binary).then_some(rows)
    }
}
