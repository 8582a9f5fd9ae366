/// Numbers as they lie in memory, in one precision or the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Floats<'a> {
    /// In single precision.
    Single(&'a [f32]),
    /// In double precision.
    Double(&'a [f64]),
}
