//! Times the beam with language models, one thread, in process.
//!
//!     cargo bench --bench lm                 a table
//!     cargo bench --bench lm -- --json       one JSON object of milliseconds, for `peers/lm.py`
//!     cargo bench --bench lm -- --arpa FILE  how long that file takes to read, and no more
//!
//! The input is `fixtures/lines.npy`, tiled to some 10,000 frames of 97 classes and decoded line by line, with the
//! fixtures' models.

#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program that prints figures, or fails

mod fixture;
mod support;

use std::hint::black_box;
use std::path::Path;

use ctctool::decode::spelling::{Spelling, WordDelimiter};
use ctctool::decode::{BeamConfig, BeamDecoder, Fusion, FusionScorer, FusionWeights, LanguageModel};
use ctctool::input::read_language_model;
use ctctool::logits::InputKind;

use self::fixture::{CLASSES, lines};
use self::support::{median, print};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == "--arpa") {
        let ms = median(5, || drop(black_box(read_language_model(Path::new(&args[at + 1])).unwrap())));
        println!("{ms:.1} ms");
        return;
    }
    let lines = lines();
    let mut rows: Vec<(String, f64)> = Vec::new();
    for (name, fusion, unit_bonus) in [("word trigram", words(), 1.5), ("token 6-gram", tokens(), 0.0)] {
        let unk_score = -0.5 * 10.0 * std::f64::consts::LN_10;
        let weights = FusionWeights { lm_weight: 0.5, with_end: true, unit_bonus, unk_score };
        for (width, rounds) in [(10, 9), (100, 5)] {
            let ms = median(rounds, || beam_all(&lines, &fusion, weights, width));
            rows.push((format!("{name}, beam {width}"), ms));
        }
    }
    print(&rows, args.iter().any(|arg| arg == "--json"));
}

fn beam_all(items: &[Vec<f32>], fusion: &Fusion, weights: FusionWeights, beam_width: usize) {
    let config = BeamConfig { beam_width, blank: 0, input: InputKind::Logits, token_min_logp: None };
    let mut decoder = BeamDecoder::new(config, CLASSES, FusionScorer::new(fusion, weights)).unwrap();
    for item in items {
        black_box(decoder.decode(item, 1).unwrap());
    }
}

fn spelling() -> Spelling {
    let mut names = vec![String::new()];
    names.extend(std::fs::read_to_string(fixture::path("alphabet.txt")).unwrap().lines().map(str::to_owned));
    let space = names.iter().position(|name| name == " ").unwrap();
    Spelling::new(names, WordDelimiter::Token(space as u32))
}

fn words() -> Fusion {
    let model = read_language_model(&fixture::path("lm_word3.arpa")).unwrap();
    Fusion::new(&spelling(), CLASSES, Some(LanguageModel::Words(model)), None)
}

fn tokens() -> Fusion {
    let model = read_language_model(&fixture::path("lm_char6.arpa.gz")).unwrap();
    let spelling = spelling();
    let language = LanguageModel::tokens(model, &spelling, CLASSES, 0, "|");
    Fusion::new(&spelling, CLASSES, Some(language), None)
}
