//! `exp(x - max)` by a table of powers of two: see `avx512/reduction.rs` for the method. Here the powers are eighths,
//! and a power and what is added to it are one term.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;
use std::f32::consts::LOG2_E;

use super::{LANES, Totals};
use crate::kernel::lanes::{LN2_HIGH_SINGLE, LN2_LOW_SINGLE, ROUND_SINGLE};
use crate::kernel::single::REACH;

/// The logarithm of 1.0584920589488076: with this factor each of the table's powers is within 5.3e-9 of a number of
/// single precision, where without it they are up to 4.8e-8 off.
pub(super) const LN_FACTOR: f64 = 0.056_845_309_390_628_686;

/// `2^(j/8)` with the factor, less what `j` adds to the bits where `k` is shifted into the exponent.
const TABLE: [i32; LANES] = {
    let powers: [f32; LANES] = [
        1.058_492_1,
        1.154_293_8,
        1.258_766_3,
        1.372_694_4,
        1.496_933_8,
        1.632_417_9,
        1.780_164_4,
        1.941_283,
    ];
    let mut table = [0; LANES];
    let mut j = 0;
    while j < LANES {
        table[j] = powers[j].to_bits() as i32 - ((j as i32) << 20);
        j += 1;
    }
    table
};

/// How the values of a lane are reduced whose maximum is below `LARGE`.
#[derive(Clone, Copy)]
pub(super) struct Reduction {
    max: __m256,
    /// Nothing below this is told apart.
    low: __m256,
    /// The power of two next to `exp(max)`.
    pub(super) n: __m256,
    /// Rounds to an integer, and takes `8 n` from it.
    offset: __m256,
    table: __m256i,
}

impl Reduction {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn new(max: __m256) -> Self {
        let round = _mm256_set1_ps(ROUND_SINGLE);
        let n = _mm256_sub_ps(_mm256_fmadd_ps(max, _mm256_set1_ps(LOG2_E), round), round);
        Self {
            max,
            low: _mm256_sub_ps(max, _mm256_set1_ps(REACH)),
            n,
            offset: _mm256_fnmadd_ps(n, _mm256_set1_ps(8.0), round),
            // SAFETY: reads the eight integers of the array.
            table: unsafe { _mm256_loadu_si256(TABLE.as_ptr().cast()) },
        }
    }

    /// The sum of the terms of what is below the maximum, in the unit of [`crate::kernel::registers::RowSum`]; takes one
    /// from `above` for each of them.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn sum<const N: usize>(&self, x: [__m256; N], above: &mut __m256i) -> __m256 {
        let eighths = _mm256_set1_ps(8.0 * LOG2_E);
        let (high, low) = (_mm256_set1_ps(LN2_HIGH_SINGLE / 8.0), _mm256_set1_ps(LN2_LOW_SINGLE / 8.0));
        // 2e-10 off at most where |r| is up to ln 2 / 16: with a term less, errors are small still, but sums have a
        // bias.
        let (fourth, third) = (_mm256_set1_ps(0.041_667_5), _mm256_set1_ps(0.166_680_5));
        let second = _mm256_set1_ps(0.5);
        let [mut r, mut shifted, mut p] = [x; 3];
        for i in 0..N {
            // NaN stays, for it is the second.
            r[i] = _mm256_max_ps(self.low, x[i]);
            shifted[i] = _mm256_fmadd_ps(r[i], eighths, self.offset);
        }
        for i in 0..N {
            let k = _mm256_sub_ps(shifted[i], self.offset);
            r[i] = _mm256_fnmadd_ps(k, low, _mm256_fnmadd_ps(k, high, r[i]));
        }
        for i in 0..N {
            p[i] = _mm256_fmadd_ps(_mm256_fmadd_ps(fourth, r[i], third), r[i], second);
            p[i] = _mm256_fmadd_ps(_mm256_mul_ps(p[i], r[i]), r[i], r[i]);
        }
        for i in 0..N {
            let k = _mm256_castps_si256(shifted[i]);
            let root = _mm256_permutevar8x32_epi32(self.table, k);
            let power = _mm256_castsi256_ps(_mm256_add_epi32(root, _mm256_slli_epi32::<20>(k)));
            // NaN is not a maximum.
            let is_below = _mm256_cmp_ps::<_CMP_NGE_UQ>(x[i], self.max);
            p[i] = _mm256_and_ps(_mm256_fmadd_ps(p[i], power, power), is_below);
            *above = _mm256_add_epi32(*above, _mm256_castps_si256(is_below));
        }
        p[1..].iter().fold(p[0], |sum, p| _mm256_add_ps(sum, *p))
    }
}

/// Adds the sums of each lane to `totals`.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn add_to(totals: &mut Totals, sum: __m256) {
    totals[0] = _mm256_add_pd(totals[0], _mm256_cvtps_pd(_mm256_castps256_ps128(sum)));
    totals[1] = _mm256_add_pd(totals[1], _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(sum)));
}
