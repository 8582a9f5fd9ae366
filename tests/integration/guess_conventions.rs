//! `ctctool loss --guess`: what other systems do to probabilities and to items without an alignment.

use crate::guess::{batch, guess, log_softmax, loss, notes};
use crate::support::{json, npy_f64};

/// Keras adds 1e-7 to each probability and has them sum to 1 again, which is much where a label is improbable.
#[test]
fn probabilities_that_keras_has_changed_are_found() {
    let (folder, values) = batch(5);
    // So that some labels have less than that.
    let values: Vec<f64> = values.iter().map(|x| 12.0 * x).collect();
    let probs: Vec<f64> = log_softmax(&values, 5).iter().map(|lp| lp.exp()).collect();
    assert!(probs.iter().any(|&p| p < 1e-8));
    let changed: Vec<f64> =
        probs.chunks(5).flat_map(|row| row.iter().map(|p| (p + 1e-7) / (1.0 + 5e-7))).collect();
    folder.file("x.npy", npy_f64(&[4, 6, 5], &changed));
    let number = json(&mut loss(&folder, &["--input", "probs"]))["summary"]["loss_nats"].as_f64().unwrap();
    folder.file("x.npy", npy_f64(&[4, 6, 5], &probs));
    let plain = json(&mut loss(&folder, &["--input", "probs"]))["summary"]["loss_nats"].as_f64().unwrap();
    assert!((number - plain).abs() > 1e-3 * plain, "{number} {plain}");
    let note = "1e-7 is added to each probability, and each row divided by its sum, as Keras does";
    let found = guess(&folder, number, &[]);
    assert!(notes(&found).iter().any(|found| found.contains(note)), "{found}");
    let found = guess(&folder, plain, &[]);
    assert!(!notes(&found).iter().any(|found| found.contains(note)), "{found}");
}

/// Of nothing, every sum is 0.
#[test]
fn items_left_out_are_not_all_of_them() {
    let (folder, _) = batch(9);
    let left_out = "the other system leaves out items without an alignment";
    folder.file("y.txt", "1 1 1 1 1 1\n1 1 1 1 1 1\n1 1 1 1 1 1\n1 1 1 1 1 1\n");
    assert!(!notes(&guess(&folder, 0.0, &["--layout", "ntc"])).contains(&left_out));
    folder.file("y.txt", "1 1 1 1 1 1\n1\n1 1 1 1 1 1\n2\n");
    let sum: f64 = json(
        &mut loss(&folder, &["--layout", "ntc", "--zero-infinity", "--reduction", "sum"]),
    )["summary"]["loss_nats"]
        .as_f64()
        .unwrap();
    let found = guess(&folder, sum / 2.0, &["--layout", "ntc"]);
    assert!(notes(&found).iter().any(|note| note.contains(left_out)), "{found}");
}
