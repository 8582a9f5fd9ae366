//! What a comparison found of how two matrices differ, in words.

use std::ops::Range;

use super::Shortest;
use crate::metrics::{Operation, Relation, ShortFloat};

/// A sentence without its end; `names` are those of the base and of the new one, and `shape` is theirs.
pub(crate) fn relation_text(relation: &Relation, names: [&str; 2], shape: &[usize]) -> String {
    let [of, made] = if relation.inverse { [names[1], names[0]] } else { names };
    let what = match &relation.operation {
        Operation::Times(factor) => format!("{of} {}", by_factor(*factor)),
        Operation::Plus(offset) => {
            let sign = if *offset < 0.0 { "minus" } else { "plus" };
            format!("{of} {sign} {}", Shortest(rounded(offset.abs())))
        }
        Operation::Rounded(short) => match short {
            ShortFloat::Bfloat16 => format!("{of} rounded to bfloat16"),
            ShortFloat::TruncatedBfloat16 => format!("{of} cut off to bfloat16, not rounded"),
            ShortFloat::Float16 => format!("{of} rounded to float16"),
        },
        Operation::Exp => format!("exp of {of}"),
        Operation::Softmax { axis } => format!("softmax of {of} along axis {axis}"),
        Operation::LogSoftmax { axis } => format!("log_softmax of {of} along axis {axis}"),
        Operation::PlusConstants { axis } => {
            format!("{of} plus a constant for each vector along axis {axis}, so softmax of both is the same")
        }
        Operation::Flip { axis } => format!("numpy.flip({of}, axis={axis})"),
        Operation::Roll { shift, axis } => format!("numpy.roll({of}, {shift}, axis={axis})"),
        Operation::Transpose { axes } => {
            let tuple = |numbers: &[usize]| format!("{numbers:?}").replace('[', "(").replace(']', ")");
            let other_shape = axes.iter().zip(shape).any(|(&axis, &size)| shape[axis] != size);
            let reshaped = if other_shape { format!(".reshape{}", tuple(shape)) } else { String::new() };
            format!("numpy.transpose({of}, {}){reshaped}", tuple(axes))
        }
    };
    format!("{made} looks like {what}")
}

/// A part of a matrix of `shape`, as NumPy slices it.
pub(crate) fn region_text(region: &[Range<usize>], shape: &[usize]) -> String {
    let slice = |(range, &size): (&Range<usize>, &usize)| match (range.start, range.end) {
        (0, end) if end == size => ":".to_owned(),
        (start, end) if end == start + 1 => start.to_string(),
        (0, end) => format!(":{end}"),
        (start, end) if end == size => format!("{start}:"),
        (start, end) => format!("{start}:{end}"),
    };
    let slices: Vec<String> = region.iter().zip(shape).map(slice).collect();
    format!("[{}]", slices.join(", "))
}

/// As many digits as one would compare.
fn rounded(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap_or(x)
}

/// In words, where the factor is of a kind that is known.
fn by_factor(factor: f64) -> String {
    use std::f64::consts::{LN_2, LN_10, LOG2_E, LOG10_E};
    let is = |number: f64| (factor - number).abs() <= 1e-4 * number.abs();
    let number = Shortest(rounded(factor));
    for (known, what) in [
        (LOG2_E, "1 / ln 2: base-2 instead of natural logarithms"),
        (LN_2, "ln 2: natural instead of base-2 logarithms"),
        (LOG10_E, "1 / ln 10: base-10 instead of natural logarithms"),
        (LN_10, "ln 10: natural instead of base-10 logarithms"),
    ] {
        if is(known) {
            return format!("times {number} ({what})");
        }
    }
    let divisor = factor.recip();
    if divisor.abs() >= 1.5 && is(divisor.round().recip()) {
        return format!("divided by {}", Shortest(divisor.round()));
    }
    format!("times {number}")
}
