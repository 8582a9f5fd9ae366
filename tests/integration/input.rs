//! What is told from the content of files, and what is said of it.

use predicates::prelude::*;

use crate::support::{Folder, ctctool};

fn run(folder: &Folder, args: &[&str]) -> assert_cmd::assert::Assert {
    ctctool().current_dir(folder.path()).args(args).assert()
}

#[test]
fn a_result_with_a_byte_order_mark_is_a_result() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n");
    folder.file("y.txt", "1\n");
    let loss = ["loss", "x.csv", "--labels", "y.txt", "--criterion", "ce", "--format", "json"];
    let result = run(&folder, &loss).success().get_output().stdout.clone();
    folder.file("a.json", &result);
    folder.file("b.json", [b"\xef\xbb\xbf", result.as_slice()].concat());
    run(&folder, &["compare", "a.json", "b.json"]).success();
}

#[test]
fn the_delimiter_is_that_of_the_first_row() {
    let folder = Folder::new();
    folder.file("x.csv", "\n\n1;2\n3;4\n");
    run(&folder, &["inspect", "x.csv"]).success().stdout(predicate::str::contains("(2, 2)"));
}

#[test]
fn names_are_suspected_only_where_no_field_is_a_number() {
    let folder = Folder::new();
    let headers = predicate::str::contains("--headers");
    folder.file("names.csv", "a,b\n1,2\n");
    run(&folder, &["inspect", "names.csv"]).code(2).stderr(headers.clone());
    folder.file("gap.csv", "1,NA\n1,2\n");
    run(&folder, &["inspect", "gap.csv"]).code(2).stderr(headers.not());
}

#[test]
fn an_entry_of_several_characters_is_named() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n");
    folder.file("y.txt", "a\n");
    folder.file("alphabet.json", r#"["a", "b", "<blank>"]"#);
    let loss = ["loss", "x.csv", "--labels", "y.txt", "--criterion", "ctc", "--alphabet", "alphabet.json"];
    run(&folder, &loss).code(2).stderr(
        "error: the alphabet's entry 2, '<blank>', is not one character: it is not clear how labels are split\n\
         hint: give --label-split chars, tokens or longest; or --blank, if that is it\n",
    );
    run(&folder, &[&loss[..], &["--blank", "<blank>"]].concat()).success();
}
