//! `--grad` and `--check-grad`: the gradient of the reduced loss, written and checked.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::super::ExitStatus;
use super::super::ctc_shape::CtcShape;
use super::super::diagnostics::UsageError;
use super::super::subcommand::Named;
use super::Args;
use crate::input::{InputError, Matrix, ReadError};
use crate::logits::{Geometry, Items, Nonfinite};
use crate::loss::cross_entropy::CrossEntropy;
use crate::loss::ctc::CtcLabels;
use crate::loss::gradient::{CrossEntropyGradient, CtcGradient, RowGradient};
use crate::loss::gradient_check::{Agreement, RowSample, agreement, sampled_rows};
use crate::loss::slopes::{CtcSlopes, cross_entropy_slope};
use crate::loss::targets::{Target, Targets};
use crate::loss::{EmissionsBatch, ItemEmissions};
use crate::report::gradient::{GradientCheck, GradientSummary};
use crate::report::gradient_file::{GradientBatch, GradientOut};
use crate::report::{Output, write_npy_header};

#[derive(clap::Args)]
#[command(next_help_heading = "Gradient")]
pub(super) struct GradientArgs {
    /// Write the gradient of the reduced loss with respect to the matrix: a .npy of the same shape and order, float32 for single and half precision, else float64
    #[arg(long, value_name = "FILE.npy", conflicts_with = "guess")]
    pub(super) grad: Option<PathBuf>,

    /// Compare the gradient with central differences at sampled entries and print the worst error
    #[arg(long, conflicts_with = "guess")]
    pub(super) check_grad: bool,
}

impl GradientArgs {
    /// The option that names where the gradient goes, and that file.
    pub(super) fn named(&self) -> Named<'_> {
        ("--grad", self.grad.as_deref().map(Path::as_os_str))
    }

    /// What is no .npy by its name should not be one; and whether the file can be written.
    pub(super) fn check_usage(&self) -> anyhow::Result<()> {
        let Some(path) = &self.grad else { return Ok(()) };
        let other = ["csv", "tsv", "txt", "json", "npz", "pt"];
        let named =
            path.extension().is_some_and(|end| other.iter().any(|other| end.eq_ignore_ascii_case(other)));
        if named {
            let error = UsageError::new(format!("--grad {}: gradients are written as .npy", path.display()));
            return Err(error.hint("give a name that ends in .npy").into());
        }
        Ok(output_to(path).check_target()?)
    }

    pub(super) fn wanted(&self) -> bool {
        self.grad.is_some() || self.check_grad
    }

    /// The rows to be checked among those in use, in order.
    fn sampled(&self, used: impl Iterator<Item = usize>) -> Vec<usize> {
        if self.check_grad { sampled_rows(&used.collect::<Vec<_>>()) } else { Vec::new() }
    }

    fn summary(&self, check: impl FnOnce() -> GradientCheck) -> GradientSummary {
        let file = self.grad.as_ref().map(|path| path.display().to_string());
        GradientSummary { file, check: self.check_grad.then(check) }
    }
}

fn output_to(path: &Path) -> Output {
    Output { path: Some(path.to_owned()), ..Output::default() }
}

/// What a gradient is computed of: the matrix once more, once it is known that there is a loss.
pub(super) struct GradientOf<'a> {
    matrix: Matrix,
    args: &'a GradientArgs,
}

/// Computes the gradient when all else of a result is known.
pub(super) type GradientWork<'a> = Box<dyn FnOnce() -> anyhow::Result<GradientSummary> + 'a>;

impl<'a> GradientOf<'a> {
    /// Of a matrix of which nothing was read, if it is wanted.
    pub(super) fn new(args: &'a GradientArgs, matrix: &mut Matrix) -> Result<Option<Self>, InputError> {
        args.wanted().then(|| Ok(Self { matrix: matrix.again()?, args })).transpose()
    }

    /// Writes the gradient, whole or not at all; returns the rows that are `sampled`.
    fn write(
        self,
        geometry: &Geometry,
        gradient: &impl RowGradient,
        sampled: &[usize],
    ) -> anyhow::Result<Vec<RowSample>> {
        let Some(path) = &self.args.grad else {
            let mut batch = GradientBatch::new(gradient, geometry, GradientOut::None, sampled);
            return match self.matrix.read(geometry, &mut batch) {
                Ok(()) => Ok(batch.finish().0),
                Err(error) => Err(error.or(Into::into)),
            };
        };
        let mut result = Ok(Vec::new());
        let written = output_to(path).deliver_at_places(|out, places| {
            let (shape, fortran_order) = (self.matrix.shape(), self.matrix.fortran_order());
            let encoding = write_npy_header(out, shape, fortran_order, self.matrix.dtype())?;
            let out = match places {
                Some(places) if geometry.has_whole_rows() => {
                    out.flush()?;
                    GradientOut::Places(Box::new(places.behind()?), encoding)
                }
                _ => GradientOut::Stream(out, encoding),
            };
            let mut batch = GradientBatch::new(gradient, geometry, out, sampled);
            match self.matrix.read(geometry, &mut batch) {
                Ok(()) => {
                    let (samples, written) = batch.finish();
                    result = Ok(samples);
                    written
                }
                Err(ReadError::Visit(error)) => Err(error),
                Err(ReadError::Input(error)) => {
                    result = Err(error);
                    Err(io::Error::other("its input can't be read"))
                }
            }
        });
        let samples = result?;
        // Who reads a pipe may stop when they have seen enough; what is checked was computed all the same.
        ExitStatus::of_checks(true, written)?;
        Ok(samples)
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
        mut of: GradientOf<'_>,
        shape: &CtcShape,
        rows: &Items,
        labels: Vec<CtcLabels>,
        losses: &[f64],
    ) -> anyhow::Result<GradientSummary> {
        let kind = self.logits.input;
        let mut factors = self.settings.reduction.ctc_factors(labels.iter().map(CtcLabels::len));
        for (factor, &loss) in factors.iter_mut().zip(losses) {
            // Where it counts as 0 it has no slope either.
            if self.settings.zero_infinity && loss == f64::INFINITY {
                *factor = 0.0;
            }
        }
        let mut batch = EmissionsBatch::new(kind, Nonfinite::Propagate, rows.clone(), labels);
        let emissions = of.matrix.again()?.reduce(&shape.geometry, &mut batch);
        emissions.map_err(|error| error.or(anyhow::Error::from))?;
        let (items, _) = batch.finish();
        let finite = (0..shape.items).filter(|&item| losses[item].is_finite());
        let used = finite.flat_map(|item| (0..rows.lengths()[item]).map(move |at| rows.number_of(item, at)));
        let sampled = of.args.sampled(used);
        // Samples come item by item.
        let mut checked: Vec<usize> = sampled.iter().map(|&row| rows.place(row).0).collect();
        checked.dedup();
        let to_check: BTreeMap<usize, ItemEmissions> =
            checked.into_iter().map(|item| (item, items[item].clone())).collect();
        // Nobody looks at the other items where nothing is written.
        let looked_at = |item: usize| of.args.grad.is_some() || to_check.contains_key(&item);
        let of_items: Vec<f64> =
            (0..shape.items).map(|item| if looked_at(item) { factors[item] } else { 0.0 }).collect();
        let gradient = CtcGradient::new(kind, rows, items, &of_items);
        let args = of.args;
        let samples = of.write(&shape.geometry, &gradient, &sampled)?;
        Ok(args.summary(|| {
            let mut slopes = CtcSlopes::new(kind);
            let agreement = agreement(&samples, |sample, class| {
                let (item, frame) = rows.place(sample.row);
                let slope = slopes.at((item, &to_check[&item]), frame, &sample.values, class);
                slope.map(|slope| slope.times(factors[item]))
            });
            report_of(agreement, |row| shape.place(row).to_string())
        }))
    }

    /// Of a cross-entropy.
    pub(super) fn cross_entropy_gradient<T: Targets>(
        &self,
        of: GradientOf<'_>,
        geometry: &Geometry,
        loss: &CrossEntropy,
        targets: &T,
    ) -> anyhow::Result<GradientSummary> {
        let (kind, count) = (self.logits.input, geometry.rows());
        let weights = (0..count).map(|row| loss.mean_weight(targets.target(row)));
        let factor = self.settings.reduction.cross_entropy_factor(weights);
        let gradient = CrossEntropyGradient::new(kind, loss, targets, factor);
        let used = (0..count).filter(|&row| targets.target(row) != Target::Ignored);
        let args = of.args;
        let samples = of.write(geometry, &gradient, &args.sampled(used))?;
        Ok(args.summary(|| {
            let agreement = agreement(&samples, |sample, class| {
                let target = targets.target(sample.row);
                let slope = cross_entropy_slope(loss, &sample.values, kind, target, class);
                slope.map(|slope| slope.times(factor))
            });
            report_of(agreement, |row| format!("row {row}"))
        }))
    }
}
