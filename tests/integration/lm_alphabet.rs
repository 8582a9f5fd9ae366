//! Models, lexicons and hotwords against the alphabet: what an entry stands for, and what fits nothing.

use serde_json::Value;

use crate::messages::refused;
use crate::mistakes_in_files::{message, result};
use crate::support::{Folder, npy_f64};

/// A model of single entries: `log10 entry`.
fn unigrams(entries: &[&str]) -> String {
    let lines: String = entries.iter().map(|entry| entry.replace(' ', "\t") + "\n").collect();
    format!("\\data\\\nngram 1={}\n\n\\1-grams:\n{lines}\n\\end\\\n", entries.len())
}

/// A folder with rows of probabilities and the names of their classes.
fn folder(names: &[&str], rows: &[&[f64]]) -> Folder {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[rows.len(), names.len()], &rows.concat()));
    folder.file("names", names.iter().map(|name| format!("{name}\n")).collect::<String>());
    folder
}

const BEAM: [&str; 8] = ["decode", "x.npy", "--input", "probs", "--alphabet", "names", "--beam", "20"];

fn steered(folder: &Folder, options: &[&str]) -> Value {
    result(folder, &[&BEAM[..], options].concat())
}

fn text(result: &Value) -> &str {
    result["items"][0]["text"].as_str().unwrap()
}

#[test]
fn a_bar_is_the_space_before_all_other_names() {
    let folder = folder(&["-", "a", " "], &[&[0.1, 0.8, 0.1]]);
    folder.file("lm", unigrams(&["-1 <s>", "-1 </s>", "-1 <unk>", "-1 a", "-1 <space>", "-1 |"]));
    let found = steered(&folder, &["--lm", "lm", "--lm-unit", "token"]);
    assert_eq!(found["params"]["lm_space"], "|");
}

/// An alphabet's `</s>` is a token like others, which the model's end of a sentence says nothing of; and a `|`
/// beside a space that the model spells so is another.
#[test]
fn what_only_looks_like_an_entry_is_unknown_to_the_model() {
    let steer = ["--lm", "lm", "--lm-unit", "token", "--lm-weight", "1", "--word-bonus", "5"];
    let end = folder(&["-", "</s>", "b"], &[&[0.1, 0.4, 0.5]]);
    end.file("lm", unigrams(&["-1 <s>", "-0.1 </s>", "-3 <unk>", "-2 b"]));
    assert_eq!(text(&steered(&end, &steer)), "b");
    let bar = folder(&["-", "a", "|", " "], &[&[0.1, 0.9, 0.0, 0.0], &[0.5, 0.0, 0.5, 0.0]]);
    bar.file("lm", unigrams(&["-1 <s>", "-0.1 </s>", "-3 <unk>", "-0.1 a", "-0.1 |"]));
    assert_eq!(text(&steered(&bar, &steer)), "a");
}

#[test]
fn a_model_of_none_of_the_tokens_is_refused() {
    let none = folder(&["x", "a", "b"], &[&[0.2, 0.4, 0.4]]);
    for entry in ["x", "z"] {
        // The blank is in no text.
        none.file("lm", unigrams(&["-1 <s>", "-1 </s>", "-1 <unk>", &format!("-1 {entry}")]));
        refused(
            &none,
            &[&BEAM[..], &["--lm", "lm", "--lm-unit", "token"]].concat(),
            "lm: expected tokens of the alphabet, found none",
            Some("without --lm-unit token, the model's entries are taken as words"),
        );
    }
}

#[test]
fn what_needs_names_is_refused_without() {
    let folder = folder(&["-", "a", "b"], &[&[0.2, 0.4, 0.4]]);
    folder.file("list", "a\n");
    folder.file("lm", unigrams(&["-1 <s>", "-1 </s>", "-1 <unk>", "-1 a"]));
    let no_names = ["decode", "x.npy", "--beam", "3"];
    let indices = "--lexicon: without an alphabet, texts are class indices, not words";
    refused(&folder, &[&no_names[..], &["--lexicon", "list"]].concat(), indices, Some("give --alphabet"));
    let indices = "--lm: without an alphabet, texts are class indices, not words";
    let by_words = Some("give --alphabet, or --lm-unit token for a model of tokens");
    refused(&folder, &[&no_names[..], &["--lm", "lm"]].concat(), indices, by_words);
    let hotwords = [&no_names[..], &["--hotwords", "list"]].concat();
    refused(&folder, &hotwords, "--hotwords needs --alphabet", None);
    let space = ["--lm", "lm", "--lm-unit", "token", "--lm-space", "a"];
    let error = "--lm-space: this alphabet has no space";
    refused(&folder, &[&BEAM[..], &space].concat(), error, None);
    for weight in ["1e9", "-1e9"] {
        let args = [&BEAM[..], &["--hotwords", "list", "--hotword-weight", weight]].concat();
        let found = weight.replace("1e9", "1000000000");
        let error = format!("--hotword-weight: expected a number from -1000000 to 1000000, found {found}");
        refused(&folder, &args, &error, None);
    }
}

/// As recognisers of single words have it, and a warning for others.
#[test]
fn where_nothing_separates_words_a_text_is_one() {
    let rows: [&[f64]; 3] = [&[0.0, 0.6, 0.4], &[0.6, 0.2, 0.2], &[0.1, 0.3, 0.6]];
    let folder = folder(&["-", "a", "b"], &rows);
    folder.file("list", "ba\naa\n");
    folder.file("lm", unigrams(&["-1 <s>", "-1 </s>", "-9 <unk>", "-0.1 bb", "-5 ab"]));
    assert_eq!(text(&steered(&folder, &[])), "ab");
    let one_word = |path: &str| {
        format!(
            "{path}: this alphabet has no word delimiter, so each text is one word: give --word-delimiter TOKEN, '' \
             if each token is a word, or ▁ if texts are single words"
        )
    };
    for (steer, path, expected) in [("--lexicon", "list", "ba"), ("--lm", "lm", "bb")] {
        let found = steered(&folder, &[steer, path]);
        assert_eq!(text(&found), expected);
        assert_eq!(message(&found, "one_word"), Some(one_word(path)));
        let said = steered(&folder, &[steer, path, "--word-delimiter", "▁"]);
        assert_eq!((text(&said), &said["warnings"]), (expected, &serde_json::json!([])));
        assert_eq!(said["items"], found["items"]);
    }
    let both = steered(&folder, &["--lm", "lm", "--lexicon", "list"]);
    assert_eq!(message(&both, "one_word"), Some(one_word("lm")));
}

#[test]
fn white_space_in_a_hotword_is_one_boundary_of_words() {
    let rows: [&[f64]; 3] = [&[0.0, 1.0, 0.0, 0.0], &[0.6, 0.0, 0.0, 0.4], &[0.0, 0.0, 1.0, 0.0]];
    let folder = folder(&["-", "a", "b", " "], &rows);
    assert_eq!(text(&steered(&folder, &[])), "ab");
    for phrase in ["a b", "a  b", " a \u{3000}b "] {
        folder.file("hot", format!("{phrase}\n"));
        assert_eq!(text(&steered(&folder, &["--hotwords", "hot"])), "a b", "{phrase:?}");
    }
}

#[test]
fn a_model_may_write_its_unknown_word_in_capitals_and_begin_with_a_mark() {
    let folder = folder(&["-", "a", " "], &[&[0.1, 0.8, 0.1]]);
    for (unknown, told) in [("<unk>", false), ("<UNK>", false), ("<other>", true)] {
        let model = unigrams(&["-1 <s>", "-1 </s>", "-1 a", &format!("-1 {unknown}")]);
        for mark in ["", "\u{feff}"] {
            folder.file("lm", format!("{mark}{model}"));
            let found = steered(&folder, &["--lm", "lm"]);
            assert_eq!(message(&found, "no_unknown_word").is_some(), told, "{unknown}");
        }
    }
}

/// Most is more than half.
#[test]
fn half_of_a_model_is_not_most_of_it() {
    let mut folder = folder(&["-", "ab", "ef", " "], &[&[0.7, 0.1, 0.1, 0.1]]);
    let model = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("-1 {word}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        unigrams(&[&["-1 <s>", "-1 </s>", "-1 <unk>"], &words[..]].concat())
    };
    let told = |folder: &Folder, words: &[&str], code: &str, options: &[&str]| {
        folder.file("lm", model(words));
        message(&steered(folder, &[&["--lm", "lm"], options].concat()), code).is_some()
    };
    assert!(!told(&folder, &["|", "ab", "cd"], "lm_unit", &[]));
    assert!(told(&folder, &["|", "ab", "cd", "ef"], "lm_unit", &[]));
    assert!(!told(&folder, &["abef", "xyz"], "unwritable", &[]));
    assert!(told(&folder, &["abef", "xyz", "zyx"], "unwritable", &[]));
    let by_tokens = ["--lm-unit", "token"];
    assert!(!told(&folder, &["ab", "xyz"], "lm_unit", &by_tokens));
    assert!(told(&folder, &["ab", "xyz", "zyx"], "lm_unit", &by_tokens));
    folder.file("one", "ab xyz\n");
    folder.file("two", "ab xyz zyx\n");
    let unwritable = |folder: &mut Folder, refs| message(&steered(folder, &["--refs", refs]), "unwritable");
    assert_eq!(unwritable(&mut folder, "one"), None);
    assert!(unwritable(&mut folder, "two").is_some());
}

/// However the model spells it, a space is no word of several characters.
#[test]
fn a_model_of_characters_and_a_space_is_one_of_tokens() {
    let folder = folder(&["-", "a", "b", "|"], &[&[0.1, 0.4, 0.3, 0.2]]);
    for (space, told) in [("|", true), ("<space>", true), ("[space]", true), ("space", false)] {
        folder
            .file("lm", unigrams(&["-1 <s>", "-1 </s>", "-1 <unk>", "-1 a", "-1 b", &format!("-1 {space}")]));
        let found = message(&steered(&folder, &["--lm", "lm"]), "lm_unit");
        assert_eq!(found.is_some_and(|found| found.contains("every word is one character")), told, "{space}");
    }
}

/// Printed characters have a bar that is one, and speech has one for the space.
#[test]
fn a_bar_among_other_marks_is_told() {
    let rows: [&[f64]; 3] =
        [&[0.0, 1.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 1.0, 0.0, 0.0], &[0.0, 1.0, 0.0, 0.0, 0.0]];
    for (names, bar, read) in [
        (["-", "a", "|", "~", "{"], true, "a a"),
        (["-", "a", "|", "~", "'"], false, "a a"),
        (["-", "a", "|", "~~", "{}"], false, "a a"),
        (["-", "a", "~", "{", "}"], false, "a~a"),
        (["-", "a", "|", "{", " "], false, "a|a"),
    ] {
        let folder = folder(&names, &rows);
        let found = result(&folder, &["decode", "x.npy", "--input", "probs", "--alphabet", "names"]);
        assert_eq!((text(&found), message(&found, "bar").is_some()), (read, bar), "{names:?}");
    }
    let folder = folder(&["-", "a", "|", "~", "{"], &rows);
    let said = ["decode", "x.npy", "--input", "probs", "--alphabet", "names", "--word-delimiter", "▁"];
    let found = result(&folder, &said);
    assert_eq!((text(&found), message(&found, "bar")), ("a|a", None));
}

/// Sounds and glosses: nothing separates the words of a text, for each token is one.
#[test]
fn each_token_may_be_a_word() {
    let rows: [&[f64]; 3] = [&[0.0, 0.9, 0.0, 0.1], &[0.9, 0.0, 0.1, 0.0], &[0.0, 0.0, 0.9, 0.1]];
    let folder = folder(&["-", "N", "G", "NG"], &rows);
    folder.file("refs", "N G\n");
    assert_eq!(text(&steered(&folder, &[])), "NG");
    let found = steered(&folder, &["--refs", "refs"]);
    let spaced = "refs: spaces in 1 of 1 line, but this alphabet has no word delimiter, so decoded texts have none: \
                  their words are tokens: give --word-delimiter '' if each token is a word";
    assert_eq!(message(&found, "spaced_references").as_deref(), Some(spaced));
    let each = ["--word-delimiter", "", "--refs", "refs", "--timestamps"];
    let found = steered(&folder, &each);
    assert_eq!((text(&found), &found["params"]["word_delimiter"]), ("N G", &"".into()));
    assert_eq!(found["warnings"], serde_json::json!([]));
    assert_eq!((&found["summary"]["wer_ratio"], &found["summary"]["cer_ratio"]), (&0.0.into(), &0.0.into()));
    let words: Vec<&str> = found["items"][0]["hypotheses"][0]["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word["text"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["N", "G"]);
    // A lexicon and a model have the tokens for words.
    folder.file("list", "NG\nG\n");
    assert_eq!(text(&steered(&folder, &["--word-delimiter", "", "--lexicon", "list"])), "NG G");
    folder.file("lm", unigrams(&["-1 <s>", "-1 </s>", "-9 <unk>", "-3 N", "-0.1 NG", "-1 G"]));
    let of_words = steered(&folder, &["--word-delimiter", "", "--lm", "lm"]);
    let of_tokens = steered(
        &folder,
        &["--word-delimiter", "", "--lm", "lm", "--lm-unit", "token", "--word-bonus", "1.5"],
    );
    assert_eq!(text(&of_words), "NG G");
    assert_eq!(of_words["items"], of_tokens["items"]);
    // Else its entries are tokens, and no words of many.
    let found = steered(&folder, &["--lm", "lm"]);
    let unit = "lm: the alphabet's tokens include 1 of the model's 1 word longer than one character: if these are tokens, \
                give --lm-unit token";
    assert_eq!(message(&found, "lm_unit").as_deref(), Some(unit));
}

/// What is read may be labels again.
#[test]
fn texts_of_tokens_are_aligned_as_they_are_written() {
    let rows: [&[f64]; 3] = [&[0.0, 0.9, 0.0, 0.1], &[0.9, 0.0, 0.1, 0.0], &[0.0, 0.0, 0.9, 0.1]];
    let folder = folder(&["-", "N", "G", "NG"], &rows);
    folder.file("labels", "N G\n");
    let args = ["align", "x.npy", "--input", "probs", "--alphabet", "names", "--labels", "labels"];
    let found = result(&folder, &[&args[..], &["--label-split", "tokens"]].concat());
    assert_eq!(found["items"][0]["text"], "N G");
    assert_eq!(found["items"][0]["words"].as_array().unwrap().len(), 2);
}

#[test]
fn letters_in_another_of_unicodes_forms_are_told() {
    let folder = folder(&["-", "c", "a", "f", "e", "\u{301}"], &[&[0.0, 0.2, 0.2, 0.2, 0.2, 0.2][..]; 6]);
    let form = |form: &str| {
        format!(
            "the alphabet has it in Unicode normal form {form}: convert the text with unicodedata.normalize('{form}', text)"
        )
    };
    folder.file("labels", "caf\u{e9}\n");
    let args = ["loss", "x.npy", "--input", "probs", "--alphabet", "names", "--labels", "labels"];
    let error = "labels: item 0, line 1, column 4: expected a token of the alphabet, found 'é'";
    refused(&folder, &args, error, Some(&form("NFD")));
    for option in ["--refs", "--lexicon"] {
        let found = message(&steered(&folder, &[option, "labels"]), "unwritable");
        assert!(found.as_ref().is_some_and(|found| found.ends_with(&form("NFD"))), "{option}: {found:?}");
    }
    folder.file("names", "-\nc\na\nf\n\u{e9}\nx\n");
    folder.file("labels", "cafe\u{301}\n");
    let error = "labels: item 0, line 1, column 4: expected a token of the alphabet, found 'e'";
    refused(&folder, &args, error, Some(&form("NFC")));
    // Forms that look otherwise come last.
    folder.file("labels", "\u{ff43}\n");
    let error = "labels: item 0, line 1, column 1: expected a token of the alphabet, found 'ｃ'";
    refused(&folder, &args, error, Some(&form("NFKC")));
}
