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
            "--frame-shift {} is so many seconds from one frame to the next: for milliseconds, give {}",
            Shortest(shift),
            Shortest(shift / 1000.0)
        );
        Some(Warning { code: "long_frames", message })
    }

    fn seconds(self, frame: usize) -> Option<f64> {
        self.0.map(|shift| frame as f64 * shift)
    }

    pub(super) fn tokens(self, spelling: &Spelling, tokens: &[u32], spans: &[TokenSpan]) -> Vec<TimedItem> {
        let timed = tokens.iter().zip(spans).map(|(&token, span)| TimedItem {
            token: Some(token),
            text: spelling.token(token),
            start_frame: span.start_frame,
            end_frame: span.end_frame,
            peak_frame: span.peak_frame,
            confidence: span.confidence,
            start_seconds: self.seconds(span.start_frame),
            end_seconds: self.seconds(span.end_frame),
            peak_seconds: self.seconds(span.peak_frame),
        });
        timed.collect()
    }

    pub(super) fn words(
        self,
        spelling: &Spelling,
        tokens: &[u32],
        spans: &[TokenSpan],
    ) -> Option<Vec<TimedItem>> {
        let words = spelling.words(tokens, spans)?;
        let timed = words.into_iter().map(|word| TimedItem {
            token: None,
            text: word.text,
            start_frame: word.start_frame,
            end_frame: word.end_frame,
            peak_frame: word.peak_frame,
            confidence: word.confidence,
            start_seconds: self.seconds(word.start_frame),
            end_seconds: self.seconds(word.end_frame),
            peak_seconds: self.seconds(word.peak_frame),
        });
        Some(timed.collect())
    }
}
