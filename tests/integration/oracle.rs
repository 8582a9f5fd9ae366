//! Slow and obvious versions of what the library computes fast.

/// `ln Σ exp(x)` by the textbook.
pub(crate) fn log_sum_exp(x: &[f64]) -> f64 {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY { max } else { max + x.iter().map(|x| (x - max).exp()).sum::<f64>().ln() }
}

pub(crate) fn log_softmax(row: &[f64]) -> Vec<f64> {
    let total = log_sum_exp(row);
    row.iter().map(|x| x - total).collect()
}

/// What a path of classes, one a frame, reads: repeats merged, blanks dropped.
pub(crate) fn collapse(path: &[u32], blank: u32) -> Vec<u32> {
    let mut text: Vec<u32> = path.to_vec();
    text.dedup();
    text.retain(|&class| class != blank);
    text
}

/// CTC loss by looking at every path; `log_probs`: `[frames][classes]`.
pub(crate) fn ctc_by_enumeration(log_probs: &[Vec<f64>], labels: &[u32], blank: u32) -> f64 {
    let classes = log_probs.first().map_or(1, Vec::len);
    let mut terms = Vec::new();
    let mut path = vec![0_u32; log_probs.len()];
    for number in 0..classes.pow(log_probs.len() as u32) {
        let mut rest = number;
        for class in &mut path {
            *class = (rest % classes) as u32;
            rest /= classes;
        }
        if collapse(&path, blank) == labels {
            terms.push(path.iter().zip(log_probs).map(|(&class, frame)| frame[class as usize]).sum());
        }
    }
    -log_sum_exp(&terms)
}

/// CTC loss by the recursion over the extended labels, in log space, over all states of every frame.
pub(crate) fn ctc_by_recursion(log_probs: &[Vec<f64>], labels: &[u32], blank: u32) -> f64 {
    let mut extended = vec![blank];
    for &label in labels {
        extended.extend([label, blank]);
    }
    let mut alpha = vec![f64::NEG_INFINITY; extended.len()];
    alpha[0] = 0.0; // before the first frame, only the start is reached
    let mut first = true;
    for frame in log_probs {
        let before = alpha.clone();
        for (s, &class) in extended.iter().enumerate() {
            let mut from = vec![before[s]];
            if s > 0 {
                from.push(before[s - 1]);
            }
            if s > 1 && class != blank && class != extended[s - 2] {
                from.push(before[s - 2]);
            }
            alpha[s] =
                if first && s > 1 { f64::NEG_INFINITY } else { log_sum_exp(&from) + frame[class as usize] };
        }
        first = false;
    }
    let ends = if log_probs.is_empty() || extended.len() == 1 { 1 } else { 2 };
    if log_probs.is_empty() && !labels.is_empty() {
        return f64::INFINITY;
    }
    -log_sum_exp(&alpha[alpha.len() - ends..])
}
