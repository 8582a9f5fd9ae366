//! One value of a table, and how each format writes it.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// One value of a table, before it is rendered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Text as it is.
    Text(&'a str),
    /// An item's name: `input#index`.
    Id(&'a ItemId),
    /// A count or an index.
    Count(u64),
    /// A signed integer.
    Integer(i64),
    /// A measured number: rounded in tables, exact elsewhere.
    Number(f64),
    /// Nothing.
    Empty,
}

/// Nothing where there is no number.
impl From<Option<f64>> for Cell<'_> {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }
}

/// Nothing where there is no text.
impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, Self::Text)
    }
}

/// A row of a listing.
pub(crate) trait Record: Serialize + Sync {
    /// Names of the columns, the JSON keys.
    const COLUMNS: &'static [&'static str];

    /// Hands each column's value to `sink`, in order; an item of several rows, row after row.
    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>));

    /// What is wrong with the item, where a check can fail for it: its name, and a line for people.
    fn failure(&self) -> Option<(String, String)> {
        None
    }
}

/// What is shown for people beside a report's items and its summary.
pub(crate) trait Details {
    /// Writes it, numbers with so many decimals.
    ///
    /// # Errors
    /// Where `out` can't be written.
    fn write(&self, precision: usize, out: &mut dyn Write) -> io::Result<()>;
}

/// A small table for people: the summary of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TableText<'a> {
    /// A sentence above the table.
    pub title: String,
    /// Names of the columns; no table where there are none.
    pub header: Vec<&'static str>,
    /// Rows of cells.
    pub rows: Vec<Vec<Cell<'a>>>,
}

/// Names an item: the input's name, and its index where the input is a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ItemId {
    /// The input, as the user named it.
    pub input: Arc<str>,
    /// The item's index in a batch.
    pub index: Option<usize>,
}

impl ItemId {
    /// Hands out its text in pieces, without a formatter: a listing has a million of them.
    pub(super) fn pieces(&self, mut sink: impl FnMut(&str)) {
        sink(&self.input);
        if let Some(index) = self.index {
            sink("#");
            sink(itoa::Buffer::new().format(index));
        }
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "{}#{index}", self.input),
            None => f.write_str(&self.input),
        }
    }
}

impl Serialize for ItemId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Most names fit on the stack.
        let mut short = [0; 128];
        let mut rest = &mut short[..];
        let mut fits = true;
        self.pieces(|piece| fits &= rest.write_all(piece.as_bytes()).is_ok());
        let left = rest.len();
        match std::str::from_utf8(&short[..short.len() - left]) {
            Ok(text) if fits => serializer.serialize_str(text),
            _ => serializer.collect_str(self),
        }
    }
}
