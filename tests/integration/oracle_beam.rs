//! Slow, obvious versions of what the beam search computes.

use std::collections::BTreeMap;

use ctctool::decode::{Arithmetic, Linear, Log};

use crate::oracle::collapse;

/// Probability of every text, by enumeration of all `classes ^ frames` paths.
pub(crate) fn enumerate(probs: &[f64], classes: usize, blank: u32) -> BTreeMap<Vec<u32>, f64> {
    let frames = probs.len() / classes;
    let mut texts = BTreeMap::new();
    let mut path = vec![0_u32; frames];
    loop {
        let p: f64 = path.iter().enumerate().map(|(t, &c)| probs[t * classes + c as usize]).product();
        *texts.entry(collapse(&path, blank)).or_insert(0.0) += p;
        let Some(place) = path.iter().rposition(|&c| c as usize + 1 < classes) else {
            return texts;
        };
        path[place] += 1;
        path[place + 1..].fill(0);
    }
}

/// Probabilities of `[frames, classes]` logits.
pub(crate) fn softmax(logits: &[f64], classes: usize) -> Vec<f64> {
    let mut probs = Vec::new();
    for row in logits.chunks(classes) {
        let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - max).exp()).sum();
        probs.extend(row.iter().map(|x| (x - max).exp() / sum));
    }
    probs
}

/// A text and its score in nats.
pub(crate) type Ranked = Vec<(Vec<u32>, f64)>;

/// Gain of a token after a text, in nats.
pub(crate) type Gain<'a> = &'a dyn Fn(&[u32], u32) -> f64;

/// Prefix beam search by sorting all candidates of each frame. The arithmetic is done in the same order
/// as in the fast search, so that equal masses are equal here and there.
///
/// `factors`: what each class of each frame multiplies masses by, relative to `exp(offset_nats)`.
pub(crate) fn full_sort<A: Arithmetic>(
    factors: &[f64],
    classes: usize,
    blank: u32,
    width: usize,
    offset_nats: f64,
    gain: Option<Gain>,
) -> Ranked {
    let mut scale = A::START_SCALE;
    let mut beam = vec![(Vec::new(), A::START, A::ZERO)];
    for row in factors.chunks(classes) {
        let mut next: BTreeMap<Vec<u32>, (f64, f64)> = BTreeMap::new();
        let nothing = (A::ZERO, A::ZERO);
        for (text, pb, pn) in &beam {
            let stay = next.entry(text.clone()).or_insert(nothing);
            stay.0 = A::add(stay.0, A::mul(A::add(*pb, *pn), row[blank as usize]));
            if let Some(&last) = text.last() {
                stay.1 = A::add(stay.1, A::mul(*pn, row[last as usize]));
            }
            for class in (0..classes as u32).filter(|&class| class != blank) {
                let from = if text.last() == Some(&class) { *pb } else { A::add(*pb, *pn) };
                let mut mass = A::mul(from, row[class as usize]);
                if let Some(gain) = gain {
                    mass = A::mul(mass, A::from_log(gain(text, class)));
                }
                if mass > A::ZERO {
                    let mut longer = text.clone();
                    longer.push(class);
                    let there = next.entry(longer).or_insert(nothing);
                    there.1 = A::add(there.1, mass);
                }
            }
        }
        let total = |entry: &(Vec<u32>, f64, f64)| A::add(entry.1, entry.2);
        beam = next.into_iter().map(|(text, (pb, pn))| (text, pb, pn)).collect();
        beam.retain(|entry| total(entry) > A::ZERO);
        // Stable, and the texts come in order, so the smaller text is first where masses are equal.
        beam.sort_by(|a, b| total(b).total_cmp(&total(a)));
        beam.truncate(width);
        let units = beam.first().map_or(0, |best| A::rescaling(total(best)));
        scale += i128::from(units);
        for (_, pb, pn) in &mut beam {
            (*pb, *pn) = (A::rescaled(*pb, units), A::rescaled(*pn, units));
        }
    }
    let nats = |pb, pn| A::to_nats(A::add(pb, pn), scale) + offset_nats;
    beam.into_iter().map(|(text, pb, pn)| (text, nats(pb, pn))).collect()
}

/// [`full_sort`] of logits, in linear arithmetic.
pub(crate) fn of_logits(logits: &[f64], classes: usize, blank: u32, width: usize) -> Ranked {
    let (factors, offset) = relative::<Linear>(logits, classes);
    full_sort::<Linear>(&factors, classes, blank, width, offset, None)
}

/// [`full_sort`] of logits, in logarithms.
pub(crate) fn of_logits_in_log_space(logits: &[f64], classes: usize, blank: u32, width: usize) -> Ranked {
    let (factors, offset) = relative::<Log>(logits, classes);
    full_sort::<Log>(&factors, classes, blank, width, offset, None)
}

/// Each frame's factors relative to its largest, and the logarithm of what that leaves out.
pub(crate) fn relative<A: Arithmetic>(logits: &[f64], classes: usize) -> (Vec<f64>, f64) {
    let (mut factors, mut offset) = (Vec::new(), 0.0);
    for row in logits.chunks(classes) {
        let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        factors.extend(row.iter().map(|x| A::from_log(x - max)));
        offset -= row.iter().map(|x| (x - max).exp()).sum::<f64>().ln();
    }
    (factors, offset)
}
