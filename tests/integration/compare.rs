//! `ctctool compare` by its contract.

use predicates::prelude::*;
use serde_json::{Value, json};

use crate::random::Random;
use crate::support::{
    Folder, ctctool, json as run_json, npy_bytes, npy_f32, npy_f64, npy_i64, repository, warnings,
};

pub(crate) fn compare(folder: &Folder, args: &[&str]) -> assert_cmd::Command {
    let mut command = ctctool();
    command.current_dir(folder.path()).arg("compare").args(args);
    command
}

#[test]
fn matrices_differ_by_what_their_dtype_allows() {
    let folder = Folder::new();
    let base = [1.0, 2.0, 3.0, 1e3, 0.0, -5.0];
    // Within f32's 1.3e-6 and 1e-5 of the base, beyond f64's 1e-7.
    let near = [1.0, 2.000_005, 3.0, 1e3 + 1e-3, 1e-5, -5.0];
    folder.file("a32", npy_f32(&[2, 3], &base));
    folder.file("b32", npy_f32(&[2, 3], &near));
    folder.file("a64", npy_f64(&[2, 3], &base));
    folder.file("b64", npy_f64(&[2, 3], &near));
    folder.file("a.csv", "1,2,3\n1e3,0,-5\n");
    let half: Vec<u8> = [1.0, 2.001, 3.0, 1e3, 0.0, -5.0]
        .iter()
        .flat_map(|&x| half::f16::from_f64(x).to_le_bytes())
        .collect();
    folder.file("b16", npy_bytes("<f2", false, &[2, 3], &half));
    for (args, code) in [
        (&["a32", "b32"][..], 0),
        (&["a64", "b64"], 1),
        (&["a64", "b32"], 0),
        (&["a.csv", "b64"], 1),
        (&["a.csv", "a64"], 0),
        (&["a.csv", "a32"], 0),
        (&["a32", "b16"], 0),
        (&["a64", "b64", "--rtol", "1e-5", "--atol", "1e-4"], 0),
        (&["a32", "b32", "--rtol", "0", "--atol", "0"], 1),
        (&["a64", "b64", "--stat", "median"], 1),
        (&["a64", "b64", "--stat", "median", "--atol", "1e-5"], 0),
        (&["a64", "b64", "--stat", "max", "--atol", "0"], 1),
        (&["a64", "b64", "--stat", "mean", "--rtol", "1e-3"], 0),
    ] {
        compare(&folder, args).assert().code(code);
    }
    // That of half precision is so wide that it must be asked for.
    for (args, told) in [
        (&["a32", "b16"][..], true),
        (&["b16", "a64"], true),
        // What is left of it is that of single precision.
        (&["a32", "b16", "--rtol", "1e-3"], false),
        (&["a64", "b16", "--rtol", "1e-3"], true),
        (&["a32", "b16", "--rtol", "1e-3", "--atol", "1e-5"], false),
        (&["b16", "b16"], false),
        (&["a64", "a32"], false),
    ] {
        let result = run_json(&mut compare(&folder, args));
        assert_eq!(warnings(&result).contains(&"half_precision"), told, "{args:?}: {result}");
        let message = result["warnings"][0]["message"].as_str().unwrap_or_default();
        let given = args.contains(&"--rtol");
        let defaults = if given { "float16, --atol 0.00001" } else { "float16, --rtol 0.001 --atol 0.00001" };
        assert!(!told || message.ends_with(defaults), "{message}");
    }
    // Of two dtypes the less precise decides, and the result says so.
    let result = run_json(&mut compare(&folder, &["a64", "b32"]));
    assert_eq!(result["params"]["dtypes"], json!(["float64", "float32"]));
    assert!(run_json(&mut compare(&folder, &["a32", "b32"]))["params"]["dtypes"].is_null());
    let result = run_json(&mut compare(&folder, &["a64", "b64"]));
    let summary = &result["summary"];
    assert_eq!(
        (&summary["values"], &summary["differing"], &summary["equal"]),
        (&json!(6), &json!(3), &json!(false))
    );
    assert_eq!(
        (&summary["max_absolute_place"], &summary["max_relative_place"]),
        (&json!("[1, 0]"), &json!("[1, 1]"))
    );
    let worst = &result["items"][0];
    assert_eq!(
        (&worst["place"], &worst["base"], &worst["new"]),
        (&json!("[1, 0]"), &json!(1e3), &json!(1e3 + 1e-3))
    );
}

/// Threads look at some thousand values each.
#[test]
fn the_worst_of_many_values_are_found_wherever_they_are() {
    let mut random = Random::new(7);
    for (values, other, nan) in [(50_000, 40_000, 0), (50_000, 30, 0), (40_001, 500, 3), (3, 2, 1)] {
        let base: Vec<f64> = (0..values).map(|_| random.normal()).collect();
        let mut new = base.clone();
        for _ in 0..other {
            // Of few sizes, so that many are as bad as others.
            new[random.below(values) as usize] += f64::from(random.below(200)) / 4.0;
        }
        (0..nan).for_each(|_| new[random.below(values) as usize] = f64::NAN);
        let folder = Folder::new();
        folder.file("a", npy_f64(&[values as usize], &base));
        folder.file("b", npy_f64(&[values as usize], &new));
        let result = run_json(&mut compare(&folder, &["a", "b", "--rtol", "0", "--atol", "0.1"]));

        let difference = |at: usize| (new[at] - base[at]).abs();
        let differs = |&at: &usize| difference(at) > 0.1 || difference(at).is_nan();
        let mut worst: Vec<usize> = (0..base.len()).filter(differs).collect();
        let differing = worst.len();
        // NaN is the greatest of all in this order.
        worst.sort_by(|&a, &b| (difference(b) - 0.1).total_cmp(&(difference(a) - 0.1)));
        let places: Vec<Value> = worst.iter().take(20).map(|at| json!(format!("[{at}]"))).collect();
        let found: Vec<Value> =
            result["items"].as_array().unwrap().iter().map(|item| item["place"].clone()).collect();
        assert_eq!(found, places);
        let summary = &result["summary"];
        assert_eq!(summary["differing"], differing);
        assert_eq!(summary["max_absolute_place"], format!("[{}]", worst[0]));
        let relative = (0..base.len()).map(|at| difference(at) / base[at].abs());
        let worse = |a: f64, b: f64| a > b || a.is_nan() && !b.is_nan();
        let greatest = relative.enumerate().reduce(|a, b| if worse(b.1, a.1) { b } else { a });
        assert_eq!(summary["max_relative_place"], format!("[{}]", greatest.unwrap().0));
    }
}

#[test]
fn what_was_observed_and_allowed_belong_to_one_place() {
    let folder = Folder::new();
    // The greatest difference is within what its base allows.
    folder.file("a", npy_f64(&[2, 2], &[1e6, 1.0, 2.0, 3.0]));
    folder.file("b", npy_f64(&[2, 2], &[1e6 + 0.0625, 1.25, 2.0, 3.0]));
    let result = run_json(&mut compare(&folder, &["a", "b"]));
    let (summary, check) = (&result["summary"], &result["checks"][0]);
    assert_eq!((&summary["worst_absolute"], &summary["worst_place"]), (&json!(0.25), &json!("[0, 1]")));
    assert_eq!((&check["observed"], &check["limit"]), (&json!(0.25), &json!(2e-7)));
    compare(&folder, &["a", "b"]).assert().code(1).stdout(predicate::str::contains(
        "b against a: 1 of 4 values differ, the worst by 0.25 at [0, 1], allowed 2e-7",
    ));
    // Numbers of any size stay readable.
    folder.file("a", npy_f64(&[2], &[1e-300, 1e300]));
    folder.file("b", npy_f64(&[2], &[0.0, -1e300]));
    for format in ["table", "csv", "github", "junit"] {
        let assert = compare(&folder, &["a", "b", "--atol", "0", "--format", format]).assert().code(1);
        let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        assert!(text.contains("1e-300") && text.contains("-1e300"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 250), "{text}");
    }
}

#[test]
fn integers_that_doubles_leave_out_are_refused() {
    let folder = Folder::new();
    let wide = |x: u64| npy_bytes("<u8", false, &[1, 2], &[7_u64.to_le_bytes(), x.to_le_bytes()].concat());
    folder.file("a", wide((1 << 53) - 1));
    folder.file("b", wide((1 << 53) - 2));
    folder.file("c", wide(1 << 53));
    compare(&folder, &["a", "b", "--rtol", "0", "--atol", "0"]).assert().code(1);
    let assert = compare(&folder, &["a", "c"]).assert().code(2);
    assert.stderr("error: c: expected integers below 2^53, which a double holds exactly, found 9007199254740992 at [0, 1]\n");
}

#[test]
fn a_mean_is_finite_where_its_sum_is_not() {
    let folder = Folder::new();
    folder.file("a", npy_f64(&[1, 2], &[1e308, 1e308]));
    folder.file("b", npy_f64(&[1, 2], &[5e307, 5e307]));
    compare(&folder, &["a", "b", "--stat", "mean"]).assert().code(1);
    compare(&folder, &["a", "b", "--stat", "mean", "--rtol", "0.6"]).assert().success();
}

#[test]
fn an_infinity_passes_only_where_equal_whatever_the_statistic() {
    let folder = Folder::new();
    folder.file("a", npy_f64(&[5], &[f64::INFINITY, 1.0, 2.0, 3.0, 4.0]));
    folder.file("b", npy_f64(&[5], &[7.0, 1.0, 2.0, 3.0, 4.0]));
    for (base, new, code) in [("a", "b", 1), ("b", "a", 1), ("a", "a", 0), ("b", "b", 0)] {
        for stat in ["elementwise", "max", "mean", "median"] {
            compare(&folder, &[base, new, "--stat", stat]).assert().code(code);
        }
    }
    let assert = compare(&folder, &["b", "a", "--stat", "median"]).assert();
    assert.stderr(predicate::str::contains("but an infinity differs at [0]"));
    // It comes before any finite difference.
    folder.file("b", npy_f64(&[5], &[7.0, 1.0, 2.0, 3.0, 1e9]));
    let result = run_json(&mut compare(&folder, &["a", "b"]));
    assert_eq!((&result["items"][0]["place"], &result["items"][1]["place"]), (&json!("[0]"), &json!("[4]")));
}

#[test]
fn orders_and_infinities_and_nan() {
    let folder = Folder::new();
    let values = |x: f64| [f64::INFINITY, f64::NEG_INFINITY, 1.0, x];
    folder.file("c", npy_f64(&[2, 2], &values(2.0)));
    let fortran: Vec<u8> =
        [f64::INFINITY, 1.0, f64::NEG_INFINITY, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    folder.file("f", npy_bytes("<f8", true, &[2, 2], &fortran));
    folder.file("nan", npy_f64(&[2, 2], &values(f64::NAN)));
    compare(&folder, &["c", "f"]).assert().code(0);
    compare(&folder, &["c", "nan", "--rtol", "1e300"]).assert().code(1);
    compare(&folder, &["nan", "nan", "--atol", "1e300"]).assert().code(1);
    compare(&folder, &["nan", "nan", "--stat", "mean"]).assert().code(1);
    folder.file("empty", npy_f64(&[0, 2], &[]));
    folder.file("one", npy_f64(&[], &[1.0]));
    compare(&folder, &["empty", "empty"]).assert().code(0);
    compare(&folder, &["one", "one"]).assert().code(0);
}

#[test]
fn what_can_not_be_compared_is_an_error() {
    let folder = Folder::new();
    folder.file("a", npy_f64(&[2, 2], &[0.0; 4]));
    folder.file("b", npy_f64(&[4], &[0.0; 4]));
    folder.file("r.json", r#"{"schema_version":1,"command":"loss","params":{},"summary":{},"items":[]}"#);
    folder.file("d.json", r#"{"schema_version":1,"command":"decode","params":{},"summary":{},"items":[]}"#);
    folder.file("old.json", r#"{"schema_version":99,"command":"loss"}"#);
    folder.file(
        "p.json",
        r#"{"schema_version":1,"command":"loss","params":{"blank":3},"summary":{},"items":[]}"#,
    );
    let twins = r#"{"schema_version":1,"command":"loss","items":[{"index":0,"loss_nats":1},{"index":0,"loss_nats":2}]}"#;
    folder.file("twins.json", twins);
    folder.file("cut.json", r#"{"schema_version":1,"#);
    folder.file("deep.json", "{\"a\":".repeat(100_000));
    for (args, expected) in [
        (&["a", "b"][..], "b: expected shape (2, 2) as in a, found (4,)"),
        (&["a", "r.json"], "a is a matrix and r.json a result: they can't be compared"),
        (&["r.json", "a"], "a is a matrix and r.json a result: they can't be compared"),
        (&["r.json", "d.json"], "r.json is a result of 'loss' and d.json of 'decode'"),
        (&["r.json", "p.json"], "different parameters: blank is null in the first and 3 in the second"),
        (&["old.json", "r.json"], "old.json: expected a result of ctctool with schema_version 1"),
        (
            &["twins.json", "twins.json"],
            "twins.json: items 1: expected an index that no other item has, found 0, which is also the index of items[0]",
        ),
        (&["cut.json", "r.json"], "cut.json: line 1, column"),
        (&["deep.json", "r.json"], "deep.json: line 1, column"),
        (&["a", "missing"], "missing: cannot be opened"),
        (&["-", "-"], "only one of BASE and NEW"),
        (&["r.json", "r.json", "--stat", "max"], "--stat is for matrices"),
        (&["a", "a", "--rtol", "nan"], "--rtol"),
        (&["a", "a", "--stat", "max", "--rtol", "inf"], "--rtol"),
    ] {
        let assert = compare(&folder, args).assert().code(2).stdout("");
        assert.stderr(predicate::str::starts_with("error: ").and(predicate::str::contains(expected)));
    }
}

/// The regression check in one line: a result is compared with a golden one through a pipe.
#[test]
fn a_result_is_checked_against_a_golden_file() {
    let folder = Folder::new();
    let result = |command: &str, x: &str| {
        folder.file("x.csv", x);
        folder.file("y.txt", "1\n0\n");
        let args: &[&str] = if command == "loss" { &["--labels", "y.txt", "--items"] } else { &[] };
        let mut run = ctctool();
        run.current_dir(folder.path()).args([command, "x.csv", "--format", "json"]).args(args);
        String::from_utf8(run.output().unwrap().stdout).unwrap()
    };
    let golden = result("loss", "1,2\n3,4\n");
    folder.file("golden.json", &golden);
    let against = |new: &str, code: i32| {
        let mut command = compare(&folder, &["golden.json", "-", "--format", "json"]);
        let output = command.write_stdin(new).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    against(&golden, 0);
    against(&result("loss", "1,2.00000001\n3,4\n"), 0);
    let changed = against(&result("loss", "1,2\n3,4.5\n"), 1);
    assert_eq!(changed["summary"]["worst_item"], 1);
    let places: Vec<&str> =
        changed["items"].as_array().unwrap().iter().map(|item| item["place"].as_str().unwrap()).collect();
    assert!(places.contains(&"items[1].loss_nats") && places.contains(&"summary.loss_nats"), "{places:?}");
    assert!(!places.iter().any(|place| place.starts_with("items[0]")));
    // A row more is another input.
    let longer = result("decode", "1,2\n3,4\n");
    folder.file("golden.json", &longer);
    let changed = against(&result("decode", "2,1\n3,4\n"), 0);
    assert_eq!(changed["summary"]["equal"], true);
    let text = against(&longer.replace("\"text\":\"1\"", "\"text\":\"1 3\""), 1);
    let words = &text["items"][0]["words"];
    assert_eq!(words[1], json!({"op": "insertion", "reference": null, "hypothesis": "3"}));
    let gone = against(&longer.replace("\"index\":0", "\"index\":7"), 1);
    assert_eq!((&gone["summary"]["gone_items"], &gone["summary"]["new_items"]), (&json!([0]), &json!([7])));
}

#[test]
fn the_real_fixture_compares_with_itself() {
    let mut command = ctctool();
    command.current_dir(repository("fixtures")).args(["compare", "lines.npy", "lines.npy"]);
    command.assert().code(0).stdout(predicate::str::contains("0 of 249872 values differ"));
}

#[test]
fn integers_are_equal_or_not() {
    let folder = Folder::new();
    folder.file("a", npy_i64(&[2], &[100_000_000, 1]));
    folder.file("b", npy_i64(&[2], &[100_000_001, 1]));
    folder.file("c", npy_f64(&[2], &[100_000_001.0, 1.0]));
    compare(&folder, &["a", "a"]).assert().code(0);
    compare(&folder, &["a", "b"]).assert().code(1).stdout(predicate::str::contains("by 1 at [0], allowed 0"));
    compare(&folder, &["a", "b", "--rtol", "1e-7"]).assert().code(0);
    // Doubles are as precise as they are.
    compare(&folder, &["a", "c"]).assert().code(0);
}

/// No row of classes is so long, but these are none.
#[test]
fn a_list_may_be_longer_than_any_row_of_classes() {
    let folder = Folder::new();
    let mut bytes = vec![0; (1 << 24) + 3];
    folder.file("a", npy_bytes("|u1", false, &[bytes.len()], &bytes));
    bytes[1 << 24] = 7;
    folder.file("b", npy_bytes("|u1", false, &[bytes.len()], &bytes));
    compare(&folder, &["a", "b"]).assert().code(1).stdout(predicate::str::contains("by 7 at [16777216]"));
}

/// What a recogniser or a classifier reads is what wins each row.
#[test]
fn rows_with_another_winner_are_counted() {
    let folder = Folder::new();
    let base = [0.1, 0.9, 0.3, 0.5, 0.4, 0.5, -1.0, -2.0, -3.0, 7.0, 7.5, 7.25];
    folder.file("a.npy", npy_f64(&[2, 2, 3], &base));
    let found = || -> Value {
        let output = compare(&folder, &["a.npy", "b.npy", "--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let changed = |new: &[f64]| {
        folder.file("b.npy", npy_f64(&[2, 2, 3], new));
        let found = found();
        let message = found["checks"][0]["message"].as_str().unwrap().to_owned();
        (found["summary"]["changed_winners"].clone(), message)
    };
    // Nothing differs, all differs alike, a tie is broken, two rows are others; a NaN wins no row.
    assert_eq!(changed(&base).0, Value::Null);
    assert_eq!(changed(&base.map(|x| 2.0 * x + 1.0)).0, 0);
    let mut new = base;
    new[5] += 0.01;
    assert_eq!(changed(&new).0, 0);
    (new[0], new[8]) = (1.0, f64::NAN);
    let (count, message) = changed(&new);
    assert_eq!(count, 2);
    assert!(message.contains(", 2 rows have a different argmax"), "{message}");
    // There are no rows in a list, nor of one value each.
    for shape in [&[12][..], &[12, 1]] {
        folder.file("a.npy", npy_f64(shape, &base));
        folder.file("b.npy", npy_f64(shape, &new));
        assert_eq!(found()["summary"]["changed_winners"], Value::Null);
    }
}
