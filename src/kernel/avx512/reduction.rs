//! `exp(x - max)` by a table of powers of two.
//!
//! `exp(x - max) = 2^((k - 16 n) / 16) exp(r) 2^n / exp(max)` with `x = k (ln 2) / 16 + r`: P. T. P. Tang,
//! Table-driven implementation of the exponential function in IEEE floating-point arithmetic, ACM TOMS 15 (1989).
//! Of `k` the upper bits are an exponent, the lower four a place in the table. The powers, and what `exp(r) - 1`
//! adds to each, are summed apart, so that the small part loses nothing to the large.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;
use std::f32::consts::LOG2_E;

use super::{LANES, SIDE_BY_SIDE, Side, Totals};
use crate::kernel::lanes::{LN2_HIGH_SINGLE, LN2_LOW_SINGLE, ROUND_SINGLE};
use crate::kernel::single::REACH;

/// The logarithm of 2^64 1.010077362736919. With the second factor each of the table's powers is within 1.6e-8 of a
/// number of single precision, where without it they are up to 4.8e-8 off. With the first, what is added to the least
/// of them is still a normal number: others take some processors a hundred times as long.
pub(super) const LN_FACTOR: f64 = 64.0 * std::f64::consts::LN_2 + 0.010_026_924_689_012_137;

/// `2^(j/16)` with the factors, less what `j` adds to the bits where `k` is shifted into the exponent.
const TABLE: [i32; LANES] = {
    let powers: [f32; LANES] = [
        1.010_077_4,
        1.054_797_3,
        1.101_497_2,
        1.150_264_6,
        1.201_191_2,
        1.254_372_5,
        1.309_908_3,
        1.367_902_9,
        1.428_465_1,
        1.491_708_6,
        1.557_752_3,
        1.626_719_8,
        1.698_740_8,
        1.773_950_6,
        1.852_490_1,
        1.934_506_8,
    ];
    let mut table = [0; LANES];
    let mut j = 0;
    while j < LANES {
        table[j] = powers[j].to_bits() as i32 + (64 << 23) - ((j as i32) << 19);
        j += 1;
    }
    table
};

// What is added to the least power is that times `r`, of which rounding leaves 24 bits twice.
const _: () = assert!(64.0 - REACH * LOG2_E > f32::MIN_EXP as f32 + 48.0, "a normal number");

/// How the values of a lane are reduced whose maximum is below `LARGE`.
#[derive(Clone, Copy)]
pub(super) struct Reduction {
    max: __m512,
    /// Nothing below this is told apart.
    low: __m512,
    /// The power of two next to `exp(max)`.
    pub(super) n: __m512,
    /// Rounds to an integer, and takes `16 n` from it.
    offset: __m512,
    table: __m512i,
}

impl Reduction {
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn new(max: __m512) -> Self {
        let round = _mm512_set1_ps(ROUND_SINGLE);
        let n = _mm512_sub_ps(_mm512_fmadd_ps(max, _mm512_set1_ps(LOG2_E), round), round);
        Self {
            max,
            low: _mm512_sub_ps(max, _mm512_set1_ps(REACH)),
            n,
            offset: _mm512_fnmadd_ps(n, _mm512_set1_ps(16.0), round),
            // SAFETY: reads the sixteen integers of the array.
            table: unsafe { _mm512_loadu_si512(TABLE.as_ptr().cast()) },
        }
    }

    /// Adds the terms of what is below the maximum to `totals`, in the unit of [`crate::kernel::registers::RowSum`], and
    /// counts the rest in `ties`.
    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    pub(super) fn add(&self, x: Side, totals: &mut Totals, ties: &mut __m512) {
        let one = _mm512_set1_ps(1.0);
        let sixteenths = _mm512_set1_ps(16.0 * LOG2_E);
        let high = _mm512_set1_ps(LN2_HIGH_SINGLE / 16.0);
        let low = _mm512_set1_ps(LN2_LOW_SINGLE / 16.0);
        // 1.7e-9 off at most where |r| is up to ln 2 / 32.
        let (third, second) = (_mm512_set1_ps(1.0 / 6.0), _mm512_set1_ps(0.500_016_5));
        let [mut shifted, mut k, mut r, mut p, mut power] = [[one; SIDE_BY_SIDE]; 5];
        for i in 0..SIDE_BY_SIDE {
            // NaN stays, for it is the second.
            r[i] = _mm512_max_ps(self.low, x[i]);
        }
        for i in 0..SIDE_BY_SIDE {
            shifted[i] = _mm512_fmadd_ps(r[i], sixteenths, self.offset);
        }
        for i in 0..SIDE_BY_SIDE {
            k[i] = _mm512_sub_ps(shifted[i], self.offset);
        }
        for i in 0..SIDE_BY_SIDE {
            r[i] = _mm512_fnmadd_ps(k[i], high, r[i]);
        }
        for i in 0..SIDE_BY_SIDE {
            r[i] = _mm512_fnmadd_ps(k[i], low, r[i]);
        }
        for i in 0..SIDE_BY_SIDE {
            p[i] = _mm512_fmadd_ps(third, r[i], second);
        }
        for i in 0..SIDE_BY_SIDE {
            let k = _mm512_castps_si512(shifted[i]);
            let root = _mm512_permutexvar_epi32(k, self.table);
            power[i] = _mm512_castsi512_ps(_mm512_add_epi32(root, _mm512_slli_epi32::<19>(k)));
        }
        for i in 0..SIDE_BY_SIDE {
            p[i] = _mm512_fmadd_ps(p[i], r[i], one);
        }
        for i in 0..SIDE_BY_SIDE {
            p[i] = _mm512_mul_ps(p[i], r[i]);
        }
        for i in 0..SIDE_BY_SIDE {
            // NaN is not a maximum.
            let is_max = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(x[i], self.max);
            power[i] = _mm512_maskz_mov_ps(!is_max, power[i]);
            p[i] = _mm512_maskz_mul_ps(!is_max, p[i], power[i]);
            *ties = _mm512_mask_add_ps(*ties, is_max, *ties, one);
        }
        for [a, b, c, d] in [power, p] {
            let sum = _mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d));
            totals[0] = _mm512_add_pd(totals[0], _mm512_cvtps_pd(_mm512_castps512_ps256(sum)));
            totals[1] = _mm512_add_pd(totals[1], _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(sum)));
        }
    }
}
