//! What a user who made a mistake is told: the place, what was expected and found, and a hint that leads on.

use std::process::Output;

use crate::support::{Folder, ctctool, npy_bytes, npy_f64, npy_i64};

const ROWS: &str = "1,2,3\n0,0,0\n5,1,1\n";

/// Runs the program in `folder` and returns its exit code and what went to standard error.
fn said(folder: &Folder, args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = ctctool().current_dir(folder.path()).args(args).output().unwrap();
    assert!(status.code() != Some(2) || stdout.is_empty(), "{args:?}");
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// Checks the one or two lines of a refusal.
fn refused(folder: &Folder, args: &[&str], error: &str, hint: Option<&str>) {
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

#[test]
#[cfg(target_os = "linux")]
fn help_that_can_not_be_written_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let program = assert_cmd::cargo::cargo_bin("ctctool");
    let output = std::process::Command::new(program).args(["loss", "--help"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.starts_with(b"error: standard output: cannot be written"));
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
        "--frame-shift: expected a number of seconds above 0",
        None,
    );
    refused(
        &folder,
        &["decode", "x.csv", "--nbest", "-1"],
        "unexpected argument '-1' found",
        Some(&see("decode")),
    );
    let (code, stderr) = said(&folder, &["eval", "h", "r", "--max-cer", "-1"]);
    assert_eq!((code, &stderr[..]), (Some(1), "check failed: CER 1 is not at most -1\n"));
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
    let blank = "give --blank if another class is the blank";
    refused(
        &folder,
        &loss("negative", &[]),
        "negative: item 0, line 1, column 3: expected a class from 0 to 2, found -1",
        Some("text has no padding: a line is all of an item's labels"),
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
        Some(blank),
    );
    let (_, stderr) = said(&folder, &loss("large.npy", &["--label-lengths", "2"]));
    assert!(stderr.starts_with("error: large.npy: item 0, position 0: expected a class from 0 to 2, found"));
    folder.file("large.npy", npy_bytes("<u8", false, &[1, 1], &[0xff; 8]));
    refused(
        &folder,
        &loss("large.npy", &[]),
        "large.npy: item 0, position 0: expected a class from 0 to 2, found a larger number",
        None,
    );
}

/// What people have at hand besides .npy and text is told by name.
#[test]
fn other_files_are_told_by_name() {
    let folder = Folder::new();
    folder.file("y", "0\n1\n");
    let save = "save one array by itself: numpy.save('x.npy', x), for a tensor x.float().numpy()";
    let unpack = "unpack it first: gunzip -c FILE | ctctool … -";
    let files: [(&[u8], &str, &str); 5] = [
        (b"PK\x03\x04\x14\x00\xff", "a zip archive, as .npz, .pt and .xlsx are", save),
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
        "x: expected an array of f2, f4, f8 or integers, found raw bytes (|V2)",
        Some("bfloat16 has no type in this format: save x.astype('float32') instead"),
    );
}
