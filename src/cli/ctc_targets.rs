//! The labels of a CTC input, checked against its shape and alphabet.

use std::path::Path;

use super::alphabet_args::{AlphabetArgs, mark_beside_bar};
use super::ctc_shape::CtcShape;
use super::diagnostics::UsageError;
use super::values::Word;
use crate::input::{
    Alphabet, AlphabetFile, InputError, LabelFile, LabelSplit, LeftOut, List, counted, display_name,
};
use crate::loss::ctc::CtcLabels;
use crate::report::Warning;
use crate::report::transcripts::more_than_text;
use crate::shown::shown;

/// What an item's labels are, and what classes are called.
pub(super) struct CtcTargets {
    pub(super) sequences: Vec<CtcLabels>,
    /// What is odd about them.
    pub(super) warnings: Vec<Warning>,
    pub(super) blank: u32,
    /// How text was split, where the labels are text.
    pub(super) split: Option<&'static str>,
    pub(super) alphabet: Option<Alphabet>,
}

impl AlphabetArgs {
    /// The checked label sequences of a file.
    pub(super) fn sequences(
        &self,
        file: Option<AlphabetFile>,
        labels: &LabelFile,
        shape: &CtcShape,
        label_lengths: Option<&List<i64>>,
    ) -> anyhow::Result<CtcTargets> {
        let blank = self.names.blank_of(shape.classes, file.as_ref())?;
        self.sequences_by(file, blank, labels, shape, label_lengths)
    }

    /// The same with an alphabet that was read and a blank that is known.
    pub(super) fn sequences_by(
        &self,
        file: Option<AlphabetFile>,
        blank: u32,
        labels: &LabelFile,
        shape: &CtcShape,
        label_lengths: Option<&List<i64>>,
    ) -> anyhow::Result<CtcTargets> {
        check_label_lengths(labels, label_lengths)?;
        let (items, classes) = (shape.items, shape.classes);
        let found = labels.sequences(label_lengths.map(|lengths| lengths.len()));
        let alphabet = file.map(|file| shape.alphabet(file, blank)).transpose()?;
        let of_names = |names| [self.names.blank_warning(names, blank), shape.column_names_warning(names)];
        let mut warnings: Vec<Warning> = alphabet.iter().flat_map(of_names).flatten().collect();
        let Some(names) = alphabet.as_ref().filter(|_| labels.is_text()) else {
            let sequences = labels
                .index_sequences(items, label_lengths, classes, blank)
                .map_err(|error| shape.with_class_axis_hint(shape.with_layout_hint(error, found), labels))?;
            warnings.extend(index_warnings(labels, label_lengths));
            return Ok(CtcTargets { sequences, warnings, blank, split: None, alphabet });
        };
        let split = self.split(names)?;
        let unknown = self.unk.as_deref().map(|token| names.unknown(token)).transpose()?;
        let sequences = labels
            .text_sequences(items, names, split, unknown)
            .map_err(|error| shape.with_layout_hint(error, found))?;
        warnings.extend(unknown.and_then(|unknown| {
            let written = sequences.iter().flat_map(CtcLabels::labels);
            let (all, seem) =
                written.fold((0, 0), |(all, seem), label| (all + 1, seem + usize::from(label == unknown)));
            // Some may be written as the token itself: only now are they told apart.
            let found = if FEW_UNKNOWN * seem > all { labels.unknown(names, split) } else { 0 };
            let first = || labels.text_sequences(items, names, split, None).err();
            many_unknown(all, found, &names.tokens()[unknown as usize], first)
        }));
        warnings.extend(self.text_warnings(labels, &sequences, names, split));
        Ok(CtcTargets { sequences, warnings, blank, split: Some(split.word()), alphabet })
    }

    /// How text is split, as asked or where the alphabet leaves one way.
    fn split(&self, names: &Alphabet) -> Result<LabelSplit, UsageError> {
        if let Some(split) = self.label_split.or_else(|| names.only_split()) {
            return Ok(split);
        }
        let file = names.name();
        if let Some(class) = names.empty_entry() {
            let message = format!("{file}: the name of class {class} is empty, so no label can match it");
            let hint = names.empty_entry_hint(class);
            return Err(UsageError::new(message).hint(hint));
        }
        let (class, token) = names.long_entry().unwrap_or_default();
        let error = UsageError::new(format!(
            "{file}: class {class}, {}, is not a single character: it is unclear how to split labels",
            shown(token)
        ));
        let hint = "give --label-split chars, tokens or longest";
        let is_known = self.names.blank.is_some() || names.has_blank_by_name();
        Err(error.hint(if token.trim_end().chars().count() == 1 {
            "the entry ends in spaces: remove them, as sed 's/\\(.\\) *$/\\1/' does".to_owned()
        } else if is_known {
            hint.to_owned()
        } else {
            format!("{hint}; or --blank {class} if that is the blank")
        }))
    }

    /// What is odd about text that was split so.
    fn text_warnings(
        &self,
        labels: &LabelFile,
        sequences: &[CtcLabels],
        names: &Alphabet,
        split: LabelSplit,
    ) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let is_mark = |space| mark_beside_bar(names.tokens(), space).is_some();
        if let Some(space) = names.space().filter(|&space| split != LabelSplit::Tokens && !is_mark(space)) {
            warnings.extend(needless_spaces(labels.name(), sequences, space));
        }
        if self.label_split.is_none() && labels.is_spaced_out() {
            let message = format!(
                "{}: every second character is a space: if spaces separate the tokens, give --label-split tokens",
                labels.name()
            );
            warnings.push(Warning { code: "spaced_labels", message });
        }
        // What is no token is an error where they are told apart.
        if split != LabelSplit::Tokens {
            let lines = labels.text_lines().unwrap_or_default();
            warnings.extend(more_than_text(Path::new(labels.path()), &lines));
            warnings.extend(space_warning(labels.name(), &lines, names, split));
        }
        warnings
    }
}

/// Spaces, whatever the alphabet calls them, that separate no words.
fn needless_spaces(file: &str, sequences: &[CtcLabels], space: u32) -> Option<Warning> {
    let is_needless = |sequence: &CtcLabels| {
        let labels = sequence.labels();
        let doubled = labels.windows(2).any(|pair| pair == [space; 2]);
        doubled || [labels.first(), labels.last()].contains(&Some(&space))
    };
    let mut found = (1..).zip(sequences).filter(|(_, sequence)| is_needless(sequence));
    let (first, _) = found.next()?;
    let lines = counted(1 + found.count(), "line");
    let message = format!(
        "{file}: leading, trailing or double spaces in {lines} count as labels; the first is line {first}"
    );
    Some(Warning { code: "outer_blanks", message })
}

/// Spaces that become another class than is meant, perhaps.
fn space_warning(file: &str, lines: &[&str], names: &Alphabet, split: LabelSplit) -> Option<Warning> {
    let class = names.space()?;
    let token = &names.tokens()[class as usize];
    let first_with = |text: &str| lines.iter().position(|line| line.contains(text)).map(|line| line + 1);
    if split == LabelSplit::Chars
        && token.chars().count() > 1
        && let Some(line) = first_with(token)
    {
        let message = format!(
            "{file}: line {line} has {}, which is a token, but labels are split into characters: if spaces separate the \
             tokens, give --label-split tokens",
            shown(token)
        );
        return Some(Warning { code: "spaced_labels", message });
    }
    let mark = mark_beside_bar(names.tokens(), class)?;
    let line = first_with(" ")?;
    let message = format!(
        "{file}: spaces become class {class}, '|', as the alphabet has no space (the first in line {line}): other marks in \
         {}, such as {}, suggest that '|' is just another mark; then remove the spaces, or put the space's entry back into \
         the alphabet",
        names.name(),
        shown(mark)
    );
    Some(Warning { code: "bar", message })
}

/// What is odd about labels that are indices.
fn index_warnings(labels: &LabelFile, label_lengths: Option<&List<i64>>) -> Vec<Warning> {
    let padding = seeming_label_padding(labels, label_lengths).map(|found| {
        let way = if labels.is_text() { "remove it" } else { "give --label-lengths to leave it out" };
        Warning { code: "label_padding", message: format!("{found}: if that is padding, {way}") }
    });
    let left_out =
        left_out_labels(labels, label_lengths).map(|message| Warning { code: "labels_left_out", message });
    padding.into_iter().chain(left_out).collect()
}

/// Where more than one label in so many is unknown, the text is in another spelling.
const FEW_UNKNOWN: usize = 10;

/// So many of all labels are not in the alphabet that the text is hardly in it; `token` stands for them, and `first` is
/// the error of the first.
fn many_unknown(
    all: usize,
    found: usize,
    token: &str,
    first: impl FnOnce() -> Option<InputError>,
) -> Option<Warning> {
    let error = (FEW_UNKNOWN * found > all).then(first).flatten()?;
    let InputError::Content(finding) = &error else { return None };
    // That there is --unk is known.
    let hint = finding.hint.as_ref().filter(|hint| !hint.contains("--unk"));
    let message = format!(
        "{}: {found} of {} are not in the alphabet and become {} (--unk): the first is {}, {}{}",
        display_name(&finding.file),
        counted(all, "label"),
        shown(token),
        finding.found,
        finding.place,
        hint.map_or(String::new(), |hint| format!(": {hint}"))
    );
    Some(Warning { code: "unknown_labels", message })
}

/// A class that fills the end of rows as padding does.
pub(super) fn seeming_label_padding(labels: &LabelFile, label_lengths: Option<&List<i64>>) -> Option<String> {
    if label_lengths.is_some() {
        return None;
    }
    let (class, padded) = labels.padded_rows()?;
    let (name, rows) = (labels.name(), counted(padded, "row"));
    Some(format!("{name}: label {class} fills the ends of {rows}"))
}

/// Labels behind their rows' lengths that are no padding.
pub(super) fn left_out_labels(labels: &LabelFile, label_lengths: Option<&List<i64>>) -> Option<String> {
    let lengths = label_lengths?;
    let LeftOut { label, row, position, rows } = labels.left_out(lengths)?;
    Some(format!(
        "{}: {} behind the length in {}, besides padding; the first is {label}, item {row}, position {position}",
        labels.name(),
        if rows == 1 { "1 row has labels".to_owned() } else { format!("{rows} rows have labels") },
        lengths.name(),
    ))
}

/// Text has no padding.
pub(super) fn check_label_lengths(
    labels: &LabelFile,
    label_lengths: Option<&List<i64>>,
) -> Result<(), UsageError> {
    match label_lengths {
        Some(_) if labels.is_text() => {
            Err(UsageError::new("--label-lengths is for .npy labels; in text, each line is an item"))
        }
        _ => Ok(()),
    }
}
