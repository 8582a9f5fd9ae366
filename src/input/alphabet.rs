//! Class names: from a file to tokens, and from text to classes.

mod file;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

pub use file::AlphabetFile;
use file::{is_blank_name, is_no_text};
use thiserror::Error;

use super::{InputError, Place, counted, display_name};
use crate::decode::spelling::{Spelling, WORD_PIECE_MARK};
use crate::lm::{TreeWord, WordTree};
use crate::shown::shown;

/// Which class is the blank, as the user specifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlankChoice {
    /// A class index; a negative one counts from the end.
    Index(i64),
    /// The class of this name.
    Token(String),
}

impl FromStr for BlankChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.parse() {
            Ok(index) => Self::Index(index),
            Err(_) if text == "last" => Self::Index(-1),
            Err(_) => Self::Token(text.to_owned()),
        })
    }
}

impl fmt::Display for BlankChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Token(token) => write!(f, "{token}"),
        }
    }
}

/// How a line of text becomes tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelSplit {
    /// Each character is a token.
    Chars,
    /// Tokens are separated by spaces.
    Tokens,
    /// From left to right, the longest token that fits.
    Longest,
}

/// Part of a text that is no token of an alphabet, or is that of the blank.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("column {column}: {text:?} is no token that can be a label")]
pub struct NoToken {
    /// Where it begins, in characters from 1.
    pub column: usize,
    /// The part.
    pub text: String,
}

/// The index of the blank among `classes`.
///
/// # Errors
/// If it is not one of them, or if it is given by a name that no alphabet has.
pub fn resolve_blank(
    choice: &BlankChoice,
    classes: usize,
    alphabet: Option<&AlphabetFile>,
) -> Result<u32, InputError> {
    let error = |expected: String, found: String| InputError::new("--blank", Place::whole(), expected, found);
    match choice {
        BlankChoice::Index(index) => {
            let resolved = if *index < 0 { index + classes as i64 } else { *index };
            if (0..classes as i64).contains(&resolved) {
                Ok(resolved as u32)
            } else {
                Err(error(
                    format!("a class from 0 to {} (or -1 to -{classes})", classes as i64 - 1),
                    index.to_string(),
                ))
            }
        }
        BlankChoice::Token(token) => {
            let file = alphabet.ok_or_else(|| {
                error("a class index or 'last', since there is no --alphabet".into(), shown(token))
            })?;
            let index = file
                .index_of(token)
                .ok_or_else(|| error(format!("a token of {}", file.name()), shown(token)))?;
            if file.len() != classes || index >= classes {
                let expected = format!("{classes} entries, including the blank");
                return Err(InputError::new(&file.name, Place::whole(), expected, file.len().to_string())
                    .hint(file.count_hint(classes)));
            }
            Ok(index as u32)
        }
    }
}

/// Class names, one for each class.
#[derive(Clone, Debug)]
pub struct Alphabet {
    name: String,
    tokens: Vec<String>,
    classes_of: HashMap<String, u32>,
    blank: u32,
    /// Whether the file has an entry for the blank, too.
    complete: bool,
    /// The class that a space in a text is.
    space: Option<u32>,
    /// The names, to find the longest that a text goes on with; made when they are first wanted.
    names: OnceLock<WordTree>,
}

impl Alphabet {
    /// The alphabet of `classes` classes, from a file that may leave out the blank.
    ///
    /// # Errors
    /// If the file has neither `classes` entries nor one fewer, or the blank is not a class.
    pub fn new(file: AlphabetFile, classes: usize, blank: u32) -> Result<Self, InputError> {
        if blank as usize >= classes {
            let expected = format!("a blank among {}", counted(classes, "class"));
            return Err(InputError::new(&file.name, Place::whole(), expected, format!("class {blank}")));
        }
        let (name, complete) = (file.name.clone(), file.len() == classes);
        let tokens = file.resolve(classes, blank as usize)?;
        let named = tokens.iter().enumerate().filter(|&(class, _)| class != blank as usize);
        let mut classes_of: HashMap<String, u32> =
            named.clone().map(|(class, token)| (token.clone(), class as u32)).collect();
        // A text's space is the class that separates words, whatever the alphabet calls that.
        let space = Spelling::space_class(&tokens, blank).or_else(|| {
            // A lone mark stands where a space does; with pieces, only who trained them knows how a word is split.
            let mut marked = named.clone().filter(|(_, token)| token.starts_with(WORD_PIECE_MARK));
            let (class, token) = marked.next()?;
            (token == WORD_PIECE_MARK && marked.next().is_none()).then_some(class as u32)
        });
        if let Some(space) = space {
            classes_of.entry(" ".to_owned()).or_insert(space);
        }
        Ok(Self { name, tokens, classes_of, blank, complete, space, names: OnceLock::new() })
    }

    /// The file, as messages call it.
    pub fn name(&self) -> &str {
        display_name(&self.name)
    }

    /// The index of the blank.
    pub fn blank(&self) -> u32 {
        self.blank
    }

    /// The name of each class; if the file leaves the blank out, the blank's name is empty.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// How text is split if the alphabet leaves no choice: into characters if all tokens are characters, special tokens
    /// such as `<s>` aside; otherwise `None`.
    pub fn only_split(&self) -> Option<LabelSplit> {
        let mut written = self.written();
        let chars = written.clone().any(|(_, token)| token.chars().count() == 1);
        let only = written.all(|(_, token)| token.chars().count() == 1 || chars && is_no_text(token));
        only.then_some(LabelSplit::Chars)
    }

    /// The classes but the blank and the space, and their names.
    fn written(&self) -> impl Iterator<Item = (usize, &str)> + Clone {
        let not_written = [Some(self.blank), self.space];
        let named = self.tokens.iter().map(String::as_str).enumerate();
        named.filter(move |&(class, _)| !not_written.contains(&Some(class as u32)))
    }

    /// The first class, other than the blank and the space, whose name is not a single character, and its name; a
    /// special token such as `<s>` only if there is no other.
    pub fn long_entry(&self) -> Option<(usize, &str)> {
        let is_long = |token: &str| token.chars().count() != 1;
        // What is no special token is rather what makes it unclear.
        let mut long = self.written().filter(|(_, token)| is_long(token));
        let first = long.clone().next();
        long.find(|(_, token)| !is_no_text(token)).or(first)
    }

    /// Whether the blank is called so.
    pub(crate) fn has_blank_by_name(&self) -> bool {
        self.tokens.get(self.blank as usize).is_some_and(|token| is_blank_name(token))
    }

    /// The class with a name such as `<pad>` or `[blank]`, if it is the only one with such a name and is not the blank.
    pub fn other_blank(&self) -> Option<(usize, &str)> {
        let mut called_so = self.tokens.iter().enumerate().filter(|(_, token)| is_blank_name(token));
        let (class, token) = called_so.next()?;
        let only = called_so.next().is_none() && class != self.blank as usize;
        (only && !self.tokens[self.blank as usize].is_empty()).then_some((class, token))
    }

    /// How to go on where a class is taken for the blank that is none.
    pub(crate) fn blank_hint(&self) -> String {
        match self.other_blank() {
            Some((class, token)) => {
                format!("if class {class} is the blank, give --blank {}", shown(token))
            }
            None => "give --blank if another class is the blank".to_owned(),
        }
    }

    /// The first class, other than the blank, whose name is empty, such as from an empty line at the end of the file.
    pub fn empty_entry(&self) -> Option<usize> {
        let named = self.tokens.iter().enumerate();
        named
            .filter(|&(class, _)| class != self.blank as usize)
            .find(|(_, token)| token.is_empty())
            .map(|(class, _)| class)
    }

    /// How to go on where class `class` has no name.
    pub(crate) fn empty_entry_hint(&self, class: usize) -> String {
        if self.complete {
            let lost = if self.space.is_none() {
                "if it was a space that an editor removed, put it back; "
            } else {
                ""
            };
            return format!(
                "if it is the blank, give --blank {class}; {lost}if it is another class, give it a name"
            );
        }
        format!("the file leaves the blank out, so every entry needs a name: write that of class {class}")
    }

    /// The class that a space in a text stands for.
    pub fn space(&self) -> Option<u32> {
        self.space
    }

    /// Whether some token begins with the mark of word pieces (`▁`), or is that mark alone.
    pub fn has_word_pieces(&self) -> bool {
        self.tokens.iter().any(|token| token.starts_with(WORD_PIECE_MARK))
    }

    /// The class of `token`, which is to stand for whatever is not in the alphabet.
    ///
    /// # Errors
    /// If no class other than the blank has that name.
    pub fn unknown(&self, token: &str) -> Result<u32, InputError> {
        let expected = if self.tokens[self.blank as usize] == token {
            "a token that is not the blank"
        } else {
            "a token of the alphabet"
        };
        let error = || InputError::new("--unk", Place::whole(), expected, shown(token));
        self.classes_of.get(token).copied().ok_or_else(error)
    }

    /// The classes of a line of text. What is not in the alphabet is `unknown`.
    ///
    /// # Errors
    /// At the first place where no class fits, if there is no `unknown` or it is the blank.
    pub fn encode(&self, line: &str, split: LabelSplit, unknown: Option<u32>) -> Result<Vec<u32>, NoToken> {
        let mut labels = Vec::new();
        let is_blank = |text: &str| self.tokens[self.blank as usize] == text;
        let class = |text: &str| match self.classes_of.get(text) {
            None if is_blank(text) => None,
            known => known.copied().or(unknown),
        };
        let mut push = |column: usize, text: &str| match class(text) {
            Some(class) => {
                labels.push(class);
                Ok(())
            }
            None => Err(NoToken { column, text: text.to_owned() }),
        };
        match split {
            LabelSplit::Chars => {
                let mut buffer = [0; 4];
                line.chars().enumerate().try_for_each(|(at, c)| push(at + 1, c.encode_utf8(&mut buffer)))?;
            }
            LabelSplit::Tokens => {
                let mut column = 1;
                for word in line.split(char::is_whitespace) {
                    if !word.is_empty() {
                        push(column, word)?;
                    }
                    column += word.chars().count() + 1;
                }
            }
            LabelSplit::Longest => {
                let names = self.names.get_or_init(|| {
                    let words = self.classes_of.keys().map(|text| TreeWord { text, known: None });
                    WordTree::new(words)
                });
                let mut rest = line;
                let mut column = 1;
                while let Some(first) = rest.chars().next() {
                    let end = names.beginnings(rest.as_bytes()).last().unwrap_or(first.len_utf8());
                    push(column, &rest[..end])?;
                    column += rest[..end].chars().count();
                    rest = &rest[end..];
                }
            }
        }
        Ok(labels)
    }
}
