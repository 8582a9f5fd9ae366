//! Mistakes that would give a wrong number without a word.

use crate::messages::{refused, said};
use crate::support::{Folder, ctctool, json, npy_bytes, npy_f64, npy_i64, warnings};

/// pandas writes the columns' numbers where they have no names, and an index in front of the rest.
#[test]
fn names_and_indices_of_a_table_are_no_scores() {
    let folder = Folder::new();
    let error = |text: &str, args: &[&str]| {
        folder.file("x.csv", text);
        let (code, said) = said(&folder, &[&["inspect", "x.csv"], args].concat());
        let piped = ctctool().arg("inspect").args(args).write_stdin(text).output().unwrap();
        assert_eq!(piped.status.code(), code, "{text}");
        (code.unwrap(), said.lines().next().unwrap_or_default().to_owned())
    };
    let numbers = "error: x.csv: line 1: expected scores, found column numbers from 0 to 2";
    assert_eq!(error("0,1,2\n0.5,1,2\n", &[]), (2, numbers.to_owned()));
    assert_eq!(error("0,1,2,\n0.5,1,2,\n", &[]), (2, numbers.to_owned()));
    let index = "error: x.csv: line 1: expected a name for each column, found none for the first";
    assert_eq!(error(",a,b\n0,0.5,1\n", &["--headers"]), (2, index.to_owned()));
    let dropped = "error: x.csv: line 1: expected names, found numbers";
    assert_eq!(error("0.5,1.5\n1.5,2.5\n", &["--headers"]), (2, dropped.to_owned()));
    // What may be meant as it is.
    for (text, args) in [
        ("0,1,2\n3,4,5\n", &[][..]),
        ("0,1\n0.5,1.5\n", &[]),
        ("0.0,1.0,2.0\n0.5,1.5,2.5\n", &[]),
        ("0,1,2\n0.5,1,2\n", &["--headers"]),
        ("a,b\n0.5,1.5\n", &["--headers"]),
    ] {
        assert_eq!(error(text, args).0, 0, "{text}");
    }
}

/// What of several means is no number, and why, is said.
#[test]
fn a_mean_of_nothing_is_explained() {
    let folder = Folder::new();
    folder.file("x.csv", "0.5,1\n2,1.5\n");
    let loss = |labels: &str, args: &[&str]| {
        folder.file("y", labels);
        json(ctctool().current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y"]).args(args))
    };
    for (labels, args, message) in [
        ("-100\n-100\n", &[][..], "x.csv: all 2 rows are ignored, so the mean is nan, as in PyTorch"),
        (
            "1\n1\n",
            &["--weight", "1,0"],
            "x.csv: the weights of the targets sum to 0, so the mean is nan, as in PyTorch",
        ),
    ] {
        let result = loss(labels, args);
        assert_eq!(warnings(&result), ["mean_of_nothing"]);
        assert_eq!(
            (&result["warnings"][0]["message"], &result["summary"]["status"]),
            (&message.into(), &"nan".into())
        );
    }
    folder.file("x.npy", npy_f64(&[0, 5, 3], &[]));
    folder.file("y", "");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y", "--layout", "ntc"]);
    let result = json(command.args(["--criterion", "ctc"]));
    assert_eq!(warnings(&result), ["mean_of_nothing"]);
    assert_eq!(result["warnings"][0]["message"], "x.npy: there are no items, so the mean is nan");
    assert!(warnings(&loss("1\n0\n", &["--weight", "1,0"])).is_empty());
}

/// A target without a probability makes the loss infinite, and which one it was is said; also where it counts as 0.
#[test]
fn infinite_losses_are_named() {
    let folder = Folder::new();
    folder.file("x.csv", "0,-inf,1\n0,-inf,1\n0,-inf,1\n");
    folder.file("y", "0\n1\n1\n");
    folder.file("line", "2 1\n");
    let loss = |args: &[&str]| json(ctctool().current_dir(folder.path()).args(["loss", "x.csv"]).args(args));
    let result = loss(&["--labels", "y"]);
    assert_eq!(warnings(&result), ["infinite"]);
    assert_eq!(
        result["warnings"][0]["message"],
        "x.csv: 2 rows have an infinite loss, the first is row 1: its target has probability 0"
    );
    for (args, end) in [(&[][..], "its loss is +inf"), (&["--zero-infinity"], "its loss of +inf counts as 0")]
    {
        let result = loss(&[&["--labels", "line", "--criterion", "ctc"], args].concat());
        assert_eq!(warnings(&result), ["infinite"]);
        let message = format!("x.csv: every path of its labels has probability 0; {end}");
        assert_eq!(result["warnings"][0]["message"], message);
    }
}

/// The blank is the last class, and nobody said so: the first is a letter, and wins some frames.
#[test]
fn another_blank_is_noticed_where_labels_are_given() {
    let folder = Folder::new();
    let letters = |t: usize| if t.is_multiple_of(5) { [0, 2, 1, 2][t / 5 % 4] } else { 3 };
    // No two frames are equal, which would be padding.
    let score = |t: usize, class| if class == letters(t) { 50.5 + t as f64 } else { 0.0 };
    let row = |t| (0..4).map(|class| score(t, class).to_string()).collect::<Vec<_>>().join(",");
    folder.file("x.csv", (0..40).map(row).collect::<Vec<_>>().join("\n"));
    folder.file("y", "2 1 2\n");
    let loss = |args: &[&str]| {
        let mut command = ctctool();
        json(
            command
                .current_dir(folder.path())
                .args(["loss", "x.csv", "--labels", "y", "--criterion", "ctc"])
                .args(args),
        )
    };
    assert_eq!(warnings(&loss(&[])), ["blank_not_most_frequent"]);
    assert!(warnings(&loss(&["--blank", "last"])).is_empty());
    // A letter that lasts as long is none.
    folder.file("y", "2 1 3\n");
    assert!(warnings(&loss(&[])).is_empty());
}

/// A classifier's labels of which one is missing look like those of one item of CTC.
#[test]
fn nearly_as_many_labels_as_rows_are_a_warning() {
    let folder = Folder::new();
    let rows = (0..20).map(|t| (0..30).map(|c| format!("{}", (t * c) % 7)).collect::<Vec<_>>().join(","));
    folder.file("x.csv", rows.collect::<Vec<_>>().join("\n"));
    folder.file("y", (1..20).map(|i| i.to_string()).collect::<Vec<_>>().join(" "));
    let loss = |args: &[&str]| {
        json(ctctool().current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y"]).args(args))
    };
    assert!(warnings(&loss(&[])).contains(&"labels_of_rows"));
    assert!(!warnings(&loss(&["--criterion", "ctc"])).contains(&"labels_of_rows"));
    folder.file("y", "1 2 3\n");
    assert!(!warnings(&loss(&[])).contains(&"labels_of_rows"));
}

#[test]
fn a_limit_in_percent_is_a_warning() {
    let folder = Folder::new();
    folder.file("h", "a b\n");
    folder.file("r", "a c\n");
    let eval =
        |limit: &str| json(ctctool().current_dir(folder.path()).args(["eval", "h", "r", "--max-wer", limit]));
    let result = eval("10");
    assert_eq!(warnings(&result), ["limit_above_one"]);
    let message = "--max-wer is a ratio: 10 means 1000 %; for 10 % give 0.1";
    assert_eq!(result["warnings"][0]["message"], message);
    assert!(warnings(&eval("1")).is_empty());
}

/// Rounded to three decimals, rows sum to one but for some thousandths.
#[test]
fn rounded_probabilities_are_recognised() {
    let folder = Folder::new();
    folder.file("x.csv", "0.334,0.333,0.331\n0.701,0.201,0.1\n");
    folder.file("y", "0\n1\n");
    let result = json(ctctool().current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y"]));
    assert_eq!(warnings(&result), ["looks_like_probs"]);
}

#[test]
fn a_vocabulary_with_scores_is_no_alphabet() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0\n0,0,9\n");
    folder.file("vocabulary", "<unk>\t0\n▁a\t-1.5\nb\t-2.25\n");
    let (code, said) = said(&folder, &["decode", "x.csv", "--alphabet", "vocabulary"]);
    assert_eq!(code, Some(2));
    assert!(
        said.starts_with("error: vocabulary: line 1: expected one token per line, found '<unk>"),
        "{said}"
    );
    assert!(said.contains("hint: write only the tokens, in the order of the classes"), "{said}");
}

/// With one token fewer than classes, the blank is taken to be left out; where it is not, all names would be one off.
#[test]
fn an_alphabet_that_lacks_another_token_than_the_blank_is_refused() {
    let folder = Folder::new();
    folder.file("x.csv", "9,0,0,0\n0,9,0,0\n");
    folder.file("list", "<pad>\na\nb\n");
    folder.file("map.json", r#"{"a": 1, "[PAD]": 0, "b": 2}"#);
    folder.file("letters", "a\nb\nc\n");
    for (alphabet, token) in [("list", "<pad>"), ("map.json", "[PAD]")] {
        let found = format!(
            "{alphabet}: expected 4 entries, or 3 without the blank, found 3, with '{token}' for class 0"
        );
        let hint = "one entry is missing: another class's or, if this is not the blank, the blank's own";
        refused(&folder, &["decode", "x.csv", "--alphabet", alphabet], &found, Some(hint));
    }
    // The blank is elsewhere, and may be left out.
    let of =
        |args: &[&str]| said(&folder, &[&["decode", "x.csv", "--format", "text", "-q"], args].concat()).0;
    assert_eq!(of(&["--alphabet", "list", "--blank", "last"]), Some(0));
    assert_eq!(of(&["--alphabet", "letters"]), Some(0));
}

/// A sigmoid's labels count from 0, and nothing of them is to be ignored.
#[test]
fn one_score_a_row_is_no_classifier() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 1], &[1.0, -2.0, 0.5, 3.0]));
    folder.file("flat.npy", npy_f64(&[4], &[1.0, -2.0, 0.5, 3.0]));
    folder.file("y.npy", npy_i64(&[4], &[0, 1, 1, 0]));
    folder.file("none.npy", npy_i64(&[4], &[0, -1, 0, 0]));
    let hint = "hint: a single score per row is a sigmoid's: make two classes of x, in the labels' shape: np.stack([0 * x, x], 1)";
    for (x, y) in [("x.npy", "y.npy"), ("x.npy", "none.npy"), ("flat.npy", "y.npy")] {
        let (code, said) = said(&folder, &["loss", x, "--labels", y]);
        assert!(code == Some(2) && said.contains(hint), "{x} {y}: {said}");
    }
    let mut command = ctctool();
    command.current_dir(folder.path()).args([
        "loss",
        "x.npy",
        "--labels",
        "none.npy",
        "--ignore-index",
        "-1",
    ]);
    assert_eq!(warnings(&json(&mut command)), ["one_class"]);
    // Nor a recogniser.
    assert_eq!(
        warnings(&json(ctctool().current_dir(folder.path()).args(["decode", "x.npy"]))),
        ["one_class"]
    );
}

/// Where there are many classes, one wins more frames than the blank by chance.
#[test]
fn a_class_that_wins_few_frames_is_no_blank() {
    let folder = Folder::new();
    let told = |most: usize| {
        let winner = |frame: usize| if frame < most { 39 } else { 1 + frame % 38 };
        let row = |frame: usize| (0..40).map(move |class| f64::from(u8::from(class == winner(frame))));
        folder.file("x.npy", npy_f64(&[40, 40], &(0..40).flat_map(row).collect::<Vec<_>>()));
        let result = json(ctctool().current_dir(folder.path()).args(["decode", "x.npy"]));
        warnings(&result).iter().any(|code| code.starts_with("blank_"))
    };
    assert!(!told(3));
    assert!(told(4));
}

/// A blank that labels have as well, as where letters are few.
#[test]
fn a_class_that_wins_more_than_labels_have_of_it_is_rather_the_blank() {
    let folder = Folder::new();
    let run = |labels: &str, kind: &str| {
        // Two frames in three are won by class 0, one in twelve by the last.
        let winner = |frame: usize| [3, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0][frame % 12];
        let row = |frame| (0..4).map(move |class| if class == winner(frame) { "0.7" } else { "0.1" });
        let rows = (0..24).map(|frame| row(frame).collect::<Vec<_>>().join(","));
        folder.file("x.csv", rows.collect::<Vec<_>>().join("\n"));
        folder.file("y", labels);
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y", "--blank", "last"]);
        let result = json(command.args(["--input", kind, "--criterion", "ctc"]));
        let codes: Vec<String> = warnings(&result).iter().map(|&code| code.to_owned()).collect();
        codes
    };
    assert_eq!(run("0 1 2 1 2\n", "probs"), ["blank_not_most_frequent"]);
    assert_eq!(run("0 1 2 1 2\n", "log-probs"), ["not_normalised", "blank_not_most_frequent"]);
    // It may well be that class.
    assert_eq!(run("0 1 0 1\n", "probs"), [""; 0]);
}

/// What `pad_sequence` fills up with, where the blank is another class.
#[test]
fn labels_that_end_in_zeros_look_padded() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[9, 3, 4], &[0.0; 108]));
    let run = |labels: &[i64], args: &[&str]| {
        folder.file("y.npy", npy_i64(&[3, 4], labels));
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.npy", "--blank", "last"]);
        let result = json(command.args(args));
        warnings(&result).contains(&"label_padding")
    };
    let padded = [1, 2, 1, 1, 2, 0, 0, 0, 1, 1, 2, 0];
    assert!(run(&padded, &[]));
    assert!(!run(&padded, &["--label-lengths", "4,1,3"]));
    // Class 0 is a class like others, but not at the end of most rows.
    assert!(
        run(&[1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0], &[]) && run(&[2, 1, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0], &[])
    );
    assert!(!run(&[1, 2, 1, 1, 0, 2, 1, 1, 1, 2, 0, 0], &[]));
    assert!(!run(&[1, 2, 0, 0, 2, 2, 0, 0, 1, 1, 0, 0], &[]));
    // Another class that is nowhere else, at the end of most rows.
    assert!(run(&[0, 2, 1, 1, 2, 1, 1, 1, 0, 0, 2, 2], &[]));
    assert!(!run(&[0, 1, 1, 1, 2, 1, 1, 1, 1, 0, 2, 2], &[]));
    assert!(!run(&[0, 2, 1, 1, 2, 0, 0, 2, 0, 0, 2, 2], &[]));
    let mut command = ctctool();
    folder.file("y.npy", npy_i64(&[3, 4], &padded));
    command.current_dir(folder.path()).args(["inspect", "x.npy", "--labels", "y.npy", "--blank", "last"]);
    let result = json(&mut command);
    let findings = result["summary"]["findings"].to_string();
    assert!(findings.contains("y.npy: label 0 fills the ends of 2 rows"), "{findings}");
}

#[test]
fn a_column_that_counts_the_rows_is_no_class() {
    let folder = Folder::new();
    let run = |text: &str, args: &[&str]| {
        folder.file("x.csv", text);
        let mut command = ctctool();
        command.current_dir(folder.path()).args(args);
        json(&mut command)
    };
    folder.file("y", "1\n2\n1\n1\n");
    let rows = "0,3,1\n1,2,5\n2,2,1\n3,0,9\n";
    let said = |text: &str, args: &[&str]| warnings(&run(text, args)).contains(&"row_numbers");
    let loss = ["loss", "x.csv", "--labels", "y"];
    assert!(said(rows, &loss) && said(rows, &["decode", "x.csv"]));
    assert!(said(&format!("id,a,b\n{rows}"), &[&loss[..], &["--headers"]].concat()));
    assert!(said("1,3,1\n2,2,5\n3,2,1\n4,0,9\n", &loss));
    for other in
        ["0,0,1\n1,1,5\n2,2,1\n3,3,9\n", "2,3,1\n3,2,5\n4,2,1\n5,0,9\n", "0,3,1\n1,2,5\n2,2,1\n4,0,9\n"]
    {
        assert!(!said(other, &loss), "{other}");
    }
    let findings = run(rows, &["inspect", "x.csv"])["summary"]["findings"].to_string();
    assert!(
        findings.contains("x.csv: the first column just counts the rows, but is read as class 0"),
        "{findings}"
    );
}

/// The result of `x.npy` against a text in the alphabet of `a.json`.
fn loss_of_text(folder: &Folder, text: &str, args: &[&str]) -> serde_json::Value {
    folder.file("y.txt", text);
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt", "--alphabet", "a.json"]);
    json(command.args(args))
}

/// A text in another spelling, of which nothing would be left.
#[test]
fn labels_that_are_unknown_are_counted() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[30, 6], &[0.0; 180]));
    folder.file("a.json", r#"["<pad>", "<unk>", "?", "A", "B", "C"]"#);
    let run = |text: &str, args: &[&str]| {
        let result = loss_of_text(&folder, text, &[&["--unk", "<unk>", "--label-split"], args].concat());
        let found =
            result["warnings"].as_array().unwrap().iter().find(|found| found["code"] == "unknown_labels");
        found.map(|found| found["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(run("ABCABCABCABZ", &["chars"]), None);
    let message = run("AB,CAB,CAB", &["chars"]).unwrap();
    assert_eq!(
        message,
        "y.txt: 2 of 10 labels are not in the alphabet and become '<unk>' (--unk): the first is ',', item 0, line \
         1, column 3"
    );
    let message = run("abc cab", &["tokens"]).unwrap();
    assert!(
        message.contains("2 of 2 labels") && message.contains("write the labels in the alphabet's case"),
        "{message}"
    );
}

/// Numbers that a view or a quantiser has made.
#[test]
fn small_integers_are_told() {
    let folder = Folder::new();
    folder.file("y.txt", "0\n1\n");
    let halves: Vec<u8> =
        [0x3c00_u16, 0, 0x4000, 0xc000].iter().flat_map(|bits| bits.to_le_bytes()).collect();
    for (dtype, bytes, told) in [
        ("<i2", halves.clone(), Some("x.view('float16')")),
        ("<u2", halves.clone(), Some("x.view('float16')")),
        ("|u1", vec![255, 0, 3, 200], Some("(x.astype('float32') - zero_point) * scale")),
        ("<f2", halves, None),
        ("<i4", vec![0; 16], None),
    ] {
        folder.file("x.npy", npy_bytes(dtype, false, &[2, 2], &bytes));
        let mut command = ctctool();
        let result = json(command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt"]));
        assert_eq!(warnings(&result).contains(&"small_integers"), told.is_some(), "{dtype}");
        assert!(result["warnings"].to_string().contains(told.unwrap_or_default()), "{dtype}");
        let mut command = ctctool();
        let result = json(command.current_dir(folder.path()).args(["inspect", "x.npy"]));
        let findings = result["summary"]["findings"].to_string();
        assert_eq!(findings.contains("small_integers"), told.is_some(), "{dtype}: {findings}");
    }
}

#[test]
fn a_space_at_the_end_of_a_line_is_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 9, 4], &[0.0; 72]));
    let run = |alphabet: &str, text: &str, args: &[&str]| {
        folder.file("a.json", alphabet);
        loss_of_text(&folder, text, args)["warnings"].to_string()
    };
    let letters = r#"["_", " ", "a", "b"]"#;
    let told = run(letters, "a b\nab \n", &[]);
    assert!(
        told.contains("leading, trailing or double spaces in 1 line count as labels; the first is line 2")
    );
    assert!(run(letters, "a  b\nab\n", &[]).contains("in 1 line count as labels; the first is line 1"));
    let speech = r#"["_", "|", "a", "b"]"#;
    assert!(run(speech, "ab|a\n|ab|\n", &[]).contains("in 1 line count as labels; the first is line 2"));
    assert!(!run(speech, "ab|a\nab a\n", &[]).contains("outer_blanks"));
    assert!(!run(letters, "a b\nab\n", &[]).contains("outer_blanks"));
    assert!(!run(letters, "a b \nb \n", &["--label-split", "tokens"]).contains("outer_blanks"));
}
