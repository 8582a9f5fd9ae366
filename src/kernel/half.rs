//! Half precision, widened to single.

use half::f16;
use half::slice::HalfFloatSliceExt;

#[cfg(target_arch = "x86_64")]
use super::InstructionSet;

/// Writes each of `halves`, bytes of little-endian numbers, to `out` in single precision.
pub(crate) fn widen_halves(halves: &[[u8; 2]], out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx512) = InstructionSet::best().avx512() {
        return super::avx512::widen_halves(avx512, halves, out);
    }
    widen(halves, out, f16::from_le_bytes);
}

/// The same of big-endian numbers.
pub(crate) fn widen_big_endian_halves(halves: &[[u8; 2]], out: &mut [f32]) {
    widen(halves, out, f16::from_be_bytes);
}

/// A few values at a time, for which many processors have instructions.
fn widen(halves: &[[u8; 2]], out: &mut [f32], of_bytes: impl Fn([u8; 2]) -> f16) {
    const AT_ONCE: usize = 256;
    let mut few = [f16::ZERO; AT_ONCE];
    for (halves, out) in halves.chunks(AT_ONCE).zip(out.chunks_mut(AT_ONCE)) {
        let few = &mut few[..halves.len()];
        for (half, &bytes) in few.iter_mut().zip(halves) {
            *half = of_bytes(bytes);
        }
        few.convert_to_f32_slice(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_widened_at_every_place() {
        let all: Vec<u16> = (0..=u16::MAX).collect();
        let bytes: Vec<[u8; 2]> = all.iter().map(|half| half.to_le_bytes()).collect();
        let swapped: Vec<[u8; 2]> = all.iter().map(|half| half.to_be_bytes()).collect();
        let expected: Vec<f32> = all.iter().map(|&half| f16::from_bits(half).to_f32()).collect();
        let is_same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        for (start, end) in (0..40).map(|i| (i, i + 40)).chain([(0, all.len())]) {
            for end in (start..=end.min(start + 40)).chain([end]) {
                let mut out = vec![7.0; end - start];
                widen_halves(&bytes[start..end], &mut out);
                assert!(out.iter().zip(&expected[start..end]).all(is_same));
                widen(&bytes[start..end], &mut out, f16::from_le_bytes);
                assert!(out.iter().zip(&expected[start..end]).all(is_same));
                widen_big_endian_halves(&swapped[start..end], &mut out);
                assert!(out.iter().zip(&expected[start..end]).all(is_same));
            }
        }
    }
}
