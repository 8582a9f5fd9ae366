//! CSV of numbers: one row per line, the same number of columns in each.

use std::path::Path;

use super::csv_blocks::{self, Text};
use super::source::{BYTE_ORDER_MARK, Source};
use super::{InputError, Place, counted};
use crate::plain_number::any_number;
use crate::shown::shown;

/// How a CSV file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// What separates columns; `None` to infer it from the file's name and first row.
    pub delimiter: Option<u8>,
    /// Whether the first row holds column names.
    pub headers: bool,
}

/// A table of numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    pub(super) delimiter: u8,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<f64>,
}

/// A table of numbers in blocks of whole rows.
pub(super) struct Blocks {
    pub(super) delimiter: u8,
    /// Of the columns, where the first row has them.
    pub(super) names: Vec<String>,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<Vec<f64>>,
}

/// Parses what is left of `source`, from which no more than its first bytes were taken to tell what it is.
pub(super) fn read(source: &mut Source, options: CsvOptions) -> Result<Blocks, InputError> {
    let name = source.name().to_owned();
    let (mut may_be_plain, mut checked) = (true, false);
    // The rows may begin, or be wider, beyond what the first bytes show.
    let with_names = |bytes: &[u8], blocks: Blocks| {
        let (text, delimiter) = text_and_delimiter(&name, bytes, options);
        match first_row(text) {
            Some(first) if options.headers && blocks.rows > 0 => {
                check_names(&name, first, delimiter, blocks.columns)?;
                Ok(Blocks { names: names_of(first, delimiter), ..blocks })
            }
            _ => Ok(blocks),
        }
    };
    if let (Some(file), Some(len)) = (source.random_access(), source.len())
        && source.position() == 0
    {
        let mut head = vec![0; HEAD_BYTES.min(usize::try_from(len).unwrap_or(HEAD_BYTES))];
        let count = file.read_at(&mut head, 0)?;
        check_head(&name, &head[..count], options)?;
        checked = true;
        if let Some((start, delimiter)) = beginning(&name, &head[..count], options) {
            let blocks = csv_blocks::parse(Text::File(file, len), start, delimiter)?;
            source.check_len()?;
            if let Some(blocks) = blocks {
                return with_names(&head[..count], Blocks::of_plain(blocks, delimiter));
            }
            may_be_plain = false;
        }
    }
    let bytes = source.read_rest()?;
    if bytes.is_empty() {
        return Err(InputError::new(&name, Place::whole(), "a .npy or CSV file", "an empty file"));
    }
    if !checked {
        check_head(&name, &bytes, options)?;
    }
    if may_be_plain
        && let Some((start, delimiter)) = beginning(&name, &bytes, options)
        && let Some(blocks) = csv_blocks::parse(Text::Memory(&bytes), start, delimiter)?
    {
        return with_names(&bytes, Blocks::of_plain(blocks, delimiter));
    }
    let Table { delimiter, rows, columns, values } = parse(&name, &bytes, options)?;
    with_names(&bytes, Blocks { delimiter, names: Vec::new(), rows, columns, values: vec![values] })
}

/// The first bytes of a file, of which the first row is expected to be a part.
const HEAD_BYTES: usize = 1 << 16;

impl Blocks {
    fn of_plain(blocks: csv_blocks::Blocks, delimiter: u8) -> Self {
        let values: usize = blocks.values.iter().map(Vec::len).sum();
        let (rows, columns) = (values / blocks.columns, blocks.columns);
        Self { delimiter, names: Vec::new(), rows, columns, values: blocks.values }
    }
}

/// Refuses what is no table, and a first row that is names and taken for numbers, or the other way round, where that is
/// certain.
fn check_head(name: &str, head: &[u8], options: CsvOptions) -> Result<(), InputError> {
    let start = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
    // A name of a column may be in brackets.
    let in_brackets = || match start {
        _ if options.headers => false,
        [b'[' | b'{', next, ..] => !next.is_ascii_alphabetic(),
        _ => start.starts_with(b"tensor(") || start.starts_with(b"array("),
    };
    let looked_at = &head[..head.len().min(HEAD_BYTES)];
    let is_control =
        |&&byte: &&u8| matches!(byte, 1..=8 | 14..=25 | 28..=31) && options.delimiter != Some(byte);
    let controls = looked_at.iter().filter(is_control).count();
    // One in fifty: a stray one is a mistake at its place.
    let no_table = if looked_at.contains(&0) || controls * 50 > looked_at.len() {
        Some((
            "binary data",
            "if these are raw numbers: numpy.save('x.npy', numpy.fromfile(FILE, '<f4').reshape(…))",
        ))
    } else if in_brackets() {
        Some(("text in brackets, as in JSON or printed arrays", "save the numbers: numpy.save('x.npy', x)"))
    } else {
        None
    };
    if let Some((found, hint)) = no_table {
        return Err(InputError::new(name, Place::whole(), "a .npy or CSV file", found).hint(hint));
    }
    let (text, delimiter) = text_and_delimiter(name, head, options);
    let mut lines = text.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return Ok(()) };
    let fields = fields_of(first, delimiter);
    let refused = |expected: &str, found: &str, hint: &str| {
        Err(InputError::new(name, Place::whole().at("line", 1), expected, found).hint(hint))
    };
    let counts = |(at, field): (usize, &&[u8])| **field == *at.to_string().as_bytes();
    if !options.headers {
        // Numbers of columns, where the rows have more than whole numbers.
        if fields.len() > 2 && fields.iter().enumerate().all(counts) && second.contains(&b'.') {
            let found = format!("column numbers from 0 to {}", fields.len() - 1);
            return refused(
                "scores",
                &found,
                "give --headers or, if these are scores, write 0.0 instead of 0",
            );
        }
        return Ok(());
    }
    if fields.len() > 1 && fields[0].is_empty() {
        let hint = format!(
            "pandas writes an index this way: use to_csv(index=False), or remove it with {}",
            cut_first(delimiter)
        );
        return refused("a name for each column", "none for the first", &hint);
    }
    // The end of the head may cut the second row off.
    let whole = lines.next().is_some() || text.ends_with(b"\n") || head.len() < HEAD_BYTES;
    if whole && !second.contains(&b'"') {
        check_names(name, first, delimiter, fields_of(second, delimiter).len())?;
    }
    let is_score = |field: &&[u8]| any_number(field).is_some() && field.contains(&b'.');
    if !fields.is_empty() && fields.iter().all(is_score) {
        return refused("names", "numbers", "leave --headers out: it drops the first row");
    }
    Ok(())
}

/// Refuses another number of names than of columns, where that is certain.
fn check_names(name: &str, first: &[u8], delimiter: u8, columns: usize) -> Result<(), InputError> {
    let names = fields_of(first, delimiter).len();
    if names == columns || first.contains(&b'"') {
        return Ok(());
    }
    let hint = "row names have no column name: leave them out, in R with write.table(row.names = FALSE)";
    let expected = format!("{}, one per column", counted(columns, "name"));
    let error = InputError::new(name, Place::whole().at("line", 1), expected, names.to_string());
    Err(error.maybe_hint((names + 1 == columns).then_some(hint)))
}

/// The names in a row; none where it is no text.
fn names_of(row: &[u8], delimiter: u8) -> Vec<String> {
    let reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(row);
    let record = reader.into_records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(str::to_owned).collect()
}

/// The first line that is not empty.
fn first_row(text: &[u8]) -> Option<&[u8]> {
    text.split(|&byte| byte == b'\n' || byte == b'\r').find(|line| !line.trim_ascii().is_empty())
}

/// The fields of a line without quotes. A delimiter at its end makes none.
fn fields_of(line: &[u8], delimiter: u8) -> Vec<&[u8]> {
    let mut fields: Vec<&[u8]> = line.trim_ascii_end().split(|&byte| byte == delimiter).collect();
    fields.pop_if(|last| last.is_empty());
    fields
}

/// Where the rows begin, and what separates columns; none where the first row is not as simple as that.
fn beginning(name: &str, head: &[u8], options: CsvOptions) -> Option<(usize, u8)> {
    let (text, delimiter) = text_and_delimiter(name, head, options);
    let mut start = head.len() - text.len();
    if options.headers {
        let line = text.split_inclusive(|&byte| byte == b'\n').next()?;
        if line.trim_ascii().is_empty() || line.contains(&b'"') || !line.ends_with(b"\n") {
            return None;
        }
        start += line.len();
    }
    // The first row tells the delimiter.
    text.contains(&b'\n').then_some((start, delimiter))
}

/// A file's bytes without a mark of their order, and what separates columns.
fn text_and_delimiter<'a>(name: &str, bytes: &'a [u8], options: CsvOptions) -> (&'a [u8], u8) {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    (text, options.delimiter.unwrap_or_else(|| delimiter_of(name, text)))
}

/// Parses a whole file. A delimiter at the end of a row makes no column.
pub(super) fn parse(name: &str, bytes: &[u8], options: CsvOptions) -> Result<Table, InputError> {
    let (bytes, delimiter) = text_and_delimiter(name, bytes, options);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(options.headers)
        .flexible(true)
        .from_reader(bytes);
    let mut table = Table { delimiter, rows: 0, columns: 0, values: Vec::new() };
    let mut record = csv::ByteRecord::new();
    let mut first_line = 0;
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| InputError::new(name, Place::whole(), "a table of numbers", error.to_string()))?
    {
        let mut columns = record.len();
        if columns > 1 && record.get(columns - 1).is_some_and(|field| field.trim_ascii().is_empty()) {
            columns -= 1;
        }
        if table.rows == 0 {
            (table.columns, first_line) = (columns, line_of(&record, bytes));
        } else if columns != table.columns {
            let expected = format!("{} columns as in line {first_line}", table.columns);
            let place = Place::whole().at("line", line_of(&record, bytes));
            let error = InputError::new(name, place, expected, columns.to_string());
            let empty = record.iter().all(|field| field.trim_ascii().is_empty());
            return Err(error.maybe_hint(empty.then_some("the line has nothing but delimiters: remove it")));
        }
        for (column, field) in record.iter().take(columns).enumerate() {
            let value = any_number(field).ok_or_else(|| {
                let place = Place::whole().at("line", line_of(&record, bytes)).at("column", column + 1);
                let text = String::from_utf8_lossy(field);
                let found = if text.is_empty() { "an empty field".to_owned() } else { shown(&text) };
                let error = InputError::new(name, place, "a number", found);
                // The names of a table with an index begin with none for the index.
                let named = column == 0 || !MISSING.contains(&text.trim());
                let may_be_names = table.rows == 0 && !options.headers && named;
                let comma = decimal_comma(line_at(&record, bytes));
                let first = if column == 0 { first_column_hint(&record, columns, delimiter) } else { None };
                error.maybe_hint(comma.or(first).or_else(|| hint(&text, delimiter, may_be_names)))
            })?;
            table.values.push(value);
        }
        table.rows += 1;
    }
    Ok(table)
}

/// What stands where a number is missing, and is no name.
const MISSING: [&str; 5] = ["", "NA", "N/A", "null", "None"];

/// The line of a record, from 1; the reader counts from the empty lines before it, and no lines that end with `\r` alone.
fn line_of(record: &csv::ByteRecord, bytes: &[u8]) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let start = (position.byte() as usize).min(bytes.len());
    let empty = bytes[start..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
    let before = &bytes[..start + empty];
    let is_second = |at: usize| before[at] == b'\n' && at > 0 && before[at - 1] == b'\r';
    1 + memchr::memchr2_iter(b'\r', b'\n', before).filter(|&at| !is_second(at)).count() as u64
}

/// The text of a record's line.
fn line_at<'a>(record: &csv::ByteRecord, bytes: &'a [u8]) -> &'a str {
    let start = record.position().map_or(0, |position| position.byte() as usize);
    let rest = bytes.get(start..).unwrap_or_default();
    let line = rest.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    line.and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default()
}

/// What to do about a line that is nothing but numbers, with decimal commas among them.
fn decimal_comma(line: &str) -> Option<String> {
    let in_points = |field: &str| {
        let (whole, fraction) = field.split_once(',')?;
        let between_digits = whole.ends_with(|c: char| c.is_ascii_digit())
            && fraction.starts_with(|c: char| c.is_ascii_digit());
        let point = format!("{whole}.{fraction}");
        (between_digits && any_number(point.as_bytes()).is_some()).then_some(point)
    };
    let line = line.replace("\",\"", ";").replace('"', "");
    [';', '\t', ' '].into_iter().filter(|&delimiter| line.contains(delimiter)).find_map(|delimiter| {
        let fields = || line.split(delimiter).map(str::trim).filter(|field| !field.is_empty());
        let all = fields().all(|field| any_number(field.as_bytes()).is_some() || in_points(field).is_some());
        let (comma, point) = fields().filter(|_| all).find_map(|field| Some((field, in_points(field)?)))?;
        Some(format!("decimal commas are not supported: write decimal points, {point} instead of {comma}"))
    })
}

fn delimiter_of(name: &str, bytes: &[u8]) -> u8 {
    if Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv")) {
        return b'\t';
    }
    let first = first_row(bytes).unwrap_or_default();
    if first.contains(&b';') && !first.contains(&b',') { b';' } else { b',' }
}

/// What a row means whose first field is no number.
fn first_column_hint(record: &csv::ByteRecord, columns: usize, delimiter: u8) -> Option<String> {
    let mut rest = record.iter().take(columns).skip(1);
    let named = record.get(0).is_some_and(|field| !field.trim_ascii().is_empty());
    if record.get(0) == Some(b"id") && record.get(1) == Some(b"index") {
        return Some("this is a ctctool result in CSV: write it with --format json instead".to_owned());
    }
    (named && columns > 2 && rest.all(|field| any_number(field).is_some()))
        .then(|| format!("if the first column holds row names, remove it, as {} does", cut_first(delimiter)))
}

/// The command that leaves the first column out.
pub(crate) fn cut_first(delimiter: u8) -> String {
    match delimiter {
        b',' => "cut -d, -f2-".to_owned(),
        b'\t' => "cut -f2-".to_owned(),
        other => format!("cut -d'{}' -f2-", char::from(other)),
    }
}

/// What a field that is no number most likely means.
fn hint(field: &str, in_use: u8, may_be_names: bool) -> Option<String> {
    let splits_at = |delimiter: char| {
        let mut parts = field.split(delimiter).filter(|part| !part.is_empty()).peekable();
        delimiter != char::from(in_use)
            && field.contains(delimiter)
            && parts.peek().is_some()
            && parts.all(|part| any_number(part.as_bytes()).is_some())
    };
    let delimiter = [('\t', "tab"), (';', "';'"), (' ', "' '"), (',', "','")]
        .into_iter()
        .find_map(|(delimiter, shown)| splits_at(delimiter).then_some(shown));
    if let Some(delimiter) = delimiter {
        return Some(format!("the numbers seem to use another delimiter: try --delimiter {delimiter}"));
    }
    if ["CTC loss of ", "cross-entropy of "].iter().any(|start| field.starts_with(start)) {
        return Some("this is the table that loss prints: give loss --format json".to_owned());
    }
    if field.starts_with("sep=") {
        return Some("the first line is meant for spreadsheets: remove it, as tail -n +2 does".to_owned());
    }
    let is_number = |text: &str| any_number(text.trim().as_bytes()).is_some();
    let is_share = field.trim().strip_suffix('%').is_some_and(is_number)
        || field.split_once('/').is_some_and(|(a, b)| is_number(a) && is_number(b));
    if is_share {
        return Some("write it as a decimal number, such as 0.6".to_owned());
    }
    may_be_names.then(|| "if the first row holds column names, give --headers".to_owned())
}
