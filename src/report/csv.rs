//! CSV: the items, a line each, numbers exact.

use std::io::{self, Write};

use super::{Cell, Record};

pub(super) fn write<I: Record>(items: &[I], out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(I::COLUMNS).map_err(io_error)?;
    let mut text = Vec::new();
    for item in items {
        let mut result = Ok(());
        let mut column = 0;
        item.cells(&mut |cell| {
            if result.is_err() {
                return;
            }
            result = write_field(&mut writer, cell, &mut text);
            column += 1;
            if column == I::COLUMNS.len() && result.is_ok() {
                result = writer.write_record(None::<&[u8]>).map_err(io_error);
                column = 0;
            }
        });
        result?;
    }
    writer.flush()
}

fn write_field(
    writer: &mut csv::Writer<&mut dyn Write>,
    cell: Cell<'_>,
    text: &mut Vec<u8>,
) -> io::Result<()> {
    text.clear();
    match cell {
        Cell::Text(value) => text.extend_from_slice(value.as_bytes()),
        Cell::Id(id) => write!(text, "{id}")?,
        Cell::Count(value) => write!(text, "{value}")?,
        Cell::Integer(value) => write!(text, "{value}")?,
        Cell::Number(value) if value.is_nan() => text.extend_from_slice(b"nan"),
        Cell::Number(value) => write!(text, "{value}")?,
        Cell::Empty => {}
    }
    writer.write_field(&text).map_err(io_error)
}

/// The error beneath, so that a closed pipe can be told.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
