//! Where two matrices differ, if that is in one part of them alone.

use std::ops::Range;

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
        let mut region: Vec<Range<usize>> = self.shape.iter().map(|&size| size..0).collect();
        for at in (0..len).filter(fails) {
            for ((range, stride), size) in region.iter_mut().zip(&strides).zip(self.shape) {
                let index = at / stride % size;
                *range = index.min(range.start)..range.end.max(index + 1);
            }
        }
        let values: usize = region.iter().map(ExactSizeIterator::len).product();
        // None fails any more where a mapped file has changed since they were counted.
        (values > 0 && values * 2 <= len).then_some(region)
    }
}
