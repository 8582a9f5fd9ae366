//! The states of the CTC recursion in linear space, neighbours in lanes.

use super::{BlockSurvey, LANES, LEAST, Lanes, MAX_DEPTH, NONE, TOP, exponent_of, mantissa_of, pow2};
use crate::kernel::lanes::larger;

/// The states of the recursion between two frames.
///
/// State `i`, the blank after label `i`, counted from 1, and that label, is at place `first + i`. Group `g` has the
/// places from `g depth` on, and lies in lane `g % LANES` of `depth` rows. A state is its number times 2 to its group's
/// exponent.
#[derive(Clone, Debug)]
pub(crate) struct CtcStates {
    count: usize,
    mirrored: bool,
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
        let mut states = Self::without_memory(false);
        states.begin(of_label, columns);
        states
    }

    /// The same as [`Self::new`] for the labels from the last to the first, at the other end of the places: blank `i` of
    /// the labels from the first on lies in its mirror image.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub(crate) fn mirrored(reversed: &[u32], columns: usize) -> Self {
        let mut states = Self::without_memory(true);
        states.begin(reversed, columns);
        states
    }

    fn without_memory(mirrored: bool) -> Self {
        Self {
            count: 0,
            mirrored,
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

    /// The same as [`Self::new`] or [`Self::mirrored`], in the memory of another item's states.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub(crate) fn begin(&mut self, of_label: &[u32], columns: usize) {
        assert!(
            i32::try_from(columns).is_ok() && of_label.iter().all(|&column| (column as usize) < columns),
            "the column of a label"
        );
        self.clear(of_label.len() + 1, columns, MAX_DEPTH);
        for (i, &column) in of_label.iter().enumerate() {
            let (row, lane) = self.row_of(i + 1);
            self.column_of[row][lane] = column;
            self.may_skip[row][lane] = f64::from(u8::from(i == 0 || of_label[i - 1] != column));
        }
        let (row, lane) = self.row_of(0);
        self.blanks[row][lane] = 1.0;
        self.exponents[self.first / self.depth] = 0;
    }

    /// Makes room for so many states, all 0, of which no more than `max_depth` share an exponent.
    fn clear(&mut self, count: usize, columns: usize, max_depth: usize) {
        let sets = count.div_ceil(LANES * max_depth);
        let depth = count.div_ceil(LANES * sets);
        let rows = sets * depth;
        (self.count, self.columns, self.depth) = (count, columns, depth);
        self.first = if self.mirrored { rows * LANES - count } else { 0 };
        refill(&mut self.blanks, rows, [0.0; LANES]);
        refill(&mut self.labels, rows, [0.0; LANES]);
        refill(&mut self.exponents, sets * LANES, NONE);
        refill(&mut self.may_skip, rows, [1.0; LANES]);
        refill(&mut self.column_of, rows, [columns as u32; LANES]);
        self.survey.begin(sets);
    }

    /// How many neighbours share an exponent.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Lets at most half as many neighbours share an exponent; returns whether that could be.
    pub(crate) fn spread_out(&mut self) -> bool {
        let mut depth = self.depth;
        while depth > 1 {
            depth /= 2;
            if self.share_by(depth) {
                return true;
            }
        }
        false
    }

    /// Lets no more than so many neighbours share an exponent, if they can without a loss; returns whether that is so.
    pub(crate) fn share_by(&mut self, max_depth: usize) -> bool {
        let mut next = Self::without_memory(self.mirrored);
        next.clear(self.count, self.columns, max_depth);
        let group_of = |next: &Self, state: usize| (next.first + state) / next.depth;
        // Below this there are only states that matter no more.
        let is_some = |x: f64| exponent_of(x) >= LEAST;
        for state in 0..self.count {
            let ((from, from_lane), (to, lane)) = (self.row_of(state), next.row_of(state));
            next.column_of[to][lane] = self.column_of[from][from_lane];
            next.may_skip[to][lane] = self.may_skip[from][from_lane];
            let (blank, label, exponent) = self.get(state);
            let most = larger(blank, label);
            if is_some(most) {
                let group = group_of(&next, state);
                next.exponents[group] = larger(next.exponents[group], exponent + exponent_of(most) - TOP);
            }
        }
        for state in 0..self.count {
            let (blank, label, exponent) = self.get(state);
            let (row, lane) = next.row_of(state);
            let up = exponent - next.exponents[group_of(&next, state)];
            for (x, to) in [(blank, &mut next.blanks[row][lane]), (label, &mut next.labels[row][lane])] {
                let to_be = exponent_of(x) + up;
                if is_some(x) && to_be < LEAST {
                    return false;
                }
                // Not times the difference, which may be beyond a double.
                *to = if is_some(x) { mantissa_of(x) * pow2(to_be) } else { 0.0 };
            }
        }
        *self = next;
        true
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
