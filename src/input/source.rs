//! Where bytes come from: a file, a pipe, memory.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{InputError, Place, counted};
use crate::kernel::Mapping;

/// First bytes of every .npy file.
pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

enum Reader {
    /// A regular file, any part of which can be read at any time.
    File(File),
    /// A pipe, a terminal, a device; for one thread at a time, so that others may look at what was read before.
    Stream(Mutex<Box<dyn Read + Send>>),
    /// What was read of one, to be read again.
    Memory(Cursor<SharedBytes>),
}

impl Reader {
    fn stream(reader: impl Read + Send + 'static) -> Self {
        Self::Stream(Mutex::new(Box::new(reader)))
    }
}

#[derive(Clone)]
struct SharedBytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// What is read from front to back.
struct Sequential {
    reader: Reader,
    /// Bytes read so far.
    position: u64,
}

impl Read for Sequential {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.reader {
            // Where the system's own position is does not matter then: on some, reading elsewhere moves it.
            Reader::File(file) if HAS_READ_AT => read_file_at(file, buffer, self.position)?,
            Reader::File(file) => file.read(buffer)?,
            Reader::Stream(stream) => {
                stream.get_mut().unwrap_or_else(PoisonError::into_inner).read(buffer)?
            }
            Reader::Memory(bytes) => bytes.read(buffer)?,
        };
        self.position += count as u64;
        Ok(count)
    }
}

/// How to go on after a .npy file that ends early.
pub(super) const CUT_OFF: &str = "the file was cut off: save it again with numpy.save";

/// Memory that is set aside for what a file claims to hold; a sparse file may claim anything.
pub(super) const MAX_RESERVED: usize = 1 << 30;

/// An opened file or standard input.
pub struct Source {
    name: String,
    /// Also those that were peeked at.
    bytes: Sequential,
    len: Option<u64>,
    /// Bytes read to tell the format, not yet handed out.
    peeked: Vec<u8>,
}

/// What it is, without what it holds.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Source {
    /// Opens `path`; `-` is standard input.
    ///
    /// # Errors
    /// If the file can't be opened or is a directory, or standard input is a terminal.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let name = path.display().to_string();
        if name == "-" {
            if io::stdin().is_terminal() {
                return Err(InputError::new(
                    "standard input",
                    Place::whole(),
                    "a file or a pipe",
                    "a terminal",
                )
                .hint("name a file, or pipe one in: ctctool … < FILE"));
            }
            // A redirected file is like any other.
            let (reader, len) = match stdin_file() {
                Some((file, len)) => (Reader::File(file), Some(len)),
                None => (Reader::stream(io::stdin()), None),
            };
            return Ok(Self::new(name, reader, len));
        }
        let io_error = |source| InputError::Io { file: name.clone(), action: "cannot be opened", source };
        let file = File::open(path).map_err(io_error)?;
        let metadata = file.metadata().map_err(io_error)?;
        if metadata.is_dir() {
            return Err(InputError::new(&name, Place::whole(), "a file", "a directory"));
        }
        let (reader, len) = if metadata.is_file() {
            (Reader::File(file), Some(metadata.len()))
        } else {
            (Reader::stream(file), None)
        };
        Ok(Self::new(name, reader, len))
    }

    /// Anything that can be read from front to back, such as bytes in memory or an entry of an archive; messages call
    /// it `name`.
    pub fn from_reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self::new(name.into(), Reader::stream(reader), None)
    }

    fn new(name: String, reader: Reader, len: Option<u64>) -> Self {
        Self { name, bytes: Sequential { reader, position: 0 }, len, peeked: Vec::new() }
    }

    /// What the user called it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its length in bytes, where it is a regular file.
    pub(super) fn len(&self) -> Option<u64> {
        self.len
    }

    /// Whether it begins as a .npy file does. To be asked before anything is read.
    pub(super) fn is_npy(&mut self) -> Result<bool, InputError> {
        let mut magic = [0; MAGIC.len()];
        let count = self.read_up_to(&mut magic)?;
        self.peeked = magic[..count].to_vec();
        Ok(magic == *MAGIC)
    }

    /// What it is where it is neither .npy nor text, and how to go on; to be asked after [`Self::is_npy`].
    pub(super) fn foreign(&self) -> Option<(&'static str, &'static str)> {
        foreign(&self.peeked)
    }

    /// Whether it begins as a JSON object does; to be asked after [`Self::is_npy`].
    pub(super) fn is_json(&self) -> bool {
        let text = self.peeked.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.peeked);
        text.trim_ascii_start().first() == Some(&b'{')
    }

    /// Reads until `buffer` is full or the source ends; returns the number of bytes read.
    pub(super) fn read_up_to(&mut self, buffer: &mut [u8]) -> Result<usize, InputError> {
        let mut filled = self.peeked.len().min(buffer.len());
        buffer[..filled].copy_from_slice(&self.peeked[..filled]);
        self.peeked.drain(..filled);
        while filled < buffer.len() {
            match self.bytes.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.read_error(source)),
            }
        }
        Ok(filled)
    }

    /// Reads what is left.
    pub(super) fn read_rest(&mut self) -> Result<Vec<u8>, InputError> {
        let bytes = self.read_at_most(u64::MAX)?;
        self.check_len()?;
        Ok(bytes)
    }

    /// Refuses a regular file that is not as long as when it was opened: what was read of it may never have been there
    /// together.
    pub(super) fn check_len(&self) -> Result<(), InputError> {
        let (Some(file), Some(len)) = (self.random_access(), self.len) else { return Ok(()) };
        let now = file.len()?;
        if now == len {
            return Ok(());
        }
        let expected =
            format!("{}, as when it was opened", counted(usize::try_from(len).unwrap_or(usize::MAX), "byte"));
        Err(InputError::new(&self.name, Place::whole(), expected, now.to_string())
            .hint("nothing may write to a file while it is read"))
    }

    /// Reads what is left, but no more than `most` bytes; memory grows with what is there.
    pub(super) fn read_at_most(&mut self, most: u64) -> Result<Vec<u8>, InputError> {
        let mut bytes = std::mem::take(&mut self.peeked);
        let most = most.saturating_sub(bytes.len() as u64);
        let expected = self.len.unwrap_or(0).saturating_sub(self.bytes.position).min(most);
        bytes.reserve(usize::try_from(expected).unwrap_or(0).min(MAX_RESERVED));
        match (&mut self.bytes).take(most).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(source) => Err(self.read_error(source)),
        }
    }

    /// The same source, to be read once more from here on. Where it is no regular file, what follows is read into
    /// memory, but no more than `most` bytes.
    pub(super) fn again(&mut self, most: u64) -> Result<Self, InputError> {
        let position = self.position();
        let reader = match &self.bytes.reader {
            Reader::File(file) if HAS_READ_AT => {
                Reader::File(file.try_clone().map_err(|source| self.read_error(source))?)
            }
            Reader::Memory(bytes) => Reader::Memory(bytes.clone()),
            _ => {
                let bytes = Cursor::new(SharedBytes(Arc::new(self.read_at_most(most)?)));
                self.bytes = Sequential { reader: Reader::Memory(Cursor::clone(&bytes)), position };
                Reader::Memory(bytes)
            }
        };
        let bytes = Sequential { reader, position: self.bytes.position };
        Ok(Self { name: self.name.clone(), bytes, len: self.len, peeked: self.peeked.clone() })
    }

    /// Bytes handed out so far.
    pub(super) fn position(&self) -> u64 {
        self.bytes.position - self.peeked.len() as u64
    }

    /// The same file for reading at any place from any thread, where it is a regular one.
    pub(super) fn random_access(&self) -> Option<RandomAccess<'_>> {
        match &self.bytes.reader {
            Reader::File(file) if HAS_READ_AT => Some(RandomAccess { file, name: &self.name }),
            _ => None,
        }
    }

    fn read_error(&self, source: io::Error) -> InputError {
        read_error(&self.name, source)
    }
}

/// A regular file that any thread can read at any place, without regard to what was read before.
#[derive(Clone, Copy)]
pub(super) struct RandomAccess<'a> {
    file: &'a File,
    name: &'a str,
}

impl<'a> RandomAccess<'a> {
    /// What the user called it.
    pub(super) fn name(&self) -> &str {
        self.name
    }

    /// Its length in bytes, now.
    pub(super) fn len(&self) -> Result<u64, InputError> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|source| read_error(self.name, source))
    }

    /// Reads from byte `position` on until `buffer` is full or the file ends.
    pub(super) fn read_at(self, buffer: &mut [u8], position: u64) -> Result<usize, InputError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match read_file_at(self.file, &mut buffer[filled..], position + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(read_error(self.name, source)),
            }
        }
        Ok(filled)
    }

    /// Reads piece after piece from byte `position` on.
    pub(super) fn reader(
        self,
        mut position: u64,
    ) -> impl FnMut(&mut [u8]) -> Result<usize, InputError> + use<'a> {
        move |buffer| {
            let count = self.read_at(buffer, position)?;
            position += count as u64;
            Ok(count)
        }
    }

    /// Reads piece after piece of some parts of the file, one after another.
    pub(super) fn reader_of(
        self,
        mut parts: impl Iterator<Item = Range<u64>>,
    ) -> impl FnMut(&mut [u8]) -> Result<usize, InputError> {
        let mut part = 0..0;
        move |buffer| {
            let mut filled = 0;
            while filled < buffer.len() {
                if part.is_empty() {
                    match parts.next() {
                        Some(next) => part = next,
                        None => break,
                    }
                }
                let rest = &mut buffer[filled..];
                let wanted = rest.len().min(usize::try_from(part.end - part.start).unwrap_or(usize::MAX));
                let count = self.read_at(&mut rest[..wanted], part.start)?;
                filled += count;
                part.start += count as u64;
                if count < wanted {
                    break;
                }
            }
            Ok(filled)
        }
    }

    /// Its bytes `range` as memory, where the system has that.
    pub(super) fn map(self, range: Range<u64>) -> Option<Mapping> {
        Mapping::new(self.file, self.name, range)
    }
}

fn read_error(name: &str, source: io::Error) -> InputError {
    InputError::Io { file: name.to_owned(), action: "cannot be read", source }
}

/// Whether the system reads files at any place.
const HAS_READ_AT: bool = cfg!(any(unix, windows));

#[cfg(unix)]
fn read_file_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, position)
}

#[cfg(windows)]
fn read_file_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, position)
}

#[cfg(not(any(unix, windows)))]
fn read_file_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Standard input as a file and its length, where it is a regular file from its start.
#[cfg(unix)]
fn stdin_file() -> Option<(File, u64)> {
    use std::os::fd::AsFd;
    let file = File::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok()?;
    // Where the shell has read a part of it already, the length says nothing.
    let at_start = io::Seek::stream_position(&mut &file).ok()? == 0;
    (metadata.is_file() && at_start).then_some((file, metadata.len()))
}

#[cfg(not(unix))]
fn stdin_file() -> Option<(File, u64)> {
    None
}

/// What a file is that is neither .npy nor UTF-8 text, by its first bytes, and how to go on.
pub(super) fn foreign(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const SAVE: &str =
        "save a single array: numpy.save('x.npy', x); a tensor as x.detach().float().cpu().numpy()";
    match bytes {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Some(("a zip archive, such as .npz, .pt or .xlsx", SAVE)),
        [0x80, 2..=5, ..] => Some(("a Python pickle", SAVE)),
        [0x89, b'H', b'D', b'F', ..] => Some(("an HDF5 file", SAVE)),
        [0x1f, 0x8b, ..] => Some(("a gzip file", "unpack it first: gunzip -c FILE | ctctool … -")),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(("a bzip2 file", "unpack it first, as bunzip2 does")),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some(("an xz file", "unpack it first, as unxz does")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(("a zstd file", "unpack it first, as unzstd does")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(("UTF-16 text", "save it as UTF-8")),
        _ if bytes.starts_with(MAGIC) => Some(("a .npy file", "give a text file here")),
        // No text begins with this byte.
        [0x93, ..] if MAGIC.starts_with(bytes) => Some(("the beginning of a .npy file", CUT_OFF)),
        _ => None,
    }
}
