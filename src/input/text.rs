//! Texts: from bytes to lines.

use std::path::Path;

use super::source::{Source, foreign};
use super::{InputError, Place};

/// The text of a file that must be UTF-8, without a byte order mark.
pub(super) fn text_of(name: &str, bytes: Vec<u8>) -> Result<String, InputError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        if let Some((found, hint)) = foreign(bytes) {
            return InputError::new(name, Place::whole(), "UTF-8 text", found).hint(hint);
        }
        let line = bytes[..valid].split(|&b| b == b'\n').count();
        let column = valid - bytes[..valid].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1) + 1;
        InputError::new(
            name,
            Place::whole().at("line", line).at("byte", column),
            "UTF-8 text",
            format!("the byte 0x{:02x}", bytes[valid]),
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// How many lines [`lines_of`] has.
pub(super) fn line_count(text: &str) -> usize {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    ends + usize::from(!text.is_empty() && !text.ends_with('\n'))
}

/// The lines of a text: without their ends (`\n` or `\r\n`); a final line end makes no line of its own.
pub(super) fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    text.split_terminator('\n').map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// How to remove each line's first word and the separator behind it.
pub(crate) fn without_first_word(separator: char) -> &'static str {
    match separator {
        '\t' => "cut -f2-",
        ',' => "cut -d, -f2-",
        '|' => "cut -d'|' -f2-",
        // An empty text may have no space before it.
        _ => "sed 's/^[^ ]* *//'",
    }
}

/// How to go on where there are more lines than expected, if those beyond are empty.
pub(crate) fn empty_end<'a>(lines: impl Iterator<Item = &'a str>, expected: usize) -> Option<&'static str> {
    let mut beyond = lines.skip(expected).peekable();
    (beyond.peek().is_some() && beyond.all(|line| line.trim().is_empty()))
        .then_some("an empty line at the end counts as well: delete it")
}

/// The lines of a text file; `-` is standard input.
///
/// # Errors
/// If it can't be read or is not UTF-8.
pub fn read_lines(path: &Path) -> Result<Vec<String>, InputError> {
    let mut source = Source::open(path)?;
    let text = text_of(&path.display().to_string(), source.read_rest()?)?;
    Ok(lines_of(&text).map(str::to_owned).collect())
}
