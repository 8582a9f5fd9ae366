//! What is said of a command line that was typed wrong.

use std::error::Error as _;
use std::io::{self, Write};
use std::num::{ParseFloatError, ParseIntError};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{ExitStatus, command};
use crate::report::escaped;
use crate::shown::quoted;

/// Help and version go to standard output; a usage error is one line and a hint, like any other error.
pub(super) fn report_usage(error: &clap::Error) -> ExitStatus {
    if !error.use_stderr() {
        return match error.print() {
            Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
                let _ = writeln!(io::stderr(), "error: standard output: cannot be written: {cause}");
                ExitStatus::Error
            }
            _ => ExitStatus::Success,
        };
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitStatus::Error;
    }
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut message = paragraphs.next().unwrap_or_default();
    if let Some(needs) = needs(error) {
        message = format!("error: {needs}");
    }
    // What the parsers of numbers say does not tell what they want.
    if let Some(cause) = error.source() {
        let expected = match cause {
            _ if cause.is::<ParseIntError>() => Some("expected a whole number"),
            _ if cause.is::<ParseFloatError>() => Some("expected a number"),
            _ => None,
        };
        message = expected.map(|expected| message.replace(&cause.to_string(), expected)).unwrap_or(message);
    }
    let mut hint = String::new();
    let other_name = other_name(error);
    if let Some(name) = other_name {
        hint = format!("here it is called {name}; ");
    } else if let Some(option) = option_of_second_path(error) {
        hint = format!("give it as {option}; ");
    }
    for part in paragraphs.filter(|_| other_name.is_none()) {
        if let Some(tip) = part.strip_prefix("tip: ").filter(|tip| is_tip(tip)) {
            hint += tip;
            hint += "; ";
        }
    }
    // Names are bytes: what is typed need not be UTF-8.
    let typed = std::env::args_os().nth(1);
    let subcommand = typed
        .as_deref()
        .and_then(|name| command().find_subcommand(name).map(|found| found.get_name().to_owned()));
    let help = subcommand.map_or("ctctool --help".to_owned(), |name| format!("ctctool {name} --help"));
    let _ = writeln!(io::stderr(), "{message}\nhint: {hint}see '{help}'");
    ExitStatus::Error
}

/// A value that begins with '-' can't be given to an option behind '--', as one of clap's tips would have it; and the help
/// is no option like another.
fn is_tip(tip: &str) -> bool {
    !tip.starts_with("to pass '") && !tip.ends_with("'--help'")
}

/// Options that say nothing without another one, and that.
const NEEDS: [(&str, &str); 15] = [
    ("--frame-shift", "--timestamps"),
    ("--token-min-logp", "--beam"),
    ("--rtol", "--expect"),
    ("--atol", "--expect"),
    ("--label-split", "--alphabet"),
    ("--unk", "--alphabet"),
    ("--word-delimiter", "--alphabet"),
    ("--label-lengths", "--labels"),
    ("--lm-unit", "--lm"),
    ("--lm-weight", "--lm"),
    ("--word-bonus", "--lm"),
    ("--lm-space", "--lm"),
    ("--no-lm-eos", "--lm"),
    ("--unk-score", "--lm"),
    ("--hotword-weight", "--hotwords"),
];

/// The words of the command line, options without the values behind their `=`.
pub(super) fn typed_words() -> Vec<String> {
    std::env::args_os().filter_map(|word| Some(word.to_str()?.split('=').next()?.to_owned())).collect()
}

/// Which option that was typed needs which that was not: clap's own message names the other alone.
fn needs(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return None };
    // Where more is missing, clap's message has it all.
    if error.kind() != ErrorKind::MissingRequiredArgument || missing.len() > 1 {
        return None;
    }
    let typed = typed_words();
    let is_missing =
        |other: &str| missing.iter().find(|text| text.split(['<', ' ', '|']).any(|part| part == other));
    NEEDS.iter().filter(|(option, _)| typed.iter().any(|word| word == option)).find_map(|(option, other)| {
        let missing = is_missing(other)?;
        // Of several that would do, clap's list is in brackets.
        let one_of = missing.strip_prefix('<').and_then(|list| list.strip_suffix('>'));
        let all = one_of.map_or_else(|| missing.clone(), |list| list.replace('|', " or "));
        Some(format!("{option} needs {all}"))
    })
}

/// What options are called elsewhere, most of them in PyTorch and in decoders, and here; the first that a subcommand has.
const OTHER_NAMES: [(&str, &[&str]); 27] = [
    ("--targets", &["--labels"]),
    ("--target", &["--labels"]),
    ("--labels", &["--refs"]),
    ("--label", &["--labels", "--refs"]),
    ("--references", &["--refs"]),
    ("--reference", &["--refs"]),
    ("--input-lengths", &["--lengths"]),
    ("--logit-lengths", &["--lengths"]),
    ("--target-lengths", &["--label-lengths"]),
    ("--weights", &["--weight"]),
    ("--class-weights", &["--weight"]),
    ("--class-weight", &["--weight"]),
    ("--charset", &["--alphabet"]),
    ("--vocab", &["--alphabet"]),
    ("--vocabulary", &["--alphabet"]),
    ("--dict", &["--alphabet"]),
    ("--tokens", &["--alphabet"]),
    ("--alpha", &["--lm-weight"]),
    ("--lm-alpha", &["--lm-weight"]),
    ("--beta", &["--word-bonus"]),
    ("--lm-beta", &["--word-bonus"]),
    ("--beam-width", &["--beam"]),
    ("--beam-size", &["--beam"]),
    ("--log-probs", &["--input log-probs"]),
    ("--kenlm", &["--lm"]),
    ("--arpa", &["--lm"]),
    ("--json", &["--format json"]),
];

/// The option for a file behind the first one, where that is not given yet.
fn option_of_second_path(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument || !Path::new(typed).is_file() {
        return None;
    }
    let option = match std::env::args_os().nth(1)?.to_str()? {
        "loss" | "inspect" | "align" => "--labels",
        // An array is no text.
        "decode" | "tune" if Path::new(typed).extension() != Some("npy".as_ref()) => "--refs",
        _ => return None,
    };
    let is_given = typed_words().iter().any(|word| word == option);
    (!is_given).then(|| format!("{option} {}", escaped(&quoted(typed))))
}

/// What an option that there is not is called here.
fn other_name(error: &clap::Error) -> Option<&'static str> {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let (_, names) = OTHER_NAMES.iter().find(|(other, _)| other == typed)?;
    let subcommand = command();
    let subcommand = subcommand.find_subcommand(std::env::args_os().nth(1)?)?;
    let is_there = |name: &&&str| {
        let long = name.trim_start_matches('-').split(' ').next();
        subcommand.get_arguments().any(|argument| argument.get_long() == long)
    };
    names.iter().find(is_there).copied()
}
