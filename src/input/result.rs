//! What `compare` reads: a matrix, or a result of this program.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::source::{Source, text_of};
use super::{CsvOptions, InputError, Matrix, Place};

/// A file that can be compared with another.
pub enum Comparable {
    /// .npy or CSV.
    Matrix(Matrix),
    /// A result printed with `--format json`.
    Result(ResultFile),
}

/// A result of this program.
pub struct ResultFile {
    /// The file, as the user named it.
    pub name: String,
    /// The command that printed it.
    pub command: String,
    /// The object without its items.
    pub value: Value,
    text: String,
    /// Where in the text each item is: as values they would take ten times the memory.
    items: Vec<Range<usize>>,
    indices: BTreeMap<u64, usize>,
}

impl ResultFile {
    /// The number of each item in the file, by its index.
    pub fn indices(&self) -> &BTreeMap<u64, usize> {
        &self.indices
    }

    /// Item number `at` of the file.
    ///
    /// # Errors
    /// Where a number in it is beyond all doubles.
    pub fn item(&self, at: usize) -> Result<Value, InputError> {
        let item = serde_json::from_str(&self.text[self.items[at].clone()]);
        item.map_err(|error| {
            InputError::new(&self.name, item_place(at), "an item of a result", error.to_string())
        })
    }
}

fn item_place(at: usize) -> Place {
    Place::whole().at("items", at)
}

impl Comparable {
    /// Opens `path` (`-` is standard input) and tells from its content what it is.
    ///
    /// # Errors
    /// Where it can't be read, is malformed, or is JSON that is no result of this program.
    pub fn open(path: &Path, options: CsvOptions) -> Result<Self, InputError> {
        let mut source = Source::open(path)?;
        if source.is_npy()? || !source.is_json() {
            return Matrix::from_source(source, options).map(Self::Matrix);
        }
        let name = source.name().to_owned();
        let text = text_of(&name, source.read_rest()?)?;
        let expected = "one JSON object, as --format json prints it";
        let malformed = |error| InputError::of_json(&name, &error, expected);
        let mut parts: BTreeMap<String, &RawValue> = serde_json::from_str(&text).map_err(malformed)?;
        let items = parts.remove("items").map_or("", RawValue::get);
        let items: Vec<&RawValue> =
            if items.starts_with('[') { serde_json::from_str(items).map_err(malformed)? } else { Vec::new() };
        let indices = indices_of(&name, &items)?;
        let place = |item: &&RawValue| {
            let start = item.get().as_ptr().addr() - text.as_ptr().addr();
            start..start + item.get().len()
        };
        let items = items.iter().map(place).collect();
        let part = |(key, part): (String, &RawValue)| Ok((key, serde_json::from_str(part.get())?));
        let value = Value::Object(parts.into_iter().map(part).collect::<Result<_, _>>().map_err(malformed)?);
        let known = value["schema_version"] == crate::SCHEMA_VERSION;
        match value["command"].as_str().filter(|_| known) {
            Some(command) => {
                let command = command.to_owned();
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

/// Items are told from each other by their indices; those of an item without one is its place.
fn indices_of(name: &str, items: &[&RawValue]) -> Result<BTreeMap<u64, usize>, InputError> {
    #[derive(Deserialize)]
    struct Indexed {
        #[serde(default)]
        index: Value,
    }
    let index = |item: &&RawValue| serde_json::from_str::<Indexed>(item.get()).ok()?.index.as_u64();
    let found: Vec<Option<u64>> = items.par_iter().map(index).collect();
    let mut seen = BTreeMap::new();
    for (at, index) in found.into_iter().enumerate() {
        if let (first, Some(index)) = (seen.insert(index.unwrap_or(at as u64), at), index)
            && let Some(first) = first
        {
            let found = format!("{index}, the index of items[{first}]");
            return Err(InputError::new(name, item_place(at), "an index that no other item has", found)
                .hint("results are not joined by joining their items: run the command on all of them"));
        }
    }
    Ok(seen)
}
