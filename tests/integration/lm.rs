//! Models from ARPA files: scores as `KenLM`'s, and what is malformed.

use std::io::Read;

use ctctool::lm::{ArpaParser, NgramModel};
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::support::{number, repository};

/// `KenLM` adds single-precision numbers.
const SINGLE: f64 = 2e-6;

pub(crate) fn parse(text: &str) -> Result<NgramModel, String> {
    let mut parser = ArpaParser::new();
    parser.feed(text.as_bytes()).map_err(|error| error.to_string())?;
    parser.finish().map_err(|error| error.to_string())
}

fn word_model() -> String {
    std::fs::read_to_string(repository("fixtures/lm_word3.arpa")).unwrap()
}

fn char_model() -> String {
    let mut text = String::new();
    let file = std::fs::File::open(repository("fixtures/lm_char6.arpa.gz")).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

/// The same model without the n-grams above an order, as `make_lm.py` cuts it.
fn cut_down(text: &str, order: usize) -> String {
    let mut sections: Vec<Vec<&str>> = text
        .trim_end_matches("\n\\end\\\n")
        .split("\n\n")
        .map(|part| part.trim_end().lines().collect())
        .collect();
    sections.truncate(order + 1);
    sections[0].truncate(order + 1);
    let without_backoff = |line: &&str| line.split('\t').take(2).collect::<Vec<_>>().join("\t");
    let last: Vec<String> = sections[order].iter().map(without_backoff).collect();
    let mut parts: Vec<String> = sections[..order].iter().map(|lines| lines.join("\n")).collect();
    parts.push(last.join("\n"));
    parts.push("\\end\\\n".to_owned());
    parts.join("\n\n")
}

/// Natural logarithm of the probability of a text's words, after `<s>` and with `</s>`.
fn text_logp(model: &NgramModel, words: impl IntoIterator<Item = u32>) -> f64 {
    let (mut state, mut logp) = (model.start(), 0.0);
    for word in words.into_iter().chain(model.end()) {
        let (next, nats) = model.score(state, word);
        (state, logp) = (next, logp + nats);
    }
    logp
}

fn score_words(model: &NgramModel, sentence: &str) -> impl Iterator<Item = u32> {
    sentence.split_whitespace().map(|word| model.word(word).unwrap_or(model.unknown()))
}

#[test]
fn scores_are_those_of_kenlm() {
    let reference = std::fs::read_to_string(repository("fixtures/lm_reference.json")).unwrap();
    let reference: Value = serde_json::from_str(&reference).unwrap();
    let mut compared = 0;
    for (unit, text) in [("word", word_model()), ("char", char_model())] {
        let sentences = reference[unit]["sentences"].as_array().unwrap();
        for (order, scores) in reference[unit]["log10"].as_object().unwrap() {
            let model = parse(&cut_down(&text, order.parse().unwrap())).expect(order);
            for (sentence, scores) in sentences.iter().zip(scores.as_array().unwrap()) {
                let sentence = sentence.as_str().unwrap();
                let whole = text_logp(&model, score_words(&model, sentence)) / std::f64::consts::LN_10;
                let mut state = model.no_context();
                let mut bare = 0.0;
                for word in score_words(&model, sentence) {
                    let (next, nats) = model.score(state, word);
                    assert!(nats <= model.logp_bound(word), "{sentence}: {word}");
                    state = next;
                    bare += nats / std::f64::consts::LN_10;
                }
                for (found, expected) in [(whole, number(&scores[0])), (bare, number(&scores[1]))] {
                    let allowed = SINGLE * expected.abs().max(1.0);
                    assert!(
                        (found - expected).abs() <= allowed,
                        "{unit} {order}: {sentence}: {found} {expected}"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 2 * (2 * 300 + 5 * 80));
}

#[test]
fn numbers_are_as_exact_as_the_file_has_them() {
    let text = "\\data\\\nngram 1=4\nngram 2=1\n\n\\1-grams:\n-0.7\t<unk>\n-99\t<s>\t-0.1\n-0.2\t</s>\n\
        -0.40102999566398125\ta\t-0.123456789012345\n\n\\2-grams:\n-0.6\t<s> a\n\n\\end\\\n";
    let model = parse(text).unwrap();
    let a = model.word("a").unwrap();
    let close = |nats: f64, log10: f64| (nats / std::f64::consts::LN_10 - log10).abs() < 1e-15;
    let (state, nats) = model.score(model.no_context(), a);
    assert!(close(nats, -0.401_029_995_663_981_25), "{nats}");
    let (_, nats) = model.score(state, a);
    assert!(close(nats, -0.401_029_995_663_981_25 - 0.123_456_789_012_345), "{nats}");
    let (_, nats) = model.score(model.start(), a);
    assert!(close(nats, -0.6), "{nats}");
}

/// The n-grams of agatan/ctclib's `data/overfit.arpa` that its `tests/kenlm_test.rs` looks at, and what that
/// test expects.
#[test]
fn published_scores_of_a_character_model() {
    let text = "\\data\\\nngram 1=5\nngram 2=2\nngram 3=1\n\n\
        \\1-grams:\n-1.7498091\t<unk>\t0\n0\t<s>\t-0.98527676\n-1.552276\t</s>\t0\n\
        -1.3728311\tM\t-0.11439539\n-1.2308131\tI\t-0.0611518\n\n\
        \\2-grams:\n-0.045306083\t<s> M\t-1.2863067\n-0.77655447\tM I\t-1.2863067\n\n\
        \\3-grams:\n-0.019120596\t<s> M I\n\n\\end\\\n";
    let model = parse(text).unwrap();
    let [m, i] = ["M", "I"].map(|word| model.word(word).unwrap());
    let log10 = |state, word| {
        let (state, nats) = model.score(state, word);
        (state, (nats / std::f64::consts::LN_10) as f32)
    };
    let (after_m, first) = log10(model.start(), m);
    let (after_i, _) = log10(after_m, i);
    assert_eq!(first, -0.045_306_083);
    assert!((log10(after_m, model.end().unwrap()).1 - -2.952_978_1).abs() < 1e-6);
    assert!((log10(after_i, model.end().unwrap()).1 - -2.899_734_5).abs() < 1e-6);
}

#[test]
fn a_file_may_come_in_any_blocks() {
    let text = word_model().replace('\n', "\r\n");
    let whole = parse(&text).unwrap();
    let sentence = "The mill stood by zyx again; the river.";
    for size in [1, 7, 1000, 70_000] {
        let mut parser = ArpaParser::new();
        for block in text.as_bytes().chunks(size) {
            parser.feed(block).unwrap();
        }
        let model = parser.finish().unwrap();
        assert_eq!(model.len(), whole.len());
        let logp = |model: &NgramModel| text_logp(model, score_words(model, sentence));
        assert_eq!(logp(&model), logp(&whole));
    }
}

const SMALL: &str = "\\data\\\nngram 1=4\nngram 2=2\n\n\\1-grams:\n-1\t<s>\t-0.5\n-1\t</s>\n-1\ta\t-0.25\n-2\tb\n\n\
    \\2-grams:\n-0.1\t<s> a\n-0.2\ta b\n\n\\end\\\n";

/// Neighbours that begin alike are read sooner; nothing else may depend on them.
#[test]
fn n_grams_of_a_section_may_come_in_any_order() {
    let text = char_model();
    let shuffled: Vec<String> = text
        .split("\n\n")
        .map(|section| {
            let (heading, lines) = section.split_once('\n').unwrap_or((section, ""));
            let mut lines: Vec<&str> = lines.lines().collect();
            if heading.ends_with("-grams:") {
                lines.sort_by_key(|line| {
                    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                    line.bytes().fold(0xcbf2_9ce4_8422_2325, hash)
                });
            }
            [&[heading], &lines[..]].concat().join("\n")
        })
        .collect();
    let shuffled = shuffled.join("\n\n") + "\n";
    assert_ne!(shuffled, text);
    let (model, other) = (parse(&text).unwrap(), parse(&shuffled).unwrap());
    assert_eq!(model.len(), other.len());
    let mut lines = 0;
    for line in text.lines().filter_map(|line| line.split('\t').nth(1)).step_by(7) {
        let logp = |model: &NgramModel| text_logp(model, score_words(model, line));
        assert_eq!(logp(&model), logp(&other), "{line}");
        lines += 1;
    }
    assert!(lines > 500);
}

#[test]
fn backing_off_from_bonus_weights_is_within_the_bound() {
    let text = SMALL.replace("-0.25", "1.5");
    let model = parse(&text).unwrap();
    let [a, b] = ["a", "b"].map(|word| model.word(word).unwrap());
    let after_a = model.score(model.no_context(), a).0;
    let (_, nats) = model.score(after_a, a);
    assert!((nats - 0.5 * std::f64::consts::LN_10).abs() < 1e-12);
    assert!(model.logp_bound(a) >= nats && model.logp_bound(a) < nats + 1e-6);
    assert!(model.logp_bound(b) >= model.score(after_a, b).1);
}

#[test]
fn a_model_without_unknown_words_gives_them_next_to_nothing() {
    let model = parse(SMALL).unwrap();
    assert_eq!(model.score(model.no_context(), model.unknown()).1, -100.0 * std::f64::consts::LN_10);
    assert_eq!((model.order(), model.len()), (2, 7));
}

#[test]
fn what_is_malformed_is_named_with_its_place() {
    parse(SMALL).unwrap();
    let long = format!("-1\t{}", "x".repeat(70_000));
    for (from, to, message) in [
        (
            "\\data\\",
            "data",
            r"line 1, column 1: expected \data\, where an ARPA language model begins, found 'data'",
        ),
        ("ngram 1=4", "ngram 2=4", r"line 2, column 1: expected 'ngram 1=' and a number, found 'ngram 2=4'"),
        ("ngram 1=4", "ngram 1=99999999999999999999", "line 2, column 1"),
        ("ngram 1=4", "ngram 1=5", r"line 11, column 1: expected 5 1-grams, as \data\ says, found 4"),
        ("ngram 1=4", "ngram 1=3", "line 9, column 1: expected 3 1-grams"),
        ("ngram 2=2", "ngram 2=2\nngram 4=1", "line 4, column 1: expected 'ngram 3=' and a number, or"),
        ("\\2-grams:", "\\3-grams:", r"line 11, column 1: expected \2-grams:, found '\3-grams:'"),
        ("\n\\end\\", "", r"line 15, column 1: expected \end\, found the end of the file"),
        ("\\end\\\n", "\\end\\\nmore", r"line 16, column 1: expected nothing after \end\, found 'more'"),
        (
            "-2\tb",
            "two\tb",
            "line 9, column 1: expected the base-10 logarithm of a probability, 0 or less, found 'two'",
        ),
        ("-2\tb", "0.5\tb", "line 9, column 1: expected the base-10 logarithm"),
        ("-2\tb", "nan\tb", "line 9, column 1"),
        (
            "-2\tb",
            "-inf\tb",
            "line 9, column 1: expected the base-10 logarithm of a probability, 0 or less (-99 for a probability of 0)",
        ),
        ("-2\tb", "-1e30\tb", "line 9, column 1"),
        ("a\t-0.25", "a\t1e30", "line 8, column 6: expected the base-10 logarithm of a back-off weight"),
        ("-2\tb", "-2", "line 9, column 3: expected 1 word of a 1-gram, found 0"),
        (
            "-2\tb",
            "-2\tb\tx",
            "line 9, column 6: expected the base-10 logarithm of a back-off weight, found 'x'",
        ),
        ("-2\tb", "-2\tb\t0\t0", "line 9, column 8: expected the end of the line after a 1-gram"),
        ("-2\tb", "-2\ta", "line 9, column 1: expected each 1-gram once"),
        ("-2\tb", &long, "line 9, column 1: expected a line of at most 65536 bytes"),
        ("a b", "a", "line 13, column 7: expected 2 words of a 2-gram, found 1"),
        ("a b", "a c", r"line 13, column 8: expected a word of the \1-grams: section, found 'c'"),
        ("a b", "<s> a", "line 13, column 1: expected each 2-gram once, found '<s> a' again"),
        (
            "a b",
            "b a",
            "line 13, column 1: expected a back-off weight of 'b', with which this 2-gram begins, found none",
        ),
        ("a b", "a b\t-1", "line 13, column 10: expected no back-off weight for the longest n-grams"),
        ("-0.2\ta b\n", "", r"line 14, column 1: expected 2 2-grams, as \data\ says, found 1"),
    ] {
        let text = SMALL.replacen(from, to, 1);
        let error = parse(&text).expect_err(to);
        assert!(error.starts_with(message), "{to}: {error}");
    }
    for end in 0..SMALL.len() - 1 {
        assert!(parse(&SMALL[..end]).is_err() || &SMALL[end..] == "\n", "{end}");
    }
    let mut bytes = SMALL.as_bytes().to_vec();
    let at = SMALL.find("\tb").unwrap();
    bytes[at + 1] = 0xff;
    let error = ArpaParser::new().feed(&bytes).unwrap_err().to_string();
    assert_eq!(error, "line 9, column 4: expected UTF-8 text, found the byte 0xff");
    let third = SMALL.replace("ngram 2=2\n", "ngram 2=2\nngram 3=1\n");
    let third = third.replace("\\end\\", "\\3-grams:\n-1\tb a b\n\n\\end\\");
    let error = parse(&third).unwrap_err();
    assert!(
        error.starts_with("line 17, column 8: expected an n-gram whose first 2 words are an n-gram as well, found one that begins with 'b a'"),
        "{error}"
    );
    // Also where the line before ends in the same word.
    let third = third.replace("-1\tb a b", "-1\ta b b\n-1\tb a b").replace("ngram 3=1", "ngram 3=2");
    let third = third.replace("-0.2\ta b", "-0.2\ta b\t0");
    let error = parse(&third).unwrap_err();
    assert!(error.starts_with("line 18, column 8: expected an n-gram whose first 2 words"), "{error}");
    assert!(error.ends_with("found one that begins with 'b a'"), "{error}");
    assert!(parse(&format!("made by hand\n\n{SMALL}")).is_ok());
    // As KenLM has it: empty lines mean nothing.
    assert!(parse(&SMALL.replace("-2\tb", "\n \t\n-2\tb").replace("\n\n\\", "\n\\")).is_ok());
}

/// Words that could be numbers, and every byte of a file exchanged: errors have places, nothing panics.
#[test]
fn words_that_occur_in_numbers_do_no_harm() {
    let third = SMALL.replace("ngram 2=2\n", "ngram 2=2\nngram 3=1\n");
    let third = third.replace("\\end\\", "\\3-grams:\n-0.15\tb a b\n\n\\end\\");
    for (a, b) in [("0", "1"), ("1", "."), ("-", "0"), ("1", "5")] {
        let text = third.replace(" a", &format!(" {a}")).replace("\ta", &format!("\t{a}"));
        let text = text.replace(" b", &format!(" {b}")).replace("\tb", &format!("\t{b}"));
        let error = parse(&text).unwrap_err();
        let expected = format!(
            "line 17, column 11: expected an n-gram whose first 2 words are an n-gram as well, found one that begins with '{b} {a}'"
        );
        assert!(error.starts_with(&expected), "{error}");
        for at in 0..text.len() {
            for byte in *b"\t\n 0-.a\\" {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = byte;
                let mut parser = ArpaParser::new();
                let _ = parser.feed(&bytes).map(|()| parser.finish());
            }
        }
    }
}
