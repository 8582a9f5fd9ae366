//! `--guess`: which convention, input, blank, layout or criterion makes the loss another system's number.

mod search;

use search::{Search, Setup};

use super::super::ExitStatus;
use super::super::diagnostics::Diagnostics;
use super::super::inputs::{AlphabetArgs, CtcShape, bad_shape, optional_integers};
use super::super::values::{Criterion, Layout, Word};
use super::cross_entropy::DEFAULT_IGNORE_INDEX;
use super::{Args, DEFAULT_ATOL, DEFAULT_RTOL, without};
use crate::input::{AlphabetFile, BlankChoice, LabelFile, Matrix, float_list, resolve_blank};
use crate::logits::{Block, BlockReducer, Geometry, InputKind, Nonfinite, rows_in_order};
use crate::loss::cross_entropy::CrossEntropy;
use crate::loss::cross_entropy_batch::{CrossEntropyBatch, Targets};
use crate::loss::ctc::CtcLabels;
use crate::loss::ctc_batch::CtcBatch;
use crate::loss::guess::Reading;
use crate::loss::reduction::Reducer;
use crate::metrics::Tolerance;
use crate::report::Report;
use crate::report::guess::{GuessItem, GuessParams, GuessSummary};

/// Values times blanks, up to which every class is tried as the blank.
const MOST_BLANK_VALUES: usize = 1 << 25;
/// Matches that are listed.
const MOST_LISTED: usize = 20;
/// The usual smoothing, tried where none was given.
const USUAL_SMOOTHING: f64 = 0.1;

impl Args {
    pub(super) fn run_guess(
        &self,
        matrix: Matrix,
        labels: &LabelFile,
        guess: f64,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let tolerance = Tolerance {
            rtol: self.checks.rtol.unwrap_or(DEFAULT_RTOL),
            atol: self.checks.atol.unwrap_or(DEFAULT_ATOL),
        };
        let mut search = Search::new(guess, tolerance, self.settings.reduction);
        let params = GuessParams {
            logits: matrix.name().to_owned(),
            labels: labels.name().to_owned(),
            dtype: matrix.dtype().name(),
            shape: matrix.shape().to_vec(),
            guess,
            rtol: tolerance.rtol,
            atol: tolerance.atol,
        };
        // The criterion that is clear needs no flag.
        let clear = self.criterion(&matrix, labels).ok();
        let wants = |criterion| {
            self.settings.criterion.is_none_or(|asked| asked == criterion)
                && match criterion {
                    Criterion::Ctc => self.cross_entropy_option().is_none(),
                    Criterion::CrossEntropy => self.ctc_option().is_none(),
                }
        };
        let setup = |criterion: Criterion| {
            let setup = Setup::default();
            if clear == Some(criterion) {
                return setup;
            }
            // What is not clear was not asked for either, so it is no step.
            setup.flag(format!("--criterion {}", criterion.word())).step(u32::from(clear.is_some()))
        };
        let inferred = self.inferred_layout(&matrix, labels)?;
        let shapes = ctc_shapes(&matrix, &setup(Criterion::Ctc).step(1), &mut search);
        let axes = self.class_axes(&matrix, &setup(Criterion::CrossEntropy).step(1), &mut search);
        let shape = matrix.shape().to_vec();
        let values = matrix.into_values()?;
        let readings = readings(&values);
        if wants(Criterion::Ctc) {
            for ctc in &shapes {
                let setup = match (self.logits.layout, inferred) {
                    _ if ctc.layout == Layout::Tc => setup(Criterion::Ctc),
                    (None, Some(layout)) if ctc.layout == layout => setup(Criterion::Ctc),
                    (asked, inferred) => {
                        let clear = asked.or(inferred);
                        let step = u32::from(clear.is_some_and(|clear| clear != ctc.layout));
                        setup(Criterion::Ctc).flag(format!("--layout {}", ctc.layout.word())).step(step)
                    }
                };
                self.guess_ctc(ctc, &shape, &values, labels, &readings, &setup, &mut search)?;
            }
        }
        if wants(Criterion::CrossEntropy) {
            for (axis, geometry) in &axes {
                let asked = self.class_axis(&shape) == Some(*axis);
                let setup = setup(Criterion::CrossEntropy);
                let setup = if shape.len() < 3 {
                    setup
                } else {
                    let flag = if *axis == 1 { 1 } else { -1 };
                    setup.option(format!("--class-axis {flag}"), asked, *axis == 1)
                };
                let rows = rows_in_order(&values, geometry);
                self.guess_cross_entropy(&rows, &shape, *axis, labels, &readings, &setup, &mut search)?;
            }
        }
        self.deliver_guess(params, search, diagnostics)
    }

    fn deliver_guess(
        &self,
        params: GuessParams,
        mut search: Search,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        if search.tried == 0
            && let Some((_, error)) = search.obstacle
        {
            return Err(error);
        }
        search.matches.sort_by_key(|(steps, _)| *steps);
        let matches = search.matches.len();
        let items: Vec<GuessItem> =
            search.matches.into_iter().map(|(_, item)| item).take(MOST_LISTED).collect();
        let summary = GuessSummary {
            guess: params.guess,
            tried: search.tried,
            matches,
            listed: items.len(),
            closest: search.closest.filter(|_| matches == 0),
        };
        let table = summary.table(&params);
        let mut report = Report::new("loss", params, summary);
        report.items = items;
        diagnostics.judge(&report)?;
        self.output.output(self.format).write(&report, &[], &table)?;
        Ok(ExitStatus::Success)
    }

    /// The layout that needs no flag.
    fn inferred_layout(&self, matrix: &Matrix, labels: &LabelFile) -> anyhow::Result<Option<Layout>> {
        let lengths = optional_integers(self.logits.lengths.as_ref())?;
        let label_lengths = optional_integers(self.label_lengths.as_ref())?;
        let items = lengths.map(|lengths| lengths.len()).or(labels.sequences(label_lengths.map(|l| l.len())));
        Ok(CtcShape::new(matrix, None, items).ok().map(|shape| shape.layout))
    }

    fn class_axes(&self, matrix: &Matrix, setup: &Setup, search: &mut Search) -> Vec<(usize, Geometry)> {
        let shape = matrix.shape();
        let mut axes: Vec<usize> = self.class_axis(shape).into_iter().collect();
        if shape.len() > 2 {
            axes = vec![1, shape.len() - 1];
        }
        axes.dedup();
        let mut geometry = |axis| {
            let rows: Vec<usize> = (0..shape.len()).filter(|&other| other != axis).collect();
            // The values are in C order by then, whatever the file's.
            let geometry = Geometry::new(shape, false, axis, &rows);
            let geometry = geometry.map_err(|error| search.obstacle(setup, bad_shape(matrix, &error)));
            Some((axis, geometry.ok()?))
        };
        axes.into_iter().filter_map(&mut geometry).collect()
    }

    #[allow(clippy::too_many_arguments)] // what one layout of the file is tried with
    fn guess_ctc(
        &self,
        ctc: &CtcShape,
        shape: &[usize],
        values: &[f64],
        labels: &LabelFile,
        readings: &[Reading],
        setup: &Setup,
        search: &mut Search,
    ) -> anyhow::Result<()> {
        let classes = ctc.classes;
        let Ok(in_memory) = Geometry::new(shape, false, shape.len() - 1, ctc.layout.row_axes()) else {
            return Ok(());
        };
        let rows = rows_in_order(values, &in_memory);
        let lengths = optional_integers(self.logits.lengths.as_ref())?;
        let label_lengths = optional_integers(self.label_lengths.as_ref())?;
        let mut all_lengths = Vec::new();
        match ctc.lengths(self.logits.lengths.as_deref(), lengths.as_deref()) {
            Ok(lengths) => all_lengths.push((lengths, setup.clone())),
            Err(error) => search.obstacle(setup, error),
        }
        if lengths.is_some() {
            let setup = setup.clone().note("without --lengths").step(1);
            all_lengths.push((vec![ctc.frames; ctc.items], setup));
        }
        let file = self.alphabet.alphabet.as_deref().map(AlphabetFile::open).transpose()?;
        let asked = resolve_blank(&self.alphabet.blank(), classes, file.as_ref())?;
        for (blank, rare) in blanks(&rows, classes, asked) {
            let targets =
                match self.alphabet.with_blank(blank).sequences(labels, ctc, label_lengths.as_deref()) {
                    Ok(targets) => targets.sequences,
                    Err(error) => {
                        search.obstacle(setup, error);
                        continue;
                    }
                };
            for &reading in readings.iter().filter(|reading| !rare || reading.describe().is_none()) {
                for (lengths, setup) in &all_lengths {
                    let word =
                        if blank as usize + 1 == classes { "last".to_owned() } else { blank.to_string() };
                    let setup = setup.clone().option(format!("--blank {word}"), blank == asked, blank == 0);
                    let setup = self.read_as(reading, setup.step(u32::from(rare)));
                    let losses = ctc_losses(&rows, classes, reading, ctc.frames, &targets, lengths);
                    self.offer_ctc(&losses, &targets, lengths, &setup, search);
                }
            }
        }
        Ok(())
    }

    fn offer_ctc(
        &self,
        losses: &[f64],
        targets: &[CtcLabels],
        lengths: &[usize],
        setup: &Setup,
        search: &mut Search,
    ) {
        let infinite = losses.contains(&f64::INFINITY);
        for zero in [false, true].into_iter().filter(|&zero| infinite || !zero) {
            let mut reducer = Reducer::default();
            for (&loss, labels) in losses.iter().zip(targets) {
                let loss = if zero && loss == f64::INFINITY { 0.0 } else { loss };
                reducer.add_ctc(loss, labels.len());
            }
            let setup = if zero {
                let flag = "--zero-infinity".to_owned();
                setup.clone().option(flag, self.settings.zero_infinity, false)
            } else {
                setup.clone()
            };
            search.offer(&setup, Criterion::Ctc, &reducer.finish(), Some(lengths.iter().sum()));
        }
    }

    #[allow(clippy::too_many_arguments)] // what one class axis of the file is tried with
    fn guess_cross_entropy(
        &self,
        rows: &[f64],
        shape: &[usize],
        axis: usize,
        labels: &LabelFile,
        readings: &[Reading],
        setup: &Setup,
        search: &mut Search,
    ) -> anyhow::Result<()> {
        let classes = shape[axis];
        if labels.fits_probs(shape) {
            let targets = labels.prob_targets(shape, axis)?;
            return self.offer_cross_entropy(rows, classes, &targets, readings, setup, search);
        }
        let asked = self.settings.ignore_index.unwrap_or(DEFAULT_IGNORE_INDEX);
        let mut seen = Vec::new();
        for ignore in [asked, DEFAULT_IGNORE_INDEX, -1, 0] {
            match labels.class_targets(&without(shape, axis), classes, ignore) {
                Ok(targets) if !seen.contains(&targets) => {
                    let flag = format!("--ignore-index {ignore}");
                    let is_default = ignore == DEFAULT_IGNORE_INDEX;
                    let setup = setup.clone().option(flag, ignore == asked, is_default);
                    self.offer_cross_entropy(rows, classes, &targets, readings, &setup, search)?;
                    seen.push(targets);
                }
                Ok(_) => {}
                Err(error) => search.obstacle(setup, error),
            }
        }
        Ok(())
    }

    fn offer_cross_entropy<T: Targets>(
        &self,
        rows: &[f64],
        classes: usize,
        targets: &T,
        readings: &[Reading],
        setup: &Setup,
        search: &mut Search,
    ) -> anyhow::Result<()> {
        let given = self.settings.weight.as_deref().map(float_list).transpose()?;
        let mut weights = vec![(given.clone(), setup.clone())];
        if given.is_some() {
            weights.push((None, setup.clone().note("without --weight").step(1)));
        }
        let asked = self.settings.label_smoothing.unwrap_or(0.0);
        let smoothings = [asked, if asked == 0.0 { USUAL_SMOOTHING } else { 0.0 }];
        for &reading in readings {
            let mut values = rows.to_vec();
            let kind = reading.apply(&mut values, classes);
            for (weight, setup) in &weights {
                for smoothing in smoothings {
                    let setup = setup.clone().option(
                        format!("--label-smoothing {smoothing}"),
                        smoothing == asked,
                        smoothing == 0.0,
                    );
                    let loss = CrossEntropy::new(classes, weight.clone(), smoothing)?;
                    let geometry = Geometry::new(&[rows.len() / classes, classes], false, 1, &[0])?;
                    let mut batch = CrossEntropyBatch::new(
                        &loss,
                        kind,
                        Nonfinite::Propagate,
                        geometry.clone(),
                        targets,
                        false,
                    );
                    let part = batch.look(Block::new(&values, &geometry, 0));
                    batch.take(part)?;
                    let reductions = batch.finish().reductions;
                    search.offer(&self.read_as(reading, setup), Criterion::CrossEntropy, &reductions, None);
                }
            }
        }
        Ok(())
    }

    fn read_as(&self, reading: Reading, setup: Setup) -> Setup {
        match (reading, reading.describe()) {
            (Reading::Kind(kind), _) => setup.option(
                format!("--input {}", kind.word()),
                kind == self.logits.input,
                kind == InputKind::Logits,
            ),
            (_, note) => setup.unsaid(note.unwrap_or_default()).step(2),
        }
    }
}

impl AlphabetArgs {
    /// The same classes with another blank.
    fn with_blank(&self, blank: u32) -> Self {
        Self { blank: Some(BlankChoice::Index(i64::from(blank))), ..self.clone() }
    }
}

fn readings(values: &[f64]) -> Vec<Reading> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Reading::possible(least, most)
}

/// The blanks that are tried, the usual ones first, and whether it is one of the others: the one asked for, the
/// first, the last, the class that wins the most frames; every class where that costs little.
fn blanks(rows: &[f64], classes: usize, asked: u32) -> Vec<(u32, bool)> {
    let mut wins = vec![0_usize; classes];
    for row in rows.chunks_exact(classes) {
        let best =
            row.iter().enumerate().fold(0, |best, (class, x)| if *x > row[best] { class } else { best });
        wins[best] += 1;
    }
    let winner = (0..classes).rev().max_by_key(|&class| wins[class]).unwrap_or(0) as u32;
    let mut blanks: Vec<(u32, bool)> = Vec::new();
    for blank in [asked, 0, classes as u32 - 1, winner] {
        if !blanks.contains(&(blank, false)) {
            blanks.push((blank, false));
        }
    }
    if rows.len().saturating_mul(classes) <= MOST_BLANK_VALUES {
        let usual = blanks.clone();
        let rest = (0..classes as u32).filter(|&class| !usual.contains(&(class, false)));
        blanks.extend(rest.map(|class| (class, true)));
    }
    blanks
}

fn ctc_losses(
    rows: &[f64],
    classes: usize,
    reading: Reading,
    frames: usize,
    targets: &[CtcLabels],
    lengths: &[usize],
) -> Vec<f64> {
    let mut values = rows.to_vec();
    let kind = reading.apply(&mut values, classes);
    let Ok(geometry) = Geometry::new(&[rows.len() / classes, classes], false, 1, &[0]) else {
        return Vec::new();
    };
    let mut batch =
        CtcBatch::new(kind, Nonfinite::Propagate, geometry.clone(), frames, targets.to_vec(), lengths);
    // With `propagate` no row is refused.
    let part = batch.look(Block::new(&values, &geometry, 0));
    let _ = batch.take(part);
    batch.finish().0.iter().map(|loss| loss.loss_nats).collect()
}

/// The input in each layout that it may have.
fn ctc_shapes(matrix: &Matrix, setup: &Setup, search: &mut Search) -> Vec<CtcShape> {
    let layouts: &[Layout] =
        if matrix.shape().len() == 3 { &[Layout::Tnc, Layout::Ntc] } else { &[Layout::Tc] };
    let shapes = layouts.iter().map(|&layout| CtcShape::new(matrix, Some(layout), None));
    shapes.filter_map(|shape| shape.map_err(|error| search.obstacle(setup, error)).ok()).collect()
}
