//! The files that steer a beam, read and held against the alphabet.

use std::path::Path;

use super::warnings::{
    begin_warning, beyond_lexicon, foreign_words, one_word, space_warning, token_warning, unit_warning,
    unknown_lexicon, unknown_warning, useless, with_weight,
};
use super::{LM_WEIGHT, LmUnit, Steering, SteeringArgs};
use crate::cli::diagnostics::{Diagnostics, UsageError};
use crate::cli::values::Word;
use crate::decode::fusion::{own_word, own_words, space_class};
use crate::decode::spelling::{Spelling, WordDelimiter};
use crate::decode::token_texts::TokenTexts;
use crate::decode::{Fusion, FusionWeights, LanguageModel};
use crate::input::{InputError, Place, display_path, read_hotwords, read_language_model, read_lexicon};
use crate::lm::{Hotwords, NgramModel};
use crate::report::Warning;
use crate::report::decode::SteeringParams;
use crate::shown::shown;

/// What was read so far.
struct Loading<'a> {
    args: &'a SteeringArgs,
    spelling: &'a Spelling,
    /// How many, the blank among them.
    classes: usize,
    blank: u32,
    /// What the classes' tokens can write.
    texts: TokenTexts,
    params: SteeringParams,
    warnings: Vec<Warning>,
}

impl SteeringArgs {
    /// Reads the files; `None` where nothing steers. `classes` counts the blank, too.
    pub(in crate::cli) fn load(
        &self,
        spelling: &Spelling,
        classes: usize,
        blank: u32,
        diagnostics: Diagnostics,
    ) -> anyhow::Result<Option<Steering>> {
        if self.given().is_none() {
            return Ok(None);
        }
        self.check_words(spelling, classes, blank)?;
        let texts = TokenTexts::new(spelling, classes as u32, blank);
        let warnings = self.of_words().and_then(|(_, path)| one_word(path, spelling)).into_iter().collect();
        let params = SteeringParams::default();
        let mut loading = Loading { args: self, spelling, classes, blank, texts, params, warnings };
        let language = self.lm.as_deref().map(|path| loading.language(path, diagnostics)).transpose()?;
        let lexicon =
            self.lexicon.as_deref().map(|path| loading.lexicon(path, language.as_ref())).transpose()?;
        let hotwords =
            self.hotwords.as_deref().map(|path| loading.hotwords(path, lexicon.as_deref())).transpose()?;
        let Loading { params, warnings, .. } = loading;
        let fusion = Fusion::new(spelling, classes, language, lexicon.as_deref());
        let fusion = match hotwords {
            Some(hotwords) => fusion.with_hotwords(hotwords),
            None => fusion,
        };
        Ok(Some(Steering { fusion, weights: self.default_weights(), params, warnings }))
    }

    fn default_weights(&self) -> FusionWeights {
        FusionWeights {
            lm_weight: LM_WEIGHT,
            with_end: !self.no_lm_eos,
            unit_bonus: if self.lm_unit == LmUnit::Word { 1.5 } else { 0.0 },
            unk_score: self.unk_score.unwrap_or(-10.0),
        }
    }
}

impl Loading<'_> {
    fn language(&mut self, path: &Path, diagnostics: Diagnostics) -> anyhow::Result<LanguageModel> {
        let model = read_language_model(path)?;
        diagnostics.note(format_args!(
            "{}: {} n-grams up to order {}",
            display_path(path),
            model.len(),
            model.order()
        ));
        self.check_end(path, &model)?;
        self.warnings.extend(begin_warning(path, &model));
        self.params.lm = Some(path.display().to_string());
        self.params.lm_order = Some(model.order());
        self.params.lm_unit = Some(self.args.lm_unit.word());
        self.params.unk_score = Some(self.args.default_weights().unk_score);
        self.params.lm_eos = Some(!self.args.no_lm_eos);
        match self.args.lm_unit {
            LmUnit::Word => {
                let unit = unit_warning(path, &model, self.spelling, self.classes);
                self.warnings.extend(unit.or_else(|| foreign_words(path, &model, &self.texts)));
                self.warnings.extend(unknown_warning(path, &model));
                Ok(LanguageModel::Words(model))
            }
            LmUnit::Token => self.token_model(path, model),
        }
    }

    fn token_model(&mut self, path: &Path, model: NgramModel) -> anyhow::Result<LanguageModel> {
        let space = self.space(&model)?;
        let own = own_words(&model).count();
        let has_space = space_class(self.spelling, self.classes).is_some();
        let no_space = space_warning(path, &model, &space).filter(|_| has_space);
        let language = LanguageModel::tokens(model, self.spelling, self.classes, self.blank, &space);
        let known = language.known_tokens();
        if known == 0 {
            let name = path.display().to_string();
            let error = InputError::new(&name, Place::whole(), "tokens of the alphabet", "none");
            return Err(error.hint("without --lm-unit token, the model's entries are taken as words").into());
        }
        self.warnings.extend(token_warning(path, known, self.classes - 1, own).or(no_space));
        self.params.lm_space = Some(space);
        Ok(language)
    }

    fn check_end(&self, path: &Path, model: &NgramModel) -> Result<(), UsageError> {
        if model.end().is_some() || self.args.no_lm_eos {
            return Ok(());
        }
        let message = format!("{}: the model has no </s>, the end-of-sentence token", display_path(path));
        let hint = if own_word(model, "</S>").is_some() {
            "it has </S>: write the model's <s> and </s> in lower case"
        } else {
            "give --no-lm-eos"
        };
        Err(UsageError::new(message).hint(hint))
    }

    /// What the model calls the alphabet's space.
    fn space(&self, model: &NgramModel) -> Result<String, UsageError> {
        let known = |token: &str| own_word(model, token).is_some();
        match self.args.lm_space.as_deref() {
            None => Ok(LanguageModel::default_space(model, self.spelling, self.classes)),
            Some(_) if space_class(self.spelling, self.classes).is_none() => {
                Err(UsageError::new("--lm-space: this alphabet has no space"))
            }
            Some(token) if known(token) => Ok(token.to_owned()),
            Some(token) => {
                let token = shown(token);
                Err(UsageError::new(format!("--lm-space: expected an entry of the model, found {token}")))
            }
        }
    }

    /// Beside the model, where there is one.
    fn lexicon(&mut self, path: &Path, model: Option<&LanguageModel>) -> Result<Vec<String>, InputError> {
        let words = read_lexicon(path)?;
        self.params.lexicon = Some(path.display().to_string());
        self.warnings.extend(useless(path, "word", words.iter().map(String::as_str), &self.texts, |_| None));
        if let Some(LanguageModel::Words(model)) = model {
            self.warnings.extend(unknown_lexicon(path, &words, model));
        }
        Ok(words)
    }

    /// Beside the lexicon, where there is one.
    fn hotwords(&mut self, path: &Path, lexicon: Option<&[String]>) -> Result<Hotwords, InputError> {
        let weight = self.args.hotword_weight.unwrap_or(10.0);
        let phrases = read_hotwords(path, weight)?;
        self.params.hotwords = Some(path.display().to_string());
        self.params.hotword_weight = Some(weight);
        let texts = || phrases.iter().map(|(phrase, _)| phrase.as_str());
        self.warnings.extend(useless(path, "phrase", texts(), &self.texts, with_weight));
        self.warnings.extend(lexicon.and_then(|lexicon| beyond_lexicon(path, texts(), lexicon)));
        let whole_words = *self.spelling.delimiter() != WordDelimiter::None;
        let phrases = phrases.iter().map(|(phrase, weight)| (phrase.as_str(), *weight));
        Ok(Hotwords::new(phrases, whole_words))
    }
}
