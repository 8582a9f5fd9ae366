//! What `ctctool inspect` says of rows: their first fault, who wins them, what they look like.

use serde_json::{Value, json};

use crate::inspect::inspect;
use crate::messages::refused;
use crate::mistakes_in_files::result;
use crate::random::Random;
use crate::support::{Folder, ctctool, npy_bytes, npy_f32, npy_f64};

fn summary(folder: &Folder, args: &[&str]) -> Value {
    result(folder, &[&["inspect"], args].concat())["summary"].clone()
}

#[test]
fn the_first_of_all_faults_is_named() {
    let folder = Folder::new();
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    for (values, place) in [
        ([0.0, 1.0, inf, 1.0, 0.0, nan], "frame 1, class 0"),
        ([0.0, 1.0, 0.0, nan, inf, 1.0], "frame 1, class 1"),
        ([0.0, 1.0, inf, nan, nan, inf], "frame 1, class 0"),
    ] {
        folder.file("x.npy", npy_f64(&[3, 2], &values));
        let found = summary(&folder, &["x.npy"]);
        assert_eq!(found["first_bad_place"], place);
        assert!(
            found["findings"][0]["message"].as_str().unwrap().contains(&format!("the first at {place}:"))
        );
    }
}

#[test]
fn of_classes_that_win_as_often_the_smaller_comes_first() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,5\n0,5,9\n0,5,9\n0,9,5\n9,5,0\n");
    let winners = summary(&folder, &["x.csv"])["winners"].clone();
    let classes: Vec<&Value> = winners.as_array().unwrap().iter().map(|winner| &winner["class"]).collect();
    assert_eq!(json!(classes), json!([1, 2, 0]));
}

#[test]
fn logits_that_were_called_otherwise_are_no_finding_of_their_own() {
    let folder = Folder::new();
    folder.file("x.csv", "1,9,5\n2,7,6\n");
    for input in ["logits", "probs", "log-probs"] {
        let found = summary(&folder, &["x.csv", "--input", input]);
        assert_eq!(found["looks_like"], "logits");
        assert!(!found["findings"].to_string().contains("input_kind"), "{found}");
    }
}

/// Blocks of rows are looked at by themselves, and a run goes on from one into the next.
#[test]
fn a_run_is_one_in_however_many_blocks_it_lies() {
    let folder = Folder::new();
    let rows = 60_000;
    let mut values = [0.0, 1.0].repeat(rows);
    folder.file("x.npy", npy_f32(&[rows, 2], &values));
    assert_eq!(summary(&folder, &["x.npy"])["runs"], 1);
    values[rows] = 2.0;
    folder.file("x.npy", npy_f32(&[rows, 2], &values));
    assert_eq!(summary(&folder, &["x.npy"])["runs"], 3);
}

#[test]
fn numbers_are_what_nearly_all_rows_are() {
    let folder = Folder::new();
    for (of_thousand, looks_like) in [(950, "logits"), (989, "logits"), (990, "probs"), (995, "probs")] {
        let values: Vec<f64> =
            (0..1000).flat_map(|row| if row < of_thousand { [0.25, 0.75] } else { [3.0, 1.0] }).collect();
        folder.file("x.npy", npy_f64(&[1000, 2], &values));
        assert_eq!(summary(&folder, &["x.npy"])["looks_like"], looks_like, "{of_thousand}");
    }
}

#[test]
fn more_classes_than_there_can_be_are_refused() {
    let folder = Folder::new();
    let header = npy_bytes("<f2", false, &[1, (1 << 24) + 1], &[]);
    let path = folder.file("x.npy", &header);
    // Zeros, of which hardly one is on the disk.
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(header.len() as u64 + 2 * ((1 << 24) + 1)).unwrap();
    refused(
        &folder,
        &["inspect", "x.npy"],
        "x.npy: expected at most 16777216 classes on axis 1, found shape (1, 16777217)",
        None,
    );
}

#[test]
fn labels_that_just_fit_are_no_finding() {
    let folder = Folder::new();
    folder.file("y", "1 1\n");
    for (frames, fits) in [(2, false), (3, true)] {
        folder.file("x.csv", "0,2\n".repeat(frames));
        let found = summary(&folder, &["x.csv", "--labels", "y"]);
        assert_eq!(found["findings"].to_string().contains("infeasible"), !fits, "{found}");
        let mut csv = ctctool();
        csv.current_dir(folder.path()).args(["inspect", "x.csv", "--labels", "y", "--format", "csv"]);
        let text = String::from_utf8(csv.assert().success().get_output().stdout.clone()).unwrap();
        // One path of three frames, and none of two: no number is an empty cell.
        let cell = if fits { "0" } else { "" };
        assert_eq!(text.lines().last().unwrap(), format!("x.csv,0,{frames},2,3,0,0,{cell}"));
    }
}

/// As a convolution's output has them.
#[test]
fn classes_on_another_axis_are_found_by_their_sums() {
    let folder = Folder::new();
    let mut random = Random::new(3);
    let (items, classes, frames) = (2, 4, 5);
    let mut log_probs = vec![0.0; items * classes * frames];
    for item in 0..items {
        for frame in 0..frames {
            let scores: Vec<f64> = (0..classes).map(|_| 3.0 * random.unit()).collect();
            let sum: f64 = scores.iter().map(|x| x.exp()).sum();
            for (class, score) in scores.iter().enumerate() {
                log_probs[(item * classes + class) * frames + frame] = score - sum.ln();
            }
        }
    }
    let finding = |folder: &Folder, args: &[&str]| {
        let found = inspect(folder, args);
        let findings = found["summary"]["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["code"] == "other_axis").cloned()
    };
    let message = |axis: usize| {
        format!(
            "along axis {axis} the values, or their exponentials, sum to 1, but along the axis taken as the classes \
             they do not: are the classes on axis {axis}, or was softmax applied along the wrong axis?"
        )
    };
    let shape = [items, classes, frames];
    let probs: Vec<f64> = log_probs.iter().map(|x| x.exp()).collect();
    for values in [&log_probs, &probs] {
        folder.file("x.npy", npy_f64(&shape, values));
        let found = finding(&folder, &["x.npy", "--layout", "ntc"]).unwrap();
        assert_eq!(
            (&found["message"], &found["flag"]),
            (&message(1).into(), &"numpy.moveaxis(x, 1, -1)".into())
        );
    }
    // Whatever the numbers are stored as.
    let big_endian: Vec<u8> = probs.iter().flat_map(|&x| (x as f32).to_be_bytes()).collect();
    folder.file("x.npy", npy_bytes(">f4", false, &shape, &big_endian));
    assert_eq!(finding(&folder, &["x.npy", "--layout", "ntc"]).unwrap()["message"], message(1));
    // Of one item, and as a table.
    let item = &log_probs[..classes * frames];
    folder.file("x.npy", npy_f64(&[classes, frames], item));
    let row = |row: &[f64]| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",") + "\n";
    folder.file("x.csv", item.chunks(frames).map(row).collect::<String>());
    for file in ["x.npy", "x.csv"] {
        let found = finding(&folder, &[file]).unwrap();
        assert_eq!((&found["message"], &found["flag"]), (&message(0).into(), &"x.T".into()));
    }
    // Of logits and of log-probabilities that lie as they should there is nothing to say.
    let logits: Vec<f64> = (0..40).map(|_| 3.0 * random.unit()).collect();
    folder.file("x.npy", npy_f64(&shape, &logits));
    assert_eq!(finding(&folder, &["x.npy", "--layout", "ntc"]), None);
    let turned: Vec<f64> =
        (0..frames * classes).map(|at| item[at % classes * frames + at / classes]).collect();
    folder.file("x.npy", npy_f64(&[frames, classes], &turned));
    assert_eq!(finding(&folder, &["x.npy"]), None);
}
