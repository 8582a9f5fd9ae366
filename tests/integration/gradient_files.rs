//! Where `--grad` writes: files and pipes.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;

use crate::support::{Folder, SplitMix, ctctool, json, npy_f32, npy_f64, npy_i64};

/// `x.npy` of random scores as `npy` writes them, `y.npy` of random classes, and a named pipe.
fn rows_and_a_pipe(
    seed: u64,
    rows: usize,
    classes: usize,
    npy: fn(&[usize], &[f64]) -> Vec<u8>,
) -> (Folder, PathBuf) {
    let folder = Folder::new();
    let mut random = SplitMix(seed);
    let values: Vec<f64> = (0..rows * classes).map(|_| random.score()).collect();
    let targets: Vec<i64> = (0..rows).map(|_| random.below(classes) as i64).collect();
    folder.file("x.npy", npy(&[rows, classes], &values));
    folder.file("y.npy", npy_i64(&[rows], &targets));
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    (folder, fifo)
}

/// Who reads the gradient may stop; what is checked is checked all the same.
#[test]
fn a_check_is_whole_where_nobody_reads_the_gradient() {
    let (folder, fifo) = rows_and_a_pipe(4, 20_000, 60, npy_f64);
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
#[test]
fn a_gradient_of_several_blocks_is_the_same_in_a_file_and_through_a_pipe() {
    // Not as many rows as fill up a block or what a thread takes at a time.
    let (folder, fifo) = rows_and_a_pipe(5, 34_567, 61, npy_f32);
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
