//! Tokens and words in time, as results show them.

use crate::decode::TokenSpan;
use crate::decode::spelling::Spelling;
use crate::report::decode::TimedItem;

/// Frames, and seconds where it is known how long a frame is.
#[derive(Clone, Copy)]
pub(super) struct Clock(pub(super) Option<f64>);

impl Clock {
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
