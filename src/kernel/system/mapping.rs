//! A part of a file as memory: its values are computed on where the system keeps them, without a copy.
//!
//! Two things differ from reading, so a program has to allow it: [`allow_mapping`]. Nobody may write to the file
//! meanwhile: the values would change under their reader, and what is computed of them would be of no use. And where
//! somebody shortens it meanwhile, the system ends the process; after [`super::begin_program`] it ends with a message and
//! the exit code of an error.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use memmap2::{Mmap, MmapOptions};

use super::signals;

/// Whether files may be mapped.
static ALLOWED: AtomicBool = AtomicBool::new(false);

/// Lets .npy files be mapped into memory from now on where that is faster than to read them, as the command-line program
/// does; until then they are read.
///
/// # Safety
/// Nobody may write to a file, in this process or another, as long as a [`Matrix`](crate::input::Matrix) or
/// [`LabelFile`](crate::input::LabelFile) of it is in use: values would change under who computes with them. Where a file
/// is shortened meanwhile, the system ends the process.
pub unsafe fn allow_mapping() {
    ALLOWED.store(true, Ordering::Relaxed);
}

/// Whether [`allow_mapping`] was called.
pub(crate) fn is_mapping_allowed() -> bool {
    ALLOWED.load(Ordering::Relaxed)
}

/// Some bytes of a file.
pub(crate) struct Mapping(Mmap);

impl Mapping {
    /// The bytes `range` of a regular file that the user calls `name`; none where files may not be mapped, or where this
    /// system, or the file's, does not map them.
    pub(crate) fn new(file: &File, name: &str, range: Range<u64>) -> Option<Self> {
        let len =
            usize::try_from(range.end - range.start).ok().filter(|&len| len > 0 && is_mapping_allowed())?;
        signals::name_file(name);
        // SAFETY: who allowed it sees to it that nobody writes to the file meanwhile (`allow_mapping`), and any bits are
        // a number (`values`).
        let map = unsafe { MmapOptions::new().offset(range.start).len(len).map(file) }.ok()?;
        Some(Self(map))
    }

    /// Number of bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Has the system make `range` of the bytes accessible at once, not page by page.
    ///
    /// # Errors
    /// Where the file has no such bytes any more, or can't be read.
    pub(crate) fn load(&self, range: Range<usize>) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if let Err(error) = self.0.advise_range(memmap2::Advice::PopulateRead, range.start, range.len())
            // An older system does not know how, and needs not.
            && error.kind() != io::ErrorKind::InvalidInput
        {
            return Err(error);
        }
        let _ = range;
        Ok(())
    }

    /// `range` of the bytes as numbers; none where they do not lie in memory as such numbers do.
    pub(crate) fn values<T: bytemuck::Pod>(&self, range: Range<usize>) -> Option<&[T]> {
        bytemuck::try_cast_slice(&self.0[range]).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(bytes: &[u8]) -> File {
        // SAFETY: nobody else has these files.
        unsafe { allow_mapping() };
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(bytes).expect("room for it");
        file
    }

    #[test]
    fn any_part_is_mapped_whatever_the_pages() {
        let bytes: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
        let file = file_of(&bytes);
        for (start, end) in [(0, 4), (128, 4096), (4092, 4100), (8192, 80_000), (12, 16), (0, 80_000)] {
            let map = Mapping::new(&file, "x", start..end).expect("files can be mapped");
            let len = (end - start) as usize;
            map.load(0..len).expect("bytes that are there");
            let expected: Vec<u32> = (start as u32 / 4..end as u32 / 4).collect();
            assert_eq!(map.values::<u32>(0..len), Some(&expected[..]));
        }
        let map = Mapping::new(&file, "x", 2..82).expect("files can be mapped");
        assert_eq!(map.values::<u32>(0..80), None, "numbers across the machine's words");
        assert!(Mapping::new(&file, "x", 8..8).is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_cut_off_can_not_be_loaded() {
        let file = file_of(&vec![0; 40_000]);
        let map = Mapping::new(&file, "x", 0..40_000).expect("files can be mapped");
        file.set_len(5000).expect("a shorter file");
        assert!(map.load(0..8000).is_ok() && map.load(0..40_000).is_err());
    }
}
