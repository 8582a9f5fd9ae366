//! Labels of cross-entropy that are names of classes.

use std::collections::HashMap;

use super::{Content, LabelFile, WHOLE};
use crate::input::AlphabetFile;
use crate::input::numbers::{is_number, whole_number, words};
use crate::normal_form::{form_hint, form_that_fits};
use crate::shown::shown;

/// What classes are called.
pub(super) struct ClassNames {
    /// The file that says so.
    file: String,
    class_of: HashMap<String, i64>,
    /// Whether some class is called by a number.
    numbers: bool,
}

impl LabelFile {
    /// Allows text labels to be class names from `alphabet`, if there is one. A number means the class with that name
    /// or, if no class has a number for a name, a class index; a number below 0 may mark a row to be ignored.
    #[must_use]
    pub fn with_names(self, alphabet: Option<&AlphabetFile>) -> Self {
        let (Content::Text(_), Some(alphabet)) = (&self.content, alphabet) else { return self };
        let class_of = alphabet.classes_by_name();
        let numbers = class_of.keys().any(|name| whole_number(name).is_some());
        let file = alphabet.name().to_owned();
        Self { names: Some(ClassNames { file, class_of, numbers }), ..self }
    }

    /// Whether classes may be written by their names.
    pub(crate) fn may_be_names(&self) -> bool {
        self.names.is_some()
    }

    /// Whether each entry of a text is the name of a class, or stands for one otherwise.
    pub(crate) fn are_names(&self) -> bool {
        self.names.is_some() && self.integers().is_some()
    }

    /// The class, or what marks a row that is left out, that an entry of a text stands for.
    pub(super) fn index_of(&self, entry: &str) -> Option<i64> {
        let Some(names) = &self.names else { return whole_number(entry) };
        let number = || whole_number(entry).filter(|&number| number < 0 || !names.numbers);
        names.class_of.get(entry).copied().or_else(number)
    }

    /// The entries of a line, and the column, from 1, that each begins at. One that is `alone` may be a name of several
    /// words.
    pub(super) fn entries<'a>(&self, line: &'a str, alone: bool) -> impl Iterator<Item = (usize, &'a str)> {
        let is_name = |names: &ClassNames| names.class_of.contains_key(line);
        let whole = alone && self.names.as_ref().is_some_and(is_name);
        let words = (!whole).then(|| words(line)).into_iter().flatten();
        whole.then_some((1, line)).into_iter().chain(words)
    }

    /// What an entry of a text should be.
    pub(super) fn one_class(&self) -> String {
        match &self.names {
            Some(names) => format!("the name of a class in {}", names.file),
            None => "a class index".to_owned(),
        }
    }

    /// How to go on after an entry that stands for no class.
    pub(super) fn no_class_hint(&self, entry: &str) -> Option<String> {
        let Some(names) = &self.names else {
            return Some(if is_number(entry) { WHOLE } else { NAMES_WANTED }.to_owned());
        };
        if whole_number(entry).is_some() {
            return Some("leave --alphabet out if the labels are class indices".to_owned());
        }
        if let Some(form) = form_that_fits(entry, |entry| names.class_of.contains_key(entry)) {
            return Some(form_hint(form));
        }
        let is_like = |name: &&String| name.trim().eq_ignore_ascii_case(entry.trim());
        let meant = names.class_of.keys().filter(is_like).min()?;
        Some(format!("{} is a class: names must match, including case and inner spaces", shown(meant)))
    }
}

const NAMES_WANTED: &str = "give --alphabet with the class names, one per line from class 0 on, or write class indices, counted from 0";
