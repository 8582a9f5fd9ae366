//! What the subcommands that write a result have in common: the way from checked files to a delivered result.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::ExitStatus;
use super::diagnostics::{self, Diagnostics, UsageError};
use super::output_args::OutputArgs;
use crate::report::Format;

/// An argument that may name a file, and the file.
pub(super) type Named<'a> = (&'static str, Option<&'a OsStr>);

/// A subcommand that writes a result.
pub(super) trait ResultCommand: clap::Args {
    /// What it is called.
    const NAME: &'static str;

    /// How the result is delivered, and in which format.
    fn delivery(&self) -> (&OutputArgs, Format);

    /// The files that are read.
    fn inputs(&self) -> Vec<Named<'_>>;

    /// The files that are written.
    fn outputs(&self) -> Vec<Named<'_>> {
        vec![self.delivery().0.named()]
    }

    /// Computes the result and writes it.
    fn run(&self, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus>;
}

/// Whether a subcommand's `--format` takes a word.
fn takes_format<C: clap::Args>(word: &str) -> bool {
    let command = C::augment_args(clap::Command::new(""));
    let format = command.get_arguments().find(|arg| arg.get_id() == "format");
    format.is_some_and(|arg| arg.get_possible_values().iter().any(|value| value.matches(word, false)))
}

/// Runs a subcommand, once it is known that its result can be written.
pub(super) fn deliver<C: ResultCommand>(command: &C) -> (anyhow::Result<ExitStatus>, Diagnostics) {
    let (output, format) = command.delivery();
    let diagnostics = output.diagnostics();
    let started = Instant::now();
    let form = output.form_of_file(format, takes_format::<C>);
    let warn = || diagnostics.warn(form.as_slice());
    let inputs = command.inputs();
    let target = output.check_target().and_then(|()| Ok(check_kept(&inputs, &command.outputs())?));
    // No file is written over that is an input, or no file that was meant.
    let may_write = target.is_ok() || output.output.is_none();
    // What is wrong with the rest is said alone; but a warning that is an error comes before all work.
    let result = target
        .and_then(|()| Ok(check_standard_input(&inputs)?))
        .and_then(|()| if diagnostics.strict { warn() } else { Ok(()) })
        .and_then(|()| command.run(diagnostics))
        .and_then(|status| warn().map(|()| status));
    match &result {
        Ok(_) => diagnostics.note(format_args!("done in {:.1} ms", started.elapsed().as_secs_f64() * 1e3)),
        // An older file would be taken for this run's.
        Err(error) if format.is_of_checks() && may_write => {
            // Where this can't be written, that is the error, or nobody can be told.
            let _ = output.output(format).write_error(C::NAME, &diagnostics::message_of(error));
        }
        Err(_) => {}
    }
    (result, diagnostics)
}

/// Only one thing can come from standard input.
fn check_standard_input(inputs: &[Named<'_>]) -> Result<(), UsageError> {
    let mut from_stdin = inputs.iter().filter(|(_, file)| file.is_some_and(|file| file == "-"));
    match (from_stdin.next(), from_stdin.next()) {
        (Some((one, _)), Some((other, _))) => {
            Err(UsageError::new(format!("only one of {one} and {other} can come from standard input")))
        }
        _ => Ok(()),
    }
}

/// No result goes onto what it is made of, or onto another.
fn check_kept(inputs: &[Named<'_>], outputs: &[Named<'_>]) -> Result<(), UsageError> {
    if outputs.iter().all(|(_, target)| target.is_none()) {
        return Ok(());
    }
    let mut taken: Vec<(&str, PathBuf)> = Vec::new();
    for &(option, file) in inputs {
        // A redirected file has its name there, on Linux.
        let file = file.map(|file| Path::new(if file == "-" { OsStr::new("/dev/stdin") } else { file }));
        taken.extend(file.and_then(regular).map(|file| (option, file)));
    }
    for &(option, target) in outputs {
        let Some(target) = target.map(Path::new).and_then(regular) else { continue };
        if let Some((other, _)) = taken.iter().find(|(_, file)| *file == target) {
            return Err(UsageError::new(format!("{option} and {other} are the same file")));
        }
        taken.push((option, target));
    }
    Ok(())
}

/// Where a regular file is or would be; none for a pipe or device, or where there is no such folder.
fn regular(file: &Path) -> Option<PathBuf> {
    if file.exists() {
        return file.canonicalize().ok().filter(|path| path.is_file());
    }
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    Some(folder.canonicalize().ok()?.join(file.file_name()?))
}
