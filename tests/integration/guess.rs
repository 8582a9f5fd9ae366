//! `ctctool loss --guess`: the flags that it prints make the number that it was given.

use predicates::prelude::*;
use serde_json::Value;

use crate::support::{Folder, SplitMix, ctctool, json, npy_bytes, npy_f64, npy_i64, repository};

pub(crate) fn loss(folder: &Folder, options: &[&str]) -> assert_cmd::Command {
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt", "-q"]).args(options);
    command
}

pub(crate) fn guess(folder: &Folder, number: f64, options: &[&str]) -> Value {
    json(loss(folder, options).args(["--guess", &number.to_string()]))
}

/// Logits of four items, six frames and five classes; no axis is as long as another.
pub(crate) fn batch(seed: u64) -> (Folder, Vec<f64>) {
    let mut random = SplitMix(seed);
    let values: Vec<f64> = (0..120).map(|_| random.score()).collect();
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 6, 5], &values));
    folder.file("y.txt", "1 2\n3\n\n2 2 1\n");
    (folder, values)
}

pub(crate) fn log_softmax(values: &[f64], classes: usize) -> Vec<f64> {
    let rows = values.chunks(classes).flat_map(|row| {
        let sum: f64 = row.iter().map(|x| x.exp()).sum();
        row.iter().map(move |x| x - sum.ln())
    });
    rows.collect()
}

pub(crate) fn notes(result: &Value) -> Vec<&str> {
    result["items"].as_array().unwrap().iter().filter_map(|item| item["note"].as_str()).collect()
}

#[test]
fn flags_that_suffice_reproduce_the_number() {
    let (folder, _) = batch(1);
    let asked: [&[&str]; 7] = [
        &[],
        &["--reduction", "sum"],
        &["--blank", "last"],
        &["--blank", "4", "--reduction", "sum"],
        &["--input", "log-probs"],
        &["--input", "log-probs", "--blank", "last", "--reduction", "sum"],
        &["--lengths", "6,5,4,6", "--reduction", "sum"],
    ];
    for flags in asked {
        let number = json(&mut loss(&folder, flags))["summary"]["loss_nats"].as_f64().unwrap();
        // The lengths are part of the input, not of the search.
        let given = if flags.first() == Some(&"--lengths") { &flags[..2] } else { &[] };
        let result = guess(&folder, number, given);
        let found = result["items"].as_array().unwrap();
        let sufficient: Vec<&Value> = found.iter().filter(|item| item["flags_suffice"] == true).collect();
        assert!(!sufficient.is_empty(), "{flags:?}: {result}");
        for item in sufficient {
            let printed: Vec<&str> = item["flags"].as_str().unwrap().split_whitespace().collect();
            let again = json(loss(&folder, given).args(&printed))["summary"]["loss_nats"].as_f64().unwrap();
            // The default tolerance of the search.
            assert!((again - number).abs() <= 1e-5 * number.abs(), "{flags:?} against {printed:?}");
        }
    }
}

#[test]
fn conventions_without_a_flag_are_named() {
    let (folder, _) = batch(2);
    let reductions = json(&mut loss(&folder, &[]))["summary"]["reductions"].clone();
    for (row, factor, note) in [
        ("batch_mean", 1.0, "see the row batch_mean"),
        ("token_mean", 1.0, "see the row token_mean"),
        ("sum", 1.0 / 24.0, "the sum divided by the number of frames"),
        ("mean", 1.0 / std::f64::consts::LN_2, "the number is in bits"),
        ("sum", -1.0, "the number is the log-probability, the loss with its sign changed"),
    ] {
        let result = guess(&folder, reductions[row].as_f64().unwrap() * factor, &[]);
        assert!(notes(&result).contains(&note), "{row}: {result}");
        assert!(result["items"][0]["flags_suffice"] == false);
    }
}

#[test]
fn what_was_done_to_the_numbers_before_is_named() {
    let (folder, values) = batch(3);
    let number = |values: &[f64], input: &str| {
        let other = Folder::new();
        other.file("x.npy", npy_f64(&[4, 6, 5], values));
        other.file("y.txt", "1 2\n3\n\n2 2 1\n");
        json(&mut loss(&other, &["--input", input]))["summary"]["loss_nats"].as_f64().unwrap()
    };
    let log_probs = log_softmax(&values, 5);
    let probs: Vec<f64> = log_probs.iter().map(|lp| lp.exp()).collect();
    let twice = guess(&folder, number(&probs, "logits"), &[]);
    assert!(notes(&twice).contains(&"softmax is applied twice there"), "{twice}");
    let no_logarithm = guess(&folder, number(&probs, "log-probs"), &[]);
    assert!(
        notes(&no_logarithm).contains(&"probabilities are taken for log-probabilities there"),
        "{no_logarithm}"
    );
    let right = number(&log_probs, "log-probs");
    for (base, note) in
        [(2.0_f64, "the numbers are base-2 logarithms"), (10.0, "the numbers are base-10 logarithms")]
    {
        let scaled: Vec<f64> = log_probs.iter().map(|lp| lp / base.ln()).collect();
        folder.file("x.npy", npy_f64(&[4, 6, 5], &scaled));
        let result = guess(&folder, right, &[]);
        assert!(notes(&result).contains(&note), "{result}");
    }
}

#[test]
fn a_layout_that_the_shape_leaves_open_is_found() {
    let mut random = SplitMix(4);
    let values: Vec<f64> = (0..80).map(|_| random.score()).collect();
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 4, 5], &values));
    folder.file("y.txt", "1 2\n3\n\n2 1\n");
    for layout in ["tnc", "ntc"] {
        let number =
            json(&mut loss(&folder, &["--layout", layout]))["summary"]["loss_nats"].as_f64().unwrap();
        let result = guess(&folder, number, &[]);
        let flags = result["items"][0]["flags"].as_str().unwrap();
        assert!(flags.contains(&format!("--layout {layout}")), "{flags}");
    }
}

#[test]
fn both_criteria_are_tried_where_both_fit() {
    let folder = Folder::new();
    // One frame of CTC, or one row of cross-entropy.
    folder.file("x.npy", npy_f64(&[1, 3], &[0.5, 2.0, -1.0]));
    folder.file("y.txt", "1\n");
    let number = json(&mut loss(&folder, &["--criterion", "ce"]))["summary"]["loss_nats"].as_f64().unwrap();
    let result = guess(&folder, number, &[]);
    let found: Vec<&str> =
        result["items"].as_array().unwrap().iter().filter_map(|item| item["flags"].as_str()).collect();
    assert!(found.contains(&"--criterion cross-entropy") && found.contains(&"--criterion ctc"), "{found:?}");
}

#[test]
fn settings_of_cross_entropy_are_found() {
    let digits = |options: &[&str]| {
        let mut command = ctctool();
        command.current_dir(repository("fixtures"));
        command.args(["loss", "digits.npy", "--labels", "digits.labels.txt", "-q"]).args(options);
        json(&mut command)
    };
    let smoothed = digits(&["--label-smoothing", "0.1"])["summary"]["loss_nats"].to_string();
    assert_eq!(digits(&["--guess", &smoothed])["items"][0]["flags"], "--label-smoothing 0.1");
    let plain = digits(&[])["summary"]["loss_nats"].to_string();
    let result = digits(&["--weight", "digits.weights.txt", "--guess", &plain]);
    assert_eq!(result["items"][0]["note"], "without --weight");
}

/// Every combination needs them, and a pipe has them once.
#[test]
fn what_comes_from_a_pipe_is_read_once() {
    let lists = ["lines.lengths.txt", "alphabet.txt"];
    for from_pipe in lists {
        let name = |file| if file == from_pipe { "-" } else { file };
        let mut command = ctctool();
        command.current_dir(repository("fixtures")).args([
            "loss",
            "lines.npy",
            "--labels",
            "lines.txt",
            "-q",
        ]);
        command.args(["--lengths", name(lists[0]), "--alphabet", name(lists[1]), "--guess", "0.459865"]);
        let result =
            json(command.write_stdin(std::fs::read(repository("fixtures").join(from_pipe)).unwrap()));
        assert_eq!(result["items"][0]["convention"], "mean", "{from_pipe}");
        assert_eq!(result["items"][0]["flags"], "", "{from_pipe}");
    }
}

#[test]
fn no_match_is_said_plainly() {
    let (folder, _) = batch(5);
    let mut command = loss(&folder, &["--guess", "1e9"]);
    command.assert().success().stdout(
        predicate::str::starts_with("none of ").and(predicate::str::contains("nor comes within 5 %")),
    );
    let plain = guess(&folder, 1e9, &[])["summary"]["closest"]["value"].as_f64().unwrap();
    let near = (1.02 * plain).to_string();
    loss(&folder, &["--guess", &near]).assert().success().stdout(predicate::str::contains("the closest is"));
    let result = guess(&folder, 1e9, &[]);
    assert_eq!((&result["summary"]["matches"], &result["items"]), (&0.into(), &Value::Array(Vec::new())));
    assert!(result["summary"]["tried"].as_u64() > Some(50) && result["summary"]["closest"].is_object());
    // With a tolerance that wide, everything is a match, and no more are listed than can be read.
    let all = guess(&folder, 1.0, &["--rtol", "1e300"]);
    assert_eq!(all["summary"]["matches"], all["summary"]["tried"]);
    assert_eq!(all["items"].as_array().unwrap().len(), 20);
    // The plainest first: as asked.
    assert_eq!(all["items"][0]["flags"], "");
}

#[test]
fn what_can_not_be_searched_is_refused() {
    let (folder, _) = batch(6);
    for (options, message) in [
        (&["--guess", "nan"][..], "expected a finite number"),
        (&["--guess", "1", "--expect", "1"], "cannot be used with"),
        (&["--guess", "1", "--max-loss", "1"], "cannot be used with"),
        (&["--guess", "1", "--reduction", "none"], "--reduction none gives one per item"),
        (&["--guess", "1", "--format", "junit"], "show only checks"),
        (&["--rtol", "1"], "--rtol needs --expect <X> or --guess <X>"),
    ] {
        loss(&folder, options).assert().code(2).stderr(predicate::str::contains(message));
    }
    folder.file("y.txt", "9\n9\n9\n9\n");
    let mut impossible = loss(&folder, &["--guess", "1"]);
    impossible.assert().code(2).stderr(predicate::str::contains("a class from 0 to 4"));
}

/// Labels as they should be, as a file that is off by one has them, the note, and whether that file fits as it is.
#[test]
fn labels_that_are_off_by_one_are_found() {
    let (folder, _) = batch(7);
    let added = "with 1 added to every label: the file leaves class 0 out";
    let added_from_3 = "with 1 added to every label from 3 on: the file leaves the blank out";
    let subtracted = "with 1 subtracted from every label: the file counts from 1";
    let cases: [(&str, &str, &[&str], &str, bool); 4] = [
        ("1 2\n4\n\n2 2 1\n", "0 1\n3\n\n1 1 0\n", &[], added, false),
        // Neither label is the blank: the file could be right.
        ("3 2\n4\n\n2 2 3\n", "2 1\n3\n\n1 1 2\n", &[], added, true),
        ("0 2\n4\n\n2 2 1\n", "0 2\n3\n\n2 2 1\n", &["--blank", "3"], added_from_3, false),
        ("0 2\n3\n\n2 2 1\n", "1 3\n4\n\n3 3 2\n", &["--blank", "last"], subtracted, false),
    ];
    for (right, written, options, note, fits) in cases {
        folder.file("y.txt", right);
        let number = json(&mut loss(&folder, options))["summary"]["loss_nats"].as_f64().unwrap();
        folder.file("y.txt", written);
        let result = guess(&folder, number, options);
        let first = &result["items"][0];
        assert_eq!((&first["note"], &first["flags_suffice"]), (&note.into(), &false.into()), "{result}");
        // What can't be computed as it was asked for is said.
        let codes: Vec<&Value> =
            result["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]).collect();
        assert_eq!(codes.contains(&&"impossible_as_asked".into()), !fits, "{written}");
    }
}

#[test]
fn targets_that_are_off_by_one_are_found() {
    let folder = Folder::new();
    let mut random = SplitMix(8);
    let values: Vec<f64> = (0..24).map(|_| random.score()).collect();
    folder.file("x.npy", npy_f64(&[2, 4, 3], &values));
    let call = ["--criterion", "ce"];
    // The second has its padding written as 0.
    for (right, written, options, but) in [
        ("0 1 3\n2 2 0\n", "1 2 4\n3 3 1\n", &[][..], ""),
        ("0 1 3\n2 -100 -100\n", "1 2 4\n3 0 0\n", &["--ignore-index", "0"], " but 0"),
        ("0 1 3\n2 -100 -100\n", "1 2 4\n3 -100 -100\n", &[], " but -100"),
    ] {
        folder.file("y.txt", right);
        let number = json(&mut loss(&folder, &call))["summary"]["loss_nats"].as_f64().unwrap();
        folder.file("y.txt", written);
        let first = guess(&folder, number, &call)["items"][0].clone();
        assert_eq!(first["note"], format!("with 1 subtracted from every label{but}: the file counts from 1"));
        let flags: Vec<&str> = first["flags"].as_str().unwrap().split_whitespace().collect();
        assert_eq!(&flags[..options.len()], options);
    }
}

/// They fit as they are, too, so nothing but the number tells.
#[test]
fn stored_targets_that_are_off_by_one_are_found() {
    let folder = Folder::new();
    let mut random = SplitMix(9);
    let values: Vec<f64> = (0..24).map(|_| random.score()).collect();
    folder.file("x.npy", npy_f64(&[2, 4, 3], &values));
    let call = ["--criterion", "ce"];
    folder.file("y.txt", npy_i64(&[2, 3], &[0, 1, 2, 2, 2, 0]));
    let number = json(&mut loss(&folder, &call))["summary"]["loss_nats"].as_f64().unwrap();
    folder.file("y.txt", npy_i64(&[2, 3], &[1, 2, 3, 3, 3, 1]));
    let first = guess(&folder, number, &call)["items"][0].clone();
    assert_eq!(first["note"], "with 1 subtracted from every label: the file counts from 1");
}

/// What is next to 0 is not all that is near 0, and no perplexity.
#[test]
fn a_number_next_to_0_is_matched_by_its_like_alone() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 2], &[0.0, 18.0, 0.0, 18.5]));
    folder.file("y.txt", "1\n1\n");
    let call = ["--criterion", "ce"];
    let summary = json(&mut loss(&folder, &call))["summary"].clone();
    let [mean, sum] = ["mean", "sum"].map(|name| summary["reductions"][name].as_f64().unwrap());
    assert!(mean > 1e-9 && sum < 1e-7);
    let result = guess(&folder, mean * 1.04, &call);
    assert_eq!(result["items"], serde_json::json!([]));
    let found = guess(&folder, sum, &call);
    assert!(
        found["items"].as_array().unwrap().iter().any(|item| item["flags"] == "--reduction sum"),
        "{found}"
    );
    for number in [0.0, 1e-30] {
        let found = guess(&folder, number, &call);
        assert!(
            found["items"].as_array().unwrap().iter().all(|item| item["unit"] != "perplexity"),
            "{found}"
        );
    }
}

/// What is wrong is said of the option that is wrong.
#[test]
fn a_smoothing_that_is_none_is_no_weight() {
    let (folder, _) = batch(3);
    let mut command = loss(&folder, &["--label-smoothing", "2", "--guess", "1"]);
    command
        .assert()
        .code(2)
        .stderr(predicate::str::contains("--label-smoothing: expected a number from 0 to 1, found 2"));
}

#[test]
fn means_that_no_row_shows_are_found() {
    let (folder, _) = batch(9);
    folder.file("y.txt", "1 2\n3\n4 4 4 4\n2 2 1\n");
    let items = json(&mut loss(&folder, &["--items"]))["items"].clone();
    let losses: Vec<f64> =
        items.as_array().unwrap().iter().filter_map(|item| item["loss_nats"].as_f64()).collect();
    assert_eq!(losses.len(), 3);
    let left_out = "the other system leaves out items without an alignment; see the row batch_mean";
    assert!(notes(&guess(&folder, losses.iter().sum::<f64>() / 3.0, &[])).contains(&left_out));

    folder.file("y.txt", "1 2\n3\n\n2 2 1\n");
    let of_lengths = ["--lengths", "6,5,3,6"];
    let items = json(loss(&folder, &of_lengths).arg("--items"))["items"].clone();
    let over_frames: f64 = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["loss_nats"].as_f64().unwrap() / item["frames"].as_f64().unwrap())
        .sum();
    let found = guess(&folder, over_frames / 4.0, &of_lengths);
    assert!(notes(&found).contains(&"each item divided by its frames, then the mean over items"), "{found}");

    // Cross-entropy of sequences: the first has two targets of five, the others all.
    let targets = "0 1 -100 -100 -100\n1 2 3 4 5\n5 5 5 5 5\n0 1 2 3 4\n";
    folder.file("y.txt", targets);
    let call = ["--criterion", "ce"];
    let items = json(loss(&folder, &call).arg("--items"))["items"].clone();
    let losses: Vec<f64> =
        items.as_array().unwrap().iter().map(|item| item["loss_nats"].as_f64().unwrap()).collect();
    let sum: f64 = losses.iter().sum();
    let means = losses[..2].iter().sum::<f64>() / 2.0 + losses[5..].iter().sum::<f64>() / 5.0;
    for (number, note) in [
        (sum / 4.0, "the sum divided by the size of axis 0"),
        (means / 4.0, "the mean of each item along axis 0, then the mean over items"),
    ] {
        assert_eq!(notes(&guess(&folder, number, &call)), [note]);
    }
}

/// A label that no integer holds is a label all the same: what comes out without it is another number.
#[test]
fn labels_that_no_integer_holds_are_not_left_out() {
    let mut random = SplitMix(5);
    let values: Vec<f64> = (0..30).map(|_| random.score()).collect();
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[1, 6, 5], &values));
    let labels = |labels: [u64; 2]| npy_bytes("<u8", false, &[1, 2], &labels.map(u64::to_le_bytes).concat());
    folder.file("short.npy", npy_bytes("<u8", false, &[1, 1], &1_u64.to_le_bytes()));
    folder.file("y.npy", labels([2, u64::MAX]));
    let run = |labels: &str| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", labels]);
        command.args(["--layout", "ntc", "--criterion", "ctc"]);
        command
    };
    let number = json(&mut run("short.npy"))["summary"]["loss_nats"].as_f64().unwrap().to_string();
    let expected = "position 1: expected a class from 0 to 4, found 18446744073709551615";
    run("y.npy").args(["--guess", &number]).assert().code(2).stderr(predicate::str::contains(expected));
}

/// What language models report: the perplexity, and each place's scores against the token that follows.
#[test]
fn a_language_model_s_number_is_found() {
    let mut random = SplitMix(21);
    let (items, places, classes) = (3, 5, 4);
    let values: Vec<f64> = (0..items * places * classes).map(|_| random.score()).collect();
    let tokens: Vec<i64> = (0..items * places).map(|_| random.below(classes) as i64).collect();
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[items, places, classes], &values));
    folder.file("y.txt", npy_i64(&[items, places], &tokens));
    let log_probs = log_softmax(&values, classes);
    let loss = |next: bool| {
        let used = (0..items * places).filter(|row| !next || row % places + 1 < places);
        let terms: Vec<f64> =
            used.map(|row| -log_probs[row * classes + tokens[row + usize::from(next)] as usize]).collect();
        terms.iter().sum::<f64>() / terms.len() as f64
    };
    let options = ["--criterion", "cross-entropy", "--class-axis", "-1"];
    let plain = guess(&folder, loss(false).exp(), &options);
    assert!(notes(&plain).contains(&"the number is the perplexity, e to the power of the loss"), "{plain}");
    let next = "each row scored against the next row's label: the file's labels are the inputs";
    let shifted = guess(&folder, loss(true), &options);
    assert!(notes(&shifted).contains(&next), "{shifted}");
    let both = guess(&folder, loss(true).exp(), &options);
    assert!(notes(&both).iter().any(|note| note.contains(next) && note.contains("perplexity")), "{both}");
}

/// A number as a table shows it is that number, to so many digits.
#[test]
fn a_rounded_number_is_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 3], &[0.1, 0.7, 0.2, 1.3, 0.4, 0.9, 0.0, 2.0, 1.1]));
    folder.file("y.txt", "0\n2\n1\n");
    let args = ["loss", "x.npy", "--labels", "y.txt"];
    let mean =
        json(ctctool().current_dir(folder.path()).args(args))["summary"]["loss_nats"].as_f64().unwrap();
    let said = |guess: String| {
        let output =
            ctctool().current_dir(folder.path()).args(args).args(["--guess", &guess]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let rounded = said(format!("{mean:.3}"));
    assert!(rounded.contains("; rounded, it matches: --rtol 1e-3"), "{mean} {rounded}");
    let other = said(format!("{:.3}", mean + 0.001));
    assert!(!other.contains("rounded, it matches"), "{mean} {other}");
    // What one decimal says is no evidence; 2.78 is that of these.
    folder.file("x.npy", npy_f64(&[3, 3], &[1.0, 4.0, 2.0, 9.0, 2.0, 6.0, 0.0, 3.0, 5.0]));
    let short = said("2.8".to_owned());
    assert!(short.contains("the closest is 2.784") && !short.contains("rounded, it matches"), "{short}");
}

/// Weights are for the classes of one axis; that they fit no other is no reason to give up.
#[test]
fn weights_for_one_axis_do_not_end_the_search() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 4], &(0..24).map(|at| f64::from(at * 7 % 5)).collect::<Vec<_>>()));
    folder.file("y.npy", npy_f64(&[2, 3, 4], &[1.0 / 3.0; 24]));
    let args = ["loss", "x.npy", "--labels", "y.npy", "--weight", "1,2,3"];
    let loss = json(ctctool().current_dir(folder.path()).args(args));
    let sum = loss["summary"]["reductions"]["sum"].to_string();
    let found = json(ctctool().current_dir(folder.path()).args(args).args(["--guess", &sum]));
    assert!(found["summary"]["matches"].as_u64().unwrap() > 0, "{found}");
}

/// What others leave out without being told, and what was told but not taken.
#[test]
fn an_index_and_lengths_that_are_not_the_other_system_s_are_found() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 3], &[0.1, 0.7, 0.2, 1.3, 0.4, 0.9, 0.0, 2.0, 1.1]));
    folder.file("y.txt", "0\n2\n1\n");
    let number =
        |options: &[&str]| json(&mut loss(&folder, options))["summary"]["loss_nats"].as_f64().unwrap();
    let found = guess(&folder, number(&["--ignore-index", "0"]), &[]);
    assert_eq!(found["items"][0]["flags"], "--ignore-index 0");
    let found = guess(&folder, number(&[]) / std::f64::consts::LN_10, &[]);
    assert_eq!((&found["items"][0]["unit"], &found["items"][0]["flags"]), (&"digits".into(), &"".into()));
    assert_eq!(notes(&found)[0], "the number is in base-10 logarithms");
    let (folder, _) = batch(3);
    let of_all = json(&mut loss(&folder, &[]))["summary"]["loss_nats"].as_f64().unwrap();
    let found = guess(&folder, of_all, &["--lengths", "5,4,6,4"]);
    assert_eq!(notes(&found)[0], "without --lengths");
}
