//! The lines of a section, an n-gram each.

use memchr::{memchr, memchr_iter};

use super::super::MAX_MAGNITUDE;
use super::super::ngram::{Builder, ResolvedNgram};
use super::error::{ArpaError, at, offset, shown, text_of, without_end};
use crate::plain_number::plain_number;

/// Lines are parsed in parallel in pieces of about so many bytes.
const PIECE: usize = 1 << 15;
/// Bytes of a short line.
const LINE: usize = 24;
/// So many n-grams ahead memory is asked for: the tables are larger than a cache.
const FETCHED: usize = 12;

/// An n-gram as the file has it.
pub(super) struct Entry<'a> {
    pub(super) line: u64,
    pub(super) log10_prob: f64,
    pub(super) log10_backoff: Option<f64>,
    pub(super) ngram: Ngram<'a>,
}

pub(super) enum Ngram<'a> {
    Word(&'a str),
    Longer(ResolvedNgram),
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

impl Piece<'_> {
    /// The n-gram that memory is to be asked for when it is the turn of entry `place`.
    pub(super) fn ahead_of(&self, place: usize) -> Option<ResolvedNgram> {
        match self.entries.get(place + FETCHED)?.ngram {
            Ngram::Longer(found) => Some(found),
            Ngram::Word(_) => None,
        }
    }
}

/// Pieces of the whole lines of a section, and the first line behind it.
pub(super) fn pieces_of(block: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    // What comes later is not looked at, for there may be many short sections; spaces before a heading are none of it.
    let begins_line = |&at: &usize| {
        let before = block[..at].iter().rposition(|&byte| byte == b'\n' || !byte.is_ascii_whitespace());
        before.is_none_or(|before| block[before] == b'\n')
    };
    let heading = memchr_iter(b'\\', block).find(begins_line);
    let end = heading.and_then(|heading| Some(heading + memchr(b'\n', &block[heading..])? + 1));
    let mut rest = &block[..end.unwrap_or(block.len())];
    while rest.len() > PIECE {
        let end = memchr(b'\n', &rest[PIECE..]).map_or(rest.len(), |at| PIECE + at + 1);
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
    let mut parsed = Piece { entries: Vec::with_capacity(piece.len() / LINE), ..Piece::default() };
    let mut section = Section { builder, order, highest, before: Vec::new() };
    // Whether it is text is sooner told of all lines at once.
    let valid = match std::str::from_utf8(piece) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&piece[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut start = 0;
    while start < piece.len() {
        let end = memchr(b'\n', &piece[start..]).map_or(piece.len(), |at| start + at + 1);
        let number = parsed.lines + 1;
        let line = valid.get(start..end);
        let text = line.map_or_else(|| text_of(&piece[start..end], number), |line| without_end(line, number));
        match text.and_then(|text| section.line(text, number)) {
            Ok(Line::Entry(entry)) => parsed.entries.push(entry),
            Ok(Line::Empty) => {}
            Ok(Line::End) => {
                parsed.end = Some(start);
                break;
            }
            Err(error) => {
                parsed.error = Some(error);
                break;
            }
        }
        parsed.lines = number;
        start = end;
    }
    // Apart, so that several are fetched at once.
    for place in 0..parsed.entries.len() {
        if let Some(ResolvedNgram { context, word, .. }) = parsed.ahead_of(place) {
            builder.fetch_suffix(context, word);
        }
        if let Ngram::Longer(found) = &mut parsed.entries[place].ngram {
            found.suffix = builder.suffix(found.context, found.word);
        }
    }
    parsed
}

/// A line of a section.
enum Line<'a> {
    Entry(Entry<'a>),
    Empty,
    /// The next section's.
    End,
}

/// How the lines of a section are read.
struct Section<'a, 'b> {
    builder: &'b Builder,
    order: usize,
    highest: bool,
    /// The words of the n-gram before: the next mostly begins as that does.
    before: Vec<Word<'a>>,
}

/// A word of an n-gram.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    /// It was another one in the n-gram before.
    is_new: bool,
    number: u32,
    /// The n-gram up to it, if it is one.
    node: Option<u32>,
}

impl Word<'_> {
    /// No field is empty.
    const NONE: Self = Self { text: "", is_new: false, number: 0, node: None };
}

impl<'a> Section<'a, '_> {
    fn line(&mut self, text: &'a str, number: u64) -> Result<Line<'a>, ArpaError> {
        let content = text.trim_ascii();
        if content.starts_with('\\') {
            return Ok(Line::End);
        }
        if content.is_empty() { Ok(Line::Empty) } else { self.entry(text, number).map(Line::Entry) }
    }

    /// One n-gram: its probability, its words and perhaps its back-off weight.
    fn entry(&mut self, text: &'a str, line: u64) -> Result<Entry<'a>, ArpaError> {
        let Self { order, highest, .. } = *self;
        let mut fields = Fields { text, at: 0 };
        let prob = fields.next().unwrap_or_default();
        let log10_prob = number(prob)
            .filter(|&log10| log10 <= 0.0)
            .ok_or_else(|| at(line, text, prob, expected_prob(prob), shown(prob)))?;
        let ngram = if order == 1 {
            Ngram::Word(fields.next().ok_or_else(|| short(line, text, order, 0))?)
        } else {
            Ngram::Longer(self.words(text, line, prob, &mut fields)?)
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
                Err(at(line, text, field, format!("the end of the line after a {order}-gram"), shown(field)))
            }
        }
    }

    /// The words of an n-gram of two or more, which are the next `fields` of a line; its suffix is still to be found.
    fn words(
        &mut self,
        text: &'a str,
        line: u64,
        prob: &str,
        fields: &mut Fields<'a>,
    ) -> Result<ResolvedNgram, ArpaError> {
        let Self { builder, order, before, .. } = self;
        for place in 0..*order {
            let field = fields.next().ok_or_else(|| short(line, text, *order, place))?;
            if place == before.len() {
                before.push(Word::NONE);
            }
            let known = &mut before[place];
            known.is_new = known.text != field;
            // Also where it is the same: its place is this line's.
            known.text = field;
            if known.is_new {
                builder.fetch_word(field);
            }
        }
        let mut context = Some(Builder::NO_WORDS);
        let mut repeats = true;
        for (place, known) in before.iter_mut().enumerate() {
            if known.is_new {
                known.number = builder.word(known.text).ok_or_else(|| {
                    let expected = "a word of the \\1-grams: section".to_owned();
                    at(line, text, known.text, expected, shown(known.text))
                })?;
            }
            repeats &= !known.is_new;
            if place + 1 < *order {
                if !repeats {
                    known.node = context.and_then(|context| builder.longer(context, known.number));
                }
                context = known.node;
            }
        }
        let last = before.last().map_or(Word::NONE, |&last| last);
        context.map(|context| ResolvedNgram { context, word: last.number, suffix: 0 }).ok_or_else(|| {
            let beginning = offset(text, prob) + prob.len()..offset(text, last.text);
            let context = text.get(beginning).unwrap_or_default();
            at(
                line,
                text,
                last.text,
                format!("an n-gram whose first {} words are an n-gram as well", *order - 1),
                format!("one that begins with {}", shown(context.trim_ascii())),
            )
        })
    }
}

fn short(line: u64, text: &str, order: usize, found: usize) -> ArpaError {
    let plural = if order == 1 { "" } else { "s" };
    let expected = format!("{order} word{plural} of a {order}-gram");
    at(line, text, &text[text.len()..], expected, found.to_string())
}

/// What spaces and tabs separate.
struct Fields<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let rest = &self.text.as_bytes()[self.at..];
        let start = self.at + rest.iter().position(|&byte| !is_blank(byte))?;
        self.at = start + field_len(&self.text.as_bytes()[start..]);
        Some(&self.text[start..self.at])
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Where the first blank or tab is, or the end: looked for in eight bytes at a time, as most fields are short.
#[inline]
fn field_len(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const BLANKS: u64 = ONES * b' ' as u64;
    const TABS: u64 = ONES * b'\t' as u64;
    // The lowest bit that is set is that of the first byte which is 0: what is borrowed goes upwards.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (eights, rest) = text.as_chunks::<8>();
    for (number, &eight) in eights.iter().enumerate() {
        let word = u64::from_le_bytes(eight);
        let blanks = zeros(word ^ BLANKS) | zeros(word ^ TABS);
        if blanks != 0 {
            return 8 * number + blanks.trailing_zeros() as usize / 8;
        }
    }
    text.len() - rest.len() + rest.iter().position(|&byte| is_blank(byte)).unwrap_or(rest.len())
}

/// What a probability must be, and what to write for one that is found.
fn expected_prob(found: &str) -> String {
    let never = if found.eq_ignore_ascii_case("-inf") { " (-99 for a probability of 0)" } else { "" };
    format!("the base-10 logarithm of a probability, 0 or less{never}")
}

/// A number that sums of can be made.
fn number(field: &str) -> Option<f64> {
    let value = match plain_number(field.as_bytes(), 0) {
        Some((value, end)) if end == field.len() => value,
        _ => field.parse().ok()?,
    };
    (value.abs() <= MAX_MAGNITUDE).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(field: &str) {
        let expected = field.parse::<f64>().ok().filter(|value| value.abs() <= MAX_MAGNITUDE);
        assert_eq!(number(field).map(f64::to_bits), expected.map(f64::to_bits), "{field}");
    }

    #[test]
    fn numbers_are_the_standard_librarys() {
        let fields = "0 -0 -0.0 -99 -1.5 -2.345678 +1 .5 -5. 1e3 -1e-30 -1e-44 1e-46 -1000000 -1000001 inf -inf nan 1x x - -1,5 \
                      -0.1e1 -16777217 16777219e-7 -9007199254740993 -9007199254740993e-8 -1.00000000000000011102230246251565 \
                      4.9e-324 2.2250738585072011e-308";
        for field in fields.split_whitespace() {
            check(field);
        }
    }

    #[test]
    fn fields_are_what_blanks_separate() {
        let mut text = String::new();
        for length in 0..40_usize {
            text += &["é", "\u{a0}", "x", "\u{2009}", "!"][length % 5].repeat(length);
            text += [" ", "\t", " \t ", "\t\t\t\t\t\t\t\t\t"][length % 4];
            let expected = text.split([' ', '\t']).filter(|field| !field.is_empty());
            assert!((Fields { text: &text, at: 0 }).eq(expected), "{text:?}");
            let text = text.trim_end();
            assert_eq!(
                Fields { text, at: 0 }.last(),
                text.split([' ', '\t']).rfind(|field| !field.is_empty())
            );
        }
    }

    proptest! {
        #[test]
        fn any_number_is_the_standard_librarys(digits in "-?[0-9]{1,3}\\.[0-9]{0,12}(e-?[0-9]{1,2})?") {
            check(&digits);
        }
    }

    #[test]
    fn pieces_end_with_the_section() {
        for heading in ["\\2-grams:", "\\end\\", " \t\\2-grams:", "\r\\2-grams:"] {
            for before in ["", "-1\ta\\b\n", "-1\t\\\n\n  \n"] {
                let section = format!("{before}{heading}\n");
                let block = format!("{section}-1\ta b\n\\end\\\n");
                assert_eq!(pieces_of(block.as_bytes()).concat(), section.as_bytes(), "{block:?}");
            }
        }
        let lines = b"-1\ta\\b\n-1\t c\\\n";
        assert_eq!(pieces_of(lines).concat(), lines);
    }
}
