//! A bar for work that takes long, where somebody watches.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::diagnostics::Diagnostics;

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(700);

/// Counts done items; on standard error, only at a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    wanted: bool,
}

impl Progress {
    pub(super) fn new(items: usize, diagnostics: Diagnostics) -> Self {
        let bar = ProgressBar::with_draw_target(Some(items as u64), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left") {
            bar.set_style(style);
        }
        Self { bar, started: Instant::now(), wanted: !diagnostics.quiet && stderr().is_terminal() }
    }

    pub(super) fn item_done(&self) {
        if self.wanted && self.bar.is_hidden() && self.started.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(1);
    }

    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
