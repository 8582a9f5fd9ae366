//! The real outputs of `fixtures/`, against `fixtures/reference.json`.

use serde_json::Value;

use crate::support::{close, ctctool, json, number, numbers, repository};

fn reference() -> Value {
    let text = std::fs::read_to_string(repository("fixtures/reference.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn assert_loss(args: &[&str], expected: &Value, rtol: f64) {
    let mut command = ctctool();
    let result = json(command.current_dir(repository("fixtures")).arg("loss").args(args).arg("--items"));
    for convention in ["mean", "sum"] {
        let found = &result["summary"]["reductions"][convention];
        assert!(close(found, number(&expected[convention]), rtol, 0.0), "{args:?}: {convention} {found}");
    }
    let items = result["items"].as_array().unwrap();
    let losses = numbers(&expected["none"]);
    assert_eq!(items.len(), losses.len());
    for (item, loss) in items.iter().zip(losses) {
        assert!(close(&item["loss_nats"], loss, rtol, 1e-14), "{args:?}: {item} for {loss}");
    }
}

#[test]
fn real_losses_are_pytorchs() {
    let reference = reference();
    let lines = [
        "lines.npy",
        "--labels",
        "lines.txt",
        "--alphabet",
        "alphabet.txt",
        "--lengths",
        "lines.lengths.txt",
    ];
    assert_loss(&lines, &reference["lines"]["ctc"], 2e-7);
    let line = ["line.csv", "--labels", "line.txt", "--alphabet", "alphabet.txt"];
    assert_loss(&line, &reference["line"]["ctc"], 1e-12);
    let ppocr = [
        "ppocr.npy",
        "--labels",
        "ppocr.txt",
        "--alphabet",
        "ppocr.alphabet.txt",
        "--input",
        "probs",
        "--blank",
        "<blank>",
    ];
    assert_loss(&ppocr, &reference["ppocr"]["ctc"], 2e-7);
    let digits = ["digits.npy", "--labels", "digits.labels.txt"];
    assert_loss(&digits, &reference["digits"]["cross_entropy"], 2e-7);
    let weighted = [&digits[..], &["--weight", "digits.weights.txt"]].concat();
    assert_loss(&weighted, &reference["digits"]["cross_entropy_weighted"], 2e-7);
    let smoothed = [&weighted[..], &["--label-smoothing", "0.1"]].concat();
    assert_loss(&smoothed, &reference["digits"]["cross_entropy_weighted_smoothing_0.1"], 2e-7);
}

#[test]
fn the_same_bytes_at_any_number_of_threads() {
    let run = |threads: &str| {
        let args = ["lines.npy", "--labels", "lines.txt", "--alphabet", "alphabet.txt", "--items"];
        let mut command = ctctool();
        command.current_dir(repository("fixtures")).arg("loss").args(args);
        command.args(["--format", "json", "--threads", threads]).output().unwrap().stdout
    };
    let one = run("1");
    assert!(!one.is_empty());
    for threads in ["2", "3", "16"] {
        assert_eq!(run(threads), one);
    }
}
