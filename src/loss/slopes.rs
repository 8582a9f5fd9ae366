//! Slopes of losses by central differences: what a gradient is checked against.

use super::cross_entropy::CrossEntropy;
use super::ctc::loss_of_emissions;
use super::gradient_check::{Slope, central_difference};
use super::targets::Target;
use super::{Emissions, ItemEmissions};
use crate::logits::{InputKind, RowScale};

/// Slopes of CTC losses, item by item.
#[derive(Debug)]
pub struct CtcSlopes {
    kind: InputKind,
    /// The item that is looked at, and its log-probabilities, to be changed for a moment.
    in_hand: Option<(usize, Vec<f64>)>,
}

impl CtcSlopes {
    /// Of matrices whose values are `kind`.
    pub fn new(kind: InputKind) -> Self {
        Self { kind, in_hand: None }
    }

    /// The slope of the loss of item number `item`, whose emissions are `of_item`, by a class of a frame, whose values are
    /// `[classes]`; `None` where there is no difference. It is fast for one item after another.
    ///
    /// # Panics
    /// If there is no such frame or class.
    pub fn at(
        &mut self,
        (item, of_item): (usize, &ItemEmissions),
        frame: usize,
        values: &[f64],
        class: usize,
    ) -> Option<Slope> {
        let (kind, labels, emissions) = (self.kind, of_item.labels(), of_item.emissions());
        if self.in_hand.as_ref().is_none_or(|(in_hand, _)| *in_hand != item) {
            self.in_hand = Some((item, emissions.iter().flatten().copied().collect()));
        }
        let (_, log_probs) = self.in_hand.as_mut()?;
        let width = labels.columns().count();
        let place = frame * width..(frame + 1) * width;
        let slope = central_difference(&mut values.to_vec(), class, kind, |scores| {
            labels.columns().gather(scores, RowScale::new(scores, kind), &mut log_probs[place.clone()]);
            loss_of_emissions(&Emissions::new(log_probs, labels)).loss_nats
        });
        log_probs[place].copy_from_slice(emissions.frame(frame));
        slope
    }
}

/// The slope of a row's cross-entropy by a class; `row`: `[classes]`, whose values are `kind`. `None` where there is no
/// difference.
///
/// # Panics
/// If there is no such class.
pub fn cross_entropy_slope(
    loss: &CrossEntropy,
    row: &[f64],
    kind: InputKind,
    target: Target<'_>,
    class: usize,
) -> Option<Slope> {
    central_difference(&mut row.to_vec(), class, kind, |row| {
        let scale = RowScale::new(row, kind);
        match target {
            Target::Index(class) => loss.of_index(row, scale, class).loss_nats,
            Target::Probs(probs) => loss.of_probs(row, scale, probs).loss_nats,
            Target::Ignored => 0.0,
        }
    })
}
