//! The fast kernels against the slow ones, on random input.

use ctctool::logits::InputKind;
use ctctool::loss::ctc::{CtcLabels, ctc_loss};
use proptest::prelude::*;

use crate::oracle::{ctc_by_enumeration, ctc_by_recursion, log_softmax, log_sum_exp};
use crate::support::SplitMix;

/// Log-space oracles round each step; linear space as well: some 1e-16 a frame, on either side.
fn assert_close(found: f64, expected: f64, context: &str) {
    let close = found == expected || (found - expected).abs() <= 1e-12 * expected.abs() + 1e-13;
    assert!(close, "{context}: {found} for {expected}");
}

fn rows(values: &[f64], classes: usize) -> Vec<Vec<f64>> {
    values.chunks_exact(classes).map(log_softmax).collect()
}

/// Every label sequence without the blank, up to a length.
fn all_labels(classes: u32, blank: u32, longest: usize) -> Vec<Vec<u32>> {
    let mut all: Vec<Vec<u32>> = vec![vec![]];
    let mut start = 0;
    for _ in 0..longest {
        let end = all.len();
        for i in start..end {
            for class in (0..classes).filter(|&class| class != blank) {
                let mut longer = all[i].clone();
                longer.push(class);
                all.push(longer);
            }
        }
        start = end;
    }
    all
}

#[test]
fn ctc_is_the_sum_over_all_paths_at_every_small_size() {
    let mut random = SplitMix(1);
    for frames in 0..=5 {
        for classes in 1..=4_u32 {
            for blank in 0..classes {
                for scale in [0.25, 4.0, 64.0] {
                    let values: Vec<f64> =
                        (0..frames * classes as usize).map(|_| random.score() * scale).collect();
                    let log_probs = rows(&values, classes as usize);
                    for labels in all_labels(classes, blank, 3) {
                        let checked = CtcLabels::new(&labels, classes as usize, blank).unwrap();
                        let found = ctc_loss(&values, InputKind::Logits, &checked).unwrap();
                        let context = format!("T {frames} C {classes} blank {blank} labels {labels:?}");
                        let expected = ctc_by_enumeration(&log_probs, &labels, blank);
                        assert_close(found, expected, &context);
                        assert_close(ctc_by_recursion(&log_probs, &labels, blank), expected, &context);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ctc_is_the_log_space_recursion(
        seed: u64, frames in 1..60_usize, classes in 2..8_usize, length in 0..25_usize, scale in 0..8_u32,
    ) {
        let mut random = SplitMix(seed);
        let blank = random.below(classes) as u32;
        let labels: Vec<u32> =
            (0..length).map(|_| (blank + 1 + random.below(classes - 1) as u32) % classes as u32).collect();
        let scale = f64::from(2_u32.pow(scale)) / 4.0;
        let values: Vec<f64> = (0..frames * classes).map(|_| random.score() * scale).collect();
        let checked = CtcLabels::new(&labels, classes, blank).unwrap();
        let found = ctc_loss(&values, InputKind::Logits, &checked).unwrap();
        assert_close(found, ctc_by_recursion(&rows(&values, classes), &labels, blank), "logits");
        let single: Vec<f32> = values.iter().map(|&x| x as f32).collect();
        // The values are the same numbers; the two types have kernels of their own.
        assert_close(ctc_loss(&single, InputKind::Logits, &checked).unwrap(), found, "single precision");
    }

    /// Impossible classes here and there, and sure ones in the wrong place: the linear recursion drops what
    /// sinks, so it must notice where that matters and fall back.
    #[test]
    fn ctc_is_exact_where_linear_space_underflows(
        seed: u64, frames in 2..80_usize, classes in 2..6_usize, length in 1..12_usize, height in 0..5_usize,
    ) {
        let mut random = SplitMix(seed);
        let height = [40.0, 300.0, 800.0, 5e3, 1e5][height];
        let blank = 0;
        let labels: Vec<u32> = (0..length).map(|_| 1 + random.below(classes - 1) as u32).collect();
        let mut values: Vec<f64> = (0..frames * classes).map(|_| random.score()).collect();
        for row in values.chunks_exact_mut(classes) {
            match random.below(6) {
                0 => row[blank as usize] += height,
                1 => row[random.below(classes)] += height,
                2 => row[random.below(classes)] = f64::NEG_INFINITY,
                _ => {}
            }
        }
        let log_probs = rows(&values, classes);
        let checked = CtcLabels::new(&labels, classes, blank).unwrap();
        let expected = ctc_by_recursion(&log_probs, &labels, blank);
        assert_close(ctc_loss(&values, InputKind::Logits, &checked).unwrap(), expected, "logits");
        let flat: Vec<f64> = log_probs.concat();
        assert_close(ctc_loss(&flat, InputKind::LogProbs, &checked).unwrap(), expected, "log-probs");
    }

    /// Frames of many classes are normalised in single precision, but not where the labels' classes have most of
    /// the frame: then the loss is what little is missing from one.
    #[test]
    fn ctc_of_many_classes_keeps_the_digits_of_single_precision(
        seed: u64, frames in 1..40_usize, classes in 100..300_usize, length in 0..6_usize, height in 0..5_usize,
    ) {
        let mut random = SplitMix(seed);
        let height = [0.0, 4.0, 8.0, 16.0, 40.0][height];
        let labels: Vec<u32> = (0..length).map(|_| 1 + random.below(classes - 1) as u32).collect();
        let mut values: Vec<f32> = (0..frames * classes).map(|_| random.score() as f32 / 4.0).collect();
        for (frame, row) in values.chunks_exact_mut(classes).enumerate() {
            // Mostly where an alignment goes along: each label as soon as its share of the frames has come.
            let sure = match (random.below(4), labels.get(frame * length / frames)) {
                (0, _) => random.below(classes),
                (1, Some(&label)) => label as usize,
                _ => 0,
            };
            row[sure] += height;
            if random.below(2) == 0 {
                // Two ways to go on may have all of the frame together.
                row[0] = row[sure] - (random.score() as f32 / 8.0).abs();
            }
        }
        let widened: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
        let checked = CtcLabels::new(&labels, classes, 0).unwrap();
        let expected = ctc_by_recursion(&rows(&widened, classes), &labels, 0);
        assert_close(ctc_loss(&widened, InputKind::Logits, &checked).unwrap(), expected, "f64");
        let found = ctc_loss(&values, InputKind::Logits, &checked).unwrap();
        // Each frame's normaliser is within 2e-7 of what the frame adds.
        let close = found == expected || (found - expected).abs() <= 2e-7 * expected + 1e-13;
        prop_assert!(close, "f32: {found} for {expected}");
    }

    #[test]
    fn log_sum_exp_is_the_textbooks(seed: u64, len in 1..70_usize, scale in 0..12_u32) {
        let mut random = SplitMix(seed);
        let scale = f64::from(2_u32.pow(scale));
        let values: Vec<f64> = (0..len).map(|_| random.score() * scale).collect();
        let found = ctctool::kernel::log_sum_exp(&values).value();
        assert_close(found, log_sum_exp(&values), "f64");
        let single: Vec<f32> = values.iter().map(|&x| x as f32).collect();
        let widened: Vec<f64> = single.iter().map(|&x| f64::from(x)).collect();
        assert_close(ctctool::kernel::log_sum_exp(&single).value(), log_sum_exp(&widened), "f32");
    }
}

/// A blank that is sure of itself in the middle of the line carries mass that later frames forbid: what
/// remains is some e^-2000 of the largest state.
#[test]
fn numbers_of_any_size_are_taken_and_exact() {
    use ctctool::loss::Emissions;
    use ctctool::loss::ctc::loss_of_emissions;
    for (gap, expect_any_size) in [(10.0, false), (900.0, true), (3000.0, true)] {
        let (frames, classes) = (20, 3);
        let mut values = vec![0.0; frames * classes];
        // Up to the middle the blank is sure; from then on it is impossible, so all labels come late.
        for (frame, row) in values.chunks_exact_mut(classes).enumerate() {
            row[0] = if frame < 12 { gap } else { -gap };
        }
        let labels = [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2];
        let log_probs = rows(&values, classes);
        let checked = CtcLabels::new(&labels, classes, 0).unwrap();
        let mut gathered = Vec::new();
        for row in &log_probs {
            gathered.extend([row[0], row[1], row[2]]);
        }
        let loss = loss_of_emissions(&Emissions::new(&gathered, &checked));
        assert_eq!(!loss.linear, expect_any_size, "gap {gap}");
        assert_close(loss.loss_nats, ctc_by_recursion(&log_probs, &labels, 0), "any size");
    }
}
