//! Writing to a new file at any place from any thread.

use std::fs::File;
use std::io::{self, Seek};

use crate::report::gradient_file::WriteAt;

/// A new file that any thread writes to, each piece to its place.
#[derive(Clone, Copy)]
pub(crate) struct RandomWrite<'a> {
    file: &'a File,
    start: u64,
}

impl<'a> RandomWrite<'a> {
    /// None where the system has no such writing.
    pub(super) fn new(file: &'a File) -> Option<Self> {
        cfg!(any(unix, windows)).then_some(Self { file, start: 0 })
    }

    /// The file behind what was written to it so far.
    ///
    /// # Errors
    /// Where its position can't be asked for.
    pub(crate) fn behind(self) -> io::Result<Self> {
        Ok(Self { start: (&mut &*self.file).stream_position()?, ..self })
    }
}

impl WriteAt for RandomWrite<'_> {
    fn write_all_at(&self, mut bytes: &[u8], mut place: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match write_at(self.file, bytes, self.start + place) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => (bytes, place) = (&bytes[count..], place + count as u64),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], place: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, place)
}

#[cfg(windows)]
fn write_at(file: &File, bytes: &[u8], place: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, place)
}

#[cfg(not(any(unix, windows)))]
fn write_at(_: &File, _: &[u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
