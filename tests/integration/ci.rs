//! What continuous integration is shown: annotations and XML.

use predicates::prelude::*;

use crate::support::{Folder, ctctool, npy_f64, repository};

fn eval(format: &str, args: &[&str], hypothesis: &str) -> assert_cmd::assert::Assert {
    let folder = Folder::new();
    let (hyp, reference) = (folder.file("hyp.txt", hypothesis), folder.file("ref.txt", "a b\nc,d: 100%\n"));
    let mut command = ctctool();
    command
        .current_dir(folder.path())
        .arg("eval")
        .args([hyp.file_name().unwrap(), reference.file_name().unwrap()]);
    command.args(["--format", format]).args(args).assert()
}

#[test]
fn github_annotations_name_the_failing_item_and_the_limit() {
    let failed = eval("github", &["--max-cer", "0.1"], "a b\nc;d: 100%\n").code(0);
    failed.stdout("::notice title=eval%3A max_cer::hyp.txt: CER 0.08333333333333333 is at most 0.1\n");
    let failed = eval("github", &["--max-cer", "0.05"], "a b\nc;d: 100%\n").code(1);
    failed.stdout(
        "::error title=eval%3A max_cer::hyp.txt: CER 0.08333333333333333 exceeds 0.05\n\
         ::error title=eval%3A hyp.txt#1::hyp.txt#1: 1 of 9 characters and 1 of 2 words wrong: expected 'c,d: 100%25', found 'c;d: 100%25'\n",
    );
}

#[test]
fn junit_is_well_formed_whatever_the_text() {
    let assert = eval("junit", &["--max-wer", "0"], "a \u{1}<b>&\"\nc,d: 100%\n").code(1);
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(
        text.starts_with("<?xml") && text.contains("<testsuite name=\"ctctool eval\" tests=\"2\""),
        "{text}"
    );
    assert!(text.contains("failures=\"2\"") && !text.contains('\u{1}'), "{text}");
    // Not in XML, and no control characters either.
    let assert = eval("junit", &["--max-wer", "0"], "a\u{fffe}\u{ffff}\u{fffd}\u{fdd0}\nc,d: 100%\n").code(1);
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(text.contains("a\u{fffd}\u{fffd}\u{fffd}\u{fdd0}") && !text.contains('\u{ffff}'), "{text}");
    let passed = eval("junit", &["--max-wer", "1"], "a b\nc,d: 100%\n").code(0);
    passed.stdout(predicate::str::contains("tests=\"1\"").and(predicate::str::contains("<failure").not()));
}

#[test]
fn what_could_not_run_is_an_error_in_place_of_an_older_result() {
    let folder = Folder::new();
    folder.file("a.csv", "1,2\n3,4\n");
    folder.file("b.csv", "1,2\n3,4\n5,6\n");
    let xml = folder.file("old.xml", "of another run");
    let compare = |new: &str, args: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["compare", "a.csv", new]).args(args).assert().code(2)
    };
    let message = "b.csv: expected shape (2, 2) as in a.csv, found (3, 2)";
    compare("b.csv", &["--format", "github"])
        .stdout(format!("::error title=compare%3A error::{message}\n"))
        .stderr(format!("error: {message}\n"));
    compare("b.csv", &["--format", "junit", "-o", "old.xml"]).stdout("");
    let text = std::fs::read_to_string(&xml).unwrap();
    assert!(text.contains("tests=\"1\"") && text.contains("errors=\"1\" failures=\"0\""), "{text}");
    assert!(text.contains(&format!("<error message=\"{message}\"")), "{text}");
    // A hint is part of it, and a line end makes no annotation.
    compare("none\n::error::.csv", &["--format", "github"])
        .stdout(predicate::str::starts_with("::error title=compare%3A error::none ::error::.csv: cannot be"));
    // What would be lost is not written over, whatever is said.
    compare("b.csv", &["--format", "junit", "-o", "b.csv"])
        .stderr("error: --output and NEW are the same file\n");
    assert_eq!(std::fs::read_to_string(folder.path().join("b.csv")).unwrap(), "1,2\n3,4\n5,6\n");
    // Whatever the reason is: results of other settings, or what is typed.
    for (name, reduction) in [("old.json", "mean"), ("new.json", "sum")] {
        let args = ["loss", "a.csv", "--labels", "y.txt", "--criterion", "ce", "--reduction", reduction];
        folder.file("y.txt", "0\n1\n");
        let mut command = ctctool();
        command.current_dir(folder.path()).args(args).args(["--format", "json", "-o", name]).assert().code(0);
    }
    let is_replaced = |args: &[&str], message: &str| {
        folder.file("old.xml", "of another run");
        let mut command = ctctool();
        let command =
            command.current_dir(folder.path()).args(args).args(["--format", "junit", "-o", "old.xml"]);
        command.assert().code(2).stderr(predicate::str::contains(message));
        let text = std::fs::read_to_string(&xml).unwrap();
        assert!(text.contains("errors=\"1\"") && text.contains(message), "{text}");
    };
    is_replaced(&["compare", "old.json", "new.json"], "made with different parameters");
    is_replaced(&["compare", "-", "-"], "only one of BASE and NEW can come from standard input");
    is_replaced(&["loss", "a.csv", "--labels", "y.txt"], "give --max-loss or --expect");
    compare("b.csv", &["--format", "junit", "-o", "-"]).stderr(predicate::str::contains("expected a file"));
    assert!(!folder.path().join("-").exists());
    // Other formats have nothing of it.
    compare("b.csv", &["--format", "json"]).stdout("");
}

#[test]
fn every_checked_command_has_them() {
    let fixtures = |args: &[&str]| {
        let mut command = ctctool();
        command.current_dir(repository("fixtures")).args(args).assert()
    };
    let loss = ["loss", "line.csv", "--labels", "line.txt", "--alphabet", "alphabet.txt", "--format"];
    fixtures(&[&loss[..], &["github", "--max-loss", "0.2"]].concat())
        .code(1)
        .stdout(predicate::str::starts_with("::error title=loss%3A max_loss::line.csv: loss 0.2488"));
    fixtures(&[&loss[..], &["junit", "--expect", "0.24881"]].concat())
        .code(0)
        .stdout(predicate::str::contains("<testcase name=\"expect\""));
    fixtures(&[&loss[..], &["junit"]].concat())
        .code(2)
        .stderr(predicate::str::contains("give --max-loss or --expect"));
    let decode =
        ["decode", "line.csv", "--alphabet", "alphabet.txt", "--refs", "line.txt", "--format", "github"];
    fixtures(&[&decode[..], &["--max-cer", "0.01"]].concat()).code(1).stdout(predicate::str::contains(
        "::error title=decode%3A line.csv::line.csv: 1 of 18 characters and 1 of 4 words wrong: \
         expected 'a cool, dry cellar', found 'a cool; dry cellar'",
    ));
    fixtures(&["compare", "line.csv", "line.csv", "--format", "junit"])
        .code(0)
        .stdout(predicate::str::contains("<testcase name=\"compare\""));
    fixtures(&["inspect", "line.csv", "--format", "junit"]).code(2);
}

#[test]
fn github_is_given_no_more_than_it_shows() {
    let folder = Folder::new();
    let lines = |line: &str| line.repeat(30);
    folder.file("hyp.txt", lines("a b\n"));
    folder.file("ref.txt", lines("a c\n"));
    let levels = |args: &[&str]| {
        let mut command = ctctool();
        let assert =
            command.current_dir(folder.path()).args(args).args(["--format", "github"]).assert().code(1);
        let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        let count = |level: &str| text.lines().filter(|line| line.starts_with(level)).count();
        ([count("::error"), count("::warning"), count("::notice")], text)
    };
    let eval = ["eval", "hyp.txt", "ref.txt", "--max-cer", "0", "--max-wer", "0"];
    let (counts, text) = levels(&eval);
    assert!(counts == [10, 0, 1] && text.contains("22 more items failed"), "{counts:?}: {text}");
    // Too few frames for any of the labels: a warning each.
    folder.file("x.npy", npy_f64(&[30, 1, 2], &[3.5, -3.0].repeat(30)));
    folder.file("y.txt", lines("1 1\n"));
    let loss =
        ["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc", "--layout", "ntc", "--max-loss", "1"];
    let (counts, text) = levels(&loss);
    assert!(counts == [1, 10, 0] && text.contains("21 more items are infeasible"), "{counts:?}: {text}");
}

#[test]
fn names_can_not_break_an_annotation() {
    let folder = Folder::new();
    let name = "a%,b:\r\n::error::c.txt";
    folder.file(name, "x\n");
    folder.file("ref.txt", "y\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args([
        "eval",
        name,
        "ref.txt",
        "--max-cer",
        "0",
        "--format",
        "github",
    ]);
    let file = "a%25,b:%0D%0A::error::c.txt";
    let name = format!("{file}#0");
    let title = "a%25%2Cb%3A%0D%0A%3A%3Aerror%3A%3Ac.txt#0";
    command.assert().code(1).stdout(format!(
        "::error title=eval%3A max_cer::{file}: CER 1 exceeds 0\n\
         ::error title=eval%3A {title}::{name}: 1 of 1 characters and 1 of 1 words wrong: expected 'y', found 'x'\n"
    ));
}

#[test]
fn rates_without_a_limit_are_notices() {
    let shown = eval("github", &[], "a b\nc;d: 100%\n").code(0);
    shown.stdout(
        "::notice title=eval%3A cer::hyp.txt: CER 0.08333333333333333, no limit given\n\
         ::notice title=eval%3A wer::hyp.txt: WER 0.25, no limit given\n",
    );
    eval("junit", &[], "a b\nc;d: 100%\n").code(0).stdout(predicate::str::contains("tests=\"2\""));
}
