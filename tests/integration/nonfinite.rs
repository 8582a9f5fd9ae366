//! Where a loss is no number: `--nonfinite propagate` lets through what PyTorch does, and nothing has no mean.

use ctctool::logits::InputKind;
use ctctool::loss::ctc::{CtcLabels, ctc_loss};

use crate::oracle::{ctc_by_recursion, log_softmax};
use crate::random::Random;
use crate::support::{Folder, ctctool, json as run_json, npy_f64, warnings};

/// No alignment is possible after the first frame, and a NaN follows: it is not hidden by the infinite loss, nor
/// taken for 0 with it. PyTorch 2.15 has nan for each of these.
#[test]
fn a_nan_behind_an_impossible_frame_goes_through() {
    let folder = Folder::new();
    folder.file("y", "1\n");
    for last in ["-inf,-inf,-inf", "0,nan,0", "0,inf,0"] {
        for first in ["-inf,-inf,0", "0,0,0"] {
            folder.file("x.csv", format!("{first}\n0,0,0\n{last}\n0,0,0\n"));
            for zero in [&["--zero-infinity"][..], &[]] {
                let mut command = ctctool();
                command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y", "--items"]);
                command.args(["--criterion", "ctc", "--nonfinite", "propagate"]).args(zero);
                let result = run_json(&mut command);
                let found = (&result["items"][0]["status"], &result["summary"]["status"]);
                assert_eq!(found, (&"nan".into(), &"nan".into()), "{first} {last} {zero:?}");
            }
        }
    }
    // Too few frames are no better.
    folder.file("y2", "1 1\n");
    folder.file("x.csv", "0,1\nnan,0\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y2", "--criterion", "ctc"]);
    let result = run_json(command.args(["--nonfinite", "propagate", "--zero-infinity"]));
    assert_eq!(result["summary"]["status"], "nan");
    // Without a NaN the loss is infinite.
    folder.file("x.csv", "-inf,-inf,0\n0,0,0\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y", "--criterion", "ctc"]);
    assert_eq!(run_json(&mut command)["summary"]["status"], "infinite");
}

/// An empty file of labels for a matrix without rows: nothing is summed, and the mean of nothing is no number.
#[test]
fn no_row_has_no_mean() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[0, 4], &[]));
    folder.file("y", "");
    for criterion in [&["--criterion", "cross-entropy"][..], &[]] {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y"]).args(criterion);
        let summary = run_json(&mut command)["summary"].clone();
        assert_eq!(summary["criterion"], "cross-entropy");
        assert_eq!((&summary["items"], &summary["status"]), (&0.into(), &"nan".into()));
        assert_eq!(summary["reductions"]["sum"], 0.0);
        assert!(summary["reductions"]["mean"].is_null());
    }
}

/// `+inf` among log-probabilities or probabilities that the labels need: PyTorch 2.15 has nan for each of these, also
/// for the empty target.
#[test]
fn an_infinite_probability_is_no_loss() {
    let folder = Folder::new();
    for (input, row) in [("log-probs", "-1,inf,-2"), ("log-probs", "inf,-1,-2"), ("probs", "0.2,inf,0.3")] {
        folder.file("x.csv", format!("0.1,0.2,0.3\n{row}\n{row}\n"));
        for labels in ["1\n", "1 2\n", "\n"] {
            let needed = labels != "\n" || row.starts_with("inf");
            folder.file("y", labels);
            let mut command = ctctool();
            command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y", "--criterion", "ctc"]);
            command.args([
                "--input",
                input,
                "--nonfinite",
                "propagate",
                "--max-loss",
                "1000",
                "--format",
                "json",
            ]);
            let output = command.output().unwrap();
            let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let context = format!("{input} {row} {labels:?}: {result}");
            assert_eq!(output.status.code(), Some(i32::from(needed)), "{context}");
            assert_eq!(result["summary"]["status"], if needed { "nan" } else { "ok" }, "{context}");
        }
    }
}

/// A class of infinite probability makes cross-entropy `-inf`, as in PyTorch: below any limit, and yet no loss that
/// passes.
#[test]
fn a_loss_of_minus_infinity_is_not_at_most_anything() {
    let folder = Folder::new();
    folder.file("x.csv", "-1,inf\n-1,-2\n");
    folder.file("y", "1\n0\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y", "--criterion", "ce"]);
    command.args(["--input", "log-probs", "--nonfinite", "propagate", "--max-loss", "1"]);
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("loss -inf fails the limit of 1"), "{stderr}");
}

/// PyTorch's recursion on the processor (`LossCTC.cpp`), which computes all states of all frames but the first.
fn ctc_of_all_states(log_probs: &[f64], classes: usize, labels: &[u32], blank: u32) -> f64 {
    let extended: Vec<u32> =
        std::iter::once(blank).chain(labels.iter().flat_map(|&label| [label, blank])).collect();
    let sum = |terms: &[f64]| {
        let mut most = terms[0];
        for &term in terms {
            if term > most {
                most = term;
            }
        }
        let most = if most == f64::NEG_INFINITY { 0.0 } else { most };
        terms.iter().map(|term| (term - most).exp()).sum::<f64>().ln() + most
    };
    let mut alpha = vec![f64::NEG_INFINITY; extended.len()];
    for (frame, row) in log_probs.chunks(classes).enumerate() {
        let before = alpha.clone();
        for (state, &class) in extended.iter().enumerate() {
            let log_prob = row[class as usize];
            if frame == 0 {
                if state < 2 {
                    alpha[state] = log_prob;
                }
                continue;
            }
            let at = |back: usize| if state >= back { before[state - back] } else { f64::NEG_INFINITY };
            let skips = state > 1 && class != blank && class != extended[state - 2];
            alpha[state] = sum(&[at(0), at(1), if skips { at(2) } else { f64::NEG_INFINITY }]) + log_prob;
        }
    }
    let end = alpha.len() - 1;
    -if end == 0 { alpha[0] } else { sum(&[alpha[end], alpha[end - 1]]) }
}

/// What is no number and lies where no alignment can be does no harm, also where there are too few frames.
#[test]
fn nonfinite_log_probabilities_count_where_pytorchs_do() {
    let mut random = Random::new(41);
    let (mut numbers, mut none, mut few) = (0, 0, 0);
    for _ in 0..20_000 {
        let (frames, classes) = (1 + random.below(6) as usize, 2 + random.below(3) as usize);
        let labels: Vec<u32> = (0..random.below(4)).map(|_| 1 + random.below(classes as u32 - 1)).collect();
        let checked = CtcLabels::new(&labels, classes, 0).unwrap();
        let mut log_probs = random.logits(frames, classes, 1.0, 0.0);
        for _ in 0..=random.below(2) {
            let at = random.below(log_probs.len() as u32) as usize;
            log_probs[at] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][random.below(3) as usize];
        }
        let expected = ctc_of_all_states(&log_probs, classes, &labels, 0);
        let found = ctc_loss(&log_probs, InputKind::LogProbs, &checked).unwrap();
        let same = found.is_nan() && expected.is_nan()
            || found == expected
            || (found - expected).abs() <= 1e-13 * expected.abs().max(1.0);
        assert!(same, "{log_probs:?}, {classes} classes, {labels:?}: {found} for {expected}");
        numbers += usize::from(found.is_finite());
        none += usize::from(found.is_nan());
        few += usize::from(found.is_nan() && frames < checked.frames_needed());
    }
    assert!(numbers > 2000 && none > 2000 && few > 100, "{numbers}, {none} and {few}");
}

/// Frames in which nothing that the labels need has a chance, one or several: the loss is infinite, and no NaN.
#[test]
fn several_impossible_frames_are_an_infinite_loss() {
    let mut random = Random::new(43);
    let mut counts = [0; 2];
    for round in 0..6000 {
        let kind = [InputKind::Logits, InputKind::LogProbs, InputKind::Probs][round % 3];
        let (frames, classes) = (1 + random.below(7) as usize, 3 + random.below(3) as usize);
        // The last class is in no label, and always possible.
        let labels: Vec<u32> = (0..random.below(4)).map(|_| 1 + random.below(classes as u32 - 2)).collect();
        let checked = CtcLabels::new(&labels, classes, 0).unwrap();
        let entries = match kind {
            InputKind::Probs => [0.0, 0.0, 0.5, 1.0, 5e-324],
            _ => [f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0, -1.5, -1e13],
        };
        let mut rows: Vec<Vec<f64>> = Vec::new();
        for _ in 0..frames {
            let mut row: Vec<f64> = (0..classes).map(|_| entries[random.below(5) as usize]).collect();
            row[classes - 1] = entries[2];
            rows.push(row);
        }
        let log_probs: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| match kind {
                InputKind::Logits => log_softmax(row),
                InputKind::LogProbs => row.clone(),
                InputKind::Probs => row.iter().map(|p| p.ln()).collect(),
            })
            .collect();
        let expected = ctc_by_recursion(&log_probs, &labels, 0);
        let found = ctc_loss(&rows.concat(), kind, &checked).unwrap();
        let same = found == expected || (found - expected).abs() <= 1e-12 * expected.abs().max(1.0);
        assert!(same, "{kind:?} {rows:?}, {labels:?}: {found} for {expected}");
        counts[usize::from(found.is_finite())] += 1;
    }
    assert!(counts.iter().all(|&count| count > 1000), "{counts:?}");
}

/// Each is a number, and a loss needs none of the others.
#[test]
fn a_sum_of_probabilities_beyond_doubles_is_one_that_is_not_one() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[1, 2], &[1e308, 1e308]));
    folder.file("y.txt", "0\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt", "--input", "probs"]);
    command.args(["--criterion", "cross-entropy"]);
    let result = run_json(&mut command);
    assert_eq!(result["summary"]["loss_nats"], -1e308_f64.ln());
    assert_eq!(warnings(&result), ["not_normalised"]);
}

/// Of several items that can't be decoded the first, however its frames come.
#[test]
fn the_first_bad_item_is_named_whatever_the_way() {
    let folder = Folder::new();
    let (frames, items, classes) = (3000, 4, 40);
    let mut values: Vec<f64> = (0..frames * items * classes).map(|at| (at % 7) as f64).collect();
    values[(10 * items + 3) * classes] = f64::INFINITY;
    values[((frames - 10) * items + 1) * classes] = f64::NAN;
    folder.file("x.npy", npy_f64(&[frames, items, classes], &values));
    for script in ["decode x.npy", "decode - <x.npy", "decode - < <(cat x.npy)", "decode x.npy --timestamps"]
    {
        let mut command = assert_cmd::Command::new("bash");
        let script = format!("exec \"$0\" {script} --layout tnc");
        command.current_dir(folder.path()).arg("-c").arg(script).arg(ctctool().get_program());
        command.assert().code(2).stderr(predicates::str::contains("item 1, frame 2990"));
    }
}

/// Of two bad frames, the first in the file is named, also where items are computed one by one.
#[test]
fn the_first_bad_frame_of_the_file_is_named() {
    let (frames, items, classes) = (6, 64, 4);
    let mut values: Vec<f64> = (0..frames * items * classes).map(|at| 0.1 * ((at * 7) % 5) as f64).collect();
    values[4 * items * classes] = f64::NAN;
    values[(items + 40) * classes] = f64::NAN;
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[frames, items, classes], &values));
    folder.file("y.txt", "1\n".repeat(items));
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt", "--layout", "tnc"]);
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.starts_with("error: x.npy: item 40, frame 1, class 0: expected a finite number"),
        "{stderr}"
    );
}

/// What is in a row that no loss is of says nothing about the numbers, whatever they are taken for.
#[test]
fn ignored_rows_are_neither_refused_nor_warned_of() {
    let folder = Folder::new();
    folder.file("y", "0\n-100\n1\n".repeat(100));
    let run = |first: &str, ignored: &str, last: &str, input: &str| {
        folder.file("x.csv", format!("{first}\n{ignored}\n{last}\n").repeat(100));
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y", "--criterion", "ce"]);
        run_json(command.args(["--input", input]))
    };
    let row = |of: fn(f64) -> f64| [0.9, 0.1].map(|p| of(p).to_string()).join(",");
    let [probs, log_probs, logits] = [row(|p| p), row(f64::ln), row(|p| p.ln() + 5.0)];
    for (row, ignored, input) in [
        (&log_probs, "nan,nan", "log-probs"),
        (&log_probs, "7,7", "log-probs"),
        (&probs, "nan,-1", "probs"),
        (&probs, "0.9,0.7", "probs"),
        (&logits, "0.9,0.1", "logits"),
        (&logits, "inf,nan", "logits"),
    ] {
        let result = run(row, ignored, row, input);
        assert_eq!(result["summary"]["ignored"], 100);
        let loss = result["summary"]["loss_nats"].as_f64().unwrap();
        let expected = -f64::midpoint(0.9_f64.ln(), 0.1_f64.ln());
        // But for the rounding of a sum of 200.
        assert!((loss - expected).abs() < 1e-13, "{input}: {loss}");
        assert_eq!(warnings(&result), [""; 0], "{input}, {ignored}");
    }
    // Probabilities are told from the rows that are in use.
    for ignored in ["5,-3", "nan,nan", "0.5,0.5"] {
        assert_eq!(
            warnings(&run("0.2,0.8", ignored, "0.7,0.3", "logits")),
            ["looks_like_probs"],
            "{ignored}"
        );
    }
}

/// Whether a NaN meets the labels' states, as in PyTorch, depends on where it is; whether the frames are enough does not.
#[test]
fn too_few_frames_are_told_wherever_a_nan_is() {
    let folder = Folder::new();
    folder.file("y.txt", "1 1\n");
    for (frames, status, nan) in [("nan,0.1\n0.2,0.3\n", "infeasible", 0), ("0.1,0.2\n0.3,nan\n", "nan", 1)] {
        folder.file("x.csv", frames);
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y.txt", "--criterion", "ctc"]);
        let result = run_json(command.args(["--nonfinite", "propagate", "--items"]));
        assert_eq!(result["items"][0]["status"], status);
        assert_eq!((&result["summary"]["infeasible"], &result["summary"]["nan"]), (&1.into(), &nan.into()));
        assert_eq!(warnings(&result), ["infeasible"]);
    }
}

#[test]
fn a_summary_says_why_its_loss_is_no_number() {
    let folder = Folder::new();
    folder.file("x.csv", "0,1\n0,1\n");
    folder.file("y.txt", "1 1 1\n");
    let mut ctc = ctctool();
    ctc.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y.txt", "--criterion", "ctc"]);
    let found = run_json(&mut ctc);
    assert_eq!(
        (&found["summary"]["status"], &found["summary"]["infeasible"]),
        (&"infeasible".into(), &1.into())
    );
    // Without a reduction it is the worst of all items.
    folder.file("x.npy", npy_f64(&[2, 2], &[0.0, 1.0, f64::NAN, 1.0]));
    for (labels, criterion) in [("1\n1\n", "ce"), ("1\n", "ctc")] {
        folder.file("y.txt", labels);
        let mut rows = ctctool();
        rows.current_dir(folder.path()).args([
            "loss",
            "x.npy",
            "--labels",
            "y.txt",
            "--criterion",
            criterion,
        ]);
        let found = run_json(rows.args(["--reduction", "none", "--nonfinite", "propagate"]));
        assert_eq!(found["summary"]["status"], "nan", "{found}");
    }
}

/// A result that is no number says how many losses are none, and `--items` which.
#[test]
fn losses_that_are_nan_are_counted() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2\n1,nan\n2,3\n4,inf\n-inf,-inf\n");
    folder.file("y.txt", "0\n1\n0\n1\n-100\n");
    folder.file("items.npy", npy_f64(&[2, 2, 2], &[0.0, 1.0, 1.0, 0.0, f64::NAN, 1.0, 1.0, 0.0]));
    folder.file("labels.txt", "1\n1\n");
    for (args, count, which, told) in [
        (&["x.csv", "--labels", "y.txt", "--criterion", "ce"][..], 2, &[1, 3][..], "rows with a loss of nan"),
        (&["items.npy", "--labels", "labels.txt", "--layout", "ntc"], 1, &[1], "items with a loss of nan"),
    ] {
        let loss = || {
            let mut command = ctctool();
            command.current_dir(folder.path()).arg("loss").args(args).args(["--nonfinite", "propagate"]);
            command
        };
        let result = run_json(loss().arg("--items"));
        assert_eq!(result["summary"]["nan"], count);
        let items = result["items"].as_array().unwrap();
        let of_nan =
            items.iter().filter(|item| item["status"] == "nan").map(|item| item["index"].as_u64().unwrap());
        assert!(of_nan.eq(which.iter().copied()), "{result}");
        let table = String::from_utf8(loss().output().unwrap().stdout).unwrap();
        assert!(table.contains(told), "{table}");
    }
}
