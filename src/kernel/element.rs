#[cfg(target_arch = "x86_64")]
use super::registers::Registers;
use super::tile::{self, Lanes, SHORT};
use super::tiles::Tiles;
use super::{InstructionSet, LogSumExp, Rows, double, single};

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
    use super::tile::Lanes;
    use super::{InstructionSet, LogSumExp, Rows, Tiles};

    /// The kernels of which a type may have versions of its own; it also keeps other types out.
    pub trait Kernels: Sized {
        /// See [`super::super::fast_log_sum_exp_rows`].
        fn fast_rows(set: InstructionSet, rows: Rows<'_, Self>, out: &mut [LogSumExp]);

        /// The longest rows that go side by side with others where their classes lie apart.
        const MOST_CLASSES: usize;

        /// See [`super::super::fast_log_sum_exp_tiles`].
        fn fast_tiles(set: InstructionSet, tiles: &Tiles<Self>, out: &mut [LogSumExp]);

        /// See [`tile::transpose`].
        fn transpose(set: InstructionSet, rows: Rows<'_, Self>, tile: &mut [Lanes<Self>]);
    }
}

impl sealed::Kernels for f32 {
    fn fast_rows(set: InstructionSet, rows: Rows<'_, Self>, out: &mut [LogSumExp]) {
        single::of_rows(set, rows, out);
    }

    const MOST_CLASSES: usize = 512;

    fn fast_tiles(set: InstructionSet, tiles: &Tiles<Self>, out: &mut [LogSumExp]) {
        single::of_tiles(set, tiles, out);
    }

    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    fn transpose(set: InstructionSet, rows: Rows<'_, Self>, tile: &mut [Lanes<Self>]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = set.avx512() {
            return avx512.transpose(rows, tile);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = set.avx2() {
            return avx2.transpose(rows, tile);
        }
        tile::transpose(rows, tile);
    }
}

impl sealed::Kernels for f64 {
    fn fast_rows(set: InstructionSet, rows: Rows<'_, Self>, out: &mut [LogSumExp]) {
        double::of_rows(set, rows, out);
    }

    const MOST_CLASSES: usize = SHORT;

    fn fast_tiles(set: InstructionSet, tiles: &Tiles<Self>, out: &mut [LogSumExp]) {
        double::of_tiles(set, tiles, out);
    }

    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    fn transpose(set: InstructionSet, rows: Rows<'_, Self>, tile: &mut [Lanes<Self>]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = set.avx512() {
            return super::avx512::transpose_doubles(avx512, rows, tile);
        }
        tile::transpose(rows, tile);
    }
}
