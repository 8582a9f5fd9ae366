/// A running sum of doubles that keeps what rounding would lose (Kahan's idea, with Knuth's exact sum of two).
///
/// A million terms sum to the last bit or two, so a mean does not depend on how long the file is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    total: f64,
    lost: f64,
}

impl Sum {
    /// Adds one term; infinities and NaN go through as in a plain sum.
    pub fn add(&mut self, term: f64) {
        let total = self.total + term;
        // What was rounded away, whichever of the two is the larger (D. E. Knuth's TwoSum): no branch.
        let part = total - self.total;
        self.lost += (self.total - (total - part)) + (term - part);
        self.total = total;
    }

    /// Adds the terms of another sum.
    pub fn append(&mut self, other: Self) {
        self.add(other.total);
        self.lost += other.lost;
    }

    /// The sum so far.
    pub fn value(self) -> f64 {
        // An infinite total makes the correction NaN; the total alone is right then.
        if self.total.is_finite() { self.total + self.lost } else { self.total }
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Self::default();
        terms.into_iter().for_each(|term| sum.add(term));
        sum
    }
}
