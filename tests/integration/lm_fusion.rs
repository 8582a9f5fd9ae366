//! The steered beam against slow, obvious versions.

use ctctool::decode::spelling::{Spelling, WordDelimiter};
use ctctool::decode::{
    BeamResult, Fusion, FusionScorer, FusionWeights, LanguageModel, Log, Scorer, Space, beam_search,
};
use ctctool::lm::Hotwords;
use ctctool::logits::InputKind;

use crate::decode_beam::{assert_same, config};
use crate::lm::parse;
use crate::oracle_beam::{Ranked, enumerate, full_sort, relative, softmax};
use crate::oracle_fusion::{Naive, NaiveModel};
use crate::random::Random;
use crate::support::SUMMED;

const CHARACTERS: [&str; 5] = ["", "a", "b", "c", " "];
const PIECES: [&str; 6] = ["", "▁", "▁a", "b", "▁bc", "ca"];

/// Words that end within a token.
const INNER: [&str; 6] = ["", "▁▁", "a▁b", "▁a", "b▁", "c"];

/// An ARPA file over these words, with back-off weights on both sides of 1.
fn random_model(random: &mut Random, words: &[&str]) -> String {
    let mut words: Vec<&str> = words.to_vec();
    words.extend(["<s>", "</s>", "<unk>"]);
    let mut log10 = |scale: f64, shift: f64| random.normal() * scale + shift;
    let mut sections = vec![Vec::new(); 4];
    for word in &words {
        sections[0].push(format!("{:.4}\t{word}\t{:.4}", log10(0.5, -1.5).min(0.0), log10(0.4, -0.2)));
    }
    let mut draws = Vec::new();
    for first in &words {
        for second in &words {
            draws.push((first, second));
        }
    }
    for (first, second) in draws {
        if *first == "</s>" || *second == "<s>" || log10(1.0, 0.0) < 0.2 {
            continue;
        }
        sections[1].push(format!(
            "{:.4}\t{first} {second}\t{:.4}",
            log10(0.5, -0.7).min(0.0),
            log10(0.4, -0.2)
        ));
        for third in &words {
            if *third == "<s>" || *second == "</s>" || log10(1.0, 0.0) < 0.8 {
                continue;
            }
            sections[2].push(format!(
                "{:.4}\t{first} {second} {third}\t{:.4}",
                log10(0.5, -0.4).min(0.0),
                log10(0.4, -0.2)
            ));
            for fourth in &words {
                if *fourth != "<s>" && *third != "</s>" && log10(1.0, 0.0) > 1.2 {
                    let line = format!("{:.4}\t{first} {second} {third} {fourth}", log10(0.4, -0.3).min(0.0));
                    sections[3].push(line);
                }
            }
        }
    }
    let mut lines_of = vec!["\\data\\".to_owned()];
    for (order, lines) in (1..).zip(&sections) {
        lines_of.push(format!("ngram {order}={}", lines.len()));
    }
    for (order, lines) in (1..).zip(&sections) {
        lines_of.push(format!("\n\\{order}-grams:\n{}", lines.join("\n")));
    }
    lines_of.push("\n\\end\\\n".to_owned());
    lines_of.join("\n")
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    None,
    Word,
    Token,
}

/// The fast and the slow version of the same.
fn both(random: &mut Random, names: &[&str], unit: Unit, lexicon: bool, hotwords: bool) -> (Fusion, Naive) {
    let by_words = names.contains(&" ") || names.iter().any(|name| name.contains('▁'));
    let written: Vec<String> = names.iter().map(|name| name.replace('▁', " ")).collect();
    let owned: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let delimiter = match names.iter().position(|&name| name == " ") {
        Some(class) => WordDelimiter::Token(class as u32),
        None if by_words => WordDelimiter::Prefix("▁".to_owned()),
        None => WordDelimiter::None,
    };
    let spelling = Spelling::new(owned.clone(), delimiter);
    let words = ["a", "ab", "abc", "ba", "bca", "cab", "cc"];
    let listed: Option<Vec<String>> =
        lexicon.then(|| ["a", "ab", "bca", "ac", "caca"].map(str::to_owned).to_vec());
    let phrases: Vec<(String, f64)> = if hotwords {
        [("ab", 2.0), ("a b", 3.0), ("abca", 1.5), ("b", -1.0), ("ab a", 4.0)]
            .map(|(p, w)| (p.to_owned(), w))
            .to_vec()
    } else {
        Vec::new()
    };
    // The token models do not know the c.
    let names_of_model: Vec<String> =
        names.iter().map(|&name| if name == " " { "|".to_owned() } else { name.to_owned() }).collect();
    let text = match unit {
        Unit::Token => {
            let known: Vec<&str> =
                names_of_model.iter().map(String::as_str).filter(|name| !["", "c"].contains(name)).collect();
            random_model(random, &known)
        }
        _ => random_model(random, &words),
    };
    let weights = FusionWeights {
        lm_weight: 0.3 + random.unit(),
        with_end: random.below(2) == 0,
        unit_bonus: 2.0 * random.normal(),
        unk_score: -3.0 * random.unit() + 0.5,
    };
    let naive = Naive {
        written,
        model: (unit != Unit::None).then(|| NaiveModel::parse(&text)),
        tokens: (unit == Unit::Token).then(|| names_of_model.clone()),
        lexicon: listed.clone(),
        hotwords: phrases.clone(),
        whole_words: by_words,
        weights,
    };
    let model = parse(&text).unwrap();
    let language = match unit {
        Unit::None => None,
        Unit::Word => Some(LanguageModel::Words(model)),
        Unit::Token => {
            let space = LanguageModel::default_space(&model, &spelling, names.len());
            Some(LanguageModel::tokens(model, &spelling, names.len(), 0, &space))
        }
    };
    let fusion = Fusion::new(&spelling, names.len(), language, listed.as_deref());
    if !hotwords {
        return (fusion, naive);
    }
    let found = Hotwords::new(phrases.iter().map(|(p, w)| (p.as_str(), *w)), by_words);
    (fusion.with_hotwords(found), naive)
}

/// All kinds of steering.
fn each(mut test: impl FnMut(&mut Random, &[&str], &Fusion, &Naive, &str)) {
    let mut random = Random::new(31);
    for round in 0..4 {
        for names in [&CHARACTERS[..], &PIECES[..], &INNER[..], &CHARACTERS[..4]] {
            for unit in [Unit::None, Unit::Word, Unit::Token] {
                for (lexicon, hotwords) in [(false, false), (true, false), (false, true), (true, true)] {
                    if names.len() == 4 && (unit == Unit::Word || lexicon) {
                        continue; // there are no words
                    }
                    let (fusion, naive) = both(&mut random, names, unit, lexicon, hotwords);
                    let unit = ["none", "word", "token"][unit as usize];
                    let what =
                        format!("round {round}, {names:?}, {unit}, lexicon {lexicon}, hotwords {hotwords}");
                    test(&mut random, names, &fusion, &naive, &what);
                }
            }
        }
    }
}

/// Ranks by the slow version what it may end with, or all where nothing may.
fn finished(ranked: Ranked, naive: &Naive) -> Ranked {
    let whole = |(text, score): &(Vec<u32>, f64)| {
        naive.whole(text).map(|whole| (text.clone(), score - naive.partial(text) + whole))
    };
    let mut ended: Ranked = ranked.iter().filter_map(whole).collect();
    ended.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    if ended.is_empty() { ranked } else { ended }
}

fn search(logits: &[f64], classes: usize, width: usize, fusion: &Fusion, naive: &Naive) -> BeamResult {
    let scorer = FusionScorer::new(fusion, naive.weights);
    let result = beam_search(logits, classes, config(width, 0, InputKind::Logits), width, scorer).unwrap();
    // What is forbidden is not lost.
    assert_eq!(result.space, Space::Linear);
    result
}

#[test]
fn the_steered_beam_is_that_of_sorting_all_candidates() {
    each(|random, names, fusion, naive, what| {
        let logits = random.logits(14, names.len(), 1.5, 1.0);
        let (factors, offset) = relative::<Log>(&logits, names.len());
        let gain = |text: &[u32], token: u32| {
            let longer: Vec<u32> = text.iter().copied().chain([token]).collect();
            match naive.partial(&longer) {
                f64::NEG_INFINITY => f64::NEG_INFINITY,
                score => score - naive.partial(text),
            }
        };
        for width in [1, 3, 12] {
            let expected = full_sort::<Log>(&factors, names.len(), 0, width, offset, Some(&gain));
            let result = search(&logits, names.len(), width, fusion, naive);
            assert_same_scores(&result, &finished(expected, naive), &format!("{what}, width {width}"));
        }
    });
}

/// As `assert_same`, but texts of equal score may come in any order, for the slow version's sums are others.
fn assert_same_scores(result: &BeamResult, expected: &Ranked, what: &str) {
    let mut expected = expected.clone();
    for at in 0..result.hypotheses.len().min(expected.len()) {
        let tokens = &result.hypotheses[at].tokens;
        let other = expected.iter().position(|(text, _)| text == tokens);
        if let Some(other) = other.filter(|&other| (expected[other].1 - expected[at].1).abs() < SUMMED) {
            expected.swap(at, other);
        }
    }
    assert_same(result, &expected, what);
}

#[test]
fn a_wide_beam_finds_the_best_of_all_texts() {
    each(|random, names, fusion, naive, what| {
        let logits = random.logits(5, names.len(), 1.0, 0.0);
        let texts = enumerate(&softmax(&logits, names.len()), names.len(), 0);
        let scored = texts.iter().map(|(text, p)| (text.clone(), p.ln() + naive.partial(text)));
        let ranked: Ranked = scored.filter(|(_, score)| *score > f64::NEG_INFINITY).collect();
        let result = search(&logits, names.len(), 100_000, fusion, naive);
        assert_same_scores(&result, &finished(ranked, naive), what);
        for h in &result.hypotheses {
            assert!((h.logp_nats.exp() - texts[&h.tokens]).abs() < 1e-12, "{what}: {h:?}");
        }
    });
}

#[test]
fn no_gain_exceeds_its_bound_and_the_parts_add_up() {
    each(|random, names, fusion, naive, what| {
        let mut scorer = FusionScorer::new(fusion, naive.weights);
        for _ in 0..40 {
            let mut state = scorer.start();
            let mut text = Vec::new();
            let mut sum = 0.0;
            for _ in 0..12 {
                for token in 0..names.len() as u32 {
                    let gain = scorer.extend(state, token).1.nats();
                    let most = f64::from(scorer.gain_bounds(state)[token as usize]);
                    let of_all = f64::from(scorer.gain_bounds_of_any_state()[token as usize]);
                    assert!(gain <= most, "{what}: {text:?} {token}: {gain} above {most}");
                    assert!(gain <= of_all, "{what}: {text:?} {token}: {gain} above {of_all}");
                    if (naive.model.is_none() || naive.tokens.is_some()) && gain > f64::NEG_INFINITY {
                        // Nothing but the rounding of single precision.
                        let near = gain + 1e-5 * (1.0 + gain.abs());
                        assert!(most <= near, "{what}: {text:?} {token}: {most} far above {gain}");
                    }
                }
                let token = 1 + random.below(names.len() as u32 - 1);
                let (next, gain) = scorer.extend(state, token);
                let gain = gain.nats();
                if gain == f64::NEG_INFINITY {
                    break;
                }
                text.push(token);
                state = next;
                sum += gain;
                assert!((sum - naive.partial(&text)).abs() < SUMMED, "{what}: {text:?}");
            }
            let end = scorer.finish(state);
            assert_eq!(end.is_some(), naive.whole(&text).is_some(), "{what}: {text:?}");
            if let (Some(end), Some(whole)) = (end, naive.whole(&text)) {
                assert!((sum + end - whole).abs() < SUMMED, "{what}: {text:?}");
            }
        }
    });
}

/// Of texts that a tree has no room for, bounds that hold for all states are used.
#[test]
fn tokens_of_any_length_are_steered_alike() {
    let mut random = Random::new(31);
    let weights = FusionWeights { lm_weight: 0.0, with_end: false, unit_bonus: 0.0, unk_score: 0.0 };
    let words = ["ab".to_owned(), "b".to_owned()];
    let [short, long] = [2, 1 << 21].map(|length| {
        let names = ["", "a", "b", " ", &"z".repeat(length)].map(str::to_owned).to_vec();
        let hotwords = Hotwords::new([("ab", 3.0), ("b b", -2.0)], true);
        let spelling = Spelling::new(names, WordDelimiter::Token(3));
        Fusion::new(&spelling, 5, None, Some(&words)).with_hotwords(hotwords)
    });
    for _ in 0..20 {
        let logits = random.logits(12, 5, 1.5, 1.0);
        let [short, long] = [&short, &long].map(|fusion| {
            let scorer = FusionScorer::new(fusion, weights);
            beam_search(&logits, 5, config(6, 0, InputKind::Logits), 6, scorer).unwrap().hypotheses
        });
        assert_eq!(short, long);
    }
}

/// Bounds of what a token gains hold for no others.
#[test]
fn weights_beyond_their_limits_are_refused() {
    let fusion = Fusion::new(&Spelling::indices(), 3, None, None);
    let refused = |weights: FusionWeights| {
        std::panic::catch_unwind(|| drop(FusionScorer::new(&fusion, weights))).is_err()
    };
    let good = FusionWeights { lm_weight: 0.5, with_end: true, unit_bonus: -1.0, unk_score: -10.0 };
    assert!(!refused(good));
    for bad in [f64::NAN, f64::INFINITY, -1e7] {
        assert!(refused(FusionWeights { lm_weight: bad, ..good }));
        assert!(refused(FusionWeights { unit_bonus: bad, ..good }));
        assert!(refused(FusionWeights { unk_score: bad, ..good }));
        assert!(std::panic::catch_unwind(|| Hotwords::new([("a", bad)], false)).is_err());
    }
    assert!(refused(FusionWeights { lm_weight: -0.5, ..good }));
}
