//! Long listings: rendered several pieces at a time, written in order.

use std::io::{self, Write};

use rayon::prelude::*;

/// Items that are rendered in one go at first, and at most.
const FIRST_ITEMS: usize = 16;
const MOST_ITEMS: usize = 1024;
/// Bytes that they should come to: items may be a number each or a long list.
const BYTES: usize = 1 << 19;
/// Pieces for each thread that are rendered before they are written.
const ROUND_CHUNKS: usize = 4;

/// Writes what `render` appends for each chunk of `items`, in order; `render` is told the chunk's first index.
pub(super) fn write<I: Sync>(
    items: &[I],
    out: &mut dyn Write,
    render: impl Fn(usize, &[I], &mut Vec<u8>) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let mut buffers = vec![Vec::new(); ROUND_CHUNKS * rayon::current_num_threads()];
    let (mut first, mut of_chunk) = (0, FIRST_ITEMS);
    while first < items.len() {
        let end = items.len().min(first + buffers.len() * of_chunk);
        let chunks = items[first..end].par_chunks(of_chunk).zip(&mut buffers).enumerate();
        let done: io::Result<()> = chunks
            .map(|(chunk, (items, buffer))| {
                buffer.clear();
                render(first + chunk * of_chunk, items, buffer)
            })
            .collect();
        done?;
        let rendered = &buffers[..(end - first).div_ceil(of_chunk)];
        rendered.iter().try_for_each(|buffer| out.write_all(buffer))?;
        let longest = rendered.iter().map(Vec::len).max().unwrap_or(0).max(1);
        (first, of_chunk) = (end, (of_chunk * BYTES / longest).clamp(1, MOST_ITEMS));
    }
    Ok(())
}
