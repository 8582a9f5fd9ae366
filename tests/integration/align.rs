//! `ctctool align` by its contract.

use predicates::prelude::*;
use serde_json::{Value, json};

use crate::messages::{refused, said};
use crate::support::{Folder, close, ctctool, json as run_json, npy_f64, npy_i64, number, repository};

/// `pytorch/audio test/torchaudio_unittest/functional/functional_impl.py` `test_forced_align`, whose frames are
/// Graves' example: probabilities, blank 5; labels, the best path, and its log-probability.
const FRAMES: [[f64; 6]; 5] = [
    [0.633766, 0.221185, 0.0917319, 0.0129757, 0.0142857, 0.0260553],
    [0.111121, 0.588392, 0.278779, 0.0055756, 0.00569609, 0.010436],
    [0.0357786, 0.633813, 0.321418, 0.00249248, 0.00272882, 0.0037688],
    [0.0663296, 0.643849, 0.280111, 0.00283995, 0.0035545, 0.00331533],
    [0.458235, 0.396634, 0.123377, 0.00648837, 0.00903441, 0.00623107],
];
const PUBLISHED: [(&str, [u64; 5], f64); 4] = [
    ("0 1 1 0", [0, 1, 5, 1, 0], -7.788100173408531),
    ("0 1 2 3 4", [0, 1, 2, 3, 4], -12.692133677929046),
    ("3 3 3", [3, 5, 3, 5, 3], -25.648589941644666),
    ("0 1 2", [0, 1, 1, 1, 2], -3.975240308161466),
];

#[test]
fn forced_alignments_are_as_published() {
    let folder = Folder::new();
    let x = folder.file("x.npy", npy_f64(&[5, 6], &FRAMES.concat()));
    for (labels, path, logp) in PUBLISHED {
        let labels = folder.file("y.txt", format!("{labels}\n"));
        let mut command = ctctool();
        command
            .arg("align")
            .arg(&x)
            .arg("--labels")
            .arg(labels)
            .args(["--input", "probs", "--blank", "last"]);
        let result = run_json(&mut command);
        let item = &result["items"][0];
        assert!(close(&item["path_logp_nats"], logp, 1e-14, 0.0), "{item}");
        let mut found = [5; 5];
        for token in item["tokens_timed"].as_array().unwrap() {
            let [start, end] = ["start_frame", "end_frame"].map(|key| token[key].as_u64().unwrap() as usize);
            found[start..end].fill(token["token"].as_u64().unwrap());
        }
        assert_eq!(found, path);
    }
}

#[test]
fn infeasible_items_are_reported_as_such() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 3], &[0.0; 18]));
    folder.file("y.txt", "1 1 2\n1\n");
    let mut command = ctctool();
    command.current_dir(folder.path()).args(["align", "x.npy", "--labels", "y.txt"]);
    let assert = command.assert().success();
    assert.stderr(predicate::str::contains("x.npy#0: infeasible: its 3 labels need 4 frames, but it has 3"));
    let result = run_json(&mut command);
    assert_eq!(result["summary"], json!({"items": 2, "aligned": 1, "infeasible": 1, "infinite": 0}));
    let item = &result["items"][0];
    assert_eq!((&item["status"], &item["path_logp_nats"]), (&json!("infeasible"), &Value::Null));
    assert_eq!(result["items"][1]["status"], "ok");
}

/// Items without labels, without an alignment, without frames: each is there in every format that can say so.
#[test]
fn what_has_no_alignment_is_not_silent() {
    let folder = Folder::new();
    let mut values = [0.0; 36];
    // Class 1 has no chance in item 2.
    (0..3).for_each(|frame| values[18 + 3 * frame + 1] = f64::NEG_INFINITY);
    folder.file("x.npy", npy_f64(&[4, 3, 3], &values));
    folder.file("y.txt", "1 1 2\n\n1\n\n");
    let align = |args: &[&str]| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["align", "x.npy", "--labels", "y.txt", "--layout", "ntc"]);
        command.args(["--frame-shift", "0.5"]).args(args);
        if !args.contains(&"--lengths") {
            command.args(["--lengths", "3,3,3,0"]);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    };
    let (csv, warnings) = align(&["--format", "csv"]);
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|row| row.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 12), "{csv}");
    let statuses: Vec<&str> = rows.iter().map(|row| row[2]).collect();
    assert_eq!(statuses, ["infeasible", "ok", "infinite", "ok"]);
    // An item without labels has a score all the same: three blanks of three classes, or no frame at all.
    let scores = [1, 3].map(|item: usize| rows[item][11].parse::<f64>().unwrap());
    assert!((scores[0] + 3.0 * 3_f64.ln()).abs() < 1e-14 && scores[1] == 0.0, "{scores:?}");
    assert!(warnings.contains("x.npy#2: every path of its labels has probability 0"), "{warnings}");
    let infeasible = ";; x.npy#0: infeasible: its 3 labels need 4 frames, but it has 3\n";
    let infinite = ";; x.npy#2: every path of its labels has probability 0\n";
    assert_eq!(align(&["--format", "ctm", "-q"]), ([infeasible, infinite].concat(), String::new()));
    let (grid, _) = align(&["--format", "textgrid"]);
    assert!(
        grid.contains("\"x.npy#0 tokens (infeasible)\"") && grid.contains("\"x.npy#1 tokens\""),
        "{grid}"
    );
    // Praat refuses a time without a length.
    let (grid, _) = align(&["--format", "textgrid", "--lengths", "0,0,0,0"]);
    assert!(grid.contains("xmax = 0.5") && !grid.contains("xmax = 0\n"), "{grid}");
}

fn line(args: &[&str]) -> assert_cmd::Command {
    let mut command = ctctool();
    command.current_dir(repository("fixtures"));
    command.args(["align", "line.csv", "--labels", "line.txt", "--alphabet", "alphabet.txt"]).args(args);
    command
}

#[test]
fn real_lines_have_words_in_every_format() {
    let result = run_json(&mut line(&["--frame-shift", "0.5"]));
    let item = &result["items"][0];
    let texts: Vec<&str> =
        item["words"].as_array().unwrap().iter().map(|word| word["text"].as_str().unwrap()).collect();
    assert_eq!(
        (item["text"].as_str(), texts),
        (Some("a cool, dry cellar"), vec!["a", "cool,", "dry", "cellar"])
    );
    // The best path can't be more probable than all paths together: minus the loss.
    assert!(number(&item["path_logp_nats"]) < -4.478);
    let word = &item["words"][1];
    assert_eq!(word["start_seconds"], json!(number(&word["start_frame"]) * 0.5));
    let ctm = line(&["--frame-shift", "0.5", "--format", "ctm"]).assert().success();
    ctm.stdout(
        predicate::str::starts_with("line.csv 1 1.500 0.500 a 0.97").and(predicate::str::contains(" cool, ")),
    );
    let srt = line(&["--frame-shift", "0.5", "--format", "srt"]).assert().success();
    srt.stdout(predicate::str::starts_with("1\n00:00:01,500 --> 00:00:02,000\na\n\n2\n"));
    let grid = line(&["--frame-shift", "0.5", "--format", "textgrid"]).assert().success();
    grid.stdout(
        predicate::str::contains("name = \"line.csv words\"").and(predicate::str::contains("xmax = 47\n")),
    );
    line(&["--format", "srt"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("hint: give --frame-shift SECONDS"));
    let csv = line(&["--format", "csv"]).assert().success();
    csv.stdout(predicate::str::contains("line.csv,0,ok,word,dry,43,55,"));
}

/// Captions of several items would lie over each other.
#[test]
fn subtitles_are_of_one_item() {
    let folder = Folder::new();
    folder.file("y.txt", "1\n2\n");
    let align = |shape: &[usize], labels: &str| {
        folder.file("x.npy", npy_f64(shape, &vec![0.0; shape.iter().product()]));
        folder.file("y.txt", labels);
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["align", "x.npy", "--labels", "y.txt", "--format", "srt"]);
        command.args(["--layout", "ntc", "--frame-shift", "0.5"]).assert()
    };
    align(&[2, 4, 3], "1\n2\n").code(2).stderr(
        "error: --format srt holds subtitles for one item, but x.npy has 2\n\
         hint: use textgrid or ctm for several items; for subtitles of one, save it alone: numpy.save('item.npy', \
         x[0])\n",
    );
    // An item without an alignment has none.
    align(&[1, 2, 3], "1 1\n").code(0).stdout("");
}

/// Intervals must cover the time without a gap, or Praat refuses the file.
#[test]
fn textgrid_intervals_have_no_gaps() {
    let output = line(&["--frame-shift", "0.25", "--format", "textgrid"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for tier in text.split("item [").skip(2) {
        let times = |name: &str| -> Vec<f64> {
            tier.split("intervals [")
                .skip(1)
                .map(|interval| {
                    let rest = interval.split(&format!("{name} = ")).nth(1).unwrap();
                    rest.split_whitespace().next().unwrap().parse().unwrap()
                })
                .collect()
        };
        let (starts, ends) = (times("xmin"), times("xmax"));
        assert_eq!(starts[0], 0.0);
        assert_eq!(&starts[1..], &ends[..ends.len() - 1]);
        assert_eq!(ends.last(), Some(&23.5));
    }
}

/// A line of a time-marked file has six fields.
#[test]
fn a_class_without_a_name_is_refused() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 3], &[0.0; 9]));
    folder.file("y.npy", npy_i64(&[1, 1], &[2]));
    folder.file("names", "<b>\na\n\n");
    let args = ["align", "x.npy", "--labels", "y.npy", "--alphabet", "names"];
    let hint = "if it is the blank, give --blank 2; if it was a space that an editor removed, put it back; if it is another class, \
                give it a name";
    refused(&folder, &args, "names: the name of class 2 is empty, so it can't be written", Some(hint));
}

/// Two words of one token share its frames, and names may have anything in them.
#[test]
fn whatever_a_token_is_files_of_intervals_keep_their_form() {
    let folder = Folder::new();
    let frame = |class: usize| (0..4).map(|at| if at == class { 9.0 } else { 0.0 }).collect::<Vec<f64>>();
    folder.file("x.npy", npy_f64(&[4, 4], &[1, 0, 2, 3].map(frame).concat()));
    folder.file("y.txt", "1 2 3\n");
    let align = |alphabet: &str, format: &str| {
        folder.file("a.json", alphabet);
        let mut command = ctctool();
        command.current_dir(folder.path()).args([
            "align",
            "x.npy",
            "--labels",
            "y.npy",
            "--alphabet",
            "a.json",
        ]);
        let output = command.args(["--frame-shift", "1", "--format", format, "-q"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    folder.file("y.npy", npy_i64(&[3], &[1, 2, 3]));
    let grid = align(r#"["-", "▁a▁b", "▁c", "▁d"]"#, "textgrid");
    let words = grid.split("item [").nth(2).unwrap();
    let of = |name: &str| -> Vec<&str> {
        let found = words.split(name).skip(1).map(|rest| rest.lines().next().unwrap());
        found.map(str::trim).collect()
    };
    assert_eq!(of(" text = "), ["\"a b\"", "\"\"", "\"c\"", "\"d\""], "{grid}");
    // Of the tier and of each interval, of which the next begins where one ends.
    assert_eq!(
        (of("xmin = "), of("xmax = ")),
        (vec!["0", "0", "1", "2", "3"], vec!["4", "1", "2", "3", "4"])
    );
    // The second word begins within a token and goes on in the next.
    let grid = align(r#"["-", "▁a▁b", "c", "▁d"]"#, "textgrid");
    let words = grid.split("item [").nth(2).unwrap();
    assert!(words.contains("xmin = 0\n            xmax = 3\n            text = \"a bc\""), "{grid}");
    let odd = r#"["-", "▁q\"\nr", "▁c", "▁d"]"#;
    let grid = align(odd, "textgrid");
    assert!(grid.contains("text = \"q\"\" r\"") || grid.contains("text = \"q\"\"\nr\""), "{grid}");
    let ctm = align(odd, "ctm");
    assert_eq!(ctm.lines().count(), 3, "{ctm}");
    assert!(ctm.lines().all(|line| line.split_whitespace().count() == 6), "{ctm}");
    let srt = align(odd, "srt");
    // Number, times and text, and an empty line between two.
    assert_eq!(
        srt.trim_end().split("\n\n").map(|caption| caption.lines().count()).collect::<Vec<_>>(),
        [3; 3],
        "{srt}"
    );
}

/// Hours, minutes, seconds and milliseconds, rounded as they are, not down.
#[test]
fn subtitles_count_to_hours_and_thousandths() {
    let folder = Folder::new();
    folder.file("x.csv", "2,0\n0,2\n2,0\n2,0\n0,2\n");
    folder.file("y", "1 1\n");
    let subtitles = |shift: &str| {
        let args = ["align", "x.csv", "--labels", "y", "-q", "--format", "srt", "--frame-shift", shift];
        let assert = ctctool().current_dir(folder.path()).args(args).assert().success();
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    };
    let caption = |number, from, to| format!("{number}\n{from} --> {to}\n1\n\n");
    let expected = caption(1, "00:00:00,013", "00:00:00,025") + &caption(2, "00:00:00,050", "00:00:00,063");
    assert_eq!(subtitles("0.0125"), expected);
    let expected = caption(1, "00:16:40,000", "00:33:20,000") + &caption(2, "01:06:40,000", "01:23:20,000");
    assert_eq!(subtitles("1000"), expected);
}

/// A record is one line of fields between blanks, whatever the file is called.
#[cfg(unix)]
#[test]
fn any_name_of_a_file_is_one_field_of_a_record() {
    let folder = Folder::new();
    let run = |name: &str, labels: &str| {
        folder.file(name, "0,2\n2,0\n");
        folder.file("y", labels);
        let args = ["align", name, "--labels", "y", "-q", "--format", "ctm", "--frame-shift", "0.5"];
        let assert = ctctool().current_dir(folder.path()).args(args).assert().success();
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    };
    for name in ["m m", "m\nm", "m\u{a0}m"] {
        // e² / (1 + e²)
        assert_eq!(run(name, "1\n"), "m_m 1 0.000 0.500 1 0.8808\n", "{name:?}");
        let comment = run(name, "1 1 1\n");
        assert!(comment.starts_with(";; m") && comment.lines().count() == 1, "{comment}");
    }
}

#[test]
fn label_lengths_that_do_not_fit_are_named_as_by_loss() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[5, 2, 3], &[0.0; 30]));
    folder.file("j.npy", npy_i64(&[4], &[1, 2, 1, 2]));
    for command in ["align", "loss"] {
        let args = [command, "x.npy", "--labels", "j.npy", "--label-lengths", "1,1,2"];
        let (code, stderr) = said(&folder, &args);
        assert_eq!(code, Some(2));
        assert!(stderr.starts_with("error: --label-lengths: expected 5 or 2 items"), "{stderr}");
    }
}
