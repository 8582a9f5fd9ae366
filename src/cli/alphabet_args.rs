//! Options of alphabets, and what classes are called by them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::ctc_shape::CtcShape;
use super::diagnostics::UsageError;
use super::subcommand::Named;
use crate::decode::spelling::{Spelling, WORD_PIECE_MARK, WordDelimiter, is_space};
use crate::input::{Alphabet, AlphabetFile, BlankChoice, InputError, LabelSplit, resolve_blank};
use crate::report::Warning;
use crate::report::loss::CtcLabelParams;
use crate::shown::shown;

/// What classes are called.
#[derive(Args)]
#[command(next_help_heading = "Classes")]
pub(super) struct NamesArgs {
    /// Class names: one per line, or JSON (a list, or an object mapping token to index); the blank may be omitted
    #[arg(long, value_name = "FILE")]
    pub(super) alphabet: Option<PathBuf>,

    /// The blank: a class index (negative counts from the end), 'last', or a token of the alphabet [default: 0]
    #[arg(long, value_name = "N|last|TOKEN", allow_hyphen_values = true)]
    pub(super) blank: Option<BlankChoice>,
}

impl NamesArgs {
    /// The option that names a file, and the file.
    pub(super) fn named(&self) -> Named<'_> {
        ("--alphabet", self.alphabet.as_deref().map(Path::as_os_str))
    }

    /// The alphabet, if there is one.
    pub(super) fn file(&self) -> Result<Option<AlphabetFile>, InputError> {
        self.alphabet.as_deref().map(AlphabetFile::open).transpose()
    }

    /// A blank that nobody named, where another class is called so.
    pub(super) fn blank_warning(&self, alphabet: &Alphabet, blank: u32) -> Option<Warning> {
        let (class, token) = alphabet.other_blank().filter(|_| self.blank.is_none())?;
        let (of_blank, token) = (shown(&alphabet.tokens()[blank as usize]), shown(token));
        let message = format!(
            "{}: class {blank}, {of_blank}, is taken as the blank, but class {class} is {token}: give --blank {token} if that is \
             the blank, otherwise --blank {blank}",
            alphabet.name()
        );
        Some(Warning { code: "blank_name", message })
    }

    /// The blank among `classes`.
    pub(super) fn blank_of(&self, classes: usize, file: Option<&AlphabetFile>) -> Result<u32, InputError> {
        let first = BlankChoice::Index(0);
        resolve_blank(self.blank.as_ref().unwrap_or(&first), classes, file)
    }
}

/// Class names and the blank, and how labels are made of text.
#[derive(Args)]
#[command(next_help_heading = "Classes")]
pub(super) struct AlphabetArgs {
    #[command(flatten)]
    pub(super) names: NamesArgs,

    /// How to split text labels into tokens (default: chars if every token is one character, ignoring specials such as <s> and [UNK])
    #[arg(long, value_name = "HOW", value_enum, requires = "alphabet")]
    pub(super) label_split: Option<LabelSplit>,

    /// Token to substitute for anything not in the alphabet
    #[arg(long, value_name = "TOKEN", requires = "alphabet", allow_hyphen_values = true)]
    pub(super) unk: Option<String>,
}

impl AlphabetArgs {
    /// How the items of a CTC input and their labels are read, text being split so.
    pub(super) fn label_params(
        &self,
        label_split: Option<&'static str>,
        lengths: Option<&String>,
        label_lengths: Option<&String>,
    ) -> CtcLabelParams {
        CtcLabelParams {
            alphabet: self.names.alphabet.as_ref().map(|path| path.display().to_string()),
            label_split,
            unk: self.unk.clone(),
            lengths: lengths.cloned(),
            label_lengths: label_lengths.cloned(),
        }
    }
}

/// A class without a name can't be written.
pub(super) fn check_no_empty_entry(alphabet: &Alphabet) -> Result<(), UsageError> {
    let Some(class) = alphabet.empty_entry() else { return Ok(()) };
    let file = alphabet.name();
    let error =
        UsageError::new(format!("{file}: the name of class {class} is empty, so it can't be written"));
    Err(error.hint(alphabet.empty_entry_hint(class)))
}

/// Class names, the blank, and what separates words.
#[derive(Args)]
#[command(next_help_heading = "Classes")]
pub(super) struct ClassArgs {
    #[command(flatten)]
    pub(super) names: NamesArgs,

    /// What separates words: a token, the mark that word pieces begin with, such as ▁, or '' if each token is a word
    /// (default: the space, else <space> or [space], else '|', else a leading ▁)
    #[arg(long, value_name = "TOKEN", requires = "alphabet")]
    word_delimiter: Option<String>,
}

/// What classes are called.
pub(super) struct ClassNames {
    /// How tokens are written.
    pub(super) spelling: Spelling,
    pub(super) blank: u32,
    /// The word delimiter's name.
    pub(super) delimiter: Option<String>,
    /// What is odd about the blank and the delimiter.
    pub(super) warnings: Vec<Warning>,
}

impl ClassArgs {
    pub(super) fn class_names(&self, shape: &CtcShape) -> anyhow::Result<ClassNames> {
        let file = self.names.file()?;
        let blank = self.names.blank_of(shape.classes, file.as_ref())?;
        let Some(file) = file else {
            return Ok(ClassNames {
                spelling: Spelling::indices(),
                blank,
                delimiter: None,
                warnings: Vec::new(),
            });
        };
        let alphabet = shape.alphabet(file, blank)?;
        let of_names = [self.names.blank_warning(&alphabet, blank), shape.column_names_warning(&alphabet)];
        let mut warnings: Vec<Warning> = of_names.into_iter().flatten().collect();
        check_no_empty_entry(&alphabet)?;
        let names = alphabet.tokens().to_vec();
        let delimiter = match self.word_delimiter.as_deref() {
            None => {
                let delimiter = Spelling::default_delimiter(&names, blank);
                warnings.extend(bar_warning(&alphabet, &delimiter));
                delimiter
            }
            Some(token) => match names.iter().position(|name| name == token) {
                _ if token.is_empty() => WordDelimiter::EachToken,
                _ if token == WORD_PIECE_MARK || begins_pieces(token, &names) => {
                    WordDelimiter::Prefix(token.to_owned())
                }
                Some(class) if class == blank as usize => {
                    let error = UsageError::new(format!(
                        "--word-delimiter: {}, class {blank}, is the blank, which never appears in text",
                        shown(token)
                    ));
                    return Err(error.hint(alphabet.blank_hint()).into());
                }
                Some(class) => WordDelimiter::Token(class as u32),
                None => {
                    let error = UsageError::new(format!(
                        "--word-delimiter: expected a token of the alphabet, {WORD_PIECE_MARK} or '', found '{token}'"
                    ));
                    let is_mark = token == CONTINUATION;
                    return Err(if is_mark { error.hint(CONTINUATION_HINT) } else { error }.into());
                }
            },
        };
        let name = match &delimiter {
            WordDelimiter::Token(class) => Some(names[*class as usize].clone()),
            WordDelimiter::Prefix(mark) => Some(mark.clone()),
            WordDelimiter::EachToken => Some(String::new()),
            WordDelimiter::None => None,
        };
        Ok(ClassNames { spelling: Spelling::new(names, delimiter), blank, delimiter: name, warnings })
    }
}

/// Before what goes on with a word, in some alphabets of word pieces.
const CONTINUATION: &str = "##";
const CONTINUATION_HINT: &str = "rewrite the alphabet so that ▁ marks where words begin: of a list, sed '/^##/!{/^\\[/!s/^/▁/;}; s/^##//' does that";

/// Whether so many tokens begin with this one that it marks where words do, such as `Ġ`.
fn begins_pieces(mark: &str, names: &[String]) -> bool {
    let is_piece = |name: &&String| {
        let rest = name.strip_prefix(mark).unwrap_or_default();
        rest.contains(|c: char| !c.is_ascii_digit())
    };
    let pieces = names.iter().filter(is_piece).count();
    mark != CONTINUATION && !is_space(mark) && pieces > 1 && 4 * pieces >= names.len()
}

/// Marks that an alphabet of speech does not have, and one of printed characters has as well as a bar.
const MARKS: [&str; 6] = ["\\", "^", "~", "{", "}", "_"];

/// Where the class between words is a bar, another mark of the alphabet, in which the bar rather is a mark as well.
pub(super) fn mark_beside_bar(tokens: &[String], between: u32) -> Option<&'static str> {
    let mut marks = MARKS.into_iter().filter(|mark| tokens.iter().any(|token| token == mark));
    let first = marks.next()?;
    marks.next().filter(|_| tokens[between as usize] == "|").map(|_| first)
}

/// A bar for the space between words in an alphabet that has one as a character.
fn bar_warning(alphabet: &Alphabet, delimiter: &WordDelimiter) -> Option<Warning> {
    let WordDelimiter::Token(class) = *delimiter else { return None };
    let mark = mark_beside_bar(alphabet.tokens(), class)?;
    let message = format!(
        "{}: class {class}, '|', is taken as the space between words, but the alphabet has other such marks, such as {}: \
         give --word-delimiter {WORD_PIECE_MARK} if '|' is just another mark, otherwise --word-delimiter '|'",
        alphabet.name(),
        shown(mark)
    );
    Some(Warning { code: "bar", message })
}
