//! What is told from the content of files, and what is said of it.

use ctctool::decode::spelling::{Spelling, WordDelimiter};
use ctctool::decode::token_texts::TokenTexts;
use ctctool::input::{Alphabet, AlphabetFile, CsvOptions, LabelSplit, Matrix, NoToken};
use predicates::prelude::*;
use serde_json::{Value, json as value};

use crate::random::Random;
use crate::support::{Folder, close, ctctool, json, npy_bytes, npy_f64, npy_i64, number};

fn run(folder: &Folder, args: &[&str]) -> assert_cmd::assert::Assert {
    ctctool().current_dir(folder.path()).args(args).assert()
}

#[test]
fn a_result_with_a_byte_order_mark_is_a_result() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n");
    folder.file("y.txt", "1\n");
    let loss = ["loss", "x.csv", "--labels", "y.txt", "--criterion", "ce", "--format", "json"];
    let result = run(&folder, &loss).success().get_output().stdout.clone();
    folder.file("a.json", &result);
    folder.file("b.json", [b"\xef\xbb\xbf", result.as_slice()].concat());
    run(&folder, &["compare", "a.json", "b.json"]).success();
}

#[test]
fn the_delimiter_is_that_of_the_first_row() {
    let folder = Folder::new();
    folder.file("x.csv", "\n\n1;2\n3;4\n");
    run(&folder, &["inspect", "x.csv"]).success().stdout(predicate::str::contains("(2, 2)"));
}

/// Results say how CSV was read, and are compared whichever way that was.
#[test]
fn results_say_how_csv_was_read() {
    let folder = Folder::new();
    folder.file("a.csv", "1,2\n3,4\n");
    folder.file("b.csv", "x;y\n1;2\n3;4\n");
    folder.file("c.npy", npy_f64(&[2, 2], &[1.0, 2.0, 3.0, 4.0]));
    folder.file("y.txt", "0\n1\n");
    let result = |args: &[&str]| json(ctctool().current_dir(folder.path()).args(args));
    let how = |result: Value| (result["params"]["delimiter"].clone(), result["params"]["headers"].clone());
    let labels = ["--labels", "y.txt", "--criterion", "ce"];
    for (args, delimiter, headers) in [
        (&["a.csv"][..], value!(","), value!(false)),
        (&["b.csv", "--headers"], value!(";"), value!(true)),
        (&["c.npy"], Value::Null, Value::Null),
    ] {
        let expected = (delimiter, headers);
        assert_eq!(how(result(&[&["loss"], args, &labels].concat())), expected);
        assert_eq!(how(result(&[&["loss", "--guess", "1"], args, &labels].concat())), expected);
        assert_eq!(how(result(&[&["decode"], args].concat())), expected);
        assert_eq!(how(result(&[&["inspect"], args].concat())), expected);
        let output = format!("{}.json", args[0]);
        let loss = [&["loss"], args, &labels, &["--format", "json", "-o", &output]].concat();
        run(&folder, &loss).success();
    }
    run(&folder, &["compare", "a.csv.json", "b.csv.json", "--rtol", "0", "--atol", "0"]).success();
    run(&folder, &["compare", "b.csv.json", "c.npy.json", "--rtol", "0", "--atol", "0"]).success();
}

#[test]
fn names_are_suspected_where_something_is_no_number() {
    let folder = Folder::new();
    let headers = predicate::str::contains("--headers");
    for names in ["a,b", "0,b", "nan,b", ",b"] {
        folder.file("names.csv", format!("{names}\n1,2\n"));
        run(&folder, &["inspect", "names.csv"]).code(2).stderr(headers.clone());
    }
    folder.file("gap.csv", "1,NA\n1,2\n");
    run(&folder, &["inspect", "gap.csv"]).code(2).stderr(headers.not());
}

#[test]
fn an_entry_of_several_characters_is_named() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3\n");
    folder.file("y.txt", "a\n");
    let loss = ["loss", "x.csv", "--labels", "y.txt", "--criterion", "ctc", "--alphabet", "alphabet.json"];
    folder.file("alphabet.json", r#"["a", "b", "<blank>"]"#);
    let error = "error: alphabet.json: class 2, '<blank>', is not a single character: it is unclear how to split \
         labels\n";
    let hint = "hint: give --label-split chars, tokens or longest";
    run(&folder, &loss).code(2).stderr(format!("{error}{hint}; or --blank 2 if that is the blank\n"));
    // It was said which is the blank.
    run(&folder, &[&loss[..], &["--blank", "1"]].concat()).code(2).stderr(format!("{error}{hint}\n"));
    run(&folder, &[&loss[..], &["--blank", "<blank>"]].concat()).success();
    // The blank's own name says which it is.
    folder.file("alphabet.json", r#"["<blank>", "a", "ch"]"#);
    let error =
        "error: alphabet.json: class 2, 'ch', is not a single character: it is unclear how to split labels\n";
    run(&folder, &loss).code(2).stderr(format!("{error}{hint}\n"));
    folder.file("alphabet.txt", "_\na \nb\n");
    let loss = [&loss[..6], &["--alphabet", "alphabet.txt"]].concat();
    let error =
        "error: alphabet.txt: class 1, 'a ', is not a single character: it is unclear how to split labels\n";
    let hint = r"hint: the entry ends in spaces: remove them, as sed 's/\(.\) *$/\1/' does";
    run(&folder, &loss).code(2).stderr(format!("{error}{hint}\n"));
}

/// As Hugging Face's vocabularies have them, beside single characters.
#[test]
fn special_tokens_leave_no_choice_how_labels_are_split() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3,4,5,6\n3,2,1,0,1,2\n");
    folder.file("y.txt", "ab\n");
    let run = |vocabulary: &str, blank: &str| {
        folder.file("vocab.json", vocabulary);
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["loss", "x.csv", "--labels", "y.txt", "--criterion", "ctc"]);
        command.args(["--alphabet", "vocab.json", "--blank", blank]);
        command
    };
    let special = r#"{"<pad>": 0, "<s>": 1, "[UNK]": 2, "|": 3, "a": 4, "b": 5}"#;
    assert_eq!(json(&mut run(special, "<pad>"))["params"]["label_split"], "chars");
    for (vocabulary, named) in [
        // A long token is named before a special one, and where nothing is a character, all are tokens.
        (r#"["-", "<s>", "ab", "a", "b", "c"]"#, "class 2, 'ab'"),
        (r#"["-", "<s>", "</s>", "<unk>", "[CLS]", "[SEP]"]"#, "class 1, '<s>'"),
        // Others in brackets are units of speech.
        (r#"["-", "<ng>", "<unk>", "a", "b", "c"]"#, "class 1, '<ng>'"),
    ] {
        run(vocabulary, "0").assert().code(2).stderr(predicate::str::contains(named));
    }
}

/// A line left empty at the end of an alphabet would shift all classes.
#[test]
fn an_empty_entry_that_is_not_the_blank_is_refused() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0,0\n0,0,0,9\n");
    folder.file("alphabet.txt", "a\nb\nc\n\n");
    let decode = ["decode", "x.csv", "--alphabet", "alphabet.txt", "--format", "text"];
    run(&folder, &decode).code(2).stderr(
        "error: alphabet.txt: the name of class 3 is empty, so it can't be written\n\
         hint: if it is the blank, give --blank 3; if it was a space that an editor removed, put it back; \
         if it is another class, give it a name\n",
    );
    run(&folder, &[&decode[..], &["--blank", "3"]].concat()).success().stdout("b\n");
}

#[test]
fn a_space_in_labels_is_what_the_alphabet_has_for_it() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0,0\n0,0,0,9\n0,0,9,0\n");
    folder.file("y.txt", "a b\n");
    folder.file("indices.txt", "1 3 2\n");
    let loss = json(ctctool().current_dir(folder.path()).args(["loss", "x.csv", "--labels", "indices.txt"]));
    for space in [" ", "|", "▁", "<space>", "[SPACE]"] {
        folder.file("alphabet.txt", format!("-\na\nb\n{space}\n"));
        let args = ["--labels", "y.txt", "--alphabet", "alphabet.txt"];
        let mut command = ctctool();
        let found = json(command.current_dir(folder.path()).args(["loss", "x.csv"]).args(args));
        assert_eq!(found["summary"], loss["summary"], "{space}");
        run(&folder, &[&["align", "x.csv"], &args[..]].concat()).success();
        run(&folder, &["decode", "x.csv", "--alphabet", "alphabet.txt", "--format", "text"])
            .success()
            .stdout("a b\n");
    }
    // Which of several is meant, the first that is no blank tells; of pieces, nobody can.
    for (alphabet, found) in [("-\na\nb\n▁b\n", "' '"), ("|\na\nb\nc\n", "' '")] {
        folder.file("alphabet.txt", alphabet);
        let expected = format!("line 1, column 2: expected a token of the alphabet, found {found}\n");
        let args = ["--labels", "y.txt", "--alphabet", "alphabet.txt", "--label-split", "chars"];
        let message = run(&folder, &[&["loss", "x.csv"], &args[..]].concat()).code(2);
        let message = String::from_utf8_lossy(&message.get_output().stderr).into_owned();
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn values_that_can_only_be_mistakes_are_refused() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9\n");
    folder.file("alphabet.json", "[null]");
    run(&folder, &["decode", "x.csv", "--beam", "2", "--token-min-logp", "5"])
        .code(2)
        .stderr("error: --token-min-logp: expected a log-probability (0 or less), found 5\n");
    run(&folder, &["decode", "x.csv", "--alphabet", "alphabet.json"])
        .code(2)
        .stderr(predicate::str::contains(" at line ").not().and(predicate::str::contains("line 1, column")));
}

#[test]
fn every_number_of_half_precision_is_read() {
    let folder = Folder::new();
    // Over the end of what is read at a time, of which the last are few.
    for len in [1, 255, 256, 257, (1 << 16) + 77] {
        let halves: Vec<u16> = (0..len).map(|bits: u32| bits as u16).collect();
        for descr in ["<f2", ">f2"] {
            let bytes = |x: &u16| if descr == "<f2" { x.to_le_bytes() } else { x.to_be_bytes() };
            let body: Vec<u8> = halves.iter().flat_map(bytes).collect();
            let path = folder.file("x.npy", npy_bytes(descr, false, &[halves.len()], &body));
            let read = Matrix::open(&path, CsvOptions::default()).unwrap().into_values().unwrap();
            let expected = halves.iter().map(|&bits| half::f16::from_bits(bits).to_f64());
            assert!(read.len() == halves.len());
            for (read, expected) in read.into_iter().zip(expected) {
                assert!(
                    read == expected || read.is_nan() && expected.is_nan(),
                    "{descr}: {read}, {expected}"
                );
            }
        }
    }
}

/// In either byte order, at every size.
#[test]
fn integers_below_zero_keep_their_sign() {
    let folder = Folder::new();
    folder.file("y.txt", "0\n1\n");
    for descr in ["|i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8"] {
        let size: usize = descr[2..].parse().unwrap();
        let bytes = |value: &i64| {
            let mut bytes = value.to_le_bytes()[..size].to_vec();
            if descr.starts_with('>') {
                bytes.reverse();
            }
            bytes
        };
        let file = |name: &str, shape: &[usize], values: &[i64]| {
            let body: Vec<u8> = values.iter().flat_map(bytes).collect();
            folder.file(name, npy_bytes(descr, false, shape, &body));
        };
        file("x.npy", &[2, 2], &[-1, 2, 3, -4]);
        file("y.npy", &[2], &[-100, 1]);
        let loss = |labels: &str| {
            let args = ["loss", "x.npy", "--criterion", "ce", "--labels", labels];
            json(ctctool().current_dir(folder.path()).args(args))["summary"].clone()
        };
        let [first, second] = [3.0, 7.0].map(|above: f64| above + (-above).exp().ln_1p());
        // But for the rounding of a few operations.
        let found = loss("y.txt");
        assert!(close(&found["loss_nats"], f64::midpoint(first, second), 1e-14, 0.0), "{descr}: {found}");
        let found = loss("y.npy");
        assert_eq!(found["ignored"], 1, "{descr}");
        assert!(close(&found["loss_nats"], second, 1e-14, 0.0), "{descr}: {found}");
    }
}

/// The upper half of each type's range, as logits and as labels.
#[test]
fn unsigned_integers_are_not_below_zero() {
    let folder = Folder::new();
    folder.file("y.txt", "0\n");
    folder.file("x.csv", "1,2\n");
    for (size, big, found) in [
        (1, 200_u64, "200"),
        (2, 50_000, "50000"),
        (4, 1 << 31, "2147483648"),
        (4, u32::MAX.into(), "4294967295"),
        (8, 1 << 31, "2147483648"),
        (8, 1 << 63, "9223372036854775808"),
        (8, u64::MAX, "18446744073709551615"),
    ] {
        for order in ['<', '>'] {
            let bytes = |value: u64| {
                let mut bytes = value.to_le_bytes()[..size].to_vec();
                if order == '>' {
                    bytes.reverse();
                }
                bytes
            };
            let descr = format!("{order}u{size}");
            folder.file("x.npy", npy_bytes(&descr, false, &[1, 2], &[bytes(big - 1), bytes(big)].concat()));
            let mut command = ctctool();
            command.current_dir(folder.path()).args(["inspect", "x.npy"]);
            let max = number(&json(&mut command)["summary"]["max"]);
            assert_eq!(max, big as f64, "{descr}");
            folder.file("y.npy", npy_bytes(&descr, false, &[1], &bytes(big)));
            for labels in ["y.npy", "-"] {
                let mut command = ctctool();
                command.current_dir(folder.path()).args([
                    "loss",
                    "x.csv",
                    "--criterion",
                    "ce",
                    "--labels",
                    labels,
                ]);
                let content = std::fs::read(folder.path().join("y.npy")).unwrap();
                let expected = format!("expected a class from 0 to 1 or -100 (ignored), found {found}");
                command.write_stdin(content).assert().code(2).stderr(predicate::str::contains(expected));
            }
        }
    }
}

/// The lower half of such a label would be a class.
#[test]
fn labels_that_32_bits_do_not_hold_are_no_classes() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2\n3,4\n");
    for label in [1 << 32, 1 - (1 << 32), i64::MIN] {
        folder.file("y.npy", npy_i64(&[2], &[label, 1]));
        run(&folder, &["loss", "x.csv", "--labels", "y.npy", "--criterion", "ce"]).code(2).stderr(
            predicate::str::contains("y.npy: row 0: expected a class from 0 to 1")
                .and(predicate::str::contains(format!("found {label}\n"))),
        );
    }
}

/// Doubles leave out integers from 2^53 on: 2^53 + 1 is read as 2^53.
#[test]
fn whole_numbers_that_may_be_others_are_refused() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2\n3,4\n");
    let loss = |label: &str, ignored: &str| {
        folder.file("y.txt", format!("{label}\n1\n"));
        let args = ["loss", "x.csv", "--labels", "y.txt", "--criterion", "ce", "--ignore-index", ignored];
        run(&folder, &args)
    };
    for (label, ignored) in [
        ("9007199254740993.0", "9007199254740992"),
        ("9007199254740992.0", "9007199254740992"),
        ("-9007199254740993.0", "-9007199254740992"),
        ("1e17", "100000000000000000"),
    ] {
        let message = format!("y.txt: line 1, column 1: expected a class index, found '{label}'\n");
        loss(label, ignored).code(2).stderr(predicate::str::contains(message));
    }
    for (label, ignored) in [
        ("9007199254740991.0", "9007199254740991"),
        ("-9007199254740991.0", "-9007199254740991"),
        // Without a point it is no double.
        ("9007199254740993", "9007199254740993"),
    ] {
        loss(label, ignored).success();
    }
}

/// The longest token at each place, and whether tokens can write a word at all, as looking at every token tells.
#[test]
fn tokens_of_any_length_are_found() {
    let folder = Folder::new();
    let mut random = Random::new(11);
    let mut text = |most: u32| -> String {
        let length = random.below(most + 1);
        (0..length).map(|_| ['a', 'b', 'é', '日'][random.below(4) as usize]).collect()
    };
    for _ in 0..300 {
        let mut tokens: Vec<String> = (0..6).map(|_| text(4)).filter(|token| !token.is_empty()).collect();
        tokens.sort();
        tokens.dedup();
        let classes = tokens.len() + 1;
        let path = folder.file(
            "alphabet.txt",
            format!("-\n{}", tokens.iter().map(|token| format!("{token}\n")).collect::<String>()),
        );
        let alphabet = Alphabet::new(AlphabetFile::open(&path).unwrap(), classes, 0).unwrap();
        let spelling = Spelling::new(alphabet.tokens().to_vec(), WordDelimiter::None);
        let texts = TokenTexts::new(&spelling, classes as u32, 0);
        for _ in 0..10 {
            let line = text(12);
            let mut rest = line.as_str();
            let mut expected = Ok(Vec::new());
            while let (Some(first), Ok(found)) = (rest.chars().next(), &mut expected) {
                let fits = (1..).zip(&tokens).filter(|(_, token)| rest.starts_with(token.as_str()));
                if let Some((class, token)) = fits.max_by_key(|(_, token)| token.len()) {
                    found.push(class);
                    rest = &rest[token.len()..];
                } else {
                    let column = 1 + line.chars().count() - rest.chars().count();
                    expected = Err(NoToken { column, text: first.to_string() });
                }
            }
            assert_eq!(alphabet.encode(&line, LabelSplit::Longest, None), expected, "{line} {tokens:?}");
            assert_eq!(texts.can_write(&line), writes(&tokens, &line), "{line} {tokens:?}");
        }
    }
}

fn writes(tokens: &[String], text: &str) -> bool {
    text.is_empty()
        || tokens
            .iter()
            .any(|token| text.strip_prefix(token.as_str()).is_some_and(|rest| writes(tokens, rest)))
}

#[test]
fn a_name_may_say_tabs_in_capitals() {
    let folder = Folder::new();
    for name in ["t.tsv", "T.TSV"] {
        folder.file(name, "1\t2\n3\t4\n");
        run(&folder, &["inspect", name]).success().stdout(predicate::str::contains("(2, 2)"));
    }
}

#[test]
fn an_empty_field_of_one_column_is_still_a_column() {
    let folder = Folder::new();
    folder.file("x.csv", "1\n\"\"\n");
    let error = "error: x.csv: line 2, column 1: expected a number, found an empty field\n";
    run(&folder, &["inspect", "x.csv"]).code(2).stderr(predicate::str::starts_with(error));
}

/// Names and rows of any length: the first bytes of a file do not show all of them.
#[test]
fn a_name_is_there_for_each_column_however_many_there_are() {
    let folder = Folder::new();
    let numbered = |count: usize, prefix: &str| {
        (0..count).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>().join(",")
    };
    let wide = numbered(30_000, "1.");
    let error = |columns: usize, names: usize| {
        format!("error: x.csv: line 1: expected {columns} names, one per column, found {names}\n")
    };
    for (names, row, found) in [
        ("a,b,c".to_owned(), &wide, Some(3)),
        (numbered(30_001, "n"), &wide, Some(30_001)),
        (numbered(30_000, "n"), &wide, None),
        (format!("\"a,b\",{}", numbered(29_999, "n")), &wide, None),
        ("a,b".to_owned(), &"1,2,3".to_owned(), Some(2)),
    ] {
        let columns = row.split(',').count();
        let table = folder.file("x.csv", format!("{names}\n{row}\n"));
        let args = ["inspect", "x.csv", "--headers", "-q"];
        let piped = ctctool().args(["inspect", "--headers", "-q"]).pipe_stdin(&table).unwrap().assert();
        let (read, error) = match found {
            None => (run(&folder, &args).success(), None),
            Some(names) => (run(&folder, &args).code(2), Some(error(columns, names))),
        };
        let told = String::from_utf8(read.get_output().stderr.clone()).unwrap();
        assert!(told.starts_with(error.as_deref().unwrap_or_default()), "{}", &told[..told.len().min(200)]);
        piped.code(if found.is_some() { 2 } else { 0 });
    }
}

#[test]
fn a_mark_beside_pieces_is_no_space() {
    let folder = Folder::new();
    folder.file("x.csv", "1,2,3,4\n".repeat(6));
    let loss = |names: &str, labels: &str, split: &str| {
        folder.file("names", names);
        folder.file("y", labels);
        let args = ["loss", "x.csv", "--labels", "y", "--alphabet", "names", "--label-split", split];
        run(&folder, &args)
    };
    loss("-\n▁\nb\na\n", "a a\n", "longest").success();
    let error = "error: y: item 0, line 1, column 2: expected";
    loss("-\n▁\n▁b\na\n", "a a\n", "longest").code(2).stderr(predicate::str::starts_with(error));
    // A column counts characters, whatever is a token.
    let error = "error: y: item 0, line 1, column 6: expected";
    loss("-\nab\nc\nd\n", "ab c x\n", "tokens").code(2).stderr(predicate::str::starts_with(error));
}

/// Other tools separate columns by control characters, and lines as old Macs did.
#[test]
fn control_characters_may_separate() {
    let folder = Folder::new();
    folder.file("x.csv", "1.5\u{1}2\n3\u{1}4\n");
    run(&folder, &["decode", "x.csv", "-d", "\u{1}", "--format", "text"]).success().stdout("1\n");
    folder.file("x.csv", "a,b\r1.5,2\r3,4\r");
    run(&folder, &["decode", "x.csv", "--headers", "--format", "text"]).success().stdout("1\n");
    folder.file("x.csv", "1.5,2\n3,4\n\u{1a}");
    run(&folder, &["decode", "x.csv"])
        .code(2)
        .stderr(predicate::str::contains("x.csv: line 3: expected 2 columns"));
}
