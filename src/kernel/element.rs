/// A number as it lies in memory: `f32` (also for half-precision files, which widen without loss) or `f64`.
pub trait Element: Copy + PartialOrd + Send + Sync + 'static {
    /// The same value as a double.
    fn to_f64(self) -> f64;
}

impl Element for f32 {
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Element for f64 {
    fn to_f64(self) -> f64 {
        self
    }
}
