//! What `compare` reads: a matrix, or a JSON result of this program.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::display_name;
use super::source::Source;
use super::text::text_of;
use super::{CsvOptions, InputError, Matrix, Place};

/// A file that can be compared with another.
#[derive(Debug)]
pub enum Comparable {
    /// .npy or CSV.
    Matrix(Matrix),
    /// A result printed with `--format json`.
    Result(ResultFile),
}

/// A JSON result of this program.
pub struct ResultFile {
    name: String,
    /// The command that printed it.
    pub command: String,
    /// The JSON object without its items.
    pub value: Value,
    text: String,
    /// Where in the text each item is: as values they would take ten times the memory.
    items: Vec<Range<usize>>,
    indices: BTreeMap<u64, usize>,
}

/// What it is, without what it holds.
impl fmt::Debug for ResultFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultFile").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ResultFile {
    /// What messages call it.
    pub fn name(&self) -> &str {
        display_name(&self.name)
    }

    /// The path that was given, `-` for standard input.
    pub fn path(&self) -> &str {
        &self.name
    }

    /// For each item's index, its position in the file.
    pub fn indices(&self) -> &BTreeMap<u64, usize> {
        &self.indices
    }

    /// The item at position `at` of the file, from 0.
    ///
    /// # Panics
    /// If there are not that many items.
    pub fn item(&self, at: usize) -> Value {
        serde_json::from_str(&self.text[self.items[at].clone()])
            .expect("an item, as when the file was opened")
    }
}

/// A part of the text as a value.
fn parsed(name: &str, text: &str, part: Range<usize>) -> Result<Value, InputError> {
    serde_json::from_str(&text[part]).map_err(|error| malformed(name, text, error))
}

/// What is wrong with the text, of which a part was found to be so: with its place in the whole.
fn malformed(name: &str, text: &str, of_part: serde_json::Error) -> InputError {
    let error = serde_json::from_str::<Value>(text).err().unwrap_or(of_part);
    let lines =
        text.starts_with("{\"type\":").then_some("these are JSON lines: write the result with --format json");
    InputError::of_json(name, &error, EXPECTED).maybe_hint(lines)
}

/// Where a part of the text is.
fn place_in(text: &str, part: &RawValue) -> Range<usize> {
    let start = part.get().as_ptr().addr() - text.as_ptr().addr();
    start..start + part.get().len()
}

const EXPECTED: &str = "one JSON object, as --format json prints it";

impl Comparable {
    /// Opens `path` (`-` is standard input) and tells from its content which of the two it is.
    ///
    /// # Errors
    /// If it can't be read, is malformed, or is JSON but not a result of this program.
    pub fn open(path: &Path, options: CsvOptions) -> Result<Self, InputError> {
        let mut source = Source::open(path)?;
        if source.is_npy()? || !source.is_json() {
            return Matrix::from_source(source, options).map(Self::Matrix);
        }
        let name = source.name().to_owned();
        let text = text_of(&name, source.read_rest()?)?;
        let malformed = |error| malformed(&name, &text, error);
        let mut parts: BTreeMap<String, &RawValue> = serde_json::from_str(&text).map_err(malformed)?;
        let items: Vec<&RawValue> = match parts.remove("items").map(RawValue::get) {
            Some(items) if items.starts_with('[') => serde_json::from_str(items).map_err(malformed)?,
            _ => Vec::new(),
        };
        let items: Vec<Range<usize>> = items.into_iter().map(|item| place_in(&text, item)).collect();
        let value = |(key, part)| Ok((key, parsed(&name, &text, place_in(&text, part))?));
        let value = Value::Object(parts.into_iter().map(value).collect::<Result<_, InputError>>()?);
        let known = value["schema_version"] == crate::SCHEMA_VERSION;
        match value["command"].as_str().filter(|_| known) {
            Some(command) => {
                let (command, indices) = (command.to_owned(), indices_of(&name, &text, &items)?);
                Ok(Self::Result(ResultFile { name, command, value, text, items, indices }))
            }
            None => Err(InputError::new(
                &name,
                Place::whole(),
                format!("a result of ctctool with schema_version {}", crate::SCHEMA_VERSION),
                format!("schema_version {} and command {}", value["schema_version"], value["command"]),
            )),
        }
    }
}

/// Items are told from each other by their indices; that of an item without one is its place.
fn indices_of(name: &str, text: &str, items: &[Range<usize>]) -> Result<BTreeMap<u64, usize>, InputError> {
    let index = |(at, item): (usize, &Range<usize>)| {
        let item = parsed(name, text, item.clone())?;
        Ok(item["index"].as_u64().unwrap_or(at as u64))
    };
    let indices = items.par_iter().enumerate().map(index).collect::<Result<Vec<_>, InputError>>()?;
    let mut seen = BTreeMap::new();
    for (at, index) in indices.into_iter().enumerate() {
        if let Some(first) = seen.insert(index, at) {
            let found = format!("{index}, which is also the index of items[{first}]");
            let place = Place::whole().at("items", at);
            return Err(InputError::new(name, place, "an index that no other item has", found).hint(
                "results can't be merged by merging their items: run the command on all items at once",
            ));
        }
    }
    Ok(seen)
}
