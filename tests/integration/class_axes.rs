//! Which axis the classes are, where labels tell.

use crate::inspect::inspect;
use crate::messages::{refused, said};
use crate::support::{Folder, ctctool, json, npy_f64, npy_i64, warnings};

#[test]
fn classes_of_the_last_axis_are_said_to_be_such() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 4], &[0.0; 24]));
    folder.file("y.npy", npy_i64(&[2, 3], &[1, 2, 3, 3, 2, 1]));
    let run = |more: &[&str]| {
        json(ctctool().args(["loss", "x.npy", "--labels", "y.npy"]).args(more).current_dir(folder.path()))
    };
    assert_eq!(warnings(&run(&[])), ["classes_last"]);
    // Whoever says what it is is not told.
    assert!(warnings(&run(&["--criterion", "ctc"])).is_empty());
    assert!(warnings(&run(&["--label-lengths", "3,3"])).is_empty());
    assert!(warnings(&run(&["--criterion", "ce", "--class-axis=-1"])).is_empty());
    let fits = "y.npy has the shape of the logits without the last axis, (2, 3): if these are one class per row, \
                give --criterion cross-entropy --class-axis -1";
    let found = "y.npy: expected one class index per row of the logits: shape (2, 4) (2 lines of 4 in text), \
                 found integers of shape (2, 3)";
    refused(&folder, &["loss", "x.npy", "--labels", "y.npy", "--criterion", "ce"], found, Some(fits));
    folder.file("y.npy", npy_i64(&[2, 3], &[1, 2, -100, 3, 2, 1]));
    let found = "y.npy: item 0, position 2: expected a class from 0 to 3, found -100";
    let hint =
        format!("if this is padding, give --label-lengths: they are (labels != -100).sum(axis=1); {fits}");
    refused(&folder, &["loss", "x.npy", "--labels", "y.npy"], found, Some(&hint));
}

/// As a map of classes for each pixel has them.
#[test]
fn classes_of_the_last_of_four_axes_are_said_to_be_such() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 4, 5], &[0.0; 120]));
    folder.file("y.npy", npy_i64(&[2, 3, 4], &[1; 24]));
    let (code, stderr) = said(&folder, &["loss", "x.npy", "--labels", "y.npy"]);
    assert!(
        code == Some(2) && stderr.ends_with("give --criterion cross-entropy --class-axis -1\n"),
        "{stderr}"
    );
    let found = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
    let findings = found["summary"]["findings"].as_array().unwrap();
    let told = findings.iter().find(|finding| finding["code"] == "classes_last").unwrap();
    assert_eq!(told["flag"], "--criterion cross-entropy --class-axis -1");
    // Labels of no axis at all.
    folder.file("y.npy", npy_i64(&[7], &[1; 7]));
    let found = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
    assert_eq!(found["summary"]["findings"][0]["code"], "label_count");
}

#[test]
fn labels_of_two_axes_that_fit_otherwise_are_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 4], &[0.0; 24]));
    folder.file("y.npy", npy_i64(&[3, 2], &[1, 2, 3, 1, 2, 1]));
    let run = |more: &[&str]| {
        json(ctctool().args(["loss", "x.npy", "--labels", "y.npy"]).args(more).current_dir(folder.path()))
    };
    let found = run(&[]);
    assert_eq!(
        (warnings(&found), found["warnings"][0]["message"].as_str()),
        (
            vec!["classes_last"],
            Some(
                "y.npy has the shape of the logits without the last axis, transposed, (3, 2): if these are one \
                 class per row, save labels.T and give --criterion cross-entropy --class-axis -1"
            )
        )
    );
    assert!(warnings(&run(&["--criterion", "ctc"])).is_empty());
    let found = "y.npy: expected one class index per row of the logits: shape (2, 3) (2 lines of 3 in text), found integers of \
                 shape (3, 2)";
    let args = ["loss", "x.npy", "--labels", "y.npy", "--criterion", "ce", "--class-axis", "-1"];
    refused(&folder, &args, found, Some("their axes are swapped: use labels.T"));
    // Where both axes fit, PyTorch takes the second.
    folder.file("x.npy", npy_f64(&[2, 3, 3], &[0.0; 18]));
    folder.file("y.npy", npy_i64(&[2, 3], &[1, 2, 0, 0, 2, 1]));
    let found = run(&["--criterion", "ce"]);
    assert_eq!(
        (warnings(&found), found["warnings"][0]["message"].as_str()),
        (
            vec!["class_axis"],
            Some(
                "x.npy: axis 1 of shape (2, 3, 3) is taken as the class axis, as in PyTorch, but the labels fit the \
                 last axis as well: give --class-axis 1 or --class-axis -1"
            )
        )
    );
    for axis in ["1", "-1"] {
        assert!(warnings(&run(&["--criterion", "ce", "--class-axis", axis])).is_empty());
    }
    // Of one class each loss is 0, and texts of characters are no names of classes.
    folder.file("x.npy", npy_f64(&[4, 1, 1], &[0.0; 4]));
    folder.file("y.npy", npy_i64(&[4, 1], &[0; 4]));
    assert_eq!(warnings(&run(&["--criterion", "ce"])), ["one_class"]);
    folder.file("x.npy", npy_f64(&[2, 1, 3], &[0.0; 6]));
    folder.file("y.npy", "ab\nb\n");
    folder.file("names", "-\na\nb\n");
    assert_eq!(warnings(&run(&["--alphabet", "names"])), ["infeasible"]);
}
