//! Where a report goes, whole or not at all.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::new_file::{NewFile, folder_of};
use super::{Details, RandomWrite, Record, Report, TableText, ci, csv, json, listing, table};

/// Links that are followed.
const MAX_LINKS: usize = 16;
/// Rows beyond which a table is not held in memory.
const LONG_LISTING: usize = 1000;

/// How a report is rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// One JSON object.
    Json,
    /// One JSON object per line: the items, then the summary.
    Jsonl,
    /// The items as CSV; all else that a table has goes to standard error.
    Csv,
    /// GitHub's workflow annotations.
    Github,
    /// JUnit's XML.
    Junit,
    /// Transcripts and nothing else, by [`Output::write_lines`].
    Text,
    /// Time-marked words, by [`super::intervals::write_ctm`].
    Ctm,
    /// Subtitles, by [`super::intervals::write_srt`].
    Srt,
    /// Interval tiers, by [`super::intervals::write_textgrid`].
    TextGrid,
}

impl Format {
    /// Whether this is a format of some commands only.
    pub(crate) fn is_special(self) -> bool {
        self == Self::Text || self.has_times()
    }

    /// Whether this shows where tokens and words lie in time, and nothing else.
    pub(crate) fn has_times(self) -> bool {
        matches!(self, Self::Ctm | Self::Srt | Self::TextGrid)
    }

    /// Whether this shows checks and nothing else.
    pub(crate) fn is_of_checks(self) -> bool {
        matches!(self, Self::Github | Self::Junit)
    }

    /// Whether this is a listing of items before anything else.
    pub(crate) fn lists_items(self) -> bool {
        matches!(self, Self::Jsonl | Self::Csv)
    }
}

/// A result that could not be written.
#[derive(Debug, Error)]
#[error("{target}: cannot be written")]
pub(crate) struct OutputError {
    target: String,
    /// Why; a closed pipe is told from this.
    #[source]
    pub source: io::Error,
}

/// Where a report goes and how it looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    /// How it is rendered.
    pub format: Format,
    /// A file; standard output where none.
    pub path: Option<PathBuf>,
    /// Decimals in tables.
    pub precision: usize,
}

impl Output {
    /// Renders `report`; for people, its items, `details` of them and `summary`.
    ///
    /// # Errors
    /// Where the target can't be written; a file is then as it was before.
    pub(crate) fn write<P, S, I>(
        &self,
        report: &Report<P, S, I>,
        details: &[&dyn Details],
        summary: &TableText<'_>,
    ) -> Result<(), OutputError>
    where
        P: Serialize,
        S: Serialize,
        I: Record,
    {
        let precision = self.precision;
        self.deliver(|out| match self.format {
            Format::Table | Format::Text | Format::Ctm | Format::Srt | Format::TextGrid => {
                let long = has_more_rows(&report.items, LONG_LISTING);
                if long {
                    listing::write(&report.items, precision, out)?;
                    writeln!(out)?;
                }
                let items = (!long && !report.items.is_empty()).then(|| table::listing(&report.items));
                let items = items.as_ref().map(|items| items as &dyn Details);
                let tables: Vec<&dyn Details> = items
                    .into_iter()
                    .chain(details.iter().copied())
                    .chain([summary as &dyn Details])
                    .collect();
                table::write(&tables, &report.checks, precision, out)
            }
            Format::Json => json::write_object(report, out),
            Format::Jsonl => json::write_lines(report, out),
            Format::Github => ci::write_github(report, out),
            Format::Junit => ci::write_junit(report, out),
            Format::Csv => {
                csv::write(&report.items, out)?;
                // A terminal shows both, the items first.
                out.flush()?;
                let tables: Vec<&dyn Details> =
                    details.iter().copied().chain([summary as &dyn Details]).collect();
                // The result is the items; nobody need listen to the rest.
                let _ = table::write(&tables, &report.checks, precision, &mut io::stderr().lock());
                Ok(())
            }
        })
    }

    /// Says in a format of checks that a command could not run.
    ///
    /// # Errors
    /// Where the target can't be written.
    pub(crate) fn write_error(&self, command: &str, message: &str) -> Result<(), OutputError> {
        self.deliver(|out| match self.format {
            Format::Junit => ci::write_junit_error(command, message, out),
            _ => ci::write_github_error(command, message, out),
        })
    }

    /// Writes lines of text; what would break a line within one is a blank.
    ///
    /// # Errors
    /// Where the target can't be written.
    pub(crate) fn write_lines<'a>(&self, lines: impl Iterator<Item = &'a str>) -> Result<(), OutputError> {
        self.deliver(|out| {
            for line in lines {
                writeln!(out, "{}", line.replace(['\n', '\r'], " "))?;
            }
            Ok(())
        })
    }

    /// Whether a file could be written; leaves nothing behind.
    ///
    /// # Errors
    /// Where none can be made in its folder.
    pub(crate) fn check_target(&self) -> Result<(), OutputError> {
        let Some(path) = &self.path else { return Ok(()) };
        let failed = |source| OutputError { target: path.display().to_string(), source };
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(metadata) if !metadata.is_file() || descriptor(path).is_some() => Ok(()),
            existing => {
                NewFile::beside(&target(path, existing.is_ok()).map_err(failed)?).map(drop).map_err(failed)
            }
        }
    }

    /// Has `render` write to the target.
    ///
    /// # Errors
    /// Where the target can't be written.
    pub(crate) fn deliver(
        &self,
        render: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        self.deliver_at_places(|out, _| render(out))
    }

    /// Has `render` write to the target, from its beginning on or, where it is a new file, to any place once the rest
    /// is flushed.
    ///
    /// # Errors
    /// Where the target can't be written.
    pub(crate) fn deliver_at_places(
        &self,
        render: impl FnOnce(&mut (dyn Write + Send), Option<RandomWrite<'_>>) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        let (target, result) = match &self.path {
            None => ("standard output".to_owned(), write_standard_output(render)),
            Some(path) => (path.display().to_string(), write_path(path, render)),
        };
        result.map_err(|source| OutputError { target, source })
    }
}

/// Whether items come to more than so many rows, of which each has one or more.
fn has_more_rows<I: Record>(items: &[I], most: usize) -> bool {
    let mut cells = 0;
    items.len() > most
        || items.iter().any(|item| {
            item.cells(&mut |_| cells += 1);
            cells > most * I::COLUMNS.len()
        })
}

/// Writes a file, whole or not at all. What is open already, or no regular file (a pipe, a device), is written to as it is.
fn write_path(
    path: &Path,
    render: impl FnOnce(&mut (dyn Write + Send), Option<RandomWrite<'_>>) -> io::Result<()>,
) -> io::Result<()> {
    let existing = fs::metadata(path).ok();
    match descriptor(path) {
        Some(Descriptor::StandardOutput) => write_standard_output(render),
        Some(Descriptor::StandardError) => write_open(io::stderr(), render),
        // Behind what is there; nobody writes to it meanwhile.
        Some(Descriptor::Other) => write_open(fs::OpenOptions::new().append(true).open(path)?, render),
        None if existing.as_ref().is_some_and(|metadata| !metadata.is_file()) => {
            write_open(fs::OpenOptions::new().write(true).open(path)?, render)
        }
        None => write_file(path, existing, render),
    }
}

/// Writes a new file and then gives it the name, so that a reader never sees half of it.
fn write_file(
    path: &Path,
    existing: Option<fs::Metadata>,
    render: impl FnOnce(&mut (dyn Write + Send), Option<RandomWrite<'_>>) -> io::Result<()>,
) -> io::Result<()> {
    let path = target(path, existing.is_some())?;
    let mut file = NewFile::beside(&path)?;
    let file_now = &*file.as_file();
    let mut out = BufWriter::new(file_now);
    render(&mut out, RandomWrite::new(file_now))?;
    out.flush()?;
    drop(out);
    if let Some(metadata) = existing {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.persist(&path)
}

/// A file that is open already, and not this program's to replace.
enum Descriptor {
    StandardOutput,
    StandardError,
    Other,
}

/// What a path is, by whatever links: `/dev/stdout`, `/dev/fd/3`.
fn descriptor(path: &Path) -> Option<Descriptor> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let folder = fs::canonicalize(folder_of(&path)).ok()?;
        let mut of_process = folder.strip_prefix("/proc").into_iter().flatten();
        let (process, last) = (of_process.next(), of_process.next());
        let own = folder == Path::new("/dev/fd") || process == Some(std::process::id().to_string().as_ref());
        if folder == Path::new("/dev/fd") || process.is_some() && last == Some("fd".as_ref()) {
            return Some(match path.file_name().and_then(|name| name.to_str()) {
                Some("1") if own => Descriptor::StandardOutput,
                Some("2") if own => Descriptor::StandardError,
                _ => Descriptor::Other,
            });
        }
        path = folder.join(fs::read_link(&path).ok()?);
    }
    None
}

/// Whether a path is standard output by another name.
pub(crate) fn is_standard_output(path: &Path) -> bool {
    matches!(descriptor(path), Some(Descriptor::StandardOutput))
}

/// By its descriptor, for the standard library takes one that can't be written to for one that nobody reads.
#[cfg(unix)]
fn write_standard_output(
    render: impl FnOnce(&mut (dyn Write + Send), Option<RandomWrite<'_>>) -> io::Result<()>,
) -> io::Result<()> {
    use std::os::fd::AsFd;
    write_open(fs::File::from(io::stdout().as_fd().try_clone_to_owned()?), render)
}

#[cfg(not(unix))]
fn write_standard_output(
    render: impl FnOnce(&mut (dyn Write + Send), Option<RandomWrite<'_>>) -> io::Result<()>,
) -> io::Result<()> {
    write_open(io::stdout(), render)
}

/// Writes to what is open already.
fn write_open(
    out: impl Write + Send,
    render: impl FnOnce(&mut (dyn Write + Send), Option<RandomWrite<'_>>) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    render(&mut out, None)?;
    out.flush()
}

/// The file that is written: a link's target is replaced or made, not the link.
fn target(path: &Path, exists: bool) -> io::Result<PathBuf> {
    if exists {
        return fs::canonicalize(path);
    }
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(link) = fs::read_link(&path) else { return Ok(path) };
        path = folder_of(&path).join(link);
    }
    Err(io::Error::other("too many symbolic links"))
}
