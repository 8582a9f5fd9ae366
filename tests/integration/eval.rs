//! `ctctool eval` by its contract.

use predicates::prelude::*;
use serde_json::{Value, json};

use crate::support::{Folder, ctctool, json as run_json};

fn eval(hypothesis: &str, reference: &str, args: &[&str]) -> (assert_cmd::Command, Folder) {
    let folder = Folder::new();
    let (hyp, reference) = (folder.file("hyp.txt", hypothesis), folder.file("ref.txt", reference));
    let mut command = ctctool();
    command.arg("eval").arg(hyp).arg(reference).args(args);
    (command, folder)
}

fn summary(hypothesis: &str, reference: &str) -> Value {
    run_json(&mut eval(hypothesis, reference, &[]).0)["summary"].clone()
}

#[test]
fn rates_are_errors_over_the_whole_files_reference_length() {
    let summary = summary("the cat sat\nhello\n", "the cat sat down\nhallo\n");
    assert_eq!(summary["wer_ratio"], json!(2.0 / 5.0));
    assert_eq!(summary["cer_ratio"], json!(6.0 / 21.0));
    assert_eq!(summary["ser_ratio"], 1.0);
    let words =
        json!({"substitutions": 1, "deletions": 1, "insertions": 0, "correct": 3, "reference_length": 5});
    assert_eq!(summary["words"], words);
    assert_eq!(summary["items"], 2);
}

#[test]
fn empty_references_and_lines_count() {
    // An empty reference counts its insertions; a rate over nothing is null.
    let nothing = summary("ab\n", "\n");
    assert_eq!((&nothing["cer_ratio"], &nothing["characters"]["insertions"]), (&Value::Null, &json!(2)));
    eval("ab\n", "\n", &["--max-cer", "5"]).0.assert().code(1);
    let short = summary("a\n\n", "b\nx\n");
    assert_eq!(short["cer_ratio"], 1.0);
    assert_eq!(summary("", "")["ser_ratio"], Value::Null);
}

#[test]
fn characters_are_unicode_scalar_values() {
    let summary = summary("naïve\n", "naive\n");
    assert_eq!(summary["characters"]["substitutions"], 1);
    assert_eq!(summary["characters"]["reference_length"], 5);
}

#[test]
fn alignments_pair_what_belongs_together() {
    let result = run_json(&mut eval("a x c d\n", "a b c\n", &["--alignments"]).0);
    let words = &result["items"][0]["alignments"]["words"];
    let expected = json!([
        {"op": "correct", "reference": "a", "hypothesis": "a"},
        {"op": "substitution", "reference": "b", "hypothesis": "x"},
        {"op": "correct", "reference": "c", "hypothesis": "c"},
        {"op": "insertion", "reference": null, "hypothesis": "d"},
    ]);
    assert_eq!(words, &expected);
    eval("a x\n", "a b\n", &["--alignments"]).0.assert().stdout(predicate::str::contains("substitution   b"));
}

#[test]
fn limits_and_line_counts_decide_the_exit_code() {
    eval("ab\n", "ab\n", &["--max-cer", "0", "--max-wer", "0"]).0.assert().code(0);
    eval("ab\n", "ac\n", &["--max-cer", "0.5"]).0.assert().code(0);
    eval("ab\n", "ac\n", &["--max-cer", "0.49"]).0.assert().code(1);
    eval("ab\n", "ac\n", &["--max-wer", "0.99"]).0.assert().code(1);
    eval("a\nb\n", "a\n", &[])
        .0
        .assert()
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains("expected 1 line as in"));
    ctctool().args(["eval", "-", "-"]).assert().code(2);
    ctctool()
        .args(["eval", "missing", "missing"])
        .assert()
        .code(2)
        .stderr(predicate::str::is_match("^error: missing: cannot be opened: [^:]+\n$").unwrap());
}

/// Ten thousand characters against as many, of which every third differs.
#[test]
fn long_lines_take_no_long() {
    let reference: String = (0..10_000).map(|i| char::from(b'a' + (i % 26) as u8)).collect();
    let hypothesis: String =
        reference.chars().enumerate().map(|(i, c)| if i % 3 == 0 { '-' } else { c }).collect();
    let summary = summary(&(hypothesis + "\n"), &(reference + "\n"));
    assert_eq!(summary["characters"]["substitutions"], 3334);
}

#[test]
fn texts_in_another_case_are_told() {
    let folder = Folder::new();
    let run = |hypothesis: &str, reference: &str| {
        folder.file("hyp", hypothesis);
        folder.file("ref", reference);
        let mut command = ctctool();
        run_json(command.current_dir(folder.path()).args(["eval", "hyp", "ref"]))["warnings"].to_string()
    };
    let told = run("one two three\nfour\n", "ONE TWO THREE\nFIVE\n");
    let message = "of 4 word errors in the first 2 lines, 1 remains";
    assert!(told.contains("other_case") && told.contains(message), "{told}");
    assert_eq!(run("one two three\n", "ONE two three\n"), "[]");
    assert_eq!(run("one two three\n", "four five six\n"), "[]");
    assert_eq!(run("\n", "\n"), "[]");
}

/// Words may be right where spaces are wrong.
#[test]
fn a_line_is_wrong_that_differs_in_any_character() {
    let summary = summary("a b\nc d\ne\n", "a  b\nc d\nf\n");
    assert_eq!(summary["words"]["substitutions"], 1);
    assert_eq!((&summary["wrong_items"], &summary["ser_ratio"]), (&json!(2), &json!(2.0 / 3.0)));
}
