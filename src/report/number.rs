//! Numbers as results print them.

use std::fmt;

/// A number in the shortest form that reads back as the same double: `1e-300`, not three hundred zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shortest(pub f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(x) = *self;
        if x.is_nan() {
            f.write_str("nan")
        } else if (1e-5..1e16).contains(&x.abs()) {
            // As JSON has it, but whole numbers without a fraction; a third of the standard library's time.
            let mut digits = zmij::Buffer::new();
            let text = digits.format_finite(x);
            f.write_str(text.strip_suffix(".0").unwrap_or(text))
        } else if x == 0.0 || x.is_infinite() {
            write!(f, "{x}")
        } else {
            write!(f, "{x:e}")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn the_same_number_as_short_as_any(bits in any::<u64>(), size in -20..20) {
            let scaled = (bits as f64 / u64::MAX as f64) * 10_f64.powi(size);
            for x in [f64::from_bits(bits), scaled, -scaled, (bits >> 40) as f64] {
                let decimal = x == 0.0 || x.is_infinite() || (1e-5..1e16).contains(&x.abs());
                let standard = if decimal { format!("{x}") } else { format!("{x:e}") };
                let shown = Shortest(x).to_string();
                // Of two that are as near, the standard library takes the larger.
                prop_assert_eq!(shown.len(), standard.len());
                let back = shown.parse::<f64>().map(f64::to_bits);
                prop_assert!(back == Ok(x.to_bits()) || x.is_nan() && shown == "nan", "{shown}");
            }
        }
    }

    #[test]
    fn no_digits_for_nothing() {
        let numbers = [0.0, -0.0, 1.0, 0.1, 1e-5, 9e-6, 1e15, -1e16, 1e308, f64::NAN, f64::NEG_INFINITY];
        let shown: Vec<String> = numbers.iter().map(|&x| Shortest(x).to_string()).collect();
        let expected =
            ["0", "-0", "1", "0.1", "0.00001", "9e-6", "1000000000000000", "-1e16", "1e308", "nan", "-inf"];
        assert_eq!(shown, expected);
    }
}
