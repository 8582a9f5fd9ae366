use std::collections::BTreeSet;

use ctctool::decode::{BeamConfig, BeamError, BeamResult, BeamSearch, FrameError, Linear, Log, NoScorer};
use ctctool::decode::{Space, beam_search};
use ctctool::logits::InputKind;
use proptest::prelude::*;

use crate::oracle_beam::{Ranked, enumerate, full_sort, of_logits, softmax};
use crate::random::Random;

const WIDTHS: [usize; 5] = [1, 2, 3, 10, 100];

pub(crate) fn config(beam_width: usize, blank: u32, input: InputKind) -> BeamConfig {
    BeamConfig { beam_width, blank, input, token_min_logp: None }
}

/// Texts equal, scores equal within what the order of a sum makes of doubles.
pub(crate) fn assert_same(result: &BeamResult, expected: &Ranked, what: &str) {
    let tokens: Vec<_> = result.hypotheses.iter().map(|h| &h.tokens).collect();
    let wanted: Vec<_> = expected.iter().map(|(text, _)| text).collect();
    assert_eq!(tokens, wanted, "{what}");
    let distinct: BTreeSet<_> = tokens.iter().collect();
    assert_eq!(distinct.len(), tokens.len(), "duplicates: {what}");
    for (found, (text, score)) in result.hypotheses.iter().zip(expected) {
        // Alternatives are added in another order, a hundred roundings of 1e-16 at most.
        let difference = (found.score_nats - score).abs();
        assert!(difference <= 1e-11 * score.abs().max(1.0), "{what}: {text:?} {} {score}", found.score_nats);
    }
}

#[test]
fn a_wide_beam_gives_every_text_its_exact_probability() {
    let mut random = Random::new(1);
    for (frames, classes) in [(1, 1), (3, 1), (1, 2), (5, 2), (4, 3), (6, 3), (5, 4), (4, 5)] {
        for blank in [0, classes as u32 - 1] {
            let logits = random.logits(frames, classes, 2.0, 0.0);
            let probs = softmax(&logits, classes);
            let exact = enumerate(&probs, classes, blank);
            for (values, input) in [
                (logits.clone(), InputKind::Logits),
                (probs.iter().map(|p| p.ln()).collect(), InputKind::LogProbs),
                (probs, InputKind::Probs),
            ] {
                let result = beam_search(&values, classes, config(100_000, blank, input), 100_000, NoScorer)
                    .expect("a proper input");
                assert_eq!(result.hypotheses.len(), exact.len());
                assert_eq!(result.space, Space::Linear);
                assert!(result.beam_logp_nats.abs() < 1e-13, "{}", result.beam_logp_nats);
                for h in &result.hypotheses {
                    assert!((h.logp_nats.exp() - exact[&h.tokens]).abs() < 1e-14, "{h:?}");
                }
            }
        }
    }
}

#[test]
fn the_beam_is_that_of_sorting_all_candidates() {
    let mut random = Random::new(2);
    for sharpness in [0.01, 0.5, 2.0, 5.0, 15.0] {
        for (frames, classes, bias) in [(40, 6, 0.0), (25, 30, 1.0), (30, 3, 4.0)] {
            let bias = bias * sharpness;
            let logits: Vec<f32> =
                random.logits(frames, classes, sharpness, bias).iter().map(|&x| x as f32).collect();
            let doubles: Vec<f64> = logits.iter().map(|&x| f64::from(x)).collect();
            for width in WIDTHS {
                let expected = of_logits(&doubles, classes, 0, width);
                let what = format!("sharpness {sharpness}, {frames} x {classes}, width {width}");
                let config = config(width, 0, InputKind::Logits);
                let result = beam_search(&logits, classes, config, width, NoScorer).expect(&what);
                assert_eq!(result.space, Space::Linear, "{what}");
                assert_same(&result, &expected, &what);
                let result = beam_search(&doubles, classes, config, width, NoScorer).expect(&what);
                assert_same(&result, &expected, &what);
            }
        }
    }
}

#[test]
fn runs_of_confident_frames_are_right() {
    // As in speech: long blanks, then a few sure tokens, with some noise.
    let mut random = Random::new(3);
    let classes = 20;
    for width in WIDTHS {
        let mut logits = random.logits(150, classes, 1.5, 0.0);
        for (t, row) in logits.chunks_mut(classes).enumerate() {
            let winner = if t % 9 < 6 { 0 } else { 1 + random.below(19) as usize };
            row[winner] += 12.0;
        }
        let result = beam_search(&logits, classes, config(width, 0, InputKind::Logits), width, NoScorer);
        let what = format!("width {width}");
        assert_same(&result.expect(&what), &of_logits(&logits, classes, 0, width), &what);
    }
}

#[test]
fn a_large_alphabet_is_right() {
    let mut random = Random::new(4);
    let classes = 6000;
    for (sharpness, frames) in [(1.0, 5), (6.0, 5)] {
        let logits = random.logits(frames, classes, sharpness, 0.0);
        for width in [1, 10, 40] {
            let result = beam_search(&logits, classes, config(width, 17, InputKind::Logits), width, NoScorer);
            let what = format!("sharpness {sharpness}, width {width}");
            assert_same(&result.expect(&what), &of_logits(&logits, classes, 17, width), &what);
        }
    }
}

#[test]
fn three_thousand_frames_are_right() {
    let mut random = Random::new(5);
    for (frames, sharpness) in [(1000, 0.3), (3000, 4.0)] {
        let logits = random.logits(frames, 8, sharpness, sharpness);
        let result = beam_search(&logits, 8, config(10, 0, InputKind::Logits), 10, NoScorer);
        let result = result.expect("a proper input");
        assert_eq!(result.space, Space::Linear);
        let expected = of_logits(&logits, 8, 0, 10);
        let what = format!("sharpness {sharpness}");
        assert_same(&result, &expected, &what);
    }
}

#[test]
fn equal_masses_are_ordered_by_text() {
    // All scores equal, and columns that are equal to each other.
    for (frames, classes) in [(1, 5), (4, 3), (8, 4), (6, 30)] {
        let uniform = vec![0.0; frames * classes];
        let mut random = Random::new(6);
        let mut paired = random.logits(frames, classes, 1.0, 0.0);
        for row in paired.chunks_mut(classes) {
            for pair in row.chunks_exact_mut(2) {
                pair[1] = pair[0];
            }
        }
        for logits in [uniform, paired] {
            for blank in [0, classes as u32 / 2] {
                for width in [1, 2, 3, 10, 33, 100] {
                    let config = config(width, blank, InputKind::Logits);
                    let result = beam_search(&logits, classes, config, width, NoScorer).expect("proper");
                    let expected = of_logits(&logits, classes, blank, width);
                    assert_same(&result, &expected, &format!("{frames} x {classes}, {width}"));
                }
            }
        }
    }
}

#[test]
fn ties_from_long_ago_are_ordered_by_text() {
    // Coarse scores, as half precision has them: two equal tokens long ago leave two equal texts since.
    let mut random = Random::new(9);
    for width in [3, 10, 30] {
        let mut logits = random.logits(300, 6, 3.0, 2.0);
        for x in &mut logits {
            *x = x.round();
        }
        let result = beam_search(&logits, 6, config(width, 0, InputKind::Logits), width, NoScorer);
        let what = format!("width {width}");
        assert_same(&result.expect(&what), &of_logits(&logits, 6, 0, width), &what);
    }
}

#[test]
fn a_blank_that_never_comes_makes_everything_tie() {
    let (frames, classes) = (5, 12);
    let mut probs = vec![0.25_f32; frames * classes];
    probs.iter_mut().step_by(classes).for_each(|p| *p = 0.0);
    let factors: Vec<f64> = probs.iter().map(|&p| f64::from(p)).collect();
    for width in [1, 7, 100, 1000] {
        let result = beam_search(&probs, classes, config(width, 0, InputKind::Probs), width, NoScorer);
        let expected = full_sort::<Linear>(&factors, classes, 0, width, 0.0, None);
        assert_same(&result.expect("proper"), &expected, &format!("width {width}"));
    }
}

#[test]
fn left_out_tokens_have_no_probability_in_that_frame() {
    let mut random = Random::new(7);
    let classes = 9;
    for least in [-0.5, -2.0, -6.0] {
        let logits = random.logits(20, classes, 2.0, 1.0);
        let mut factors = softmax(&logits, classes);
        for row in factors.chunks_mut(classes) {
            row[1..].iter_mut().filter(|p| p.ln() < least).for_each(|p| *p = 0.0);
        }
        for width in WIDTHS {
            let expected = full_sort::<Linear>(&factors, classes, 0, width, 0.0, None);
            let config = BeamConfig { token_min_logp: Some(least), ..config(width, 0, InputKind::Logits) };
            let result = beam_search(&logits, classes, config, width, NoScorer).expect("proper");
            assert_same(&result, &expected, &format!("least {least}, width {width}"));
        }
    }
}

#[test]
fn a_search_is_fed_frame_by_frame_and_used_again() {
    let mut random = Random::new(8);
    let config = config(5, 0, InputKind::Logits);
    let mut search = BeamSearch::<_, Linear>::new(config, 7, NoScorer).expect("a sensible configuration");
    let mut in_log_space = BeamSearch::<_, Log>::new(config, 7, NoScorer).expect("the same");
    for frames in [10, 0, 25] {
        let logits = random.logits(frames, 7, 3.0, 0.0);
        search.reset();
        in_log_space.reset();
        for row in logits.chunks(7) {
            search.push_frame(row).expect("a proper frame");
            in_log_space.push_frame(row).expect("a proper frame");
        }
        let whole = beam_search(&logits, 7, config, 5, NoScorer).expect("a proper input");
        assert_eq!(search.finish(5), whole);
        let expected: Ranked = whole.hypotheses.into_iter().map(|h| (h.tokens, h.logp_nats)).collect();
        assert_same(&in_log_space.finish(5), &expected, "log space");
    }
}

#[test]
fn without_frames_there_is_the_empty_text() {
    let result = beam_search::<f32, _>(&[], 5, config(3, 0, InputKind::Logits), 3, NoScorer).expect("empty");
    assert_eq!(result.hypotheses.len(), 1);
    assert_eq!((result.hypotheses[0].tokens.len(), result.hypotheses[0].logp_nats), (0, 0.0));
    assert_eq!(result.beam_logp_nats, 0.0);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let search = |values: &[f32], config| beam_search(values, 3, config, 1, NoScorer).map(|_| ());
    let logits = config(2, 0, InputKind::Logits);
    assert_eq!(search(&[0.0; 3], config(0, 0, InputKind::Logits)), Err(BeamError::NoWidth));
    assert_eq!(
        search(&[0.0; 3], config(2, 3, InputKind::Logits)),
        Err(BeamError::BlankOutOfRange { blank: 3, classes: 3 })
    );
    let ragged = FrameError::Ragged { values: 4, classes: 3 };
    assert_eq!(search(&[0.0; 4], logits), Err(ragged.into()));
    for input in [InputKind::Logits, InputKind::LogProbs, InputKind::Probs] {
        for bad in [f32::NAN, f32::INFINITY] {
            let values = [0.5, 0.5, 0.0, 0.5, 0.0, bad];
            match search(&values, config(2, 0, input)) {
                Err(BeamError::Frame(FrameError::Value { frame: 1, class: 2, value })) => {
                    assert!(!value.is_finite());
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let negative = FrameError::Value { frame: 0, class: 1, value: -0.5 };
    assert_eq!(search(&[0.5, -0.5, 0.0], config(2, 0, InputKind::Probs)), Err(negative.into()));
    for (nothing, input) in [
        (f32::NEG_INFINITY, InputKind::Logits),
        (f32::NEG_INFINITY, InputKind::LogProbs),
        (0.0, InputKind::Probs),
    ] {
        assert_eq!(search(&[nothing; 3], config(2, 0, input)), Err(FrameError::NoClass { frame: 0 }.into()));
    }
    let pruned = BeamConfig { token_min_logp: Some(0.5), ..config(2, 0, InputKind::Probs) };
    assert_eq!(search(&[0.0, 0.5, 0.5], pruned), Err(BeamError::NoPath { frame: 0 }));
}

proptest! {
    /// Probabilities from a small set, zero among them: ties and dead ends everywhere.
    #[test]
    fn any_small_input_gives_the_sorted_beam(
        classes in 1_usize..6,
        width in 1_usize..40,
        cells in prop::collection::vec(0_usize..5, 0..60),
        blank in 0_u32..6,
    ) {
        let blank = blank % classes as u32;
        let mut probs: Vec<f64> =
            cells.iter().map(|&cell| [0.0, 0.125, 0.25, 0.25, 0.5][cell]).collect();
        probs.truncate(probs.len() / classes * classes);
        for row in probs.chunks_mut(classes) {
            if row.iter().all(|&p| p == 0.0) {
                row[0] = 0.5;
            }
        }
        let result = beam_search(&probs, classes, config(width, blank, InputKind::Probs), width, NoScorer);
        let expected = full_sort::<Linear>(&probs, classes, blank, width, 0.0, None);
        assert_same(&result.expect("proper"), &expected, "proptest");
    }
}
