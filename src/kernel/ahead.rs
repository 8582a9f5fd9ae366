//! What is fetched while rows are looked at, for kernels that read large arrays.

use super::tile::TILE;
use super::{Element, Rows};

/// Values that are looked at twice in one go: with as many that are fetched meanwhile, they stay in the first-level
/// cache.
pub(super) const BLOCK: usize = 2048;

/// How far behind the values that are looked at those are that are fetched meanwhile.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    /// [`BLOCK`] behind so many of the first values there are more of the same row.
    within: usize,
    /// How far it is for the others.
    beyond: usize,
}

impl Ahead {
    /// For rows of one block each: in a later row, where rows do not follow each other.
    pub(super) fn of_rows(rows: Rows<'_, f32>) -> Self {
        let apart = rows.stride() > rows.classes();
        let beyond = if apart { (BLOCK / rows.classes()) * rows.stride() } else { BLOCK };
        Self { within: 0, beyond }
    }

    /// For a block of a row that has `rest` values from the block's first on, and `gap` values to the next row.
    pub(super) fn of_block(rest: usize, gap: usize) -> Self {
        Self { within: rest.saturating_sub(BLOCK), beyond: BLOCK + gap }
    }

    /// For the value at this place of the block.
    #[inline(always)]
    pub(super) fn of(self, place: usize) -> usize {
        if place < self.within { BLOCK } else { self.beyond }
    }
}

/// How far behind a tile's first value those of a later tile are, as many as a column has, that are fetched with this
/// column.
#[inline(always)]
pub(super) fn of_column<E: Element>(rows: Rows<'_, E>, column: usize) -> usize {
    /// That far ahead, in tiles of single precision.
    const TILES: usize = 4;
    let tiles = if E::SINGLE { TILES } else { TILES / 2 };
    let (classes, stride) = (rows.classes(), rows.stride());
    if stride == classes {
        (tiles * classes + column) * TILE
    } else {
        // Of the rows beside them, which whoever takes these takes next.
        (column * TILE / classes) * stride + column * TILE % classes + classes
    }
}
