//! The gradient by a whole file's values: rows in, bytes in the order of the file out.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::kernel::Element;
use crate::logits::{AtOnce, Block, BlockVisitor, Geometry, rows_at_once};
use crate::loss::gradient::RowGradient;
use crate::loss::gradient_check::RowSample;

/// How numbers are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoding {
    /// Bytes of each.
    pub(crate) size: usize,
    /// Writes numbers to as many times as many bytes.
    pub(crate) encode: fn(&[f64], &mut [u8]),
}

/// What takes bytes at any place, from any thread.
pub(crate) trait WriteAt: Send + Sync {
    /// Writes all of `bytes`, the first at `place`.
    ///
    /// # Errors
    /// Where that can't be done.
    fn write_all_at(&self, bytes: &[u8], place: u64) -> io::Result<()>;
}

/// Where a gradient goes.
pub(crate) enum GradientOut<'a> {
    /// Nowhere.
    None,
    /// One block behind the other.
    Stream(&'a mut (dyn Write + Send), Encoding),
    /// Rows to their places, each by the thread that has computed it, from its cache.
    Places(Box<dyn WriteAt + 'a>, Encoding),
}

/// Writes the gradient by each value where the value is in the file, and keeps some rows.
pub(crate) struct GradientBatch<'a, G> {
    rows: GradientRows<'a, G>,
    out: GradientOut<'a>,
    /// Whoever read the output has stopped; rows are still kept.
    closed: Option<io::Error>,
    /// A thread's each.
    rooms: Vec<Room>,
    /// Of the block before, in the order of the file: it is written while the next is computed.
    pending: Vec<u8>,
    /// Room for a block.
    next: Vec<u8>,
    /// Of a block, row by row, where that is not the order of the file.
    by_rows: Vec<u8>,
}

/// What a thread computes with, and the rows that it has kept.
#[derive(Default)]
struct Room {
    exps: Vec<f64>,
    gradient: Vec<f64>,
    bytes: Vec<u8>,
    samples: Vec<RowSample>,
}

/// What is computed of a row.
struct GradientRows<'a, G> {
    gradient: &'a G,
    geometry: &'a Geometry,
    /// Rows to be kept, in order.
    sampled: &'a [usize],
}

impl<'a, G: RowGradient> GradientBatch<'a, G> {
    /// Of a file that lies as `geometry` says; the rows with the numbers `sampled`, in ascending order, are kept.
    ///
    /// # Panics
    /// Where rows are to be written to their places, and do not lie in the file as a whole each.
    pub(crate) fn new(
        gradient: &'a G,
        geometry: &'a Geometry,
        out: GradientOut<'a>,
        sampled: &'a [usize],
    ) -> Self {
        assert!(geometry.has_whole_rows() || !matches!(out, GradientOut::Places(..)), "rows have places");
        let rows = GradientRows { gradient, geometry, sampled };
        let rooms = (0..rayon::current_num_threads()).map(|_| Room::default()).collect();
        let [pending, next, by_rows] = [const { Vec::new() }; 3];
        Self { rows, out, closed: None, rooms, pending, next, by_rows }
    }

    /// The rows that were kept, by their numbers, and what came of the last of the output.
    pub(crate) fn finish(self) -> (Vec<RowSample>, io::Result<()>) {
        let written = match (self.closed, self.out) {
            (Some(error), _) => Err(error),
            (None, GradientOut::Stream(out, _)) => out.write_all(&self.pending),
            (None, _) => Ok(()),
        };
        let mut samples: Vec<RowSample> = self.rooms.into_iter().flat_map(|room| room.samples).collect();
        samples.sort_by_key(|sample| sample.row);
        (samples, written)
    }
}

/// Values that a thread takes at a time, in whole rows.
const VALUES_AT_ONCE: usize = 1 << 16;

impl<G: RowGradient> GradientRows<'_, G> {
    /// Rows that a thread takes at a time.
    fn at_once(&self) -> usize {
        let classes = self.geometry.classes();
        // Where rows are made of planes, as many as are turned together.
        if self.geometry.has_whole_rows() { (VALUES_AT_ONCE / classes).max(1) } else { rows_at_once(classes) }
    }

    /// Computes a block, and leaves it in `bytes` row by row.
    fn of_block<E: Element>(
        &self,
        block: &Block<'_, E>,
        encoding: Encoding,
        bytes: &mut Vec<u8>,
        rooms: &mut [Room],
    ) {
        let row_bytes = self.geometry.classes() * encoding.size;
        bytes.resize(block.rows() * row_bytes, 0);
        let pieces = bytes.chunks_mut(self.at_once() * row_bytes).enumerate();
        let Ok(()) = try_for_each::<_, Infallible>(rooms, pieces, |room, (piece, bytes)| {
            self.of_rows(block, piece * self.at_once(), room, Some((bytes, encoding)));
            Ok(())
        });
    }

    /// Computes a block, and writes it to its place.
    fn write_at_places<E: Element>(
        &self,
        block: &Block<'_, E>,
        out: &dyn WriteAt,
        encoding: Encoding,
        rooms: &mut [Room],
    ) -> io::Result<()> {
        let row_bytes = self.geometry.classes() * encoding.size;
        try_for_each(rooms, (0..block.rows()).step_by(self.at_once()), |room, first| {
            let mut bytes = std::mem::take(&mut room.bytes);
            bytes.resize(self.at_once().min(block.rows() - first) * row_bytes, 0);
            self.of_rows(block, first, room, Some((&mut bytes, encoding)));
            let written = out.write_all_at(&bytes, ((block.first_row() + first) * row_bytes) as u64);
            room.bytes = bytes;
            written
        })
    }

    /// Keeps the rows of a block that are to be kept.
    fn keep<E: Element>(&self, block: &Block<'_, E>, rooms: &mut [Room]) {
        let pieces = (0..block.rows()).step_by(self.at_once());
        let Ok(()) = try_for_each::<_, Infallible>(rooms, pieces, |room, first| {
            self.of_rows(block, first, room, None);
            Ok(())
        });
    }

    /// Computes some rows of a block, the first of which is number `first`, and leaves them in `bytes`, row by row.
    fn of_rows<E: Element>(
        &self,
        block: &Block<'_, E>,
        first: usize,
        room: &mut Room,
        bytes: Option<(&mut [u8], Encoding)>,
    ) {
        let Room { exps, gradient, samples, .. } = room;
        let classes = self.geometry.classes();
        exps.resize(classes, 0.0);
        gradient.resize(classes, 0.0);
        let (mut bytes, encoding) = bytes.unzip();
        let rows = self.at_once().min(block.rows() - first);
        block.for_each_row(first..first + rows, |row, values| {
            let number = self.geometry.logical_row(block.first_row() + row);
            let kept = self.sampled.binary_search(&number).is_ok();
            if !kept && bytes.is_none() {
                return;
            }
            self.gradient.of_row(number, values, exps, gradient);
            if let (Some(bytes), Some(Encoding { size, encode })) = (&mut bytes, encoding) {
                let row_bytes = classes * size;
                encode(gradient, &mut bytes[(row - first) * row_bytes..][..row_bytes]);
            }
            if kept {
                let values = values.iter().map(|x| x.to_f64()).collect();
                samples.push(RowSample { row: number, values, gradient: gradient.clone() });
            }
        });
    }
}

/// Has as many threads as there are rooms `take` piece after piece, until one of them fails.
fn try_for_each<P, E: Send>(
    rooms: &mut [Room],
    pieces: impl Iterator<Item = P> + Send,
    take: impl Fn(&mut Room, P) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let pieces = Mutex::new(pieces);
    let next = || pieces.lock().unwrap_or_else(PoisonError::into_inner).next();
    rooms.par_iter_mut().with_max_len(1).try_for_each(|room| {
        while let Some(piece) = next() {
            take(room, piece)?;
        }
        Ok(())
    })
}

impl<G: RowGradient> BlockVisitor for GradientBatch<'_, G> {
    type Error = io::Error;

    fn at_once(&self) -> AtOnce {
        // A stream's block is kept until the next one is there.
        if matches!(self.out, GradientOut::Stream(..)) { AtOnce::Little } else { AtOnce::Much { run: 1 } }
    }

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> io::Result<()> {
        let Self { rows, out, closed, rooms, pending, next, by_rows } = self;
        let (out, encoding) = match out {
            GradientOut::None => {
                rows.keep(&block, rooms);
                return Ok(());
            }
            GradientOut::Places(out, encoding) => {
                return rows.write_at_places(&block, &**out, *encoding, rooms);
            }
            GradientOut::Stream(out, encoding) => (out, *encoding),
        };
        let compute = || {
            if rows.geometry.has_whole_rows() {
                rows.of_block(&block, encoding, next, rooms);
            } else {
                rows.of_block(&block, encoding, by_rows, rooms);
                rows.geometry.to_planes(encoding.size, by_rows, next);
            }
        };
        let (written, ()) = rayon::join(|| out.write_all(pending), compute);
        std::mem::swap(pending, next);
        match written {
            // Others may still ask for the rows that are kept.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && !rows.sampled.is_empty() => {
                (self.out, *closed) = (GradientOut::None, Some(error));
                Ok(())
            }
            written => written,
        }
    }
}
