//! The shares against all alignments, and each kind of numbers against the other.

use super::*;

/// The shares, where numbers of this kind can hold the frames.
fn shares_in<R: Recursion>(set: InstructionSet, emissions: &Emissions, span: usize) -> Option<Vec<f64>> {
    shares_or_slopes_in::<R>(set, emissions, false, span)
}

fn shares_or_slopes_in<R: Recursion>(
    set: InstructionSet,
    emissions: &Emissions,
    slopes: bool,
    span: usize,
) -> Option<Vec<f64>> {
    let mut shares: Vec<f64> = emissions.iter().flatten().copied().collect();
    let item = Item::new(set, emissions.labels(), emissions.frames(), slopes, span);
    let backward = R::new(&item, &item.reversed);
    in_spans(&item, &mut shares, emissions.frames(), backward, &mut Vec::new()).then_some(shares)
}

/// The shares as far as linear space can hold them, from the end, and the number of frames that are left.
fn shares_in_linear_space(set: InstructionSet, emissions: &Emissions, span: usize) -> (Vec<f64>, usize) {
    let mut shares: Vec<f64> = emissions.iter().flatten().copied().collect();
    let item = Item::new(set, emissions.labels(), emissions.frames(), false, span);
    let rest = linear::write_shares(&item, &mut shares, &mut LinearRoom::default());
    (shares, rest.map_or(0, |rest| rest.frames))
}

fn occupancy_of(emissions: &Emissions) -> Vec<f64> {
    let mut shares: Vec<f64> = emissions.iter().flatten().copied().collect();
    occupancy(emissions.labels(), &mut shares, false, &mut OccupancyRoom::default());
    shares
}

/// Labels with repeats, and log-probabilities that `log_prob` makes of a frame's and a column's number.
fn emissions(labels: &CtcLabels, frames: usize, log_prob: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let columns = labels.columns().count();
    (0..frames * columns).map(|at| log_prob(at / columns, at % columns)).collect()
}

#[test]
fn spans_of_any_length_give_the_same_shares() {
    let labels = CtcLabels::new(&[1, 2, 2, 3, 1], 4, 0).unwrap();
    let set = InstructionSet::best();
    for frames in [6, 7, 16, 29] {
        let log_probs =
            emissions(&labels, frames, |frame, column| -(((frame * 4 + column) * 37 % 101) as f64) * 0.05);
        let emissions = Emissions::new(&log_probs, &labels);
        let bits = |shares: Option<Vec<f64>>| -> Vec<u64> {
            shares.unwrap().into_iter().map(f64::to_bits).collect()
        };
        let whole = [
            bits(shares_in::<InAnySize>(set, &emissions, frames)),
            bits(shares_in::<InLogSpace>(set, &emissions, frames)),
        ];
        assert_eq!(whole[0].len(), log_probs.len());
        for span in 1..frames {
            assert_eq!(bits(shares_in::<InAnySize>(set, &emissions, span)), whole[0], "{frames}, {span}");
            assert_eq!(bits(shares_in::<InLogSpace>(set, &emissions, span)), whole[1], "{frames}, {span}");
            // Where the exponents are set anew depends on the span, and these are exact.
            let (linear, rest) = shares_in_linear_space(set, &emissions, span);
            let any_size = shares_in::<InAnySize>(set, &emissions, span).unwrap();
            assert_near(&linear, &any_size, 1e-14, &format!("{frames}, {span}"));
            assert_eq!(rest, 0);
        }
    }
}

/// The columns of each path through so many frames that reads as the labels.
fn paths_of(labels: &[u32], frames: usize, columns: usize) -> impl Iterator<Item = Vec<usize>> {
    let all = (0..columns.pow(frames as u32)).map(move |code| {
        let column = |frame: usize| code / columns.pow(frame as u32) % columns;
        (0..frames).map(column).collect::<Vec<usize>>()
    });
    all.filter(move |path| {
        let mut read = path.clone();
        read.dedup();
        read.retain(|&column| column != 0);
        read.iter().map(|&column| column as u32).eq(labels.iter().copied())
    })
}

/// Each alignment's probability, added up where it is, over that of all: the definition. With `slopes`, where a
/// column has no chance its alignments count as if it had one of 1.
fn by_enumeration(emissions: &Emissions, labels: &[u32], columns: usize, slopes: bool) -> Vec<f64> {
    let frames = emissions.frames();
    let mut shares = vec![0.0; frames * columns];
    let mut total = 0.0;
    for path in paths_of(labels, frames, columns) {
        let log_probs: Vec<f64> = path.iter().enumerate().map(|(t, &c)| emissions.frame(t)[c]).collect();
        total += log_probs.iter().sum::<f64>().exp();
        for (frame, &column) in path.iter().enumerate() {
            let mut log_probs = log_probs.clone();
            if slopes && log_probs[frame] == f64::NEG_INFINITY {
                log_probs[frame] = 0.0;
            }
            shares[frame * columns + column] += log_probs.iter().sum::<f64>().exp();
        }
    }
    shares.into_iter().map(|share| share / total).collect()
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let near = (found - expected).abs() <= tolerance * expected.abs() + 1e-14;
        assert!(near || found.is_nan() && expected.is_nan(), "{what}, {at}: {found} for {expected}");
    }
}

fn largest_finite(frame: &[f64]) -> f64 {
    frame.iter().map(|x| x.abs()).filter(|x| x.is_finite()).fold(0.0, f64::max)
}

#[test]
fn shares_are_those_of_all_alignments() {
    let label_lists: [&[u32]; 7] = [&[], &[1], &[1, 1], &[1, 2], &[2, 1, 2], &[1, 1, 2], &[2, 2, 2]];
    for of_labels in label_lists {
        let labels = CtcLabels::new(of_labels, 3, 0).unwrap();
        let columns = labels.columns().count();
        let of_label = labels.columns().of_label();
        for frames in labels.frames_needed()..8 {
            let impossible = |frame: usize, column: usize| frame == 2 && column == 1 && frames > 6;
            let log_probs = emissions(&labels, frames, |frame, column| {
                let log_prob = -(((frame * 3 + column) * 37 % 11) as f64) * 0.3;
                if impossible(frame, column) { f64::NEG_INFINITY } else { log_prob }
            });
            let emissions = Emissions::new(&log_probs, &labels);
            let expected = by_enumeration(&emissions, of_label, columns, false);
            for set in InstructionSet::available() {
                let wide = shares_in::<InAnySize>(set, &emissions, 3).unwrap();
                let what = format!("{of_labels:?}, {frames}, {}", set.name());
                assert_near(&wide, &expected, 1e-13, &what);
                for span in [3, frames.max(1)] {
                    let (linear, rest) = shares_in_linear_space(set, &emissions, span);
                    assert_eq!(rest, 0, "{what}");
                    assert_near(&linear, &expected, 1e-13, &what);
                }
            }
            let log_space = shares_in::<InLogSpace>(InstructionSet::best(), &emissions, 3).unwrap();
            assert_near(&log_space, &expected, 1e-13, &format!("{of_labels:?}, {frames}, log space"));
        }
    }
}

#[test]
fn slopes_are_those_of_all_alignments() {
    let mut impossible = 0;
    for of_labels in [&[][..], &[1], &[1, 1], &[1, 2], &[2, 1, 2], &[2, 2, 2]] {
        let labels = CtcLabels::new(of_labels, 3, 0).unwrap();
        let (columns, of_label) = (labels.columns().count(), labels.columns().of_label());
        for frames in labels.frames_needed().max(1)..7 {
            for seed in 0..12 {
                let log_probs = emissions(&labels, frames, |frame, column| {
                    let number = (frame * 31 + column * 17 + seed * 7) * 37 % 101;
                    if number % 4 == 0 { f64::NEG_INFINITY } else { -(number as f64) * 0.1 }
                });
                let emissions = Emissions::new(&log_probs, &labels);
                let mut expected = by_enumeration(&emissions, of_label, columns, true);
                if !by_enumeration(&emissions, of_label, columns, false)[0].is_finite() {
                    expected.fill(f64::NAN);
                }
                let slopes = expected
                    .iter()
                    .zip(&log_probs)
                    .filter(|(slope, log_prob)| **slope > 0.0 && **log_prob == f64::NEG_INFINITY);
                impossible += slopes.count();
                let what = format!("{of_labels:?}, {frames}, {seed}");
                for span in 1..=frames {
                    for set in InstructionSet::available() {
                        let wide = shares_or_slopes_in::<InAnySize>(set, &emissions, true, span);
                        // Not where a whole frame is impossible.
                        let wide = wide.unwrap_or_else(|| vec![f64::NAN; expected.len()]);
                        assert_near(&wide, &expected, 1e-13, &format!("{what}, {}", set.name()));
                    }
                    let set = InstructionSet::best();
                    let log_space = shares_or_slopes_in::<InLogSpace>(set, &emissions, true, span).unwrap();
                    assert_near(&log_space, &expected, 1e-13, &format!("{what}, log space"));
                }
            }
        }
    }
    assert!(impossible > 100, "{impossible}");
}

/// `ln Σ exp(x)`.
fn log_sum(x: &[f64]) -> f64 {
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY { most } else { most + x.iter().map(|x| (x - most).exp()).sum::<f64>().ln() }
}

/// The logarithms of what [`by_enumeration`] has, without what doubles do not hold.
fn log_slopes(emissions: &Emissions, labels: &[u32], columns: usize) -> Vec<f64> {
    let frames = emissions.frames();
    let (mut all, mut through) = (Vec::new(), vec![Vec::new(); frames * columns]);
    for path in paths_of(labels, frames, columns) {
        let of_frame = |frame: usize| emissions.frame(frame)[path[frame]];
        all.push((0..frames).map(of_frame).sum());
        for (frame, &column) in path.iter().enumerate() {
            let others = (0..frames).filter(|&other| other != frame).map(of_frame).sum::<f64>();
            let own = if of_frame(frame) == f64::NEG_INFINITY { 0.0 } else { of_frame(frame) };
            through[frame * columns + column].push(others + own);
        }
    }
    let all = log_sum(&all);
    through.iter().map(|paths| log_sum(paths) - all).collect()
}

/// What others outweigh by far more than doubles hold is told all the same.
#[test]
fn slopes_of_any_size_are_those_of_all_alignments() {
    let (mut large, mut small) = (0, 0);
    for of_labels in [&[1, 2][..], &[1, 1], &[2, 1, 2]] {
        let labels = CtcLabels::new(of_labels, 3, 0).unwrap();
        let (columns, of_label) = (labels.columns().count(), labels.columns().of_label());
        for frames in labels.frames_needed()..7 {
            for seed in 0..200_usize {
                let log_probs = emissions(&labels, frames, |frame, column| {
                    let number = (frame * 31 + column * 17 + seed * 7) * (seed + 37) % 101;
                    match number % 5 {
                        0 | 1 => f64::NEG_INFINITY,
                        2 => 0.0,
                        3 => -700.0,
                        _ => -(number as f64),
                    }
                });
                let emissions = Emissions::new(&log_probs, &labels);
                let expected = log_slopes(&emissions, of_label, columns);
                if expected.iter().any(|slope| slope.is_nan()) {
                    continue;
                }
                for span in [1, frames] {
                    let set = InstructionSet::best();
                    let found = [
                        shares_or_slopes_in::<InAnySize>(set, &emissions, true, span).unwrap(),
                        shares_or_slopes_in::<InLogSpace>(set, &emissions, true, span).unwrap(),
                    ];
                    for found in found {
                        for (at, (&found, &log_slope)) in found.iter().zip(&expected).enumerate() {
                            if log_probs[at] != f64::NEG_INFINITY {
                                continue;
                            }
                            let what = format!("{of_labels:?}, {frames}, {seed}, {at}: {found}, {log_slope}");
                            large += usize::from(log_slope > 400.0);
                            small += usize::from(log_slope < -100.0 && log_slope > -340.0);
                            if log_slope < -340.0 {
                                assert!((0.0..1e-147).contains(&found), "{what}");
                            } else if log_slope > 709.0 {
                                assert!(found > 1e307, "{what}");
                            } else {
                                assert!((found.ln() - log_slope).abs() <= 1e-11, "{what}");
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(large > 50 && small > 20, "{large}, {small}");
}

#[test]
fn numbers_of_any_size_give_the_shares_of_log_space() {
    let (mut possible, mut linear) = (0, 0);
    let sizes = [(1, 40), (7, 7), (8, 30), (9, 200), (40, 90), (62, 100), (63, 64), (64, 100), (100, 130)];
    for (length, frames) in sizes.into_iter().chain([(130, 131), (200, 300)]) {
        let of_labels: Vec<u32> = (0..length).map(|i| 1 + (i * i % 5) as u32).collect();
        let labels = CtcLabels::new(&of_labels, 6, 0).unwrap();
        for kind in 0..4 {
            let log_probs = emissions(&labels, frames, |frame, column| {
                let seed = (frame * 31 + column * 17) % 97;
                match kind {
                    0 => -(seed as f64) * 0.1,
                    // Far beyond what doubles hold.
                    1 => -(seed as f64) * 90.0,
                    2 if seed % 7 == 0 => f64::NEG_INFINITY,
                    2 => -(seed as f64) * 1e4,
                    // One path, all but certain.
                    _ => {
                        if frame * 7 / frames == column {
                            0.0
                        } else {
                            -700.0 - seed as f64
                        }
                    }
                }
            });
            let emissions = Emissions::new(&log_probs, &labels);
            let expected = shares_in::<InLogSpace>(InstructionSet::best(), &emissions, 11).unwrap();
            // A logarithm is as exact as the last digit of the largest that it is the sum of.
            let size: f64 = emissions.iter().map(largest_finite).sum();
            let tolerance = 1e-13 + 4.0 * f64::EPSILON * size;
            possible += usize::from(!expected[0].is_nan());
            for set in InstructionSet::available() {
                for span in [11, frames] {
                    let found = shares_in::<InAnySize>(set, &emissions, span).unwrap();
                    let what = format!("{length}, {frames}, {kind}, {}", set.name());
                    assert_near(&found, &expected, tolerance, &what);
                    let (found, rest) = shares_in_linear_space(set, &emissions, span);
                    linear += usize::from(rest == 0);
                    let done = rest * labels.columns().count()..;
                    assert_near(&found[done.clone()], &expected[done], tolerance, &what);
                }
                assert_near(&occupancy_of(&emissions), &expected, tolerance, "as a whole");
            }
        }
    }
    assert!(possible >= 28 && linear >= 40, "{possible}, {linear}");
}

#[test]
fn small_shares_are_as_exact_as_large_ones() {
    let labels = CtcLabels::new(&[1, 2, 2, 3], 4, 0).unwrap();
    let (frames, mut small) = (12, 0);
    for seed in 0..20 {
        let log_probs = emissions(&labels, frames, |frame, column| {
            let number = (frame * 31 + column * 17 + seed * 7) * 37 % 101;
            if number % 3 == 0 { -(number as f64) * 0.01 } else { -(number as f64) * 4.0 }
        });
        let emissions = Emissions::new(&log_probs, &labels);
        let expected = shares_in::<InAnySize>(InstructionSet::best(), &emissions, frames).unwrap();
        for set in InstructionSet::available() {
            let (found, rest) = shares_in_linear_space(set, &emissions, frames);
            let done = rest * labels.columns().count()..;
            for (found, expected) in found[done.clone()].iter().zip(&expected[done]) {
                small += usize::from(*expected < 1e-200 && *expected > 1e-300);
                let near = (found - expected).abs() <= 1e-12 * expected || *expected < f64::MIN_POSITIVE;
                assert!(near, "{seed}, {}: {found} for {expected}", set.name());
            }
        }
    }
    assert!(small > 50, "{small}");
}

/// The recursion from the end comes to frames of which only the blank is likely when it has reached half of the labels:
/// the farthest can't share exponents. The one from the start has reached all by then.
#[test]
fn where_neighbours_lie_far_apart_fewer_share_an_exponent() {
    let labels = CtcLabels::new(&[1; 64], 2, 0).unwrap();
    let frames = 300;
    let log_probs = emissions(&labels, frames, |frame, column| {
        let unlikely = column > 0 && (80..90).contains(&(frames - 1 - frame));
        if unlikely { -400.0 } else { ((frame * 31 + column * 17) % 97) as f64 * -0.01 }
    });
    let emissions = Emissions::new(&log_probs, &labels);
    let expected = shares_in::<InLogSpace>(InstructionSet::best(), &emissions, 300).unwrap();
    for set in InstructionSet::available() {
        for span in [17, 300] {
            let (found, rest) = shares_in_linear_space(set, &emissions, span);
            assert_eq!(rest, 0);
            // A logarithm of some thousands is exact to 1e-12.
            assert_near(&found, &expected, 1e-11, "linear");
        }
    }
}

#[test]
fn numbers_of_any_size_go_on_from_linear_space() {
    for length in [3, 40, 70] {
        let of_labels: Vec<u32> = (0..length).map(|i| 1 + (i * i % 5) as u32).collect();
        let labels = CtcLabels::new(&of_labels, 6, 0).unwrap();
        let frames = 150;
        let log_probs =
            emissions(&labels, frames, |frame, column| ((frame * 31 + column * 17) % 97) as f64 * -0.1);
        let emissions = Emissions::new(&log_probs, &labels);
        let set = InstructionSet::best();
        let expected = shares_in::<InAnySize>(set, &emissions, 9).unwrap();
        for left in [1, 50, 149] {
            let item = Item::new(set, &labels, frames, false, 9);
            let mut backward =
                InAnySize::of(set, AnySize::from_linear(&linear::Rest::all(&item).backward, &item.reversed));
            for frame in (left..frames).rev() {
                let taken =
                    backward.advance(item.band_from_end(frame), &item.reversed, emissions.frame(frame));
                assert!(taken);
            }
            let mut found: Vec<f64> = log_probs[item.values(0..left)].to_vec();
            found.resize(log_probs.len(), f64::NAN);
            assert!(in_spans(&item, &mut found, left, backward, &mut Vec::new()));
            let done = item.values(0..left);
            assert_near(&found[done.clone()], &expected[done], 1e-13, &format!("{length}, {left}"));
        }
    }
}

#[test]
fn fewer_frames_than_the_labels_need_have_none() {
    let labels = CtcLabels::new(&[1, 2, 2], 3, 0).unwrap();
    for frames in 0..4 {
        let log_probs = emissions(&labels, frames, |_, _| -1.0);
        let shares = occupancy_of(&Emissions::new(&log_probs, &labels));
        assert_eq!(shares.len(), log_probs.len());
        assert!(shares.iter().all(|share| share.is_nan()));
    }
}

#[test]
fn what_has_no_exponent_is_computed_in_log_space() {
    let labels = CtcLabels::new(&[1, 2], 3, 0).unwrap();
    for far in [-1e30, f64::from(f32::MIN), 3e15] {
        let log_probs =
            emissions(&labels, 4, |frame, column| if (frame + column) % 3 == 0 { -0.5 } else { far });
        let emissions = Emissions::new(&log_probs, &labels);
        assert!(shares_in::<InAnySize>(InstructionSet::best(), &emissions, 4).is_none());
        let shares = occupancy_of(&emissions);
        assert!(shares.chunks_exact(3).all(|frame| (frame.iter().sum::<f64>() - 1.0).abs() < 1e-14));
    }
}
