//! CTC losses by every blank, reading and label shift that is possible.

use super::super::super::ctc_shape::CtcShape;
use super::super::super::values::{Criterion, Layout};
use super::super::Args;
use super::search::{Given, Search, Setup};
use crate::input::{LabelFile, Matrix};
use crate::logits::InputKind;
use crate::loss::ctc::CtcLabels;
use crate::loss::guess::{Convention, LabelShift, Reading, blanks};
use crate::loss::reduction::Reducer;

/// What becomes of items without an alignment.
#[derive(Clone, Copy, PartialEq)]
enum Impossible {
    Infinite,
    Zero,
    LeftOut,
}

impl Args {
    /// `rows`: `[rows, classes]`, item by item.
    pub(super) fn guess_ctc(
        &self,
        ctc: &CtcShape,
        rows: &[f64],
        labels: &LabelFile,
        readings: &[Reading],
        setup: &Setup,
        search: &mut Search,
    ) -> anyhow::Result<()> {
        let classes = ctc.classes;
        let mut readings = readings.to_vec();
        if readings.contains(&Reading::Kind(InputKind::Probs)) {
            readings.push(Reading::ProbsPlusEpsilon);
        }
        let mut all_lengths = Vec::new();
        match ctc.lengths(search.given.lengths.as_ref()) {
            Ok(lengths) => all_lengths.push((lengths, setup.clone())),
            Err(error) => search.obstacle(setup, error),
        }
        if search.given.lengths.is_some() {
            let setup = setup.clone().note("without --lengths").step(1);
            all_lengths.push((vec![ctc.frames; ctc.items], setup));
        }
        let asked = self.alphabet.names.blank_of(classes, search.given.alphabet.as_ref())?;
        let blanks = blanks(rows, classes, asked);
        for (lengths, setup) in &all_lengths {
            for &(blank, rare) in &blanks {
                let word = if blank as usize + 1 == classes { "last".to_owned() } else { blank.to_string() };
                let setup = setup.clone().option(format!("--blank {word}"), blank == asked, blank == 0);
                let setup = setup.step(u32::from(rare));
                let plain = |reading: &&Reading| reading.describe().is_none();
                for (targets, setup) in self.label_sequences(labels, ctc, blank, rare, &setup, search) {
                    let before = search.matches.len();
                    for &reading in readings.iter().filter(|reading| !rare || plain(reading)) {
                        // Mostly that is next to nothing, and explains no more than what matches without.
                        if reading == Reading::ProbsPlusEpsilon && search.matches.len() > before {
                            continue;
                        }
                        let setup = self.read_as(reading, setup.clone());
                        let losses = reading.ctc_losses(rows, classes, ctc.frames, &targets, lengths);
                        self.offer_ctc(&losses, &targets, lengths, &setup, search);
                    }
                }
            }
        }
        Ok(())
    }

    /// The labels as they are and as they may have been meant, each where it is possible.
    fn label_sequences(
        &self,
        labels: &LabelFile,
        ctc: &CtcShape,
        blank: u32,
        rare: bool,
        setup: &Setup,
        search: &mut Search,
    ) -> Vec<(Vec<CtcLabels>, Setup)> {
        let mut found = Vec::new();
        let Given { label_lengths, alphabet, .. } = &search.given;
        let as_they_are =
            self.alphabet.sequences_by(alphabet.clone(), blank, labels, ctc, label_lengths.as_ref());
        match as_they_are {
            Ok(targets) => found.push((targets.sequences, setup.clone())),
            Err(error) => search.obstacle(setup, error),
        }
        // Text has no numbers to shift.
        if rare || self.alphabet.names.alphabet.is_some() && labels.is_text() {
            return found;
        }
        let Ok(raw) = labels.raw_sequences(ctc.items, search.given.label_lengths.as_ref()) else {
            return found;
        };
        // Where the labels do not fit as they are, something was done to them.
        let steps = 1 + u32::from(!found.is_empty());
        for shift in [LabelShift::FromOne, LabelShift::LeftOut { class: i64::from(blank) }] {
            let shifted = |sequence: &Vec<i64>| {
                let label = |&label: &i64| u32::try_from(shift.apply(label)).ok();
                let labels: Option<Vec<u32>> = sequence.iter().map(label).collect();
                CtcLabels::new(&labels?, ctc.classes, blank).ok()
            };
            let changes = raw.iter().flatten().any(|&label| shift.apply(label) != label);
            if let (true, Some(sequences)) = (changes, raw.iter().map(shifted).collect()) {
                let note = shift.describe(None).unwrap_or_default();
                found.push((sequences, setup.clone().unsaid(note).step(steps)));
            }
        }
        found
    }

    fn offer_ctc(
        &self,
        losses: &[f64],
        targets: &[CtcLabels],
        lengths: &[usize],
        setup: &Setup,
        search: &mut Search,
    ) {
        let infinite = losses.iter().filter(|loss| **loss == f64::INFINITY).count();
        for impossible in [Impossible::Infinite, Impossible::Zero, Impossible::LeftOut] {
            let nothing_left = impossible == Impossible::LeftOut && infinite == losses.len();
            if impossible != Impossible::Infinite && infinite == 0 || nothing_left {
                continue;
            }
            let mut reducer = Reducer::default();
            let (mut frames, mut items, mut over_frames) = (0, 0, 0.0);
            for ((&loss, labels), &length) in losses.iter().zip(targets).zip(lengths) {
                let loss = match impossible {
                    Impossible::LeftOut if loss == f64::INFINITY => continue,
                    Impossible::Zero if loss == f64::INFINITY => 0.0,
                    _ => loss,
                };
                reducer.add_ctc(loss, labels.len());
                frames += length;
                items += 1;
                over_frames += loss / length as f64;
            }
            let reductions = reducer.finish();
            let mut numbers = Convention::of(&reductions);
            numbers.push((Convention::FrameMean, reductions.sum / frames as f64));
            numbers.push((Convention::ItemFrameMean, over_frames / f64::from(items)));
            let setup = match impossible {
                Impossible::Infinite => setup.clone(),
                Impossible::Zero => {
                    let flag = "--zero-infinity".to_owned();
                    setup.clone().option(flag, self.settings.zero_infinity, false)
                }
                Impossible::LeftOut => {
                    setup.clone().unsaid("the other system leaves out items without an alignment").step(2)
                }
            };
            search.offer(&setup, Criterion::Ctc, &numbers);
        }
    }
}

/// The input in each layout that it may have.
pub(super) fn ctc_shapes(matrix: &Matrix, setup: &Setup, search: &mut Search) -> Vec<CtcShape> {
    let layouts: &[Layout] =
        if matrix.shape().len() == 3 { &[Layout::Tnc, Layout::Ntc] } else { &[Layout::Tc] };
    let shapes = layouts.iter().map(|&layout| CtcShape::new(matrix, Some(layout), None));
    shapes.filter_map(|shape| shape.map_err(|error| search.obstacle(setup, error)).ok()).collect()
}
