//! What steers a beam: options, their files, and what they mean for an alphabet.

mod load;
pub(super) mod warnings;

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::diagnostics::UsageError;
use super::subcommand::Named;
use super::values::Word;
use crate::decode::spelling::{Spelling, WordDelimiter, is_space};
use crate::decode::{Fusion, FusionWeights};
use crate::lm::MAX_MAGNITUDE;
use crate::report::decode::SteeringParams;
use crate::report::{Shortest, Warning};
use crate::shown::shown;

/// What a language model's entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LmUnit {
    /// Words, separated by --word-delimiter
    Word,
    /// Tokens of the alphabet
    Token,
}

impl Word for LmUnit {
    fn word(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Token => "token",
        }
    }
}

/// Above these options in the help.
pub(super) const STEERING_HEADING: &str = "Language model, lexicon and hotwords (with --beam)";

/// Options that have one value however a text is steered.
#[derive(clap::Args)]
#[command(next_help_heading = STEERING_HEADING)]
pub(super) struct SteeringArgs {
    /// An ARPA n-gram model, plain or gzipped
    #[arg(long, value_name = "FILE")]
    pub(super) lm: Option<PathBuf>,

    /// Whether the model's entries are words or tokens
    #[arg(long, value_name = "UNIT", value_enum, default_value_t = LmUnit::Word, requires = "lm")]
    pub(super) lm_unit: LmUnit,

    /// With --lm: score added for each unknown word (or token), natural log [default: -10]
    #[arg(long, value_name = "S", allow_negative_numbers = true, requires = "lm")]
    unk_score: Option<f64>,

    /// The token model's entry for the alphabet's space (default: the alphabet's own name for it if the model has that,
    /// else '|', '<space>', '[space]' or '▁')
    #[arg(long, value_name = "TOKEN", requires = "lm")]
    lm_space: Option<String>,

    /// Do not score the end of the sentence
    #[arg(long, requires = "lm")]
    no_lm_eos: bool,

    /// Words, one per line: restrict output to these
    #[arg(long, value_name = "FILE")]
    lexicon: Option<PathBuf>,

    /// Phrases to boost: one phrase per line, or phrase, tab and weight
    #[arg(long, value_name = "FILE")]
    hotwords: Option<PathBuf>,

    /// Weight of phrases without one of their own, natural log [default: 10]
    #[arg(long, value_name = "W", allow_negative_numbers = true, requires = "hotwords")]
    hotword_weight: Option<f64>,
}

/// The weights that `decode` takes.
#[derive(clap::Args)]
#[command(next_help_heading = STEERING_HEADING)]
pub(super) struct WeightArgs {
    /// With --lm: α, the factor of the model's natural log-probabilities [default: 0.5]
    #[arg(long, value_name = "α", allow_negative_numbers = true, requires = "lm")]
    pub(super) lm_weight: Option<f64>,

    /// With --lm: β, a score added for each word (or token), natural log [default: 1.5, for tokens 0]
    #[arg(long, value_name = "β", allow_negative_numbers = true, requires = "lm")]
    pub(super) word_bonus: Option<f64>,
}

/// α where nobody says.
const LM_WEIGHT: f64 = 0.5;

impl WeightArgs {
    pub(super) fn check_usage(&self) -> Result<(), UsageError> {
        if let Some(weight) = self.lm_weight {
            check_lm_weight(weight)?;
        }
        check_size("--word-bonus", self.word_bonus)
    }
}

pub(super) fn check_lm_weight(weight: f64) -> Result<(), UsageError> {
    if (0.0..=MAX_MAGNITUDE).contains(&weight) {
        return Ok(());
    }
    Err(UsageError::new(format!(
        "--lm-weight: expected a number from 0 to {MAX_MAGNITUDE}, found {}",
        Shortest(weight)
    )))
}

pub(super) fn check_size(option: &str, value: Option<f64>) -> Result<(), UsageError> {
    match value {
        // Not a number is not within, either.
        Some(value) if !(-MAX_MAGNITUDE..=MAX_MAGNITUDE).contains(&value) => Err(UsageError::new(format!(
            "{option}: expected a number from -{MAX_MAGNITUDE} to {MAX_MAGNITUDE}, found {}",
            Shortest(value)
        ))),
        _ => Ok(()),
    }
}

/// What steers, made for an alphabet.
pub(super) struct Steering {
    pub(super) fusion: Fusion,
    /// With the default weight and bonus.
    pub(super) weights: FusionWeights,
    /// Without weight and bonus.
    pub(super) params: SteeringParams,
    /// What looks wrong about the files.
    pub(super) warnings: Vec<Warning>,
}

/// What a file without values claims costs nothing, but here some memory a class.
const MOST_UNNAMED: usize = 1 << 20;

/// Refuses what is no logarithm of a probability.
pub(super) fn check_min_logp(logp: Option<f64>) -> Result<(), UsageError> {
    let Some(logp) = logp.filter(|logp| logp.is_nan() || *logp > 0.0) else { return Ok(()) };
    Err(UsageError::new(format!(
        "--token-min-logp: expected a log-probability (0 or less), found {}",
        Shortest(logp)
    )))
}

impl SteeringArgs {
    /// An option that needs a beam, if one was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let given = [("--lm", &self.lm), ("--lexicon", &self.lexicon), ("--hotwords", &self.hotwords)];
        given.iter().find(|(_, path)| path.is_some()).map(|(option, _)| *option)
    }

    pub(super) fn check_usage(&self) -> Result<(), UsageError> {
        check_size("--unk-score", self.unk_score)?;
        check_size("--hotword-weight", self.hotword_weight)?;
        if self.lm_space.is_some() && self.lm_unit == LmUnit::Word {
            return Err(UsageError::new("--lm-space needs --lm-unit token"));
        }
        Ok(())
    }

    /// The options that name files, and the files.
    pub(super) fn named(&self) -> [Named<'_>; 3] {
        [
            ("--lm", self.lm.as_deref().map(Path::as_os_str)),
            ("--lexicon", self.lexicon.as_deref().map(Path::as_os_str)),
            ("--hotwords", self.hotwords.as_deref().map(Path::as_os_str)),
        ]
    }

    /// The first option whose file has words, and the file.
    fn of_words(&self) -> Option<(&'static str, &Path)> {
        let model = self.lm.as_deref().filter(|_| self.lm_unit == LmUnit::Word).map(|path| ("--lm", path));
        model.or(self.lexicon.as_deref().map(|path| ("--lexicon", path)))
    }

    /// Words need names of classes.
    fn check_words(&self, spelling: &Spelling, classes: usize, blank: u32) -> Result<(), UsageError> {
        let of_words = self.of_words().filter(|_| *spelling.delimiter() == WordDelimiter::None);
        let of_blank = spelling.token(blank);
        if let Some((option, _)) = of_words
            && !spelling.has_names()
        {
            let error =
                UsageError::new(format!("{option}: without an alphabet, texts are class indices, not words"));
            return Err(error.hint(if option == "--lm" {
                "give --alphabet, or --lm-unit token for a model of tokens"
            } else {
                "give --alphabet"
            }));
        }
        if let Some((option, _)) = of_words
            && is_space(&of_blank)
        {
            let error = UsageError::new(format!("{option}: this alphabet has no word delimiter"));
            let hint = format!("{}, class {blank}, is taken as the blank: give --blank", shown(&of_blank));
            return Err(error.hint(hint));
        }
        if self.hotwords.is_some() && !spelling.has_names() {
            return Err(UsageError::new("--hotwords needs --alphabet"));
        }
        if classes > MOST_UNNAMED && !spelling.has_names() {
            let error = format!(
                "--lm: without an alphabet, expected at most {MOST_UNNAMED} classes, found {classes}"
            );
            return Err(UsageError::new(error).hint("give --alphabet"));
        }
        Ok(())
    }
}
