//! PyTorch's values in double precision, made by `tests/reference/make_torch.py`.

use serde_json::Value;

use crate::support::{
    Folder, SplitMix, close, ctctool, integers, json, npy_f32, npy_f64, npy_i64, number, numbers, repository,
};

/// From f64 input: a few rounding errors. The floor is for losses near 0, where PyTorch's own `1 - p`
/// has lost its digits (its rounding error is absolute, some 1e-16 a frame).
const F64: (f64, f64) = (1e-12, 1e-14);
/// From f32 input holding the same values.
const F32: (f64, f64) = (2e-7, 1e-14);

fn cases(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(repository("tests/reference").join(name)).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() > 100);
    cases
}

fn logits(case: &Value, len: usize) -> Vec<f64> {
    let mut random = SplitMix(case["seed"].as_u64().unwrap());
    let scale = number(&case["scale"]);
    let mut values: Vec<f64> = (0..len).map(|_| random.score() * scale).collect();
    for change in case["overrides"].as_array().into_iter().flatten() {
        values[change[0].as_u64().unwrap() as usize] = number(&change[1]);
    }
    values
}

/// The file in double and, where its values fit, in single precision, with the tolerance for each.
fn files(folder: &Folder, shape: &[usize], values: &[f64]) -> Vec<(std::path::PathBuf, (f64, f64))> {
    let mut files = vec![(folder.file("f64.npy", npy_f64(shape, values)), F64)];
    if values.iter().all(|&x| f64::from(x as f32) == x || !x.is_finite()) {
        files.push((folder.file("f32.npy", npy_f32(shape, values)), F32));
    }
    files
}

fn assert_losses(name: &str, result: &Value, expected: &Value, (rtol, atol): (f64, f64)) {
    let items = result["items"].as_array().unwrap();
    let losses = numbers(&expected["none"]);
    assert_eq!(items.len(), losses.len(), "{name}");
    for (item, &loss) in items.iter().zip(&losses) {
        let found = &item["loss_nats"];
        assert!(close(found, loss, rtol, atol), "{name}: {found} for {loss}");
        let status = item["status"].as_str().unwrap();
        match (loss.is_nan(), loss.is_infinite()) {
            (true, _) => assert_eq!(status, "nan", "{name}"),
            (_, true) => assert!(["infinite", "infeasible"].contains(&status), "{name}: {status}"),
            // With zero_infinity, the status still tells why the loss is 0.
            _ if loss == 0.0 => assert!(status != "nan", "{name}: {status}"),
            _ => assert_eq!(status, "ok", "{name}"),
        }
    }
    for convention in ["sum", "mean"] {
        let found = &result["summary"]["reductions"][convention];
        let expected = number(&expected[convention]);
        assert!(close(found, expected, rtol, atol), "{name}: {convention} {found} for {expected}");
        // JSON has null for NaN and infinity alike; which, the status says.
        if result["summary"]["reduction"] == convention {
            let status = result["summary"]["status"].as_str().unwrap();
            let expected_status = match expected {
                _ if expected.is_nan() => &["nan"][..],
                _ if expected.is_infinite() => &["infinite", "infeasible"],
                _ => &["ok"],
            };
            assert!(expected_status.contains(&status), "{name}: {convention} {status} for {expected}");
        }
    }
}

#[test]
fn cross_entropy_is_pytorchs() {
    let folder = Folder::new();
    for case in cases("cross_entropy.json") {
        let name = case["name"].as_str().unwrap();
        let shape: Vec<usize> = integers(&case["shape"]).iter().map(|&size| size as usize).collect();
        let values = logits(&case, shape.iter().product());
        let class_axis = usize::from(shape.len() > 1);
        let labels = if case["target"].is_null() {
            folder.file("t.npy", npy_f64(&shape, &numbers(&case["target_probs"])))
        } else {
            let mut row_shape = shape.clone();
            row_shape.remove(class_axis);
            folder.file("t.npy", npy_i64(&row_shape, &integers(&case["target"])))
        };
        for (file, tolerance) in files(&folder, &shape, &values) {
            let run = |reduction: &str| {
                let mut command = ctctool();
                command.arg("loss").arg(&file).arg("--labels").arg(&labels);
                command.args(["--criterion", "ce", "--nonfinite", "propagate", "--reduction", reduction]);
                command.args(["--label-smoothing", &case["label_smoothing"].to_string()]);
                if !case["target"].is_null() {
                    command.args(["--ignore-index", &case["ignore_index"].to_string()]);
                }
                if !case["weight"].is_null() {
                    let weight: Vec<String> =
                        numbers(&case["weight"]).iter().map(ToString::to_string).collect();
                    command.args(["--weight", &weight.join(",")]);
                }
                json(&mut command)
            };
            assert_losses(name, &run("none"), &case["expected"], tolerance);
            let expected = number(&case["expected"]["mean"]);
            if !expected.is_finite() {
                let status = if expected.is_nan() { "nan" } else { "infinite" };
                assert_eq!(run("mean")["summary"]["status"], status, "{name}");
            }
        }
    }
}

#[test]
fn ctc_is_pytorchs() {
    let folder = Folder::new();
    for case in cases("ctc.json") {
        let name = case["name"].as_str().unwrap();
        let [frames, items, classes] = ["T", "N", "C"].map(|key| case[key].as_u64().unwrap() as usize);
        let shape = [frames, items, classes];
        let values = logits(&case, shape.iter().product());
        let targets: Vec<Vec<i64>> = case["targets"].as_array().unwrap().iter().map(integers).collect();
        let line =
            |target: &Vec<i64>| target.iter().map(|label| format!("{label} ")).collect::<String>() + "\n";
        let labels = folder.file("t.txt", targets.iter().map(line).collect::<String>());
        let lengths: String =
            case["input_lengths"].as_array().unwrap().iter().map(|n| format!("{n}\n")).collect();
        let lengths = folder.file("lengths.txt", lengths);
        for (file, tolerance) in files(&folder, &shape, &values) {
            for (expected, options) in
                [("expected", &[][..]), ("expected_zero_infinity", &["--zero-infinity"][..])]
            {
                let mut command = ctctool();
                command.arg("loss").arg(&file).arg("--labels").arg(&labels).arg("--lengths").arg(&lengths);
                command.args([
                    "--criterion",
                    "ctc",
                    "--layout",
                    "tnc",
                    "--blank",
                    &case["blank"].to_string(),
                ]);
                command.args(["--nonfinite", "propagate", "--reduction", "none"]).args(options);
                assert_losses(name, &json(&mut command), &case[expected], tolerance);
            }
        }
    }
}
