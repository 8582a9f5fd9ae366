//! Files that steer a beam: language models, lexicons, hotwords.

use std::io::{self, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::source::{Source, foreign};
use super::text::read_lines;
use super::{InputError, Place};
use crate::lm::{ArpaError, ArpaParser, MAX_MAGNITUDE, NgramModel};
use crate::shown::shown;

/// Bytes that are read and parsed at a time.
const BLOCK_BYTES: usize = 1 << 20;

const GZIP_MAGIC: &[u8] = b"\x1f\x8b";

/// How the files begin that `build_binary` of `KenLM` writes.
const KENLM_MAGIC: &[u8] = b"mmap lm http://kheafield.com/code";

/// Reads an n-gram model from an ARPA file, plain or gzipped; `-` is standard input.
///
/// # Errors
/// If it can't be read or is not an ARPA file.
pub fn read_language_model(path: &Path) -> Result<NgramModel, InputError> {
    let mut source = Source::open(path)?;
    let name = source.name().to_owned();
    let mut block = vec![0; BLOCK_BYTES];
    let filled = source.read_up_to(&mut block)?;
    if block[..filled].starts_with(KENLM_MAGIC) {
        let error = InputError::new(&name, Place::whole(), "an ARPA language model", "a binary KenLM model");
        return Err(
            error.hint("its layout depends on the build that wrote it: give the ARPA file it was made from")
        );
    }
    if let Some((found, hint)) = foreign(&block[..filled]).filter(|_| !block.starts_with(GZIP_MAGIC)) {
        let error = InputError::new(&name, Place::whole(), "an ARPA language model, plain or gzipped", found);
        return Err(if found.starts_with("UTF-16") { error.hint(hint) } else { error });
    }
    let refused = |error: ArpaError| {
        let place = Place::whole().at("line", error.line).at("column", error.column);
        let hint = if error.problem.duplicate == Some(1) {
            Some("remove one of the two lines, and lower the count after 'ngram 1=' by one")
        } else {
            error
                .problem
                .no_backoff
                .then_some("write it behind that n-gram in its own section: 0 takes nothing off")
        };
        InputError::new(&name, place, error.problem.expected, error.problem.found).maybe_hint(hint)
    };
    let mut parser = ArpaParser::new();
    if block[..filled].starts_with(GZIP_MAGIC) {
        let read_error =
            |source| InputError::Io { file: name.clone(), action: "cannot be decompressed", source };
        let first = Cursor::new(block[..filled].to_vec());
        let mut text = MultiGzDecoder::new(first.chain(Bytes(source)));
        let read = |block: &mut [u8]| fill(&mut text, block).map_err(read_error);
        feed_all(&mut parser, &mut block, 0, read, refused)?;
    } else {
        let read = |block: &mut [u8]| source.read_up_to(block);
        feed_all(&mut parser, &mut block, filled, read, refused)?;
    }
    parser.finish().map_err(refused)
}

/// Parses a block, of which so many bytes are filled, and what is read after it; the next block is read meanwhile.
fn feed_all(
    parser: &mut ArpaParser,
    block: &mut Vec<u8>,
    mut filled: usize,
    mut read: impl FnMut(&mut [u8]) -> Result<usize, InputError> + Send,
    refused: impl Fn(ArpaError) -> InputError,
) -> Result<(), InputError> {
    let mut next = vec![0; block.len()];
    loop {
        let (parsed, more) = rayon::join(|| parser.feed(&block[..filled]), || read(&mut next));
        parsed.map_err(&refused)?;
        filled = more?;
        if filled == 0 {
            return Ok(());
        }
        std::mem::swap(block, &mut next);
    }
}

/// Reads until the buffer is full or the text ends.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A source for readers of bytes.
struct Bytes(Source);

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_up_to(buffer).map_err(|error| match error {
            InputError::Io { source, .. } => source,
            error @ InputError::Content(_) => io::Error::other(error),
        })
    }
}

/// Reads a lexicon: one word per line.
///
/// # Errors
/// If it can't be read, a line is more than one word, or there are no words.
pub fn read_lexicon(path: &Path) -> Result<Vec<String>, InputError> {
    let name = path.display().to_string();
    let mut words = Vec::new();
    for (number, line) in read_lines(path)?.iter().enumerate() {
        let word = line.trim();
        if let Some(at) = word.find(char::is_whitespace) {
            let column =
                line.chars().count() - line.trim_start().chars().count() + word[..at].chars().count();
            let place = Place::whole().at("line", number + 1).at("column", column + 1);
            // Of a spelling, each sound has a letter or a few.
            let is_spelling = || word[at..].split_whitespace().all(|sound| sound.chars().count() <= 3);
            let hint = if word.starts_with("ngram ") {
                "this is a language model: give it to --lm"
            } else if word.contains('\t') || is_spelling() {
                "a word is spelt by its characters, as the alphabet has them: spellings and pronunciations are not read, \
                 so remove what follows the word"
            } else {
                "to make a lexicon from a text, list each word once: tr -s ' ' '\\n' < TEXT | sort -u"
            };
            return Err(InputError::new(&name, place, "one word per line", shown(&word[at..])).hint(hint));
        }
        if !word.is_empty() {
            words.push(word.to_owned());
        }
    }
    if words.is_empty() {
        return Err(InputError::new(&name, Place::whole(), "one word per line", "no words"));
    }
    Ok(words)
}

/// Reads hotwords: one phrase per line, or a phrase, a tab and its weight in nats; `weight` is for phrases without one.
///
/// # Errors
/// If it can't be read, a weight is not a number or is too large in magnitude, or there is nothing before a tab.
pub fn read_hotwords(path: &Path, weight: f64) -> Result<Vec<(String, f64)>, InputError> {
    let name = path.display().to_string();
    let mut phrases = Vec::new();
    for (number, line) in read_lines(path)?.iter().enumerate() {
        let (phrase, weight) = match line.rsplit_once('\t') {
            None => (line.as_str(), weight),
            Some((phrase, field)) => {
                let is_weight = |value: &f64| (-MAX_MAGNITUDE..=MAX_MAGNITUDE).contains(value);
                let value = field.trim().parse().ok().filter(is_weight);
                let column = phrase.chars().count() + 2;
                let place = Place::whole().at("line", number + 1).at("column", column);
                let expected = format!("a weight from -{MAX_MAGNITUDE} to {MAX_MAGNITUDE} after the tab");
                let error = || InputError::new(&name, place, expected, shown(field));
                (phrase, value.ok_or_else(error)?)
            }
        };
        if !phrase.trim().is_empty() {
            phrases.push((phrase.to_owned(), weight));
        } else if !line.trim().is_empty() {
            let place = Place::whole().at("line", number + 1);
            return Err(InputError::new(&name, place, "a phrase before the tab", shown(line)));
        }
    }
    Ok(phrases)
}
