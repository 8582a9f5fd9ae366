//! `ctctool decode`: greedy or beam-search CTC transcripts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ExitStatus;
use super::alphabet_args::{ClassArgs, ClassNames};
use super::ctc_shape::CtcShape;
use super::diagnostics::{Diagnostics, UsageError};
use super::frame_warnings::{Seen, unused_frames};
use super::inputs::{INSPECT, LogitsArgs, improper_row, matrix_warning, open_lines};
use super::other_axis::SecondLook;
use super::output_args::{OutputArgs, RateLimits, has_details, not_shown};
use super::progress::Progress;
use super::steering::warnings::reference_warnings;
use super::steering::{Steering, SteeringArgs, WeightArgs, check_min_logp};
use super::subcommand::{Named, ResultCommand};
use super::timing::{Clock, check_subtitles, check_times, write_times};
use super::values::{Word, frame_shift, transcript_format};
use crate::decode::batch::{DecodeBatch, DecodedAudited, ItemError};
use crate::decode::item::{ItemConfig, Transcript};
use crate::decode::spelling::Spelling;
use crate::decode::{BeamError, FrameError};
use crate::input::{Matrix, Place, counted, display_name, empty_end};
use crate::logits::{ImproperRow, InputKind};
use crate::metrics::{ErrorRates, LineErrors};
use crate::report::decode::{DecodeItem, DecodeParams, DecodeSummary, HypothesisItem, TimedTable};
use crate::report::intervals::TimedText;
use crate::report::{Check, Details, Format, ItemId, Report, Status, Warning};

/// Greedy or beam-search CTC transcripts of a matrix
///
/// Without --beam, the best path: the argmax of each frame, repeats merged, blanks dropped. With it, prefix beam
/// search, with no pruning other than the beam. Without an alphabet, the text is the class indices.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    logits: LogitsArgs,

    #[command(flatten)]
    classes: ClassArgs,

    #[command(flatten)]
    search: SearchArgs,

    #[command(flatten)]
    steering: SteeringArgs,

    #[command(flatten)]
    weights: WeightArgs,

    /// Reference texts, one line per item: adds errors, CER and WER
    #[arg(long, value_name = "FILE", help_heading = "References")]
    refs: Option<PathBuf>,

    #[command(flatten)]
    limits: RateLimits,

    /// Output format; ctm, srt and textgrid need --timestamps and --frame-shift
    #[arg(long, value_name = "FORMAT", value_parser = transcript_format(), default_value = "table", help_heading = "Output")]
    pub(super) format: Format,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Search")]
struct SearchArgs {
    /// Prefix beam search that keeps K prefixes after each frame [default: greedy]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    beam: Option<u32>,

    /// Number of hypotheses per item, at most K
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    nbest: u32,

    /// With --beam: skip tokens (never the blank) whose natural log-probability in a frame is below X [default: skip none]
    #[arg(long, value_name = "X", allow_negative_numbers = true, requires = "beam")]
    token_min_logp: Option<f64>,

    /// Score each hypothesis exactly, over all its paths, and, without a language model, lexicon or hotwords, try to prove the best
    #[arg(long)]
    exact_scores: bool,

    /// Print the first frame, end frame (one past the last), most probable frame and confidence of each token and word
    #[arg(long)]
    timestamps: bool,

    /// With --timestamps: seconds per frame, to print times as well
    #[arg(long, value_name = "SECONDS", value_parser = frame_shift, requires = "timestamps", allow_negative_numbers = true)]
    frame_shift: Option<f64>,
}

impl ResultCommand for Args {
    const NAME: &'static str = "decode";

    fn delivery(&self) -> (&OutputArgs, Format) {
        (&self.output, self.format)
    }

    fn inputs(&self) -> Vec<Named<'_>> {
        let [logits, lengths] = self.logits.named();
        let refs = ("--refs", self.refs.as_deref().map(Path::as_os_str));
        [&[logits, lengths, self.classes.names.named(), refs], &self.steering.named()[..]].concat()
    }

    fn run(&self, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
        self.check_usage()?;
        let matrix = self.logits.open(&self.output, diagnostics)?;
        self.decode(matrix, diagnostics)
    }
}

impl Args {
    fn check_usage(&self) -> Result<(), UsageError> {
        let search = &self.search;
        if u64::from(search.nbest) > u64::from(search.beam.unwrap_or(1)) {
            let error = UsageError::new(match search.beam {
                None => format!("--nbest {} needs --beam", search.nbest),
                Some(beam) => format!("--nbest {} is more than --beam {beam}", search.nbest),
            });
            return Err(error.hint(format!("give --beam {} or more", search.nbest)));
        }
        check_min_logp(search.token_min_logp)?;
        if self.format.is_of_checks() && !self.limits.any() {
            return Err(UsageError::new(
                "--format github and junit show only checks: give --max-cer or --max-wer",
            ));
        }
        if self.refs.is_none() && self.limits.any() {
            return Err(UsageError::new("--max-cer and --max-wer need --refs"));
        }
        if let (Some(option), None) = (self.steering.given(), search.beam) {
            return Err(
                UsageError::new(format!("{option} needs --beam")).hint("give --beam 100, for instance")
            );
        }
        check_times(self.format, self.search.frame_shift, "--timestamps --frame-shift SECONDS")?;
        self.steering.check_usage()?;
        self.weights.check_usage()
    }

    fn decode(&self, mut matrix: Matrix, diagnostics: Diagnostics) -> anyhow::Result<ExitStatus> {
        let references = self.refs.as_deref().map(|path| open_lines(path, diagnostics)).transpose()?;
        let refs = self.refs.as_ref().map(|path| path.display().to_string());
        let other = refs.as_deref().zip(references.as_ref().map(Vec::len));
        let empty_end = |items| empty_end(references.iter().flatten().map(String::as_str), items);
        let (shape, lengths) = CtcShape::with_frames_in_use(&matrix, &self.logits, other, empty_end)?;
        check_subtitles(self.format, &matrix, &shape)?;
        if let (Some(references), Some(path)) = (&references, &self.refs) {
            shape.check_references(path, references)?;
        }
        let ClassNames { spelling, blank, delimiter, warnings: of_names } =
            self.classes.class_names(&shape)?;
        let steering = self.steering.load(&spelling, shape.classes, blank, diagnostics)?;
        let steering = steering.map(|steering| self.with_weights(steering));
        let params = DecodeParams {
            word_delimiter: delimiter,
            steering: steering.as_ref().map(|steering| steering.params.clone()),
            ..self.params(&matrix, &shape, blank)
        };
        let odd = matrix_warning(&matrix);
        let second_look = SecondLook::new(&mut matrix, &shape.geometry)?;
        let unused = unused_frames(&mut matrix, &shape, &lengths, self.logits.input, blank)?;
        let name = matrix.path().to_owned();
        let decoded =
            decode_items(matrix, &shape, &lengths, self.config(blank), steering.as_ref(), diagnostics)?;
        let log_space = decoded.iter().filter(|item| item.decoded.log_space).count();
        diagnostics.note(format_args!(
            "{log_space} of {} computed in log space: probabilities too small for doubles",
            counted(decoded.len(), "item")
        ));

        let delimiter = spelling.delimiter();
        let seen = Seen { decoded: &decoded, shape: &shape, lengths: &lengths, name: &name, delimiter };
        let mut warnings =
            seen.warnings(self.logits.input, odd, self.logits.lengths.is_some(), blank, second_look)?;
        warnings.extend(of_names);
        warnings.extend(unused);
        warnings.extend(Clock(self.search.frame_shift).warning());
        let given = self.refs.as_deref().zip(references.as_deref());
        warnings.extend(steering.iter().flat_map(|steering| steering.warnings.clone()));
        warnings.extend(self.limits.warnings());
        warnings.extend(not_shown(
            "--timestamps",
            self.search.timestamps && !self.shows_times(),
            self.format,
        ));
        warnings.extend((self.search.nbest > 1 && self.format.is_special()).then(|| Warning {
            code: "not_shown",
            message: format!(
                "--nbest: --format {} has the best texts alone; use table, json, jsonl or csv",
                self.format.word()
            ),
        }));
        let proved = decoded.iter().filter(|item| item.decoded.proved_best == Some(true)).count();
        let input: Arc<str> = name.as_str().into();
        let mut rates = ErrorRates::default();
        let items = decoded.into_iter().enumerate().map(|(index, item)| {
            let item = self.item(item, shape.id(&input, index), index, lengths[index], &spelling);
            match &references {
                Some(references) => against(item, &references[index], &mut rates),
                None => item,
            }
        });
        let items: Vec<DecodeItem> = items.collect();
        if let Some(given) = given {
            let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
            let alphabet = (&spelling, shape.classes, blank);
            warnings.extend(reference_warnings(&name, &texts, given, rates.wer_ratio(), alphabet));
        }
        let summary = DecodeSummary {
            items: items.len(),
            method: params.method,
            beam: params.beam,
            proved_best: (self.search.exact_scores && params.steering.is_none()).then_some(proved),
            rates: references.is_some().then(|| rates.into()),
        };
        self.deliver(params, summary, warnings, items, diagnostics)
    }

    /// The weights as they were given, else as they are.
    fn with_weights(&self, mut steering: Steering) -> Steering {
        let weights = &mut steering.weights;
        weights.lm_weight = self.weights.lm_weight.unwrap_or(weights.lm_weight);
        weights.unit_bonus = self.weights.word_bonus.unwrap_or(weights.unit_bonus);
        let lm = steering.params.lm.is_some();
        steering.params.lm_weight = lm.then_some(weights.lm_weight);
        steering.params.word_bonus = lm.then_some(weights.unit_bonus);
        steering
    }

    fn deliver(
        &self,
        params: DecodeParams,
        summary: DecodeSummary,
        warnings: Vec<Warning>,
        items: Vec<DecodeItem>,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let table = summary.table(&params);
        let mut report = Report::new("decode", params, summary);
        report.warnings = warnings;
        report.items = items;
        if let Some(rates) = &report.summary.rates {
            let checks = Check::error_rates(rates, self.limits.max_cer, self.limits.max_wer);
            let file = &report.params.input_params.matrix.logits;
            report.checks = checks.into_iter().map(|check| check.of(file)).collect();
        }
        diagnostics.judge(&report)?;
        let output = self.output.output(self.format);
        let written = if self.format == Format::Text {
            output.write_lines(report.items.iter().map(|item| item.text.as_str()))
        } else if let (Some(shift), true) = (self.search.frame_shift, self.format.has_times()) {
            let items: Vec<TimedText<'_>> = report.items.iter().map(DecodeItem::timed).collect();
            write_times(&self.output, self.format, &items, shift)
        } else {
            let timed = self.search.timestamps && self.format == Format::Table;
            let details = TimedTable(&report.items);
            let details: &[&dyn Details] = if timed { &[&details] } else { &[] };
            output.write(&report, details, &table)
        };
        ExitStatus::of_checks(report.passed(), written)
    }

    /// Whether the format has a place for where tokens and words lie.
    fn shows_times(&self) -> bool {
        has_details(self.format) || self.format.has_times()
    }

    fn config(&self, blank: u32) -> ItemConfig {
        ItemConfig {
            input: self.logits.input,
            blank,
            beam_width: self.search.beam.map(|width| width as usize),
            nbest: self.search.nbest as usize,
            token_min_logp: self.search.token_min_logp,
            exact_scores: self.search.exact_scores,
            timestamps: self.search.timestamps && self.shows_times(),
        }
    }

    fn params(&self, matrix: &Matrix, shape: &CtcShape, blank: u32) -> DecodeParams {
        let path = |path: &PathBuf| path.display().to_string();
        DecodeParams {
            input_params: shape.params(matrix, &self.logits, blank, self.classes.names.alphabet.as_deref()),
            word_delimiter: None,
            method: if self.search.beam.is_some() { "beam" } else { "greedy" },
            beam: self.search.beam.map(|width| width as usize),
            nbest: self.search.nbest as usize,
            token_min_logp: self.search.token_min_logp,
            exact_scores: self.search.exact_scores,
            timestamps: self.search.timestamps,
            frame_shift: self.search.frame_shift,
            steering: None,
            refs: self.refs.as_ref().map(path),
            max_cer: self.limits.max_cer,
            max_wer: self.limits.max_wer,
        }
    }

    fn item(
        &self,
        item: DecodedAudited,
        id: ItemId,
        index: usize,
        frames: usize,
        spelling: &Spelling,
    ) -> DecodeItem {
        let transcripts = item.decoded.transcripts.into_iter().enumerate();
        let hypotheses: Vec<HypothesisItem> =
            transcripts.map(|(at, transcript)| self.hypothesis(at + 1, transcript, spelling)).collect();
        let best = hypotheses.first();
        DecodeItem {
            id,
            index,
            frames,
            status: best.is_none().then_some(Status::Infeasible),
            text: best.map(|best| best.text.clone()).unwrap_or_default(),
            tokens: best.map(|best| best.tokens.clone()).unwrap_or_default(),
            logp_nats: best.map_or(f64::NEG_INFINITY, |best| best.logp_nats),
            hypotheses,
            proved_best: item.decoded.proved_best,
            reference: None,
            errors: None,
        }
    }

    fn hypothesis(&self, rank: usize, transcript: Transcript, spelling: &Spelling) -> HypothesisItem {
        let Transcript { tokens, logp_nats, score_nats: score, lm_logp_nats, ctc_logp_nats, spans } =
            transcript;
        let clock = Clock(self.search.frame_shift);
        let words = spans.as_ref().and_then(|spans| clock.words(spelling, &tokens, spans));
        let tokens_timed = spans.map(|spans| clock.tokens(spelling, &tokens, &spans));
        HypothesisItem {
            rank,
            text: spelling.text(&tokens),
            tokens,
            logp_nats,
            score,
            lm_logp_nats,
            ctc_logp_nats,
            tokens_timed,
            words,
        }
    }
}

/// Reads the matrix and decodes its items.
fn decode_items(
    matrix: Matrix,
    shape: &CtcShape,
    lengths: &[usize],
    config: ItemConfig,
    steering: Option<&Steering>,
    diagnostics: Diagnostics,
) -> anyhow::Result<Vec<DecodedAudited>> {
    let rows = shape.with_lengths(lengths)?;
    let fusion = steering.map(|steering| (&steering.fusion, steering.weights));
    let progress = Progress::new(shape.items, diagnostics);
    let on_item = || progress.item_done();
    let mut batch = DecodeBatch::new(config, rows.clone(), fusion, &on_item)?;
    let name = matrix.path().to_owned();
    let refused = |error: ItemError| item_error(&name, &error, shape.is_batch(), config.input);
    let read = if matrix.has_short_items(&rows) {
        matrix.reduce_items(&rows, &mut batch)
    } else {
        matrix.read(&shape.geometry, &mut batch)
    };
    read.map_err(|error| error.or(refused))?;
    let decoded = batch.finish().map_err(refused)?;
    progress.finish();
    Ok(decoded)
}

/// An item and how its text differs from a reference.
fn against(item: DecodeItem, reference: &str, rates: &mut ErrorRates) -> DecodeItem {
    let errors = LineErrors::new(reference, &item.text);
    rates.add(&errors);
    DecodeItem { reference: Some(reference.to_owned()), errors: Some(errors.into()), ..item }
}

/// An item that can't be decoded, in the file's terms.
pub(super) fn item_error(name: &str, refused: &ItemError, is_batch: bool, kind: InputKind) -> anyhow::Error {
    let place = if is_batch { Place::whole().at("item", refused.item) } else { Place::whole() };
    let (frame, row) = match refused.error {
        BeamError::Frame(FrameError::Value { frame, class, value }) => {
            (frame, ImproperRow { row: frame, class, value, all_impossible: false })
        }
        BeamError::Frame(FrameError::NoClass { frame }) => {
            (frame, ImproperRow { row: frame, class: 0, value: f64::NEG_INFINITY, all_impossible: true })
        }
        _ => {
            let item = if is_batch { format!("item {}, ", refused.item) } else { String::new() };
            return UsageError::new(format!("{}: {item}{}", display_name(name), refused.error)).into();
        }
    };
    improper_row(name, &row, place.at("frame", frame), kind, INSPECT).into()
}
