//! What of a model, a list or references does not fit the alphabet.

use std::collections::HashSet;
use std::path::Path;

use crate::decode::LanguageModel;
use crate::decode::fusion::{own_word, own_words};
use crate::decode::spelling::{Spelling, WORD_PIECE_MARK, WordDelimiter, is_space};
use crate::decode::token_texts::TokenTexts;
use crate::input::{counted, display_name, display_path};
use crate::lm::NgramModel;
use crate::normal_form::{form_hint, form_that_fits};
use crate::report::Warning;
use crate::report::transcripts::{more_than_text, other_lines, text_warnings};
use crate::shown::shown;

/// Without a beginning, first words are scored as words in the middle are.
pub(super) fn begin_warning(path: &Path, model: &NgramModel) -> Option<Warning> {
    let message = format!(
        "{}: the model has no <s>, so the start of a text is scored without context",
        display_path(path)
    );
    (!model.has_begin()).then_some(Warning { code: "no_sentence_start", message })
}

/// Recognisers of single words need nothing that separates them; for others it is to be told.
pub(super) fn one_word(path: &Path, spelling: &Spelling) -> Option<Warning> {
    let message = format!(
        "{}: this alphabet has no word delimiter, so each text is one word: give --word-delimiter TOKEN, '' if each token is \
         a word, or {WORD_PIECE_MARK} if texts are single words",
        display_path(path)
    );
    (*spelling.delimiter() == WordDelimiter::None).then_some(Warning { code: "one_word", message })
}

/// Each word that such a model does not know outweighs all else.
pub(super) fn unknown_warning(path: &Path, model: &NgramModel) -> Option<Warning> {
    let message = format!(
        "{}: the model has no <unk>, so each unknown word costs 230 nats times --lm-weight, as with KenLM: build the \
         model with <unk> (lmplz does; ngram-count with -unk)",
        display_path(path)
    );
    (!model.has_unknown()).then_some(Warning { code: "no_unknown_word", message })
}

/// A token model that writes no space, by any name that is tried.
pub(super) fn space_warning(path: &Path, model: &NgramModel, space: &str) -> Option<Warning> {
    let message = format!(
        "{}: the model has no entry for the space under any usual name: if it has one, give --lm-space",
        display_path(path)
    );
    own_word(model, space).is_none().then_some(Warning { code: "lm_space", message })
}

/// Words that are all one character are rather tokens. So are those of which most are tokens of the alphabet as they
/// stand, if there is also one for the beginning of a word or for the space between words, which no word has, or if
/// nothing separates words.
pub(super) fn unit_warning(
    path: &Path,
    model: &NgramModel,
    spelling: &Spelling,
    classes: usize,
) -> Option<Warning> {
    let is_long = |text: &str| text.chars().nth(1).is_some() && !is_space(text);
    let (all, long) = (own_words(model).count(), own_words(model).filter(|(_, text)| is_long(text)).count());
    let evidence = if long == 0 && all > 1 {
        "every word is one character".to_owned()
    } else {
        let tokens = (0..classes as u32).map(|class| spelling.token(class));
        let known: Vec<String> = tokens.filter(|token| own_word(model, token).is_some()).collect();
        let has_space = match spelling.delimiter() {
            WordDelimiter::Prefix(mark) => known.iter().any(|token| token.starts_with(mark.as_str())),
            WordDelimiter::Token(_) => {
                own_word(model, &LanguageModel::default_space(model, spelling, classes)).is_some()
            }
            // There is no space to be known; one word may be a token by chance.
            WordDelimiter::None => all > 2,
            WordDelimiter::EachToken => false,
        };
        let known = known.iter().filter(|token| is_long(token)).count();
        if !has_space || 2 * known <= long {
            return None;
        }
        format!(
            "the alphabet's tokens include {known} of the model's {} longer than one character",
            counted(long, "word")
        )
    };
    let message = format!("{}: {evidence}: if these are tokens, give --lm-unit token", display_path(path));
    Some(Warning { code: "lm_unit", message })
}

/// Where most tokens are not in the model and most of the model's entries are no tokens, those are rather words.
pub(super) fn token_warning(path: &Path, known: usize, tokens: usize, entries: usize) -> Option<Warning> {
    let message = format!(
        "{}: the model's {} include only {known} of the alphabet's {}: if they are words, omit --lm-unit token",
        display_path(path),
        counted(entries, "entry"),
        counted(tokens, "token"),
    );
    (2 * known < tokens.min(entries)).then_some(Warning { code: "lm_unit", message })
}

/// Words of a model most of which the alphabet can't write are of another language, or in other letters.
pub(super) fn foreign_words(path: &Path, model: &NgramModel, texts: &TokenTexts) -> Option<Warning> {
    let words = own_words(model).map(|(_, text)| text);
    unwritable(
        path,
        "word",
        words,
        texts,
        |count| count / 2,
        |word| other_letters(texts, word).unwrap_or_else(|| "is the model for this alphabet?".to_owned()),
    )
}

/// A model of which no word may be printed.
pub(super) fn unknown_lexicon(path: &Path, words: &[String], model: &NgramModel) -> Option<Warning> {
    let first = words.first().filter(|_| !words.iter().any(|word| own_word(model, word).is_some()))?;
    let message = format!(
        "{}: the model has none of its {}, such as {}: are both in the same language, script and case?",
        display_path(path),
        counted(words.len(), "word"),
        shown(first)
    );
    Some(Warning { code: "unknown_words", message })
}

/// Entries of a list that no text can contain; `why` may tell what is wrong with the first.
pub(super) fn useless<'a>(
    path: &Path,
    unit: &str,
    entries: impl Iterator<Item = &'a str>,
    texts: &TokenTexts,
    why: impl Fn(&str) -> Option<&'static str>,
) -> Option<Warning> {
    let remark = |entry: &str| {
        let why = why(entry).map(str::to_owned).or_else(|| other_letters(texts, entry));
        why.map_or_else(
            || "no text can contain them".to_owned(),
            |why| format!("no text can contain them: {why}"),
        )
    };
    unwritable(path, unit, entries, texts, |_| 0, remark)
}

/// Phrases with a word that no text can have.
pub(super) fn beyond_lexicon<'a>(
    path: &Path,
    phrases: impl Iterator<Item = &'a str> + Clone,
    lexicon: &[String],
) -> Option<Warning> {
    let known: HashSet<&str> = lexicon.iter().map(String::as_str).collect();
    let mut beyond =
        phrases.clone().filter(|phrase| !phrase.split_whitespace().all(|word| known.contains(word)));
    let first = beyond.next()?;
    let message = format!(
        "{}: --lexicon lacks a word of {} of {}, such as {}: no text can contain them",
        display_path(path),
        1 + beyond.count(),
        counted(phrases.count(), "phrase"),
        shown(first)
    );
    Some(Warning { code: "beyond_lexicon", message })
}

/// What to do about a phrase whose weight does not stand behind a tab.
pub(super) fn with_weight(phrase: &str) -> Option<&'static str> {
    let (_, last) = phrase.rsplit_once([' ', ':', ',', ';'])?;
    last.parse::<f64>().is_ok().then_some("put a tab before the weight")
}

/// More than `allowed` of so many entries can't be written.
fn unwritable<'a>(
    path: &Path,
    unit: &str,
    entries: impl Iterator<Item = &'a str>,
    texts: &TokenTexts,
    allowed: impl Fn(usize) -> usize,
    remark: impl Fn(&str) -> String,
) -> Option<Warning> {
    let (mut count, mut unwritable, mut first) = (0, 0, None);
    for entry in entries {
        count += 1;
        if !entry.split_whitespace().all(|word| texts.can_write(word)) {
            unwritable += 1;
            first.get_or_insert(entry);
        }
    }
    let first = first.filter(|_| unwritable > allowed(count))?;
    let message = format!(
        "{}: {unwritable} of {} can't be spelled with the alphabet's tokens, such as {}: {}",
        display_path(path),
        counted(count, unit),
        shown(first),
        remark(first),
    );
    Some(Warning { code: "unwritable", message })
}

/// What is odd about references, of which each text that was read has one.
pub(in crate::cli) fn reference_warnings<S: AsRef<str>>(
    name: &str,
    texts: &[S],
    (path, references): (&Path, &[String]),
    wer_ratio: Option<f64>,
    (spelling, classes, blank): (&Spelling, usize, u32),
) -> Vec<Warning> {
    let unwritable = unwritable_references(path, references, spelling, classes, blank);
    // What the alphabet does not have is told once.
    let of_texts = if unwritable.is_none() {
        text_warnings(display_name(name), texts, (path, references), wer_ratio, true)
    } else {
        other_lines(display_name(name), texts, (path, references))
    };
    unwritable.into_iter().chain(more_than_text(path, references)).chain(of_texts).collect()
}

/// References of which many no text can equal.
fn unwritable_references(
    path: &Path,
    references: &[String],
    spelling: &Spelling,
    classes: usize,
    blank: u32,
) -> Option<Warning> {
    if *spelling.delimiter() == WordDelimiter::None && spelling.has_names() {
        let tokens = (0..classes as u32).filter(|&class| class != blank).map(|class| spelling.token(class));
        let warning = references_with_spaces(path, references, tokens);
        if warning.is_some() {
            return warning;
        }
    }
    let texts = TokenTexts::new(spelling, classes as u32, blank);
    let words = references.iter().flat_map(|line| line.split_whitespace());
    let remark = |word: &str| {
        if !spelling.has_names() {
            return "without --alphabet, texts are class indices".to_owned();
        }
        let between = match spelling.delimiter() {
            WordDelimiter::Token(class) => Some(spelling.token(*class)).filter(|token| token != " "),
            WordDelimiter::Prefix(mark) => Some(mark.clone()),
            WordDelimiter::EachToken | WordDelimiter::None => None,
        };
        match between.filter(|between| word.contains(between.as_str())) {
            Some(between) => format!("write spaces instead of {}, as decoded texts have", shown(&between)),
            None => other_letters(&texts, word)
                .unwrap_or_else(|| "whatever is not in the alphabet counts as an error".to_owned()),
        }
    };
    // Most words, or several and more than a tenth: a foreign name is no mistake.
    unwritable(path, "word", words.clone(), &texts, |count| (count / 10).max(2).min(count / 2), remark)
        .or_else(|| words_in_another_form(path, words, &texts))
}

/// Words with the alphabet's letters, but in another of Unicode's forms, which is a mistake wherever there is one.
fn words_in_another_form<'a>(
    path: &Path,
    words: impl Iterator<Item = &'a str>,
    texts: &TokenTexts,
) -> Option<Warning> {
    let in_another =
        |word: &&str| !texts.can_write(word) && form_that_fits(word, |word| texts.can_write(word)).is_some();
    let mut found = words.filter(in_another);
    let first = found.next()?;
    let form = form_that_fits(first, |word| texts.can_write(word))?;
    let message = format!(
        "{}: {} can't be spelled with the alphabet's tokens, such as {}: {}",
        display_path(path),
        counted(1 + found.count(), "word"),
        shown(first),
        form_hint(form)
    );
    Some(Warning { code: "unwritable", message })
}

/// References of several words, of which no text can equal one where nothing separates the `tokens`.
fn references_with_spaces(
    path: &Path,
    references: &[String],
    tokens: impl Iterator<Item = String>,
) -> Option<Warning> {
    let spaced = references.iter().filter(|line| line.split_whitespace().nth(1).is_some()).count();
    if 2 * spaced <= references.len() {
        return None;
    }
    let tokens: HashSet<String> = tokens.collect();
    let mut words = references.iter().flat_map(|line| line.split_whitespace());
    let why = if words.all(|word| tokens.contains(word)) {
        "their words are tokens: give --word-delimiter '' if each token is a word"
    } else {
        "give --word-delimiter TOKEN, or '' if each token is a word"
    };
    let message = format!(
        "{}: spaces in {spaced} of {}, but this alphabet has no word delimiter, so decoded texts have none: {why}",
        display_path(path),
        counted(references.len(), "line"),
    );
    Some(Warning { code: "spaced_references", message })
}

/// What to do about a text in letters of the other case, or in another of Unicode's forms.
fn other_letters(texts: &TokenTexts, text: &str) -> Option<String> {
    let can_write = |text: &str| text.split_whitespace().all(|word| texts.can_write(word));
    let case = if can_write(&text.to_uppercase()) {
        "upper"
    } else if can_write(&text.to_lowercase()) {
        "lower"
    } else {
        return form_that_fits(text, can_write).map(form_hint);
    };
    Some(format!("the alphabet has {case}-case letters"))
}
