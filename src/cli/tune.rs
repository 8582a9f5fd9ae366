//! `ctctool tune`: the weights that give the lowest error rate.

mod grid;

use std::path::PathBuf;

use clap::ValueEnum;

use grid::{Setting, Trial, unique};

use super::ExitStatus;
use super::alphabet_args::{ClassArgs, ClassNames};
use super::ctc_shape::CtcShape;
use super::decode::item_error;
use super::diagnostics::{Diagnostics, UsageError};
use super::frame_warnings::{Seen, unused_frames};
use super::inputs::{LogitsArgs, matrix_warning, open_lines};
use super::other_axis::SecondLook;
use super::output_args::OutputArgs;
use super::steering::warnings::reference_warnings;
use super::steering::{LmUnit, STEERING_HEADING, SteeringArgs, check_lm_weight, check_min_logp, check_size};
use super::subcommand::{Named, ResultCommand};
use super::values::{Word, result_format};
use crate::decode::batch::{ItemError, decode_collected};
use crate::decode::collect::CollectItems;
use crate::decode::item::{ItemConfig, ItemDecoder};
use crate::input::{InputError, Matrix, empty_end};
use crate::report::error_counts::RateSummary;
use crate::report::tune::{TuneParams, TunePoint, TuneSummary, best_point};
use crate::report::{Format, Report, Shortest, Warning};

/// What to minimise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Objective {
    /// Word error rate; ties broken by character error rate
    Wer,
    /// Character error rate; ties broken by word error rate
    Cer,
}

impl Word for Objective {
    fn word(self) -> &'static str {
        match self {
            Self::Wer => "wer",
            Self::Cer => "cer",
        }
    }
}

/// Find the language-model weight, bonus and beam width with the lowest error rate
///
/// Reads the logits once, decodes them with every combination of the given weights, bonuses and widths, and prints the
/// error rates of each and the best options for `ctctool decode`. Ties go to the narrowest beam, then to the setting in
/// the middle of those that tie; the number of ties is printed.
#[derive(clap::Args)]
#[command(mut_args(of_tune))]
pub(super) struct Args {
    #[command(flatten)]
    logits: LogitsArgs,

    #[command(flatten)]
    classes: ClassArgs,

    /// Reference texts, one line per item
    #[arg(long, value_name = "FILE", required = true)]
    refs: PathBuf,

    #[command(flatten)]
    steering: SteeringArgs,

    /// Weights α to try [default: 0,0.25,0.5,0.75,1,1.5,2]
    #[arg(long = "lm-weight", value_name = "α,α,…", value_delimiter = ',', allow_negative_numbers = true, default_values_t = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0], hide_default_value = true, help_heading = "Settings to try")]
    lm_weights: Vec<f64>,

    /// Bonuses β per word (or token) to try [default: -1,0,1,2,3, for tokens 0,0.5,1,1.5]
    #[arg(
        long = "word-bonus",
        value_name = "β,β,…",
        value_delimiter = ',',
        // A list that begins with one is no number.
        allow_hyphen_values = true,
        help_heading = "Settings to try"
    )]
    word_bonuses: Vec<f64>,

    /// Beam widths to try [default: 10,100]
    #[arg(long = "beam", value_name = "K,K,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1_000_000), default_values_t = [10, 100], hide_default_value = true, help_heading = "Settings to try")]
    beams: Vec<u32>,

    /// Skip tokens (never the blank) whose natural log-probability in a frame is below X, as decode does with the same option
    /// [default: skip none]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Settings to try")]
    token_min_logp: Option<f64>,

    /// What to minimise
    #[arg(long, value_name = "RATE", value_enum, default_value_t = Objective::Wer, help_heading = "Settings to try")]
    objective: Objective,

    /// Output format
    #[arg(long, value_name = "FORMAT", value_parser = result_format(), default_value = "table", help_heading = "Output")]
    pub(super) format: Format,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// The most settings that are tried: each is a decoding of all items.
const MAX_SETTINGS: usize = 100_000;

/// Options that `decode` has, too: here they need no --beam, and there is nothing to tune without a model.
fn of_tune(arg: clap::Arg) -> clap::Arg {
    let arg = if arg.get_id() == "lm" { arg.required(true) } else { arg };
    match arg.get_help_heading() {
        Some(STEERING_HEADING) => arg.help_heading("Language model, lexicon and hotwords"),
        _ => arg,
    }
}

impl ResultCommand for Args {
    const NAME: &'static str = "tune";

    fn delivery(&self) -> (&OutputArgs, Format) {
        (&self.output, self.format)
    }

    fn inputs(&self) -> Vec<Named<'_>> {
        let [logits, lengths] = self.logits.named();
        let refs = ("--refs", Some(self.refs.as_os_str()));
        [&[logits, lengths, self.classes.names.named(), refs], &self.steering.named()[..]].concat()
    }

    fn run(&self, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
        self.check_usage()?;
        let matrix = self.logits.open(&self.output, diagnostics)?;
        self.tune(matrix, diagnostics)
    }
}

impl Args {
    fn check_usage(&self) -> Result<(), UsageError> {
        self.steering.check_usage()?;
        check_min_logp(self.token_min_logp)?;
        self.lm_weights.iter().try_for_each(|&weight| check_lm_weight(weight))?;
        self.word_bonuses.iter().try_for_each(|&bonus| check_size("--word-bonus", Some(bonus)))?;
        let [weights, bonuses, beams] = [self.lm_weights.len(), self.bonuses().len(), self.beams.len()];
        if weights.saturating_mul(bonuses).saturating_mul(beams) > MAX_SETTINGS {
            return Err(UsageError::new(format!(
                "expected at most {MAX_SETTINGS} settings to try, found {weights} weights × {bonuses} bonuses × {beams} beams"
            )));
        }
        Ok(())
    }

    fn bonuses(&self) -> Vec<f64> {
        match self.steering.lm_unit {
            _ if !self.word_bonuses.is_empty() => self.word_bonuses.clone(),
            LmUnit::Word => vec![-1.0, 0.0, 1.0, 2.0, 3.0],
            LmUnit::Token => vec![0.0, 0.5, 1.0, 1.5],
        }
    }

    fn tune(&self, mut matrix: Matrix, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
        let references = open_lines(&self.refs, diagnostics)?;
        let refs = self.refs.display().to_string();
        let other = Some((refs.as_str(), references.len()));
        let empty_end = |items| empty_end(references.iter().map(String::as_str), items);
        let (shape, lengths) = CtcShape::with_frames_in_use(&matrix, &self.logits, other, empty_end)?;
        shape.check_references(&self.refs, &references)?;
        let ClassNames { spelling, blank, delimiter, warnings: of_names } =
            self.classes.class_names(&shape)?;
        let steering = self.steering.load(&spelling, shape.classes, blank, diagnostics)?;
        let Some(steering) = steering else { return Err(UsageError::new("tune needs --lm").into()) };
        let params = TuneParams {
            input_params: shape.params(&matrix, &self.logits, blank, self.classes.names.alphabet.as_deref()),
            word_delimiter: delimiter,
            refs,
            steering: steering.params.clone(),
            lm_weights: self.lm_weights.clone(),
            word_bonuses: self.bonuses(),
            beams: self.beams.clone(),
            token_min_logp: self.token_min_logp,
            objective: self.objective.word(),
        };
        let odd = matrix_warning(&matrix);
        let second_look = SecondLook::new(&mut matrix, &shape.geometry)?;
        let unused = unused_frames(&mut matrix, &shape, &lengths, self.logits.input, blank)?;
        let name = matrix.path().to_owned();
        let mut frames = CollectItems::new(shape.with_lengths(&lengths)?);
        matrix.read(&shape.geometry, &mut frames).map_err(InputError::from)?;
        let token_min_logp = self.token_min_logp;
        let config = ItemConfig { input: self.logits.input, blank, token_min_logp, ..ItemConfig::default() };
        let refused = |error: ItemError| item_error(&name, &error, shape.is_batch(), config.input);
        let trial = Trial {
            config,
            classes: shape.classes,
            items: &frames.items,
            references: &references,
            spelling: &spelling,
            fusion: &steering.fusion,
            weights: steering.weights,
            refused: &refused,
        };
        let mut decoder = ItemDecoder::new(config, shape.classes, None)?;
        let greedy = decode_collected(&mut decoder, &frames.items).map_err(refused)?;
        let delimiter = spelling.delimiter();
        let seen = Seen { decoded: &greedy, shape: &shape, lengths: &lengths, name: &name, delimiter };
        let mut warnings =
            seen.warnings(config.input, odd, self.logits.lengths.is_some(), blank, second_look)?;
        warnings.extend(of_names);
        warnings.extend(unused);
        let texts: Vec<String> = trial.texts(&greedy).collect();
        let greedy = trial.rates(&greedy);
        let (given, alphabet) = ((&*self.refs, &*references), (&spelling, shape.classes, blank));
        warnings.extend(reference_warnings(&name, &texts, given, greedy.wer_ratio, alphabet));
        warnings.extend(steering.warnings);
        // Before the long work, which would be in vain.
        diagnostics.warn(&warnings)?;
        let mut points = self.try_all(&trial, diagnostics)?;
        let Some((best, tied)) = best_point(&points, |point| self.errors(&point.rates)) else {
            return Err(UsageError::new("there are no settings to try").into());
        };
        points[best].is_best = true;
        let best = points[best].clone();
        let decoded = trial.decode(Setting::from(&best))?;
        let late: Vec<Warning> = seen
            .unfinished(|item| decoded[item].decoded.unfinished)
            .into_iter()
            .chain(seen.no_path(|item| decoded[item].decoded.transcripts.is_empty()))
            .chain(self.poor_settings(&best, &greedy))
            .collect();
        diagnostics.warn(&late)?;
        warnings.extend(late);
        let (settings, lines, flags) = (points.len(), references.len(), best.flags());
        let summary = TuneSummary { settings, lines, tied, best, flags, greedy };
        let table = summary.table(&params);
        let mut report = Report::new("tune", params, summary);
        report.warnings = warnings;
        report.items = points;
        self.output.output(self.format).write(&report, &[], &table)?;
        Ok(ExitStatus::Success)
    }

    /// The errors that are to become least, and the others.
    fn errors(&self, rates: &RateSummary) -> (usize, usize) {
        let [characters, words] = [rates.characters, rates.words].map(|counts| counts.errors());
        match self.objective {
            Objective::Wer => (words, characters),
            Objective::Cer => (characters, words),
        }
    }

    /// What the best setting says of all that were tried.
    fn poor_settings(&self, best: &TunePoint, greedy: &RateSummary) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let [(of_best, _), (of_greedy, _)] = [&best.rates, greedy].map(|rates| self.errors(rates));
        if of_best > of_greedy {
            let message = format!(
                "every setting is worse than greedy decoding without a model in {}, {of_best} errors at best, {of_greedy} without: \
                 does the model match these texts in language and spelling?",
                self.objective.word().to_uppercase()
            );
            warnings.push(Warning { code: "greedy_is_better", message });
        }
        let bonuses = self.bonuses();
        // A weight of 0 is an end by itself.
        let ends = [
            ("--lm-weight", best.lm_weight, &self.lm_weights, false),
            ("--word-bonus", best.word_bonus, &bonuses, true),
        ];
        for (option, value, tried, least_too) in ends {
            let by = |choose: fn(f64, f64) -> f64| tried.iter().copied().reduce(choose).unwrap_or(value);
            let (least, most) = (by(f64::min), by(f64::max));
            let (end, more) = if value == most { ("largest", "larger") } else { ("smallest", "smaller") };
            let several = unique(tried).len() > 2;
            if several && (value == most || least_too && value == least) {
                let message =
                    format!("the best {option}, {}, is the {end} tried: try {more} ones", Shortest(value));
                warnings.push(Warning { code: "edge_of_settings", message });
            }
        }
        warnings
    }
}
