//! `ctctool inspect` by its contract.

use predicates::prelude::*;
use serde_json::{Value, json};

use crate::random::Random;
use crate::support::{
    Folder, close, ctctool, json as run_json, npy_bytes, npy_f32, npy_f64, npy_i64, number, repository,
};

pub(crate) fn inspect(folder: &Folder, args: &[&str]) -> Value {
    let mut command = ctctool();
    run_json(command.current_dir(folder.path()).arg("inspect").args(args))
}

pub(crate) fn codes(result: &Value) -> Vec<&str> {
    result["summary"]["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect()
}

fn flags(result: &Value) -> Vec<&str> {
    result["summary"]["findings"].as_array().unwrap().iter().filter_map(|f| f["flag"].as_str()).collect()
}

#[test]
fn the_file_and_its_numbers_are_described() {
    let folder = Folder::new();
    let values = [1.0, f64::NAN, -3.0, f64::INFINITY, f64::NEG_INFINITY, 0.5, 2.0, 2.0];
    let body: Vec<u8> = values.iter().flat_map(|&x| (x as f32).to_be_bytes()).collect();
    folder.file("x.npy", npy_bytes(">f4", true, &[4, 2], &body));
    let result = inspect(&folder, &["x.npy"]);
    let summary = &result["summary"];
    let expected = json!({"format": "npy", "npy_version": 1, "dtype": "float32", "byte_order": "big",
        "order": "Fortran", "shape": [4, 2], "classes": 2, "rows": 4, "min": -3.0, "max": 2.0, "nan": 1,
        "positive_infinite": 1, "negative_infinite": 1, "first_bad_place": "frame 1, class 0"});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&summary[key], value, "{key}");
    }
    assert_eq!(codes(&result)[0], "nonfinite");
    folder.file("x.csv", "1;2;3;\n4;5;6;\n");
    let result = inspect(&folder, &["x.csv"]);
    assert_eq!(
        (&result["summary"]["format"], &result["summary"]["byte_order"]),
        (&json!("csv"), &Value::Null)
    );
}

#[test]
fn entropies_and_winners_are_those_of_the_distributions() {
    let folder = Folder::new();
    folder.file("flat.npy", npy_f64(&[3, 4], &[7.0; 12]));
    let flat = inspect(&folder, &["flat.npy"])["summary"].clone();
    for key in ["entropy_mean_nats", "entropy_min_nats", "entropy_max_nats"] {
        assert!((number(&flat[key]) - 4_f64.ln()).abs() < 1e-14, "{key}");
    }
    folder.file("p.csv", "0,1\n0.5,0.5\n0,1\n");
    let probs = inspect(&folder, &["p.csv"]);
    let summary = &probs["summary"];
    assert_eq!((&summary["looks_like"], &summary["rows_like_probs_ratio"]), (&json!("probs"), &json!(1.0)));
    assert!((number(&summary["entropy_mean_nats"]) - 2_f64.ln() / 3.0).abs() < 1e-14);
    assert_eq!(summary["entropy_min_nats"], 0.0);
    assert_eq!(
        (&summary["winners"][0], &summary["runs"]),
        (&json!({"class": 1, "ratio": 2.0 / 3.0}), &json!(3))
    );
    assert_eq!(flags(&probs), ["--input probs", "--blank last"]);
    let half = (0.5_f64).ln();
    folder.file("lp.npy", npy_f64(&[2, 2], &[half; 4]));
    assert_eq!(inspect(&folder, &["lp.npy"])["summary"]["looks_like"], "log-probs");
}

#[test]
fn what_is_not_finite_has_its_first_place() {
    let folder = Folder::new();
    let mut values = [0.0; 24];
    values[5] = f64::NAN;
    values[9] = f64::INFINITY;
    values[12..16].fill(f64::NEG_INFINITY);
    folder.file("x.npy", npy_f64(&[2, 3, 4], &values));
    let result = inspect(&folder, &["x.npy", "--layout", "ntc"]);
    let expected = json!({"values": 24, "first_nan_place": "item 0, frame 1, class 1",
        "first_positive_infinite_place": "item 0, frame 2, class 1",
        "first_negative_infinite_place": "item 1, frame 0, class 0", "impossible_rows": 1});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&result["summary"][key], value, "{key}");
    }
    assert_eq!(codes(&result), ["nonfinite", "impossible_row"]);
}

/// By item, frame and class, whatever comes first in the file.
#[test]
fn the_first_is_the_same_in_every_layout() {
    let folder = Folder::new();
    let bad = |item, frame| match (item, frame) {
        (0, 3) | (1, 0) => f64::NAN,
        (0, 5) => f64::INFINITY,
        _ => 0.0,
    };
    let places = |file: &str, layout: &str| {
        let result = inspect(&folder, &[file, "--layout", layout]);
        let summary = &result["summary"];
        ["first_nan_place", "first_positive_infinite_place", "first_bad_place"]
            .map(|key| summary[key].clone())
    };
    let by_item: Vec<f64> = (0..12).flat_map(|at| [bad(at / 6, at % 6); 2]).collect();
    let by_frame: Vec<f64> = (0..12).flat_map(|at| [bad(at % 2, at / 2); 2]).collect();
    folder.file("ntc.npy", npy_f64(&[2, 6, 2], &by_item));
    folder.file("tnc.npy", npy_f64(&[6, 2, 2], &by_frame));
    // The first axis varies fastest.
    let turned: Vec<u8> = (0..24).map(|at| bad(at % 2, at / 2 % 6)).flat_map(f64::to_le_bytes).collect();
    folder.file("fortran.npy", npy_bytes("<f8", true, &[2, 6, 2], &turned));
    let [nan, infinite] = [3, 5].map(|frame| json!(format!("item 0, frame {frame}, class 0")));
    for (file, layout) in [("ntc.npy", "ntc"), ("tnc.npy", "tnc"), ("fortran.npy", "ntc")] {
        assert_eq!(places(file, layout), [nan.clone(), infinite.clone(), nan.clone()], "{file}");
    }
}

/// Runs are of frames: rows of other axes have no order that is not the file's.
#[test]
fn rows_that_are_no_frames_have_no_runs() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 2, 2], &[0.0; 24]));
    folder.file("y.npy", npy_i64(&[2, 2, 2], &[0; 8]));
    let result = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
    assert_eq!((&result["summary"]["runs"], &result["summary"]["rows"]), (&json!(null), &json!(8)));
}

/// A class that wins is the blank only where nothing else wins that often.
#[test]
fn a_frequent_class_is_taken_for_the_blank() {
    let folder = Folder::new();
    let winners = |winners: &[usize]| {
        let row = |&winner: &usize| (0..10).map(move |class| if class == winner { 5.0 } else { 0.0 });
        let values: Vec<f64> = winners.iter().flat_map(row).collect();
        folder.file("x.npy", npy_f64(&[1, winners.len(), 10], &values));
        folder.file("abc.txt", "_\na\nb\nc\nd\ne\nf\ng\nh\n \n");
        inspect(&folder, &["x.npy", "--alphabet", "abc.txt"])
    };
    let often = winners(&[9, 9, 3, 9, 0]);
    assert_eq!(flags(&often).last(), Some(&"--blank last"));
    let first = &often["summary"]["winners"][0];
    assert_eq!((&first["class"], &first["token"]), (&json!(9), &json!(" ")));
    let seldom = winners(&[9, 9, 1, 2, 3, 4, 5, 6, 7, 0]);
    assert!(!codes(&seldom).contains(&"blank"));
    // Every class that wins is listed.
    assert_eq!(seldom["summary"]["winners"].as_array().unwrap().len(), 9);
    // Without the blank something is wrong, but one in five frames does not tell what.
    let never = winners(&[9, 9, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(codes(&never).contains(&"blank") && !flags(&never).contains(&"--blank last"), "{never}");
}

#[test]
fn labels_of_a_classifier_are_counted() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[5, 3], &[0.0; 15]));
    let of = |labels: &str| {
        folder.file("y.txt", labels);
        inspect(&folder, &["x.npy", "--labels", "y.txt"])
    };
    let fit = of("0\n1\n1\n-100\n0\n");
    assert_eq!(flags(&fit), ["--criterion cross-entropy"]);
    let summary = &fit["summary"];
    assert_eq!((&summary["label_classes"], &summary["labels_out_of_range"]), (&json!(2), &json!(0)));
    assert_eq!(fit["params"]["layout"], Value::Null);
    let from_one = of("1\n2\n3\n1\n3\n");
    assert_eq!(from_one["summary"]["labels_out_of_range"], 2);
    assert_eq!(flags(&from_one)[1], "classes count from 0: subtract 1 if yours count from 1");
    assert_eq!(flags(&of("1\n-1\n0\n1\n2\n"))[1], "if -1 marks rows to leave out, give --ignore-index -1");
    // Neither a class a row nor an item.
    let misfit = of("1\n2\n");
    assert_eq!(codes(&misfit), ["label_count"]);
}

#[test]
fn runs_are_counted_within_items_in_every_layout() {
    let folder = Folder::new();
    // Item 0 is won by class 1 throughout, item 1 by 0, 0, then 2.
    let wins = [[1, 1, 1], [0, 0, 2]];
    let score = |item: usize, frame: usize, class: usize| if wins[item][frame] == class { 1.0 } else { 0.0 };
    let mut tnc = Vec::new();
    let mut ntc = Vec::new();
    for i in 0..2 * 3 * 3 {
        let (slow, fast, class) = (i / 3, i / 3, i % 3);
        tnc.push(score(slow % 2, fast / 2, class));
        ntc.push(score(slow / 3, fast % 3, class));
    }
    folder.file("tnc.npy", npy_f32(&[3, 2, 3], &tnc));
    folder.file("ntc.npy", npy_f32(&[2, 3, 3], &ntc));
    for layout in ["tnc", "ntc"] {
        let result = inspect(&folder, &[&format!("{layout}.npy"), "--layout", layout]);
        assert_eq!(result["summary"]["runs"], 3, "{layout}");
    }
}

/// A batch whose axes are item, time and class, as time, item and class.
fn time_first(ntc: &[f64], items: usize, frames: usize, classes: usize) -> Vec<f64> {
    let mut tnc = ntc.to_vec();
    for (row, values) in ntc.chunks(classes).enumerate() {
        tnc[(row % frames * items + row / frames) * classes..][..classes].copy_from_slice(values);
    }
    tnc
}

/// What the best path reads is held against the labels, in three megabytes, which are read in several blocks.
#[test]
fn labels_are_held_against_the_best_path() {
    let (items, frames, classes) = (3, 520, 250);
    let mut random = Random::new(8);
    let mut ntc = vec![0.0; items * frames * classes];
    let mut labels: Vec<Vec<u32>> = vec![Vec::new(); items];
    for (item, labels) in labels.iter_mut().enumerate() {
        let (mut frame, mut before) = (0, 0);
        while frame < frames {
            // Blanks, repeats with a blank between them and without one.
            let winner = if random.below(3) == 0 { 0 } else { 1 + random.below(classes as u32 - 2) };
            let end = frames.min(frame + 1 + random.below(4) as usize);
            for frame in frame..end {
                ntc[(item * frames + frame) * classes + winner as usize] = 3.0;
            }
            if winner != 0 && winner != before {
                labels.push(winner);
            }
            (frame, before) = (end, winner);
        }
    }
    let tnc = time_first(&ntc, items, frames, classes);
    let folder = Folder::new();
    folder.file("ntc.npy", npy_f32(&[items, frames, classes], &ntc));
    folder.file("tnc.npy", npy_f32(&[frames, items, classes], &tnc));
    let lines = |labels: &[Vec<u32>], added: u32| {
        let line =
            |labels: &Vec<u32>| labels.iter().map(|label| format!("{} ", label + added)).collect::<String>();
        labels.iter().map(|labels| line(labels).trim_end().to_owned() + "\n").collect::<String>()
    };
    let mut other_items = labels.clone();
    other_items.rotate_left(1);
    let wrong = {
        let mut labels = labels.clone();
        labels[0].truncate(100);
        labels
    };
    let removed = (labels[0].len() - 100) as f64 / wrong.iter().map(Vec::len).sum::<usize>() as f64;
    for layout in ["tnc", "ntc"] {
        for (text, ratio, told) in [
            (lines(&labels, 0), Some(0.0), None),
            (lines(&wrong, 0), Some(removed), None),
            (lines(&labels, 1), None, Some("adding -1 to each label leaves 0.00: do the labels start")),
            (lines(&other_items, 0), None, Some("do the labels belong to these items, in this order")),
        ] {
            folder.file("y.txt", text);
            let file = format!("{layout}.npy");
            let result = inspect(&folder, &[&file, "--layout", layout, "--labels", "y.txt"]);
            let found = &result["summary"]["label_error_ratio"];
            match ratio {
                Some(ratio) => assert!(close(found, ratio, 1e-12, 0.0), "{found} for {ratio}"),
                None => assert!(number(found) > 0.8, "{found}"),
            }
            let mut findings = result["summary"]["findings"].as_array().unwrap().iter();
            let message = findings.find(|finding| finding["code"] == "other_labels");
            let message = message.map(|finding| finding["message"].as_str().unwrap());
            assert_eq!(message.is_some(), told.is_some(), "{message:?}");
            assert!(message.unwrap_or_default().contains(told.unwrap_or_default()), "{message:?}");
        }
    }
    // Without labels, or with those of a classifier, there is none.
    let result = inspect(&folder, &["ntc.npy", "--layout", "ntc"]);
    assert_eq!(result["summary"]["label_error_ratio"], Value::Null);
}

/// Three megabytes, which are read in several blocks.
#[test]
fn padding_is_found_in_every_layout() {
    let (items, frames, classes) = (3, 520, 250);
    let mut random = Random::new(6);
    let mut ntc: Vec<f64> = (0..items * frames * classes).map(|_| random.normal()).collect();
    // The last 301 frames of item 1 are equal, the last two of item 2.
    for (item, first) in [(1, 219), (2, 518)] {
        let rows = |frame: usize| (item * frames + frame) * classes;
        for frame in first..frames {
            ntc.copy_within(rows(first)..rows(first + 1), rows(frame));
        }
    }
    let tnc = time_first(&ntc, items, frames, classes);
    let folder = Folder::new();
    folder.file("ntc.npy", npy_f32(&[items, frames, classes], &ntc));
    folder.file("tnc.npy", npy_f32(&[frames, items, classes], &tnc));
    let found = |layout: &str, more: &[&str]| {
        let file = format!("{layout}.npy");
        let result = inspect(&folder, &[&[file.as_str(), "--layout", layout], more].concat());
        let findings = result["summary"]["findings"].as_array().unwrap().clone();
        findings.into_iter().filter(|finding| finding["code"] == "padding").collect::<Vec<_>>()
    };
    for layout in ["tnc", "ntc"] {
        let expected = json!({
            "code": "padding",
            "message": format!("{layout}.npy#1: its last 301 of 520 frames are identical"),
            "flag": "--lengths FILE",
        });
        assert_eq!(found(layout, &[]), [expected]);
        assert!(found(layout, &["--lengths", "520,520,520"]).is_empty());
    }
}

#[test]
fn entropies_of_many_rows_are_their_definition() {
    let folder = Folder::new();
    let mut random = Random::new(5);
    for classes in [2, 17, 300] {
        let rows = 200_000 / classes;
        let values: Vec<f64> = (0..rows * classes).map(|_| 6.0 * random.normal()).collect();
        folder.file("x.npy", npy_f64(&[rows, classes], &values));
        let summary = inspect(&folder, &["x.npy"])["summary"].clone();
        let entropies: Vec<f64> = values
            .chunks_exact(classes)
            .map(|row| {
                let total: f64 = row.iter().map(|x| x.exp()).sum();
                row.iter().map(|x| -(x.exp() / total) * (x - total.ln())).sum()
            })
            .collect();
        let least = entropies.iter().copied().fold(f64::INFINITY, f64::min);
        let mean = entropies.iter().sum::<f64>() / rows as f64;
        // The definition here rounds each logarithm at 1e-16 of some 30.
        assert!((number(&summary["entropy_mean_nats"]) - mean).abs() < 1e-12, "{classes}");
        assert!((number(&summary["entropy_min_nats"]) - least).abs() < 1e-12, "{classes}");
    }
}

#[test]
fn labels_are_held_against_the_frames() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f32(&[4, 3, 5], &[0.0; 60]));
    folder.file("y.npy", npy_i64(&[3, 4], &[1, 1, 2, 2, 3, 0, -1, -1, 4, 9, 1, 1]));
    let result = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
    assert_eq!(codes(&result)[..4], ["layout", "infeasible", "out_of_range", "blank_label"]);
    assert_eq!(flags(&result)[0], "--layout tnc");
    let items = result["items"].as_array().unwrap();
    assert_eq!((&items[0]["frames_needed"], &items[0]["ln_alignments"]), (&json!(6), &Value::Null));
    assert_eq!((&items[1]["blanks"], &items[1]["out_of_range"]), (&json!(1), &json!(2)));
    let result = inspect(&folder, &["x.npy", "--labels", "y.npy", "--label-lengths", "2,1,1"]);
    // 4 frames: "a a" has one alignment with one frame over: 5 ways; "a" has 10.
    let counts: Vec<f64> =
        result["items"].as_array().unwrap().iter().map(|i| number(&i["ln_alignments"]).exp()).collect();
    assert!(counts.iter().zip([5.0, 10.0, 10.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{counts:?}");
    assert_eq!(result["summary"]["label_classes"], 3);
}

#[test]
fn a_layout_that_can_not_be_told_is_a_finding() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f32(&[3, 3, 5], &[0.0; 45]));
    folder.file("y.txt", "1\n2\n3\n");
    let result = inspect(&folder, &["x.npy", "--labels", "y.txt"]);
    assert_eq!((&result["params"]["layout"], codes(&result)[0]), (&Value::Null, "layout"));
    folder.file("z.npy", npy_f32(&[2, 3, 2, 2], &[0.0; 24]));
    assert_eq!(inspect(&folder, &["z.npy"])["summary"]["classes"], 3);
}

/// Findings about labels name the first such label and say what `loss` says.
#[test]
fn what_is_wrong_with_labels_is_said_as_loss_says_it() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f32(&[4, 30, 5], &[0.0; 600]));
    let finding = |labels: &str, code: &str| {
        let result = inspect(&folder, &["x.npy", "--labels", labels]);
        let findings = result["summary"]["findings"].as_array().unwrap();
        let found = findings.iter().find(|f| f["code"] == code).unwrap().clone();
        (found["message"].as_str().unwrap().to_owned(), found["flag"].as_str().unwrap().to_owned())
    };
    folder.file("y.txt", "1 2\n2 3\n1\n0\n");
    folder.file("from_1.txt", "1 2\n2 3  5\n1\n4\n");
    folder.file("minus.txt", "1\n2 -1\n1\n1\n");
    folder.file("y.npy", npy_i64(&[4, 2], &[1, 2, 3, -1, 1, 0, 2, 1]));
    let [no_class, blank] = ["out_of_range", "blank_label"];
    for (labels, code, end, flag) in [
        (
            "from_1.txt",
            no_class,
            "x.npy#1: 5 at item 1, line 2, column 6 of from_1.txt",
            "classes count from 0: subtract 1 if yours count from 1",
        ),
        (
            "y.txt",
            blank,
            "x.npy#3: 0 at item 3, line 4, column 1 of y.txt",
            "give --blank if another class is the blank, or add 1 to each label if they are numbered without it",
        ),
        (
            "minus.txt",
            no_class,
            "x.npy#1: -1 at item 1, line 2, column 3 of minus.txt",
            "text labels are not padded: a line holds an item's labels and nothing else",
        ),
        (
            "y.npy",
            no_class,
            "x.npy#1: -1 at item 1, position 1 of y.npy",
            "if this is padding, give --label-lengths: they are (labels != -1).sum(axis=1)",
        ),
    ] {
        let (message, found) = finding(labels, code);
        assert!(message.ends_with(end), "{message}");
        assert_eq!(found, flag);
        let mut command = ctctool();
        let output = command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", labels]).output();
        if code == no_class {
            let stderr = String::from_utf8(output.unwrap().stderr).unwrap();
            assert!(stderr.ends_with(&format!("hint: {flag}\n")), "{stderr}");
        }
    }
}

#[test]
fn label_lengths_of_text_are_refused_as_loss_refuses_them() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n0,0,0\n");
    folder.file("y.txt", "1\n");
    folder.file("abc.txt", "\na\nb\n");
    folder.file("a.txt", "a\n");
    for command in ["inspect", "loss"] {
        for labels in [&["--labels", "y.txt"][..], &["--labels", "a.txt", "--alphabet", "abc.txt"]] {
            let mut program = ctctool();
            program.current_dir(folder.path()).args([command, "x.csv", "--label-lengths", "1"]).args(labels);
            let refusal = "error: --label-lengths is for .npy labels; in text, each line is an item\n";
            program.assert().code(2).stderr(refusal);
        }
    }
}

/// Classes of (N, C, d), or (N, T, C) with labels of length d: nothing in the data tells.
#[test]
fn labels_that_fit_both_losses_are_a_finding() {
    let folder = Folder::new();
    // (items, classes, places), or (items, frames, classes).
    folder.file("x.npy", npy_f32(&[2, 6, 4], &[0.0; 48]));
    folder.file("y.npy", npy_i64(&[2, 4], &[1, 2, 0, 1, 2, 2, 1, 0]));
    let result = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
    assert_eq!((codes(&result)[0], &result["summary"]["classes"]), ("criterion", &json!(4)));
    // Labels that are left out, or too many for the frames, are a classifier's.
    folder.file("y.npy", npy_i64(&[2, 4], &[1, 2, 0, -100, 2, 2, 1, -100]));
    let left_out = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
    folder.file("x3.npy", npy_f32(&[2, 3, 4], &[0.0; 24]));
    folder.file("y3.npy", npy_i64(&[2, 4], &[1, 2, 0, 1, 2, 2, 1, 0]));
    for (result, classes) in [(left_out, 6), (inspect(&folder, &["x3.npy", "--labels", "y3.npy"]), 3)] {
        assert_eq!(flags(&result), ["--criterion cross-entropy"], "{result}");
        assert_eq!(result["summary"]["classes"], classes);
    }
    let result = inspect(&folder, &["x.npy", "--labels", "y.npy", "--lengths", "3,3"]);
    assert!(!codes(&result).contains(&"criterion"), "{result}");
}

#[test]
fn real_files_are_diagnosed() {
    let mut command = ctctool();
    command.current_dir(repository("fixtures")).args(["inspect", "ppocr.npy"]);
    command.assert().success().stdout(predicate::str::contains("--input probs"));
    let mut command = ctctool();
    command.current_dir(repository("fixtures")).args(["inspect", "lines.npy", "--labels", "lines.txt"]);
    command.args(["--alphabet", "alphabet.txt", "--blank", "last", "--lengths", "lines.lengths.txt"]);
    command
        .assert()
        .success()
        .stdout(predicate::str::contains("--blank 0").and(predicate::str::contains("layout is ntc")));
}

#[test]
fn an_alphabet_from_a_pipe_is_read_once() {
    let inspect = |alphabet| {
        let mut command = ctctool();
        command.current_dir(repository("fixtures"));
        command.args(["inspect", "line.csv", "--labels", "line.txt", "--alphabet", alphabet]);
        run_json(command.write_stdin(std::fs::read(repository("fixtures/alphabet.txt")).unwrap()))
    };
    assert_eq!(inspect("-")["items"], inspect("alphabet.txt")["items"]);
}

/// What lies further below the largest than doubles reach takes nothing away.
/// A batch is as long as its longest item, so shorter lengths are rather in another unit.
#[test]
fn frames_that_no_item_uses_are_found() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 9, 3], &(0..54).map(|at| f64::from(at % 7)).collect::<Vec<_>>()));
    for (lengths, told) in [("9,4", false), ("4,8", true), ("0,0", true)] {
        let result = inspect(&folder, &["x.npy", "--layout", "ntc", "--lengths", lengths]);
        let findings = result["summary"]["findings"].to_string();
        assert_eq!(findings.contains("unused_frames"), told, "{lengths}: {findings}");
    }
    let findings = inspect(&folder, &["x.npy", "--layout", "ntc"])["summary"]["findings"].to_string();
    assert!(!findings.contains("unused_frames"), "{findings}");
}

#[test]
fn scores_as_far_apart_as_doubles_are_have_an_entropy() {
    let folder = Folder::new();
    folder.file("x.csv", "9e307,9e307,-1.7e308\n");
    let mut command = ctctool();
    let result = run_json(command.current_dir(folder.path()).args(["inspect", "x.csv"]));
    assert!(close(&result["summary"]["entropy_mean_nats"], std::f64::consts::LN_2, 1e-12, 0.0), "{result}");
}
