//! Tables for people: rounded numbers, aligned columns.

use std::io::{self, Write};

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use super::{Cell, Check, Record, TableText};

/// A line under the header and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));

pub(super) fn write_summary(
    summary: &TableText,
    checks: &[Check],
    precision: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}", summary.title)?;
    let mut table = new_table(&summary.header);
    for row in &summary.rows {
        table.add_row(row.iter().map(|&cell| rendered(cell, precision)));
    }
    writeln!(out, "{}", trimmed(&table))?;
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

pub(super) fn write_items<I: Record>(items: &[I], precision: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut table = new_table(I::COLUMNS);
    for item in items {
        let mut row = Vec::new();
        item.cells(&mut |cell| row.push(rendered(cell, precision)));
        table.add_row(row);
    }
    writeln!(out, "{}\n", trimmed(&table))
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
