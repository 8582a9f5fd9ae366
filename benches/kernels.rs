//! Times the kernels on numbers in memory.
//!
//!     cargo bench --bench kernels                       a table
//!     cargo bench --bench kernels -- --json --threads 2 one JSON object of milliseconds, for `peers/losses.py`
//!
//! The time to sum the same array is what reading it costs. The table has the logarithm of the sum of exponentials of
//! every row with each instruction set that the machine has, in single precision (`fast`) and as if in double, and
//! the CTC loss of items that lie one after another.

#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program that prints figures, or fails

mod support;

use std::hint::black_box;

use ctctool::kernel::{InstructionSet, LogSumExp, Rows, fast_log_sum_exp_rows, log_sum_exp_rows};
use ctctool::logits::InputKind;
use ctctool::loss::ctc::{CtcLabels, ctc_loss};
use rayon::prelude::*;

use self::support::{median, print};

/// Values that one thread takes at a time.
const CHUNK_VALUES: usize = 1 << 16;
const ROUNDS: usize = 9;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let json = args.iter().any(|arg| arg == "--json");
    let threads =
        args.iter().position(|arg| arg == "--threads").map_or(1, |at| args[at + 1].parse().unwrap());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let mut figures: Vec<(String, f64)> = Vec::new();
    let sets = if json { vec![InstructionSet::best()] } else { InstructionSet::available() };
    pool.install(|| {
        for (rows, classes) in [(100_000, 1000), (1_000_000, 10), (4000, 50_000)] {
            let values = random(rows * classes);
            let shape = format!("{rows} x {classes}");
            figures.push((format!("sum {shape}"), median(ROUNDS, || sum(&values))));
            for &set in &sets {
                let name = if json { String::new() } else { format!(", {}", set.name()) };
                figures.push((
                    format!("fast log-sum-exp {shape}{name}"),
                    median(ROUNDS, || {
                        rows_of(&values, classes, |values, out| {
                            fast_log_sum_exp_rows(set, Rows::new(values, classes), out);
                        })
                    }),
                ));
                figures.push((
                    format!("log-sum-exp {shape}{name}"),
                    median(ROUNDS, || {
                        rows_of(&values, classes, |values, out| {
                            log_sum_exp_rows(set, Rows::new(values, classes), out);
                        })
                    }),
                ));
            }
        }
        for (frames, items, classes, length) in [(500, 32, 32, 80), (500, 16, 5000, 80), (1500, 8, 1000, 300)]
        {
            let values = random(frames * items * classes);
            let labels: Vec<u32> =
                (0..length).map(|i| 1 + (i * 7919 + i * i * 31) % (classes as u32 - 1)).collect();
            let labels = CtcLabels::new(&labels, classes, 0).unwrap();
            let loss = |item: &[f32]| ctc_loss(item, InputKind::Logits, &labels).unwrap();
            let all = || black_box(values.par_chunks(frames * classes).map(loss).sum::<f64>());
            figures.push((format!("CTC T{frames} N{items} C{classes} L{length}"), median(ROUNDS, all)));
        }
    });
    print(&figures, json);
}

/// The sum of all values, added in lanes.
fn sum(values: &[f32]) -> f64 {
    let of_chunk = |chunk: &[f32]| {
        let mut lanes = [0.0_f32; 64];
        for values in chunk.as_chunks::<64>().0 {
            for (lane, x) in lanes.iter_mut().zip(values) {
                *lane += x;
            }
        }
        f64::from(lanes.iter().sum::<f32>())
    };
    black_box(values.par_chunks(CHUNK_VALUES).map(of_chunk).sum())
}

fn rows_of(values: &[f32], classes: usize, kernel: impl Fn(&[f32], &mut [LogSumExp]) + Sync) -> f64 {
    let rows = (CHUNK_VALUES / classes).max(16);
    let of_chunk = |values: &[f32]| {
        let mut out = [LogSumExp::ZERO; 512];
        let runs = values.chunks(512 * classes);
        runs.map(|values| {
            let out = &mut out[..values.len() / classes];
            kernel(values, out);
            out.iter().map(|lse| lse.value()).sum::<f64>()
        })
        .sum::<f64>()
    };
    black_box(values.par_chunks(rows * classes).map(of_chunk).sum())
}

/// Numbers that spread as three times the normal ones do, nearly.
fn random(count: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let mut unit = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..count).map(|_| 6.0 * (unit() + unit() + unit())).collect()
}
