//! What a new user gets wrong, and what is said of it.

use crate::messages::{refused, said};
use crate::support::{Folder, ctctool, json, npy_bytes, npy_f64, npy_i64, repository, warnings};

/// The hints were to try the one delimiter, then the other.
#[test]
fn decimal_commas_are_said_to_be_such() {
    let folder = Folder::new();
    let hint = Some("decimal commas are not supported: write decimal points, 0.1257 instead of 0,1257");
    folder.file("x.csv", "0,1257;-0,1321\n0,5;1\n");
    let found = "x.csv: line 1, column 2: expected a number, found '1257;-0'";
    refused(&folder, &["decode", "x.csv"], found, hint);
    let found = "x.csv: line 1, column 1: expected a number, found '0,1257'";
    refused(&folder, &["decode", "x.csv", "-d", ";"], found, hint);
    folder.file("x.csv", "0,1257\t-0,1321e-5\n0,5\t1\n");
    refused(&folder, &["decode", "x.csv", "-d", "tab"], found, hint);
    // Several commas in a part are a delimiter.
    folder.file("x.csv", "1,2,3;4,5,6\n");
    let found = "x.csv: line 1, column 3: expected a number, found '3;4'";
    let hint = Some("the numbers seem to use another delimiter: try --delimiter ';'");
    refused(&folder, &["decode", "x.csv"], found, hint);
}

/// Taken by the letter, the texts of a table of symbols would have the numbers in them.
#[test]
fn alphabets_that_are_something_else_say_where() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n0,0,0\n");
    let alphabet = |content: &str, error: &str, hint: Option<&str>| {
        folder.file("a.txt", content);
        refused(&folder, &["decode", "x.csv", "--alphabet", "a.txt"], &format!("a.txt: {error}"), hint);
    };
    let hint = "write only the tokens, in the order of their numbers: sort -n -k2 a.txt | cut -d' ' -f1";
    let found = "line 1: expected one token per line, found '<blk> 0', a token and its number";
    alphabet("<blk> 0\na 1\nb 2\n", found, Some(hint));
    let twice = Some(
        "rename the entry that your training code never writes: of code that maps names to indices, the first",
    );
    alphabet("a\nb\na\n", "line 3: expected each token once, found 'a' again (first in line 1)", twice);
    folder.file("a.json", "[\"a\", \"b\", \"a\"]");
    let error = "a.json: entry 2: expected each token once, found 'a' again (first in entry 0)";
    refused(&folder, &["decode", "x.csv", "--alphabet", "a.json"], error, twice);
    // The blank may be left out.
    alphabet("a 1\nb 2\n", &found.replace("<blk> 0", "a 1"), Some(hint));
    // Numbers that are not those of the lines, or of one name, may be part of the tokens.
    for tokens in ["a 1\nb 2\nc 4\n", "level 1\nlevel 2\nlevel 3\n", "low 1\nmiddle 2\nhigh 3\n"] {
        folder.file("a.txt", tokens);
        assert_eq!(said(&folder, &["decode", "x.csv", "--alphabet", "a.txt", "-q"]).0, Some(0));
    }
}

/// PyTorch's segmentation and NumPy's unsigned bytes: 255 and -1 mark what is left out.
#[test]
fn labels_to_leave_out_have_a_hint_and_an_index() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 1, 2], &[0.0; 12]));
    let labels =
        [&["loss", "x.npy", "--criterion", "ce", "--labels", "y.npy"][..], &["--ignore-index", "255"]];
    folder.file("y.npy", npy_i64(&[2, 1, 2], &[0, 1, 255, 2]));
    let found = "y.npy: index [1, 0, 0]: expected a class from 0 to 2 or -100 (ignored), found 255";
    refused(&folder, labels[0], found, Some("if 255 marks rows to leave out, give --ignore-index 255"));
    assert_eq!(said(&folder, &labels.concat()).0, Some(0));
    folder.file("y.npy", npy_i64(&[2, 1, 2], &[1, 3, 2, 2]));
    let found = "y.npy: index [0, 0, 1]: expected a class from 0 to 2 or -100 (ignored), found 3";
    refused(&folder, labels[0], found, Some("classes count from 0: subtract 1 if yours count from 1"));
    // Of a list it is a row still.
    folder.file("x.csv", "1,2\n3,4\n");
    folder.file("y.txt", "0\n-1\n");
    let found = "y.txt: line 2, column 1: expected a class from 0 to 1 or -100 (ignored), found -1";
    refused(
        &folder,
        &["loss", "x.csv", "--labels", "y.txt"],
        found,
        Some("if -1 marks rows to leave out, give --ignore-index -1"),
    );
    let mut probs = [0.5; 12];
    probs[10] = f64::NAN;
    folder.file("y.npy", npy_f64(&[2, 3, 1, 2], &probs));
    refused(&folder, labels[0], "y.npy: index [1, 0, 0], class 2: expected a probability, found NaN", None);
}

/// The option implied cross-entropy, and the labels are those of CTC; or the other way round.
#[test]
fn an_option_that_implies_the_wrong_loss_is_named() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[30, 2, 4], &[0.0; 240]));
    folder.file("y.txt", "1 2\n3\n");
    let loss = ["loss", "x.npy", "--labels", "y.txt"];
    let hint = |option: &str| {
        format!("{option} is for cross-entropy, but the labels look like those of CTC: omit it for CTC")
    };
    refused(
        &folder,
        &[&loss[..], &["--weight", "1,1,1"]].concat(),
        "--weight 1,1,1: expected 2 class weights, one per class, found 3",
        Some(&hint("--weight")),
    );
    let count = "y.txt: expected one class index per row of the logits: shape (30, 4) (30 lines of 4 in text), \
                 found 2 lines";
    let smoothing = ["--label-smoothing", "0.1"];
    refused(&folder, &[&loss[..], &smoothing].concat(), count, Some(&hint("--label-smoothing")));
    // What was asked for in so many words needs no hint.
    let asked = ["--criterion", "ce"];
    refused(&folder, &[&loss[..], &smoothing, &asked].concat(), count, None);
    folder.file("x.csv", "1,2\n3,4\n5,6\n");
    folder.file("y.txt", "0\n1\n1\n");
    refused(
        &folder,
        &["loss", "x.csv", "--labels", "y.txt", "--zero-infinity"],
        "y.txt: expected 1 line of labels, one per item, found 3",
        Some(
            "--zero-infinity is for CTC, but the labels look like those of cross-entropy: omit it for cross-entropy",
        ),
    );
}

/// A wrong layout shows as a wrong number of labels, a wrong number of lengths as no layout.
#[test]
fn counts_that_do_not_fit_lead_to_what_is_wrong() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 30, 8], &[0.0; 960]));
    folder.file("y.txt", "1\n2\n3\n4\n");
    folder.file("y.npy", npy_i64(&[4], &[1, 2, 3, 4]));
    let hint = Some(
        "in layout tnc the items are axis 1 of shape (4, 30, 8), which has 30; for 4 items, give --layout ntc",
    );
    let tnc = ["--layout", "tnc"];
    let count = "y.txt: expected 30 lines of labels, one per item, found 4";
    let lengths = "--lengths: expected 4 lengths, as many as y.txt has items, found 3";
    for command in ["loss", "align"] {
        let labels = [command, "x.npy", "--labels", "y.txt"];
        refused(&folder, &[&labels[..], &tnc].concat(), count, hint);
        refused(&folder, &[&labels[..], &["--lengths", "30,30,30"]].concat(), lengths, None);
    }
    let refs = ["decode", "x.npy", "--refs", "y.txt"];
    refused(&folder, &[&refs[..], &tnc].concat(), "y.txt: expected 30 lines, one per item, found 4", hint);
    refused(&folder, &[&refs[..], &["--lengths", "30,30,30"]].concat(), lengths, None);
    let args = ["decode", "x.npy", "--layout", "tnc", "--lengths", "30,30,30,30"];
    refused(&folder, &args, "--lengths: expected 30 lengths, one per item, found 4", hint);
    let joined =
        ["loss", "x.npy", "--labels", "y.npy", "--label-lengths", "1,1,1,1", "--lengths", "30,30,30"];
    refused(&folder, &joined, &lengths.replace("y.txt", "--label-lengths"), None);
    // Padded labels tell of items themselves.
    folder.file("padded.npy", npy_i64(&[5, 2], &[1; 10]));
    let padded =
        ["loss", "x.npy", "--labels", "padded.npy", "--label-lengths", "2,1,2", "--criterion", "ctc"];
    let items = "padded.npy: expected 4 or 30 items, the size of axis 0 or 1 of shape (4, 30, 8), found 5";
    refused(&folder, &padded, items, None);
    let result = json(ctctool().current_dir(folder.path()).args([
        "inspect",
        "x.npy",
        "--labels",
        "y.txt",
        "--lengths",
        "9,9,9",
    ]));
    assert_eq!(result["summary"]["findings"][0]["message"], lengths);
    // Lengths alone, and an axis of neither size.
    refused(
        &folder,
        &["decode", "x.npy", "--lengths", "30,30,30"],
        "--lengths: expected 4 or 30 items, the size of axis 0 or 1 of shape (4, 30, 8), found 3",
        None,
    );
}

/// The opposite mistake was warned of already.
#[test]
fn a_model_of_words_given_as_one_of_tokens_is_warned_of() {
    let of_unit = |model: &str| {
        let mut command = ctctool();
        command.current_dir(repository("fixtures")).args([
            "decode",
            "line.csv",
            "--alphabet",
            "alphabet.txt",
        ]);
        json(command.args(["--beam", "2", "--lm", model, "--lm-unit", "token"]))
    };
    let found = of_unit("lm_word3.arpa");
    assert_eq!(warnings(&found), ["lm_unit"]);
    let message = found["warnings"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("if they are words, omit --lm-unit token"), "{message}");
    assert!(warnings(&of_unit("lm_char6.arpa.gz")).is_empty());
}

/// Where nothing depends on the weights, a corner of the grid is as good as any, and says nothing.
#[test]
fn of_tied_settings_tune_takes_the_one_in_the_middle() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0\n9,0,0\n0,9,0\n");
    folder.file("ab.txt", "a\n \n");
    folder.file("refs.txt", "aa\n");
    let arpa = "\\data\\\nngram 1=4\n\n\\1-grams:\n-9\t<unk>\n-1\t<s>\n-1\t</s>\n-1\taa\n\n\\end\\\n";
    folder.file("lm.arpa", arpa);
    let tune = |weights: &str, bonuses: &str| {
        let mut command = ctctool();
        command.current_dir(folder.path()).args([
            "tune",
            "x.csv",
            "--alphabet",
            "ab.txt",
            "--refs",
            "refs.txt",
        ]);
        command.args(["--lm", "lm.arpa", "--lm-weight", weights, "--word-bonus", bonuses, "--beam", "20,10"]);
        command
    };
    for weights in ["0,0.1,0.2", "0.2,0,0.1"] {
        let summary = json(&mut tune(weights, "0,-0.5,0.5"))["summary"].clone();
        assert_eq!(summary["flags"], "--beam 10 --lm-weight 0.1 --word-bonus 0", "{summary}");
        assert_eq!(summary["tied"], 18);
    }
    let table = String::from_utf8(tune("0,0.1,0.2", "0,-0.5,0.5").output().unwrap().stdout).unwrap();
    assert!(
        table.contains("--word-bonus 0 (18 tied; this is the middle one of those with the narrowest beam)\n"),
        "{table}"
    );
    assert_eq!(json(&mut tune("0.1", "0"))["summary"]["tied"], 2);
}

#[test]
fn what_a_format_has_no_place_for_is_said() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n0,0,0\n");
    folder.file("t.txt", "a b\n");
    let warning = |option: &str, format: &str| {
        format!("warning: {option}: --format {format} can't show this; use table, json or jsonl\n")
    };
    for format in ["csv", "text"] {
        let (_, stderr) = said(&folder, &["decode", "x.csv", "--timestamps", "--format", format]);
        assert!(stderr.starts_with(&warning("--timestamps", format)), "{stderr}");
        let best = ["decode", "x.csv", "--beam", "2", "--nbest", "2", "--format", format];
        assert_eq!(said(&folder, &best).1.contains("--nbest: "), format == "text");
    }
    let eval = ["eval", "t.txt", "t.txt", "--alignments", "--format"];
    let (_, stderr) = said(&folder, &[&eval[..], &["csv"]].concat());
    assert!(stderr.starts_with(&warning("--alignments", "csv")), "{stderr}");
    for format in ["table", "json", "jsonl"] {
        assert_eq!(said(&folder, &[&eval[..], &[format]].concat()), (Some(0), String::new()));
    }
}

/// The scores of a tagger, `[texts, tokens, classes]`, with a class for each token were taken for CTC in silence.
/// Rounding made the probability of sure labels more than 1, and the loss -5e-17.
#[test]
fn a_ctc_loss_of_logits_is_not_below_zero() {
    let folder = Folder::new();
    let values = [-21.75, 43.625, -36.15625, 19.375, 33.6875, 45.59375, 38.5625, 0.642_089_843_75];
    folder.file("x.npy", npy_f64(&[4, 2], &values));
    folder.file("y.txt", "1\n");
    let found = json(
        ctctool()
            .args(["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc"])
            .current_dir(folder.path()),
    );
    assert_eq!(found["summary"]["loss_nats"].as_f64(), Some(0.0));
}

#[test]
fn labels_of_another_shape_are_told_how_to_fit() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 3], &[0.0; 12]));
    folder.file("xt.npy", npy_f64(&[5, 2, 3], &[0.0; 30]));
    folder.file("one-hot.npy", npy_i64(&[4, 3], &[1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0]));
    folder.file("column.npy", npy_i64(&[4, 1], &[0, 1, 2, 0]));
    folder.file("lines", "0\n1\n2\n0\n\n");
    folder.file("sequences", "1 2\n1\n\n");
    folder.file("nothing", "");
    let one_hot = "if the integers are class probabilities, save labels.astype('float32'); \
                   if they are one-hot, a single 1 in each, save labels.argmax(1)";
    let column = "an axis of size 1 is missing or superfluous: save labels.reshape((4,))";
    let end = "an empty line at the end counts as well: delete it";
    for (labels, found, hint) in [
        ("one-hot.npy", "integers of shape (4, 3)", Some(one_hot)),
        ("column.npy", "integers of shape (4, 1)", Some(column)),
        ("lines", "5 lines", Some(end)),
        ("nothing", "an empty file", None),
    ] {
        let args = ["loss", "x.npy", "--labels", labels, "--criterion", "cross-entropy"];
        let rows = "one class index per row of the logits: shape (4,) (4 lines of 1 in text)";
        refused(&folder, &args, &format!("{labels}: expected {rows}, found {found}"), hint);
        let fits = format!("x.npy: shape (4, 3) with {labels} ({found}) fits neither cross-entropy nor CTC");
        if hint.is_some() {
            refused(&folder, &args[..4], &fits, hint);
        }
    }
    let args = ["loss", "xt.npy", "--layout", "tnc", "--labels"];
    let expected = "expected 2 lines of labels, one per item";
    let wrong = format!("sequences: {expected}, found 3");
    refused(&folder, &[&args[..], &["sequences"]].concat(), &wrong, Some(end));
    let refs = ["decode", "xt.npy", "--layout", "tnc", "--refs", "sequences"];
    refused(&folder, &refs, "sequences: expected 2 lines, one per item, found 3", Some(end));
    folder.file("two", "1 2\n1\n");
    refused(
        &folder,
        &["eval", "sequences", "two"],
        "sequences: expected 2 lines as in two, found 3",
        Some(end),
    );
    let other = "the other ends with an empty line: delete it";
    refused(
        &folder,
        &["eval", "two", "sequences"],
        "two: expected 3 lines as in sequences, found 2",
        Some(other),
    );
    let wrong = format!("nothing: {expected}, found an empty file");
    let hint = Some("write an empty target as an empty line");
    refused(&folder, &[&args[..], &["nothing"]].concat(), &wrong, hint);
    let fits = "xt.npy: shape (5, 2, 3) with sequences (3 lines) fits neither cross-entropy nor CTC";
    refused(&folder, &["loss", "xt.npy", "--labels", "sequences"], fits, Some(end));
}

#[test]
fn numbers_of_another_kind_are_named() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[5, 2, 3], &[0.0; 30]));
    folder.file("y", "1 2\n1\n");
    folder.file("lengths.npy", npy_f64(&[2], &[5.0, 4.0]));
    let loss = ["loss", "x.npy", "--labels", "y"];
    refused(
        &folder,
        &[&loss[..], &["--lengths", "lengths.npy"]].concat(),
        "lengths.npy: entry 0: expected an integer, found 5 in float64",
        Some("save it as integers: x.astype('int64')"),
    );
    for (option, value) in [("--ignore-index", "0.5"), ("--ignore-index", "none")] {
        let (code, stderr) = said(&folder, &[&loss[..], &[option, value]].concat());
        assert_eq!(code, Some(2));
        let error = format!("error: invalid value '{value}' for '{option} <");
        assert!(stderr.starts_with(&error) && stderr.contains("expected a whole number\n"), "{stderr}");
    }
    folder.file("mask.npy", npy_bytes("|b1", false, &[4, 3], &[1; 12]));
    refused(
        &folder,
        &["inspect", "mask.npy"],
        "mask.npy: expected an array of numbers, found an array of booleans",
        Some("if these are numbers, save x.astype('float32')"),
    );
    folder.file("list.npy", npy_bytes("|b1", false, &[4], &[1; 4]));
    let classes = "if these are classes, save labels.astype('int64')";
    for (file, hint) in [
        ("list.npy", classes.to_owned()),
        ("mask.npy", format!("{classes}; if they are one-hot, labels.argmax(-1)")),
    ] {
        let error = format!("{file}: expected labels, found an array of booleans");
        refused(&folder, &["loss", "x.npy", "--labels", file], &error, Some(&hint));
    }
}

#[test]
fn arrays_that_are_cut_off_in_the_header_are_said_to_be_such() {
    let folder = Folder::new();
    folder.file("y", "0\n");
    let whole = npy_f64(&[1, 3], &[0.0; 3]);
    let hint = Some("the file was cut off: save it again with numpy.save");
    for len in 1..whole.len() - 24 {
        folder.file("x.npy", &whole[..len]);
        let found = match len {
            ..6 => "x.npy: expected a .npy or CSV file, found the beginning of a .npy file",
            _ => "x.npy: expected a .npy header, found the end of the file",
        };
        refused(&folder, &["loss", "x.npy", "--labels", "y"], found, hint);
    }
}

/// A capital that the alphabet does not have is rather written small than mapped to something else.
#[test]
fn letters_of_the_other_case_are_named() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0\n0,0,9\n9,0,0\n");
    folder.file("alphabet", "A\nB\n");
    for (label, hint) in [
        ("b", "the alphabet has 'B': write the labels in the same case"),
        ("c", "the alphabet has no token for it"),
    ] {
        folder.file("y", label);
        let (_, said) = said(&folder, &["loss", "x.csv", "--labels", "y", "--alphabet", "alphabet"]);
        assert!(said.contains(&format!("hint: {hint}")), "{said}");
    }
}

/// A model of word pieces, as their vocabulary has them, that is taken for words.
#[test]
fn a_model_of_word_pieces_is_no_model_of_words() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0,0\n0,0,9,0\n9,0,0,1\n");
    folder.file("alphabet", "▁the\n▁cat\ns\n");
    let entries =
        ["<unk>", "<s>", "</s>", "▁the", "▁cat", "s"].map(|entry| format!("-1\t{entry}\n")).concat();
    folder.file("lm", format!("\\data\\\nngram 1=6\n\n\\1-grams:\n{entries}\n\\end\\\n"));
    let decode = ["decode", "x.csv", "--alphabet", "alphabet", "--beam", "3", "--lm", "lm"];
    let found = json(ctctool().current_dir(folder.path()).args(decode));
    assert!(warnings(&found).contains(&"lm_unit"), "{found}");
    let found = json(ctctool().current_dir(folder.path()).args(decode).args(["--lm-unit", "token"]));
    assert!(!warnings(&found).contains(&"lm_unit"), "{found}");
}

/// Where words are tokens, a model of them is one of words all the same.
#[test]
fn a_model_of_words_that_are_tokens_is_one_of_words() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0,0\n0,0,9,0\n9,0,0,1\n");
    folder.file("alphabet", "-\none\n \ntwo\n");
    let entries = ["<unk>", "<s>", "</s>", "one", "two"].map(|entry| format!("-1\t{entry}\n")).concat();
    folder.file("lm", format!("\\data\\\nngram 1=5\n\n\\1-grams:\n{entries}\n\\end\\\n"));
    let decode = ["decode", "x.csv", "--alphabet", "alphabet", "--beam", "3", "--lm", "lm"];
    let found = json(ctctool().current_dir(folder.path()).args(decode));
    assert!(!warnings(&found).contains(&"lm_unit"), "{found}");
}

/// Options of both losses name each other.
#[test]
fn options_of_both_losses_are_told() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0\n0,0,9\n");
    folder.file("y", "0\n1\n");
    let args = ["loss", "x.csv", "--labels", "y", "--blank", "0", "--ignore-index", "255"];
    let error = "--blank is for CTC and --ignore-index for cross-entropy: leave one of them out";
    refused(&folder, &args, error, None);
}

/// They are padding, and no other blank makes them labels.
#[test]
fn zeros_at_the_end_of_a_line_are_no_reason_for_another_blank() {
    let folder = Folder::new();
    folder.file("x.csv", "0,1,2\n".repeat(9));
    for (labels, hint) in [
        ("1 2 0 0", "text labels are not padded: a line holds an item's labels and nothing else"),
        ("1 0 2", "give --blank if another class is the blank"),
        (
            "1 0 1",
            "give --blank if another class is the blank, or add 1 to each label if they are numbered without it",
        ),
        (
            "0",
            "give --blank if another class is the blank, or add 1 to each label if they are numbered without it",
        ),
    ] {
        folder.file("y", labels);
        let (code, said) = said(&folder, &["loss", "x.csv", "--labels", "y"]);
        assert!(code == Some(2) && said.ends_with(&format!("hint: {hint}\n")), "{labels}: {said}");
    }
}

#[test]
fn labels_of_rows_in_one_line_are_told() {
    let folder = Folder::new();
    folder.file("x.csv", "0.5,1,2\n".repeat(20));
    folder.file("y.npy", npy_i64(&[1, 20], &[1, 0].repeat(10)));
    folder.file("y.txt", "1 0 ".repeat(10));
    for labels in ["y.npy", "y.txt"] {
        let (code, said) = said(&folder, &["loss", "x.csv", "--labels", labels]);
        let hint = format!("{labels} has a label for each of the 20 rows, but all in one row");
        assert!(code == Some(2) && said.contains(&hint), "{said}");
    }
    // A label fewer may be a long text.
    folder.file("y.txt", "1 0 ".repeat(9));
    let (_, text) = said(&folder, &["loss", "x.csv", "--labels", "y.txt"]);
    assert!(!text.contains("but all in one row"), "{text}");
}

#[test]
fn plain_text_is_no_word_pieces() {
    let folder = Folder::new();
    folder.file("x.csv", "0,1,2,3\n".repeat(9));
    folder.file("pieces", "<pad>\n▁a\nb\n▁\n");
    folder.file("y", "▁aba\n");
    let args = ["loss", "x.csv", "--labels", "y", "--alphabet", "pieces", "--label-split", "longest"];
    let (code, piece) = said(&folder, &args);
    assert!(code == Some(2) && piece.contains("column 4") && piece.contains("--unk TOKEN"), "{piece}");
    folder.file("y", "ab a\n");
    let (code, text) = said(&folder, &args);
    assert!(code == Some(2) && text.contains("hint: write the word pieces"), "{text}");
    folder.file("y", "b b\n");
    let hint = "write the word pieces that the model was trained with, separated by spaces, and give --label-split tokens";
    refused(
        &folder,
        &args,
        "y: item 0, line 1, column 2: expected a token of the alphabet, found ' '",
        Some(hint),
    );
}
