//! What the tests share: the program, files to feed it, exact random numbers.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// How far sums of some hundred numbers of up to some hundred may be apart when added in another order:
/// each addition rounds to 1e-16 of the sum, 1e-12 in all, and room.
pub(crate) const SUMMED: f64 = 1e-9;

/// The program, with nothing on standard input.
pub(crate) fn ctctool() -> Command {
    let mut command = Command::cargo_bin("ctctool").unwrap();
    command.env_remove("NO_COLOR").write_stdin("");
    command
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A .npy file of version 1: `descr` as NumPy writes it (`<f4`), `body` the values' bytes.
pub(crate) fn npy_bytes(descr: &str, fortran: bool, shape: &[usize], body: &[u8]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size},")).collect();
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({sizes}), }}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(body);
    file
}

/// A .npy file of doubles in C order.
pub(crate) fn npy_f64(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let body: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy_bytes("<f8", false, shape, &body)
}

/// A .npy file of single precision in C order.
pub(crate) fn npy_f32(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let body: Vec<u8> = values.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    npy_bytes("<f4", false, shape, &body)
}

/// A .npy file of 64-bit integers in C order.
pub(crate) fn npy_i64(shape: &[usize], values: &[i64]) -> Vec<u8> {
    let body: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy_bytes("<i8", false, shape, &body)
}

/// A folder of input files that goes away with the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Runs the program with `--format json` and returns its one object; it must end well.
pub(crate) fn json(command: &mut Command) -> Value {
    let output = command.args(["--format", "json"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {stderr}", output.status);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    for remark in [&result["warnings"], &result["summary"]["findings"]]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
    {
        let code = remark["code"].as_str().unwrap();
        assert!(WARNINGS.contains(&format!("\n| `{code}` |")), "docs/warnings.md does not have {code}");
    }
    result
}

/// The codes of a result's warnings.
pub(crate) fn warnings(result: &Value) -> Vec<&str> {
    result["warnings"].as_array().unwrap().iter().map(|w| w["code"].as_str().unwrap()).collect()
}

/// What codes mean; whatever a test's result has is there.
pub(crate) const WARNINGS: &str = include_str!("../../docs/warnings.md");

/// Whether `found` is `expected`: JSON has null for what is not finite.
pub(crate) fn close(found: &Value, expected: f64, rtol: f64, atol: f64) -> bool {
    match found.as_f64() {
        None => found.is_null() && !expected.is_finite(),
        Some(found) => (found - expected).abs() <= rtol * expected.abs() + atol,
    }
}

/// Steele, Lea and Flood's splitmix64, which the reference scripts draw their logits from, too.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From -8 to 8, exact in single precision.
    pub(crate) fn score(&mut self) -> f64 {
        ((self.draw() >> 40) as f64 - f64::from(1 << 23)) / f64::from(1 << 20)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.draw() % limit as u64) as usize
    }
}

/// A number of a reference file, where strings stand for what JSON does not have.
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

pub(crate) fn integers(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|x| x.as_i64().unwrap()).collect()
}
