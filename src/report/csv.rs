//! CSV: the items, a line each, numbers exact.

use std::io::{self, Write};

use super::{Cell, Record, Shortest, chunks};

pub(super) fn write<I: Record>(items: &[I], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", I::COLUMNS.join(","))?;
    chunks::write(items, out, |_, items, buffer| {
        for item in items {
            write_rows(item, buffer);
        }
        Ok(())
    })
}

/// The rows of one item.
fn write_rows<I: Record>(item: &I, buffer: &mut Vec<u8>) {
    let mut column = 0;
    item.cells(&mut |cell| {
        write_field(cell, buffer);
        column += 1;
        let last = column == I::COLUMNS.len();
        buffer.push(if last { b'\n' } else { b',' });
        column = if last { 0 } else { column };
    });
}

fn write_field(cell: Cell<'_>, buffer: &mut Vec<u8>) {
    let start = buffer.len();
    match cell {
        Cell::Text(value) => buffer.extend_from_slice(value.as_bytes()),
        Cell::Id(id) => id.pieces(|piece| buffer.extend_from_slice(piece.as_bytes())),
        Cell::Count(value) => buffer.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Cell::Integer(value) => buffer.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        // A vector takes whatever is written to it.
        Cell::Number(value) => drop(write!(buffer, "{}", Shortest(value))),
        Cell::Empty => {}
    }
    if matches!(cell, Cell::Text(_) | Cell::Id(_))
        && buffer[start..].iter().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n'))
    {
        quote(buffer, start);
    }
}

/// Puts what follows `start` in quotes, those within it doubled (RFC 4180).
fn quote(buffer: &mut Vec<u8>, start: usize) {
    let text = buffer.split_off(start);
    buffer.push(b'"');
    for byte in text {
        if byte == b'"' {
            buffer.push(b'"');
        }
        buffer.push(byte);
    }
    buffer.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_has_them() {
        let field = |text| {
            let mut buffer = b"x,".to_vec();
            write_field(Cell::Text(text), &mut buffer);
            String::from_utf8(buffer).unwrap_or_default()
        };
        assert_eq!(field("a b"), "x,a b");
        assert_eq!(field("a,b"), "x,\"a,b\"");
        assert_eq!(field("a\"b\n"), "x,\"a\"\"b\n\"");
        assert_eq!(field(""), "x,");
    }
}
