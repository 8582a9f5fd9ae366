//! Tables for people: rounded numbers, aligned columns.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use super::{Cell, Check, Details, Record, Shortest, TableText};

/// A line under the header and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));

impl Details for TableText<'_> {
    fn write(&self, precision: usize, out: &mut dyn Write) -> io::Result<()> {
        if !self.title.is_empty() {
            writeln!(out, "{}", escaped(&self.title))?;
        }
        if !self.header.is_empty() {
            let mut table = new_table(&self.header);
            for row in &self.rows {
                table.add_row(row.iter().map(|&cell| rendered(cell, precision)));
            }
            writeln!(out, "{}", trimmed(&table))?;
        }
        Ok(())
    }
}

/// Tables one after another, an empty line between them, and the checks behind the last.
pub(super) fn write(
    tables: &[&dyn Details],
    checks: &[Check],
    precision: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (number, table) in tables.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        table.write(precision, out)?;
    }
    for check in checks {
        writeln!(
            out,
            "check {}: {}: {}",
            check.name,
            if check.passed { "ok" } else { "FAILED" },
            escaped(&check.message)
        )?;
    }
    Ok(())
}

/// The items as a table, without the columns that no item fills.
pub(super) fn listing<I: Record>(items: &[I]) -> TableText<'_> {
    let mut rows: Vec<Vec<Cell<'_>>> = vec![Vec::new()];
    for item in items {
        item.cells(&mut |cell| match rows.last_mut() {
            Some(row) if row.len() < I::COLUMNS.len() => row.push(cell),
            _ => rows.push(vec![cell]),
        });
    }
    let filled =
        |&column: &usize| rows.iter().any(|row| row.get(column).is_some_and(|cell| *cell != Cell::Empty));
    let columns: Vec<usize> = (0..I::COLUMNS.len()).filter(filled).collect();
    for row in &mut rows {
        let mut column = 0;
        row.retain(|_| {
            column += 1;
            columns.contains(&(column - 1))
        });
    }
    TableText {
        title: String::new(),
        header: columns.iter().map(|&column| I::COLUMNS[column]).collect(),
        rows,
    }
}

/// Text as a terminal may get it: what could move its cursor, break a line or turn the direction of what follows, by its
/// escape.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    let printable = |byte| (b' '..=b'~').contains(&byte);
    if text.bytes().all(printable) || !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut harmless = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_harmful(c) { harmless.extend(c.escape_debug()) } else { harmless.push(c) }
    }
    Cow::Owned(harmless)
}

fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(header);
    table
}

/// Lines without the spaces that pad the last column.
fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

fn rendered(cell: Cell<'_>, precision: usize) -> comfy_table::Cell {
    let mut text = String::new();
    let right = text_of(cell, precision, &mut text);
    let cell = comfy_table::Cell::new(text);
    if right { cell.set_alignment(CellAlignment::Right) } else { cell }
}

/// Leaves what a cell shows in `text`; whether it is aligned at its right.
pub(super) fn text_of(cell: Cell<'_>, precision: usize, text: &mut String) -> bool {
    text.clear();
    match cell {
        Cell::Text(value) => text.push_str(value),
        Cell::Id(id) => id.pieces(|piece| text.push_str(piece)),
        Cell::Count(value) => text.push_str(itoa::Buffer::new().format(value)),
        Cell::Integer(value) => text.push_str(itoa::Buffer::new().format(value)),
        Cell::Number(value) => {
            // A string takes whatever is written to it.
            let _ = match notation(value, precision) {
                Notation::Name => write!(text, "{}", Shortest(value)),
                Notation::Exponent => write!(text, "{value:.precision$e}"),
                Notation::Decimal => write!(text, "{value:.precision$}"),
            };
        }
        Cell::Empty => {}
    }
    if matches!(cell, Cell::Text(_) | Cell::Id(_))
        && let Cow::Owned(harmless) = escaped(text)
    {
        *text = harmless;
    }
    matches!(cell, Cell::Count(_) | Cell::Integer(_) | Cell::Number(_))
}

/// How a number is shown.
#[derive(PartialEq)]
pub(super) enum Notation {
    /// No finite number.
    Name,
    Exponent,
    /// With so many decimals: the larger the number without its sign, the longer.
    Decimal,
}

/// Rounding must not turn a small loss into none, nor a large one into three hundred digits.
pub(super) fn notation(value: f64, precision: usize) -> Notation {
    let size = value.abs();
    if !value.is_finite() {
        Notation::Name
    } else if (1.0..1e16).contains(&size)
        || size == 0.0
        || (10_f64.powi(-(precision as i32))..1.0).contains(&size)
    {
        Notation::Decimal
    } else {
        Notation::Exponent
    }
}
