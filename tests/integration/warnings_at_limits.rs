//! Warnings at the limits of what they tell: just beyond they are told, and just within they are not.

use crate::messages::{refused, said};
use crate::mistakes_in_files::{message, result};
use crate::support::{Folder, npy_f64, npy_i64};

fn has(folder: &Folder, args: &[&str], code: &str) -> bool {
    message(&result(folder, args), code).is_some()
}

/// Rows of so many classes in each of which one wins.
fn won_by(classes: usize, winners: &[usize]) -> String {
    let score = |class, winner| if class == winner { "3.5" } else { "0.5" };
    let row = |winner| (0..classes).map(|class| score(class, winner)).collect::<Vec<_>>().join(",") + "\n";
    winners.iter().map(|&winner| row(winner)).collect()
}

#[test]
fn labels_that_may_end_so_by_themselves_are_no_padding() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 9, 4], &[0.0; 144]));
    let args = ["loss", "x.npy", "--labels", "y.npy", "--blank", "3"];
    let told = |rows: [[i64; 4]; 4]| {
        folder.file("y.npy", npy_i64(&[4, 4], &rows.concat()));
        has(&folder, &args, "label_padding")
    };
    assert!(told([[1, 0, 1, 2], [1, 2, 0, 0], [1, 2, 0, 0], [1, 0, 0, 0]]));
    // 0 is within a row too, and ends only half of them.
    assert!(!told([[1, 0, 1, 2], [1, 2, 1, 2], [1, 2, 0, 0], [1, 0, 0, 0]]));
    // One row is not several.
    assert!(!told([[1, 2, 1, 2], [1, 2, 1, 2], [1, 2, 1, 2], [1, 0, 0, 0]]));
}

#[test]
fn probabilities_may_miss_one_by_what_rounding_does() {
    let folder = Folder::new();
    folder.file("x.csv", "0.5,1.5\n");
    for (sum, told) in [(1.0007, false), (0.9993, false), (1.0015, true), (0.9985, true)] {
        folder.file("y.npy", npy_f64(&[1, 2], &[0.5, sum - 0.5]));
        let loss = ["loss", "x.csv", "--labels", "y.npy"];
        assert_eq!(has(&folder, &loss, "targets_not_normalised"), told, "{sum}");
    }
    // Two decimals may be off by more, and are asked for.
    for (sum, asked) in
        [(1.015, "were they rounded?"), (1.03, "are these logits, or are the classes on another axis?")]
    {
        folder.file("x.npy", npy_f64(&[2, 2], &[0.5, 0.5, 0.5, sum - 0.5]));
        let found = message(&result(&folder, &["decode", "x.npy", "--input", "probs"]), "not_normalised");
        assert!(found.as_ref().is_some_and(|found| found.contains(asked)), "{sum}: {found:?}");
    }
    folder.file("y", "1\n");
    for (sum, told) in [(1.015, true), (1.03, false)] {
        folder.file("x.npy", npy_f64(&[1, 2], &[0.5, sum - 0.5]));
        let loss = ["loss", "x.npy", "--labels", "y", "--criterion", "ce"];
        assert_eq!(has(&folder, &loss, "looks_like_probs"), told, "{sum}");
    }
}

/// Whichever thread takes which items.
#[test]
fn the_first_row_that_does_not_sum_to_one_is_named() {
    let folder = Folder::new();
    let mut values = [0.5; 24];
    folder.file("y", "1\n1\n1\n");
    for (bad, first, count) in [
        (&[6, 8, 20][..], "item 0, frame 3", 3),
        (&[2, 8], "item 0, frame 1", 2),
        (&[22], "item 2, frame 3", 1),
    ] {
        values.fill(0.5);
        for &at in bad {
            values[at] = 0.7;
        }
        folder.file("x.npy", npy_f64(&[3, 4, 2], &values));
        let options = ["--layout", "ntc", "--input", "probs", "--threads", "2"];
        for command in [&["loss", "x.npy", "--labels", "y"][..], &["decode", "x.npy"]] {
            let found = message(&result(&folder, &[command, &options].concat()), "not_normalised").unwrap();
            let verb = if count == 1 { "row does" } else { "rows do" };
            let told = format!("x.npy: {count} {verb} not sum to 1 (the first, {first}, sums to 1.2)");
            assert!(found.starts_with(&told), "{found}");
        }
    }
}

#[test]
fn as_many_equal_frames_as_there_are_look_like_padding() {
    let folder = Folder::new();
    folder.file("y", "1\n");
    for (equal, told) in [(2, false), (3, true), (8, false)] {
        let values: Vec<f64> = (0..8).flat_map(|t| [0.0, f64::from((t + 1).min(9 - equal)), 0.5]).collect();
        folder.file("x.npy", npy_f64(&[8, 3], &values));
        let found = message(&result(&folder, &["loss", "x.npy", "--labels", "y"]), "padding_counted");
        let expected = "x.npy: its last 3 of 8 frames are identical: if that is padding, give --lengths";
        assert_eq!(found.as_deref(), told.then_some(expected), "{equal}");
    }
}

/// NaN is padding where there are several items, and nobody said how long they are.
#[test]
fn padding_is_suspected_only_where_there_can_be_some() {
    let folder = Folder::new();
    folder.file("batch.npy", npy_f64(&[2, 5, 3], &[f64::NAN; 30]));
    folder.file("one.npy", npy_f64(&[5, 3], &[f64::NAN; 15]));
    folder.file("y", "1\n1\n");
    folder.file("y1", "1 2\n");
    for (args, suspected) in [
        (&["batch.npy", "--labels", "y", "--layout", "ntc"][..], true),
        (&["batch.npy", "--labels", "y", "--layout", "ntc", "--lengths", "5,5"], false),
        (&["one.npy", "--labels", "y1"], false),
    ] {
        let (code, stderr) = said(&folder, &[&["loss"], args].concat());
        assert_eq!((code, stderr.contains("hint: if this is padding")), (Some(2), suspected), "{stderr}");
        assert!(stderr.contains("--nonfinite propagate"), "{stderr}");
    }
}

#[test]
fn labels_far_fewer_than_rows_are_those_of_ctc() {
    let folder = Folder::new();
    folder.file("x.csv", won_by(5, &[0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4]));
    for (labels, told) in [(12, false), (17, false), (18, true)] {
        folder.file("y", "1 2 3 4 ".repeat(5)[..2 * labels].to_owned() + "\n");
        assert_eq!(has(&folder, &["loss", "x.csv", "--labels", "y"], "labels_of_rows"), told, "{labels}");
    }
}

/// Of 20 frames: what wins no more than half of them is no blank, whatever the labels.
#[test]
fn a_blank_is_what_wins_more_than_half() {
    let folder = Folder::new();
    folder.file("y", "2 3\n");
    let loss = ["loss", "x.csv", "--labels", "y", "--criterion", "ctc"];
    let told = |ones: usize| {
        let others = [2, 3, 4].into_iter().cycle().take(18 - ones);
        folder.file(
            "x.csv",
            won_by(5, &[0, 0].into_iter().chain([1].repeat(ones)).chain(others).collect::<Vec<_>>()),
        );
        has(&folder, &loss, "blank_not_most_frequent")
    };
    assert!(!told(8) && !told(10) && told(12));
}

/// Of 24 frames a class that is no label wins ten, and the blank hardly one.
#[test]
fn a_blank_is_what_wins_a_third_and_is_no_label() {
    let folder = Folder::new();
    let loss = ["loss", "x.csv", "--labels", "y", "--criterion", "ctc"];
    for (labels, ones, blanks, told) in [
        ("2 3 4 2 3 4 2 3 4 2\n", 10, 1, true),
        ("2 3 4 2 3 4 2 3 4\n", 10, 1, false),
        ("2 3 4 2 1 4 2 3 4 2\n", 10, 1, false),
        ("2 3 4 2 3 4 2 3 4 2\n", 8, 1, false),
        ("2 3 4 2 3 4 2 3 4 2\n", 10, 3, false),
    ] {
        folder.file("y", labels);
        let others = [2, 3, 4].into_iter().cycle().take(24 - ones - blanks);
        let winners: Vec<usize> =
            [0].repeat(blanks).into_iter().chain([1].repeat(ones)).chain(others).collect();
        folder.file("x.csv", won_by(5, &winners));
        assert_eq!(has(&folder, &loss, "blank_not_most_frequent"), told, "{labels} {ones} {blanks}");
    }
}

#[test]
fn a_blank_that_wins_as_much_as_another_class_is_one() {
    let folder = Folder::new();
    let decode = ["decode", "x.csv", "--blank", "2"];
    for winners in [[0, 2, 0, 2], [2, 0, 2, 0], [2, 2, 3, 3]] {
        folder.file("x.csv", won_by(4, &winners));
        let found = result(&folder, &decode);
        assert_eq!(message(&found, "blank_not_most_frequent"), None, "{winners:?}");
    }
    folder.file("x.csv", won_by(4, &[0, 2, 0, 2, 0]));
    assert!(has(&folder, &decode, "blank_not_most_frequent"));
}

#[test]
fn a_few_rows_that_count_are_numbers_like_others() {
    let folder = Folder::new();
    for (rows, told) in [(2, false), (3, false), (4, true)] {
        folder.file("x.csv", (0..rows).map(|row| format!("{row},0.5,0.25\n")).collect::<String>());
        assert_eq!(has(&folder, &["decode", "x.csv"], "row_numbers"), told, "{rows}");
    }
}

#[test]
fn few_lines_or_words_tell_nothing_of_names_or_spelling() {
    let folder = Folder::new();
    let eval = ["eval", "texts", "other"];
    let told = |texts: &str, other: &str, code: &str| {
        folder.file("texts", texts);
        folder.file("other", other);
        has(&folder, &eval, code)
    };
    let named = "utt-1 the cat\nutt-2 the dog\n";
    assert!(!told(named, named, "item_names"));
    let named = format!("{named}utt-3 the hen\n");
    assert!(told(&named, &named, "item_names"));
    // Numbers of lines begin with 0 or 1.
    for (first, names) in [(0, true), (1, true), (2, false), (5, false)] {
        let lines: String = (first..first + 3).map(|number| format!("{number} of them\n")).collect();
        assert_eq!(told(&lines, &lines, "item_names"), names, "{first}");
    }
    let (lower, two) = ("a b c d\n", "A B c d\n");
    assert!(!told(lower, "A b c d\n", "other_case") && !told(lower, two, "other_case"));
    assert!(told(lower, "A B C d\n", "other_case"));
    for (words, spelling) in [(19, false), (20, true)] {
        let text = "word ".repeat(words);
        let text = text.trim_end();
        assert_eq!(told(text, &format!("{text}."), "other_spelling"), spelling, "{words}");
    }
}

#[test]
fn labels_of_little_confidence_are_improbable_from_one_in_a_hundred_down() {
    let folder = Folder::new();
    folder.file("y", "1\n");
    for (probability, told) in [(0.015, false), (0.009, true)] {
        folder.file("x.npy", npy_f64(&[1, 2], &[1.0 - probability, probability]));
        let align = ["align", "x.npy", "--labels", "y", "--input", "probs"];
        assert_eq!(has(&folder, &align, "improbable_labels"), told, "{probability}");
    }
}

#[test]
fn frames_of_a_second_are_long_and_of_more_than_a_thousand_refused() {
    let folder = Folder::new();
    folder.file("x.csv", "0,2\n");
    let decode = ["decode", "x.csv", "--timestamps", "--frame-shift"];
    for (shift, told) in [("0.999", false), ("1", true), ("1000", true)] {
        assert_eq!(has(&folder, &[&decode[..], &[shift]].concat(), "long_frames"), told, "{shift}");
    }
    for shift in ["1000.5", "inf"] {
        let expected = "expected seconds, above 0 and at most 1000";
        let error = format!("invalid value '{shift}' for '--frame-shift <SECONDS>': {expected}");
        refused(&folder, &[&decode[..], &[shift]].concat(), &error, Some("see 'ctctool decode --help'"));
    }
}
