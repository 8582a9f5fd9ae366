//! `ctctool decode` with language models, lexicons and hotwords, and `ctctool tune`, by their contract.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use predicates::prelude::*;
use serde_json::Value;

use crate::support::{Folder, SUMMED, ctctool, json, npy_f64, number, repository};

const LINES: [&str; 7] =
    ["lines.npy", "--alphabet", "alphabet.txt", "--lengths", "lines.lengths.txt", "--refs", "lines.txt"];
const WORDS: [&str; 2] = ["--lm", "lm_word3.arpa"];
const TOKENS: [&str; 4] = ["--lm", "lm_char6.arpa.gz", "--lm-unit", "token"];

/// A command that reads the fixture's lines and their references.
pub(crate) fn of_lines(command: &str, args: &[&str]) -> assert_cmd::Command {
    let mut program = ctctool();
    program.current_dir(repository("fixtures")).arg(command).args(LINES).args(args);
    program
}

fn fixture(command: &str, args: &[&str]) -> assert_cmd::Command {
    of_lines(command, &[&["--quiet"], args].concat())
}

fn rate(result: &Value, name: &str) -> f64 {
    number(&result["summary"][name])
}

#[test]
fn models_lower_the_error_rates_and_scores_have_their_parts() {
    let plain = json(fixture("decode", &["--beam", "100"]).args(["--nbest", "3"]));
    assert!(plain["items"][0]["hypotheses"][0].get("score").is_none());
    let words = json(fixture("decode", &["--beam", "100", "--nbest", "3"]).args(WORDS));
    let tokens = json(fixture("decode", &["--beam", "100", "--word-bonus", "1"]).args(TOKENS));
    assert!(rate(&plain, "wer_ratio") > 0.39);
    assert!(rate(&words, "wer_ratio") < 0.19 && rate(&words, "cer_ratio") < 0.06);
    assert!(rate(&tokens, "wer_ratio") < 0.14 && rate(&tokens, "cer_ratio") < 0.04);
    let params = &words["params"];
    assert_eq!((number(&params["lm_weight"]), number(&params["word_bonus"])), (0.5, 1.5));
    assert_eq!((&params["lm_unit"], &params["lm_eos"]), (&"word".into(), &true.into()));
    assert_eq!(tokens["params"]["lm_space"], "|");
    let known: Vec<String> = std::fs::read_to_string(repository("fixtures/lm_text.txt"))
        .unwrap()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    for hypothesis in
        words["items"].as_array().unwrap().iter().flat_map(|item| item["hypotheses"].as_array().unwrap())
    {
        let text: Vec<&str> = hypothesis["text"].as_str().unwrap().split_whitespace().collect();
        let unknown = text.iter().filter(|&&word| !known.iter().any(|other| other == word)).count();
        let expected = number(&hypothesis["logp_nats"])
            + 0.5 * number(&hypothesis["lm_logp_nats"])
            + 1.5 * text.len() as f64
            - 10.0 * unknown as f64;
        assert!((number(&hypothesis["score"]) - expected).abs() < SUMMED, "{hypothesis}");
    }
}

#[test]
fn nothing_but_the_lexicon_is_printed() {
    let folder = Folder::new();
    let words: String = std::fs::read_to_string(repository("fixtures/lines.txt"))
        .unwrap()
        .split_whitespace()
        .filter(|word| word.chars().all(char::is_alphanumeric))
        .map(|word| format!("{word}\r\n\n"))
        .collect();
    let lexicon = folder.file("lexicon.txt", &words);
    let mut had_unfinished = false;
    for extra in [&[][..], &WORDS[..], &TOKENS[..]] {
        let mut command = fixture("decode", &["--beam", "50", "--nbest", "50", "--lexicon"]);
        let result = json(command.arg(&lexicon).args(extra));
        let mut unfinished = 0;
        for item in result["items"].as_array().unwrap() {
            let texts = item["hypotheses"].as_array().unwrap().iter();
            let texts: Vec<&str> = texts.map(|hypothesis| hypothesis["text"].as_str().unwrap()).collect();
            let is_listed = |word: &str| words.lines().any(|line| line == word);
            if texts.iter().all(|text| text.split_whitespace().all(is_listed)) {
                continue;
            }
            // Nothing else was left in the beam.
            unfinished += 1;
            for text in texts {
                let last = text.split(' ').next_back().unwrap();
                assert!(!is_listed(last) && words.lines().any(|line| line.starts_with(last)), "{text}");
                assert!(text.strip_suffix(last).unwrap().split_whitespace().all(is_listed), "{text}");
            }
        }
        let warned = |warning: &Value| warning["code"] == "unfinished_word";
        assert_eq!(result["warnings"].as_array().unwrap().iter().any(warned), unfinished > 0);
        had_unfinished |= unfinished > 0;
    }
    assert!(had_unfinished);
    // What the lexicon forbids is not mass that was lost.
    let mut verbose = ctctool();
    verbose.current_dir(repository("fixtures"));
    verbose.args([
        "decode",
        "lines.npy",
        "--alphabet",
        "alphabet.txt",
        "--layout",
        "ntc",
        "--beam",
        "50",
        "-v",
        "--lexicon",
    ]);
    let expected = "note: 0 of 16 items computed in log space:";
    verbose.arg(&lexicon).assert().success().stderr(predicate::str::contains(expected));
    let spelled = folder.file("spelled.txt", "a a\n");
    let expected =
        "spelled.txt: line 1, column 2: expected one word per line, found ' a'\nhint: a word is spelt";
    let mut command = fixture("decode", &["--beam", "50", "--lexicon"]);
    command.arg(&spelled).assert().code(2).stderr(predicate::str::contains(expected));
}

#[test]
fn hotwords_are_preferred() {
    let folder = Folder::new();
    let phrases = folder.file("hotwords.txt", "arrived on\nsoft).\t12.5\n");
    let read = |args: &[&str]| json(&mut fixture("decode", &[&["--beam", "100"], args].concat()));
    let with = read(&["--hotwords", phrases.to_str().unwrap(), "--hotword-weight", "8"]);
    let without = read(&[]);
    let text = |result: &Value, item: usize| result["items"][item]["text"].as_str().unwrap().to_owned();
    assert!(!text(&without, 3).contains(" arrived on "));
    assert!(text(&with, 3).contains(" arrived on "), "{}", text(&with, 3));
    let best = &with["items"][3]["hypotheses"][0];
    assert!((number(&best["score"]) - number(&best["logp_nats"]) - 8.0).abs() < SUMMED);
    // There is no model.
    assert_eq!(best["lm_logp_nats"], 0.0);
    let wrong = folder.file("wrong.txt", "one\ntwo\tmany\n");
    let mut command = fixture("decode", &["--beam", "10", "--hotwords"]);
    let expected = "line 2, column 5: expected a weight from -1000000 to 1000000 after the tab, found 'many'";
    command.arg(&wrong).assert().code(2).stderr(predicate::str::contains(expected));
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for (args, message) in [
        (&["--lm", "lm_word3.arpa"][..], "--lm needs --beam"),
        (&["--lexicon", "lines.txt"], "--lexicon needs --beam"),
        (&["--hotwords", "lines.txt"], "--hotwords needs --beam"),
        (&["--beam", "9", "--lm-weight", "1"], "--lm <FILE>"),
        (
            &["--beam", "9", "--lm", "lm_word3.arpa", "--lm-weight=-1"],
            "--lm-weight: expected a number from 0 to 1000000",
        ),
        (
            &["--beam", "9", "--lm", "lm_word3.arpa", "--unk-score", "nan"],
            "--unk-score: expected a number from -1000000 to 1000000",
        ),
        (&["--beam", "9", "--lm", "lm_word3.arpa", "--lm-space", "x"], "--lm-space needs --lm-unit token"),
        (
            &["--beam", "9", "--lm", "lm_word3.arpa", "--word-bonus", "1e300"],
            "--word-bonus: expected a number from -1000000 to 1000000",
        ),
        (
            &["--beam", "9", "--lm", "lm_char6.arpa.gz", "--lm-unit", "token", "--lm-space", "zz"],
            "--lm-space: expected an entry of the model, found 'zz'",
        ),
        (
            &["--beam", "9", "--lm", "-", "--lexicon", "-"],
            "only one of --lm and --lexicon can come from standard input",
        ),
        (&["--beam", "9", "--lm", "lines.txt"], "lines.txt: line 1, column 1: expected \\data\\"),
        (&["--beam", "9", "--lm", "none.arpa"], "none.arpa: cannot be opened"),
    ] {
        fixture("decode", args).assert().code(2).stderr(predicate::str::contains(message));
    }
    let matrix = npy_f64(&[1, 2], &[0.0, 0.0]);
    let words = repository("fixtures/lm_word3.arpa");
    let mut command = ctctool();
    command.args(["decode", "--beam", "9", "--lm"]).arg(&words).write_stdin(matrix);
    let expected = "--lm: without an alphabet, texts are class indices, not words\nhint: give --alphabet";
    command.assert().code(2).stderr(predicate::str::contains(expected));
}

#[test]
fn model_files_that_are_none_are_refused() {
    let folder = Folder::new();
    let binary = folder.file("model.bin", b"mmap lm http://kheafield.com/code format version 5\n\0");
    let mut command = fixture("decode", &["--beam", "9", "--lm"]);
    let expected = "expected an ARPA language model, found a binary KenLM model\nhint: ";
    command.arg(&binary).assert().code(2).stderr(predicate::str::contains(expected));
    let gzipped = std::fs::read(repository("fixtures/lm_char6.arpa.gz")).unwrap();
    let cut = folder.file("cut.arpa.gz", &gzipped[..gzipped.len() / 2]);
    let mut command = fixture("decode", &["--beam", "9", "--lm"]);
    command
        .arg(&cut)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("cut.arpa.gz: cannot be decompressed"));
    // What is small and unpacks to much is refused before it is held.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(&vec![b'x'; 1 << 26]).unwrap();
    let bomb = folder.file("bomb.arpa.gz", bomb.finish().unwrap());
    let mut command = fixture("decode", &["--beam", "9", "--lm"]);
    let expected = "bomb.arpa.gz: line 1, column 1: expected a line of at most 65536 bytes";
    command.arg(&bomb).assert().code(2).stderr(predicate::str::contains(expected));
    let huge = "\\data\\\nngram 1=18446744073709551615\n\n\\1-grams:\n-1\ta\n\n\\end\\\n";
    let huge = folder.file("huge.arpa", huge);
    let mut command = fixture("decode", &["--beam", "9", "--lm"]);
    let expected =
        "huge.arpa: line 7, column 1: expected 18446744073709551615 1-grams, as \\data\\ says, found 1";
    command.arg(&huge).assert().code(2).stderr(predicate::str::contains(expected));
    let no_end = "\\data\\\nngram 1=2\n\n\\1-grams:\n-1\t<s>\n-1\ta\n\n\\end\\\n";
    let no_end = folder.file("no_end.arpa", no_end);
    let mut command = fixture("decode", &["--beam", "9", "--lm"]);
    command.arg(&no_end).assert().code(2).stderr(predicate::str::contains("has no </s>"));
    fixture("decode", &["--beam", "9", "--no-lm-eos", "--lm"]).arg(&no_end).assert().success();
}

#[test]
fn tune_finds_the_weights_that_decode_confirms() {
    let args = ["--lm-weight", "0,0.5,1", "--word-bonus", "0,2", "--beam", "8,40"];
    let result = json(fixture("tune", &args).args(WORDS));
    let points = result["items"].as_array().unwrap();
    assert_eq!((points.len(), &result["summary"]["settings"]), (12, &12.into()));
    let least = points.iter().map(|point| number(&point["wer_ratio"])).fold(f64::INFINITY, f64::min);
    let best = &result["summary"]["best"];
    assert_eq!(number(&best["wer_ratio"]), least);
    assert_eq!(points.iter().filter(|point| point["is_best"] == true).count(), 1);
    let flags: Vec<&str> = result["summary"]["flags"].as_str().unwrap().split(' ').collect();
    let decoded = json(fixture("decode", &flags).args(WORDS));
    for name in ["wer_ratio", "cer_ratio", "words", "characters"] {
        assert_eq!(decoded["summary"][name], best[name]);
    }
    assert_eq!(result["summary"]["greedy"]["wer_ratio"], 34.0 / 82.0);
    let bytes = |threads: &str| {
        fixture("tune", &args).args(WORDS).args(["--threads", threads]).output().unwrap().stdout
    };
    assert_eq!(bytes("1"), bytes("3"));
    let cer = json(fixture("tune", &args).args(WORDS).args(["--objective", "cer"]));
    assert!(number(&cer["summary"]["best"]["cer_ratio"]) <= number(&best["cer_ratio"]));
    fixture("tune", &[])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("required arguments were not provided: --lm"));
    let twice = ["--lm-weight", "0.5,0.5", "--word-bonus", "1,1", "--beam", "4,4"];
    let result = json(fixture("tune", &twice).args(WORDS));
    assert_eq!(result["summary"]["settings"], 1);
    assert_eq!(result["params"]["classes"], 97);
    assert_eq!(result["params"]["dtype"], "float32");
}

#[test]
fn tune_warns_of_what_decode_warns_of_before_it_begins() {
    let folder = Folder::new();
    let one = ["--lm-weight", "0.5", "--word-bonus", "1", "--beam", "2"];
    let codes = |command: &mut assert_cmd::Command| -> Vec<String> {
        let result = json(command);
        let warnings = result["warnings"].as_array().unwrap().iter();
        warnings.map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
    };
    assert!(codes(fixture("tune", &one).args(WORDS)).is_empty());
    let with = |args: &[&str]| {
        let mut command = fixture("tune", &one);
        command.args(WORDS).args(args);
        command
    };
    assert_eq!(codes(&mut with(&["--input", "log-probs"])), ["not_normalised"]);
    assert_eq!(codes(&mut with(&["--blank", "5"]))[0], "blank_not_most_frequent");
    let lexicon = folder.file("lexicon.txt", "supercalifragilisticexpialidocious-and-so-on\n");
    assert!(codes(with(&["--lexicon"]).arg(&lexicon)).contains(&"unfinished_word".to_owned()));
    let expected = "warning not_normalised, an error under --strict";
    let mut strict = with(&["--input", "log-probs", "--strict", "--beam", "1000000"]);
    strict.assert().code(2).stderr(predicate::str::contains(expected));
    // Nor is anything computed for a file that can't be written.
    let mut nowhere = with(&["--beam", "1000000", "-o", "/nowhere/at/all"]);
    nowhere.assert().code(2).stderr(predicate::str::contains("/nowhere/at/all: cannot be written"));
}

#[test]
fn hotwords_that_the_lexicon_forbids_are_told() {
    let folder = Folder::new();
    let lexicon = folder.file("lexicon.txt", "one\ntwo\n");
    let codes = |hotwords: &str| {
        let hotwords = folder.file("hot.txt", hotwords);
        let mut command = fixture("decode", &["--beam", "4", "--lexicon"]);
        let result = json(command.arg(&lexicon).arg("--hotwords").arg(hotwords));
        let all = result["warnings"].as_array().unwrap().clone();
        let found = all.into_iter().find(|warning| warning["code"] == "beyond_lexicon");
        found.map(|warning| warning["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(codes("one\ntwo one\t3\n"), None);
    let message = codes("one\none three\nfour\n").unwrap();
    assert!(message.contains("2 of 3 phrases") && message.contains("such as 'one three'"), "{message}");
}

/// Without `<unk>` a word that is not known outweighs all else, and without a space a text has none.
#[test]
fn models_without_an_entry_that_texts_need_are_told() {
    let folder = Folder::new();
    let model = |name: &str, entries: &[&str]| {
        let lines: String = entries.iter().map(|entry| format!("-1\t{entry}\n")).collect();
        let count = entries.len();
        folder.file(name, format!("\\data\\\nngram 1={count}\n\n\\1-grams:\n{lines}\n\\end\\\n"))
    };
    let codes = |model: &std::path::Path, unit: &str| {
        let mut command = fixture("decode", &["--beam", "2", "--lm-unit", unit, "--lm"]);
        crate::support::warnings(&json(command.arg(model))).join(" ")
    };
    let words = ["<s>", "</s>", "one", "two", "three"];
    assert_eq!(codes(&model("no.arpa", &words), "word"), "no_unknown_word");
    assert_eq!(codes(&model("with.arpa", &[&words[..], &["<unk>"]].concat()), "word"), "");
    let letters: Vec<String> =
        ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['.', ',']).map(String::from).collect();
    let letters: Vec<&str> =
        ["<s>", "</s>", "<unk>"].into_iter().chain(letters.iter().map(String::as_str)).collect();
    assert_eq!(codes(&model("none.arpa", &letters), "token"), "lm_space");
    for space in ["|", "<space>", "[space]", "▁"] {
        assert_eq!(codes(&model("space.arpa", &[&letters[..], &[space]].concat()), "token"), "", "{space}");
    }
}

/// A model for other texts, and settings that end too early.
#[test]
fn settings_that_can_not_be_the_best_are_told() {
    let folder = Folder::new();
    let entries = "-1\t<s>\n-1\t</s>\n-1\t<unk>\n-0.1\tbonjour\n";
    let model = format!("\\data\\\nngram 1=4\n\n\\1-grams:\n{entries}\n\\end\\\n");
    let model = folder.file("french.arpa", model);
    let codes = |result: &Value| crate::support::warnings(result).join(" ");
    let foreign = ["--lm-weight", "2,4,6", "--word-bonus", "-9,9", "--beam", "2"];
    let result = json(fixture("tune", &foreign).arg("--lm").arg(&model));
    let (greedy, best) = (&result["summary"]["greedy"], &result["summary"]["best"]);
    assert!(number(&best["wer_ratio"]) > number(&greedy["wer_ratio"]), "{greedy} {best}");
    assert!(codes(&result).contains("greedy_is_better"), "{}", codes(&result));
    let many = (0..1000).map(|at| at.to_string()).collect::<Vec<_>>().join(",");
    let mut command = fixture("tune", &["--lm-weight", &many, "--word-bonus", &many, "--beam", "1"]);
    let expected = "at most 100000 settings to try, found 1000 weights × 1000 bonuses × 1 beams";
    command.arg("--lm").arg(&model).assert().code(2).stderr(predicate::str::contains(expected));
    let lexicon = folder.file("lexicon.txt", "one\ntwo\n");
    let mut command = fixture("decode", &["--beam", "2"]);
    let result = json(command.arg("--lm").arg(&model).arg("--lexicon").arg(&lexicon));
    assert!(codes(&result).contains("unknown_words"), "{}", codes(&result));
    for (weights, bonuses, told) in [("0.25,0.5", "1,2", 0), ("0.5,2,4", "1", 0), ("0.25", "0,1,2", 1)] {
        let args = ["--lm-weight", weights, "--word-bonus", bonuses, "--beam", "100"];
        let result = json(fixture("tune", &args).args(WORDS));
        assert_eq!(codes(&result).matches("edge_of_settings").count(), told, "{weights}: {}", codes(&result));
        assert!(!codes(&result).contains("greedy_is_better"), "{}", codes(&result));
    }
}

#[test]
fn a_model_of_tokens_that_is_taken_for_words_is_a_warning() {
    let result = json(&mut fixture("decode", &["--beam", "9", "--lm", "lm_char6.arpa.gz"]));
    assert_eq!(result["warnings"][0]["code"], "lm_unit");
    let args = ["--lm", "lm_char6.arpa.gz", "--lm-weight", "1", "--word-bonus", "-1,1", "--beam", "2"];
    let result = json(&mut fixture("tune", &args));
    assert_eq!(result["warnings"][0]["code"], "lm_unit");
    assert_eq!(result["params"]["word_bonuses"], serde_json::json!([-1.0, 1.0]));
}

#[test]
fn words_that_the_alphabet_can_not_write_are_a_warning() {
    let folder = Folder::new();
    let lexicon = folder.file("lexicon.txt", "the\nстол\nmill\nÄpfel\n");
    let hotwords = folder.file("hotwords.txt", "wood smoke\t3\nhung за столом\n");
    let arpa =
        "\\data\\\nngram 1=5\n\n\\1-grams:\n-1\t<unk>\n-1\t<s>\n-1\t</s>\n-1\tдом\n-1\tстол\n\n\\end\\\n";
    let model = folder.file("model.arpa", arpa);
    let warnings = |args: &[&str]| -> Vec<String> {
        let result = json(&mut fixture("decode", &[&["--beam", "2"], args].concat()));
        let all = result["warnings"].as_array().unwrap().iter();
        let unwritable = all.filter(|warning| warning["code"] == "unwritable");
        unwritable.map(|warning| warning["message"].as_str().unwrap().to_owned()).collect()
    };
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let found = warnings(&["--lexicon", &path(&lexicon), "--hotwords", &path(&hotwords)]);
    assert!(found[0].contains("lexicon.txt: 2 of 4 words") && found[0].contains("'стол'"), "{found:?}");
    assert!(
        found[1].contains("hotwords.txt: 1 of 2 phrases") && found[1].contains("'hung за столом'"),
        "{found:?}"
    );
    let found = warnings(&["--lm", &path(&model)]);
    assert!(found[0].contains("model.arpa: 2 of 2 words"), "{found:?}");
    assert!(warnings(&WORDS).is_empty());
}

#[test]
fn what_forbids_all_texts_is_said_of_its_item() {
    let folder = Folder::new();
    let inf = f64::INFINITY;
    // The second item has no blank, so that it must read a word that the list does not have.
    let values = [0.0, -9.0, -9.0, -inf, 0.0, -inf, -9.0, 0.0, -9.0, -inf, -inf, 0.0];
    let matrix = folder.file("x.npy", npy_f64(&[2, 2, 3], &values));
    let alphabet = folder.file("alphabet.txt", "a\n \n");
    let lexicon = folder.file("lexicon.txt", "aa\n");
    let mut command = ctctool();
    command.args(["decode", "--beam", "9", "--layout", "tnc", "--alphabet"]).arg(&alphabet);
    command.arg("--lexicon").arg(&lexicon).arg(&matrix);
    let expected = "x.npy#1: no hypothesis is left, because the lexicon";
    command.assert().success().stderr(predicate::str::contains(expected));
    let mut command = ctctool();
    command.args(["decode", "--beam", "9", "--layout", "tnc", "--word-delimiter", "a", "--blank", "a"]);
    let expected = "--word-delimiter: 'a', class 0, is the blank, which never appears in text";
    let alphabet = folder.file("alphabet.txt", "a\nb\nc\n");
    command.arg("--alphabet").arg(&alphabet).arg(&matrix);
    command.assert().code(2).stderr(predicate::str::contains(expected));
}

#[test]
fn one_thing_comes_from_standard_input() {
    let folder = Folder::new();
    let matrix = folder.file("x.npy", npy_f64(&[1, 3], &[0.0, 2.0, 1.0]));
    let alphabet = folder.file("alphabet.txt", "a\nb\n");
    for option in ["--hotwords", "--lm"] {
        let mut command = ctctool();
        command.args(["decode", "--beam", "9", "--alphabet"]).arg(&alphabet).args([option, "-"]);
        let expected = format!("only one of LOGITS and {option} can come from standard input");
        command.write_stdin("b").assert().code(2).stderr(predicate::str::contains(expected));
    }
    let mut command = ctctool();
    command.args(["decode", "--beam", "9", "--alphabet"]).arg(&alphabet).args(["--hotwords", "-"]);
    command.args(["--format", "text"]).arg(&matrix).write_stdin("b\n").assert().success().stdout("b\n");
}

/// A model's name for the word delimiter: its own, else that of a space, else as `--lm-space` says.
#[test]
fn token_models_spell_the_space_of_any_alphabet() {
    let folder = Folder::new();
    let matrix = folder.file("x.npy", npy_f64(&[1, 3], &[0.0, -9.0, 9.0]));
    let model = |entry: &str| {
        format!("\\data\\\nngram 1=4\n\n\\1-grams:\n-1\t<s>\n-1\t</s>\n-1\ta\n-3\t{entry}\n\n\\end\\\n")
    };
    for (delimiter, entry, args, expected) in [
        (" ", "|", &[][..], "|"),
        (" ", "<space>", &[], "<space>"),
        (" ", "_", &["--lm-space", "_"], "_"),
        ("|", "|", &[], "|"),
        ("|", "<space>", &[], "<space>"),
        ("_", "_", &["--word-delimiter", "_"], "_"),
        ("_", "|", &["--word-delimiter", "_"], "|"),
        ("▁", "|", &[], "|"),
        ("▁", "▁", &[], "▁"),
        ("▁", "s", &["--lm-space", "s"], "s"),
    ] {
        let alphabet = folder.file("alphabet.txt", format!("a\n{delimiter}\n"));
        let model = folder.file("model.arpa", model(entry));
        let mut command = ctctool();
        command.arg("decode").arg(&matrix).arg("--alphabet").arg(&alphabet).arg("--lm").arg(&model);
        command.args(["--beam", "9", "--lm-unit", "token", "--no-lm-eos"]).args(args);
        let result = json(&mut command);
        assert_eq!(result["params"]["lm_space"], expected);
        let lm = number(&result["items"][0]["hypotheses"][0]["lm_logp_nats"]);
        assert!((lm + 3.0 * std::f64::consts::LN_10).abs() < SUMMED, "{delimiter} {entry}: {lm}");
    }
}

#[test]
fn weights_that_nobody_gave_are_those_of_the_contract() {
    let folder = Folder::new();
    let hotwords = folder.file("hot.txt", "one\n");
    let params = |args: &[&str]| {
        let mut command = fixture("decode", &["--beam", "2", "--hotwords"]);
        json(command.arg(&hotwords).args(args))["params"].clone()
    };
    for (args, bonus) in [(&WORDS[..], 1.5), (&TOKENS, 0.0)] {
        let params = params(args);
        for (name, expected) in
            [("lm_weight", 0.5), ("word_bonus", bonus), ("unk_score", -10.0), ("hotword_weight", 10.0)]
        {
            assert_eq!(params[name], expected, "{args:?}: {name}");
        }
    }
}

/// What a model that was written by hand lacks most.
#[test]
fn a_back_off_that_is_missing_is_told_where_to_write() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[1, 2], &[0.0; 2]));
    let model =
        "\\data\\\nngram 1=2\nngram 2=1\n\n\\1-grams:\n-1\ta\n-1\tb\n\n\\2-grams:\n-1\ta b\n\n\\end\\\n";
    folder.file("lm.arpa", model);
    let mut command = ctctool();
    command.current_dir(folder.path()).args([
        "decode",
        "x.npy",
        "--beam",
        "2",
        "--lm",
        "lm.arpa",
        "--lm-unit",
        "token",
    ]);
    command.assert().code(2).stderr(predicates::str::contains(
        "lm.arpa: line 10, column 1: expected a back-off weight of 'a', with which this 2-gram begins, found none\n\
         hint: write it behind that n-gram in its own section: 0 takes nothing off",
    ));
}
