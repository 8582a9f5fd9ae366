//! What goes to standard error: errors, warnings, notes; a line each.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anyhow::anyhow;
use thiserror::Error;

use crate::input::InputError;
use crate::report::{Report, Warning, escaped};

/// A call that can't be carried out as typed.
#[derive(Debug, Error)]
#[error("{message}")]
pub(super) struct UsageError {
    message: String,
    hint: Option<String>,
}

impl UsageError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// An error with what `hint` makes of how to go on.
fn map_hint(error: anyhow::Error, hint: impl FnOnce(Option<&str>) -> String) -> anyhow::Error {
    match error.downcast::<InputError>() {
        Ok(error) => {
            let hint = hint(error.get_hint());
            error.hint(hint).into()
        }
        Err(error) => match error.downcast::<UsageError>() {
            Ok(error) => {
                let hint = hint(error.hint.as_deref());
                error.hint(hint).into()
            }
            Err(error) => error,
        },
    }
}

/// An error with some words more on how to go on.
pub(super) fn with_hints(error: anyhow::Error, hints: impl IntoIterator<Item = String>) -> anyhow::Error {
    let add = |error, hint: String| {
        map_hint(error, |before| match before {
            Some(before) => format!("{before}; {hint}"),
            None => hint,
        })
    };
    hints.into_iter().fold(error, add)
}

/// An error that is due to something else than it says: how to go on is that alone.
pub(super) fn with_cause(error: anyhow::Error, hint: String) -> anyhow::Error {
    map_hint(error, |_| hint)
}

/// How to go on after an error.
fn hint_of(error: &anyhow::Error) -> Option<&str> {
    error.chain().find_map(|cause| {
        let input = cause.downcast_ref::<InputError>().and_then(InputError::get_hint);
        input.or_else(|| cause.downcast_ref::<UsageError>()?.hint.as_deref())
    })
}

/// An error and its hint in one line.
pub(super) fn message_of(error: &anyhow::Error) -> String {
    let hint = hint_of(error).map_or(String::new(), |hint| format!("; {hint}"));
    one_line(&format!("{error:#}{hint}"))
}

/// A message without what would break its line, or the terminal. What is quoted of a file may be of any length.
fn one_line(message: &str) -> String {
    let end = message.char_indices().nth(MOST_SHOWN).map(|(end, _)| end);
    let cut = end.map_or(message.to_owned(), |end| format!("{}…", &message[..end]));
    escaped(&cut.replace('\n', " ")).into_owned()
}

/// Warnings of one code that are shown; the rest is counted.
const MOST_ALIKE: usize = 10;
/// Characters of a message that are shown.
const MOST_SHOWN: usize = 2000;

/// How much is said, and in which colours.
#[allow(clippy::struct_excessive_bools)] // four switches of the command line
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Diagnostics {
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    pub(super) strict: bool,
    pub(super) colored: bool,
}

impl Diagnostics {
    /// Whether standard error takes colours by itself.
    pub(super) fn stderr_takes_color() -> bool {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        io::stderr().is_terminal()
            && !set("NO_COLOR")
            && std::env::var_os("TERM").map_or(!cfg!(windows), |term| term != "dumb")
    }

    pub(super) fn error(self, error: &anyhow::Error) {
        self.line("error", "31", &format!("{error:#}"));
        if let Some(hint) = hint_of(error) {
            self.line("hint", "36", hint);
        }
    }

    /// Something that only `--verbose` tells.
    pub(super) fn note(self, message: impl Display) {
        if self.verbose {
            self.line("note", "36", &message.to_string());
        }
    }

    /// Prints a report's warnings and the checks that failed.
    ///
    /// # Errors
    /// With `--strict`, the first warning.
    pub(super) fn judge<P, S, I>(self, report: &Report<P, S, I>) -> anyhow::Result<()> {
        self.warn(&report.warnings)?;
        if !self.quiet {
            for check in report.checks.iter().filter(|check| !check.passed) {
                self.line("check failed", "31", &check.message);
            }
        }
        Ok(())
    }

    /// Prints warnings.
    ///
    /// # Errors
    /// With `--strict`, the first.
    pub(super) fn warn(self, warnings: &[Warning]) -> anyhow::Result<()> {
        if let (true, Some(Warning { code, message })) = (self.strict, warnings.first()) {
            return Err(anyhow!("{message} (warning {code}, an error under --strict)"));
        }
        if !self.quiet {
            for warning in Warning::for_people(warnings, MOST_ALIKE) {
                self.line("warning", "33", &warning.message);
            }
        }
        Ok(())
    }

    fn line(self, label: &str, color: &str, message: &str) {
        let label =
            if self.colored { format!("\x1b[1;{color}m{label}:\x1b[0m") } else { format!("{label}:") };
        // Nobody can be told where standard error is closed.
        let _ = writeln!(io::stderr(), "{label} {}", one_line(message));
    }
}
