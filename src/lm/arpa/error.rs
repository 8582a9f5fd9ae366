//! What can be wrong with an ARPA file, and the place of it.

use thiserror::Error;

use super::super::ngram::Refusal;
pub(super) use crate::shown::shown;

/// No line is longer, in bytes.
pub(super) const MAX_LINE: usize = 1 << 16;

/// What is wrong with an ARPA file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {problem}")]
#[non_exhaustive]
pub struct ArpaError {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// What is wrong.
    pub problem: ArpaProblem,
}

/// What is wrong with an ARPA file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected {expected}, found {found}")]
pub struct ArpaProblem {
    /// What was expected there.
    pub expected: String,
    /// What was found there.
    pub found: String,
    /// Where an n-gram is there a second time: its order.
    pub duplicate: Option<usize>,
    /// Whether an n-gram begins with one that has no back-off weight.
    pub no_backoff: bool,
}

impl ArpaProblem {
    pub(super) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into(), duplicate: None, no_backoff: false }
    }
}

/// A line's text, without what ends it.
pub(super) fn text_of(line: &[u8], number: u64) -> Result<&str, ArpaError> {
    if line.len() > MAX_LINE {
        return Err(long_line(number));
    }
    match std::str::from_utf8(line) {
        Ok(text) => without_end(text, number),
        Err(error) => {
            let valid = error.valid_up_to();
            let column = String::from_utf8_lossy(&line[..valid]).chars().count() as u64 + 1;
            let found = format!("the byte 0x{:02x}", line[valid]);
            Err(ArpaError { line: number, column, problem: ArpaProblem::new("UTF-8 text", found) })
        }
    }
}

/// The same of what is known to be text.
pub(super) fn without_end(line: &str, number: u64) -> Result<&str, ArpaError> {
    if line.len() > MAX_LINE {
        return Err(long_line(number));
    }
    let line = line.strip_suffix('\n').unwrap_or(line);
    Ok(line.strip_suffix('\r').unwrap_or(line))
}

/// A problem with `part` of a line's `text`.
pub(super) fn at(line: u64, text: &str, part: &str, expected: String, found: String) -> ArpaError {
    let column = text.get(..offset(text, part)).map_or(0, |before| before.chars().count()) as u64 + 1;
    ArpaError { line, column, problem: ArpaProblem::new(expected, found) }
}

/// Where in a line's `text` a part of it begins, in bytes.
pub(super) fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

pub(super) fn first_column(line: u64, expected: String, found: String) -> ArpaError {
    ArpaError { line, column: 1, problem: ArpaProblem::new(expected, found) }
}

pub(super) fn long_line(line: u64) -> ArpaError {
    first_column(line, format!("a line of at most {MAX_LINE} bytes"), "a longer one".to_owned())
}

/// What is wrong with the n-gram of an `order` that line number `line` of a `piece`, from 1, has; `before` lines come before
/// the piece.
pub(super) fn refused(refusal: Refusal, piece: &[u8], line: u64, before: u64, order: usize) -> ArpaError {
    let text = piece.split(|&byte| byte == b'\n').nth(line as usize - 1).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split_whitespace().skip(1).take(order).collect();
    let (expected, found) = match refusal {
        Refusal::Duplicate => {
            (format!("each {order}-gram once"), format!("{} again", shown(&words.join(" "))))
        }
        Refusal::NoBackoff => {
            let context = shown(&words[..words.len().saturating_sub(1)].join(" "));
            (
                format!("a back-off weight of {context}, with which this {order}-gram begins"),
                "none".to_owned(),
            )
        }
        Refusal::TooMany => ("fewer than 4 billion n-grams".to_owned(), "more".to_owned()),
    };
    let mut error = first_column(before + line, expected, found);
    error.problem.duplicate = (refusal == Refusal::Duplicate).then_some(order);
    error.problem.no_backoff = refusal == Refusal::NoBackoff;
    error
}
