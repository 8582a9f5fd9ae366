use ctctool::decode::{BeamConfig, Gain, Log, Scorer, Space, beam_search};
use ctctool::logits::InputKind;

use crate::decode_beam::{assert_same, config};
use crate::oracle_beam::{full_sort, relative};
use crate::random::Random;
use crate::support::SUMMED;

/// In single precision, no less.
fn above(nats: f64) -> f32 {
    let near = nats as f32;
    if f64::from(near) < nats { near.next_up() } else { near }
}

/// A bigram table: the state is the last token, 0 at the start.
#[derive(Clone)]
struct Bigram {
    classes: usize,
    gains: Vec<f64>,
    /// Gain of an end after each token; `-inf` where a text may not end.
    ends: Vec<f64>,
    /// The gains, rounded up.
    most: Vec<f32>,
    gain_bounds_of_any_state: Vec<f32>,
}

impl Bigram {
    fn new(random: &mut Random, classes: usize, strength: f64, forbidden: u32) -> Self {
        let mut gains: Vec<f64> = (0..classes * classes).map(|_| strength * random.normal()).collect();
        for gain in &mut gains {
            if random.below(100) < forbidden {
                *gain = f64::NEG_INFINITY;
            }
        }
        Self::of(classes, gains)
    }

    /// With `gains` by the last token and the next.
    fn of(classes: usize, gains: Vec<f64>) -> Self {
        let most: Vec<f32> = gains.iter().map(|&gain| above(gain)).collect();
        let of_token = |token: usize| {
            most.iter().skip(token).step_by(classes).copied().fold(f32::NEG_INFINITY, f32::max)
        };
        let gain_bounds_of_any_state = (0..classes).map(of_token).collect();
        Self { classes, gains, ends: vec![0.0; classes], most, gain_bounds_of_any_state }
    }

    fn gain(&self, text: &[u32], token: u32) -> f64 {
        let last = text.last().copied().unwrap_or(0);
        self.gains[last as usize * self.classes + token as usize]
    }
}

impl Scorer for Bigram {
    type State = u32;

    fn start(&self) -> u32 {
        0
    }

    fn extend(&mut self, state: u32, token: u32) -> (u32, Gain) {
        (token, Gain::new(self.gains[state as usize * self.classes + token as usize]))
    }

    fn gain_bounds(&mut self, state: u32) -> &[f32] {
        &self.most[state as usize * self.classes..][..self.classes]
    }

    fn gain_bounds_of_any_state(&self) -> &[f32] {
        &self.gain_bounds_of_any_state
    }

    fn finish(&mut self, state: u32) -> Option<f64> {
        let end = self.ends[state as usize];
        (end > f64::NEG_INFINITY).then_some(end)
    }
}

#[test]
fn the_fused_beam_is_that_of_sorting_all_candidates() {
    let mut random = Random::new(21);
    for (frames, classes, sharpness) in [(30, 6, 1.0), (20, 25, 3.0), (60, 4, 5.0), (8, 150, 3.0)] {
        for (strength, forbidden) in [(0.5, 0), (3.0, 0), (1.0, 30), (10.0, 0)] {
            let mut scorer = Bigram::new(&mut random, classes, strength, forbidden);
            let logits = random.logits(frames, classes, sharpness, sharpness);
            let (factors, offset) = relative::<Log>(&logits, classes);
            for width in [1, 2, 3, 10, 100] {
                let gain = |text: &[u32], token| scorer.gain(text, token);
                let expected = full_sort::<Log>(&factors, classes, 0, width, offset, Some(&gain));
                let config = config(width, 0, InputKind::Logits);
                let what = format!("{frames} x {classes}, strength {strength}, width {width}");
                let result = beam_search(&logits, classes, config, width, &mut scorer).expect(&what);
                assert_eq!(result.space, Space::Linear);
                assert_same(&result, &expected, &what);
                for h in &result.hypotheses {
                    let gains: f64 =
                        (0..h.tokens.len()).map(|i| scorer.gain(&h.tokens[..i], h.tokens[i])).sum();
                    assert!((h.score_nats - h.logp_nats - gains).abs() < SUMMED);
                }
            }
        }
    }
}

/// What a token gains depends on its number and that of the last, each by a remainder.
struct Remainders {
    gains: [[f64; 5]; 3],
    most: Vec<f32>,
}

impl Remainders {
    fn gain(&self, last: u32, token: u32) -> f64 {
        self.gains[last as usize % 3][token as usize % 5]
    }
}

impl Scorer for Remainders {
    type State = u32;

    fn start(&self) -> u32 {
        0
    }

    fn extend(&mut self, state: u32, token: u32) -> (u32, Gain) {
        (token, Gain::new(self.gain(state, token)))
    }

    fn gain_bounds(&mut self, _state: u32) -> &[f32] {
        &self.most
    }

    fn gain_bounds_of_any_state(&self) -> &[f32] {
        &self.most
    }

    fn finish(&mut self, _state: u32) -> Option<f64> {
        Some(0.0)
    }
}

#[test]
fn of_many_classes_those_with_a_chance_are_found() {
    const CLASSES: usize = 17_000;
    let mut random = Random::new(24);
    for _ in 0..3 {
        let gains = [(); 3].map(|()| [(); 5].map(|()| 2.0 * random.normal()));
        let most = |token: usize| gains.iter().map(|row| row[token % 5]).fold(f64::NEG_INFINITY, f64::max);
        let most = (0..CLASSES).map(|token| above(most(token))).collect();
        let mut scorer = Remainders { gains, most };
        let mut logits = random.logits(5, CLASSES, 1.0, 0.0);
        // Some classes stand out.
        for _ in 0..40 {
            logits[random.below(5 * CLASSES as u32) as usize] += 12.0;
        }
        let (factors, offset) = relative::<Log>(&logits, CLASSES);
        for width in [1, 4, 30] {
            let gain = |text: &[u32], token| scorer.gain(text.last().copied().unwrap_or(0), token);
            let expected = full_sort::<Log>(&factors, CLASSES, 0, width, offset, Some(&gain));
            let config = config(width, 0, InputKind::Logits);
            let result = beam_search(&logits, CLASSES, config, width, &mut scorer).expect("proper");
            assert_same(&result, &expected, &format!("width {width}"));
        }
    }
}

#[test]
fn a_fused_search_falls_back_to_log_space() {
    let mut random = Random::new(22);
    let mut scorer = Bigram::new(&mut random, 5, 2.0, 0);
    let logits = random.logits(25, 5, 2000.0, 0.0);
    let (factors, offset) = relative::<Log>(&logits, 5);
    let gain = |text: &[u32], token| scorer.gain(text, token);
    let expected = full_sort::<Log>(&factors, 5, 0, 30, offset, Some(&gain));
    let result = beam_search(&logits, 5, config(30, 0, InputKind::Logits), 30, &mut scorer);
    let result = result.expect("a proper input");
    assert_eq!(result.space, Space::Log);
    assert_same(&result, &expected, "log space");
}

/// What PyTorch's users mask with, and more than single precision holds: such tokens are all but impossible, and the
/// blank is no token for all that.
#[test]
fn masks_are_scores_like_any_other() {
    let mut random = Random::new(24);
    for mask in [f64::from(f32::MIN), -1e39, -1e300] {
        for round in 0..30 {
            let scorer = Bigram::new(&mut random, 5, 2.0, 20 * (round % 2));
            let mut logits = random.logits(6, 5, 2.0, 0.0);
            for x in &mut logits {
                // As a single-precision file has them.
                *x = if random.below(3) == 0 { mask } else { f64::from(*x as f32) };
            }
            let (factors, offset) = relative::<Log>(&logits, 5);
            let gain = |text: &[u32], token| scorer.gain(text, token);
            for width in [2, 10, 300] {
                let expected = full_sort::<Log>(&factors, 5, 0, width, offset, Some(&gain));
                let config = config(width, 0, InputKind::Logits);
                let mut results = vec![beam_search(&logits, 5, config, width, &mut scorer.clone())];
                if mask >= f64::from(f32::MIN) {
                    let single: Vec<f32> = logits.iter().map(|&x| x as f32).collect();
                    results.push(beam_search(&single, 5, config, width, &mut scorer.clone()));
                }
                // Beside a mask all else is rounded away, so that what has one ties with whatever has as many.
                let exact = expected.iter().take_while(|(_, score)| *score > 0.5 * mask).count();
                for result in results {
                    let what = format!("{mask}, {round}, {width}");
                    let mut result = result.expect("a proper input");
                    assert_eq!(result.hypotheses.len(), expected.len(), "{what}");
                    assert!(result.hypotheses.iter().all(|h| !h.tokens.contains(&0)), "{what}: {result:?}");
                    result.hypotheses.truncate(exact);
                    assert_same(&result, &expected[..exact].to_vec(), &what);
                }
            }
        }
    }
}

/// Gains, and probabilities beside them, of which doubles hold only some digits, or none.
#[test]
fn gains_and_probabilities_beyond_doubles_are_multiplied() {
    const LOGPS: [f64; 9] = [0.0, -0.7, -5.0, -600.0, -700.0, -742.0, -748.0, -1000.0, f64::NEG_INFINITY];
    const GAINS: [f64; 11] =
        [0.0, 1.5, -5.0, 45.0, 150.0, 3000.0, -700.0, -733.0, -742.0, -800.0, f64::NEG_INFINITY];
    let mut random = Random::new(25);
    let mut in_log_space = 0;
    for round in 0..1500 {
        let (frames, classes) = (1 + random.below(4) as usize, 2 + random.below(4) as usize);
        let mut scorer = Bigram::new(&mut random, classes, 1.0, 0);
        // In some rounds one kind of extreme only.
        let (logps, gains) = (3 + random.below(7), 3 + random.below(9));
        let gains: Vec<f64> =
            scorer.gains.iter().map(|jitter| GAINS[random.below(gains) as usize] + 0.01 * jitter).collect();
        scorer = Bigram::of(classes, gains);
        let mut log_probs = random.logits(frames, classes, 0.01, 0.0);
        for row in log_probs.chunks_mut(classes) {
            for x in &mut *row {
                *x += LOGPS[random.below(logps) as usize];
            }
            row[random.below(classes as u32) as usize] = 0.0;
        }
        let gain = |text: &[u32], token| scorer.gain(text, token);
        for width in [1, 2, 3, 8, 60] {
            let expected = full_sort::<Log>(&log_probs, classes, 0, width, 0.0, Some(&gain));
            let config = config(width, 0, InputKind::LogProbs);
            let what = format!("{round}, {width}: {log_probs:?} {:?}", scorer.gains);
            let result = beam_search(&log_probs, classes, config, width, &mut scorer.clone()).expect(&what);
            in_log_space += usize::from(result.space == Space::Log);
            assert_same(&result, &expected, &what);
        }
    }
    assert!((1000..6000).contains(&in_log_space), "{in_log_space}");
}

#[test]
fn the_end_counts_and_unfinished_texts_are_dropped_unless_nothing_else_is_left() {
    let mut random = Random::new(23);
    let mut scorer = Bigram::new(&mut random, 4, 1.0, 0);
    let logits = random.logits(8, 4, 1.0, 0.0);
    let config = BeamConfig { ..config(50, 0, InputKind::Logits) };
    let all = beam_search(&logits, 4, config, 50, &mut scorer).expect("proper").hypotheses;
    scorer.ends = vec![-1.0, 2.0, f64::NEG_INFINITY, 0.25];
    let some = beam_search(&logits, 4, config, 50, &mut scorer).expect("proper").hypotheses;
    let mut expected: Vec<(f64, Vec<u32>)> = all
        .iter()
        .filter(|h| h.tokens.last() != Some(&2))
        .map(|h| {
            (h.score_nats + scorer.ends[h.tokens.last().copied().unwrap_or(0) as usize], h.tokens.clone())
        })
        .collect();
    expected.sort_by(|a, b| b.0.total_cmp(&a.0));
    let found: Vec<(f64, Vec<u32>)> = some.into_iter().map(|h| (h.score_nats, h.tokens)).collect();
    assert_eq!(found, expected);
    scorer.ends = vec![f64::NEG_INFINITY; 4];
    let none = beam_search(&logits, 4, config, 50, &mut scorer).expect("proper").hypotheses;
    assert_eq!(none, all);
}
