//! What `compare` reads: a matrix, or a result of this program.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

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
    /// The whole object.
    pub value: Value,
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
        let value: Value =
            serde_json::from_str(&text).map_err(|error| InputError::of_json(&name, &error, expected))?;
        let known = value["schema_version"] == crate::SCHEMA_VERSION;
        match value["command"].as_str().filter(|_| known) {
            Some(command) => {
                check_indices(&name, &value)?;
                Ok(Self::Result(ResultFile { name, command: command.to_owned(), value }))
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

/// Items are told from each other by their indices.
fn check_indices(name: &str, result: &Value) -> Result<(), InputError> {
    let mut seen = BTreeMap::new();
    for (at, item) in result["items"].as_array().into_iter().flatten().enumerate() {
        let Some(index) = item["index"].as_u64() else { continue };
        if let Some(first) = seen.insert(index, at) {
            let found = format!("{index}, the index of items[{first}]");
            let place = Place::whole().at("items", at);
            return Err(InputError::new(name, place, "an index that no other item has", found)
                .hint("results are not joined by joining their items: run the command on all of them"));
        }
    }
    Ok(())
}
