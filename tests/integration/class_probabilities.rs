//! Cross-entropy against class probabilities, and what else needs all classes of a row.

use ctctool::input::{CsvOptions, LabelFile};
use ctctool::kernel::{Element, Floats};
use ctctool::logits::{InputKind, RowScale};
use ctctool::loss::cross_entropy::CrossEntropy;
use predicates::prelude::*;

use crate::random::Random;
use crate::support::{Folder, ctctool, json, npy_bytes, npy_f32, npy_f64, number};

/// Terms of a loss are added in another order than here: some units of the sum of their sizes.
const ROUNDING: f64 = 1e-14;

/// `-Σ w[c] lp[c] t[c]` one by one, and the sum of the terms' sizes.
fn naive(log_probs: &[f64], targets: &[f64], weight: Option<&[f64]>) -> (f64, f64) {
    let terms = log_probs
        .iter()
        .zip(targets)
        .enumerate()
        .map(|(class, (lp, t))| -lp * t * weight.map_or(1.0, |w| w[class]));
    terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()))
}

fn check<E: Element>(row: &[E], kind: InputKind, targets: &[f32], random: &mut Random) {
    let classes = row.len();
    let scale = RowScale::new(row, kind);
    let log_probs: Vec<f64> = row.iter().map(|&x| scale.log_prob(x)).collect();
    let exact: Vec<f64> = targets.iter().map(|&t| f64::from(t)).collect();
    let class = random.below(classes as u32) as usize;
    let weights: Vec<f64> = (0..classes).map(|_| random.unit() * 3.0).collect();
    for weight in [None, Some(weights)] {
        for smoothing in [0.0, 0.125] {
            let loss = CrossEntropy::new(classes, weight.clone(), smoothing).unwrap();
            let smoothed = |t: &f64| t * (1.0 - smoothing) + smoothing / classes as f64;
            let of_probs: Vec<f64> = exact.iter().map(smoothed).collect();
            let of_class: Vec<f64> =
                (0..classes).map(|c| smoothed(&f64::from(u8::from(c == class)))).collect();
            for (found, targets) in [
                (loss.of_probs(row, scale, Floats::Single(targets)), &of_probs),
                (loss.of_probs(row, scale, Floats::Double(&exact)), &of_probs),
                (loss.of_index(row, scale, class), &of_class),
            ] {
                let (expected, size) = naive(&log_probs, targets, weight.as_deref());
                let error = (found.loss_nats - expected).abs();
                assert!(
                    error <= ROUNDING * size,
                    "{classes} classes, {kind:?}: {} not {expected}",
                    found.loss_nats
                );
            }
        }
    }
}

#[test]
fn sums_over_all_classes_are_the_definitions_at_every_length() {
    let mut random = Random::new(1);
    for classes in (1..70).chain([127, 128, 129, 143, 144, 145, 255, 256, 257, 1000]) {
        let logits = random.logits(1, classes, 4.0, 0.0);
        let single: Vec<f32> = logits.iter().map(|&x| x as f32).collect();
        let targets: Vec<f32> = (0..classes).map(|_| random.unit() as f32).collect();
        let probs: Vec<f64> = logits.iter().map(|x| x.exp()).collect();
        check(&logits, InputKind::Logits, &targets, &mut random);
        check(&single, InputKind::Logits, &targets, &mut random);
        check(&logits, InputKind::LogProbs, &targets, &mut random);
        check(&probs, InputKind::Probs, &targets, &mut random);
    }
}

/// Nothing behind a row is added to it, and 0 times infinity is NaN only where it is in the row.
#[test]
fn impossible_classes_are_seen_wherever_they_are() {
    for classes in [1, 2, 15, 16, 17, 33, 130] {
        for impossible in 0..classes {
            let mut row = vec![0.5; classes];
            row[impossible] = f64::NEG_INFINITY;
            let loss = CrossEntropy::new(classes, None, 0.0).unwrap();
            let scale = RowScale::new(&row, InputKind::LogProbs);
            let mut targets = vec![1.0; classes];
            assert_eq!(loss.of_probs(&row, scale, Floats::Double(&targets)).loss_nats, f64::INFINITY);
            targets[impossible] = 0.0;
            assert!(loss.of_probs(&row, scale, Floats::Double(&targets)).loss_nats.is_nan());
        }
    }
}

/// Mapped, read by all threads, from a pipe; in any order, width and place in the file.
#[test]
fn probabilities_are_the_same_however_they_are_stored() {
    let (items, classes, places) = (40, 7, 5);
    let mut random = Random::new(2);
    let folder = Folder::new();
    let shape = [items, classes, places];
    let logits = random.logits(items * places, classes, 3.0, 0.0);
    folder.file("x.npy", npy_f64(&shape, &logits));
    // Eighths are exact in every width.
    let targets: Vec<f64> = logits.iter().map(|_| f64::from(random.below(9)) / 8.0).collect();
    let bytes = |of: &dyn Fn(f64) -> Vec<u8>| targets.iter().flat_map(|&t| of(t)).collect::<Vec<u8>>();
    let mut unaligned = npy_f32(&shape, &targets);
    unaligned.splice(8..10, (u16::from_le_bytes([unaligned[8], unaligned[9]]) + 1).to_le_bytes());
    unaligned.insert(10, b' ');
    let mut fortran = vec![0; 0];
    for place in 0..places {
        for class in 0..classes {
            for item in 0..items {
                fortran.extend((targets[(item * classes + class) * places + place] as f32).to_le_bytes());
            }
        }
    }
    for (name, file) in [
        ("double", npy_f64(&shape, &targets)),
        ("single", npy_f32(&shape, &targets)),
        ("unaligned", unaligned),
        ("half", npy_bytes("<f2", false, &shape, &bytes(&|t| half::f16::from_f64(t).to_le_bytes().to_vec()))),
        ("big-endian", npy_bytes(">f4", false, &shape, &bytes(&|t| (t as f32).to_be_bytes().to_vec()))),
        ("fortran", npy_bytes("<f4", true, &shape, &fortran)),
    ] {
        folder.file(name, file);
    }
    // One row is a class, the other axes its place: a row of class axis 1 is every `places`-th value.
    let expected: f64 = (0..items * places)
        .map(|row| {
            let at = |class: usize| (row / places * classes + class) * places + row % places;
            let scores: Vec<f64> = (0..classes).map(|class| logits[at(class)]).collect();
            let lse = scores.iter().map(|x| x.exp()).sum::<f64>().ln();
            (0..classes).map(|class| (lse - scores[class]) * targets[at(class)]).sum::<f64>()
        })
        .sum();
    let loss = |labels: &str| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--reduction", "sum", "--labels", labels]);
        command
    };
    for name in ["double", "single", "unaligned", "half", "big-endian", "fortran"] {
        let found = number(&json(&mut loss(name))["summary"]["loss_nats"]);
        assert!((found - expected).abs() <= 1e-12 * expected, "{name}: {found}, not {expected}");
        let content = std::fs::read(folder.path().join(name)).unwrap();
        let piped = number(&json(loss("-").write_stdin(content))["summary"]["loss_nats"]);
        assert_eq!(piped, found, "{name}");
    }
    let whole = npy_f32(&shape, &targets);
    for (len, message) in [(whole.len() - 1, "5599"), (whole.len() + 1, "5601")] {
        let mut other = whole.clone();
        other.resize(len, 0);
        folder.file("other", other);
        loss("other").assert().code(2).stderr(predicate::str::contains(message));
    }
}

/// PyTorch takes any numbers for class probabilities; a row that sums to one can still have some below 0.
#[test]
fn targets_that_are_no_probabilities_are_a_warning() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n3,2,1\n");
    let codes = |targets: &str| {
        folder.file("y.csv", targets);
        let mut command = ctctool();
        let result = json(command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y.csv"]));
        let warnings = result["warnings"].as_array().unwrap();
        warnings
            .iter()
            .map(|warning| format!("{}: {}", warning["code"], warning["message"]))
            .collect::<Vec<_>>()
    };
    assert!(codes("0.5,0.25,0.25\n1.0,0.0,0.0\n").is_empty());
    assert_eq!(
        codes("0.5,0.25,0.25\n1.5,-0.5,0.0\n"),
        [
            r#""targets_negative": "y.csv: row 1, class 1 is -0.5, but probabilities can't be negative: are these logits?""#
        ]
    );
    assert_eq!(
        codes("0.5,0.25,0.25\n0.5,0.25,0.5\n"),
        [r#""targets_not_normalised": "y.csv: 1 row does not sum to 1 (the first, row 1, sums to 1.25)""#]
    );
}

/// Threads look at some thousand targets each.
#[test]
fn the_first_odd_target_of_many_is_named() {
    let folder = Folder::new();
    let (rows, classes) = (50_000, 3);
    let mut targets = [0.5, 0.25, 0.25].repeat(rows);
    folder.file("x.npy", npy_f32(&[rows, classes], &targets));
    let mut put = |row: usize, values: [f64; 3]| targets[classes * row..][..classes].copy_from_slice(&values);
    for row in [49_999, 44_000, 33_333] {
        put(row, [0.5, 0.25, 0.75]);
        put(row - 1, [1.0, 1.0, -1.0]);
    }
    folder.file("y.npy", npy_f32(&[rows, classes], &targets));
    let loss = || {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.npy"]);
        command
    };
    let result = json(&mut loss());
    let said: Vec<&str> =
        result["warnings"].as_array().unwrap().iter().map(|w| w["message"].as_str().unwrap()).collect();
    assert!(said.contains(&"y.npy: 3 rows do not sum to 1 (the first, row 33333, sums to 1.5)"), "{said:?}");
    assert!(
        said.contains(
            &"y.npy: row 33332, class 2 is -1, but probabilities can't be negative: are these logits?"
        ),
        "{said:?}"
    );
    targets[3 * 45_000 + 1] = f64::NAN;
    folder.file("y.npy", npy_f32(&[rows, classes], &targets));
    loss().assert().code(2).stderr(predicate::str::contains("row 45000, class 1"));
}

/// Rows side by side or by themselves, one after another or class by class: the definition, item by item.
#[test]
fn a_loss_is_the_definition_wherever_the_classes_are() {
    let mut random = Random::new(3);
    let folder = Folder::new();
    let (items, places) = (3, 37);
    let rows = items * places;
    for classes in [1, 2, 5, 16, 21, 100, 129, 150, 513] {
        let mut log_probs = random.logits(rows, classes, 2.0, 0.0);
        for row in log_probs.chunks_exact_mut(classes) {
            let lse = row.iter().map(|x| x.exp()).sum::<f64>().ln();
            for x in row {
                *x = f64::from((*x - lse) as f32);
            }
        }
        let targets: Vec<f64> = (0..rows * classes).map(|_| f64::from(random.below(9)) / 8.0).collect();
        let indices: Vec<usize> = (0..rows).map(|_| random.below(classes as u32) as usize).collect();
        let weights: Vec<f64> = (0..classes).map(|_| f64::from(random.below(20)) / 8.0).collect();
        folder.file("weights.txt", weights.iter().map(|w| format!("{w}\n")).collect::<String>());
        // Row `r` is place `r % places` of item `r / places`.
        let outer = |values: &[f64]| -> Vec<f64> {
            let of_item = |values: &[f64]| -> Vec<f64> {
                let at = |i: usize| values[i % places * classes + i / places];
                (0..classes * places).map(at).collect()
            };
            values.chunks_exact(places * classes).flat_map(of_item).collect()
        };
        let (ncd, ndc) = ([items, classes, places], [items, places, classes]);
        let ignored = |row: usize| row % 7 == 3;
        let labels = (0..rows).map(|row| if ignored(row) { -100 } else { indices[row] as i64 });
        let label_bytes: Vec<u8> = labels.flat_map(i64::to_le_bytes).collect();
        folder.file("y.npy", npy_bytes("<i8", false, &[items, places], &label_bytes));
        folder.file("outer_y.npy", npy_f32(&ncd, &outer(&targets)));
        folder.file("last_y.npy", npy_f64(&ndc, &targets));
        for single in [true, false] {
            let npy = if single { npy_f32 } else { npy_f64 };
            folder.file("outer.npy", npy(&ncd, &outer(&log_probs)));
            folder.file("last.npy", npy(&ndc, &log_probs));
            for (kind, smoothing, weighted) in [
                ("logits", 0.0, true),
                ("logits", 0.25, false),
                ("log-probs", 0.0, false),
                ("log-probs", 0.25, true),
            ] {
                let weight = weighted.then_some(&weights[..]);
                for of_probs in [false, true] {
                    let expected = (0..rows).map(|row| {
                        let log_probs = &log_probs[row * classes..][..classes];
                        // To logits it is all the same, but for the rounding of what was written.
                        let shift = log_probs.iter().map(|x| x.exp()).sum::<f64>().ln();
                        let shift = if kind == "logits" { shift } else { 0.0 };
                        let log_probs: Vec<f64> = log_probs.iter().map(|x| x - shift).collect();
                        let share = |class: usize| {
                            let of_class = f64::from(u8::from(class == indices[row]));
                            let share = if of_probs { targets[row * classes + class] } else { of_class };
                            share * (1.0 - smoothing) + smoothing / classes as f64
                        };
                        let shares: Vec<f64> = (0..classes).map(share).collect();
                        let (sum, size) = naive(&log_probs, &shares, weight);
                        if !of_probs && ignored(row) { (0.0, 0.0) } else { (sum, size) }
                    });
                    let expected: Vec<(f64, f64)> = expected.collect();
                    for (logits, labels, axis) in
                        [("outer.npy", "outer_y.npy", "1"), ("last.npy", "last_y.npy", "-1")]
                    {
                        let labels = if of_probs { labels } else { "y.npy" };
                        let mut command = ctctool();
                        command.current_dir(folder.path()).args(["loss", logits, "--labels", labels]);
                        command.args(["--class-axis", axis, "--reduction", "none", "--criterion", "ce"]);
                        command.args(["--input", kind, "--label-smoothing", &smoothing.to_string()]);
                        if weighted {
                            command.args(["--weight", "weights.txt"]);
                        }
                        let result = json(&mut command);
                        let found = result["items"].as_array().unwrap();
                        assert_eq!(found.len(), rows);
                        for (row, (item, &(expected, size))) in found.iter().zip(&expected).enumerate() {
                            let found = number(&item["loss_nats"]);
                            // A normaliser is off by 2e-7 of its logarithm, which no log-probability is less than in size.
                            let tolerance = if single { 2e-7 } else { 1e-13 };
                            // Next to 0, what is expected is a rounding off itself.
                            let near = (found - expected).abs() <= tolerance * size + 1e-15;
                            assert!(near, "{classes} {kind} {smoothing} {labels} {row}: {found}, {expected}");
                        }
                    }
                }
            }
        }
    }
}

/// Numbers of a line do not move on to the next where one has too many and another too few.
#[test]
fn lines_of_probabilities_are_as_long_as_each_other() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3], &[0.0; 6]));
    let command = || {
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.npy", "--labels", "y.txt", "--delimiter", " "]);
        command.args(["--criterion", "ce"]);
        command
    };
    let expected = "line 2: expected 4 numbers as in line 1, found 2";
    folder.file("y.txt", "0.5,0.1 0.2 0.2\n0.5  0.5\n");
    command().assert().code(2).stdout("").stderr(predicate::str::contains(expected));
    // Whoever asks for a table of them gets no other numbers either.
    let path = folder.file("y.txt", "0.5 0.2 0.1 0.2\n0.5 0.5\n");
    let options = CsvOptions { delimiter: Some(b' '), ..CsvOptions::default() };
    let labels = LabelFile::open(&path, options).unwrap();
    let error = labels.prob_targets(&[2, 3], 1).err().unwrap().to_string();
    assert!(error.contains(expected), "{error}");
    folder.file("y.txt", "0.5  0.25 0.25\n0.1,0.5 0.4\n");
    let loss = number(&json(&mut command())["summary"]["reductions"]["mean"]);
    assert!((loss - 3_f64.ln()).abs() < 1e-15);
}
