//! Whole planes of a matrix, seen as rows of class scores.

use std::ops::Range;

use rayon::prelude::*;

use super::Geometry;
use super::geometry::TILE_ROWS;
use crate::kernel::{Element, InstructionSet, Rows, Tiles, zeros};

/// A matrix in memory, in the order of its file, as `[rows, classes]` in the user's order.
pub(crate) fn rows_in_order<E: Element>(values: &[E], geometry: &Geometry) -> Vec<E> {
    let classes = geometry.classes();
    let mut rows = zeros(values.len());
    let block = Block::new(values, geometry, 0);
    if geometry.is_in_order() {
        let at_once = rows_at_once(classes);
        rows.par_chunks_mut(at_once * classes).enumerate().for_each(|(chunk, rows)| {
            let first = chunk * at_once;
            block.for_each_run(first..first + rows.len() / classes, at_once, |row, turned| {
                rows[(row - first) * classes..][..turned.len()].copy_from_slice(turned);
            });
        });
        return rows;
    }
    block.for_each_row(0..block.rows(), |row, scores| {
        rows[geometry.logical_row(row) * classes..][..classes].copy_from_slice(scores);
    });
    rows
}

/// A run of whole planes of a matrix in memory, seen as rows of class scores.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a, E> {
    values: &'a [E],
    classes: usize,
    inner: usize,
    first_row: usize,
}

/// How many rows of `classes` values to process at a time, so that what is computed from them, and short rows
/// themselves, stay in the first-level cache.
pub fn rows_at_once(classes: usize) -> usize {
    (4096 / classes.max(1)).clamp(1, 512).next_multiple_of(TILE_ROWS)
}

/// Values that are transposed together where that is more rows.
const TURNED_VALUES: usize = 2048;

impl<'a, E: Element> Block<'a, E> {
    /// A block of the planes from `first_plane` on; `values` holds whole planes.
    pub(crate) fn new(values: &'a [E], geometry: &Geometry, first_plane: usize) -> Self {
        assert!(values.len().is_multiple_of(geometry.plane_len().max(1)), "whole planes");
        Self {
            values,
            classes: geometry.classes(),
            inner: geometry.inner(),
            first_row: first_plane * geometry.inner(),
        }
    }

    /// The number, in the order of the file, of this block's first row.
    pub fn first_row(&self) -> usize {
        self.first_row
    }

    /// Number of rows in this block.
    pub fn rows(&self) -> usize {
        self.values.len() / self.classes
    }

    /// Calls `visit` with runs of the rows in `range` (counted from the block's first row), in order. It is
    /// given the number of the run's first row and the run's values, `[rows, classes]`, row-major, of at most
    /// `most` rows.
    pub fn for_each_run(&self, range: Range<usize>, most: usize, mut visit: impl FnMut(usize, &[E])) {
        if self.inner == 1 {
            let values = &self.values[range.start * self.classes..range.end * self.classes];
            for (run, values) in values.chunks(most.max(1) * self.classes).enumerate() {
                visit(range.start + run * most.max(1), values);
            }
            return;
        }
        // A few whole lines of the cache of each class, and few enough that all of them stay there while they are turned.
        let few = (TURNED_VALUES / self.classes / TILE_ROWS).clamp(1, 32) * TILE_ROWS;
        let at_once = few.min(most.max(1));
        let mut tile: Vec<E> = Vec::new();
        let mut row = range.start;
        while row < range.end {
            let end = self.end_of_run(row, at_once.min(range.end - row));
            tile.resize((end - row) * self.classes, E::ZERO);
            self.for_each_part(row..end, |at, plane, rows| {
                for (class, scores) in plane.chunks_exact(self.inner).enumerate() {
                    for (lane, &x) in (at..).zip(&scores[rows.clone()]) {
                        tile[lane * self.classes + class] = x;
                    }
                }
            });
            visit(row, &tile);
            row = end;
        }
    }

    /// The end of a run of at most `most` rows: of a plane, or where these have but a few, of several.
    fn end_of_run(&self, row: usize, most: usize) -> usize {
        let several = self.inner < TILE_ROWS;
        row + if several { most } else { most.min(self.inner - row % self.inner) }
    }

    /// Calls `visit` with the rows of each plane in turn: how many were before, the plane, and which of its rows they are.
    fn for_each_part(&self, range: Range<usize>, mut visit: impl FnMut(usize, &'a [E], Range<usize>)) {
        let mut row = range.start;
        while row < range.end {
            let (plane, first) = (row / self.inner, row % self.inner);
            let count = (range.end - row).min(self.inner - first);
            let plane = &self.values[plane * self.classes * self.inner..][..self.classes * self.inner];
            visit(row - range.start, plane, first..first + count);
            row += count;
        }
    }

    /// The same, the rows put side by side in `tiles`.
    pub(crate) fn for_each_tiles(
        &self,
        range: Range<usize>,
        tiles: &mut Tiles<E>,
        mut visit: impl FnMut(usize, &Tiles<E>),
    ) {
        if self.inner == 1 {
            self.for_each_run(range, tiles.most(), |first, rows| {
                tiles.take_rows(InstructionSet::best(), Rows::new(rows, self.classes));
                visit(first, tiles);
            });
            return;
        }
        let mut row = range.start;
        while row < range.end {
            let end = self.end_of_run(row, tiles.most().min(range.end - row));
            tiles.clear();
            self.for_each_part(row..end, |_, plane, rows| tiles.add(plane, rows));
            visit(row, tiles);
            row = end;
        }
    }

    /// `count` rows, each `stride` after the one before, the first counted from the block's first, at least one; only
    /// where [`Geometry::has_whole_rows`].
    pub(crate) fn rows_apart(&self, first: usize, count: usize, stride: usize) -> Rows<'a, E> {
        let end = first + (count - 1) * stride + 1;
        Rows::apart(
            &self.values[first * self.classes..end * self.classes],
            self.classes,
            stride * self.classes,
        )
    }

    /// Calls `visit` with each row in `range` (counted from the block's first row), in order: its number and its
    /// values.
    pub fn for_each_row(&self, range: Range<usize>, mut visit: impl FnMut(usize, &[E])) {
        self.for_each_run(range, usize::MAX / self.classes, |first, rows| {
            for (row, scores) in rows.chunks_exact(self.classes).enumerate() {
                visit(first + row, scores);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs begin anywhere, end anywhere, and may be of several planes.
    #[test]
    fn runs_of_any_length_are_the_rows_in_order() {
        for (planes, classes, inner) in [(7, 3, 1), (9, 3, 2), (5, 1, 7), (4, 5, 15), (3, 2, 16), (3, 4, 40)]
        {
            let geometry = Geometry::along(&[planes, classes, inner], false, 1).expect("a valid shape");
            let values: Vec<f64> = (0..planes * classes * inner).map(|at| at as f64).collect();
            let block = Block::new(&values, &geometry, 0);
            let rows = block.rows();
            let value =
                |row: usize, class: usize| ((row / inner * classes + class) * inner + row % inner) as f64;
            let mut tiles = Tiles::new(classes).expect("few classes");
            for range in [0..rows, 1..rows, 3..rows - 2, rows / 2..rows / 2 + 1, 2..2] {
                for most in [1, 5, 16, 1000] {
                    let mut next = range.start;
                    block.for_each_run(range.clone(), most, |first, run| {
                        assert!(first == next && !run.is_empty() && run.len() <= most * classes);
                        for (at, &x) in run.iter().enumerate() {
                            assert_eq!(x, value(first + at / classes, at % classes));
                        }
                        next += run.len() / classes;
                    });
                    assert_eq!(next, range.end);
                }
                let mut next = range.start;
                block.for_each_tiles(range.clone(), &mut tiles, |first, tiles| {
                    assert_eq!(first, next);
                    for row in 0..tiles.len() {
                        assert!(tiles.row(row).enumerate().all(|(class, x)| x == value(first + row, class)));
                    }
                    next += tiles.len();
                });
                assert_eq!(next, range.end);
            }
        }
    }
}
