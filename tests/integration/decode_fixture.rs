use std::path::Path;

use ctctool::decode::{NoScorer, Space, beam_search};
use ctctool::logits::InputKind;

use crate::decode_beam::{assert_same, config};
use crate::oracle_beam::of_logits;

/// The items of `fixtures/lines.npy`, `(16, frames, 97)` float32, without their padding.
fn lines() -> Vec<Vec<f32>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let bytes = std::fs::read(folder.join("lines.npy")).expect("the fixture");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]])) + 10;
    let numbers = bytes[header..].as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b));
    let values: Vec<f32> = numbers.collect();
    let lengths = std::fs::read_to_string(folder.join("lines.lengths.txt")).expect("the lengths");
    let lengths: Vec<usize> = lengths.lines().map(|line| line.parse().expect("a length")).collect();
    let item = values.len() / lengths.len();
    let items = values.chunks(item).zip(lengths);
    items.map(|(item, length)| item[..length * 97].to_vec()).collect()
}

#[test]
fn real_lines_give_the_sorted_beam() {
    for (number, logits) in lines().iter().enumerate() {
        let doubles: Vec<f64> = logits.iter().map(|&x| f64::from(x)).collect();
        // The oracle looks at every candidate: the widest beam on two lines is enough.
        let widths: &[usize] = if number < 2 { &[1, 2, 3, 10, 100] } else { &[1, 2, 3, 10] };
        for &width in widths {
            let result = beam_search(logits, 97, config(width, 0, InputKind::Logits), width, NoScorer);
            let result = result.expect("a proper input");
            assert_eq!(result.space, Space::Linear);
            assert_same(
                &result,
                &of_logits(&doubles, 97, 0, width),
                &format!("line {number}, width {width}"),
            );
        }
    }
}
