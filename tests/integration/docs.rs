//! What the documents say is what the program does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{WARNINGS, repository};

/// Set to have the man pages written instead of compared.
const UPDATE: &str = "CTCTOOL_UPDATE_DOCS";

#[test]
fn man_pages_are_those_of_the_command_line() {
    let fresh = tempfile::tempdir().unwrap();
    clap_mangen::generate_to(ctctool::cli::command(), fresh.path()).unwrap();
    for entry in fs::read_dir(fresh.path()).unwrap() {
        let page = entry.unwrap().path();
        let text = fs::read_to_string(&page).unwrap();
        // The generator has one heading for whatever stands at the end of the help.
        assert_eq!(text.matches(".SH EXTRA\nExit codes: ").count(), 1, "{}", page.display());
        let text = text.replace(".SH EXTRA\nExit codes: ", ".SH \"EXIT STATUS\"\n");
        // The generator has the version where a date belongs, and a subcommand's name for the program's.
        let heading = text.lines().find(|line| line.starts_with(".TH ")).unwrap();
        let name = heading.split(' ').nth(1).unwrap();
        let title = format!(".TH {name} 1 \"\" \"ctctool {}\" \"ctctool manual\"", env!("CARGO_PKG_VERSION"));
        fs::write(&page, text.replacen(heading, &title, 1)).unwrap();
    }
    let names = |folder: PathBuf| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    if std::env::var_os(UPDATE).is_some() {
        for old in names(repository("man")) {
            fs::remove_file(repository("man").join(old)).unwrap();
        }
        for name in names(fresh.path().to_owned()) {
            fs::copy(fresh.path().join(&name), repository("man").join(&name)).unwrap();
        }
    }
    let names_fresh = names(fresh.path().to_owned());
    assert_eq!(names(repository("man")), names_fresh, "run the tests with {UPDATE}=1");
    for name in names_fresh {
        let committed = fs::read_to_string(repository("man").join(&name)).unwrap();
        let generated = fs::read_to_string(fresh.path().join(&name)).unwrap();
        assert!(committed == generated, "{} has drifted: run the tests with {UPDATE}=1", name.display());
    }
}

/// Codes of warnings that the program no longer has would mislead, and each that it has is explained.
#[test]
fn codes_of_warnings_are_those_of_the_source() {
    fn source(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                source(&path, text);
            } else {
                text.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut text = String::new();
    source(&repository("src"), &mut text);
    let rows = WARNINGS.lines().filter_map(|line| line.strip_prefix("| `"));
    let codes: Vec<&str> = rows.map(|row| row.split_once('`').unwrap().0).collect();
    assert!(codes.len() > 20, "{codes:?}");
    let has_code = |rest: &str| rest.split_once('"').map(|(code, _)| code.to_owned());
    // Where it is written, and the functions that take one first.
    let written = ["code: \"", "found(\"", "find(\"", "padding(\"", "find_label(\""];
    let mut count = 0;
    for code in written.iter().flat_map(|before| text.split(before).skip(1)).filter_map(has_code) {
        assert!(codes.contains(&code.as_str()), "{code} is not explained");
        count += 1;
    }
    assert!(count > codes.len(), "{count}");
    for code in codes {
        // As the code of a warning or a finding, or what a status is called.
        let uses = [
            format!("code: \"{code}\""),
            format!("(\"{code}\", "),
            format!("{{ \"{code}\" }}"),
            format!("=> \"{code}\""),
        ];
        assert!(uses.iter().any(|used| text.contains(used)), "no {code} in the source");
    }
}

/// Runs each `$ …` line of a document's console blocks at the root of the repository and compares what it
/// prints, both streams together. `$TMP` is a folder of the document's own.
fn assert_examples(document: &str) {
    let text = fs::read_to_string(repository(document)).unwrap();
    let program = assert_cmd::cargo::cargo_bin("ctctool");
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut examples = 0;
    for block in text.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        for example in format!("\n{block}").split("\n$ ").skip(1) {
            let (command, expected) = example.split_once('\n').unwrap_or((example, ""));
            let output = Command::new("bash")
                .args(["-c", &format!("{{ {command}\n}} 2>&1")])
                .current_dir(repository("."))
                .env("PATH", &path)
                .env("TMP", folder.path())
                .output()
                .unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            assert_eq!(printed.trim_end(), expected.trim_end(), "$ {command}");
            examples += 1;
        }
    }
    assert!(examples > 0 && examples == text.matches("\n$ ").count());
}

#[test]
fn readme_examples_print_what_they_say() {
    assert_examples("README.md");
}

#[test]
fn recipes_for_ci_do_what_they_say() {
    assert_examples("docs/ci.md");
}

/// The calls in the workflow and the Makefile, on files of those names.
#[test]
fn recipes_in_other_files_run() {
    let text = fs::read_to_string(repository("docs/ci.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("hyp.txt", "a b c\n"),
        ("ref.txt", "a b c\n"),
        ("golden.npy", "1,2\n3,4\n"),
        ("new.npy", "1,2\n3,4\n"),
        ("labels.txt", "1\n1\n"),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let calls: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("\tctctool ").or_else(|| line.trim().strip_prefix("- run: ctctool "))
        })
        .collect();
    assert_eq!(calls.len(), 4);
    for call in calls {
        let output =
            crate::support::ctctool().current_dir(folder.path()).args(call.split(' ')).output().unwrap();
        assert!(output.status.success(), "{call}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(folder.path().join("compare.xml").exists());
}
