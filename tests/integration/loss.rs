//! `ctctool loss` by its contract: inputs, conventions, formats, checks.

use predicates::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    Folder, SplitMix, close, ctctool, json as run_json, npy_bytes, npy_f32, npy_f64, npy_i64,
};

const ROWS: &str = "1,2,3\n0,0,0\n5,1,1\n";

fn classifier(folder: &Folder) -> assert_cmd::Command {
    folder.file("x.csv", ROWS);
    folder.file("y.txt", "2\n0\n-100\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y.txt"]);
    command
}

#[test]
fn the_two_words_of_the_contract_are_enough() {
    let folder = Folder::new();
    folder.file("logits.npy", npy_f32(&[2, 3], &[1.0, 2.0, 3.0, 0.0, 0.0, 0.0]));
    folder.file("y.txt", "2\n0\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "logits.npy", "--labels", "y.txt"]);
    command
        .assert()
        .success()
        .stdout(predicate::str::contains("mean").and(predicate::str::contains("0.753109")));
}

#[test]
fn json_has_the_keys_of_the_contract() {
    let folder = Folder::new();
    let result = run_json(classifier(&folder).arg("--items"));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut top = keys(&result);
    top.sort();
    assert_eq!(top, ["command", "items", "params", "schema_version", "summary", "version", "warnings"]);
    assert_eq!((&result["schema_version"], &result["command"]), (&json!(1), &json!("loss")));
    let summary = &result["summary"];
    let wanted =
        ["criterion", "reduction", "loss_nats", "status", "items", "ignored", "infeasible", "reductions"];
    assert!(wanted.iter().all(|key| summary.get(key).is_some()), "{summary}");
    for convention in ["sum", "mean", "batch_mean", "token_mean"] {
        assert!(summary["reductions"][convention].is_f64(), "{summary}");
    }
    assert_eq!((&summary["items"], &summary["ignored"]), (&json!(3), &json!(1)));
    let ignored = &result["items"][2];
    let expected =
        json!({"id": "x.csv#2", "index": 2, "loss_nats": 0.0, "status": "ignored", "target": -100});
    assert_eq!(ignored, &expected);
    // ln 3 for the flat row.
    assert!(close(&result["items"][1]["loss_nats"], 3_f64.ln(), 1e-15, 0.0));
}

#[test]
fn ctc_items_say_what_they_need() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 3], &[0.0; 18]));
    folder.file("y.txt", "1 1 2\n\n");
    let run = |options: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args([
            "loss",
            "x.npy",
            "--labels",
            "y.txt",
            "--reduction",
            "none",
        ]);
        run_json(command.args(options))
    };
    let result = run(&[]);
    let item = json!({"id": "x.npy#0", "index": 0, "loss_nats": null, "status": "infeasible",
        "frames": 3, "label_length": 3, "frames_needed": 4});
    assert_eq!(result["items"][0], item);
    assert!(close(&result["items"][1]["loss_nats"], 3.0 * 3_f64.ln(), 1e-15, 0.0));
    assert_eq!(result["params"]["layout"], "ntc");
    assert_eq!(result["params"]["layout_inferred"], true);
    assert_eq!(result["summary"]["infeasible"], 1);
    assert_eq!(result["summary"]["status"], "infeasible");
    let warning = result["warnings"][0]["message"].as_str().unwrap();
    assert!(warning.contains("x.npy#0") && warning.contains("need 4 frames, but it has 3"), "{warning}");

    let result = run(&["--zero-infinity"]);
    assert_eq!(result["items"][0]["loss_nats"], 0.0);
    assert!(close(&result["summary"]["reductions"]["batch_mean"], 1.5 * 3_f64.ln(), 1e-15, 0.0));
}

/// One logical batch in every layout, order, byte order and width gives the same losses.
#[test]
fn every_way_to_store_a_batch_is_read() {
    let (frames, items, classes) = (5, 2, 4);
    let mut random = SplitMix(7);
    // Sixteenths: exact in half precision.
    let values: Vec<f64> =
        (0..frames * items * classes).map(|_| (random.score() * 16.0).round() / 16.0).collect();
    let at = |t: usize, n: usize, c: usize| values[(t * items + n) * classes + c];
    let folder = Folder::new();
    folder.file("y.txt", "1 2\n3\n");
    let mut results = Vec::new();
    for layout in ["tnc", "ntc"] {
        let shape = if layout == "tnc" { [frames, items, classes] } else { [items, frames, classes] };
        for fortran in [false, true] {
            let mut stored = Vec::new();
            let mut each = |a: usize, b: usize, c: usize| {
                stored.push(if layout == "tnc" { at(a, b, c) } else { at(b, a, c) });
            };
            if fortran {
                (0..shape[2])
                    .for_each(|c| (0..shape[1]).for_each(|b| (0..shape[0]).for_each(|a| each(a, b, c))));
            } else {
                (0..shape[0])
                    .for_each(|a| (0..shape[1]).for_each(|b| (0..shape[2]).for_each(|c| each(a, b, c))));
            }
            for descr in ["<f8", ">f8", "<f4", ">f4", "<f2", ">f2"] {
                let body: Vec<u8> = stored
                    .iter()
                    .flat_map(|&x| {
                        let mut bytes = match &descr[1..] {
                            "f8" => x.to_le_bytes().to_vec(),
                            "f4" => (x as f32).to_le_bytes().to_vec(),
                            _ => half::f16::from_f64(x).to_le_bytes().to_vec(),
                        };
                        if descr.starts_with('>') {
                            bytes.reverse();
                        }
                        bytes
                    })
                    .collect();
                folder.file("x.npy", npy_bytes(descr, fortran, &shape, &body));
                let mut command = ctctool();
                command.current_dir(folder.path());
                command.args(["loss", "x.npy", "--labels", "y.txt", "--lengths", "5,3", "--layout", layout]);
                results.push(run_json(command.arg("--items"))["items"].clone());
            }
        }
    }
    assert!(results.iter().all(|result| result == &results[0]), "{results:?}");
}

#[test]
fn integers_and_big_versions_of_the_format_are_read() {
    let folder = Folder::new();
    folder.file("y.txt", "2\n0\n");
    let mut results = Vec::new();
    for descr in ["|i1", "<i2", ">i2", "<i4", "<i8", "|u1", ">u8"] {
        let size: usize = descr[2..].parse().unwrap();
        let body: Vec<u8> = [1_u8, 2, 3, 0, 0, 7]
            .iter()
            .flat_map(|&x| {
                let mut bytes = vec![0; size];
                bytes[if descr.starts_with('>') { size - 1 } else { 0 }] = x;
                bytes
            })
            .collect();
        let version1 = npy_bytes(descr, false, &[2, 3], &body);
        for version in 1..=3 {
            let mut file = version1.clone();
            if version > 1 {
                file[6] = version;
                file.splice(10..10, [0, 0]); // the header's length has four bytes then
            }
            folder.file("x.npy", file);
            let mut command = ctctool();
            command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt"]);
            results.push(run_json(&mut command)["summary"]["loss_nats"].clone());
        }
    }
    assert!(results.iter().all(|result| result == &results[0] && result.is_f64()), "{results:?}");
}

/// Padded, joined and text labels, and text by an alphabet of characters or tokens, mean the same.
#[test]
fn every_way_to_write_labels_is_read() {
    let folder = Folder::new();
    let mut random = SplitMix(3);
    let values: Vec<f64> = (0..6 * 2 * 4).map(|_| random.score()).collect();
    folder.file("x.npy", npy_f64(&[6, 2, 4], &values));
    folder.file("lines.txt", "1 2,3\r\n3\r\n");
    folder.file("padded.npy", npy_i64(&[2, 4], &[1, 2, 3, 0, 3, -1, -1, -1]));
    folder.file("joined.npy", npy_i64(&[4], &[1, 2, 3, 3]));
    folder.file("text.txt", "abc\nc");
    folder.file("tokens.txt", "aa b cc\ncc\n");
    folder.file("longest.txt", "aabcc\ncc\n");
    folder.file("chars.alphabet", "a\nb\nc\n");
    folder.file("blank.alphabet", "<blank>\na\nb\nc\n");
    folder.file("list.json", r#"["a", "b", "c"]"#);
    folder.file("indexed.json", r#"{"b": 2, "a": 1, "c": 3}"#);
    folder.file("tokens.alphabet", "aa\nb\ncc\n");
    let ways: [&[&str]; 9] = [
        &["lines.txt"],
        &["padded.npy", "--label-lengths", "3,1"],
        &["joined.npy", "--label-lengths", "3,1"],
        &["text.txt", "--alphabet", "chars.alphabet"],
        &["text.txt", "--alphabet", "blank.alphabet", "--blank", "<blank>"],
        &["text.txt", "--alphabet", "list.json"],
        &["text.txt", "--alphabet", "indexed.json"],
        &["tokens.txt", "--alphabet", "tokens.alphabet", "--label-split", "tokens"],
        &["longest.txt", "--alphabet", "tokens.alphabet", "--label-split", "longest"],
    ];
    let mut results = Vec::new();
    for way in ways {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--items", "--labels"]).args(way);
        results.push(run_json(&mut command)["items"].clone());
    }
    assert!(results.iter().all(|result| result == &results[0]), "{results:?}");
}

#[test]
fn class_axes_agree() {
    let folder = Folder::new();
    let mut random = SplitMix(5);
    let values: Vec<f64> = (0..2 * 3 * 4).map(|_| random.score()).collect();
    folder.file("ncd.npy", npy_f64(&[2, 3, 4], &values));
    let transposed: Vec<f64> = (0..2)
        .flat_map(|n| (0..4).flat_map(move |d| (0..3).map(move |c| (n * 3 + c) * 4 + d)))
        .map(|at| values[at])
        .collect();
    folder.file("ndc.npy", npy_f64(&[2, 4, 3], &transposed));
    folder.file("y.txt", "0 1 2 0\n2,2,-100,1\n");
    let run = |args: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "--labels", "y.txt", "--reduction", "none"]);
        command.args(["--criterion", "cross-entropy"]).args(args);
        let result = run_json(&mut command);
        let losses: Vec<Value> =
            result["items"].as_array().unwrap().iter().map(|item| item["loss_nats"].clone()).collect();
        losses
    };
    assert_eq!(run(&["ncd.npy"]), run(&["ndc.npy", "--class-axis", "-1"]));
    assert_eq!(run(&["ncd.npy"]).len(), 8);
}

/// Rows come in the order of the file, and are listed in that of the array.
#[test]
fn items_are_in_order_whatever_that_of_the_file() {
    let folder = Folder::new();
    let (n, classes, d) = (4, 3, 5);
    let mut random = SplitMix(9);
    let values: Vec<f64> = (0..n * classes * d).map(|_| random.score()).collect();
    let targets: Vec<i64> = (0..n * d).map(|_| random.below(classes) as i64).collect();
    folder.file("y.npy", npy_i64(&[n, d], &targets));
    let at = |i: usize| (i % n * classes + i / n % classes) * d + i / (n * classes);
    let fortran: Vec<u8> = (0..values.len()).flat_map(|i| values[at(i)].to_le_bytes()).collect();
    let mut listed = [npy_f64(&[n, classes, d], &values), npy_bytes("<f8", true, &[n, classes, d], &fortran)]
        .map(|file| {
            folder.file("x.npy", file);
            let mut command = ctctool();
            command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.npy", "--items"]);
            run_json(command.args(["--criterion", "ce"]))["items"].take()
        });
    assert_eq!(listed[0].as_array().unwrap().len(), n * d);
    // The last bits of a normaliser depend on which rows are computed side by side.
    for (item, other) in listed[0].as_array().unwrap().iter().zip(listed[1].as_array().unwrap()) {
        assert!(
            close(&other["loss_nats"], item["loss_nats"].as_f64().unwrap(), 1e-14, 0.0),
            "{item} {other}"
        );
    }
    for items in &mut listed {
        items.as_array_mut().unwrap().iter_mut().for_each(|item| item["loss_nats"] = Value::Null);
    }
    assert_eq!(listed[0], listed[1]);
}

#[test]
fn checks_decide_the_exit_code() {
    let folder = Folder::new();
    let loss = run_json(&mut classifier(&folder))["summary"]["loss_nats"].to_string();
    for (args, code) in [
        (vec!["--max-loss", "0.76"], 0),
        (vec!["--max-loss", "0.75"], 1),
        (vec!["--expect", &loss, "--rtol", "0", "--atol", "0"], 0),
        (vec!["--expect", "0.753109"], 0),
        (vec!["--expect", "0.7532"], 1),
        (vec!["--expect", "0.7532", "--rtol", "1e-3"], 0),
        (vec!["--expect", "inf"], 1),
        (vec!["--expect", "nan"], 2),
        (vec!["--ignore-index", "0", "--max-loss", "1"], 2), // -100 is out of range then
    ] {
        classifier(&folder).args(&args).assert().code(code);
    }
    let assert = classifier(&folder).args(["--max-loss", "0.75", "--format", "json"]).assert().code(1);
    assert.stdout(predicate::str::contains(r#""checks":[{"name":"max_loss","observed":0.753109"#)).stderr(
        predicate::str::starts_with("check failed: x.csv: loss 0.753109")
            .and(predicate::str::contains("exceeds 0.75")),
    );
    // Nothing is ever below a limit that is not a number, and nan is below none.
    folder.file("z.txt", "-100\n-100\n-100\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "z.txt"]);
    command.assert().success().stdout(predicate::str::contains("nan"));
    command.args(["--max-loss", "1e300"]).assert().code(1);
    // No tolerance makes an infinite loss a finite one.
    folder.file("one.csv", "1,2,3\n");
    folder.file("two.txt", "1 2\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "one.csv", "--labels", "two.txt", "--criterion", "ctc"]);
    command.args(["--expect", "1", "--rtol", "1e300"]).assert().code(1);
}

#[test]
fn a_pipe_and_a_redirected_file_are_read() {
    let folder = Folder::new();
    let labels = folder.file("y.txt", "2\n0\n");
    let npy = npy_f64(&[2, 3], &[1.0, 2.0, 3.0, 0.0, 0.0, 0.0]);
    let mut command = ctctool();
    command.args(["loss", "--items", "--labels"]).arg(&labels).write_stdin(npy);
    let result = run_json(&mut command);
    assert_eq!(result["items"][1]["id"], "-#1");
    let mut command = ctctool();
    command.args(["loss", "-", "--labels"]).arg(&labels).write_stdin("1;2;3;\n0;0;0;\n");
    assert_eq!(run_json(&mut command)["summary"]["loss_nats"], result["summary"]["loss_nats"]);
}

#[test]
fn formats_list_the_items() {
    let folder = Folder::new();
    let csv = classifier(&folder).args(["--format", "csv"]).assert().success();
    csv.stdout(predicate::str::starts_with("id,index,loss_nats,status,target\nx.csv#0,0,0.4076059644443"))
        .stderr(predicate::str::contains("batch_mean"));
    let output = classifier(&folder).args(["--format", "jsonl"]).output().unwrap();
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(
        lines.iter().map(|line| &line["type"]).collect::<Vec<_>>(),
        ["item", "item", "item", "summary"]
    );
    assert!(lines[3]["loss_nats"].is_f64() && lines[3]["params"]["criterion"] == "cross-entropy");
    classifier(&folder)
        .args(["--precision", "2"])
        .assert()
        .stdout(predicate::str::contains("0.75 ").and(predicate::str::contains("0.753").not()));
}

#[test]
fn an_output_file_is_whole_or_as_it_was() {
    let folder = Folder::new();
    classifier(&folder).args(["-o", "out.json", "--format", "json"]).assert().success().stdout("");
    let whole = std::fs::read(folder.path().join("out.json")).unwrap();
    assert!(serde_json::from_slice::<Value>(&whole).is_ok());
    classifier(&folder).args(["-o", "out.json", "--max-loss", "nope"]).assert().code(2);
    classifier(&folder).args(["-o", "out.json", "--weight", "1"]).assert().code(2);
    assert_eq!(std::fs::read(folder.path().join("out.json")).unwrap(), whole);
    classifier(&folder)
        .args(["-o", "no/such/folder/out"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("no/such"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nothing half-written is left");
}

#[test]
fn warnings_are_lines_and_with_strict_errors() {
    let folder = Folder::new();
    folder.file("p.csv", "0.5,0.25,0.25\n0.1,0.8,0.1\n");
    folder.file("y.txt", "2\n0\n");
    let run = |args: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "p.csv", "--labels", "y.txt"]).args(args);
        command.assert()
    };
    run(&[]).success().stderr(predicate::str::starts_with("warning: p.csv looks like probabilities"));
    run(&["--quiet"]).success().stderr("");
    run(&["--strict"]).code(2).stdout("").stderr(predicate::str::starts_with("error: p.csv looks like"));
    run(&["--input", "probs", "--strict"]).success().stderr("");
    run(&["--input", "log-probs"]).success().stderr(predicate::str::contains(
        "2 rows do not sum to 1 (the first, row 0, sums to 4.216772104075611): taken as probabilities they do: give \
         --input probs",
    ));
}

/// Items without frames: an empty target has a loss of 0, any other is infeasible, however the file lies and is read.
#[test]
fn no_frames_are_no_reason_to_fail() {
    let folder = Folder::new();
    folder.file("y.txt", "1\n\n");
    for descr in ["<f4", "<f8", ">f8", "<f2", "<i4"] {
        for fortran in [false, true] {
            for (layout, shape) in [("tnc", [0, 2, 3]), ("ntc", [2, 0, 3])] {
                let bytes = npy_bytes(descr, fortran, &shape, &[]);
                folder.file("x.npy", &bytes);
                for from in ["x.npy", "-"] {
                    for command in ["loss", "align", "inspect", "decode"] {
                        let labels = if command == "decode" { &[][..] } else { &["--labels", "y.txt"] };
                        let mut run = ctctool();
                        run.current_dir(folder.path()).args([command, from, "--layout", layout]).args(labels);
                        let result = run_json(run.write_stdin(bytes.clone()));
                        if command == "loss" {
                            assert_eq!(
                                result["summary"]["infeasible"], 1,
                                "{descr} {layout} {from}: {result}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Numbers that are never used may be anything.
#[test]
fn padding_and_ignored_rows_are_not_looked_at() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\nnan,inf,-inf\n");
    folder.file("y.txt", "2\n-100\n");
    let mut command = ctctool();
    command
        .current_dir(folder.path())
        .args(["loss", "x.csv", "--labels", "y.txt", "--strict"])
        .assert()
        .success();
    folder.file("y.txt", "2\n1\n");
    command
        .assert()
        .code(2)
        .stderr(predicate::str::contains("row 1, class 0: expected a finite number, found NaN"));
    command.args(["--nonfinite", "propagate"]).assert().code(0);

    folder.file("y.txt", "2\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y.txt", "--criterion", "ctc"]);
    command.assert().code(2).stderr(predicate::str::contains("frame 1, class 0"));
    command.args(["--lengths", "1"]).assert().success();
}

/// A small loss is the sum of what nearly certain frames lack: many classes have too little of it each for single
/// precision's sums.
#[test]
fn small_losses_of_many_classes_keep_their_digits() {
    for classes in [129, 300, 2000] {
        let mut random = SplitMix(classes as u64);
        let mut row = |certain: &[(usize, f64)]| {
            let mut row: Vec<f64> = (0..classes).map(|_| random.score() - 4.0).collect();
            for &(class, score) in certain {
                row[class] = score;
            }
            row.iter().map(|&x| f64::from(x as f32)).collect::<Vec<_>>()
        };
        let rows = [row(&[(1, 22.0)]), row(&[(0, 22.0), (1, 21.5)])];
        let folder = Folder::new();
        folder.file("x.npy", npy_f32(&[2, classes], &rows.concat()));
        folder.file("y.txt", "1\n");
        let found =
            run_json(ctctool().current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt"]));
        // 1 - P is summed of what is small.
        let sums = rows.each_ref().map(|row| row.iter().map(|x| x.exp()).sum::<f64>());
        let without = |frame: usize, kept: &[usize]| {
            let rest = rows[frame].iter().enumerate().filter(|(class, _)| !kept.contains(class));
            rest.map(|(_, x)| x.exp()).sum::<f64>() / sums[frame]
        };
        let (first, last) = (rows[0][1].exp() / sums[0], 1.0 - without(1, &[0, 1]));
        let by_blank = rows[0][0].exp() / sums[0] * (rows[1][1].exp() / sums[1]);
        let lacks = without(0, &[1]) + first * without(1, &[0, 1]) - by_blank;
        let expected = -(-lacks).ln_1p();
        // But for the rounding of sums of so many.
        assert!((first * last + by_blank + lacks - 1.0).abs() < 1e-13);
        let loss = &found["summary"]["reductions"]["sum"];
        assert!(close(loss, expected, 1e-6, 0.0), "{classes}: {loss} for {expected}");
    }
}

#[test]
fn a_loss_of_nothing_has_no_sign() {
    let folder = Folder::new();
    folder.file("x.csv", "1000,0\n");
    folder.file("y.txt", "0\n");
    let args = ["loss", "x.csv", "--labels", "y.txt", "--criterion", "ce", "--items", "--format", "csv"];
    let listed = "id,index,loss_nats,status,target\nx.csv#0,0,0,ok,0\n";
    ctctool().current_dir(folder.path()).args(args).assert().success().stdout(listed);
}
