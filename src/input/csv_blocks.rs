//! A CSV file in blocks of lines, several at a time: for plain tables of numbers, which most are.
//!
//! What is not plain (quotes, a field that is no number, rows of different lengths) is left to the reader of
//! [`super::csv`], which knows what to do with it, or where to point at.

use memchr::memchr;
use rayon::prelude::*;

use super::InputError;
use super::source::RandomAccess;
use crate::plain_number::{any_number, plain_number};

/// How a text is cut.
#[derive(Clone, Copy)]
struct Cut {
    /// Bytes of text that a thread takes at a time.
    block: usize,
    /// Bytes that are read beyond a block for its last line; twice as many each time that they were too few.
    slack: usize,
}

const CUT: Cut = Cut { block: 1 << 20, slack: 1 << 14 };

/// Where the text is.
#[derive(Clone, Copy)]
pub(super) enum Text<'a> {
    Memory(&'a [u8]),
    /// A file of so many bytes.
    File(RandomAccess<'a>, u64),
}

impl Text<'_> {
    fn len(self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File(_, len) => usize::try_from(len).unwrap_or(usize::MAX),
        }
    }
}

/// The rows of a plain table, in blocks.
pub(super) struct Blocks {
    pub(super) columns: usize,
    /// Each of whole rows, row-major.
    pub(super) values: Vec<Vec<f64>>,
}

/// Parses the lines from byte `start` on; none where the text is not plain.
pub(super) fn parse(text: Text<'_>, start: usize, delimiter: u8) -> Result<Option<Blocks>, InputError> {
    parse_cut(text, start, delimiter, CUT)
}

fn parse_cut(text: Text<'_>, start: usize, delimiter: u8, cut: Cut) -> Result<Option<Blocks>, InputError> {
    let blocks = text.len().saturating_sub(start).div_ceil(cut.block);
    let one = |block: usize| block_of(text, start + block * cut.block, start, delimiter, cut);
    let parsed: Result<Vec<Option<Rows>>, InputError> =
        (0..blocks).into_par_iter().with_max_len(1).map(one).collect();
    let mut columns = None;
    let mut values = Vec::with_capacity(blocks);
    for rows in parsed? {
        let Some(rows) = rows else { return Ok(None) };
        if rows.values.is_empty() {
            continue;
        }
        if *columns.get_or_insert(rows.columns) != rows.columns {
            return Ok(None);
        }
        values.push(rows.values);
    }
    Ok(columns.map(|columns| Blocks { columns, values }))
}

struct Rows {
    columns: usize,
    values: Vec<f64>,
}

/// The rows of the lines that begin in the block at `begin`; the text begins at `start`.
fn block_of(
    text: Text<'_>,
    begin: usize,
    start: usize,
    delimiter: u8,
    cut: Cut,
) -> Result<Option<Rows>, InputError> {
    let len = text.len();
    let end = (begin + cut.block).min(len);
    // The byte before tells whether a line begins with the block.
    let from = if begin == start { begin } else { begin - 1 };
    let mut slack = cut.slack;
    let mut buffer = Vec::new();
    loop {
        let to = (end + slack).min(len);
        let bytes = match text {
            Text::Memory(bytes) => &bytes[from..to],
            Text::File(file, _) => {
                let read = buffer.len();
                buffer.resize(to - from, 0);
                if file.read_at(&mut buffer[read..], (from + read) as u64)? < to - from - read {
                    // It became shorter.
                    return Ok(None);
                }
                &buffer[..]
            }
        };
        // The block's last byte.
        let last = end - 1 - from;
        let first = match memchr(b'\n', &bytes[..last]) {
            _ if begin == start => 0,
            Some(at) => at + 1,
            // No line begins here.
            None => return Ok(Some(Rows { columns: 0, values: Vec::new() })),
        };
        // The end of the line that it is in.
        let stop = match memchr(b'\n', &bytes[last..]) {
            Some(at) => last + at + 1,
            None if to == len => bytes.len(),
            None => {
                slack *= 2;
                continue;
            }
        };
        return Ok(rows_of(&bytes[first..stop], delimiter));
    }
}

/// The rows of whole lines; none where they are not plain.
fn rows_of(text: &[u8], delimiter: u8) -> Option<Rows> {
    // A number with its delimiter has two bytes at least, most have more.
    let mut rows = Rows { columns: 0, values: Vec::with_capacity(text.len() / 8) };
    let mut at = 0;
    while at < text.len() {
        if let Some(next) = line_end(text, at) {
            at = next;
            continue;
        }
        let before = rows.values.len();
        loop {
            let (value, end) = field(text, at, delimiter)?;
            rows.values.push(value);
            if end < text.len() && text[end] == delimiter {
                at = end + 1;
                // A delimiter at the end of a row makes no column.
                if let Some(next) = line_end(text, at) {
                    at = next;
                    break;
                }
            } else {
                at = line_end(text, end)?;
                break;
            }
        }
        let columns = rows.values.len() - before;
        if before == 0 {
            rows.columns = columns;
            let lines = text.len() / at;
            rows.values.reserve((lines * columns).saturating_sub(rows.values.len()));
        } else if columns != rows.columns {
            return None;
        }
    }
    Some(rows)
}

/// Where the next line begins, if a line ends at `at`.
#[inline]
fn line_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at) {
        None => Some(at),
        Some(b'\n') => Some(at + 1),
        Some(b'\r') if matches!(text.get(at + 1), None | Some(b'\n')) => Some((at + 2).min(text.len())),
        Some(_) => None,
    }
}

/// The number that begins at `at`, and where its field ends.
#[inline]
fn field(text: &[u8], at: usize, delimiter: u8) -> Option<(f64, usize)> {
    if let Some((value, end)) = plain_number(text, at) {
        match text.get(end) {
            None | Some(b'\n' | b'\r') => return Some((value, end)),
            Some(&byte) if byte == delimiter => return Some((value, end)),
            Some(_) => {}
        }
    }
    let rest = &text[at..];
    let end = rest.iter().position(|&byte| byte == delimiter || byte == b'\n').unwrap_or(rest.len());
    let end =
        if end > 0 && rest[end - 1] == b'\r' && rest.get(end) != Some(&delimiter) { end - 1 } else { end };
    Some((any_number(&rest[..end])?, at + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_same_rows() {
        let texts = [
            &b"1,2,3\n4,5,6,\r\n\n7, 8 ,9e2\n-1,inf,nan"[..],
            b"names,of,columns\n1,2,3\n\n\n4,5,6\n",
            b"\n\n12345678901234567890,2,3\r\n4,5,6\r\n\r\n",
            b"1,2,3",
        ];
        for text in texts {
            let start = if text[0] == b'n' { 17 } else { 0 };
            let rows = |cut| {
                let blocks =
                    parse_cut(Text::Memory(text), start, b',', cut).expect("readable").expect("numbers");
                assert_eq!(blocks.columns, 3);
                blocks.values.concat().into_iter().map(f64::to_bits).collect::<Vec<_>>()
            };
            let whole = rows(CUT);
            for block in 1..=text.len() + 1 {
                for slack in [1, 3] {
                    assert_eq!(rows(Cut { block, slack }), whole, "{block}, {slack}");
                }
            }
        }
        let blocks = parse(Text::Memory(texts[0]), 0, b',').expect("readable").expect("numbers");
        let values: Vec<f64> = blocks.values.concat();
        assert_eq!(values[..11], [1., 2., 3., 4., 5., 6., 7., 8., 900., -1., f64::INFINITY]);
        assert!(values[11].is_nan());
    }

    #[test]
    fn what_is_not_plain_is_left_alone_wherever_it_is_cut() {
        for broken in [&b"1,2\n3\n"[..], b"1,x\n", b"1,,2\n", b"\"1\",2\n"] {
            for block in 1..=broken.len() {
                let cut = Cut { block, slack: 1 };
                assert!(parse_cut(Text::Memory(broken), 0, b',', cut).expect("readable").is_none());
            }
        }
    }
}
