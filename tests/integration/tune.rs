//! What `ctctool tune` takes for the best of what it tried.

use serde_json::Value;

use crate::support::{Folder, ctctool, json, npy_f64};

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
        json(command.args(["--objective", objective]))
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
