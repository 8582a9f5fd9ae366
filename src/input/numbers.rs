//! Short lists of numbers, given as `N,N,…` or as a file: lengths, class weights.

use std::ops::Deref;
use std::path::Path;

use super::npy::{Dtype, NpyInfo};
use super::source::Source;
use super::text::{lines_of, text_of};
use super::{InputError, Place};
use crate::shown::shown;

/// A list that was given to an option, and where each of its numbers stands.
#[derive(Clone, Debug)]
pub struct List<T> {
    name: String,
    values: Vec<T>,
    /// The text file that it is from; empty where there is none.
    text: String,
}

impl<T> List<T> {
    /// What messages call it: the file that it is in or, if it was typed on the command line, the option.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The place of an item's number.
    pub fn place(&self, item: usize) -> Place {
        let place = Place::whole().at("item", item);
        let line_words = |(line, content)| words(content).map(move |(column, _)| (line, column));
        match lines_of(&self.text).enumerate().flat_map(line_words).nth(item) {
            Some((line, column)) => place.at("line", line + 1).at("column", column),
            None => place,
        }
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values
    }
}

/// The argument of `option` as a list of integers: `N,N,…`, or a file (.npy, or text with numbers separated by spaces,
/// commas or line ends).
///
/// # Errors
/// Where the file can't be read or holds something else.
pub fn integer_list(option: &str, argument: &str) -> Result<List<i64>, InputError> {
    list(option, argument, "an integer", whole_number, NpyInfo::integers)
}

/// The argument of `option` as a list of numbers, in the same forms as for [`integer_list`].
///
/// # Errors
/// Where the file can't be read or holds something else.
pub fn float_list(option: &str, argument: &str) -> Result<Vec<f64>, InputError> {
    let from_npy = |info: &NpyInfo, bytes: &[u8]| info.doubles(bytes).into_iter().map(Some).collect();
    Ok(list(option, argument, "a number", |text| text.parse().ok(), from_npy)?.values)
}

/// A whole number in any spelling: NumPy's text files write 3 as `3.000000000000000000e+00`.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().or_else(|| {
        let value = text.parse::<f64>().ok()?;
        is_exact_integer(value).then_some(value as i64)
    })
}

/// Whether a number is an integer, and no other is rounded to it: from 2^53 on, which is what 2^53 + 1 is read as, a
/// double does not say which one was meant.
pub(super) fn is_exact_integer(x: f64) -> bool {
    x.fract() == 0.0 && x.abs() < 9_007_199_254_740_992.0
}

/// Whether a text is a number, as `nan` and `infinity` are not.
pub(super) fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Whether a text is an integer that 64 bits do not hold.
pub(super) fn is_too_large(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<i64>().is_err()
}

/// How to go on where a list or a table begins with what it is called.
pub(super) const NAMED: &str = "the first line is a heading: remove it, as tail -n +2 does";

/// The words of a text but for its first lines.
fn words_after(text: &str, lines: usize) -> impl Iterator<Item = &str> {
    lines_of(text).skip(lines).flat_map(words).map(|(_, word)| word)
}

/// The words of a line, separated by spaces or commas, and the column, from 1, that each begins at.
pub(super) fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let separator = |c: char| c.is_whitespace() || c == ',';
    let mut rest = line;
    let mut column = 1;
    std::iter::from_fn(move || {
        let start = rest.find(|c| !separator(c))?;
        column += rest[..start].chars().count();
        rest = &rest[start..];
        let (word, after) = rest.split_at(rest.find(separator).unwrap_or(rest.len()));
        let found = (column, word);
        column += word.chars().count();
        rest = after;
        Some(found)
    })
}

/// The column, from 1, of the first of a line's fields, separated by commas, that is empty before another that is not:
/// what is missing at the end of a row was never there.
pub(super) fn empty_field(line: &str) -> Option<usize> {
    let line = line.trim_end_matches(|c: char| c.is_whitespace() || c == ',');
    if !line.contains(',') {
        return None;
    }
    let mut column = 1;
    line.split(',').find_map(|field| {
        let start = column;
        column += field.chars().count() + 1;
        field.trim().is_empty().then_some(start)
    })
}

/// How to go on where lengths are relative ones.
const SHARES: &str = "these are relative lengths: multiply them by the full length, \
                      numpy.rint(x * length).astype('int64')";

/// Whether numbers are rather parts of a length each.
fn are_shares(numbers: &[f64]) -> bool {
    numbers.iter().any(|&x| x < 1.0) && numbers.iter().all(|&x| x > 0.0 && x <= 1.0)
}

/// How to go on where a list of lengths is rather a mask.
fn mask_hint(option: &str) -> Option<&'static str> {
    option.ends_with("lengths").then_some(
        "the row sums of a mask are lengths: mask.sum(axis=1).astype(int) or, if 1 marks padding, (1 - mask).sum(axis=1).astype(int)",
    )
}

fn list<T>(
    option: &str,
    argument: &str,
    what: &str,
    parse: impl Fn(&str) -> Option<T>,
    from_npy: impl Fn(&NpyInfo, &[u8]) -> Vec<Option<T>>,
) -> Result<List<T>, InputError> {
    let inline: Option<Vec<T>> = argument.split(',').map(|word| parse(word.trim())).collect();
    if let Some(values) = inline {
        return Ok(List { name: option.to_owned(), values, text: String::new() });
    }
    let mut source = Source::open(Path::new(argument)).map_err(|error| {
        // What is no file either was meant as a list.
        let typed =
            argument.trim().is_empty() || argument.split(',').any(|word| word.trim().parse::<f64>().is_ok());
        let mut words = argument.split(',').map(str::trim).enumerate();
        match words.find(|(_, word)| parse(word).is_none()) {
            Some((entry, word)) if typed && !Path::new(argument).exists() => {
                let error = InputError::new(option, Place::whole().at("entry", entry), what, shown(word));
                let numbers: Result<Vec<f64>, _> =
                    argument.split(',').map(|word| word.trim().parse()).collect();
                if option.ends_with("lengths") && numbers.is_ok_and(|numbers| are_shares(&numbers)) {
                    return error.hint(SHARES);
                }
                error.hint(format!("{option} takes a comma-separated list or the name of a file"))
            }
            _ => error,
        }
    })?;
    if source.is_npy()? {
        let info = NpyInfo::read(&mut source)?;
        if info.dtype == Dtype::Bool {
            let error = InputError::new(argument, Place::whole(), "a list of numbers", "booleans");
            return Err(error.maybe_hint(mask_hint(option)));
        }
        // Axes of one entry are no other list.
        if info.shape.iter().filter(|&&size| size != 1).count() > 1 {
            let found = format!("an array with {} axes", info.shape.len());
            let mask = info.shape.len() == 2;
            let error = InputError::new(argument, Place::whole(), "a list", found);
            return Err(error.maybe_hint(mask_hint(option).filter(|_| mask)));
        }
        let bytes = info.read_body(&mut source)?;
        let check = |(at, value): (usize, Option<T>)| {
            value.ok_or_else(|| {
                let error =
                    |at, found| InputError::new(argument, Place::whole().at("entry", at), what, found);
                if info.dtype.is_integer() {
                    return error(at, "a number that is too large".to_owned());
                }
                let numbers = info.doubles(&bytes);
                let fraction = numbers.iter().position(|x| x.fract() != 0.0);
                let at = fraction.unwrap_or(at);
                let hint = if are_shares(&numbers) {
                    Some(SHARES)
                } else {
                    fraction.is_none().then_some("save it as integers: x.astype('int64')")
                };
                error(at, format!("{} in {}", numbers[at], info.dtype.name())).maybe_hint(hint)
            })
        };
        let values = from_npy(&info, &bytes).into_iter().enumerate().map(check).collect::<Result<_, _>>()?;
        return Ok(List { name: argument.to_owned(), values, text: String::new() });
    }
    let text = text_of(argument, source.read_rest()?)?;
    let mut values = Vec::new();
    for (line, content) in lines_of(&text).enumerate() {
        for (column, word) in words(content) {
            let place = Place::whole().at("line", line + 1).at("column", column);
            values.push(parse(word).ok_or_else(|| {
                let error = InputError::new(argument, place, what, shown(word));
                let rest_are_numbers = || words_after(&text, 1).all(|word| parse(word).is_some());
                let is_header = line == 0 && words_after(&text, 1).next().is_some() && rest_are_numbers();
                let numbers: Vec<f64> =
                    words_after(&text, 0).map(|word| word.parse().unwrap_or(f64::NAN)).collect();
                error.maybe_hint(if are_shares(&numbers) { Some(SHARES) } else { is_header.then_some(NAMED) })
            })?);
        }
    }
    Ok(List { name: argument.to_owned(), values, text })
}
