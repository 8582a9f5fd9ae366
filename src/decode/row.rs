//! Passes over one row of class scores, written so that they vectorise.

use std::cmp::Ordering;

use crate::kernel::Element;

const LANES: usize = 16;

/// The largest value of a row of `[classes]` values: NaN if any is NaN, `-inf` for an empty row.
pub(super) fn row_max<E: Element>(row: &[E]) -> f64 {
    let Some(&first) = row.first() else {
        return f64::NEG_INFINITY;
    };
    let mut highest = [first; LANES];
    let mut nan = [false; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let x = chunk[lane];
            highest[lane] = if x > highest[lane] { x } else { highest[lane] };
            nan[lane] |= is_nan(x);
        }
    }
    for (lane, &x) in rest.iter().enumerate() {
        highest[lane] = if x > highest[lane] { x } else { highest[lane] };
        nan[lane] |= is_nan(x);
    }
    if nan.contains(&true) {
        return f64::NAN;
    }
    highest.iter().map(|x| x.to_f64()).fold(f64::NEG_INFINITY, f64::max)
}

/// The largest sum of two numbers in the same place of two rows of one length; `-inf` where there is none.
#[inline(always)]
pub(super) fn largest_sum(a: &[f32], b: &[f32]) -> f32 {
    let mut largest = [f32::NEG_INFINITY; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let sum = a[lane] + b[lane];
            largest[lane] = if sum > largest[lane] { sum } else { largest[lane] };
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a + b);
    rest.chain(largest).fold(f32::NEG_INFINITY, f32::max)
}

/// The first place of a value in a row.
#[inline(always)]
pub(super) fn position_of<E: Element>(row: &[E], value: f64) -> Option<usize> {
    let value = E::round_up(value);
    let (chunks, rest) = row.as_chunks::<LANES>();
    for (number, chunk) in chunks.iter().enumerate() {
        if any(chunk, |x| x == value) {
            let lane = chunk.iter().position(|&x| x == value)?;
            return Some(number * LANES + lane);
        }
    }
    let lane = rest.iter().position(|&x| x == value)?;
    Some(chunks.len() * LANES + lane)
}

/// Whether `test` holds for any value; looks at all of them, so that lanes do not wait for each other.
pub(super) fn any<E: Element>(values: &[E], test: impl Fn(E) -> bool) -> bool {
    let mut any = false;
    for &x in values {
        any |= test(x);
    }
    any
}

/// A class and its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scored {
    /// The value as it lies in the row.
    pub(super) value: f64,
    /// The class.
    pub(super) class: u32,
}

/// Larger values first, of equal ones the smaller class.
fn by_value(a: &Scored, b: &Scored) -> Ordering {
    // Not the total order, for which zeros differ.
    b.value.partial_cmp(&a.value).unwrap_or(Ordering::Equal).then(a.class.cmp(&b.class))
}

/// Puts into `out` the classes but `except` whose value is at least `lowest`: the `limit` largest of
/// them (the smaller class first where values are equal) and perhaps some that follow, in any order.
///
/// One look at the row; the bar rises as soon as enough classes were found.
pub(super) fn largest<E: Element>(row: &[E], lowest: f64, limit: usize, except: u32, out: &mut Vec<Scored>) {
    out.clear();
    let full = limit.saturating_mul(2).saturating_add(4 * LANES);
    let mut lowest = E::round_up(lowest);
    let mut first = 0;
    for chunk in row.chunks(LANES) {
        let some = <&[E; LANES]>::try_from(chunk).is_ok_and(|lanes| any(lanes, |x| x >= lowest));
        if some || chunk.len() < LANES {
            for (class, &x) in (first..).zip(chunk) {
                if x >= lowest && class != except {
                    out.push(Scored { value: x.to_f64(), class });
                }
            }
            if out.len() >= full {
                out.select_nth_unstable_by(limit - 1, by_value);
                out.truncate(limit);
                // What comes later is a larger class, so it has to be larger to matter.
                lowest = E::round_up(out[limit - 1].value.next_up());
            }
        }
        first += LANES as u32;
    }
}

#[expect(clippy::eq_op, reason = "a NaN is what differs from itself")]
fn is_nan<E: Element>(x: E) -> bool {
    x != x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_classes_are_found_at_every_length() {
        for classes in 0..200_u32 {
            // A permutation with every third value doubled, so that there are ties.
            let row: Vec<f32> = (0..classes).map(|i| ((i * 37 % 211) / 3) as f32).collect();
            let highest = row_max(&row);
            let mut order: Vec<u32> = (0..classes).filter(|&class| class != 5).collect();
            order.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize]).then(a.cmp(&b)));
            assert_eq!(highest, f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max)));
            assert_eq!(position_of(&row, highest), row.iter().position(|&x| f64::from(x) == highest));
            for limit in [1, 3, 40] {
                let mut found = Vec::new();
                largest(&row, 20.0, limit, 5, &mut found);
                found.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.class.cmp(&b.class)));
                let found: Vec<u32> = found.iter().map(|s| s.class).take(limit).collect();
                let wanted = order.iter().copied().filter(|&class| row[class as usize] >= 20.0);
                assert_eq!(found, wanted.take(limit).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_nan_is_noticed_anywhere() {
        for place in 0..40 {
            let mut row = vec![-1.0_f32; 40];
            row[place] = f32::NAN;
            assert!(row_max(&row).is_nan());
        }
    }
}
