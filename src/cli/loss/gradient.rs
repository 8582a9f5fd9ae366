//! `--grad` and `--check-grad`: the gradient of the reduced loss, written and checked.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::super::ctc_shape::CtcShape;
use super::Args;
use crate::input::{Dtype, InputError, Matrix};
use crate::kernel::Sum;
use crate::logits::{Geometry, InputKind, RowScale, ShapeError, rows_in_order, rows_to_file};
use crate::loss::Emissions;
use crate::loss::cross_entropy::CrossEntropy;
use crate::loss::cross_entropy_batch::{Target, Targets};
use crate::loss::ctc::{CtcLabels, loss_of_emissions};
use crate::loss::gradient::{Agreement, agreement, central_difference, cross_entropy_gradient, ctc_gradient};
use crate::loss::reduction::Reduction;
use crate::report::gradient::{GradientCheck, GradientSummary};
use crate::report::{Output, OutputError, write_npy};

#[derive(clap::Args)]
#[command(next_help_heading = "Gradient")]
pub(super) struct GradientArgs {
    /// Write the gradient of the reduced loss by the matrix's values: .npy of its shape, order and float dtype
    #[arg(long, value_name = "FILE.npy", conflicts_with = "guess")]
    pub(super) grad: Option<PathBuf>,

    /// Compare the gradient with central differences at sampled entries and print the worst error
    #[arg(long, conflicts_with = "guess")]
    pub(super) check_grad: bool,
}

impl GradientArgs {
    /// The option that names where the gradient goes, and that file.
    pub(super) fn named(&self) -> (&'static str, Option<&Path>) {
        ("--grad", self.grad.as_deref())
    }

    pub(super) fn wanted(&self) -> bool {
        self.grad.is_some() || self.check_grad
    }
}

/// A matrix in memory, for what needs each value twice.
pub(super) struct Loaded {
    /// In C order, whatever the file's.
    values: Vec<f64>,
    shape: Vec<usize>,
    dtype: Dtype,
    fortran_order: bool,
}

/// The gradient of a reduced loss.
pub(super) struct Gradient {
    /// In the order of the file.
    values: Vec<f64>,
    shape: Vec<usize>,
    dtype: Dtype,
    fortran_order: bool,
    pub(super) summary: GradientSummary,
}

impl Loaded {
    /// Reads all of a matrix; what comes back reads the same values again.
    pub(super) fn new(matrix: Matrix) -> Result<(Matrix, Self), InputError> {
        let fortran_order = matrix.fortran_order();
        let (matrix, values) = matrix.load()?;
        let (shape, dtype) = (matrix.shape().to_vec(), matrix.dtype());
        Ok((matrix, Self { values, shape, dtype, fortran_order }))
    }

    fn geometry(&self, fortran: bool, class_axis: usize, row_axes: &[usize]) -> Result<Geometry, ShapeError> {
        Geometry::new(&self.shape, fortran, class_axis, row_axes)
    }

    /// The gradient `rows`, `[rows, classes]`, in the form of the file.
    fn gradient(
        &self,
        rows: &[f64],
        file: &Geometry,
        args: &GradientArgs,
        check: Option<GradientCheck>,
    ) -> Gradient {
        Gradient {
            values: rows_to_file(rows, file),
            shape: self.shape.clone(),
            dtype: self.dtype,
            fortran_order: self.fortran_order,
            summary: GradientSummary {
                file: args.grad.as_ref().map(|path| path.display().to_string()),
                check,
            },
        }
    }
}

impl Gradient {
    /// Writes it whole or not at all.
    pub(super) fn write(&self, path: &Path) -> Result<(), OutputError> {
        let output = Output { path: Some(path.to_owned()), ..Output::default() };
        output.deliver(|out| write_npy(out, &self.values, &self.shape, self.fortran_order, self.dtype))
    }
}

fn report_of(agreement: Agreement, place: impl Fn(usize) -> String) -> GradientCheck {
    let Agreement { sampled, greatest, worst } = agreement;
    let place = worst.map(|worst| format!("{}, class {}", place(worst.row), worst.class));
    GradientCheck::new(sampled, greatest, worst, place)
}

impl Args {
    /// Of a CTC loss; `losses` as they were reduced, before `--zero-infinity`.
    pub(super) fn ctc_gradient(
        &self,
        loaded: &Loaded,
        shape: &CtcShape,
        labels: &[CtcLabels],
        lengths: &[usize],
        losses: &[f64],
    ) -> anyhow::Result<Gradient> {
        let kind = self.logits.input;
        let axis = loaded.shape.len() - 1;
        let geometry = |fortran| loaded.geometry(fortran, axis, shape.layout.row_axes());
        let rows = rows_in_order(&loaded.values, &geometry(false)?);
        let (classes, item_len) = (shape.classes, (shape.frames * shape.classes).max(1));
        let factor = |item: usize| match self.settings.reduction {
            // Where it counts as 0 it has no slope either.
            _ if self.settings.zero_infinity && losses[item] == f64::INFINITY => 0.0,
            Reduction::Sum => 1.0,
            _ => 1.0 / (labels[item].len().max(1) * shape.items) as f64,
        };
        let mut gradient = vec![0.0; rows.len()];
        let items = rows.par_chunks(item_len).zip(gradient.par_chunks_mut(item_len)).enumerate();
        items.filter(|(item, _)| factor(*item) != 0.0).try_for_each(|(item, (rows, out))| {
            let used = lengths[item] * classes;
            ctc_gradient(&rows[..used], kind, &labels[item], factor(item), &mut out[..used])
        })?;
        let check = self.gradient.check_grad.then(|| {
            let used: Vec<usize> = (0..shape.items)
                .filter(|&item| losses[item].is_finite())
                .flat_map(|item| (0..lengths[item]).map(move |frame| item * shape.frames + frame))
                .collect();
            let mut item_in_hand = None;
            let agreement = agreement(&gradient, classes, &used, |row, class| {
                let (item, frame) = (row / shape.frames, row % shape.frames);
                let columns = labels[item].columns();
                let width = columns.count();
                let gather =
                    |row: &[f64], out: &mut [f64]| columns.gather(row, RowScale::new(row, kind), out);
                // Samples come item by item.
                if item_in_hand.as_ref().is_none_or(|(in_hand, _)| *in_hand != item) {
                    let mut log_probs = vec![0.0; lengths[item] * width];
                    let rows = rows[item * item_len..].chunks_exact(classes);
                    rows.zip(log_probs.chunks_exact_mut(width)).for_each(|(row, out)| gather(row, out));
                    item_in_hand = Some((item, log_probs));
                }
                let log_probs = &mut item_in_hand.as_mut()?.1;
                let place = frame * width..(frame + 1) * width;
                let before = log_probs[place.clone()].to_vec();
                let mut scores = rows[row * classes..][..classes].to_vec();
                let slope = central_difference(&mut scores, class, kind, |scores| {
                    gather(scores, &mut log_probs[place.clone()]);
                    loss_of_emissions(&Emissions::new(log_probs, &labels[item])).loss_nats
                });
                log_probs[place].copy_from_slice(&before);
                slope.map(|slope| slope * factor(item))
            });
            report_of(agreement, |row| shape.place(row).to_string())
        });
        Ok(loaded.gradient(&gradient, &geometry(loaded.fortran_order)?, &self.gradient, check))
    }

    /// Of a cross-entropy.
    pub(super) fn cross_entropy_gradient<T: Targets>(
        &self,
        loaded: &Loaded,
        class_axis: usize,
        loss: &CrossEntropy,
        targets: &T,
    ) -> anyhow::Result<Gradient> {
        let kind = self.logits.input;
        let row_axes: Vec<usize> = (0..loaded.shape.len()).filter(|&axis| axis != class_axis).collect();
        let geometry = |fortran| loaded.geometry(fortran, class_axis, &row_axes);
        let rows = rows_in_order(&loaded.values, &geometry(false)?);
        let classes = loaded.shape[class_axis];
        let count = rows.len() / classes;
        let factor = match self.settings.reduction {
            Reduction::Sum => 1.0,
            _ => 1.0 / (0..count).map(|row| loss.mean_weight(targets.target(row))).collect::<Sum>().value(),
        };
        let mut gradient = vec![0.0; rows.len()];
        let each = rows.par_chunks_exact(classes).zip(gradient.par_chunks_exact_mut(classes)).enumerate();
        each.for_each(|(row, (scores, out))| {
            cross_entropy_gradient(scores, kind, loss, targets.target(row), factor, out);
        });
        let check = self.gradient.check_grad.then(|| {
            let used: Vec<usize> = (0..count).filter(|&row| targets.target(row) != Target::Ignored).collect();
            let agreement = agreement(&gradient, classes, &used, |row, class| {
                let mut scores = rows[row * classes..][..classes].to_vec();
                let slope = central_difference(&mut scores, class, kind, |scores| {
                    row_loss(scores, kind, loss, targets.target(row))
                });
                slope.map(|slope| slope * factor)
            });
            report_of(agreement, |row| format!("row {row}"))
        });
        Ok(loaded.gradient(&gradient, &geometry(loaded.fortran_order)?, &self.gradient, check))
    }
}

fn row_loss(row: &[f64], kind: InputKind, loss: &CrossEntropy, target: Target<'_>) -> f64 {
    let scale = RowScale::new(row, kind);
    match target {
        Target::Index(class) => loss.of_index(row, scale, class).loss_nats,
        Target::Probs(probs) => loss.of_probs(row, scale, probs).loss_nats,
        Target::Ignored => 0.0,
    }
}
