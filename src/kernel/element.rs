//! The two precisions that kernels are compiled for.

use super::tiles::Tiles;
use super::{InstructionSet, LogSumExp, Rows};

/// A number as it lies in memory: `f32` (also for half-precision files, which widen without loss) or `f64`.
pub trait Element: bytemuck::Pod + PartialOrd + Send + Sync + 'static + sealed::Kernels {
    /// Zero.
    const ZERO: Self;
    /// Minus infinity.
    const NEG_INFINITY: Self;
    /// Whether this is single precision.
    const SINGLE: bool;

    /// The same value as a double.
    fn to_f64(self) -> f64;

    /// The smallest value of this type that is not below `x`.
    fn round_up(x: f64) -> Self;
}

impl Element for f32 {
    const ZERO: Self = 0.0;
    const NEG_INFINITY: Self = Self::NEG_INFINITY;
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
    const NEG_INFINITY: Self = Self::NEG_INFINITY;
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
    use super::super::tile::Lanes;
    use super::{InstructionSet, LogSumExp, Rows, Tiles};

    /// The kernels of which a type may have versions of its own; it also keeps other types out.
    pub trait Kernels: Sized {
        /// See [`super::super::fast_log_sum_exp_rows`].
        fn fast_rows(set: InstructionSet, rows: Rows<'_, Self>, out: &mut [LogSumExp]);

        /// The longest rows that go side by side with others where their classes lie apart.
        const MOST_CLASSES: usize;

        /// See [`super::super::fast_log_sum_exp_tiles`].
        fn fast_tiles(set: InstructionSet, tiles: &Tiles<Self>, out: &mut [LogSumExp]);

        /// See [`super::super::tile::transpose`].
        fn transpose(set: InstructionSet, rows: Rows<'_, Self>, tile: &mut [Lanes<Self>]);
    }
}
