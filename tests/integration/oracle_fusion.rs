//! What steers a beam, slowly: over strings, from the beginning of the text each time.

use std::collections::HashMap;

use ctctool::decode::FusionWeights;

/// An ARPA model as it stands in the file: base-10 logarithms of probability and back-off weight.
#[derive(Clone, Default)]
pub(crate) struct NaiveModel {
    pub(crate) ngrams: HashMap<Vec<String>, (f64, f64)>,
    pub(crate) order: usize,
}

impl NaiveModel {
    pub(crate) fn parse(text: &str) -> Self {
        let mut model = Self::default();
        for line in text.lines() {
            if let Some(order) = line.strip_prefix('\\').and_then(|line| line.strip_suffix("-grams:")) {
                model.order = order.parse().unwrap();
            } else if model.order > 0 && !line.is_empty() && !line.starts_with('\\') {
                let fields: Vec<&str> = line.split_whitespace().collect();
                let words = fields[1..=model.order].iter().map(|&word| word.to_owned()).collect();
                let number = |field: Option<&&str>| field.map_or(0.0, |field| field.parse::<f64>().unwrap());
                model.ngrams.insert(words, (number(fields.first()), number(fields.get(model.order + 1))));
            }
        }
        model
    }

    pub(crate) fn knows(&self, word: &str) -> bool {
        !["<s>", "</s>", "<unk>"].contains(&word) && self.ngrams.contains_key(&vec![word.to_owned()])
    }

    /// `ln P(last | all before)`.
    pub(crate) fn logp(&self, words: &[String]) -> f64 {
        let words: Vec<String> = words
            .iter()
            .map(|w| if self.ngrams.contains_key(&vec![w.clone()]) { w.clone() } else { "<unk>".into() })
            .collect();
        let words = &words[words.len().saturating_sub(self.order)..];
        self.log10(words) * std::f64::consts::LN_10
    }

    fn log10(&self, words: &[String]) -> f64 {
        if let Some(&(prob, _)) = self.ngrams.get(words) {
            return prob;
        }
        self.ngrams.get(&words[..words.len() - 1]).map_or(0.0, |found| found.1) + self.log10(&words[1..])
    }
}

/// A language model of words or tokens, a lexicon and hotwords. Words are between spaces.
pub(crate) struct Naive {
    /// What each class writes.
    pub(crate) written: Vec<String>,
    pub(crate) model: Option<NaiveModel>,
    /// What the model calls each class, where its entries are tokens.
    pub(crate) tokens: Option<Vec<String>>,
    pub(crate) lexicon: Option<Vec<String>>,
    pub(crate) hotwords: Vec<(String, f64)>,
    pub(crate) whole_words: bool,
    pub(crate) weights: FusionWeights,
}

impl Naive {
    fn text(&self, tokens: &[u32]) -> String {
        tokens.iter().map(|&class| self.written[class as usize].as_str()).collect()
    }

    fn known(&self) -> Vec<String> {
        let Some(model) = &self.model else { return Vec::new() };
        let all = model.ngrams.keys().filter(|words| words.len() == 1).map(|words| words[0].clone());
        let listed = |word: &String| self.lexicon.as_ref().is_none_or(|lexicon| lexicon.contains(word));
        all.filter(|word| model.knows(word) && listed(word)).collect()
    }

    fn units(&self, units: &[String], known: impl Fn(&str) -> bool) -> f64 {
        let Some(model) = &self.model else { return 0.0 };
        let FusionWeights { lm_weight, unit_bonus, unk_score, .. } = self.weights;
        let mut history = vec!["<s>".to_owned()];
        let mut score = 0.0;
        for unit in units {
            history.push(unit.clone());
            score += lm_weight * model.logp(&history) + unit_bonus;
            if !known(unit) {
                score += unk_score;
            }
        }
        score
    }

    fn end(&self, units: &[String]) -> f64 {
        let Some(model) = self.model.as_ref().filter(|_| self.weights.with_end) else { return 0.0 };
        let mut history = vec!["<s>".to_owned()];
        history.extend(units.iter().cloned());
        history.push("</s>".to_owned());
        self.weights.lm_weight * model.logp(&history)
    }

    /// The score of a text so far; `-inf` where it can't be.
    pub(crate) fn partial(&self, tokens: &[u32]) -> f64 {
        let text = self.text(tokens);
        let (ended, open) = text.rsplit_once(' ').unwrap_or(("", &text));
        let ended: Vec<String> = ended.split_whitespace().map(str::to_owned).collect();
        let known = self.known();
        if let Some(lexicon) = &self.lexicon
            && !(ended.iter().all(|word| lexicon.contains(word))
                && (open.is_empty() || lexicon.iter().any(|word| word.starts_with(open))))
        {
            return f64::NEG_INFINITY;
        }
        let mut score = self.hotwords(&text, false);
        if let Some(names) = &self.tokens {
            let units: Vec<String> = tokens.iter().map(|&class| names[class as usize].clone()).collect();
            let known = |unit: &str| self.model.as_ref().is_some_and(|model| model.knows(unit));
            return score + self.units(&units, known);
        }
        score += self.units(&ended, |word| known.iter().any(|other| other == word));
        if self.model.is_some() && !open.is_empty() && !known.iter().any(|word| word.starts_with(open)) {
            score += self.weights.unk_score;
        }
        score
    }

    /// The score of a whole text; `None` where it may not end.
    pub(crate) fn whole(&self, tokens: &[u32]) -> Option<f64> {
        let text = self.text(tokens);
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        if let Some(lexicon) = &self.lexicon
            && !words.iter().all(|word| lexicon.contains(word))
        {
            return None;
        }
        let score = self.hotwords(&text, true);
        if let Some(names) = &self.tokens {
            let units: Vec<String> = tokens.iter().map(|&class| names[class as usize].clone()).collect();
            let known = |unit: &str| self.model.as_ref().is_some_and(|model| model.knows(unit));
            return Some(score + self.units(&units, known) + self.end(&units));
        }
        let known = self.known();
        Some(score + self.units(&words, |word| known.iter().any(|other| other == word)) + self.end(&words))
    }

    /// The weight of each occurrence, and of a text that goes on the largest share of one in progress.
    fn hotwords(&self, text: &str, whole: bool) -> f64 {
        let mut plain = text.to_owned();
        if self.whole_words {
            plain = format!(" {}", text.split_whitespace().collect::<Vec<_>>().join(" "));
            if (whole || text.ends_with(' ')) && !plain.ends_with(' ') {
                plain.push(' ');
            }
        }
        let mut score = 0.0;
        let mut credit: f64 = 0.0;
        for (phrase, weight) in &self.hotwords {
            let wanted = if self.whole_words { format!(" {phrase} ") } else { phrase.clone() };
            score += weight * (0..plain.len()).filter(|&at| plain[at..].starts_with(&wanted)).count() as f64;
            let most = if self.whole_words { phrase.len() } else { phrase.len() - 1 };
            for length in 1..=most {
                let start = if self.whole_words {
                    format!(" {}", &phrase[..length])
                } else {
                    phrase[..length].to_owned()
                };
                if plain.ends_with(&start) {
                    credit = credit.max(weight * length as f64 / phrase.len() as f64);
                }
            }
        }
        score + if whole { 0.0 } else { credit }
    }
}
