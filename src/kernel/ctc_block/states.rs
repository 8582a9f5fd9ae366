//! The states of the CTC recursion in linear space, neighbours in lanes.

use super::{BlockSurvey, LANES, Lanes, MAX_DEPTH, NONE};

/// The states of the recursion between two frames.
///
/// State `i`, the blank after label `i`, counted from 1, and that label, is at place `first + i`. Group `g` has the
/// places from `g depth` on, and lies in lane `g % LANES` of `depth` rows. A state is its number times 2 to its group's
/// exponent.
#[derive(Clone, Debug)]
pub(crate) struct CtcStates {
    pub(super) first: usize,
    pub(super) depth: usize,
    pub(super) blanks: Vec<Lanes>,
    pub(super) labels: Vec<Lanes>,
    pub(super) exponents: Vec<i64>,
    /// 0 where a label equals the one before, for no step may pass over the blank between them, and 1 where it does
    /// not.
    pub(super) may_skip: Vec<Lanes>,
    /// The column of each label; `columns` where there is none. None is above that.
    pub(super) column_of: Vec<[u32; LANES]>,
    pub(super) columns: usize,
    /// Room for what is found in a block.
    pub(super) survey: BlockSurvey,
}

impl CtcStates {
    /// Before the first frame: a blank at place 0, from which the first blank and the first label are reached.
    ///
    /// # Panics
    /// Where the column of a label is not below `columns`, or there are more than `i32` counts.
    pub(crate) fn new(of_label: &[u32], columns: usize) -> Self {
        let mut states = Self::without_memory();
        states.begin(of_label, columns);
        states
    }

    /// The same as [`Self::new`] for the labels from the last to the first, at the other end of the places: blank `i` of
    /// the labels from the first on lies in its mirror image.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub(crate) fn mirrored(reversed: &[u32], columns: usize) -> Self {
        let mut states = Self::without_memory();
        states.lay_out(reversed, columns, true);
        states
    }

    fn without_memory() -> Self {
        Self {
            first: 0,
            depth: 0,
            blanks: Vec::new(),
            labels: Vec::new(),
            exponents: Vec::new(),
            may_skip: Vec::new(),
            column_of: Vec::new(),
            columns: 0,
            survey: BlockSurvey::default(),
        }
    }

    /// The same as [`Self::new`], in the memory of another item's states.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub(crate) fn begin(&mut self, of_label: &[u32], columns: usize) {
        self.lay_out(of_label, columns, false);
    }

    fn lay_out(&mut self, of_label: &[u32], columns: usize, mirrored: bool) {
        let places = of_label.len() + 1;
        let sets = places.div_ceil(LANES * MAX_DEPTH);
        let depth = places.div_ceil(LANES * sets);
        let rows = sets * depth;
        assert!(
            i32::try_from(columns).is_ok() && of_label.iter().all(|&column| (column as usize) < columns),
            "the column of a label"
        );
        (self.depth, self.columns) = (depth, columns);
        self.first = if mirrored { rows * LANES - places } else { 0 };
        refill(&mut self.blanks, rows, [0.0; LANES]);
        refill(&mut self.labels, rows, [0.0; LANES]);
        refill(&mut self.exponents, sets * LANES, NONE);
        refill(&mut self.may_skip, rows, [1.0; LANES]);
        refill(&mut self.column_of, rows, [columns as u32; LANES]);
        self.survey.begin(sets);
        for (i, &column) in of_label.iter().enumerate() {
            let (row, lane) = self.row_of(i + 1);
            self.column_of[row][lane] = column;
            self.may_skip[row][lane] = f64::from(u8::from(i == 0 || of_label[i - 1] != column));
        }
        let (row, lane) = self.row_of(0);
        self.blanks[row][lane] = 1.0;
        self.exponents[self.first / depth] = 0;
    }

    pub(super) fn row_of(&self, state: usize) -> (usize, usize) {
        let place = self.first + state;
        let (group, row) = (place / self.depth, place % self.depth);
        (group / LANES * self.depth + row, group % LANES)
    }

    /// The blank and the label of a state, and the exponent of a power of two that both are times.
    pub(crate) fn get(&self, state: usize) -> (f64, f64, i64) {
        let (row, lane) = self.row_of(state);
        (self.blanks[row][lane], self.labels[row][lane], self.exponents[(self.first + state) / self.depth])
    }

    /// States that there is room for.
    pub(crate) fn room(&self) -> usize {
        self.depth * self.exponents.len() - self.first
    }
}

/// Makes `values` as many times the same, whatever they were.
pub(super) fn refill<T: Clone>(values: &mut Vec<T>, count: usize, value: T) {
    values.clear();
    values.resize(count, value);
}
