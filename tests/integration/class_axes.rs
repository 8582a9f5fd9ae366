//! Which axis the classes are, where labels tell.

use crate::inspect::inspect;
use crate::messages::{refused, said};
use crate::oracle::log_softmax;
use crate::random::Random;
use crate::support::{Folder, ctctool, json, npy_f64, npy_i64, warnings};

#[test]
fn classes_of_the_last_axis_are_said_to_be_such() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 4], &[0.0; 24]));
    folder.file("y.npy", npy_i64(&[2, 3], &[1, 2, 3, 3, 2, 1]));
    let run = |more: &[&str]| {
        json(ctctool().args(["loss", "x.npy", "--labels", "y.npy"]).args(more).current_dir(folder.path()))
    };
    assert_eq!(warnings(&run(&[])), ["classes_last"]);
    // Whoever says what it is is not told.
    assert!(warnings(&run(&["--criterion", "ctc"])).is_empty());
    assert!(warnings(&run(&["--label-lengths", "3,3"])).is_empty());
    assert!(warnings(&run(&["--criterion", "ce", "--class-axis=-1"])).is_empty());
    let fits = "y.npy has the shape of the logits without the last axis, (2, 3): if these are one class per row, \
                give --criterion cross-entropy --class-axis -1";
    let found = "y.npy: expected one class index per row of the logits: shape (2, 4) (2 lines of 4 in text), \
                 found integers of shape (2, 3)";
    refused(&folder, &["loss", "x.npy", "--labels", "y.npy", "--criterion", "ce"], found, Some(fits));
    folder.file("y.npy", npy_i64(&[2, 3], &[1, 2, -100, 3, 2, 1]));
    let found = "y.npy: item 0, position 2: expected a class from 0 to 3, found -100";
    let hint =
        format!("if this is padding, give --label-lengths: they are (labels != -100).sum(axis=1); {fits}");
    refused(&folder, &["loss", "x.npy", "--labels", "y.npy"], found, Some(&hint));
}

/// As a map of classes for each pixel has them.
#[test]
fn classes_of_the_last_of_four_axes_are_said_to_be_such() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 4, 5], &[0.0; 120]));
    folder.file("y.npy", npy_i64(&[2, 3, 4], &[1; 24]));
    let (code, stderr) = said(&folder, &["loss", "x.npy", "--labels", "y.npy"]);
    assert!(
        code == Some(2) && stderr.ends_with("give --criterion cross-entropy --class-axis -1\n"),
        "{stderr}"
    );
    let found = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
    let findings = found["summary"]["findings"].as_array().unwrap();
    let told = findings.iter().find(|finding| finding["code"] == "classes_last").unwrap();
    assert_eq!(told["flag"], "--criterion cross-entropy --class-axis -1");
    // Labels of no axis at all.
    folder.file("y.npy", npy_i64(&[7], &[1; 7]));
    let found = inspect(&folder, &["x.npy", "--labels", "y.npy"]);
    assert_eq!(found["summary"]["findings"][0]["code"], "label_count");
}

#[test]
fn labels_of_two_axes_that_fit_otherwise_are_told() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[2, 3, 4], &[0.0; 24]));
    folder.file("y.npy", npy_i64(&[3, 2], &[1, 2, 3, 1, 2, 1]));
    let run = |more: &[&str]| {
        json(ctctool().args(["loss", "x.npy", "--labels", "y.npy"]).args(more).current_dir(folder.path()))
    };
    let found = run(&[]);
    assert_eq!(
        (warnings(&found), found["warnings"][0]["message"].as_str()),
        (
            vec!["classes_last"],
            Some(
                "y.npy has the shape of the logits without the last axis, transposed, (3, 2): if these are one \
                 class per row, save labels.T and give --criterion cross-entropy --class-axis -1"
            )
        )
    );
    assert!(warnings(&run(&["--criterion", "ctc"])).is_empty());
    let found = "y.npy: expected one class index per row of the logits: shape (2, 3) (2 lines of 3 in text), found integers of \
                 shape (3, 2)";
    let args = ["loss", "x.npy", "--labels", "y.npy", "--criterion", "ce", "--class-axis", "-1"];
    refused(&folder, &args, found, Some("their axes are swapped: use labels.T"));
    // Where both axes fit, PyTorch takes the second.
    folder.file("x.npy", npy_f64(&[2, 3, 3], &[0.0; 18]));
    folder.file("y.npy", npy_i64(&[2, 3], &[1, 2, 0, 0, 2, 1]));
    let found = run(&["--criterion", "ce"]);
    assert_eq!(
        (warnings(&found), found["warnings"][0]["message"].as_str()),
        (
            vec!["class_axis"],
            Some(
                "x.npy: axis 1 of shape (2, 3, 3) is taken as the class axis, as in PyTorch, but the labels fit the \
                 last axis as well: give --class-axis 1 or --class-axis -1"
            )
        )
    );
    for axis in ["1", "-1"] {
        assert!(warnings(&run(&["--criterion", "ce", "--class-axis", axis])).is_empty());
    }
    // Of one class each loss is 0, and texts of characters are no names of classes.
    folder.file("x.npy", npy_f64(&[4, 1, 1], &[0.0; 4]));
    folder.file("y.npy", npy_i64(&[4, 1], &[0; 4]));
    assert_eq!(warnings(&run(&["--criterion", "ce"])), ["one_class"]);
    folder.file("x.npy", npy_f64(&[2, 1, 3], &[0.0; 6]));
    folder.file("y.npy", "ab\nb\n");
    folder.file("names", "-\na\nb\n");
    assert_eq!(warnings(&run(&["--alphabet", "names"])), ["infeasible"]);
}

/// Log-probabilities as a convolution leaves them, which say themselves along which axis the classes are.
#[test]
fn distributions_along_another_axis_are_told() {
    let folder = Folder::new();
    let mut random = Random::new(8);
    let (items, classes, places) = (2, 4, 20);
    let mut turned = vec![0.0; items * classes * places];
    let mut log_probs = Vec::new();
    for item in 0..items {
        for place in 0..places {
            let scores = random.logits(1, classes, 2.0, 0.0);
            let log_probs_of_place = log_softmax(&scores);
            for (class, log_prob) in log_probs_of_place.iter().enumerate() {
                turned[(item * classes + class) * places + place] = *log_prob;
            }
            log_probs.extend(log_probs_of_place);
        }
    }
    let probs: Vec<f64> = turned.iter().map(|x| x.exp()).collect();
    let logits: Vec<f64> = turned.iter().map(|x| x + 3.0).collect();
    folder.file("ncl.npy", npy_f64(&[items, classes, places], &turned));
    folder.file("probs.npy", npy_f64(&[items, classes, places], &probs));
    folder.file("logits.npy", npy_f64(&[items, classes, places], &logits));
    folder.file("nlc.npy", npy_f64(&[items, places, classes], &log_probs));
    folder.file("item.npy", npy_f64(&[classes, places], &turned[..classes * places]));
    folder.file("y", "1 2\n2\n");
    folder.file("one", "1 2\n");
    folder.file("classes.npy", npy_i64(&[items, classes], &[0; 8]));
    folder.file("places.npy", npy_i64(&[items, places], &[0; 40]));
    let found = |args: &[&str]| {
        let mut command = ctctool();
        let result = json(command.current_dir(folder.path()).args(args));
        let found = result["warnings"].as_array().unwrap().iter();
        let found = found.filter(|warning| warning["code"] == "other_axis");
        found.map(|warning| warning["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let message = |file: &str, axis: usize, hint: &str| {
        format!(
            "{file}: along axis {axis} the values, or their exponentials, sum to 1, but along the axis taken as the \
             classes they do not: if the classes are on axis {axis}, {hint}; if not, softmax was applied \
             along the wrong axis"
        )
    };
    let moved = "save numpy.moveaxis(x, 1, -1)";
    let ctc = ["--layout", "ntc"];
    for (args, expected) in [
        (&["loss", "ncl.npy", "--labels", "y", "--criterion", "ctc"][..], message("ncl.npy", 1, moved)),
        (&["decode", "ncl.npy"], message("ncl.npy", 1, moved)),
        (&["align", "ncl.npy", "--labels", "y"], message("ncl.npy", 1, moved)),
        (&["decode", "probs.npy"], message("probs.npy", 1, moved)),
    ] {
        assert_eq!(found(&[args, &ctc[..]].concat()), [expected], "{args:?}");
    }
    let one = message("item.npy", 0, "save x.T");
    assert_eq!(found(&["loss", "item.npy", "--labels", "one", "--criterion", "ctc"]), [one]);
    let last = ["loss", "ncl.npy", "--labels", "classes.npy", "--class-axis", "-1", "--criterion", "ce"];
    assert_eq!(found(&last), [message("ncl.npy", 1, "give --class-axis 1")]);
    folder.file("y.npy", npy_i64(&[items, classes], &[0; 8]));
    let first = ["loss", "nlc.npy", "--labels", "y.npy", "--criterion", "ce"];
    assert_eq!(found(&first), [message("nlc.npy", 2, "give --class-axis -1")]);
    // The labels fit neither, so both are exchanged.
    let first: Vec<f64> =
        (0..items * 3 * 5).map(|at| if at / 15 == 0 { 0.25_f64 } else { 0.75 }.ln()).collect();
    folder.file("first.npy", npy_f64(&[items, 3, 5], &first));
    folder.file("first.y.npy", npy_i64(&[items, 5], &[0; 10]));
    let args = ["loss", "first.npy", "--labels", "first.y.npy", "--criterion", "ce"];
    let hint = "save numpy.moveaxis(x, 0, -1) and give --class-axis -1";
    assert_eq!(found(&args), [message("first.npy", 0, hint)]);
    // Where the classes are, and of what is no distribution along any axis, there is nothing to say.
    for args in [
        &["loss", "ncl.npy", "--labels", "places.npy", "--criterion", "ce"][..],
        &["decode", "nlc.npy", "--layout", "ntc"],
        &["decode", "logits.npy", "--layout", "ntc"],
    ] {
        assert_eq!(found(args), Vec::<String>::new(), "{args:?}");
    }
}
