//! Times greedy decoding and the beam, one thread, in process.
//!
//!     cargo bench --bench decode            a table
//!     cargo bench --bench decode -- --json  one JSON object of milliseconds, for `peers/decode.py`
//!
//! The input is `fixtures/lines.npy`, tiled to some 10,000 frames of 97 classes and decoded line by line, and
//! random frames of many classes.

#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program that prints figures, or fails

mod fixture;
mod support;

use std::hint::black_box;

use ctctool::decode::{BeamConfig, BeamDecoder, NoScorer, greedy};
use ctctool::logits::{InputKind, RowScale};

use self::fixture::{CLASSES, lines};
use self::support::{median, print};

fn main() {
    let json = std::env::args().any(|arg| arg == "--json");
    let mut rows: Vec<(String, f64)> = Vec::new();
    let lines = lines();
    // What the peers are given: probabilities.
    let probs: Vec<Vec<f32>> = lines.iter().map(|item| softmax(item, CLASSES)).collect();
    let mut both = |name: &str, rounds, work: &dyn Fn(&[Vec<f32>], InputKind)| {
        rows.push((name.to_owned(), median(rounds, || work(&probs, InputKind::Probs))));
        rows.push((format!("{name}, from logits"), median(rounds, || work(&lines, InputKind::Logits))));
    };
    both("greedy", 15, &|items, input| greedy_all(items, CLASSES, input));
    for (width, rounds) in [(10, 15), (100, 9), (1000, 3)] {
        both(&format!("beam {width}"), rounds, &|items, input| beam_all(items, CLASSES, width, input));
    }
    if !json {
        for classes in [5000, 6625] {
            let many = random(1000, classes);
            rows.push((
                format!("greedy, C {classes}, T 1000"),
                median(9, || greedy_all(&many, classes, InputKind::Logits)),
            ));
            rows.push((
                format!("beam 100, C {classes}, T 1000"),
                median(9, || beam_all(&many, classes, 100, InputKind::Logits)),
            ));
        }
    }
    print(&rows, json);
}

fn greedy_all(items: &[Vec<f32>], classes: usize, input: InputKind) {
    for item in items {
        black_box(greedy(item, classes, 0, input).unwrap());
    }
}

fn beam_all(items: &[Vec<f32>], classes: usize, beam_width: usize, input: InputKind) {
    let config = BeamConfig { beam_width, blank: 0, input, token_min_logp: None };
    let mut decoder = BeamDecoder::new(config, classes, NoScorer).unwrap();
    for item in items {
        black_box(decoder.decode(item, 1).unwrap());
    }
}

fn softmax(item: &[f32], classes: usize) -> Vec<f32> {
    let mut probs = Vec::with_capacity(item.len());
    for row in item.chunks_exact(classes) {
        let scale = RowScale::new(row, InputKind::Logits);
        probs.extend(row.iter().map(|&x| scale.log_prob(x).exp() as f32));
    }
    probs
}

/// One item of frames in each of which the blank or another class stands out.
fn random(frames: usize, classes: usize) -> Vec<Vec<f32>> {
    let mut state = 1_u64;
    let mut unit = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let mut values = Vec::with_capacity(frames * classes);
    for _ in 0..frames {
        let winner = if unit() < 0.7 { 0 } else { (unit() * classes as f32) as usize };
        values.extend((0..classes).map(|class| unit() * 4.0 + if class == winner { 12.0 } else { 0.0 }));
    }
    vec![values]
}
