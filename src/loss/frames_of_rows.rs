//! Rows of a matrix as the frames of their items' recursions.

use super::ctc_labels::Columns;
use super::frame_columns::{ColumnScale, Frames, UNIT_EXPONENT};
use crate::kernel::{Element, ExpRows, InstructionSet, Rows, ScaledColumns, exponent_of, pow2};
use crate::logits::{InputKind, RowScale, RowScales};

/// The error of a normaliser from single precision beside what a frame may add to a loss within 2e-7: 1.92e-7, and
/// some for what compares them.
const ERROR_SHARE: f64 = 0.97;
/// The most powers of two between a row's classes where its columns' exponentials are those beside the row's largest:
/// eight frames of that are taken in one block. Where there are more, they are those beside the columns' largest.
const MOST_BITS: i64 = 200;

/// Makes frames of rows.
///
/// Rows of up to [`ExpRows::CLASSES`] are computed in double precision, and their columns are picked from the
/// exponentials that the normaliser takes anyway. Of longer rows the normaliser is as exact as a loss needs it, and
/// the columns are computed apart.
pub(super) struct FramesOfRows<E> {
    kind: InputKind,
    scales: RowScales,
    /// Made when the first short row comes.
    short: Option<ExpRows<E>>,
    /// The scores of a row's columns.
    scores: Vec<E>,
}

impl<E: Element> FramesOfRows<E> {
    /// For values that are `kind`.
    pub(super) fn new(kind: InputKind) -> Self {
        Self { kind, scales: RowScales::new(kind), short: None, scores: Vec::new() }
    }

    /// Whether rows of so many classes are computed side by side.
    pub(super) fn is_short(&self, classes: usize) -> bool {
        classes <= ExpRows::<E>::CLASSES && self.kind != InputKind::Probs
    }

    /// Adds a frame for each of `rows`, with the columns that `columns_of` knows; `done` is told of each row, its
    /// values and their normaliser, and ends it where it fails.
    pub(super) fn push_all<'a, X>(
        &mut self,
        rows: Rows<'_, E>,
        columns_of: impl Fn(usize) -> &'a Columns,
        frames: &mut Frames,
        mut done: impl FnMut(usize, &[E], RowScale) -> Result<(), X>,
    ) -> Result<(), X> {
        if !self.is_short(rows.classes()) {
            self.scales.look_at(rows);
            for (at, row) in rows.iter().enumerate() {
                let scale = self.push(row, columns_of(at), self.scales.get(at), frames);
                done(at, row, scale)?;
            }
            return Ok(());
        }
        let (set, unit) = (InstructionSet::best(), pow2(UNIT_EXPONENT));
        let mut short = self.short.take().unwrap_or_else(ExpRows::new);
        for (tile, rows) in rows.chunks(ExpRows::<E>::ROWS).enumerate() {
            short.look_at(set, unit, rows);
            for (lane, row) in rows.iter().enumerate() {
                let at = tile * ExpRows::<E>::ROWS + lane;
                let (columns, lse) = (columns_of(at), short.log_sum_exp(lane));
                let scale = RowScale::of(self.kind, lse);
                let bits = -exponent_of(short.least(lane));
                // Where there are no labels, `log_max` must be the blank's.
                if scale.is_proper() && bits <= MOST_BITS && columns.count() > 1 {
                    let scale = ColumnScale { log_max: scale.log_prob(lse.max), bits: Some(bits) };
                    frames.push_scaled(short.pick(lane, columns.classes()), scale);
                } else {
                    self.push(row, columns, scale, frames);
                }
                done(at, row, scale)?;
            }
        }
        self.short = Some(short);
        Ok(())
    }

    /// Adds a row, whose normaliser may be `scale`; returns what it is.
    fn push(&mut self, row: &[E], columns: &Columns, scale: RowScale, frames: &mut Frames) -> RowScale {
        columns.pick(row, &mut self.scores);
        let rough = E::SINGLE && self.kind == InputKind::Logits && !self.is_short(row.len());
        let mut scale = scale;
        frames.push(&self.scores, |found| {
            if rough && needs_double(scale, found) {
                scale = RowScale::new(row, self.kind);
            }
            scale
        });
        scale
    }
}

/// Whether the frame's normaliser must be more exact than single precision makes it.
///
/// Its error is at most `1.92e-7 (1 - p)`, `p` being the largest probability. Every alignment passes through one
/// of these columns in this frame, so the frame adds at least `-ln c` to the loss, where `c` is what they sum
/// to. Where the error is at most 2e-7 of that in each frame, so is the sum of all frames' errors beside the loss.
fn needs_double(scale: RowScale, columns: ScaledColumns) -> bool {
    match columns.max {
        _ if !scale.is_proper() => true,
        f64::NEG_INFINITY => false,
        max => {
            let covered = scale.log_prob(max) + columns.sum.ln();
            covered > -ERROR_SHARE && covered > ERROR_SHARE * scale.log_largest().exp_m1()
        }
    }
}
