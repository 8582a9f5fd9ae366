//! Cross-entropies by every class axis, ignored index, label shift, weight and smoothing that is possible.

use super::super::super::inputs::bad_shape;
use super::super::super::values::Criterion;
use super::super::{Args, without};
use super::search::{Search, Setup};
use crate::input::{LabelFile, Matrix};
use crate::logits::{Block, BlockReducer, Geometry, Nonfinite};
use crate::loss::cross_entropy::CrossEntropy;
use crate::loss::cross_entropy_batch::CrossEntropyBatch;
use crate::loss::guess::{Convention, LabelShift, Reading, item_mean};
use crate::loss::targets::{DEFAULT_IGNORE_INDEX, Targets};

/// The usual smoothing, tried where none was given.
const USUAL_SMOOTHING: f64 = 0.1;

/// What a system does that predicts tokens from those before.
const NEXT: &str = "each row scored against the next row's label: the file's labels are the inputs";

/// A matrix as rows of classes.
pub(super) struct ClassRows<'a> {
    /// `[rows, classes]`.
    pub(super) rows: &'a [f64],
    pub(super) shape: &'a [usize],
    /// That of the classes.
    pub(super) axis: usize,
}

impl Args {
    pub(super) fn class_axes(
        &self,
        matrix: &Matrix,
        setup: &Setup,
        search: &mut Search,
    ) -> Vec<(usize, Geometry)> {
        let shape = matrix.shape();
        let mut axes: Vec<usize> = self.class_axis(shape).into_iter().collect();
        if shape.len() > 2 {
            axes = vec![1, shape.len() - 1];
        }
        axes.dedup();
        let mut geometry = |axis| {
            // The values are in C order by then, whatever the file's.
            let geometry = Geometry::along(shape, false, axis);
            let geometry = geometry.map_err(|error| search.obstacle(setup, bad_shape(matrix, &error)));
            Some((axis, geometry.ok()?))
        };
        axes.into_iter().filter_map(&mut geometry).collect()
    }

    pub(super) fn guess_cross_entropy(
        &self,
        matrix: &ClassRows<'_>,
        labels: &LabelFile,
        readings: &[Reading],
        setup: &Setup,
        search: &mut Search,
    ) -> anyhow::Result<()> {
        let ClassRows { shape, axis, .. } = *matrix;
        if let Some(Err(error)) = search.given.alphabet.clone().map(|file| file.class_names(shape[axis])) {
            search.obstacle(setup, error);
            return Ok(());
        }
        if labels.fits_probs(shape) {
            let targets = labels.prob_targets(shape, axis)?;
            return self.offer_cross_entropy(matrix, &targets, readings, setup, search);
        }
        let (rest, classes) = (without(shape, axis), shape[axis]);
        let asked = self.settings.ignore_index.unwrap_or(DEFAULT_IGNORE_INDEX);
        let values = labels.integers().unwrap_or_default();
        let mut seen = Vec::new();
        for ignore in [asked, DEFAULT_IGNORE_INDEX, -1, 0] {
            let flag = format!("--ignore-index {ignore}");
            let setup = setup.clone().option(flag, ignore == asked, ignore == DEFAULT_IGNORE_INDEX);
            let ignored = Some(ignore).filter(|ignore| values.contains(ignore));
            // Where the labels do not fit as they are, something was done to them.
            let mut steps = 2;
            for shift in [LabelShift::None, LabelShift::FromOne, LabelShift::LeftOut { class: 0 }] {
                let setup = match shift.describe(ignored) {
                    Some(note) => setup.clone().unsaid(note).step(steps),
                    None => setup.clone(),
                };
                match labels.shifted_class_targets(&rest, classes, ignore, |label| shift.apply(label)) {
                    Ok(targets) if !seen.contains(&targets) => {
                        self.offer_cross_entropy(matrix, &targets, readings, &setup, search)?;
                        if let (LabelShift::None, &[.., places]) = (shift, &rest[..]) {
                            let setup = setup.clone().unsaid(NEXT).step(2);
                            let next = targets.of_next(places);
                            self.offer_cross_entropy(matrix, &next, readings, &setup, search)?;
                        }
                        seen.push(targets);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        search.obstacle(&setup, error);
                        steps = 1;
                    }
                }
            }
        }
        Ok(())
    }

    fn offer_cross_entropy<T: Targets>(
        &self,
        &ClassRows { rows, shape, axis }: &ClassRows<'_>,
        targets: &T,
        readings: &[Reading],
        setup: &Setup,
        search: &mut Search,
    ) -> anyhow::Result<()> {
        let classes = shape[axis];
        let given = search.given.weight.clone();
        let mut weights = vec![(given.clone(), setup.clone())];
        if given.is_some() {
            weights.push((None, setup.clone().note("without --weight").step(1)));
        }
        let asked = self.settings.label_smoothing.unwrap_or(0.0);
        let smoothings = [asked, if asked == 0.0 { USUAL_SMOOTHING } else { 0.0 }];
        // Rows lie in order, so those of an item of the first axis lie together.
        let items = if shape.len() > 2 { shape[0] } else { 0 };
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
                    let loss = match CrossEntropy::new(classes, weight.clone(), smoothing) {
                        Ok(loss) => loss,
                        Err(error) => {
                            // Weights for another axis.
                            search.obstacle(&setup, anyhow::anyhow!("--weight: {error}"));
                            continue;
                        }
                    };
                    let geometry = Geometry::new(&[rows.len() / classes, classes], false, 1, &[0])?;
                    let mut batch = CrossEntropyBatch::new(
                        &loss,
                        kind,
                        Nonfinite::Propagate,
                        geometry.clone(),
                        targets,
                        items > 0,
                    );
                    let part = batch.look(Block::new(&values, &geometry, 0));
                    batch.take(part)?;
                    let totals = batch.finish();
                    let mut numbers = Convention::of(&totals.reductions);
                    if let Some(losses) = totals.losses {
                        let mean = item_mean(&losses, items, |row| loss.mean_weight(targets.target(row)));
                        numbers.push((Convention::FirstAxisMean, totals.reductions.sum / items as f64));
                        numbers.push((Convention::ItemMean, mean));
                    }
                    search.offer(&self.read_as(reading, setup), Criterion::CrossEntropy, &numbers);
                }
            }
        }
        Ok(())
    }
}
