//! Tables for people: rounded numbers, aligned columns.

use std::io::{self, Write};

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use super::{Cell, Check, Record, TableText};

/// A line under the header and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));

/// Tables one after another, an empty line between them, and the checks behind the last.
pub(super) fn write(
    tables: &[&TableText<'_>],
    checks: &[Check],
    precision: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (number, text) in tables.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        if !text.title.is_empty() {
            writeln!(out, "{}", text.title)?;
        }
        if !text.header.is_empty() {
            let mut table = new_table(&text.header);
            for row in &text.rows {
                table.add_row(row.iter().map(|&cell| rendered(cell, precision)));
            }
            writeln!(out, "{}", trimmed(&table))?;
        }
    }
    for check in checks {
        writeln!(
            out,
            "check {}: {}: {}",
            check.name,
            if check.passed { "ok" } else { "FAILED" },
            check.message
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

fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(header);
    table
}

/// Lines without the blanks that pad the last column.
fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

fn rendered(cell: Cell<'_>, precision: usize) -> comfy_table::Cell {
    let right = |text: String| comfy_table::Cell::new(text).set_alignment(CellAlignment::Right);
    match cell {
        Cell::Text(text) => comfy_table::Cell::new(text),
        Cell::Id(id) => comfy_table::Cell::new(id),
        Cell::Count(value) => right(value.to_string()),
        Cell::Integer(value) => right(value.to_string()),
        Cell::Number(value) if value.is_nan() => right("nan".to_owned()),
        // Rounding must not turn a small loss into none.
        Cell::Number(value) if value != 0.0 && value.abs() < 10_f64.powi(-(precision as i32)) => {
            right(format!("{value:.precision$e}"))
        }
        Cell::Number(value) => right(format!("{value:.precision$}")),
        Cell::Empty => comfy_table::Cell::new(""),
    }
}
