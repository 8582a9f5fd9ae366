//! Labels of a classifier by the names of its classes.

use serde_json::{Value, json};

use crate::inspect::inspect;
use crate::messages::refused;
use crate::mistakes_in_files::{message, result};
use crate::support::{Folder, npy_f64, npy_i64};

const ROWS: [f64; 12] = [0.5, 2.0, -1.0, 0.0, 1.0, 3.0, 2.5, 0.1, 0.2, -1.0, 0.3, 0.7];

fn folder(names: &str) -> Folder {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 3], &ROWS));
    folder.file("names", names);
    folder
}

const ARGS: [&str; 7] = ["loss", "x.npy", "--labels", "y", "--alphabet", "names", "--items"];

fn losses(folder: &Folder, labels: &str, options: &[&str]) -> Value {
    folder.file("y", labels);
    let found = result(folder, &[&ARGS[..], options].concat());
    assert_eq!(found["warnings"], json!([]));
    assert_eq!(found["summary"]["criterion"], "cross-entropy");
    assert_eq!(found["params"]["alphabet"], "names");
    found["items"].clone()
}

#[test]
fn names_are_the_classes_that_they_name() {
    let folder = folder("cat\ntraffic light\ndog\n");
    folder.file("i", "1\n0\n-100\n2\n");
    let expected = result(&folder, &["loss", "x.npy", "--labels", "i", "--items"])["items"].clone();
    assert_eq!(expected[2]["status"], "ignored");
    for labels in
        ["traffic light\ncat\n-100\ndog\n", "1\ncat\n-100\n2\n", "traffic light\r\ncat\r\n-100\r\ndog"]
    {
        assert_eq!(losses(&folder, labels, &[]), expected, "{labels:?}");
        assert_eq!(losses(&folder, labels, &["--criterion", "ce"]), expected, "{labels:?}");
    }
    let ignored = losses(&folder, "traffic light\ncat\n-1\ndog\n", &["--ignore-index", "-1"]);
    assert_eq!((&ignored[0], &ignored[3]), (&expected[0], &expected[3]));
    // JSON names the classes in any order, and an array has their numbers.
    folder.file("names.json", r#"{"dog": 2, "cat": 0, "traffic light": 1}"#);
    folder.file("y.npy", npy_i64(&[4], &[1, 0, -100, 2]));
    folder.file("y", "traffic light\ncat\n-100\ndog\n");
    for (labels, names) in [("y", "names.json"), ("y.npy", "names")] {
        let args = ["loss", "x.npy", "--labels", labels, "--alphabet", names, "--items", "--criterion", "ce"];
        let found = result(&folder, &args);
        assert_eq!(found["items"][3], json!(expected[3]), "{labels} {names}");
    }
}

/// A class that is called by a number is that, whatever its place.
#[test]
fn a_number_is_a_name_first() {
    let folder = folder("2\n0\n1\n");
    let targets = |found: &Value| -> Vec<Value> {
        found.as_array().unwrap().iter().map(|item| item["target"].clone()).collect()
    };
    assert_eq!(targets(&losses(&folder, "0\n1\n2\n-100\n", &[])), [1, 2, 0, -100]);
}

#[test]
fn taggers_have_a_name_for_each_place() {
    let folder = folder("O\nB-PER\nI-PER\n");
    folder.file("x.npy", npy_f64(&[2, 2, 3], &ROWS));
    let axis = ["--class-axis", "-1"];
    let named = losses(&folder, "O B-PER\nI-PER -100\n", &axis);
    folder.file("y", "0 1\n2 -100\n");
    let expected = result(&folder, &[&["loss", "x.npy", "--labels", "y", "--items"], &axis[..]].concat());
    assert_eq!(named, expected["items"]);
}

#[test]
fn what_is_no_name_is_told() {
    let folder = folder("cat\ntraffic light\ndog\n");
    let no_name = |line: usize, found: &str| {
        format!("y: line {line}, column 1: expected the name of a class in names, found {found}")
    };
    for (labels, error, hint) in [
        ("cat\nbird\ndog\ncat\n", no_name(2, "'bird'"), None),
        (
            "cat\nDog\ndog\ncat\n",
            no_name(2, "'Dog'"),
            Some("'dog' is a class: names must match, including case and inner spaces"),
        ),
        (
            "cat\ntraffic cone\ndog\ncat\n",
            no_name(2, "'traffic cone'"),
            Some("a line has 2 values: keep only the class, as cut -d' ' -f2 does"),
        ),
        (
            "a.png,cat\nb.png,dog\nc.png,dog\nd.png,cat\n",
            no_name(1, "'a.png,cat'"),
            Some("a line has 2 values: keep only the class, as cut -d, -f2 does"),
        ),
        (
            "cat\n3\ndog\ncat\n",
            "y: line 2, column 1: expected a class from 0 to 2 or -100 (ignored), found 3".to_owned(),
            Some("if 3 marks rows to leave out, give --ignore-index 3"),
        ),
    ] {
        folder.file("y", labels);
        refused(&folder, &ARGS, &error, hint);
    }
    folder.file("y", "class\ncat\ndog\ncat\ncat\n");
    let count =
        "y: expected one class index per row of the logits: shape (4,) (4 lines of 1 in text), found 5 lines";
    let header = "the first line is a heading: remove it, as tail -n +2 does";
    refused(&folder, &[&ARGS[..], &["--criterion", "ce"]].concat(), count, Some(header));
    let (code, said) = crate::messages::said(&folder, &ARGS);
    assert!(code == Some(2) && said.ends_with(&format!("{header}\n")), "{said}");
    folder.file("names", "caf\u{e9}\ntea\nmilk\n");
    folder.file("y", "tea\ncafe\u{301}\ntea\nmilk\n");
    let form = "the alphabet has it in Unicode normal form NFC: convert the text with unicodedata.normalize('NFC', text)";
    refused(&folder, &ARGS, &no_name(2, "'cafe\\u{301}'"), Some(form));
    folder.file("names", "cat\ntraffic light\ndog\n");
    folder.file("y", "0\n1\n2\n0\n");
    folder.file("names", "0\n1\n3\n");
    refused(&folder, &ARGS, &no_name(3, "'2'"), Some("leave --alphabet out if the labels are class indices"));
    for (names, found, hint) in
        [("cat\ndog\n", 2, None), ("cat\ndog\nbird\n\n", 4, Some("the last line is empty: delete it"))]
    {
        folder.file("names", names);
        folder.file("y", "cat\ndog\ndog\ncat\n");
        refused(
            &folder,
            &[&ARGS[..], &["--criterion", "ce"]].concat(),
            &format!("names: expected 3 entries, one for each class, found {found}"),
            hint,
        );
    }
}

/// Names do not change what indices of each row are.
#[test]
fn indices_of_rows_are_a_classifiers_whatever_classes_are_called() {
    let folder = folder("c\na\nb\n");
    let values: Vec<f64> = ROWS.iter().map(|x| 0.1 * x).collect();
    folder.file("x.npy", npy_f64(&[4, 3], &values));
    folder.file("y", npy_i64(&[4], &[1, 2, 1, 2]));
    let named = result(&folder, &ARGS);
    let plain = result(&folder, &["loss", "x.npy", "--labels", "y"]);
    assert_eq!(named["summary"], plain["summary"]);
    assert_eq!(named["summary"]["criterion"], "cross-entropy");
    let inspected = inspect(&folder, &["x.npy", "--labels", "y", "--alphabet", "names"]);
    assert_eq!(inspected["summary"]["findings"][0]["code"], "criterion");
}

/// A blank makes a recogniser, by its name or left out.
#[test]
fn what_can_be_a_recognisers_is() {
    let folder = folder("<blank>\na\nb\n");
    let values: Vec<f64> = ROWS.iter().map(|x| 0.1 * x).collect();
    folder.file("x.npy", npy_f64(&[4, 3], &values));
    folder.file("y", npy_i64(&[4], &[1, 2, 1, 2]));
    for names in ["<blank>\na\nb\n", "-\na\nb\n", "\na\nb\n", "a\nb\n"] {
        folder.file("names", names);
        assert_eq!(result(&folder, &ARGS)["summary"]["criterion"], "ctc", "{names}");
    }
    folder.file("names", "a\nb\n");
    folder.file("y", "a\nb\na\nb\n");
    let error = "y: expected 1 line of labels, one per item, found 4";
    refused(&folder, &ARGS, error, Some("the matrix is one item: write its labels on one line"));
    assert_eq!(inspect(&folder, &["x.npy", "--labels", "y", "--alphabet", "names"])["summary"]["items"], 1);
}

/// One line is a text: it is a recogniser's, as it was before classes had names.
#[test]
fn where_both_fit_names_are_a_recognisers() {
    let folder = folder("-\na\nb\n");
    folder.file("x.npy", npy_f64(&[1, 3], &ROWS[..3]));
    folder.file("y", "a\n");
    assert_eq!(result(&folder, &ARGS)["summary"]["criterion"], "ctc");
    folder.file("x.npy", npy_f64(&[2, 2, 3], &ROWS));
    folder.file("y", "a b\nb\n");
    let args = [&ARGS[..], &["--layout", "ntc", "--label-split", "tokens"]].concat();
    assert_eq!(result(&folder, &args)["summary"]["criterion"], "ctc");
}

#[test]
fn inspect_holds_names_against_who_wins() {
    let folder = folder("cat\ntraffic light\ndog\n");
    folder.file("y", "traffic light\ndog\ncat\ncat\n");
    let found = inspect(&folder, &["x.npy", "--labels", "y", "--alphabet", "names"]);
    let summary = &found["summary"];
    assert_eq!((&summary["label_error_ratio"], &summary["label_classes"]), (&json!(0.25), &json!(3)));
    assert_eq!(summary["winners"][0]["token"], "dog");
    assert_eq!(found["summary"]["findings"][0]["code"], "criterion");
    // And those of a tagger.
    folder.file("x.npy", npy_f64(&[2, 2, 3], &ROWS));
    folder.file("y", "1 dog\ncat dog\n");
    let found = inspect(&folder, &["x.npy", "--labels", "y", "--alphabet", "names"]);
    assert_eq!(found["summary"]["findings"][0]["code"], "classes_last");
    assert_eq!(found["summary"]["label_error_ratio"], 0.0);
}

#[test]
fn another_systems_number_is_found_for_names() {
    let folder = folder("cat\ntraffic light\ndog\n");
    folder.file("y", "traffic light\ndog\ncat\ncat\n");
    let loss = result(&folder, &[&ARGS[..], &["--label-smoothing", "0.1"]].concat());
    let wanted = loss["summary"]["loss_nats"].to_string();
    let args = ["loss", "x.npy", "--labels", "y", "--alphabet", "names", "--guess", &wanted];
    let found = result(&folder, &args);
    assert_eq!(found["items"][0]["flags"], "--label-smoothing 0.1");
    assert_eq!(message(&found, "impossible_as_asked"), None);
    // Along an axis of another length there are no such classes.
    folder.file("x.npy", npy_f64(&[2, 3, 2], &ROWS));
    folder.file("y", "cat dog\ndog -100\n");
    let loss = result(&folder, &[&ARGS[..], &["--criterion", "ce"]].concat());
    let wanted = loss["summary"]["loss_nats"].to_string();
    let found = result(&folder, &[&args[..7], &[&wanted, "--criterion", "ce"]].concat());
    assert_eq!((&found["items"][0]["flags"], &found["summary"]["matches"]), (&json!(""), &json!(2)));
}
