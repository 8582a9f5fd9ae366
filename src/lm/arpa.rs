//! ARPA files of n-gram models.
//!
//! ```text
//! \data\
//! ngram 1=3
//! ngram 2=1
//!
//! \1-grams:
//! -0.5 a -0.3         base-10 logarithms of the probability and, where longer n-grams need it, of the
//!                     back-off weight; blanks or tabs between them
//! …
//! \end\
//! ```
//!
//! The file comes in blocks, of which nothing is kept but the model. Counts are checked, but nothing is
//! allocated from them.

use rayon::prelude::*;
use thiserror::Error;

use super::ngram::{Builder, Found, NgramModel, Refusal};

/// No line is longer, in bytes.
const MAX_LINE: usize = 1 << 16;

/// Lines are parsed in parallel in pieces of about so many bytes.
const PIECE: usize = 1 << 16;

/// What is wrong with an ARPA file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ArpaError {
    /// From 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
    /// What is wrong.
    pub problem: ArpaProblem,
}

/// What is wrong with an ARPA file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected {expected}, found {found}")]
pub struct ArpaProblem {
    /// What had to be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// Makes a model of an ARPA file's bytes, which come block by block.
#[derive(Debug)]
pub struct ArpaParser {
    builder: Builder,
    /// As `\data\` says, by order from 1.
    counts: Vec<u64>,
    place: Place,
    /// Number of lines that are done with.
    lines: u64,
    /// The beginning of a line whose end has not come yet.
    rest: Vec<u8>,
}

/// What has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing.
    Nothing,
    /// `\data\`.
    Counts,
    /// So many n-grams of this order, and there may be more.
    Section { order: usize, found: u64 },
    /// All n-grams up to this order.
    Between { order: usize },
    /// `\end\`.
    End,
}

/// An n-gram as the file has it.
struct Entry<'a> {
    line: u64,
    log10_prob: f32,
    log10_backoff: Option<f32>,
    ngram: Ngram<'a>,
}

enum Ngram<'a> {
    Word(&'a str),
    Longer(Found),
}

/// The entries of some lines.
#[derive(Default)]
struct Piece<'a> {
    entries: Vec<Entry<'a>>,
    /// Where in it the section ends, in bytes, and the number of lines before that.
    end: Option<usize>,
    lines: u64,
    error: Option<ArpaError>,
}

impl Default for ArpaParser {
    fn default() -> Self {
        Self::new()
    }
}

impl ArpaParser {
    /// A parser of a file of which nothing was read.
    pub fn new() -> Self {
        Self {
            builder: Builder::new(),
            counts: Vec::new(),
            place: Place::Nothing,
            lines: 0,
            rest: Vec::new(),
        }
    }

    /// Takes the next bytes of the file, however many.
    ///
    /// # Errors
    /// The first place where this is not an ARPA file.
    pub fn feed(&mut self, block: &[u8]) -> Result<(), ArpaError> {
        let Some(last) = block.iter().rposition(|&byte| byte == b'\n') else {
            return self.keep(block);
        };
        let (mut whole, rest) = block.split_at(last + 1);
        if !self.rest.is_empty() {
            let first = whole.iter().position(|&byte| byte == b'\n').unwrap_or(last);
            self.keep(&whole[..=first])?;
            let line = std::mem::take(&mut self.rest);
            self.lines_in(&line)?;
            whole = &whole[first + 1..];
        }
        self.lines_in(whole)?;
        self.keep(rest)
    }

    /// The model, after the last block.
    ///
    /// # Errors
    /// Where the file ends too early.
    pub fn finish(mut self) -> Result<NgramModel, ArpaError> {
        let rest = std::mem::take(&mut self.rest);
        self.lines_in(&rest)?;
        let expected = match self.place {
            Place::End => return Ok(self.builder.finish(self.counts.len())),
            Place::Nothing => r"\data\".to_owned(),
            Place::Counts => "the number of n-grams of each order, then \\1-grams:".to_owned(),
            Place::Section { order, found } if found < self.counts[order - 1] => {
                format!("{} {order}-grams, as \\data\\ says", self.counts[order - 1])
            }
            Place::Section { order, .. } | Place::Between { order } => self.header_after(order),
        };
        let found = match self.place {
            Place::Section { order, found } if found < self.counts[order - 1] => {
                format!("{found} and the end of the file")
            }
            _ => "the end of the file".to_owned(),
        };
        Err(ArpaError { line: self.lines + 1, column: 1, problem: ArpaProblem { expected, found } })
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), ArpaError> {
        if self.rest.len() + part.len() > MAX_LINE {
            return Err(long_line(self.lines + 1));
        }
        self.rest.extend_from_slice(part);
        Ok(())
    }

    /// Takes whole lines.
    fn lines_in(&mut self, mut block: &[u8]) -> Result<(), ArpaError> {
        while !block.is_empty() {
            if let Place::Section { order, found } = self.place {
                let used = self.entries_in(block, order, found)?;
                block = &block[used..];
                continue;
            }
            let end = block.iter().position(|&byte| byte == b'\n').map_or(block.len(), |at| at + 1);
            let (line, after) = block.split_at(end);
            self.lines += 1;
            let text = text_of(line, self.lines)?;
            self.heading(text)?;
            block = after;
        }
        Ok(())
    }

    /// A line outside the sections.
    fn heading(&mut self, text: &str) -> Result<(), ArpaError> {
        let line = self.lines;
        let content = text.trim_ascii();
        if content.is_empty() {
            return Ok(());
        }
        let wrong = |expected: String| at(line, text, content, expected, shown(content));
        match self.place {
            Place::Nothing if content.trim_start_matches('\u{feff}') == r"\data\" => {
                self.place = Place::Counts;
            }
            Place::Nothing => {
                return Err(wrong(r"\data\ at the beginning of an ARPA language model".to_owned()));
            }
            Place::Counts if content == r"\1-grams:" && !self.counts.is_empty() => self.begin_section(1),
            Place::Counts => {
                let next = self.counts.len() + 1;
                let expected = format!("'ngram {next}=' and a number");
                let expected = if next > 1 { format!(r"{expected}, or \1-grams:") } else { expected };
                let count = content.strip_prefix("ngram").and_then(|rest| rest.split_once('='));
                let (order, count) = count.ok_or_else(|| wrong(expected.clone()))?;
                if order.trim_ascii().parse() != Ok(next) {
                    return Err(wrong(expected));
                }
                self.counts.push(count.trim_ascii().parse().map_err(|_| wrong(expected))?);
            }
            Place::Between { order } if order < self.counts.len() => {
                if content.strip_prefix('\\').and_then(|rest| rest.strip_suffix("-grams:"))
                    != Some(&(order + 1).to_string())
                {
                    return Err(wrong(self.header_after(order)));
                }
                self.begin_section(order + 1);
            }
            Place::Between { order } => {
                if content != r"\end\" {
                    return Err(wrong(self.header_after(order)));
                }
                self.place = Place::End;
            }
            Place::End => return Err(wrong(r"nothing after \end\".to_owned())),
            Place::Section { .. } => {}
        }
        Ok(())
    }

    fn begin_section(&mut self, order: usize) {
        if order == 2 {
            self.builder.end_words();
        }
        self.place = Place::Section { order, found: 0 };
    }

    fn header_after(&self, order: usize) -> String {
        if order < self.counts.len() { format!("\\{}-grams:", order + 1) } else { r"\end\".to_owned() }
    }

    /// Takes the n-grams at the beginning of `block`; returns how many bytes they are.
    fn entries_in(&mut self, block: &[u8], order: usize, found: u64) -> Result<usize, ArpaError> {
        let most = self.counts[order - 1];
        let highest = order == self.counts.len();
        let pieces = pieces_of(block);
        let builder = &self.builder;
        let parsed: Vec<Piece<'_>> =
            pieces.par_iter().map(|piece| parse(piece, builder, order, highest)).collect();
        let mut found = found;
        let mut used = 0;
        for (piece, bytes) in parsed.into_iter().zip(&pieces) {
            for entry in piece.entries {
                let line = self.lines + entry.line;
                found += 1;
                if found > most {
                    return Err(first_column(
                        line,
                        format!("{most} {order}-grams, as \\data\\ says, and then an empty line"),
                        "one more".to_owned(),
                    ));
                }
                let added = match entry.ngram {
                    Ngram::Word(text) => self.builder.add_word(text, entry.log10_prob, entry.log10_backoff),
                    Ngram::Longer(found) => self.builder.add(found, entry.log10_prob, entry.log10_backoff),
                };
                added.map_err(|refusal| refused(refusal, line, order))?;
            }
            if let Some(mut error) = piece.error {
                error.line += self.lines;
                return Err(error);
            }
            self.lines += piece.lines;
            if let Some(end) = piece.end {
                self.end_section(order, found)?;
                return Ok(used + end);
            }
            used += bytes.len();
        }
        self.place = Place::Section { order, found };
        Ok(used)
    }

    fn end_section(&mut self, order: usize, found: u64) -> Result<(), ArpaError> {
        let expected = self.counts[order - 1];
        if found < expected {
            let expected = format!("{expected} {order}-grams, as \\data\\ says");
            return Err(first_column(self.lines + 1, expected, found.to_string()));
        }
        if order == self.counts.len() && order == 1 {
            self.builder.end_words();
        }
        self.place = Place::Between { order };
        Ok(())
    }
}

/// Pieces of whole lines.
fn pieces_of(block: &[u8]) -> Vec<&[u8]> {
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
fn parse<'a>(piece: &'a [u8], builder: &Builder, order: usize, highest: bool) -> Piece<'a> {
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
        if content.is_empty() || content.starts_with('\\') {
            parsed.end = Some(start);
            return parsed;
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
    let log10_prob = number(prob).filter(|&log10| log10 <= 0.0).ok_or_else(|| {
        at(line, text, prob, "the base-10 logarithm of a probability, 0 or less".to_owned(), shown(prob))
    })?;
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
            let context = text.find(last).map_or("", |end| text[prob.len()..end].trim_ascii());
            at(
                line,
                text,
                last,
                format!("an n-gram whose first {} words are an n-gram, too", order - 1),
                format!("one that continues {}", shown(context)),
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

/// A finite number.
fn number(field: &str) -> Option<f32> {
    field.parse().ok().filter(|value: &f32| value.is_finite())
}

/// A line's text, without what ends it.
fn text_of(line: &[u8], number: u64) -> Result<&str, ArpaError> {
    if line.len() > MAX_LINE {
        return Err(long_line(number));
    }
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line).map_err(|error| {
        let valid = error.valid_up_to();
        let column = String::from_utf8_lossy(&line[..valid]).chars().count() as u64 + 1;
        let found = format!("the byte 0x{:02x}", line[valid]);
        ArpaError { line: number, column, problem: ArpaProblem { expected: "UTF-8 text".to_owned(), found } }
    })
}

/// A problem with `part` of a line's `text`.
fn at(line: u64, text: &str, part: &str, expected: String, found: String) -> ArpaError {
    let offset = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let column = text.get(..offset).map_or(0, |before| before.chars().count()) as u64 + 1;
    ArpaError { line, column, problem: ArpaProblem { expected, found } }
}

fn first_column(line: u64, expected: String, found: String) -> ArpaError {
    ArpaError { line, column: 1, problem: ArpaProblem { expected, found } }
}

fn long_line(line: u64) -> ArpaError {
    first_column(line, format!("a line of at most {MAX_LINE} bytes"), "a longer one".to_owned())
}

fn refused(refusal: Refusal, line: u64, order: usize) -> ArpaError {
    let (expected, found) = match refusal {
        Refusal::Duplicate => (format!("each {order}-gram once"), "one again"),
        Refusal::NoBackoff => (
            "an n-gram whose first words have a back-off weight".to_owned(),
            "one whose first words have none",
        ),
        Refusal::TooMany => ("fewer than 4 billion n-grams".to_owned(), "more"),
    };
    first_column(line, expected, found.to_owned())
}

/// A short form of untrusted text.
fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let mut short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    format!("'{short}'")
}
