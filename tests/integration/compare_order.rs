//! Which of several differences `ctctool compare` names first.

use serde_json::Value;

use crate::mistakes_in_files::result;
use crate::support::{Folder, close, npy_f64};

/// The comparison of two lists of doubles, for which 1e-7 is allowed, and 1e-7 of the base.
fn compared(base: &[f64], new: &[f64], options: &[&str]) -> Value {
    let folder = Folder::new();
    folder.file("base.npy", npy_f64(&[base.len()], base));
    folder.file("new.npy", npy_f64(&[new.len()], new));
    result(&folder, &[&["compare", "base.npy", "new.npy"], options].concat())
}

fn places(result: &Value) -> Vec<&str> {
    result["items"].as_array().unwrap().iter().map(|item| item["place"].as_str().unwrap()).collect()
}

#[test]
fn the_worst_is_what_exceeds_its_allowance_most() {
    // 0.1 is allowed for a million.
    for (new, listed) in [([1e6 + 0.05, 1e-3], &["[1]"][..]), ([1e6 + 0.15, 0.06], &["[1]", "[0]"])] {
        let found = compared(&[1e6, 0.0], &new, &[]);
        let summary = &found["summary"];
        assert_eq!((&summary["worst_place"], &summary["max_absolute_place"]), (&"[1]".into(), &"[0]".into()));
        assert_eq!(places(&found), listed);
        // The allowance is one product and one sum.
        assert!(close(&summary["allowed"], 1e-7, 1e-15, 0.0), "{summary}");
    }
    let found = compared(&[1.0; 4], &[2.0, f64::INFINITY, f64::NAN, 3.0], &[]);
    assert_eq!(places(&found), ["[2]", "[1]", "[3]", "[0]"], "what is no number comes before all others");
}

#[test]
fn a_statistic_has_its_own_allowance() {
    let found = compared(&[1e6, 0.0], &[1e6 + 0.05, 1e-3], &["--stat", "mean"]);
    let summary = &found["summary"];
    // Sums of two numbers, rounded once or twice.
    assert!(close(&summary["allowed"], 1e-7 + 1e-7 * 5e5, 1e-15, 0.0), "{summary}");
    assert!(close(&summary["statistic"], 0.0255, 1e-8, 0.0), "{summary}");
    assert_eq!(summary["equal"], true);
}

#[test]
fn of_equal_differences_the_first_is_named() {
    let found = compared(&[1.0; 3], &[1.0, 2.0, 2.0], &[]);
    for place in ["worst_place", "max_absolute_place", "max_relative_place"] {
        assert_eq!(found["summary"][place], "[1]", "{place}");
    }
    assert_eq!(places(&found), ["[1]", "[2]"]);
    let folder = Folder::new();
    folder.file("y", "0\n0\n0\n");
    for (name, other) in [("a", "0,0"), ("b", "1,0")] {
        folder.file("x.csv", format!("0,0\n{other}\n{other}\n"));
        let loss = result(&folder, &["loss", "x.csv", "--labels", "y", "--items"]);
        folder.file(name, loss.to_string());
    }
    let found = result(&folder, &["compare", "a", "b"]);
    assert_eq!(found["summary"]["worst_item"], 1, "{found}");
}
