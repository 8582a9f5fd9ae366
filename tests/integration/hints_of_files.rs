//! Files as other programs write them: what they are, and how to go on.

use crate::messages::{refused, said};
use crate::support::{Folder, ctctool, npy_f64, npy_i64};

/// As spreadsheets, vocabularies of other tools and people write them.
#[test]
fn other_ways_to_write_a_file_are_told() {
    let folder = Folder::new();
    let tables = [
        (
            "0.6,0.4\n,\n",
            "line 2: expected 2 columns as in line 1, found 1",
            "the line has nothing but delimiters: remove it",
        ),
        (
            "sep=;\n1;2\n",
            "line 1, column 1: expected a number, found 'sep='",
            "the first line is meant for spreadsheets: remove it, as tail -n +2 does",
        ),
        (
            "60%,40%\n",
            "line 1, column 1: expected a number, found '60%'",
            "write it as a decimal number, such as 0.6",
        ),
        (
            "1/3,2/3\n",
            "line 1, column 1: expected a number, found '1/3'",
            "write it as a decimal number, such as 0.6",
        ),
    ];
    for (table, error, hint) in tables {
        folder.file("x.csv", table);
        refused(&folder, &["decode", "x.csv"], &format!("x.csv: {error}"), Some(hint));
    }
    folder.file("x.csv", "1,2,3\n");
    for (name, alphabet, error, hint) in [
        (
            "names",
            "b,1\n-,0\na,2\n",
            "names: line 1: expected one token per line, found 'b,1', a token and its number",
            "write only the tokens, in the order of their numbers: sort -n -t, -k2 names | cut -d, -f1",
        ),
        (
            "names",
            "0,-\n1,a\n2,b\n",
            "names: line 1: expected one token per line, found '0,-', a token and its number",
            "write only the tokens: cut -d, -f2- names",
        ),
        (
            "names.json",
            r#"{"labels": ["-", "a", "b"], "is_bpe": false}"#,
            "names.json: line 1, column 11: expected a JSON list of tokens, or an object that maps tokens to indices, found sequence",
            "write one of these lists to a file of its own: jq '.\"labels\"' names.json",
        ),
    ] {
        folder.file(name, alphabet);
        refused(&folder, &["decode", "x.csv", "--alphabet", name], error, Some(hint));
    }
    // A comma is a token like any other.
    folder.file("names", ",\na\nb\n");
    assert_eq!(said(&folder, &["decode", "x.csv", "--alphabet", "names", "-q"]).0, Some(0));
    folder
        .file("lm", "\\data\\\nngram 1=4\n\n\\1-grams:\n-1\t<s>\n-1\t</s>\n-1\t<unk>\n-1\t</s>\n\n\\end\\\n");
    let error = "lm: line 8, column 1: expected each 1-gram once, found '</s>' again";
    let hint = "remove one of the two lines, and lower the count after 'ngram 1=' by one";
    refused(
        &folder,
        &["decode", "x.csv", "--alphabet", "names", "--beam", "2", "--lm", "lm"],
        error,
        Some(hint),
    );
}

#[test]
fn a_wrong_label_length_is_named_where_it_is() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 2, 3], &[0.0; 18]));
    folder.file("y.npy", npy_i64(&[2, 2], &[1, 2, 1, 2]));
    folder.file("joined.npy", npy_i64(&[4], &[1, 2, 1, 2]));
    folder.file("long.txt", "2\n 7\n");
    folder.file("long.npy", npy_i64(&[2], &[2, -1]));
    folder.file("three.txt", "2 2\n2\n");
    folder.file("short.txt", "2\n1\n");
    for (labels, lengths, error) in [
        (
            "y.npy",
            "2,7",
            "--label-lengths: item 1: expected a length from 0 to 2, the number of labels, found 7",
        ),
        (
            "y.npy",
            "long.txt",
            "long.txt: item 1, line 2, column 2: expected a length from 0 to 2, the number of labels, found 7",
        ),
        (
            "joined.npy",
            "long.txt",
            "long.txt: item 1, line 2, column 2: expected a length from 0 to 4, the number of labels, found 7",
        ),
        (
            "y.npy",
            "long.npy",
            "long.npy: item 1: expected a length from 0 to 2, the number of labels, found -1",
        ),
        ("y.npy", "three.txt", "three.txt: expected 2 lengths, one per item, found 3"),
        (
            "joined.npy",
            "short.txt",
            "short.txt: expected a sum of 4, the number of labels in joined.npy, found 3",
        ),
    ] {
        for command in [&["loss", "--criterion", "ctc"][..], &["align"], &["inspect"]] {
            let args = ["x.npy", "--layout", "tnc", "--labels", labels, "--label-lengths", lengths];
            refused(&folder, &[command, &args].concat(), error, None);
        }
    }
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["align", "x.npy", "--layout", "tnc", "--labels", "y.npy"]);
    let output = command.args(["--label-lengths", "-"]).write_stdin("2\n7\n").output().unwrap();
    let error = "error: standard input: item 1, line 2, column 1: expected a length from 0 to 2, the number of labels, found 7\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), error);
}

/// What is typed without its option, what is measured in other units, and what has its axes in another order.
#[test]
fn arguments_that_mean_something_else_are_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 2, 3], &[0.0; 24]));
    folder.file("turned.npy", npy_f64(&[2, 3, 4], &[0.0; 24]));
    folder.file("flat.npy", npy_f64(&[4, 3], &[0.0; 12]));
    folder.file("y", "1\n2\n");
    folder.file("y4", "1\n2\n1\n2\n");
    folder.file("shares", "0.5\n1.0\n");
    let see = |command: &str| format!("; see 'ctctool {command} --help'");
    for (command, option) in [("loss", "--labels"), ("inspect", "--labels"), ("decode", "--refs")] {
        let hint = format!("give it as {option} y{}", see(command));
        refused(&folder, &[command, "x.npy", "y"], "unexpected argument 'y' found", Some(&hint));
    }
    // Nothing that is no file, is given already, or can't be that.
    folder.file("my labels", "1\n2\n");
    let hint = format!("give it as --labels 'my labels'{}", see("loss"));
    refused(&folder, &["loss", "x.npy", "my labels"], "unexpected argument 'my labels' found", Some(&hint));
    for (call, typed) in [
        (&["loss", "x.npy", "nothing"][..], "nothing"),
        (&["loss", "x.npy", "--labels", "y", "y4"], "y4"),
        (&["decode", "x.npy", "flat.npy"], "flat.npy"),
    ] {
        let hint = format!("see 'ctctool {} --help'", call[0]);
        refused(&folder, call, &format!("unexpected argument '{typed}' found"), Some(&hint));
    }
    let hint = "these are relative lengths: multiply them by the full length, \
                numpy.rint(x * length).astype('int64')";
    let args = ["decode", "x.npy", "--lengths", "shares"];
    refused(&folder, &args, "shares: line 1, column 1: expected an integer, found '0.5'", Some(hint));
    let found = "turned.npy: expected shape (4, 2, 3) as in x.npy, found (2, 3, 4)";
    let hint = "if the axes are in a different order: x.transpose(2, 0, 1)";
    refused(&folder, &["compare", "x.npy", "turned.npy"], found, Some(hint));
    folder.file("more.npy", npy_f64(&[3, 1, 4], &[0.0; 12]));
    let found = "more.npy: expected shape (4, 3) as in flat.npy, found (3, 1, 4)";
    let hint = "if the axes are in a different order: numpy.transpose";
    refused(&folder, &["compare", "flat.npy", "more.npy"], found, Some(hint));
    let args = ["loss", "flat.npy", "--labels", "y4", "--criterion", "ctc"];
    let hint = "the matrix is one item: write its labels on one line";
    refused(&folder, &args, "y4: expected 1 line of labels, one per item, found 4", Some(hint));
}

/// A number is often known as it was printed.
#[test]
fn a_rounded_expectation_is_told() {
    let folder = Folder::new();
    folder.file("x.csv", "0,1\n");
    folder.file("y", "0\n");
    let message = |expected: &str| {
        let args = ["loss", "x.csv", "--labels", "y", "--criterion", "ce", "--expect", expected];
        let output =
            ctctool().args(args).args(["--format", "json"]).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["checks"][0]["message"].as_str().unwrap().to_owned()
    };
    // ln(1 + e) = 1.3132616875…
    assert!(message("1.313").ends_with("; rounded, it matches: --rtol 1e-3"), "{}", message("1.313"));
    assert!(!message("1.312").contains("rounded"), "{}", message("1.312"));
    // Whoever gives few digits would accept other numbers.
    folder.file("x.csv", "5,1\n");
    assert!(!message("0.02").contains("rounded"), "{}", message("0.02"));
}

/// Lines count as they are seen, whatever ends them.
#[test]
fn lines_of_old_macs_are_counted() {
    let folder = Folder::new();
    for (text, place) in [
        ("1,2\r3,x\r", "line 2, column 2"),
        ("1,2\r\r3,4\r3,x\r", "line 4, column 2"),
        ("1,2\r\n\r\n3,x\r\n", "line 3, column 2"),
    ] {
        folder.file("x.csv", text);
        refused(
            &folder,
            &["decode", "x.csv"],
            &format!("x.csv: {place}: expected a number, found 'x'"),
            None,
        );
    }
}

/// A file is called `.json`, and nobody said that it is to be JSON.
#[test]
fn a_table_in_a_file_that_is_called_otherwise_is_told() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2\n3,4\n");
    folder.file("y.txt", "1\n");
    let run_of = |command: &[&str], file: &str, options: &[&str]| {
        let mut program = ctctool();
        program.current_dir(folder.path()).args(command).args(["-o", file]).args(options);
        let output = program.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let run = |file: &str, options: &[&str]| run_of(&["inspect", "x.csv"], file, options);
    let told = |file: &str, form: &str| {
        format!(
            "warning: {file}: the result is written as a table: --format {form} writes what the name promises\n"
        )
    };
    assert_eq!(run("r.json", &[]), (Some(0), told("r.json", "json")));
    assert_eq!(run("R.CSV", &[]), (Some(0), told("R.CSV", "csv")));
    let align = ["align", "x.csv", "--labels", "y.txt"];
    for (file, form) in [("r.srt", "srt"), ("r.ctm", "ctm"), ("r.TextGrid", "textgrid")] {
        assert_eq!(run_of(&align, file, &[]), (Some(0), told(file, form)));
        assert_eq!(run(file, &[]), (Some(0), String::new()));
    }
    for (file, options) in [
        ("r.txt", &[][..]),
        ("r", &[]),
        ("r.json", &["--format", "jsonl"]),
        ("r.json", &["--format=table", "--strict"]),
        ("r.json", &["-q"]),
    ] {
        assert_eq!(run(file, options), (Some(0), String::new()), "{file}");
    }
    let (code, stderr) = run("strict.json", &["--strict"]);
    assert!(
        code == Some(2) && stderr.contains("(warning table_in_file, an error under --strict)"),
        "{stderr}"
    );
    assert!(!folder.path().join("strict.json").exists());
}

#[test]
fn typed_shares_of_a_length_are_told() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2\n3,4\n");
    folder.file("y", "1\n");
    let mut loss = ctctool();
    loss.current_dir(folder.path()).args([
        "loss",
        "x.csv",
        "--labels",
        "y",
        "--criterion",
        "ctc",
        "--lengths",
        "1,0.5",
    ]);
    let expected =
        "error: --lengths: entry 1: expected an integer, found '0.5'\nhint: these are relative lengths";
    loss.assert().code(2).stderr(predicates::str::starts_with(expected));
}

#[test]
fn shares_of_a_length_and_axes_of_one_entry_are_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 4, 3], &[0.0; 24]));
    folder.file("y.txt", "1\n2\n");
    let loss = |args: &[&'static str]| {
        [&["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc"], args].concat()
    };
    folder.file("shares.npy", npy_f64(&[2], &[1.0, 0.75]));
    let error = "shares.npy: entry 1: expected an integer, found 0.75 in float64";
    let hint = "these are relative lengths: multiply them by the full length, numpy.rint(x * length).astype('int64')";
    refused(&folder, &loss(&["--lengths", "shares.npy"]), error, Some(hint));
    folder.file("shares.npy", npy_f64(&[2], &[4.0, 3.0]));
    let error = "shares.npy: entry 0: expected an integer, found 4 in float64";
    refused(
        &folder,
        &loss(&["--lengths", "shares.npy"]),
        error,
        Some("save it as integers: x.astype('int64')"),
    );
    folder.file("x.npy", npy_f64(&[2, 1, 4, 3], &[0.0; 24]));
    let error = "x.npy: expected a CTC input of 2 or 3 axes, found shape (2, 1, 4, 3)";
    refused(&folder, &loss(&[]), error, Some("drop the axes of size 1: x.reshape((2, 4, 3))"));
}
