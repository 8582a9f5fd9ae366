//! Gradients by probabilities of 0.

use crate::gradient::{doubles, parts};
use crate::support::{Folder, ctctool, json, npy_f64};

/// No loss looks at the other classes, and 0 by a probability of 0 would be no number. Through a label's class there is
/// another way where it has a probability, and through the blank there is none.
#[test]
fn a_probability_of_zero_has_the_slope_of_the_ways_through_it() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]));
    for (labels, criterion, expected) in [
        ("0\n1\n", "cross-entropy", [-0.5, 0.0, 0.0, 0.0, -0.5, 0.0]),
        ("1\n", "ctc", [-1.0, -1.0, 0.0, 0.0, -1.0, 0.0]),
    ] {
        folder.file("y.txt", labels);
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt", "--input", "probs"]);
        command.args(["--criterion", criterion, "--grad", "g.npy"]).assert().success();
        assert_eq!(doubles(&parts(&folder.path().join("g.npy")).1), expected, "{criterion}");
    }
}

/// The steepest entry of a row may be a probability of 0, which has no difference; then another tells.
#[test]
fn a_check_has_entries_beside_probabilities_of_zero() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3], &[0.0, 0.5, 0.5, 0.0, 1.0, 0.0]));
    folder.file("y.txt", "1\n");
    let mut command = ctctool();
    let args =
        ["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc", "--check-grad", "--input", "probs"];
    let check = json(command.current_dir(folder.path()).args(args))["summary"]["gradient"]["check"].clone();
    assert_eq!(check["sampled"], 2, "{check}");
    assert!(check["worst_relative_error"].as_f64().unwrap() < 1e-7, "{check}");
}
