//! The kernels against their naive versions: for each instruction set of this machine, at every length around
//! the lanes' widths, on values where single precision or a plain sum would lose digits.

use ctctool::kernel::{
    Element, InstructionSet, LogSumExp, Rows, Sum, Tiles, fast_log_sum_exp_rows, fast_log_sum_exp_tiles,
    log_sum_exp, log_sum_exp_rows,
};
use ctctool::logits::{InputKind, RowScale};
use ctctool::loss::Emissions;
use ctctool::loss::ctc::{CtcLabels, loss_of_emissions_on};

use crate::oracle::{ctc_by_recursion, log_softmax};
use crate::support::SplitMix;

/// What single precision may lose of a loss.
const FAST: f64 = 2e-7;
/// Some rounding errors of doubles: of the exponentials, of their sum, of the logarithm.
const DOUBLE: f64 = 1e-14;

/// The largest value, and `ln Σ exp(x - max)` with one maximum's 1 left to the logarithm.
fn naive(row: &[f64]) -> (f64, f64) {
    let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut terms: Vec<f64> = row.iter().map(|x| (x - max).exp()).collect();
    terms.sort_by(f64::total_cmp);
    terms.pop();
    (max, terms.into_iter().collect::<Sum>().value().ln_1p())
}

/// The rows, whose values lie apart and among others of a plane, by the kernel for such; none where they are too long.
fn side_by_side<E: Element>(set: InstructionSet, rows: &[&[E]]) -> Vec<LogSumExp> {
    const BEFORE: usize = 5;
    let Some(mut tiles) = rows.first().and_then(|row| Tiles::new(row.len())) else { return Vec::new() };
    let nan = E::round_up(f64::NAN);
    let mut found = Vec::new();
    for rows in rows.chunks(tiles.most()) {
        let values = |class: usize| {
            let before = std::iter::repeat_n(nan, BEFORE);
            before.chain(rows.iter().map(move |row| row[class])).chain([nan])
        };
        let plane: Vec<E> = (0..tiles.classes()).flat_map(values).collect();
        tiles.clear();
        // In one piece, or a few at a time.
        let part = if rows.len().is_multiple_of(2) { rows.len() } else { 1 + rows.len() / 3 };
        for first in (0..rows.len()).step_by(part) {
            tiles.add(&plane, BEFORE + first..BEFORE + rows.len().min(first + part));
        }
        assert!(tiles.len() == rows.len() && tiles.is_empty() == rows.is_empty());
        let mut of_these = vec![LogSumExp::ZERO; rows.len()];
        fast_log_sum_exp_tiles(set, &tiles, &mut of_these);
        found.extend(of_these);
    }
    found
}

fn check<E: Element>(rows: &[Vec<E>], tolerance: f64, fast: bool) {
    for set in InstructionSet::available() {
        for row in rows {
            let (max, log_sum) = naive(&row.iter().map(|x| x.to_f64()).collect::<Vec<_>>());
            let other: Vec<E> = row.iter().rev().copied().collect();
            // One alone; a few that share a tile of sixteen; a full tile and one that is not; several and a rest.
            // And some apart, with what makes any row another between them.
            for (count, gap) in [(1, 0), (3, 0), (19, 0), (70, 0), (5, 1), (35, 7)] {
                let stride = row.len() + gap;
                let mut values = Vec::new();
                for i in 0..count {
                    values.extend_from_slice(if i % 2 == 0 { row } else { &other });
                    values.resize((i + 1) * stride, E::round_up(1e30));
                }
                let rows = Rows::apart(&values[..values.len() - gap], row.len(), stride);
                let mut found = vec![LogSumExp::ZERO; count];
                if fast {
                    fast_log_sum_exp_rows(set, rows, &mut found);
                    let rows: Vec<&[E]> = rows.iter().collect();
                    found.extend(side_by_side(set, &rows));
                } else {
                    log_sum_exp_rows(set, rows, &mut found);
                }
                for found in found {
                    let close = found.max == max && (found.log_sum - log_sum).abs() <= tolerance * log_sum;
                    let shown: Vec<f64> = row.iter().take(8).map(|x| x.to_f64()).collect();
                    let name = set.name();
                    assert!(close, "{name}: {found:?} for {max}, {log_sum}: {} of {shown:?}", row.len());
                }
            }
        }
    }
}

/// The rows in both precisions, in single precision by both kernels.
fn check_all(rows: &[Vec<f64>]) {
    let single: Vec<Vec<f32>> = rows.iter().map(|row| row.iter().map(|&x| x as f32).collect()).collect();
    check(rows, DOUBLE, false);
    check(rows, DOUBLE, true);
    check(&single, DOUBLE, false);
    check(&single, FAST, true);
}

fn lengths() -> impl Iterator<Item = usize> {
    let around = |n: usize| n - 1..n + 2;
    (1..=300)
        .chain(around(512))
        .chain(around(1024))
        .chain(around(2048))
        .chain(around(3072))
        .chain(around(4096))
        .chain(around(8192))
        .chain([10_007])
}

#[test]
fn every_length_is_summed_right() {
    let mut random = SplitMix(1);
    let rows: Vec<Vec<f64>> = lengths().map(|len| (0..len).map(|_| random.score()).collect()).collect();
    check_all(&rows);
    let equal: Vec<Vec<f64>> = lengths().map(|len| vec![0.1; len]).collect();
    check_all(&equal);
    // One value far above all others, anywhere.
    let sure = |len: usize| {
        let mut row: Vec<f64> = (0..len).map(|_| random.score() - 20.0).collect();
        row[random.below(len)] = 9.3;
        row
    };
    check_all(&lengths().map(sure).collect::<Vec<_>>());
}

/// Rows that are certain, of large numbers or no distributions, among others: each is what it is alone, to the last bit
/// whichever rows are beside it.
#[test]
fn rows_out_of_the_ordinary_are_what_they_are_among_others() {
    let mut random = SplitMix(7);
    for set in InstructionSet::available() {
        for classes in (1..12).chain([16, 63, 100, 128, 129, 300]) {
            let rows: Vec<Vec<f32>> = (0..150)
                .map(|_| {
                    let mut row: Vec<f32> = (0..classes).map(|_| random.score() as f32).collect();
                    let at = random.below(classes);
                    match random.below(12) {
                        0 => row[at] += 90.0,
                        1 => row[at] += 3000.0,
                        2 => row.iter_mut().for_each(|x| *x *= 100.0),
                        3 => row[at] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][random.below(3)],
                        4 => row.fill(f32::NEG_INFINITY),
                        _ => {}
                    }
                    row
                })
                .collect();
            let of = |rows: &[Vec<f32>]| {
                let mut found = vec![LogSumExp::ZERO; rows.len()];
                fast_log_sum_exp_rows(set, Rows::new(&rows.concat(), classes), &mut found);
                found
            };
            let all = of(&rows);
            for (row, found) in rows.iter().zip(&all) {
                let alone = log_sum_exp(row);
                let close =
                    alone.max == found.max && (found.log_sum - alone.log_sum).abs() <= FAST * alone.log_sum;
                assert!(
                    close || !alone.is_proper() && !found.is_proper(),
                    "{}: {found:?} for {alone:?}, {classes}",
                    set.name()
                );
            }
            let bits = |found: &LogSumExp| [found.max.to_bits(), found.log_sum.to_bits()];
            let tail = 1 + random.below(100);
            for (found, other) in
                of(&rows[tail..]).iter().zip(&all[tail..]).filter(|(_, all)| all.is_proper())
            {
                assert_eq!(bits(found), bits(other), "{}: {classes} from {tail} on", set.name());
            }
        }
    }
}

/// One value makes up most of the sum, and each of many others is next to half a unit of its last place.
#[test]
fn small_terms_beside_a_large_one_are_not_lost() {
    for step in 0..400 {
        let x = -3.3_f32 - 0.001 * step as f32;
        for below in [16.6_f32, 17.0, 17.3, 17.4, 18.0] {
            for others in [14, 62, 126, 198, 1000] {
                let row: Vec<f32> =
                    [x, 0.0].into_iter().chain(std::iter::repeat_n(x - below, others)).collect();
                let (_, expected) = naive(&row.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
                for set in InstructionSet::available() {
                    let mut found = [LogSumExp::ZERO; 4];
                    fast_log_sum_exp_rows(set, Rows::new(&row.repeat(4), row.len()), &mut found);
                    let off = (found[3].log_sum - expected).abs() / expected;
                    assert!(off <= FAST, "{}, {x} and {others} at {below} below it: {off:e}", set.name());
                }
            }
        }
    }
}

/// Of many rows some are unlucky: each rounding of theirs is a bad one, and all in one direction.
#[test]
fn unlucky_rows_are_as_exact_as_others() {
    let mut random = SplitMix(8);
    for classes in [5, 12, 24, 32, 97, 200, 1000] {
        for scale in [0.5, 1.0] {
            let count = 300_000 / classes;
            let values: Vec<f32> = (0..count * classes).map(|_| (random.score() * scale) as f32).collect();
            let expected: Vec<f64> = values
                .chunks(classes)
                .map(|row| naive(&row.iter().map(|&x| f64::from(x)).collect::<Vec<_>>()).1)
                .collect();
            for set in InstructionSet::available() {
                let mut found = vec![LogSumExp::ZERO; count];
                fast_log_sum_exp_rows(set, Rows::new(&values, classes), &mut found);
                let off = |(found, expected): (&LogSumExp, &f64)| (found.log_sum - expected).abs() / expected;
                let worst = found.iter().zip(&expected).map(off).fold(0.0, f64::max);
                assert!(worst <= FAST, "{}, {classes} classes: {worst:e}", set.name());
            }
        }
    }
}

/// The loss of a sure row is `ln(1 + s)`: `s` alone decides, however small.
#[test]
fn what_is_beside_the_maximum_keeps_its_digits() {
    let mut rows = Vec::new();
    for max in [0.0, 0.3, 5.3, -17.2, 100.7, 255.9, 256.1, -300.4, 1e4] {
        for step in 1..800 {
            let below = max - f64::from(step) * 0.097;
            rows.push(vec![max, below]);
            rows.push(vec![below, below, max, below - 0.4, below - 3.0]);
        }
        for count in [20, 100, 1000] {
            let mut row = vec![max - 14.7; count];
            row[count / 3] = max;
            rows.push(row);
        }
    }
    // As single precision has them, so that all kernels see the same values.
    let rows: Vec<Vec<f64>> =
        rows.into_iter().map(|row| row.into_iter().map(|x| f64::from(x as f32)).collect()).collect();
    check_all(&rows);
}

#[test]
fn any_magnitude_is_right() {
    let mut rows = Vec::new();
    for scale in [1e-30, 1e-3, 30.0, 300.0, 1e6, 1e12, 1e30, 3e38] {
        for len in [2, 17, 64, 129, 1000] {
            let mut random = SplitMix(len as u64);
            rows.push((0..len).map(|_| f64::from((random.score() / 8.0 * scale) as f32)).collect());
            // A maximum that is there more than once.
            rows.push((0..len).map(|i| if i % 3 == 0 { scale } else { -scale }).collect());
        }
    }
    let single = |row: Vec<f64>| row.into_iter().map(|x| f64::from(x as f32)).collect();
    check_all(&rows.into_iter().map(single).collect::<Vec<_>>());
    // Impossible classes, and nothing beside the maximum.
    for len in [1, 2, 5, 64, 128, 129, 5000] {
        let mut row = vec![f64::NEG_INFINITY; len];
        row[len / 2] = 3.0;
        check_all(&[row.clone()]);
        row[0] = 2.0;
        check_all(&[row]);
    }
}

/// To where what is beneath the largest value counts as nothing.
#[test]
fn what_is_far_beneath_the_largest_is_not_lost() {
    for len in [2, 3, 100, 128, 129, 200, 1500] {
        let rows = [690.0, 699.9, 700.1, 704.0, 707.9].map(|margin: f64| {
            let mut row = vec![f64::NEG_INFINITY; len];
            (row[0], row[len / 2]) = (-margin, 0.0);
            row
        });
        // Singles take the same.
        let single: Vec<Vec<f32>> = rows.iter().map(|row| row.iter().map(|&x| x as f32).collect()).collect();
        check(&rows, DOUBLE, false);
        check(&single, DOUBLE, false);
        check(&single, DOUBLE, true);
    }
}

fn all_kernels<E: Element>(row: &[E]) -> Vec<LogSumExp> {
    let mut found = vec![log_sum_exp(row)];
    for set in InstructionSet::available() {
        // One alone, and a full tile and another.
        for count in [1, 17] {
            let mut out = vec![LogSumExp::ZERO; count];
            log_sum_exp_rows(set, Rows::new(&row.repeat(count), row.len()), &mut out);
            found.extend_from_slice(&out);
            fast_log_sum_exp_rows(set, Rows::new(&row.repeat(count), row.len()), &mut out);
            found.extend_from_slice(&out);
            found.extend(side_by_side(set, &vec![row; count]));
        }
    }
    found
}

/// What was there before does not count, nor what fills up a tile.
#[test]
fn rows_side_by_side_are_those_that_were_taken_last() {
    for classes in [1, 2, 3, 4, 5, 7, 21, 100, 128, 129, 150, 512] {
        let mut tiles = Tiles::<f32>::new(classes).expect("few enough");
        let inner = tiles.most() + 3;
        let value = |class: usize, place: usize| ((class * 31 + place * 7) % 1009) as f32;
        let plane: Vec<f32> = (0..classes * inner).map(|at| value(at / inner, at % inner)).collect();
        for rows in [0..tiles.most(), 3..inner, 0..1, 1..17, 0..0, 2..35, inner - 1..inner] {
            let rows = rows.start..rows.end.min(rows.start + tiles.most());
            tiles.clear();
            tiles.add(&plane, rows.clone());
            let expected: Vec<f32> =
                rows.clone().flat_map(|place| (0..classes).map(move |class| value(class, place))).collect();
            assert_eq!((tiles.rows(), tiles.len()), (expected, rows.len()), "{classes} {rows:?}");
            for (row, place) in rows.enumerate() {
                assert_eq!(tiles.get(row, classes - 1), value(classes - 1, place));
            }
        }
    }
    assert!(Tiles::<f32>::new(0).is_none() && Tiles::<f32>::new(513).is_none());
    assert!(Tiles::<f64>::new(128).is_some() && Tiles::<f64>::new(129).is_none());
}

#[test]
fn what_is_not_finite_is_seen_wherever_it_is() {
    for len in (1..140).chain([255, 257, 1025, 4095, 4097]) {
        for at in (0..len).step_by(if len < 140 { 1 } else { 61 }) {
            let mut row = vec![1.0_f32; len];
            row[at] = f32::NAN;
            assert!(all_kernels(&row).iter().all(|lse| lse.max.is_nan()), "NaN at {at} of {len}");
            // NaN is stronger than anything else.
            let mut others = vec![f32::NEG_INFINITY; len];
            others[0] = f32::INFINITY;
            others[at] = f32::NAN;
            assert!(all_kernels(&others).iter().all(|lse| lse.max.is_nan()), "NaN at {at} of {len}, inf");
            let double = |row: &[f32]| row.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
            assert!(all_kernels(&double(&row)).iter().all(|lse| lse.max.is_nan()), "NaN at {at} of {len}");
            assert!(all_kernels(&double(&others)).iter().all(|lse| lse.max.is_nan()), "NaN at {at} of {len}");
            row[at] = f32::INFINITY;
            let infinite = |lse: &LogSumExp| lse.value() == f64::INFINITY;
            assert!(all_kernels(&row).iter().all(infinite), "inf at {at} of {len}");
            assert!(all_kernels(&double(&row)).iter().all(infinite), "inf at {at} of {len}");
        }
        let nothing = all_kernels(&vec![f64::NEG_INFINITY; len]);
        assert!(nothing.iter().all(|lse| lse.value() == f64::NEG_INFINITY && !lse.is_proper()));
    }
}

/// Long rows come in blocks, and a block without a number has no largest: it may have a NaN all the same.
#[test]
fn a_nan_among_nothing_but_minus_infinity_is_seen() {
    for block in [1024, 2048, 4096] {
        for at in [block, block + 7, 2 * block - 1] {
            let mut row: Vec<f32> = (0..3 * block + 5).map(|i| (i % 9) as f32).collect();
            row[block..2 * block].fill(f32::NEG_INFINITY);
            let finite = all_kernels(&row);
            assert!(finite.iter().all(|lse| lse.value().is_finite()), "{block}");
            row[at] = f32::NAN;
            assert!(all_kernels(&row).iter().all(|lse| lse.max.is_nan()), "NaN at {at}, blocks of {block}");
        }
    }
}

/// Both recursions with every instruction set, on what linear space can and can't hold.
#[test]
fn ctc_is_the_same_with_every_instruction_set() {
    let mut random = SplitMix(4);
    for (frames, length, scale) in
        [(1, 1, 1.0), (9, 3, 1.0), (200, 40, 1.0), (300, 140, 3.0), (100, 20, 500.0)]
    {
        let classes = 30;
        let labels: Vec<u32> = (0..length).map(|_| 1 + random.below(classes - 1) as u32).collect();
        let checked = CtcLabels::new(&labels, classes, 0).unwrap();
        let rows: Vec<Vec<f64>> = (0..frames)
            .map(|_| log_softmax(&(0..classes).map(|_| random.score() * scale).collect::<Vec<_>>()))
            .collect();
        let mut gathered = vec![0.0; frames * checked.columns().count()];
        for (row, out) in rows.iter().zip(gathered.chunks_exact_mut(checked.columns().count())) {
            checked.columns().gather(row, RowScale::new(row, InputKind::LogProbs), out);
        }
        let emissions = Emissions::new(&gathered, &checked);
        let expected = ctc_by_recursion(&rows, &labels, 0);
        for set in InstructionSet::available() {
            let found = loss_of_emissions_on(set, &emissions).loss_nats;
            let close = found == expected || (found - expected).abs() <= 1e-12 * expected;
            assert!(close, "{}, {frames} frames: {found} for {expected}", set.name());
        }
    }
}
