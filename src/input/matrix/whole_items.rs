//! Items of a CTC input that are read whole, some by each thread.

use super::pieces::{Cut, Pieces};
use super::{Body, FEW_VALUES, Matrix, PIECE_VALUES, ReadError, rounds};
use crate::input::npy::{Decoded, NpyInfo};
use crate::input::source::Source;
use crate::logits::{ItemBlock, ItemOrder, ItemReducer, Items};

/// Values of the items that a thread reads together where their frames lie beside each other.
const STRIP_VALUES: usize = 1 << 18;
/// Bytes that lie beside each other, at the least: less costs more to read than to sort.
const LEAST_RUN: usize = 1 << 11;
/// Pieces that each thread looks at before the results are taken.
const PIECES_PER_THREAD: usize = 64;
/// So many pieces share the work among any number of threads.
const FEWEST_PIECES: usize = 16;

impl Matrix {
    /// Whether [`Self::reduce_items`] is the way to read these items: they are whole rows of a .npy file, many, and few
    /// values each.
    pub fn has_short_items(&self, items: &Items) -> bool {
        match &self.body {
            Body::Npy(source, info) => item_cut(source, info, items).is_some(),
            Body::Memory(_) => false,
        }
    }

    /// Reads the values and has `reducer` look at whole items, as many at a time as there are threads; each thread reads
    /// what it looks at. The result has the same bytes with any number of threads. Nothing may write to the file
    /// meanwhile: see [`Self::read`].
    ///
    /// # Errors
    /// If the file is too short or too long for its shape, and whatever `reducer` returns.
    ///
    /// # Panics
    /// If `items` are of another matrix, or not [short](Self::has_short_items).
    pub fn reduce_items<R: ItemReducer>(
        self,
        items: &Items,
        reducer: &mut R,
    ) -> Result<(), ReadError<R::Error>> {
        self.check(items.geometry());
        match self.body {
            Body::Npy(source, info) if info.dtype.fits_f32() => {
                reduce_npy::<f32, _>(source, &info, items, reducer)
            }
            Body::Npy(source, info) => reduce_npy::<f64, _>(source, &info, items, reducer),
            Body::Memory(_) => panic!("items of a .npy file"),
        }
    }
}

/// How the items lie, and how many are read together; none where that is not the way to read them.
fn item_cut(source: &Source, info: &NpyInfo, items: &Items) -> Option<(ItemOrder, usize)> {
    let (classes, count) = (items.geometry().classes(), items.lengths().len());
    let item = items.frames() * classes;
    let most = |values: usize| (values / item.max(1)).min(count / FEWEST_PIECES);
    match items.order()? {
        ItemOrder::ItemByItem => {
            let together = most(PIECE_VALUES).max((FEW_VALUES / item.max(1)).min(count));
            (together > 0).then_some((ItemOrder::ItemByItem, together))
        }
        ItemOrder::FrameByFrame => {
            let together = most(STRIP_VALUES);
            let fits =
                source.random_access().is_some() && together * classes * info.dtype.size() >= LEAST_RUN;
            fits.then_some((ItemOrder::FrameByFrame, together))
        }
    }
}

fn reduce_npy<E: Decoded, R: ItemReducer>(
    mut source: Source,
    info: &NpyInfo,
    items: &Items,
    reducer: &mut R,
) -> Result<(), ReadError<R::Error>> {
    let (order, together) = item_cut(&source, info, items).expect("short items");
    let (count, frames, classes) = (items.lengths().len(), items.frames(), items.geometry().classes());
    let name = source.name().to_owned();
    let start = source.position();
    let cut = Cut::new(items.geometry(), together * frames * classes);
    let mut pieces = Pieces::<E>::new(info, cut, start);
    if let Some(file) = source.random_access().filter(|_| order == ItemOrder::ItemByItem) {
        pieces.read_where_faster(file);
    }
    let at_once = PIECES_PER_THREAD * rayon::current_num_threads();
    let at_once = if order == ItemOrder::ItemByItem { at_once.min(pieces.most_at_once()) } else { at_once };
    for round in rounds(count.div_ceil(together), at_once) {
        let look = |piece: usize, values: &[E]| {
            reducer.look_at_items(ItemBlock::new(values, items, order, piece * together))
        };
        let parts = match source.random_access() {
            Some(file) if order == ItemOrder::FrameByFrame => {
                let runs = |piece: usize| {
                    let items = piece * together..((piece + 1) * together).min(count);
                    (0..frames).map(move |frame| {
                        let first = frame * count;
                        (first + items.start) * classes..(first + items.end) * classes
                    })
                };
                pieces.of_strips(file, round, runs, look)
            }
            Some(file) => pieces.of_file(file, &name, round, look),
            None => pieces.of_stream(&mut source, &name, round, look),
        };
        for part in parts {
            reducer.take_items(part?).map_err(ReadError::Visit)?;
        }
    }
    Ok(info.check_end(&mut source, start)?)
}
