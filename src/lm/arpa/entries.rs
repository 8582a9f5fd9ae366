//! The lines of a section, an n-gram each.

use super::super::MAX_MAGNITUDE;
use super::super::ngram::{Builder, Found};
use super::error::{ArpaError, at, offset, shown, text_of};

/// Lines are parsed in parallel in pieces of about so many bytes.
const PIECE: usize = 1 << 16;

/// An n-gram as the file has it.
pub(super) struct Entry<'a> {
    pub(super) line: u64,
    pub(super) log10_prob: f32,
    pub(super) log10_backoff: Option<f32>,
    pub(super) ngram: Ngram<'a>,
}

pub(super) enum Ngram<'a> {
    Word(&'a str),
    Longer(Found),
}

/// The entries of some lines.
#[derive(Default)]
pub(super) struct Piece<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    /// Where in it the section ends, in bytes: at a line that begins with a backslash; and the number of lines before.
    pub(super) end: Option<usize>,
    pub(super) lines: u64,
    pub(super) error: Option<ArpaError>,
}

/// Pieces of whole lines.
pub(super) fn pieces_of(block: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = block;
    while rest.len() > PIECE {
        let end =
            rest[PIECE..].iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| PIECE + at + 1);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// The n-grams of some lines, up to the first line that is none.
pub(super) fn parse<'a>(piece: &'a [u8], builder: &Builder, order: usize, highest: bool) -> Piece<'a> {
    let mut parsed = Piece::default();
    let mut words = Vec::with_capacity(order);
    let mut start = 0;
    while start < piece.len() {
        let end =
            piece[start..].iter().position(|&byte| byte == b'\n').map_or(piece.len(), |at| start + at + 1);
        let line = &piece[start..end];
        let number = parsed.lines + 1;
        let text = match text_of(line, number) {
            Ok(text) => text,
            Err(error) => {
                parsed.error = Some(error);
                return parsed;
            }
        };
        let content = text.trim_ascii();
        if content.starts_with('\\') {
            parsed.end = Some(start);
            return parsed;
        }
        if content.is_empty() {
            parsed.lines = number;
            start = end;
            continue;
        }
        match entry(text, number, builder, order, highest, &mut words) {
            Ok(entry) => parsed.entries.push(entry),
            Err(error) => {
                parsed.error = Some(error);
                return parsed;
            }
        }
        parsed.lines = number;
        start = end;
    }
    parsed
}

/// One n-gram: its probability, its words and perhaps its back-off weight.
fn entry<'a>(
    text: &'a str,
    line: u64,
    builder: &Builder,
    order: usize,
    highest: bool,
    words: &mut Vec<u32>,
) -> Result<Entry<'a>, ArpaError> {
    let mut fields = text.split([' ', '\t']).filter(|field| !field.is_empty());
    let prob = fields.next().unwrap_or_default();
    let log10_prob = number(prob)
        .filter(|&log10| log10 <= 0.0)
        .ok_or_else(|| at(line, text, prob, expected_prob(prob), shown(prob)))?;
    let short = |found: usize| {
        let plural = if order == 1 { "" } else { "s" };
        at(
            line,
            text,
            &text[text.len()..],
            format!("{order} word{plural} of a {order}-gram"),
            found.to_string(),
        )
    };
    let ngram = if order == 1 {
        Ngram::Word(fields.next().ok_or_else(|| short(0))?)
    } else {
        words.clear();
        let mut last = "";
        for _ in 0..order {
            last = fields.next().ok_or_else(|| short(words.len()))?;
            let word = builder.word(last).ok_or_else(|| {
                at(line, text, last, "a word of the \\1-grams: section".to_owned(), shown(last))
            })?;
            words.push(word);
        }
        let found = builder.find(words).ok_or_else(|| {
            let context = text.get(offset(text, prob) + prob.len()..offset(text, last)).unwrap_or_default();
            at(
                line,
                text,
                last,
                format!("an n-gram whose first {} words are an n-gram, too", order - 1),
                format!("one that continues {}", shown(context.trim_ascii())),
            )
        })?;
        Ngram::Longer(found)
    };
    let log10_backoff = match fields.next() {
        None => None,
        Some(field) => {
            let value = number(field).filter(|&value| !highest || value == 0.0).ok_or_else(|| {
                let expected = if highest {
                    "no back-off weight for the longest n-grams"
                } else {
                    "the base-10 logarithm of a back-off weight"
                };
                at(line, text, field, expected.to_owned(), shown(field))
            })?;
            Some(value)
        }
    };
    match fields.next() {
        None => Ok(Entry { line, log10_prob, log10_backoff, ngram }),
        Some(field) => {
            Err(at(line, text, field, format!("the end of a line of a {order}-gram"), shown(field)))
        }
    }
}

/// What a probability must be, and what to write for one that is found.
fn expected_prob(found: &str) -> String {
    let never = if found.eq_ignore_ascii_case("-inf") { " (-99 where it is 0)" } else { "" };
    format!("the base-10 logarithm of a probability, 0 or less{never}")
}

/// A number that sums of can be made.
fn number(field: &str) -> Option<f32> {
    field.parse().ok().filter(|value: &f32| f64::from(value.abs()) <= MAX_MAGNITUDE)
}
