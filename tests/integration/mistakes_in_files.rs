//! Mistakes that numbers or texts show, each with the warning that names it.

use serde_json::Value;

use crate::support::{Folder, ctctool, json, npy_f64, warnings};

/// Runs the program in `folder` with `--format json`.
pub(crate) fn result(folder: &Folder, args: &[&str]) -> Value {
    json(ctctool().current_dir(folder.path()).args(args))
}

/// The message of a warning with this code, if there is one.
pub(crate) fn message(result: &Value, code: &str) -> Option<String> {
    let mut all = result["warnings"].as_array().unwrap().iter();
    let found = all.find(|warning| warning["code"] == code)?;
    Some(found["message"].as_str().unwrap().to_owned())
}

fn refused(folder: &Folder, args: &[&str]) -> String {
    let assert = ctctool().current_dir(folder.path()).args(args).assert().code(2);
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

#[test]
fn names_of_items_in_texts_are_told() {
    let folder = Folder::new();
    let texts = ["the cat sat", "on the mat", "it was the cat", "of us all"];
    let file = |name: &str, line: &dyn Fn(usize, &str) -> String| {
        let lines = texts.iter().enumerate().map(|(at, text)| line(at, text) + "\n");
        folder.file(name, lines.collect::<String>());
    };
    file("plain", &|_, text| text.to_owned());
    file("kaldi", &|at, text| format!("utt-{at} {text}"));
    file("libri", &|at, text| format!("1089-134686-000{at} {text}"));
    file("bar", &|at, text| format!("wavs/{at}.wav|{text}"));
    file("tab", &|at, text| format!("utt{at}\t{text}"));
    file("csv", &|at, text| format!("{},{text}", at + 1));
    file("trn", &|at, text| format!("{text} (spk1-{at})"));
    for (name, end, hint) in [
        ("kaldi", "begins with a different name, such as 'utt-0'", ": sed 's/^[^ ]* *//'"),
        ("libri", "begins with a different name, such as '1089-134686-0000'", ": sed 's/^[^ ]* *//'"),
        ("bar", "begins with a different name, such as 'wavs/0.wav'", ": cut -d'|' -f2-"),
        ("tab", "begins with a different name, such as 'utt0'", ": cut -f2-"),
        ("csv", "begins with a different name, such as '1'", ": cut -d, -f2-"),
        ("trn", "ends with a different name, such as '(spk1-0)'", ": sed 's/ *([^()]*)$//'"),
    ] {
        for (hypotheses, references) in [("plain", name), (name, "plain"), (name, name)] {
            let told = message(&result(&folder, &["eval", hypotheses, references]), "item_names").unwrap();
            assert!(told.starts_with(&format!("{name}: every line {end}")) && told.ends_with(hint), "{told}");
        }
    }
    assert_eq!(message(&result(&folder, &["eval", "plain", "plain"]), "item_names"), None);
    // Numbers are texts like any other, and so are ordinals that come twice.
    for text in ["12 34\n56 78\n90 12\n", "2nd street\n3rd street\n2nd avenue\n", "1\n2\n3\n"] {
        folder.file("texts", text);
        assert_eq!(message(&result(&folder, &["eval", "texts", "texts"]), "item_names"), None, "{text}");
    }
    folder.file("x.npy", npy_f64(&[4, 2, 3], &[0.0; 24]));
    folder.file("alphabet", "a\n \n");
    let decode = ["decode", "x.npy", "--layout", "ntc", "--alphabet", "alphabet", "--refs", "kaldi"];
    assert!(message(&result(&folder, &decode), "item_names").is_some());
}

#[test]
fn columns_in_another_order_than_the_alphabets_are_told() {
    let folder = Folder::new();
    folder.file("y", "a\n");
    let table = |names: &str| format!("{names}\n0.1,2.5,0.3\n1.5,0.25,0.5\n");
    let told = |names: &str, alphabet: &str| {
        folder.file("x.csv", table(names));
        folder.file("names", alphabet);
        let decode = ["decode", "x.csv", "--headers", "--alphabet", "names"];
        let loss = ["loss", "x.csv", "--headers", "--alphabet", "names", "--labels", "y"];
        let [decode, loss] = [&decode[..], &loss].map(|args| message(&result(&folder, args), "column_names"));
        assert_eq!(decode, loss);
        decode
    };
    let said =
        "names: class 1 is 'a', but column 2 is named 'b': alphabet and columns are in different orders";
    assert_eq!(told("-,b,a", "-\na\nb\n").as_deref(), Some(said));
    assert_eq!(told("\"<blank>\",\"b\",\"a\"", "a\nb\n").as_deref(), Some(said));
    for (names, alphabet) in
        [("-,a,b", "-\na\nb\n"), ("blank,a,b", "a\nb\n"), ("x,y,z", "-\na\nb\n"), ("b,x,a", "-\na\nb\n")]
    {
        assert_eq!(told(names, alphabet), None, "{names}");
    }
}

#[test]
fn the_same_letters_in_other_characters_are_told() {
    let folder = Folder::new();
    folder.file("nfc", "caf\u{e9} d\u{e9}j\u{e0}\nvu\n");
    folder.file("nfd", "cafe\u{301} de\u{301}ja\u{300}\nva\n");
    folder.file("joined", "caf\u{e9}\u{200c} \u{200f}d\u{e9}j\u{200d}\u{e0}\nvu\n");
    folder.file("other", "cafe deja\nvu\n");
    let told = |pair: [&str; 2]| message(&result(&folder, &["eval", pair[0], pair[1]]), "other_spelling");
    let nfc = "are normalised to Unicode NFC";
    let alike = "unicodedata.normalize('NFC', text)";
    for pair in [["nfc", "nfd"], ["nfd", "nfc"]] {
        let said =
            format!("of 7 wrong characters in the first 2 lines, 1 remains if both texts {nfc}: {alike}");
        assert_eq!(told(pair), Some(said), "{pair:?}");
    }
    let said = "of 3 wrong characters in the first 2 lines, 0 remain if invisible characters, such as U+200C, are \
         removed: text.replace('\\u200c', '')";
    assert_eq!(told(["joined", "nfc"]).as_deref(), Some(said));
    // Wide letters are others to the eye, and so are told where nothing else explains as much.
    folder.file("wide", "\u{ff11}\u{ff12}\u{ff13}a 45\nvu\n");
    folder.file("narrow", "123a 45\nvu\n");
    let said = told(["wide", "narrow"]).unwrap();
    assert!(
        said.ends_with(
            "0 remain if both texts are normalised to Unicode NFKC: unicodedata.normalize('NFKC', text)"
        ),
        "{said}"
    );
    // As a network reads them, and as they are spoken.
    folder.file("visual", "\u{5dd}\u{5d5}\u{5dc}\u{5e9} \u{5d1}\u{5d0}\nvu\n");
    folder.file("logical", "\u{5d0}\u{5d1} \u{5e9}\u{5dc}\u{5d5}\u{5dd}\nvu\n");
    let said = told(["visual", "logical"]).unwrap();
    assert!(said.contains("0 remain if the characters of one are in reverse order"), "{said}");
    // Other letters are errors.
    for pair in [["other", "nfc"], ["nfc", "nfc"]] {
        assert_eq!(told(pair), None, "{pair:?}");
    }
}

#[test]
fn what_one_text_has_and_the_other_never_is_told() {
    let folder = Folder::new();
    let words = "one two three four five six seven eight nine ten ";
    folder.file("plain", format!("{words}{words}last\n"));
    let spaces = format!("{words} {words}last \n");
    for (other, told) in [
        (format!("{words}, {words}last.\n"), "2 words with punctuation, such as ',', but plain has none"),
        (format!("{words}{words}Last\n"), "1 word with capitals, such as 'Last', but plain has none"),
        (format!("{words}{words}last\n").replace(' ', "|"), "has '|' between words but plain has spaces"),
    ] {
        folder.file("other", &other);
        for pair in [["plain", "other"], ["other", "plain"]] {
            let found = message(&result(&folder, &["eval", pair[0], pair[1]]), "other_spelling");
            assert!(found.as_ref().is_some_and(|found| found.contains(told)), "{other}: {found:?}");
        }
        let same = result(&folder, &["eval", "other", "other"]);
        assert_eq!(message(&same, "other_spelling"), None, "{other}");
    }
    // What was read is what was read.
    folder.file("other", spaces);
    let found = message(&result(&folder, &["eval", "plain", "other"]), "other_spelling");
    assert!(found.unwrap().starts_with("other: 1 line with leading, trailing or double spaces"));
    assert_eq!(message(&result(&folder, &["eval", "other", "plain"]), "other_spelling"), None);
    // But most texts do not end so by chance.
    let several = |line: &str| [line, line, line, "a b\n"].concat();
    folder.file("plain", several("one two\n"));
    for (line, told) in [("one two \n", true), (" one two\n", true), ("one  two\n", false)] {
        folder.file("other", several(line));
        let found = message(&result(&folder, &["eval", "other", "plain"]), "other_spelling");
        let expected = "other: 3 of 4 texts begin or end with a space, but no line of plain does";
        assert_eq!(found.is_some_and(|found| found.starts_with(expected)), told, "{line:?}");
    }
    assert_eq!(message(&result(&folder, &["eval", "other", "other"]), "other_spelling"), None);
    // Where hardly a word has one, that is no evidence.
    folder.file("one", "one two\n");
    folder.file("other", "One two\n");
    assert_eq!(message(&result(&folder, &["eval", "one", "other"]), "other_spelling"), None);
    folder.file("result.csv", "id,index,loss_nats\nx,0,1\n");
    let error = refused(&folder, &["eval", "result.csv", "one"]);
    assert!(
        error.contains("hint: this is a result of this program: ctctool decode --format text"),
        "{error}"
    );
}

#[test]
fn columns_that_are_no_classes_are_told() {
    let folder = Folder::new();
    let labels = [0, 1, 1, 2, 0, 2];
    let row = |at: usize| format!("{}.5,-{at}.25,{}.125", at % 3, 7 - at);
    let table = |line: &dyn Fn(usize) -> String| (0..6).map(|at| line(at) + "\n").collect::<String>();
    folder.file("y.txt", labels.map(|label| format!("{label}\n")).concat());
    let loss = ["loss", "x.csv", "--labels", "y.txt", "--criterion", "cross-entropy"];
    for (content, told) in [
        (table(&|at| format!("{},{}", row(at), labels[at])), Some("column 4 has only whole numbers")),
        (table(&|at| format!("{},{}", labels[at], row(at))), Some("column 1 has only whole numbers")),
        // What PyTorch leaves out is a label like the others.
        (table(&|at| format!("{},{}", row(at), [-100, 2][at % 2])), Some("column 4 has only whole numbers")),
        (table(&|at| format!("{},{}", row(at), [-3, 2][at % 2])), None),
        (table(&row), None),
        // Whole numbers are scores like any others where all are, and so is a class that is always 0.
        (table(&|at| format!("{at},{},{}", at + 1, 9 - at)), None),
        (table(&|at| format!("0,{}", row(at))), None),
    ] {
        folder.file("x.csv", &content);
        let found = message(&result(&folder, &loss), "whole_number_column");
        assert_eq!(found.is_some(), told.is_some(), "{content}: {found:?}");
        assert!(found.unwrap_or_default().contains(told.unwrap_or_default()), "{content}");
    }
    folder.file("x.csv", table(&|at| format!("{at};{}", row(at).replace(',', ";"))));
    let found = message(&result(&folder, &loss), "row_numbers").unwrap();
    assert!(found.contains("with cut -d';' -f2-"), "{found}");
    let headers = [&loss[..], &["--headers"]].concat();
    folder.file("x.csv", format!("a,b\n{}", table(&row)));
    let error = refused(&folder, &headers);
    assert!(
        error.contains("x.csv: line 1: expected 3 names, one per column, found 2\nhint: row names"),
        "{error}"
    );
    folder.file("x.csv", format!("a,b,c,d,e\n{}", table(&row)));
    let error = refused(&folder, &headers);
    assert!(error.ends_with("expected 3 names, one per column, found 5\n"), "{error}");
    folder.file("x.csv", format!("\"a,b\",c,d\n{}", table(&row)));
    result(&folder, &headers);
}

/// Softmax over probabilities: none is more than e times another.
#[test]
fn softmax_applied_twice_is_told() {
    let folder = Folder::new();
    let softmax = |row: &[f64]| {
        let sum: f64 = row.iter().map(|x| x.exp()).sum();
        row.iter().map(|x| x.exp() / sum).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<f64>> = (0..40)
        .map(|at| (0..5).map(|class| if class == at % 5 { 9.0 } else { 0.1 * f64::from(class) }).collect())
        .collect();
    let once: Vec<Vec<f64>> = rows.iter().map(|row| softmax(row)).collect();
    let twice: Vec<Vec<f64>> = once.iter().map(|row| softmax(row)).collect();
    folder.file("y.txt", (0..40).map(|at| format!("{}\n", at % 5)).collect::<String>());
    let logs = |rows: &[Vec<f64>]| rows.concat().into_iter().map(f64::ln).collect::<Vec<_>>();
    for (values, flat, kind) in [
        (once.concat(), false, "probs"),
        (twice.concat(), true, "probs"),
        (logs(&once), false, "log-probs"),
        (logs(&twice), true, "log-probs"),
    ] {
        folder.file("x.npy", npy_f64(&[40, 5], &values));
        let found = result(&folder, &["inspect", "x.npy"])["summary"].clone();
        assert_eq!(found["findings"].to_string().contains("softmax_twice"), flat, "{found}");
        for input in [kind, "logits"] {
            let loss =
                ["loss", "x.npy", "--labels", "y.txt", "--criterion", "cross-entropy", "--input", input];
            assert_eq!(warnings(&result(&folder, &loss)).contains(&"softmax_twice"), flat, "{input}");
            let decode = ["decode", "x.npy", "--input", input];
            assert_eq!(warnings(&result(&folder, &decode)).contains(&"softmax_twice"), flat, "{input}");
        }
    }
    // A few rows, or ones that are no probabilities, tell nothing.
    folder.file("x.npy", npy_f64(&[15, 5], &twice[..15].concat()));
    assert!(!warnings(&result(&folder, &["decode", "x.npy", "--input", "probs"])).contains(&"softmax_twice"));
    assert!(!result(&folder, &["inspect", "x.npy"]).to_string().contains("_twice"));
    folder.file("x.npy", npy_f64(&[40, 5], &[0.5; 200]));
    assert!(!warnings(&result(&folder, &["decode", "x.npy"])).contains(&"softmax_twice"));
}

#[test]
fn logarithms_to_another_base_are_told() {
    let folder = Folder::new();
    folder.file("y.txt", (0..20).map(|at| format!("{}\n", at % 3)).collect::<String>());
    for (base, told) in [(2.0_f64, true), (10.0, true), (std::f64::consts::E, false), (3.0, false)] {
        let probs = |at: usize| [0.5 + 0.02 * at as f64, 0.3 - 0.01 * at as f64, 0.2 - 0.01 * at as f64];
        let mut values: Vec<f64> = (0..20).flat_map(probs).map(|p| p.log(base)).collect();
        // A certain row is one to any base, and tells nothing.
        values[..3].copy_from_slice(&[0.0, f64::NEG_INFINITY, f64::NEG_INFINITY]);
        values[57..].copy_from_slice(&[0.88_f64.log(base), 0.11_f64.log(base), 0.01_f64.log(base)]);
        folder.file("x.npy", npy_f64(&[20, 3], &values));
        for input in ["logits", "log-probs"] {
            let loss =
                ["loss", "x.npy", "--labels", "y.txt", "--criterion", "cross-entropy", "--input", input];
            let found = message(&result(&folder, &loss), "log_base");
            assert_eq!(found.is_some(), told, "{base}, {input}");
            assert!(found.is_none_or(|found| found.ends_with(&format!("x * numpy.log({base})"))), "{base}");
        }
        let found = result(&folder, &["inspect", "x.npy"])["summary"]["findings"].to_string();
        assert_eq!(found.contains("log_base"), told, "{base}: {found}");
    }
}

#[test]
fn a_tagger_s_classes_are_found() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 6, 3], &(0..72).map(|at| f64::from(at % 5)).collect::<Vec<_>>()));
    folder.file("y.npy", crate::support::npy_i64(&[4, 6], &[0, 1, 2, 1, 0, 2].repeat(4)));
    let inspect = |args: &[&str]| {
        let args = [&["inspect", "x.npy", "--labels", "y.npy"], args].concat();
        result(&folder, &args)["summary"]["findings"].to_string()
    };
    assert!(inspect(&[]).contains("--class-axis -1"), "{}", inspect(&[]));
    assert!(!inspect(&["--layout", "ntc"]).contains("--class-axis -1"));
}

#[test]
fn a_blank_by_another_name_is_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 4], &[0.0, 1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 2.0]));
    folder.file("vocab.json", r#"{"|": 0, "a": 1, "b": 2, "[PAD]": 3}"#);
    folder.file("y.txt", "ab\n");
    let told = "vocab.json: class 0, '|', is taken as the blank, but class 3 is '[PAD]': give --blank '[PAD]' if that is \
         the blank";
    let labels = ["--labels", "y.txt", "--label-split", "chars"];
    for (command, more) in [("decode", &[][..]), ("loss", &labels), ("align", &labels)] {
        let args = [&[command, "x.npy", "--alphabet", "vocab.json"], more].concat();
        let found = message(&result(&folder, &args), "blank_name").unwrap();
        assert!(found.starts_with(told), "{command}: {found}");
        for blank in ["[PAD]", "0"] {
            let args = [&args[..], &["--blank", blank]].concat();
            assert_eq!(message(&result(&folder, &args), "blank_name"), None, "{command} {blank}");
        }
    }
    // Labels that are indices have the same blank.
    folder.file("y.npy", crate::support::npy_i64(&[2], &[1, 2]));
    let indices = ["loss", "x.npy", "--labels", "y.npy", "--alphabet", "vocab.json", "--criterion", "ctc"];
    assert!(message(&result(&folder, &indices), "blank_name").is_some());
    folder.file("lm.arpa", "\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<s>\n-1\t</s>\n-1\ta\n\n\\end\\\n");
    let beam = ["decode", "x.npy", "--alphabet", "vocab.json", "--beam", "4", "--lm", "lm.arpa"];
    let error = refused(&folder, &beam);
    assert!(error.ends_with("hint: '|', class 0, is taken as the blank: give --blank\n"), "{error}");
    let error = refused(&folder, &[&beam[..], &["--word-delimiter", "|"]].concat());
    let hint = "'|', class 0, is the blank, which never appears in text\nhint: if class 3 is the blank, give --blank '[PAD]'\n";
    assert!(error.ends_with(hint), "{error}");
    // Blanks by their names, one of two, and none are as they should be.
    for names in [r#"["<pad>", "a", "b", "c"]"#, r#"["x", "<blank>", "<pad>", "c"]"#, r#"["a", "b", "c"]"#] {
        folder.file("vocab.json", names);
        let decoded = result(&folder, &["decode", "x.npy", "--alphabet", "vocab.json"]);
        assert_eq!(message(&decoded, "blank_name"), None, "{names}");
    }
}

#[test]
fn labels_of_another_item_are_told() {
    let folder = Folder::new();
    let frame = |class: usize| (0..5).map(|at| if at == class { 9.0 } else { 0.0 }).collect::<Vec<f64>>();
    let item = [1, 0, 2, 0, 1, 0].map(frame).concat();
    folder.file("x.npy", npy_f64(&[2, 6, 5], &[&item[..], &item[..]].concat()));
    let align = ["align", "x.npy", "--labels", "y.txt", "--layout", "ntc"];
    for (labels, told) in [("1 2 1\n1 2 1\n", false), ("1 2 1\n3 4 3\n", true), ("1 2 1\n\n", false)] {
        folder.file("y.txt", labels);
        let found = message(&result(&folder, &align), "improbable_labels");
        assert_eq!(found.is_some(), told, "{labels}");
        assert!(!told || found.unwrap().starts_with("x.npy#1: half of its labels"), "{labels}");
    }
    let times = [&align[..], &["--frame-shift", "20"]].concat();
    let found = message(&result(&folder, &times), "long_frames").unwrap();
    assert!(found.ends_with("is in milliseconds, give 0.02"), "{found}");
    let times = [&align[..], &["--frame-shift", "0.02"]].concat();
    assert_eq!(message(&result(&folder, &times), "long_frames"), None);
    let error = refused(&folder, &[&align[..], &["--frame-shift", "0.02", "--format", "srt"]].concat());
    assert!(error.ends_with("save it alone: numpy.save('item.npy', x[0])\n"), "{error}");
}

/// Losses that count as 0 are counted, whatever made them infinite.
#[test]
fn infinite_losses_that_count_as_0_are_counted() {
    let folder = Folder::new();
    let inf = f64::INFINITY;
    let rows = [[0.0, 0.0, -inf], [0.0, 0.0, -inf]].concat();
    folder.file("x.npy", npy_f64(&[3, 2, 3], &[&rows[..], &rows, &rows].concat()));
    folder.file("y.txt", "1\n2\n1 1\n");
    let loss = ["loss", "x.npy", "--labels", "y.txt", "--layout", "ntc", "--zero-infinity"];
    let found = result(&folder, &loss);
    let summary = &found["summary"];
    assert_eq!((&summary["infeasible"], &summary["infinite"]), (&1.into(), &1.into()));
    let assert = ctctool().current_dir(folder.path()).args(loss).assert().success();
    let table = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(table.contains("infinite") && table.contains("items whose labels have no path"), "{table}");
    // Another mean than the one that was checked is named.
    let sum = summary["reductions"]["sum"].to_string();
    let expect = [&loss[..], &["--expect", &sum]].concat();
    let assert = ctctool().current_dir(folder.path()).args(expect).assert().code(1);
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(text.contains("; sum matches"), "{text}");
}

#[test]
fn a_table_of_probabilities_is_read_as_the_logits_are() {
    let folder = Folder::new();
    let values = [1.0, 2.0, 3.0, 0.5, 0.0, -1.0];
    folder.file("x.npy", npy_f64(&[2, 3], &values));
    folder.file("y.npy", npy_f64(&[2, 3], &[0.5, 0.5, 0.0, 0.0, 0.25, 0.75]));
    let args = ["loss", "x.npy", "--criterion", "cross-entropy", "--labels"];
    let expected = result(&folder, &[&args[..], &["y.npy"]].concat());
    for (text, options) in [
        ("0.5,0.5,0\n0,0.25,0.75\n", &[][..]),
        ("0.5,0.5,0,\n\n0,0.25,0.75,\n\n", &[]),
        ("0.5\t0.5\t0\n0\t0.25\t0.75\n", &[]),
        ("0.5\t0.5\t0\n0\t0.25\t0.75\n", &["-d", "tab"]),
        ("0.5|0.5|0\n0|0.25|0.75\n", &["-d", "|"]),
        ("   0.5  0.5 0\n0    0.25    0.75  \n", &[]),
        ("a,b,c\n0.5,0.5,0\n0,0.25,0.75\n", &["--headers"]),
        ("0.5,0.5,0\n0,0.25,0.75\n", &["--headers"]),
        ("0.5 0.5 0\n0 0.25 0.75\n", &["-d", ";"]),
    ] {
        folder.file("y.csv", text);
        let found = result(&folder, &[&args[..], &["y.csv"], options].concat());
        assert_eq!(found["summary"], expected["summary"], "{text:?} {options:?}");
    }
    folder.file("y.csv", "1,0,0\n0,1,0\n");
    let found = result(&folder, &["inspect", "x.npy", "--labels", "y.csv"]);
    assert_eq!(found["summary"]["label_classes"], Value::Null, "probabilities are no labels to count");
}

#[test]
fn hints_lead_on() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[3, 7], &[0.0; 21]));
    folder.file("y.txt", "0\n1\n2\n0\n1\n2\n0\n");
    let error = refused(&folder, &["loss", "x.npy", "--labels", "y.txt"]);
    assert!(
        error.contains("y.txt has a label for each of the 7 columns") && error.contains("x.T"),
        "{error}"
    );
    folder.file("names.txt", "bird\ncat\nbird\n");
    let error = refused(&folder, &["loss", "x.npy", "--labels", "names.txt"]);
    assert!(
        error.ends_with(
            "found 'bird'\nhint: give --alphabet with the class names, one per line from class 0 on, or write class indices, \
             counted from 0\n"
        ),
        "{error}"
    );
    folder.file("tagger.npy", npy_f64(&[2, 3, 5], &[0.0; 30]));
    folder.file("tags.npy", crate::support::npy_i64(&[2, 3], &[0, 1, 255, 1, 2, 0]));
    let guess = ["loss", "tagger.npy", "--labels", "tags.npy", "--guess", "1.5"];
    let error = refused(&folder, &guess);
    assert!(error.contains("found 255") && error.contains("--class-axis -1"), "{error}");
    folder.file("one.npy", npy_f64(&[9, 1, 3], &[0.0; 27]));
    let error = refused(&folder, &["decode", "one.npy"]);
    assert!(error.ends_with("hint: --layout tnc is one item of 9 frames\n"), "{error}");
    folder.file("b.npy", npy_f64(&[2, 5, 3], &[f64::NAN; 30]));
    folder.file("joined.npy", crate::support::npy_i64(&[3], &[1, 2, 1]));
    let error = refused(&folder, &["loss", "b.npy", "--criterion", "ctc", "--labels", "joined.npy"]);
    assert!(error.ends_with("hint: joined labels need --label-lengths FILE|N,N,…\n"), "{error}");
    folder.file("l.txt", "1\n1\n");
    let error = refused(&folder, &["loss", "b.npy", "--layout", "ntc", "--labels", "l.txt"]);
    assert!(error.contains("hint: if this is padding, give --lengths; --nonfinite propagate"), "{error}");
    let error = refused(&folder, &["loss", "x.npy", "--labels", "y.txt", "--grad", "g.csv"]);
    assert!(error.starts_with("error: --grad g.csv: gradients are written as .npy\n"), "{error}");
    // As Keras has them.
    folder.file("column.npy", crate::support::npy_i64(&[2, 1], &[4, 3]));
    let error = refused(&folder, &["decode", "b.npy", "--layout", "ntc", "--lengths", "column.npy"]);
    assert!(error.contains("item 0, frame 0, class 0"), "{error}");
    folder.file("mask.npy", crate::support::npy_i64(&[2, 5], &[1; 10]));
    let error = refused(&folder, &["decode", "b.npy", "--layout", "ntc", "--lengths", "mask.npy"]);
    assert!(
        error.ends_with(
            "hint: the row sums of a mask are lengths: mask.sum(axis=1).astype(int) or, if 1 marks padding, \
             (1 - mask).sum(axis=1).astype(int)\n"
        ),
        "{error}"
    );
    folder.file("hot.txt", "\t5\n");
    folder.file("alphabet", "_\na\nb\n");
    let hot = [
        "decode",
        "b.npy",
        "--layout",
        "ntc",
        "--alphabet",
        "alphabet",
        "--beam",
        "3",
        "--hotwords",
        "hot.txt",
    ];
    let error = refused(&folder, &hot);
    assert!(error.starts_with("error: hot.txt: line 1: expected a phrase before the tab"), "{error}");
    let error = refused(&folder, &["loss", "x.npy", "--labels", "y.txt", "--label-smoothing", "a"]);
    assert!(error.contains("expected a number\n"), "{error}");
}

/// Where the layout is to be told from the number of lines, an empty line at their end is told as where it is known.
#[test]
fn an_empty_line_at_the_end_is_told_where_the_layout_is_not_known() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[4, 3, 2], &[0.0; 24]));
    folder.file("y.txt", "1\n1\n1\n\n\n");
    folder.file("lm.arpa", "\\data\\\nngram 1=1\n\n\\1-grams:\n-1\ta\n\n\\end\\\n");
    for command in [
        &["loss", "x.npy", "--labels", "y.txt", "--criterion", "ctc"][..],
        &["align", "x.npy", "--labels", "y.txt"],
        &["decode", "x.npy", "--refs", "y.txt"],
        &["tune", "x.npy", "--refs", "y.txt", "--lm", "lm.arpa"],
    ] {
        let assert = ctctool().current_dir(folder.path()).args(command).assert().code(2);
        let message = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        let expected = "expected 4 or 3 items, the size of axis 0 or 1 of shape (4, 3, 2), found 5\n\
                        hint: an empty line at the end counts as well: delete it";
        assert!(message.contains(expected), "{command:?}: {message}");
    }
}
