//! What `ctctool compare` says of how two matrices differ.

use predicates::prelude::*;
use serde_json::Value;

use crate::compare::compare;
use crate::random::Random;
use crate::support::{Folder, npy_f32, npy_f64};

/// What `compare` says of two files whose values differ.
fn summary_of(folder: &Folder, args: &[&str]) -> Value {
    let output = compare(folder, args).args(["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    result["summary"].clone()
}

#[test]
fn how_one_matrix_was_made_of_the_other_is_told() {
    let folder = Folder::new();
    let (rows, classes) = (12, 7);
    let mut random = Random::new(5);
    let base: Vec<f64> = (0..rows * classes).map(|_| random.unit().mul_add(12.0, -6.0)).collect();
    let map = |of: &dyn Fn(f64) -> f64| -> Vec<f64> { base.iter().map(|&x| of(x)).collect() };
    let by_rows =
        |of: &dyn Fn(&[f64]) -> Vec<f64>| -> Vec<f64> { base.chunks(classes).flat_map(of).collect() };
    let lse = |row: &[f64]| row.iter().map(|x| x.exp()).sum::<f64>().ln();
    let log_softmax = by_rows(&|row| row.iter().map(|x| x - lse(row)).collect());
    let softmax: Vec<f64> = log_softmax.iter().map(|x| x.exp()).collect();
    let of_columns: Vec<f64> = (0..base.len())
        .map(|at| {
            let column: Vec<f64> = base.iter().skip(at % classes).step_by(classes).copied().collect();
            base[at] - lse(&column)
        })
        .collect();
    let reversed = by_rows(&|row| row.iter().rev().copied().collect());
    let moved = |left: usize| {
        by_rows(&|row| {
            let mut row = row.to_vec();
            row.rotate_left(left);
            row
        })
    };
    let mut late = base.clone();
    late.rotate_right(classes);
    let turned: Vec<f64> = (0..base.len()).map(|at| base[at % rows * classes + at / rows]).collect();
    let mut number = 0.0;
    let shifted = by_rows(&|row| row.iter().map(|x| x - row[3]).collect());
    let mut next = || {
        number += 1.0;
        number
    };
    let unrelated: Vec<f64> = base.iter().map(|x| (x * 12.9 + next()).sin() * 6.0).collect();
    for (new, expected) in [
        (map(&|x| x / 2.0), "n looks like b divided by 2"),
        (map(&|x| x * -3.0), "n looks like b times -3"),
        (
            map(&|x| x / 2_f64.ln()),
            "n looks like b times 1.4427 (1 / ln 2: base-2 instead of natural logarithms)",
        ),
        (map(&|x| x - 0.25), "n looks like b minus 0.25"),
        (map(&|x| half::bf16::from_f64(x).to_f64()), "n looks like b rounded to bfloat16"),
        (map(&|x| half::f16::from_f64(x).to_f64()), "n looks like b rounded to float16"),
        (
            map(&|x| f64::from(f32::from_bits((x as f32).to_bits() & 0xFFFF_0000))),
            "n looks like b cut off to bfloat16, not rounded",
        ),
        (map(&f64::exp), "n looks like exp of b"),
        (log_softmax, "n looks like log_softmax of b along axis 1"),
        (softmax, "n looks like softmax of b along axis 1"),
        (of_columns, "n looks like log_softmax of b along axis 0"),
        (
            shifted,
            "n looks like b plus a constant for each vector along axis 1, so softmax of both is the same",
        ),
        (reversed, "n looks like numpy.flip(b, axis=1)"),
        (moved(1), "n looks like numpy.roll(b, -1, axis=1)"),
        (moved(classes - 1), "n looks like numpy.roll(b, 1, axis=1)"),
        (late, "n looks like numpy.roll(b, 1, axis=0)"),
        (turned, "n looks like numpy.transpose(b, (1, 0)).reshape(12, 7)"),
        (unrelated, ""),
        (vec![0.0; base.len()], ""),
        // As close as two programs may be, and no closer to anything else.
        (map(&|x| x * (1.0 + 1e-5 * (x * 1e3).sin())), ""),
    ] {
        // The arrays of single precision are as near as that is.
        for (write, file) in [(npy_f64 as fn(&[usize], &[f64]) -> Vec<u8>, "double"), (npy_f32, "single")] {
            folder.file("b", write(&[rows, classes], &base));
            folder.file("n", write(&[rows, classes], &new));
            let told =
                |args: &[&str]| summary_of(&folder, args)["relation"].as_str().unwrap_or("").to_owned();
            assert_eq!(told(&["b", "n"]), expected, "{file}");
            // And from the other side: nothing but the names is exchanged, or the inverse is told.
            let inverse = told(&["n", "b"]);
            assert_eq!(inverse.is_empty(), expected.is_empty(), "{file}: {expected}: {inverse}");
            if ["exp", "softmax", "transpose", "float16"].iter().any(|what| expected.contains(what))
                && !expected.contains("both")
            {
                assert_eq!(inverse, expected, "{file}");
            }
        }
    }
    // It stands in the line that people and annotations see.
    folder.file("n", npy_f64(&[rows, classes], &map(&|x| x * 2.0)));
    let told = predicate::str::contains("84 of 84 values differ")
        .and(predicate::str::contains(", n looks like b times 2\n"));
    compare(&folder, &["b", "n"]).assert().code(1).stderr(told);
    compare(&folder, &["b", "n", "--format", "github"])
        .assert()
        .code(1)
        .stdout(predicate::str::contains("b times 2"));
}

#[test]
fn three_axes_in_another_order_are_told() {
    let folder = Folder::new();
    let mut random = Random::new(9);
    let shape = [4, 5, 6];
    let base: Vec<f64> = (0..120).map(|_| random.unit()).collect();
    folder.file("b", npy_f64(&shape, &base));
    for order in [[0, 2, 1], [1, 0, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let sizes = order.map(|axis| shape[axis]);
        let at = |i: usize| {
            let index = [i / (sizes[1] * sizes[2]), i / sizes[2] % sizes[1], i % sizes[2]];
            let mut of = [0; 3];
            order.iter().zip(index).for_each(|(&axis, i)| of[axis] = i);
            base[(of[0] * shape[1] + of[1]) * shape[2] + of[2]]
        };
        let new: Vec<f64> = (0..120).map(at).collect();
        folder.file("n", npy_f64(&shape, &new));
        let [a, b, c] = order;
        let expected = format!("n looks like numpy.transpose(b, ({a}, {b}, {c})).reshape(4, 5, 6)");
        assert_eq!(summary_of(&folder, &["b", "n"])["relation"], expected);
        // Axes of one entry stay where they are.
        folder.file("b1", npy_f64(&[1, 4, 5, 1, 6], &base));
        folder.file("n1", npy_f64(&[1, 4, 5, 1, 6], &new));
        let [a, b, c] = order.map(|axis| [1, 2, 4][axis]);
        let expected =
            format!("n1 looks like numpy.transpose(b1, (0, {a}, {b}, 3, {c})).reshape(1, 4, 5, 1, 6)");
        assert_eq!(summary_of(&folder, &["b1", "n1"])["relation"], expected);
    }
}

#[test]
fn the_relation_of_large_matrices_is_told_from_places_all_over() {
    let folder = Folder::new();
    // More than what is looked at, and of a size at which steps of many lengths meet the same class.
    for shape in [[512, 128], [70_001, 1], [1, 70_001], [2, 300_000]] {
        let mut random = Random::new(3);
        let len = shape[0] * shape[1];
        let base: Vec<f64> = (0..len).map(|_| random.unit().mul_add(12.0, -6.0)).collect();
        folder.file("b", npy_f32(&shape, &base));
        folder.file("n", npy_f32(&shape, &base.iter().map(|x| x * 2.0).collect::<Vec<_>>()));
        assert_eq!(summary_of(&folder, &["b", "n"])["relation"], "n looks like b times 2");
        // A hundredth of them is something else.
        let mixed: Vec<f64> =
            base.iter().enumerate().map(|(i, x)| if i % 100 == 7 { *x } else { x * 2.0 }).collect();
        folder.file("n", npy_f32(&shape, &mixed));
        assert_eq!(summary_of(&folder, &["b", "n"])["relation"], Value::Null);
        let axis = usize::from(shape[1] > 1);
        let vectors = base.chunks(shape[axis]);
        let shifted: Vec<f64> = vectors.flat_map(|row| row.iter().map(|x| x - row[0])).collect();
        folder.file("n", npy_f32(&shape, &shifted));
        let one = shape.contains(&1);
        let told = summary_of(&folder, &["b", "n"])["relation"].as_str().unwrap_or("none").to_owned();
        assert_eq!(
            told.contains("plus a constant for each vector"),
            !one && shape[1] < 300_000,
            "{shape:?}: {told}"
        );
    }
}

#[test]
fn where_alone_they_differ_is_told() {
    let folder = Folder::new();
    let shape = [6, 5];
    let base: Vec<f64> = (0..30).map(f64::from).collect();
    folder.file("b", npy_f64(&shape, &base));
    for (places, expected) in [
        (&[0, 5, 10, 15, 20, 25][..], "[:, 0]"),
        (&[22, 23, 27, 28], "[4:, 2:4]"),
        (&[22, 28], "[4:, 2:4]"),
        (&[10, 14], "[2, :]"),
        (&[5, 9, 11], "[1:3, :]"),
        (&[1, 3, 5], "[:2, :4]"),
        // All over, or one alone, whose place is told anyway.
        (&[0, 29], ""),
        (&[7], ""),
    ] {
        let mut new = base.clone();
        for &at in places {
            new[at] += 1.0;
        }
        folder.file("n", npy_f64(&shape, &new));
        let summary = summary_of(&folder, &["b", "n"]);
        assert_eq!(summary["region"].as_str().unwrap_or(""), expected, "{places:?}");
        assert_eq!(summary["relation"], Value::Null);
    }
    let told = predicate::str::contains("all of them in [:2, :4]");
    folder.file("n", npy_f64(&shape, &[&[0.0, 2.0, 2.0, 4.0, 4.0, 6.0], &base[6..]].concat()));
    compare(&folder, &["b", "n"]).assert().code(1).stderr(told);
}

/// One number, or a mask, that is larger than all others makes nothing of the rest.
#[test]
fn outliers_are_no_relation() {
    let folder = Folder::new();
    let (rows, classes) = (100, 10);
    let mut random = Random::new(17);
    let mut matrix = || -> Vec<f64> { (0..rows * classes).map(|_| random.normal()).collect() };
    let (one, other) = (matrix(), matrix());
    let with = |values: &[f64], places: &dyn Fn(usize) -> bool, x: f64| -> Vec<f64> {
        values.iter().enumerate().map(|(at, &value)| if places(at) { x } else { value }).collect()
    };
    let column = |class: usize| move |at: usize| at % classes == class;
    let log_softmax = |values: &[f64]| -> Vec<f64> {
        let lse = |row: &[f64]| row.iter().map(|x| x.exp()).sum::<f64>().ln();
        values.chunks(classes).flat_map(|row| row.iter().map(move |x| x - lse(row))).collect()
    };
    let far: Vec<f64> = one.iter().map(|x| -1000.0 - 100.0 * x.abs()).collect();
    for (base, new) in [
        (with(&one, &column(0), -1e9), with(&other, &column(9), -1e9)),
        (with(&one, &column(0), -1e9), with(&other, &column(1), -1e9)),
        (with(&log_softmax(&one), &column(0), -1e5), with(&log_softmax(&other), &column(9), -1e5)),
        (with(&one, &|at| at == 34, 1e9), with(&other, &|at| at == 34, 2e9)),
        (one.clone(), other.iter().map(|x| x + 1e5).collect()),
        (one.clone(), vec![f64::INFINITY; one.len()]),
        (one.clone(), vec![f64::NEG_INFINITY; one.len()]),
        (one.clone(), vec![1e308; one.len()]),
        (one.clone(), vec![f64::NAN; one.len()]),
        (far, vec![0.0; one.len()]),
    ] {
        for write in [npy_f64 as fn(&[usize], &[f64]) -> Vec<u8>, npy_f32] {
            folder.file("b", write(&[rows, classes], &base));
            folder.file("n", write(&[rows, classes], &new));
            for pair in [["b", "n"], ["n", "b"]] {
                assert_eq!(summary_of(&folder, &pair)["relation"], Value::Null, "{:?}", &new[..3]);
            }
        }
    }
    // Rows that are masked differ by a number each, and not by a factor.
    let late = |at: usize| at >= 40 * classes;
    folder.file("b", npy_f32(&[rows, classes], &with(&one, &late, -1e9)));
    folder.file("n", npy_f32(&[rows, classes], &with(&one, &late, -65504.0)));
    let expected =
        "n looks like b plus a constant for each vector along axis 1, so softmax of both is the same";
    assert_eq!(summary_of(&folder, &["b", "n"])["relation"], expected);
    // Where all else agrees, a mask does not hide it.
    let masked = with(&one, &column(3), f64::NEG_INFINITY);
    folder.file("b", npy_f32(&[rows, classes], &masked));
    folder.file("n", npy_f32(&[rows, classes], &log_softmax(&masked)));
    assert_eq!(summary_of(&folder, &["b", "n"])["relation"], "n looks like log_softmax of b along axis 1");
}
