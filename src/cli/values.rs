//! The words that options take, and the types that they mean.

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::input::LabelSplit;
use crate::logits::{InputKind, Nonfinite};
use crate::loss::reduction::Reduction;
use crate::report::Format;

/// Gives a type of the library its words on the command line.
macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal, $help:literal;)+ }) => {
        impl ValueEnum for $type {
            fn value_variants<'a>() -> &'a [Self] {
                &[$(Self::$variant),+]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(match self {
                    $(Self::$variant => PossibleValue::new($word).help($help),)+
                })
            }
        }

        impl Word for $type {
            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

/// A choice that has one word, on the command line and in results.
pub(super) trait Word {
    fn word(self) -> &'static str;
}

words!(InputKind {
    Logits = "logits", "any scores, normalised by log-softmax (leaves log-probs unchanged)";
    LogProbs = "log-probs", "natural logarithms of probabilities, used as given";
    Probs = "probs", "probabilities, used as given";
});

words!(Nonfinite {
    Error = "error", "reject NaN, +inf and rows of nothing but -inf";
    Propagate = "propagate", "let them through, as PyTorch does";
});

words!(Reduction {
    None = "none", "list every item's loss";
    Mean = "mean", "PyTorch's mean";
    Sum = "sum", "the plain sum";
});

words!(LabelSplit {
    Chars = "chars", "each character is a token";
    Tokens = "tokens", "tokens are separated by spaces";
    Longest = "longest", "greedy longest match, left to right";
});

words!(Format {
    Table = "table", "human-readable aligned columns, rounded";
    Json = "json", "one JSON object";
    Jsonl = "jsonl", "one JSON object per line: the items, then the summary";
    Csv = "csv", "the items as CSV; the summary goes to standard error";
    Text = "text", "transcripts only, one per line";
    Github = "github", "GitHub workflow annotations for the checks";
    Junit = "junit", "JUnit XML for the checks";
    Ctm = "ctm", "NIST's time-marked words: item, channel, start and duration in seconds, word, confidence";
    Srt = "srt", "SubRip subtitles";
    TextGrid = "textgrid", "Praat TextGrid";
});

/// The formats that every result has.
pub(super) fn result_format() -> impl TypedValueParser<Value = Format> {
    formats(|format| !format.is_special() && !format.is_of_checks())
}

/// The formats of results that can be checked.
pub(super) fn checked_format() -> impl TypedValueParser<Value = Format> {
    formats(|format| !format.is_special())
}

/// The formats of transcripts.
pub(super) fn transcript_format() -> impl TypedValueParser<Value = Format> {
    formats(|_| true)
}

/// The formats of alignments.
pub(super) fn alignment_format() -> impl TypedValueParser<Value = Format> {
    formats(|format| *format != Format::Text && !format.is_of_checks())
}

fn formats(allowed: fn(&Format) -> bool) -> impl TypedValueParser<Value = Format> {
    let allowed = move || Format::value_variants().iter().copied().filter(allowed);
    PossibleValuesParser::new(allowed().filter_map(|format| format.to_possible_value()))
        .map(move |word| allowed().find(|format| format.word() == word).unwrap_or_default())
}

/// Which loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Criterion {
    CrossEntropy,
    Ctc,
}

impl ValueEnum for Criterion {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::CrossEntropy, Self::Ctc]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::CrossEntropy => PossibleValue::new("cross-entropy").alias("ce"),
            Self::Ctc => PossibleValue::new("ctc"),
        })
    }
}

impl Word for Criterion {
    fn word(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::Ctc => "ctc",
        }
    }
}

/// Order of the axes of a CTC input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Tc,
    Tnc,
    Ntc,
}

impl Layout {
    /// The axes of its rows, an item's frames together.
    pub(super) fn row_axes(self) -> &'static [usize] {
        match self {
            Self::Tc => &[0],
            Self::Tnc => &[1, 0],
            Self::Ntc => &[0, 1],
        }
    }
}

words!(Layout {
    Tc = "tc", "time, class: one item";
    Tnc = "tnc", "time, item, class";
    Ntc = "ntc", "item, time, class";
});

/// What of a comparison must be within the tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stat {
    Elementwise,
    Max,
    Mean,
    Median,
}

words!(Stat {
    Elementwise = "elementwise", "every value";
    Max = "max", "the greatest absolute difference, against the base's greatest magnitude";
    Mean = "mean", "the mean absolute difference, against the base's mean magnitude";
    Median = "median", "the median absolute difference, against the base's median magnitude";
});

/// Whether and when to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

words!(Color {
    Auto = "auto", "if standard error is a terminal and NO_COLOR is not set";
    Always = "always", "always";
    Never = "never", "never";
});

/// One ASCII character that is no part of a number, or `tab`.
pub(super) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\"\r\n.+-".contains(byte) && !byte.is_ascii_alphanumeric() => {
            Ok(*byte)
        }
        _ => Err("expected one ASCII character that is not part of a number, or 'tab'".to_owned()),
    }
}

/// A number to compare with: infinite perhaps, but not NaN, to which nothing compares.
pub(super) fn number(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|x: &f64| !x.is_nan()).ok_or_else(|| "expected a number".to_owned())
}

/// PyTorch's axis of classes, or the last.
pub(super) fn class_axis(text: &str) -> Result<i8, String> {
    let axis = text.parse().ok().filter(|axis| [1, -1].contains(axis));
    axis.ok_or_else(|| "expected 1 or -1".to_owned())
}

/// A tolerance.
pub(super) fn zero_or_more(text: &str) -> Result<f64, String> {
    let finite = number(text).ok().filter(|&x| x >= 0.0 && x.is_finite());
    finite.ok_or_else(|| "expected a finite, non-negative number".to_owned())
}

/// Seconds from frame to frame.
pub(super) fn frame_shift(text: &str) -> Result<f64, String> {
    let seconds = number(text).ok().filter(|&x| x > 0.0 && x <= 1000.0);
    seconds.ok_or_else(|| "expected seconds, above 0 and at most 1000".to_owned())
}
