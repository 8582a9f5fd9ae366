//! The items of a long listing as an aligned table, as [`super::table`] lays it out, without holding it in
//! memory: once for the columns' widths and once for the text.

use std::io::{self, Write};

use rayon::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::table::text_of;
use super::{Cell, Record, chunks};

/// Items that are measured in one go.
const CHUNK_ITEMS: usize = 64;

/// What the columns need.
#[derive(Clone)]
struct Columns {
    widths: Vec<usize>,
    /// Whether any item has something there.
    filled: Vec<bool>,
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
    let empty = Columns {
        widths: header.iter().map(|name| name.width()).collect(),
        filled: vec![false; header.len()],
    };
    let measured =
        items.par_chunks(CHUNK_ITEMS).map(|items| measure(items, &cells, precision, empty.clone()));
    let mut columns = measured.reduce(|| empty.clone(), Columns::merged);
    if !columns.filled.contains(&true) {
        // The names alone.
        columns.filled.fill(true);
    }
    let mut line = Vec::new();
    let last = columns.filled.iter().rposition(|&filled| filled);
    for (column, name) in header.iter().enumerate().filter(|&(column, _)| columns.filled[column]) {
        put(&mut line, name, columns.widths[column], false, Some(column) == last);
    }
    out.write_all(line.trim_ascii_end())?;
    let shown = columns.widths.iter().zip(&columns.filled).filter(|&(_, &filled)| filled);
    let width: usize = shown.map(|(width, _)| width + 3).sum();
    writeln!(out, "\n{}", "─".repeat(width + 1))?;
    chunks::write(items, out, |_, items, buffer| {
        let (mut text, mut column) = (String::new(), 0);
        for item in items {
            cells(item, &mut |cell| {
                if columns.filled[column] {
                    let right = text_of(cell, precision, &mut text);
                    put(buffer, &text, columns.widths[column], right, Some(column) == last);
                }
                column += 1;
                if column == header.len() {
                    column = 0;
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

impl Columns {
    fn merged(mut self, other: Self) -> Self {
        for (a, b) in self.widths.iter_mut().zip(other.widths) {
            *a = b.max(*a);
        }
        for (a, b) in self.filled.iter_mut().zip(other.filled) {
            *a |= b;
        }
        self
    }
}

fn measure<I>(
    items: &[I],
    cells: impl for<'a> Fn(&'a I, &mut dyn FnMut(Cell<'a>)),
    precision: usize,
    mut columns: Columns,
) -> Columns {
    let (mut text, mut column) = (String::new(), 0);
    for item in items {
        cells(item, &mut |cell| {
            columns.filled[column] |= cell != Cell::Empty;
            text_of(cell, precision, &mut text);
            let width = if text.is_ascii() { text.len() } else { text.width() };
            columns.widths[column] = columns.widths[column].max(width);
            column = (column + 1) % columns.widths.len();
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
}
