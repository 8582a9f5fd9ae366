//! What a language model's entries are, and what they mean for an alphabet.

use crate::decode::spelling::{Spelling, WORD_PIECE_MARK, WordDelimiter};
use crate::lm::{NgramModel, TreeWord, WordTree};

/// What a language model's entries are.
#[derive(Clone, Debug)]
pub enum LanguageModel {
    /// Words, as the spelling separates them.
    Words(NgramModel),
    /// Tokens: see [`Self::tokens`].
    Tokens(TokenModel),
}

/// A language model over an alphabet's tokens.
#[derive(Clone, Debug)]
pub struct TokenModel {
    pub(super) model: NgramModel,
    /// The entry of each class; `None` where the model does not know it.
    pub(super) entries: Vec<Option<u32>>,
}

impl LanguageModel {
    /// A token model, in which each class is the entry with its name. `classes` includes the blank; `space` is the
    /// model's entry for the alphabet's space, such as [`Self::default_space`].
    pub fn tokens(model: NgramModel, spelling: &Spelling, classes: usize, blank: u32, space: &str) -> Self {
        let space_class = space_class(spelling, classes);
        let entry = |class: u32| {
            let name = spelling.token(class);
            let is_space = space_class == Some(class);
            let spelled = if is_space { space } else { &name };
            // What stands for the space is not itself.
            let found = model.word(spelled).filter(|_| is_space || space_class.is_none() || name != space);
            found.filter(|&word| class != blank && !model.is_special(word))
        };
        let entries = (0..classes as u32).map(entry).collect();
        Self::Tokens(TokenModel { model, entries })
    }

    /// Of a model of tokens: classes that it knows.
    pub(crate) fn known_tokens(&self) -> usize {
        match self {
            Self::Words(_) => 0,
            Self::Tokens(TokenModel { entries, .. }) => entries.iter().flatten().count(),
        }
    }

    /// The entry that a token model is taken to have for the alphabet's space unless something else is said: the
    /// space's own name if the model has it, otherwise `|`, `<space>`, `[space]` or `▁`.
    pub fn default_space(model: &NgramModel, spelling: &Spelling, classes: usize) -> String {
        let own = space_class(spelling, classes).map(|class| spelling.token(class));
        let known = |token: &&str| own_word(model, token).is_some();
        own.as_deref()
            .into_iter()
            .chain(["|", "<space>", "[space]", WORD_PIECE_MARK])
            .find(known)
            .unwrap_or(" ")
            .to_owned()
    }
}

/// The alphabet's space, or where it has none, what separates its words.
pub(crate) fn space_class(spelling: &Spelling, classes: usize) -> Option<u32> {
    let named = |name: &str| (0..classes as u32).find(|&class| spelling.token(class) == name);
    named(" ").or_else(|| match spelling.delimiter() {
        WordDelimiter::Token(delimiter) => Some(*delimiter),
        WordDelimiter::Prefix(mark) => named(mark),
        WordDelimiter::EachToken | WordDelimiter::None => None,
    })
}

/// A model's entry for a text, unless it is a special one.
pub(crate) fn own_word(model: &NgramModel, text: &str) -> Option<u32> {
    model.word(text).filter(|&word| !model.is_special(word))
}

/// A model's entries but the special ones.
pub(crate) fn own_words(model: &NgramModel) -> impl Iterator<Item = (u32, &str)> {
    model.words().filter(|&(word, _)| !model.is_special(word))
}

/// The words that may be in progress: the lexicon's, else the model's.
pub(super) fn words_in_progress(
    language: Option<&LanguageModel>,
    lexicon: Option<&[String]>,
) -> Option<WordTree> {
    let model = match language {
        Some(LanguageModel::Words(model)) => Some(model),
        _ => None,
    };
    let known = |text: &str| own_word(model?, text);
    if let Some(lexicon) = lexicon {
        return Some(WordTree::new(lexicon.iter().map(|text| TreeWord { text, known: known(text) })));
    }
    Some(WordTree::new(own_words(model?).map(|(word, text)| TreeWord { text, known: Some(word) })))
}
