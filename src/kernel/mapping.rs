//! A part of a file as memory: its values are computed on where the system keeps them, without a copy.
//!
//! Two things differ from reading. Nobody may write to the file meanwhile: the values would change under their reader,
//! and what is computed of them would be of no use. And where somebody shortens it meanwhile, the system ends the process; after
//! [`end_with_message`] it ends with a message and the exit code of an error.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Range;

use memmap2::{Mmap, MmapOptions};

/// Some bytes of a file.
pub(crate) struct Mapping(Mmap);

impl Mapping {
    /// The bytes `range` of a regular file that the user calls `name`; none where this system, or the file's, does
    /// not map files.
    pub(crate) fn new(file: &File, name: &str, range: Range<u64>) -> Option<Self> {
        let len = usize::try_from(range.end - range.start).ok().filter(|&len| len > 0)?;
        bus_error::name(name);
        // SAFETY: who has a matrix read promises that nobody writes to its file meanwhile (`Matrix::read`). If somebody
        // does, the compiler may see two values of one number; but any bits are a number (`values`), and no address,
        // length or index is made of one. Bytes that are gone meanwhile end the process.
        let map = unsafe { MmapOptions::new().offset(range.start).len(len).map(file) }.ok()?;
        Some(Self(map))
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

/// From now on, a mapped file that was shortened ends the process with a message that names it and exit code 2. It is the
/// program that decides so, not the library.
pub(crate) fn end_with_message() {
    bus_error::install();
}

#[cfg(unix)]
mod bus_error {
    use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

    /// Whether anything is to be said.
    static INSTALLED: AtomicBool = AtomicBool::new(false);

    /// What is said when a mapped file is gone: that of the last one.
    static MESSAGE: AtomicPtr<String> = AtomicPtr::new(std::ptr::null_mut());

    /// The file that is mapped last.
    pub(super) fn name(name: &str) {
        if !INSTALLED.load(Ordering::Acquire) {
            return;
        }
        let message = format!(
            "error: {name}: expected to stay as it was, found that it was shortened, or can't be read any more\n\
             hint: try again when nobody writes to it\n"
        );
        // SAFETY: what the pointer refers to is whole and never freed.
        let said = unsafe { MESSAGE.load(Ordering::Acquire).as_ref() };
        if said != Some(&message) {
            // Never freed: the handler may be reading the one before.
            MESSAGE.store(Box::into_raw(Box::new(message)), Ordering::Release);
        }
    }

    pub(super) fn install() {
        let handler: extern "C" fn(libc::c_int) = end;
        // SAFETY: `action` is a valid `sigaction`, of which zeros are valid fields; `end` may run in a handler.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_ONSTACK;
            libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut());
        }
        INSTALLED.store(true, Ordering::Release);
    }

    extern "C" fn end(_: libc::c_int) {
        let message = MESSAGE.load(Ordering::Acquire);
        // SAFETY: what the pointer refers to is whole and never freed; `write` and `_exit` may be called in handlers.
        unsafe {
            if let Some(message) = message.as_ref() {
                libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len());
            }
            libc::_exit(2);
        }
    }
}

#[cfg(not(unix))]
mod bus_error {
    //! Elsewhere a mapped file can't be shortened.

    pub(super) fn name(_: &str) {}
    pub(super) fn install() {}
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(bytes: &[u8]) -> File {
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

    /// In a process of its own, which it ends.
    #[cfg(unix)]
    #[test]
    fn a_file_that_is_shortened_ends_the_program_with_a_message() {
        const CHILD: &str = "CTCTOOL_TEST_SHORTENED";
        if std::env::var_os(CHILD).is_some() {
            end_with_message();
            let file = file_of(&vec![0; 40_000]);
            let map = Mapping::new(&file, "x.npy", 0..40_000).expect("files can be mapped");
            file.set_len(0).expect("a shorter file");
            let values = map.values::<u8>(0..40_000).expect("bytes");
            panic!("{} of no file", values.iter().map(|&byte| u32::from(byte)).sum::<u32>());
        }
        let name = "kernel::mapping::tests::a_file_that_is_shortened_ends_the_program_with_a_message";
        let program = std::env::current_exe().expect("this program");
        let mut child = std::process::Command::new(program);
        child.args(["--exact", name, "--nocapture"]).env(CHILD, "1");
        let output = child.output().expect("a process");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: x.npy: "), "{output:?}");
    }
}
