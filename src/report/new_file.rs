//! A file that gets its name once it is whole.
//!
//! On Linux it has none before, so that nothing is left of it whatever ends the program; elsewhere, and where the file
//! system knows no such files, it has another name in the same folder meanwhile.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

/// A new file in the folder of another.
pub(super) enum NewFile {
    #[cfg(target_os = "linux")]
    Unnamed(File),
    Named(NamedTempFile),
}

/// The folder that a path is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

impl NewFile {
    /// In the folder of `path`, with the permissions of any new file.
    pub(super) fn beside(path: &Path) -> io::Result<Self> {
        let folder = folder_of(path);
        #[cfg(target_os = "linux")]
        if let Some(file) = linux::unnamed_in(folder) {
            return Ok(Self::Unnamed(file));
        }
        named_in(folder).map(Self::Named).map_err(without_path)
    }

    pub(super) fn as_file(&mut self) -> &mut File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed(file) => file,
            Self::Named(file) => file.as_file_mut(),
        }
    }

    /// Gives it the name `path`, which it was made beside, and replaces what has it.
    pub(super) fn persist(self, path: &Path) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed(file) => linux::name(&file, path).map_err(without_path),
            Self::Named(file) => Ok(file.persist(path).map(drop)?),
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};
    use rustix::io::Errno;

    use super::folder_of;

    /// Where a file without a name can be found to be named.
    const OPEN_FILES: &str = "/proc/self/fd";

    /// None where the system or the folder has no such files.
    pub(super) fn unnamed_in(folder: &Path) -> Option<File> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        // What the user's mask leaves of these.
        let file = open(folder, flags, Mode::from_raw_mode(0o666)).ok()?;
        Path::new(OPEN_FILES).is_dir().then(|| File::from(file))
    }

    pub(super) fn name(file: &File, path: &Path) -> io::Result<()> {
        let unnamed = format!("{OPEN_FILES}/{}", file.as_raw_fd());
        let link = |path: &Path| linkat(CWD, &unnamed, CWD, path, AtFlags::SYMLINK_FOLLOW);
        match link(path) {
            Err(Errno::EXIST) => {
                // A link replaces nothing, another name does.
                let named = tempfile::Builder::new().make_in(folder_of(path), |path| Ok(link(path)?))?;
                Ok(named.persist(path).map(drop)?)
            }
            result => Ok(result?),
        }
    }
}

/// The cause without the name of the file beside, which means nothing to the user.
fn without_path(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((cause, _)) => io::Error::new(error.kind(), cause.to_owned()),
        None => error,
    }
}

#[cfg(unix)]
fn named_in(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    // What the user's mask leaves of these.
    let permissions = std::fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().permissions(permissions).tempfile_in(folder)
}

#[cfg(not(unix))]
fn named_in(folder: &Path) -> io::Result<NamedTempFile> {
    NamedTempFile::new_in(folder)
}
