//! Where texts lie in time, in the formats of other programs.

use std::borrow::Cow;
use std::io::{self, Write};

use super::decode::TimedItem;
use super::{ItemId, Status};

/// One item's tokens and words in time.
#[derive(Clone, Debug)]
pub(crate) struct TimedText<'a> {
    /// The input and the item's index.
    pub id: &'a ItemId,
    /// Frames in use.
    pub frames: usize,
    /// What kind of result it is.
    pub status: Status,
    /// Why there is none, where there is none.
    pub objection: Option<String>,
    /// Where each token lies.
    pub tokens: &'a [TimedItem],
    /// Where each word lies, where the alphabet has words.
    pub words: Option<&'a [TimedItem]>,
}

impl TimedText<'_> {
    /// The words, or the tokens where there are none.
    fn units(&self) -> &[TimedItem] {
        self.words.unwrap_or(self.tokens)
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
pub(crate) fn write_ctm(items: &[TimedText<'_>], frame_shift: f64, out: &mut dyn Write) -> io::Result<()> {
    let decimals = decimals_of(frame_shift);
    for item in items {
        if let Some(objection) = &item.objection {
            writeln!(out, ";; {}", objection.replace(['\n', '\r'], " "))?;
        }
        for unit in item.units() {
            let (start, end) = seconds(unit);
            let (id, word) = (
                item.id.to_string().replace(char::is_whitespace, "_"),
                unit.text.replace(char::is_whitespace, "_"),
            );
            writeln!(
                out,
                "{id} 1 {start:.decimals$} {:.decimals$} {word} {:.4}",
                end - start,
                unit.confidence
            )?;
        }
    }
    Ok(())
}

/// So many decimals tell multiples of a frame shift apart: three, or what it takes to write it.
fn decimals_of(frame_shift: f64) -> usize {
    let is_exact = |&decimals: &usize| {
        let scaled = frame_shift * 10_f64.powi(decimals as i32);
        (scaled - scaled.round()).abs() <= 1e-6 * scaled
    };
    (3..9).find(is_exact).unwrap_or(9)
}

/// SubRip subtitles of one item: a caption a word.
///
/// # Errors
/// Where `out` can't be written.
pub(crate) fn write_srt(item: &TimedText<'_>, out: &mut dyn Write) -> io::Result<()> {
    for (unit, number) in item.units().iter().zip(1..) {
        let (start, end) = seconds(unit);
        // An empty line would end the caption.
        let text = unit.text.replace(['\n', '\r'], " ");
        writeln!(out, "{number}\n{} --> {}\n{text}\n", srt_time(start), srt_time(end.max(start + 1e-3)))?;
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
pub(crate) fn write_textgrid(
    items: &[TimedText<'_>],
    frame_shift: f64,
    out: &mut dyn Write,
) -> io::Result<()> {
    // Praat has no time without a length.
    let end = items.iter().map(|item| item.frames).max().unwrap_or(0).max(1) as f64 * frame_shift;
    let mut tiers: Vec<(String, &[TimedItem])> = Vec::new();
    for item in items {
        let (id, status) = (item.id, item.status);
        let status = if status == Status::Ok { String::new() } else { format!(" ({})", status.name()) };
        if let Some(words) = item.words {
            tiers.push((format!("{id} words{status}"), words));
        }
        tiers.push((format!("{id} tokens{status}"), item.tokens));
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
