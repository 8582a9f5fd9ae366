//! Text files that are something else than they are taken for.

use serde_json::Value;

use crate::inspect::inspect;
use crate::messages::{refused, said};
use crate::mistakes_in_files::{message, result};
use crate::support::{Folder, ctctool, json, npy_f64, warnings};

/// Scores of items that read as the lines of digits, with blanks between them, `[items, frames, 11]`.
fn scores(lines: &[String], frames: usize) -> Vec<u8> {
    let mut values = vec![0.0; lines.len() * frames * 11];
    for (line, item) in lines.iter().zip(values.chunks_exact_mut(frames * 11)) {
        for (frame, row) in item.chunks_exact_mut(11).enumerate() {
            let digit = line.chars().nth(frame / 2).filter(|_| frame % 2 == 0);
            row[digit.map_or(0, |digit| 1 + digit.to_digit(10).unwrap() as usize)] = 5.0;
        }
    }
    npy_f64(&[lines.len(), frames, 11], &values)
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Numbers of fifteen digits.
fn lines() -> Vec<String> {
    (1..9_u64).map(|line| (line * 123_456_789_987_653 % 1_000_000_000_000_000 + 1).to_string()).collect()
}

#[test]
fn references_in_another_order_are_told() {
    let folder = Folder::new();
    let right = lines();
    let mut moved = right.clone();
    moved.rotate_left(1);
    let mut reversed = right.clone();
    reversed.reverse();
    folder.file("x.npy", scores(&right, 30));
    folder.file("read.txt", text(&right));
    let digits: String = (0..10).map(|digit| format!("{digit}\n")).collect();
    folder.file("a.txt", digits);
    for (references, told) in [(&right, None), (&moved, Some(8)), (&reversed, Some(8))] {
        folder.file("refs.txt", text(references));
        let run = |args: &[&str]| -> Value { json(ctctool().current_dir(folder.path()).args(args)) };
        let eval = run(&["eval", "read.txt", "refs.txt"]);
        let alphabet = ["--alphabet", "a.txt", "--layout", "ntc"];
        let decode = run(&[&["decode", "x.npy", "--refs", "refs.txt"], &alphabet[..]].concat());
        for (result, name) in [(eval, "read.txt"), (decode, "x.npy")] {
            assert_eq!(warnings(&result).contains(&"other_order"), told.is_some(), "{result}");
            let message = told.map(|line| format!("{name}: text 1 is most like line {line} of refs.txt"));
            assert!(result["warnings"].to_string().contains(&message.unwrap_or_default()), "{result}");
        }
        let result = inspect(&folder, &[&["x.npy", "--labels", "refs.txt"], &alphabet[..]].concat());
        let findings = result["summary"]["findings"].to_string();
        let message = told.map(|line| format!("item 0 is most like the labels of item {}", line - 1));
        assert_eq!(findings.contains("other_labels"), told.is_some(), "{findings}");
        assert!(findings.contains(&message.unwrap_or_default()), "{findings}");
    }
}

/// As fairseq writes letters.
#[test]
fn tokens_between_spaces_are_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[1, 20, 4], &[0.0; 80]));
    let loss = |alphabet: &str, labels: &str, split: &[&str]| {
        folder.file("a.json", alphabet);
        folder.file("y.txt", labels);
        let args = ["loss", "x.npy", "--labels", "y.txt", "--alphabet", "a.json"];
        [&args[..], split].concat().iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>()
    };
    let told = |args: &[String]| {
        warnings(&json(ctctool().current_dir(folder.path()).args(args))).contains(&"spaced_labels")
    };
    let bars = r#"["_", "|", "a", "b"]"#;
    assert!(told(&loss(bars, "a b | a a\n", &[])));
    assert!(!told(&loss(bars, "a b | a a\n", &["--label-split", "tokens"])));
    assert!(!told(&loss(bars, "ab a\n", &[])) && !told(&loss(bars, "a b\n", &[])));
    let args = loss(r#"["_", "a", "b"]"#, "a b a\n", &[]);
    let (code, said) = said(&folder, &args.iter().map(String::as_str).collect::<Vec<_>>());
    let hint = "hint: if spaces separate the tokens, give --label-split tokens\n";
    assert!(code == Some(2) && said.ends_with(hint), "{said}");
}

#[test]
fn json_and_tables_in_place_of_texts_are_told() {
    let folder = Folder::new();
    let line = |text: &str| format!("{{\"audio\": \"0.wav\", \"text\": \"{text}\"}}\n");
    folder.file("manifest.json", line("a b") + &line("b a"));
    folder.file("refs.txt", "a b\nb a\n");
    for (args, told) in [(["manifest.json", "refs.txt"], true), (["refs.txt", "refs.txt"], false)] {
        let result = json(ctctool().current_dir(folder.path()).arg("eval").args(args));
        assert_eq!(warnings(&result).contains(&"json_lines"), told, "{result}");
    }
    folder.file("x.csv", "1,2\n".repeat(4));
    folder.file("y.json", "[[1], [1, 1]]");
    folder.file("y.txt", "1\n");
    let x = npy_f64(&[2, 3, 2], &[0.0; 12]);
    folder.file("x.npy", x);
    refused(
        &folder,
        &["loss", "x.npy", "--labels", "y.json", "--layout", "ntc"],
        "y.json: expected 2 lines of labels, one per item, found 1",
        Some("write each item's labels on a line of its own, without brackets"),
    );
    let table = ctctool().current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y.txt"]).output();
    folder.file("golden", table.unwrap().stdout);
    let (code, said) = said(&folder, &["compare", "golden", "golden"]);
    let hint = "hint: this is the table that loss prints: give loss --format json\n";
    assert!(code == Some(2) && said.ends_with(hint), "{said}");
}

#[test]
fn labels_that_fit_another_axis_are_told() {
    let folder = Folder::new();
    folder.file("y.txt", "1 36\n2 30\n");
    let error = "y.txt: item 0, line 1, column 3: expected a class from 0 to 25, found 36";
    let hint = "if the classes are on axis 1, which has 37 entries, they must be the last axis: numpy.moveaxis(x, 1, -1)";
    for (frames, hint) in [(37, Some(hint)), (36, None), (100, None)] {
        folder.file("x.npy", npy_f64(&[2, frames, 26], &vec![0.0; 2 * frames * 26]));
        refused(&folder, &["loss", "x.npy", "--labels", "y.txt"], error, hint);
    }
}

/// A read is one word, and what stands around it in its file is none of its letters.
#[test]
fn texts_that_are_reads_are_told() {
    let folder = Folder::new();
    let told = |hypotheses: &str, references: &str, code: &str| {
        folder.file("h", hypotheses);
        folder.file("r", references);
        message(&result(&folder, &["eval", "h", "r"]), code)
    };
    let fastq = "@r1\nACGT\n+\n5555\n@r2\nGGTA\n+\n5555\n";
    assert!(told(fastq, fastq, "item_names").unwrap().ends_with("as awk 'NR % 4 == 2' does"));
    let fasta = ">r1\nACGT\n>r2\nGGTA\n";
    assert!(told(fasta, fasta, "item_names").unwrap().ends_with("as grep -v '^>' does"));
    let wrapped = ">r1\nACGT\nAC\n>r2\nGGTA\n";
    assert!(told(wrapped, wrapped, "item_names").unwrap().contains("awk '/^>/ { if (NR > 1) print s;"));
    for text in
        ["> a\nb c\n> d\ne\n", ">a\nb c\n", "> a\n> b\n", "a\n> b\n", "@r1\nACGT\n+\n5555\nA\n", ">\n"]
    {
        assert_eq!(told(text, text, "item_names"), None, "{text}");
    }
    let (reads, soft) = ("ACGTACGTAA\nGGTAGGTACC\nTTGACCATGA\n", "acgtacgtat\nggtaggtact\nttgaccatgc\n");
    assert!(
        told(reads, soft, "other_case")
            .unwrap()
            .starts_with("of 30 wrong characters in the first 3 lines, 3 remain")
    );
    assert_eq!(told(reads, "ACGTACGTAT\nGGTAGGTACT\nTTGACCATGC\n", "other_case"), None);
}

/// Tokens that are taken for words have spaces between them.
#[test]
fn spaces_that_no_reference_has_are_told() {
    let folder = Folder::new();
    folder.file("r", "abc\nbca\n");
    for (texts, is_told) in [("a b c\nb c a\n", true), ("abc\nbca\n", false), ("a bc\nbca\n", false)] {
        folder.file("h", texts);
        let found = message(&result(&folder, &["eval", "h", "r"]), "other_spelling");
        assert_eq!(
            found.is_some_and(|found| found.starts_with("h: 2 of 2 texts have spaces")),
            is_told,
            "{texts}"
        );
    }
}
