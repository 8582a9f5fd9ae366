//! An item's transcripts, and what was noticed about its frames.

use super::beam::BeamError;
use super::frame::FrameError;
use super::greedy::{GreedyPath, GreedySearch};
use super::item::{DecodedItem, ItemDecoder, Transcript};
use crate::kernel::{Element, Rows};
use crate::logits::{InputKind, Nonfinite, RowAudit, RowScale, is_certain};

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

/// Decodes an item all of whose frames are there, and which comes after `before` other frames.
pub(super) fn decode<E: Element>(
    rows: Rows<'_, E>,
    before: usize,
    input: InputKind,
    decoder: &mut ItemDecoder,
) -> Result<DecodedAudited, BeamError> {
    let decoded = decoder.decode_rows(rows)?;
    let mut audit = RowAudit::after(before, input, Nonfinite::Propagate);
    for (frame, row) in rows.iter().enumerate() {
        watch(&mut audit, frame, row);
    }
    let last = rows.iter().next_back().unwrap_or_default();
    let equal = || rows.iter().rev().take_while(|row| *row == last).count();
    Ok(DecodedAudited { decoded, audit, equal_at_end: equal_at_end(last, input, equal) })
}

/// The greedy path of an item whose frames come in pieces, of which nothing else is kept.
pub(super) struct AuditedPath {
    search: GreedySearch,
    length: usize,
    input: InputKind,
    audit: RowAudit,
    /// The last frame, and how many of the last are equal to it.
    last: Vec<f64>,
    equal: usize,
}

impl AuditedPath {
    /// None yet of `length` frames, whose values are `input`; the item comes after `before` other frames.
    pub(super) fn new(before: usize, length: usize, input: InputKind) -> Self {
        let audit = RowAudit::after(before, input, Nonfinite::Propagate);
        Self { search: GreedySearch::default(), length, input, audit, last: Vec::new(), equal: 0 }
    }

    /// Number of frames so far.
    pub(super) fn frames(&self) -> usize {
        self.search.path().len()
    }

    /// Whether all frames are there.
    pub(super) fn is_complete(&self) -> bool {
        self.frames() == self.length
    }

    /// Takes the next frames.
    pub(super) fn take<'a, E: Element>(
        &mut self,
        rows: impl Iterator<Item = &'a [E]>,
    ) -> Result<(), FrameError> {
        let mut before: Option<&[E]> = None;
        for row in rows {
            let frame = self.frames();
            self.search.push_frame(row, self.input)?;
            watch(&mut self.audit, frame, row);
            let equal = match before {
                Some(before) => before == row,
                None => frame > 0 && row.iter().map(|x| x.to_f64()).eq(self.last.iter().copied()),
            };
            self.equal = if equal { self.equal + 1 } else { 1 };
            before = Some(row);
        }
        if let Some(row) = before {
            self.last.clear();
            self.last.extend(row.iter().map(|x| x.to_f64()));
        }
        Ok(())
    }

    /// The item, after its last frame.
    pub(super) fn finish(self, blank: u32) -> DecodedAudited {
        let Self { search, input, audit, last, equal, .. } = self;
        let GreedyPath { tokens, logp_nats, path } = search.finish(blank);
        let decoded = DecodedItem {
            transcripts: vec![Transcript::new(tokens, logp_nats)],
            proved_best: None,
            unfinished: false,
            path,
            log_space: false,
        };
        DecodedAudited { decoded, audit, equal_at_end: equal_at_end(&last, input, || equal) }
    }
}

/// Looks at a frame that could be decoded.
fn watch<E: Element>(audit: &mut RowAudit, frame: usize, row: &[E]) {
    if audit.wanted() > 0 {
        audit.sample(frame, row);
    }
    if audit.kind() != InputKind::Logits {
        // Nothing is refused here: a frame that could be decoded is proper.
        let _ = audit.note(frame, RowScale::new(row, audit.kind()).total(), Vec::new);
    }
}

fn equal_at_end<E: Element>(last: &[E], input: InputKind, equal: impl FnOnce() -> usize) -> usize {
    let scale = RowScale::new(last, input);
    let certain = last.iter().any(|&x| is_certain(scale.log_prob(x)));
    if certain { 0 } else { equal() }
}
