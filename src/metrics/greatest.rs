//! The greatest of some values, and where it is.

/// The greatest of some values, and the first place where it is; NaN is greater than all others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Greatest<P>(Option<(f64, P)>);

impl<P> Default for Greatest<P> {
    fn default() -> Self {
        Self(None)
    }
}

impl<P> Greatest<P> {
    /// Notes a value; only if none was as great before, its `place` is asked for.
    pub(crate) fn note(&mut self, value: f64, place: impl FnOnce() -> P) {
        let is_greater = |greatest: f64| value > greatest || value.is_nan() && !greatest.is_nan();
        if self.0.as_ref().is_none_or(|(greatest, _)| is_greater(*greatest)) {
            self.0 = Some((value, place()));
        }
    }

    /// Notes what was found in what follows.
    pub(crate) fn append(&mut self, next: Self) {
        if let Some((value, place)) = next.0 {
            self.note(value, || place);
        }
    }

    /// The place, if there was any value.
    pub(crate) fn at(self) -> Option<P> {
        self.0.map(|(_, place)| place)
    }
}
