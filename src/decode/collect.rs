//! Frames of items, collected in whatever order a file has them.

use std::convert::Infallible;

use crate::kernel::Element;
use crate::logits::{Block, BlockVisitor, Geometry};

/// The frames in use of an item.
#[derive(Clone, Debug)]
pub struct ItemFrames {
    length: usize,
    pub(super) values: Values,
}

/// Values as they were in the file.
#[derive(Clone, Debug)]
pub(super) enum Values {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl ItemFrames {
    /// None yet, of `length`.
    pub(super) fn new(length: usize) -> Self {
        Self { length, values: Values::Single(Vec::new()) }
    }

    /// Whether the item has this frame.
    pub(super) fn has(&self, frame: usize) -> bool {
        frame < self.length
    }

    /// Whether all frames of `classes` values are there.
    pub(super) fn is_complete(&self, classes: usize) -> bool {
        let len = match &self.values {
            Values::Single(values) => values.len(),
            Values::Double(values) => values.len(),
        };
        len == self.length * classes
    }

    /// Gives the memory back.
    pub(super) fn forget(&mut self) {
        self.values = Values::Single(Vec::new());
    }

    /// Adds the next frame.
    pub(super) fn push<E: Element>(&mut self, row: &[E]) {
        if size_of::<E>() == size_of::<f32>() {
            if let Values::Single(values) = &mut self.values {
                values.extend(row.iter().map(|x| x.to_f64() as f32));
            }
            return;
        }
        if matches!(&self.values, Values::Single(_)) {
            self.values = Values::Double(Vec::new());
        }
        if let Values::Double(values) = &mut self.values {
            values.extend(row.iter().map(|x| x.to_f64()));
        }
    }
}

/// Collects the frames of all items, to be decoded several times.
#[derive(Debug)]
pub struct CollectItems {
    geometry: Geometry,
    frames: usize,
    /// The items, in order.
    pub items: Vec<ItemFrames>,
}

impl CollectItems {
    /// Items of `frames` frames each, numbered `item * frames + frame` by `geometry`; of item `i` the first
    /// `lengths[i]` are in use.
    pub fn new(geometry: Geometry, frames: usize, lengths: &[usize]) -> Self {
        Self { geometry, frames, items: lengths.iter().map(|&length| ItemFrames::new(length)).collect() }
    }
}

impl BlockVisitor for CollectItems {
    type Error = Infallible;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), Infallible> {
        block.for_each_row(0..block.rows(), |row, scores| {
            let logical = self.geometry.logical_row(block.first_row() + row);
            let (item, frame) = (&mut self.items[logical / self.frames], logical % self.frames);
            if item.has(frame) {
                item.push(scores);
            }
        });
        Ok(())
    }
}
