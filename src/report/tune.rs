//! The report of `ctctool tune`.

use serde::Serialize;

use super::ctc_input::CtcInputParams;
use super::decode::SteeringParams;
use super::error_counts::RateSummary;
use super::{Cell, Record, Shortest, TableText};
use crate::input::{counted, display_name};

/// Every resolved setting.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct TuneParams {
    /// The matrix.
    #[serde(flatten)]
    pub input_params: CtcInputParams,
    /// The token, or the mark at a token's beginning, that separates words.
    pub word_delimiter: Option<String>,
    /// The references' file.
    pub refs: String,
    /// What steers the beam, without weight and bonus.
    #[serde(flatten)]
    pub steering: SteeringParams,
    /// The weights that were tried.
    pub lm_weights: Vec<f64>,
    /// The bonuses that were tried.
    pub word_bonuses: Vec<f64>,
    /// The widths that were tried.
    pub beams: Vec<u32>,
    /// Least log-probability of a token in a frame.
    pub token_min_logp: Option<f64>,
    /// `wer` or `cer`: what was to become least.
    pub objective: &'static str,
}

/// The result for all that was tried.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TuneSummary {
    /// Number of settings.
    pub settings: usize,
    /// Number of lines that each was tried on.
    pub lines: usize,
    /// Settings with as few errors as the best, and the best itself.
    pub tied: usize,
    /// The setting with the least errors; of tied ones the narrowest beam, then the one in their middle.
    pub best: TunePoint,
    /// The options of `decode` that make it.
    pub flags: String,
    /// What the best path reads, without beam and model.
    pub greedy: RateSummary,
}

/// One setting and its errors.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TunePoint {
    /// α.
    pub lm_weight: f64,
    /// β, in nats.
    pub word_bonus: f64,
    /// Width of the beam.
    pub beam: u32,
    /// Whether it is the one to use.
    pub is_best: bool,
    /// Its error rates.
    #[serde(flatten)]
    pub rates: RateSummary,
}

impl TunePoint {
    /// The options of `decode` that make it.
    pub(crate) fn flags(&self) -> String {
        let Self { beam, lm_weight, word_bonus, .. } = *self;
        let [lm_weight, word_bonus] = [lm_weight, word_bonus].map(Shortest);
        format!("--beam {beam} --lm-weight {lm_weight} --word-bonus {word_bonus}")
    }
}

impl Record for TunePoint {
    const COLUMNS: &'static [&'static str] = &[
        "lm_weight",
        "word_bonus",
        "beam",
        "cer_ratio",
        "character_errors",
        "wer_ratio",
        "word_errors",
        "is_best",
    ];

    fn cells<'a>(&'a self, sink: &mut dyn FnMut(Cell<'a>)) {
        sink(Cell::Number(self.lm_weight));
        sink(Cell::Number(self.word_bonus));
        sink(Cell::Count(u64::from(self.beam)));
        sink(Cell::from(self.rates.cer_ratio));
        sink(Cell::Count(self.rates.characters.errors() as u64));
        sink(Cell::from(self.rates.wer_ratio));
        sink(Cell::Count(self.rates.words.errors() as u64));
        sink(if self.is_best { Cell::Text("*") } else { Cell::Empty });
    }
}

impl TuneSummary {
    /// The summary for people.
    pub(crate) fn table(&self, params: &TuneParams) -> TableText<'static> {
        let row = |name: &'static str, rates: &RateSummary| {
            vec![
                Cell::Text(name),
                Cell::from(rates.cer_ratio),
                Cell::from(rates.wer_ratio),
                Cell::from(rates.ser_ratio),
            ]
        };
        let title = format!(
            "{} on {} of {}: lowest {}: {}{}",
            counted(self.settings, "setting"),
            counted(self.lines, "line"),
            display_name(&params.input_params.matrix.logits),
            params.objective.to_uppercase(),
            self.flags,
            match self.tied {
                ..=1 => String::new(),
                tied => format!(" ({tied} tied; this is the middle one of those with the narrowest beam)"),
            },
        );
        let rows = vec![row("greedy", &self.greedy), row("best", &self.best.rates)];
        TableText { title, header: vec!["", "CER", "WER", "SER"], rows }
    }
}

/// The best point, and how many have as few `errors`. Of those it has the narrowest beam, and then lies nearest to
/// their middle in the grid: where all are as good, a corner would be the least likely to hold for other lines.
pub(crate) fn best_point<E: Ord>(
    points: &[TunePoint],
    errors: impl Fn(&TunePoint) -> E,
) -> Option<(usize, usize)> {
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
        let (at, tied) = best_point(&points, |_| 0).expect("points");
        assert_eq!((points[at].beam, points[at].lm_weight, points[at].word_bonus, tied), (5, 1.0, 0.0, 18));
        // One that is better than all others is best wherever it is.
        let (at, tied) = best_point(&points, |point| usize::from(point.lm_weight + point.word_bonus < 8.5))
            .expect("points");
        assert_eq!((points[at].beam, points[at].lm_weight, points[at].word_bonus, tied), (5, 2.0, 7.0, 2));
        assert!(best_point(&[], |_| 0).is_none());
    }

    /// As many as can be asked for, none better than another.
    #[test]
    fn a_hundred_thousand_settings_may_tie() {
        let points: Vec<TunePoint> = (0..100_000).map(|i| point(1, f64::from(i), 0.0)).collect();
        let (at, tied) = best_point(&points, |_| 0).expect("points");
        // Two are as near to the middle; the first of them.
        assert_eq!((at, tied), (49_999, 100_000));
    }
}
