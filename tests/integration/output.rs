//! Where results go: pipes, files, standard error.

use predicates::prelude::*;

use crate::support::{Folder, ctctool, repository};

#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = Folder::new();
    let rows: String = (0..50_000).map(|_| "1,2,3\n").collect();
    folder.file("x.csv", rows);
    folder.file("y.txt", "1\n".repeat(50_000));
    let program = assert_cmd::cargo::cargo_bin("ctctool");
    // A check that does not hold is told all the same.
    let formats = ["table", "json", "jsonl", "csv"].map(|format| (format, "--reduction none", "0"));
    for (format, options, code) in formats.into_iter().chain([
        ("jsonl", "--items --max-loss 0", "1"),
        ("table", "--max-loss 0 --grad /dev/stdout -o result", "1"),
        ("table", "--grad /dev/stdout -o result", "0"),
    ]) {
        let script = format!(
            "'{}' loss x.csv --labels y.txt {options} --format {format} 2>err | head -c 10 >/dev/null; \
             echo ${{PIPESTATUS[0]}}",
            program.display()
        );
        let output = std::process::Command::new("bash")
            .args(["-c", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), code, "{format} {options}");
        let errors = std::fs::read_to_string(folder.path().join("err")).unwrap();
        assert!(!errors.contains("error") && !errors.contains("panicked"), "{format}: {errors}");
    }
}

/// Whoever reads the checks, one that does not hold is told.
#[test]
fn checks_are_told_through_a_closed_pipe() {
    let folder = Folder::new();
    folder.file("hyp", "a b\n".repeat(20_000));
    folder.file("ref", "a c\n".repeat(20_000));
    let program = assert_cmd::cargo::cargo_bin("ctctool");
    for format in ["table", "json", "jsonl", "github", "junit"] {
        let script = format!(
            "'{}' eval hyp ref --max-cer 0 -q --format {format} 2>err | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}",
            program.display()
        );
        let mut bash = std::process::Command::new("bash");
        let output = bash.args(["-c", &script]).current_dir(folder.path()).output().unwrap();
        let errors = std::fs::read_to_string(folder.path().join("err")).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "1", "{format}: {errors}");
    }
}

#[test]
fn csv_is_written_whoever_listens_to_the_summary() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n");
    folder.file("y.txt", "1\n");
    let program = assert_cmd::cargo::cargo_bin("ctctool");
    let arguments = "loss x.csv --labels y.txt --criterion ce --format csv --check-grad";
    let script = format!("'{}' {arguments} -o out.csv 2>&1 >/dev/null | true", program.display());
    let mut bash = std::process::Command::new("bash");
    assert!(bash.args(["-c", &script]).current_dir(folder.path()).status().unwrap().success());
    assert!(std::fs::read_to_string(folder.path().join("out.csv")).unwrap().contains("x.csv"));
    // The check is part of the summary.
    let mut command = ctctool();
    let assert = command.current_dir(folder.path()).args(arguments.split(' ')).assert().success();
    assert.stderr(predicate::str::contains("gradient"));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        ctctool()
            .args(["completions", shell])
            .assert()
            .success()
            .stdout(predicate::str::contains("max-loss"));
    }
    ctctool().arg("--version").assert().success().stdout(concat!(
        "ctctool ",
        env!("CARGO_PKG_VERSION"),
        "\n"
    ));
    assert!(repository("man/ctctool-loss.1").exists());
}

#[cfg(unix)] // for the link
#[test]
fn an_output_that_would_be_lost_is_a_usage_error() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n");
    folder.file("y.txt", "1\n");
    folder.file("w.csv", "1\n1\n1\n");
    std::os::unix::fs::symlink("w.csv", folder.path().join("link")).unwrap();
    for (options, message) in [
        (&["-o", "-"][..], "--output: expected a file; omit it to write to standard output"),
        (&["--grad", "g.npy", "-o", "g.npy"], "--grad and --output are the same file"),
        (&["--grad", "./g.npy", "-o", "g.npy"], "--grad and --output are the same file"),
        (&["--grad", "x.csv"], "--grad and LOGITS are the same file"),
        (&["--grad", "./y.txt"], "--grad and --labels are the same file"),
        (&["--grad", "link", "--weight", "w.csv"], "--grad and --weight are the same file"),
        (&["-o", "./x.csv"], "--output and LOGITS are the same file"),
        (&["-o", "y.txt"], "--output and --labels are the same file"),
        (&["--grad", "-"], "--grad: expected a file; the result already goes to standard output"),
    ] {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y.txt", "--criterion", "ce"]);
        command.args(options).assert().code(2).stderr(format!("error: {message}\n"));
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("x.csv")).unwrap(), "1,2,3\n");
}

/// What others wrote to the same file before, and will write behind, stays.
#[cfg(target_os = "linux")]
#[test]
fn a_descriptor_is_written_to_and_not_replaced() {
    use std::io::Write;
    use std::process::Stdio;

    let folder = Folder::new();
    folder.file("x.csv", "1,2\n2,1\n");
    for path in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"] {
        let _ = std::fs::remove_file(folder.path().join("link"));
        std::os::unix::fs::symlink("/dev/stdout", folder.path().join("link")).unwrap();
        for append in [true, false] {
            folder.file("log", "");
            let mut log = std::fs::OpenOptions::new();
            let log = if append { log.append(true) } else { log.write(true) };
            let mut log = log.open(folder.path().join("log")).unwrap();
            writeln!(log, "before").unwrap();
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ctctool"));
            command
                .current_dir(folder.path())
                .args(["decode", "x.csv", "--format", "text", "-q", "-o", path]);
            let status = command.stdout(Stdio::from(log.try_clone().unwrap())).status().unwrap();
            assert!(status.success(), "{path}");
            writeln!(log, "after").unwrap();
            let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
            assert_eq!(text, "before\n1\nafter\n", "{path}, {append}");
        }
    }
}

/// Whatever ends the program while it writes: nothing is left behind.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_a_file_that_was_not_finished() {
    use std::os::unix::fs::OpenOptionsExt;
    use std::process::Stdio;

    let folder = Folder::new();
    let mut unnamed = std::fs::OpenOptions::new();
    if unnamed.write(true).custom_flags(libc::O_TMPFILE).open(folder.path()).is_err() {
        // The file system of this folder has no such files.
        return;
    }
    let rows = 60_000;
    let values: Vec<f64> = (0..rows * 60).map(|at| (at % 97) as f64).collect();
    folder.file("x.npy", crate::support::npy_f64(&[rows, 60], &values));
    folder.file("y.txt", "1\n".repeat(rows));
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = names();
    let killed_while_writing = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ctctool"));
        command
            .current_dir(folder.path())
            .args(["loss", "x.npy", "--labels", "y.txt", "--grad", "g.npy", "-q"]);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let open_files = format!("/proc/{}/fd", child.id());
        let writes = || {
            let mut entries = std::fs::read_dir(&open_files).into_iter().flatten().flatten();
            entries.any(|entry| {
                let target = std::fs::read_link(entry.path()).unwrap_or_default();
                let size = std::fs::metadata(entry.path()).map_or(0, |metadata| metadata.len());
                target.starts_with(folder.path())
                    && target.to_string_lossy().ends_with("(deleted)")
                    && size > 0
            })
        };
        while child.try_wait().unwrap().is_none() {
            if writes() {
                child.kill().unwrap();
                child.wait().unwrap();
                return true;
            }
        }
        std::fs::remove_file(folder.path().join("g.npy")).unwrap();
        false
    };
    // It may be done before it is seen.
    let killed = (0..20).any(|_| killed_while_writing());
    assert!(killed, "it was never seen writing");
    assert_eq!(names(), before);
}

#[test]
fn what_can_not_be_written_is_refused_before_all_work() {
    let folder = Folder::new();
    // Nothing is read of it before.
    folder.file("x.csv", "no numbers\n");
    folder.file("y.txt", "0\n");
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    for args in [&["-o", "folder"][..], &["--grad", "folder"], &["--grad", "nowhere/g.npy"]] {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y.txt"]).args(args);
        let expected = format!("error: {}: cannot be written", args[1]);
        command.assert().code(2).stderr(predicate::str::starts_with(expected));
    }
}

/// What a link stands for is made where it is not there, and the link stays.
#[cfg(unix)]
#[test]
fn a_link_to_nothing_yet_is_followed() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2\n");
    let of = |name: &str| folder.path().join(name);
    std::fs::create_dir(of("folder")).unwrap();
    std::os::unix::fs::symlink("folder/new", of("link")).unwrap();
    std::os::unix::fs::symlink("link", of("chain")).unwrap();
    std::os::unix::fs::symlink("b", of("a")).unwrap();
    std::os::unix::fs::symlink("a", of("b")).unwrap();
    let decode = |target: &str| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["decode", "x.csv", "--format", "text", "-q", "-o", target]);
        command.assert()
    };
    decode("chain").success();
    assert_eq!(std::fs::read_to_string(of("folder/new")).unwrap(), "1\n");
    assert!(of("chain").is_symlink() && of("link").is_symlink());
    decode("a").code(2).stderr(predicate::str::starts_with("error: a: cannot be written"));
    assert!(of("a").is_symlink());
}

/// A file that is written anew is who reads it the same file: as private as before, and where its link says.
#[cfg(unix)]
#[test]
fn a_file_that_is_there_keeps_its_permissions_and_its_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = Folder::new();
    folder.file("x.csv", "1,2\n");
    let of = |name: &str| folder.path().join(name);
    let decode = |target: &str| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["decode", "x.csv", "--format", "text", "-q", "-o", target]);
        command.assert().success();
    };
    std::fs::create_dir(of("folder")).unwrap();
    symlink("real", of("folder/link")).unwrap();
    symlink("folder/link", of("chain")).unwrap();
    for (target, mode) in [("folder/real", 0o600), ("folder/link", 0o604), ("chain", 0o640)] {
        let real = folder.file("folder/real", "before");
        std::fs::set_permissions(&real, PermissionsExt::from_mode(mode)).unwrap();
        decode(target);
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "1\n", "{target}");
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, mode, "{target}");
        assert!(of("folder/link").is_symlink() && of("chain").is_symlink() && !real.is_symlink());
    }
    // A link is seen from its own folder, whether what it names is there or not.
    std::fs::remove_file(of("folder/real")).unwrap();
    decode("folder/link");
    assert_eq!(std::fs::read_to_string(of("folder/real")).unwrap(), "1\n");
    assert!(!of("real").exists());
}

/// What a shell opened to be appended to is appended to.
#[cfg(target_os = "linux")]
#[test]
fn another_descriptor_is_appended_to() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2\n");
    folder.file("log", "before\n");
    let program = assert_cmd::cargo::cargo_bin("ctctool");
    let run = format!("'{}' decode x.csv --format text -q -o /dev/fd/3", program.display());
    let script = format!("{run} 3>>log && {run} 3<>log");
    let mut bash = std::process::Command::new("bash");
    assert!(bash.args(["-c", &script]).current_dir(folder.path()).status().unwrap().success());
    assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "before\n1\n1\n");
}

#[cfg(target_os = "linux")]
#[test]
fn the_file_that_standard_input_is_does_not_become_the_result() {
    let folder = Folder::new();
    let path = folder.file("x.csv", "1,2,3\n");
    let program = assert_cmd::cargo::cargo_bin("ctctool");
    let decode = |target: &str, input: std::process::Stdio| {
        let mut command = std::process::Command::new(&program);
        command.current_dir(folder.path()).args(["decode", "-o", target]).stdin(input);
        command.output().unwrap()
    };
    let refused = decode("./x.csv", std::fs::File::open(&path).unwrap().into());
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(refused.stderr, b"error: --output and LOGITS are the same file\n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "1,2,3\n");
    assert!(decode("y.txt", std::fs::File::open(&path).unwrap().into()).status.success());
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
