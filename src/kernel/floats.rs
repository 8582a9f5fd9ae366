//! Numbers of one precision or the other.

/// Numbers as they lie in memory, in one precision or the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Floats<'a> {
    /// In single precision.
    Single(&'a [f32]),
    /// In double precision.
    Double(&'a [f64]),
}

impl Floats<'_> {
    /// How many there are.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Single(values) => values.len(),
            Self::Double(values) => values.len(),
        }
    }

    /// Number `at` of them.
    pub(crate) fn get(self, at: usize) -> f64 {
        match self {
            Self::Single(values) => values[at].into(),
            Self::Double(values) => values[at],
        }
    }
}
