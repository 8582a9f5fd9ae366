//! The two number systems that the beam search runs in.

use std::f64::consts::LN_2;
use std::fmt::Debug;

use super::scorer::Gain;
use crate::kernel::{exponent_of, log_add, pow2};

/// How masses (probabilities times gains) are represented: as they are ([`Linear`]) or as logarithms ([`Log`]).
///
/// In both, larger masses are larger doubles, and masses are relative to a scale that the search moves, so
/// that the largest mass stays in range.
pub trait Arithmetic: Copy + Debug + Send + Sync + 'static {
    /// No mass.
    const ZERO: f64;
    /// The mass of the empty prefix before the first frame.
    const START: f64;
    /// The scale at which [`Self::START`] is a probability of one.
    const START_SCALE: i128;
    /// The smallest mass above zero.
    const SMALLEST: f64;
    /// Whether small masses can vanish.
    const CAN_UNDERFLOW: bool;

    /// The mass of both together.
    fn add(a: f64, b: f64) -> f64;
    /// A mass times a factor.
    fn mul(a: f64, b: f64) -> f64;
    /// The factor whose natural logarithm is given.
    fn from_log(nats: f64) -> f64;
    /// The factor of a gain.
    fn from_gain(gain: Gain) -> f64;
    /// `a / b` as a probability, for masses above zero; 0 where it is too small for one.
    fn ratio(a: f64, b: f64) -> f64;
    /// Natural logarithms that a mass is between, if it is above zero; sooner told than its own.
    fn nats_around(mass: f64) -> std::ops::RangeInclusive<f64>;
    /// Natural logarithm of a mass at a scale.
    fn to_nats(mass: f64, scale: i128) -> f64;
    /// By how many units the scale has to grow to bring `best` back into range; mostly 0.
    fn rescaling(best: f64) -> i64;
    /// The same mass after the scale has grown by `units`.
    fn rescaled(mass: f64, units: i64) -> f64;
}

/// Masses as they are, times a power of two.
#[derive(Clone, Copy, Debug)]
pub struct Linear;

/// Where [`Linear`] keeps the exponent of the heaviest mass: high, because room is needed below it.
const HOME: i64 = 900;
const LOWEST: f64 = pow2(800);
const HIGHEST: f64 = pow2(930);

impl Arithmetic for Linear {
    const ZERO: f64 = 0.0;
    const START: f64 = pow2(HOME);
    const START_SCALE: i128 = HOME as i128;
    const SMALLEST: f64 = f64::from_bits(1);
    const CAN_UNDERFLOW: bool = true;

    fn add(a: f64, b: f64) -> f64 {
        a + b
    }

    fn mul(a: f64, b: f64) -> f64 {
        a * b
    }

    fn from_log(nats: f64) -> f64 {
        nats.exp()
    }

    fn from_gain(gain: Gain) -> f64 {
        gain.factor()
    }

    fn ratio(a: f64, b: f64) -> f64 {
        a / b
    }

    fn nats_around(mass: f64) -> std::ops::RangeInclusive<f64> {
        // A double's bits are its binary logarithm, but between powers of two a line, above which it is a bulge.
        const BITS: u32 = f64::MANTISSA_DIGITS - 1;
        const ONE: f64 = (1_u64 << BITS) as f64;
        let bits = mass.to_bits();
        let line = bits as i64 as f64 / ONE - 1023.0;
        let m = (bits & ((1 << BITS) - 1)) as i64 as f64 / ONE;
        let log2 = line + 0.346 * m * (1.0 - m);
        (log2 - 0.01) * LN_2..=(log2 + 0.01) * LN_2
    }

    fn to_nats(mass: f64, scale: i128) -> f64 {
        // Splitting the exponent off keeps small logarithms exact: one must give zero at any scale.
        let exponent = exponent_of(mass).clamp(-1000, 1000);
        (mass * pow2(-exponent)).ln() + (i128::from(exponent) - scale) as f64 * LN_2
    }

    fn rescaling(best: f64) -> i64 {
        if (LOWEST..HIGHEST).contains(&best) || best == 0.0 { 0 } else { HOME - exponent_of(best) }
    }

    fn rescaled(mass: f64, units: i64) -> f64 {
        let half = units / 2;
        mass * pow2(half) * pow2(units - half)
    }
}

/// Masses as natural logarithms: several times slower, and never out of range.
#[derive(Clone, Copy, Debug)]
pub struct Log;

impl Arithmetic for Log {
    const ZERO: f64 = f64::NEG_INFINITY;
    const START: f64 = 0.0;
    const START_SCALE: i128 = 0;
    const SMALLEST: f64 = f64::MIN;
    const CAN_UNDERFLOW: bool = false;

    fn add(a: f64, b: f64) -> f64 {
        log_add(a, b)
    }

    fn mul(a: f64, b: f64) -> f64 {
        a + b
    }

    fn from_log(nats: f64) -> f64 {
        nats
    }

    fn from_gain(gain: Gain) -> f64 {
        gain.nats()
    }

    fn ratio(a: f64, b: f64) -> f64 {
        (a - b).exp()
    }

    fn nats_around(mass: f64) -> std::ops::RangeInclusive<f64> {
        mass..=mass
    }

    fn to_nats(mass: f64, scale: i128) -> f64 {
        mass - scale as f64
    }

    /// Whole nats, so that little is rounded; without rescaling, long items would lose digits.
    fn rescaling(best: f64) -> i64 {
        const MOST: f64 = pow2(62);
        let far = best.is_finite() && !(-64.0..64.0).contains(&best);
        if far { -(best.clamp(-MOST, MOST).floor() as i64) } else { 0 }
    }

    fn rescaled(mass: f64, units: i64) -> f64 {
        mass + units as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_zero_nats_and_rescaling_is_exact() {
        assert_eq!(Linear::to_nats(Linear::START, Linear::START_SCALE), 0.0);
        assert_eq!(Log::to_nats(Log::START, Log::START_SCALE), 0.0);
        for mass in [3e-300, 1.5, 7e300] {
            let units = Linear::rescaling(mass);
            let there = Linear::rescaled(mass, units);
            assert!((LOWEST..HIGHEST).contains(&there));
            assert_eq!(Linear::rescaled(there, -units), mass);
            let nats = Linear::to_nats(there, units.into());
            assert!((nats - mass.ln()).abs() <= 1e-15 * mass.ln().abs());
        }
    }

    #[test]
    fn a_mass_beyond_integers_is_rescaled() {
        for best in [-1e300, -4e20, f64::MAX] {
            let units = Log::rescaling(best);
            let (there, scale) = (Log::rescaled(best, units), i128::from(units));
            assert_eq!(Log::to_nats(there, scale), best);
            assert_eq!(Log::to_nats(there, 3 * scale), best - 2.0 * units as f64);
        }
    }

    #[test]
    fn logarithms_are_where_they_are_told_to_be() {
        for step in -7000..7000 {
            let nats = f64::from(step) / 10.01;
            for around in [Linear::nats_around(nats.exp()), Log::nats_around(nats)] {
                assert!(around.contains(&nats), "{nats}: {around:?}");
                assert!(around.end() - around.start() < 0.02, "{nats}: {around:?}");
            }
        }
    }

    #[test]
    fn the_logarithm_of_a_subnormal_mass_is_right() {
        let tiny = f64::from_bits(3);
        assert!((Linear::to_nats(tiny, 0) - (3.0_f64.ln() - 1074.0 * LN_2)).abs() < 1e-12);
    }
}
