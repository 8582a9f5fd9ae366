//! Which extensions of a beam's entries are in the beam themselves.

use super::prefix_tree::NONE;
use super::prefixes::Prefix;

/// The children of the rows of a beam.
#[derive(Debug)]
pub(super) struct Children {
    classes: usize,
    /// By row: the last token, or the number of classes for the empty prefix.
    pub(super) lasts: Vec<u32>,
    /// By row: a bit for each token by which it has a child; from 128 on tokens share them.
    tokens: Vec<u128>,
    /// By row: the last child, or [`NONE`]. Only where tokens share bits, as `before`.
    last: Vec<u32>,
    /// By row: the child of the same parent before it, or [`NONE`].
    before: Vec<u32>,
}

const BITS: usize = u128::BITS as usize;

impl Children {
    /// No rows yet, over `classes` classes.
    pub(super) fn new(classes: usize) -> Self {
        Self { classes, lasts: Vec::new(), tokens: Vec::new(), last: Vec::new(), before: Vec::new() }
    }

    /// Finds those of a beam.
    pub(super) fn link(&mut self, rows: &[Prefix]) {
        self.lasts.clear();
        self.lasts.extend(rows.iter().map(|prefix| prefix.last.min(self.classes as u32)));
        self.tokens.clear();
        self.tokens.resize(rows.len(), 0);
        for prefix in rows {
            if let Some(tokens) = self.tokens.get_mut(prefix.parent as usize) {
                *tokens |= 1 << (prefix.last as usize % BITS);
            }
        }
        if self.classes <= BITS {
            return;
        }
        for list in [&mut self.last, &mut self.before] {
            list.clear();
            list.resize(rows.len(), NONE);
        }
        for (row, prefix) in (0..).zip(rows) {
            if let Some(last) = self.last.get_mut(prefix.parent as usize) {
                self.before[row as usize] = std::mem::replace(last, row);
            }
        }
    }

    /// Whether a row's extension by a token is a row of `rows`, too.
    pub(super) fn has(&self, rows: &[Prefix], row: usize, token: u32) -> bool {
        if self.tokens[row] >> (token as usize % BITS) & 1 == 0 {
            return false;
        }
        if self.classes <= BITS {
            return true;
        }
        let mut child = self.last[row];
        while child != NONE && rows[child as usize].last != token {
            child = self.before[child as usize];
        }
        child != NONE
    }
}
