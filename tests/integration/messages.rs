//! What a user who made a mistake is told: the place, what was expected and found, and a hint that leads on.

use std::process::Output;

use crate::support::{Folder, ctctool};

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
