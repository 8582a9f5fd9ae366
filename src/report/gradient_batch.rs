//! The gradient by a whole file's values: rows in, bytes in the order of the file out.

use std::io::{self, Write};

use rayon::prelude::*;

use crate::kernel::Element;
use crate::logits::{Block, BlockVisitor, Geometry, rows_at_once};
use crate::loss::gradient::RowGradient;
use crate::loss::gradient_check::RowSample;

/// How numbers are written.
#[derive(Clone, Copy, Debug)]
pub struct Encoding {
    /// Bytes of each.
    pub size: usize,
    /// Writes numbers to as many times as many bytes.
    pub encode: fn(&[f64], &mut [u8]),
}

/// Writes the gradient by each value where the value is in the file, and keeps some rows.
pub struct GradientBatch<'a, G> {
    rows: GradientRows<'a, G>,
    out: Option<(&'a mut (dyn Write + Send), Encoding)>,
    samples: Vec<RowSample>,
    /// Of the block before, in the order of the file: it is written while the next is computed.
    pending: Vec<u8>,
    /// Room for a block.
    next: Vec<u8>,
    /// Whoever read the output has stopped; rows are still kept.
    closed: Option<io::Error>,
    /// Of a block, row by row, where that is not the order of the file.
    by_rows: Vec<u8>,
}

/// What is computed of a row.
struct GradientRows<'a, G> {
    gradient: &'a G,
    geometry: &'a Geometry,
    /// Rows to be kept, in order.
    sampled: &'a [usize],
}

impl<'a, G: RowGradient> GradientBatch<'a, G> {
    /// Of a file that lies as `geometry` says, written to `out`, where anything is; the rows with the numbers
    /// `sampled`, in ascending order, are kept.
    pub fn new(
        gradient: &'a G,
        geometry: &'a Geometry,
        out: Option<(&'a mut (dyn Write + Send), Encoding)>,
        sampled: &'a [usize],
    ) -> Self {
        let rows = GradientRows { gradient, geometry, sampled };
        let [pending, next, by_rows] = [const { Vec::new() }; 3];
        Self { rows, out, samples: Vec::new(), pending, next, closed: None, by_rows }
    }

    /// The rows that were kept, by their numbers, and what came of the last of the output.
    pub fn finish(mut self) -> (Vec<RowSample>, io::Result<()>) {
        let written = match (self.closed, self.out) {
            (Some(error), _) => Err(error),
            (None, Some((out, _))) => out.write_all(&self.pending),
            (None, None) => Ok(()),
        };
        self.samples.sort_by_key(|sample| sample.row);
        (self.samples, written)
    }
}

/// Values that a thread takes at a time, in whole rows.
const VALUES_AT_ONCE: usize = 1 << 14;

impl<G: RowGradient> GradientRows<'_, G> {
    /// Rows that a thread takes at a time.
    fn at_once(&self) -> usize {
        let classes = self.geometry.classes();
        // Where rows are made of planes, as many as are turned together.
        if self.geometry.has_whole_rows() { (VALUES_AT_ONCE / classes).max(1) } else { rows_at_once(classes) }
    }

    /// Computes a block, and leaves it in `bytes` row by row where it is to be written.
    fn of_block<E: Element>(
        &self,
        block: &Block<'_, E>,
        encoding: Option<Encoding>,
        bytes: &mut Vec<u8>,
    ) -> Vec<RowSample> {
        let classes = self.geometry.classes();
        let at_once = self.at_once();
        let room = || [vec![0.0; classes], vec![0.0; classes]];
        let samples: Vec<Vec<RowSample>> = if let Some(encoding) = encoding {
            bytes.resize(block.rows() * classes * encoding.size, 0);
            let chunks = bytes.par_chunks_mut(at_once * classes * encoding.size).enumerate();
            let of_chunk = |room: &mut [Vec<f64>; 2], (chunk, bytes): (usize, &mut [u8])| {
                self.of_rows(block, chunk * at_once, room, Some((bytes, encoding)))
            };
            chunks.map_init(room, of_chunk).collect()
        } else {
            let chunks = (0..block.rows().div_ceil(at_once)).into_par_iter();
            chunks.map_init(room, |room, chunk| self.of_rows(block, chunk * at_once, room, None)).collect()
        };
        samples.into_iter().flatten().collect()
    }

    /// Computes some rows of a block, the first of which is number `first`, and writes them, row by row.
    fn of_rows<E: Element>(
        &self,
        block: &Block<'_, E>,
        first: usize,
        room: &mut [Vec<f64>; 2],
        bytes: Option<(&mut [u8], Encoding)>,
    ) -> Vec<RowSample> {
        let [room, gradient] = room;
        let classes = self.geometry.classes();
        let (mut bytes, encoding) = bytes.unzip();
        let rows = self.at_once().min(block.rows() - first);
        let mut samples = Vec::new();
        block.for_each_row(first..first + rows, |row, values| {
            let number = self.geometry.logical_row(block.first_row() + row);
            let kept = self.sampled.binary_search(&number).is_ok();
            if !kept && bytes.is_none() {
                return;
            }
            self.gradient.of_row(number, values, room, gradient);
            if let (Some(bytes), Some(Encoding { size, encode })) = (&mut bytes, encoding) {
                let row_bytes = classes * size;
                encode(gradient, &mut bytes[(row - first) * row_bytes..][..row_bytes]);
            }
            if kept {
                let values = values.iter().map(|x| x.to_f64()).collect();
                samples.push(RowSample { row: number, values, gradient: gradient.clone() });
            }
        });
        samples
    }
}

impl<G: RowGradient> BlockVisitor for GradientBatch<'_, G> {
    type Error = io::Error;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> io::Result<()> {
        let Self { rows, out, samples, pending, next, closed, by_rows } = self;
        let encoding = out.as_ref().map(|&(_, encoding)| encoding);
        let compute = || {
            let samples =
                rows.of_block(&block, encoding, if rows.geometry.has_whole_rows() { next } else { by_rows });
            if let (false, Some(Encoding { size, .. })) = (rows.geometry.has_whole_rows(), encoding) {
                rows.geometry.to_planes(size, by_rows, next);
            }
            samples
        };
        let write = || out.as_mut().map_or(Ok(()), |(out, _)| out.write_all(pending));
        let (written, of_block) = rayon::join(write, compute);
        samples.extend(of_block);
        std::mem::swap(pending, next);
        match written {
            // Others may still ask for the rows that are kept.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && !rows.sampled.is_empty() => {
                (*out, *closed) = (None, Some(error));
                Ok(())
            }
            written => written,
        }
    }
}
