//! Sorting by mass, the heaviest first.

use std::cmp::Ordering;

/// The buffers to sort lists.
#[derive(Clone, Debug)]
pub(super) struct Order<T> {
    keys: Vec<u64>,
    merged: Vec<u64>,
    sorted: Vec<T>,
}

/// Lists that are sorted sooner as they are.
const SHORT: usize = 20;
/// So many runs are merged sooner than sorted.
const FEW_RUNS: usize = 8;

impl<T: Copy> Order<T> {
    pub(super) fn new() -> Self {
        Self { keys: Vec::new(), merged: Vec::new(), sorted: Vec::new() }
    }

    /// Puts the heaviest first, and those of equal mass in the order of `ties`. No mass is NaN.
    ///
    /// Integers are sorted several times as fast as anything larger, so each is one: its mass without the last
    /// bits, and there its place.
    pub(super) fn sort(
        &mut self,
        list: &mut Vec<T>,
        mass: impl Fn(&T) -> f64,
        ties: impl Fn(&T, &T) -> Ordering,
    ) {
        let heavier = |a: &T, b: &T| mass(b).partial_cmp(&mass(a)).unwrap_or(Ordering::Equal);
        let order = |a: &T, b: &T| heavier(a, b).then_with(|| ties(a, b));
        if list.len() <= SHORT {
            list.sort_by(order);
            return;
        }
        let Self { keys, merged, sorted } = self;
        let places = list.len().next_power_of_two() as u64 - 1;
        keys.clear();
        keys.extend((0..).zip(&*list).map(|(place, item)| descending(mass(item)) & !places | place));
        sort(keys, merged);
        sorted.clear();
        sorted.extend(keys.iter().map(|&key| list[(key & places) as usize]));
        std::mem::swap(list, sorted);
        if keys.windows(2).all(|two| two[0] | places != two[1] | places) {
            return;
        }
        let mut rest = list.as_mut_slice();
        for keys in keys.chunk_by(|&a, &b| a | places == b | places) {
            let (similar, after) = rest.split_at_mut(keys.len());
            // Mostly they were equal before, and are in order.
            if !similar.is_sorted_by(|a, b| order(a, b) != Ordering::Greater) {
                similar.sort_unstable_by(order);
            }
            rest = after;
        }
    }
}

/// Sorts keys, which mostly come in a few runs: those are merged, two by two.
fn sort(keys: &mut Vec<u64>, merged: &mut Vec<u64>) {
    let mut runs = 1 + keys.windows(2).filter(|two| two[0] > two[1]).count();
    if runs > FEW_RUNS {
        keys.sort_unstable();
        return;
    }
    while runs > 1 {
        merged.clear();
        let mut rest = keys.as_slice();
        while !rest.is_empty() {
            let (a, after) = split_run(rest);
            let (b, after) = split_run(after);
            merge(a, b, merged);
            rest = after;
        }
        std::mem::swap(keys, merged);
        runs = runs.div_ceil(2);
    }
}

/// The keys at the beginning that are in order, and the others.
fn split_run(keys: &[u64]) -> (&[u64], &[u64]) {
    keys.split_at(keys.windows(2).position(|two| two[0] > two[1]).map_or(keys.len(), |last| last + 1))
}

/// Appends what is in two lists, each in order, in order.
fn merge(mut a: &[u64], mut b: &[u64], merged: &mut Vec<u64>) {
    while let (Some((&first, after_first)), Some((&second, after_second))) =
        (a.split_first(), b.split_first())
    {
        if first < second {
            merged.push(first);
            a = after_first;
        } else {
            merged.push(second);
            b = after_second;
        }
    }
    merged.extend_from_slice(a);
    merged.extend_from_slice(b);
}

/// Orders as the mass does, the largest first.
fn descending(mass: f64) -> u64 {
    // Both zeros are one.
    let bits = (mass + 0.0).to_bits();
    let sign = (bits.cast_signed() >> 63).cast_unsigned();
    bits ^ !(sign | 1 << 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with a plain sort; of equal masses the larger number is first.
    fn check(order: &mut Order<(f64, u32)>, mut list: Vec<(f64, u32)>) {
        let mut wanted = list.clone();
        wanted.sort_by(|a, b| b.partial_cmp(a).expect("no NaN"));
        order.sort(&mut list, |item| item.0, |a, b| b.1.cmp(&a.1));
        assert_eq!(list, wanted);
    }

    /// Masses whose differences are in all digits or in the last ones only.
    #[test]
    fn lists_are_in_the_order_of_their_masses_and_ties() {
        let mut order = Order::new();
        for len in 0..70_u32 {
            for kind in 0..5 {
                let item = |i: u32| {
                    let spread = i * 37 % 101;
                    let mass = match kind {
                        0 => f64::from(spread).exp(),
                        1 => -f64::from(spread) * 0.7,
                        2 => f64::from_bits(1.5_f64.to_bits() + u64::from(spread % 20)),
                        3 => [0.0, f64::NEG_INFINITY, -0.0, -1.0, 1e-320][spread as usize % 5],
                        _ => 1.0,
                    };
                    (mass, spread)
                };
                check(&mut order, (0..len).map(item).collect());
            }
        }
    }

    #[test]
    fn lists_of_a_few_runs_are_in_order() {
        let mut order = Order::new();
        for len in 0..120_u32 {
            for run in 1..=len {
                check(&mut order, (0..len).map(|i| (-f64::from(i % run), i)).collect());
                check(
                    &mut order,
                    (0..len).map(|i| (-f64::from(i % run) - f64::from(i / run).sqrt(), i)).collect(),
                );
            }
        }
    }
}
