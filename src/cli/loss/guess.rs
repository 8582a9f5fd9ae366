//! `--guess`: which convention, input, blank, layout or criterion makes the loss another system's number.

mod cross_entropy;
mod ctc;
mod search;

use cross_entropy::ClassRows;
use ctc::ctc_shapes;
use search::{Given, Search, Setup};

use super::super::ExitStatus;
use super::super::ctc_shape::CtcShape;
use super::super::diagnostics::Diagnostics;
use super::super::inputs::{matrix_params, optional_integers};
use super::super::values::{Criterion, Layout, Word};
use super::{Args, DEFAULT_ATOL, DEFAULT_RTOL};
use crate::input::{AlphabetFile, LabelFile, List, Matrix, float_list};
use crate::logits::{Geometry, InputKind, rows_in_order};
use crate::loss::guess::Reading;
use crate::metrics::Tolerance;
use crate::report::guess::{GuessItem, GuessParams, GuessSummary};
use crate::report::{Report, Warning};

/// Matches that are listed.
const MAX_LISTED: usize = 20;

impl Args {
    pub(super) fn run_guess(
        &self,
        matrix: Matrix,
        labels: &LabelFile,
        alphabet: Option<AlphabetFile>,
        guess: f64,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let tolerance = Tolerance {
            rtol: self.checks.rtol.unwrap_or(DEFAULT_RTOL),
            // Of a number next to 0 all would be within it.
            atol: self.checks.atol.unwrap_or(if guess == 0.0 { DEFAULT_ATOL } else { 0.0 }),
        };
        let has_alphabet = alphabet.is_some();
        // The criterion that is clear needs no flag.
        let clear = self.criterion(&matrix, labels, alphabet.as_ref()).ok();
        let mut search = Search::new(self.given(alphabet)?, guess, tolerance, self.settings.reduction);
        let params = self.guess_params(&matrix, labels, guess, tolerance, &search);
        let wants = |criterion| {
            self.settings.criterion.is_none_or(|asked| asked == criterion)
                && match criterion {
                    Criterion::Ctc => self.cross_entropy_option().is_none(),
                    // Names of classes are rather those of a recogniser.
                    Criterion::CrossEntropy => {
                        self.ctc_option().is_none() && (!has_alphabet || clear == Some(criterion))
                    }
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
        let inferred = inferred_layout(&matrix, labels, &search.given);
        let shapes = ctc_shapes(&matrix, &setup(Criterion::Ctc).step(1), &mut search);
        let axes = self.class_axes(&matrix, &setup(Criterion::CrossEntropy).step(1), &mut search);
        let shape = matrix.shape().to_vec();
        let values = matrix.into_values()?;
        let readings = readings(&values);
        if wants(Criterion::Ctc) {
            for ctc in &shapes {
                let setup = self.in_layout(ctc.layout, inferred, setup(Criterion::Ctc));
                let geometry = Geometry::new(&shape, false, shape.len() - 1, ctc.layout.row_axes());
                let Ok(geometry) = geometry else { continue };
                let rows = rows_in_order(&values, &geometry);
                self.guess_ctc(ctc, &rows, labels, &readings, &setup, &mut search)?;
            }
        }
        if wants(Criterion::CrossEntropy) {
            for (axis, geometry) in &axes {
                let setup = self.along_axis(*axis, &shape, setup(Criterion::CrossEntropy));
                let rows = rows_in_order(&values, geometry);
                let matrix = ClassRows { rows: &rows, shape: &shape, axis: *axis };
                self.guess_cross_entropy(&matrix, labels, &readings, &setup, &mut search)?;
            }
        }
        labels.check()?;
        self.deliver_guess(params, search, diagnostics)
    }

    fn guess_params(
        &self,
        matrix: &Matrix,
        labels: &LabelFile,
        guess: f64,
        tolerance: Tolerance,
        search: &Search,
    ) -> GuessParams {
        GuessParams {
            matrix: matrix_params(matrix),
            labels: labels.path().to_owned(),
            criterion: self.settings.criterion.map(Word::word),
            layout: self.logits.layout.map(Word::word),
            blank: self.alphabet.names.blank.as_ref().map(ToString::to_string),
            ctc_labels: self.alphabet.label_params(
                self.alphabet.label_split.map(Word::word),
                self.logits.lengths.as_ref(),
                self.label_lengths.as_ref(),
            ),
            zero_infinity: self.settings.zero_infinity,
            class_axis: self.settings.class_axis,
            weight: search.given.weight.clone(),
            ignore_index: self.settings.ignore_index,
            label_smoothing: self.settings.label_smoothing,
            reduction: self.settings.reduction.word(),
            input: self.logits.input.word(),
            nonfinite: self.settings.nonfinite.word(),
            guess,
            rtol: tolerance.rtol,
            atol: tolerance.atol,
        }
    }

    /// A layout is a flag but where it needs none, and a step where another is asked for or clear.
    fn in_layout(&self, layout: Layout, inferred: Option<Layout>, setup: Setup) -> Setup {
        match (self.logits.layout, inferred) {
            _ if layout == Layout::Tc => setup,
            (None, Some(clear)) if layout == clear => setup,
            (asked, inferred) => {
                let clear = asked.or(inferred);
                let step = u32::from(clear.is_some_and(|clear| clear != layout));
                setup.flag(format!("--layout {}", layout.word())).step(step)
            }
        }
    }

    /// The classes' axis is an option where there are several others.
    fn along_axis(&self, axis: usize, shape: &[usize], setup: Setup) -> Setup {
        if shape.len() < 3 {
            return setup;
        }
        let flag = if axis == 1 { 1 } else { -1 };
        setup.option(format!("--class-axis {flag}"), self.class_axis(shape) == Some(axis), axis == 1)
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
        let objection = search.objection().map(|error| Warning {
            code: "impossible_as_asked",
            message: format!("with the options as given, the loss can't be computed: {error:#}"),
        });
        search.matches.sort_by_key(|(steps, _)| *steps);
        let matches = search.matches.len();
        let items: Vec<GuessItem> =
            search.matches.into_iter().map(|(_, item)| item).take(MAX_LISTED).collect();
        let summary = GuessSummary {
            guess: params.guess,
            tried: search.tried,
            matches,
            listed: items.len(),
            closest: search.closest.filter(|_| matches == 0),
        };
        let table = summary.table(&params);
        let mut report = Report::new("loss", params, summary);
        report.warnings.extend(objection);
        report.items = items;
        diagnostics.judge(&report)?;
        self.output.output(self.format).write(&report, &[], &table)?;
        Ok(ExitStatus::Success)
    }

    fn given(&self, alphabet: Option<AlphabetFile>) -> anyhow::Result<Given> {
        Ok(Given {
            lengths: optional_integers("--lengths", self.logits.lengths.as_deref())?,
            label_lengths: optional_integers("--label-lengths", self.label_lengths.as_deref())?,
            weight: self.settings.weight.as_deref().map(|list| float_list("--weight", list)).transpose()?,
            alphabet,
        })
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

/// The layout that needs no flag.
fn inferred_layout(matrix: &Matrix, labels: &LabelFile, given: &Given) -> Option<Layout> {
    let count = |list: &Option<List<i64>>| list.as_deref().map(<[i64]>::len);
    let items = count(&given.lengths).or(labels.sequences(count(&given.label_lengths)));
    CtcShape::new(matrix, None, items.map(|items| (labels.name(), items))).ok().map(|shape| shape.layout)
}

fn readings(values: &[f64]) -> Vec<Reading> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Reading::possible(least, most)
}
