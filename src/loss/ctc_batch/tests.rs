//! However a file is cut, and whether threads take items, whole or not, or rows, each item's loss is that of the item
//! alone.

use proptest::prelude::*;

use super::{CtcBatch, CtcTotals};
use crate::kernel::Element;
use crate::logits::{
    Block, BlockReducer, BlockVisitor, Geometry, InputKind, ItemBlock, ItemOrder, ItemReducer, Items,
    Nonfinite,
};
use crate::loss::ctc::{CtcLabels, ctc_loss};

/// A file of items, `[items, frames, classes]` or `[frames, items, classes]`, and where it is cut.
#[derive(Clone, Debug)]
struct Case {
    frames: usize,
    classes: usize,
    /// How many frames of each are in use, and its labels.
    items: Vec<(usize, Vec<u32>)>,
    time_major: bool,
    /// By item, frame and class.
    values: Vec<f32>,
    cuts: Vec<usize>,
}

impl Case {
    fn geometry(&self) -> Geometry {
        let (shape, order) = if self.time_major {
            ([self.frames, self.items.len(), self.classes], [1, 0])
        } else {
            ([self.items.len(), self.frames, self.classes], [0, 1])
        };
        Geometry::new(&shape, false, 2, &order).expect("a valid shape")
    }

    fn rows(&self) -> Items {
        let lengths = self.items.iter().map(|(length, _)| *length).collect();
        Items::new(self.geometry(), self.frames, lengths).expect("items of the matrix")
    }

    fn batch(&self) -> CtcBatch {
        let items = self.rows();
        let labels = self.items.iter().map(|(_, labels)| self.labels(labels)).collect();
        CtcBatch::new(InputKind::Logits, Nonfinite::Propagate, items, labels)
    }

    fn labels(&self, labels: &[u32]) -> CtcLabels {
        CtcLabels::new(labels, self.classes, 0).expect("labels that are classes")
    }

    /// As in the file.
    fn file<E: Element>(&self, convert: impl Fn(f32) -> E) -> Vec<E> {
        let geometry = self.geometry();
        let rows = 0..geometry.rows();
        let row = |row: usize| &self.values[geometry.logical_row(row) * self.classes..][..self.classes];
        rows.flat_map(|at| row(at).iter().map(|&x| convert(x))).collect()
    }

    /// The file's blocks, by their first rows.
    fn blocks<'a, E: Element>(&self, values: &'a [E], geometry: &Geometry) -> Vec<Block<'a, E>> {
        let mut ends: Vec<usize> = self.cuts.iter().map(|cut| cut % (geometry.rows() + 1)).collect();
        ends.push(geometry.rows());
        ends.sort_unstable();
        let mut first = 0;
        let mut blocks = Vec::new();
        for end in ends {
            let values = &values[first * self.classes..end * self.classes];
            blocks.push(Block::new(values, geometry, first));
            first = end;
        }
        blocks
    }

    /// A batch that has looked at all items, some whole ones at a time.
    fn by_whole_items<E: Element>(&self, convert: impl Fn(f32) -> E) -> CtcBatch {
        let (rows, mut batch) = (self.rows(), self.batch());
        let order = if self.time_major { ItemOrder::FrameByFrame } else { ItemOrder::ItemByItem };
        let in_order = [Some(order), Some(ItemOrder::ItemByItem)];
        assert!(in_order.contains(&rows.order()), "{:?}", rows.order());
        let mut ends: Vec<usize> = self.cuts.iter().map(|cut| cut % (self.items.len() + 1)).collect();
        ends.push(self.items.len());
        ends.sort_unstable();
        let mut first = 0;
        for end in ends {
            let part = Self {
                items: self.items[first..end].to_vec(),
                values: self.values[first * self.frames * self.classes..end * self.frames * self.classes]
                    .to_vec(),
                ..self.clone()
            };
            let values = part.file(&convert);
            let part = batch.look_at_items(ItemBlock::new(&values, &rows, order, first));
            batch.take_items(part).expect("nothing is refused");
            first = end;
        }
        batch
    }

    fn check<E: Element>(&self, convert: impl Fn(f32) -> E) -> Result<(), TestCaseError> {
        let (values, geometry) = (self.file(&convert), self.geometry());
        let mut by_items = self.batch();
        let mut by_rows = self.batch();
        for block in self.blocks(&values, &geometry) {
            by_items.visit(block).expect("nothing is refused");
            let part = by_rows.look(block);
            by_rows.take(part).expect("nothing is refused");
            by_rows.end_round();
        }
        let by_whole_items = self.by_whole_items(&convert).finish();
        let (by_items, by_rows) = (by_items.finish(), by_rows.finish());
        let losses = |totals: &CtcTotals| -> Vec<u64> {
            totals.items.iter().map(|item| item.loss.loss_nats.to_bits()).collect()
        };
        prop_assert_eq!(losses(&by_items), losses(&by_rows));
        prop_assert_eq!(losses(&by_items), losses(&by_whole_items));
        let same_first = |one: &CtcTotals, other: &CtcTotals| {
            let (one, other) = (&one.first, &other.first);
            // Summed in another order.
            one.wins == other.wins && (one.logp_nats - other.logp_nats).abs() <= 1e-9 * one.logp_nats.abs()
        };
        prop_assert!(same_first(&by_items, &by_rows));
        // Of frames side by side, whole items have others in front where there are several blocks.
        if !self.time_major || self.cuts.is_empty() {
            prop_assert!(same_first(&by_items, &by_whole_items));
        }
        for (index, (length, labels)) in self.items.iter().enumerate() {
            let item = &self.values[index * self.frames * self.classes..][..length * self.classes];
            let item: Vec<E> = item.iter().map(|&x| convert(x)).collect();
            let alone = ctc_loss(&item, InputKind::Logits, &self.labels(labels)).expect("whole frames");
            let found = by_items.items[index];
            let close = (found.loss.loss_nats - alone).abs() <= 1e-13 * alone.abs();
            prop_assert!(close || found.loss.loss_nats == alone, "{index}: {found:?} for {alone}");
            prop_assert_eq!(found.equal_at_end, by_rows.items[index].equal_at_end);
            prop_assert_eq!(found.equal_at_end, by_whole_items.items[index].equal_at_end);
        }
        Ok(())
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let few = (1..70_usize, prop_oneof![2..20_usize, 120..140_usize, 300..320_usize], 1..7_usize);
    let many = (1..20_usize, 2..20_usize, 16..70_usize);
    // Items of one length go side by side.
    let all_full = any::<bool>();
    (prop_oneof![few, many], all_full).prop_flat_map(|((frames, classes, count), all_full)| {
        let labels = proptest::collection::vec(1..classes as u32, 0..30);
        let least = if all_full { frames } else { 0 };
        let items = proptest::collection::vec((least..=frames, labels), count);
        // Some frames are far from all others.
        let value = prop_oneof![20 => -9.0..9.0_f32, 1 => -800.0..800.0_f32];
        let values = proptest::collection::vec(value, count * frames * classes);
        let cuts = proptest::collection::vec(any::<usize>(), 0..6);
        (items, any::<bool>(), values, cuts, 0..20_usize).prop_map(move |parts| {
            let (items, time_major, mut values, cuts, equal): (Vec<(usize, _)>, _, Vec<f32>, _, _) = parts;
            // Each item ends with as many equal frames.
            for (of_item, (length, _)) in values.chunks_mut(frames * classes).zip(&items) {
                for frame in length.saturating_sub(equal)..*length {
                    let first = length.saturating_sub(equal) * classes;
                    of_item.copy_within(first..first + classes, frame * classes);
                }
            }
            Case { frames, classes, items, time_major, values, cuts }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_cut_gives_the_losses_of_the_items_alone(case in cases()) {
        case.check(|x| x)?;
        case.check(f64::from)?;
    }
}
