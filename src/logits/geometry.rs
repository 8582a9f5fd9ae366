//! How the rows of class scores lie in an array of any shape.

use rayon::prelude::*;
use thiserror::Error;

/// The largest number of classes, which is far more than any model has.
pub const MAX_CLASSES: usize = 1 << 24;

/// Rows that are transposed together, at the least: a line of the cache of each class.
pub(super) const TILE_ROWS: usize = 16;

/// Why an array of some shape can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
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

    /// Whether the user's rows are `[slow, fast]` and lie in the file as `[fast, slow]`.
    pub(super) fn is_transposed(&self, slow: usize, fast: usize) -> bool {
        let mut axes = self.row_axes.iter().filter(|(size, _)| *size > 1);
        axes.next() == Some(&(fast, 1)) && axes.next() == Some(&(slow, fast)) && axes.next().is_none()
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

    /// Rows of a plane.
    pub(super) fn inner(&self) -> usize {
        self.inner
    }

    /// Whether rows that follow each other to the user, `count` to a run, lie along one axis of the file, or are whole
    /// axes of it.
    pub(super) fn is_axis(&self, count: usize) -> bool {
        count <= 1 || self.row_axes.contains(&(count, 1)) || self.in_order && self.are_whole_axes(count)
    }

    /// Whether so many rows in order are all of the last axes and an even part of the one before.
    fn are_whole_axes(&self, count: usize) -> bool {
        let mut rest = count;
        for &(size, _) in self.row_axes.iter().rev().filter(|(size, _)| *size > 1) {
            if rest <= size {
                return size.is_multiple_of(rest);
            }
            if !rest.is_multiple_of(size) {
                return false;
            }
            rest /= size;
        }
        // Of no rows, there may be any number.
        rest == 1 || self.rows() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logits::Block;

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

    #[test]
    fn an_overflowing_shape_is_refused_even_beside_a_zero() {
        let huge = [usize::MAX, usize::MAX, 0, 3];
        assert!(matches!(Geometry::new(&huge, false, 3, &[0, 1, 2]), Err(ShapeError::TooLarge(_))));
        assert!(matches!(Geometry::new(&[4, 0], false, 1, &[0]), Err(ShapeError::NoClasses(..))));
    }
}
