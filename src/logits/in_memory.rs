//! Matrices that are in memory, as blocks.

use rayon::prelude::*;

use super::{Block, BlockReducer, Geometry};
use crate::kernel::Element;

/// Values of a block, or one plane where that is more.
const BLOCK_VALUES: usize = 1 << 16;

/// Has `reducer` look at a matrix in memory in blocks of whole rows, as many at a time as there are threads.
///
/// `values` lie as `geometry` says. The items of CTC have their frames behind each other, so for `(time, item, class)` in C
/// order that is `Geometry::new(&[time, items, classes], false, 2, &[1, 0])`, for `(item, time, class)` it is
/// `Geometry::along(&[items, time, classes], false, 2)`. The result has the same bytes with any number of threads.
///
/// # Errors
/// Whatever `reducer` returns.
///
/// # Panics
/// Where `geometry` is of another number of values.
///
/// ```
/// use ctctool::logits::{Geometry, InputKind, Items, Nonfinite, reduce_slice};
/// use ctctool::loss::ctc::CtcLabels;
/// use ctctool::loss::ctc_batch::CtcBatch;
///
/// // Two frames of two items, three classes; class 0 is the blank.
/// let logits = [0.0_f32; 12];
/// let geometry = Geometry::new(&[2, 2, 3], false, 2, &[1, 0])?; // (time, item, class), numbered item by item
/// let rows = Items::new(geometry.clone(), 2, vec![2, 1])?; // the second item has one frame
/// let labels = vec![CtcLabels::new(&[1], 3, 0)?, CtcLabels::new(&[2], 3, 0)?];
/// let mut batch = CtcBatch::new(InputKind::Logits, Nonfinite::Error, rows, labels);
/// reduce_slice(&logits, &geometry, &mut batch).map_err(|row| format!("{row:?}"))?;
/// let losses: Vec<f64> = batch.finish().items.iter().map(|item| item.loss.loss_nats).collect();
/// assert!((losses[0] - 3_f64.ln()).abs() < 1e-15 && (losses[1] - 3_f64.ln()).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reduce_slice<E: Element, R: BlockReducer>(
    values: &[E],
    geometry: &Geometry,
    reducer: &mut R,
) -> Result<(), R::Error> {
    assert_eq!(values.len(), geometry.rows() * geometry.classes(), "a geometry of this matrix");
    let plane = geometry.plane_len().max(1);
    let blocks: Vec<&[E]> = values.chunks((BLOCK_VALUES / plane).max(1) * plane).collect();
    reduce_blocks(&blocks, geometry, reducer)
}

/// The same of values in pieces of whole planes each.
pub(crate) fn reduce_blocks<E: Element, R: BlockReducer>(
    blocks: &[impl AsRef<[E]> + Sync],
    geometry: &Geometry,
    reducer: &mut R,
) -> Result<(), R::Error> {
    let rows = blocks.first().map_or(0, |values| values.as_ref().len() / geometry.classes());
    let mut plane = 0;
    for round in blocks.chunks(round_of(reducer, rows)) {
        let numbered: Vec<(usize, &[E])> = round
            .iter()
            .map(|values| {
                let first = plane;
                plane += values.as_ref().len() / geometry.plane_len().max(1);
                (first, values.as_ref())
            })
            .collect();
        let look = |&(plane, values): &(usize, &[E])| reducer.look(Block::new(values, geometry, plane));
        let parts: Vec<R::Part> = numbered.par_iter().with_max_len(1).map(look).collect();
        parts.into_iter().try_for_each(|part| reducer.take(part))?;
        reducer.end_round();
    }
    Ok(())
}

/// Blocks of `rows` rows each that are looked at together.
pub(crate) fn round_of<R: BlockReducer>(reducer: &R, rows: usize) -> usize {
    reducer.round(rows) * rayon::current_num_threads()
}
