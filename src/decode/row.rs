//! Passes over one row of class scores, written so that they vectorise.

use std::cmp::Ordering;

use crate::kernel::Element;
use crate::logits::any;

const LANES: usize = 16;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_classes_are_found_at_every_length() {
        for classes in 0..200_u32 {
            // A permutation with every third value doubled, so that there are ties.
            let row: Vec<f32> = (0..classes).map(|i| ((i * 37 % 211) / 3) as f32).collect();
            let mut order: Vec<u32> = (0..classes).filter(|&class| class != 5).collect();
            order.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize]).then(a.cmp(&b)));
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
}
