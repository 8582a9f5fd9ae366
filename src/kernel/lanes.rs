//! Elementary functions of one lane, free of branches, so that a loop over lanes becomes vector code.

/// The larger; `b` where one is NaN.
#[inline(always)]
pub(super) fn larger<T: PartialOrd>(a: T, b: T) -> T {
    if a > b { a } else { b }
}

/// The lesser; `b` where one is NaN.
#[inline(always)]
pub(super) fn lesser<T: PartialOrd>(a: T, b: T) -> T {
    if a < b { a } else { b }
}

/// What all lanes come to, by halves, so that they need not wait for each other.
#[inline(always)]
pub(super) fn fold(lanes: [f64; 16], join: impl Fn(f64, f64) -> f64) -> f64 {
    let (mut eight, mut four) = ([0.0; 8], [0.0; 4]);
    for i in 0..8 {
        eight[i] = join(lanes[i], lanes[i + 8]);
    }
    for i in 0..4 {
        four[i] = join(eight[i], eight[i + 4]);
    }
    join(join(four[0], four[2]), join(four[1], four[3]))
}

/// `a * b + c`, rounded once where that is one instruction.
#[inline(always)]
pub(super) fn madd<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// The same in single precision.
#[inline(always)]
pub(super) fn madd_single<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

// ln 2 in two parts (W. J. Cody and W. Waite; the doubles are fdlibm's): a small integer times the first
// part is exact.
pub(super) const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
pub(super) const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
pub(super) const LN2_HIGH_SINGLE: f32 = 355.0 / 512.0;
pub(super) const LN2_LOW_SINGLE: f32 = -2.121_944_4e-4;

/// Added to a number below 2⁵¹ and taken away again, this rounds it to an integer, which is in the low bits
/// of the sum.
pub(super) const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 · 2⁵²
pub(super) const ROUND_SINGLE: f32 = 12_582_912.0; // 1.5 · 2²³

/// Below this, `exp` of a double is 0 to its lanes: the last normal number is just beneath.
const LOWEST: f64 = -708.0;

/// `exp(x)` for `x <= 0`, to about one unit in the last place; 0 below -708. NaN stays.
#[inline(always)]
pub(super) fn exp<const FMA: bool>(x: f64) -> f64 {
    let clamped = if x < LOWEST { LOWEST } else { x };
    let offset = ROUND + 1023.0;
    let shifted = madd::<FMA>(clamped, std::f64::consts::LOG2_E, offset);
    let p = exp_of_rest::<FMA>(clamped, shifted - offset);
    // The power of two, its exponent shifted into place.
    let power = f64::from_bits(shifted.to_bits() << 52);
    if x < LOWEST { 0.0 } else { p * power }
}

/// `exp(x)` as a number from 1 to 2 and the exponent of a power of two, for finite `x` of any size up to 1e12.
#[inline(always)]
pub(super) fn exp_parts<const FMA: bool>(x: f64) -> (f64, i64) {
    let shifted = madd::<FMA>(x, std::f64::consts::LOG2_E, ROUND);
    let p = exp_of_rest::<FMA>(x, shifted - ROUND);
    let bits = p.to_bits();
    let n = shifted.to_bits() as i64 - ROUND.to_bits() as i64 + ((bits >> 52) as i64 - 1023);
    (f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 0x3ff0_0000_0000_0000), n)
}

/// `exp(x - n ln 2)`, where that difference is at most `ln 2 / 2`.
#[inline(always)]
fn exp_of_rest<const FMA: bool>(x: f64, n: f64) -> f64 {
    // Of (exp(r) - 1 - r) / r² by Chebyshev's nodes, 2e-17 off at most; the highest power first. Even and odd powers by
    // themselves, so that half as many steps wait for each other.
    const ODD: [f64; 5] = [
        2.510_038_549_551_031e-8,
        2.755_726_845_999_709_5e-6,
        1.984_126_985_305_361_7e-4,
        8.333_333_333_300_617e-3,
        1.666_666_666_666_667_5e-1,
    ];
    const EVEN: [f64; 5] = [
        2.762_008_844_540_974_7e-7,
        2.480_152_129_595_437_4e-5,
        1.388_888_891_721_371_7e-3,
        4.166_666_666_662_413e-2,
        0.5,
    ];
    let r = madd::<FMA>(-n, LN2_LOW, madd::<FMA>(-n, LN2_HIGH, x));
    let square = r * r;
    let (mut odd, mut even) = (ODD[0], EVEN[0]);
    for i in 1..5 {
        odd = madd::<FMA>(odd, square, ODD[i]);
        even = madd::<FMA>(even, square, EVEN[i]);
    }
    madd::<FMA>(madd::<FMA>(odd, r, even), square, r) + 1.0
}

/// `exp(r)` up to `ln 2 / 2`, the highest power first; by Chebyshev's nodes, too, 1e-8 off at most.
const EXP_SERIES_SINGLE: [f32; 7] =
    [1.392_618_4e-3, 8.363_179e-3, 4.166_655_5e-2, 1.666_657_6e-1, 0.5, 1.0, 1.0];

/// `exp(x)` times the power of two whose exponent `offset` holds; see [`super::single`]. Within 1.1e-7 relative.
#[inline(always)]
pub(super) fn exp_single<const FMA: bool>(x: f32, offset: f32) -> f32 {
    let shifted = madd_single::<FMA>(x, std::f32::consts::LOG2_E, offset);
    let n = shifted - offset;
    let r = madd_single::<FMA>(-n, LN2_LOW_SINGLE, madd_single::<FMA>(-n, LN2_HIGH_SINGLE, x));
    let mut p = EXP_SERIES_SINGLE[0];
    for term in &EXP_SERIES_SINGLE[1..] {
        p = madd_single::<FMA>(p, r, *term);
    }
    p * f32::from_bits(shifted.to_bits() << 23)
}

/// `ln(1 + x)` for `0 <= x < 2⁵³`, to about one unit in the last place. NaN stays.
///
/// fdlibm's `log1p`, its branches made choices.
#[inline(always)]
pub(super) fn ln_1p<const FMA: bool>(x: f64) -> f64 {
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    let u = 1.0 + x;
    // What the sum lost, exactly.
    let lost = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
    let bits = u.to_bits().wrapping_add(ONE - SQRT_HALF);
    // The exponent, which is not negative, as a double: put behind the point of 2⁵².
    let k = f64::from_bits((bits >> 52).wrapping_sub(1023) | 0x4330_0000_0000_0000) - 4_503_599_627_370_496.0;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(SQRT_HALF));
    let small = x < 0.414_213_562;
    let f = if small { x } else { mantissa - 1.0 };
    let k = if small { 0.0 } else { k };
    let correction = if small { 0.0 } else { lost / u };
    let s = f / (2.0 + f);
    let z = s * s;
    let mut r = 1.479_819_860_511_658_6e-1;
    r = madd::<FMA>(r, z, 1.531_383_769_920_937_3e-1);
    r = madd::<FMA>(r, z, 1.818_357_216_161_805e-1);
    r = madd::<FMA>(r, z, 2.222_219_843_214_978_4e-1);
    r = madd::<FMA>(r, z, 2.857_142_874_366_239e-1);
    r = madd::<FMA>(r, z, 3.999_999_999_940_942e-1);
    r = madd::<FMA>(r, z, 6.666_666_666_666_735e-1);
    r *= z;
    let half = 0.5 * f * f;
    let low = madd::<FMA>(k, LN2_LOW, correction);
    let tail = madd::<FMA>(s, half + r, low);
    madd::<FMA>(k, LN2_HIGH, (tail - half) + f)
}
