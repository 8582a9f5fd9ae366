use ctctool::decode::{BeamConfig, NoScorer, Space, beam_search};
use ctctool::logits::InputKind;

use crate::decode_beam::{assert_same, config};
use crate::oracle::{ctc_by_recursion, log_softmax};
use crate::oracle_beam::{full_sort, of_logits_in_log_space};
use crate::random::Random;
use crate::support::{Folder, close, ctctool, integers, json, npy_f64};
use ctctool::decode::Log;

#[test]
fn very_confident_logits_are_decoded_in_log_space_where_needed() {
    let mut random = Random::new(11);
    let mut spaces = Vec::new();
    for sharpness in [50.0, 500.0, 1e4] {
        for width in [1, 2, 3, 10, 100] {
            let logits = random.logits(30, 7, sharpness, 0.0);
            let result = beam_search(&logits, 7, config(width, 0, InputKind::Logits), width, NoScorer);
            let result = result.expect("a proper input");
            let what = format!("sharpness {sharpness}, width {width}");
            assert_same(&result, &of_logits_in_log_space(&logits, 7, 0, width), &what);
            spaces.push(result.space);
        }
    }
    assert!(spaces.contains(&Space::Linear));
    assert_eq!(spaces.last(), Some(&Space::Log));
}

#[test]
fn the_winner_may_come_from_far_below_the_range_of_a_double() {
    // After two frames "1" is at exp(-2000), where linear masses are zero; then it is all there is.
    let none = f64::NEG_INFINITY;
    let log_probs = [0.0, -2000.0, none, none, -1e5, -0.5, -0.25, none, none];
    let result = beam_search(&log_probs, 3, config(1, 0, InputKind::LogProbs), 1, NoScorer);
    assert_eq!(result.expect("there is a path").hypotheses[0].tokens, [2]);
    let result = beam_search(&log_probs, 3, config(10, 0, InputKind::LogProbs), 10, NoScorer);
    let result = result.expect("there are paths");
    assert_eq!(result.space, Space::Log);
    let expected = full_sort::<Log>(&log_probs, 3, 0, 10, 0.0, None);
    assert_same(&result, &expected, "width 10");
    assert!(expected.len() > 2 && expected.iter().any(|(_, score)| *score < -1e5));
}

#[test]
fn unnormalised_log_probabilities_are_taken_as_given() {
    let mut random = Random::new(12);
    for shift in [-1e5, -30.0, 0.0, 700.0] {
        let log_probs: Vec<f64> = random.logits(40, 6, 3.0, 0.0).iter().map(|x| x + shift).collect();
        let result = beam_search(&log_probs, 6, config(10, 0, InputKind::LogProbs), 10, NoScorer);
        let result = result.expect("a proper input");
        assert_eq!(result.space, Space::Linear);
        assert_same(&result, &full_sort::<Log>(&log_probs, 6, 0, 10, 0.0, None), &format!("shift {shift}"));
    }
}

#[test]
fn probabilities_of_any_size_are_taken_as_given() {
    let mut random = Random::new(13);
    for scale in [1e-300, 1e-20, 1.0, 1e30, 1e300] {
        let probs: Vec<f64> = (0..120).map(|_| random.unit() * scale).collect();
        let logs: Vec<f64> = probs.iter().map(|p| p.ln()).collect();
        let result = beam_search(&probs, 6, config(10, 0, InputKind::Probs), 10, NoScorer);
        let expected = full_sort::<Log>(&logs, 6, 0, 10, 0.0, None);
        assert_same(&result.expect("a proper input"), &expected, &format!("scale {scale}"));
    }
}

/// Down to the least that a double holds, none of which may lose a digit on the way to its logarithm.
#[test]
fn subnormal_probabilities_keep_their_digits() {
    let mut random = Random::new(17);
    let least = f64::from_bits(1);
    let (frames, classes) = (3, 4);
    for round in 0..400 {
        let mut probs: Vec<f64> = (0..frames * classes)
            .map(|_| match random.below(4) {
                0 => 0.0,
                1 => 0.1 + f64::from(random.below(1000)) / 2000.0,
                // Many, so that no two products of them are equal.
                _ => least * f64::from(1 + random.below(100_000)),
            })
            .collect();
        for (frame, row) in probs.chunks_mut(classes).enumerate() {
            // Some rows have nothing else.
            row[random.below(4) as usize] = if frame == round % 5 { least * 200_000.0 } else { 1.0 };
        }
        let logs: Vec<f64> = probs.iter().map(|p| p.ln()).collect();
        for width in [1, 3, 40] {
            let expected = full_sort::<Log>(&logs, classes, 0, width, 0.0, None);
            let config = config(width, 0, InputKind::Probs);
            let result = beam_search(&probs, classes, config, width, NoScorer).expect("a proper input");
            assert_same(&result, &expected, &format!("{round}, {width}: {probs:?}"));
        }
    }
}

#[test]
fn entries_whose_repeats_fade_for_a_long_time_stay_linear() {
    // Three thousand blanks after a few tokens: the masses that end in a token sink without end.
    let mut random = Random::new(14);
    let classes = 5;
    let mut logits = random.logits(3000, classes, 1.0, 0.0);
    for (t, row) in logits.chunks_mut(classes).enumerate() {
        row[if t < 10 { 1 + t % 4 } else { 0 }] += 25.0;
    }
    let result = beam_search(&logits, classes, config(10, 0, InputKind::Logits), 10, NoScorer);
    let result = result.expect("a proper input");
    assert_same(&result, &of_logits_in_log_space(&logits, classes, 0, 10), "fading");
    assert_eq!(result.space, Space::Linear);
}

#[test]
fn infinitely_improbable_classes_are_never_decoded() {
    let mut random = Random::new(15);
    let classes = 8;
    for width in [1, 3, 10, 100] {
        let mut logits = random.logits(30, classes, 3.0, 0.0);
        for row in logits.chunks_mut(classes) {
            for _ in 0..5 {
                row[random.below(8) as usize] = f64::NEG_INFINITY;
            }
        }
        let result = beam_search(&logits, classes, config(width, 0, InputKind::Logits), width, NoScorer);
        let expected = of_logits_in_log_space(&logits, classes, 0, width);
        assert_same(&result.expect("a proper input"), &expected, &format!("width {width}"));
    }
}

/// More nats than integers hold.
#[test]
fn logarithms_of_any_size_are_summed() {
    let logits = [-1e20, 0.0, -1e20, 0.0, -1e20, 0.0];
    let config = BeamConfig { token_min_logp: Some(1.0), ..config(3, 0, InputKind::Logits) };
    let result = beam_search(&logits, 2, config, 3, NoScorer).expect("a proper input");
    assert_eq!((result.hypotheses.len(), &result.hypotheses[0].tokens[..]), (1, &[][..]));
    assert_eq!(result.hypotheses[0].logp_nats, -3e20);
}

/// A text whose blank path fell out of doubles lives on by its other paths.
#[test]
fn nothing_is_lost_between_scores_far_apart() {
    let rows =
        [[0.0, 0.25, -600.0, -0.75], [-1.0, 0.25, -400.0, -500.0], [-1.0, -1.0, -400.0, 0.25]].concat();
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 4], &rows));
    let args = ["decode", "x.npy", "--beam", "50", "--nbest", "50"];
    let result = json(ctctool().current_dir(folder.path()).args(args));
    let hypotheses = result["items"][0]["hypotheses"].as_array().unwrap();
    let log_probs: Vec<Vec<f64>> = rows.chunks_exact(4).map(log_softmax).collect();
    let mut found = Vec::new();
    for hypothesis in hypotheses {
        let tokens = integers(&hypothesis["tokens"]).iter().map(|&token| token as u32).collect::<Vec<_>>();
        let expected = -ctc_by_recursion(&log_probs, &tokens, 0);
        assert!(close(&hypothesis["logp_nats"], expected, 1e-12, 0.0), "{hypothesis} {expected}");
        found.push(tokens);
    }
    // All texts of up to three tokens that three frames can write.
    let mut texts: Vec<Vec<u32>> = vec![Vec::new()];
    for length in 0..3 {
        let longer = texts.iter().filter(|text| text.len() == length);
        let longer = longer.flat_map(|text| (1..4).map(|token| [&text[..], &[token]].concat()));
        texts = texts.iter().cloned().chain(longer.collect::<Vec<_>>()).collect();
    }
    let possible = texts.iter().filter(|text| ctc_by_recursion(&log_probs, text, 0).is_finite()).count();
    assert_eq!((found.len(), possible), (possible, possible.min(50)));
    assert!(found.contains(&vec![2, 3, 2]));
}

/// `proved_best` holds against every text there is, and one that was never in the beam is thought of.
#[test]
fn what_is_proved_best_is_the_best_of_all_texts() {
    let (items, frames, classes) = (400, 4, 3);
    let mut random = Random::new(3);
    let mut values: Vec<f64> =
        (0..items * frames * classes).map(|_| f64::from(random.below(17)) * 0.25 - 3.0).collect();
    let missed = [0.25, -0.75, -3.0, -2.0, -2.75, 0.25, 0.25, -1.75, -2.0, 0.0, -1.75, 0.25];
    values[..missed.len()].copy_from_slice(&missed);
    let mut texts: Vec<Vec<u32>> = vec![Vec::new()];
    for length in 0..frames {
        let longer: Vec<Vec<u32>> = texts
            .iter()
            .filter(|text| text.len() == length)
            .flat_map(|text| (1..classes as u32).map(|token| [&text[..], &[token]].concat()))
            .collect();
        texts.extend(longer);
    }
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[items, frames, classes], &values));
    // A frame whose probabilities are below any double, and as they are given, are the same but for a factor.
    let log_probs = values.chunks(classes).map(log_softmax).enumerate();
    let faint = log_probs
        .flat_map(|(frame, row)| row.into_iter().map(move |x| if frame % 4 == 1 { x - 800.0 } else { x }));
    folder.file("faint.npy", npy_f64(&[items, frames, classes], &faint.collect::<Vec<_>>()));
    let (mut proved, mut not) = (0, 0);
    let beams = ["1", "2", "4", "50"];
    let runs = beams.map(|beam| ("x.npy", "logits", beam)).into_iter();
    for (matrix, kind, beam) in runs.chain(beams.map(|beam| ("faint.npy", "log-probs", beam))) {
        let args = ["decode", matrix, "--input", kind, "--layout", "ntc", "--exact-scores", "--beam", beam];
        let result = json(ctctool().current_dir(folder.path()).args(args));
        for (item, values) in result["items"].as_array().unwrap().iter().zip(values.chunks(frames * classes))
        {
            let log_probs: Vec<Vec<f64>> = values.chunks(classes).map(log_softmax).collect();
            let losses = texts.iter().map(|text| ctc_by_recursion(&log_probs, text, 0));
            let least = losses.fold(f64::INFINITY, f64::min);
            let tokens = integers(&item["tokens"]).iter().map(|&token| token as u32).collect::<Vec<_>>();
            let is_best = ctc_by_recursion(&log_probs, &tokens, 0) <= least + 1e-12;
            let is_proved = item["proved_best"] == true;
            assert!(is_best || !is_proved, "{matrix}, beam {beam}: {item}");
            (proved, not) = (proved + usize::from(is_proved), not + usize::from(!is_best));
        }
        assert!(beam != "4" || result["items"][0]["proved_best"] == false);
    }
    assert!(proved > items && not > 0, "{proved} {not}");
}
