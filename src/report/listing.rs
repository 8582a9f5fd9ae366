//! The items of a long listing as an aligned table, as [`super::table`] lays it out, without holding it in
//! memory: once for the columns' widths and once for the text.

use std::io::{self, Write};

use rayon::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::table::{Notation, notation, text_of};
use super::{Cell, Record, chunks};

/// Items that are measured in one go.
const CHUNK_ITEMS: usize = 64;

/// What a column needs.
#[derive(Clone, Default)]
struct Column {
    width: usize,
    /// Whether any item has something there.
    filled: bool,
    /// The largest positive and negative number with decimals.
    longest: [Option<f64>; 2],
}

/// Writes the items.
pub(super) fn write<I: Record>(items: &[I], precision: usize, out: &mut dyn Write) -> io::Result<()> {
    write_rows(I::COLUMNS, items, I::cells, precision, out)
}

/// Writes the rows whose `cells` each of the items hands out, under `header`.
pub(super) fn write_rows<I: Sync>(
    header: &[&str],
    items: &[I],
    cells: impl for<'a> Fn(&'a I, &mut dyn FnMut(Cell<'a>)) + Sync,
    precision: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let empty: Vec<Column> =
        header.iter().map(|name| Column { width: name.width(), ..Column::default() }).collect();
    let measured =
        items.par_chunks(CHUNK_ITEMS).map(|items| measure(items, &cells, precision, empty.clone()));
    let mut columns = measured.reduce(|| empty.clone(), merged);
    let nothing = !columns.iter().any(|column| column.filled);
    for column in &mut columns {
        // Where there is nothing, the names alone.
        column.filled |= nothing;
        for number in column.longest.into_iter().flatten() {
            column.width = column.width.max(format!("{number:.precision$}").len());
        }
    }
    let mut line = Vec::new();
    let last = columns.iter().rposition(|column| column.filled);
    for (number, (column, name)) in columns.iter().zip(header).enumerate() {
        if column.filled {
            put(&mut line, name, column.width, false, Some(number) == last);
        }
    }
    out.write_all(line.trim_ascii_end())?;
    let width: usize = columns.iter().filter(|column| column.filled).map(|column| column.width + 3).sum();
    writeln!(out, "\n{}", "─".repeat(width + 1))?;
    chunks::write(items, out, |_, items, buffer| {
        let (mut text, mut number) = (String::new(), 0);
        for item in items {
            cells(item, &mut |cell| {
                if columns[number].filled {
                    let right = text_of(cell, precision, &mut text);
                    put(buffer, &text, columns[number].width, right, Some(number) == last);
                }
                number += 1;
                if number == columns.len() {
                    number = 0;
                    while buffer.last() == Some(&b' ') {
                        buffer.pop();
                    }
                    buffer.push(b'\n');
                }
            });
        }
        Ok(())
    })
}

fn merged(mut some: Vec<Column>, others: Vec<Column>) -> Vec<Column> {
    for (column, other) in some.iter_mut().zip(others) {
        column.width = column.width.max(other.width);
        column.filled |= other.filled;
        for number in other.longest.into_iter().flatten() {
            column.see(number);
        }
    }
    some
}

impl Column {
    /// Takes note of a number with decimals; only the longest are written to learn how long they are.
    fn see(&mut self, number: f64) {
        let longest = &mut self.longest[usize::from(number.is_sign_negative())];
        if longest.is_none_or(|longest| number.abs() > longest.abs()) {
            *longest = Some(number);
        }
    }
}

fn measure<I>(
    items: &[I],
    cells: impl for<'a> Fn(&'a I, &mut dyn FnMut(Cell<'a>)),
    precision: usize,
    mut columns: Vec<Column>,
) -> Vec<Column> {
    let (mut text, mut number) = (String::new(), 0);
    for item in items {
        cells(item, &mut |cell| {
            let column = &mut columns[number];
            column.filled |= cell != Cell::Empty;
            match cell {
                Cell::Number(value) if notation(value, precision) == Notation::Decimal => column.see(value),
                _ => {
                    text_of(cell, precision, &mut text);
                    let width = if text.is_ascii() { text.len() } else { text.width() };
                    column.width = column.width.max(width);
                }
            }
            number = (number + 1) % columns.len();
        });
    }
    columns
}

/// Appends a cell; what pads the last one is taken away with the line's end.
fn put(line: &mut Vec<u8>, text: &str, width: usize, right: bool, last: bool) {
    let padding = width.saturating_sub(if text.is_ascii() { text.len() } else { text.width() });
    let (before, after) = if right { (padding, 0) } else { (0, padding) };
    line.resize(line.len() + 2 + before, b' ');
    line.extend_from_slice(text.as_bytes());
    line.resize(line.len() + if last { 0 } else { after + 1 }, b' ');
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::super::{Details, table};
    use super::*;

    #[derive(Serialize)]
    struct Item(f64, u64, String);

    impl Record for Item {
        const COLUMNS: &'static [&'static str] = &["number", "never", "a", "text"];

        fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
            // Of two rows, as a beam's are.
            for count in [self.1, self.1 + 1] {
                sink(Cell::Number(self.0));
                sink(Cell::Empty);
                sink(Cell::Count(count));
                sink(Cell::Text(&self.2));
            }
        }
    }

    #[test]
    fn a_long_listing_looks_like_a_short_one() {
        // A text that would break its line, or take the terminal's cursor elsewhere, is escaped in both.
        let text = |i: u64| if i == 9 { "a\nb\x1b[2J".to_owned() } else { "ä日".repeat((i % 7) as usize) };
        let item = |i: u64| Item(i as f64 * 1e-4 - 3.0, i * i, text(i));
        let items: Vec<Item> = (0..10_000).map(item).collect();
        let (mut long, mut short) = (Vec::new(), Vec::new());
        assert!(write(&items, 6, &mut long).is_ok());
        assert!(table::listing(&items).write(6, &mut short).is_ok());
        assert!(long == short, "{}", String::from_utf8_lossy(&long[..1000]));
        assert!(String::from_utf8_lossy(&long).contains(r"a\nb\u{1b}[2J"));
    }

    #[test]
    fn the_longest_number_makes_the_column() {
        let pairs = [
            [1.0, 9.999_999_9],
            [-9.999_999_9, 10.0],
            [-0.0, 0.5],
            [0.0, -1e-7],
            [f64::INFINITY, 1.0],
            [f64::NEG_INFINITY, 0.5],
            [f64::NAN, f64::INFINITY],
            [1e-9, 123.0],
            [1e-100, 3.0],
            [-1e20, 999_999_999_999_999.9],
        ];
        for pair in pairs {
            // Wherever they lie in the chunks that are measured.
            for at in [0, 63, 64, 700, 1999] {
                let number = |i| if i == at { pair[1] } else { pair[0] };
                let items: Vec<Item> = (0..2000).map(|i| Item(number(i), 7, String::new())).collect();
                for precision in [0, 1, 6] {
                    let (mut long, mut short) = (Vec::new(), Vec::new());
                    assert!(write(&items, precision, &mut long).is_ok());
                    assert!(table::listing(&items).write(precision, &mut short).is_ok());
                    assert!(
                        long == short,
                        "{pair:?}, {precision}: {}",
                        String::from_utf8_lossy(&long[..200])
                    );
                }
            }
        }
    }
}
