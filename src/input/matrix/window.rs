//! The part of a .npy file that is in memory without being read.

use std::ops::Range;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::input::InputError;
use crate::input::npy::{Decoded, Dtype, NpyInfo};
use crate::input::source::RandomAccess;
use crate::kernel::{Element, Mapping};

/// Bytes that are mapped at a time, where nobody asks for more: the system counts mapped pages as memory of the program.
pub(super) const BYTES: usize = 1 << 26;
/// Bytes that a thread makes accessible at a time.
const LOADED: usize = 1 << 21;
/// Files of fewer bytes are mapped without a trial.
const WORTH_A_TRIAL: usize = 1 << 24;
/// Bytes that are mapped for a trial: some large pages of the system.
const TRIED: usize = 2 * LARGE_PAGE;
const LARGE_PAGE: usize = 1 << 21;
/// The trial reads so small a part of what it maps.
const PARTS: usize = 16;

/// Values of a file where the system keeps them: as they lie in memory, or halves, to be decoded from there.
pub(super) struct Window {
    /// Of the file's values.
    len: usize,
    /// Where in the file they begin.
    start: u64,
    /// Bytes of each; none where they are to be read.
    size: Option<usize>,
    /// Whether they lie there as they do in memory.
    native: bool,
    /// Bytes that are mapped at a time.
    most: usize,
    /// The mapped values.
    values: Range<usize>,
    mapping: Option<Mapping>,
}

impl Window {
    /// Nothing yet of the values that begin at byte `start`.
    pub(super) fn new(info: &NpyInfo, start: u64) -> Self {
        let native = info.is_native_float();
        // To decode halves takes less than to read them first.
        let size = (native || info.dtype == Dtype::F16).then(|| info.dtype.size());
        Self { len: info.len, start, size, native, most: BYTES, values: 0..0, mapping: None }
    }

    /// Stops mapping if reading is faster on this system, measured on the first part of a large file. Mapping is nearly
    /// free where the system keeps the file in large pages; else it takes between a third and one and a half times as
    /// long as reading.
    pub(super) fn unless_reading_is_faster(&mut self, file: RandomAccess<'_>) {
        if self.size.is_none_or(|size| self.len.saturating_mul(size) < WORTH_A_TRIAL) {
            return;
        }
        self.cover(file, 0..1);
        let Some(mapping) = &self.mapping else { return };
        let begun = Instant::now();
        // A file that was written from its start on begins with small pages.
        let loaded = mapping.load(LARGE_PAGE..LARGE_PAGE + TRIED).is_ok();
        let map = begun.elapsed();
        if loaded
            && time_to_read(file, self.start + (LARGE_PAGE + TRIED) as u64).is_some_and(|read| 2 * map > read)
        {
            (self.size, self.mapping) = (None, None);
        }
    }

    /// Moves to where `values` are in it. Many that are to be decoded are not, for they would be in memory twice.
    pub(super) fn cover(&mut self, file: RandomAccess<'_>, values: Range<usize>) {
        let Some(size) = self.size else { return };
        if !self.native && values.len() > self.most / size {
            (self.values, self.mapping) = (0..0, None);
            return;
        }
        if values.start >= self.values.start && values.end <= self.values.end {
            return;
        }
        // What is behind goes first.
        self.mapping = None;
        let end = values.end.max(values.start.saturating_add(self.most / size)).min(self.len);
        self.values = values.start..end;
        let byte = |value: usize| self.start + (value * size) as u64;
        self.mapping = file.map(byte(values.start)..byte(end));
    }

    /// As many values are in it at a time; none where they are to be read.
    pub(super) fn most_values(&self) -> Option<usize> {
        self.size.map(|size| self.most / size)
    }

    /// Some of the values; none where they have to be decoded or read.
    pub(super) fn values<E: Element>(&self, values: Range<usize>) -> Option<&[E]> {
        if self.native { self.mapped(values) } else { None }
    }

    /// The bytes of some of the values; none where they have to be read.
    pub(super) fn bytes(&self, values: Range<usize>) -> Option<&[u8]> {
        self.mapped(values)
    }

    /// Fills `out` with some of the values: from here, moving along, or read.
    pub(super) fn fill<E: Decoded>(
        &mut self,
        info: &NpyInfo,
        file: RandomAccess<'_>,
        values: Range<usize>,
        out: &mut [E],
    ) -> Result<(), InputError> {
        let at_once = self.most_values().unwrap_or(usize::MAX);
        let mut first = values.start;
        for out in out.chunks_mut(at_once) {
            let part = first..first + out.len();
            self.cover(file, part.clone());
            match self.bytes(part.clone()) {
                Some(bytes) => info.decode(bytes, out),
                None => info.read_at(file, self.start, first, out)?,
            }
            first = part.end;
        }
        Ok(())
    }

    fn mapped<T: bytemuck::Pod>(&self, values: Range<usize>) -> Option<&[T]> {
        let (mapping, size) = (self.mapping.as_ref()?, self.size?);
        let byte = |value: usize| (value - self.values.start) * size;
        let bytes = byte(values.start)..byte(values.end);
        // Where they are not there any more, reading tells so.
        let load = |start: usize| mapping.load(start..(start + LOADED).min(bytes.end));
        bytes.clone().into_par_iter().step_by(LOADED).try_for_each(load).ok()?;
        mapping.values(bytes)
    }
}

/// How long it takes to read [`TRIED`] bytes from byte `at` on, going by some of them; none where there are too few.
fn time_to_read(file: RandomAccess<'_>, at: u64) -> Option<Duration> {
    let mut buffer = vec![0; TRIED / PARTS];
    let mut best = Duration::MAX;
    // The first time, the buffer is fresh memory.
    for part in 0..3 {
        let begun = Instant::now();
        let count = file.read_at(&mut buffer, at + part * (TRIED / PARTS) as u64).ok()?;
        best = best.min(begun.elapsed());
        if count < buffer.len() {
            return None;
        }
    }
    Some(best * PARTS as u32)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::input::source::Source;

    /// Halves of 64 megabytes and more come so; here the window is small.
    #[test]
    fn values_that_no_window_holds_are_decoded_from_several() {
        let halves: Vec<half::f16> = (0..1000_u16).map(|i| half::f16::from_f32(f32::from(i))).collect();
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        let body: Vec<u8> = halves.iter().flat_map(|x| x.to_le_bytes()).collect();
        file.write_all(&[&[7; 10][..], &body].concat()).expect("room for it");
        let source = Source::open(file.path()).expect("the file");
        let file = source.random_access().expect("a regular file");
        let info = NpyInfo {
            dtype: Dtype::F16,
            big_endian: false,
            shape: vec![halves.len()],
            fortran_order: false,
            version: 1,
            len: halves.len(),
        };
        crate::kernel::begin_program();
        for values in [0..1000, 3..1000, 5..69, 5..70, 900..1000] {
            let mut window = Window { most: 128, ..Window::new(&info, 10) };
            let mut out = vec![0.0_f32; values.len()];
            window.fill(&info, file, values.clone(), &mut out).expect("all of them");
            let expected: Vec<f32> = halves[values].iter().map(|x| x.to_f32()).collect();
            assert_eq!(out, expected);
            assert!(window.mapping.is_some_and(|mapping| mapping.len() <= 128));
        }
    }

    #[test]
    fn a_trial_needs_all_its_bytes() {
        let tried = 3 * TRIED / PARTS;
        for (len, enough) in [(tried + 10, true), (tried + 9, false)] {
            let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
            file.write_all(&vec![7; len]).expect("room for it");
            let source = Source::open(file.path()).expect("the file");
            let found = time_to_read(source.random_access().expect("a regular file"), 10);
            assert_eq!(found.is_some_and(|time| time > Duration::ZERO), enough);
        }
    }
}
