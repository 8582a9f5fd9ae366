//! How a .npy file's values are cut into pieces, and who reads which.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::window::Window;
use crate::input::InputError;
use crate::input::npy::{Decoded, NpyInfo};
use crate::input::source::{RandomAccess, Source};
use crate::logits::Geometry;

/// Bytes that stay in a cache until they are looked at.
const CACHED: usize = 1 << 22;

/// How a matrix is cut into blocks of whole planes.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    planes: usize,
    planes_per_block: usize,
    plane_len: usize,
}

impl Cut {
    pub(super) fn new(geometry: &Geometry, values: usize) -> Self {
        let plane_len = geometry.plane_len();
        let planes = if plane_len == 0 { 0 } else { geometry.planes() };
        Self { planes, planes_per_block: (values / plane_len.max(1)).max(1), plane_len }
    }

    /// The same into blocks of whole runs of so many planes.
    pub(super) fn into_runs_of(self, planes: usize) -> Self {
        let runs = (self.planes_per_block / planes.max(1)).max(1);
        Self { planes_per_block: runs.saturating_mul(planes.max(1)), ..self }
    }

    pub(super) fn blocks(self) -> usize {
        self.planes.div_ceil(self.planes_per_block)
    }

    pub(super) fn first_plane(self, block: usize) -> usize {
        block * self.planes_per_block
    }

    /// Values before block `block`.
    pub(super) fn offset(self, block: usize) -> usize {
        self.first_plane(block) * self.plane_len
    }

    /// Values in block `block`.
    pub(super) fn len(self, block: usize) -> usize {
        (self.planes - self.first_plane(block)).min(self.planes_per_block) * self.plane_len
    }

    /// The values of block `block`.
    pub(super) fn values(self, block: usize) -> Range<usize> {
        let start = self.offset(block);
        start..start + self.len(block)
    }
}

/// The pieces of a .npy file's values, each read and looked at by one thread.
pub(super) struct Pieces<'a, E> {
    info: &'a NpyInfo,
    cut: Cut,
    /// Where in the file the values begin.
    start: u64,
    buffers: Pool<E>,
    window: Window,
}

impl<'a, E: Decoded> Pieces<'a, E> {
    /// The pieces of the values that begin at byte `start`.
    pub(super) fn new(info: &'a NpyInfo, cut: Cut, start: u64) -> Self {
        Self { info, cut, start, buffers: Pool::default(), window: Window::new(info, start) }
    }

    /// How many pieces fit into the mapped window at a time.
    pub(super) fn most_at_once(&self) -> usize {
        self.window.most_values().map_or(usize::MAX, |values| values / self.cut.len(0).max(1)).max(1)
    }

    /// Tries both, and has the pieces read in place of mapped where that was faster.
    pub(super) fn read_where_faster(&mut self, file: RandomAccess<'_>) {
        // What a piece is read to would be in memory itself, not in a thread's cache.
        if self.cut.len(0) <= CACHED / size_of::<E>() {
            self.window.unless_reading_is_faster(file);
        }
    }

    fn read(
        &self,
        piece: usize,
        name: &str,
        read: &mut dyn FnMut(&mut [u8]) -> Result<usize, InputError>,
    ) -> Result<Buffer<E>, InputError> {
        let mut buffer = self.buffers.get();
        let (len, size) = (self.cut.len(piece), self.info.dtype.size());
        let count = self.info.fill(len, read, &mut buffer.raw, &mut buffer.values)?;
        if count < len * size {
            return Err(self.info.length_error(name, (self.cut.offset(piece) * size + count) as u64));
        }
        Ok(buffer)
    }

    fn looked_at<P>(&self, piece: usize, buffer: Buffer<E>, look: impl Fn(usize, &[E]) -> P) -> P {
        let part = look(piece, &buffer.values);
        self.buffers.put(buffer);
        part
    }

    /// Every thread reads its own pieces.
    pub(super) fn of_file<P: Send>(
        &mut self,
        file: RandomAccess<'_>,
        name: &str,
        round: Range<usize>,
        look: impl Fn(usize, &[E]) -> P + Sync,
    ) -> Vec<Result<P, InputError>> {
        self.window.cover(file, self.cut.offset(round.start)..self.cut.values(round.end - 1).end);
        let one = |piece: usize| {
            if let Some(values) = self.window.values(self.cut.values(piece)) {
                return Ok(look(piece, values));
            }
            if let Some(bytes) = self.window.bytes(self.cut.values(piece)) {
                let mut buffer = self.buffers.get();
                buffer.values.resize(self.cut.len(piece), E::ZERO);
                E::decode(self.info, bytes, &mut buffer.values);
                return Ok(self.looked_at(piece, buffer, &look));
            }
            let at = self.start + (self.cut.offset(piece) * self.info.dtype.size()) as u64;
            let buffer = self.read(piece, name, &mut file.reader(at))?;
            Ok(self.looked_at(piece, buffer, &look))
        };
        round.into_par_iter().with_max_len(1).map(one).collect()
    }

    /// The same of pieces that are several runs of the file's values each.
    pub(super) fn of_strips<P: Send, I: Iterator<Item = Range<usize>> + Clone>(
        &self,
        file: RandomAccess<'_>,
        round: Range<usize>,
        runs: impl Fn(usize) -> I + Sync,
        look: impl Fn(usize, &[E]) -> P + Sync,
    ) -> Vec<Result<P, InputError>> {
        let size = self.info.dtype.size();
        let one = |piece: usize| {
            let mut buffer = self.buffers.get();
            let len = runs(piece).map(|run| run.len()).sum();
            let bytes = |run: Range<usize>| {
                self.start + (run.start * size) as u64..self.start + (run.end * size) as u64
            };
            let read = &mut file.reader_of(runs(piece).map(bytes));
            let count = self.info.fill(len, read, &mut buffer.raw, &mut buffer.values)?;
            if count < len * size {
                return Err(self.info.length_error(file.name(), file.len()?.saturating_sub(self.start)));
            }
            Ok(self.looked_at(piece, buffer, &look))
        };
        round.into_par_iter().with_max_len(1).map(one).collect()
    }

    /// Who has nothing to look at reads the next piece while the others look at theirs.
    pub(super) fn of_stream<P: Send>(
        &self,
        source: &mut Source,
        name: &str,
        round: Range<usize>,
        look: impl Fn(usize, &[E]) -> P + Sync,
    ) -> Vec<Result<P, InputError>> {
        let mut failed = false;
        let pieces = round.map_while(|piece| {
            // Nothing is read behind an error.
            if failed {
                return None;
            }
            let buffer = self.read(piece, name, &mut |bytes| source.read_up_to(bytes));
            failed = buffer.is_err();
            Some((piece, buffer))
        });
        let one = |(piece, buffer): (usize, Result<Buffer<E>, InputError>)| {
            (piece, buffer.map(|buffer| self.looked_at(piece, buffer, &look)))
        };
        let mut parts: Vec<_> = pieces.par_bridge().map(one).collect();
        parts.sort_unstable_by_key(|&(piece, _)| piece);
        parts.into_iter().map(|(_, part)| part).collect()
    }
}

/// Where a piece is read to.
struct Buffer<E> {
    raw: Vec<u8>,
    values: Vec<E>,
}

/// Buffers to be used again: fresh memory costs more than what is read into it.
struct Pool<E>(Mutex<Vec<Buffer<E>>>);

impl<E> Default for Pool<E> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<E> Pool<E> {
    fn get(&self) -> Buffer<E> {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        used.unwrap_or_else(|| Buffer { raw: Vec::new(), values: Vec::new() })
    }

    fn put(&self, buffer: Buffer<E>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::*;
    use crate::input::npy::Dtype;

    /// Threads take what they get; what becomes of it is as if one had taken all.
    #[test]
    fn pieces_of_a_stream_stay_in_order() {
        let planes = 12;
        let info = NpyInfo {
            dtype: Dtype::F64,
            big_endian: false,
            shape: vec![planes, 2],
            fortran_order: false,
            version: 1,
            len: planes * 2,
        };
        let values: Vec<f64> = (0..planes * 2).map(|at| at as f64).collect();
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        let body: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        file.write_all(&body).expect("room for it");
        let geometry = Geometry::along(&info.shape, false, 1).expect("a matrix");
        let pieces = Pieces::<f64>::new(&info, Cut::new(&geometry, 2), 0);
        let mut source = Source::open(file.path()).expect("the file");
        let look = |piece: usize, values: &[f64]| {
            // The others have the time to take the next.
            std::thread::sleep(Duration::from_millis(2));
            (piece, values.to_vec())
        };
        let threads = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads");
        let found = threads.install(|| pieces.of_stream(&mut source, "x", 0..planes, look));
        let found: Vec<_> = found.into_iter().map(|part| part.expect("all is there")).collect();
        let expected: Vec<_> = values.chunks(2).map(<[f64]>::to_vec).enumerate().collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn runs_are_not_taken_apart() {
        // Planes of the matrix, planes that fit a block, planes of a run.
        for (planes, most, run) in
            [(10, 4, 3), (10, 3, 4), (9, 9, 3), (7, 100, 7), (1, 1, 1), (5, 2, 1), (6, 1, 6)]
        {
            let geometry = Geometry::along(&[planes, 2], false, 1).expect("a matrix");
            let cut = Cut::new(&geometry, most * 2).into_runs_of(run);
            let mut next = 0;
            for block in 0..cut.blocks() {
                assert_eq!((cut.first_plane(block), cut.first_plane(block) % run), (next, 0));
                let planes_here = cut.len(block) / 2;
                assert!(planes_here <= most.max(run) && planes_here > 0);
                next += planes_here;
            }
            assert_eq!(next, planes);
        }
    }
}
