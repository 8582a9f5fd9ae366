//! The part of a .npy file that is in memory without being read.

use std::ops::Range;

use rayon::prelude::*;

use crate::input::npy::NpyInfo;
use crate::input::source::RandomAccess;
use crate::kernel::{Element, Mapping};

/// Bytes that are mapped at a time: the system counts mapped pages as memory of the program.
const BYTES: usize = 1 << 26;
/// Bytes that a thread makes accessible at a time.
const LOADED: usize = 1 << 21;

/// Values of a file where the system keeps them; they lie there as in memory, and are neither read nor copied.
pub(super) struct Window {
    /// Of the file's values.
    len: usize,
    /// Where in the file they begin.
    start: u64,
    /// Bytes of each; none where they have to be converted.
    size: Option<usize>,
    /// The mapped values.
    values: Range<usize>,
    mapping: Option<Mapping>,
}

impl Window {
    /// Nothing yet of the values that begin at byte `start`.
    pub(super) fn new(info: &NpyInfo, start: u64) -> Self {
        let size = info.is_native_float().then(|| info.dtype.size());
        Self { len: info.len, start, size, values: 0..0, mapping: None }
    }

    /// Moves to where `values` are in it.
    pub(super) fn cover(&mut self, file: RandomAccess<'_>, values: Range<usize>) {
        let Some(size) = self.size else { return };
        if values.start >= self.values.start && values.end <= self.values.end {
            return;
        }
        // What is behind goes first.
        self.mapping = None;
        let end = values.end.max(values.start.saturating_add(BYTES / size)).min(self.len);
        self.values = values.start..end;
        let byte = |value: usize| self.start + (value * size) as u64;
        self.mapping = file.map(byte(values.start)..byte(end));
    }

    /// As many values are in it at a time; none where they have to be converted.
    pub(super) fn most_values(&self) -> Option<usize> {
        self.size.map(|size| BYTES / size)
    }

    /// Some of the values; none where they have to be read.
    pub(super) fn values<E: Element>(&self, values: Range<usize>) -> Option<&[E]> {
        let (mapping, size) = (self.mapping.as_ref()?, self.size?);
        let byte = |value: usize| (value - self.values.start) * size;
        let bytes = byte(values.start)..byte(values.end);
        // Where they are not there any more, reading tells so.
        let load = |start: usize| mapping.load(start..(start + LOADED).min(bytes.end));
        bytes.clone().into_par_iter().step_by(LOADED).try_for_each(load).ok()?;
        mapping.values(bytes)
    }
}
