//! Tokens and words in time, as results show them.

use std::io;

use super::ctc_shape::CtcShape;
use super::diagnostics::UsageError;
use super::output_args::OutputArgs;
use super::values::{Layout, Word};
use crate::decode::TokenSpan;
use crate::decode::spelling::Spelling;
use crate::input::Matrix;
use crate::report::decode::TimedItem;
use crate::report::intervals::{TimedText, write_ctm, write_srt, write_textgrid};
use crate::report::{Format, OutputError, Shortest, Warning};

/// Refuses a format of times where nobody said how long a frame is; `how` to go on.
pub(super) fn check_times(format: Format, frame_shift: Option<f64>, how: &str) -> Result<(), UsageError> {
    if format.has_times() && frame_shift.is_none() {
        let message = format!("--format {} needs times in seconds", format.word());
        return Err(UsageError::new(message).hint(format!("give {how}")));
    }
    Ok(())
}

/// Subtitles of several items would lie over each other, for each item's time begins at 0.
pub(super) fn check_subtitles(format: Format, matrix: &Matrix, shape: &CtcShape) -> Result<(), UsageError> {
    if format != Format::Srt || shape.items <= 1 {
        return Ok(());
    }
    let message =
        format!("--format srt holds subtitles for one item, but {} has {}", matrix.name(), shape.items);
    let one = if shape.layout == Layout::Tnc { "x[:, 0]" } else { "x[0]" };
    Err(UsageError::new(message).hint(format!(
        "use textgrid or ctm for several items; for subtitles of one, save it alone: numpy.save('item.npy', {one})"
    )))
}

/// Writes texts in a format of times.
pub(super) fn write_times(
    output: &OutputArgs,
    format: Format,
    items: &[TimedText<'_>],
    frame_shift: f64,
) -> Result<(), OutputError> {
    output.output(format).deliver(|out| match format {
        Format::Ctm => write_ctm(items, frame_shift, out),
        Format::Srt => items.iter().try_for_each(|item| write_srt(item, out)),
        Format::TextGrid => write_textgrid(items, frame_shift, out),
        _ => Err(io::Error::other("a format without times")),
    })
}

/// Frames, and seconds where it is known how long a frame is.
#[derive(Clone, Copy)]
pub(super) struct Clock(pub(super) Option<f64>);

/// Seconds that hardly any network has from frame to frame.
const LONG_FRAME: f64 = 1.0;

impl Clock {
    /// A frame shift that is rather in milliseconds.
    pub(super) fn warning(self) -> Option<Warning> {
        let shift = self.0.filter(|&shift| shift >= LONG_FRAME)?;
        let given = Shortest(shift);
        // A network's stride: of speech 10 to 80 ms at 16 kHz.
        let meant = if shift >= 100.0 && shift % 80.0 == 0.0 {
            format!("{given} is a number of samples at 16 kHz, give {}", Shortest(shift / 16_000.0))
        } else {
            format!("{given} is in milliseconds, give {}", Shortest(shift / 1000.0))
        };
        let message = format!("--frame-shift is in seconds per frame: if {meant}");
        Some(Warning { code: "long_frames", message })
    }

    fn timed(self, token: Option<u32>, text: String, span: TokenSpan) -> TimedItem {
        let TokenSpan { start_frame, end_frame, peak_frame, confidence } = span;
        let seconds = |frame: usize| self.0.map(|shift| frame as f64 * shift);
        TimedItem {
            token,
            text,
            start_frame,
            end_frame,
            peak_frame,
            confidence,
            start_seconds: seconds(start_frame),
            end_seconds: seconds(end_frame),
            peak_seconds: seconds(peak_frame),
        }
    }

    pub(super) fn tokens(self, spelling: &Spelling, tokens: &[u32], spans: &[TokenSpan]) -> Vec<TimedItem> {
        let token = |(&token, &span)| self.timed(Some(token), spelling.token(token), span);
        tokens.iter().zip(spans).map(token).collect()
    }

    pub(super) fn words(
        self,
        spelling: &Spelling,
        tokens: &[u32],
        spans: &[TokenSpan],
    ) -> Option<Vec<TimedItem>> {
        let words = spelling.words(tokens, spans)?.into_iter();
        Some(words.map(|word| self.timed(None, word.text, word.span)).collect())
    }
}
