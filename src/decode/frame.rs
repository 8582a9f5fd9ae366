//! One frame of class scores, checked, and its classes' probabilities relative to a common factor.

use std::f64::consts::LN_2;

use thiserror::Error;

use super::arithmetic::Arithmetic;
use super::lost_mass::VANISHING;
use crate::kernel::{
    Element, InstructionSet, Rows, ScaledColumns, exponent_of, log_sum_exp, log_sum_of, pow2, scaled_columns,
};
use crate::logits::{InputKind, any, position_of, row_max};

/// Relative probabilities are taken as they are from this logarithm on.
const LEAST_NATS: f64 = -690.0;

/// Why a frame can't be decoded.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A value is NaN, `+inf`, or a negative probability.
    #[error("frame {frame}, class {class}: {value} is not a usable score")]
    Value {
        /// Frame, from 0.
        frame: usize,
        /// Class, from 0.
        class: usize,
        /// The value found there.
        value: f64,
    },
    /// No class has a probability above 0 (all values are `-inf`, or probabilities of 0).
    #[error("frame {frame}: no class has a probability above 0")]
    NoClass {
        /// Frame, from 0.
        frame: usize,
    },
    /// The number of values is not a multiple of the number of classes.
    #[error("{values} values do not make whole frames of {classes} classes")]
    Ragged {
        /// Number of values given.
        values: usize,
        /// Number of classes.
        classes: usize,
    },
}

/// Splits `[frames, classes]` values into frames.
pub(super) fn frames<E>(values: &[E], classes: usize) -> Result<Rows<'_, E>, FrameError> {
    if classes == 0 || !values.len().is_multiple_of(classes) {
        return Err(FrameError::Ragged { values: values.len(), classes });
    }
    Ok(Rows::new(values, classes))
}

/// A frame whose largest probability is brought near one, so that products of them stay in range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a, E> {
    row: &'a [E],
    kind: InputKind,
    /// The largest value of the row.
    max: f64,
    /// The power of two that takes probabilities to relative ones; 1 for logarithms.
    factor: f64,
    /// What to add to the logarithm of a relative probability to have the probability's.
    offset_nats: f64,
    /// Tokens below this log-probability have none; `-inf` leaves all in.
    min_logp: f64,
    /// Some probability may be too small for the arithmetic.
    may_vanish: bool,
}

impl<'a, E: Element> Frame<'a, E> {
    /// The same as [`Self::new`], and by class the relative probabilities in `factors`: none of tokens below the least
    /// log-probability asked for; the `blank` is not one.
    #[inline(always)]
    pub(super) fn with_factors<A: Arithmetic>(
        row: &'a [E],
        kind: InputKind,
        min_logp: f64,
        frame: usize,
        blank: u32,
        factors: &mut Vec<f64>,
    ) -> Result<Self, FrameError> {
        let this = if A::CAN_UNDERFLOW && kind != InputKind::Probs {
            factors.resize(row.len(), 0.0);
            let ScaledColumns { max, least, .. } = scaled_columns(InstructionSet::best(), row, 1.0, factors);
            if !max.is_finite() {
                return Err(what_is_wrong(row, kind, frame));
            }
            let offset_nats = if kind == InputKind::Logits { -log_sum_of(factors) } else { max };
            let may_vanish = least - max < LEAST_NATS;
            Self { row, kind, max, factor: 1.0, offset_nats, min_logp, may_vanish }
        } else {
            let this = Self::new(row, kind, min_logp, frame)?;
            factors.clear();
            factors.extend(row.iter().map(|x| this.relative::<A>(x.to_f64()).0));
            let vanishes = |x: E| this.relative::<A>(x.to_f64()).1;
            // Probabilities of single precision are none so small.
            let may_vanish = A::CAN_UNDERFLOW && !E::SINGLE && any(row, vanishes);
            Self { may_vanish, ..this }
        };
        if min_logp > f64::NEG_INFINITY {
            for (class, (factor, x)) in (0..).zip(factors.iter_mut().zip(row)) {
                if class != blank && this.is_left_out(*x) {
                    *factor = A::ZERO;
                }
            }
        }
        Ok(this)
    }

    /// Looks at one row of `[classes]` values, the `frame`-th of its item.
    #[inline(always)]
    pub(super) fn new(
        row: &'a [E],
        kind: InputKind,
        min_logp: f64,
        frame: usize,
    ) -> Result<Self, FrameError> {
        let (max, log_sum) = match kind {
            InputKind::Logits => {
                let sum = log_sum_exp(row);
                (sum.max, sum.log_sum)
            }
            InputKind::LogProbs | InputKind::Probs => (row_max(row), 0.0),
        };
        let usable = match kind {
            InputKind::Logits | InputKind::LogProbs => max.is_finite(),
            InputKind::Probs => max.is_finite() && max > 0.0 && !any(row, |x| x < E::ZERO),
        };
        if !usable {
            return Err(what_is_wrong(row, kind, frame));
        }
        let (factor, offset_nats) = match kind {
            InputKind::Logits => (1.0, -log_sum),
            InputKind::LogProbs => (1.0, max),
            InputKind::Probs => {
                let bits = (exponent_of(max) + 1).clamp(-1000, 1000);
                (pow2(-bits), bits as f64 * LN_2)
            }
        };
        Ok(Self { row, kind, max, factor, offset_nats, min_logp, may_vanish: true })
    }

    /// The largest value of the row.
    pub(super) fn max(&self) -> f64 {
        self.max
    }

    /// The class of the largest value, the first of equal ones, unless the blank's is as large.
    pub(super) fn winner(&self, blank: u32) -> Option<u32> {
        if self.row[blank as usize].to_f64() == self.max {
            return None;
        }
        position_of(self.row, self.max).map(|class| class as u32)
    }

    /// Log-probability of the largest value, in nats.
    pub(super) fn max_logp(&self) -> f64 {
        match self.kind {
            InputKind::Logits | InputKind::LogProbs => self.offset_nats,
            InputKind::Probs => self.max.ln(),
        }
    }

    /// The row as given.
    pub(super) fn row(&self) -> &'a [E] {
        self.row
    }

    /// What to add to the logarithm of a relative probability to have the probability's, in nats.
    pub(super) fn offset_nats(&self) -> f64 {
        self.offset_nats
    }

    /// The relative probability of a class, and whether it is too small for this arithmetic.
    pub(super) fn relative<A: Arithmetic>(&self, value: f64) -> (f64, bool) {
        let p = match self.kind {
            InputKind::Probs if A::CAN_UNDERFLOW => value * self.factor,
            _ => A::from_log(self.relative_nats(value)),
        };
        let some = match self.kind {
            InputKind::Logits | InputKind::LogProbs => value > f64::NEG_INFINITY,
            InputKind::Probs => value > 0.0,
        };
        (p, A::CAN_UNDERFLOW && p < VANISHING && some)
    }

    /// As [`Self::relative`], for a token: none where it is below the least log-probability asked for.
    pub(super) fn relative_token<A: Arithmetic>(&self, value: E) -> (f64, bool) {
        if self.min_logp > f64::NEG_INFINITY && self.is_left_out(value) {
            return (A::ZERO, false);
        }
        self.relative::<A>(value.to_f64())
    }

    /// The natural logarithm of a class's relative probability.
    #[inline]
    pub(super) fn relative_nats(&self, value: f64) -> f64 {
        match self.kind {
            InputKind::Logits | InputKind::LogProbs => value - self.max,
            InputKind::Probs => {
                let p = value * self.factor;
                // What is smaller has lost digits.
                if p >= f64::MIN_POSITIVE { p.ln() } else { value.ln() - self.offset_nats }
            }
        }
    }

    /// By class: [`Self::relative_nats`] or a little more; `-inf` where there is no probability among `factors`.
    #[inline(always)]
    pub(super) fn nats_above<A: Arithmetic>(&self, factors: &[f64], out: &mut Vec<f32>) {
        out.clear();
        out.resize(factors.len(), f32::NEG_INFINITY);
        let row = out.iter_mut().zip(self.row).zip(factors);
        match self.kind {
            // Apart and free of branches, so that it becomes vector code.
            InputKind::Logits | InputKind::LogProbs => {
                for ((out, &x), &p) in row {
                    let above = above((x.to_f64() - self.max) as f32);
                    *out = if p > A::ZERO { above } else { f32::NEG_INFINITY };
                }
            }
            InputKind::Probs => {
                for ((out, &x), _) in row.filter(|&(_, &p)| p > A::ZERO) {
                    *out = above(self.relative_nats(x.to_f64()) as f32);
                }
            }
        }
    }

    /// Whether a value is below the least log-probability asked for.
    fn is_left_out(&self, value: E) -> bool {
        self.relative_nats(value.to_f64()) + self.offset_nats < self.min_logp
    }

    /// Whether some class's probability may be too small for the arithmetic; also true where that was not looked at.
    pub(super) fn may_vanish(&self) -> bool {
        self.may_vanish
    }

    /// Whether a token's relative probability is too small for the arithmetic.
    pub(super) fn vanishes<A: Arithmetic>(&self, class: u32) -> bool {
        self.relative_token::<A>(self.row[class as usize]).1
    }

    /// A bar for [`super::row::largest`]: no class below it has a relative probability of `relative` or more, or is
    /// above the least log-probability asked for.
    pub(super) fn bar(&self, relative: f64) -> f64 {
        let least = self.min_logp - self.offset_nats;
        match self.kind {
            InputKind::Logits | InputKind::LogProbs => {
                let bar = relative.ln().max(least);
                // The rounding of the two additions must not lift the bar.
                let slack = 1e-12 * (self.max.abs() + bar.abs()) + 1e-12;
                if bar.is_infinite() { bar.max(f64::MIN) } else { (self.max + bar - slack).max(f64::MIN) }
            }
            InputKind::Probs => {
                let bar = if least > f64::NEG_INFINITY { relative.max(least.exp()) } else { relative };
                (bar * (1.0 - 1e-9) / self.factor).max(f64::from_bits(1))
            }
        }
    }
}

/// A little more than a number, or as much; of what single precision does not hold, its least.
#[inline(always)]
fn above(x: f32) -> f32 {
    // One instruction, which `max` is not.
    let x = if x > f32::MIN { x } else { f32::MIN };
    x + 1e-6 * x.abs()
}

fn what_is_wrong<E: Element>(row: &[E], kind: InputKind, frame: usize) -> FrameError {
    let wrong = |x: f64| x.is_nan() || x == f64::INFINITY || (kind == InputKind::Probs && x < 0.0);
    match row.iter().position(|x| wrong(x.to_f64())) {
        Some(class) => FrameError::Value { frame, class, value: row[class].to_f64() },
        None => FrameError::NoClass { frame },
    }
}
