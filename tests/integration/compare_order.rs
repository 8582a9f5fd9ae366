//! Which of several differences `ctctool compare` names first.

use serde_json::{Value, json};

use crate::compare_results::compare;
use crate::mistakes_in_files::result;
use crate::support::{Folder, close, json as run_json, npy_f64};

/// The comparison of two lists of doubles, for which 1e-7 is allowed, and 1e-7 of the base.
fn compared(base: &[f64], new: &[f64], options: &[&str]) -> Value {
    let folder = Folder::new();
    folder.file("base.npy", npy_f64(&[base.len()], base));
    folder.file("new.npy", npy_f64(&[new.len()], new));
    result(&folder, &[&["compare", "base.npy", "new.npy"], options].concat())
}

fn places(result: &Value) -> Vec<&str> {
    result["items"].as_array().unwrap().iter().map(|item| item["place"].as_str().unwrap()).collect()
}

#[test]
fn the_worst_is_what_exceeds_its_allowance_most() {
    // 0.1 is allowed for a million.
    for (new, listed) in [([1e6 + 0.05, 1e-3], &["[1]"][..]), ([1e6 + 0.15, 0.06], &["[1]", "[0]"])] {
        let found = compared(&[1e6, 0.0], &new, &[]);
        let summary = &found["summary"];
        assert_eq!((&summary["worst_place"], &summary["max_absolute_place"]), (&"[1]".into(), &"[0]".into()));
        assert_eq!(places(&found), listed);
        // The allowance is one product and one sum.
        assert!(close(&summary["allowed"], 1e-7, 1e-15, 0.0), "{summary}");
    }
    let found = compared(&[1.0; 4], &[2.0, f64::INFINITY, f64::NAN, 3.0], &[]);
    assert_eq!(places(&found), ["[2]", "[1]", "[3]", "[0]"], "what is no number comes before all others");
}

#[test]
fn a_statistic_has_its_own_allowance() {
    let found = compared(&[1e6, 0.0], &[1e6 + 0.05, 1e-3], &["--stat", "mean"]);
    let summary = &found["summary"];
    // Sums of two numbers, rounded once or twice.
    assert!(close(&summary["allowed"], 1e-7 + 1e-7 * 5e5, 1e-15, 0.0), "{summary}");
    assert!(close(&summary["statistic"], 0.0255, 1e-8, 0.0), "{summary}");
    assert_eq!(summary["equal"], true);
}

#[test]
fn of_equal_differences_the_first_is_named() {
    let found = compared(&[1.0; 3], &[1.0, 2.0, 2.0], &[]);
    for place in ["worst_place", "max_absolute_place", "max_relative_place"] {
        assert_eq!(found["summary"][place], "[1]", "{place}");
    }
    assert_eq!(places(&found), ["[1]", "[2]"]);
    let folder = Folder::new();
    folder.file("y", "0\n0\n0\n");
    for (name, other) in [("a", "0,0"), ("b", "1,0")] {
        folder.file("x.csv", format!("0,0\n{other}\n{other}\n"));
        let loss = result(&folder, &["loss", "x.csv", "--labels", "y", "--items"]);
        folder.file(name, loss.to_string());
    }
    let found = result(&folder, &["compare", "a", "b"]);
    assert_eq!(found["summary"]["worst_item"], 1, "{found}");
}

#[test]
fn the_worst_of_many_items_is_found_wherever_it_is() {
    let folder = Folder::new();
    let write = |name: &str, loss: &dyn Fn(u64) -> f64| {
        // In another order than that of their indices.
        let item = |at: u64| json!({"index": at * 7 % 2000, "loss_nats": loss(at * 7 % 2000)});
        let items: Vec<Value> = (0..2000).map(item).collect();
        let result = json!({
            "schema_version": 1, "command": "loss", "params": {}, "summary": {}, "items": items
        });
        folder.file(name, result.to_string());
    };
    write("base", &|index| index as f64);
    for worst in [0, 255, 256, 1023, 1999] {
        // Ties: the first is the worst.
        write("new", &|index| {
            index as f64
                + if index == worst || index == 1999 { 2.0 } else { f64::from(u8::from(index % 5 == 1)) }
        });
        let mut command = compare(&folder, &["base", "new", "--format", "json", "--atol", "0.5"]);
        let output = command.assert().code(1).get_output().stdout.clone();
        let result: Value = serde_json::from_slice(&output).unwrap();
        let summary = &result["summary"];
        let differing = (0..2000).filter(|&index| index == worst || index == 1999 || index % 5 == 1).count();
        assert_eq!(summary["differing"], differing);
        assert_eq!(summary["worst_item"], worst);
        assert_eq!(summary["worst_place"], format!("items[{worst}].loss_nats"));
        assert_eq!(summary["max_absolute"], 2.0);
    }
}

/// More than are kept differ before an item is through.
#[test]
fn of_items_that_differ_in_many_places_the_worst_is_told() {
    let folder = Folder::new();
    let of = |name: &str, off: f64| {
        let item = |index: u64| {
            let worst = if index == 130 { 7.0 } else { 1.0 };
            let losses: Vec<f64> = (0..40).map(|at| if at == 3 { off * worst } else { off }).collect();
            json!({"id": "x", "index": index, "losses": losses})
        };
        let items: Vec<Value> = (0..300).map(item).collect();
        let result =
            json!({"schema_version": 1, "command": "loss", "params": {}, "summary": {}, "items": items});
        folder.file(name, result.to_string());
    };
    of("a", 0.0);
    of("b", 1.0);
    let result = run_json(&mut compare(&folder, &["a", "b"]));
    assert_eq!(result["summary"]["differing"], 300 * 40);
    assert_eq!(result["summary"]["worst_place"], "items[130].losses[3]");
    assert_eq!(result["summary"]["worst_item"], 130);
}

/// Of many differences few are kept on the way: the worst, in their order, and the worst number, which is named even where
/// more texts differ than are listed.
#[test]
fn of_many_differences_the_worst_are_listed() {
    let folder = Folder::new();
    let count = 5000_u64;
    // Each item differs by another amount.
    let off = |index: u64| (index * 7919 % count) as f64 + 1.0;
    let of = |name: &str, times: f64| {
        let item = |index| json!({"id": "x", "index": index, "loss_nats": 1e6 + times * off(index)});
        let items: Vec<Value> = (0..count).map(item).collect();
        let result =
            json!({"schema_version": 1, "command": "loss", "params": {}, "summary": {}, "items": items});
        folder.file(name, result.to_string());
    };
    of("a", 0.0);
    of("b", 1.0);
    let result = run_json(&mut compare(&folder, &["a", "b", "--rtol", "0", "--atol", "1e-3"]));
    assert_eq!(result["summary"]["differing"], count);
    let mut expected: Vec<u64> = (0..count).collect();
    expected.sort_by(|&a, &b| off(b).total_cmp(&off(a)));
    let places: Vec<String> = expected.iter().map(|index| format!("items[{index}].loss_nats")).collect();
    assert_eq!(result["summary"]["worst_place"], places[0]);
    let listed = result["items"].as_array().unwrap();
    assert!(listed.len() >= 10);
    for (item, place) in listed.iter().zip(&places) {
        assert_eq!(&item["place"], place);
    }

    let texts: Vec<String> = (0..count).map(|index| format!("text {index}")).collect();
    let with_texts = |name: &str, end: &str, logp: f64| {
        let item = |index: u64| {
            let logp = if index == 2500 { logp } else { -1.0 };
            json!({"id": "x", "index": index, "text": texts[index as usize].clone() + end, "logp_nats": logp})
        };
        let items: Vec<Value> = (0..count).map(item).collect();
        let result =
            json!({"schema_version": 1, "command": "decode", "params": {}, "summary": {}, "items": items});
        folder.file(name, result.to_string());
    };
    with_texts("a", "", -1.0);
    with_texts("b", "!", -3.0);
    let result = run_json(&mut compare(&folder, &["a", "b"]));
    assert_eq!(result["summary"]["differing"], count + 1);
    assert_eq!(result["summary"]["worst_place"], "items[2500].logp_nats");
    assert_eq!(result["items"][0]["place"], "items[0].text");
    assert_eq!(result["summary"]["changed_texts"].as_array().unwrap().len() as u64, count);
}
