//! Short rows side by side: a lane is a row.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use super::reduction::{Reduction, add_to};
use super::{DEPTH, LANES, SIDE_BY_SIDE};
use crate::kernel::ahead;
use crate::kernel::fetch::fetch;
use crate::kernel::registers::TileSums;
use crate::kernel::rows::Rows;
use crate::kernel::tile::{self, Lanes, STEP, TILE};

/// See [`crate::kernel::registers::Registers::look_at`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn look_at(tile: &[Lanes<f32>], classes: usize, mut found: TileSums<'_>) {
    for lane in (0..TILE).step_by(LANES) {
        look_at_lanes(&tile[..classes], lane, &mut found);
    }
}

/// Looks at the rows from `lane` on.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn look_at_lanes(tile: &[Lanes<f32>], lane: usize, found: &mut TileSums<'_>) {
    let load = |column: &Lanes<f32>| {
        let values = &column[lane..lane + LANES];
        // SAFETY: reads the eight values.
        unsafe { _mm256_loadu_ps(values.as_ptr()) }
    };
    let mut max = _mm256_set1_ps(f32::NEG_INFINITY);
    for column in tile {
        // Not NaN, for that is the first.
        max = _mm256_max_ps(load(column), max);
    }
    let reduction = Reduction::new(max);
    let mut above = _mm256_set1_epi32(tile.len() as i32);
    let mut totals = [_mm256_setzero_pd(); 2];
    for run in tile.chunks(DEPTH * SIDE_BY_SIDE) {
        let mut sum = _mm256_setzero_ps();
        let (steps, rest) = run.as_chunks::<SIDE_BY_SIDE>();
        for step in steps {
            let mut x = [sum; SIDE_BY_SIDE];
            for (x, column) in x.iter_mut().zip(step) {
                *x = load(column);
            }
            sum = _mm256_add_ps(sum, reduction.sum(x, &mut above));
        }
        for column in rest {
            sum = _mm256_add_ps(sum, reduction.sum([load(column)], &mut above));
        }
        add_to(&mut totals, sum);
    }
    let lanes = lane..lane + LANES;
    let sum = &mut found.sum[lanes.clone()];
    // SAFETY: each slice has eight numbers, which is a register of singles or two of doubles.
    unsafe {
        _mm256_storeu_ps(found.max[lanes.clone()].as_mut_ptr(), max);
        _mm256_storeu_ps(found.n[lanes.clone()].as_mut_ptr(), reduction.n);
        _mm256_storeu_ps(found.ties[lanes].as_mut_ptr(), _mm256_cvtepi32_ps(above));
        _mm256_storeu_pd(sum.as_mut_ptr(), totals[0]);
        _mm256_storeu_pd(sum[LANES / 2..].as_mut_ptr(), totals[1]);
    }
}

/// See [`tile::transpose`]: sixteen rows four columns at a time, the last of them again where four do not go into them.
#[target_feature(enable = "avx2,fma")]
pub(super) fn transpose(rows: Rows<'_, f32>, tile: &mut [Lanes<f32>]) {
    let classes = rows.classes();
    if !rows.are(TILE) || classes < STEP {
        return tile::transpose(rows, tile);
    }
    let (stride, values) = (rows.stride(), rows.values());
    let last = classes - STEP;
    for first in (0..last).step_by(STEP).chain([last]) {
        // As many values of a later tile, on their way into the cache: one line for each column.
        for column in first..first + STEP {
            fetch(&values[..TILE], ahead::of_column(rows, column));
        }
        let columns: &mut [Lanes<f32>; STEP] = tile[first..].first_chunk_mut().expect("columns of a tile");
        for lane in (0..TILE).step_by(LANES) {
            let four = |row: usize| {
                let values = &values[row * stride + first..][..STEP];
                // SAFETY: reads the four values.
                unsafe { _mm_loadu_ps(values.as_ptr()) }
            };
            // Register `i` has four values of each of the rows `i` and `4 + i`.
            let [mut a, mut b, mut c, mut d] = [_mm256_setzero_ps(); STEP];
            for (i, pair) in [&mut a, &mut b, &mut c, &mut d].into_iter().enumerate() {
                *pair = _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(four(lane + i)), four(lane + 4 + i));
            }
            let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            let pairs =
                [(ab, cd), (ab_high, cd_high)].map(|(x, y)| (_mm256_castps_pd(x), _mm256_castps_pd(y)));
            for (half, (x, y)) in pairs.into_iter().enumerate() {
                for (place, found) in
                    [_mm256_unpacklo_pd(x, y), _mm256_unpackhi_pd(x, y)].into_iter().enumerate()
                {
                    let to = &mut columns[2 * half + place][lane..lane + LANES];
                    // SAFETY: there is room for the eight values.
                    unsafe { _mm256_storeu_pd(to.as_mut_ptr().cast(), found) };
                }
            }
        }
    }
    tile[classes..classes.next_multiple_of(STEP)].fill([f32::NEG_INFINITY; TILE]);
}
