//! The CTC recursion with the instruction that picks eight values: what the compiler makes of eight loads takes twice
//! as long as all else of a step.

use std::arch::x86_64::{_mm256_loadu_si256, _mm512_i32gather_pd, _mm512_storeu_pd};

use crate::kernel::CtcBlock;
use crate::kernel::ctc_block::{Gather, LANES, Lanes};
use crate::kernel::instruction_set::Avx512;

/// Exists only where the machine has the instruction.
#[derive(Clone, Copy)]
struct Instruction(#[allow(dead_code)] Avx512);

impl Gather for Instruction {
    #[inline(always)]
    unsafe fn gather(self, values: &[f64], places: &[u32; LANES]) -> Lanes {
        let mut lanes = [0.0; LANES];
        // SAFETY: the caller promises that there is a value at each of the places, which `i32` counts; the machine has
        // the instruction, for there is an `Avx512`.
        unsafe {
            let places = _mm256_loadu_si256(places.as_ptr().cast());
            _mm512_storeu_pd(lanes.as_mut_ptr(), _mm512_i32gather_pd::<8>(places, values.as_ptr()));
        }
        lanes
    }
}

/// See [`CtcBlock::run_on`].
pub(in crate::kernel) fn ctc_block(instructions: Avx512, block: CtcBlock<'_>) -> usize {
    // SAFETY: there is an `Avx512` only where the machine has these instructions.
    unsafe { run(instructions, block) }
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn run(instructions: Avx512, block: CtcBlock<'_>) -> usize {
    block.advance::<true, _>(Instruction(instructions))
}
