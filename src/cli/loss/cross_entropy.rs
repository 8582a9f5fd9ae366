//! Cross-entropy: targets checked, rows read, losses reduced.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use super::super::ExitStatus;
use super::super::diagnostics::{Diagnostics, UsageError};
use super::super::inputs::{
    bad_shape, column_names_warning, found_shape, improper_row, input_warnings, matrix_warning,
};
use super::super::other_axis::SecondLook;
use super::super::values::Criterion;
use super::gradient::{GradientOf, GradientWork};
use super::{Args, PROPAGATE, without};
use crate::input::{
    AlphabetFile, InputError, LabelFile, Matrix, ONE_SCORE, Place, ProbTargets, counted, display_name,
    float_list,
};
use crate::logits::{Geometry, ImproperRow, Unnormalised};
use crate::loss::cross_entropy::{CrossEntropy, CrossEntropyError};
use crate::loss::cross_entropy_batch::{CrossEntropyBatch, CrossEntropyTotals};
use crate::loss::targets::{DEFAULT_IGNORE_INDEX, Target, Targets};
use crate::report::loss::{CrossEntropyItem, LossParams, LossSummary, Tally};
use crate::report::{ItemId, Shortest, Status, Warning};

/// What is computed, whatever the targets are.
struct Work<'a, 'g> {
    matrix: Matrix,
    labels: &'a LabelFile,
    loss: CrossEntropy,
    geometry: Geometry,
    params: LossParams,
    gradient: Option<GradientOf<'g>>,
    diagnostics: Diagnostics,
}

impl Args {
    pub(super) fn run_cross_entropy(
        &self,
        matrix: Matrix,
        labels: &LabelFile,
        alphabet: Option<AlphabetFile>,
        gradient: Option<GradientOf<'_>>,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<ExitStatus> {
        let shape = matrix.shape().to_vec();
        let class_axis = self.class_axis(&shape).ok_or_else(|| {
            InputError::new(
                matrix.name(),
                Place::whole(),
                "an array with at least one axis",
                "a single number",
            )
        })?;
        let geometry = Geometry::along(&shape, matrix.fortran_order(), class_axis)
            .map_err(|error| bad_shape(&matrix, &error))?;
        let classes = geometry.classes();
        let settings = &self.settings;
        let probs = labels.fits_probs(&shape);
        if probs && let Some(index) = settings.ignore_index {
            return Err(UsageError::new(format!(
                "--ignore-index {index} does not apply to class probabilities, as in {}",
                labels.name()
            ))
            .into());
        }
        let mut warnings = Vec::new();
        if let Some(alphabet) = alphabet {
            let file = alphabet.name().to_owned();
            let names = alphabet.class_names(classes)?;
            warnings.extend(column_names_warning(matrix.column_names(), &file, &names));
        }
        let weight = settings.weight.as_deref().map(|list| float_list("--weight", list)).transpose()?;
        let smoothing = settings.label_smoothing.unwrap_or(0.0);
        let loss = CrossEntropy::new(classes, weight.clone(), smoothing).map_err(|error| {
            let name = settings.weight.as_deref().unwrap_or_default();
            let usage = UsageError::new(format!("--weight {name}: {error}"));
            let is_text = !name.contains(',') && Path::new(name).extension() != Some(OsStr::new("npy"));
            match error {
                CrossEntropyError::WeightCount { weights, classes } if weights == 2 * classes && is_text => {
                    usage.hint("if each line has a class and its weight, keep only the weight: cut -d, -f2, or -d' '")
                }
                _ => usage,
            }
        })?;
        let params = LossParams {
            class_axis: Some(class_axis),
            targets: Some(if probs { "probs" } else { "indices" }),
            weight,
            ignore_index: (!probs).then_some(settings.ignore_index.unwrap_or(DEFAULT_IGNORE_INDEX)),
            label_smoothing: Some(smoothing),
            ctc_labels: self.alphabet.label_params(None, None, None),
            ..self.params(&matrix, Criterion::CrossEntropy, classes, labels)
        };
        let work = Work { matrix, labels, loss, geometry, params, gradient, diagnostics };
        if probs {
            let targets = labels.prob_targets(&shape, class_axis)?;
            warnings.extend(odd_probs(labels.name(), &targets));
            self.cross_entropy_of(work, &targets, warnings)
        } else {
            let ignore_index = settings.ignore_index.unwrap_or(DEFAULT_IGNORE_INDEX);
            let targets = labels.class_targets(&without(&shape, class_axis), classes, ignore_index)?;
            warnings.extend(self.either_axis(&work.matrix));
            self.cross_entropy_of(work, &targets, warnings)
        }
    }

    /// Labels that would fit as well where the classes are the last axis.
    fn either_axis(&self, matrix: &Matrix) -> Option<Warning> {
        let shape = matrix.shape();
        // Of one class each loss is 0.
        let alike = shape.len() > 2 && shape[1] > 1 && without(shape, 1) == without(shape, shape.len() - 1);
        let message = format!(
            "{}: axis 1 of {} is taken as the class axis, as in PyTorch, but the labels fit the last axis as well: give \
             --class-axis 1 or --class-axis -1",
            matrix.name(),
            found_shape(matrix)
        );
        let asked = self.settings.class_axis.is_some();
        (alike && !asked).then_some(Warning { code: "class_axis", message })
    }

    fn cross_entropy_of<T: Targets>(
        &self,
        work: Work<'_, '_>,
        targets: &T,
        mut warnings: Vec<Warning>,
    ) -> anyhow::Result<ExitStatus> {
        let Work { mut matrix, labels, loss, geometry, params, gradient, diagnostics } = work;
        let kind = self.logits.input;
        let list = self.lists_items();
        let name: Arc<str> = matrix.path().into();
        let shown_name = display_name(&name);
        let single = matrix.shape().len() == 1;
        let odd = matrix_warning(&matrix);
        let second_look = SecondLook::new(&mut matrix, &geometry)?;
        let axes = matrix.shape().len();
        let option = |axis| match axis {
            _ if axes == 2 => None,
            1 => Some("give --class-axis 1".to_owned()),
            _ if axis + 1 == axes => Some("give --class-axis -1".to_owned()),
            _ => Some(format!("save numpy.moveaxis(x, {axis}, -1) and give --class-axis -1")),
        };
        let mut batch =
            CrossEntropyBatch::new(&loss, kind, self.settings.nonfinite, geometry.clone(), targets, list);
        let refused =
            |row: ImproperRow| improper_row(&name, &row, Place::whole().at("row", row.row), kind, PROPAGATE);
        matrix.reduce(&geometry, &mut batch).map_err(|error| error.or(refused))?;
        labels.check()?;
        let summary = batch.finish();
        warnings.extend(input_warnings(&name, &summary.audit, odd, |row| format!("row {row}")));
        warnings.extend(second_look.warning(&summary.audit, option)?);
        warnings.extend(odd_losses(shown_name, &summary, &params));
        let item = |(row, &loss_nats): (usize, &f64)| {
            let target = targets.target(row);
            CrossEntropyItem {
                id: ItemId { input: name.clone(), index: (!single).then_some(row) },
                index: row,
                loss_nats,
                status: if target == Target::Ignored { Status::Ignored } else { Status::of(loss_nats) },
                target: match target {
                    Target::Index(class) => Some(class as i64),
                    Target::Ignored => params.ignore_index,
                    Target::Probs(_) => None,
                },
            }
        };
        let items = summary.losses.iter().flatten().enumerate().map(item).collect();
        let tally = Tally {
            items: summary.rows,
            ignored: summary.ignored,
            infeasible: 0,
            infinite: summary.infinite,
            nan: summary.nan,
        };
        let gradient = gradient.map(|gradient| -> GradientWork<'_> {
            Box::new(|| {
                let summary = self.cross_entropy_gradient(gradient, &geometry, &loss, targets)?;
                labels.check()?;
                Ok(summary)
            })
        });
        let summary = LossSummary::new(&params, self.settings.reduction, summary.reductions, tally);
        self.deliver(params, summary, warnings, items, gradient, diagnostics)
    }
}

/// What is odd about the losses of the rows of the file `name`.
fn odd_losses(name: &str, summary: &CrossEntropyTotals, params: &LossParams) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(row) = summary.zero_times_infinity {
        let message = format!(
            "{name}: row {row}: a weight or target of 0 meets a log-probability of -inf: 0 × inf is nan"
        );
        warnings.push(Warning { code: "zero_times_infinity", message });
    }
    if let Some(row) = summary.first_infinite {
        let (rows, verb) =
            (counted(summary.infinite, "row"), if summary.infinite == 1 { "has" } else { "have" });
        // Smoothing asks all classes for a probability.
        let why = if params.label_smoothing == Some(0.0) { "its target has" } else { "a class has" };
        let message =
            format!("{name}: {rows} {verb} an infinite loss, the first is row {row}: {why} probability 0");
        warnings.push(Warning { code: "infinite", message });
    }
    warnings.extend(mean_of_nothing(name, summary));
    if params.classes == 1 {
        let message =
            format!("{name}: there is only one class, so every loss is 0 whatever the score: {ONE_SCORE}");
        warnings.push(Warning { code: "one_class", message });
    }
    warnings
}

/// What is odd about class probabilities of the file `name`.
fn odd_probs(name: &str, targets: &ProbTargets<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(Unnormalised { rows: count, first, sum }) = targets.unnormalised() {
        let rows = counted(count, "row");
        let verb = if count == 1 { "does" } else { "do" };
        let several = if targets.are_yes_or_no() {
            ": multi-label targets need binary cross-entropy, which this is not"
        } else {
            ""
        };
        let message = format!(
            "{name}: {rows} {verb} not sum to 1 (the first, row {first}, sums to {}){several}",
            Shortest(sum)
        );
        warnings.push(Warning { code: "targets_not_normalised", message });
    }
    if let Some((row, class, value)) = targets.first_negative() {
        let message = format!(
            "{name}: row {row}, class {class} is {value}, but probabilities can't be negative: are these logits?"
        );
        warnings.push(Warning { code: "targets_negative", message });
    }
    warnings
}

/// Why the mean is no number where every loss is one.
fn mean_of_nothing(name: &str, totals: &CrossEntropyTotals) -> Option<Warning> {
    let told = totals.reductions.mean.is_nan() && totals.nan == 0 && totals.infinite == 0;
    let why = if totals.rows == 0 {
        "there are no rows".to_owned()
    } else if totals.ignored == totals.rows {
        format!("all {} are ignored", counted(totals.rows, "row"))
    } else {
        "the weights of the targets sum to 0".to_owned()
    };
    told.then(|| Warning {
        code: "mean_of_nothing",
        message: format!("{name}: {why}, so the mean is nan, as in PyTorch"),
    })
}
