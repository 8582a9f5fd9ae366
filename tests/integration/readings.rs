//! What a network reads against what is said of it: labels, lengths, references, the blank.

use crate::alphabets::sure;
use crate::mistakes_in_files::{message, result};
use crate::support::{Folder, npy_f64};

/// References in another spelling are told by whatever has texts to compare with them.
#[test]
fn references_written_otherwise_are_told_by_decode() {
    let folder = Folder::new();
    // "ab cd", "dc ba", "da cb".
    let texts = [[1, 2, 5, 3, 4], [4, 3, 5, 2, 1], [4, 1, 5, 3, 2]];
    folder.file("x.npy", npy_f64(&[3, 5, 6], &texts.map(|text| sure(&text, 6)).concat()));
    folder.file("names", "-\na\nb\nc\nd\n \n");
    let told = |references: &str| {
        folder.file("refs", references);
        let args = ["decode", "x.npy", "--layout", "ntc", "--alphabet", "names", "--refs", "refs"];
        message(&result(&folder, &args), "other_spelling")
    };
    assert_eq!(told("ab cd\ndc ba\nda cb\n"), None);
    assert!(told("dc ba\nab cd\nbc ad\n").unwrap().contains("in reverse order"));
}

/// A network that is sure of other labels has others than these; random numbers are sure of nothing.
#[test]
fn labels_that_a_network_does_not_see_are_told() {
    let folder = Folder::new();
    let texts = [[1, 0, 2, 0, 3, 3, 0, 4], [4, 0, 3, 0, 2, 2, 0, 1], [2, 0, 2, 0, 1, 1, 0, 3]];
    let logits = texts.map(|text| sure(&text, 6)).concat();
    folder.file("x.npy", npy_f64(&[3, 8, 6], &logits));
    folder.file("vague.npy", npy_f64(&[3, 8, 6], &logits.iter().map(|x| x / 9.0).collect::<Vec<_>>()));
    let told = |matrix: &str, labels: &str, more: &[&str]| {
        folder.file("y", labels);
        let args = ["loss", matrix, "--layout", "ntc", "--labels", "y", "--criterion", "ctc"];
        message(&result(&folder, &[&args[..], more].concat()), "improbable_labels")
    };
    let (right, other) = ("1 2 3 4\n4 3 2 1\n2 2 1 3\n", "4 3 2 1\n2 2 1 3\n1 2 3 4\n");
    assert_eq!(told("x.npy", right, &[]), None);
    let found = told("x.npy", other, &[]).unwrap();
    assert!(
        found.starts_with("x.npy#0: each of its labels costs ") && found.contains("2 other items"),
        "{found}"
    );
    assert_eq!(told("vague.npy", other, &[]), None);
    // One of three is a mistake of one.
    assert_eq!(told("x.npy", "4 3 2 1\n4 3 2 1\n2 2 1 3\n", &[]), None);
}

/// Where several classes win as many frames, none is rather the blank than the others.
#[test]
fn classes_that_win_alike_are_no_blanks() {
    let folder = Folder::new();
    let told = |winners: &[usize]| {
        folder.file("x.npy", npy_f64(&[winners.len(), 5], &sure(winners, 5)));
        let result = result(&folder, &["decode", "x.npy"]);
        message(&result, "blank_not_most_frequent").or_else(|| message(&result, "blank_wins_no_frame"))
    };
    // Each base lasts three frames, and a blank is between some.
    assert_eq!(told(&[1, 1, 1, 2, 2, 2, 0, 4, 4, 4, 3, 3, 3, 0, 2, 2, 2, 1, 1, 1]), None);
    assert!(told(&[4, 4, 1, 4, 4, 2, 4, 4, 0, 4, 4, 3, 4]).unwrap().contains("give --blank 4"));
}

/// Lengths in another unit leave out what the network reads; padding leaves out nothing.
#[test]
fn lengths_that_leave_out_what_is_read_are_told() {
    let folder = Folder::new();
    let read = sure(&[1, 0, 2, 0, 3, 0, 1, 0, 2, 0, 3, 0], 4);
    let used = [1, 0, 2, 0, 3, 0];
    let padded = [sure(&used, 4), sure(&[0; 6], 4)].concat();
    // What a network makes of nothing: one class on and on, after the end of what it read last.
    let drawn = [sure(&used[..5], 4), sure(&[3, 3, 2, 2, 2, 2, 0], 4)].concat();
    let told = |command: &str, values: &[f64]| {
        folder.file("x.npy", npy_f64(&[2, 12, 4], &[values, values].concat()));
        folder.file("y", "1 2\n1 2\n");
        let labels: &[&str] = if command == "decode" { &[] } else { &["--labels", "y"] };
        let args = [&[command, "x.npy", "--layout", "ntc", "--lengths", "6,5"][..], labels].concat();
        message(&result(&folder, &args), "unused_frames")
    };
    for command in ["loss", "align", "decode"] {
        let found = told(command, &read).unwrap();
        let expected =
            "x.npy: the longest item uses 6 of 12 frames, but in 2 of the first 2 items more is read";
        assert!(found.starts_with(expected), "{found}");
        assert_eq!(told(command, &padded), None, "{command}");
        assert_eq!(told(command, &drawn), None, "{command}");
    }
}

/// One word in another of Unicode's forms is as wrong as many.
#[test]
fn a_word_in_another_normal_form_is_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[6, 5], &sure(&[1, 2, 0, 3, 2, 4], 5)));
    folder.file("names", "-\na\né\n \nb\n");
    let told = |text: &str| {
        folder.file("refs", text);
        message(&result(&folder, &["decode", "x.npy", "--alphabet", "names", "--refs", "refs"]), "unwritable")
    };
    let many = "aé aé aé aé aé aé aé aé aé aé";
    assert_eq!(told(&format!("{many}\n")), None);
    assert_eq!(told(&format!("{many} ax\n")), None);
    assert!(told(&format!("{many} ae\u{301}\n")).unwrap().starts_with("refs: 1 word can't be spelled"));
}

/// Labels that are there, but are not all that there is.
#[test]
fn an_alignment_that_leaves_much_out_is_told() {
    let folder = Folder::new();
    let text: Vec<usize> = (0..60).map(|at| if at % 2 == 0 { 1 + at / 2 % 3 } else { 0 }).collect();
    folder.file("x.npy", npy_f64(&[60, 4], &sure(&text, 4)));
    let labels: Vec<String> = text.iter().filter(|&&class| class > 0).map(usize::to_string).collect();
    let told = |labels: &[String]| {
        folder.file("y", labels.join(" ") + "\n");
        message(&result(&folder, &["align", "x.npy", "--labels", "y"]), "improbable_labels")
    };
    assert_eq!(told(&labels), None);
    assert_eq!(told(&labels[2..]), None);
    assert_eq!(told(&labels[..0]), None);
    let found = told(&labels[20..]).unwrap();
    // Each of twenty labels costs 9 nats, spread over ten; the blank takes a frame that it does not win.
    assert!(
        found.starts_with("x.npy: the best path without labels is more probable, by 18.0 nats per label"),
        "{found}"
    );
}
