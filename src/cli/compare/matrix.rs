//! Two matrices, value by value or by a statistic.

use std::ops::Range;

use rayon::prelude::*;
use serde_json::Value;

use super::super::values::{Stat, Word};
use super::relation::Matrices;
use super::{Args, MAX_LISTED, Outcome, less_precise};
use crate::input::{
    FloatValues, InputError, Matrix, Place, display_name, reshape_hint, shape_text, wide_axes,
};
use crate::kernel::{Element, Floats, Sum};
use crate::logits::{position_of, row_max, unravel};
use crate::metrics::{Difference, Tolerance};
use crate::report::compare::{CompareItem, CompareParams, CompareSummary};
use crate::report::{Shortest, Status, listed};

/// Values that one thread looks at at a time.
const AT_ONCE: usize = 1 << 14;
/// So many times what is listed is kept before the worst of it are picked.
const MANY: usize = 64;

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
    let both = Both { base, new, tolerance };
    let difference = |at: usize| both.difference(at);
    let Found { differing, failed, absolute, relative, infinite, .. } = both.look_at_all();
    let place = |at: usize| place(at, &shape);
    let item = |&at: &usize| {
        let Difference { absolute, relative, allowed, .. } = difference(at);
        CompareItem {
            place: place(at),
            base: Value::from(base.get(at)),
            new: Value::from(new.get(at)),
            absolute: Some(absolute),
            status: Some(Status::of(absolute)),
            relative: Some(relative),
            allowed: Some(allowed),
            words: None,
            shown: [base, new].map(|values| Shortest(values.get(at)).to_string()),
        }
    };
    let items: Vec<CompareItem> = failed.iter().map(item).collect();
    let (absolute, relative) = (absolute.at(), relative.at());
    let worst = failed.first().copied().or(absolute);
    let mut summary = CompareSummary {
        equal: differing == 0,
        values: base.len(),
        differing,
        allowed: worst.map(|at| difference(at).allowed),
        worst_absolute: worst.map(|at| difference(at).absolute),
        worst_place: worst.map(place),
        max_absolute: absolute.map(|at| difference(at).absolute),
        max_absolute_place: absolute.map(place),
        max_relative: relative.map(|at| difference(at).relative),
        max_relative_place: relative.map(place),
        ..CompareSummary::default()
    };
    if args.stat != Stat::Elementwise && base.len() > 0 {
        let observed = statistic(args.stat, (0..base.len()).map(|at| difference(at).absolute));
        let magnitude =
            statistic(args.stat, (0..base.len()).map(|at| base.get(at).abs()).filter(|x| x.is_finite()));
        let Tolerance { rtol, atol } = tolerance;
        let allowed = atol + rtol * magnitude;
        summary.statistic = Some(observed);
        summary.allowed = Some(allowed);
        // A median may hide it, but an infinity passes only where the other is equal.
        summary.equal = observed <= allowed && !infinite;
    }
    if absolute.is_some_and(|at| difference(at).absolute != 0.0) {
        summary.changed_winners = both.changed_winners(&shape);
    }
    if !summary.equal {
        let names = [params.base.as_str(), params.new.as_str()].map(display_name);
        let matrices = Matrices { base, new, shape: &shape, tolerance, names };
        summary.relation = matrices.relation();
        summary.region = matrices.region(differing);
    }
    for file in &files {
        file.check()?;
    }
    Ok(Outcome { params, summary, items, texts: Vec::new() })
}

/// The values of both.
struct Both<'a> {
    base: Floats<'a>,
    new: Floats<'a>,
    tolerance: Tolerance,
}

/// What was found in some of the values.
#[derive(Default)]
struct Found {
    differing: usize,
    /// Where they differ: all places, or the worst of them; in the end those that are listed, in order.
    failed: Vec<usize>,
    /// As many as are listed are at least as bad as this, if any are.
    bar: Option<f64>,
    absolute: Greatest,
    relative: Greatest,
    /// Whether a difference that is not allowed is infinite.
    infinite: bool,
}

/// The greatest of some values, and the first place where it is; NaN is greater than all others.
#[derive(Clone, Copy, Default)]
struct Greatest(Option<(f64, usize)>);

impl Greatest {
    fn note(&mut self, value: f64, at: usize) {
        let is_greater = |greatest: f64| value > greatest || value.is_nan() && !greatest.is_nan();
        if self.0.is_none_or(|(greatest, _)| is_greater(greatest)) {
            self.0 = Some((value, at));
        }
    }

    fn at(self) -> Option<usize> {
        self.0.map(|(_, at)| at)
    }
}

impl Both<'_> {
    /// Computed anew where it is needed, for it is larger than what it is of.
    fn difference(&self, at: usize) -> Difference {
        self.tolerance.compare(self.base.get(at), self.new.get(at))
    }

    fn look_at_all(&self) -> Found {
        let starts = (0..self.base.len()).into_par_iter().step_by(AT_ONCE);
        let found = starts.map(|start| self.look_at(start..(start + AT_ONCE).min(self.base.len())));
        let mut found = found.reduce(Found::default, |found, next| self.join(found, next));
        found.failed.sort_by(|&a, &b| self.by_severity(a, b));
        found.failed.truncate(MAX_LISTED);
        found
    }

    fn look_at(&self, places: Range<usize>) -> Found {
        match (self.base, self.new) {
            (Floats::Single(base), Floats::Single(new)) => self.look_at_pairs(base, new, places),
            (Floats::Single(base), Floats::Double(new)) => self.look_at_pairs(base, new, places),
            (Floats::Double(base), Floats::Single(new)) => self.look_at_pairs(base, new, places),
            (Floats::Double(base), Floats::Double(new)) => self.look_at_pairs(base, new, places),
        }
    }

    fn look_at_pairs<B: Element, N: Element>(&self, base: &[B], new: &[N], places: Range<usize>) -> Found {
        let mut found = Found::default();
        for at in places {
            let difference = self.tolerance.compare(base[at].to_f64(), new[at].to_f64());
            found.absolute.note(difference.absolute, at);
            found.relative.note(difference.relative, at);
            if !difference.passed {
                found.differing += 1;
                found.infinite |= difference.absolute.is_infinite();
                if found.bar.is_none_or(|bar| difference.severity() >= bar) {
                    found.failed.push(at);
                    self.keep_few(&mut found);
                }
            }
        }
        found
    }

    /// How many rows along the last axis have their greatest value elsewhere, the first of equal ones; none where there are no
    /// rows of several values.
    fn changed_winners(&self, shape: &[usize]) -> Option<usize> {
        let &[.., _, size] = shape else { return None };
        let winner = |values: Floats, row: Range<usize>| match values {
            Floats::Single(values) => position_of(&values[row.clone()], row_max(&values[row])),
            Floats::Double(values) => position_of(&values[row.clone()], row_max(&values[row])),
        };
        let changed = |row: usize| {
            let row = row * size..(row + 1) * size;
            winner(self.base, row.clone()) != winner(self.new, row)
        };
        let rows = (0..self.base.len() / size.max(1)).into_par_iter().with_min_len(AT_ONCE / size.max(1));
        (size > 1).then(|| rows.filter(|&row| changed(row)).count())
    }

    /// What was found in values, and what in those behind them.
    fn join(&self, mut found: Found, next: Found) -> Found {
        found.differing += next.differing;
        found.infinite |= next.infinite;
        for (greatest, next) in [(&mut found.absolute, next.absolute), (&mut found.relative, next.relative)] {
            if let Some((value, at)) = next.0 {
                greatest.note(value, at);
            }
        }
        found.failed.extend(next.failed);
        found.bar = [found.bar, next.bar].into_iter().flatten().reduce(f64::max);
        self.keep_few(&mut found);
        found
    }

    /// Which of two places comes first among those that are listed.
    fn by_severity(&self, a: usize, b: usize) -> std::cmp::Ordering {
        let (x, y) = (self.difference(a), self.difference(b));
        let severity = y.severity().total_cmp(&x.severity());
        y.absolute.is_nan().cmp(&x.absolute.is_nan()).then(severity).then(a.cmp(&b))
    }

    /// Leaves the worst, where there are many.
    fn keep_few(&self, found: &mut Found) {
        let failed = &mut found.failed;
        if failed.len() > MANY * MAX_LISTED {
            failed.select_nth_unstable_by(MAX_LISTED, |&a, &b| self.by_severity(a, b));
            failed.truncate(MAX_LISTED);
            found.bar = failed.iter().map(|&at| self.difference(at).severity()).reduce(f64::min);
        }
    }
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
        format!("the axes are in a different order: {call}")
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

/// NaN where a value is.
fn statistic(stat: Stat, values: impl Iterator<Item = f64> + Clone) -> f64 {
    if values.clone().any(f64::is_nan) {
        return f64::NAN;
    }
    match stat {
        _ if values.clone().next().is_none() => 0.0,
        Stat::Elementwise | Stat::Max => values.fold(0.0, f64::max),
        Stat::Mean => {
            let count = values.clone().count() as f64;
            let sum = values.clone().collect::<Sum>().value();
            // A sum may be too large where the mean is not.
            if sum.is_finite() { sum / count } else { values.map(|x| x / count).collect::<Sum>().value() }
        }
        Stat::Median => {
            let mut values: Vec<f64> = values.collect();
            let middle = values.len() / 2;
            let even = values.len().is_multiple_of(2);
            let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
            if even { f64::midpoint(below.iter().copied().fold(0.0, f64::max), upper) } else { upper }
        }
    }
}

/// The index along each axis, as NumPy writes it.
fn place(at: usize, shape: &[usize]) -> String {
    format!("{:?}", unravel(at, shape))
}
