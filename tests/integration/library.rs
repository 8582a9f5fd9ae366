//! The library on what is in memory: batches, targets, and what it refuses.

use std::sync::Arc;

use ctctool::decode::batch::DecodeBatch;
use ctctool::decode::fusion::{Fusion, FusionWeights};
use ctctool::decode::item::{ItemConfig, ItemDecoder};
use ctctool::decode::{
    BeamConfig, BeamError, BeamSearch, FusionScorer, Log, NoScorer, Spelling, beam_search,
};
use ctctool::input::{ClassTargets, TargetError};
use ctctool::lm::Hotwords;
use ctctool::logits::{Geometry, InputKind, Items, Nonfinite, RowScale, reduce_slice};
use ctctool::loss::cross_entropy::CrossEntropy;
use ctctool::loss::cross_entropy_batch::CrossEntropyBatch;
use ctctool::loss::ctc::{CtcLabels, ctc_loss};
use ctctool::loss::ctc_batch::CtcBatch;

use crate::support::SplitMix;

/// Some megabytes in several blocks, so that threads share it, as items one by one.
#[test]
fn a_batch_in_memory_has_the_losses_of_its_items() {
    let mut random = SplitMix(21);
    let (frames, items, classes) = (300, 7, 130);
    let time_first: Vec<f64> = (0..frames * items * classes).map(|_| random.score()).collect();
    let lengths: Vec<usize> = (0..items).map(|item| frames - 40 * item).collect();
    let labels: Vec<CtcLabels> = (0..items)
        .map(|item| {
            let labels: Vec<u32> = (0..5 * item).map(|_| 1 + random.below(classes - 1) as u32).collect();
            CtcLabels::new(&labels, classes, 0).unwrap()
        })
        .collect();
    let geometry = Geometry::new(&[frames, items, classes], false, 2, &[1, 0]).unwrap();
    let rows = Items::new(geometry.clone(), frames, lengths.clone()).unwrap();
    let mut batch = CtcBatch::new(InputKind::Logits, Nonfinite::Error, rows, labels.clone());
    reduce_slice(&time_first, &geometry, &mut batch).unwrap();
    let found = batch.finish().items;
    for item in 0..items {
        let of_item: Vec<f64> = (0..lengths[item])
            .flat_map(|frame| &time_first[(frame * items + item) * classes..][..classes])
            .copied()
            .collect();
        let expected = ctc_loss(&of_item, InputKind::Logits, &labels[item]).unwrap();
        let difference = (found[item].loss.loss_nats - expected).abs();
        // Sums of the same numbers, in another order.
        assert!(difference <= 1e-12 * expected.max(1.0), "{item}: {difference}");
    }
}

#[test]
fn targets_of_a_slice_are_those_of_a_file() {
    let (rows, classes) = (1000, 100);
    let mut random = SplitMix(22);
    let values: Vec<f64> = (0..rows * classes).map(|_| random.score()).collect();
    let indices: Vec<i64> =
        (0..rows).map(|row| if row % 7 == 0 { -100 } else { random.below(classes) as i64 }).collect();
    let targets = ClassTargets::new(&indices, classes, -100).unwrap();
    let loss = CrossEntropy::new(classes, None, 0.0).unwrap();
    let geometry = Geometry::along(&[rows, classes], false, 1).unwrap();
    let mut batch =
        CrossEntropyBatch::new(&loss, InputKind::Logits, Nonfinite::Error, geometry.clone(), &targets, true);
    reduce_slice(&values, &geometry, &mut batch).unwrap();
    let totals = batch.finish();
    let expected: f64 = values
        .chunks_exact(classes)
        .zip(&indices)
        .filter(|(_, index)| **index != -100)
        .map(|(row, &index)| row.iter().map(|x| x.exp()).sum::<f64>().ln() - row[index as usize])
        .sum();
    assert!((totals.reductions.sum - expected).abs() <= 1e-12 * expected);
    assert_eq!(totals.ignored, rows.div_ceil(7));
    let refused = ClassTargets::new(&[0, 3], 3, -100).unwrap_err();
    assert_eq!(refused, TargetError { row: 1, target: 3, classes: 3 });
    assert!(
        ClassTargets::new(&[-1], 3, -100).is_err() && ClassTargets::new(&[i64::MIN], 3, i64::MIN).is_ok()
    );
}

/// What can come from a configuration is an error, not a panic.
#[test]
fn what_steers_a_beam_must_fit_it() {
    let names = ["-", "a", "b"].map(str::to_owned).to_vec();
    let spelling = Spelling::new(names, ctctool::decode::spelling::WordDelimiter::None);
    let fusion = Fusion::new(&spelling, 3, None, None);
    let weights = FusionWeights { lm_weight: 0.5, with_end: true, unit_bonus: 0.0, unk_score: 0.0 };
    let config = ItemConfig { beam_width: Some(4), ..ItemConfig::default() };
    let refusal = |classes, weights| ItemDecoder::new(config, classes, Some((&fusion, weights))).err();
    assert_eq!(refusal(3, weights), None);
    assert_eq!(refusal(5, weights), Some(BeamError::FusionClasses { fusion: 3, classes: 5 }));
    for wrong in [f64::NAN, -1.0, f64::INFINITY] {
        let weights = FusionWeights { lm_weight: wrong, ..weights };
        assert!(matches!(refusal(3, weights), Some(BeamError::FusionWeights(_))), "{wrong}");
    }
}

#[test]
fn a_search_is_refused_what_it_could_not_hold() {
    let names = ["-", "a", "b"].map(str::to_owned).to_vec();
    let spelling = Spelling::new(names, ctctool::decode::spelling::WordDelimiter::None);
    let fusion = Fusion::new(&spelling, 3, None, None);
    let weights = FusionWeights { lm_weight: 0.5, with_end: true, unit_bonus: 0.0, unk_score: 0.0 };
    let config = BeamConfig { beam_width: 4, blank: 0, input: InputKind::Logits, token_min_logp: None };
    let scorer = || FusionScorer::new(&fusion, weights);
    assert_eq!(
        beam_search(&[0.0; 5], 5, config, 1, scorer()).err(),
        Some(BeamError::FusionClasses { fusion: 3, classes: 5 })
    );
    let beam_width = u32::MAX as usize / 2 + 1;
    assert_eq!(
        beam_search(&[0.0; 3], 3, BeamConfig { beam_width, ..config }, 1, scorer()).err(),
        Some(BeamError::WidthTooLarge(beam_width))
    );
    // Nothing but a, which is not tried: there is no text, in this frame or the next.
    let config = BeamConfig { token_min_logp: Some(-1e-300), ..config };
    let mut search = BeamSearch::<_, Log>::new(config, 3, NoScorer).unwrap();
    let frame = [f64::NEG_INFINITY, 0.0, 0.0];
    for _ in 0..2 {
        assert_eq!(search.push_frame(&frame), Err(BeamError::NoPath { frame: 0 }));
    }
    assert!(search.finish(1).hypotheses.is_empty());
    search.reset();
    assert_eq!(search.push_frame(&[0.0, f64::NEG_INFINITY, f64::NEG_INFINITY]), Ok(()));
    assert!(search.finish(1).hypotheses[0].tokens.is_empty());
}

/// Searches that are kept, each with its own weights, and one model for all of them.
#[test]
fn a_steered_search_may_be_kept_and_go_to_another_thread() {
    struct Session {
        search: BeamSearch<FusionScorer<Arc<Fusion>>, Log>,
    }
    let names = ["-", "a", "b"].map(str::to_owned).to_vec();
    let spelling = Spelling::new(names, ctctool::decode::spelling::WordDelimiter::None);
    let phrases = Hotwords::new([("b", 2.0)], false);
    let fusion = Arc::new(Fusion::new(&spelling, 3, None, None).with_hotwords(phrases));
    let config = BeamConfig { beam_width: 4, blank: 0, input: InputKind::Logits, token_min_logp: None };
    let weights = FusionWeights { lm_weight: 0.5, with_end: true, unit_bonus: 0.0, unk_score: 0.0 };
    let session = || {
        let scorer = FusionScorer::new(Arc::clone(&fusion), weights);
        Session { search: BeamSearch::new(config, 3, scorer).unwrap() }
    };
    let best = |mut session: Session| {
        session.search.push_frame(&[0.0, 1.0, 0.5]).unwrap();
        session.search.finish(1).hypotheses[0].tokens.clone()
    };
    let sessions = [session(), session()];
    let threads = sessions.map(|session| std::thread::spawn(move || best(session)));
    assert_eq!(threads.map(|thread| thread.join().unwrap()), [[2], [2]]);
}

/// Each request has its own hotwords, and they come into no other's text.
#[test]
fn hotwords_are_of_one_fusion() {
    let names = ["-", "a", "b", "c"].map(str::to_owned).to_vec();
    let spelling = Spelling::new(names, ctctool::decode::spelling::WordDelimiter::None);
    let plain = Fusion::new(&spelling, 4, None, None);
    let of_b = plain.with_hotwords(Hotwords::new([("b", 2.0)], false));
    let of_c = of_b.with_hotwords(Hotwords::new([("c", 2.0)], false));
    let config = BeamConfig { beam_width: 4, blank: 0, input: InputKind::Logits, token_min_logp: None };
    let weights = FusionWeights { lm_weight: 0.5, with_end: true, unit_bonus: 0.0, unk_score: 0.0 };
    let best = |fusion: &Fusion| {
        let scorer = FusionScorer::new(fusion, weights);
        beam_search(&[0.0, 1.0, 0.5, 0.25], 4, config, 1, scorer).unwrap().hypotheses[0].tokens.clone()
    };
    assert_eq!([&plain, &of_b, &of_c, &plain].map(best), [[1], [2], [3], [1]]);
}

/// What follows a frame that was refused is no part of a text.
#[test]
fn after_an_error_a_search_finds_nothing() {
    let config = BeamConfig { beam_width: 4, blank: 0, input: InputKind::Logits, token_min_logp: None };
    for wrong in [&[0.0, 1.0][..], &[0.0, f64::NAN, 1.0]] {
        let mut search = BeamSearch::<_, Log>::new(config, 3, NoScorer).unwrap();
        let right = [0.0, 5.0, 0.0];
        assert_eq!(search.push_frame(&right), Ok(()));
        let error = search.push_frame(wrong).unwrap_err();
        // NaN is not equal to itself.
        assert_eq!(search.push_frame(&right).unwrap_err().to_string(), error.to_string());
        let found = search.finish(2);
        assert!(found.hypotheses.is_empty() && found.beam_logp_nats == f64::NEG_INFINITY);
        search.reset();
        assert_eq!(search.push_frame(&right), Ok(()));
        assert_eq!(search.finish(1).hypotheses[0].tokens, [1]);
    }
}

/// What is wrong with the configuration is no item's fault, and told though there is none.
#[test]
fn a_batch_is_refused_a_blank_that_is_no_class() {
    let geometry = Geometry::new(&[0, 2, 3], false, 2, &[0, 1]).unwrap();
    let rows = Items::new(geometry, 2, vec![]).unwrap();
    let config = ItemConfig { blank: 9, ..ItemConfig::default() };
    let batch = DecodeBatch::new(config, rows, None, &|| ());
    assert_eq!(batch.err(), Some(BeamError::BlankOutOfRange { blank: 9, classes: 3 }));
}

/// A row of other classes is a mistake of the caller's, and no number.
#[test]
#[should_panic(expected = "a value for each class")]
fn a_row_of_other_classes_has_no_loss() {
    let row = [0.0; 9];
    let loss = CrossEntropy::new(3, None, 0.0).unwrap();
    loss.of_index(&row, RowScale::new(&row, InputKind::Logits), 8);
}
