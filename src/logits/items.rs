//! Which row of a file is which frame of which item.

use thiserror::Error;

use super::Geometry;

/// Why items can't be those of a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ItemsError {
    /// The matrix has more or fewer rows.
    #[error("{rows} rows are not {items} items of {frames} frames")]
    Rows {
        /// Rows of the matrix.
        rows: usize,
        /// Number of lengths.
        items: usize,
        /// Frames of each item.
        frames: usize,
    },
    /// More frames in use than there are.
    #[error("item {item}: a length of {length} for {frames} frames")]
    Length {
        /// Its index.
        item: usize,
        /// Its length.
        length: usize,
        /// Frames of each item.
        frames: usize,
    },
    /// Frames that are no axis of the matrix may come in any order.
    #[error("{0} frames of an item are not one axis of the matrix")]
    Frames(usize),
}

/// The items of a CTC input: of a matrix's rows, which is which frame of which item, and which are in use.
#[derive(Clone, Debug)]
pub struct Items {
    geometry: Geometry,
    frames: usize,
    lengths: Vec<usize>,
}

impl Items {
    /// Items of `frames` frames each, whose rows `geometry` numbers `item * frames + frame`; of item `i` the first
    /// `lengths[i]` are in use.
    ///
    /// # Errors
    /// Where that is not the number of rows, a length is above `frames`, or an item's frames do not follow each other
    /// along one axis.
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

    /// How the matrix lies.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Frames of each item, in use or not.
    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    /// Frames in use of each item.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The number of a row of the file to the user.
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

    /// The item and the frame of a row, by its number.
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

    /// Whether a row is in use, by its number.
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
    }
}
