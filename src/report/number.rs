use std::fmt;

/// A number in the shortest form that reads back as the same double: `1e-300`, not three hundred zeros.
#[derive(Clone, Copy, Debug)]
pub struct Shortest(pub f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(x) = *self;
        if x.is_nan() {
            f.write_str("nan")
        } else if x == 0.0 || x.is_infinite() || (1e-5..1e16).contains(&x.abs()) {
            write!(f, "{x}")
        } else {
            write!(f, "{x:e}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_digits_for_nothing() {
        let numbers = [0.0, -0.0, 1.0, 0.1, 1e-5, 9e-6, 1e15, -1e16, 1e308, f64::NAN, f64::NEG_INFINITY];
        let shown: Vec<String> = numbers.iter().map(|&x| Shortest(x).to_string()).collect();
        let expected =
            ["0", "-0", "1", "0.1", "0.00001", "9e-6", "1000000000000000", "-1e16", "1e308", "nan", "-inf"];
        assert_eq!(shown, expected);
    }
}
