//! Options of alphabets, and what labels are by them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::ctc_shape::CtcShape;
use super::diagnostics::UsageError;
use super::subcommand::Named;
use super::values::Word;
use crate::decode::spelling::{Spelling, WORD_PIECE_MARK, WordDelimiter};
use crate::input::{
    Alphabet, AlphabetFile, BlankChoice, InputError, LabelFile, LabelSplit, LeftOut, List, counted,
    display_name, resolve_blank,
};
use crate::loss::ctc::CtcLabels;
use crate::report::Warning;
use crate::report::loss::CtcLabelParams;
use crate::report::transcripts::more_than_text;
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
    fn blank_warning(&self, alphabet: &Alphabet, blank: u32) -> Option<Warning> {
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

/// What an item's labels are, and what classes are called.
pub(super) struct CtcTargets {
    pub(super) sequences: Vec<CtcLabels>,
    /// What is odd about them.
    pub(super) warnings: Vec<Warning>,
    pub(super) blank: u32,
    /// How text was split, where the labels are text.
    pub(super) split: Option<&'static str>,
    pub(super) alphabet: Option<Alphabet>,
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

    /// The checked label sequences of a file.
    pub(super) fn sequences(
        &self,
        file: Option<AlphabetFile>,
        labels: &LabelFile,
        shape: &CtcShape,
        label_lengths: Option<&List<i64>>,
    ) -> anyhow::Result<CtcTargets> {
        let blank = self.names.blank_of(shape.classes, file.as_ref())?;
        self.sequences_by(file, blank, labels, shape, label_lengths)
    }

    /// The same with an alphabet that was read and a blank that is known.
    pub(super) fn sequences_by(
        &self,
        file: Option<AlphabetFile>,
        blank: u32,
        labels: &LabelFile,
        shape: &CtcShape,
        label_lengths: Option<&List<i64>>,
    ) -> anyhow::Result<CtcTargets> {
        check_label_lengths(labels, label_lengths)?;
        let (items, classes) = (shape.items, shape.classes);
        let found = labels.sequences(label_lengths.map(|lengths| lengths.len()));
        let alphabet = file.map(|file| shape.alphabet(file, blank)).transpose()?;
        let mut warnings: Vec<Warning> = alphabet
            .iter()
            .flat_map(|names| [self.names.blank_warning(names, blank), shape.column_names_warning(names)])
            .flatten()
            .collect();
        let Some(names) = alphabet.as_ref().filter(|_| labels.is_text()) else {
            let sequences = labels
                .index_sequences(items, label_lengths, classes, blank)
                .map_err(|error| shape.with_class_axis_hint(shape.with_layout_hint(error, found), labels))?;
            warnings.extend(seeming_label_padding(labels, label_lengths).map(|found| {
                let way = if labels.is_text() { "remove it" } else { "give --label-lengths to leave it out" };
                let message = format!("{found}: if that is padding, {way}");
                Warning { code: "label_padding", message }
            }));
            warnings.extend(
                left_out_labels(labels, label_lengths)
                    .map(|message| Warning { code: "labels_left_out", message }),
            );
            return Ok(CtcTargets { sequences, warnings, blank, split: None, alphabet });
        };
        let file = names.name();
        let split = self.label_split.or_else(|| names.only_split()).ok_or_else(|| {
            if let Some(class) = names.empty_entry() {
                let message = format!("{file}: the name of class {class} is empty, so no label can match it");
                return UsageError::new(message)
                    .hint(names.empty_entry_hint(class, "give --label-split longest"));
            }
            let (class, token) = names.long_entry().unwrap_or_default();
            let message = format!(
                "{file}: class {class}, {}, is not a single character: it is unclear how to split labels",
                shown(token)
            );
            if token.trim_end().chars().count() == 1 {
                return UsageError::new(message)
                    .hint("the entry ends in spaces: remove them, as sed 's/\\(.\\) *$/\\1/' does");
            }
            let hint = "give --label-split chars, tokens or longest".to_owned();
            let is_known = self.names.blank.is_some() || names.has_blank_by_name();
            UsageError::new(message).hint(if is_known {
                hint
            } else {
                format!("{hint}; or --blank {class} if that is the blank")
            })
        })?;
        let unknown = self.unk.as_deref().map(|token| names.unknown(token)).transpose()?;
        let sequences = labels
            .text_sequences(items, names, split, unknown)
            .map_err(|error| shape.with_layout_hint(error, found))?;
        let unknown = unknown.and_then(|unknown| {
            let all = sequences.iter().map(CtcLabels::len).sum();
            let first = || labels.text_sequences(items, names, split, None).err();
            many_unknown(all, labels.unknown(names, split), &names.tokens()[unknown as usize], first)
        });
        let counts = split != LabelSplit::Tokens && names.space().is_some();
        let outer = counts.then(|| labels.outer_blanks()).flatten().map(|(lines, first)| Warning {
            code: "outer_blanks",
            message: format!(
                "{}: leading or trailing spaces in {} count as labels; the first is line {first}",
                labels.name(),
                counted(lines, "line")
            ),
        });
        let spaced_out = (self.label_split.is_none() && labels.is_spaced_out()).then(|| Warning {
            code: "spaced_labels",
            message: format!(
                "{}: every second character is a space: if spaces separate the tokens, give --label-split tokens",
                labels.name()
            ),
        });
        warnings.extend(unknown.into_iter().chain(outer).chain(spaced_out));
        warnings.extend(
            labels
                .text_lines()
                .map_or_else(Vec::new, |lines| more_than_text(Path::new(labels.path()), &lines)),
        );
        Ok(CtcTargets { sequences, warnings, blank, split: Some(split.word()), alphabet })
    }
}

/// Where more than one label in so many is unknown, the text is in another spelling.
const FEW_UNKNOWN: usize = 10;

/// So many of all labels are not in the alphabet that the text is hardly in it; `token` stands for them, and `first` is
/// the error of the first.
fn many_unknown(
    all: usize,
    found: usize,
    token: &str,
    first: impl FnOnce() -> Option<InputError>,
) -> Option<Warning> {
    let error = (FEW_UNKNOWN * found > all).then(first).flatten()?;
    let InputError::Content(finding) = &error else { return None };
    // That there is --unk is known.
    let hint = finding.hint.as_ref().filter(|hint| !hint.contains("--unk"));
    let message = format!(
        "{}: {found} of {} are not in the alphabet and become {} (--unk): the first is {}, {}{}",
        display_name(&finding.file),
        counted(all, "label"),
        shown(token),
        finding.found,
        finding.place,
        hint.map_or(String::new(), |hint| format!(": {hint}"))
    );
    Some(Warning { code: "unknown_labels", message })
}

/// A class that fills the end of rows as padding does.
pub(super) fn seeming_label_padding(labels: &LabelFile, label_lengths: Option<&List<i64>>) -> Option<String> {
    if label_lengths.is_some() {
        return None;
    }
    let (class, padded) = labels.padded_rows()?;
    let (name, rows) = (labels.name(), counted(padded, "row"));
    Some(format!("{name}: label {class} fills the ends of {rows}"))
}

/// Labels behind their rows' lengths that are no padding.
pub(super) fn left_out_labels(labels: &LabelFile, label_lengths: Option<&List<i64>>) -> Option<String> {
    let lengths = label_lengths?;
    let LeftOut { label, row, position, rows } = labels.left_out(lengths)?;
    Some(format!(
        "{}: {} behind the length in {}, besides padding; the first is {label}, item {row}, position {position}",
        labels.name(),
        if rows == 1 { "1 row has labels".to_owned() } else { format!("{rows} rows have labels") },
        lengths.name(),
    ))
}

/// Text has no padding.
pub(super) fn check_label_lengths(
    labels: &LabelFile,
    label_lengths: Option<&List<i64>>,
) -> Result<(), UsageError> {
    match label_lengths {
        Some(_) if labels.is_text() => {
            Err(UsageError::new("--label-lengths is for .npy labels; in text, each line is an item"))
        }
        _ => Ok(()),
    }
}

/// A class without a name can't be written.
pub(super) fn check_no_empty_entry(alphabet: &Alphabet) -> Result<(), UsageError> {
    let Some(class) = alphabet.empty_entry() else { return Ok(()) };
    let file = alphabet.name();
    let error =
        UsageError::new(format!("{file}: the name of class {class} is empty, so it can't be written"));
    let instead = format!("give --blank {class} if that is the blank");
    Err(error.hint(alphabet.empty_entry_hint(class, &instead)))
}

/// Class names, the blank, and what separates words.
#[derive(Args)]
#[command(next_help_heading = "Classes")]
pub(super) struct ClassArgs {
    #[command(flatten)]
    pub(super) names: NamesArgs,

    /// What separates words: a token, the word-piece mark ▁, or '' if each token is a word (default: the space, else '|',
    /// else <space> or [space], else a leading ▁)
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
                _ if token == WORD_PIECE_MARK => WordDelimiter::Prefix(token.to_owned()),
                Some(class) if class == blank as usize => {
                    let error = UsageError::new(format!(
                        "--word-delimiter: {}, class {blank}, is the blank, which never appears in text",
                        shown(token)
                    ));
                    return Err(error.hint(alphabet.blank_hint()).into());
                }
                Some(class) => WordDelimiter::Token(class as u32),
                None => {
                    return Err(UsageError::new(format!(
                        "--word-delimiter: expected a token of the alphabet, {WORD_PIECE_MARK} or '', found '{token}'"
                    ))
                    .into());
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

/// Marks that an alphabet of speech does not have, and one of printed characters has as well as a bar.
const MARKS: [&str; 6] = ["\\", "^", "~", "{", "}", "_"];

/// A bar for the space between words in an alphabet that has one as a character.
fn bar_warning(alphabet: &Alphabet, delimiter: &WordDelimiter) -> Option<Warning> {
    let WordDelimiter::Token(class) = *delimiter else { return None };
    let tokens = alphabet.tokens();
    let marks: Vec<&str> =
        MARKS.into_iter().filter(|mark| tokens.iter().any(|token| token == mark)).collect();
    let message = format!(
        "{}: class {class}, '|', is taken as the space between words, but the alphabet has other such marks, such as {}: \
         give --word-delimiter {WORD_PIECE_MARK} if '|' is just another mark, otherwise --word-delimiter '|'",
        alphabet.name(),
        shown(marks.first()?)
    );
    (tokens[class as usize] == "|" && marks.len() > 1).then_some(Warning { code: "bar", message })
}
