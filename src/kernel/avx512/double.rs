//! Rows in doubles.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use super::exp::{COLUMNS, Exp, LANES, WIDTH, columns, last_columns};
use crate::kernel::double::BLOCK;
use crate::kernel::fetch::fetch;
use crate::kernel::instruction_set::Avx512;
use crate::kernel::tile::{self, Lanes, STEP, TILE};
use crate::kernel::{Element, Rows, ahead};

/// See [`crate::kernel::double::DoubleSums::max_of`].
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn max_of<E: Element>(values: &[E]) -> f64 {
    let mut max = [_mm512_set1_pd(f64::NEG_INFINITY); COLUMNS];
    let (steps, rest) = values.as_chunks::<WIDTH>();
    let mut look_at = |x: [__m512d; COLUMNS]| {
        for i in 0..COLUMNS {
            // Not NaN, for that is the first.
            max[i] = _mm512_max_pd(x[i], max[i]);
        }
    };
    for step in steps {
        look_at(columns(step));
    }
    look_at(last_columns(rest));
    _mm512_reduce_max_pd(_mm512_max_pd(_mm512_max_pd(max[0], max[1]), _mm512_max_pd(max[2], max[3])))
}

/// See [`crate::kernel::double::DoubleSums::sum_of`].
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn sum_of<E: Element>(values: &[E], max: f64) -> f64 {
    let mut sum = Sum {
        exp: Exp::new(1.0),
        max: _mm512_set1_pd(max),
        below: [_mm512_setzero_pd(); COLUMNS],
        ties: [_mm512_setzero_pd(); COLUMNS],
    };
    let (steps, rest) = values.as_chunks::<WIDTH>();
    for step in steps {
        // As in lanes.
        if !E::SINGLE {
            fetch(step, BLOCK);
        }
        sum.add(columns(step));
    }
    if !rest.is_empty() {
        sum.add(last_columns(rest));
    }
    let total = |x: [__m512d; COLUMNS]| {
        _mm512_reduce_add_pd(_mm512_add_pd(_mm512_add_pd(x[0], x[1]), _mm512_add_pd(x[2], x[3])))
    };
    total(sum.below) + (total(sum.ties) - 1.0)
}

struct Sum {
    exp: Exp,
    max: __m512d,
    below: [__m512d; COLUMNS],
    ties: [__m512d; COLUMNS],
}

impl Sum {
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn add(&mut self, x: [__m512d; COLUMNS]) {
        let mut beside = x;
        for x in &mut beside {
            *x = _mm512_sub_pd(*x, self.max);
        }
        let e = self.exp.of(beside);
        for i in 0..COLUMNS {
            // NaN is not a maximum.
            let is_max = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(x[i], self.max);
            self.below[i] = _mm512_mask_add_pd(self.below[i], !is_max, self.below[i], e[i]);
            self.ties[i] = _mm512_mask_add_pd(self.ties[i], is_max, self.ties[i], _mm512_set1_pd(1.0));
        }
    }
}

/// See [`tile::transpose`].
pub(in crate::kernel) fn transpose_doubles(_: Avx512, rows: Rows<'_, f64>, tile: &mut [Lanes<f64>]) {
    // SAFETY: there is an `Avx512` only where the machine has these instructions.
    unsafe { transpose(rows, tile) }
}

/// Sixteen rows four columns at a time, eight rows in the lanes of a register.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn transpose(rows: Rows<'_, f64>, tile: &mut [Lanes<f64>]) {
    if !rows.are(TILE) {
        return tile::transpose(rows, tile);
    }
    let (classes, stride, values) = (rows.classes(), rows.stride(), rows.values());
    let columns = &mut tile[..classes.next_multiple_of(STEP)];
    for (step, columns) in columns.as_chunks_mut::<STEP>().0.iter_mut().enumerate() {
        let first = STEP * step;
        let mask = if classes - first < STEP { (1_u8 << (classes - first)) - 1 } else { 0b1111 };
        let four = |row: usize| {
            let from = values[row * stride + first..].as_ptr();
            // SAFETY: the mask has a bit for each value that the row still has, four at most.
            unsafe { _mm256_mask_loadu_pd(_mm256_set1_pd(f64::NEG_INFINITY), mask, from) }
        };
        let two = |row: usize| _mm512_insertf64x4::<1>(_mm512_castpd256_pd512(four(row)), four(row + 2));
        for place in first..first + STEP {
            // As many values of a later tile: sixteen for each column.
            fetch(&values[..TILE], ahead::of_column(rows, place));
        }
        for half in 0..2 {
            let row = half * LANES;
            // Rows of a quarter beside each other, the first two below the others.
            let (a, b) = (two(row), two(row + 1));
            let (c, d) = (two(row + 4), two(row + 5));
            let even = (_mm512_unpacklo_pd(a, b), _mm512_unpacklo_pd(c, d));
            let odd = (_mm512_unpackhi_pd(a, b), _mm512_unpackhi_pd(c, d));
            let four = [
                _mm512_shuffle_f64x2::<0b10_00_10_00>(even.0, even.1),
                _mm512_shuffle_f64x2::<0b10_00_10_00>(odd.0, odd.1),
                _mm512_shuffle_f64x2::<0b11_01_11_01>(even.0, even.1),
                _mm512_shuffle_f64x2::<0b11_01_11_01>(odd.0, odd.1),
            ];
            for (column, lanes) in columns.iter_mut().zip(four) {
                let to = &mut column[row..row + LANES];
                // SAFETY: there is room for eight values.
                unsafe { _mm512_storeu_pd(to.as_mut_ptr(), lanes) };
            }
        }
    }
}
