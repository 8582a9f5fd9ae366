//! ARPA files of n-gram models.
//!
//! ```text
//! \data\
//! ngram 1=3
//! ngram 2=1
//!
//! \1-grams:
//! -0.5 a -0.3         base-10 logarithms of the probability and, where longer n-grams need it, of the
//!                     back-off weight; spaces or tabs between them
//! …
//! \end\
//! ```
//!
//! The file is read in blocks, of which nothing is kept but the model. The counts are checked, but no memory is
//! allocated on the strength of them.

mod entries;
mod error;

use rayon::prelude::*;

use self::entries::{Ngram, Piece, parse, pieces_of};
pub use self::error::{ArpaError, ArpaProblem};
use self::error::{MAX_LINE, at, first_column, long_line, refused, shown, text_of};
use super::ngram::{Builder, NgramModel};

/// Builds a model from an ARPA file's bytes, which are fed block by block.
#[derive(Debug)]
pub struct ArpaParser {
    builder: Builder,
    /// As `\data\` says, by order from 1.
    counts: Vec<u64>,
    state: State,
    /// Number of lines that are done with.
    lines: u64,
    /// The beginning of a line whose end has not come yet.
    rest: Vec<u8>,
    /// What is wrong with the first line if there is no `\data\`.
    before: Option<ArpaError>,
}

/// What has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing, or what comes before `\data\`, which says nothing of the model.
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

impl Default for ArpaParser {
    fn default() -> Self {
        Self::new()
    }
}

impl ArpaParser {
    /// A parser that has read nothing yet.
    pub fn new() -> Self {
        Self {
            builder: Builder::new(),
            counts: Vec::new(),
            state: State::Nothing,
            lines: 0,
            rest: Vec::new(),
            before: None,
        }
    }

    /// Takes the next bytes of the file, however many.
    ///
    /// # Errors
    /// The first place at which the bytes are not those of an ARPA file.
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
    /// If the file ends too early.
    pub fn finish(mut self) -> Result<NgramModel, ArpaError> {
        let rest = std::mem::take(&mut self.rest);
        self.lines_in(&rest)?;
        if let (State::Nothing, Some(error)) = (self.state, self.before.take()) {
            return Err(error);
        }
        let expected = match self.state {
            State::End => return Ok(self.builder.finish(self.counts.len())),
            State::Nothing => r"\data\".to_owned(),
            State::Counts => "the number of n-grams of each order, then \\1-grams:".to_owned(),
            State::Section { order, found } if found < self.counts[order - 1] => {
                format!("{} {order}-grams, as \\data\\ says", self.counts[order - 1])
            }
            State::Section { order, .. } | State::Between { order } => self.header_after(order),
        };
        let found = match self.state {
            State::Section { order, found } if found < self.counts[order - 1] => {
                format!("{found} before the end of the file")
            }
            _ => "the end of the file".to_owned(),
        };
        Err(ArpaError { line: self.lines + 1, column: 1, problem: ArpaProblem::new(expected, found) })
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
            if let State::Section { order, found } = self.state {
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
        match self.state {
            State::Nothing if content.trim_start_matches('\u{feff}') == r"\data\" => {
                self.state = State::Counts;
            }
            State::Nothing => {
                if self.before.is_none() {
                    self.before = Some(wrong(r"\data\, where an ARPA language model begins".to_owned()));
                }
            }
            State::Counts if content == r"\1-grams:" && !self.counts.is_empty() => self.begin_section(1),
            State::Counts => {
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
            State::Between { order } if order < self.counts.len() => {
                if content.strip_prefix('\\').and_then(|rest| rest.strip_suffix("-grams:"))
                    != Some(&(order + 1).to_string())
                {
                    return Err(wrong(self.header_after(order)));
                }
                self.begin_section(order + 1);
            }
            State::Between { order } => {
                if content != r"\end\" {
                    return Err(wrong(self.header_after(order)));
                }
                self.state = State::End;
            }
            State::End => return Err(wrong(r"nothing after \end\".to_owned())),
            State::Section { .. } => {}
        }
        Ok(())
    }

    fn begin_section(&mut self, order: usize) {
        if order == 2 {
            self.builder.end_words();
        }
        self.state = State::Section { order, found: 0 };
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
            for (place, entry) in piece.entries.iter().enumerate() {
                if let Some(ahead) = piece.ahead_of(place) {
                    self.builder.fetch(ahead);
                }
                let line = self.lines + entry.line;
                found += 1;
                if found > most {
                    return Err(first_column(
                        line,
                        format!(
                            "{most} {order}-grams, as \\data\\ says, and then {}",
                            self.header_after(order)
                        ),
                        "one more".to_owned(),
                    ));
                }
                let added = match entry.ngram {
                    Ngram::Word(text) => self.builder.add_word(text, entry.log10_prob, entry.log10_backoff),
                    Ngram::Longer(found) => self.builder.add(found, entry.log10_prob, entry.log10_backoff),
                };
                added.map_err(|refusal| refused(refusal, bytes, entry.line, self.lines, order))?;
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
        self.state = State::Section { order, found };
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
        self.state = State::Between { order };
        Ok(())
    }
}
