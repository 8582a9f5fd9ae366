//! Errors in files: where something is wrong, what was expected and found, and how to go on.

use std::fmt;
use std::io;
#[cfg(feature = "cli")]
use std::path::Path;

use thiserror::Error;

/// A place in a file: names and numbers, outermost first ("item 2, frame 5, class 3").
///
/// Lines and columns of text count from 1, as editors do; items, rows, frames and classes count from 0, as
/// arrays do. Several numbers with the same name are an index ("index [2, 0, 1]").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place(Vec<(&'static str, u64)>);

impl Place {
    /// The file as a whole.
    pub fn whole() -> Self {
        Self::default()
    }

    /// A place within this one, with a name and a number.
    #[must_use]
    pub fn at(mut self, name: &'static str, number: impl TryInto<u64>) -> Self {
        self.0.push((name, number.try_into().unwrap_or(u64::MAX)));
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, group) in self.0.chunk_by(|(a, _), (b, _)| a == b).enumerate() {
            write!(f, "{}{} ", if i > 0 { ", " } else { "" }, group[0].0)?;
            match group {
                [(_, number)] => write!(f, "{number}")?,
                _ => f.debug_list().entries(group.iter().map(|(_, number)| number)).finish()?,
            }
        }
        Ok(())
    }
}

/// A file that can't be used, and why.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InputError {
    /// The operating system reported an error.
    #[error("{}: {action}", display_name(file))]
    Io {
        /// The file, as the user named it.
        file: String,
        /// What could not be done.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The content is not what it must be.
    #[error("{0}")]
    Content(Box<Finding>),
}

/// What is wrong with a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, as the user named it.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// What was expected there.
    pub expected: String,
    /// What was found there.
    pub found: String,
    /// A hint at how to go on.
    pub hint: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", display_name(&self.file))?;
        if self.place != Place::whole() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl InputError {
    /// Content that is not what it must be.
    pub fn new(file: &str, place: Place, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Content(Box::new(Finding {
            file: file.to_owned(),
            place,
            expected: expected.into(),
            found: found.into(),
            hint: None,
        }))
    }

    /// JSON that can't be read as what it must be.
    pub(super) fn of_json(file: &str, error: &serde_json::Error, expected: &str) -> Self {
        let place = Place::whole().at("line", error.line()).at("column", error.column());
        let message = error.to_string();
        // It says the place once more.
        let cause = message.split(" at line ").next().unwrap_or_default();
        let found = if error.is_data() {
            // It also says what its types are called.
            let found =
                cause.strip_prefix("invalid type: ").and_then(|rest| rest.split(", expected ").next());
            found.unwrap_or(cause).replace('`', "")
        } else {
            format!("malformed JSON ({cause})")
        };
        Self::new(file, place, expected, found)
    }

    /// This error with a hint at how to go on.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Content(finding) = &mut self {
            finding.hint = Some(hint.into());
        }
        self
    }

    /// The same where one is known.
    #[must_use]
    pub(crate) fn maybe_hint(self, hint: Option<impl Into<String>>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// The hint at how to go on, if there is one.
    pub fn get_hint(&self) -> Option<&str> {
        match self {
            Self::Io { .. } => None,
            Self::Content(finding) => finding.hint.as_deref(),
        }
    }
}

/// What a path is called in a message.
#[cfg(feature = "cli")]
pub(crate) fn display_path(path: &Path) -> String {
    display_name(&path.display().to_string()).to_owned()
}

/// What a file is called in a message: `-` stands for standard input.
pub(crate) fn display_name(file: &str) -> &str {
    if file == "-" { "standard input" } else { file }
}

/// A number of things: "1 line", "2 lines".
pub(crate) fn counted(count: usize, unit: &str) -> String {
    match unit.strip_suffix("entry") {
        _ if count == 1 => format!("1 {unit}"),
        Some(before) => format!("{count} {before}entries"),
        None if unit.ends_with("class") => format!("{count} {unit}es"),
        None => format!("{count} {unit}s"),
    }
}
