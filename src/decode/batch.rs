//! Transcripts of a whole file: frames in, decoded items out.

use rayon::prelude::*;

use super::beam::BeamError;
use super::collect::{ItemFrames, Values};
use super::fusion::{Fusion, FusionWeights};
use super::item::{DecodedItem, ItemConfig, ItemDecoder};
use crate::kernel::Element;
use crate::logits::{Block, BlockVisitor, InputKind, Items, Nonfinite, RowAudit, RowScale};

/// Collects each item's frames, in whatever order the frames come, and decodes it as soon as its last one
/// was there.
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
pub struct DecodedAudited {
    /// Its transcripts.
    pub decoded: DecodedItem,
    /// Rows by number within the item.
    pub audit: RowAudit,
    /// How many frames at the end are equal to the last.
    pub equal_at_end: usize,
}

/// An item that can't be decoded.
#[derive(Debug)]
pub struct ItemError {
    /// Its index.
    pub item: usize,
    /// Why.
    pub error: BeamError,
}

impl<'a> DecodeBatch<'a> {
    /// A batch of these items. `progress` is called after each.
    pub fn new(config: ItemConfig, rows: Items, progress: &'a (dyn Fn() + Sync)) -> Self {
        let item = |&length: &usize| Item { frames: ItemFrames::new(length), done: None };
        let items = rows.lengths().iter().map(item).collect();
        Self { config, fusion: None, rows, items, progress }
    }

    /// Has the beam steered.
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
    /// Where not all of the matrix was looked at.
    pub fn finish(mut self) -> Result<Vec<DecodedAudited>, ItemError> {
        self.decode_ready();
        let results =
            self.items.into_iter().map(|item| item.done.expect("all frames of the matrix were looked at"));
        let refused = |item| move |error| ItemError { item, error };
        results.enumerate().map(|(item, result)| result.map_err(refused(item))).collect()
    }

    fn decode_ready(&mut self) {
        let (config, fusion) = (self.config, self.fusion);
        let (classes, progress) = (self.rows.geometry().classes(), self.progress);
        let ready = self.items.par_iter_mut().filter(|item| item.is_ready(classes));
        ready.for_each_init(
            || ItemDecoder::new(config, classes, fusion),
            |decoder, item| {
                let decoder = decoder.as_mut().map_err(|error| error.clone());
                item.done = Some(
                    decoder.and_then(|decoder| decode_item(&item.frames, classes, config.input, decoder)),
                );
                item.frames.forget();
                progress();
            },
        );
    }
}

impl Item {
    fn is_ready(&self, classes: usize) -> bool {
        self.done.is_none() && self.frames.is_complete(classes)
    }
}

/// Decodes collected items one after the other.
///
/// # Errors
/// The first item that can't be decoded.
pub fn decode_collected(
    config: ItemConfig,
    classes: usize,
    items: &[ItemFrames],
) -> Result<Vec<DecodedAudited>, ItemError> {
    let refused = |item| move |error| ItemError { item, error };
    let mut decoder = ItemDecoder::new(config, classes, None).map_err(refused(0))?;
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
        Values::Single(values) => decode(values, classes, input, decoder),
        Values::Double(values) => decode(values, classes, input, decoder),
    }
}

fn decode<E: Element>(
    values: &[E],
    classes: usize,
    input: InputKind,
    decoder: &mut ItemDecoder,
) -> Result<DecodedAudited, BeamError> {
    let decoded = decoder.decode(values)?;
    let mut audit = RowAudit::new(input, Nonfinite::Propagate);
    for (frame, row) in values.chunks_exact(classes).enumerate() {
        if audit.wanted() > 0 {
            audit.sample(row);
        }
        if input != InputKind::Logits {
            // Nothing is refused here: a frame that could be decoded is proper.
            let _ = audit.note(frame, RowScale::new(row, input).total(), Vec::new);
        }
    }
    let last = values.rchunks_exact(classes).next().unwrap_or_default();
    let equal_at_end = values.rchunks_exact(classes).take_while(|row| *row == last).count();
    Ok(DecodedAudited { decoded, audit, equal_at_end })
}

impl BlockVisitor for DecodeBatch<'_> {
    type Error = ItemError;

    fn visit<E: Element>(&mut self, block: Block<'_, E>) -> Result<(), ItemError> {
        let classes = self.rows.geometry().classes();
        let mut complete = false;
        block.for_each_row(0..block.rows(), |row, scores| {
            // Every layout hands out an item's frames in order.
            let number = self.rows.number(block.first_row() + row);
            if self.rows.is_used(number) {
                let item = &mut self.items[self.rows.place(number).0];
                item.frames.push(scores);
                complete |= item.is_ready(classes);
            }
        });
        if !complete {
            return Ok(());
        }
        self.decode_ready();
        match self.items.iter().position(|item| matches!(item.done, Some(Err(_)))) {
            Some(item) => match self.items[item].done.take() {
                Some(Err(error)) => Err(ItemError { item, error }),
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }
}
