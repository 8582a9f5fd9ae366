use ctctool::decode::greedy::collapse;
use ctctool::decode::{Alignment, AlignmentError};
use ctctool::logits::{InputKind, RowScale};
use ctctool::loss::Emissions;
use ctctool::loss::ctc::CtcLabels;

use crate::oracle_beam::softmax;
use crate::random::Random;

/// `log_probs`: `[frames, classes]`.
pub(crate) fn align(
    log_probs: &[f64],
    classes: usize,
    labels: &[u32],
    blank: u32,
) -> Result<Alignment, AlignmentError> {
    let labels = CtcLabels::new(labels, classes, blank).unwrap();
    let columns = labels.columns();
    let mut gathered = vec![0.0; log_probs.len() / classes * columns.count()];
    for (row, out) in log_probs.chunks_exact(classes).zip(gathered.chunks_exact_mut(columns.count())) {
        columns.gather(row, RowScale::new(row, InputKind::LogProbs), out);
    }
    ctctool::decode::align(&Emissions::new(&gathered, &labels))
}

/// The best path's log-probability by enumeration of all paths.
fn best_path(log_probs: &[f64], classes: usize, labels: &[u32], blank: u32) -> f64 {
    let frames = log_probs.len() / classes;
    let mut best = f64::NEG_INFINITY;
    for number in 0..classes.pow(frames as u32) {
        let path: Vec<u32> = (0..frames).map(|t| (number / classes.pow(t as u32) % classes) as u32).collect();
        if collapse(&path, blank) == labels {
            let logp = path.iter().enumerate().map(|(t, &c)| log_probs[t * classes + c as usize]).sum();
            best = best.max(logp);
        }
    }
    best
}

#[test]
fn the_best_path_is_the_best_of_all() {
    let mut random = Random::new(41);
    for round in 0..60 {
        let (frames, classes) = (1 + round % 7, 2 + round % 3);
        let logits = random.logits(frames, classes, 2.0, 0.0);
        let log_probs: Vec<f64> = softmax(&logits, classes).iter().map(|p| p.ln()).collect();
        let labels: Vec<u32> = (0..random.below(5)).map(|_| 1 + random.below(classes as u32 - 1)).collect();
        let expected = best_path(&log_probs, classes, &labels, 0);
        match align(&log_probs, classes, &labels, 0) {
            Err(AlignmentError::TooFewFrames { needed, .. }) => {
                assert!(needed > frames);
                assert_eq!(expected, f64::NEG_INFINITY);
            }
            Err(other) => panic!("{other}"),
            Ok(found) => {
                // Here as below, seven additions of up to 20 nats.
                assert!((found.logp_nats - expected).abs() < 1e-12);
                let class = |state: u32| if state % 2 == 1 { labels[state as usize / 2] } else { 0 };
                let path: Vec<u32> = found.states.iter().map(|&state| class(state)).collect();
                assert_eq!(collapse(&path, 0), labels);
                let logp: f64 =
                    path.iter().enumerate().map(|(t, &c)| log_probs[t * classes + c as usize]).sum();
                assert!((found.logp_nats - logp).abs() < 1e-12);
                assert_eq!(found.spans.len(), labels.len());
                for (i, span) in found.spans.iter().enumerate() {
                    let state = 2 * i as u32 + 1;
                    let mine: Vec<usize> = (0..frames).filter(|&t| found.states[t] == state).collect();
                    assert_eq!((mine[0], mine[mine.len() - 1] + 1), (span.start_frame, span.end_frame));
                    let logp = |&t: &usize| log_probs[t * classes + labels[i] as usize];
                    assert!(mine.iter().all(|t| logp(t) <= logp(&span.peak_frame)));
                    let mean = mine.iter().map(logp).sum::<f64>() / mine.len() as f64;
                    assert!((span.confidence - mean.exp()).abs() < 1e-12);
                }
            }
        }
    }
}

#[test]
fn ties_stay_as_long_as_they_can() {
    let log_probs = [0.5_f64.ln(); 8];
    let found = align(&log_probs, 2, &[1], 0).expect("four frames are enough");
    assert_eq!(found.states, [1, 1, 1, 1]);
    assert_eq!(found.spans[0].peak_frame, 0);
    assert_eq!(found.spans[0].confidence, 0.5);
    let found = align(&log_probs, 2, &[1, 1], 0).expect("four frames are enough");
    assert_eq!(found.states, [1, 2, 3, 3]);
    let found = align(&log_probs, 2, &[], 0).expect("blanks");
    assert_eq!(found.states, [0, 0, 0, 0]);
}

#[test]
fn what_is_not_a_number_is_an_error() {
    let mut log_probs = vec![-1.0; 12];
    log_probs[7] = f64::NAN;
    assert_eq!(align(&log_probs, 3, &[1, 2], 0).unwrap_err(), AlignmentError::NotANumber { frame: 2 });
}

#[test]
fn impossible_labels_are_errors() {
    let none = f64::NEG_INFINITY;
    assert_eq!(align(&[0.0; 4], 2, &[1, 1], 0), Err(AlignmentError::TooFewFrames { frames: 2, needed: 3 }));
    assert_eq!(align(&[0.0, none, 0.0, none], 2, &[1], 0), Err(AlignmentError::NoPath));
    let empty = align(&[], 2, &[], 0).expect("nothing to align");
    assert_eq!((empty.states.len(), empty.spans.len(), empty.logp_nats), (0, 0, 0.0));
}
