//! The classic mistakes, with their evidence.

use crate::cli::ctc_shape::CtcShape;
use crate::cli::inputs::input_warnings;
use crate::decode::batch::DecodedAudited;
use crate::logits::{InputKind, Nonfinite, RowAudit};
use crate::report::Warning;

/// What was decoded, and of what.
pub(in crate::cli) struct Seen<'a> {
    pub(in crate::cli) decoded: &'a [DecodedAudited],
    pub(in crate::cli) shape: &'a CtcShape,
    /// Each item's frames in use.
    pub(in crate::cli) lengths: &'a [usize],
    /// What the user called the matrix.
    pub(in crate::cli) name: &'a str,
}

impl Seen<'_> {
    /// All that looks like a mistake.
    pub(in crate::cli) fn warnings(&self, input: InputKind, lengths_given: bool, blank: u32) -> Vec<Warning> {
        let mut audit = RowAudit::new(input, Nonfinite::Error);
        let mut wins = vec![0_u64; self.shape.classes];
        for (index, item) in self.decoded.iter().enumerate() {
            audit.merge(&item.audit, index * self.shape.frames);
            item.decoded.path.iter().for_each(|&class| wins[class as usize] += 1);
        }
        let mut warnings = input_warnings(&audit, |row| self.shape.place(row).to_string());
        warnings.extend(blank_warning(&wins, blank));
        if !lengths_given {
            warnings.extend(self.padding());
        }
        warnings.extend(self.unfinished(|item| self.decoded[item].decoded.unfinished));
        warnings
    }

    /// Padding that was decoded because nobody gave lengths.
    fn padding(&self) -> Option<Warning> {
        let padded = |index: &usize| {
            let equal = self.decoded[*index].equal_at_end;
            equal >= PADDING_FRAMES && equal < self.lengths[*index]
        };
        let items: Vec<usize> = (0..self.decoded.len()).filter(padded).collect();
        let first = *items.first()?;
        let (item, others) = self.first_and_more(&items)?;
        let message = format!(
            "{item}: its last {} of {} frames are all equal{others}: if that is padding, give --lengths",
            self.decoded[first].equal_at_end, self.lengths[first]
        );
        Some(Warning { code: "padding_decoded", message })
    }

    /// Last words that are no words of the lexicon.
    pub(in crate::cli) fn unfinished(&self, is_unfinished: impl Fn(usize) -> bool) -> Option<Warning> {
        let items: Vec<usize> = (0..self.decoded.len()).filter(|&item| is_unfinished(item)).collect();
        let (item, others) = self.first_and_more(&items)?;
        let message = format!(
            "{item}: no text of the beam ends with a whole word of the lexicon, so the last word is unfinished\
             {others}: a wider beam may find one"
        );
        Some(Warning { code: "unfinished_word", message })
    }

    /// What the first of some items is called, and how many others there are.
    fn first_and_more(&self, items: &[usize]) -> Option<(String, String)> {
        let (first, others) = items.split_first()?;
        let item =
            if self.shape.is_batch() { format!("{}#{first}", self.name) } else { self.name.to_owned() };
        let others = match others.len() {
            0 => String::new(),
            1 => " (and 1 more item)".to_owned(),
            count => format!(" (and {count} more items)"),
        };
        Some((item, others))
    }
}

/// Frames at an item's end that look like padding: at least this many, all equal.
const PADDING_FRAMES: usize = 3;

/// The class that wins most frames is not the blank.
fn blank_warning(wins: &[u64], blank: u32) -> Option<Warning> {
    let frames: u64 = wins.iter().sum();
    // Of equal ones the first, but the blank before all.
    let (winner, &most) =
        wins.iter().enumerate().rev().max_by_key(|&(class, &count)| (count, class == blank as usize))?;
    let blank_wins = wins[blank as usize];
    if winner == blank as usize || frames == 0 {
        return None;
    }
    let share = |count: u64| 100.0 * count as f64 / frames as f64;
    let message = format!(
        "class {winner} wins {:.0} % of {frames} frames and the blank, class {blank}, {:.0} %: \
         if {winner} is the blank, give --blank {winner}",
        share(most),
        share(blank_wins)
    );
    Some(Warning {
        code: if blank_wins == 0 { "blank_wins_no_frame" } else { "blank_not_most_frequent" },
        message,
    })
}
