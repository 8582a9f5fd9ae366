//! Which options of `loss` go together.

use std::path::Path;

use super::super::diagnostics::UsageError;
use super::super::values::Criterion;
use super::Args;
use crate::loss::reduction::Reduction;
use crate::report::is_standard_output;

impl Args {
    /// What can be refused before a file is opened.
    pub(super) fn check_usage(&self) -> Result<(), UsageError> {
        let checked = self.checks.max_loss.is_some() || self.checks.expect.is_some();
        if self.format.is_of_checks() && !checked {
            return Err(UsageError::new(
                "--format github and junit show only checks: give --max-loss or --expect",
            ));
        }
        if self.gradient.wanted() && self.settings.reduction == Reduction::None {
            return Err(UsageError::new(
                "--grad and --check-grad need a reduced loss: --reduction mean or sum",
            ));
        }
        if checked && self.settings.reduction == Reduction::None {
            return Err(UsageError::new(
                "--max-loss and --expect need a reduced loss: --reduction mean or sum",
            )
            .hint("to check items one by one, compare two results: ctctool compare BASE NEW"));
        }
        let result_is_there = || self.output.output.as_deref().is_none_or(is_standard_output);
        let to_output = |path: &Path| path == Path::new("-") || is_standard_output(path) && result_is_there();
        if self.gradient.grad.as_deref().is_some_and(to_output) {
            return Err(UsageError::new(
                "--grad: expected a file; the result already goes to standard output",
            ));
        }
        let smoothing = self.settings.label_smoothing;
        if let Some(smoothing) = smoothing.filter(|smoothing| !(0.0..=1.0).contains(smoothing)) {
            let message = format!("--label-smoothing: expected a number from 0 to 1, found {smoothing}");
            return Err(UsageError::new(message));
        }
        if let Some(guess) = self.checks.guess.filter(|guess| !guess.is_finite()) {
            return Err(UsageError::new(format!("--guess: expected a finite number, found {guess}")));
        }
        if self.checks.guess.is_some() && self.settings.reduction == Reduction::None {
            return Err(UsageError::new(
                "--guess looks for a single number, but --reduction none gives one per item",
            ));
        }
        let (ctc, cross_entropy) = (self.ctc_option(), self.cross_entropy_option());
        let clash = match (self.settings.criterion, ctc, cross_entropy) {
            (Some(Criterion::CrossEntropy), Some(option), _) => {
                format!("{option} is for CTC, not cross-entropy")
            }
            (Some(Criterion::Ctc), _, Some(option)) => {
                format!("{option} is for cross-entropy, not CTC")
            }
            (None, Some(one), Some(other)) => {
                format!("{one} is for CTC and {other} for cross-entropy: leave one of them out")
            }
            _ => return Ok(()),
        };
        Err(UsageError::new(clash))
    }

    /// The first option given that only CTC has.
    pub(super) fn ctc_option(&self) -> Option<&'static str> {
        let given = [
            (self.logits.layout.is_some(), "--layout"),
            (self.logits.lengths.is_some(), "--lengths"),
            (self.label_lengths.is_some(), "--label-lengths"),
            (self.alphabet.label_split.is_some(), "--label-split"),
            (self.alphabet.unk.is_some(), "--unk"),
            (self.alphabet.names.blank.is_some(), "--blank"),
            (self.settings.zero_infinity, "--zero-infinity"),
        ];
        given.into_iter().find_map(|(given, option)| given.then_some(option))
    }

    /// The first option given that only cross-entropy has.
    pub(super) fn cross_entropy_option(&self) -> Option<&'static str> {
        let given = [
            (self.settings.class_axis.is_some(), "--class-axis"),
            (self.settings.weight.is_some(), "--weight"),
            (self.settings.ignore_index.is_some(), "--ignore-index"),
            (self.settings.label_smoothing.is_some(), "--label-smoothing"),
        ];
        given.into_iter().find_map(|(given, option)| given.then_some(option))
    }
}
