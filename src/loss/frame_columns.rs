//! What a frame is to an item's recursion.

use crate::kernel::{BLOCK_FRAMES, Element, InstructionSet, ScaledColumns, pow2, scaled_columns};
use crate::logits::{InputKind, RowScale};

/// The exponent of what no column of a frame is above: so no sum of three states grows.
pub(super) const UNIT_EXPONENT: i64 = -2;
/// The most powers of two between a frame's columns: far from where a double ends.
const MOST_BITS: f64 = 600.0;

/// A frame, as far as an item's labels need it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// What is kept of each column, `[columns]`, and one 0.
    pub(super) columns: &'a [f64],
    pub(super) scale: ColumnScale,
}

/// What a frame's columns are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ColumnScale {
    /// A log-probability that no column's is above, and a single column's own: `-inf` where none has a chance, NaN
    /// where one is NaN or the frame is no distribution.
    pub(super) log_max: f64,
    /// `Some(b)`: the columns are probabilities, scaled so that `exp(log_max)` is 2 to [`UNIT_EXPONENT`], and each that is
    /// not 0 is at least 2 to `-b`. `None`: they lie too far apart for that, and are log-probabilities.
    pub(super) bits: Option<i64>,
}

impl Frame<'_> {
    /// No frame, where one is to come.
    pub(super) const NONE: Self =
        Self { columns: &[], scale: ColumnScale { log_max: f64::NEG_INFINITY, bits: None } };

    /// The columns' log-probabilities.
    pub(super) fn log_probs(&self) -> impl Iterator<Item = f64> {
        let Self { columns, scale: ColumnScale { log_max, bits } } = *self;
        let of_unit = -(UNIT_EXPONENT as f64) * std::f64::consts::LN_2 + log_max;
        let columns = columns[..columns.len() - 1].iter();
        columns.map(move |&x| match bits {
            Some(_) => x.ln() + of_unit,
            None => x,
        })
    }

    /// Whether another frame is the same to the labels.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.scale == other.scale && self.columns == other.columns
    }
}

/// The next frames, as many as a block of the recursion has at the most, and how many they are.
pub(super) fn next_block<'a>(frames: impl Iterator<Item = Frame<'a>>) -> ([Frame<'a>; BLOCK_FRAMES], usize) {
    let mut block = [Frame::NONE; BLOCK_FRAMES];
    let mut count = 0;
    for (to, frame) in block.iter_mut().zip(frames) {
        *to = frame;
        count += 1;
    }
    (block, count)
}

/// Some frames, made of their columns' scores.
pub(super) struct Frames {
    set: InstructionSet,
    kind: InputKind,
    columns: Vec<f64>,
    /// For each frame: where its columns end, and what they are.
    ends: Vec<(usize, ColumnScale)>,
    logs: Vec<f64>,
}

impl Frames {
    /// No frames yet; scores to come are `kind`.
    pub(super) fn new(kind: InputKind) -> Self {
        Self { set: InstructionSet::best(), kind, columns: Vec::new(), ends: Vec::new(), logs: Vec::new() }
    }

    /// The same with the instructions of `set`.
    pub(super) fn with(self, set: InstructionSet) -> Self {
        Self { set, ..self }
    }

    /// Forgets them.
    pub(super) fn clear(&mut self) {
        self.columns.clear();
        self.ends.clear();
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds a frame whose columns have these scores; `scale_of` is asked for its normaliser once it is known what they
    /// are beside each other.
    pub(super) fn push<E: Element>(
        &mut self,
        scores: &[E],
        scale_of: impl FnOnce(ScaledColumns) -> RowScale,
    ) {
        let start = self.columns.len();
        self.columns.resize(start + scores.len() + 1, 0.0);
        let columns = &mut self.columns[start..][..scores.len()];
        let unit = pow2(UNIT_EXPONENT);
        let found = if self.kind == InputKind::Probs {
            self.logs.clear();
            self.logs.extend(scores.iter().map(|x| x.to_f64().ln()));
            scaled_columns(self.set, &self.logs, unit, columns)
        } else {
            scaled_columns(self.set, scores, unit, columns)
        };
        let scale = scale_of(found);
        let log_max = if self.kind == InputKind::Logits { scale.log_prob(found.max) } else { found.max };
        let bits = (found.max - found.least) * std::f64::consts::LOG2_E;
        // Beside none that has a chance, there is nothing to scale.
        let scaled = bits <= MOST_BITS && found.max > f64::NEG_INFINITY;
        let bits = scaled.then(|| bits as i64 + 1 - UNIT_EXPONENT);
        if bits.is_none() {
            for (column, &x) in columns.iter_mut().zip(scores) {
                let log_prob = scale.log_prob(x);
                // No sum of states with it is a number, as in PyTorch.
                *column = if log_prob == f64::INFINITY { f64::NAN } else { log_prob };
            }
        }
        self.ends.push((self.columns.len(), ColumnScale { log_max, bits }));
    }

    /// Adds a frame of which all is known.
    pub(super) fn push_scaled(&mut self, columns: impl Iterator<Item = f64>, scale: ColumnScale) {
        self.columns.extend(columns);
        self.columns.push(0.0);
        self.ends.push((self.columns.len(), scale));
    }

    /// That of number `at`.
    pub(super) fn get(&self, at: usize) -> Frame<'_> {
        let start = if at == 0 { 0 } else { self.ends[at - 1].0 };
        let (end, scale) = self.ends[at];
        Frame { columns: &self.columns[start..end], scale }
    }

    /// All, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Frame<'_>> {
        (0..self.len()).map(|at| self.get(at))
    }
}
