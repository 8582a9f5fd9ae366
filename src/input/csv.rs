//! CSV of numbers: a row a line, the same number of columns in each.

use std::path::Path;

use super::error::shown;
use super::{InputError, Place};

/// How a CSV file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// What separates columns; where not given, told from the file's name and first row.
    pub delimiter: Option<u8>,
    /// Whether the first row is names.
    pub headers: bool,
}

/// A table of numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<f64>,
}

/// Parses a whole file. A delimiter at the end of a row makes no column.
pub(super) fn parse(name: &str, bytes: &[u8], options: CsvOptions) -> Result<Table, InputError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let delimiter = options.delimiter.unwrap_or_else(|| delimiter_of(name, bytes));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(options.headers)
        .flexible(true)
        .from_reader(bytes);
    let mut table = Table { rows: 0, columns: 0, values: Vec::new() };
    let mut record = csv::ByteRecord::new();
    let mut first_line = 0;
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| InputError::new(name, Place::whole(), "a table of numbers", error.to_string()))?
    {
        let line = line_of(&record, bytes);
        let mut columns = record.len();
        if columns > 1 && record.get(columns - 1).is_some_and(|field| field.trim_ascii().is_empty()) {
            columns -= 1;
        }
        if table.rows == 0 {
            (table.columns, first_line) = (columns, line);
        } else if columns != table.columns {
            return Err(InputError::new(
                name,
                Place::whole().at("line", line),
                format!("{} columns as in line {first_line}", table.columns),
                columns.to_string(),
            ));
        }
        for (column, field) in record.iter().take(columns).enumerate() {
            let value = number(field).ok_or_else(|| {
                let place = Place::whole().at("line", line).at("column", column + 1);
                let text = String::from_utf8_lossy(field);
                let error = InputError::new(name, place, "a number", shown(&text));
                match hint(&text, table.rows, options) {
                    Some(hint) => error.hint(hint),
                    None => error,
                }
            })?;
            table.values.push(value);
        }
        table.rows += 1;
    }
    Ok(table)
}

/// The line of a record, from 1; the reader counts from the empty lines before it.
fn line_of(record: &csv::ByteRecord, bytes: &[u8]) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let rest = bytes.get(position.byte() as usize..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|&&byte| byte == b'\n');
    position.line() + empty.count() as u64
}

/// A number as Python, C and spreadsheets write it, blanks around it allowed.
pub(super) fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field.trim_ascii()).ok()?.parse().ok()
}

fn delimiter_of(name: &str, bytes: &[u8]) -> u8 {
    if Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv")) {
        return b'\t';
    }
    let first = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
    if first.contains(&b';') && !first.contains(&b',') { b';' } else { b',' }
}

/// What a field that is no number most likely means.
fn hint(field: &str, row: usize, options: CsvOptions) -> Option<String> {
    let splits_at = |delimiter: char| {
        let mut parts = field.split(delimiter).filter(|part| !part.is_empty()).peekable();
        field.contains(delimiter)
            && parts.peek().is_some()
            && parts.all(|part| number(part.as_bytes()).is_some())
    };
    let delimiter = [('\t', "tab"), (';', "';'"), (' ', "' '"), (',', "','")]
        .into_iter()
        .find_map(|(delimiter, shown)| splits_at(delimiter).then_some(shown));
    if let Some(delimiter) = delimiter {
        return Some(format!("the numbers look separated otherwise: try --delimiter {delimiter}"));
    }
    (row == 0 && !options.headers).then(|| "if the first row is names, give --headers".to_owned())
}
