//! Where two matrices differ, if that is in one part of them alone.

use std::ops::RangeInclusive;

use super::relation::Matrices;

impl Matrices<'_> {
    /// The least part of the matrix that has all of the `differing` values, as NumPy slices, where that is no more than half
    /// of it.
    pub(super) fn region(&self, differing: usize) -> Option<String> {
        let len = self.base.len();
        if differing < 2 || differing * 2 > len {
            return None;
        }
        let fails = |&at: &usize| !self.tolerance.compare(self.base.get(at), self.new.get(at)).passed;
        let strides = self.strides();
        let mut ends: Vec<RangeInclusive<usize>> = self.shape.iter().map(|&size| size..=0).collect();
        for at in (0..len).filter(fails) {
            for ((ends, stride), size) in ends.iter_mut().zip(&strides).zip(self.shape) {
                let index = at / stride % size;
                *ends = index.min(*ends.start())..=index.max(*ends.end());
            }
        }
        // A mapped file may have changed since they were counted.
        let lengths: Option<Vec<usize>> =
            ends.iter().map(|ends| Some(ends.end().checked_sub(*ends.start())? + 1)).collect();
        let values: usize = lengths?.iter().product();
        let slice = |(ends, &size): (&RangeInclusive<usize>, &usize)| match (*ends.start(), *ends.end() + 1) {
            (0, end) if end == size => ":".to_owned(),
            (start, end) if end == start + 1 => start.to_string(),
            (0, end) => format!(":{end}"),
            (start, end) if end == size => format!("{start}:"),
            (start, end) => format!("{start}:{end}"),
        };
        let slices: Vec<String> = ends.iter().zip(self.shape).map(slice).collect();
        (values * 2 <= len).then(|| format!("[{}]", slices.join(", ")))
    }
}
