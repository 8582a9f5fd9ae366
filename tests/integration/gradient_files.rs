//! Where `--grad` writes: files, pipes, names.

use std::fs;

use predicates::prelude::*;

use crate::support::{Folder, SplitMix, ctctool, json, npy_f32, npy_f64, npy_i64};

/// Who reads the gradient may stop; what is checked is checked all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_check_is_whole_where_nobody_reads_the_gradient() {
    let folder = Folder::new();
    let mut random = SplitMix(4);
    let (rows, classes) = (20_000, 60);
    let values: Vec<f64> = (0..rows * classes).map(|_| random.score()).collect();
    let targets: Vec<i64> = (0..rows).map(|_| random.below(classes) as i64).collect();
    folder.file("x.npy", npy_f64(&[rows, classes], &values));
    folder.file("y.npy", npy_i64(&[rows], &targets));
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let check = |args: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.npy", "--check-grad"]);
        json(command.args(args))["summary"]["gradient"]["check"].clone()
    };
    let mut reader = std::process::Command::new("head")
        .arg("-c1")
        .arg(&fifo)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let found = check(&["--grad", "fifo"]);
    reader.wait().unwrap();
    assert_eq!(found["sampled"].as_u64(), Some(398));
    assert_eq!(found, check(&[]));
}

/// Rows go to their places in a file, by several threads, and one behind the other through a pipe.
#[cfg(target_os = "linux")]
#[test]
fn a_gradient_of_several_blocks_is_the_same_in_a_file_and_through_a_pipe() {
    let folder = Folder::new();
    let mut random = SplitMix(5);
    // Not as many rows as fill up a block or what a thread takes at a time.
    let (rows, classes) = (34_567, 61);
    let values: Vec<f64> = (0..rows * classes).map(|_| random.score()).collect();
    let targets: Vec<i64> = (0..rows).map(|_| random.below(classes) as i64).collect();
    folder.file("x.npy", npy_f32(&[rows, classes], &values));
    folder.file("y.npy", npy_i64(&[rows], &targets));
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let write = |name: &str, threads: &str| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.npy", "-q", "--grad", name]);
        command.args(["--threads", threads]).assert().success();
    };
    let reader = std::process::Command::new("cat")
        .arg(&fifo)
        .stdout(fs::File::create(folder.path().join("piped.npy")).unwrap())
        .spawn();
    write("fifo", "3");
    assert!(reader.unwrap().wait().unwrap().success());
    let piped = fs::read(folder.path().join("piped.npy")).unwrap();
    for threads in ["1", "2", "5"] {
        write("g.npy", threads);
        assert!(fs::read(folder.path().join("g.npy")).unwrap() == piped, "{threads} threads");
    }
}

/// A name that says another format would be believed.
#[test]
fn a_gradient_is_not_called_what_it_is_not() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[1, 2], &[0.0, 1.0]));
    folder.file("y", "1\n");
    let write = |name: &str| {
        let args = ["loss", "x.npy", "--labels", "y", "--criterion", "ce", "-q", "--grad", name];
        ctctool().current_dir(folder.path()).args(args).assert()
    };
    for end in ["csv", "tsv", "txt", "json", "npz", "NPZ", "pt"] {
        let name = format!("g.{end}");
        let error = format!("error: --grad {name}: gradients are written as .npy\n");
        write(&name).code(2).stderr(predicate::str::starts_with(error));
        assert!(!folder.path().join(&name).exists());
    }
    write("g.npy").success();
    write("g").success();
}
