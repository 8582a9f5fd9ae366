//! Numbers and labels that hardly are what they are taken for, in files that are as they should be.

use serde_json::Value;

use crate::inspect::{codes, inspect};
use crate::messages::said;
use crate::random::Random;
use crate::support::{Folder, ctctool, json, npy_f32, npy_f64, npy_i64, warnings};

fn run(folder: &Folder, args: &[&str]) -> Value {
    json(ctctool().current_dir(folder.path()).args(args))
}

/// Probabilities of rows of `classes`, of which one is most likely, in steps of which there are so many from 0 to 1.
fn probabilities(rows: usize, classes: usize, steps: f64) -> Vec<f64> {
    let mut random = Random::new(17);
    let row = |_| {
        let mut scores: Vec<f64> = (0..classes).map(|_| 1.2 * random.normal()).collect();
        scores[random.below(classes as u32) as usize] += 6.0;
        let sum: f64 = scores.iter().map(|score| score.exp()).sum();
        scores.into_iter().map(move |score| (score.exp() / sum * steps).round() / steps).collect::<Vec<f64>>()
    };
    (0..rows).flat_map(row).collect()
}

/// As an exported table has them, or a network in 8 bits.
#[test]
fn probabilities_in_few_steps_are_told_from_logits() {
    let folder = Folder::new();
    folder.file("y.txt", "1 2 3 1\n");
    for (classes, steps) in [(7, 100.0), (40, 255.0), (40, 256.0), (97, 256.0), (97, 100.0)] {
        let values = probabilities(60, classes, steps);
        let far = values.chunks(classes).filter(|row| (row.iter().sum::<f64>() - 1.0).abs() > 0.02).count();
        assert!(far > 0, "rows that sum to 1 are no test: {classes} {steps}");
        folder.file("x.npy", npy_f32(&[60, classes], &values));
        let loss = run(&folder, &["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc"]);
        assert!(
            loss["warnings"].to_string().contains("sum to 1 but for rounding, with no negative value"),
            "{loss}"
        );
        let args = ["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc", "--input", "probs"];
        assert!(
            run(&folder, &args)["warnings"].to_string().contains("were they rounded?"),
            "{classes} {steps}"
        );
        assert_eq!(inspect(&folder, &["x.npy"])["summary"]["looks_like"], "probs", "{classes} {steps}");
        // As far from 1, and in no steps.
        let other: Vec<f64> = values.iter().map(|x| if *x > 0.5 { x * 0.9371 } else { x * 1.0123 }).collect();
        folder.file("x.npy", npy_f32(&[60, classes], &other));
        assert_eq!(inspect(&folder, &["x.npy"])["summary"]["looks_like"], "logits", "{classes} {steps}");
    }
    let percentages: Vec<f64> = probabilities(60, 7, 1e6).iter().map(|x| 100.0 * x).collect();
    folder.file("x.npy", npy_f64(&[60, 7], &percentages));
    let loss =
        run(&folder, &["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc", "--input", "probs"]);
    assert!(loss["warnings"].to_string().contains("if these are percentages, divide them by 100"), "{loss}");
}

#[test]
fn whole_numbers_are_hardly_scores() {
    let folder = Folder::new();
    let mut random = Random::new(4);
    let scores: Vec<f64> = (0..90).map(|_| f64::from(random.below(255)) - 128.0).collect();
    let one_hot: Vec<f64> = (0..90).map(|at| f64::from(u8::from(at % 3 == at / 3 % 3))).collect();
    let fractions: Vec<f64> =
        scores.iter().enumerate().map(|(at, x)| x + 0.5 * f64::from(u8::from(at == 60))).collect();
    folder.file("y.txt", "1 2 1\n");
    for (values, rows, told) in
        [(&scores, 30, true), (&scores, 15, false), (&one_hot, 30, false), (&fractions, 30, false)]
    {
        folder.file("x.npy", npy_f64(&[rows, 3], &values[..3 * rows]));
        let results = [
            run(&folder, &["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc"]),
            run(&folder, &["decode", "x.npy", "--beam", "5"]),
            run(&folder, &["align", "x.npy", "--labels", "y.txt"]),
        ];
        for result in results {
            assert_eq!(warnings(&result).contains(&"whole_numbers"), told, "{rows}: {result}");
        }
        assert_eq!(codes(&inspect(&folder, &["x.npy"])).contains(&"whole_numbers"), told, "{rows}");
    }
    // As integers of 8 bits they are told for that already.
    let bytes: Vec<u8> = scores.iter().map(|x| (*x as i8).cast_unsigned()).collect();
    folder.file("x.npy", crate::support::npy_bytes("|i1", false, &[30, 3], &bytes));
    assert!(!codes(&inspect(&folder, &["x.npy"])).contains(&"whole_numbers"));
    let found = run(&folder, &["decode", "x.npy"]);
    assert!(
        warnings(&found).contains(&"small_integers") && !warnings(&found).contains(&"whole_numbers"),
        "{found}"
    );
}

/// Counted as what is not 0, where 0 is a class.
#[test]
fn labels_behind_their_length_are_told_from_padding() {
    let folder = Folder::new();
    let mut random = Random::new(8);
    let scores: Vec<f64> = (0..3 * 12 * 5).map(|_| random.normal()).collect();
    folder.file("x.npy", npy_f64(&[3, 12, 5], &scores));
    let codes_of = |labels: [[i64; 4]; 3], lengths: &str| {
        folder.file("y.npy", npy_i64(&[3, 4], labels.as_flattened()));
        let args = ["x.npy", "--labels", "y.npy", "--label-lengths", lengths, "--blank", "last"];
        let loss = run(&folder, &[&["loss"], &args[..]].concat());
        let found = inspect(&folder, &args)["summary"]["findings"].to_string();
        let is_told = found.contains("labels_left_out");
        assert_eq!(warnings(&loss).contains(&"labels_left_out"), is_told, "{loss}");
        is_told.then(|| loss["warnings"].to_string())
    };
    for padding in [0, -1, 4, 99] {
        let labels = [[1, 0, 3, 2], [1, 2, padding, padding], [0, 2, 1, padding]];
        assert_eq!(codes_of(labels, "4,2,3"), None, "{padding}");
        let message = codes_of(labels, "3,2,2").unwrap();
        assert!(
            message.contains(
                "2 rows have labels behind the length in --label-lengths, besides padding; the first is 2, item 0, position 3"
            ),
            "{message}"
        );
        assert!(codes_of(labels, "4,2,2").unwrap().contains("1 row has labels"), "{padding}");
        assert!(codes_of(labels, "2,1,2").unwrap().contains("3 rows have labels"), "{padding}");
    }
    // What lies there most is padding, whatever its place.
    let message = codes_of([[1, 2, 0, 0], [1, 2, 3, 3], [1, 2, 3, 1]], "2,3,4").unwrap();
    assert!(message.contains("the first is 3, item 1, position 3"), "{message}");
    // What was in memory before, and an end behind each text.
    assert_eq!(codes_of([[1, 2, 3, 1], [1, 2, 2, 3], [1, 3, 1, 2]], "2,2,2"), None);
    assert_eq!(codes_of([[1, 2, 3, 0], [1, 3, 0, 0], [1, 2, 2, 3]], "2,1,3"), None);
    // All of one label is what fills rows up.
    assert_eq!(codes_of([[1, 3, 3, 3], [2, 3, 3, 3], [1, 2, 3, 3]], "1,1,2"), None);
    assert_eq!(codes_of([[1, 3, 3, 3], [2, 3, 3, 3], [1, 2, 3, 3]], "1,1,4"), None);
}

#[test]
fn padding_in_text_is_told() {
    let folder = Folder::new();
    let scores: Vec<f64> = (0..9 * 12 * 5).map(|at| f64::from(at % 7) + 0.5).collect();
    folder.file("x.npy", npy_f64(&[9, 12, 5], &scores));
    for (lines, told) in [
        (["1 2 3 1 2", "2 1 0 0 0", "3 1 2 0 0"], true),
        (["1 2 3 1 2", "2 1", "3 1 2"], false),
        (["1 2 3 1 2", "2 0 3 1 0", "3 1 0 0 0"], false),
    ] {
        let text = format!("{}\n", lines.join("\n")).repeat(3);
        folder.file("y.txt", &text);
        let loss = run(&folder, &["loss", "x.npy", "--labels", "y.txt", "--blank", "last"]);
        assert_eq!(warnings(&loss).contains(&"label_padding"), told, "{text}: {loss}");
        let told_how = loss["warnings"].to_string().contains("if that is padding, remove it");
        assert_eq!(told_how, told, "{loss}");
        let found = inspect(&folder, &["x.npy", "--labels", "y.txt", "--blank", "last"]);
        let finding =
            found["summary"]["findings"].as_array().unwrap().iter().find(|f| f["code"] == "label_padding");
        assert_eq!(finding.map(|finding| finding["flag"].is_null()), told.then_some(true), "{found}");
    }
    // Digits of an alphabet are texts.
    folder.file("a.txt", "5\n1\n2\n3\n_\n");
    folder.file("y.txt", "1 1\n2 5\n5 5\n".repeat(3));
    let args =
        ["x.npy", "--labels", "y.txt", "--alphabet", "a.txt", "--blank", "last", "--label-split", "tokens"];
    assert!(!codes(&inspect(&folder, &args)).contains(&"label_padding"));
}

/// All of a line counts as labels where the alphabet has its characters.
#[test]
fn more_than_text_is_told_of_labels_as_of_references() {
    let folder = Folder::new();
    let letters: Vec<String> = ('!'..='~').chain([' ']).map(String::from).collect();
    let classes = letters.len() + 1;
    folder.file("a.json", serde_json::to_string(&letters).unwrap());
    let mut random = Random::new(6);
    let scores: Vec<f64> = (0..3 * 60 * classes).map(|_| random.normal()).collect();
    folder.file("x.npy", npy_f64(&[3, 60, classes], &scores));
    for (lines, code) in [
        (["some text", "more text", "the last"], None),
        (["2024-05-31 some text", "2024-06-01 more text", "2024-06-02 the last"], None),
        (["\"some text\"", "\"more text\"", "\"the last\""], Some("quoted_lines")),
        (["\"some text\"", "more \"text\"", "the last"], None),
        (["{\"text\": \"a\"}", "{\"text\": \"b c\"}", "{\"text\": \"d\"}"], Some("json_lines")),
        (["a_01.png,some text", "a_02.png,more text", "a_03.png,the last"], Some("item_names")),
    ] {
        folder.file("y.txt", lines.join("\n"));
        let rest = ["x.npy", "--alphabet", "a.json", "--layout", "ntc"];
        let results = [
            run(&folder, &[&["loss", "--labels", "y.txt"], &rest[..]].concat()),
            run(&folder, &[&["decode", "--refs", "y.txt"], &rest[..]].concat()),
            run(&folder, &["eval", "y.txt", "y.txt"]),
        ];
        for result in results {
            let found: Vec<&str> = warnings(&result)
                .into_iter()
                .filter(|code| ["quoted_lines", "json_lines", "item_names"].contains(code))
                .collect();
            assert!(found.iter().all(|found| Some(*found) == code), "{lines:?}: {result}");
            assert_eq!(found.is_empty(), code.is_none(), "{lines:?}: {result}");
        }
    }
}

/// An entry is missing in front of it, so every name is another class's.
#[test]
fn an_alphabet_with_the_blank_at_another_place_is_refused() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 5], &[0.5; 20]));
    for (names, blank, place) in
        [("a\nb\nc\n<blank>\n", "last", "class 3"), ("<blk>\na\nb\nc\n", "2", "class 0")]
    {
        folder.file("a.txt", names);
        let (_, errors) = said(&folder, &["decode", "x.npy", "--alphabet", "a.txt", "--blank", blank]);
        assert!(errors.contains("found 4, with '<bl") && errors.contains(place), "{errors}");
        assert!(errors.contains("one entry is missing"), "{errors}");
    }
    // A class of its own, as some networks have.
    folder.file("a.txt", "<pad>\na\nb\nc\n");
    run(&folder, &["decode", "x.npy", "--alphabet", "a.txt", "--blank", "last"]);
}

/// Each item's labels are the next tokens of a language model.
#[test]
fn a_batch_with_nearly_as_many_labels_as_rows_is_told() {
    let folder = Folder::new();
    let mut random = Random::new(12);
    let (items, rows, classes) = (3, 20, 30);
    let scores: Vec<f64> = (0..items * rows * classes).map(|_| random.normal()).collect();
    folder.file("x.npy", npy_f64(&[items, rows, classes], &scores));
    for (labels, end) in [
        (19, Some("which has no next token")),
        (18, Some("give one for each row and --criterion cross-entropy")),
        (17, None),
    ] {
        let values: Vec<i64> = (0..items * labels).map(|at| 1 + (7 * at % 29) as i64).collect();
        folder.file("y.npy", npy_i64(&[items, labels], &values));
        let args = ["loss", "x.npy", "--labels", "y.npy"];
        let result = run(&folder, &args);
        assert_eq!(warnings(&result).contains(&"labels_of_rows"), end.is_some(), "{labels}: {result}");
        assert!(result["warnings"].to_string().contains(end.unwrap_or_default()), "{result}");
        assert!(warnings(&run(&folder, &[&args[..], &["--criterion", "ctc"]].concat())).is_empty());
    }
}

/// `--unk` is for what is not in the alphabet, and the blank is.
#[test]
fn the_blank_among_labels_is_no_unknown() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[30, 4], &[0.0; 120]));
    folder.file("a.txt", "_\na\nb\nc\n");
    let args = ["loss", "x.npy", "--labels", "y.txt", "--alphabet", "a.txt", "--unk", "c"];
    folder.file("y.txt", "ab_cab\n");
    let (_, errors) = said(&folder, &args);
    assert!(
        errors.contains("column 3: expected a token that is not the blank, found '_', class 0"),
        "{errors}"
    );
    // And what is written as the token for unknown is known.
    folder.file("y.txt", "acacacacacxb\n");
    assert!(!warnings(&run(&folder, &args)).contains(&"unknown_labels"));
    folder.file("y.txt", "acacxxxb\n");
    let result = run(&folder, &args);
    assert!(result["warnings"].to_string().contains("3 of 8 labels are not in the alphabet"), "{result}");
}

/// A network may hold the space through a wide gap.
#[test]
fn gaps_between_words_are_not_taken_for_the_blank() {
    let folder = Folder::new();
    // Classes: space, a, b, blank.
    let frames = "10000130000023010000230".as_bytes();
    let mut random = Random::new(2);
    let mut scores: Vec<f64> = (0..4 * frames.len()).map(|_| random.unit()).collect();
    for (row, frame) in scores.chunks_exact_mut(4).zip(frames) {
        row[usize::from(frame - b'0')] += 6.0;
    }
    folder.file("x.npy", npy_f64(&[frames.len(), 4], &scores));
    folder.file("y.txt", "a a b a b \n");
    let decode = |alphabet: &str| {
        folder.file("a.txt", alphabet);
        run(&folder, &["decode", "x.npy", "--alphabet", "a.txt", "--blank", "last"])
    };
    assert!(!warnings(&decode(" \na\nb\n_\n")).contains(&"blank_not_most_frequent"));
    assert!(warnings(&decode("c\na\nb\n_\n")).contains(&"blank_not_most_frequent"));
    let found = inspect(
        &folder,
        &["x.npy", "--labels", "y.txt", "--alphabet", "a.txt", "--blank", "last", "--unk", "c"],
    );
    assert!(!codes(&found).contains(&"blank"), "{found}");
    let found = inspect(&folder, &["x.npy", "--alphabet", "a.txt", "--blank", "last"]);
    assert!(codes(&found).contains(&"blank"), "{found}");
}
