//! The CTC recursion with instructions that pick eight values: what the compiler makes of eight loads takes twice as
//! long as all else of a step.
//!
//! Up to 64 columns of a frame are held in registers and picked from there, which takes less than half as long as to
//! pick them from memory.

#[allow(clippy::wildcard_imports)] // one line for each instruction would say no more
use std::arch::x86_64::*;

use crate::kernel::CtcBlock;
use crate::kernel::ctc_block::{Gather, LANES, Lanes};
use crate::kernel::instruction_set::Avx512;

/// From memory. Exists only where the machine has the instruction.
#[derive(Clone, Copy)]
struct FromMemory(#[allow(dead_code)] Avx512);

impl Gather for FromMemory {
    type Frame<'a> = &'a [f64];

    #[inline(always)]
    fn frame(self, columns: &[f64]) -> &[f64] {
        columns
    }

    #[inline(always)]
    unsafe fn gather(self, frame: &[f64], places: &[u32; LANES]) -> Lanes {
        let mut lanes = [0.0; LANES];
        // SAFETY: the caller promises that there is a column at each of the places, which `i32` counts; the machine has
        // the instruction, for there is an `Avx512`.
        unsafe {
            let places = _mm256_loadu_si256(places.as_ptr().cast());
            _mm512_storeu_pd(lanes.as_mut_ptr(), _mm512_i32gather_pd::<8>(places, frame.as_ptr()));
        }
        lanes
    }
}

/// From `PAIRS` pairs of registers, 1, 2 or 4. Exists only where the machine has the instructions.
#[derive(Clone, Copy)]
struct FromRegisters<const PAIRS: usize>(#[allow(dead_code)] Avx512);

impl<const PAIRS: usize> FromRegisters<PAIRS> {
    /// Columns that they hold.
    const COLUMNS: usize = PAIRS * 2 * LANES;
}

impl<const PAIRS: usize> Gather for FromRegisters<PAIRS> {
    type Frame<'a> = [[__m512d; 2]; PAIRS];

    #[inline(always)]
    fn frame(self, columns: &[f64]) -> [[__m512d; 2]; PAIRS] {
        let mut rest = &columns[..columns.len().min(Self::COLUMNS)];
        let mut next = || {
            let (here, behind) = rest.split_at(rest.len().min(LANES));
            rest = behind;
            let mask = ((1_u32 << here.len()) - 1) as u8;
            // SAFETY: the mask has a bit for each value of the slice, eight at most; the machine has the instruction.
            unsafe { _mm512_maskz_loadu_pd(mask, here.as_ptr()) }
        };
        std::array::from_fn(|_| [next(), next()])
    }

    #[inline(always)]
    unsafe fn gather(self, frame: [[__m512d; 2]; PAIRS], places: &[u32; LANES]) -> Lanes {
        let mut lanes = [0.0; LANES];
        // SAFETY: reads the eight places, and there is room for the eight values; the machine has the instructions.
        unsafe {
            let places = _mm512_cvtepu32_epi64(_mm256_loadu_si256(places.as_ptr().cast()));
            // The last four bits of a place are its place in a pair.
            let mut found = frame.map(|[low, high]| _mm512_permutex2var_pd(low, places, high));
            let mut pairs = PAIRS;
            let mut bit = 2 * LANES as i64;
            while pairs > 1 {
                let odd = _mm512_test_epi64_mask(places, _mm512_set1_epi64(bit));
                for i in 0..pairs / 2 {
                    found[i] = _mm512_mask_blend_pd(odd, found[2 * i], found[2 * i + 1]);
                }
                (pairs, bit) = (pairs / 2, 2 * bit);
            }
            _mm512_storeu_pd(lanes.as_mut_ptr(), found[0]);
        }
        lanes
    }
}

/// See [`CtcBlock::run_on`].
pub(in crate::kernel) fn ctc_block(instructions: Avx512, block: CtcBlock<'_>) -> usize {
    // And one that is 0.
    let columns = block.columns() + 1;
    // SAFETY: there is an `Avx512` only where the machine has these instructions.
    unsafe {
        if columns <= FromRegisters::<1>::COLUMNS {
            run(FromRegisters::<1>(instructions), block)
        } else if columns <= FromRegisters::<2>::COLUMNS {
            run(FromRegisters::<2>(instructions), block)
        } else if columns <= FromRegisters::<4>::COLUMNS {
            run(FromRegisters::<4>(instructions), block)
        } else {
            run(FromMemory(instructions), block)
        }
    }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn run<G: Gather>(gather: G, block: CtcBlock<'_>) -> usize {
    block.advance::<true, _>(gather)
}
