//! Decimal numbers as programs print them, read right to the last bit, and faster than any number can be.

use crate::kernel::pow2;

/// Up to here, powers of ten are doubles.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// So many digits fit in 64 bits.
const MOST_DIGITS: usize = 19;
/// Up to here, doubles have all integers.
const EXACT: u64 = 1 << 53;

/// A number of at most 19 digits, beside zeros at its front, that is not far from 1; and where it ends. None for any
/// other.
#[inline]
pub(crate) fn plain_number(text: &[u8], start: usize) -> Option<(f64, usize)> {
    let negative = text.get(start) == Some(&b'-');
    let mut at = start + usize::from(negative);
    let first = at;
    let mut digits = 0_u64;
    at = read_digits(text, at, &mut digits);
    let mut count = at - first;
    let mut behind_point = 0;
    if text.get(at) == Some(&b'.') {
        let point = at + 1;
        at = read_digits(text, point, &mut digits);
        behind_point = at - point;
        count += behind_point;
    }
    if count == 0 || count > MOST_DIGITS && has_more_digits(&text[first..at]) {
        return None;
    }
    let mut exponent = -(behind_point as i32);
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = text.get(at + 1)?;
        let first = at + 1 + usize::from(matches!(sign, b'-' | b'+'));
        let mut power = 0;
        at = read_digits(text, first, &mut power);
        if at == first || at - first > 3 {
            return None;
        }
        exponent += if *sign == b'-' { -(power as i32) } else { power as i32 };
    }
    let value = if digits <= EXACT {
        // Both are exact, so the result is rounded once (W. D. Clinger's fast path).
        let tens = *TENS.get(exponent.unsigned_abs() as usize)?;
        if exponent < 0 { digits as f64 / tens } else { digits as f64 * tens }
    } else if exponent <= 0 {
        quotient(digits, 10_u64.checked_pow(exponent.unsigned_abs())?)
    } else {
        return None;
    };
    Some((if negative { -value } else { value }, at))
}

/// Puts the digits from `at` on behind those of `number`; returns where they end.
#[inline]
fn read_digits(text: &[u8], mut at: usize, number: &mut u64) -> usize {
    while let Some(eight) =
        text.get(at..).and_then(<[u8]>::first_chunk).and_then(|&bytes| eight_digits(bytes))
    {
        *number = number.wrapping_mul(100_000_000).wrapping_add(eight);
        at += 8;
    }
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
        *number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    at
}

/// The number that eight digits are; none where one is no digit. All bytes of a word at a time: pairs become numbers
/// below a hundred, pairs of these below ten thousand, and so on.
#[inline]
fn eight_digits(bytes: [u8; 8]) -> Option<u64> {
    const ALL: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(bytes);
    let digits = word.wrapping_sub(ALL * u64::from(b'0'));
    // A byte above '9' makes 128 or more in the sum or, from 186 on, in the difference; one below '0' in the difference.
    // What is carried or borrowed meets a byte behind such a one only.
    if (word.wrapping_add(ALL * (127 - u64::from(b'9'))) | digits) & (ALL * 128) != 0 {
        return None;
    }
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

/// Whether there are more digits than fit, without zeros at the front, or more zeros than anybody writes.
fn has_more_digits(number: &[u8]) -> bool {
    const MANY: usize = 64;
    let digits = number.iter().filter(|&&byte| byte != b'.').skip_while(|&&byte| byte == b'0');
    number.len() > MANY || digits.count() > MOST_DIGITS
}

/// `number / divisor`, rounded once; `number` is above [`EXACT`], and `divisor` no more than 10^19.
#[inline]
fn quotient(number: u64, divisor: u64) -> f64 {
    // The quotient has 63 or 64 bits: ten more than a double keeps.
    let shift = 63 + number.leading_zeros() - divisor.leading_zeros();
    let shifted = u128::from(number) << shift;
    let quotient = shifted / u128::from(divisor);
    // What is left decides where all the rest is half of the last bit.
    let is_rounded = quotient * u128::from(divisor) != shifted;
    (quotient as u64 | u64::from(is_rounded)) as f64 * pow2(-i64::from(shift))
}

/// A number as Python, C and spreadsheets write it, spaces around it allowed.
pub(crate) fn any_number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field.trim_ascii()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) -> bool {
        let Some((value, end)) = plain_number(text.as_bytes(), 0) else { return false };
        let expected: f64 = text.parse().expect(text);
        assert_eq!((value.to_bits(), end), (expected.to_bits(), text.len()), "{text}");
        true
    }

    #[test]
    fn plain_numbers_are_the_standard_librarys() {
        let plain = "0 -0 1 -1.5 12345.678901 .5 5. 1e5 1E-5 2.5e+10 9007199254740992 9007199254740993 123456789012345678 0.1 1e22 1e-22 00012.50 \
                     9007199254740993e-1 -1.234567890123456789e+00 9999999999999999999e-19 0.49671415301123270 \
                     0.0012345678901234567 9.007199254740993 12345678.12345678 1234567.1234567";
        for text in plain.split_whitespace() {
            assert!(check(text), "{text}");
        }
        let others = "9007199254740993e1 1e23 1e-23 1.234567890123456789e-05 3.4028235e38 \
                      12345678901234567890.5 1.2345678901234567890e-1";
        for text in
            others.split_whitespace().chain(["", "-", ".", "e5", "1e", "1e+", "+1", "nan", "inf", "1e0001"])
        {
            assert_eq!(plain_number(text.as_bytes(), 0), None, "{text}");
        }
        // What follows is not looked at.
        assert_eq!(plain_number(b"x1.5,2", 1), Some((1.5, 4)));
        for odd in (b'\0'..=b'\xff').filter(|odd| !odd.is_ascii_digit()) {
            for place in 0..8 {
                let mut bytes = *b"19876543";
                bytes[place] = odd;
                assert_eq!(eight_digits(bytes), None, "{odd} at {place}");
            }
        }
        assert_eq!(eight_digits(*b"19876543"), Some(19_876_543));
        // A number may have any length.
        for zeros in [40, 70, 5000] {
            let zero = "0".repeat(zeros);
            for text in [format!("{zero}1.5"), format!("0.{zero}15e{zeros}")] {
                assert_eq!(check(&text), zeros == 40, "{text}");
            }
        }
    }

    #[test]
    fn halves_of_the_last_bit_go_to_the_even_number() {
        for integer in [EXACT + 1, EXACT + 3, 3 * EXACT + 1, (1 << 63) + 1024, u64::MAX - 1023] {
            for (number, tens) in [(integer, 0), (integer, 1), (integer - 1, 3), (integer + 1, 19)] {
                let text = format!("{number}e-{tens}");
                assert_eq!(check(&text), number < 10_u64.pow(19), "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_right(
            zeros in 0..4_usize,
            digits in "[0-9]{0,20}",
            point in 0..21_usize,
            exponent in prop::option::of(-25..25_i32),
        ) {
            let power = exponent.map_or(String::new(), |exponent| format!("e{exponent}"));
            let mut text = "0".repeat(zeros) + &digits;
            text.insert((zeros + point).min(text.len()), '.');
            text += &power;
            check(&text);
            let is_plain = exponent.is_none() && (1..=19).contains(&digits.len()) && point < digits.len();
            prop_assert!(!is_plain || check(&text), "{}", text);
        }
    }
}
