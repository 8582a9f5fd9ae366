//! How the rows of class scores lie in an array of any shape.

use std::ops::Range;

use rayon::prelude::*;
use thiserror::Error;

use crate::kernel::{Element, InstructionSet, Rows, Tiles, zeros};

/// The largest number of classes, which is far more than any model has.
pub const MAX_CLASSES: usize = 1 << 24;

/// Why an array of some shape can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ShapeError {
    /// The array has more entries than can be addressed.
    #[error("the shape {0:?} has more entries than can be addressed")]
    TooLarge(Vec<usize>),
    /// The class axis has no entry.
    #[error("the class axis (axis {1}) of shape {0:?} is empty")]
    NoClasses(Vec<usize>, usize),
    /// More than [`MAX_CLASSES`] classes: a header can claim more than any file holds, and memory that grows with the
    /// number of classes must be bounded.
    #[error("the class axis (axis {1}) of shape {0:?} has more than {MAX_CLASSES} classes")]
    TooManyClasses(Vec<usize>, usize),
    /// There is no such axis.
    #[error("shape {0:?} has no axis {1}")]
    NoAxis(Vec<usize>, usize),
    /// The order of rows names an axis twice, or leaves one out.
    #[error("the rows of shape {0:?} can't be numbered along axes {1:?}")]
    RowOrder(Vec<usize>, Vec<usize>),
}

/// The index along each axis of entry `flat` of an array of `shape` in C order.
pub(crate) fn unravel(flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = flat;
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let at = rest % size;
            rest /= size;
            at
        })
        .collect();
    index.reverse();
    index
}

/// How the numbers of a file are laid out, `[planes, classes, inner]`, and how its rows are numbered for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Geometry {
    planes: usize,
    classes: usize,
    inner: usize,
    /// Size and logical stride of each axis but the classes', slowest in the file first.
    row_axes: Vec<(usize, usize)>,
    in_order: bool,
}

impl Geometry {
    /// The geometry of an array of `shape`, whose rows run along `class_axis` and are numbered along the
    /// other axes in `row_order` (slowest first; each of the other axes exactly once).
    ///
    /// # Errors
    /// If the shape overflows, the class axis is empty or has more than [`MAX_CLASSES`], an axis does not exist, or
    /// `row_order` does not name every other axis once.
    pub fn new(
        shape: &[usize],
        fortran_order: bool,
        class_axis: usize,
        row_order: &[usize],
    ) -> Result<Self, ShapeError> {
        let no_axis = |axis| ShapeError::NoAxis(shape.to_vec(), axis);
        let classes = *shape.get(class_axis).ok_or_else(|| no_axis(class_axis))?;
        if classes == 0 {
            return Err(ShapeError::NoClasses(shape.to_vec(), class_axis));
        }
        if classes > MAX_CLASSES {
            return Err(ShapeError::TooManyClasses(shape.to_vec(), class_axis));
        }
        let mut axes = [row_order, &[class_axis]].concat();
        axes.sort_unstable();
        if let Some(&axis) = axes.iter().find(|&&axis| axis >= shape.len()) {
            return Err(no_axis(axis));
        }
        if !axes.iter().copied().eq(0..shape.len()) {
            return Err(ShapeError::RowOrder(shape.to_vec(), row_order.to_vec()));
        }
        let too_large = || ShapeError::TooLarge(shape.to_vec());
        // Zeros are left out of the product, so that no partial product overflows either.
        shape
            .iter()
            .filter(|&&size| size > 0)
            .try_fold(1_usize, |a, &b| a.checked_mul(b))
            .ok_or_else(too_large)?;

        let mut strides = vec![0; shape.len()];
        let mut stride = 1_usize;
        for &axis in row_order.iter().rev() {
            strides[axis] = stride;
            stride *= shape[axis];
        }
        let mut file_axes: Vec<usize> = (0..shape.len()).collect();
        if fortran_order {
            file_axes.reverse();
        }
        let (mut planes, mut inner, mut seen) = (1_usize, 1_usize, false);
        let mut row_axes = Vec::new();
        for axis in file_axes {
            if axis == class_axis {
                seen = true;
                continue;
            }
            if seen {
                inner *= shape[axis];
            } else {
                planes *= shape[axis];
            }
            row_axes.push((shape[axis], strides[axis]));
        }
        let mut stride = 1;
        let mut in_order = true;
        for &(size, logical) in row_axes.iter().rev() {
            in_order &= size <= 1 || logical == stride;
            stride *= size;
        }
        Ok(Self { planes, classes, inner, row_axes, in_order })
    }

    /// The same as [`Self::new`], with the rows numbered along the other axes in their order.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn along(shape: &[usize], fortran_order: bool, class_axis: usize) -> Result<Self, ShapeError> {
        let others: Vec<usize> = (0..shape.len()).filter(|&axis| axis != class_axis).collect();
        Self::new(shape, fortran_order, class_axis, &others)
    }

    /// Number of classes in a row.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.planes * self.inner
    }

    /// Number of planes in the file.
    pub fn planes(&self) -> usize {
        self.planes
    }

    /// Number of values in a plane.
    pub fn plane_len(&self) -> usize {
        self.classes * self.inner
    }

    /// Whether the user's row numbers are in the order of the file.
    pub fn is_in_order(&self) -> bool {
        self.in_order
    }

    /// The user's number of the row that is number `file_row` in the order of the file.
    pub fn logical_row(&self, file_row: usize) -> usize {
        if self.in_order {
            return file_row;
        }
        let mut rest = file_row;
        let mut row = 0;
        for &(size, stride) in self.row_axes.iter().rev() {
            row += rest % size * stride;
            rest /= size;
        }
        row
    }

    /// The number, in the order of the file, of the user's row `row`: the inverse of [`Self::logical_row`].
    pub fn file_row(&self, row: usize) -> usize {
        if self.in_order {
            return row;
        }
        self.row_axes.iter().fold(0, |at, &(size, stride)| at * size + row / stride % size)
    }

    /// Whether the values of each row are contiguous in the file.
    pub(crate) fn has_whole_rows(&self) -> bool {
        self.inner == 1
    }

    /// Of whole planes, from values of `size` bytes row by row to the order of the file.
    pub(crate) fn to_planes(&self, size: usize, rows: &[u8], planes: &mut Vec<u8>) {
        planes.resize(rows.len(), 0);
        if rows.is_empty() {
            return;
        }
        let (row_bytes, lane_bytes) = (self.classes * size, self.inner * size);
        let plane_bytes = self.plane_len() * size;
        for (rows, plane) in rows.chunks_exact(plane_bytes).zip(planes.chunks_exact_mut(plane_bytes)) {
            // Some classes at a time, whose values lie together in each row.
            plane.par_chunks_mut(TILE_ROWS * lane_bytes).enumerate().for_each(|(tile, plane)| {
                let first = tile * TILE_ROWS * size;
                for (lane, row) in rows.chunks_exact(row_bytes).enumerate() {
                    for (class, values) in plane.chunks_exact_mut(lane_bytes).enumerate() {
                        let value = &row[first + class * size..][..size];
                        values[lane * size..][..size].copy_from_slice(value);
                    }
                }
            });
        }
    }

    /// Whether rows that follow each other to the user, `count` to a run, lie along one axis of the file.
    pub(super) fn is_axis(&self, count: usize) -> bool {
        self.in_order || count <= 1 || self.row_axes.contains(&(count, 1))
    }
}

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

/// Rows that are transposed together, at the least: a line of the cache of each class.
const TILE_ROWS: usize = 16;
/// Values that are transposed together where that is more rows.
const TURNED_VALUES: usize = 2048;

impl<'a, E: Element> Block<'a, E> {
    /// A block of the planes from `first_plane` on; `values` holds whole planes.
    pub(crate) fn new(values: &'a [E], geometry: &Geometry, first_plane: usize) -> Self {
        assert!(values.len().is_multiple_of(geometry.plane_len().max(1)), "whole planes");
        Self {
            values,
            classes: geometry.classes,
            inner: geometry.inner,
            first_row: first_plane * geometry.inner,
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

    #[test]
    fn rows_are_numbered_by_each_axis_once() {
        let new = |row_order: &[usize]| Geometry::new(&[3, 4, 5], false, 2, row_order);
        assert!(new(&[1, 0]).is_ok());
        assert_eq!(new(&[0, 7]), Err(ShapeError::NoAxis(vec![3, 4, 5], 7)));
        for wrong in [&[][..], &[0], &[0, 0], &[0, 2], &[0, 1, 2]] {
            assert_eq!(new(wrong), Err(ShapeError::RowOrder(vec![3, 4, 5], wrong.to_vec())));
        }
    }

    /// Every layout must hand out the rows of the same logical array.
    #[test]
    fn every_order_of_axes_gives_the_same_rows() {
        let shape = [3, 4, 5];
        let value = |i: [usize; 3]| (i[0] * 100 + i[1] * 10 + i[2]) as f64;
        for fortran in [false, true] {
            let mut values = Vec::new();
            let (a, b, c) = if fortran { (2, 1, 0) } else { (0, 1, 2) };
            for i in 0..shape[a] {
                for j in 0..shape[b] {
                    for k in 0..shape[c] {
                        let mut index = [0; 3];
                        (index[a], index[b], index[c]) = (i, j, k);
                        values.push(value(index));
                    }
                }
            }
            for class_axis in 0..3 {
                let others: Vec<usize> = (0..3).filter(|&axis| axis != class_axis).collect();
                for order in [[others[0], others[1]], [others[1], others[0]]] {
                    let geometry = Geometry::new(&shape, fortran, class_axis, &order).expect("a valid shape");
                    let block = Block::new(&values, &geometry, 0);
                    let mut seen = vec![false; geometry.rows()];
                    block.for_each_row(0..block.rows(), |row, scores| {
                        let logical = geometry.logical_row(row);
                        assert_eq!(geometry.file_row(logical), row);
                        seen[logical] = true;
                        let mut index = [0; 3];
                        index[order[0]] = logical / shape[order[1]];
                        index[order[1]] = logical % shape[order[1]];
                        for (class, &x) in scores.iter().enumerate() {
                            index[class_axis] = class;
                            assert_eq!(x, value(index));
                        }
                    });
                    assert!(seen.iter().all(|&s| s));
                }
            }
        }
    }

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

    #[test]
    fn an_overflowing_shape_is_refused_even_beside_a_zero() {
        let huge = [usize::MAX, usize::MAX, 0, 3];
        assert!(matches!(Geometry::new(&huge, false, 3, &[0, 1, 2]), Err(ShapeError::TooLarge(_))));
        assert!(matches!(Geometry::new(&[4, 0], false, 1, &[0]), Err(ShapeError::NoClasses(..))));
    }
}
