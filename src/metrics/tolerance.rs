//! Whether two numbers are close enough.

/// How far a number may be from its base: `atol + rtol |base|`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The relative tolerance, a factor of the base's magnitude.
    pub rtol: f64,
    /// The absolute tolerance.
    pub atol: f64,
}

/// How two numbers differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// `|new - base|`: 0 for equal infinities, NaN where either is NaN.
    pub absolute: f64,
    /// `absolute / |base|`; 0 where the numbers are equal.
    pub relative: f64,
    /// The largest absolute difference that was allowed.
    pub allowed: f64,
    /// Whether the absolute difference is within what was allowed.
    pub passed: bool,
}

impl Tolerance {
    /// Compares a number with its base. NaN never passes; infinities pass if they are equal.
    pub fn compare(self, base: f64, new: f64) -> Difference {
        let allowed = self.atol + self.rtol * base.abs();
        if base == new {
            return Difference { absolute: 0.0, relative: 0.0, allowed, passed: true };
        }
        let absolute = (new - base).abs();
        let finite = base.is_finite() && new.is_finite();
        Difference {
            absolute,
            relative: absolute / base.abs(),
            allowed,
            passed: finite && absolute <= allowed,
        }
    }
}

impl Difference {
    /// A number to rank differences by, the worst being the largest: NaN and infinite differences first, then those
    /// that exceed what was allowed the most.
    pub fn severity(&self) -> f64 {
        // An infinite allowance, for an infinite base, allows nothing but that.
        let beyond = self.absolute - self.allowed;
        if self.absolute.is_finite() && !beyond.is_nan() { beyond } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinities_and_nan() {
        let tolerance = Tolerance { rtol: 1e300, atol: f64::MAX };
        let passed = |base, new| tolerance.compare(base, new).passed;
        assert!(passed(f64::INFINITY, f64::INFINITY) && passed(0.0, -0.0) && passed(1.0, 2.0));
        assert!(
            !passed(f64::INFINITY, f64::NEG_INFINITY)
                && !passed(f64::INFINITY, 1.0)
                && !passed(1.0, f64::INFINITY)
        );
        assert!(!passed(f64::NAN, f64::NAN) && !passed(0.0, f64::NAN) && !passed(f64::NAN, 0.0));
    }

    #[test]
    fn the_allowance_is_relative_to_the_base() {
        let tolerance = Tolerance { rtol: 0.1, atol: 0.0 };
        assert!(tolerance.compare(10.0, 11.0).passed && !tolerance.compare(10.0, 11.1).passed);
        assert!(!tolerance.compare(0.0, 1e-300).passed);
    }
}
