//! Long listings: rendered several pieces at a time, written in order.

use std::io::{self, Write};

use rayon::prelude::*;

/// Items that are rendered in one go.
const CHUNK_ITEMS: usize = 4096;
/// Pieces for each thread that are rendered before they are written.
const ROUND_CHUNKS: usize = 4;

/// Writes what `render` appends for each chunk of `items`, in order; `render` is told the chunk's first index.
pub(super) fn write<I: Sync>(
    items: &[I],
    out: &mut dyn Write,
    render: impl Fn(usize, &[I], &mut Vec<u8>) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let per_round = ROUND_CHUNKS * rayon::current_num_threads();
    let mut buffers: Vec<Vec<u8>> = Vec::new();
    for (round, items) in items.chunks(per_round * CHUNK_ITEMS).enumerate() {
        buffers.resize(items.len().div_ceil(CHUNK_ITEMS), Vec::new());
        let first = round * per_round * CHUNK_ITEMS;
        let chunks = items.par_chunks(CHUNK_ITEMS).zip(&mut buffers).enumerate();
        let done: io::Result<()> = chunks
            .map(|(chunk, (items, buffer))| {
                buffer.clear();
                render(first + chunk * CHUNK_ITEMS, items, buffer)
            })
            .collect();
        done?;
        buffers.iter().try_for_each(|buffer| out.write_all(buffer))?;
    }
    Ok(())
}
