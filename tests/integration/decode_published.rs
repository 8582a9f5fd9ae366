//! Inputs with the results that other systems' own tests expect, and exact values by enumeration.

#![expect(clippy::unreadable_literal, clippy::doc_markdown, reason = "figures and sources as published")]

use ctctool::decode::greedy::collapse;
use ctctool::decode::{NoScorer, beam_search, greedy};
use ctctool::logits::InputKind;

use crate::decode_alignment::align;
use crate::decode_beam::config;

/// Texts and `logp_nats` of the first hypotheses.
fn assert_beam(
    values: &[f64],
    classes: usize,
    blank: u32,
    input: InputKind,
    width: usize,
    expected: &[(&[u32], f64)],
) {
    let result = beam_search(values, classes, config(width, blank, input), expected.len(), NoScorer);
    let found = result.expect("a proper input").hypotheses;
    assert_eq!(found.len(), expected.len());
    for (found, (tokens, logp)) in found.iter().zip(expected) {
        assert_eq!(found.tokens, *tokens);
        // Sums of a few paths of a few frames, rounded in another order.
        assert!((found.logp_nats - logp).abs() < 1e-13 * logp.abs().max(1.0), "{found:?} {logp}");
    }
}

fn best(probs: &[f64], classes: usize, blank: u32) -> Vec<u32> {
    greedy(probs, classes, blank, InputKind::Probs).expect("a proper input").tokens
}

/// PaddlePaddle/DeepSpeech deepspeech/decoders/tests/test_decoders.py
/// and parlance/ctcdecode tests/test_decode.py
const PADDLE: [f64; 42] = [
    0.06390443, 0.21124858, 0.27323887, 0.06870235, 0.0361254, 0.18184413, 0.16493624, 0.03309247,
    0.22866108, 0.24390638, 0.09699597, 0.31895462, 0.0094893, 0.06890021, 0.218104, 0.19992557, 0.18245131,
    0.08503348, 0.14903535, 0.08424043, 0.08120984, 0.12094152, 0.19162472, 0.01473646, 0.28045061,
    0.24246305, 0.05206269, 0.09772094, 0.1333387, 0.00550838, 0.00301669, 0.21745861, 0.20803985,
    0.41317442, 0.01946335, 0.16468227, 0.1980699, 0.1906545, 0.18963251, 0.19860937, 0.04377724, 0.01457421,
];

#[test]
fn paddle_deepspeech_first_sequence() {
    // "ac'bdc" of the alphabet "' abcd_".
    assert_eq!(best(&PADDLE, 7, 6), [2, 4, 0, 3, 5, 4]);
    // The published best of width 20 is "acdc".
    assert_beam(
        &PADDLE,
        7,
        6,
        InputKind::Probs,
        20,
        &[
            (&[2, 4, 5, 4][..], -6.480283668713953),
            (&[2, 4, 5, 1][..], -6.483003600776874),
            (&[2, 4, 5, 2][..], -6.521160709987048),
            (&[2, 4, 5, 3][..], -6.5265355581069135),
            (&[2, 1, 5, 4][..], -6.570488222204325),
        ],
    );
    assert_beam(
        &PADDLE,
        7,
        6,
        InputKind::Probs,
        1_000_000,
        &[
            (&[2, 4, 3][..], -6.098898908389704),
            (&[2, 4, 3, 4][..], -6.1523568825406),
            (&[2, 1, 3, 4][..], -6.181270956668221),
            (&[2, 4, 5, 4][..], -6.213793517070477),
            (&[1, 4, 3][..], -6.226509552662584),
        ],
    );
}

/// tensorflow/tensorflow tensorflow/python/kernel_tests/nn_ops/ctc_decoder_ops_test.py
const TENSORFLOW: [f64; 30] = [
    0.30999, 0.309938, 0.0679938, 0.0673362, 0.0708352, 0.173908, 0.215136, 0.439699, 0.0370931, 0.0393967,
    0.0381581, 0.230517, 0.199959, 0.489485, 0.0233221, 0.0251417, 0.0233289, 0.238763, 0.279611, 0.452966,
    0.0204795, 0.0209126, 0.0194803, 0.20655, 0.51286, 0.288951, 0.0243026, 0.0220788, 0.0219297, 0.129878,
];

#[test]
fn tensorflow_beam_of_two() {
    // Published: -5.811451 and -6.63339.
    assert_beam(
        &TENSORFLOW,
        6,
        5,
        InputKind::Logits,
        2,
        &[(&[1, 0][..], -5.811451358954472), (&[1][..], -6.633390187662717)],
    );
    assert_beam(
        &TENSORFLOW,
        6,
        5,
        InputKind::Logits,
        1000,
        &[
            (&[1, 0][..], -4.7170321938997954),
            (&[0, 1, 0][..], -4.806656339729563),
            (&[0, 1][..], -4.889702968878512),
            (&[1, 0, 1][..], -5.062712493080179),
            (&[4, 1, 0][..], -5.077598602832898),
        ],
    );
}

/// wenet-e2e/wenet runtime/core/test/ctc_prefix_beam_search_test.cc
const WENET: [f64; 9] = [0.25, 0.4, 0.35, 0.4, 0.35, 0.25, 0.1, 0.5, 0.4];

#[test]
fn wenet_beam_of_three() {
    let published =
        [(&[2, 1][..], 0.2185_f64.ln()), (&[1, 2][..], 0.155_f64.ln()), (&[1][..], 0.1525_f64.ln())];
    assert_beam(&WENET, 3, 0, InputKind::Probs, 3, &published);
    assert_beam(
        &WENET,
        3,
        0,
        InputKind::Probs,
        1000,
        &[
            (&[2, 1][..], -1.5209692644464923),
            (&[1, 2][..], -1.5847452998437288),
            (&[1][..], -1.597015392435543),
            (&[2][..], -2.047942874620465),
            (&[1, 1][..], -2.525728644308255),
        ],
    );
    let logs = WENET.map(f64::ln);
    let viterbi: [(&[u32], f64, &[usize]); 3] =
        [(&[2, 1], 0.07, &[0, 2]), (&[1, 2], 0.064, &[0, 2]), (&[1], 0.07, &[2])];
    for (tokens, p, peaks) in viterbi {
        let found = align(&logs, 3, tokens, 0).expect("three frames are enough");
        // Three logarithms are added.
        assert!((found.logp_nats - f64::ln(p)).abs() < 1e-14);
        assert_eq!(found.spans.iter().map(|span| span.peak_frame).collect::<Vec<_>>(), peaks);
    }
}

/// tensorflow/tensorflow#21051, githubharald/CTCDecoder#26
#[test]
fn a_beam_of_one_is_not_greedy() {
    let probs = [0.8, 0.2, 0.4, 0.6, 0.8, 0.2];
    assert_eq!(best(&probs, 2, 1), [0, 0]);
    let exact = [
        (&[0][..], 0.592_000_000_000_000_1_f64.ln()),
        (&[0, 0][..], 0.384_f64.ln()),
        (&[][..], 0.024_f64.ln()),
    ];
    assert_beam(&probs, 2, 1, InputKind::Probs, 3, &exact);
    let result = beam_search(&probs, 2, config(1, 1, InputKind::Probs), 1, NoScorer);
    assert_eq!(result.expect("a proper input").hypotheses[0].tokens, [0]);
}

/// githubharald/CTCDecoder tests/test_mini_example.py
#[test]
fn paths_are_summed_not_maximised() {
    let probs = [0.4, 0.0, 0.6, 0.4, 0.0, 0.6];
    assert!(best(&probs, 3, 2).is_empty());
    assert_beam(&probs, 3, 2, InputKind::Probs, 10, &[(&[0][..], 0.64_f64.ln()), (&[][..], 0.36_f64.ln())]);
}

/// A. Graves, thesis, figure 7.5 (after tensorflow's ctc_beam_search.h)
#[test]
fn graves_figure_7_5() {
    let probs = [0.3, 0.7, 0.4, 0.6];
    assert_beam(&probs, 2, 1, InputKind::Probs, 10, &[(&[0][..], 0.58_f64.ln()), (&[][..], 0.42_f64.ln())]);
}

/// pytorch/audio test/torchaudio_unittest/functional/functional_impl.py test_forced_align
const TORCHAUDIO: [f64; 30] = [
    0.633766, 0.221185, 0.0917319, 0.0129757, 0.0142857, 0.0260553, 0.111121, 0.588392, 0.278779, 0.0055756,
    0.00569609, 0.010436, 0.0357786, 0.633813, 0.321418, 0.00249248, 0.00272882, 0.0037688, 0.0663296,
    0.643849, 0.280111, 0.00283995, 0.0035545, 0.00331533, 0.458235, 0.396634, 0.123377, 0.00648837,
    0.00903441, 0.00623107,
];

#[test]
fn torchaudio_forced_alignments() {
    let logs = TORCHAUDIO.map(f64::ln);
    let cases: [(&[u32], &[u32], f64); 4] = [
        (&[0, 1, 1, 0], &[0, 1, 5, 1, 0], -7.788100173408531),
        (&[0, 1, 2, 3, 4], &[0, 1, 2, 3, 4], -12.692133677929046),
        (&[3, 3, 3], &[3, 5, 3, 5, 3], -25.648589941644666),
        (&[0, 1, 2], &[0, 1, 1, 1, 2], -3.975240308161466),
    ];
    for (targets, path, logp) in cases {
        let found = align(&logs, 6, targets, 5).expect("five frames are enough");
        let class = |state: u32| if state % 2 == 1 { targets[state as usize / 2] } else { 5 };
        assert_eq!(found.states.iter().map(|&state| class(state)).collect::<Vec<_>>(), path);
        // Five logarithms are added.
        assert!((found.logp_nats - logp).abs() < 1e-13 * logp.abs());
    }
}

/// pytorch/audio ctc_decoder_test.py
#[test]
fn torchaudio_collapse() {
    assert_eq!(collapse(&[2, 2, 0, 3, 3, 3, 0, 3], 0), [2, 3, 3]);
}
