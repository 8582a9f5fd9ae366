//! Results that other systems' test suites publish; each case names its source.

use serde_json::Value;

use crate::support::{Folder, close, ctctool, integers, json, npy_f64, npy_i64, number, numbers, repository};

fn cases(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(repository("tests/published").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// All numbers of a nested list.
fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(flat).collect(),
        leaf => vec![number(leaf)],
    }
}

#[test]
fn ctc_losses_are_as_published() {
    let folder = Folder::new();
    let cases = cases("ctc_loss.json");
    assert_eq!(cases.len(), 9);
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let input = case["input"].as_array().unwrap();
        let items = input[0].as_array().unwrap();
        let shape = [input.len(), items.len(), items[0].as_array().unwrap().len()];
        let logits = folder.file("x.npy", npy_f64(&shape, &flat(&case["input"])));
        let line =
            |target: &Value| integers(target).iter().map(|l| format!("{l} ")).collect::<String>() + "\n";
        let targets = case["targets"].as_array().unwrap();
        let labels = folder.file("t.txt", targets.iter().map(line).collect::<String>());
        let lengths: Vec<String> = integers(&case["input_lengths"]).iter().map(ToString::to_string).collect();
        let kind = match case["input_kind"].as_str().unwrap().split(' ').next().unwrap() {
            "probs" => "probs",
            "log_probs" => "log-probs",
            _ => "logits",
        };
        let mut command = ctctool();
        command.arg("loss").arg(&logits).arg("--labels").arg(&labels);
        command.args(["--layout", "tnc", "--input", kind, "--blank", &case["blank"].to_string()]);
        command.args(["--lengths", &lengths.join(","), "--items"]);
        if id == "keras3_ctc" {
            // Keras lets a blank be a label; we refuse it by name.
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(2));
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert!(stderr.contains("line 2, column 5: expected a label that is not the blank"), "{stderr}");
            continue;
        }
        let result = json(&mut command);
        let tolerance = number(&case["tol"]);
        for (item, expected) in
            result["items"].as_array().unwrap().iter().zip(numbers(&case["expected_none"]))
        {
            assert!(close(&item["loss_nats"], expected, 0.0, tolerance), "{id}: {item} for {expected}");
        }
        for (key, convention) in [("expected_sum", "sum"), ("expected_mean_torch", "mean")] {
            if !case[key].is_null() {
                let found = &result["summary"]["reductions"][convention];
                // The sum of losses that were published to seven digits.
                assert!(close(found, number(&case[key]), 0.0, 3.0 * tolerance), "{id}: {convention} {found}");
            }
        }
    }
}

#[test]
fn cross_entropies_are_as_published() {
    let folder = Folder::new();
    let cases = cases("cross_entropy.json");
    assert_eq!(cases.len(), 8);
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let rows = case["logits"].as_array().unwrap();
        let shape = [rows.len(), rows[0].as_array().unwrap().len()];
        let logits = folder.file("x.npy", npy_f64(&shape, &flat(&case["logits"])));
        let labels = if case["target"].is_null() {
            npy_f64(&shape, &flat(&case["target_probs"]))
        } else {
            npy_i64(&shape[..1], &integers(&case["target"]))
        };
        let labels = folder.file("t.npy", labels);
        let mut command = ctctool();
        command.arg("loss").arg(&logits).arg("--labels").arg(&labels);
        command.args(["--criterion", "ce", "--reduction", case["reduction"].as_str().unwrap()]);
        for (key, option) in [("ignore_index", "--ignore-index"), ("label_smoothing", "--label-smoothing")] {
            if !case[key].is_null() {
                command.args([option, &case[key].to_string()]);
            }
        }
        if !case["weight"].is_null() {
            let weight: Vec<String> = numbers(&case["weight"]).iter().map(ToString::to_string).collect();
            command.args(["--weight", &weight.join(",")]);
        }
        let result = json(&mut command);
        let tolerance = number(&case["tol"]);
        if case["reduction"] != "none" {
            let found = &result["summary"]["loss_nats"];
            assert!(close(found, number(&case["expected"]), 0.0, tolerance), "{id}: {found}");
            continue;
        }
        let expected = numbers(&case["expected"]);
        for (row, (item, expected)) in result["items"].as_array().unwrap().iter().zip(expected).enumerate() {
            if case["torch_differs"] == true && [2, 4].contains(&row) {
                // Optax takes 0 × inf for 0; we follow PyTorch, and say so.
                assert_eq!(item["status"], "nan", "{id}");
                assert_eq!(result["warnings"][0]["code"], "zero_times_infinity");
                continue;
            }
            assert!(close(&item["loss_nats"], expected, 0.0, tolerance), "{id}: {item} for {expected}");
        }
    }
}
