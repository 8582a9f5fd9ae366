use super::{InstructionSet, LogSumExp, double, single};

/// A number as it lies in memory: `f32` (also for half-precision files, which widen without loss) or `f64`.
pub trait Element: bytemuck::Pod + PartialOrd + Send + Sync + 'static + sealed::Kernels {
    /// Zero.
    const ZERO: Self;
    /// Whether this is single precision.
    const SINGLE: bool;

    /// The same value as a double.
    fn to_f64(self) -> f64;

    /// The smallest value of this type that is not below `x`.
    fn round_up(x: f64) -> Self;
}

impl Element for f32 {
    const ZERO: Self = 0.0;
    const SINGLE: bool = true;

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    fn round_up(x: f64) -> Self {
        let near = x as Self;
        if f64::from(near) < x { near.next_up() } else { near }
    }
}

impl Element for f64 {
    const ZERO: Self = 0.0;
    const SINGLE: bool = false;

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    fn round_up(x: f64) -> Self {
        x
    }
}

pub(super) mod sealed {
    use super::{InstructionSet, LogSumExp};

    /// The kernels that are written anew for each type; it also keeps other types out.
    pub trait Kernels: Sized {
        /// See [`super::super::fast_log_sum_exp_rows`].
        fn fast_rows(set: InstructionSet, values: &[Self], classes: usize, out: &mut [LogSumExp]);
    }
}

impl sealed::Kernels for f32 {
    fn fast_rows(set: InstructionSet, values: &[Self], classes: usize, out: &mut [LogSumExp]) {
        single::of_rows(set, values, classes, out);
    }
}

impl sealed::Kernels for f64 {
    fn fast_rows(set: InstructionSet, values: &[Self], classes: usize, out: &mut [LogSumExp]) {
        set.run(double::OfRows { values, classes, out });
    }
}
