//! The report of `ctctool align`.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::ctc_input::CtcInputParams;
use super::decode::TimedItem;
use super::{Cell, ItemId, Record, Status, TableText, infeasible};
use crate::input::{counted, display_name};

/// Every resolved setting; null where it does not apply.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AlignParams {
    /// The matrix.
    #[serde(flatten)]
    pub input_params: CtcInputParams,
    /// The labels, as the user named them.
    pub labels: String,
    /// How text labels were split.
    pub label_split: Option<&'static str>,
    /// The token for what is not in the alphabet.
    pub unk: Option<String>,
    /// Where the label lengths came from.
    pub label_lengths: Option<String>,
    /// Seconds from frame to frame.
    pub frame_shift: Option<f64>,
}

/// The result for the whole file.
#[derive(Clone, Debug, Serialize)]
pub struct AlignSummary {
    /// Number of items.
    pub items: usize,
    /// Items with an alignment.
    pub aligned: usize,
    /// Items with fewer frames than their labels need.
    pub infeasible: usize,
    /// Items whose every path has a probability of 0.
    pub infinite: usize,
}

/// One item's best path.
#[derive(Clone, Debug, Serialize)]
pub struct AlignItem {
    /// The input and the item's index.
    pub id: ItemId,
    /// The item's index.
    pub index: usize,
    /// `ok`, `infeasible`, or `infinite` where every path has a probability of 0.
    pub status: Status,
    /// Frames in use.
    pub frames: usize,
    /// Number of labels.
    pub label_length: usize,
    /// Labels and the blanks that repeats need.
    pub frames_needed: usize,
    /// The labels' text.
    pub text: String,
    /// Log-probability of the best path; null where there is none.
    pub path_logp_nats: Option<f64>,
    /// Where each label lies.
    pub tokens_timed: Vec<TimedItem>,
    /// Where each word lies, where the alphabet has words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<TimedItem>>,
}

impl AlignItem {
    /// Why there is no alignment; none where there is one.
    pub fn objection(&self) -> Option<String> {
        match self.status {
            Status::Ok => None,
            Status::Infeasible => {
                Some(infeasible(&self.id, self.label_length, self.frames_needed, self.frames))
            }
            _ => Some(format!("{}: every path of its labels has probability 0", self.id)),
        }
    }

    /// The words, or the tokens where there are none.
    fn units(&self) -> &[TimedItem] {
        self.words.as_deref().unwrap_or(&self.tokens_timed)
    }
}

impl Record for AlignItem {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "index",
        "status",
        "unit",
        "text",
        "start_frame",
        "end_frame",
        "peak_frame",
        "confidence",
        "start_seconds",
        "end_seconds",
        "path_logp_nats",
    ];

    /// A row a token and a row a word; one row where there is neither, or no alignment.
    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        let mut row = |unit: &'static str, timed: Option<&'a TimedItem>| {
            sink(Cell::Id(&self.id));
            sink(Cell::Count(self.index as u64));
            sink(Cell::Text(self.status.name()));
            let Some(timed) = timed else {
                (0..Self::COLUMNS.len() - 4).for_each(|_| sink(Cell::Empty));
                sink(Cell::from(self.path_logp_nats));
                return;
            };
            sink(Cell::Text(unit));
            timed.cells(sink);
            sink(Cell::from(self.path_logp_nats));
        };
        if self.tokens_timed.is_empty() {
            row("", None);
        }
        self.tokens_timed.iter().for_each(|token| row("token", Some(token)));
        self.words.iter().flatten().for_each(|word| row("word", Some(word)));
    }
}

impl AlignSummary {
    /// The summary for people.
    pub fn table(&self, params: &AlignParams) -> TableText<'static> {
        let title = format!(
            "{} of {} of {} aligned, {} infeasible{}: {}",
            self.aligned,
            counted(self.items, "item"),
            display_name(&params.input_params.matrix.logits),
            self.infeasible,
            if self.infinite > 0 { format!(", {} without a path", self.infinite) } else { String::new() },
            params.input_params.described()
        );
        TableText { title, header: Vec::new(), rows: Vec::new() }
    }
}

fn seconds(item: &TimedItem) -> (f64, f64) {
    (item.start_seconds.unwrap_or(0.0), item.end_seconds.unwrap_or(0.0))
}

/// NIST's time-marked conversation format: file, channel, start, duration, word, confidence. An item without an
/// alignment is a comment.
///
/// # Errors
/// Where `out` can't be written.
pub fn write_ctm(items: &[AlignItem], out: &mut dyn Write) -> io::Result<()> {
    for item in items {
        if let Some(objection) = item.objection() {
            writeln!(out, ";; {}", objection.replace(['\n', '\r'], " "))?;
        }
        for unit in item.units() {
            let (start, end) = seconds(unit);
            let (id, word) = (
                item.id.to_string().replace(char::is_whitespace, "_"),
                unit.text.replace(char::is_whitespace, "_"),
            );
            writeln!(out, "{id} 1 {start:.3} {:.3} {word} {:.4}", end - start, unit.confidence)?;
        }
    }
    Ok(())
}

/// SubRip subtitles of one item: a caption a word.
///
/// # Errors
/// Where `out` can't be written.
pub fn write_srt(item: &AlignItem, out: &mut dyn Write) -> io::Result<()> {
    for (unit, number) in item.units().iter().zip(1..) {
        let (start, end) = seconds(unit);
        // An empty line would end the caption.
        let text = unit.text.replace(['\n', '\r'], " ");
        writeln!(out, "{number}\n{} --> {}\n{text}\n", srt_time(start), srt_time(end))?;
    }
    Ok(())
}

fn srt_time(seconds: f64) -> String {
    let milliseconds = (seconds * 1e3).round() as u64;
    let (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02},{:03}", milliseconds / 1000 % 60, milliseconds % 1000)
}

/// Praat's TextGrid in its long form: two interval tiers an item, of words and of tokens; the name of one without an
/// alignment says so.
///
/// # Errors
/// Where `out` can't be written.
pub fn write_textgrid(items: &[AlignItem], frame_shift: f64, out: &mut dyn Write) -> io::Result<()> {
    // Praat has no time without a length.
    let end = items.iter().map(|item| item.frames).max().unwrap_or(0).max(1) as f64 * frame_shift;
    let mut tiers: Vec<(String, &[TimedItem])> = Vec::new();
    for item in items {
        let (id, status) = (&item.id, item.status);
        let status = if status == Status::Ok { String::new() } else { format!(" ({})", status.name()) };
        if let Some(words) = &item.words {
            tiers.push((format!("{id} words{status}"), words));
        }
        tiers.push((format!("{id} tokens{status}"), &item.tokens_timed));
    }
    writeln!(out, "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = {end}")?;
    writeln!(out, "tiers? <exists>\nsize = {}\nitem []:", tiers.len())?;
    for (number, (name, units)) in tiers.iter().enumerate() {
        // Praat wants the gaps as intervals, too.
        let mut intervals: Vec<(f64, f64, Cow<'_, str>)> = Vec::new();
        let mut at = 0.0;
        for unit in *units {
            let (start, stop) = seconds(unit);
            match intervals.last_mut() {
                // Words of one token share its frames, and a tier has one interval at a time.
                Some((_, last_stop, text)) if start < at => {
                    *text = format!("{text} {}", unit.text).into();
                    at = at.max(stop);
                    *last_stop = at;
                }
                _ => {
                    if start > at {
                        intervals.push((at, start, "".into()));
                    }
                    intervals.push((start, stop, unit.text.as_str().into()));
                    at = stop;
                }
            }
        }
        if end > at || intervals.is_empty() {
            intervals.push((at, end, "".into()));
        }
        let quoted = |text: &str| text.replace('"', "\"\"");
        writeln!(
            out,
            "    item [{}]:\n        class = \"IntervalTier\"\n        name = \"{}\"",
            number + 1,
            quoted(name)
        )?;
        writeln!(
            out,
            "        xmin = 0\n        xmax = {end}\n        intervals: size = {}",
            intervals.len()
        )?;
        for (number, (start, stop, text)) in intervals.iter().enumerate() {
            writeln!(
                out,
                "        intervals [{}]:\n            xmin = {start}\n            xmax = {stop}",
                number + 1
            )?;
            writeln!(out, "            text = \"{}\"", quoted(text))?;
        }
    }
    Ok(())
}
