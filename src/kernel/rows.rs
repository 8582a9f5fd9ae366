//! Rows as they lie in memory.

use super::tile::TILE;

/// Some rows of as many values each, one after another or as far apart as each other.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, E> {
    /// From the first row's first value to the last row's last.
    values: &'a [E],
    classes: usize,
    /// From a row's first value to the next row's.
    stride: usize,
}

impl<'a, E> Rows<'a, E> {
    /// `values`, `[rows, classes]`, row-major.
    ///
    /// # Panics
    /// Where they are not whole rows.
    pub fn new(values: &'a [E], classes: usize) -> Self {
        Self::apart(values, classes, classes)
    }

    /// Rows of `classes` values that begin every `stride` values; what is between them belongs to others.
    ///
    /// # Panics
    /// Where rows are empty or overlap, or `values` does not end with a row.
    pub fn apart(values: &'a [E], classes: usize, stride: usize) -> Self {
        let ends_with_row = values.is_empty() || values.len() % stride == classes % stride;
        assert!(0 < classes && classes <= stride && ends_with_row, "whole rows");
        Self { values, classes, stride }
    }

    /// Number of values in a row.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of rows.
    #[allow(clippy::len_without_is_empty)] // nobody asks
    pub fn len(&self) -> usize {
        self.values.len().div_ceil(self.stride)
    }

    /// The rows, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [E]> + DoubleEndedIterator + use<'a, E> {
        let classes = self.classes;
        self.values.chunks(self.stride).map(move |row| &row[..classes])
    }

    /// `count` rows at a time, the last time what is left.
    pub fn chunks(&self, count: usize) -> impl ExactSizeIterator<Item = Self> + use<'a, E> {
        let Self { classes, stride, .. } = *self;
        self.values.chunks(count * stride).map(move |values| Self { values, classes, stride })
    }
}

/// What kernels by hand need.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
impl<'a, E> Rows<'a, E> {
    /// From a row's first value to the next row's.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// From the first row's first value on.
    pub(super) fn values(&self) -> &'a [E] {
        self.values
    }

    /// Whether there are so many: told without a division.
    pub(super) fn are(&self, count: usize) -> bool {
        let most = count * self.stride;
        self.values.len() <= most && most < self.values.len() + self.stride
    }

    /// The rows from number `tile` times [`TILE`] on, as many as go side by side.
    pub(super) fn tile(&self, tile: usize) -> Self {
        let step = TILE * self.stride;
        let rest = &self.values[tile * step..];
        Self { values: &rest[..rest.len().min(step)], ..*self }
    }

    /// Row number `at`.
    pub(super) fn get(&self, at: usize) -> &'a [E] {
        &self.values[at * self.stride..][..self.classes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_handed_out_without_what_is_between_them() {
        let values: Vec<usize> = (0..100).collect();
        for stride in 1..12 {
            for classes in 1..=stride {
                for count in 1..5 {
                    let rows = Rows::apart(&values[..(count - 1) * stride + classes], classes, stride);
                    let all: Vec<&[usize]> = rows.iter().collect();
                    let expected = (0..count).map(|row| &values[row * stride..][..classes]);
                    assert!(rows.are(count) && rows.len() == count && all.iter().copied().eq(expected));
                    for some in 1..5 {
                        let chunks: Vec<_> = rows.chunks(some).flat_map(|rows| rows.iter()).collect();
                        assert_eq!(chunks, all, "{some} of {count} rows of {classes} every {stride}");
                        let full = rows.chunks(some).filter(|rows| rows.are(some)).count();
                        assert_eq!(full, count / some);
                    }
                }
            }
        }
        assert_eq!(Rows::new(&values[..0], 3).iter().count(), 0);
    }
}
