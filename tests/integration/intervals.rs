//! Files of intervals: CTM, SubRip, TextGrid.

use crate::alphabets::{hint, sure};
use crate::support::{Folder, ctctool, npy_f64};

/// Transcripts have times as alignments do.
#[test]
fn transcripts_become_files_of_intervals() {
    let folder = Folder::new();
    folder.file("x.npy", npy_f64(&[7, 5], &sure(&[1, 2, 0, 0, 3, 2, 4], 5)));
    folder.file("names", "-\na\nb\n \nc\n");
    folder.file("y", "ab bc\n");
    let decode = ["decode", "x.npy", "--alphabet", "names"];
    let align = ["align", "x.npy", "--alphabet", "names", "--labels", "y"];
    let run = |command: &[&str], more: &[&str]| {
        let output = ctctool().current_dir(folder.path()).args(command).args(more).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for format in ["ctm", "srt", "textgrid"] {
        let times = ["--frame-shift", "0.0125", "--format", format];
        let read = run(&[&decode[..], &["--timestamps"]].concat(), &times);
        assert_eq!(read, run(&align, &times), "{format}");
        let how = hint(&folder, &[&decode[..], &["--format", format]].concat());
        assert_eq!(how, "give --timestamps --frame-shift SECONDS");
    }
    // As many decimals as frames have.
    let ctm =
        run(&[&decode[..], &["--timestamps", "--frame-shift", "0.0125", "--format", "ctm"]].concat(), &[]);
    assert!(ctm.starts_with("x.npy 1 0.0000 0.0250 ab 0.99"), "{ctm}");
    folder.file("x.npy", npy_f64(&[2, 3, 5], &sure(&[1, 2, 0, 3, 2, 4], 5)));
    let args = ["--layout", "ntc", "--timestamps", "--frame-shift", "0.01", "--format", "srt"];
    let how = hint(&folder, &[&decode[..], &args].concat());
    assert!(how.starts_with("use textgrid or ctm for several items"), "{how}");
}
