//! Which sums of two rows reach a bar.

use super::InstructionSet;
use super::instruction_set::Task;

/// Bits of a word of the answer.
const WORD: usize = u64::BITS as usize;

/// Sets in `out` a bit for each place where `a` plus `b`, of one length, is `bar` or more; a NaN is not. There is a
/// word for each 64 places.
pub(crate) fn reaching(set: InstructionSet, a: &[f32], b: &[f32], bar: f32, out: &mut [u64]) {
    assert!(a.len() == b.len() && out.len() == a.len().div_ceil(WORD), "a bit for each sum");
    #[cfg(target_arch = "x86_64")]
    if let Some(avx512) = set.avx512() {
        return super::avx512::reaching(avx512, a, b, bar, out);
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = set.avx2() {
        return super::avx2::reaching(avx2, a, b, bar, out);
    }
    set.run(Reaching { a, b, bar, out });
}

struct Reaching<'a> {
    a: &'a [f32],
    b: &'a [f32],
    bar: f32,
    out: &'a mut [u64],
}

impl Task for Reaching<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        const LANES: usize = 16;
        let Self { a, b, bar, out } = self;
        for ((a, b), word) in a.chunks(WORD).zip(b.chunks(WORD)).zip(out) {
            *word = 0;
            let (a_chunks, a_rest) = a.as_chunks::<LANES>();
            let (b_chunks, b_rest) = b.as_chunks::<LANES>();
            for (number, (a, b)) in a_chunks.iter().zip(b_chunks).enumerate() {
                let mut bits = [0_u32; LANES];
                for i in 0..LANES {
                    bits[i] = u32::from(a[i] + b[i] >= bar) << i;
                }
                *word |= u64::from(bits.iter().fold(0, |all, bit| all | bit)) << (number * LANES);
            }
            for (i, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
                *word |= u64::from(a + b >= bar) << (a_chunks.len() * LANES + i);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_set_where_the_sum_reaches_the_bar() {
        for set in InstructionSet::available() {
            for len in 0..200_u32 {
                let mut a: Vec<f32> = (0..len).map(|i| (i * 37 % 101) as f32).collect();
                let b: Vec<f32> = (0..len).map(|i| 1.0 / (1 + i * 13 % 29) as f32).collect();
                if let Some(one) = a.get_mut(len as usize / 2) {
                    *one = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][len as usize % 3];
                }
                for bar in [f32::MIN, 1.0, 5.0, 20.0] {
                    let mut out = vec![u64::MAX; (len as usize).div_ceil(WORD)];
                    reaching(set, &a, &b, bar, &mut out);
                    for place in 0..out.len() * WORD {
                        let wanted = place < a.len() && a[place] + b[place] >= bar;
                        let found = out[place / WORD] >> (place % WORD) & 1 == 1;
                        assert_eq!(found, wanted, "{}: {len} {bar} {place}", set.name());
                    }
                }
            }
        }
    }
}
