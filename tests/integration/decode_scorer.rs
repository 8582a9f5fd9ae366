use ctctool::decode::{BeamConfig, Gain, GainBounds, Log, Scorer, Space, beam_search};
use ctctool::logits::InputKind;

use crate::decode_beam::{assert_same, config};
use crate::oracle_beam::{full_sort, relative};
use crate::random::Random;
use crate::support::SUMMED;

/// A bigram table: the state is the last token, 0 at the start.
struct Bigram {
    classes: usize,
    gains: Vec<f64>,
    /// Gain of an end after each token; `-inf` where a text may not end.
    ends: Vec<f64>,
}

impl Bigram {
    fn new(random: &mut Random, classes: usize, strength: f64, forbidden: u32) -> Self {
        let mut gains: Vec<f64> = (0..classes * classes).map(|_| strength * random.normal()).collect();
        for gain in &mut gains {
            if random.below(100) < forbidden {
                *gain = f64::NEG_INFINITY;
            }
        }
        Self { classes, gains, ends: vec![0.0; classes] }
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

    fn bounds(&self, token: u32) -> GainBounds {
        let column = self.gains.iter().skip(token as usize).step_by(self.classes);
        GainBounds::of_any_state(column.copied().fold(f64::NEG_INFINITY, f64::max))
    }

    fn max_gain_of_all(&self) -> f64 {
        self.gains.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    fn finish(&mut self, state: u32) -> Option<f64> {
        let end = self.ends[state as usize];
        (end > f64::NEG_INFINITY).then_some(end)
    }
}

#[test]
fn the_fused_beam_is_that_of_sorting_all_candidates() {
    let mut random = Random::new(21);
    for (frames, classes, sharpness) in [(30, 6, 1.0), (20, 25, 3.0), (60, 4, 5.0)] {
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
