//! What a user who made a mistake is told: the place, what was expected and found, and a hint that leads on.

use std::process::Output;

use crate::support::{Folder, ctctool, json, npy_bytes, npy_f64, npy_i64};

const ROWS: &str = "1,2,3\n0,0,0\n5,1,1\n";

/// Runs the program in `folder` and returns its exit code and what went to standard error.
pub(crate) fn said(folder: &Folder, args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = ctctool().current_dir(folder.path()).args(args).output().unwrap();
    assert!(status.code() != Some(2) || stdout.is_empty(), "{args:?}");
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// Checks the one or two lines of a refusal.
pub(crate) fn refused(folder: &Folder, args: &[&str], error: &str, hint: Option<&str>) {
    let (code, stderr) = said(folder, args);
    let expected = match hint {
        Some(hint) => format!("error: {error}\nhint: {hint}\n"),
        None => format!("error: {error}\n"),
    };
    assert_eq!((code, stderr), (Some(2), expected), "{args:?}");
}

#[test]
#[cfg(unix)]
fn a_name_that_is_not_utf_8_is_a_usage_error() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"l\xffss");
    let output = ctctool().arg(name).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.starts_with(b"error: "), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A negative number is a value of the option before it, and no tip says to put it behind `--`.
#[test]
fn negative_values_are_values() {
    let folder = Folder::new();
    folder.file("x.csv", ROWS);
    folder.file("h", "a\n");
    folder.file("r", "b\n");
    let see = |command: &str| format!("see 'ctctool {command} --help'");
    refused(
        &folder,
        &["decode", "x.csv", "--timestamps", "--frame-shift", "-1"],
        "invalid value '-1' for '--frame-shift <SECONDS>': expected seconds, above 0 and at most 1000",
        Some(&see("decode")),
    );
    refused(
        &folder,
        &["decode", "x.csv", "--nbest", "-1"],
        "unexpected argument '-1' found",
        Some(&see("decode")),
    );
    let (code, stderr) = said(&folder, &["eval", "h", "r", "--max-cer", "-1"]);
    assert_eq!((code, &stderr[..]), (Some(1), "check failed: h: CER 1 exceeds -1\n"));
    for (value, name) in [("nan", "--max-wer"), ("25%", "--max-cer")] {
        let message = format!("invalid value '{value}' for '{name} <X>': expected a number");
        refused(&folder, &["eval", "h", "r", name, value], &message, Some(&see("eval")));
    }
}

#[test]
fn only_one_thing_comes_from_standard_input() {
    let folder = Folder::new();
    folder.file("x.csv", ROWS);
    folder.file("y", "1\n");
    let twice: [(&[&str], &str, &str); 8] = [
        (&["loss", "--labels", "-"], "LOGITS", "--labels"),
        (&["loss", "x.csv", "--labels", "-", "--alphabet", "-"], "--labels", "--alphabet"),
        (&["loss", "--labels", "y", "--lengths", "-"], "LOGITS", "--lengths"),
        (&["loss", "--labels", "y", "--weight", "-"], "LOGITS", "--weight"),
        (&["decode", "--alphabet", "-"], "LOGITS", "--alphabet"),
        (&["decode", "x.csv", "--lengths", "-", "--refs", "-"], "--lengths", "--refs"),
        (&["align", "x.csv", "--labels", "-", "--label-lengths", "-"], "--labels", "--label-lengths"),
        (&["inspect", "--labels", "-"], "LOGITS", "--labels"),
    ];
    for (args, one, other) in twice {
        refused(&folder, args, &format!("only one of {one} and {other} can come from standard input"), None);
    }
}

#[test]
fn a_typed_list_is_not_taken_for_a_file() {
    let folder = Folder::new();
    folder.file("x.csv", ROWS);
    folder.file("y", "1\n");
    folder.file("rows", "1\n2\n0\n");
    let hint = |option: &str| format!("{option} takes a comma-separated list or the name of a file");
    for (option, list, error) in [
        ("--lengths", "1.5", "entry 0: expected an integer, found '1.5'"),
        ("--lengths", "", "entry 0: expected an integer, found ''"),
        ("--lengths", "3,", "entry 1: expected an integer, found ''"),
        ("--label-lengths", "1,x", "entry 1: expected an integer, found 'x'"),
    ] {
        let args = ["loss", "x.csv", "--labels", "y", option, list];
        refused(&folder, &args, &format!("{option}: {error}"), Some(&hint(option)));
    }
    let weight = ["loss", "x.csv", "--labels", "rows", "--weight", "1,2,x"];
    refused(&folder, &weight, "--weight: entry 2: expected a number, found 'x'", Some(&hint("--weight")));
    let of_input = "the longest is 7: if these are lengths of the network's input, divide them by its downsampling \
         factor, about 3";
    for (list, error, hint) in [
        (
            "7",
            "--lengths: item 0: expected a length from 0 to 3, the number of frames, found 7",
            Some(of_input),
        ),
        ("5", "--lengths: item 0: expected a length from 0 to 3, the number of frames, found 5", None),
        ("1,2", "--lengths: expected 1 length, one per item, found 2", None),
    ] {
        refused(&folder, &["decode", "x.csv", "--lengths", list], error, hint);
    }
    // A file is named.
    folder.file("l.txt", "7\n");
    let error =
        "l.txt: item 0, line 1, column 1: expected a length from 0 to 3, the number of frames, found 7";
    refused(&folder, &["decode", "x.csv", "--lengths", "l.txt"], error, Some(of_input));
    // What a table is called, and what it is beside.
    for (weights, error, hint) in [
        (
            "weight\n1\n2\n3\n",
            "w.csv: line 1, column 1: expected a number, found 'weight'",
            Some("the first line is a heading: remove it, as tail -n +2 does"),
        ),
        ("1\nx\n3\n", "w.csv: line 2, column 1: expected a number, found 'x'", None),
        ("x\n", "w.csv: line 1, column 1: expected a number, found 'x'", None),
        (
            "0,1\n1,2\n2,3\n",
            "--weight w.csv: expected 3 class weights, one per class, found 6",
            Some("if each line has a class and its weight, keep only the weight: cut -d, -f2, or -d' '"),
        ),
        ("1\n2\n", "--weight w.csv: expected 3 class weights, one per class, found 2", None),
    ] {
        folder.file("w.csv", weights);
        refused(&folder, &["loss", "x.csv", "--labels", "rows", "--weight", "w.csv"], error, hint);
    }
    folder.file("w.npy", npy_f64(&[6], &[1.0; 6]));
    for weights in ["1,2,3,4,5,6", "w.npy"] {
        let error = format!("--weight {weights}: expected 3 class weights, one per class, found 6");
        refused(&folder, &["loss", "x.csv", "--labels", "rows", "--weight", weights], &error, None);
    }
}

#[test]
fn a_wrong_length_is_named_where_it_is() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 2, 3], &[0.0; 18]));
    for (lengths, error) in [
        ("2\n 5\n", "item 1, line 2, column 2: expected a length from 0 to 3, the number of frames, found 5"),
        (
            "2, -1\n",
            "item 1, line 1, column 4: expected a length from 0 to 3, the number of frames, found -1",
        ),
        ("2\n1.5\n", "line 2, column 1: expected an integer, found '1.5'"),
    ] {
        folder.file("l.txt", lengths);
        let args = ["decode", "x.npy", "--layout", "tnc", "--lengths", "l.txt"];
        refused(&folder, &args, &format!("l.txt: {error}"), None);
    }
}

#[test]
fn references_for_other_items_name_the_layout() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 2, 3], &[0.0; 18]));
    folder.file("two", "a\nb\n");
    folder.file("three", "a\nb\nc\n");
    for (refs, options, error, hint) in [
        (
            "two",
            ["--layout", "ntc"],
            "two: expected 3 lines, one per item, found 2",
            "in layout ntc the items are axis 0 of shape (3, 2, 3), which has 3; for 2 items, give --layout tnc",
        ),
        (
            "three",
            ["--lengths", "3,3"],
            "three: expected 2 lines, one per item, found 3",
            "in layout tnc the items are axis 1 of shape (3, 2, 3), which has 2; for 3 items, give --layout ntc",
        ),
    ] {
        refused(&folder, &[&["decode", "x.npy", "--refs", refs], &options[..]].concat(), error, Some(hint));
    }
}

#[test]
fn labels_that_fit_no_loss_are_told_what_would_fit() {
    let folder = Folder::new();
    folder.file("x.csv", ROWS);
    folder.file("b.npy", npy_f64(&[2, 4, 3], &[0.0; 24]));
    folder.file("four", "1\n2\n0\n1\n");
    folder.file("joined.npy", npy_i64(&[3], &[1, 2, 1]));
    folder.file("floats.npy", npy_f64(&[3], &[1.0, 2.0, 0.0]));
    folder.file("halves.npy", npy_f64(&[2, 2], &[1.0, 2.0, 0.5, 1.0]));
    for (matrix, labels, error, hint) in [
        (
            "x.csv",
            "four",
            "x.csv: shape (3, 3) with four (4 lines) fits neither cross-entropy nor CTC",
            "cross-entropy takes 3 class indices, one per line, or probabilities of shape (3, 3); CTC takes one \
             line of labels",
        ),
        (
            "b.npy",
            "four",
            "b.npy: shape (2, 4, 3) with floats.npy (floats of shape (3,)) fits neither cross-entropy nor CTC",
            "class indices and labels must be integers: labels.astype('int64')",
        ),
        (
            "b.npy",
            "halves.npy",
            "b.npy: shape (2, 4, 3) with halves.npy (floats of shape (2, 2)) fits neither cross-entropy nor CTC",
            "class indices and labels must be integers, but index [1, 0] is 0.5",
        ),
        (
            "b.npy",
            "joined.npy",
            "b.npy: shape (2, 4, 3) with joined.npy (integers of shape (3,)) fits neither cross-entropy nor CTC",
            "joined CTC labels need --label-lengths FILE|N,N,…",
        ),
    ] {
        let labels = if hint.contains("astype") { "floats.npy" } else { labels };
        refused(&folder, &["loss", matrix, "--labels", labels], error, Some(hint));
    }
    let (_, stderr) = said(&folder, &["loss", "b.npy", "--labels", "x.csv"]);
    assert!(stderr.contains("class indices of shape (2, 3)") || stderr.contains("2 or 4 lines"), "{stderr}");
}

#[test]
fn hints_about_labels_fit_the_kind_of_file() {
    let folder = Folder::new();
    folder.file("x.csv", ROWS);
    folder.file("negative", "1 -1\n");
    folder.file("zero", "1 0\n");
    folder.file("zero.npy", npy_i64(&[1, 2], &[1, 0]));
    folder.file("large.npy", npy_bytes("<u8", false, &[1, 2], &[[1; 8], [0xff; 8]].concat()));
    folder.file("ab", "ab\n");
    folder.file("named", "a\nb\nc\n");
    let loss = |labels: &'static str, more: &[&'static str]| {
        let mut args = vec!["loss", "x.csv", "--criterion", "ctc", "--labels", labels];
        args.extend(more);
        args
    };
    let blank =
        "give --blank if another class is the blank, or add 1 to each label if they are numbered without it";
    refused(
        &folder,
        &loss("negative", &[]),
        "negative: item 0, line 1, column 3: expected a class from 0 to 2, found -1",
        Some("text labels are not padded: a line holds an item's labels and nothing else"),
    );
    refused(
        &folder,
        &loss("zero", &[]),
        "zero: item 0, line 1, column 3: expected a label that is not the blank, found 0",
        Some(blank),
    );
    refused(
        &folder,
        &loss("zero.npy", &[]),
        "zero.npy: item 0, position 1: expected a label that is not the blank, found 0",
        Some("give --label-lengths if it is padding, or --blank if another class is the blank"),
    );
    refused(
        &folder,
        &loss("ab", &["--alphabet", "named"]),
        "ab: item 0, line 1, column 1: expected a token that is not the blank, found 'a', class 0",
        Some("give --blank if another class is the blank"),
    );
    let (_, stderr) = said(&folder, &loss("large.npy", &["--label-lengths", "2"]));
    assert!(stderr.starts_with("error: large.npy: item 0, position 0: expected a class from 0 to 2, found"));
    folder.file("large.npy", npy_bytes("<u8", false, &[1, 1], &[0xff; 8]));
    refused(
        &folder,
        &loss("large.npy", &[]),
        "large.npy: item 0, position 0: expected a class from 0 to 2, found 18446744073709551615",
        None,
    );
}

#[test]
fn an_empty_line_of_an_alphabet_is_no_long_token() {
    let folder = Folder::new();
    folder.file("x.csv", ROWS);
    folder.file("y", "ab\n");
    folder.file("alphabet", "a\nb\n\n");
    refused(
        &folder,
        &["loss", "x.csv", "--labels", "y", "--alphabet", "alphabet"],
        "alphabet: the name of class 2 is empty, so no label can match it",
        Some(
            "if it is the blank, give --blank 2; if it was a space that an editor removed, put it back; if it is another class, \
             give it a name",
        ),
    );
}

#[test]
fn probabilities_below_0_are_none() {
    let folder = Folder::new();
    folder.file("x.csv", "-1,-2\n-3,-1\n");
    folder.file("y", "1\n0\n");
    let hint = "these are not probabilities: give --input log-probs, or omit --input for logits";
    let place =
        |row| format!("x.csv: {row} 0, class 0: expected a finite probability of 0 or more, found -1");
    let loss = ["loss", "x.csv", "--labels", "y", "--input", "probs"];
    refused(&folder, &loss, &place("row"), Some(hint));
    refused(&folder, &["decode", "x.csv", "--input", "probs"], &place("frame"), Some(hint));
}

/// What people have at hand besides .npy and text is told by name.
#[test]
fn other_files_are_told_by_name() {
    let folder = Folder::new();
    folder.file("y", "0\n1\n");
    let save = "save a single array: numpy.save('x.npy', x); a tensor as x.detach().float().cpu().numpy()";
    let unpack = "unpack it first: gunzip -c FILE | ctctool … -";
    let files: [(&[u8], &str, &str); 5] = [
        (b"PK\x03\x04\x14\x00\xff", "a zip archive, such as .npz, .pt or .xlsx", save),
        (b"\x80\x04\x95\x00", "a Python pickle", save),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file", save),
        (b"\x1f\x8b\x08\x00", "a gzip file", unpack),
        (b"\xff\xfe1\x00,\x002\x00\n\x00", "UTF-16 text", "save it as UTF-8"),
    ];
    for (bytes, found, hint) in files {
        folder.file("x", bytes);
        let error = format!("x: expected a .npy or CSV file, found {found}");
        refused(&folder, &["loss", "x", "--labels", "y"], &error, Some(hint));
        refused(&folder, &["decode", "x"], &error, Some(hint));
        let error = format!("x: expected UTF-8 text, found {found}");
        refused(&folder, &["eval", "x", "y"], &error, Some(hint));
        refused(&folder, &["decode", "y", "--alphabet", "x"], &error, Some(hint));
    }
    folder.file("x", npy_bytes("|V2", false, &[2, 3], &[0; 12]));
    refused(
        &folder,
        &["loss", "x", "--labels", "y"],
        "x: expected an array of float16, float32, float64 or integers, found raw bytes (|V2)",
        Some(
            "this format has no type for bfloat16: save (x.view('uint16').astype('uint32') << 16).view('float32')",
        ),
    );
}

/// As pandas writes it, with an index, which has no name.
#[test]
fn names_of_which_the_first_is_empty_are_names() {
    let folder = Folder::new();
    folder.file("x.csv", ",0,1,2\n0,1.5,2,3\n");
    refused(
        &folder,
        &["decode", "x.csv"],
        "x.csv: line 1, column 1: expected a number, found an empty field",
        Some("if the first row holds column names, give --headers"),
    );
}

#[test]
fn a_matrix_without_rows_or_classes_is_told_so() {
    let folder = Folder::new();
    folder.file("x", "a,b\n");
    let error = "x: expected a table of numbers, found no rows";
    refused(&folder, &["decode", "x", "--headers"], error, None);
    folder.file("x", npy_f64(&[3, 0], &[]));
    let error = "x: expected a shape with at least one class on axis 1, found shape (3, 0)";
    refused(&folder, &["decode", "x"], error, None);
}

#[test]
fn one_is_not_many_and_nothing_is_no_number() {
    let folder = Folder::new();
    folder.file("x.csv", "0\n0\n");
    folder.file("y", "\n");
    folder.file("two", "a\nb\n");
    folder.file("none", "");
    let stdout = |args: &[&str]| {
        let output = ctctool().current_dir(folder.path()).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let loss = stdout(&["loss", "x.csv", "--labels", "y"]);
    assert!(loss.starts_with("CTC loss of 1 item in x.csv: layout tc, 1 class, blank 0\n"), "{loss}");
    let decode = stdout(&["decode", "x.csv"]);
    assert!(decode.ends_with("greedy, 1 item in x.csv: layout tc, 1 class, blank 0\n"), "{decode}");
    refused(&folder, &["eval", "two", "y"], "two: expected 1 line as in y, found 2", None);
    refused(
        &folder,
        &["decode", "x.csv", "--refs", "two"],
        "two: expected 1 line, one per item, found 2",
        None,
    );
    let (code, stderr) = said(&folder, &["eval", "none", "none", "--max-cer", "1"]);
    assert_eq!(code, Some(1));
    assert_eq!(
        stderr,
        "check failed: none: CER of an empty reference is undefined, which fails the limit of 1\n"
    );
    folder.file("p.csv", "0.5,0.5\n0.5,0.6\n");
    let (_, stderr) = said(&folder, &["decode", "p.csv", "--input", "probs"]);
    assert!(
        stderr.contains("warning: p.csv: 1 row does not sum to 1 (the first, frame 1, sums to 1.1"),
        "{stderr}"
    );
}

#[test]
fn an_infeasible_item_says_what_becomes_of_its_loss() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n");
    folder.file("y", "1 2\n");
    let warning =
        |loss| format!("warning: x.csv: infeasible: its 2 labels need 2 frames, but it has 1; {loss}\n");
    let args = ["loss", "x.csv", "--criterion", "ctc", "--labels", "y"];
    assert_eq!(said(&folder, &args), (Some(0), warning("its loss is +inf")));
    let (_, stderr) = said(&folder, &[&args[..], &["--zero-infinity"]].concat());
    assert_eq!(stderr, warning("its loss of +inf counts as 0"));
}

#[test]
fn infeasible_items_beyond_the_first_ten_are_counted() {
    let folder = Folder::new();
    for (items, rest) in [(11, "1 more item is infeasible"), (12, "2 more items are infeasible")] {
        folder.file("x.npy", npy_f64(&[1, items, 3], &vec![0.0; 3 * items]));
        folder.file("y", "1\n".repeat(items));
        let lengths = vec!["0"; items].join(",");
        let args = ["x.npy", "--labels", "y", "--layout", "tnc", "--lengths", &lengths];
        for (command, end) in [("align", ""), ("loss", "; its loss is +inf")] {
            let (_, stderr) = said(&folder, &[&[command][..], &args].concat());
            let lines: Vec<&str> = stderr.lines().collect();
            let why = "infeasible: its 1 label needs 1 frame, but it has 0";
            assert_eq!((lines.len(), lines[9]), (11, &format!("warning: x.npy#9: {why}{end}")[..]));
            assert_eq!(lines[10], format!("warning: {rest}"));
            let mut run = ctctool();
            let result = json(run.current_dir(folder.path()).args([&[command][..], &args].concat()));
            assert_eq!(result["warnings"].as_array().unwrap().len(), items, "the result names each");
        }
    }
}

#[test]
fn the_file_beside_is_not_named() {
    let folder = Folder::new();
    folder.file("x.csv", ROWS);
    folder.file("y", "0\n1\n2\n");
    refused(
        &folder,
        &["loss", "x.csv", "--labels", "y", "-o", "no/where"],
        "no/where: cannot be written: No such file or directory (os error 2)",
        None,
    );
}

/// Where both go to one place, the summary is behind the items.
#[test]
#[cfg(unix)]
fn a_csv_summary_follows_the_items() {
    let folder = Folder::new();
    folder.file("x.csv", ROWS);
    folder.file("y", "0\n1\n2\n");
    let script = "\"$1\" loss x.csv --labels y --criterion ce --format csv 2>&1";
    let output = std::process::Command::new("sh")
        .args(["-c", script, "-"])
        .arg(assert_cmd::cargo::cargo_bin("ctctool"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("id,index,loss_nats,status,target\nx.csv#0,"), "{text}");
}

/// Beyond 64 bits a label is too large as any other is: the value is said, and what it must be.
#[test]
fn a_class_index_beyond_all_integers_is_said() {
    let folder = Folder::new();
    folder.file("x.csv", ROWS);
    folder.file("rows", "1\n99999999999999999999\n0\n");
    folder.file("item", "1 99999999999999999999\n");
    for (labels, criterion, error) in [
        ("rows", "ce", "rows: line 2, column 1: expected a class from 0 to 2 or -100 (ignored)"),
        ("item", "ctc", "item: item 0, line 1, column 3: expected a class from 0 to 2"),
    ] {
        refused(
            &folder,
            &["loss", "x.csv", "--labels", labels, "--criterion", criterion],
            &format!("{error}, found 99999999999999999999"),
            None,
        );
    }
    refused(
        &folder,
        &["inspect", "x.csv", "--labels", "item"],
        "item: item 0, line 1, column 3: expected a class index, found a number beyond 64 bits",
        None,
    );
}
