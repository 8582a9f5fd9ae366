//! Memory and time that are short, and files that change while they are used.
#![cfg(target_os = "linux")]

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use predicates::prelude::*;

use ctctool::input::{CsvOptions, Matrix, Source};

use crate::support::{Folder, ctctool, npy_bytes, npy_f64, npy_i64};

/// Frames that nobody needs are not held, however many a file has.
#[test]
fn frames_beyond_the_lengths_take_no_memory() {
    let folder = Folder::new();
    let (frames, classes) = (1 << 20, 32);
    for (layout, shape) in [("ntc", [2, frames, classes]), ("tnc", [frames, 2, classes])] {
        let path = folder.file("x.npy", npy_bytes("<f2", false, &shape, &[]));
        let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() + 2 * (2 * frames * classes) as u64).unwrap();
        // Threads and libraries take half of that.
        let script = format!(
            "ulimit -v 350000; exec \"$0\" decode x.npy --threads 2 --layout {layout} --lengths 3,3 --format text"
        );
        let mut command = assert_cmd::Command::new("sh");
        command.current_dir(folder.path()).arg("-c").arg(script).arg(ctctool().get_program());
        command.assert().success();
    }
}

/// Greedy transcripts keep the winners of frames that come in pieces, not the frames.
#[test]
fn frames_of_greedy_transcripts_take_no_memory() {
    let folder = Folder::new();
    for (layout, shape) in [("tc", &[1 << 17, 1000][..]), ("tnc", &[1 << 14, 8, 1000])] {
        let path = folder.file("x.npy", npy_bytes("<f4", false, shape, &[]));
        let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        let values: usize = shape.iter().product();
        file.set_len(file.metadata().unwrap().len() + 4 * values as u64).unwrap();
        for input in ["x.npy", "- <x.npy", "- < <(cat x.npy)"] {
            let script = format!(
                "ulimit -v 350000; exec \"$0\" decode {input} --threads 2 --layout {layout} --format text"
            );
            let mut command = assert_cmd::Command::new("bash");
            command.current_dir(folder.path()).arg("-c").arg(script).arg(ctctool().get_program());
            command.assert().success();
        }
    }
}

/// A header that is within all limits claims a million items or sixteen million classes, and nothing follows.
#[test]
fn a_header_alone_takes_no_memory() {
    let folder = Folder::new();
    for (shape, options) in [
        (&[1 << 20, 1, 1][..], "--layout ntc"),
        (&[1, 1 << 20, 1], "--layout tnc"),
        (&[1 << 20, 1, 2], "--layout ntc --beam 2"),
        (&[1, 1, 1 << 24], "--layout ntc --beam 2"),
        (&[1, 1, 1 << 24], "--layout ntc"),
    ] {
        folder.file("x.npy", npy_bytes("<f4", false, shape, &[]));
        // Threads and libraries take nearly all of that.
        let script = format!(
            "cat x.npy | (ulimit -v 180000; exec \"$0\" decode - --threads 1 {options} --format text)"
        );
        let mut command = assert_cmd::Command::new("sh");
        command.current_dir(folder.path()).arg("-c").arg(script).arg(ctctool().get_program());
        command.assert().code(2).stdout("").stderr(predicate::str::contains("found 0"));
    }
}

/// Whoever calls the program in a script knows what a 2 means, and nothing of signals.
#[test]
fn memory_that_is_refused_is_an_error() {
    let folder = Folder::new();
    let values = 1 << 26;
    let path = folder.file("x.npy", npy_bytes("<f4", false, &[values], &[]));
    let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() + 4 * values as u64).unwrap();
    let script = "ulimit -v 350000; exec \"$0\" compare x.npy x.npy --threads 2";
    let mut command = assert_cmd::Command::new("sh");
    command.current_dir(folder.path()).arg("-c").arg(script).arg(ctctool().get_program());
    command
        .assert()
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains("as where the system refuses memory"));
}

/// A limit of a file's size is no signal that ends the program without a word.
#[test]
fn a_file_that_may_not_grow_is_an_error() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[20_000, 2], &[1.5, 9.0].repeat(20_000)));
    folder.file("y.txt", "1\n".repeat(20_000));
    folder.file("out.json", "of another run");
    let script = "ulimit -f 8; exec \"$0\" loss x.npy --labels y.txt --items --format json -o out.json";
    let mut command = assert_cmd::Command::new("sh");
    command.current_dir(folder.path()).arg("-c").arg(script).arg(ctctool().get_program());
    command.assert().code(2).stderr(predicate::str::starts_with("error: out.json: cannot be written: "));
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    let content = std::fs::read_to_string(folder.path().join("out.json")).unwrap();
    assert_eq!((files, content.as_str()), (3, "of another run"));
}

/// What was cut off within the last page of a mapped file is read as zeros.
#[test]
fn a_file_that_is_shortened_meanwhile_is_an_error() {
    let (rows, classes) = (50, 20);
    let folder = Folder::new();
    let logits = npy_f64(&[rows, classes], &vec![1.0; rows * classes]);
    let targets = npy_f64(&[rows, classes], &vec![0.05; rows * classes]);
    let halves = npy_bytes("<f2", false, &[rows, classes], &[0x3c; 2 * 50 * 20]);
    // The file, its bytes, where it shows once it is in use, what comes by a pipe, and how much of that before.
    let indices = "1\n".repeat(rows).into_bytes();
    for (args, file, bytes, shown, piped, before) in [
        (&["loss", "-", "--labels", "y.npy"][..], "y.npy", &targets, "maps", &logits, 200),
        (&["loss", "-", "--labels", "y.npy", "--guess", "1"], "y.npy", &targets, "maps", &logits, 200),
        (&["loss", "x.npy", "--labels", "-"], "x.npy", &halves, "fd", &indices, 10),
        (&["compare", "y.npy", "-"], "y.npy", &targets, "fd", &targets, 200),
    ] {
        let path = folder.file(file, bytes);
        let mut command = std::process::Command::new(ctctool().get_program());
        command.current_dir(folder.path()).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(&piped[..before]).unwrap();
        let of_process = format!("/proc/{}/{shown}", child.id());
        let is_used = || match shown {
            "maps" => std::fs::read_to_string(&of_process).unwrap().contains(file),
            _ => std::fs::read_dir(&of_process)
                .unwrap()
                .any(|entry| std::fs::read_link(entry.unwrap().path()).is_ok_and(|link| link == path)),
        };
        let begun = Instant::now();
        while !is_used() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{file} is not opened");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
        pipe.write_all(&piped[before..]).unwrap();
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{file}: {stderr}");
        assert!(stderr.starts_with(&format!("error: {file}: expected")), "{stderr}");
    }
}

/// Rows without a place, items without rows, the classes of no frame.
#[cfg(target_pointer_width = "64")]
#[test]
fn what_is_empty_takes_no_time() {
    let folder = Folder::new();
    let huge = 1 << 40;
    folder.file("x.npy", npy_f64(&[huge, 0, 3], &[]));
    folder.file("y.npy", npy_i64(&[huge, 0], &[]));
    folder.file("no_frames.npy", npy_f64(&[0, 100_000], &[]));
    folder.file("empty", "\n");
    let calls: [&[&str]; 3] = [
        &["inspect", "x.npy", "--labels", "y.npy"],
        &["loss", "x.npy", "--labels", "y.npy", "--class-axis", "-1", "--guess", "1"],
        &["loss", "no_frames.npy", "--labels", "empty", "--criterion", "ctc", "--guess", "1"],
    ];
    for call in calls {
        let mut command = ctctool();
        let output = command.current_dir(folder.path()).args(call).timeout(Duration::from_secs(60)).output();
        let output = output.unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 2)), "{call:?}: {:?} {stderr}", output.status);
    }
}

/// What claims to be endless is given up after what its header says.
#[test]
fn a_pipe_that_does_not_end_is_left() {
    let folder = Folder::new();
    let labels = folder.file("y", "0\n1\n");
    let header = folder.file("x", npy_f64(&[2, 3], &[0.0; 6]));
    let program = assert_cmd::cargo::cargo_bin("ctctool");
    let started = Instant::now();
    let script = "cat \"$1\" /dev/zero | \"$2\" loss --labels \"$3\"; echo ${PIPESTATUS[1]}";
    let output = std::process::Command::new("bash")
        .args(["-c", script, "-"])
        .args([&header, &program, &labels])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "2\n");
    // Far from endless, however slow the machine.
    assert!(started.elapsed() < Duration::from_secs(60));
}

/// Of no values, nothing may follow either.
#[test]
fn bytes_behind_an_empty_matrix_are_refused_from_a_pipe() {
    let folder = Folder::new();
    let empty = npy_f64(&[0, 3], &[]);
    folder.file("x.npy", &empty);
    for (more, code) in [(&b""[..], 0), (b"x\n", 2)] {
        let mut command = ctctool();
        let input = [&empty[..], more].concat();
        command
            .current_dir(folder.path())
            .args(["compare", "-", "x.npy"])
            .write_stdin(input)
            .assert()
            .code(code);
    }
}

/// A text or table that is shortened or extended between its opening and its end was never as it was read.
#[test]
fn a_table_that_changes_its_length_meanwhile_is_an_error() {
    let folder = Folder::new();
    for (len, named) in [(0, false), (8, false), (8, true), (4000, false), (4000, true)] {
        // Names of columns are read by another way than a plain table.
        let heading = if named { "a,b\n" } else { "" };
        let text = |rows: usize| format!("{heading}{}", "1,2\n".repeat(rows));
        let path = folder.file("x.csv", text(500));
        let source = Source::open(&path).unwrap();
        std::fs::write(&path, &text(1000)[..len]).unwrap();
        let options = CsvOptions { headers: named, ..CsvOptions::default() };
        let error = Matrix::from_source(source, options).unwrap_err().to_string();
        let expected = format!("{} bytes, as when it was opened, found {len}", text(500).len());
        assert!(error.contains(&expected), "{error}");
    }
}

/// A thread takes memory and time to start, whoever asks for it.
#[test]
fn more_threads_than_make_sense_are_refused() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2\n");
    let run = |threads: &str, args: &[&str]| {
        let mut command = ctctool();
        command
            .current_dir(folder.path())
            .env("RAYON_NUM_THREADS", threads)
            .args(["decode", "x.csv"])
            .args(args);
        command.assert()
    };
    run("100000", &[])
        .code(2)
        .stderr(predicate::str::starts_with("error: RAYON_NUM_THREADS: expected at most 1024"));
    run("100000", &["--threads", "1"]).code(0);
    run("2", &[]).code(0);
}

/// Whatever is no output takes no result.
#[test]
fn an_output_that_is_open_for_reading_alone_is_an_error() {
    let folder = Folder::new();
    folder.file("x.csv", "2,1\n");
    for (script, code) in
        [("exec \"$0\" decode x.csv 1</dev/null", 2), ("exec \"$0\" decode x.csv 1>/dev/null", 0)]
    {
        let mut command = assert_cmd::Command::new("sh");
        command.current_dir(folder.path()).arg("-c").arg(script).arg(ctctool().get_program());
        let assert = command.assert().code(code);
        let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert_eq!(stderr.starts_with("error: standard output: cannot be written: "), code == 2, "{stderr}");
    }
}
