/// A number as it lies in memory: `f32` (also for half-precision files, which widen without loss) or `f64`.
pub trait Element: Copy + PartialOrd + Send + Sync + 'static {
    /// The same value as a double.
    fn to_f64(self) -> f64;

    /// The smallest value of this type that is not below `x`.
    fn round_up(x: f64) -> Self;
}

impl Element for f32 {
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    fn round_up(x: f64) -> Self {
        let near = x as Self;
        if f64::from(near) < x { near.next_up() } else { near }
    }
}

impl Element for f64 {
    fn to_f64(self) -> f64 {
        self
    }

    fn round_up(x: f64) -> Self {
        x
    }
}
