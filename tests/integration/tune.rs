//! What `ctctool tune` takes for the best of what it tried, and what it says of that.

use predicates::prelude::*;
use serde_json::{Value, json};

use crate::lm_cli::of_lines;
use crate::mistakes_in_files::{message, result};
use crate::support::{Folder, ctctool, json as run_json, npy_f64};

/// Errors of a setting: of characters, and of words.
fn errors(point: &Value) -> [u64; 2] {
    let count = |of: &str, what: &str| point[of][what].as_u64().unwrap();
    ["characters", "words"]
        .map(|of| ["substitutions", "deletions", "insertions"].iter().map(|what| count(of, what)).sum())
}

/// The frames, and a model of two words, leave open which letters and spaces there are.
#[test]
fn the_objective_decides_and_the_other_rate_among_equals() {
    let folder = Folder::new();
    let frames = [0.1, 0.5, 0.3, 0.1, 0.2, 0.3, 0.4, 0.1, 0.1, 0.2, 0.2, 0.5, 0.1, 0.4, 0.45, 0.05];
    folder.file("x.npy", npy_f64(&[2, 4, 4], &frames.repeat(2)));
    folder.file("alphabet.txt", "-\na\nb\n \n");
    let entries = "-0.1\tab\n-3\tba\n-2\ta\n-2\tb\n-2\t<unk>\n-9\t<s>\n-1\t</s>\n";
    folder.file("lm.arpa", format!("\\data\\\nngram 1=7\n\n\\1-grams:\n{entries}\n\\end\\\n"));
    let tune = |refs: &str, objective: &str| {
        folder.file("refs.txt", refs);
        let mut command = ctctool();
        command.current_dir(folder.path()).args(["tune", "x.npy", "--layout", "ntc", "--input", "probs"]);
        command.args(["--alphabet", "alphabet.txt", "--refs", "refs.txt", "--lm", "lm.arpa", "--beam", "10"]);
        run_json(command.args(["--objective", objective]))
    };
    let mut bests = Vec::new();
    // Of the first, the settings with the fewest errors of one kind have more of the other.
    for refs in ["abb\naab aa bbb\n", "ab bbb\naa aa\n", "b ab b\nba aab\n"] {
        let mut best_of = Vec::new();
        for objective in ["cer", "wer"] {
            let result = tune(refs, objective);
            let key = |point: &Value| {
                let [characters, words] = errors(point);
                if objective == "cer" { [characters, words] } else { [words, characters] }
            };
            let points = result["items"].as_array().unwrap();
            let least = points.iter().map(key).min().unwrap();
            let best = &result["summary"]["best"];
            assert_eq!(key(best), least, "{refs:?}, {objective}: {best}");
            let tied = points.iter().filter(|point| key(point) == least).count();
            assert_eq!(result["summary"]["tied"], tied);
            best_of.push(result["summary"]["flags"].clone());
        }
        bests.push(best_of);
    }
    assert_eq!(
        bests[0],
        ["--beam 10 --lm-weight 0.25 --word-bonus 3", "--beam 10 --lm-weight 0.75 --word-bonus 1"]
    );
}

fn lines(args: &[&str]) -> assert_cmd::Command {
    of_lines("tune", &[&["--lm-weight", "0.5"], args].concat())
}

#[test]
fn an_end_of_what_was_tried_is_named_with_the_way_on() {
    let words = ["--lm", "lm_word3.arpa", "--beam", "20", "--word-bonus"];
    for (bonuses, message) in [
        ("-2,-1,0", "the best --word-bonus, 0, is the largest tried: try larger ones"),
        ("4,5,6", "the best --word-bonus, 4, is the smallest tried: try smaller ones"),
    ] {
        let said = predicate::str::contains(format!("warning: {message}\n"));
        lines(&words).arg(bonuses).assert().success().stderr(said);
        let strict = predicate::str::contains(message);
        lines(&words).args([bonuses, "--strict"]).assert().code(2).stdout("").stderr(strict);
    }
}

#[test]
fn tokens_have_bonuses_of_their_own() {
    let tokens = ["--lm", "lm_char6.arpa.gz", "--lm-unit", "token", "--beam", "2"];
    let found = run_json(&mut lines(&tokens));
    assert_eq!(found["params"]["word_bonuses"], json!([0.0, 0.5, 1.0, 1.5]));
    assert_eq!(found["summary"]["settings"], 4);
}

#[test]
fn a_model_that_costs_nothing_is_not_worse_than_none() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[1, 3], &[0.0, 3.0, 0.0]));
    folder.file("names", "-\na\n \n");
    folder.file("lm", "\\data\\\nngram 1=4\n\n\\1-grams:\n-1\t<s>\n-1\t</s>\n-1\t<unk>\n-1\ta\n\n\\end\\\n");
    for refs in ["a\n", "b\n"] {
        folder.file("refs", refs);
        let args = ["tune", "x.npy", "--alphabet", "names", "--refs", "refs", "--lm", "lm"];
        let found = result(&folder, &args);
        let errors = |rates: &Value| rates["words"]["substitutions"].clone();
        let summary = &found["summary"];
        assert_eq!(errors(&summary["best"]), errors(&summary["greedy"]), "{summary}");
        assert_eq!(message(&found, "greedy_is_better"), None, "{refs}");
    }
}

/// What is skipped in a frame is skipped while weights are tried, too.
#[test]
fn tune_skips_the_tokens_that_decode_skips() {
    let lm = ["--lm", "lm_word3.arpa"];
    let skipping = ["--lm-weight", "0.5", "--word-bonus", "1", "--beam", "20", "--token-min-logp", "-0.5"];
    let run = |command: &str, args: &[&str]| run_json(of_lines(command, args).args(lm));
    let tuned = run("tune", &skipping);
    assert_eq!(tuned["params"]["token_min_logp"], -0.5);
    let best = errors(&tuned["summary"]["best"]);
    assert_eq!(best, errors(&run("decode", &skipping)["summary"]));
    assert_ne!(best, errors(&run("tune", &skipping[..6])["summary"]["best"]));
    of_lines("tune", &["--token-min-logp", "0.5"]).args(lm).assert().code(2);
}
