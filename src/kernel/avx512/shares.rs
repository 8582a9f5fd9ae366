//! A frame's shares with the instructions that take exponents and mantissas apart.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use crate::kernel::CtcBlockShares;
use crate::kernel::ctc_block::{FEW, LANES, Lanes, ShareLanes};
use crate::kernel::instruction_set::Avx512;

/// Exists only where the machine has the instructions.
#[derive(Clone, Copy)]
struct ByHand(#[allow(dead_code)] Avx512);

impl ShareLanes for ByHand {
    #[inline(always)]
    fn products(self, a: &Lanes, b: &Lanes, exponents: &[f64; LANES]) -> Lanes {
        let mut out = [0.0; LANES];
        // SAFETY: reads and writes eight values of each array; the machine has the instructions.
        unsafe {
            let turned = |lanes: &Lanes| {
                let order = _mm512_set_epi64(0, 1, 2, 3, 4, 5, 6, 7);
                _mm512_permutexvar_pd(order, _mm512_loadu_pd(lanes.as_ptr()))
            };
            let (a, b) = (_mm512_loadu_pd(a.as_ptr()), turned(b));
            let mantissa = |x| _mm512_getmant_pd::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(x);
            let mantissas = _mm512_mul_pd(mantissa(a), mantissa(b));
            // That of 0 is -inf, and so is what it is added to.
            let sum = _mm512_add_pd(_mm512_getexp_pd(a), _mm512_getexp_pd(b));
            let exponents = _mm512_add_pd(sum, turned(exponents));
            // What is no normal number would cost hundreds of cycles.
            let normal = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(exponents, _mm512_set1_pd(-1022.0));
            let product = _mm512_maskz_scalef_pd(normal, mantissas, exponents);
            _mm512_storeu_pd(out.as_mut_ptr(), product);
        }
        out
    }

    #[inline(always)]
    fn add(self, sums: &mut [Lanes; FEW], column_of: &[u32; LANES], products: &Lanes) {
        // SAFETY: as above.
        unsafe {
            let column_of = _mm256_loadu_si256(column_of.as_ptr().cast());
            let products = _mm512_loadu_pd(products.as_ptr());
            for (column, sums) in sums.iter_mut().enumerate() {
                let own = _mm256_cmpeq_epi32_mask(column_of, _mm256_set1_epi32(column as i32));
                let now = _mm512_loadu_pd(sums.as_ptr());
                _mm512_storeu_pd(sums.as_mut_ptr(), _mm512_mask_add_pd(now, own, now, products));
            }
        }
    }
}

/// See [`CtcBlockShares::write`].
pub(in crate::kernel) fn ctc_shares(instructions: Avx512, frame: &CtcBlockShares<'_>, out: &mut [f64]) {
    // SAFETY: there is an `Avx512` only where the machine has these instructions.
    unsafe { run(ByHand(instructions), frame, out) }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn run(by: ByHand, frame: &CtcBlockShares<'_>, out: &mut [f64]) {
    frame.write_by(by, out);
}
