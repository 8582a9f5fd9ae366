//! How one of two matrices was made of the other, in the ways that mistakes in a port most often do it.

use half::{bf16, f16};

use super::Matrices;
use super::evidence::Evidence;
use crate::kernel::log_sum_exp;

/// Places that are looked at, spread over the matrix.
const PLACES: usize = 1 << 14;
/// Vectors along an axis that are looked at, of no more values than this together.
const VECTORS: usize = 64;
const LONGEST: usize = 1 << 18;
/// Places that are looked at before all others.
const FIRST: usize = 64;
/// The most axes whose orders are tried.
const MAX_AXES: usize = 6;

/// How one of two matrices was made of the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// Whether the base was made of the new one.
    pub inverse: bool,
    /// What was done.
    pub operation: Operation,
}

/// What makes one matrix of another.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Each value times this.
    Times(f64),
    /// Each value plus this.
    Plus(f64),
    /// Each value in a type of 16 bits.
    Rounded(ShortFloat),
    /// The exponential of each value.
    Exp,
    /// The softmax along an axis.
    Softmax {
        /// From 0.
        axis: usize,
    },
    /// The logarithm of that.
    LogSoftmax {
        /// From 0.
        axis: usize,
    },
    /// Each vector along an axis plus a number of its own, which no softmax sees.
    PlusConstants {
        /// From 0.
        axis: usize,
    },
    /// The order along an axis reversed.
    Flip {
        /// From 0.
        axis: usize,
    },
    /// The values along an axis moved by one place, the last to the first or the first to the last.
    Roll {
        /// 1 or -1.
        shift: i8,
        /// From 0.
        axis: usize,
    },
    /// The axes in another order, read as if they were in their own.
    Transpose {
        /// The axis that comes to each place.
        axes: Vec<usize>,
    },
}

/// A floating-point type of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortFloat {
    /// The upper half of single precision.
    Bfloat16,
    /// The same, cut off instead of rounded.
    TruncatedBfloat16,
    /// Half precision.
    Float16,
}

impl ShortFloat {
    const ALL: [Self; 3] = [Self::Bfloat16, Self::TruncatedBfloat16, Self::Float16];

    fn of(self, x: f64) -> f64 {
        match self {
            Self::Bfloat16 => bf16::from_f64(x).to_f64(),
            Self::TruncatedBfloat16 => f64::from(f32::from_bits((x as f32).to_bits() & 0xFFFF_0000)),
            Self::Float16 => f16::from_f64(x).to_f64(),
        }
    }
}

/// Numbers at the same places of both.
struct Numbers {
    base: Vec<f64>,
    new: Vec<f64>,
}

impl Numbers {
    fn swapped(&self) -> Self {
        Self { base: self.new.clone(), new: self.base.clone() }
    }

    /// Whether all of `new` is exactly what a shorter type makes of the base, several of them not 0.
    fn rounded(&self) -> Option<Operation> {
        /// Fewer may be so by chance.
        const FEW: usize = 4;
        let pairs = || self.base.iter().zip(&self.new);
        let is = |short: &ShortFloat| pairs().all(|(&base, &new)| short.of(base).to_bits() == new.to_bits());
        let found = ShortFloat::ALL.into_iter().find(is)?;
        (pairs().filter(|(base, new)| base != new && **new != 0.0).count() >= FEW)
            .then_some(Operation::Rounded(found))
    }
}

impl Matrices<'_> {
    /// How `new` was made of `base`, or the other way round, where more than half of the values differ, and it tells all
    /// of the difference at the places that are looked at.
    pub fn relation(&self) -> Option<Relation> {
        let places: Vec<usize> = self.places().collect();
        let numbers = self.numbers(places.iter().copied());
        let differing = places.iter().filter(|&&at| !self.difference(at).passed).count();
        if differing * 2 <= places.len() {
            return None;
        }
        let forward = |operation| Relation { inverse: false, operation };
        let inverse = |operation| Relation { inverse: true, operation };
        let other = Self { base: self.new, new: self.base, ..*self };
        let swapped = numbers.swapped();
        numbers
            .rounded()
            .map(forward)
            .or_else(|| swapped.rounded().map(inverse))
            .or_else(|| self.by_number(&numbers).map(forward))
            .or_else(|| self.is_exponential(&numbers).then(|| forward(Operation::Exp)))
            .or_else(|| self.is_exponential(&swapped).then(|| inverse(Operation::Exp)))
            .or_else(|| self.by_order(&places, &numbers).map(forward))
            .or_else(|| other.by_order(&places, &swapped).map(inverse))
            .or_else(|| {
                let mut axes = (0..self.shape.len()).rev().filter(|&axis| self.shape[axis] > 1);
                axes.find_map(|axis| self.along(axis))
            })
    }

    /// All, or one of each so many neighbours, which has another index along each axis the next time.
    fn places(&self) -> impl Iterator<Item = usize> {
        /// A prime, which has no divisor in common with most axes.
        const STEP: usize = 7919;
        let len = self.base.len();
        let count = len.min(PLACES);
        let start = move |i: usize| (i as u128 * len as u128 / count as u128) as usize;
        (0..count).map(move |i| start(i) + i * STEP % (start(i + 1) - start(i)))
    }

    /// From an index along each axis to the next.
    pub(super) fn strides(&self) -> Vec<usize> {
        (0..self.shape.len()).map(|axis| self.shape[axis + 1..].iter().product()).collect()
    }

    fn numbers(&self, places: impl Iterator<Item = usize>) -> Numbers {
        let (base, new) = places.map(|at| (self.base.get(at), self.new.get(at))).unzip();
        Numbers { base, new }
    }

    /// Whether `new` is what `expected` makes of each number of the base.
    fn is_made(&self, numbers: &Numbers, spread: bool, expected: impl Fn(f64) -> f64) -> bool {
        let expected: Vec<f64> = numbers.base.iter().map(|&x| expected(x)).collect();
        let mut evidence = Evidence::new(self.tolerance);
        evidence.add(&expected, &numbers.new, &numbers.base, false);
        evidence.holds(spread)
    }

    /// The base times a number, or plus one.
    fn by_number(&self, numbers: &Numbers) -> Option<Operation> {
        let pairs = numbers.base.iter().zip(&numbers.new);
        let finite = pairs.filter(|(base, new)| base.is_finite() && new.is_finite());
        // The largest tells the factor best.
        let (&most, &of_most) = finite.clone().max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))?;
        let factor = of_most / most;
        // Nothing but zeros is made of nothing.
        if factor.is_finite() && factor != 0.0 && self.is_made(numbers, false, |x| x * factor) {
            return Some(Operation::Times(factor));
        }
        let offset = finite.clone().map(|(base, new)| new - base).sum::<f64>() / finite.count() as f64;
        (offset.is_finite() && self.is_made(numbers, true, |x| x + offset)).then_some(Operation::Plus(offset))
    }

    fn is_exponential(&self, numbers: &Numbers) -> bool {
        self.is_made(numbers, false, f64::exp)
    }

    /// The base's values in another order.
    fn by_order(&self, places: &[usize], numbers: &Numbers) -> Option<Operation> {
        let evidence = |of: &dyn Fn(usize) -> usize, count: usize| {
            let expected: Vec<f64> = places[..count].iter().map(|&at| self.base.get(of(at))).collect();
            let mut evidence = Evidence::new(self.tolerance);
            evidence.add(&expected, &numbers.new[..count], &numbers.base[..count], false);
            evidence
        };
        let is_order = |of: &dyn Fn(usize) -> usize| {
            !evidence(of, places.len().min(FIRST)).is_refuted() && evidence(of, places.len()).holds(false)
        };
        let strides = self.strides();
        for (axis, &size) in self.shape.iter().enumerate().filter(|&(_, &size)| size > 1) {
            let inner = strides[axis];
            let moved = |at: usize, to: &dyn Fn(usize) -> usize| {
                let index = at / inner % size;
                at - index * inner + to(index) * inner
            };
            if is_order(&|at| moved(at, &|index| size - 1 - index)) {
                return Some(Operation::Flip { axis });
            }
            for (shift, from) in [(1, size - 1), (-1, 1)] {
                if is_order(&|at| moved(at, &|index| (index + from) % size)) {
                    return Some(Operation::Roll { shift, axis });
                }
            }
        }
        for axes in orders(self.shape) {
            let turned = |at: usize| {
                let mut rest = at;
                axes.iter().rev().fold(0, |from, &axis| {
                    let index = rest % self.shape[axis];
                    rest /= self.shape[axis];
                    from + index * strides[axis]
                })
            };
            if is_order(&turned) {
                return Some(Operation::Transpose { axes });
            }
        }
        None
    }

    /// What an axis is normalised by.
    fn along(&self, axis: usize) -> Option<Relation> {
        let vectors = self.vectors(axis);
        let swapped: Vec<Numbers> = vectors.iter().map(Numbers::swapped).collect();
        for (vectors, inverse) in [(&vectors, false), (&swapped, true)] {
            if self.all_are(vectors, true, log_softmax) {
                return Some(Relation { inverse, operation: Operation::LogSoftmax { axis } });
            }
            let softmax = |numbers: &Numbers| log_softmax(numbers).into_iter().map(f64::exp).collect();
            if self.all_are(vectors, false, softmax) {
                return Some(Relation { inverse, operation: Operation::Softmax { axis } });
            }
        }
        let shifted = |numbers: &Numbers| {
            let shift = log_sum_exp(&numbers.new).value() - log_sum_exp(&numbers.base).value();
            // Nothing looks like what is infinite everywhere.
            let shift = if shift.is_finite() { shift } else { f64::NAN };
            numbers.base.iter().map(|x| x + shift).collect()
        };
        // With one or two numbers of each, a number of its own tells nothing.
        (self.shape[axis] > 2 && self.all_are(&vectors, true, shifted))
            .then_some(Relation { inverse: false, operation: Operation::PlusConstants { axis } })
    }

    /// Some vectors along an axis, spread over the others; none where they are too long.
    fn vectors(&self, axis: usize) -> Vec<Numbers> {
        let (size, inner) = (self.shape[axis], self.strides()[axis]);
        let count = self.base.len() / size;
        let most = if size > LONGEST { 0 } else { (LONGEST / size).min(VECTORS) };
        let vector = |at: usize| {
            let start = at / inner * inner * size + at % inner;
            self.numbers((0..size).map(|i| start + i * inner))
        };
        let chosen = most.min(count);
        (0..chosen).map(|i| vector((i as u128 * count as u128 / chosen as u128) as usize)).collect()
    }

    /// `logs`: what is expected is less a logarithm.
    fn all_are(&self, vectors: &[Numbers], logs: bool, expected: impl Fn(&Numbers) -> Vec<f64>) -> bool {
        let mut evidence = Evidence::new(self.tolerance);
        for numbers in vectors {
            evidence.add(&expected(numbers), &numbers.new, &numbers.base, logs);
            if evidence.is_refuted() {
                return false;
            }
        }
        evidence.holds(logs)
    }
}

fn log_softmax(numbers: &Numbers) -> Vec<f64> {
    let lse = log_sum_exp(&numbers.base).value();
    numbers.base.iter().map(|x| x - lse).collect()
}

/// Orders of axes, those of one entry in their places: two exchanged, or one taken from an end to the other.
fn orders(shape: &[usize]) -> Vec<Vec<usize>> {
    let in_order: Vec<usize> = (0..shape.len()).collect();
    let wide: Vec<usize> = in_order.iter().copied().filter(|&axis| shape[axis] > 1).collect();
    if wide.len() > MAX_AXES {
        return Vec::new();
    }
    let pairs = (0..wide.len()).flat_map(|a| (a + 1..wide.len()).map(move |b| (a, b)));
    let mut orders: Vec<Vec<usize>> = pairs
        .map(|(a, b)| {
            let mut order = in_order.clone();
            order.swap(wide[a], wide[b]);
            order
        })
        .collect();
    if wide.len() > 2 {
        for shift in [1, wide.len() - 1] {
            let mut order = in_order.clone();
            for (at, &axis) in wide.iter().enumerate() {
                order[axis] = wide[(at + shift) % wide.len()];
            }
            orders.push(order);
        }
    }
    orders
}
