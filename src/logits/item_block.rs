//! Whole items of a CTC input, as they lie in memory.

use std::ops::Range;

use super::Items;
use crate::kernel::{Element, Rows};

/// Some items that follow each other, with all their frames.
#[derive(Clone, Copy, Debug)]
pub struct ItemBlock<'a, E> {
    values: &'a [E],
    classes: usize,
    frames: usize,
    first: usize,
    order: ItemOrder,
}

/// Which of an array's rows follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemOrder {
    /// The frames of an item: `[items, frames, classes]`.
    ItemByItem,
    /// The items' first frames, and so on: `[frames, items, classes]`.
    FrameByFrame,
}

impl<'a, E: Element> ItemBlock<'a, E> {
    /// The items from number `first` on of a matrix with `items`; `values` lie in the same order.
    ///
    /// # Panics
    /// If these are not whole items.
    pub(crate) fn new(values: &'a [E], items: &Items, order: ItemOrder, first: usize) -> Self {
        let (frames, classes) = (items.frames(), items.geometry().classes());
        assert!(frames > 0 && values.len().is_multiple_of(frames * classes), "whole items");
        Self { values, classes, frames, first, order }
    }

    /// The items' numbers.
    pub fn items(&self) -> Range<usize> {
        self.first..self.first + self.values.len() / (self.frames * self.classes)
    }

    /// Which rows follow each other.
    pub fn order(&self) -> ItemOrder {
        self.order
    }

    /// All rows as they follow each other: each one's item, frame and scores.
    pub fn rows(&self) -> impl Iterator<Item = (usize, usize, &'a [E])> + use<'a, E> {
        let Self { values, classes, frames, order, .. } = *self;
        let items = self.items();
        values.chunks_exact(classes).enumerate().map(move |(at, row)| match order {
            ItemOrder::ItemByItem => (items.start + at / frames, at % frames, row),
            ItemOrder::FrameByFrame => (items.start + at % items.len(), at / items.len(), row),
        })
    }

    /// Consecutive frames of an item, or all frames of several items, one after another.
    ///
    /// # Panics
    /// If there is no such item or frame, or they do not follow each other so.
    pub fn frames(&self, items: Range<usize>, frames: Range<usize>) -> Rows<'a, E> {
        let all = self.order == ItemOrder::ItemByItem && frames == (0..self.frames);
        assert!(items.len() == 1 || all, "frames that follow each other");
        let (item_stride, frame_stride) = self.strides();
        let first = (items.start - self.first) * item_stride + frames.start * frame_stride;
        self.apart(first, items.len() * frames.len(), frame_stride)
    }

    /// One frame of some consecutive items.
    ///
    /// # Panics
    /// If there is no such item or frame.
    pub fn items_at(&self, items: Range<usize>, frame: usize) -> Rows<'a, E> {
        let (item_stride, frame_stride) = self.strides();
        self.apart((items.start - self.first) * item_stride + frame * frame_stride, items.len(), item_stride)
    }

    fn apart(&self, first: usize, count: usize, stride: usize) -> Rows<'a, E> {
        let values = match count.checked_sub(1) {
            Some(steps) => &self.values[first..][..steps * stride + self.classes],
            None => &[],
        };
        Rows::apart(values, self.classes, stride)
    }

    /// From an item to the next, and from a frame to the next, in values.
    fn strides(&self) -> (usize, usize) {
        match self.order {
            ItemOrder::ItemByItem => (self.frames * self.classes, self.classes),
            ItemOrder::FrameByFrame => (self.classes, self.items().len() * self.classes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logits::Geometry;

    #[test]
    fn each_order_has_each_row() {
        let (count, frames) = (3, 4);
        let geometry = Geometry::along(&[9, 4, 2], false, 2).expect("a matrix");
        let items = Items::new(geometry, frames, vec![frames; 9]).expect("its items");
        // A value tells its item, frame and class.
        let value = |item: usize, frame: usize, class: usize| (item * 100 + frame * 10 + class) as f32;
        let row = |item, frame| [value(item, frame, 0), value(item, frame, 1)];
        let by_item: Vec<f32> =
            (5..5 + count).flat_map(|item| (0..frames).flat_map(move |frame| row(item, frame))).collect();
        let by_frame: Vec<f32> =
            (0..frames).flat_map(|frame| (5..5 + count).flat_map(move |item| row(item, frame))).collect();
        for (values, order) in [(by_item, ItemOrder::ItemByItem), (by_frame, ItemOrder::FrameByFrame)] {
            let block = ItemBlock::new(&values, &items, order, 5);
            assert_eq!((block.items(), block.order()), (5..8, order));
            for item in 5..8 {
                for start in 0..=frames {
                    for end in start..=frames {
                        let expected = (start..end).map(|frame| row(item, frame));
                        assert!(block.frames(item..item + 1, start..end).iter().eq(expected), "{order:?}");
                    }
                }
            }
            let mut rows: Vec<_> = block.rows().collect();
            assert!(rows.iter().map(|(_, _, row)| row.as_ptr()).is_sorted(), "{order:?}");
            rows.sort_by_key(|&(item, frame, _)| (item, frame));
            let expected = (5..8).flat_map(|item| (0..frames).map(move |frame| (item, frame)));
            assert!(rows.iter().map(|&(item, frame, _)| (item, frame)).eq(expected), "{order:?}");
            assert!(rows.iter().all(|&(item, frame, scores)| scores == row(item, frame)), "{order:?}");
            if order == ItemOrder::ItemByItem {
                let expected = (6..8).flat_map(|item| (0..frames).map(move |frame| row(item, frame)));
                assert!(block.frames(6..8, 0..frames).iter().eq(expected));
            }
            for frame in 0..frames {
                for (start, end) in [(5, 5), (5, 8), (6, 7), (8, 8)] {
                    let expected = (start..end).map(|item| row(item, frame));
                    assert!(block.items_at(start..end, frame).iter().eq(expected), "{order:?}");
                }
            }
        }
    }
}
