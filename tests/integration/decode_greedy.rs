use ctctool::decode::greedy::{collapse, greedy};
use ctctool::decode::item::{ItemConfig, ItemDecoder};
use ctctool::decode::{FrameError, GreedySearch, TokenSpan};
use ctctool::logits::InputKind;

use crate::decode_alignment::align;
use crate::oracle_beam::softmax;
use crate::random::Random;

#[test]
fn greedy_takes_the_first_of_the_largest() {
    let mut random = Random::new(31);
    for classes in [1, 2, 15, 16, 17, 97, 300] {
        // Few distinct values, so that there are ties; some of probability zero.
        let mut logits: Vec<f64> = (0..20 * classes).map(|_| f64::from(random.below(4))).collect();
        logits.iter_mut().filter(|x| **x == 1.0).for_each(|x| *x = f64::NEG_INFINITY);
        logits.iter_mut().step_by(classes).for_each(|x| *x = x.max(0.0));
        let probs = softmax(&logits, classes);
        let mut path = Vec::new();
        let mut logp = 0.0;
        for (row, probs) in logits.chunks(classes).zip(probs.chunks(classes)) {
            let mut best = 0;
            for class in 1..classes {
                if row[class] > row[best] {
                    best = class;
                }
            }
            path.push(best as u32);
            logp += probs[best].ln();
        }
        let log_probs: Vec<f64> = probs.iter().map(|p| p.ln()).collect();
        let narrow: Vec<f32> = logits.iter().map(|&x| x as f32).collect();
        for result in [
            greedy(&logits, classes, 0, InputKind::Logits),
            greedy(&narrow, classes, 0, InputKind::Logits),
            greedy(&log_probs, classes, 0, InputKind::LogProbs),
            greedy(&probs, classes, 0, InputKind::Probs),
        ] {
            let result = result.expect("a proper input");
            assert_eq!(result.path, path);
            assert_eq!(result.tokens, collapse(&path, 0));
            assert!((result.logp_nats - logp).abs() < 1e-12);
        }
    }
}

#[test]
fn nothing_gives_nothing() {
    let nothing = greedy::<f32>(&[], 4, 0, InputKind::Logits).unwrap();
    assert_eq!(nothing, GreedySearch::default().finish(0));
    assert!(nothing.tokens.is_empty() && nothing.path.is_empty() && nothing.logp_nats == 0.0);
}

#[test]
fn a_nan_is_an_error_with_its_place() {
    for place in 0..60 {
        let mut values = vec![0.5_f32; 60];
        values[place] = f32::NAN;
        for input in [InputKind::Logits, InputKind::LogProbs, InputKind::Probs] {
            match greedy(&values, 20, 0, input) {
                Err(FrameError::Value { frame, class, value }) => {
                    assert_eq!(frame * 20 + class, place);
                    assert!(value.is_nan());
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// The greedy path is the best of its text unless classes tie; then the text's own best path is asked for.
#[test]
fn tokens_lie_where_the_best_path_of_their_text_has_them() {
    let mut random = Random::new(77);
    for round in 0..200 {
        let (frames, classes) = (1 + round % 12, 2 + round % 4);
        // Every other round has few different values, so that they tie.
        let mut values = random.logits(frames, classes, 2.0, 0.5);
        if round % 2 == 0 {
            for x in &mut values {
                *x = x.round();
            }
        }
        let config = ItemConfig { timestamps: true, ..ItemConfig::default() };
        let decoded = ItemDecoder::new(config, classes, None).unwrap().decode(&values).unwrap();
        let best = &decoded.transcripts[0];
        let log_probs: Vec<f64> = softmax(&values, classes).iter().map(|p| p.ln()).collect();
        let expected = align(&log_probs, classes, &best.tokens, 0).unwrap();
        let places = |spans: &[TokenSpan]| -> Vec<_> {
            spans.iter().map(|span| (span.start_frame, span.end_frame, span.peak_frame)).collect()
        };
        assert_eq!(places(best.spans.as_ref().unwrap()), places(&expected.spans), "{values:?}");
    }
}
