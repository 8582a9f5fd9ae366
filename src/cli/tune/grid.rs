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
