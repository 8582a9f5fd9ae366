//! Transcripts of a whole file: frames in, decoded items out.

use rayon::prelude::*;
use thiserror::Error;

use super::beam::BeamError;
use super::collect::{ItemFrames, Values};
use super::fusion::{Fusion, FusionWeights};
use super::item::{DecodedItem, ItemConfig, ItemDecoder};
use crate::kernel::{Element, Rows};
use crate::logits::{
    AtOnce, Block, BlockVisitor, InputKind, Items, Nonfinite, RowAudit, RowScale, is_certain,
};

/// Collects each item's frames, in whatever order they come, and decodes the item as soon as all of them are there.
pub struct DecodeBatch<'a> {
    config: ItemConfig,
    fusion: Option<(&'a Fusion, FusionWeights)>,
    rows: Items,
    items: Vec<Item>,
    progress: &'a (dyn Fn() + Sync),
}

struct Item {
    frames: ItemFrames,
    done: Option<Result<DecodedAudited, BeamError>>,
}

/// A decoded item and what was noticed about its frames.
#[derive(Debug)]
pub struct DecodedAudited {
    /// The item's transcripts.
    pub decoded: DecodedItem,
    /// What was noticed; rows are numbered within the item.
    pub audit: RowAudit,
    /// How many frames at the end are equal, the last one included; 0 if the last frame is certain of one class.
    pub equal_at_end: usize,
}

/// An item that can't be decoded.
#[derive(Debug, Error)]
#[error("item {item}: {error}")]
pub struct ItemError {
    /// The item's index.
    pub item: usize,
    /// Why it can't be decoded.
    pub error: BeamError,
}

impl<'a> DecodeBatch<'a> {
    /// A batch of the items of `rows`. `progress` is called after each item.
    pub fn new(config: ItemConfig, rows: Items, progress: &'a (dyn Fn() + Sync)) -> Self {
        let item = |&length: &usize| Item { frames: ItemFrames::new(length), done: None };
        let items = rows.lengths().iter().map(item).collect();
        Self { config, fusion: None, rows, items, progress }
    }

    /// Steers the beam with a fusion and its weights, if given.
    #[must_use]
    pub fn steered(mut self, fusion: Option<(&'a Fusion, FusionWeights)>) -> Self {
        self.fusion = fusion;
        self
    }

    /// The items, in order.
    ///
    /// # Errors
    /// The first item that can't be decoded.
    ///
    /// # Panics
    /// If not all of the matrix was read.
    pub fn finish(mut self) -> Result<Vec<DecodedAudited>, ItemError> {
        self.decode_ready();
        let results =
            self.items.into_iter().map(|item| item.done.expect("all frames of the matrix were looked at"));
        let refused = |item| move |error| ItemError { item, error };
        results.enumerate().map(|(item, result)| result.map_err(refused(item))).collect()
    }

    /// Decodes the items all of whose frames lie in a block.
    fn decode_in_place<E: Element>(&mut self, block: &Block<'_, E>) {
        if !self.rows.geometry().has_whole_rows() {
            return;
        }
        let (config, fusion, rows, progress) = (self.config, self.fusion, &self.rows, self.progress);
        let in_block = block.first_row()..block.first_row() + block.rows();
        let frames_of = |item: usize| {
            let length = rows.lengths()[item];
            let last = length.checked_sub(1)?;
            let (start, stride) = rows.file_rows(item);
            let is_here = in_block.contains(&start) && in_block.contains(&(start + last * stride));
            is_here.then(|| block.rows_apart(start - in_block.start, length, stride))
        };
        let items = self.items.iter_mut().enumerate().filter(|(_, item)| item.done.is_none());
        let here: Vec<_> = items.filter_map(|(at, item)| Some((item, frames_of(at)?))).collect();
        here.into_par_iter().for_each_init(
            || ItemDecoder::new(config, rows.geometry().classes(), fusion),
            |decoder, (item, frames)| {
                item.finish(decoder, |decoder| decode(frames, config.input, decoder));
                progress();
            },
        );
    }

    /// The first item of those so far that can't be decoded, if there is one.
    fn refused(&self) -> Result<(), ItemError> {
        let refused = |(item, found): (usize, &Item)| match &found.done {
            Some(Err(error)) => Some(ItemError { item, error: error.clone() }),
            _ => None,
        };
        self.items.iter().enumerate().find_map(refused).map_or(Ok(()), Err)
    }

    fn decode_ready(&mut self) {
        let (config, fusion) = (self.config, self.fusion);
        let (classes, progress) = (self.rows.geometry().classes(), self.progress);
        let ready = self.items.par_iter_mut().filter(|item| item.is_ready(classes));
        ready.for_each_init(
            || ItemDecoder::new(config, classes, fusion),
            |decoder, item| {
                let frames = std::mem::replace(&mut item.frames, ItemFrames::new(0));
                item.finish(decoder, |decoder| decode_item(&frames, classes, config.input, decoder));
                progress();
            },
        );
    }
}

impl Item {
    fn finish<'a>(
        &mut self,
        decoder: &mut Result<ItemDecoder<'a>, BeamError>,
        decode: impl FnOnce(&mut ItemDecoder<'a>) -> Result<DecodedAudited, BeamError>,
    ) {
        self.done = Some(decoder.as_mut().map_err(|error| error.clone()).and_then(decode));
    }

    fn is_ready(&self, classes: usize) -> bool {
        self.done.is_none() && self.frames.is_complete(classes)
    }
}

/// Decodes collected items one after the other, steered by a fusion if there is one.
///
/// # Errors
/// The first item that can't be decoded.
pub fn decode_collected(
    config: ItemConfig,
    classes: usize,
    items: &[ItemFrames],
    fusion: Option<(&Fusion, FusionWeights)>,
) -> Result<Vec<DecodedAudited>, ItemError> {
    let refused = |item| move |error| ItemError { item, error };
    let mut decoder = ItemDecoder::new(config, classes, fusion).map_err(refused(0))?;
    let items = items
        .iter()
        .enumerate()
        .map(|(index, item)| decode_item(item, classes, config.input, &mut decoder).map_err(refused(index)));
    items.collect()
}

fn decode_item(
    item: &ItemFrames,
    classes: usize,
    input: InputKind,
    decoder: &mut ItemDecoder,
) -> Result<DecodedAudited, BeamError> {
    match &item.values {
        Values::Single(values) => decode(Rows::new(values, classes), input, decoder),
        Values::Double(values) => decode(Rows::new(values, classes), input, decoder),
    }
}

fn decode<E: Element>(
    rows: Rows<'_, E>,
    input: InputKind,
    decoder: &mut ItemDecoder,
) -> Result<DecodedAudited, BeamError> {
    let decoded = decoder.decode_rows(rows)?;
    let mut audit = RowAudit::new(input, Nonfinite::Propagate);
    for (frame, row) in rows.iter().enumerate() {
        if audit.wanted() > 0 {
            audit.sample(frame, row);
        }
        if input != InputKind::Logits {
            // Nothing is refused here: a frame that could be decoded is proper.
            let _ = audit.note(frame, RowScale::new(row, input).total(), Vec::new);
        }
    }
    let last = rows.iter().next_back().unwrap_or_default();
    let scale = RowScale::new(last, input);
    let certain = last.iter().any(|&x| is_certain(scale.log_prob(x)));
    let equal = rows.iter().rev().take_while(|row| *row == last);
    let equal_at_end = if certain { 0 } else { equal.count() };
    Ok(DecodedAudited { decoded, audit, equal_at_end })
}

impl BlockVisitor for DecodeBatch<'_> {
    type Error = ItemError;

    fn at_once(&self) -> AtOnce {
        let lengths = self.rows.lengths();
        let in_use: usize = lengths.iter().sum();
        match lengths.iter().position(|&length| length > 0) {
            // Else frames that nobody needs would be read.
            Some(item)
                if self.rows.geometry().has_whole_rows() && in_use >= self.rows.geometry().rows() / 2 =>
            {
                // An item's frames lie beside each other, or all over the file.
                match self.rows.file_rows(item).1 {
                    1 => AtOnce::Much { run: self.rows.frames() },
                    _ => AtOnce::All,
                }
            }
            _ => AtOnce::Little,
        }
    }

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), ItemError> {
        self.decode_in_place(&block);
        self.refused()?;
        let classes = self.rows.geometry().classes();
        if self.items.iter().all(|item| item.done.is_some() || item.is_ready(classes)) {
            return Ok(());
        }
        let mut complete = false;
        block.for_each_row(0..block.rows(), |row, scores| {
            // Every layout hands out an item's frames in order.
            let number = self.rows.number(block.first_row() + row);
            if self.rows.is_used(number) {
                let item = &mut self.items[self.rows.place(number).0];
                if item.done.is_none() {
                    item.frames.push(scores);
                    complete |= item.is_ready(classes);
                }
            }
        });
        if !complete {
            return Ok(());
        }
        self.decode_ready();
        self.refused()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logits::Geometry;

    /// However the file is cut, items that lie in a block and items that are collected are the same.
    #[test]
    fn items_are_decoded_alike_wherever_they_lie() {
        let (items, frames, classes) = (4, 5, 3);
        let lengths = [5, 0, 3, 1];
        let score =
            |item: usize, frame: usize, class: usize| ((item * 31 + frame * 17 + class * 7) % 11) as f32;
        let config = ItemConfig { beam_width: Some(4), nbest: 2, timestamps: true, ..ItemConfig::default() };
        let expected = |item: usize| {
            let values: Vec<f32> =
                (0..lengths[item]).flat_map(|t| (0..classes).map(move |c| score(item, t, c))).collect();
            let mut decoder = ItemDecoder::new(config, classes, None).expect("a decoder");
            decoder.decode(&values).expect("proper frames")
        };
        for items_first in [true, false] {
            let (shape, order) = if items_first {
                ([items, frames, classes], [0, 1])
            } else {
                ([frames, items, classes], [1, 0])
            };
            let place = |row: usize| {
                if items_first { (row / frames, row % frames) } else { (row % items, row / items) }
            };
            let values: Vec<f32> = (0..items * frames * classes)
                .map(|at| score(place(at / classes).0, place(at / classes).1, at % classes))
                .collect();
            for rows_at_once in 1..=items * frames {
                let geometry = Geometry::new(&shape, false, 2, &order).expect("a matrix");
                let rows = Items::new(geometry.clone(), frames, lengths.to_vec()).expect("its items");
                let mut batch = DecodeBatch::new(config, rows, &|| ());
                for (block, values) in values.chunks(rows_at_once * classes).enumerate() {
                    batch
                        .visit(Block::new(values, &geometry, block * rows_at_once))
                        .expect("nothing to refuse");
                    let in_block = block * rows_at_once..(block + 1) * rows_at_once;
                    let is_here = |item: usize| {
                        (0..lengths[item]).all(|frame| {
                            let row = if items_first { item * frames + frame } else { frame * items + item };
                            in_block.contains(&row)
                        })
                    };
                    for item in (0..items).filter(|&item| lengths[item] > 0 && is_here(item)) {
                        let Item { frames, done } = &batch.items[item];
                        assert!(done.is_some() && frames.is_complete(0), "decoded where it lies");
                    }
                }
                let found = batch.finish().expect("all items");
                for (item, found) in found.iter().enumerate() {
                    assert_eq!(found.decoded, expected(item), "item {item}, {rows_at_once} rows at once");
                }
            }
        }
    }
}
