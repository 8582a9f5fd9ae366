//! What the benches share.

use std::hint::black_box;
use std::time::Instant;

/// The median of several rounds after a first that does not count, in milliseconds.
pub(crate) fn median<T>(rounds: usize, mut work: impl FnMut() -> T) -> f64 {
    black_box(work());
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

/// Prints milliseconds by name: a table, or one JSON object.
pub(crate) fn print(figures: &[(String, f64)], json: bool) {
    if json {
        let fields: Vec<String> = figures.iter().map(|(name, ms)| format!("{name:?}: {ms:.4}")).collect();
        println!("{{{}}}", fields.join(", "));
        return;
    }
    for (name, ms) in figures {
        println!("{name:48} {ms:10.3} ms");
    }
}
