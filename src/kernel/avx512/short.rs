//! Short rows side by side: a lane is a row.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use super::reduction::Reduction;
use super::{LANES, SIDE_BY_SIDE, Side};
use crate::kernel::ahead;
use crate::kernel::fetch::fetch;
use crate::kernel::registers::TileSums;
use crate::kernel::rows::Rows;
use crate::kernel::tile::{self, Lanes, STEP};

/// See [`crate::kernel::registers::Registers::look_at`].
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[allow(clippy::needless_pass_by_value)] // it is made for this
pub(super) fn look_at(tile: &[Lanes<f32>], classes: usize, found: TileSums<'_>) {
    let (steps, _) = tile[..classes.next_multiple_of(SIDE_BY_SIDE)].as_chunks::<SIDE_BY_SIDE>();
    let mut max = [_mm512_set1_ps(f32::NEG_INFINITY); SIDE_BY_SIDE];
    for step in steps {
        for (max, x) in max.iter_mut().zip(load(step)) {
            // Not NaN, for that is the first.
            *max = _mm512_max_ps(x, *max);
        }
    }
    let max = _mm512_max_ps(_mm512_max_ps(max[0], max[1]), _mm512_max_ps(max[2], max[3]));
    let reduction = Reduction::new(max);
    let mut ties = _mm512_setzero_ps();
    let mut totals = [_mm512_setzero_pd(); 2];
    for step in steps {
        reduction.add(load(step), &mut totals, &mut ties);
    }
    // SAFETY: there is room for sixteen numbers each, which is a register of singles or two of doubles.
    unsafe {
        _mm512_storeu_ps(found.max.as_mut_ptr(), max);
        _mm512_storeu_ps(found.n.as_mut_ptr(), reduction.n);
        _mm512_storeu_ps(found.ties.as_mut_ptr(), ties);
        _mm512_storeu_pd(found.sum.as_mut_ptr(), totals[0]);
        _mm512_storeu_pd(found.sum[LANES / 2..].as_mut_ptr(), totals[1]);
    }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn load(columns: &[Lanes<f32>; SIDE_BY_SIDE]) -> Side {
    let mut registers = [_mm512_setzero_ps(); SIDE_BY_SIDE];
    for (register, column) in registers.iter_mut().zip(columns) {
        // SAFETY: reads the sixteen values of the column.
        *register = unsafe { _mm512_loadu_ps(column.as_ptr()) };
    }
    registers
}

/// See [`tile::transpose`]: sixteen rows four columns at a time.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
pub(super) fn transpose(rows: Rows<'_, f32>, tile: &mut [Lanes<f32>]) {
    if !rows.are(LANES) {
        return tile::transpose(rows, tile);
    }
    let (classes, stride, values) = (rows.classes(), rows.stride(), rows.values());
    let columns = &mut tile[..classes.next_multiple_of(STEP)];
    for (step, columns) in columns.as_chunks_mut::<STEP>().0.iter_mut().enumerate() {
        let first = STEP * step;
        let mask = if classes - first < 4 { (1_u8 << (classes - first)) - 1 } else { 0b1111 };
        let four = |row: usize| {
            let from = values[row * stride + first..].as_ptr();
            // SAFETY: the mask has a bit for each value that the row still has, four at most.
            unsafe { _mm_mask_loadu_ps(_mm_set1_ps(f32::NEG_INFINITY), mask, from) }
        };
        // As many values of a later tile, on their way into the cache: one line for each column.
        for column in first..first + 4 {
            fetch(&values[..LANES], ahead::of_column(rows, column));
        }
        // Register `i` has four values of the rows i, 4 + i, 8 + i and 12 + i.
        let mut quarters = [_mm512_setzero_ps(); 4];
        for (i, quarter) in quarters.iter_mut().enumerate() {
            let low = _mm512_castps128_ps512(four(i));
            let low = _mm512_insertf32x4::<1>(low, four(4 + i));
            let low = _mm512_insertf32x4::<2>(low, four(8 + i));
            *quarter = _mm512_insertf32x4::<3>(low, four(12 + i));
        }
        let [a, b, c, d] = quarters;
        let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
        let (ab_high, cd_high) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
        let pairs = [(ab, cd), (ab_high, cd_high)].map(|(x, y)| (_mm512_castps_pd(x), _mm512_castps_pd(y)));
        for (half, (x, y)) in pairs.into_iter().enumerate() {
            // SAFETY: each column has room for the register.
            unsafe {
                _mm512_storeu_pd(columns[2 * half].as_mut_ptr().cast(), _mm512_unpacklo_pd(x, y));
                _mm512_storeu_pd(columns[2 * half + 1].as_mut_ptr().cast(), _mm512_unpackhi_pd(x, y));
            }
        }
    }
}
