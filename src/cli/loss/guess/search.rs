//! What the combinations come to, and how far each is from what was asked for.

use crate::cli::values::{Criterion, Word};
use crate::input::{AlphabetFile, List};
use crate::loss::guess::{Convention, Unit};
use crate::loss::reduction::Reduction;
use crate::metrics::Tolerance;
use crate::report::guess::GuessItem;

/// How far a combination may be from what was asked for; more would match by chance.
const MAX_STEPS: u32 = 4;

/// What is common to the numbers that one computation gives, and how far it is from what was asked for.
#[derive(Clone, Default)]
pub(super) struct Setup {
    flags: Vec<String>,
    notes: Vec<String>,
    steps: u32,
    /// Whether something is in the notes that no flag says.
    unsaid: bool,
}

impl Setup {
    pub(super) fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// A note on what no flag of this program does.
    pub(super) fn unsaid(mut self, note: impl Into<String>) -> Self {
        self.unsaid = true;
        self.note(note)
    }

    pub(super) fn step(mut self, steps: u32) -> Self {
        self.steps += steps;
        self
    }

    /// The value of an option: printed unless it is the default and was asked for.
    pub(super) fn option(self, flag: String, is_asked: bool, is_default: bool) -> Self {
        let setup = if is_asked && is_default { self } else { self.flag(flag) };
        if is_asked { setup } else { setup.step(1) }
    }
}

/// What options' files hold, read once: a pipe has it once.
pub(super) struct Given {
    pub(super) lengths: Option<List<i64>>,
    pub(super) label_lengths: Option<List<i64>>,
    pub(super) weight: Option<Vec<f64>>,
    pub(super) alphabet: Option<AlphabetFile>,
}

/// Takes every number that comes up and keeps those that match.
pub(super) struct Search {
    pub(super) given: Given,
    guess: f64,
    tolerance: Tolerance,
    asked: Reduction,
    pub(super) tried: usize,
    pub(super) matches: Vec<(u32, GuessItem)>,
    pub(super) closest: Option<GuessItem>,
    /// Why a combination is impossible, the one that is nearest to what was asked for, and how near it is.
    pub(super) obstacle: Option<(u32, anyhow::Error)>,
    /// Whether what was asked for was among the combinations.
    as_asked: bool,
}

impl Search {
    pub(super) fn new(given: Given, guess: f64, tolerance: Tolerance, asked: Reduction) -> Self {
        Self {
            given,
            guess,
            tolerance,
            asked,
            tried: 0,
            matches: Vec::new(),
            closest: None,
            obstacle: None,
            as_asked: false,
        }
    }

    /// Notes why `setup` is impossible.
    pub(super) fn obstacle(&mut self, setup: &Setup, error: impl Into<anyhow::Error>) {
        if self.obstacle.as_ref().is_none_or(|(steps, _)| setup.steps < *steps) {
            self.obstacle = Some((setup.steps, error.into()));
        }
    }

    pub(super) fn offer(&mut self, setup: &Setup, criterion: Criterion, numbers: &[(Convention, f64)]) {
        for &(convention, loss_nats) in numbers {
            let reduction = match convention {
                Convention::Mean => Some(Reduction::Mean),
                Convention::Sum => Some(Reduction::Sum),
                _ => None,
            };
            let setup = match (reduction, convention.describe()) {
                (Some(reduction), _) => {
                    let flag = format!("--reduction {}", reduction.word());
                    setup.clone().option(flag, reduction == self.asked, reduction == Reduction::Mean)
                }
                (None, note) => setup.clone().note(note.unwrap_or_default()).step(1),
            };
            for unit in Unit::ALL {
                let setup = match unit.describe() {
                    Some(note) => setup.clone().note(note).step(2),
                    None => setup.clone(),
                };
                let value = unit.of(loss_nats);
                // But for rounding, none is below 1.
                if unit == Unit::Perplexity && value < 1.0 - 1e-6 {
                    continue;
                }
                self.as_asked |= setup.steps == 0;
                if setup.steps > MAX_STEPS || !value.is_finite() {
                    continue;
                }
                let suffice = !setup.unsaid && reduction.is_some() && unit == Unit::Nats;
                self.judge(value, &setup, criterion, convention, unit, suffice);
            }
        }
    }

    /// Why what was asked for is impossible, where it is.
    pub(super) fn objection(&self) -> Option<&anyhow::Error> {
        let (_, error) = self.obstacle.as_ref().filter(|(steps, _)| *steps == 0)?;
        (!self.as_asked).then_some(error)
    }

    fn judge(
        &mut self,
        value: f64,
        setup: &Setup,
        criterion: Criterion,
        convention: Convention,
        unit: Unit,
        flags_suffice: bool,
    ) {
        self.tried += 1;
        let difference = self.tolerance.compare(self.guess, value);
        let nearer = |closest: &GuessItem| (value - self.guess).abs() < (closest.value - self.guess).abs();
        if !difference.passed && !self.closest.as_ref().is_none_or(nearer) {
            return;
        }
        let item = GuessItem {
            value,
            relative_difference: difference.relative,
            criterion: criterion.word(),
            convention: convention.name(),
            unit: unit.name(),
            flags: setup.flags.join(" "),
            flags_suffice,
            note: (!setup.notes.is_empty()).then(|| setup.notes.join("; ")),
        };
        if difference.passed {
            self.matches.push((setup.steps, item));
        } else {
            self.closest = Some(item);
        }
    }
}
