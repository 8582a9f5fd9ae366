//! CTC losses of files that are read in several rounds, of items whose numbers outgrow linear space on the way, and
//! what is noticed of the frames.

use ctctool::logits::InputKind;
use ctctool::loss::ctc::{CtcLabels, ctc_loss};
use serde_json::Value;

use crate::oracle::ctc_by_recursion;
use crate::support::{Folder, SplitMix, close, ctctool, json, npy_f64, repository};

/// Three megabytes are three rounds of one thread and one of three. An item that ends early, one of no frames, one with
/// too few, one without labels, one that needs numbers of any size.
#[test]
fn every_layout_and_number_of_threads_gives_the_same_losses() {
    let (frames, items, classes) = (260, 6, 250);
    let mut random = SplitMix(8);
    let mut logits: Vec<f64> = (0..items * frames * classes).map(|_| random.score()).collect();
    let lengths = [frames, 40, 0, 11, frames, 200];
    let labels: Vec<Vec<u32>> = [30, 12, 0, 12, 0, 60]
        .iter()
        .map(|&length| (0..length).map(|_| 1 + random.below(classes - 1) as u32).collect())
        .collect();
    for frame in 60..frames {
        // Nothing but the blank, and then the blank not at all.
        logits[(5 * frames + frame) * classes] += if frame < 120 { 900.0 } else { -900.0 };
    }
    let mut time_major = logits.clone();
    for (row, values) in logits.chunks(classes).enumerate() {
        let (item, frame) = (row / frames, row % frames);
        time_major[(frame * items + item) * classes..][..classes].copy_from_slice(values);
    }
    let folder = Folder::new();
    folder.file("ntc.npy", npy_f64(&[items, frames, classes], &logits));
    folder.file("tnc.npy", npy_f64(&[frames, items, classes], &time_major));
    let lines: Vec<String> =
        labels.iter().map(|l| l.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")).collect();
    folder.file("y.txt", lines.join("\n") + "\n");
    let lengths_option = lengths.map(|length| length.to_string()).join(",");
    let run = |layout: &str, threads: &str| -> Value {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", &format!("{layout}.npy"), "--labels", "y.txt"]);
        command.args(["--lengths", &lengths_option, "--criterion", "ctc", "--layout", layout, "--items"]);
        json(command.args(["--threads", threads]))
    };
    let first = run("ntc", "1");
    for (index, (labels, &length)) in labels.iter().zip(&lengths).enumerate() {
        let item = &logits[index * frames * classes..][..length * classes];
        let checked = CtcLabels::new(labels, classes, 0).unwrap();
        let expected = ctc_loss(item, InputKind::Logits, &checked).unwrap();
        let found = &first["items"][index]["loss_nats"];
        // The last bits of a normaliser depend on which rows are computed side by side.
        assert!(close(found, expected, 1e-14, 0.0), "item {index}: {found} for {expected}");
    }
    let of = |result: &Value, index: usize| result["items"][index]["loss_nats"].clone();
    for (layout, threads) in [("ntc", "3"), ("tnc", "1"), ("tnc", "3")] {
        let result = run(layout, threads);
        for index in 0..items {
            let (found, expected) = (of(&result, index), of(&first, index));
            let same = if layout == "ntc" {
                found == expected
            } else {
                close(&found, expected.as_f64().unwrap_or(f64::INFINITY), 1e-14, 0.0)
            };
            assert!(same, "{layout}, {threads} threads, item {index}: {found} for {expected}");
        }
    }
    assert_eq!(run("tnc", "1")["items"], run("tnc", "3")["items"]);
}

/// From linear space to numbers of any size to log space and to the end, wherever the frame comes that asks for it.
#[test]
fn a_log_probability_that_only_log_space_holds_may_come_in_any_frame() {
    let (frames, classes, labels) = (12, 4, [1, 2, 2, 3]);
    let mut random = SplitMix(3);
    let plain: Vec<Vec<f64>> = (0..frames).map(|_| (0..classes).map(|_| random.score()).collect()).collect();
    let checked = CtcLabels::new(&labels, classes, 0).unwrap();
    for low in 0..frames {
        // All alignments lose that much; or one class does, and alignments go around it.
        for (from, to) in [(0, classes), (0, 1), (2, 3)] {
            let mut rows = plain.clone();
            rows[low][from..to].iter_mut().for_each(|x| *x -= 3e13);
            rows[frames - 1 - low][1] -= 2000.0;
            let expected = ctc_by_recursion(&rows, &labels, 0);
            let found = ctc_loss(&rows.concat(), InputKind::LogProbs, &checked).unwrap();
            assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{low}: {found} for {expected}");
        }
    }
}

#[test]
fn forgotten_lengths_and_a_blank_that_never_wins_are_warned_of() {
    let codes = |options: &[&str]| -> Vec<String> {
        let mut command = ctctool();
        command.current_dir(repository("fixtures")).args(["loss", "lines.npy", "--labels", "lines.txt"]);
        let result = json(command.args(["--alphabet", "alphabet.txt"]).args(options));
        let warnings = result["warnings"].as_array().unwrap();
        warnings.iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
    };
    let lengths = ["--lengths", "lines.lengths.txt"];
    assert_eq!(codes(&lengths), [""; 0]);
    assert_eq!(codes(&[]), ["padding_counted"]);
    assert_eq!(codes(&[&lengths[..], &["--blank", "last"]].concat()), ["blank_wins_no_frame"]);
    // Numbers that mean nothing are no reason to warn.
    let mut random = SplitMix(5);
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[40, 5], &(0..200).map(|_| random.score()).collect::<Vec<_>>()));
    folder.file("y.txt", "1 2 3 4\n");
    let result = json(
        ctctool()
            .current_dir(folder.path())
            .args(["loss", "x.npy", "--labels", "y.txt"])
            .args(["--criterion", "ctc"]),
    );
    assert_eq!(result["warnings"], serde_json::json!([]));
}

/// More threads than items share the rows: what is told from the first of them is the same.
#[test]
fn warnings_are_the_same_with_any_number_of_threads() {
    let folder = Folder::new();
    // Several blocks; in the first 256 frames, probabilities, of which class 2 wins 192.
    let (items, frames, classes) = (2, 1400, 100);
    let mut values = vec![0.0; items * frames * classes];
    for (row, values) in values.chunks_mut(classes).enumerate() {
        values[if row % 4 == 0 { 1 } else { 2 }] = if row < 256 { 1.0 } else { 9.0 };
    }
    folder.file("x.npy", npy_f64(&[items, frames, classes], &values));
    folder.file("y.txt", "1 3\n1 4\n");
    let run = |threads: &str| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt", "--layout", "ntc"]);
        json(command.args(["--items", "--threads", threads]))
    };
    let one = run("1");
    let messages = one["warnings"].to_string();
    for part in ["all 256 rows", "class 2 is the argmax of 75 % of the first 256 frames"] {
        assert!(messages.contains(part), "{messages}");
    }
    for threads in ["2", "3", "5", "16"] {
        assert_eq!(run(threads)["warnings"], one["warnings"], "{threads} threads");
    }
}
