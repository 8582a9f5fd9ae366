//! Where two matrices differ, if that is in one part of them alone.

use std::ops::{Range, RangeInclusive};

use super::Matrices;

impl Matrices<'_> {
    /// The least part of the matrix that has all of the `differing` values, as many as do, where that is no more than half
    /// of it: a range along each axis.
    pub fn region(&self, differing: usize) -> Option<Vec<Range<usize>>> {
        let len = self.base.len();
        if differing < 2 || differing * 2 > len {
            return None;
        }
        let fails = |&at: &usize| !self.difference(at).passed;
        let strides = self.strides();
        let mut ends: Vec<RangeInclusive<usize>> = self.shape.iter().map(|&size| size..=0).collect();
        for at in (0..len).filter(fails) {
            for ((ends, stride), size) in ends.iter_mut().zip(&strides).zip(self.shape) {
                let index = at / stride % size;
                *ends = index.min(*ends.start())..=index.max(*ends.end());
            }
        }
        // A mapped file may have changed since they were counted.
        let region: Vec<Range<usize>> = ends.iter().map(|ends| *ends.start()..*ends.end() + 1).collect();
        let values: usize = region.iter().map(ExactSizeIterator::len).product();
        (values > 0 && values * 2 <= len).then_some(region)
    }
}
