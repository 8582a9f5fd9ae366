//! What the documents say is what the program does.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::repository;

/// Set to have the man pages written instead of compared.
const UPDATE: &str = "CTCTOOL_UPDATE_DOCS";

#[test]
fn man_pages_are_those_of_the_command_line() {
    let fresh = tempfile::tempdir().unwrap();
    clap_mangen::generate_to(ctctool::cli::command(), fresh.path()).unwrap();
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

/// Runs each `$ …` line of the README's console blocks at the root of the repository and compares what it
/// prints, both streams together.
#[test]
fn readme_examples_print_what_they_say() {
    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let program = assert_cmd::cargo::cargo_bin("ctctool");
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut examples = 0;
    for block in readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        for example in block.split("$ ").skip(1) {
            let (command, expected) = example.split_once('\n').unwrap();
            let output = Command::new("bash")
                .args(["-c", &format!("{{ {command}\n}} 2>&1")])
                .current_dir(repository("."))
                .env("PATH", &path)
                .output()
                .unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            assert_eq!(printed.trim_end(), expected.trim_end(), "$ {command}");
            examples += 1;
        }
    }
    assert!(examples >= 4);
}
