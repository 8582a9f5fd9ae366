//! The part of a .npy file that is in memory without being read.

use std::ops::Range;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::input::npy::NpyInfo;
use crate::input::source::RandomAccess;
use crate::kernel::{Element, Mapping};

/// Bytes that are mapped at a time: the system counts mapped pages as memory of the program.
const BYTES: usize = 1 << 26;
/// Bytes that a thread makes accessible at a time.
const LOADED: usize = 1 << 21;
/// Files of fewer bytes are mapped without a trial.
const WORTH_A_TRIAL: usize = 1 << 24;
/// How often each way is tried, and with how many bytes: two tenths of a millisecond in all.
const TRIALS: u64 = 3;
const TRIED: u64 = 1 << 18;

/// Values of a file where the system keeps them; they lie there as in memory, and are neither read nor copied.
pub(super) struct Window {
    /// Of the file's values.
    len: usize,
    /// Where in the file they begin.
    start: u64,
    /// Bytes of each; none where they are to be read.
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

    /// Never maps anything where reading is faster, as a few parts of a large file tell. By a factor of two either way,
    /// that depends on the processor, the system and its host.
    pub(super) fn unless_reading_is_faster(&mut self, file: RandomAccess<'_>) {
        let large = self.size.is_some_and(|size| self.len.saturating_mul(size) >= WORTH_A_TRIAL);
        if large && trial(file, self.start).is_some_and(|Trial { read, map }| read < map) {
            self.size = None;
        }
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

    /// As many values are in it at a time; none where they are to be read.
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

/// How long some bytes take at best.
struct Trial {
    read: Duration,
    map: Duration,
}

/// Reads and maps some bytes of a file from `start` on; none where one can't be done.
fn trial(file: RandomAccess<'_>, start: u64) -> Option<Trial> {
    let mut buffer = vec![0; TRIED as usize];
    let mut best = Trial { read: Duration::MAX, map: Duration::MAX };
    for trial in 0..TRIALS {
        // Never the same bytes, which would be in the cache.
        let at = start + 2 * trial * TRIED;
        let begun = Instant::now();
        file.read_at(&mut buffer, at).ok()?;
        best.read = best.read.min(begun.elapsed());
        let begun = Instant::now();
        let mapping = file.map(at + TRIED..at + 2 * TRIED)?;
        mapping.load(0..buffer.len()).ok()?;
        drop(mapping);
        best.map = best.map.min(begun.elapsed());
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::input::source::Source;

    #[test]
    fn a_trial_needs_all_its_bytes() {
        let tried = 2 * TRIALS * TRIED;
        for (len, enough) in [(tried + 10, true), (tried, false)] {
            let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
            file.write_all(&vec![7; len as usize]).expect("room for it");
            let source = Source::open(file.path()).expect("the file");
            let found = trial(source.random_access().expect("a regular file"), 10);
            assert_eq!(found.is_some_and(|Trial { read, map }| read.min(map) > Duration::ZERO), enough);
        }
    }
}
