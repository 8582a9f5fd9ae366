//! Many rows side by side.

use std::ops::Range;

use super::fetch::fetch;
use super::tile::{Aligned, Lanes, STEP, TILE};
use super::{Element, InstructionSet, Rows};

/// Lanes that there is room for: of a few classes some kilobytes each, that what is next can be fetched; all of them
/// stay in the second-level cache.
const ROOM: usize = 2048;

/// Some rows, their values class by class.
pub struct Tiles<E> {
    /// Of each tile its classes and as many lanes of `-inf` as fill up the last [`STEP`].
    lanes: Box<Aligned<[Lanes<E>; ROOM]>>,
    classes: usize,
    rows: usize,
}

impl<E: Element> Tiles<E> {
    /// No rows, of so many classes; none where those are too many to go side by side.
    pub fn new(classes: usize) -> Option<Self> {
        let lanes = || Box::new(Aligned([[E::NEG_INFINITY; TILE]; ROOM]));
        (1..=E::MOST_CLASSES).contains(&classes).then(|| Self { lanes: lanes(), classes, rows: 0 })
    }

    /// Number of values in a row.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The most rows.
    pub fn most(&self) -> usize {
        ROOM / self.step() * TILE
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.rows = 0;
    }

    /// Adds these rows of `plane`, `[classes, inner]`.
    ///
    /// # Panics
    /// Where there are more than [`Self::most`], or `plane` does not have them.
    pub fn add(&mut self, plane: &[E], rows: Range<usize>) {
        let before = self.rows;
        self.rows += rows.len();
        assert!(self.rows <= self.most() && plane.len().is_multiple_of(self.classes), "rows of a plane");
        let step = self.step();
        let inner = plane.len() / self.classes;
        if before > 0 {
            for class in 0..self.classes {
                for (at, &x) in (before..).zip(&plane[class * inner..][rows.clone()]) {
                    self.lanes.0[at / TILE * step + class][at % TILE] = x;
                }
            }
            return;
        }
        for class in 0..self.classes {
            let values = &plane[class * inner..][rows.clone()];
            let lanes = self.lanes.0[class..].iter_mut().step_by(step);
            let (full, rest) = values.as_chunks();
            for (lanes, values) in lanes.zip(full) {
                // No more than the next class's: planes of a power of two have all classes in the same lines of a cache.
                fetch(values, inner);
                *lanes = *values;
            }
            if !rest.is_empty() {
                self.lanes.0[full.len() * step + class][..rest.len()].copy_from_slice(rest);
            }
        }
    }

    /// Takes `rows` that lie one after another; those of before are forgotten.
    ///
    /// # Panics
    /// Where they are more than [`Self::most`], or of another length.
    pub fn take_rows(&mut self, set: InstructionSet, rows: Rows<'_, E>) {
        assert!(rows.len() <= self.most() && rows.classes() == self.classes, "a few rows as long as these");
        self.rows = rows.len();
        let step = self.step();
        for (rows, tile) in rows.chunks(TILE).zip(self.lanes.0.chunks_exact_mut(step)) {
            E::transpose(set, rows, tile);
        }
    }

    /// A row's value.
    pub fn get(&self, row: usize, class: usize) -> E {
        self.lanes.0[row / TILE * self.step() + class][row % TILE]
    }

    /// A row's values.
    pub fn row(&self, row: usize) -> impl Iterator<Item = E> {
        (0..self.classes).map(move |class| self.get(row, class))
    }

    /// All rows, `[rows, classes]`, row-major.
    pub fn rows(&self) -> Vec<E> {
        (0..self.rows).flat_map(|row| self.row(row)).collect()
    }

    /// Sixteen rows; the last time what is left, and anything in the other lanes.
    pub(super) fn tile(&self, number: usize) -> &[Lanes<E>] {
        &self.lanes.0[number * self.step()..][..self.step()]
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &[Lanes<E>]> {
        self.lanes.0.chunks_exact(self.step()).take(self.rows.div_ceil(TILE))
    }

    /// Lanes from one tile to the next.
    fn step(&self) -> usize {
        self.classes.next_multiple_of(STEP)
    }
}
