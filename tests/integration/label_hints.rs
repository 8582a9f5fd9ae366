//! How to go on after labels that can't be right: what all of them tell.

use crate::messages::refused;
use crate::support::{Folder, npy_f64, npy_i64};

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
