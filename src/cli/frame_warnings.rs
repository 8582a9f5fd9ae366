//! What frames and their winners show of the classic mistakes.

use crate::cli::ctc_shape::CtcShape;
use crate::cli::inputs::input_warnings;
use crate::cli::other_axis::SecondLook;
use crate::decode::batch::DecodedAudited;
use crate::decode::spelling::WordDelimiter;
use crate::input::{InputError, Matrix, ReadError, counted, display_name};
use crate::logits::{InputKind, Nonfinite, RowAudit, UnusedFrames};
use crate::report::Warning;

/// What was decoded, and of what.
pub(in crate::cli) struct Seen<'a> {
    pub(in crate::cli) decoded: &'a [DecodedAudited],
    pub(in crate::cli) shape: &'a CtcShape,
    /// Each item's frames in use.
    pub(in crate::cli) lengths: &'a [usize],
    /// What the user called the matrix.
    pub(in crate::cli) name: &'a str,
    /// What separates words.
    pub(in crate::cli) delimiter: &'a WordDelimiter,
}

impl Seen<'_> {
    /// All that looks like a mistake.
    pub(in crate::cli) fn warnings(
        &self,
        input: InputKind,
        odd: Option<Warning>,
        lengths_given: bool,
        blank: u32,
        second_look: SecondLook,
    ) -> Result<Vec<Warning>, InputError> {
        let mut audit = RowAudit::new(input, Nonfinite::Error);
        let mut wins = vec![0_u64; self.shape.classes];
        for (index, item) in self.decoded.iter().enumerate() {
            audit.merge(&item.audit, index * self.shape.frames);
            item.decoded.path.iter().for_each(|&class| wins[class as usize] += 1);
        }
        let mut warnings = input_warnings(self.name, &audit, odd, |row| self.shape.place(row).to_string());
        // Wide gaps between words may win most frames, where the blank wins some.
        let gap = match self.delimiter {
            WordDelimiter::Token(gap) => Some(*gap as usize),
            _ => None,
        };
        let winner = most_frequent(&wins, blank);
        let is_gap = winner.is_some() && winner == gap && 20 * wins[blank as usize] > wins.iter().sum();
        let is_told = !is_gap && winner.is_some_and(|winner| self.may_be_blank(winner, &wins));
        warnings.extend(blank_warning(self.name, &wins, "", blank, gap).filter(|_| is_told));
        if self.shape.classes == 1 {
            let name = display_name(self.name);
            let message = format!("{name}: there is only one class, the blank, so every text is empty");
            warnings.push(Warning { code: "one_class", message });
        }
        if !lengths_given {
            let equal: Vec<usize> = self.decoded.iter().map(|item| item.equal_at_end).collect();
            warnings.extend(padding("padding_decoded", self.name, self.shape, &equal, self.lengths));
        }
        warnings.extend(self.unfinished(|item| self.decoded[item].decoded.unfinished));
        warnings.extend(self.no_path(|item| self.decoded[item].decoded.transcripts.is_empty()));
        warnings.extend(second_look.warning(&audit, |_| None)?);
        Ok(warnings)
    }

    /// Whether a class wins as many frames as the blank of a network mostly does, or is where items begin and end.
    fn may_be_blank(&self, class: usize, wins: &[u64]) -> bool {
        let paths = self.decoded.iter().map(|item| &item.decoded.path).filter(|path| !path.is_empty());
        let (mut ends, mut all) = (0, 0);
        for end in paths.flat_map(|path| [path.first(), path.last()]).flatten() {
            all += 1;
            ends += usize::from(*end as usize == class);
        }
        4 * wins[class] >= wins.iter().sum() || 4 * ends >= all
    }

    /// Items of which nothing is left.
    pub(in crate::cli) fn no_path(&self, has_none: impl Fn(usize) -> bool) -> Option<Warning> {
        let items: Vec<usize> = (0..self.decoded.len()).filter(|&item| has_none(item)).collect();
        let (item, others) = first_and_more(self.name, self.shape, &items)?;
        let message = format!(
            "{item}: no hypothesis is left, because the lexicon or --token-min-logp rules out everything in the \
             beam{others}: a wider beam may find one"
        );
        Some(Warning { code: "no_path", message })
    }

    /// Last words that are no words of the lexicon.
    pub(in crate::cli) fn unfinished(&self, is_unfinished: impl Fn(usize) -> bool) -> Option<Warning> {
        let items: Vec<usize> = (0..self.decoded.len()).filter(|&item| is_unfinished(item)).collect();
        let (item, others) = first_and_more(self.name, self.shape, &items)?;
        let message = format!(
            "{item}: no text in the beam ends with a complete lexicon word, so the last word is unfinished\
             {others}: a wider beam may find one"
        );
        Some(Warning { code: "unfinished_word", message })
    }
}

/// What the first of some items is called, and how many others there are.
pub(in crate::cli) fn first_and_more(
    name: &str,
    shape: &CtcShape,
    items: &[usize],
) -> Option<(String, String)> {
    let (first, others) = items.split_first()?;
    let item = if shape.is_batch() { format!("{name}#{first}") } else { display_name(name).to_owned() };
    let others = match others.len() {
        0 => String::new(),
        1 => " (and 1 more item)".to_owned(),
        count => format!(" (and {count} more items)"),
    };
    Some((item, others))
}

/// Frames at an item's end that look like padding: at least this many, all equal.
const PADDING_FRAMES: usize = 3;

/// Items that look padded though nobody gave lengths: how many of their last frames are equal, of how many.
pub(in crate::cli) fn padding(
    code: &'static str,
    name: &str,
    shape: &CtcShape,
    equal_at_end: &[usize],
    lengths: &[usize],
) -> Option<Warning> {
    let found = seeming_padding(name, shape, equal_at_end, lengths)?;
    Some(Warning { code, message: format!("{found}: if that is padding, give --lengths") })
}

/// The same without what to do about it.
pub(in crate::cli) fn seeming_padding(
    name: &str,
    shape: &CtcShape,
    equal_at_end: &[usize],
    lengths: &[usize],
) -> Option<String> {
    let padded = |&item: &usize| (PADDING_FRAMES..lengths[item]).contains(&equal_at_end[item]);
    let items: Vec<usize> = (0..lengths.len()).filter(padded).collect();
    let (item, others) = first_and_more(name, shape, &items)?;
    let (equal, length) = (equal_at_end[items[0]], lengths[items[0]]);
    Some(format!("{item}: its last {equal} of {length} frames are identical{others}"))
}

/// That no item uses all frames, where none does.
pub(in crate::cli) fn frames_left(shape: &CtcShape, lengths: &[usize]) -> Option<String> {
    let most = lengths.iter().copied().max().filter(|&most| most < shape.frames)?;
    Some(format!("the longest item uses {most} of {}", counted(shape.frames, "frame")))
}

/// Frames that no item uses are padding, unless the network reads as much there as elsewhere: then the lengths are too
/// short. To be called before the matrix is read; what comes from a pipe is not kept.
pub(in crate::cli) fn unused_frames(
    matrix: &mut Matrix,
    shape: &CtcShape,
    lengths: &[usize],
    kind: InputKind,
    blank: u32,
) -> anyhow::Result<Option<Warning>> {
    let Some(longest) = frames_left(shape, lengths).filter(|_| matrix.can_be_read_again()) else {
        return Ok(None);
    };
    let mut found = UnusedFrames::new(shape.with_lengths(lengths)?, kind, blank);
    match matrix.again()?.read(&shape.geometry, &mut found) {
        Ok(()) | Err(ReadError::Visit(_)) => {}
        Err(ReadError::Input(error)) => return Err(error.into()),
    }
    let (read, items) = found.found();
    // A network that knows no padding may read something into it, but hardly more than one class.
    Ok((read > 0 && 2 * read >= items).then(|| Warning {
        code: "unused_frames",
        message: format!(
            "{}: {longest}, but in {read} of the first {} more is read behind the lengths: are --lengths in frames of the network's \
             output?",
            display_name(matrix.path()),
            counted(items, "item"),
        ),
    }))
}

/// The class that wins most frames, and many of them, is not the blank.
///
/// `which` of the frames were looked at: nothing for all, or `the first `. The class between words, if it is known, is `gap`.
pub(in crate::cli) fn blank_warning(
    name: &str,
    wins: &[u64],
    which: &str,
    blank: u32,
    gap: Option<usize>,
) -> Option<Warning> {
    let frames: u64 = wins.iter().sum();
    let winner = most_frequent(wins, blank)?;
    let (most, blank_wins) = (wins[winner], wins[blank as usize]);
    // Where there are many classes, one that wins a few frames is none that stands for most of them. Nor is one of
    // several that win as many, such as bases that last.
    let others = wins
        .iter()
        .enumerate()
        .filter(|&(class, _)| class != winner && class != blank as usize && Some(class) != gap);
    let next = others.map(|(_, &wins)| wins).max().unwrap_or(0);
    if winner == blank as usize || frames == 0 || 10 * most < frames || 3 * next > 2 * most {
        return None;
    }
    let share = |count: u64| 100.0 * count as f64 / frames as f64;
    let message = format!(
        "{}: class {winner} is the argmax of {:.0} % of {which}{}, the blank (class {blank}) of {:.0} %: \
         if {winner} is the blank, give --blank {winner}",
        display_name(name),
        share(most),
        counted(frames as usize, "frame"),
        share(blank_wins)
    );
    Some(Warning {
        code: if blank_wins == 0 { "blank_wins_no_frame" } else { "blank_not_most_frequent" },
        message,
    })
}

/// The class that wins most frames: of equal ones the first, but the blank before all.
fn most_frequent(wins: &[u64], blank: u32) -> Option<usize> {
    (0..wins.len()).rev().max_by_key(|&class| (wins[class], class == blank as usize))
}
