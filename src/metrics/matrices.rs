//! Two matrices of one shape, value by value or by a statistic.

use std::ops::Range;

use rayon::prelude::*;

use super::greatest::Greatest;
use super::{Difference, Tolerance};
use crate::kernel::{Element, Floats, Sum};
use crate::logits::{position_of, row_max};

/// Values that one thread looks at at a time.
const AT_ONCE: usize = 1 << 14;
/// So many times what is listed is kept before the worst of it are picked.
const MANY: usize = 64;

/// Two matrices of one shape: a base, and one that should be the same within a tolerance.
#[derive(Clone, Copy, Debug)]
pub struct Matrices<'a> {
    pub(super) base: Floats<'a>,
    pub(super) new: Floats<'a>,
    pub(super) shape: &'a [usize],
    pub(super) tolerance: Tolerance,
}

/// How two matrices differ. Places are row-major.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Differences {
    /// Number of values beyond the tolerance.
    pub differing: usize,
    /// The worst of these by [`Difference::severity`], NaN before all others: as many as were asked for.
    pub worst: Vec<usize>,
    /// The first place with the greatest absolute difference, NaN being greater than all others.
    pub greatest_absolute: Option<usize>,
    /// The same of the relative differences.
    pub greatest_relative: Option<usize>,
    /// Whether a difference beyond the tolerance is infinite.
    pub infinite: bool,
}

/// A statistic of absolute differences, and the same of the base's magnitudes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The greatest.
    Max,
    /// The mean.
    Mean,
    /// The median: of an even number the mean of the middle two.
    Median,
}

/// What was found in some of the values.
#[derive(Default)]
struct Found {
    differing: usize,
    /// Where they differ: all places, or the worst of them.
    failed: Vec<usize>,
    /// As many as are listed are at least as bad as this, if any are.
    bar: Option<f64>,
    absolute: Greatest<usize>,
    relative: Greatest<usize>,
    /// Whether a difference that is not allowed is infinite.
    infinite: bool,
}

impl<'a> Matrices<'a> {
    /// Two matrices, row-major.
    ///
    /// # Panics
    /// If they do not have as many values as `shape`.
    pub fn new(base: Floats<'a>, new: Floats<'a>, shape: &'a [usize], tolerance: Tolerance) -> Self {
        let values = shape.iter().product::<usize>();
        assert_eq!([base.len(), new.len()], [values; 2], "two matrices of one shape");
        Self { base, new, shape, tolerance }
    }

    /// The base's value at a place, and the other's.
    pub fn pair(&self, at: usize) -> [f64; 2] {
        [self.base.get(at), self.new.get(at)]
    }

    /// How the values at a place differ.
    // Computed anew where it is needed, for it is larger than what it is of.
    pub fn difference(&self, at: usize) -> Difference {
        let [base, new] = self.pair(at);
        self.tolerance.compare(base, new)
    }

    /// How all values differ, and the `listed` worst of those that do.
    pub fn differences(&self, listed: usize) -> Differences {
        let starts = (0..self.base.len()).into_par_iter().step_by(AT_ONCE);
        let found = starts.map(|start| self.look_at(start..(start + AT_ONCE).min(self.base.len()), listed));
        let found = found.reduce(Found::default, |found, next| self.join(found, next, listed));
        let Found { differing, mut failed, absolute, relative, infinite, .. } = found;
        failed.sort_by(|&a, &b| self.by_severity(a, b));
        failed.truncate(listed);
        Differences {
            differing,
            worst: failed,
            greatest_absolute: absolute.at(),
            greatest_relative: relative.at(),
            infinite,
        }
    }

    /// A statistic of the absolute differences, NaN where one is, and what is allowed for it by the same of the base's finite
    /// magnitudes; 0 of none. Equal infinities count in neither.
    pub fn statistic(&self, statistic: Statistic) -> (f64, f64) {
        let places = 0..self.base.len();
        let magnitudes = places.clone().map(|at| self.base.get(at).abs()).filter(|x| x.is_finite());
        let differences = places.map(|at| (at, self.difference(at).absolute));
        let counted = differences.filter(|&(at, absolute)| absolute != 0.0 || self.base.get(at).is_finite());
        let observed = statistic.of(counted.map(|(_, absolute)| absolute));
        (observed, self.tolerance.atol + self.tolerance.rtol * statistic.of(magnitudes))
    }

    /// Whether no value of the base, of which some are not 0, is further from 0 than may differ in any case: nothing would be
    /// noticed.
    pub fn is_within_tolerance_of_nothing(&self) -> bool {
        let atol = self.tolerance.atol;
        let magnitudes = || (0..self.base.len()).into_par_iter().map(|at| self.base.get(at).abs());
        magnitudes().all(|magnitude| magnitude <= atol) && magnitudes().any(|magnitude| magnitude > 0.0)
    }

    fn look_at(&self, places: Range<usize>, listed: usize) -> Found {
        match (self.base, self.new) {
            (Floats::Single(base), Floats::Single(new)) => self.look_at_pairs(base, new, places, listed),
            (Floats::Single(base), Floats::Double(new)) => self.look_at_pairs(base, new, places, listed),
            (Floats::Double(base), Floats::Single(new)) => self.look_at_pairs(base, new, places, listed),
            (Floats::Double(base), Floats::Double(new)) => self.look_at_pairs(base, new, places, listed),
        }
    }

    fn look_at_pairs<B: Element, N: Element>(
        &self,
        base: &[B],
        new: &[N],
        places: Range<usize>,
        listed: usize,
    ) -> Found {
        let mut found = Found::default();
        for at in places {
            let difference = self.tolerance.compare(base[at].to_f64(), new[at].to_f64());
            found.absolute.note(difference.absolute, || at);
            found.relative.note(difference.relative, || at);
            if !difference.passed {
                found.differing += 1;
                found.infinite |= difference.absolute.is_infinite();
                if found.bar.is_none_or(|bar| difference.severity() >= bar) {
                    found.failed.push(at);
                    self.keep_few(&mut found, listed);
                }
            }
        }
        found
    }

    /// How many rows along the last axis have their greatest value elsewhere, where neither has equal ones there; none where
    /// there are no rows of several values.
    pub fn changed_winners(&self) -> Option<usize> {
        let &[.., _, size] = self.shape else { return None };
        let winner = |values: Floats, row: Range<usize>| match values {
            Floats::Single(values) => position_of(&values[row.clone()], row_max(&values[row])),
            Floats::Double(values) => position_of(&values[row.clone()], row_max(&values[row])),
        };
        let changed = |row: usize| {
            let row = row * size..(row + 1) * size;
            match (winner(self.base, row.clone()), winner(self.new, row.clone())) {
                (Some(a), Some(b)) => {
                    let is_tied = |values: Floats| values.get(row.start + a) == values.get(row.start + b);
                    !is_tied(self.base) && !is_tied(self.new)
                }
                (a, b) => a != b,
            }
        };
        let rows = (0..self.base.len() / size.max(1)).into_par_iter().with_min_len(AT_ONCE / size.max(1));
        (size > 1).then(|| rows.filter(|&row| changed(row)).count())
    }

    /// What was found in values, and what in those behind them.
    fn join(&self, mut found: Found, next: Found, listed: usize) -> Found {
        found.differing += next.differing;
        found.infinite |= next.infinite;
        for (greatest, next) in [(&mut found.absolute, next.absolute), (&mut found.relative, next.relative)] {
            greatest.append(next);
        }
        found.failed.extend(next.failed);
        found.bar = [found.bar, next.bar].into_iter().flatten().reduce(f64::max);
        self.keep_few(&mut found, listed);
        found
    }

    /// Which of two places comes first among those that are listed.
    fn by_severity(&self, a: usize, b: usize) -> std::cmp::Ordering {
        let (x, y) = (self.difference(a), self.difference(b));
        let severity = y.severity().total_cmp(&x.severity());
        y.absolute.is_nan().cmp(&x.absolute.is_nan()).then(severity).then(a.cmp(&b))
    }

    /// Leaves the worst, where there are many.
    fn keep_few(&self, found: &mut Found, listed: usize) {
        let failed = &mut found.failed;
        if failed.len() > MANY * listed {
            failed.select_nth_unstable_by(listed, |&a, &b| self.by_severity(a, b));
            failed.truncate(listed);
            found.bar = failed.iter().map(|&at| self.difference(at).severity()).reduce(f64::min);
        }
    }
}

impl Statistic {
    /// NaN where a value is.
    fn of(self, values: impl Iterator<Item = f64> + Clone) -> f64 {
        if values.clone().any(f64::is_nan) {
            return f64::NAN;
        }
        match self {
            _ if values.clone().next().is_none() => 0.0,
            Self::Max => values.fold(0.0, f64::max),
            Self::Mean => {
                let count = values.clone().count() as f64;
                let sum = values.clone().collect::<Sum>().value();
                // A sum may be too large where the mean is not.
                if sum.is_finite() { sum / count } else { values.map(|x| x / count).collect::<Sum>().value() }
            }
            Self::Median => {
                let mut values: Vec<f64> = values.collect();
                let middle = values.len() / 2;
                let even = values.len().is_multiple_of(2);
                let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
                if even { f64::midpoint(below.iter().copied().fold(0.0, f64::max), upper) } else { upper }
            }
        }
    }
}
