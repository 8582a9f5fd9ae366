//! Tokens and words in time, as results show them.

use crate::decode::TokenSpan;
use crate::decode::spelling::Spelling;
use crate::report::decode::TimedItem;
use crate::report::{Shortest, Warning};

/// Frames, and seconds where it is known how long a frame is.
#[derive(Clone, Copy)]
pub(super) struct Clock(pub(super) Option<f64>);

/// Seconds that hardly any network has from frame to frame.
const LONG_FRAME: f64 = 1.0;

impl Clock {
    /// A frame shift that is rather in milliseconds.
    pub(super) fn warning(self) -> Option<Warning> {
        let shift = self.0.filter(|&shift| shift >= LONG_FRAME)?;
        let message = format!(
            "--frame-shift is in seconds per frame: if {} is in milliseconds, give {}",
            Shortest(shift),
            Shortest(shift / 1000.0)
        );
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
