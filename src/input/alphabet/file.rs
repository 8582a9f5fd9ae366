//! An alphabet as it is in its file, before it is known how many classes there are.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::input::source::Source;
use crate::input::text::{lines_of, text_of};
use crate::input::{InputError, Place, display_name};
use crate::shown::{listed, quoted, shown};

/// The entries of an alphabet file, before it is known how many classes there are.
#[derive(Clone, Debug)]
pub struct AlphabetFile {
    pub(super) name: String,
    entries: Entries,
}

#[derive(Clone, Debug)]
enum Entries {
    List(Vec<String>),
    Indexed(Vec<(String, i64)>),
}

impl AlphabetFile {
    /// Reads one token per line or, if the name ends in `.json`, JSON: a list of tokens, or an object that maps tokens
    /// to indices.
    ///
    /// # Errors
    /// If the file can't be read, is neither of these, or has two equal entries.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        Self::from_source(Source::open(path)?)
    }

    /// The same as [`Self::open`], from a source of which nothing was read yet.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_source(mut source: Source) -> Result<Self, InputError> {
        let name = source.name().to_owned();
        let text = text_of(&name, source.read_rest()?)?;
        let entries =
            if Path::new(&name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
                let expected = "a JSON list of tokens, or an object that maps tokens to indices";
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

    /// What the user called it, for messages.
    pub(crate) fn name(&self) -> &str {
        display_name(&self.name)
    }

    /// The class of each token by the file alone, as if it named every class.
    pub(crate) fn classes_by_name(&self) -> HashMap<String, i64> {
        match &self.entries {
            Entries::List(list) => list.iter().cloned().zip(0..).collect(),
            Entries::Indexed(map) => map.iter().cloned().collect(),
        }
    }

    /// The names of a classifier's classes, none of which is a blank.
    ///
    /// # Errors
    /// If the number of entries is not the number of classes.
    pub fn class_names(self, classes: usize) -> Result<Vec<String>, InputError> {
        if self.len() != classes {
            let expected = format!("{classes} entries, one for each class");
            let error = InputError::new(&self.name, Place::whole(), expected, self.len().to_string());
            return Err(error.maybe_hint((self.len() > classes).then(|| self.count_hint(classes))));
        }
        self.resolve(classes, 0)
    }

    /// Whether an entry is called as a blank is, or the first or last as only a blank is there.
    pub(crate) fn names_blank(&self) -> bool {
        let at_an_end = |token: &str| ["", "-", "_", "ε", "ϵ", "∅", "<null>"].contains(&token);
        let ends = [0, self.len().saturating_sub(1)].map(|class| self.token_at(class));
        self.find(is_blank_name).is_some() || ends.into_iter().flatten().any(at_an_end)
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        match &self.entries {
            Entries::List(list) => list.len(),
            Entries::Indexed(map) => map.len(),
        }
    }

    /// The class of a token, where the file names every class.
    pub(super) fn index_of(&self, token: &str) -> Option<usize> {
        self.find(|other| other == token).map(|(_, class)| class)
    }

    /// The first entry of a kind, and its number.
    fn find(&self, is_of_kind: impl Fn(&str) -> bool) -> Option<(&str, usize)> {
        match &self.entries {
            Entries::List(list) => {
                let class = list.iter().position(|token| is_of_kind(token))?;
                Some((&list[class], class))
            }
            Entries::Indexed(map) => {
                let (token, index) = map.iter().find(|(token, _)| is_of_kind(token))?;
                Some((token, usize::try_from(*index).ok()?))
            }
        }
    }

    /// How to go on where there are too few or too many entries.
    pub(super) fn count_hint(&self, classes: usize) -> Cow<'static, str> {
        match &self.entries {
            Entries::List(list) => Cow::Borrowed(match &list[..] {
                [line] if (classes.saturating_sub(1)..=classes).contains(&line.chars().count()) => {
                    "write each token on a line of its own"
                }
                [.., last] if last.is_empty() && list.len() == classes + 1 => {
                    "the last line is empty: delete it"
                }
                _ if list.len() + 2 == classes && !list.iter().any(|token| token == " ") => {
                    "is the space missing? There should be one entry for each class on the logits' last axis"
                }
                _ => ONE_EACH,
            }),
            Entries::Indexed(map) => {
                let taken: HashSet<i64> = map.iter().map(|(_, index)| *index).collect();
                let lacking = (0..classes as i64).filter(|index| !taken.contains(index));
                let lacking: Vec<i64> = lacking.take(FEW_LACKING + 1).collect();
                let within = taken.iter().all(|&index| (0..classes as i64).contains(&index));
                if !within || self.len() >= classes || lacking.len() > FEW_LACKING {
                    return ONE_EACH.into();
                }
                format!("indices without an entry: {}", listed(&lacking, FEW_LACKING)).into()
            }
        }
    }

    /// The token that a class has by the file alone.
    pub(super) fn token_at(&self, class: usize) -> Option<&str> {
        match &self.entries {
            Entries::List(list) => list.get(class).map(String::as_str),
            Entries::Indexed(map) => {
                let found = map.iter().find(|(_, index)| usize::try_from(*index) == Ok(class));
                found.map(|(token, _)| token.as_str())
            }
        }
    }

    /// The entry that is called as only the blank of CTC is, and its number.
    fn entry_of_blank(&self) -> Option<(&str, usize)> {
        self.find(|token| BLANK_NAMES.iter().any(|name| token.eq_ignore_ascii_case(name)))
    }

    /// The tokens of all classes, the blank put in where the file leaves it out.
    pub(super) fn resolve(self, classes: usize, blank: usize) -> Result<Vec<String>, InputError> {
        let other_count = |found: String| {
            let expected = format!("{classes} entries, or {} without the blank", classes.saturating_sub(1));
            InputError::new(&self.name, Place::whole(), expected, found)
        };
        if self.len() != classes && self.len() + 1 != classes {
            return Err(other_count(self.len().to_string()).hint(self.count_hint(classes)));
        }
        let complete = self.len() == classes;
        let at_blank =
            || self.token_at(blank).filter(|token| is_blank_name(token)).map(|token| (token, blank));
        if let Some((token, class)) = self.entry_of_blank().or_else(at_blank).filter(|_| !complete) {
            let found = format!("{}, with {} for class {class}", self.len(), shown(token));
            return Err(other_count(found).hint(
                "one entry is missing: another class's or, if this is not the blank, the blank's own",
            ));
        }
        let name = self.name;
        let mut tokens = match self.entries {
            Entries::List(list) => list,
            Entries::Indexed(mut map) => {
                map.sort_by_key(|(_, index)| *index);
                if let Some([(one, index), (other, _)]) = map.windows(2).find(|pair| pair[0].1 == pair[1].1) {
                    let found = format!("index {index} for both {} and {}", shown(one), shown(other));
                    return Err(InputError::new(&name, Place::whole(), "each index once", found));
                }
                let leaves_out = |class: usize| {
                    let index_of = |at: usize| at as i64 + i64::from(at >= class);
                    map.iter().enumerate().all(|(at, (_, index))| *index == index_of(at))
                };
                // Either the classes but the blank in order, or numbers that leave the blank's out.
                let dense = leaves_out(map.len());
                if !(dense || !complete && leaves_out(blank)) {
                    let (at, (token, index)) = map
                        .iter()
                        .enumerate()
                        .find(|(at, (_, index))| *index != *at as i64)
                        .unwrap_or((0, &map[0]));
                    let hint = format!("class {at} has no entry: if it is the blank, give --blank {at}");
                    return Err(InputError::new(
                        &name,
                        Place::whole(),
                        format!("index {at} (each index from 0 on exactly once)"),
                        format!("{index} for {}", shown(token)),
                    )
                    .maybe_hint((!complete && leaves_out(at)).then_some(hint)));
                }
                map.into_iter().map(|(token, _)| token).collect()
            }
        };
        if !complete {
            tokens.insert(blank, String::new());
        }
        if let Some(class) = tokens.iter().position(|token| token.len() > MOST_BYTES) {
            let expected = format!("tokens of at most {MOST_BYTES} bytes");
            let found = format!("{} bytes for class {class}", tokens[class].len());
            return Err(InputError::new(&name, Place::whole(), expected, found));
        }
        Ok(tokens)
    }
}

/// No token is nearly as long, and a text is looked through for tokens at each of its characters.
const MOST_BYTES: usize = 1000;

/// So many indices are named.
const FEW_LACKING: usize = 10;

const ONE_EACH: &str = "the alphabet should have one entry for each class on the logits' last axis";

/// What JSON is that is no alphabet, and how to make one of it.
fn json_hint(name: &str, text: &str) -> Option<String> {
    use serde_json::Value;
    let Ok(Value::Object(map)) = serde_json::from_str(text) else { return None };
    if map.get("model").is_some_and(|model| model["vocab"].is_object()) {
        return Some(format!(
            "only the vocabulary is the alphabet: extract it with jq .model.vocab {} > vocab.json",
            quoted(name)
        ));
    }
    let of_several = map.iter().find(|(_, value)| value.is_object() || value.is_array());
    let (key, value) = of_several.or_else(|| map.iter().next())?;
    match value {
        Value::String(_) if key.parse::<u64>().is_ok() => Some(
            "this maps indices to tokens: map tokens to indices, or write a list of the tokens in order"
                .to_owned(),
        ),
        Value::String(index) => Some(format!("write indices as numbers: {index}, not \"{index}\"")),
        Value::Array(_) if map.values().all(|value| value.as_array().is_some_and(|list| list.len() == 1)) => {
            Some(format!(
                "write indices as numbers, not as lists of one: jq 'map_values(.[0])' {} > alphabet.json",
                quoted(name)
            ))
        }
        Value::Object(_) | Value::Array(_) => {
            let path = quoted(&format!(".{}", Value::from(key.as_str()))).into_owned();
            let what = if value.is_array() { "lists" } else { "objects" };
            Some(format!("write one of these {what} to a file of its own: jq {path} {}", quoted(name)))
        }
        _ => None,
    }
}

/// What no other token is called.
const BLANK_NAMES: [&str; 4] = ["<blank>", "[blank]", "<blk>", "[blk]"];

/// Whether nothing but a blank is called so, or padding that may be the blank.
pub(super) fn is_blank_name(token: &str) -> bool {
    let others = ["<pad>", "[pad]", "blank", "<eps>", "<ctc>", "<ctc_blank>"];
    BLANK_NAMES.iter().chain(&others).any(|name| token.eq_ignore_ascii_case(name))
}

/// Whether a token is called as what stands for no text is; a blank that is taken for a token is a mistake.
pub(super) fn is_no_text(token: &str) -> bool {
    let names = ["s", "/s", "unk", "bos", "eos", "sos", "sos/eos", "mask", "cls", "sep"];
    let within = |open: char, close: char| {
        let name = token.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        name.is_some_and(|name| names.iter().any(|other| name.eq_ignore_ascii_case(other)))
    };
    within('<', '>') || within('[', ']')
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
            return Err(InputError::new(name, Place::whole().at(unit, at), "each token once", found).hint(
                "rename the entry that your training code never writes: of code that maps names to indices, the first",
            ));
        }
    }
    Ok(())
}

/// Refuses lines that are more than a token each, as other tools write them: none would be the token meant.
fn check_tokens_alone(name: &str, lines: &[String]) -> Result<(), InputError> {
    if lines.len() < 2 {
        return Ok(());
    }
    let file = quoted(name);
    let ways = [
        ("a token and its number", numbers_behind(&file, lines)),
        ("a token and its number", numbers_before(&file, lines)),
        ("the number of tokens, and their properties behind them", properties_behind(&file, lines)),
        ("a token and its score", scores_behind(&file, lines)),
        ("a token in quotes", are_quoted(lines).then(|| "write the tokens without quotes".to_owned())),
    ];
    for (what, hint) in ways {
        if let Some(hint) = hint {
            let found = format!("{}, {what}", shown(&lines[0]));
            let place = Place::whole().at("line", 1);
            return Err(InputError::new(name, place, "one token per line", found).hint(hint));
        }
    }
    Ok(())
}

/// What is between a token and what else is in its line.
const BETWEEN: [char; 3] = [' ', '\t', ','];

fn is_one_character(token: &str) -> bool {
    token.chars().count() == 1
}

/// How to make an alphabet of tokens with their numbers behind them, as Kaldi and k2 write them.
fn numbers_behind(file: &str, lines: &[String]) -> Option<String> {
    let number = |line: &String| -> Option<usize> { line.rsplit_once(BETWEEN)?.1.parse().ok() };
    let mut numbers = lines.iter().map(number).collect::<Option<Vec<_>>>()?;
    numbers.sort_unstable();
    // The blank may be left out; but "channel 1" and "volume 2" may be tokens.
    let is_letter =
        |line: &String| line.rsplit_once(BETWEEN).is_some_and(|(front, _)| is_one_character(front));
    let from_1 = || numbers.iter().copied().eq(1..=lines.len()) && lines.iter().all(is_letter);
    if !numbers.iter().copied().eq(0..lines.len()) && !from_1() {
        return None;
    }
    let (key, cut) = match lines[0].chars().rfind(|c| BETWEEN.contains(c)) {
        Some('\t') => ("-t$'\\t' -k2", ""),
        Some(',') => ("-t, -k2", " -d,"),
        _ => ("-k2", " -d' '"),
    };
    // A space, or nothing, before the number is no field to `sort` and `cut`.
    let how = if lines.iter().any(|line| line.starts_with([' ', '\t'])) {
        format!(
            "awk '{{ n = $NF; sub(/[ \\t][0-9]+$/, \"\"); print n \"\\t\" $0 }}' {file} | sort -n | cut -f2-"
        )
    } else {
        format!("sort -n {key} {file} | cut{cut} -f1")
    };
    Some(format!("write only the tokens, in the order of their numbers: {how}"))
}

/// The same of numbers before the tokens.
fn numbers_before(file: &str, lines: &[String]) -> Option<String> {
    let numbered = |(at, line): (usize, &String)| {
        let parts = line.split_once(BETWEEN);
        parts.is_some_and(|(front, token)| front == at.to_string() && !token.is_empty())
    };
    let is_letter =
        |line: &String| line.split_once(BETWEEN).is_some_and(|(_, token)| is_one_character(token));
    let from_1 = || (1..).zip(lines).all(numbered) && lines.iter().all(is_letter);
    let cut = match lines[0].chars().find(|c| BETWEEN.contains(c)) {
        Some('\t') => "cut",
        Some(',') => "cut -d,",
        _ => "cut -d' '",
    };
    (lines.iter().enumerate().all(numbered) || from_1())
        .then(|| format!("write only the tokens: {cut} -f2- {file}"))
}

/// The same of what Tesseract writes: how many tokens there are, then each with its properties, the space as NULL.
fn properties_behind(file: &str, lines: &[String]) -> Option<String> {
    let is_count = lines[0].parse() == Ok(lines.len() - 1);
    let has_properties = |line: &String| {
        let second = line.split(' ').nth(1).unwrap_or_default();
        !line.starts_with(' ') && !second.is_empty() && second.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    (is_count && lines[1..].iter().all(has_properties))
        .then(|| format!("write only the tokens: tail -n +2 {file} | cut -d' ' -f1 | sed 's/^NULL$/ /'"))
}

/// The same of vocabularies of word pieces, with a score behind each.
fn scores_behind(file: &str, lines: &[String]) -> Option<String> {
    let has_score = |line: &String| line.rsplit_once('\t').is_some_and(|(_, end)| end.parse::<f64>().is_ok());
    lines
        .iter()
        .all(has_score)
        .then(|| format!("write only the tokens, in the order of the classes: cut -f1 {file}"))
}

fn are_quoted(lines: &[String]) -> bool {
    let is_in = |line: &str, quote: char| line.len() > 2 && line.starts_with(quote) && line.ends_with(quote);
    lines.iter().all(|line| ['\'', '"'].iter().any(|&quote| is_in(line, quote)))
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of tokens, or an object that maps tokens to indices")
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
