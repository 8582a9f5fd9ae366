//! The class with the largest value of a row, in passes that vectorise.

use crate::kernel::Element;

const LANES: usize = 16;

/// The largest value of a row of `[classes]` values: NaN if any is NaN, `-inf` for an empty row.
pub(crate) fn row_max<E: Element>(row: &[E]) -> f64 {
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

/// The first place of a value in a row.
#[allow(clippy::inline_always)] // once a frame of a greedy path
#[inline(always)]
pub(crate) fn position_of<E: Element>(row: &[E], value: f64) -> Option<usize> {
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
pub(crate) fn any<E: Element>(values: &[E], test: impl Fn(E) -> bool) -> bool {
    let mut any = false;
    for &x in values {
        any |= test(x);
    }
    any
}

#[expect(clippy::eq_op, reason = "a NaN is what differs from itself")]
fn is_nan<E: Element>(x: E) -> bool {
    x != x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_and_its_place_are_found_at_every_length() {
        for classes in 0..200_u32 {
            // A permutation with every third value doubled, so that there are ties.
            let row: Vec<f32> = (0..classes).map(|i| ((i * 37 % 211) / 3) as f32).collect();
            let highest = row_max(&row);
            assert_eq!(highest, f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max)));
            assert_eq!(position_of(&row, highest), row.iter().position(|&x| f64::from(x) == highest));
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
