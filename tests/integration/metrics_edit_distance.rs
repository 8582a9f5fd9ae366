use ctctool::metrics::{EditCounts, EditOp, ErrorRates, LineErrors, align, edit_counts};
use proptest::prelude::*;

use crate::oracle_edit_distance::full_matrix;
use crate::random::Random;

fn check<T: Ord + std::fmt::Debug>(reference: &[T], hypothesis: &[T]) {
    let expected = full_matrix(reference, hypothesis);
    assert_eq!(align(reference, hypothesis), expected, "{reference:?} {hypothesis:?}");
    let count = |op| expected.iter().filter(|&&o| o == op).count();
    let counts = edit_counts(reference, hypothesis);
    let wanted = EditCounts {
        substitutions: count(EditOp::Substitution),
        deletions: count(EditOp::Deletion),
        insertions: count(EditOp::Insertion),
        correct: count(EditOp::Correct),
    };
    assert_eq!(counts, wanted);
    assert_eq!(counts.reference_length(), reference.len());
    let of_hypothesis = counts.correct + counts.substitutions + counts.insertions;
    assert_eq!(of_hypothesis, hypothesis.len());
}

#[test]
fn alignments_are_those_of_the_full_matrix_around_word_boundaries() {
    let mut random = Random::new(51);
    for n in [0, 1, 2, 62, 63, 64, 65, 127, 128, 129, 200] {
        for m in [0, 1, 63, 64, 65, 130, 190] {
            for alphabet in [1, 2, 4, 30, 1000] {
                let mut text = |length| -> Vec<u32> { (0..length).map(|_| random.below(alphabet)).collect() };
                let (reference, hypothesis) = (text(n), text(m));
                check(&reference, &hypothesis);
            }
        }
    }
}

#[test]
fn noisy_copies_are_aligned_as_by_the_full_matrix() {
    let mut random = Random::new(52);
    for alphabet in [3, 26] {
        for noise in [2, 10, 40] {
            let reference: Vec<u32> = (0..500).map(|_| random.below(alphabet)).collect();
            let mut hypothesis = Vec::new();
            for &symbol in &reference {
                match random.below(300) {
                    x if x < noise => {}
                    x if x < 2 * noise => hypothesis.push(random.below(alphabet)),
                    x if x < 3 * noise => hypothesis.extend([symbol, random.below(alphabet)]),
                    _ => hypothesis.push(symbol),
                }
            }
            check(&reference, &hypothesis);
        }
    }
}

/// What is long is looked at near the diagonal first.
#[test]
fn long_texts_are_aligned_as_by_the_full_matrix() {
    let mut random = Random::new(53);
    for shift in [0, 1, 63, 64, 65, 130, 257, 900] {
        let reference: Vec<u32> = (0..1100).map(|_| random.below(5)).collect();
        let mut hypothesis = reference.clone();
        hypothesis.rotate_left(shift);
        hypothesis[7] = 9;
        *hypothesis.last_mut().unwrap() = 9;
        check(&reference, &hypothesis);
        hypothesis.truncate(1000);
        check(&reference, &hypothesis);
        check(&hypothesis, &reference);
    }
}

proptest! {
    #[test]
    fn any_pair_is_aligned_as_by_the_full_matrix(
        reference in prop::collection::vec(0_u8..4, 0..90),
        hypothesis in prop::collection::vec(0_u8..5, 0..90),
    ) {
        check(&reference, &hypothesis);
    }
}

#[test]
fn rates_are_over_the_whole_file() {
    let mut rates = ErrorRates::default();
    for (reference, hypothesis) in
        [("the cat sat", "the cat sat"), ("naïve  café", "naive café x"), ("", "a")]
    {
        rates.add(&LineErrors::new(reference, hypothesis));
    }
    // Characters: one substitution, one of two spaces missing, " x" and "a" too many.
    let characters = EditCounts { substitutions: 1, deletions: 1, insertions: 3, correct: 20 };
    assert_eq!(rates.characters, characters);
    assert_eq!(rates.cer_ratio(), Some(5.0 / 22.0));
    let words = EditCounts { substitutions: 1, deletions: 0, insertions: 2, correct: 4 };
    assert_eq!(rates.words, words);
    assert_eq!(rates.wer_ratio(), Some(3.0 / 5.0));
    assert_eq!(rates.ser_ratio(), Some(2.0 / 3.0));
}

#[test]
fn no_reference_has_no_rate() {
    let mut rates = ErrorRates::default();
    assert_eq!((rates.cer_ratio(), rates.wer_ratio(), rates.ser_ratio()), (None, None, None));
    rates.add(&LineErrors::new(" ", "x"));
    assert_eq!((rates.cer_ratio(), rates.wer_ratio()), (Some(1.0), None));
    assert_eq!(rates.words.insertions, 1);
}
