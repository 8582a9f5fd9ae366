//! `ctctool decode` by its contract.

use predicates::prelude::*;
use serde_json::{Value, json};

use crate::oracle::{ctc_by_recursion, log_softmax};
use crate::support::{
    Folder, SplitMix, ctctool, json as run_json, npy_bytes, npy_f32, npy_f64, number, repository,
};

const LINES: [&str; 7] =
    ["decode", "lines.npy", "--alphabet", "alphabet.txt", "--lengths", "lines.lengths.txt", "--refs"];

fn fixture(args: &[&str]) -> assert_cmd::Command {
    let mut command = ctctool();
    command.current_dir(repository("fixtures")).args(args);
    command
}

fn reference() -> Value {
    let text = std::fs::read_to_string(repository("fixtures/reference.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_words_of_the_contract_work() {
    let npy = npy_f32(&[3, 2], &[0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
    ctctool().args(["decode", "--beam", "10"]).write_stdin(npy.clone()).assert().success();
    ctctool().args(["decode", "--format", "text"]).write_stdin(npy).assert().success().stdout("1 1\n");
}

/// Files are mapped or read by all threads, pipes from their start to their end.
#[test]
fn texts_do_not_depend_on_how_a_matrix_is_stored() {
    let (frames, items, classes) = (40, 9, 7);
    let mut random = SplitMix(3);
    // Numbers that half precision holds.
    let scores: Vec<f64> = (0..frames * items * classes).map(|_| random.below(60) as f64 / 4.0).collect();
    let folder = Folder::new();
    let mut results = Vec::new();
    for layout in ["ntc", "tnc"] {
        let items_first = layout == "ntc";
        let shape = if items_first { [items, frames, classes] } else { [frames, items, classes] };
        let mut stored = Vec::new();
        for a in 0..shape[0] {
            for b in 0..shape[1] {
                let (item, frame) = if items_first { (a, b) } else { (b, a) };
                stored.extend_from_slice(&scores[(item * frames + frame) * classes..][..classes]);
            }
        }
        let halves = |to_bytes: fn(half::f16) -> [u8; 2]| -> Vec<u8> {
            stored.iter().flat_map(|&x| to_bytes(half::f16::from_f64(x))).collect()
        };
        let doubles = stored.iter().flat_map(|x| x.to_be_bytes()).collect::<Vec<u8>>();
        for (precision, file) in [
            ("single", npy_f32(&shape, &stored)),
            ("single", npy_bytes("<f2", false, &shape, &halves(half::f16::to_le_bytes))),
            ("single", npy_bytes(">f2", false, &shape, &halves(half::f16::to_be_bytes))),
            ("double", npy_f64(&shape, &stored)),
            ("double", npy_bytes(">f8", false, &shape, &doubles)),
        ] {
            folder.file("x.npy", &file);
            for lengths in ["40,0,39,1,7,40,40,2,3", "40,40,40,40,40,40,40,40,40"] {
                for from_pipe in [false, true] {
                    let mut command = ctctool();
                    command.current_dir(folder.path());
                    command.args(["decode", if from_pipe { "-" } else { "x.npy" }, "--beam", "3"]);
                    command.args(["--layout", layout, "--lengths", lengths, "--timestamps"]);
                    if from_pipe {
                        command.write_stdin(file.clone());
                    }
                    let mut items = run_json(&mut command)["items"].clone();
                    for item in items.as_array_mut().unwrap() {
                        item.as_object_mut().unwrap().retain(|key, _| key != "id" && key != "input");
                    }
                    results.push(((lengths, precision), items));
                }
            }
        }
    }
    for (of, items) in &results {
        let (_, first) = results.iter().find(|(other, _)| other == of).unwrap();
        assert_eq!(items, first, "{of:?}");
    }
}

#[test]
fn greedy_reads_the_fixtures_as_the_reference_says() {
    let reference = reference();
    let result = run_json(fixture(&LINES).arg("lines.txt"));
    let expected = &reference["lines"];
    for (item, (text, logp)) in result["items"].as_array().unwrap().iter().zip(
        expected["greedy"].as_array().unwrap().iter().zip(expected["greedy_logp_nats"].as_array().unwrap()),
    ) {
        assert_eq!(&item["text"], text);
        // From f32 input.
        assert!((number(&item["logp_nats"]) - number(logp)).abs() <= 2e-7 * number(logp).abs(), "{item}");
    }
    let summary = &result["summary"];
    assert_eq!(
        (&summary["method"], &summary["beam"], &summary["items"]),
        (&json!("greedy"), &Value::Null, &json!(16))
    );
    // The rates are jiwer's.
    for (ours, theirs, unit) in [("cer_ratio", "cer", "characters"), ("wer_ratio", "wer", "words")] {
        assert_eq!(summary[ours], expected[theirs]["rate"]);
        for (key, theirs_key) in [("correct", "hits"), ("reference_length", "reference_length")] {
            assert_eq!(summary[unit][key], expected[theirs][theirs_key]);
        }
        let errors = |counts: &Value| {
            ["substitutions", "deletions", "insertions"].map(|key| counts[key].as_u64().unwrap())
        };
        assert_eq!(errors(&summary[unit]), errors(&expected[theirs]));
    }
    let ppocr = ["decode", "ppocr.npy", "--alphabet", "ppocr.alphabet.txt", "--input", "probs", "--strict"];
    fixture(&ppocr).args(["--format", "text"]).assert().success().stdout("Bus 66 to Hil Farm\n");
}

#[test]
fn beam_items_have_the_keys_of_the_contract() {
    let args = ["--beam", "10", "--nbest", "3", "--exact-scores", "--timestamps", "--frame-shift", "0.5"];
    let result = run_json(fixture(&["decode", "line.csv", "--alphabet", "alphabet.txt"]).args(args));
    let item = &result["items"][0];
    for key in ["id", "index", "frames", "text", "tokens", "logp_nats", "hypotheses", "proved_best"] {
        assert!(!item[key].is_null(), "{key}");
    }
    assert_eq!((&item["id"], &item["text"]), (&json!("line.csv"), &json!("a cool; dry cellar")));
    assert_eq!(item["proved_best"], true);
    let hypotheses = item["hypotheses"].as_array().unwrap();
    assert_eq!(hypotheses.len(), 3);
    for (at, hypothesis) in hypotheses.iter().enumerate() {
        assert_eq!(hypothesis["rank"], at + 1);
        // What stayed in the beam is a part of the whole.
        assert!(number(&hypothesis["logp_nats"]) <= number(&hypothesis["ctc_logp_nats"]) + 1e-12);
        assert_eq!(hypothesis["words"].as_array().unwrap().len(), 4);
        let tokens = hypothesis["tokens_timed"].as_array().unwrap();
        assert_eq!(tokens.len(), hypothesis["tokens"].as_array().unwrap().len());
        let mut frame = 0;
        for token in tokens {
            let [start, end, peak] =
                ["start_frame", "end_frame", "peak_frame"].map(|key| token[key].as_u64().unwrap());
            assert!(frame <= start && start <= peak && peak < end, "{token}");
            assert_eq!(token["start_seconds"], json!(start as f64 * 0.5));
            assert!((0.0..=1.0).contains(&number(&token["confidence"])));
            frame = end;
        }
    }
    // The exact score is minus the loss of the same text.
    let loss = fixture(&["loss", "line.csv", "--alphabet", "alphabet.txt", "--labels", "-"])
        .args(["--format", "json"])
        .write_stdin("a cool; dry cellar\n")
        .output()
        .unwrap();
    let loss: Value = serde_json::from_slice(&loss.stdout).unwrap();
    let exact = number(&hypotheses[0]["ctc_logp_nats"]);
    assert!((exact + number(&loss["summary"]["reductions"]["sum"])).abs() <= 1e-12, "{exact}");
}

#[test]
fn a_beam_reads_better_than_the_best_path_and_proves_it() {
    let greedy = run_json(fixture(&LINES).arg("lines.txt"));
    let beam = run_json(fixture(&LINES).args(["lines.txt", "--beam", "100", "--exact-scores"]));
    let cer = |result: &Value| number(&result["summary"]["cer_ratio"]);
    assert!(cer(&beam) < cer(&greedy));
    // Some lines are clear enough for a proof, and some are not.
    assert!((1..16).contains(&beam["summary"]["proved_best"].as_u64().unwrap()));
    for item in beam["items"].as_array().unwrap() {
        let first = &item["hypotheses"][0];
        assert!(number(&first["logp_nats"]) <= number(&first["ctc_logp_nats"]) + 1e-12);
    }
}

/// A beam as wide as there are texts scores each exactly and proves the best.
#[test]
fn a_wide_beam_is_the_whole_truth() {
    let (frames, classes) = (4, 3);
    let mut random = SplitMix(11);
    let values: Vec<f64> = (0..frames * classes).map(|_| random.score() / 2.0).collect();
    let log_probs: Vec<Vec<f64>> = values.chunks_exact(classes).map(log_softmax).collect();
    let folder = Folder::new();
    let logits = folder.file("x.npy", npy_f64(&[frames, classes], &values));
    let mut command = ctctool();
    command.arg("decode").arg(logits).args(["--beam", "1000", "--nbest", "1000", "--blank", "last"]);
    let result = run_json(command.arg("--exact-scores"));
    let hypotheses = result["items"][0]["hypotheses"].as_array().unwrap();
    assert_eq!(result["items"][0]["proved_best"], true);
    let mut seen = std::collections::BTreeSet::new();
    let mut total = 0.0;
    let mut before = f64::INFINITY;
    for hypothesis in hypotheses {
        let tokens: Vec<u32> = serde_json::from_value(hypothesis["tokens"].clone()).unwrap();
        let logp = number(&hypothesis["logp_nats"]);
        let exact = -ctc_by_recursion(&log_probs, &tokens, 2);
        assert!((logp - exact).abs() < 1e-12, "{tokens:?}: {logp} {exact}");
        assert!((number(&hypothesis["ctc_logp_nats"]) - exact).abs() < 1e-12);
        assert!(logp <= before + 1e-12);
        before = logp;
        total += logp.exp();
        assert!(seen.insert(tokens), "a text twice");
    }
    assert!((total - 1.0).abs() < 1e-12, "{total}");
    // A narrow beam can't know.
    let uniform = folder.file("u.npy", npy_f64(&[6, 4], &[0.0; 24]));
    let mut command = ctctool();
    command.arg("decode").arg(uniform).args(["--beam", "2", "--exact-scores"]);
    assert_eq!(run_json(&mut command)["items"][0]["proved_best"], false);
}

#[test]
fn layouts_lengths_and_threads_change_nothing() {
    let (frames, items, classes) = (7, 3, 4);
    let mut random = SplitMix(2);
    let tnc: Vec<f64> = (0..frames * items * classes).map(|_| random.score()).collect();
    let at = |n: usize, t: usize, c: usize| tnc[(t * items + n) * classes + c];
    let mut ntc = Vec::new();
    (0..items).for_each(|n| (0..frames).for_each(|t| (0..classes).for_each(|c| ntc.push(at(n, t, c)))));
    let folder = Folder::new();
    let paths = [
        (folder.file("tnc.npy", npy_f32(&[frames, items, classes], &tnc)), "tnc"),
        (folder.file("ntc.npy", npy_f32(&[items, frames, classes], &ntc)), "ntc"),
    ];
    for search in [&[][..], &["--beam", "4", "--nbest", "4", "--exact-scores", "--timestamps"]] {
        let mut results: Vec<Vec<u8>> = Vec::new();
        for (path, layout) in &paths {
            for threads in ["1", "2", "7"] {
                let mut command = ctctool();
                command
                    .arg("decode")
                    .arg(path)
                    .args(["--lengths", "7,0,3", "--threads", threads])
                    .args(search);
                let output = command.args(["--layout", layout, "--format", "csv"]).output().unwrap();
                assert!(output.status.success());
                let text = String::from_utf8(output.stdout).unwrap();
                results.push(text.replace(&path.display().to_string(), "x").into_bytes());
            }
        }
        assert!(results.iter().all(|result| *result == results[0]));
        assert!(results[0].len() > 50);
    }
}

#[test]
fn classic_mistakes_are_named_with_their_evidence() {
    let mut command = fixture(&["decode", "lines.npy", "--alphabet", "alphabet.txt", "--layout", "ntc"]);
    command.assert().success().stderr(
        predicate::str::contains("lines.npy#0: its last 15 of 161 frames are identical (and 14 more items)")
            .and(predicate::str::contains("give --lengths")),
    );
    let mut command = fixture(&["decode", "line.csv", "--blank", "last"]);
    command.assert().success().stderr(
        predicate::str::contains("class 0 is the argmax of 80 %").and(predicate::str::contains("--blank 0")),
    );
    command.arg("--strict").assert().code(2).stdout("");
    let mut command = fixture(&["decode", "ppocr.npy"]);
    command.assert().success().stderr(predicate::str::contains("looks like probabilities"));
    let mut command = fixture(&["decode", "line.csv", "--input", "log-probs"]);
    command
        .assert()
        .success()
        .stderr(predicate::str::contains("94 rows do not sum to 1 (the first, frame 0,"));
}

#[test]
fn refusals_name_the_place() {
    let folder = Folder::new();
    let cases: [(&str, &[f64], &[&str], &str); 6] = [
        ("nan", &[0.0, 1.0, f64::NAN, 0.0], &[], "frame 1, class 0: expected a finite number, found NaN"),
        (
            "inf",
            &[0.0, f64::INFINITY, 1.0, 0.0],
            &["--beam", "3"],
            "frame 0, class 1: expected a finite number",
        ),
        (
            "none",
            &[0.0, 1.0, f64::NEG_INFINITY, f64::NEG_INFINITY],
            &[],
            "frame 1: expected a value above -inf",
        ),
        (
            "negative",
            &[0.5, 0.5, 1.5, -0.5],
            &["--input", "probs"],
            "frame 1, class 1: expected a finite probability",
        ),
        ("blank", &[0.0; 4], &["--blank", "2"], "--blank: expected a class from 0 to 1"),
        ("nbest", &[0.0; 4], &["--beam", "2", "--nbest", "3"], "--nbest 3 is more than --beam 2\n"),
    ];
    for (name, values, args, expected) in cases {
        let path = folder.file(name, npy_f64(&[2, 2], values));
        let mut command = ctctool();
        command
            .arg("decode")
            .arg(path)
            .args(args)
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::contains(expected));
    }
    ctctool().args(["decode", "--max-cer", "1"]).write_stdin("0,1\n").assert().code(2);
    ctctool().args(["decode", "--nbest", "2"]).write_stdin("0,1\n").assert().code(2);
}

#[test]
fn zeros_of_probability_and_no_frames_are_fine() {
    let folder = Folder::new();
    // The example that other decoders read as the empty text: "a" has 0.64 of the probability.
    let path = folder.file("p.csv", "0.4,0,0.6\n0.4,0,0.6\n");
    let letters = folder.file("ab", "a\nb\n");
    let mut command = ctctool();
    command.arg("decode").arg(&path).args(["--input", "probs", "--blank", "last", "--alphabet"]).arg(letters);
    let mut beam = run_json(command.args(["--beam", "5"]));
    assert_eq!(beam["items"][0]["text"], "a");
    assert!((number(&beam["items"][0]["logp_nats"]) - 0.64_f64.ln()).abs() < 1e-14);
    let empty = folder.file("empty.npy", npy_f64(&[0, 3], &[]));
    for search in [&[][..], &["--beam", "3", "--exact-scores", "--timestamps"]] {
        let mut command = ctctool();
        beam = run_json(command.arg("decode").arg(&empty).args(search));
        assert_eq!(beam["items"][0]["text"], "");
        assert_eq!(beam["items"][0]["logp_nats"], 0.0);
    }
}

#[test]
fn error_rates_decide_the_exit_code() {
    fixture(&LINES).args(["lines.txt", "--max-cer", "0.12", "--max-wer", "0.42"]).assert().code(0);
    fixture(&LINES)
        .args(["lines.txt", "--max-cer", "0.11"])
        .assert()
        .code(1)
        .stderr(predicate::str::contains("check failed: lines.npy: CER 0.11707"));
    fixture(&LINES).args(["lines.txt", "--max-wer", "0.41", "--quiet"]).assert().code(1).stderr("");
    fixture(&LINES)
        .arg("line.txt")
        .assert()
        .code(2)
        .stderr(predicate::str::contains("line.txt: expected 16 lines"));
}

#[test]
fn an_item_without_a_path_is_a_result_and_the_others_are_decoded() {
    const NO_BLANK: [f64; 3] = [f64::NEG_INFINITY, 0.0, 0.0];
    let folder = Folder::new();
    let logits = [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], NO_BLANK, NO_BLANK, [0.0, 0.0, 9.0], [9.0, 0.0, 0.0]];
    folder.file("x.npy", npy_f32(&[3, 2, 3], logits.as_flattened()));
    folder.file("refs.txt", "1\n1 2\n2\n");
    let run = |options: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["decode", "x.npy", "--beam", "4", "--refs", "refs.txt"]);
        command.args(["--layout", "ntc", "--token-min-logp", "-0.5"]).args(options);
        command
    };
    let result = run_json(&mut run(&[]));
    let items = result["items"].as_array().unwrap();
    assert_eq!((&items[0]["text"], &items[2]["text"]), (&json!("1"), &json!("2")));
    let nothing = &items[1];
    assert_eq!(
        (&nothing["status"], &nothing["text"], &nothing["logp_nats"], &nothing["hypotheses"]),
        (&json!("infeasible"), &json!(""), &Value::Null, &json!([]))
    );
    assert!(items[0].get("status").is_none());
    // Both words of its reference, of four in all, were left out.
    assert_eq!(result["summary"]["wer_ratio"], json!(0.5), "{}", result["summary"]);
    // The blank does not win most of these few frames, either.
    let warning = result["warnings"].as_array().unwrap().last().unwrap();
    assert_eq!(warning["code"], "no_path");
    let message = warning["message"].as_str().unwrap();
    assert!(message.starts_with("x.npy#1: no hypothesis is left"), "{message}");
    run(&["--format", "text"]).assert().success().stdout("1\n\n2\n");
    let csv = run(&["--format", "csv"]).output().unwrap().stdout;
    assert_eq!(String::from_utf8(csv).unwrap().lines().count(), 4);
    run(&["--strict"]).assert().code(2).stdout("");
}

/// What belongs to an item is in the row of its best text alone, so that a column can be added up.
#[test]
fn errors_are_listed_beside_the_best_text() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3], &[0.0, 1.0, 0.5, 1.0, 0.0, 0.5]));
    folder.file("alphabet", "-\na\nb\n");
    folder.file("refs", "ab\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["decode", "x.npy", "--alphabet", "alphabet", "--refs", "refs"]);
    command.args(["--beam", "9", "--nbest", "3", "--format", "csv"]);
    let text = String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let columns = ["rank", "reference", "character_errors", "word_errors"]
        .map(|name| rows[0].iter().position(|column| *column == name).unwrap());
    let found: Vec<[&str; 4]> = rows[1..].iter().map(|row| columns.map(|column| row[column])).collect();
    assert_eq!(found, [["1", "ab", "1", "1"], ["2", "", "", ""], ["3", "", "", ""]]);
}

#[test]
fn a_token_with_a_line_s_end_breaks_no_line() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[1, 2], &[0.0, 1.0]));
    let decode = |token: &str, format: &str| {
        folder.file("names.json", json!(["-", token]).to_string());
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["decode", "x.npy", "--alphabet", "names.json"]);
        let assert = command.args(["-q", "--format", format]).assert().success();
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    };
    for token in ["b\nc", "b\rc"] {
        assert_eq!(decode(token, "text"), "b c\n");
        assert!(decode(token, "csv").contains(&format!(",\"{token}\",")), "{}", decode(token, "csv"));
    }
}

/// As where a word ends with its delimiter, the last one, too.
#[test]
fn texts_that_all_end_with_a_space_are_told() {
    let folder = Folder::new();
    folder.file("names", "-\na\n|\n");
    folder.file("refs", "a\n".repeat(3));
    // Three items of the same two frames.
    folder.file("x.npy", npy_f64(&[3, 2, 3], &[0.0, 5.0, 0.0, 0.0, 0.0, 5.0].repeat(3)));
    let told = |refs: &str| {
        folder.file("refs", refs);
        let mut command = ctctool();
        command.current_dir(folder.path()).args([
            "decode",
            "x.npy",
            "--layout",
            "ntc",
            "--alphabet",
            "names",
        ]);
        command.args(["--refs", "refs"]);
        let result = run_json(&mut command);
        let warnings = result["warnings"].as_array().unwrap();
        let mut of_spaces = warnings.iter().filter(|warning| warning["code"] == "other_spelling");
        of_spaces.next().map(|warning| warning["message"].as_str().unwrap().to_owned())
    };
    assert!(
        told("a\na\na\n")
            .unwrap()
            .starts_with("x.npy: 3 of 3 texts begin or end with a space, but no line of refs does: ")
    );
    assert_eq!(told("a \na\na\n"), None);
}
