//! The frames of items, collected in whatever order the file has them.

use std::convert::Infallible;

use crate::kernel::Element;
use crate::logits::{Block, BlockVisitor, Items};

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

    /// Number of frames.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Whether all frames of `classes` values are there.
    pub(super) fn is_complete(&self, classes: usize) -> bool {
        let len = match &self.values {
            Values::Single(values) => values.len(),
            Values::Double(values) => values.len(),
        };
        len == self.length * classes
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
    rows: Items,
    /// The items, in order.
    pub items: Vec<ItemFrames>,
}

impl CollectItems {
    /// No frame of these items yet.
    pub fn new(rows: Items) -> Self {
        let items = rows.lengths().iter().map(|&length| ItemFrames::new(length)).collect();
        Self { rows, items }
    }
}

impl BlockVisitor for CollectItems {
    type Error = Infallible;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), Infallible> {
        block.for_each_row(0..block.rows(), |row, scores| {
            let number = self.rows.number(block.first_row() + row);
            if self.rows.is_used(number) {
                self.items[self.rows.place(number).0].push(scores);
            }
        });
        Ok(())
    }
}
