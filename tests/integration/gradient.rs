//! `ctctool loss --grad` and `--check-grad`: PyTorch's gradients, the form of the file, finite differences.

use std::fs;
use std::path::Path;

use predicates::prelude::*;
use serde_json::Value;

use crate::support::{
    Folder, SplitMix, ctctool, integers, json, npy_bytes, npy_f32, npy_f64, npy_i64, number, numbers,
    repository,
};

fn listed(value: &Value) -> String {
    numbers(value).iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// The body of a .npy file of version 1 and its header's text.
pub(crate) fn parts(path: &Path) -> (String, Vec<u8>) {
    let bytes = fs::read(path).unwrap();
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(bytes.starts_with(b"\x93NUMPY\x01\x00") && (10 + length).is_multiple_of(64));
    (String::from_utf8(bytes[10..10 + length].to_vec()).unwrap(), bytes[10 + length..].to_vec())
}

pub(crate) fn doubles(body: &[u8]) -> Vec<f64> {
    body.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect()
}

/// The call that computes a reference case's loss; its files in `folder`.
fn call(case: &Value, folder: &Folder) -> assert_cmd::Command {
    let shape: Vec<usize> = integers(&case["shape"]).iter().map(|&size| size as usize).collect();
    let mut random = SplitMix(case["seed"].as_u64().unwrap());
    let scale = number(&case["scale"]);
    let len = shape.iter().product();
    let values: Vec<f64> = (0..len).map(|_| random.score() * scale).collect();
    folder.file("x.npy", npy_f64(&shape, &values));
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y", "-q", "--criterion"]);
    command.arg(case["criterion"].as_str().unwrap());
    command.args(["--reduction", case["reduction"].as_str().unwrap()]);
    if case["criterion"] == "ctc" {
        let line = |target: &Value| {
            integers(target).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ") + "\n"
        };
        folder.file("y", case["targets"].as_array().unwrap().iter().map(line).collect::<String>());
        command.args(["--layout", "tnc", "--blank", &case["blank"].to_string()]);
        command.args(["--lengths", &listed(&case["lengths"])]);
        if case["zero_infinity"] == true {
            command.arg("--zero-infinity");
        }
        return command;
    }
    if case["target_probs"].is_null() {
        let rows: Vec<usize> = shape
            .iter()
            .enumerate()
            .filter(|&(axis, _)| axis != usize::from(shape.len() > 1))
            .map(|(_, &size)| size)
            .collect();
        let body: Vec<u8> = integers(&case["target"]).iter().flat_map(|y| y.to_le_bytes()).collect();
        // A single row's target is a line of text.
        if rows.is_empty() {
            folder.file("y", integers(&case["target"])[0].to_string() + "\n");
        } else {
            folder.file("y", npy_bytes("<i8", false, &rows, &body));
        }
        command.args(["--ignore-index", &case["ignore_index"].to_string()]);
    } else {
        folder.file("y", npy_f64(&shape, &numbers(&case["target_probs"])));
    }
    if !case["weight"].is_null() {
        command.args(["--weight", &listed(&case["weight"])]);
    }
    command.args(["--label-smoothing", &case["label_smoothing"].to_string()]);
    command
}

#[test]
fn gradients_are_those_of_pytorch() {
    let text = fs::read_to_string(repository("tests/reference/grad.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() >= 15);
    for case in cases {
        let folder = Folder::new();
        let name = &case["name"];
        let result = json(call(&case, &folder).args(["--grad", "g.npy", "--check-grad"]));
        let (_, body) = parts(&folder.path().join("g.npy"));
        let expected = numbers(&case["gradient"]);
        let found = doubles(&body);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (at, (&found, &expected)) in found.iter().zip(&expected).enumerate() {
            // Both are differences of numbers up to 1, each with a few rounding errors for every frame.
            let near = (found - expected).abs() <= 1e-13 + 1e-11 * expected.abs();
            assert!(near || found.is_nan() && expected.is_nan(), "{name}, {at}: {found} for {expected}");
        }
        let check = &result["summary"]["gradient"]["check"];
        assert!(check["sampled"].as_u64() > Some(0), "{name}: {check}");
        // Differences of losses up to some thousand, over steps of 6e-6 and more.
        assert!(check["worst_absolute_error"].as_f64().unwrap() < 1e-7, "{name}: {check}");
    }
}

#[test]
fn the_file_has_the_form_of_the_input() {
    let mut random = SplitMix(3);
    let values: Vec<f64> = (0..24).map(|_| random.score()).collect();
    let folder = Folder::new();
    folder.file("y.txt", "1\n0\n2\n1\n3\n3\n");
    let gradient = |dtype: &str, fortran: bool, body: Vec<u8>| {
        folder.file("x.npy", npy_bytes(dtype, fortran, &[6, 4], &body));
        let mut command = ctctool();
        command.current_dir(folder.path());
        command.args(["loss", "x.npy", "--labels", "y.txt", "--grad", "g.npy"]).assert().success();
        parts(&folder.path().join("g.npy"))
    };
    let double = |fortran: bool| -> Vec<u8> {
        (0..24)
            .map(|at| if fortran { values[at % 6 * 4 + at / 6] } else { values[at] })
            .flat_map(f64::to_le_bytes)
            .collect()
    };
    let (header, body) = gradient("<f8", false, double(false));
    assert!(header.contains("'<f8'") && header.contains("False") && header.contains("(6, 4)"), "{header}");
    let reference = doubles(&body);
    let (header, body) = gradient("<f8", true, double(true));
    assert!(header.contains("True"), "{header}");
    let columns = doubles(&body);
    assert!((0..24).all(|at| columns[at] == reference[at % 6 * 4 + at / 6]));

    let single = values.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    let (header, body) = gradient("<f4", false, single);
    assert!(header.contains("'<f4'") && body.len() == 96, "{header}");
    for (bytes, expected) in body.chunks_exact(4).zip(&reference) {
        assert_eq!(f32::from_le_bytes(bytes.try_into().unwrap()), *expected as f32);
    }
    let (header, body) = gradient("<f2", false, vec![0; 48]);
    // Half precision has no room for gradients.
    assert!(header.contains("'<f4'") && body.len() == 96, "{header}");
    // Integers have no room for it: double precision.
    let (header, body) = gradient("<i4", false, vec![0; 96]);
    assert!(header.contains("'<f8'") && body.len() == 192, "{header}");
}

#[test]
fn every_kind_of_input_agrees_with_differences() {
    let mut random = SplitMix(5);
    let probs: Vec<f64> = (0..2 * 5 * 4)
        .map(|_| 0.1 + random.below(64) as f64 / 64.0)
        .collect::<Vec<_>>()
        .chunks(4)
        .flat_map(|row| row.iter().map(|p| p / row.iter().sum::<f64>()).collect::<Vec<_>>())
        .collect();
    let logs: Vec<f64> = probs.iter().map(|p| p.ln()).collect();
    let folder = Folder::new();
    folder.file("y.txt", "1 2\n3 3\n");
    for (input, values) in [("logits", &logs), ("log-probs", &logs), ("probs", &probs)] {
        folder.file("x.npy", npy_f64(&[2, 5, 4], values));
        let mut command = ctctool();
        command.current_dir(folder.path());
        command.args([
            "loss",
            "x.npy",
            "--labels",
            "y.txt",
            "--layout",
            "ntc",
            "--input",
            input,
            "--check-grad",
        ]);
        let result = json(&mut command);
        let check = &result["summary"]["gradient"]["check"];
        // The square of the step, and rounding over the step.
        assert!(check["worst_relative_error"].as_f64().unwrap() < 1e-8, "{input}: {check}");
    }
}

#[test]
fn people_see_the_worst_error_and_its_place() {
    let mut command = ctctool();
    command.current_dir(repository("fixtures"));
    command.args(["loss", "digits.npy", "--labels", "digits.labels.txt", "--check-grad"]);
    let shown = predicate::str::contains("worst absolute error").and(predicate::str::contains("row "));
    command.assert().success().stdout(shown);
}

#[test]
fn what_has_no_gradient_is_refused_and_nothing_is_written() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f32(&[2, 3], &[1.0, 2.0, 3.0, 0.0, 0.0, 0.0]));
    folder.file("y.txt", "2\n0\n");
    for (options, message) in [
        (&["--reduction", "none"][..], "need a reduced loss"),
        (&["--guess", "1"], "cannot be used with"),
        (&["--labels", "gone.txt"], "gone.txt"),
    ] {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--grad", "g.npy"]);
        let command =
            if options[0] == "--labels" { &mut command } else { command.args(["--labels", "y.txt"]) };
        command.args(options).assert().code(2).stderr(predicate::str::contains(message));
        assert!(!folder.path().join("g.npy").exists());
    }
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt", "--grad", "no/g.npy"]);
    command.assert().code(2).stderr(predicate::str::contains("no/g.npy: cannot be written"));
    for path in ["-", "/dev/stdout"].into_iter().take(if cfg!(unix) { 2 } else { 1 }) {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt", "--grad", path]);
        command.assert().code(2).stdout("").stderr(predicate::str::contains("--grad: expected a file"));
    }
}

/// Planes that are no rows, several blocks, and what can be read once only.
#[test]
fn a_gradient_is_the_same_from_any_source_and_in_any_layout() {
    let mut random = SplitMix(11);
    let folder = Folder::new();
    // More classes than are turned together, and not a multiple.
    let (rows, classes, inner) = (40, 39, 9);
    let values: Vec<f64> = (0..rows * classes * inner).map(|_| f64::from(random.score() as f32)).collect();
    let targets: Vec<i64> = (0..rows * inner).map(|_| random.below(classes) as i64).collect();
    folder.file("x.npy", npy_f32(&[rows, classes, inner], &values));
    folder.file("y.npy", npy_i64(&[rows, inner], &targets));
    let gradient = |logits: &str, input: Option<Vec<u8>>, args: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", logits, "--grad", "g.npy", "-q"]).args(args);
        if let Some(input) = input {
            command.write_stdin(input);
        }
        command.assert().success();
        parts(&folder.path().join("g.npy")).1
    };
    let bytes = fs::read(folder.path().join("x.npy")).unwrap();
    let labels = ["--labels", "y.npy", "--criterion", "cross-entropy"];
    let whole = gradient("x.npy", None, &labels);
    assert_eq!(gradient("-", Some(bytes), &labels), whole);
    assert_eq!(gradient("x.npy", None, &[&labels[..], &["--threads", "1"]].concat()), whole);
    // The same rows with the classes last.
    let last: Vec<f64> = (0..values.len())
        .map(|at| {
            let (row, lane, class) = (at / (classes * inner), at / classes % inner, at % classes);
            values[(row * classes + class) * inner + lane]
        })
        .collect();
    folder.file("last.npy", npy_f32(&[rows, inner, classes], &last));
    let found = gradient("last.npy", None, &[&labels[..], &["--class-axis", "-1"]].concat());
    let single = |bytes: &[u8], at: usize| f32::from_le_bytes(bytes[4 * at..][..4].try_into().unwrap());
    for at in 0..values.len() {
        let (row, lane, class) = (at / (classes * inner), at / classes % inner, at % classes);
        let there = (row * classes + class) * inner + lane;
        assert_eq!(single(&found, at), single(&whole, there), "{at}");
        let scores: Vec<f64> =
            (0..classes).map(|class| values[(row * classes + class) * inner + lane]).collect();
        let sum: f64 = scores.iter().map(|x| x.exp()).sum();
        let hit = f64::from(u8::from(targets[row * inner + lane] == class as i64));
        let expected = (scores[class].exp() / sum - hit) / (rows * inner) as f64;
        // Rounded to single precision once.
        assert!((f64::from(single(&whole, there)) - expected).abs() <= 6e-8 * expected.abs() + 1e-18);
    }
    // CTC, time first and items first, from a file and a pipe.
    let (frames, items) = (30, 5);
    let values: Vec<f64> = (0..frames * items * classes).map(|_| f64::from(random.score() as f32)).collect();
    let turned: Vec<f64> = (0..values.len())
        .map(|at| {
            let (item, frame, class) = (at / (frames * classes), at / classes % frames, at % classes);
            values[(frame * items + item) * classes + class]
        })
        .collect();
    folder.file("tnc.npy", npy_f32(&[frames, items, classes], &values));
    folder.file("ntc.npy", npy_f32(&[items, frames, classes], &turned));
    folder.file("y.txt", "1 2 2\n\n3 1 4 5 6 6\n2\n5 5 5\n");
    let args = ["--labels", "y.txt", "--lengths", "30,12,25,3,30", "--layout"];
    let time_first = gradient("tnc.npy", None, &[&args[..], &["tnc"]].concat());
    let items_first = gradient("ntc.npy", None, &[&args[..], &["ntc"]].concat());
    for at in 0..values.len() {
        let (item, frame, class) = (at / (frames * classes), at / classes % frames, at % classes);
        let there = (frame * items + item) * classes + class;
        assert_eq!(single(&items_first, at), single(&time_first, there), "{at}");
    }
    let bytes = fs::read(folder.path().join("tnc.npy")).unwrap();
    assert_eq!(gradient("-", Some(bytes), &[&args[..], &["tnc"]].concat()), time_first);
    // A check alone, of some items, agrees with that beside a file.
    let check = |args: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "tnc.npy", "--check-grad"]).args(args);
        json(&mut command)["summary"]["gradient"]["check"].clone()
    };
    let args = [&args[..], &["tnc"]].concat();
    assert_eq!(check(&args), check(&[&args[..], &["--grad", "g.npy"]].concat()));
}

/// The step of a probability next to 0 is not to be seen in a loss, whose rounding is no error of the gradient.
#[test]
fn a_difference_that_is_nothing_but_rounding_is_not_compared() {
    let folder = Folder::new();
    folder.file("y.txt", "1\n");
    let check = |probs: &str, kind: &str| {
        folder.file("x.csv", probs);
        let mut command = ctctool();
        let args =
            ["loss", "x.csv", "--labels", "y.txt", "--criterion", "ctc", "--check-grad", "--input", kind];
        json(command.current_dir(folder.path()).args(args))["summary"]["gradient"]["check"].clone()
    };
    let all = check("0.4,0.6\n0.3,0.7\n", "probs");
    assert_eq!(all["sampled"].as_u64(), Some(3));
    let few = check("0.999999999999,1e-12\n0.3,0.7\n", "probs");
    assert_eq!(few["sampled"].as_u64(), Some(2), "{few}");
    // An entry of which nothing can be told is no measure of what rounding may do to another.
    let tiny = check("1e-150,1e-70\n1,1e-20\n1,1\n", "probs");
    for found in [all, few, tiny, check("-0.5,-90\n-1,-2\n", "log-probs")] {
        assert!(found["worst_relative_error"].as_f64().unwrap() < 1e-7, "{found}");
    }
}

/// As in PyTorch, also of classes that the labels do not need.
#[test]
fn without_an_alignment_all_of_a_gradient_is_nan() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3], &[-1.0, -2.0, -0.7, -0.4, -3.0, -1.2]));
    folder.file("y.txt", "1 1\n");
    for kind in ["logits", "log-probs"] {
        let mut command = ctctool();
        let args =
            ["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc", "--input", kind, "--grad", "g.npy"];
        command.current_dir(folder.path()).args(args).assert().code(0);
        let bytes = fs::read(folder.path().join("g.npy")).unwrap();
        let values = bytes[bytes.len() - 48..].as_chunks::<8>().0;
        assert!(values.iter().all(|value| f64::from_le_bytes(*value).is_nan()), "{kind}");
    }
}

/// What the library has of a slice is what the program writes of a file.
#[test]
fn the_gradient_of_a_slice_is_that_of_its_file() {
    use ctctool::logits::InputKind;
    use ctctool::loss::ctc::{CtcError, CtcLabels, ctc_loss};
    use ctctool::loss::gradient::ctc_gradient;

    let folder = Folder::new();
    let mut random = SplitMix(11);
    for (frames, classes, labels) in
        [(0, 3, &[][..]), (1, 3, &[2]), (7, 4, &[1, 1, 3]), (40, 9, &[5, 2, 2, 8, 1]), (3, 5, &[1, 1, 2])]
    {
        let values: Vec<f64> = (0..frames * classes).map(|_| random.score()).collect();
        let checked = CtcLabels::new(labels, classes, 0).unwrap();
        for (kind, word) in [(InputKind::Logits, "logits"), (InputKind::LogProbs, "log-probs")] {
            let mut found = vec![7.0; values.len()];
            let loss = ctc_gradient(&values, kind, &checked, &mut found).unwrap();
            let expected = ctc_loss(&values, kind, &checked).unwrap();
            assert!(loss == expected || (loss - expected).abs() < 1e-12, "{loss} for {expected}");
            folder.file("x.npy", npy_f64(&[frames, classes], &values));
            let text: Vec<String> = labels.iter().map(u32::to_string).collect();
            folder.file("y.txt", text.join(" ") + "\n");
            let mut command = ctctool();
            let args =
                ["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc", "--reduction", "sum", "--input"];
            command.current_dir(folder.path()).args(args).args([word, "--grad", "g.npy"]).assert().code(0);
            let bytes = fs::read(folder.path().join("g.npy")).unwrap();
            let written = bytes[bytes.len() - 8 * values.len()..].as_chunks::<8>().0;
            let bits: Vec<u64> = found.iter().map(|x| x.to_bits()).collect();
            let same = written.iter().zip(&bits).all(|(bytes, &bits)| {
                let (written, found) = (f64::from_le_bytes(*bytes), f64::from_bits(bits));
                written.is_nan() && found.is_nan() || written.to_bits() == bits
            });
            assert!(same, "{frames}, {word}: {found:?}");
        }
        let ragged = ctc_gradient(
            &[0.0; 7][..],
            InputKind::Logits,
            &CtcLabels::new(&[1], 3, 0).unwrap(),
            &mut [0.0; 7],
        );
        assert_eq!(ragged, Err(CtcError::RaggedFrames { values: 7, classes: 3 }));
    }
}

/// A batch for other classes than its matrix would be a wrong number.
#[test]
fn labels_of_other_classes_are_refused() {
    use ctctool::input::ClassTargets;
    use ctctool::logits::{Geometry, InputKind, Items, Nonfinite};
    use ctctool::loss::EmissionsBatch;
    use ctctool::loss::cross_entropy::CrossEntropy;
    use ctctool::loss::cross_entropy_batch::CrossEntropyBatch;
    use ctctool::loss::ctc::CtcLabels;
    use ctctool::loss::ctc_batch::CtcBatch;
    use ctctool::loss::gradient::CrossEntropyGradient;

    let geometry = Geometry::new(&[4, 5], false, 1, &[0]).unwrap();
    let rows = || Items::new(geometry.clone(), 4, vec![4]).unwrap();
    let refuses = |make: &dyn Fn(usize)| {
        let make = std::panic::AssertUnwindSafe(make);
        (std::panic::catch_unwind(|| make(5)).is_ok(), std::panic::catch_unwind(|| make(9)).is_err())
    };
    let labels = |classes| vec![CtcLabels::new(&[1, 2], classes, 0).unwrap()];
    let kind = InputKind::Logits;
    assert_eq!(
        refuses(&|classes| drop(CtcBatch::new(kind, Nonfinite::Error, rows(), labels(classes)))),
        (true, true)
    );
    let emissions = |classes| drop(EmissionsBatch::new(kind, Nonfinite::Error, rows(), labels(classes)));
    assert_eq!(refuses(&emissions), (true, true));
    let cross_entropy = |classes, of_targets, rows| {
        let loss = CrossEntropy::new(classes, None, 0.0).unwrap();
        let targets = ClassTargets::new(&vec![0; rows], of_targets, -100).unwrap();
        drop(CrossEntropyBatch::new(&loss, kind, Nonfinite::Error, geometry.clone(), &targets, false));
    };
    assert_eq!(refuses(&|classes| cross_entropy(classes, 5, 4)), (true, true));
    assert_eq!(refuses(&|classes| cross_entropy(5, classes, 4)), (true, true));
    assert_eq!(refuses(&|rows| cross_entropy(5, 5, rows - 1)), (true, true));
    let gradient = |classes| {
        let targets = ClassTargets::new(&[0], classes, -100).unwrap();
        let loss = CrossEntropy::new(5, None, 0.0).unwrap();
        let _ = CrossEntropyGradient::new(kind, &loss, &targets, 1.0);
    };
    assert_eq!(refuses(&gradient), (true, true));
}

/// Rows come in the order of the file, and are compared in that of the items.
#[test]
fn a_check_compares_the_same_entries_in_any_order_of_the_file() {
    let folder = Folder::new();
    let mut random = SplitMix(11);
    let values: Vec<f64> = (0..24).map(|_| random.score()).collect();
    folder.file("y", "1\n\n1\n1\n");
    let check = || {
        let args = ["loss", "x.npy", "--labels", "y", "--layout", "ntc", "--check-grad"];
        let found = json(ctctool().current_dir(folder.path()).args(args));
        let check = &found["summary"]["gradient"]["check"];
        (check["sampled"].clone(), check["worst_place"].clone())
    };
    folder.file("x.npy", npy_f64(&[4, 3, 2], &values));
    let expected = check();
    let turned: Vec<u8> =
        (0..24).map(|at| values[at % 4 * 6 + at / 4 % 3 * 2 + at / 12]).flat_map(f64::to_le_bytes).collect();
    folder.file("x.npy", npy_bytes("<f8", true, &[4, 3, 2], &turned));
    assert_eq!(check(), expected);
}

/// A name that says another format would be believed.
#[test]
fn a_gradient_is_not_called_what_it_is_not() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[1, 2], &[0.0, 1.0]));
    folder.file("y", "1\n");
    let write = |name: &str| {
        let args = ["loss", "x.npy", "--labels", "y", "--criterion", "ce", "-q", "--grad", name];
        ctctool().current_dir(folder.path()).args(args).assert()
    };
    for end in ["csv", "tsv", "txt", "json", "npz", "NPZ", "pt"] {
        let name = format!("g.{end}");
        let error = format!("error: --grad {name}: gradients are written as .npy\n");
        write(&name).code(2).stderr(predicate::str::starts_with(error));
        assert!(!folder.path().join(&name).exists());
    }
    write("g.npy").success();
    write("g").success();
}
