//! Two matrices, value by value or by a statistic.

use serde_json::Value;

use super::super::values::{Stat, Word};
use super::{Args, MAX_LISTED, Outcome, less_precise};
use crate::input::{
    FloatValues, InputError, Matrix, Place, display_name, reshape_hint, shape_text, wide_axes,
};
use crate::logits::unravel;
use crate::metrics::{Difference, Differences, Matrices, Statistic};
use crate::report::compare::{CompareItem, CompareParams, CompareSummary};
use crate::report::relation::{region_text, relation_text};
use crate::report::{Shortest, Status, Warning, listed};

pub(super) fn compare(args: &Args, base: Matrix, new: Matrix) -> Result<Outcome, InputError> {
    let shape = if is_list(&base, &new) { new.shape().to_vec() } else { base.shape().to_vec() };
    if new.shape() != shape && !is_list(&new, &base) {
        let expected = format!("shape {} as in {}", shape_text(&shape), base.name());
        return Err(InputError::new(new.name(), Place::whole(), expected, shape_text(new.shape()))
            .maybe_hint(shape_hint(&shape, new.shape())));
    }
    let dtype = less_precise(base.dtype(), new.dtype());
    let tolerance = args.tolerance(dtype);
    let params = CompareParams {
        base: base.path().to_owned(),
        new: new.path().to_owned(),
        kind: "matrix",
        stat: args.stat.word(),
        rtol: tolerance.rtol,
        atol: tolerance.atol,
        shape: Some(shape.clone()),
        delimiter: base.csv_options().or(new.csv_options()).and_then(|csv| csv.delimiter).map(char::from),
        headers: Some(args.headers),
        dtype: Some(dtype.name()),
        dtypes: (base.dtype() != new.dtype()).then(|| [base.dtype().name(), new.dtype().name()]),
        command: None,
    };
    let files = [values(base)?, values(new)?];
    let [base, new] = files.each_ref().map(FloatValues::get);
    let matrices = Matrices::new(base, new, &shape, tolerance);
    let found = matrices.differences(MAX_LISTED);
    let items: Vec<CompareItem> = found.worst.iter().map(|&at| item(&matrices, at, &shape)).collect();
    let summary = summary(&matrices, &found, args.stat.statistic(), &params, &shape);
    let differs = summary.max_absolute.is_some_and(|absolute| absolute != 0.0);
    let nothing_noticed =
        summary.equal && differs && args.atol.is_none() && matrices.is_within_tolerance_of_nothing();
    let warning = nothing_noticed.then(|| Warning {
        code: "loose_tolerance",
        message: format!(
            "{}: no value is further from 0 than {}, which is what may differ: anything as small passes, zeros too; give \
             --atol",
            display_name(&params.base),
            Shortest(tolerance.atol)
        ),
    });
    for file in &files {
        file.check()?;
    }
    Ok(Outcome { params, summary, items, texts: Vec::new(), warning })
}

/// How the values at a place differ.
fn item(matrices: &Matrices<'_>, at: usize, shape: &[usize]) -> CompareItem {
    let Difference { absolute, relative, allowed, .. } = matrices.difference(at);
    let pair = matrices.pair(at);
    CompareItem {
        place: place(at, shape),
        base: Value::from(pair[0]),
        new: Value::from(pair[1]),
        absolute: Some(absolute),
        status: Some(Status::of(absolute)),
        relative: Some(relative),
        allowed: Some(allowed),
        words: None,
        shown: pair.map(|value| Shortest(value).to_string()),
    }
}

/// How all values differ, or a statistic of their differences.
fn summary(
    matrices: &Matrices<'_>,
    found: &Differences,
    statistic: Option<Statistic>,
    params: &CompareParams,
    shape: &[usize],
) -> CompareSummary {
    let difference = |at: usize| matrices.difference(at);
    let place = |at: usize| place(at, shape);
    let values = shape.iter().product();
    let (absolute, relative) = (found.greatest_absolute, found.greatest_relative);
    let worst = found.worst.first().copied().or(absolute);
    let mut summary = CompareSummary {
        equal: found.differing == 0,
        values,
        differing: found.differing,
        allowed: worst.map(|at| difference(at).allowed),
        worst_absolute: worst.map(|at| difference(at).absolute),
        worst_place: worst.map(place),
        max_absolute: absolute.map(|at| difference(at).absolute),
        max_absolute_place: absolute.map(place),
        max_relative: relative.map(|at| difference(at).relative),
        max_relative_place: relative.map(place),
        ..CompareSummary::default()
    };
    if let Some(statistic) = statistic.filter(|_| values > 0) {
        let (observed, allowed) = matrices.statistic(statistic);
        summary.statistic = Some(observed);
        summary.allowed = Some(allowed);
        // A median may hide it, but an infinity passes only where the other is equal.
        summary.equal = observed <= allowed && !found.infinite;
    }
    if summary.max_absolute.is_some_and(|absolute| absolute != 0.0) {
        summary.changed_winners = matrices.changed_winners();
    }
    if !summary.equal {
        let names = [params.base.as_str(), params.new.as_str()].map(display_name);
        summary.relation = matrices.relation().map(|relation| relation_text(&relation, names, shape));
        summary.region = matrices.region(found.differing).map(|region| region_text(&region, shape));
    }
    summary
}

/// Whether a CSV of one column or row, which is no other than a list, is as long as the other.
fn is_list(csv: &Matrix, other: &Matrix) -> bool {
    csv.csv_options().is_some()
        && csv.shape().contains(&1)
        && matches!(*other.shape(), [len] if len == csv.shape().iter().product::<usize>())
}

/// How to go on where the shape is another.
fn shape_hint(shape: &[usize], found: &[usize]) -> Option<String> {
    let sorted = |shape: &[usize]| {
        let mut sizes = wide_axes(shape);
        sizes.sort_unstable();
        sizes
    };
    let other_order = || {
        let call = order_of_axes(shape, found)
            .map_or("numpy.transpose".to_owned(), |axes| format!("x.transpose({})", listed(&axes)));
        format!("if the axes are in a different order: {call}")
    };
    reshape_hint("x", found, shape).or_else(|| (sorted(shape) == sorted(found)).then(other_order))
}

/// The axis of `found` that is each of `shape`, where their sizes tell.
fn order_of_axes(shape: &[usize], found: &[usize]) -> Option<Vec<u64>> {
    let axis_of = |size: &usize| {
        let mut axes = (0..found.len()).filter(|&axis| found[axis] == *size);
        axes.next().filter(|_| axes.next().is_none()).map(|axis| axis as u64)
    };
    if shape.len() != found.len() {
        return None;
    }
    shape.iter().map(axis_of).collect()
}

/// The values, none of which is another number than in the file.
fn values(matrix: Matrix) -> Result<FloatValues, InputError> {
    /// From here on, doubles leave out integers.
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2⁵³
    let (name, shape) = (matrix.name().to_owned(), matrix.shape().to_vec());
    if !matrix.dtype().is_integer() {
        return matrix.into_floats();
    }
    let values = matrix.into_values()?;
    match values.iter().position(|x| x.abs() >= EXACT) {
        None => Ok(FloatValues::Doubles(values)),
        Some(at) => {
            let found = format!("{} at {}", Shortest(values[at]), place(at, &shape));
            let expected = "integers below 2^53, which a double holds exactly";
            Err(InputError::new(&name, Place::whole(), expected, found))
        }
    }
}

impl Stat {
    /// None for every value.
    fn statistic(self) -> Option<Statistic> {
        match self {
            Self::Elementwise => None,
            Self::Max => Some(Statistic::Max),
            Self::Mean => Some(Statistic::Mean),
            Self::Median => Some(Statistic::Median),
        }
    }
}

/// The index along each axis, as NumPy writes it.
fn place(at: usize, shape: &[usize]) -> String {
    format!("{:?}", unravel(at, shape))
}
