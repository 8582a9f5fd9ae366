//! What `ctctool compare` allows: by dtype, and for a statistic.

use serde_json::{Value, json};

use crate::support::{Folder, ctctool, json as run_json, npy_bytes, npy_f32, npy_f64, warnings};

fn compare(folder: &Folder, args: &[&str]) -> Value {
    run_json(ctctool().current_dir(folder.path()).arg("compare").args(args))
}

fn halves(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let body: Vec<u8> = values.iter().flat_map(|&x| half::f16::from_f64(x).to_le_bytes()).collect();
    npy_bytes("<f2", false, shape, &body)
}

/// For each dtype, of a base of zero and of a large one, what is just within and just beyond.
#[test]
fn the_defaults_of_each_dtype_are_those_of_the_contract() {
    type Write = fn(&[usize], &[f64]) -> Vec<u8>;
    let folder = Folder::new();
    let dtypes: [(Write, f64, f64, [[f64; 3]; 2]); 3] = [
        // 2000 allows 2.00001; halves of that size are integers.
        (halves, 1e-3, 1e-5, [[0.0, 0.95e-5, 1.05e-5], [2000.0, 1998.0, 1997.0]]),
        // A million allows 1.30001; numbers in single precision are 1/16 apart there.
        (npy_f32, 1.3e-6, 1e-5, [[0.0, 0.95e-5, 1.05e-5], [1e6, 1e6 + 1.25, 1e6 + 1.375]]),
        (npy_f64, 1e-7, 1e-7, [[0.0, 0.95e-7, 1.05e-7], [1e6, 1e6 + 0.09, 1e6 - 0.11]]),
    ];
    for (write, rtol, atol, cases) in dtypes {
        for [base, within, beyond] in cases {
            folder.file("a", write(&[1], &[base]));
            for (new, equal) in [(within, true), (beyond, false)] {
                folder.file("b", write(&[1], &[new]));
                let result = compare(&folder, &["a", "b"]);
                assert_eq!(result["summary"]["equal"], equal, "{result}");
                let params = &result["params"];
                assert_eq!((&params["rtol"], &params["atol"]), (&json!(rtol), &json!(atol)));
            }
        }
    }
}

/// An infinite base, equal in both, would allow the finite ones anything.
#[test]
fn what_a_statistic_allows_is_relative_to_finite_magnitudes() {
    let folder = Folder::new();
    folder.file("a", npy_f64(&[4], &[1.0, -1.0, 1.0, f64::INFINITY]));
    folder.file("b", npy_f64(&[4], &[1.5, -0.5, 1.5, f64::INFINITY]));
    // Three differences of 0.5, three magnitudes of 1; the infinities count in neither.
    for (stat, statistic) in [("max", 0.5), ("mean", 0.5), ("median", 0.5)] {
        for (rtol, equal) in [("0.25", false), ("0.625", true)] {
            let summary =
                compare(&folder, &["a", "b", "--stat", stat, "--atol", "0", "--rtol", rtol])["summary"]
                    .clone();
            let allowed: f64 = rtol.parse().unwrap();
            assert_eq!(
                (&summary["statistic"], &summary["allowed"], &summary["equal"]),
                (&json!(statistic), &json!(allowed), &json!(equal)),
                "{stat}"
            );
        }
    }
}

#[test]
fn a_statistic_may_be_all_that_is_allowed() {
    let folder = Folder::new();
    folder.file("a", npy_f64(&[3], &[1.0, 2.0, 3.0]));
    folder.file("b", npy_f64(&[3], &[1.25, 2.25, 3.25]));
    for stat in ["max", "mean", "median"] {
        let equal = |new: &str, atol: &str| {
            compare(&folder, &["a", new, "--stat", stat, "--rtol", "0", "--atol", atol])["summary"]["equal"]
                .clone()
        };
        assert_eq!(equal("a", "0"), true, "{stat}");
        assert_eq!(equal("b", "0.25"), true, "{stat}");
        assert_eq!(equal("b", "0.125"), false, "{stat}");
    }
}

/// Of an even count it is half-way between the two in the middle.
#[test]
fn the_median_is_that_of_the_differences() {
    let folder = Folder::new();
    for (new, median) in [
        (&[1.0, 0.0][..], 0.5),
        (&[0.0, 1.0], 0.5),
        (&[5.0, 1.0, 3.0], 3.0),
        (&[9.0, 1.0, 4.0, -2.0], 3.0),
        (&[7.0], 7.0),
    ] {
        folder.file("a", npy_f64(&[new.len()], &vec![0.0; new.len()]));
        folder.file("b", npy_f64(&[new.len()], new));
        let result = compare(&folder, &["a", "b", "--stat", "median"]);
        assert_eq!(result["summary"]["statistic"], median, "{new:?}");
    }
}

/// Small gradients, of which none would be noticed.
#[test]
fn what_would_pass_for_zeros_is_told() {
    let folder = Folder::new();
    folder.file("a", npy_f32(&[3], &[9e-6, -2e-6, 0.0]));
    folder.file("large", npy_f32(&[3], &[1.1e-5, -2e-6, 0.0]));
    folder.file("off", npy_f32(&[3], &[8e-6, 2e-6, 0.0]));
    folder.file("large_off", npy_f32(&[3], &[1e-5, -2e-6, 0.0]));
    folder.file("zeros", npy_f32(&[3], &[0.0; 3]));
    for (args, told) in [
        (&["a", "off"][..], true),
        (&["a", "zeros", "--stat", "max"], true),
        (&["a", "a"], false),
        (&["a", "off", "--atol", "1e-5"], false),
        (&["a", "off", "--atol", "1e-7"], false),
        (&["large", "large_off"], false),
        (&["zeros", "off"], false),
        (&["zeros", "zeros"], false),
    ] {
        assert_eq!(
            warnings(&compare(&folder, args)),
            if told { &["loose_tolerance"][..] } else { &[] },
            "{args:?}"
        );
    }
}
