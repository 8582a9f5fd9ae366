//! `ctctool compare` of two JSON results.

use predicates::prelude::*;
use serde_json::{Value, json};

use crate::support::{Folder, ctctool, json as run_json, npy_f32};

pub(crate) fn compare(folder: &Folder, args: &[&str]) -> assert_cmd::Command {
    let mut command = ctctool();
    command.current_dir(folder.path()).arg("compare").args(args);
    command
}

/// A result of `decode` with a text an item.
fn decoded(folder: &Folder, name: &str, params: &Value, texts: &[(u64, &str)]) {
    let items: Vec<Value> = texts
        .iter()
        .map(|(index, text)| {
            let hypotheses = json!([{"rank": 1, "text": text}]);
            json!({"id": format!("x#{index}"), "index": index, "text": text, "logp_nats": -1.5,
                "hypotheses": hypotheses})
        })
        .collect();
    let result =
        json!({"schema_version": 1, "command": "decode", "params": params, "summary": {}, "items": items});
    folder.file(name, result.to_string());
}

#[test]
fn changed_texts_are_shown_word_by_word() {
    let folder = Folder::new();
    decoded(&folder, "a", &json!({}), &[(0, "one two"), (1, "three"), (2, "four five")]);
    decoded(&folder, "b", &json!({}), &[(0, "one too"), (1, "three"), (2, "five")]);
    let result = run_json(&mut compare(&folder, &["a", "b"]));
    assert_eq!(result["summary"]["changed_texts"], json!([0, 2]));
    // What the items say themselves comes before what repeats it.
    let places: Vec<&str> =
        result["items"].as_array().unwrap().iter().map(|item| item["place"].as_str().unwrap()).collect();
    let expected =
        ["items[0].text", "items[2].text", "items[0].hypotheses[0].text", "items[2].hypotheses[0].text"];
    assert_eq!(places, expected);
    // Texts have no difference of a size, so they are counted.
    let check = &result["checks"][0];
    assert_eq!(
        *check,
        json!({"name": "compare", "observed": 4.0, "status": "ok", "limit": 0.0, "passed": false, "message": check["message"]})
    );
    decoded(&folder, "c", &json!({}), &[(0, "one too"), (1, "three"), (3, "more"), (4, "still more")]);
    let of_items = run_json(&mut compare(&folder, &["a", "c"]));
    assert_eq!(
        of_items["checks"][0]["observed"],
        2.0 + 1.0 + 2.0,
        "texts of item 0, one gone, two new: {of_items}"
    );
    let shown = compare(&folder, &["a", "b"]).assert().code(1);
    let text = String::from_utf8(shown.get_output().stdout.clone()).unwrap();
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(words.contains(&vec!["0", "substitution", "two", "too"]), "{text}");
    assert!(words.contains(&vec!["2", "deletion", "four"]), "{text}");
    compare(&folder, &["a", "b", "--format", "github"]).assert().code(1).stdout(predicate::str::contains(
        "::error title=compare%3A items[0].text::items[0].text: expected 'one two', found 'one too'\n",
    ));
}

#[test]
fn new_and_gone_items_are_named() {
    let folder = Folder::new();
    decoded(&folder, "a", &json!({}), &[(0, "one"), (1, "two")]);
    decoded(&folder, "b", &json!({}), &[(0, "one"), (5, "six"), (7, "eight")]);
    let assert = compare(&folder, &["a", "b"]).assert().code(1);
    assert.stdout(predicate::str::contains(
        "b against a: 0 of 5 values differ, 2 items are new (5, 7), 1 item is missing (1)",
    ));
    // Where the input has another shape, that is why.
    decoded(&folder, "a", &json!({"shape": [2, 9, 5], "beam": 3}), &[(0, "one"), (1, "two")]);
    decoded(&folder, "b", &json!({"shape": [1, 9, 5], "beam": 4}), &[(0, "one")]);
    let assert = compare(&folder, &["a", "b"]).assert().code(2);
    assert.stderr(predicate::str::contains(
        "beam is 3 in the first and 4 in the second; shape is [2,9,5] in the first and [1,9,5] in the second; \
         only the first has items 1",
    ));
}

#[test]
fn names_of_files_and_how_a_setting_came_about_may_differ() {
    let folder = Folder::new();
    let params = |name: &str, inferred: bool| {
        json!({"logits": name, "lm": name, "lexicon": name, "hotwords": name, "alphabet": name,
            "criterion_inferred": inferred, "layout_inferred": inferred, "lm_weight": 0.5})
    };
    decoded(&folder, "a", &params("old", true), &[(0, "one")]);
    decoded(&folder, "b", &params("new", false), &[(0, "one")]);
    compare(&folder, &["a", "b"]).assert().code(0);
}

/// The same items in another order of axes, as another framework has them.
#[test]
fn items_and_frames_may_be_exchanged() {
    let folder = Folder::new();
    let params = |layout: &str, shape: [u32; 3]| json!({"layout": layout, "shape": shape});
    decoded(&folder, "tnc", &params("tnc", [9, 2, 5]), &[(0, "one"), (1, "two")]);
    decoded(&folder, "ntc", &params("ntc", [2, 9, 5]), &[(0, "one"), (1, "two")]);
    decoded(&folder, "longer", &params("ntc", [2, 10, 5]), &[(0, "one"), (1, "two")]);
    decoded(&folder, "same", &params("ntc", [9, 2, 5]), &[(0, "one"), (1, "two")]);
    decoded(&folder, "other", &params("ntc", [2, 9, 5]), &[(0, "one"), (1, "too")]);
    // What is said of the layout differs as well.
    let values: Vec<f64> = (0..9 * 2 * 5).map(|i| f64::from(i * 37 % 101)).collect();
    let exchanged: Vec<f64> = (0..90).map(|i| values[(i / 5 % 9 * 2 + i / 45) * 5 + i % 5]).collect();
    folder.file("t.npy", npy_f32(&[9, 2, 5], &values));
    folder.file("n.npy", npy_f32(&[2, 9, 5], &exchanged));
    folder.file("y", "1 2\n3\n");
    for (name, matrix) in [("told_tnc", "t.npy"), ("told_ntc", "n.npy")] {
        let mut inspect = ctctool();
        inspect
            .current_dir(folder.path())
            .args(["inspect", matrix, "--labels", "y", "--format", "json", "-o", name]);
        inspect.assert().code(0);
    }
    compare(&folder, &["told_tnc", "told_ntc"]).assert().code(0);
    for (args, code) in [
        (["tnc", "ntc"], 0),
        (["ntc", "tnc"], 0),
        (["tnc", "other"], 1),
        (["tnc", "longer"], 2),
        (["tnc", "same"], 2),
    ] {
        compare(&folder, &args).assert().code(code);
    }
}

/// What is written for people has them, too; codes and numbers have not.
#[test]
fn messages_with_names_of_files_may_differ() {
    let folder = Folder::new();
    for name in ["a", "b"] {
        folder.file(&format!("{name}.csv"), "0,1\n1,0\n");
        folder.file(&format!("{name}_more.csv"), "0.5,1.5\n1.5,0.5\n");
    }
    folder.file("short.txt", "1 1 1\n");
    folder.file("fits.txt", "1\n");
    let run = |args: &[&str], out: &str, code: i32| {
        let mut command = ctctool();
        command
            .current_dir(folder.path())
            .args(args)
            .args(["--format", "json", "-o", out])
            .assert()
            .code(code);
    };
    for name in ["a", "b"] {
        let matrix = format!("{name}.csv");
        let inspect = ["inspect", &matrix, "--layout", "tc", "--labels"];
        run(&[&inspect[..], &["short.txt"]].concat(), &format!("{name}_short"), 0);
        run(&[&inspect[..], &["fits.txt"]].concat(), &format!("{name}_fits"), 0);
        run(&["compare", &matrix, &format!("{name}_more.csv")], &format!("{name}_compared"), 1);
    }
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(
        text("a_short").contains("the first is a.csv")
            && text("a_compared").contains("\"relation\":\"a_more.csv")
    );
    compare(&folder, &["a_short", "b_short"]).assert().code(0);
    compare(&folder, &["a_compared", "b_compared"]).assert().code(0);
    compare(&folder, &["a_short", "b_fits"]).assert().code(1);
}

/// JSON has null for NaN, and `status` says so: NaN never passes.
#[test]
fn a_loss_that_is_nan_is_not_equal_to_itself() {
    let folder = Folder::new();
    folder.file("x.csv", "1,nan\n2,3\n");
    folder.file("y.txt", "1\n0\n");
    for (options, code) in [(&["--nonfinite", "propagate"][..], 1), (&["--ignore-index", "1"], 0)] {
        let mut loss = ctctool();
        loss.current_dir(folder.path())
            .args(["loss", "x.csv", "--labels", "y.txt", "--items", "-o", "r.json"]);
        loss.args(["--format", "json"]).args(options).assert().success();
        compare(&folder, &["r.json", "r.json"]).assert().code(code);
    }
    let result = run_json(&mut compare(&folder, &["r.json", "r.json"]));
    assert_eq!(result["summary"]["equal"], true);
}

/// The mean of no rows is NaN beside a sum of 0, and a loss over no tokens infinite, which is equal to itself.
#[test]
fn each_reduction_says_what_kind_of_number_it_is() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2\n2,3\n");
    folder.file("ignored.txt", "-100\n-100\n");
    folder.file("empty.txt", "\n");
    let loss = |labels: &str, criterion: &str| {
        let mut loss = ctctool();
        loss.current_dir(folder.path()).args(["loss", "x.csv", "--labels", labels, "--criterion", criterion]);
        let result = run_json(loss.args(["--reduction", "sum"]));
        assert_eq!(result["summary"]["status"], "ok");
        folder.file("r.json", result.to_string());
        result["summary"]["reductions_status"].clone()
    };
    let statuses = json!({"sum": "ok", "mean": "nan", "batch_mean": "ok", "token_mean": "nan"});
    assert_eq!(loss("ignored.txt", "ce"), statuses);
    let compared = run_json(&mut compare(&folder, &["r.json", "r.json"]));
    let places: Vec<&Value> =
        compared["items"].as_array().unwrap().iter().map(|item| &item["place"]).collect();
    assert_eq!(places, ["summary.reductions.mean", "summary.reductions.token_mean"]);

    let statuses = json!({"sum": "ok", "mean": "ok", "batch_mean": "ok", "token_mean": "infinite"});
    assert_eq!(loss("empty.txt", "ctc"), statuses);
    compare(&folder, &["r.json", "r.json"]).assert().success();
    // Results of before do not say so.
    let mut result: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    result["summary"].as_object_mut().unwrap().remove("reductions_status");
    folder.file("old.json", result.to_string());
    compare(&folder, &["old.json", "r.json"]).assert().success();
    compare(&folder, &["r.json", "old.json"]).assert().success();
}

#[test]
fn json_lines_are_told_from_a_result() {
    let folder = Folder::new();
    folder.file("x.csv", "0,1\n1,0\n");
    folder.file("y.txt", "1\n0\n");
    let mut loss = ctctool();
    let args = [
        "loss",
        "x.csv",
        "--labels",
        "y.txt",
        "--criterion",
        "cross-entropy",
        "--format",
        "jsonl",
        "-o",
        "a",
    ];
    loss.current_dir(folder.path()).args(args).assert().code(0);
    let mut command = ctctool();
    let assert = command.current_dir(folder.path()).args(["compare", "a", "a"]).assert().code(2);
    assert.stderr(predicates::str::ends_with(
        "hint: these are JSON lines: write the result with --format json\n",
    ));
}

/// Half a frame in a thousand is within what half precision allows, but no frame is half of one.
#[test]
fn counts_and_places_are_equal_or_not() {
    let folder = Folder::new();
    let aligned = |name: &str, frame: u64, logp: f64| {
        let item = json!({"index": 0, "start_frame": frame, "path_logp_nats": logp});
        let params = json!({"dtype": "float16"});
        let result = json!({"schema_version": 1, "command": "align", "params": params, "summary": {}, "items": [item]});
        folder.file(name, result.to_string());
    };
    aligned("a", 1500, -1500.0);
    aligned("near", 1500, -1500.5);
    aligned("other", 1501, -1500.0);
    compare(&folder, &["a", "near"]).assert().code(0);
    compare(&folder, &["a", "other"])
        .assert()
        .code(1)
        .stdout(predicate::str::contains("the worst by 1 at items[0].start_frame, allowed 0"));
    compare(&folder, &["a", "other", "--atol", "1"]).assert().code(0);
}

/// Which lengths is a matter of files, whether there are any is not.
#[test]
fn frames_that_were_left_out_of_one_result_are_another_setting() {
    let folder = Folder::new();
    decoded(&folder, "all", &json!({"lengths": null}), &[(0, "a")]);
    decoded(&folder, "some", &json!({"lengths": "9,8"}), &[(0, "a")]);
    decoded(&folder, "file", &json!({"lengths": "lengths.txt"}), &[(0, "a")]);
    compare(&folder, &["some", "file"]).assert().code(0);
    compare(&folder, &["all", "some"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("lengths is null in the first and \"9,8\" in the second"));
}

/// With an alphabet and without one all texts differ, which is no change of the model.
#[test]
fn an_alphabet_that_was_left_out_of_one_result_is_another_setting() {
    let folder = Folder::new();
    decoded(&folder, "without", &json!({"alphabet": null}), &[(0, "1 2")]);
    decoded(&folder, "with", &json!({"alphabet": "a.txt"}), &[(0, "ab")]);
    decoded(&folder, "moved", &json!({"alphabet": "old/a.txt"}), &[(0, "ab")]);
    compare(&folder, &["with", "moved"]).assert().code(0);
    compare(&folder, &["without", "with"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("alphabet is null in the first and \"a.txt\" in the second"));
}

#[test]
fn results_of_other_shapes_or_settings_are_not_compared() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f32(&[4, 3], &[0.5; 12]));
    folder.file("wide.npy", npy_f32(&[3, 4], &[0.5; 12]));
    folder.file("y.txt", "1\n0\n2\n1\n");
    let write = |name: &str, args: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(args).args(["--format", "json", "-q", "-o", name]);
        command.assert().success();
    };
    write("a", &["inspect", "x.npy"]);
    write("b", &["inspect", "wide.npy"]);
    compare(&folder, &["a", "b"]).assert().code(2).stderr(predicate::str::contains("shape"));
    // The file's precision is that of the result.
    let result = run_json(&mut compare(&folder, &["a", "a"]));
    assert_eq!(result["params"]["dtype"], "float32");
    assert_eq!(result["params"]["rtol"], 1.3e-6);

    let guess = ["loss", "x.npy", "--labels", "y.txt", "--guess", "1.0986123"];
    write("c", &guess);
    write("d", &[&guess[..], &["--weight", "1,2,3"]].concat());
    write("e", &[&guess[..], &["--ignore-index", "2"]].concat());
    compare(&folder, &["c", "d"]).assert().code(2).stderr(predicate::str::contains("weight"));
    compare(&folder, &["c", "e"]).assert().code(2).stderr(predicate::str::contains("ignore_index"));
}

#[test]
fn the_delimiter_that_was_found_is_told() {
    let folder = Folder::new();
    folder.file("x.csv", "1;2\n3;4\n");
    let result = run_json(&mut compare(&folder, &["x.csv", "x.csv"]));
    assert_eq!(result["params"]["delimiter"], ";");
}

/// Items are looked at one by one; what is wrong with one is where it is in the file.
#[test]
fn malformed_parts_of_a_result_have_their_place_in_the_file() {
    let folder = Folder::new();
    let result = |summary: &str, items: &str| {
        format!(
            "{{\n \"schema_version\": 1, \"command\": \"loss\", \"params\": {{}},\n \"summary\": {summary}, \"items\": {items}}}\n"
        )
    };
    let good = result(r#"{"loss_nats": 1.0}"#, r#"[{"index": 1, "loss_nats": 2.0}]"#);
    folder.file("good", &good);
    compare(&folder, &["good", "good"]).assert().code(0);
    for bad in [
        result(r#"{"loss_nats": 1e999}"#, "[]"),
        result("{}", "[{\"index\": 1},\n {\"index\": 2,\n  \"loss_nats\": 1e999}]"),
        result("{}", "[{\"index\": 1}, 1e999]"),
        good[..good.len() - 3].to_owned(),
    ] {
        let error = serde_json::from_str::<Value>(&bad).unwrap_err();
        let place =
            format!("bad: line {}, column {}: expected one JSON object", error.line(), error.column());
        folder.file("bad", &bad);
        for files in [["good", "bad"], ["bad", "good"]] {
            compare(&folder, &files).assert().code(2).stderr(predicate::str::contains(&place));
        }
    }
    // An item without an index has that of its place; of a repeated key the last counts.
    for (items, code) in [
        (r#"[7, {"index": 1, "index": 2}]"#, 0),
        ("[[1], [1]]", 0),
        (r#"[{}, {"index": 0}]"#, 2),
        (r#"[{"index": 1}, {}]"#, 2),
        (r#"[{"index": 5}, {"index": 4, "index": 5}]"#, 2),
    ] {
        folder.file("items", result("{}", items));
        let said = if code == 2 { "an index that no other item has" } else { "" };
        let stderr = predicate::str::contains(said);
        compare(&folder, &["items", "items"]).assert().code(code).stderr(stderr);
    }
}

/// Threads compare some hundred items each; what is found is as if they had been compared in turn.
/// Results of this program as it writes them, of one run with more in it than the other.
#[test]
fn what_only_one_of_two_results_has_is_a_difference() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f32(&[2, 2, 3], &[0.0, 3.0, 1.0, 2.0, 1.0, 0.0, 0.0, 1.0, 2.0, 1.0, 0.0, 1.0]));
    folder.file("y.txt", "1\n2\n");
    folder.file("z.npy", npy_f32(&[2, 3], &[1.0; 6]));
    let write = |name: &str, args: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(args).args(["--format", "json", "-q", "-o", name]);
        command.assert().success();
    };
    let both_ways = |a: &str, b: &str, code: i32| {
        for files in [[a, b], [b, a]] {
            compare(&folder, &files).assert().code(code);
        }
    };
    let loss = ["loss", "z.npy", "--labels", "y.txt", "--criterion", "ce"];
    write("loss", &loss);
    write("items", &[&loss[..], &["--items"]].concat());
    both_ways("loss", "items", 1);
    let result = run_json(&mut compare(&folder, &["loss", "items"]));
    assert_eq!(
        (&result["summary"]["differing"], &result["summary"]["new_items"]),
        (&json!(0), &json!([0, 1]))
    );

    let decode = ["decode", "x.npy", "--layout", "ntc", "--beam", "4", "--nbest", "2"];
    write("plain", &decode);
    write("rates", &[&decode[..], &["--refs", "y.txt"]].concat());
    both_ways("plain", "rates", 1);
    let result = run_json(&mut compare(&folder, &["plain", "rates"]));
    let places: Vec<&str> =
        result["items"].as_array().unwrap().iter().map(|item| item["place"].as_str().unwrap()).collect();
    assert!(places.contains(&"summary.cer_ratio") && places.contains(&"items[0].reference"), "{places:?}");

    // A list is no beginning of a longer one.
    let text = std::fs::read_to_string(folder.path().join("plain")).unwrap();
    let mut fewer: Value = serde_json::from_str(&text).unwrap();
    fewer["items"][0]["hypotheses"].as_array_mut().unwrap().pop().unwrap();
    folder.file("fewer", fewer.to_string());
    both_ways("plain", "fewer", 1);

    // Of lengths that were typed, the numbers count; of a file only that there is one.
    write("full", &[&decode[..], &["--lengths", "2,2"]].concat());
    write("short", &[&decode[..], &["--lengths", "2,1"]].concat());
    compare(&folder, &["full", "short"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("lengths is \"2,2\" in the first and \"2,1\" in the second"));

    // Where a gradient was written is no part of it.
    write("g1", &[&loss[..], &["--grad", "g1.npy"]].concat());
    write("g2", &[&loss[..], &["--grad", "g2.npy"]].concat());
    both_ways("g1", "g2", 0);
}

/// Other programs write a whole number without a fraction.
#[test]
fn parameters_are_numbers_however_they_are_written() {
    let folder = Folder::new();
    for (name, bonus, other) in [("a", "1.0", "[0.5, 2.0]"), ("b", "1", "[0.5, 2]"), ("c", "1.5", "[0.5, 2]")]
    {
        let params: Value =
            serde_json::from_str(&format!(r#"{{"word_bonus": {bonus}, "word_bonuses": {other}}}"#)).unwrap();
        decoded(&folder, name, &params, &[(0, "x")]);
    }
    compare(&folder, &["a", "b"]).assert().code(0);
    compare(&folder, &["b", "c"]).assert().code(2);
}
