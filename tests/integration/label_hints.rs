//! How to go on after labels that can't be right: what all of them tell.

use crate::messages::{refused, said};
use crate::support::{Folder, ctctool, json, npy_f64, npy_i64, warnings};

const FROM_1: &str = "classes count from 0: subtract 1 if yours count from 1";

#[test]
fn classes_that_count_from_1_have_no_0() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 3], &[0.0; 12]));
    let args = ["loss", "x.npy", "--labels", "y.npy", "--criterion", "ce"];
    let found = |row, label| {
        format!("y.npy: row {row}: expected a class from 0 to 2 or -100 (ignored), found {label}")
    };
    let ignored = |label| format!("if {label} marks rows to leave out, give --ignore-index {label}");
    for (labels, row, hint) in [
        ([1, 2, 3, 1], 2, FROM_1.to_owned()),
        ([1, 0, 3, 1], 2, ignored(3)),
        ([1, 2, 4, 3], 2, ignored(4)),
        ([0, 255, 1, 2], 1, ignored(255)),
        ([0, 255, 0, 255], 1, ignored(255)),
        ([0, 2, 0, 254], 3, ignored(254)),
        ([1, 2, 3, -1], 2, FROM_1.to_owned()),
        // What is left out is no label.
        ([1, 2, 3, -100], 2, FROM_1.to_owned()),
        (
            [0, 127, -100, 254],
            1,
            "all labels are multiples of 127: divide them by 127 if that is how classes were saved"
                .to_owned(),
        ),
        (
            [0, 127, 254, 0],
            1,
            "all labels are multiples of 127: divide them by 127 if that is how classes were saved"
                .to_owned(),
        ),
    ] {
        folder.file("y.npy", npy_i64(&[4], &labels));
        refused(&folder, &args, &found(row, labels[row]), Some(&hint));
    }
    // Black and white.
    folder.file("x.npy", npy_f64(&[4, 2], &[0.0; 8]));
    folder.file("y.npy", npy_i64(&[4], &[0, 255, 0, 255]));
    let hint = "all labels are multiples of 255: divide them by 255 if that is how classes were saved";
    refused(
        &folder,
        &args,
        "y.npy: row 1: expected a class from 0 to 1 or -100 (ignored), found 255",
        Some(hint),
    );
}

#[test]
fn a_label_past_the_last_class_may_be_padding() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 12, 5], &[0.0; 180]));
    let args = ["loss", "x.npy", "--labels", "y.npy", "--blank", "last"];
    let labels = |padding: i64, zero: i64| [1, 2, 3, 1, 2, 3, padding, padding, zero, 1, 2, padding];
    let found = |label, place| format!("y.npy: {place}: expected a class from 0 to 4, found {label}");
    folder.file("y.npy", npy_i64(&[3, 4], &labels(5, 0)));
    let hint = "if this is padding, give --label-lengths: they are (labels != 5).sum(axis=1)";
    refused(&folder, &args, &found(5, "item 1, position 2"), Some(hint));
    // They were given.
    let given = [&args[..], &["--label-lengths", "4,3,4"]].concat();
    refused(&folder, &given, &found(5, "item 1, position 2"), None);
    folder.file("y.npy", npy_i64(&[3, 4], &[1, 2, 3, 1, 5, 3, 2, 1, 3, 1, 2, 3]));
    refused(&folder, &args, &found(5, "item 1, position 0"), Some(FROM_1));
    // Nor is padding with another one.
    for padding in [0, -1, -100] {
        folder.file("y.npy", npy_i64(&[3, 4], &[1, 2, 3, 2, 1, 5, padding, padding, 3, 1, padding, padding]));
        refused(&folder, &args, &found(5, "item 1, position 1"), Some(FROM_1));
    }
    // Neither is what lies behind the lengths.
    folder.file("y.npy", npy_i64(&[3, 4], &[1, 2, 3, -1, 1, 5, 3, 2, 3, 1, -1, -1]));
    refused(
        &folder,
        &[&args[..], &["--label-lengths", "3,4,2"]].concat(),
        &found(5, "item 1, position 1"),
        Some(FROM_1),
    );
}

/// What all labels tell is asked for once, however many are wrong.
#[test]
fn a_quarter_million_wrong_labels_are_one_error() {
    let folder = Folder::new();
    let items = 1 << 18;
    folder.file("x.npy", npy_f64(&[items, 1, 3], &vec![0.0; 3 * items]));
    folder.file("y.txt", "7\n".repeat(items));
    let error = "y.txt: item 0, line 1, column 1: expected a class from 0 to 2, found 7";
    refused(&folder, &["loss", "x.npy", "--labels", "y.txt", "--layout", "ntc"], error, None);
}

/// A look at each column once.
#[test]
fn a_table_of_many_columns_is_no_list_of_classes() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 4], &[0.0; 12]));
    let line = format!("{}\n", vec!["1.5"; 100_000].join(","));
    folder.file("y.txt", line.repeat(3));
    let (code, text) = said(&folder, &["loss", "x.npy", "--labels", "y.txt"]);
    assert!(code == Some(2) && text.contains("a line has 100000 values"), "{text}");
}

/// What is the blank, in labels of which each is one too many or one too few.
#[test]
fn labels_that_are_the_blank_are_counted_up_or_down() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[12, 5], &[0.0; 60]));
    let (other, up, down) = (
        "give --blank if another class is the blank",
        ", or add 1 to each label if they are numbered without it",
        ", or subtract 1 from each label if they count from 1",
    );
    for (labels, blank, position, hint) in [
        ([1, 2, 4, 3], "last", 2, format!("{other}{down}")),
        ([1, 0, 4, 3], "last", 2, other.to_owned()),
        ([1, 0, 3, 2], "0", 1, format!("{other}{up}")),
        ([1, 0, 4, 2], "0", 1, other.to_owned()),
        ([1, 0, 4, 2], "2", 3, other.to_owned()),
    ] {
        folder.file("y.txt", labels.map(|label| label.to_string()).join(" "));
        let error = format!(
            "y.txt: item 0, line 1, column {}: expected a label that is not the blank, found {}",
            2 * position + 1,
            labels[position]
        );
        refused(&folder, &["loss", "x.npy", "--labels", "y.txt", "--blank", blank], &error, Some(&hint));
    }
}

/// Of 20 rows of a classifier, the last label is missing.
#[test]
fn nearly_as_many_labels_as_rows_may_be_classes_of_rows() {
    let folder = Folder::new();
    let labels: Vec<i64> = (0..20).map(|row| row % 3).collect();
    let missing = "; if these are one class per row, there are 19 labels for 20 rows\n";
    let superfluous = "; if these are one class per row, drop the axis of size 1: x[:, 0]\n";
    for (shape, count, end) in [
        (vec![20, 3], 19, missing),
        (vec![20, 1, 3], 20, superfluous),
        (vec![20, 3], 17, "\n"),
        (vec![15, 3], 14, "\n"),
    ] {
        folder.file("x.npy", npy_f64(&shape, &vec![0.5; shape.iter().product()]));
        folder.file("y.npy", npy_i64(&[count], &labels[..count]));
        let args = ["loss", "x.npy", "--labels", "y.npy"];
        let (code, text) = said(&folder, &args);
        let hint = "hint: give --label-lengths if it is padding, or --blank if another class is the blank";
        assert!(code == Some(2) && text.ends_with(&format!("{hint}{end}")), "{shape:?}: {text}");
        let (_, text) = said(&folder, &[&args[..], &["--criterion", "ctc"]].concat());
        assert!(text.ends_with(&format!("{hint}\n")), "{text}");
    }
}

#[test]
fn a_batch_with_nearly_as_many_labels_as_rows_may_be_a_classifiers() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 20, 3], &[0.5; 240]));
    for (labels, end) in
        [(19, "; if these are one class per row, there are 19 labels for 20 rows\n"), (15, "\n")]
    {
        let values: Vec<i64> = (0..4 * labels as i64).map(|at| (at + 1) % 3).collect();
        folder.file("y.npy", npy_i64(&[4, labels], &values));
        let (code, text) = said(&folder, &["loss", "x.npy", "--labels", "y.npy"]);
        let hint = "hint: give --label-lengths if it is padding, or --blank if another class is the blank";
        assert!(code == Some(2) && text.ends_with(&format!("{hint}{end}")), "{labels}: {text}");
    }
}

#[test]
fn a_label_less_than_positions_is_a_next_token() {
    let folder = Folder::new();
    for (shape, axis, labels, hint) in [
        ([4, 9, 5], "-1", [4, 8], Some("leave out each item's last position")),
        ([4, 5, 9], "1", [4, 8], Some("leave out each item's last position")),
        ([4, 9, 5], "-1", [4, 7], None),
    ] {
        folder.file("x.npy", npy_f64(&shape, &[0.5; 180]));
        folder.file("y.npy", npy_i64(&labels, &vec![1; labels[0] * labels[1]]));
        let (code, text) = said(&folder, &["loss", "x.npy", "--labels", "y.npy", "--class-axis", axis]);
        assert_eq!(code, Some(2));
        assert_eq!(
            text.contains("one label fewer than positions: of a language model, "),
            hint.is_some(),
            "{text}"
        );
        assert!(text.contains(hint.unwrap_or_default()), "{text}");
    }
}

#[test]
fn tables_of_labels_are_cut_to_what_may_be_the_class() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 5], &[0.0; 20]));
    for (table, hint) in [
        ("0,2,0.9\n1,1,0.8\n2,0,0.7\n3,1,0.9\n", "keep only the class, as cut -d, -f2 does"),
        ("17,2,0.9\n12,1,0.8\n20,0,0.7\n31,1,0.9\n", "keep only the class, as cut -d, -f2 does"),
        ("0,2,1\n1,1,1\n2,0,0\n3,1,1\n", "keep only the class, one of the columns 2, 3, as cut -d, -f2 does"),
        ("0,2,15\n1,1,18\n2,0,11\n3,1,19\n", "keep only the class, as cut -d, -f2 does"),
        ("2,0.9\n1,0.8\n0,0.7\n1,0.9\n", "keep only the class, as cut -d, -f1 does"),
        ("id,name\n0,cat\n1,dog\n2,cat\n3,cat\n", "keep only the class, as cut -d, -f2 does"),
        (
            "0,.05,.05,.1,.1,.7\n1,.1,.1,.1,.6,.1\n2,.1,.1,.6,.1,.1\n3,.1,.1,.3,.3,.2\n",
            "behind a name or number, remove that: cut -d, -f2-",
        ),
    ] {
        folder.file("y.txt", table);
        let (code, text) = said(&folder, &["loss", "x.npy", "--labels", "y.txt"]);
        assert!(code == Some(2) && text.ends_with(&format!("{hint}\n")), "{table}: {text}");
    }
}

#[test]
fn class_probabilities_with_classes_on_another_axis_are_told() {
    let folder = Folder::new();
    for (logits, labels, hint) in [
        (vec![4, 3], vec![3, 4], "their axes are swapped: save labels.T"),
        (
            vec![2, 3, 4, 5],
            vec![2, 4, 5, 3],
            "their classes must be on axis 1: numpy.moveaxis(labels, -1, 1)",
        ),
    ] {
        folder.file("x.npy", npy_f64(&logits, &vec![0.5; logits.iter().product()]));
        folder.file("y.npy", npy_f64(&labels, &vec![0.25; labels.iter().product()]));
        for criterion in [&[][..], &["--criterion", "ce"]] {
            let args = [&["loss", "x.npy", "--labels", "y.npy"], criterion].concat();
            let (code, text) = said(&folder, &args);
            let end = format!("hint: if these are class probabilities, {hint}\n");
            assert!(code == Some(2) && text.ends_with(&end), "{logits:?}: {text}");
        }
    }
}

/// The columns of a table have names, and the classes have the same in another order.
#[test]
fn columns_in_another_order_than_class_names_are_told() {
    let folder = Folder::new();
    folder.file("names.txt", "cat\ndog\nbird\n");
    folder.file("y.txt", "cat\nbird\n");
    for (columns, told) in [("cat,dog,bird", false), ("bird,cat,dog", true), ("cat,dog,cow", false)] {
        folder.file("x.csv", format!("{columns}\n1.5,2,3\n3,2,1.5\n"));
        let args = ["loss", "x.csv", "--headers", "--labels", "y.txt", "--alphabet", "names.txt"];
        let result = json(ctctool().current_dir(folder.path()).args(args));
        assert_eq!(warnings(&result).contains(&"column_names"), told, "{columns}: {result}");
    }
}

/// Scores of two classes in one, and an axis too many.
#[test]
fn scores_of_one_class_and_axes_of_one_are_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 4, 3], &[0.0; 24]));
    folder.file("mask.npy", npy_i64(&[2, 4, 3], &[0, 1].repeat(12)));
    folder.file("z.npy", npy_f64(&[8, 3, 1], &[0.0; 24]));
    folder.file("y.npy", npy_i64(&[8], &[0, 1].repeat(4)));
    let hint = |args: &[&str]| said(&folder, &[&["loss"], args].concat()).1;
    assert!(hint(&["x.npy", "--labels", "mask.npy"]).contains("; a single score per row is a sigmoid's"));
    assert!(hint(&["z.npy", "--labels", "y.npy"]).ends_with("drop the axis of size 1: x[..., 0]\n"));
}
