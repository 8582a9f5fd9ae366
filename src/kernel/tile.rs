//! Rows side by side: a lane is a row.

use super::{Element, Rows};

/// Rows that are computed side by side.
pub(super) const TILE: usize = 16;
/// The longest row that goes side by side with others.
pub(super) const SHORT: usize = 128;

/// Rows side by side: see [`transpose`].
pub(super) type Tile<E> = [Lanes<E>; SHORT];

/// The values of a class, a lane a row.
pub(super) type Lanes<E> = [E; TILE];

/// In memory so that no register of it lies in two lines of the cache.
#[repr(align(64))]
pub(super) struct Aligned<T>(pub(super) T);

/// Places that are filled up with `-inf` where they are computed side by side.
pub(super) const STEP: usize = 4;

/// Whether rows go side by side: a tile of one or two costs as much as a full one.
pub(super) fn is_worth(rows: usize, classes: usize) -> bool {
    classes <= SHORT && (rows > 2 || classes < 16)
}

/// Puts rows side by side, and fills up the last [`STEP`]; there are at most [`TILE`]. What is in the lanes beyond them
/// stays.
///
/// Not inlined, for with AVX-512 it would become scatter instructions, which are slower than plain moves.
#[inline(never)]
pub(super) fn transpose<E: Element>(rows: Rows<'_, E>, tile: &mut [Lanes<E>]) {
    for (lane, row) in rows.iter().take(TILE).enumerate() {
        for (lanes, &x) in tile.iter_mut().zip(row) {
            lanes[lane] = x;
        }
    }
    let classes = rows.classes();
    tile[classes..classes.next_multiple_of(STEP)].fill([E::NEG_INFINITY; TILE]);
}
