//! Alphabets as other tools write them, and labels that are written otherwise.

use crate::messages::said;
use crate::mistakes_in_files::{message, result};
use crate::support::{Folder, npy_f64};

/// The logits of a reader that is sure of a class in each frame, `[frames, classes]`.
pub(crate) fn sure(winners: &[usize], classes: usize) -> Vec<f64> {
    let row = |&winner: &usize| (0..classes).map(move |class| if class == winner { 9.0 } else { 0.0 });
    winners.iter().flat_map(row).collect()
}

/// What is said last of an error, how to go on.
pub(crate) fn hint(folder: &Folder, args: &[&str]) -> String {
    let (code, said) = said(folder, args);
    assert_eq!(code, Some(2), "{said}");
    said.rsplit_once("hint: ").map(|(_, hint)| hint.trim_end().to_owned()).expect(&said)
}

#[test]
fn a_bar_is_no_space_among_other_marks() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[9, 6], &sure(&[1, 0, 2, 2, 1, 0, 5, 0, 1], 6)));
    folder.file("y", "a a\n");
    let told = |alphabet: &str, code: &str| {
        folder.file("names", alphabet);
        let args = ["loss", "x.npy", "--labels", "y", "--alphabet", "names", "--label-split", "chars"];
        message(&result(&folder, &args), code)
    };
    let found = told("-\na\n|\n^\n~\nb\n", "bar").unwrap();
    assert!(found.starts_with("y: spaces become class 2, '|'") && found.contains("such as '^'"), "{found}");
    // In an alphabet of letters, it is the space, and beside `<space>` it never is.
    assert_eq!(told("-\na\n|\nc\nd\nb\n", "bar"), None);
    assert_eq!(told("-\na\n|\n^\n~\n<space>\n", "bar"), None);
    let loss = |alphabet: &str| {
        folder.file("names", alphabet);
        let args = ["loss", "x.npy", "--labels", "y", "--alphabet", "names", "--label-split", "chars"];
        result(&folder, &args)["summary"]["reductions"]["sum"].as_f64().unwrap()
    };
    assert!(loss("-\na\n|\n^\n~\n<space>\n") != loss("-\na\n|\n^\n~\nb\n"));
}

/// A token of several characters that stands in the labels is not meant to be split.
#[test]
fn the_name_of_the_space_in_labels_is_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[30, 12], &sure(&[1; 30], 12)));
    folder.file("names", "-\na\nb\n<space>\n<\n>\ns\np\nc\ne\n1\n2\n");
    folder.file("y", "a b <space> b\n");
    let labels = ["loss", "x.npy", "--labels", "y", "--alphabet", "names"];
    let by = |split: &str| {
        message(&result(&folder, &[&labels[..], &["--label-split", split]].concat()), "spaced_labels")
    };
    assert!(by("chars").unwrap().starts_with("y: line 1 has '<space>', which is a token"));
    assert_eq!(by("tokens"), None);
    // Where a character is no token, the hint is the same.
    folder.file("names", "-\na\nb\n<space>\n<unk>\n>\ns\np\nc\ne\n1\n2\n");
    let how = hint(&folder, &[&labels[..], &["--label-split", "chars"]].concat());
    assert_eq!(how, "if spaces separate the tokens, give --label-split tokens");
}

#[test]
fn alphabets_of_recognisers_say_how_to_become_one() {
    let folder = Folder::new();
    folder.file("x.csv", "0,1,2,3\n");
    let args = |alphabet| ["decode", "x.csv", "--alphabet", alphabet];
    folder.file("kraken.json", r#"{" ": [1], "a": [2], "b": [3]}"#);
    let expected =
        "write indices as numbers, not as lists of one: jq 'map_values(.[0])' kraken.json > alphabet.json";
    assert_eq!(hint(&folder, &args("kraken.json")), expected);
    let unicharset = "3\nNULL 0 Common 0\na 3 0,255,0,255 Latin 1\nb 3 0,255,0,255 Latin 2\n";
    folder.file("eng.unicharset", unicharset);
    let expected = "write only the tokens: tail -n +2 eng.unicharset | cut -d' ' -f1 | sed 's/^NULL$/ /'";
    assert_eq!(hint(&folder, &args("eng.unicharset")), expected);
    folder.file("gaps.json", r#"{"a": 0, "b": 3}"#);
    assert_eq!(hint(&folder, &args("gaps.json")), "indices without an entry: 1, 2");
}

/// A name goes, the text stays.
#[test]
fn what_is_beside_labels_is_told_from_them() {
    let folder = Folder::new();
    folder.file("names", "-\na\nb\n \n");
    let told = |labels: &str| {
        let items = labels.lines().count();
        folder.file("x.npy", npy_f64(&[items, 9, 4], &vec![0.0; items * 36]));
        folder.file("y", labels);
        hint(&folder, &["loss", "x.npy", "--layout", "ntc", "--labels", "y", "--alphabet", "names"])
    };
    for (labels, how) in [
        ("w_1.png,ab a", "remove its name with cut -d, -f2-"),
        ("a/1.wav|ab a", "remove its name with cut -d'|' -f2-"),
        ("utt_1 ab a", "remove its name with sed 's/^[^ ]* *//'"),
        ("ab a\t", "remove the tab at its end with cut -f1"),
        ("ab a\tw_1.png", "remove what is behind it with cut -f1"),
        ("w_1.png\tab a", "remove its name with cut -f2"),
        ("utt-1 ab a\nutt-2 b\n", "remove its name with sed 's/^[^ ]* *//'"),
    ] {
        assert_eq!(told(labels), format!("a line holds only an item's labels: {how}"));
    }
    // A text may begin with a number, or have a tab by mistake, or another mistake beside it.
    for labels in ["3a ab", "ab\n3b a\na\n", "ab 1-2\n3a b", "ab\na\tb\n", "axa\t"] {
        assert!(told(labels).starts_with("the alphabet has no token for it"), "{labels}");
    }
}

/// What many tokens begin with marks where words do.
#[test]
fn any_mark_of_word_pieces_separates_words() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[6, 5], &sure(&[1, 2, 0, 3, 2, 4], 5)));
    let words = |alphabet: &str, delimiter: &str| {
        folder.file("names", alphabet);
        let args = ["decode", "x.npy", "--alphabet", "names", "--word-delimiter", delimiter, "--timestamps"];
        let result = result(&folder, &args);
        let words = result["items"][0]["hypotheses"][0]["words"].as_array().unwrap().clone();
        assert_eq!(result["params"]["word_delimiter"], delimiter);
        words.iter().map(|word| word["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for mark in ["▁", "Ġ"] {
        assert_eq!(words(&format!("-\n{mark}a\nb\n{mark}c\nd\n"), mark), ["ab", "cbd"]);
        assert_eq!(words(&format!("-\n{mark}a\nb\n{mark}c\n{mark}\n"), mark), ["ab", "cb"]);
    }
    // One token that begins so is no reason.
    assert_eq!(words("-\na\nb\n_\n_b\n", "_"), ["ab", "b_b"]);
    folder.file("names", "-\na\n##b\nc\nd\n");
    let how = hint(&folder, &["decode", "x.npy", "--alphabet", "names", "--word-delimiter", "##"]);
    assert!(
        how.starts_with("rewrite the alphabet so that ▁ marks where words begin: of a list, sed "),
        "{how}"
    );
}

/// All that an alphabet lacks is told at once.
#[test]
fn all_characters_that_an_alphabet_lacks_are_named() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 9, 3], &[0.0; 54]));
    folder.file("names", "-\na\nb\n");
    let loss = ["loss", "x.npy", "--layout", "ntc", "--labels", "y", "--alphabet", "names"];
    let how = |labels: &str| {
        folder.file("y", labels);
        hint(&folder, &loss)
    };
    let one = "the alphabet has no token for it: remove it from the labels, or give --unk TOKEN, a token to use instead";
    assert_eq!(how("axa\nbx\n"), one);
    assert_eq!(how("axya\nbyz\n"), format!("{one}; it also lacks 2 other characters: 'y', 'z'"));
    let all = "axcdefghijklmn\na\n";
    assert!(how(all).ends_with(
        "; it also lacks 12 other characters: 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', …"
    ));
}
