//! Transcripts of a whole file: frames in, decoded items out.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use thiserror::Error;

pub use super::audited::DecodedAudited;
use super::audited::{AuditedPath, decode};
use super::beam::BeamError;
use super::collect::{ItemFrames, Values};
use super::fusion::{Fusion, FusionWeights};
use super::item::{ItemConfig, ItemDecoder};
use crate::kernel::{Element, Rows};
use crate::logits::{AtOnce, Block, BlockVisitor, InputKind, ItemBlock, ItemReducer, Items};

/// Decodes each item as soon as all of its frames are there, in whatever order they come. Frames that come in pieces are
/// kept until then, but where their winners are all that is asked for.
pub struct DecodeBatch<'a> {
    config: ItemConfig,
    decoders: Decoders<'a>,
    rows: Items,
    items: Vec<Item>,
    progress: &'a (dyn Fn() + Sync),
}

/// A decoder for each thread that wants one.
struct Decoders<'a> {
    config: ItemConfig,
    classes: usize,
    fusion: Option<(&'a Fusion, FusionWeights)>,
    /// To be used again, with what they remember.
    idle: Mutex<Vec<ItemDecoder<'a>>>,
}

struct Item {
    /// Frames of the items before it.
    before: usize,
    length: usize,
    /// Once a frame was taken: a header can claim any number of items.
    so_far: Option<Box<SoFar>>,
    done: Option<Box<Result<DecodedAudited, BeamError>>>,
}

/// What is kept of an item's frames.
enum SoFar {
    Frames(ItemFrames),
    Path(AuditedPath),
}

/// An item that can't be decoded.
#[derive(Debug, Error)]
#[error("item {item}: {error}")]
#[non_exhaustive]
pub struct ItemError {
    /// The item's index.
    pub item: usize,
    /// Why it can't be decoded.
    pub error: BeamError,
}

impl<'a> Decoders<'a> {
    fn new(
        config: ItemConfig,
        classes: usize,
        fusion: Option<(&'a Fusion, FusionWeights)>,
    ) -> Result<Self, BeamError> {
        let first = ItemDecoder::new(config, classes, fusion)?;
        Ok(Self { config, classes, fusion, idle: Mutex::new(vec![first]) })
    }

    /// What a decoder makes of something.
    fn with<R>(&self, decode: impl FnOnce(&mut ItemDecoder<'a>) -> R) -> R {
        // What a panic elsewhere left is thrown away with the batch.
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle().pop();
        let mut decoder = found.unwrap_or_else(|| {
            let like_the_first = ItemDecoder::new(self.config, self.classes, self.fusion);
            like_the_first.expect("what one was made of makes another")
        });
        let made = decode(&mut decoder);
        idle().push(decoder);
        made
    }
}

impl<'a> DecodeBatch<'a> {
    /// A batch of the items of `rows`, for a beam that is steered by `fusion`, if it is. `progress` is called after each
    /// item.
    ///
    /// # Errors
    /// As [`ItemDecoder::new`].
    pub fn new(
        config: ItemConfig,
        rows: Items,
        fusion: Option<(&'a Fusion, FusionWeights)>,
        progress: &'a (dyn Fn() + Sync),
    ) -> Result<Self, BeamError> {
        let decoders = Decoders::new(config, rows.geometry().classes(), fusion)?;
        let item = |(before, &length)| Item { before, length, so_far: None, done: None };
        let items = frames_before(rows.lengths()).zip(rows.lengths()).map(item).collect();
        Ok(Self { config, decoders, rows, items, progress })
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
            self.items.into_iter().map(|item| *item.done.expect("all frames of the matrix were looked at"));
        let refused = |item| move |error| ItemError { item, error };
        results.enumerate().map(|(item, result)| result.map_err(refused(item))).collect()
    }

    /// Decodes the items all of whose frames lie in a block.
    fn decode_in_place<E: Element>(&mut self, block: &Block<'_, E>) {
        if !self.rows.geometry().has_whole_rows() {
            return;
        }
        let Self { config, decoders, rows, items, progress } = self;
        let rows = &*rows;
        let in_block = block.first_row()..block.first_row() + block.rows();
        let frames_of = |item: usize| {
            let length = rows.lengths()[item];
            let last = length.checked_sub(1)?;
            let (start, stride) = rows.file_rows(item);
            let is_here = in_block.contains(&start) && in_block.contains(&(start + last * stride));
            is_here.then(|| block.rows_apart(start - in_block.start, length, stride))
        };
        let items = items.iter_mut().enumerate().filter(|(_, item)| item.done.is_none());
        let here: Vec<_> = items.filter_map(|(at, item)| Some((item, frames_of(at)?))).collect();
        here.into_par_iter().for_each(|(item, frames)| {
            let decoded = decoders.with(|decoder| decode(frames, item.before, config.input, decoder));
            item.done = Some(Box::new(decoded));
            progress();
        });
    }

    /// The first item that can't be decoded, if all before it can: it is the same however the frames come.
    fn refused(&self) -> Result<(), ItemError> {
        for (item, found) in self.items.iter().enumerate() {
            match found.done.as_deref() {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(ItemError { item, error: error.clone() }),
                None => break,
            }
        }
        Ok(())
    }

    /// Takes the frames of a block, in which no item is whole.
    fn collect<E: Element>(&mut self, block: &Block<'_, E>) {
        let (rows, config) = (&self.rows, self.config);
        if !rows.geometry().has_whole_rows() || !config.asks_for_path_alone() {
            block.for_each_row(0..block.rows(), |row, scores| {
                // Every layout hands out an item's frames in order.
                let number = rows.number(block.first_row() + row);
                if rows.is_used(number) {
                    self.items[rows.place(number).0].take(config, std::iter::once(scores));
                }
            });
            return;
        }
        let items = self.items.par_iter_mut().enumerate().filter(|(_, item)| item.done.is_none());
        items.for_each(|(at, item)| {
            let taken = match item.so_far.as_deref() {
                Some(SoFar::Path(path)) => path.frames(),
                _ => 0,
            };
            if let Some(frames) = rows.frames_in(block, at, taken, usize::MAX) {
                item.take(config, frames.iter());
            }
        });
    }

    /// Decodes the items of which all frames were collected.
    fn decode_ready(&mut self) {
        let Self { config, decoders, items, progress, .. } = self;
        let classes = decoders.classes;
        items.par_iter_mut().filter(|item| item.is_ready(classes)).for_each(|item| {
            let Item { before, length, .. } = *item;
            let so_far = item.so_far.take().map(|so_far| *so_far);
            let so_far = so_far.unwrap_or_else(|| SoFar::nothing(before, length, *config));
            item.done = Some(Box::new(match so_far {
                SoFar::Frames(frames) => {
                    decoders.with(|decoder| decode_item(&frames, before, classes, config.input, decoder))
                }
                SoFar::Path(path) => Ok(path.finish(config.blank)),
            }));
            progress();
        });
    }
}

impl SoFar {
    /// Of an item of `length` frames, which comes after `before` others.
    fn nothing(before: usize, length: usize, config: ItemConfig) -> Self {
        if config.asks_for_path_alone() {
            Self::Path(AuditedPath::new(before, length, config.input))
        } else {
            Self::Frames(ItemFrames::new(length))
        }
    }
}

impl Item {
    /// Takes the next frames, where they are still wanted.
    fn take<'a, E: Element>(&mut self, config: ItemConfig, rows: impl Iterator<Item = &'a [E]>) {
        if self.done.is_some() {
            return;
        }
        let Self { before, length, .. } = *self;
        let so_far = self.so_far.get_or_insert_with(|| Box::new(SoFar::nothing(before, length, config)));
        match &mut **so_far {
            SoFar::Frames(frames) => rows.for_each(|row| frames.push(row)),
            SoFar::Path(path) => {
                if let Err(error) = path.take(rows) {
                    self.done = Some(Box::new(Err(error.into())));
                }
            }
        }
    }

    fn is_ready(&self, classes: usize) -> bool {
        self.done.is_none()
            && match self.so_far.as_deref() {
                Some(SoFar::Frames(frames)) => frames.is_complete(classes),
                Some(SoFar::Path(path)) => path.is_complete(),
                None => self.length == 0,
            }
    }
}

/// Decodes collected items one after the other.
///
/// # Errors
/// The first item that can't be decoded.
pub fn decode_collected(
    decoder: &mut ItemDecoder<'_>,
    items: &[ItemFrames],
) -> Result<Vec<DecodedAudited>, ItemError> {
    let (classes, input) = (decoder.classes(), decoder.config().input);
    let lengths: Vec<usize> = items.iter().map(ItemFrames::length).collect();
    let items = frames_before(&lengths).zip(items).enumerate().map(|(index, (before, item))| {
        let decoded = decode_item(item, before, classes, input, decoder);
        decoded.map_err(|error| ItemError { item: index, error })
    });
    items.collect()
}

/// For each item the frames of all before it.
fn frames_before(lengths: &[usize]) -> impl Iterator<Item = usize> {
    lengths.iter().scan(0, |sum, length| Some(std::mem::replace(sum, *sum + length)))
}

fn decode_item(
    item: &ItemFrames,
    before: usize,
    classes: usize,
    input: InputKind,
    decoder: &mut ItemDecoder,
) -> Result<DecodedAudited, BeamError> {
    match &item.values {
        Values::Single(values) => decode(Rows::new(values, classes), before, input, decoder),
        Values::Double(values) => decode(Rows::new(values, classes), before, input, decoder),
    }
}

/// Consecutive items.
pub struct DecodedItems {
    first: usize,
    items: Vec<Result<DecodedAudited, BeamError>>,
}

impl ItemReducer for DecodeBatch<'_> {
    type Part = DecodedItems;
    type Error = ItemError;

    fn look_at_items<E: Element>(&self, block: ItemBlock<'_, E>) -> DecodedItems {
        let decode_all = |decoder: &mut ItemDecoder| {
            let one = |item: usize| {
                let frames = block.frames(item..item + 1, 0..self.rows.lengths()[item]);
                let decoded = decode(frames, self.items[item].before, self.config.input, decoder);
                (self.progress)();
                decoded
            };
            block.items().map(one).collect()
        };
        DecodedItems { first: block.items().start, items: self.decoders.with(decode_all) }
    }

    fn take_items(&mut self, part: DecodedItems) -> Result<(), ItemError> {
        for (at, decoded) in (part.first..).zip(part.items) {
            let decoded = decoded.map_err(|error| ItemError { item: at, error })?;
            self.items[at].done = Some(Box::new(Ok(decoded)));
        }
        Ok(())
    }
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
                    _ if self.config.asks_for_path_alone() => AtOnce::Much { run: 1 },
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
        if self.items.iter().all(|item| item.done.is_some()) {
            return Ok(());
        }
        self.collect(&block);
        self.decode_ready();
        self.refused()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logits::{Geometry, ItemOrder};

    /// However the file is cut, items that lie in a block and items that are collected are the same.
    #[test]
    fn items_are_decoded_alike_wherever_they_lie() {
        let beam = ItemConfig { beam_width: Some(4), nbest: 2, timestamps: true, ..ItemConfig::default() };
        for input in [InputKind::Logits, InputKind::LogProbs] {
            for config in [beam, ItemConfig::default()] {
                check_cuts(ItemConfig { input, ..config });
            }
        }
    }

    fn check_cuts(config: ItemConfig) {
        let (items, frames, classes) = (4, 5, 3);
        let lengths = [5, 0, 3, 1];
        let score =
            // The last frames of the first item are equal.
            |item: usize, frame: usize, class: usize| ((item * 31 + frame.min(3) * 17 + class * 7) % 11) as f32;
        let expected = |item: usize| {
            let values: Vec<f32> =
                (0..lengths[item]).flat_map(|t| (0..classes).map(move |c| score(item, t, c))).collect();
            let mut decoder = ItemDecoder::new(config, classes, None).expect("a decoder");
            decode(Rows::new(&values, classes), 0, config.input, &mut decoder).expect("proper frames")
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
                let mut batch = DecodeBatch::new(config, rows, None, &|| ()).expect("a decoder");
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
                        let Item { so_far, done, .. } = &batch.items[item];
                        assert!(done.is_some() && so_far.is_none(), "decoded where it lies");
                    }
                }
                let mut found = batch.finish().expect("all items");
                // Whole items, as many as there are rows in a block.
                let rows = Items::new(geometry.clone(), frames, lengths.to_vec()).expect("its items");
                let mut whole = DecodeBatch::new(config, rows.clone(), None, &|| ()).expect("a decoder");
                let order = if items_first { ItemOrder::ItemByItem } else { ItemOrder::FrameByFrame };
                for first in (0..items).step_by(rows_at_once) {
                    let count = rows_at_once.min(items - first);
                    let part: Vec<f32> = (0..count * frames * classes)
                        .map(|at| {
                            let (row, class) = (at / classes, at % classes);
                            let (item, frame) = if items_first {
                                (row / frames, row % frames)
                            } else {
                                (row % count, row / count)
                            };
                            score(first + item, frame, class)
                        })
                        .collect();
                    let part = whole.look_at_items(ItemBlock::new(&part, &rows, order, first));
                    whole.take_items(part).expect("nothing to refuse");
                }
                found.extend(whole.finish().expect("all items"));
                for (item, found) in found.iter().enumerate().map(|(at, found)| (at % items, found)) {
                    let DecodedAudited { decoded, audit, equal_at_end } = expected(item);
                    assert_eq!(found.decoded, decoded, "item {item}, {rows_at_once} rows at once");
                    assert_eq!(found.equal_at_end, equal_at_end, "item {item}, {rows_at_once} rows at once");
                    assert_eq!(found.audit.unnormalised(), audit.unnormalised());
                }
            }
        }
    }
}
