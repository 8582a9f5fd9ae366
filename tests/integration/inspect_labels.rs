//! `ctctool inspect` with labels: how far what is read differs from them, and what is no mistake.

use serde_json::{Value, json};

use crate::inspect::{codes, inspect};
use crate::random::Random;
use crate::support::{Folder, close, ctctool, json as run_json, npy_bytes, npy_f64, npy_i64};

#[test]
fn classes_of_rows_are_held_against_who_wins_them() {
    let folder = Folder::new();
    let (rows, classes) = (200, 5);
    let mut random = Random::new(9);
    let winners: Vec<i64> = (0..rows).map(|row| row * row % 4).collect();
    let mut values = vec![0.0; rows as usize * classes];
    for (row, &winner) in values.chunks_exact_mut(classes).zip(&winners) {
        for x in row.iter_mut() {
            *x = random.unit();
        }
        row[winner as usize] = 3.0;
    }
    folder.file("x.npy", npy_f64(&[rows as usize, classes], &values));
    let found = |labels: &[i64]| {
        folder.file("y.npy", npy_i64(&[labels.len()], labels));
        let result = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
        let message = result["summary"]["findings"].as_array().unwrap().iter().find_map(|finding| {
            (finding["code"] == "other_labels").then(|| finding["message"].as_str().unwrap().to_owned())
        });
        (result["summary"]["label_error_ratio"].clone(), message)
    };
    assert_eq!(found(&winners), (json!(0.0), None));
    // Every tenth is another, and every hundredth is left out.
    let mut labels = winners.clone();
    labels.iter_mut().step_by(10).for_each(|label| *label = 4);
    labels.iter_mut().step_by(100).for_each(|label| *label = -100);
    let (ratio, message) = found(&labels);
    assert!(close(&ratio, 18.0 / 198.0, 1e-15, 0.0) && message.is_none(), "{ratio}");
    let shifted = |by: i64| winners.iter().map(|label| label + by).collect::<Vec<_>>();
    let (ratio, message) = found(&shifted(1));
    assert_eq!(ratio, 1.0);
    assert!(
        message
            .unwrap()
            .ends_with("adding -1 to each label leaves 0.00: do the labels start from a different number?")
    );
    // What is no class has no row, and another rule is no shift.
    let (ratio, message) = found(&shifted(-1));
    assert!(ratio == 1.0 && message.unwrap().contains("adding 1 to each label leaves 0.00"));
    let (ratio, message) = found(&winners.iter().map(|label| (label + 2) % 5).collect::<Vec<_>>());
    assert!(ratio == 1.0 && message.unwrap().contains("by chance it would be 1.00"));
    // Probabilities are no labels.
    folder.file("p.npy", npy_f64(&[rows as usize, classes], &values));
    let result = inspect(&folder, &["x.npy", "--labels", "p.npy"]);
    assert_eq!(result["summary"]["label_error_ratio"], Value::Null);
}

/// Labels of other rows, of classes in another order, of a language model's input instead of what follows.
#[test]
fn labels_of_other_rows_or_classes_are_told_from_errors() {
    let folder = Folder::new();
    let (items, places, classes) = (8_usize, 40, 12_usize);
    let mut random = Random::new(3);
    let labels: Vec<i64> = (0..items * places).map(|_| i64::from(random.below(classes as u32))).collect();
    let mut values = vec![0.0; labels.len() * classes];
    for (row, &label) in values.chunks_exact_mut(classes).zip(&labels) {
        for x in row.iter_mut() {
            *x = random.unit();
        }
        // One in five is wrong.
        row[if random.below(5) == 0 { random.below(classes as u32) as usize } else { label as usize }] = 3.0;
    }
    folder.file("rows.npy", npy_f64(&[labels.len(), classes], &values));
    folder.file("last.npy", npy_f64(&[items, places, classes], &values));
    let mut moved = labels.clone();
    moved.rotate_right(1);
    let mut far = labels.clone();
    far.rotate_left(3);
    let swapped = labels.iter().map(|label| if *label < 2 { 1 - label } else { *label }).collect();
    let mut shuffled = labels.clone();
    shuffled.rotate_left(100);
    for (labels, told) in [
        (labels, None),
        (moved, Some("moving the labels up by 1 row leaves 0.")),
        (far, Some("moving the labels down by 3 rows leaves 0.")),
        (swapped, Some("most rows with label 0 have argmax 1, and those of another label likewise")),
        (shuffled, Some("by chance it would be 0.91: do the labels belong to these rows")),
    ] {
        for (file, shape) in [("rows.npy", vec![labels.len()]), ("last.npy", vec![items, places])] {
            folder.file("y.npy", npy_i64(&shape, &labels));
            let result = inspect(&folder, &[file, "--labels", "y.npy"]);
            let findings = result["summary"]["findings"].to_string();
            assert_eq!(findings.contains("other_labels"), told.is_some(), "{file}: {findings}");
            assert!(findings.contains(told.unwrap_or_default()), "{file}: {findings}, not {told:?}");
        }
    }
}

#[test]
fn a_network_that_reads_nothing_is_told_so() {
    let folder = Folder::new();
    folder.file("y.txt", "1 2 1 2 1 2 1 2 1 2 1 2\n");
    folder.file("x.csv", "5,1,0\n5,0,1\n".repeat(15));
    let result = inspect(&folder, &["x.csv", "--labels", "y.txt"]);
    let findings = result["summary"]["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == "other_labels").unwrap();
    assert!(found["message"].as_str().unwrap().contains("it is nothing but blanks"), "{found}");
}

/// Frames that are certain say as much as none, so equal ones at the end need no length.
#[test]
fn equal_frames_that_are_certain_are_no_padding() {
    let folder = Folder::new();
    let text = |end: &str| format!("0.5,0.25,0.25\n0.25,0.5,0.25\n{}", format!("{end}\n").repeat(30));
    for (end, told) in
        [("0.5,0.25,0.25", true), ("1,0,0", false), ("0,1,0", false), ("0,0,0", true), ("90,0,0", false)]
    {
        folder.file("x.csv", text(end));
        folder.file("y.txt", "1\n");
        let result = inspect(&folder, &["x.csv"]);
        assert_eq!(codes(&result).contains(&"padding"), told, "{end}: {:?}", codes(&result));
        let kind = if ["90,0,0", "0,0,0"].contains(&end) { "logits" } else { "probs" };
        for (command, code) in [
            (&["loss", "x.csv", "--labels", "y.txt", "--criterion", "ctc"][..], "padding_counted"),
            (&["decode", "x.csv"], "padding_decoded"),
        ] {
            let mut run = ctctool();
            run.current_dir(folder.path()).args(command).args(["--input", kind]);
            let result = run_json(&mut run);
            let found = result["warnings"].as_array().unwrap().iter().any(|warning| warning["code"] == code);
            assert_eq!(found, told, "{command:?} {end} {kind}: {}", result["warnings"]);
        }
    }
}

#[test]
fn how_labels_are_split_is_among_the_settings() {
    let folder = Folder::new();
    folder.file("x.csv", "0,1,2,3\n1,2,3,0\n3,0,1,2\n");
    folder.file("y.txt", "a?b\n");
    folder.file("names", "-\na\nb\nc\n");
    folder.file("indices.txt", "1 2\n");
    let params = |options: &[&str]| {
        let params = &inspect(&folder, &[&["x.csv"], options].concat())["params"];
        (params["label_split"].clone(), params["unk"].clone())
    };
    let labels = ["--labels", "y.txt", "--alphabet", "names", "--unk", "c"];
    assert_eq!(params(&labels), ("chars".into(), "c".into()));
    let split = [&labels[..], &["--label-split", "longest"]].concat();
    assert_eq!(params(&split), ("longest".into(), "c".into()));
    assert_eq!(params(&["--labels", "indices.txt"]), (Value::Null, Value::Null));
    assert_eq!(params(&["--alphabet", "names"]), (Value::Null, Value::Null));
}

/// Taggers and readers of a fixed number of places.
#[test]
fn classes_on_the_last_axis_are_a_classifiers() {
    let folder = Folder::new();
    let mut values = [0.0; 24];
    for (row, winner) in [1, 2, 3, 3, 2, 1].into_iter().enumerate() {
        values[4 * row + winner] = 2.0;
    }
    folder.file("x.npy", npy_f64(&[2, 3, 4], &values));
    for (labels, ratio) in
        [([1, 2, 3, 3, 2, 1], 0.0), ([1, 2, 3, 3, -100, -100], 0.0), ([1, 2, 0, 3, 2, 1], 1.0 / 6.0)]
    {
        folder.file("y.npy", npy_i64(&[2, 3], &labels));
        let found = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
        assert_eq!(codes(&found), ["classes_last"], "{labels:?}");
        assert!(close(&found["summary"]["label_error_ratio"], ratio, 1e-15, 0.0), "{labels:?}");
        assert_eq!((&found["summary"]["classes"], &found["summary"]["rows"]), (&json!(4), &json!(6)));
    }
    // As text, a line an item; some end with the class of what is no name.
    folder.file("y.txt", "1 2 0\n3 0 0\n");
    values.fill(0.0);
    for (row, winner) in [1, 2, 0, 3, 0, 0].into_iter().enumerate() {
        values[4 * row + winner] = 2.0;
    }
    folder.file("x.npy", npy_f64(&[2, 3, 4], &values));
    let found = inspect(&folder, &["x.npy", "--labels", "y.txt"]);
    assert_eq!((codes(&found), &found["summary"]["label_error_ratio"]), (vec!["classes_last"], &json!(0.0)));
    // A recogniser's labels may be padded to its frames.
    folder.file("y.npy", npy_i64(&[2, 3], &[1, 0, 0, 3, 2, 0]));
    let found = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
    assert_eq!(found["summary"]["items"], 2, "{found}");
}

/// One that does not fit into 64 bits is no class, and the labels behind it stay with their rows.
#[test]
fn a_label_beyond_64_bits_counts_as_no_class() {
    let folder = Folder::new();
    let rows = 12;
    let values: Vec<f64> = (0..rows * 4).map(|at| if at % 4 == at / 4 % 3 { 3.0 } else { 0.0 }).collect();
    folder.file("x.npy", npy_f64(&[rows, 4], &values));
    let label = |row: usize| if row == 0 { u64::MAX - 99 } else { row as u64 % 3 };
    let body: Vec<u8> = (0..rows).flat_map(|row| label(row).to_le_bytes()).collect();
    folder.file("y.npy", npy_bytes("<u8", false, &[rows], &body));
    let text: String = (0..rows).map(|row| format!("{}\n", label(row))).collect();
    folder.file("y.txt", text);
    for labels in ["y.npy", "y.txt"] {
        let result = inspect(&folder, &["x.npy", "--labels", labels]);
        assert_eq!(result["summary"]["label_error_ratio"], 0.0, "{labels}: {result}");
        assert_eq!(result["summary"]["labels_out_of_range"], 1, "{labels}: {result}");
    }
}
