//! Files made to break it: each ends with one line that names the place, exit code 2, and nothing printed.

use std::path::Path;

use crate::messages::said;
use crate::support::{Folder, SplitMix, ctctool, npy_bytes, npy_f64, npy_i64};

/// Runs `loss` on a matrix and labels and checks how it is refused.
fn refused(matrix: &[u8], labels: &[u8], args: &[&str], expected: &str) {
    let folder = Folder::new();
    folder.file("x", matrix);
    folder.file("y", labels);
    let output = ctctool()
        .current_dir(folder.path())
        .args(["loss", "x", "--labels", "y"])
        .args(args)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(output.status.code(), Some(2), "{expected}: {stderr}");
    assert!(output.stdout.is_empty(), "{expected}");
    assert!(lines[0].starts_with("error: ") && lines[0].contains(expected), "{expected}: {stderr}");
    assert!(lines.len() == 1 || lines.len() == 2 && lines[1].starts_with("hint: "), "{stderr}");
}

/// A header of version 1 with any text.
fn header(text: &str) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    file
}

#[test]
fn npy_files_that_lie() {
    let good = npy_f64(&[2, 3], &[0.0; 6]);
    let mut version9 = good.clone();
    version9[6] = 9;
    let mut version2_huge = b"\x93NUMPY\x02\x00".to_vec();
    version2_huge.extend(u32::MAX.to_le_bytes());
    let huge = [usize::MAX, usize::MAX, 3];
    let full =
        |descr: &str| header(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2, 3), }}\n"));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (good[..20].to_vec(), "x: expected a .npy header, found the end of the file"),
        (good[..7].to_vec(), "the end of the file"),
        (good[..good.len() - 1].to_vec(), "expected 48 bytes of data for shape (2, 3) of float64, found 47"),
        ([&good[..], b"x"].concat(), "found 49 or more"),
        (version9, "found version 9.0"),
        (version2_huge, "a .npy header of at most"),
        (npy_bytes("<f8", false, &huge, &[]), "expected a shape that memory can hold"),
        (npy_bytes("<f8", false, &[usize::MAX, 0], &[]), "x: expected"),
        (npy_bytes("<f8", false, &[1 << 25, 3], &[0; 48]), "bytes of data"),
        (npy_bytes("<f8", false, &[2, 0], &[]), "a shape with at least one class"),
        (npy_bytes("|O", false, &[2, 3], &[]), "found an object array"),
        (npy_bytes("<c16", false, &[2, 3], &[0; 96]), "found complex numbers"),
        (npy_bytes("|V8", false, &[2, 3], &[0; 48]), "found raw bytes"),
        (npy_bytes("<U4", false, &[2, 3], &[0; 96]), "found strings"),
        (npy_bytes("<M8[s]", false, &[2, 3], &[0; 48]), "found dates"),
        (
            npy_bytes("<f16", false, &[2, 3], &[0; 96]),
            "expected an array of float16, float32, float64 or integers",
        ),
        (
            npy_bytes("<i3", false, &[2, 3], &[0; 18]),
            "expected a .npy header (a dictionary with 'descr', 'fortran_order' and 'shape'), found '{'descr': '<i3",
        ),
        (npy_bytes("zz", false, &[2, 3], &[]), "expected a .npy header (a dictionary"),
        (full("[('a', '<f8'), ('b', '<f4')]"), "found a structured array"),
        (
            full(&format!("[{}]", (10..40).map(|i| format!("('f{i}', '<f8'), ")).collect::<String>())),
            "found a structured array",
        ),
        (full("5"), "expected a .npy header (a dictionary"),
        (header(&"(".repeat(5000)), "brackets nested 5000 deep"),
        // Each is tried in several ways, and all within it in each.
        (header(&("{".repeat(8) + &"}".repeat(8))), "found 8 dictionaries"),
        (header(&("{".repeat(16) + &"}".repeat(16))), "brackets nested 16 deep"),
        (
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), 'x': {}, }"),
            "found 2 dictionaries",
        ),
        (header("{'descr': '<f8'}\n"), "expected a .npy header (a dictionary"),
        (
            header(
                "{'descr': '<f8', 'fortran_order': False, 'shape': (0xffffffffffffffff, 0Xffffffffffffffff, 3), }\n",
            ),
            "expected a shape that memory can hold",
        ),
        (
            header(
                "{'descr': '<f8', 'fortran_order': False, 'shape': (1_000_000_000_000_000_000, 99, 3), }\n",
            ),
            "expected a shape that memory can hold",
        ),
        (
            header("{'descr': '<f8', 'fortran_order': 3, 'shape': (2, 3), }\n"),
            "expected a .npy header (a dictionary",
        ),
        (
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (-2, 3), }\n"),
            "expected a .npy header (a dictionary",
        ),
        (
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (2.5, 3), }\n"),
            "expected a .npy header (a dictionary",
        ),
        (header("import os\n"), "expected a .npy header (a dictionary"),
        (
            header(&format!(
                "{{'descr': '<f8', 'fortran_order': False, 'shape': ({}), }}\n",
                "1, ".repeat(65)
            )),
            "expected at most 64 axes, found 65",
        ),
        (header("\u{0}\u{1}"), "expected a .npy header (a dictionary"),
    ];
    for (file, expected) in cases {
        refused(&file, b"0\n1\n", &["--criterion", "ce"], expected);
    }
}

/// What is quoted of a file neither floods a terminal nor turns its direction.
#[test]
fn messages_are_of_bounded_length_and_harmless() {
    let folder = Folder::new();
    folder.file("long.json", format!("{{\"schema_version\": 1, \"command\": \"{}\"}}", "A".repeat(100_000)));
    folder.file("other.json", "{\"schema_version\": 1, \"command\": \"b\"}");
    folder.file("bidi.json", "{\"schema_version\": 1, \"command\": \"a\u{202e}b\u{2028}c\u{2066}\"}");
    let said = |one: &str| {
        let output =
            ctctool().current_dir(folder.path()).args(["compare", one, "other.json"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let message = said("long.json");
    assert!(message.chars().count() < 2100 && message.ends_with("A…\n"), "{}", message.len());
    let message = said("bidi.json");
    assert!(message.contains(r"a\u{202e}b\u{2028}c\u{2066}"), "{message}");
}

/// Headers that claim what is not there, read by every command, from a file and from a pipe: none is believed.
#[cfg(target_pointer_width = "64")]
#[test]
fn headers_that_claim_too_much() {
    let huge = 99_999_999_999;
    let shapes: [(&str, bool, &[usize]); 9] = [
        ("<f4", false, &[huge, 0, 3]),
        ("<f4", false, &[0, huge, 3]),
        ("<f4", true, &[huge, 3]),
        ("<f8", true, &[huge, 3]),
        ("<f4", false, &[1, 10 * huge]),
        ("<f2", false, &[3, huge]),
        ("<f4", false, &[huge, 1, 1]),
        ("<f4", false, &[1, huge, 1]),
        ("|u1", false, &[usize::MAX]),
    ];
    let folder = Folder::new();
    folder.file("y", b"1\n");
    folder.file("a", b"a\nb\n");
    let commands: [&[&str]; 9] = [
        &["inspect"],
        &["decode"],
        &["decode", "--layout", "ntc", "--beam", "2"],
        &["decode", "--layout", "tnc"],
        &["align", "--labels", "y", "--layout", "ntc"],
        &["loss", "--labels", "y", "--criterion", "ctc", "--layout", "ntc"],
        &["loss", "--labels", "y", "--criterion", "ctc", "--guess", "1"],
        &["loss", "--labels", "y", "--criterion", "ce", "--check-grad"],
        &["compare", "y"],
    ];
    for (descr, fortran, shape) in shapes {
        let file = npy_bytes(descr, fortran, shape, &[0; 24]);
        folder.file("x.npy", &file);
        for command in commands {
            for input in ["x.npy", "-"] {
                let mut run = ctctool();
                let output = run.current_dir(folder.path()).args(command).arg(input);
                let output = output.write_stdin(file.clone()).output().unwrap();
                let stderr = String::from_utf8_lossy(&output.stderr);
                let context = format!("{shape:?}, {command:?} {input}: {stderr}");
                assert_eq!(output.status.code(), Some(2), "{context}");
                assert!(stderr.starts_with("error: "), "{context}");
            }
        }
    }
}

/// Axes of no size need no bytes, and a file that is whole can have any number of items without frames.
#[test]
fn items_without_frames_are_not_counted_on() {
    let folder = Folder::new();
    folder.file("y.npy", npy_i64(&[1 << 20, 0], &[]));
    folder.file("x.npy", npy_f64(&[0, 1 << 20, 2], &[]));
    let commands: [&[&str]; 3] = [
        &["decode"],
        &["inspect", "--labels", "y.npy"],
        &["loss", "--labels", "y.npy", "--criterion", "ctc"],
    ];
    for command in commands {
        let (code, stderr) = said(&folder, &[command, &["x.npy", "--layout", "tnc"]].concat());
        assert_eq!(code, Some(2), "{command:?}: {stderr}");
        assert!(stderr.contains("expected at most 65536 items without frames"), "{command:?}: {stderr}");
    }
}

/// Labels are looked at when the frames of the header are known to be there.
#[cfg(target_pointer_width = "64")]
#[test]
fn labels_of_frames_that_are_not_there() {
    let folder = Folder::new();
    folder.file("y", b"1\n");
    let header = npy_bytes("<f4", false, &[1 << 40, 2], &[0; 8]);
    let mut run = ctctool();
    let output = run.current_dir(folder.path()).args(["inspect", "-", "--labels", "y"]).write_stdin(header);
    let output = output.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.starts_with("error: standard input: expected 8796093022208 bytes of data"), "{stderr}");
}

#[test]
fn shapes_that_fit_no_loss() {
    let three = npy_f64(&[2, 2, 3], &[0.0; 12]);
    let flat = npy_f64(&[6], &[0.0; 6]);
    let four = npy_f64(&[1, 2, 3, 1], &[0.0; 6]);
    let scalar = npy_bytes("<f8", false, &[], &[0; 8]);
    refused(&three, b"1\n2\n", &["--criterion", "ctc"], "both of the first two axes have 2 entries");
    refused(
        &three,
        b"1\n2\n1\n",
        &["--criterion", "ctc"],
        "y: expected 2 items, the size of axis 0 or 1 of shape (2, 2, 3), found 3",
    );
    refused(
        &flat,
        b"1\n",
        &["--criterion", "ctc"],
        "x: expected a CTC input of 2 or 3 axes, found shape (6,)",
    );
    refused(&four, b"1\n", &["--criterion", "ctc"], "found shape (1, 2, 3, 1)");
    refused(&scalar, b"1\n", &["--criterion", "ce"], "found a single number");
    refused(&three, b"1\n2\n", &["--layout", "tc"], "two axes for --layout tc");
    refused(&npy_f64(&[2, 3], &[0.0; 6]), b"1\n", &["--layout", "tnc"], "three axes for --layout tnc");
    refused(&three, b"1 0 1\n1 0 1\n", &[], "fits both cross-entropy and CTC");
    refused(&flat, b"1\n2\n", &[], "fits neither cross-entropy nor CTC");
}

#[test]
fn csv_files_that_are_none() {
    let cases: [(&[u8], &str); 13] = [
        (b"", "x: expected a .npy or CSV file, found an empty file"),
        (b"1,2,3\n4,5\n", "x: line 2: expected 3 columns as in line 1, found 2"),
        (b"1,2,3\n4,5,6,7\n", "x: line 2: expected 3 columns as in line 1, found 4"),
        (b"a,b,c\n1,2,3\n", "x: line 1, column 1: expected a number, found 'a'"),
        (b"1,2,3\n4,x,6\n", "x: line 2, column 2: expected a number, found 'x'"),
        (b"1,2,3\n\n4,,6\n", "x: line 3, column 2: expected a number, found an empty field"),
        (b"1 2 3\n4 5 6\n", "x: line 1, column 1: expected a number, found '1 2 3'"),
        (b"1\t2\t3\n4\t5\t6\n", "x: line 1, column 1: expected a number"),
        (b"1,2,3\n4,\xff\xfe,6\n", "x: line 2, column 2: expected a number"),
        (b"\x89PNG\r\n\x1a\n", "x: line 1, column 1: expected a number"),
        (b"1,2,3\n4,5,1_000\n", "x: line 2, column 3: expected a number, found '1_000'"),
        (b"1,2,3\n4,5,0x10\n", "x: line 2, column 3"),
        (b"\"1,2\n", "x: line 1, column 1: expected a number"),
    ];
    for (file, expected) in cases {
        refused(file, b"0\n1\n", &["--criterion", "ce"], expected);
    }
    // A word of a megabyte is not printed whole.
    let long = [b"1,2,3\n4,5,".to_vec(), vec![b'z'; 1 << 20], b"\n".to_vec()].concat();
    refused(&long, b"0\n1\n", &["--criterion", "ce"], "found 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz…'");
}

#[test]
fn class_targets_that_do_not_fit() {
    let x = b"1,2,3\n4,5,6\n";
    let floats = |shape: &[usize], values: &[f64]| npy_f64(shape, values);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            b"0\n".to_vec(),
            "y: expected one class index per row of the logits: shape (2,) (2 lines of 1 in text), found 1 line",
        ),
        (b"0\n1\n2\n".to_vec(), "found 3 lines"),
        (b"0\n1 2\n".to_vec(), "y: line 2: expected 1 class index, found 2"),
        (b"0\n\n".to_vec(), "y: line 2: expected 1 class index, found 0"),
        (b"0\n3\n".to_vec(), "y: line 2, column 1: expected a class from 0 to 2 or -100 (ignored), found 3"),
        (b"0\n-1\n".to_vec(), "found -1"),
        (b"0\n1.5\n".to_vec(), "y: line 2, column 1: expected a class index, found '1.5'"),
        (b"0\ncat\n".to_vec(), "found 'cat'"),
        (b"0\n99999999999999999999\n".to_vec(), "y: line 2, column 1"),
        (b"0\n\xff\n".to_vec(), "y: line 2, byte 1: expected UTF-8 text, found the byte 0xff"),
        (npy_i64(&[3], &[0, 1, 2]), "found integers of shape (3,)"),
        (npy_i64(&[2], &[0, 7]), "y: row 1: expected a class from 0 to 2 or -100 (ignored), found 7"),
        (npy_bytes("<u8", false, &[2], &[0xff; 16]), "y: row 0: expected a class from 0 to 2"),
        (floats(&[2], &[0.0, 1.0]), "found floats of shape (2,)"),
        (floats(&[2, 2], &[0.0; 4]), "found floats of shape (2, 2)"),
        (
            floats(&[2, 3], &[0.0, f64::NAN, 1.0, 0.0, 0.0, 1.0]),
            "y: row 0, class 1: expected a probability, found NaN",
        ),
        (
            npy_bytes("|O", false, &[2], &[]),
            "y: expected an array of float16, float32, float64 or integers, found an object array",
        ),
    ];
    for (labels, expected) in cases {
        refused(x, &labels, &["--criterion", "ce"], expected);
    }
    let ce = ["--criterion", "ce"];
    for (args, expected) in [
        (&["--weight", "1,2"][..], "--weight 1,2: expected 3 class weights, one per class, found 2"),
        (&["--weight", "1,nan,1"], "--weight 1,nan,1: the weight of class 1 is NaN"),
        (&["--weight", "none.npy"], "none.npy: cannot be opened"),
        (&["--label-smoothing", "1.5"], "--label-smoothing: expected a number from 0 to 1, found 1.5"),
        (&["--label-smoothing", "-0.1"], "--label-smoothing: expected a number from 0 to 1, found -0.1"),
        (&["--class-axis", "0"], "invalid value '0' for '--class-axis <AXIS>': expected 1 or -1"),
        (&["--class-axis", "3"], "invalid value '3' for '--class-axis <AXIS>': expected 1 or -1"),
        (&["--blank", "0"], "--blank is for CTC, not cross-entropy"),
        (&["--reduction", "none", "--max-loss", "1"], "need a reduced loss"),
        (&["--expect", "1", "--rtol", "-1"], "for '--rtol <R>': expected a finite, non-negative number"),
        (&["--expect", "18,6"], "invalid value '18,6' for '--expect <X>': expected a number"),
        (&["--max-loss", "nan"], "invalid value 'nan' for '--max-loss <X>': expected a number"),
        (&["--rtol", "1"], "--rtol needs --expect <X> or --guess <X>"),
        (&["--delimiter", "12"], "expected one ASCII character"),
        (&["--delimiter", "."], "expected one ASCII character"),
        (&["--threads", "0"], "--threads"),
    ] {
        refused(x, b"0\n1\n", &[&ce[..], args].concat(), expected);
    }
    let probs = b"0.5,0.5,0\n0,1,0\n";
    refused(
        x,
        probs,
        &["--criterion", "ce", "--ignore-index", "0"],
        "--ignore-index 0 does not apply to class probabilities",
    );
}

#[test]
fn label_sequences_that_do_not_fit() {
    let x = npy_f64(&[5, 2, 4], &[0.0; 40]);
    let padded = npy_i64(&[2, 3], &[1, 2, 3, 3, -1, -1]);
    let joined = npy_i64(&[4], &[1, 2, 3, 3]);
    let cases: Vec<(&[u8], &[&str], &str)> = vec![
        (b"1 2\n4\n", &[], "y: item 1, line 2, column 1: expected a class from 0 to 3, found 4"),
        (b"1 2\n1 0\n", &[], "y: item 1, line 2, column 3: expected a label that is not the blank, found 0"),
        (b"1 2\n1\n1\n", &["--layout", "tnc"], "y: expected 2 lines of labels, one per item, found 3"),
        (b"1 2\n", &["--layout", "tnc"], "found 1"),
        (b"1 2\nx\n", &[], "y: item 1, line 2, column 1: expected a class index, found 'x'"),
        (b"1 2\n1.5\n", &[], "found '1.5'"),
        (b"1 2\n3\n", &["--blank", "4"], "--blank: expected a class from 0 to 3"),
        (b"1 2\n3\n", &["--blank", "-5"], "--blank: expected a class from 0 to 3"),
        (b"1 2\n3\n", &["--blank", "<b>"], "there is no --alphabet"),
        (b"1 2\n3\n", &["--lengths", "5"], "--lengths: expected 2 lengths, as many as y has items, found 1"),
        (
            b"1 2\n3\n",
            &["--lengths", "5,6"],
            "--lengths: item 1: expected a length from 0 to 5, the number of frames, found 6",
        ),
        (b"1 2\n3\n", &["--lengths", "5,-1"], "--lengths: item 1: expected a length from 0 to 5"),
        (b"1 2\n3\n", &["--label-lengths", "2,1"], "--label-lengths is for .npy labels"),
        (&padded, &[], "y: item 1, position 1: expected a class from 0 to 3, found -1"),
        (
            &padded,
            &["--label-lengths", "3,4"],
            "--label-lengths: item 1: expected a length from 0 to 3, the number of labels, found 4",
        ),
        (
            &padded,
            &["--label-lengths", "3,1,1", "--layout", "tnc"],
            "--label-lengths: expected 2 lengths, one per item, found 3",
        ),
        (&joined, &["--layout", "tnc"], "y: expected labels for 2 items, found a list of 4 without lengths"),
        (
            &joined,
            &["--label-lengths", "2,1"],
            "--label-lengths: expected a sum of 4, the number of labels in y, found 3",
        ),
        (
            &joined,
            &["--label-lengths", "3,3"],
            "--label-lengths: expected a sum of 4, the number of labels in y, found 6",
        ),
    ];
    for (labels, args, expected) in cases {
        refused(&x, labels, &[&["--criterion", "ctc"][..], args].concat(), expected);
    }
}

#[test]
fn alphabets_that_do_not_fit() {
    let folder = Folder::new();
    let path = |name: &str, content: &[u8]| folder.file(name, content).display().to_string();
    let long = format!("a\n{}\nc\n", "b".repeat(1001));
    let cases: [(&str, &[u8], &str); 11] = [
        ("long", long.as_bytes(), "expected tokens of at most 1000 bytes, found 1001 bytes for class 2"),
        ("a", b"a\nb\n", "expected 4 entries, or 3 without the blank, found 2"),
        ("b", b"a\nb\na\n", "line 3: expected each token once, found 'a' again (first in line 1)"),
        ("c", b"a\nb\n\xff\n", "line 3, byte 1: expected UTF-8 text"),
        ("d", b"a\nb\ncc\n", "it is unclear how to split labels"),
        (
            "e.json",
            b"{\"a\": 1, \"b\": 2",
            "expected a JSON list of tokens, or an object that maps tokens to indices",
        ),
        ("f.json", b"[1, 2]", "expected a JSON list"),
        ("g.json", b"{\"a\": 1, \"b\": 1, \"c\": 2}", "each index once, found index 1 for both 'a' and 'b'"),
        ("h.json", b"{\"a\": 1, \"a\": 2, \"c\": 3}", "expected each token once"),
        ("i.json", &[b'['; 10_000], "expected a JSON list"),
        ("j", b"x\ny\nz\n", "y: item 0, line 1, column 1: expected a token of the alphabet, found 'a'"),
    ];
    let x = npy_f64(&[5, 4], &[0.0; 20]);
    for (name, content, expected) in cases {
        refused(&x, b"ab\n", &["--alphabet", &path(name, content)], expected);
    }
    let abc = path("abc", b"a\nb\nc\n");
    refused(
        &x,
        b"a b\n",
        &["--alphabet", &abc],
        "line 1, column 2: expected a token of the alphabet, found ' '",
    );
    refused(
        &x,
        b"ab\n",
        &["--alphabet", &abc, "--unk", "?"],
        "--unk: expected a token of the alphabet, found '?'",
    );
    refused(
        &x,
        b"ab\n",
        &["--alphabet", &abc, "--blank", "a"],
        "abc: expected 4 entries, including the blank, found 3",
    );
    refused(&x, b"ab\n", &["--alphabet", &abc, "--blank", "z"], "--blank: expected a token of");
    refused(&x, b"ab\n", &["--unk", "a"], "--alphabet");
}

#[test]
fn targets_that_can_not_be_written() {
    let x = b"1,2,3\n4,5,6\n";
    for (target, expected) in [(".", "cannot be written"), ("no/where", "no/where: cannot be written")] {
        refused(x, b"0\n1\n", &["-o", target], expected);
    }
    if Path::new("/dev/full").exists() {
        refused(x, b"0\n1\n", &["-o", "/dev/full"], "/dev/full: cannot be written");
    }
}

/// Files with a few bytes changed: whatever comes out, it is no panic and no half result.
#[test]
fn damaged_files_never_panic() {
    let mut random = SplitMix(99);
    let good =
        [npy_f64(&[4, 3], &[0.5; 12]), npy_i64(&[4, 3], &[1; 12]), b"1,2,3\n4,5,6\n7,8,9\n1,2,3\n".to_vec()];
    let folder = Folder::new();
    folder.file("y", "1 2\n");
    for round in 0..150 {
        let mut bytes = good[round % good.len()].clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len().min(140));
            match random.below(3) {
                0 => bytes[at] = random.draw() as u8,
                1 => drop(bytes.drain(at..(at + random.below(9)).min(bytes.len()))),
                _ => bytes.truncate(at + 1),
            }
        }
        folder.file("x", &bytes);
        for args in
            [&["loss", "x", "--labels", "y", "--criterion", "ctc"][..], &["decode", "x", "--beam", "2"]]
        {
            let output = ctctool().current_dir(folder.path()).args(args).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => assert!(!output.stdout.is_empty()),
                Some(2) => assert!(output.stdout.is_empty() && stderr.starts_with("error: "), "{stderr}"),
                code => panic!("{code:?} for {bytes:?}: {stderr}"),
            }
        }
    }
}
