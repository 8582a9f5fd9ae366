//! Exponentials in doubles, by a table of powers of two: see [`super::reduction`] for the method.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;
use std::f64::consts::{LN_2, LOG2_E, SQRT_2};

use crate::kernel::exp_sums::{RowSums, ScaledColumns};
use crate::kernel::instruction_set::Avx512;
use crate::kernel::lanes::{LN2_HIGH, LN2_LOW, ROUND, ln_1p};
use crate::kernel::tile::{Lanes, STEP, TILE, Tile};
use crate::kernel::{Element, exponent_of};

/// Values of a register.
pub(super) const LANES: usize = 8;
/// Powers in the table.
const POWERS: usize = 2 * LANES;
/// Registers of columns whose steps alternate: see [`super::SIDE_BY_SIDE`].
pub(super) const COLUMNS: usize = 4;
/// Columns that are looked at in one step.
pub(super) const WIDTH: usize = COLUMNS * LANES;
/// The same of rows side by side.
const ROWS: usize = TILE / LANES * STEP;
/// The logarithm below which an exponential times the unit is 0: what is not is still a normal number.
const LOWEST: f64 = -708.0;

/// `2^(j/16)`.
const TABLE: [f64; POWERS] = [
    1.0,
    1.044_273_782_427_413_8,
    1.090_507_732_665_257_7,
    1.138_788_634_756_691_6,
    1.189_207_115_002_721,
    1.241_857_812_073_484,
    1.296_839_554_651_009_6,
    1.354_255_546_936_892_7,
    SQRT_2,
    1.476_826_145_939_499_3,
    1.542_210_825_407_940_7,
    1.610_490_331_949_254_3,
    1.681_792_830_507_429,
    1.756_252_160_373_299_5,
    1.834_008_086_409_342_4,
    1.915_206_561_397_147_4,
];

/// Interpolates `(exp(r) - 1 - r) / r²` at Chebyshev's nodes of `±ln 2 / 32`; 3e-17 off at most.
const SERIES: [f64; 5] = [
    1.388_903_434_859_973_5e-3,
    8.333_449_701_253_673e-3,
    4.166_666_666_496_045e-2,
    1.666_666_666_530_169e-1,
    0.5,
];

/// `unit exp(x)` of a few registers; `unit` is a power of two.
#[derive(Clone, Copy)]
pub(super) struct Exp {
    /// Of the powers times the unit, the bits less what `j` adds to them where `k` is shifted into the exponent.
    table: [__m512d; 2],
    /// Below this, an exponential is 0.
    lowest: f64,
}

impl Exp {
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn new(unit: f64) -> Self {
        let mut table = [0_u64; POWERS];
        for (j, (bits, power)) in table.iter_mut().zip(TABLE).enumerate() {
            *bits = (power * unit).to_bits().wrapping_sub((j as u64) << 48);
        }
        let (low, high) = table.split_at(LANES);
        // SAFETY: each half has eight numbers.
        let table = [low, high].map(|half| unsafe { _mm512_loadu_pd(half.as_ptr().cast()) });
        Self { table, lowest: LOWEST - exponent_of(unit) as f64 * LN_2 }
    }

    /// For `x <= 0`, to about one unit in the last place; NaN stays.
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn of<const N: usize>(self, x: [__m512d; N]) -> [__m512d; N] {
        let (lowest, round) = (_mm512_set1_pd(self.lowest), _mm512_set1_pd(ROUND));
        let sixteenths = _mm512_set1_pd(16.0 * LOG2_E);
        let (high, low) = (_mm512_set1_pd(LN2_HIGH / 16.0), _mm512_set1_pd(LN2_LOW / 16.0));
        let one = _mm512_set1_pd(1.0);
        let [mut r, mut shifted, mut p, mut power, mut out] = [x; 5];
        for i in 0..N {
            // NaN stays, for it is the second.
            r[i] = _mm512_max_pd(lowest, x[i]);
        }
        for i in 0..N {
            shifted[i] = _mm512_fmadd_pd(r[i], sixteenths, round);
        }
        for i in 0..N {
            let k = _mm512_sub_pd(shifted[i], round);
            r[i] = _mm512_fnmadd_pd(k, low, _mm512_fnmadd_pd(k, high, r[i]));
        }
        for i in 0..N {
            let k = _mm512_castpd_si512(shifted[i]);
            let root = _mm512_permutex2var_pd(self.table[0], k, self.table[1]);
            let bits = _mm512_add_epi64(_mm512_castpd_si512(root), _mm512_slli_epi64::<48>(k));
            power[i] = _mm512_castsi512_pd(bits);
        }
        for i in 0..N {
            p[i] = _mm512_fmadd_pd(_mm512_set1_pd(SERIES[0]), r[i], _mm512_set1_pd(SERIES[1]));
        }
        for term in &SERIES[2..] {
            for i in 0..N {
                p[i] = _mm512_fmadd_pd(p[i], r[i], _mm512_set1_pd(*term));
            }
        }
        for i in 0..N {
            p[i] = _mm512_mul_pd(_mm512_fmadd_pd(p[i], r[i], one), r[i]);
        }
        for i in 0..N {
            let in_reach = _mm512_cmp_pd_mask::<_CMP_NLT_UQ>(x[i], lowest);
            out[i] = _mm512_maskz_fmadd_pd(in_reach, power[i], p[i], power[i]);
        }
        out
    }

    /// Of each column less `max`; adds them to `sums`.
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn beside(
        self,
        max: f64,
        mut columns: [__m512d; COLUMNS],
        sums: &mut [__m512d; COLUMNS],
    ) -> [__m512d; COLUMNS] {
        let max = _mm512_set1_pd(max);
        for column in &mut columns {
            *column = _mm512_sub_pd(*column, max);
        }
        let e = self.of(columns);
        for i in 0..COLUMNS {
            sums[i] = _mm512_add_pd(sums[i], e[i]);
        }
        e
    }
}

/// Eight values.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn load<E: Element>(values: &[E; LANES]) -> __m512d {
    // SAFETY: reads the eight values. `Element` is sealed: what is not of single precision is a double.
    unsafe {
        if E::SINGLE {
            _mm512_cvtps_pd(_mm256_loadu_ps(values.as_ptr().cast()))
        } else {
            _mm512_loadu_pd(values.as_ptr().cast())
        }
    }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn array(x: __m512d) -> [f64; LANES] {
    let mut values = [0.0; LANES];
    // SAFETY: there is room for the eight values.
    unsafe { _mm512_storeu_pd(values.as_mut_ptr(), x) };
    values
}

/// See [`crate::kernel::scaled_columns`].
pub(in crate::kernel) fn scaled_columns<E: Element>(
    _: Avx512,
    x: &[E],
    unit: f64,
    out: &mut [f64],
) -> ScaledColumns {
    assert_eq!(x.len(), out.len(), "a result for each");
    // SAFETY: there is an `Avx512` only where the machine has these instructions.
    unsafe { scale(x, unit, out) }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
pub(super) fn columns<E: Element>(values: &[E; WIDTH]) -> [__m512d; COLUMNS] {
    let mut columns = [_mm512_setzero_pd(); COLUMNS];
    for (column, values) in columns.iter_mut().zip(values.as_chunks::<LANES>().0) {
        *column = load(values);
    }
    columns
}

/// Fewer than [`WIDTH`] values and then `-inf`.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
pub(super) fn last_columns<E: Element>(values: &[E]) -> [__m512d; COLUMNS] {
    debug_assert!(values.len() < WIDTH, "fewer than a step");
    let mask = (1_u32 << values.len()) - 1;
    let mut columns = [_mm512_setzero_pd(); COLUMNS];
    for (i, column) in columns.iter_mut().enumerate() {
        let lanes = (mask >> (i * LANES)) as u8;
        // Next to the others even where there are none, for what is left out of memory that can't be read takes
        // hundreds of cycles.
        let from = values.as_ptr().wrapping_add(i * LANES);
        // SAFETY: the mask has a bit for each value of the slice; nothing else is read. `Element` is sealed: what is
        // not of single precision is a double.
        *column = unsafe {
            if E::SINGLE {
                let nothing = _mm256_set1_ps(f32::NEG_INFINITY);
                _mm512_cvtps_pd(_mm256_mask_loadu_ps(nothing, lanes, from.cast()))
            } else {
                _mm512_mask_loadu_pd(_mm512_set1_pd(f64::NEG_INFINITY), lanes, from.cast())
            }
        };
    }
    columns
}

/// What some columns are beside each other, as far as they were looked at.
struct Extremes {
    max: [__m512d; COLUMNS],
    least: [__m512d; COLUMNS],
    nan: u8,
}

impl Extremes {
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn look_at(&mut self, columns: [__m512d; COLUMNS]) {
        let lowest = _mm512_set1_pd(f64::NEG_INFINITY);
        for (i, x) in columns.into_iter().enumerate() {
            self.nan |= _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(x, x);
            self.max[i] = _mm512_max_pd(x, self.max[i]);
            let finite = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(x, lowest);
            self.least[i] = _mm512_mask_min_pd(self.least[i], finite, x, self.least[i]);
        }
    }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn scale<E: Element>(x: &[E], unit: f64, out: &mut [f64]) -> ScaledColumns {
    let infinity = _mm512_set1_pd(f64::INFINITY);
    let lowest = _mm512_set1_pd(f64::NEG_INFINITY);
    let mut found = Extremes { max: [lowest; COLUMNS], least: [infinity; COLUMNS], nan: 0 };
    let (steps, rest) = x.as_chunks::<WIDTH>();
    for step in steps {
        found.look_at(columns(step));
    }
    found.look_at(last_columns(rest));
    let Extremes { max: [a, b, c, d], least, nan } = found;
    let max = _mm512_max_pd(_mm512_max_pd(a, b), _mm512_max_pd(c, d));
    let max = if nan == 0 { _mm512_reduce_max_pd(max) } else { f64::NAN };
    let least = _mm512_min_pd(_mm512_min_pd(least[0], least[1]), _mm512_min_pd(least[2], least[3]));
    let exp = Exp::new(unit);
    let mut sums = [_mm512_setzero_pd(); COLUMNS];
    let (to, to_rest) = out.as_chunks_mut::<WIDTH>();
    for (step, to) in steps.iter().zip(to) {
        let e = exp.beside(max, columns(step), &mut sums);
        for (i, to) in to.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            // SAFETY: there is room for the eight values.
            unsafe { _mm512_storeu_pd(to.as_mut_ptr(), e[i]) };
        }
    }
    if !rest.is_empty() {
        let e = exp.beside(max, last_columns(rest), &mut sums);
        for (i, to) in to_rest.chunks_mut(LANES).enumerate() {
            let lanes = ((1_u32 << to.len()) - 1) as u8;
            // SAFETY: the mask has a bit for each value of the slice, eight at most.
            unsafe { _mm512_mask_storeu_pd(to.as_mut_ptr(), lanes, e[i]) };
        }
    }
    let sum = _mm512_add_pd(_mm512_add_pd(sums[0], sums[1]), _mm512_add_pd(sums[2], sums[3]));
    ScaledColumns { max, least: _mm512_reduce_min_pd(least), sum: _mm512_reduce_add_pd(sum) / unit }
}

/// Exponentials of rows side by side: see [`crate::kernel::ExpRows`].
pub(in crate::kernel) fn exp_tile<E: Element>(
    _: Avx512,
    tile: &[Lanes<E>],
    classes: usize,
    unit: f64,
    exps: &mut Tile<f64>,
) -> RowSums {
    // SAFETY: there is an `Avx512` only where the machine has these instructions.
    unsafe { exp_rows(tile, classes, unit, exps) }
}

/// The largest and the least value of each lane but for NaN.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn extremes<E: Element>(tile: &[Lanes<E>]) -> [[__m512d; 2]; 2] {
    // Not NaN, for that is the first.
    if E::SINGLE {
        let mut max = _mm512_set1_ps(f32::NEG_INFINITY);
        let mut min = _mm512_set1_ps(f32::INFINITY);
        for lanes in tile {
            // SAFETY: reads sixteen values, which are of single precision.
            let x = unsafe { _mm512_loadu_ps(lanes.as_ptr().cast()) };
            (max, min) = (_mm512_max_ps(x, max), _mm512_min_ps(x, min));
        }
        return [max, min].map(|x| {
            [_mm512_cvtps_pd(_mm512_castps512_ps256(x)), _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(x))]
        });
    }
    let mut max = [_mm512_set1_pd(f64::NEG_INFINITY); 2];
    let mut min = [_mm512_set1_pd(f64::INFINITY); 2];
    for lanes in tile {
        for (i, half) in lanes.as_chunks::<LANES>().0.iter().enumerate() {
            let x = load(half);
            (max[i], min[i]) = (_mm512_max_pd(x, max[i]), _mm512_min_pd(x, min[i]));
        }
    }
    [max, min]
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn exp_rows<E: Element>(tile: &[Lanes<E>], classes: usize, unit: f64, exps: &mut Tile<f64>) -> RowSums {
    let [max, min] = extremes(&tile[..classes]);
    let (exp, zero, one) = (Exp::new(unit), _mm512_setzero_pd(), _mm512_set1_pd(1.0));
    let (mut below, mut ties) = ([zero; 2], [zero; 2]);
    let steps = classes.div_ceil(STEP);
    for (tile, exps) in tile.as_chunks::<STEP>().0[..steps].iter().zip(exps.as_chunks_mut::<STEP>().0) {
        let mut x = [zero; ROWS];
        for (i, x) in x.iter_mut().enumerate() {
            let half = &tile[i / 2].as_chunks::<LANES>().0[i % 2];
            *x = _mm512_sub_pd(load(half), max[i % 2]);
        }
        let e = exp.of(x);
        for i in 0..ROWS {
            // NaN is not a maximum.
            let is_max = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(x[i], zero);
            below[i % 2] = _mm512_mask_add_pd(below[i % 2], !is_max, below[i % 2], e[i]);
            ties[i % 2] = _mm512_mask_add_pd(ties[i % 2], is_max, ties[i % 2], one);
            let to = &mut exps[i / 2].as_chunks_mut::<LANES>().0[i % 2];
            // SAFETY: there is room for the eight values.
            unsafe { _mm512_storeu_pd(to.as_mut_ptr(), e[i]) };
        }
    }
    let both = |halves: [__m512d; 2]| {
        let mut all = [0.0; TILE];
        for (to, half) in all.as_chunks_mut::<LANES>().0.iter_mut().zip(halves) {
            *to = array(half);
        }
        all
    };
    let least = both(exp.of([_mm512_sub_pd(min[0], max[0]), _mm512_sub_pd(min[1], max[1])]));
    let (below, ties) = (both(below), both(ties));
    let mut log_sum = [0.0; TILE];
    for i in 0..TILE {
        log_sum[i] = ln_1p::<true>(below[i] / unit + (ties[i] - 1.0));
    }
    RowSums { max: both(max), log_sum, least }
}
