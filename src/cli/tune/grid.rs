//! The settings that `ctctool tune` tries, and which is best.

use rayon::prelude::*;

use super::super::diagnostics::Diagnostics;
use super::super::progress::Progress;
use super::Args;
use crate::decode::batch::{DecodedAudited, ItemError, decode_collected};
use crate::decode::collect::ItemFrames;
use crate::decode::item::{ItemConfig, ItemDecoder};
use crate::decode::spelling::Spelling;
use crate::decode::{Fusion, FusionWeights};
use crate::metrics::{ErrorRates, LineErrors};
use crate::report::error_counts::RateSummary;
use crate::report::tune::TunePoint;

/// One combination of what is tried.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    beam: u32,
    lm_weight: f64,
    word_bonus: f64,
}

impl From<&TunePoint> for Setting {
    fn from(point: &TunePoint) -> Self {
        Self { beam: point.beam, lm_weight: point.lm_weight, word_bonus: point.word_bonus }
    }
}

/// All that a setting is tried on.
pub(super) struct Trial<'a> {
    pub(super) config: ItemConfig,
    pub(super) classes: usize,
    pub(super) items: &'a [ItemFrames],
    pub(super) references: &'a [String],
    pub(super) spelling: &'a Spelling,
    pub(super) fusion: &'a Fusion,
    /// But for what a setting has.
    pub(super) weights: FusionWeights,
    /// What is said of an item that can't be decoded.
    pub(super) refused: &'a (dyn Fn(ItemError) -> anyhow::Error + Sync),
}

impl Trial<'_> {
    /// The items as a setting reads them.
    pub(super) fn decode(&self, setting: Setting) -> anyhow::Result<Vec<DecodedAudited>> {
        let Setting { beam, lm_weight, word_bonus } = setting;
        let config = ItemConfig { beam_width: Some(beam as usize), ..self.config };
        let weights = FusionWeights { lm_weight, unit_bonus: word_bonus, ..self.weights };
        let mut decoder = ItemDecoder::new(config, self.classes, Some((self.fusion, weights)))?;
        decode_collected(&mut decoder, self.items).map_err(self.refused)
    }

    /// The error rates of items that were decoded.
    pub(super) fn rates(&self, decoded: &[DecodedAudited]) -> RateSummary {
        let mut rates = ErrorRates::default();
        for (text, reference) in self.texts(decoded).zip(self.references) {
            rates.add(&LineErrors::new(reference, &text));
        }
        rates.into()
    }

    /// What was read of each item.
    pub(super) fn texts(&self, decoded: &[DecodedAudited]) -> impl Iterator<Item = String> {
        let best = |item: &DecodedAudited| {
            let tokens = &item.decoded.transcripts.first()?.tokens;
            Some(self.spelling.text(tokens))
        };
        decoded.iter().map(move |item| best(item).unwrap_or_default())
    }
}

impl Args {
    fn settings(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        let bonuses = unique(&self.bonuses());
        for beam in unique(&self.beams) {
            for lm_weight in unique(&self.lm_weights) {
                settings.extend(bonuses.iter().map(|&word_bonus| Setting { beam, lm_weight, word_bonus }));
            }
        }
        settings
    }

    /// What comes of each setting.
    pub(super) fn try_all(
        &self,
        trial: &Trial<'_>,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<Vec<TunePoint>> {
        let settings = self.settings();
        let progress = Progress::new(settings.len(), diagnostics);
        let points = settings.par_iter().with_max_len(1).map(|&setting| {
            let rates = trial.rates(&trial.decode(setting)?);
            progress.item_done();
            let Setting { beam, lm_weight, word_bonus } = setting;
            Ok(TunePoint { lm_weight, word_bonus, beam, is_best: false, rates })
        });
        let points: Vec<anyhow::Result<TunePoint>> = points.collect();
        progress.finish();
        // The first error in order, at any number of threads.
        points.into_iter().collect()
    }
}

/// The best point, and how many have as few `errors`. Of those it has the narrowest beam, and then lies nearest to
/// their middle in the grid: where all are as good, a corner would be the least likely to hold for other lines.
pub(super) fn best<E: Ord>(points: &[TunePoint], errors: impl Fn(&TunePoint) -> E) -> Option<(usize, usize)> {
    let least = points.iter().map(&errors).min()?;
    let tied: Vec<usize> = (0..points.len()).filter(|&at| errors(&points[at]) == least).collect();
    let beam = tied.iter().map(|&at| points[at].beam).min()?;
    let axes: [fn(&TunePoint) -> f64; 2] = [|point| point.lm_weight, |point| point.word_bonus];
    let values = axes.map(|of| {
        let mut values: Vec<f64> = points.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    });
    let place = |&at: &usize| {
        let rank = |axis: usize| values[axis].partition_point(|&x| x < axes[axis](&points[at])) as i128;
        (at, [rank(0), rank(1)])
    };
    let places: Vec<(usize, [i128; 2])> =
        tied.iter().filter(|&&at| points[at].beam == beam).map(place).collect();
    // Times the count, so that all are integers.
    let count = places.len() as i128;
    let middle = [0, 1].map(|axis| places.iter().map(|(_, place)| place[axis]).sum::<i128>());
    let distance =
        |place: &[i128; 2]| (0..2).map(|axis| (count * place[axis] - middle[axis]).pow(2)).sum::<i128>();
    // Of equal ones the first that was asked for.
    let (best, _) = places.iter().min_by_key(|(_, place)| distance(place))?;
    Some((*best, tied.len()))
}

/// Each value once, in order; the list is short.
pub(super) fn unique<T: Copy + PartialEq>(values: &[T]) -> Vec<T> {
    let mut unique = Vec::new();
    for &value in values {
        if !unique.contains(&value) {
            unique.push(value);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::ErrorRates;

    fn point(beam: u32, lm_weight: f64, word_bonus: f64) -> TunePoint {
        let rates = ErrorRates::default().into();
        TunePoint { lm_weight, word_bonus, beam, is_best: false, rates }
    }

    #[test]
    fn of_tied_settings_the_one_in_the_middle_of_the_narrowest_beam_is_best() {
        let mut points = Vec::new();
        for beam in [10, 5] {
            for weight in [0.0, 2.0, 1.0] {
                points.extend([-1.0, 0.0, 7.0].map(|bonus| point(beam, weight, bonus)));
            }
        }
        let (at, tied) = best(&points, |_| 0).expect("points");
        assert_eq!((points[at].beam, points[at].lm_weight, points[at].word_bonus, tied), (5, 1.0, 0.0, 18));
        // One that is better than all others is best wherever it is.
        let (at, tied) =
            best(&points, |point| usize::from(point.lm_weight + point.word_bonus < 8.5)).expect("points");
        assert_eq!((points[at].beam, points[at].lm_weight, points[at].word_bonus, tied), (5, 2.0, 7.0, 2));
        assert!(best(&[], |_| 0).is_none());
    }

    /// As many as can be asked for, none better than another.
    #[test]
    fn a_hundred_thousand_settings_may_tie() {
        let points: Vec<TunePoint> = (0..100_000).map(|i| point(1, f64::from(i), 0.0)).collect();
        let (at, tied) = best(&points, |_| 0).expect("points");
        // Two are as near to the middle; the first of them.
        assert_eq!((at, tied), (49_999, 100_000));
    }
}
