//! What is said to go on leads to the right number.

use serde_json::json;

use crate::messages::{refused, said};
use crate::support::{Folder, ctctool, json as run_json, npy_f64, npy_i64, warnings};

/// Each file, what it is found to be, and how to go on.
#[test]
fn logits_that_are_no_table_are_told_what_they_are() {
    let folder = Folder::new();
    let raw = "if these are raw numbers: numpy.save('x.npy', numpy.fromfile(FILE, '<f4').reshape(…))";
    let brackets = "save the numbers: numpy.save('x.npy', x)";
    let floats: Vec<u8> = [1.5_f32, -2.25, 0.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let cases: [(&str, &[u8], &str, &str); 5] = [
        ("raw.bin", &floats, "binary data", raw),
        ("x.json", b"[[1, 2], [3, 4]]", "text in brackets, as in JSON or printed arrays", brackets),
        ("y.json", b" {\"logits\": [1]}", "text in brackets, as in JSON or printed arrays", brackets),
        (
            "print.txt",
            b"tensor([[1., 2.],\n [3., 4.]])",
            "text in brackets, as in JSON or printed arrays",
            brackets,
        ),
        (
            "numpy.txt",
            b"array([[1., 2.],\n [3., 4.]])",
            "text in brackets, as in JSON or printed arrays",
            brackets,
        ),
    ];
    for (name, content, found, hint) in cases {
        folder.file(name, content);
        let error = format!("{name}: expected a .npy or CSV file, found {found}");
        refused(&folder, &["decode", name], &error, Some(hint));
        let piped = ctctool().arg("decode").write_stdin(content).output().unwrap();
        let piped = String::from_utf8(piped.stderr).unwrap();
        assert!(piped.contains(found) && piped.contains(hint), "{piped}");
    }
    folder.file("x.csv", "\"0,5\",\"1,25\"\n\"1,5\",\"2,5\"\n");
    let hint = "decimal commas are not supported: write decimal points, 0.5 instead of 0,5";
    refused(
        &folder,
        &["decode", "x.csv"],
        "x.csv: line 1, column 1: expected a number, found '0,5'",
        Some(hint),
    );
}

#[test]
fn texts_are_no_matrices() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[1, 2], &[0.0; 2]));
    folder.file("y", "a\n");
    let hint = Some("give a text file here");
    for args in [
        &["eval", "x.npy", "y"][..],
        &["eval", "y", "x.npy"],
        &["decode", "x.npy", "--refs", "x.npy"],
        &["decode", "x.npy", "--alphabet", "x.npy"],
    ] {
        refused(&folder, args, "x.npy: expected UTF-8 text, found a .npy file", hint);
    }
}

#[test]
fn alphabets_of_other_tools_say_how_to_become_one() {
    let folder = Folder::new();
    folder.file("x.csv", "0,1,2,3\n");
    for (name, content, hint) in [
        (
            "swapped.json",
            r#"{"0": "<pad>", "1": "a"}"#,
            "this maps indices to tokens: map tokens to indices, or write a list of the tokens in order",
        ),
        ("text.json", r#"{"<pad>": "0", "a": "1"}"#, "write indices as numbers: 0, not \"0\""),
        (
            "nested.json",
            r#"{"eng": {"<pad>": 0, "a": 1}}"#,
            "write one of these objects to a file of its own: jq '.\"eng\"' nested.json",
        ),
        (
            "tokenizer.json",
            r#"{"version": "1.0", "model": {"vocab": {"a": 0}}}"#,
            "only the vocabulary is the alphabet: extract it with jq .model.vocab tokenizer.json > vocab.json",
        ),
        ("line.txt", "abcd\n", "write each token on a line of its own"),
        ("end.txt", "-\na\nb\nc\n\n", "the last line is empty: delete it"),
        (
            "space.txt",
            "a\nb\n",
            "is the space missing? There should be one entry for each class on the logits' last axis",
        ),
        (
            "twice.txt",
            "a\n \n \nb\n",
            "rename the entry that your training code never writes: of code that maps names to indices, the first",
        ),
        (
            "table.txt",
            "<pad>\t0\na\t1\nb\t2\nc\t3\n",
            "write only the tokens, in the order of their numbers: sort -n -t$'\\t' -k2 table.txt | cut -f1",
        ),
        ("numbers.txt", "0 <pad>\n1 a\n2 b\n3 c\n", "write only the tokens: cut -d' ' -f2- numbers.txt"),
        ("quoted.txt", "'-'\n'a'\n'b'\n'c'\n", "write the tokens without quotes"),
        // What is pasted into a shell does nothing else.
        (
            "it's.json",
            r#"{"x'; id; '": {"a": 0}}"#,
            r#"write one of these objects to a file of its own: jq '."x'\''; id; '\''"' 'it'\''s.json'"#,
        ),
    ] {
        folder.file(name, content);
        let (code, said) = said(&folder, &["decode", "x.csv", "--alphabet", name]);
        assert!(code == Some(2) && said.ends_with(&format!("hint: {hint}\n")), "{name}: {said}");
    }
    folder.file("gap.json", r#"{"a": 1, "b": 2, "c": 3}"#);
    let (_, gap) = said(&folder, &["decode", "x.csv", "--alphabet", "gap.json", "--blank", "last"]);
    assert!(gap.ends_with("hint: class 0 has no entry: if it is the blank, give --blank 0\n"), "{gap}");
    // A token that the file has is not what is wrong.
    let (_, said) = said(&folder, &["decode", "x.csv", "--alphabet", "end.txt", "--blank", "-"]);
    let expected = "error: end.txt: expected 4 entries, including the blank, found 5\n\
                    hint: the last line is empty: delete it\n";
    assert_eq!(said, expected);
}

#[test]
fn labels_of_other_tools_say_how_to_become_some() {
    let folder = Folder::new();
    folder.file("x.csv", "0,1,2,3\n".repeat(9));
    folder.file("names", "-\na\nb\nc\n");
    let cases: [(&str, &[&str], &str); 6] = [
        (
            "word_1.png\tab",
            &["--alphabet", "names"],
            "a line holds only an item's labels: remove its name with cut -f2",
        ),
        (
            "a\tab",
            &["--alphabet", "names"],
            "a line holds only an item's labels: remove its name with cut -f2",
        ),
        (r#"{"text": "ab"}"#, &["--alphabet", "names"], "a line holds an item's labels, not JSON"),
        (
            "cab ab",
            &["--alphabet", "names", "--label-split", "tokens"],
            "give --label-split chars for text that is not split into tokens",
        ),
        ("[1, 2]", &[], "separate an item's labels with spaces, without brackets"),
        ("ab", &[], "text labels need --alphabet FILE"),
    ];
    for (labels, args, hint) in cases {
        folder.file("y", labels);
        let (code, said) = said(&folder, &[&["loss", "x.csv", "--labels", "y"], args].concat());
        assert!(code == Some(2) && said.ends_with(&format!("hint: {hint}\n")), "{labels}: {said}");
    }
    let class = |labels: &str, args: &[&str], hint: &str| {
        folder.file("y", labels);
        let (code, said) = said(&folder, &[&["loss", "x.csv", "--labels", "y"], args].concat());
        assert!(code == Some(2) && said.ends_with(&format!("hint: {hint}\n")), "{labels}: {said}");
    };
    let names = format!("label\n{}", "1\n".repeat(9));
    let pairs = "7,1\n".repeat(9);
    let both = format!("id,label\n{pairs}");
    for args in [&[][..], &["--criterion", "cross-entropy"]] {
        class(&names, args, "the first line is a heading: remove it, as tail -n +2 does");
        class(&both, args, "a line has 2 values: keep only the class, as cut -d, -f2 does");
    }
    let probs = format!("a,b,c\n{}", "0.5,0.25,0.25\n".repeat(9));
    class(&probs, &[], "if these are class probabilities below a heading, give --headers");
    for (line, cut) in [
        ("img.JPEG 0\n", "-d' ' -f2"),
        ("img.JPEG\t0\n", "-f2"),
        ("img.JPEG,0\n", "-d, -f2"),
        ("1 dog\n", "-d' ' -f1"),
    ] {
        let hint = format!("a line has 2 values: keep only the class, as cut {cut} does");
        class(&line.repeat(9), &["--criterion", "cross-entropy"], &hint);
    }
    class(&pairs, &["--criterion", "cross-entropy"], "if 7 marks rows to leave out, give --ignore-index 7");
    class(
        &pairs.replace('7', "2"),
        &["--criterion", "cross-entropy"],
        "a line has 2 values: keep only the class, one of the columns 1, 2, as cut -d, -f1 does",
    );
}

#[test]
fn lengths_that_fit_the_classes_are_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 4, 9], &[0.0; 72]));
    let args = ["decode", "x.npy", "--layout", "ntc", "--lengths", "9,8"];
    let error = "--lengths: item 0: expected a length from 0 to 4, the number of frames, found 9";
    let hint = "the last axis, the classes, has 9: are frames and classes swapped?";
    refused(&folder, &args, error, Some(hint));
}

/// Their error rate would say nothing of the model.
#[test]
fn references_that_no_text_equals_are_a_warning() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0,0\n0,0,0,9\n0,0,9,0\n");
    folder.file("names", "<pad>\nA\nB\n|\n");
    let warning = |refs: &str, args: &[&str]| {
        folder.file("refs", refs);
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["decode", "x.csv", "--refs", "refs"]).args(args);
        let result = run_json(&mut command);
        result["warnings"].as_array().unwrap().iter().find(|w| w["code"] == "unwritable").cloned()
    };
    let named = ["--alphabet", "names"];
    assert_eq!(warning("A B\n", &named), None);
    // Some words of a line are no reason.
    assert_eq!(warning("A B A, B\n", &named), None);
    for (refs, args, words, shown, remark) in [
        ("a b\n", &named[..], "2 of 2 words", "'a'", "the alphabet has upper-case letters"),
        ("A|B\n", &named, "1 of 1 word", "'A|B'", "write spaces instead of '|', as decoded texts have"),
        ("A, B; A\n", &named, "2 of 3 words", "'A,'", "whatever is not in the alphabet counts as an error"),
        ("A B\n", &[], "2 of 2 words", "'A'", "without --alphabet, texts are class indices"),
    ] {
        let message =
            format!("refs: {words} can't be spelled with the alphabet's tokens, such as {shown}: {remark}");
        assert_eq!(warning(refs, args), Some(json!({"code": "unwritable", "message": message})));
    }
}

/// A column of CSV is what others write a list to.
#[test]
fn lists_are_compared_however_they_are_written() {
    let folder = Folder::new();
    folder.file("list.npy", npy_f64(&[3], &[1.0, 2.0, 3.0]));
    folder.file("column.csv", "1\n2\n3\n");
    folder.file("row.csv", "1,2,3\n");
    folder.file("other.csv", "1,2,4\n");
    let run = |a: &str, b: &str| said(&folder, &["compare", a, b]).0;
    for csv in ["column.csv", "row.csv"] {
        assert_eq!((run(csv, "list.npy"), run("list.npy", csv)), (Some(0), Some(0)), "{csv}");
    }
    assert_eq!(run("list.npy", "other.csv"), Some(1));
    // Arrays are what they are.
    folder.file("column.npy", npy_f64(&[3, 1], &[1.0, 2.0, 3.0]));
    let hint = "an axis of size 1 is missing or superfluous: save x.reshape((3,))";
    refused(
        &folder,
        &["compare", "list.npy", "column.npy"],
        "column.npy: expected shape (3,) as in list.npy, found (3, 1)",
        Some(hint),
    );
    folder.file("a.npy", npy_i64(&[2, 3], &[0; 6]));
    folder.file("b.npy", npy_i64(&[3, 2], &[0; 6]));
    let hint = "if the axes are in a different order: x.transpose(1, 0)";
    refused(
        &folder,
        &["compare", "a.npy", "b.npy"],
        "b.npy: expected shape (2, 3) as in a.npy, found (3, 2)",
        Some(hint),
    );
}

/// The loss of a network in half precision is that of single precision, within what half allows.
#[test]
fn results_of_two_precisions_are_compared_by_the_lower() {
    let folder = Folder::new();
    let result = |name: &str, dtype: &str, loss: f64, weight: &[f64]| {
        let params = json!({"dtype": dtype, "weight": weight});
        let summary = json!({"loss_nats": loss});
        folder.file(name, json!({"schema_version": 1, "command": "loss", "params": params, "summary": summary, "items": []}).to_string());
    };
    result("single", "float32", 2.0, &[]);
    result("half", "float16", 2.001, &[]);
    result("double", "float64", 2.00001, &[]);
    result("weighted", "float32", 2.0, &[0.5; 1000]);
    let run = |a: &str, b: &str| {
        let mut command = ctctool();
        run_json(command.current_dir(folder.path()).args(["compare", a, b]))
    };
    let compared = run("single", "half");
    assert_eq!((&compared["summary"]["equal"], &compared["params"]["rtol"]), (&json!(true), &json!(1e-3)));
    assert_eq!(compared["params"]["dtypes"], json!(["float32", "float16"]));
    assert_eq!(run("double", "single")["params"]["rtol"], json!(1.3e-6));
    let (code, said) = said(&folder, &["compare", "single", "weighted"]);
    assert!(code == Some(2) && said.len() < 300, "{said}");
}

/// JSON has null for both.
#[test]
fn a_status_tells_nan_from_infinity() {
    let folder = Folder::new();
    folder.file("base.npy", npy_f64(&[3], &[1.0, 2.0, 3.0]));
    folder.file("new.npy", npy_f64(&[3], &[f64::NAN, f64::INFINITY, 3.5]));
    let mut command = ctctool();
    let result = run_json(command.current_dir(folder.path()).args(["compare", "base.npy", "new.npy"]));
    let statuses: Vec<_> = result["items"].as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!(statuses, ["nan", "infinite", "ok"]);
    assert_eq!(
        (&result["checks"][0]["observed"], &result["checks"][0]["status"]),
        (&json!(null), &json!("nan"))
    );
    assert!(warnings(&result).is_empty());
}

#[test]
fn lexicons_that_are_something_else_say_what() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0\n");
    folder.file("names", "-\na\n \n");
    for (content, hint) in [
        ("\\data\\\nngram 1=3\n", "this is a language model: give it to --lm"),
        (
            "cat K AE1 T\n",
            "a word is spelt by its characters, as the alphabet has them: spellings and pronunciations are not read, \
             so remove what follows the word",
        ),
        (
            "the quick brown fox\n",
            "to make a lexicon from a text, list each word once: tr -s ' ' '\\n' < TEXT | sort -u",
        ),
    ] {
        folder.file("lexicon", content);
        let args = ["decode", "x.csv", "--alphabet", "names", "--beam", "2", "--lexicon", "lexicon"];
        let (code, said) = said(&folder, &args);
        assert!(code == Some(2) && said.ends_with(&format!("hint: {hint}\n")), "{content}: {said}");
    }
}

/// What is right needs no word.
#[test]
fn names_in_brackets_are_names() {
    let folder = Folder::new();
    folder.file("x.csv", "[blank],{a},b\n0.5,1,2\n");
    assert_eq!(said(&folder, &["decode", "x.csv", "--headers", "-q"]).0, Some(0));
    let error = "x.csv: line 1, column 1: expected a number, found '[blank]'";
    refused(
        &folder,
        &["decode", "x.csv"],
        error,
        Some("if the first row holds column names, give --headers"),
    );
}

#[test]
fn where_there_is_nothing_to_list_a_table_has_its_names() {
    let folder = Folder::new();
    folder.file("x.csv", "5,0\n5,0\n");
    let output =
        ctctool().current_dir(folder.path()).args(["decode", "x.csv", "--timestamps"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("id   rank   text   start_frame   end_frame   peak_frame   confidence"), "{text}");
}

/// As networks of convolutions have it.
#[test]
fn classes_before_the_frames_are_told_from_the_alphabet() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 5, 9], &[0.0; 90]));
    folder.file("bases", "A\nC\nG\nT\n");
    let hint = "axis 1 has 5 entries, but the classes must be the last axis: numpy.moveaxis(x, 1, -1)";
    for args in [&["decode"][..], &["align", "--labels", "bases"]] {
        let args = [args, &["x.npy", "--layout", "ntc", "--alphabet", "bases"]].concat();
        let error = "bases: expected 9 entries, or 8 without the blank, found 4";
        refused(&folder, &args, error, Some(hint));
    }
}

#[test]
fn rows_that_begin_with_a_name_and_results_as_csv_are_told() {
    let folder = Folder::new();
    folder.file("x.csv", "utt0,0.5,1\nutt1,0.25,2\n");
    let hint = Some("if the first column holds row names, remove it, as cut -d, -f2- does");
    refused(&folder, &["decode", "x.csv"], "x.csv: line 1, column 1: expected a number, found 'utt0'", hint);
    let error = "x.csv: line 2, column 1: expected a number, found 'utt1'";
    refused(&folder, &["decode", "x.csv", "--headers"], error, hint);
    folder.file("r.csv", "id,index,loss_nats\nx,0,1.5\n");
    let hint = Some("this is a ctctool result in CSV: write it with --format json instead");
    let error = "r.csv: line 1, column 1: expected a number, found 'id'";
    refused(&folder, &["compare", "r.csv", "r.csv"], error, hint);
}

#[test]
fn what_stands_for_the_unknown_is_named() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[9, 4], &[0.0; 36]));
    folder.file("y.txt", "ab-\n");
    let loss = ["loss", "x.npy", "--labels", "y.txt", "--alphabet", "a.json"];
    let error = "y.txt: item 0, line 1, column 3: expected a token of the alphabet, found '-'";
    folder.file("a.json", r#"["_", "a", "b", "c"]"#);
    let none = "the alphabet has no token for it: remove it from the labels, or give --unk TOKEN, a token to use instead";
    refused(&folder, &loss, error, Some(none));
    folder.file("a.json", r#"["_", "a", "b", "<unk>"]"#);
    let loss = [&loss[..], &["--label-split", "longest"]].concat();
    refused(
        &folder,
        &loss,
        error,
        Some("give --unk '<unk>' to use that token for whatever the alphabet does not have"),
    );
}

#[test]
fn hotwords_that_no_text_has_say_why() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[9, 4], &[0.0; 36]));
    folder.file("a.json", r#"["_", " ", "A", "B"]"#);
    let told = |hotwords: &str| {
        folder.file("hotwords", hotwords);
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["decode", "x.npy", "--alphabet", "a.json", "--beam", "3"]);
        run_json(command.args(["--hotwords", "hotwords"]))["warnings"].to_string()
    };
    assert!(!told("AB A\t5\n").contains("unwritable"));
    for (phrase, why) in [
        ("AB 5", "no text can contain them: put a tab before the weight"),
        ("AB:2.5", "no text can contain them: put a tab before the weight"),
        ("ab", "no text can contain them: the alphabet has upper-case letters"),
        ("CD", "no text can contain them\""),
    ] {
        assert!(told(phrase).contains(why), "{}", told(phrase));
    }
}

#[test]
fn a_negative_length_is_an_item_s() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 4, 3], &[0.0; 24]));
    let error = "--lengths: item 0: expected a length from 0 to 2, the number of frames, found -1";
    let args = ["decode", "x.npy", "--layout", "tnc", "--lengths", "-1"];
    let (code, said) = said(&folder, &args);
    assert!(code == Some(2) && !said.contains("unexpected argument"), "{said}");
    let args = [&args[..4], &["--lengths", "-1,2,2,2"]].concat();
    let (code, _) = self::said(&folder, &args);
    assert_eq!(code, Some(2));
    folder.file("x.npy", npy_f64(&[2, 1, 3], &[0.0; 6]));
    refused(&folder, &["decode", "x.npy", "--layout", "tnc", "--lengths", "-1"], error, None);
}

#[test]
fn hints_do_not_lead_in_circles() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0,0,1\n0,0,0,9,1\n");
    // Four names for five classes: that of the blank is left out, and so the hint does not name another blank.
    folder.file("names", "a\n\nc\nd\n");
    let decode = ["decode", "x.csv", "--alphabet", "names"];
    let error = "names: the name of class 2 is empty, so it can't be written";
    let hint = "the file leaves the blank out, so every entry needs a name: write that of class 2";
    refused(&folder, &decode, error, Some(hint));
    let error = "names: the name of class 1 is empty, so it can't be written";
    let hint = "the file leaves the blank out, so every entry needs a name: write that of class 1";
    refused(&folder, &[&decode[..], &["--blank", "2"]].concat(), error, Some(hint));
    // Class indices, and names.
    folder.file("names", "a\nb\nc\nd\n");
    folder.file("y.txt", "1\n");
    let loss = ["loss", "x.csv", "--labels", "y.txt", "--alphabet", "names"];
    let error = "y.txt: item 0, line 1, column 1: expected a token of the alphabet, found '1'";
    refused(&folder, &loss, error, Some("if these are class indices, leave --alphabet out"));
    // A file that is too long was not cut off.
    let mut bytes = npy_f64(&[2, 2], &[0.0; 4]);
    bytes.extend([0; 8]);
    folder.file("long.npy", &bytes);
    let error = "long.npy: expected 32 bytes of data for shape (2, 2) of float64, found 40 or more";
    let hint = "there is more data after the array: save one array per file with numpy.save";
    refused(&folder, &["decode", "long.npy"], error, Some(hint));
    // A mask is no list of weights.
    folder.file("mask.npy", npy_i64(&[2, 2], &[1; 4]));
    let loss = ["loss", "x.csv", "--labels", "y.txt", "--criterion", "ce", "--weight", "mask.npy"];
    refused(&folder, &loss, "mask.npy: expected a list, found an array with 2 axes", None);
    folder.file("y.txt", "1.5\n2\n");
    let loss = ["loss", "x.csv", "--labels", "y.txt"];
    let error = "y.txt: line 1, column 1: expected a class index, found '1.5'";
    refused(
        &folder,
        &[&loss[..], &["--criterion", "ce"]].concat(),
        error,
        Some("a class index is a whole number"),
    );
}

/// A label that is missing between others would go unnoticed, and the loss be that of another sequence; rows of a
/// table are filled up at their ends.
#[test]
fn a_field_that_is_empty_between_labels_is_refused() {
    let folder = Folder::new();
    folder.file("x.csv", "0,9,0,0,1\n0,0,0,9,1\n1,2,3,4,5\n9,1,2,0,1\n");
    let loss = ["loss", "x.csv", "--labels", "y.txt", "--criterion", "ctc"];
    for (labels, column) in [("1,,2\n", 3), (",1,2\n", 1), ("1, ,2\n", 3), ("1 2, ,\t,4\n", 5)] {
        folder.file("y.txt", labels);
        let error =
            format!("y.txt: item 0, line 1, column {column}: expected a class index, found an empty field");
        refused(&folder, &loss, &error, None);
    }
    let lengths = |labels: &str| {
        folder.file("y.txt", labels);
        run_json(ctctool().current_dir(folder.path()).args(loss).arg("--items"))["items"][0]["label_length"]
            .clone()
    };
    for (labels, length) in [("1,2\n", 2), ("1,2,,\n", 2), ("1, 2 3,\n", 3), (",,\n", 0), ("\n", 0)] {
        assert_eq!(lengths(labels), length, "{labels:?}");
    }
}
