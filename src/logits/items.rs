//! The items of a CTC input: which row of a file is which frame of which item.

use thiserror::Error;

use super::{Block, Geometry, ItemOrder};
use crate::kernel::{Element, Rows};

/// Why items do not fit a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ItemsError {
    /// The number of rows is not the number of items times the number of frames.
    #[error("{rows} rows do not make {items} items of {frames} frames")]
    Rows {
        /// Rows of the matrix.
        rows: usize,
        /// Number of lengths.
        items: usize,
        /// Frames of each item.
        frames: usize,
    },
    /// An item has more frames in use than there are.
    #[error("item {item}: a length of {length} exceeds its {frames} frames")]
    Length {
        /// The item's index.
        item: usize,
        /// The item's length.
        length: usize,
        /// Frames of each item.
        frames: usize,
    },
    /// An item's frames do not lie along one axis of the matrix.
    #[error("the {0} frames of an item do not lie along one axis of the matrix")]
    Frames(usize),
}

/// The items of a CTC input: which row of a matrix is which frame of which item, and which rows are in use.
#[derive(Clone, Debug)]
pub struct Items {
    geometry: Geometry,
    frames: usize,
    lengths: Vec<usize>,
}

impl Items {
    /// Items of `frames` frames each. `geometry` numbers their rows `item * frames + frame`; the first `lengths[i]`
    /// frames of item `i` are in use.
    ///
    /// # Errors
    /// If the number of rows is not `lengths.len() * frames`, a length is above `frames`, or an item's frames do not
    /// follow each other along one axis.
    pub fn new(geometry: Geometry, frames: usize, lengths: Vec<usize>) -> Result<Self, ItemsError> {
        let (rows, items) = (geometry.rows(), lengths.len());
        if items.checked_mul(frames) != Some(rows) {
            return Err(ItemsError::Rows { rows, items, frames });
        }
        if !geometry.is_axis(frames) {
            return Err(ItemsError::Frames(frames));
        }
        match lengths.iter().position(|&length| length > frames) {
            Some(item) => Err(ItemsError::Length { item, length: lengths[item], frames }),
            None => Ok(Self { geometry, frames, lengths }),
        }
    }

    /// The layout of the matrix.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Frames of each item, in use or not.
    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    /// The number of frames in use of each item.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The user's number of a row of the file.
    pub fn number(&self, file_row: usize) -> usize {
        self.geometry.logical_row(file_row)
    }

    /// The row of the file that the user gave this number.
    pub(crate) fn file_row(&self, number: usize) -> usize {
        self.geometry.file_row(number)
    }

    /// The number of a frame of an item to the user: the opposite of [`Self::place`].
    pub(crate) fn number_of(&self, item: usize, frame: usize) -> usize {
        item * self.frames + frame
    }

    /// The item and the frame of the user's row `number`.
    ///
    /// # Panics
    /// If items have no frames, so that there is no row.
    pub fn place(&self, number: usize) -> (usize, usize) {
        (number / self.frames, number % self.frames)
    }

    /// Where in the file an item's frames in use, of which there is one at least, lie: the first's row and the distance
    /// from one to the next.
    pub(crate) fn file_rows(&self, item: usize) -> (usize, usize) {
        let first = item * self.frames;
        let start = self.geometry.file_row(first);
        let stride = if self.frames > 1 { self.geometry.file_row(first + 1) - start } else { 1 };
        (start, stride)
    }

    /// Which rows of the file follow each other, where they are whole and lie as one of these says.
    pub(crate) fn order(&self) -> Option<ItemOrder> {
        let (geometry, items) = (&self.geometry, self.lengths.len());
        match () {
            () if !geometry.has_whole_rows() || self.frames == 0 => None,
            () if geometry.is_in_order() => Some(ItemOrder::ItemByItem),
            () if geometry.is_transposed(items, self.frames) => Some(ItemOrder::FrameByFrame),
            () => None,
        }
    }

    /// An item's frames in use from number `taken` on, as far as `block` has them and at most `most`; those before lie in
    /// this block or in earlier ones. None where there is none. Only where [`Geometry::has_whole_rows`].
    pub(crate) fn frames_in<'a, E: Element>(
        &self,
        block: &Block<'a, E>,
        item: usize,
        taken: usize,
        most: usize,
    ) -> Option<Rows<'a, E>> {
        let length = self.lengths[item];
        if taken >= length {
            return None;
        }
        let (start, stride) = self.file_rows(item);
        let end = block.first_row() + block.rows();
        let there = end.saturating_sub(start).div_ceil(stride).min(length);
        let count = there.saturating_sub(taken).min(most);
        (count > 0).then(|| block.rows_apart(start + taken * stride - block.first_row(), count, stride))
    }

    /// Whether the user's row `number` is in use.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn is_used(&self, number: usize) -> bool {
        let (item, frame) = self.place(number);
        frame < self.lengths[item]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_fill_the_matrix_and_lengths_their_frames() {
        let geometry = Geometry::new(&[6, 4], false, 1, &[0]).expect("a matrix");
        let new = |frames, lengths: &[usize]| Items::new(geometry.clone(), frames, lengths.to_vec());
        let items = new(3, &[2, 0]).expect("two items");
        let used: Vec<usize> = (0..6).filter(|&number| items.is_used(number)).collect();
        assert_eq!((used, items.place(5)), (vec![0, 1], (1, 2)));
        assert_eq!(new(4, &[2, 0]).err(), Some(ItemsError::Rows { rows: 6, items: 2, frames: 4 }));
        assert_eq!(new(3, &[2]).err(), Some(ItemsError::Rows { rows: 6, items: 1, frames: 3 }));
        assert_eq!(new(3, &[0, 9]).err(), Some(ItemsError::Length { item: 1, length: 9, frames: 3 }));
        let transposed = Geometry::new(&[3, 2, 4], true, 2, &[0, 1]).expect("a matrix");
        assert_eq!(Items::new(transposed, 6, vec![6]).err(), Some(ItemsError::Frames(6)));
        // (time, item, class), numbered as if it were (item, time, class).
        let along = Geometry::along(&[5, 3, 4], false, 2).expect("a matrix");
        assert_eq!(Items::new(along.clone(), 5, vec![5; 3]).err(), Some(ItemsError::Frames(5)));
        for (frames, items) in [(3, 5), (1, 15), (15, 1)] {
            assert!(Items::new(along.clone(), frames, vec![frames; items]).is_ok(), "{frames}");
        }
    }
}
