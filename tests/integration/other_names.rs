//! Options by the names that others give them, and labels with names in front of them.

use crate::messages::{refused, said};
use crate::support::Folder;

/// By PyTorch's names, and decoders'.
#[test]
fn an_option_by_another_name_is_told() {
    let folder = Folder::new();
    for (args, other, name) in [
        (&["loss", "x", "--targets", "y"][..], "--targets", "--labels"),
        (&["loss", "x", "--labels", "y", "--class-weights", "w"], "--class-weights", "--weight"),
        (&["loss", "x", "--labels", "y", "--input-lengths", "l"], "--input-lengths", "--lengths"),
        (&["loss", "x", "--labels", "y", "--log-probs"], "--log-probs", "--input log-probs"),
        (&["decode", "x", "--labels", "y"], "--labels", "--refs"),
        (&["decode", "x", "--label", "y"], "--label", "--refs"),
        (&["loss", "x", "--label", "y"], "--label", "--labels"),
        (&["decode", "x", "--beam-width", "3"], "--beam-width", "--beam"),
        (&["tune", "x", "--refs", "y", "--lm", "m", "--alpha", "1"], "--alpha", "--lm-weight"),
        (&["decode", "x", "--kenlm", "m"], "--kenlm", "--lm"),
        (&["eval", "x", "y", "--json"], "--json", "--format json"),
    ] {
        let hint = format!("here it is called {name}; see 'ctctool {} --help'", args[0]);
        refused(&folder, args, &format!("unexpected argument '{other}' found"), Some(&hint));
    }
    // Where there is none of that name here, what clap knows is left.
    let hint = "see 'ctctool eval --help'";
    refused(&folder, &["eval", "a", "b", "--alpha", "1"], "unexpected argument '--alpha' found", Some(hint));
    refused(&folder, &["eval", "--hyp", "a", "b"], "unexpected argument '--hyp' found", Some(hint));
}

/// With a tab, a space or neither behind it.
#[test]
fn names_before_the_labels_are_told() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3,4\n".repeat(9));
    folder.file("alphabet", "-\na\nb\n \n");
    let own = "a line holds only an item's labels: remove its name with";
    for (labels, hint) in [
        ("1089-134 ab a\n", Some(format!("{own} sed 's/^[^ ]* *//'"))),
        ("utt_1\tab a\n", Some(format!("{own} cut -f2"))),
        // The first word may be one of the text, and what follows none.
        ("xyz ab a\n", None),
        ("1089-134 abc\n", None),
        ("ab a1\n", None),
    ] {
        folder.file("y", labels);
        let (code, said) = said(&folder, &["loss", "x.csv", "--labels", "y", "--alphabet", "alphabet"]);
        let told = hint.as_ref().is_some_and(|hint| said.ends_with(&format!("hint: {hint}\n")));
        assert!(code == Some(2) && told == hint.is_some(), "{labels}: {said}");
        assert_eq!(said.contains(own), hint.is_some(), "{labels}: {said}");
    }
}
