//! Class names: from a file to tokens, and from text to classes.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::source::{Source, lines_of, text_of};
use super::{InputError, Place, display_name};
use crate::decode::spelling::{Spelling, WORD_PIECE_MARK};
use crate::shown::shown;

/// Which class is the blank, as the user says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlankChoice {
    /// A class index; a negative one counts from the end.
    Index(i64),
    /// The class of this name.
    Token(String),
}

impl FromStr for BlankChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.parse() {
            Ok(index) => Self::Index(index),
            Err(_) if text == "last" => Self::Index(-1),
            Err(_) => Self::Token(text.to_owned()),
        })
    }
}

impl fmt::Display for BlankChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Token(token) => write!(f, "{token}"),
        }
    }
}

/// How a line of text becomes tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelSplit {
    /// Each character is one.
    Chars,
    /// They are separated by blanks.
    Tokens,
    /// The longest token that fits, from left to right.
    Longest,
}

/// The entries of an alphabet file, before it is known how many classes there are.
#[derive(Clone, Debug)]
pub struct AlphabetFile {
    name: String,
    entries: Entries,
}

#[derive(Clone, Debug)]
enum Entries {
    List(Vec<String>),
    Indexed(Vec<(String, i64)>),
}

impl AlphabetFile {
    /// Reads a line a class, or JSON where the name ends in `.json`: a list of tokens, or an object of
    /// token to index.
    ///
    /// # Errors
    /// Where it can't be read, is not that, or has two equal entries.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        let mut source = Source::open(path)?;
        let name = source.name().to_owned();
        let text = text_of(&name, source.read_rest()?)?;
        let entries = if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            let expected = "a JSON list of tokens or object of token to index";
            serde_json::from_str(&text).map_err(|error| {
                InputError::of_json(&name, &error, expected).maybe_hint(json_hint(&name, &text))
            })?
        } else {
            let tokens: Vec<String> = lines_of(&text).map(str::to_owned).collect();
            check_tokens_alone(&name, &tokens)?;
            check_distinct(&name, "line", 1, &tokens)?;
            return Ok(Self { name, entries: Entries::List(tokens) });
        };
        match &entries {
            Entries::List(tokens) => check_distinct(&name, "entry", 0, tokens)?,
            Entries::Indexed(map) => check_distinct(&name, "entry", 0, map.iter().map(|(token, _)| token))?,
        }
        Ok(Self { name, entries })
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        match &self.entries {
            Entries::List(list) => list.len(),
            Entries::Indexed(map) => map.len(),
        }
    }

    /// The class of a token, where the file names every class.
    fn index_of(&self, token: &str) -> Option<usize> {
        match &self.entries {
            Entries::List(list) => list.iter().position(|t| t == token),
            Entries::Indexed(map) => {
                map.iter().find(|(t, _)| t == token).and_then(|(_, index)| usize::try_from(*index).ok())
            }
        }
    }

    /// How to go on where there are too few or too many entries.
    fn count_hint(&self, classes: usize) -> &'static str {
        match &self.entries {
            Entries::List(list) => match &list[..] {
                [line] if (classes - 1..=classes).contains(&line.chars().count()) => {
                    "write each token on a line of its own"
                }
                [.., last] if last.is_empty() && list.len() == classes + 1 => {
                    "the last line is empty: delete it"
                }
                _ if list.len() + 2 == classes && !list.iter().any(|token| token == " ") => {
                    "is it the space that is missing? There is one entry for each class of the logits' last axis"
                }
                _ => ONE_EACH,
            },
            Entries::Indexed(_) => ONE_EACH,
        }
    }

    /// The token that a class has by the file alone.
    fn token_at(&self, class: usize) -> Option<&str> {
        match &self.entries {
            Entries::List(list) => list.get(class).map(String::as_str),
            Entries::Indexed(map) => {
                let found = map.iter().find(|(_, index)| usize::try_from(*index) == Ok(class));
                found.map(|(token, _)| token.as_str())
            }
        }
    }

    /// The tokens of all classes, the blank put in where the file leaves it out.
    fn resolve(self, classes: usize, blank: usize) -> Result<Vec<String>, InputError> {
        let other_count = |found: String| {
            let expected = format!("{classes} entries, or {} without the blank", classes - 1);
            InputError::new(&self.name, Place::whole(), expected, found)
        };
        if self.len() != classes && self.len() + 1 != classes {
            return Err(other_count(self.len().to_string()).hint(self.count_hint(classes)));
        }
        let complete = self.len() == classes;
        let at_blank = self.token_at(blank).filter(|token| !complete && is_blank_name(token));
        if let Some(token) = at_blank {
            let found = format!("{}, of which class {blank} is {}", self.len(), shown(token));
            return Err(other_count(found).hint(
                "an entry is missing: that of another class, or if this is not the blank, the blank's own",
            ));
        }
        let name = self.name;
        let mut tokens = match self.entries {
            Entries::List(list) => list,
            Entries::Indexed(mut map) => {
                map.sort_by_key(|(_, index)| *index);
                // Either the classes but the blank in order, or numbers that leave the blank's out.
                let dense = map.iter().enumerate().all(|(at, (_, index))| *index == at as i64);
                let skips = map
                    .iter()
                    .enumerate()
                    .all(|(at, (_, index))| *index == at as i64 + i64::from(at >= blank));
                if !(dense || !complete && skips) {
                    let (at, (token, index)) = map
                        .iter()
                        .enumerate()
                        .find(|(at, (_, index))| *index != *at as i64)
                        .unwrap_or((0, &map[0]));
                    return Err(InputError::new(
                        &name,
                        Place::whole(),
                        format!("index {at}, each index from 0 once"),
                        format!("{index} for {}", shown(token)),
                    ));
                }
                map.into_iter().map(|(token, _)| token).collect()
            }
        };
        if !complete {
            tokens.insert(blank, String::new());
        }
        Ok(tokens)
    }
}

const ONE_EACH: &str = "the alphabet has one entry for each class of the logits' last axis";

/// What JSON is that is no alphabet, and how to make one of it.
fn json_hint(name: &str, text: &str) -> Option<String> {
    use serde_json::Value;
    let Ok(Value::Object(map)) = serde_json::from_str(text) else { return None };
    if map.get("model").is_some_and(|model| model["vocab"].is_object()) {
        return Some(format!("the vocabulary alone is the alphabet: jq .model.vocab {name} > vocab.json"));
    }
    let (key, value) = map.iter().next()?;
    match value {
        Value::String(_) if key.parse::<u64>().is_ok() => {
            Some("this is index to token: write token to index, or a list of the tokens in order".to_owned())
        }
        Value::String(index) => Some(format!("an index is a number: {index}, not \"{index}\"")),
        Value::Object(_) => {
            Some(format!("write one of these objects to a file of its own: jq '.{key:?}' {name}"))
        }
        _ => None,
    }
}

/// Whether nothing but a blank is called so.
fn is_blank_name(token: &str) -> bool {
    let names = ["<pad>", "[pad]", "<blank>", "[blank]", "<blk>", "[blk]", "blank", "<eps>", "<ctc>"];
    names.iter().any(|name| token.eq_ignore_ascii_case(name))
}

/// Refuses two equal tokens; the first has the number `from`.
fn check_distinct<'a>(
    name: &str,
    unit: &'static str,
    from: usize,
    tokens: impl IntoIterator<Item = &'a String>,
) -> Result<(), InputError> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (at, token) in (from..).zip(tokens) {
        if let Some(before) = first.insert(token, at) {
            let found = format!("{} again (first in {unit} {before})", shown(token));
            return Err(InputError::new(name, Place::whole().at(unit, at), "each token once", found)
                .hint("give one of two classes that are written alike another name"));
        }
    }
    Ok(())
}

/// Refuses lines that are a token and its number each, as Kaldi and k2 write them, or a token and its score, as
/// word-piece vocabularies have it: none would be the token meant.
fn check_tokens_alone(name: &str, lines: &[String]) -> Result<(), InputError> {
    if lines.len() < 2 {
        return Ok(());
    }
    let refused = |what: &str, hint: &str| {
        let found = format!("{}, a token and its {what}", shown(&lines[0]));
        Err(InputError::new(name, Place::whole().at("line", 1), "a token a line", found).hint(hint))
    };
    let number = |line: &String| -> Option<usize> { line.rsplit_once([' ', '\t'])?.1.parse().ok() };
    if let Some(mut numbers) = lines.iter().map(number).collect::<Option<Vec<_>>>() {
        numbers.sort_unstable();
        if numbers.iter().copied().eq(0..lines.len()) {
            let (key, cut) = if lines[0].contains('\t') { ("-t$'\\t' -k2", "") } else { ("-k2", " -d' '") };
            let hint = "write the tokens alone in the order of their numbers";
            return refused("number", &format!("{hint}: sort -n {key} {name} | cut{cut} -f1"));
        }
    }
    let has_score = |line: &String| line.rsplit_once('\t').is_some_and(|(_, end)| end.parse::<f64>().is_ok());
    if lines.iter().all(has_score) {
        return refused(
            "score",
            &format!("write the tokens alone in the order of the classes: cut -f1 {name}"),
        );
    }
    let is_quoted = |line: &String| {
        ['\'', '"'].iter().any(|&quote| line.len() > 2 && line.starts_with(quote) && line.ends_with(quote))
    };
    if lines.iter().all(is_quoted) {
        return refused("quotes", "write the tokens without quotes");
    }
    Ok(())
}

/// The index of the blank among `classes`.
///
/// # Errors
/// Where it is not one of them, or is named and there is no alphabet that has the name.
pub fn resolve_blank(
    choice: &BlankChoice,
    classes: usize,
    alphabet: Option<&AlphabetFile>,
) -> Result<u32, InputError> {
    let error = |expected: String, found: String| InputError::new("--blank", Place::whole(), expected, found);
    match choice {
        BlankChoice::Index(index) => {
            let resolved = if *index < 0 { index + classes as i64 } else { *index };
            if (0..classes as i64).contains(&resolved) {
                Ok(resolved as u32)
            } else {
                Err(error(
                    format!("a class from 0 to {} (or -1 to -{classes})", classes - 1),
                    index.to_string(),
                ))
            }
        }
        BlankChoice::Token(token) => {
            let file = alphabet.ok_or_else(|| {
                error("a class index or 'last', for there is no --alphabet".into(), shown(token))
            })?;
            let index = file
                .index_of(token)
                .ok_or_else(|| error(format!("a token of {}", file.name), shown(token)))?;
            if file.len() != classes || index >= classes {
                let expected = format!("{classes} entries, for the blank is one of them");
                return Err(InputError::new(&file.name, Place::whole(), expected, file.len().to_string())
                    .hint(file.count_hint(classes)));
            }
            Ok(index as u32)
        }
    }
}

/// Class names, one for each class.
#[derive(Clone, Debug)]
pub struct Alphabet {
    name: String,
    tokens: Vec<String>,
    classes_of: HashMap<String, u32>,
    blank: u32,
    /// The class that a space in a text is.
    space: Option<u32>,
    /// How many characters the names have, in order, each number once.
    lengths: Vec<usize>,
}

impl Alphabet {
    /// The alphabet of `classes` classes.
    ///
    /// # Errors
    /// Where the file has not as many entries, nor one less.
    pub fn new(file: AlphabetFile, classes: usize, blank: u32) -> Result<Self, InputError> {
        let name = file.name.clone();
        let tokens = file.resolve(classes, blank as usize)?;
        let named = tokens.iter().enumerate().filter(|&(class, _)| class != blank as usize);
        let mut classes_of: HashMap<String, u32> =
            named.clone().map(|(class, token)| (token.clone(), class as u32)).collect();
        // A text's space is the class that separates words, whatever the alphabet calls that.
        let space = Spelling::space_class(&tokens, blank).or_else(|| {
            // A lone mark stands where a space does; with pieces, only who trained them knows how a word is split.
            let mut marked = named.clone().filter(|(_, token)| token.starts_with(WORD_PIECE_MARK));
            let (class, token) = marked.next()?;
            (token == WORD_PIECE_MARK && marked.next().is_none()).then_some(class as u32)
        });
        if let Some(space) = space {
            classes_of.entry(" ".to_owned()).or_insert(space);
        }
        let mut lengths: Vec<usize> = named.map(|(_, token)| token.chars().count()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        Ok(Self { name, tokens, classes_of, blank, space, lengths })
    }

    /// The file, as messages call it.
    pub fn name(&self) -> &str {
        display_name(&self.name)
    }

    /// The name of each class; that of a blank that the file leaves out is empty.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// How text is split where the alphabet leaves no choice.
    pub fn only_split(&self) -> Option<LabelSplit> {
        self.long_entry().is_none().then_some(LabelSplit::Chars)
    }

    /// The first class but the blank and the space whose name is not one character, and its name.
    pub fn long_entry(&self) -> Option<(usize, &str)> {
        let named = self.tokens.iter().enumerate();
        let mut written =
            named.filter(|&(class, _)| ![Some(self.blank), self.space].contains(&Some(class as u32)));
        let long = written.find(|(_, token)| token.chars().count() != 1);
        long.map(|(class, token)| (class, token.as_str()))
    }

    /// The one class that is called as blanks are, where the blank is not.
    pub fn other_blank(&self) -> Option<(usize, &str)> {
        let mut called_so = self.tokens.iter().enumerate().filter(|(_, token)| is_blank_name(token));
        let (class, token) = called_so.next()?;
        let only = called_so.next().is_none() && class != self.blank as usize;
        (only && !self.tokens[self.blank as usize].is_empty()).then_some((class, token))
    }

    /// How to go on where a class is taken for the blank that is none.
    pub(crate) fn blank_hint(&self) -> String {
        match self.other_blank() {
            Some((class, token)) => {
                format!("give --blank {}, class {class}, if that is the blank", shown(token))
            }
            None => "give --blank if another class is the blank".to_owned(),
        }
    }

    /// The first class but the blank without a name: what an empty line at a file's end makes.
    pub fn empty_entry(&self) -> Option<usize> {
        let named = self.tokens.iter().enumerate();
        named
            .filter(|&(class, _)| class != self.blank as usize)
            .find(|(_, token)| token.is_empty())
            .map(|(class, _)| class)
    }

    /// The class that a space in a text is.
    pub fn space(&self) -> Option<u32> {
        self.space
    }

    /// Whether beginnings of words have a mark; without a second character it is a token like any other.
    pub fn has_word_pieces(&self) -> bool {
        self.tokens.iter().any(|token| token.starts_with(WORD_PIECE_MARK))
    }

    /// The class that stands for what is not in the alphabet.
    ///
    /// # Errors
    /// Where no class but the blank has that name.
    pub fn unknown(&self, token: &str) -> Result<u32, InputError> {
        let expected = if self.tokens[self.blank as usize] == token {
            "a token that is not the blank"
        } else {
            "a token of the alphabet"
        };
        let error = || InputError::new("--unk", Place::whole(), expected, shown(token));
        self.classes_of.get(token).copied().ok_or_else(error)
    }

    /// The classes of a line of text; the places (column from 1, text) where no class fits get `unknown`.
    ///
    /// # Errors
    /// The first such place, where there is no `unknown`.
    pub fn encode(
        &self,
        line: &str,
        split: LabelSplit,
        unknown: Option<u32>,
    ) -> Result<Vec<u32>, (usize, String)> {
        let mut labels = Vec::new();
        let mut push = |column: usize, text: &str| match self.classes_of.get(text).copied().or(unknown) {
            Some(class) => {
                labels.push(class);
                Ok(())
            }
            None => Err((column, text.to_owned())),
        };
        match split {
            LabelSplit::Chars => {
                let mut buffer = [0; 4];
                line.chars().enumerate().try_for_each(|(at, c)| push(at + 1, c.encode_utf8(&mut buffer)))?;
            }
            LabelSplit::Tokens => {
                let mut column = 1;
                for word in line.split(char::is_whitespace) {
                    if !word.is_empty() {
                        push(column, word)?;
                    }
                    column += word.chars().count() + 1;
                }
            }
            LabelSplit::Longest => {
                let mut rest = line;
                let mut column = 1;
                while let Some(first) = rest.chars().next() {
                    let mut ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
                    let mut before = 0;
                    let ends = self.lengths.iter().filter(|&&length| length > 0).map_while(|&length| {
                        let end = ends.nth(length - 1 - before);
                        before = length;
                        end
                    });
                    let fits = ends.filter(|&end| self.classes_of.contains_key(&rest[..end])).last();
                    let end = fits.unwrap_or(first.len_utf8());
                    push(column, &rest[..end])?;
                    column += rest[..end].chars().count();
                    rest = &rest[end..];
                }
            }
        }
        Ok(labels)
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of tokens or an object of token to index")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entries, A::Error> {
                let mut list = Vec::new();
                while let Some(token) = seq.next_element()? {
                    list.push(token);
                }
                Ok(Entries::List(list))
            }

            // By hand, for a map type would keep only the last of two equal keys.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries::Indexed(entries))
            }
        }
        deserializer.deserialize_any(EntriesVisitor)
    }
}
