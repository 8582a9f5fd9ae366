//! Options that need others.

use crate::messages::{refused, said};
use crate::support::Folder;

/// clap names the option that is missing, but not the one that needs it.
#[test]
fn an_option_that_needs_another_is_named() {
    let folder = Folder::new();
    for (command, option, needs) in [
        ("decode", "--frame-shift=0.02", "--frame-shift needs --timestamps"),
        ("decode", "--token-min-logp=-9", "--token-min-logp needs --beam <K>"),
        ("decode", "--word-delimiter=x", "--word-delimiter needs --alphabet <FILE>"),
        ("decode", "--lm-unit=token", "--lm-unit needs --lm <FILE>"),
        ("decode", "--lm-weight=1", "--lm-weight needs --lm <FILE>"),
        ("decode", "--word-bonus=1", "--word-bonus needs --lm <FILE>"),
        ("decode", "--lm-space=x", "--lm-space needs --lm <FILE>"),
        ("decode", "--no-lm-eos", "--no-lm-eos needs --lm <FILE>"),
        ("decode", "--unk-score=-1", "--unk-score needs --lm <FILE>"),
        ("decode", "--hotword-weight=1", "--hotword-weight needs --hotwords <FILE>"),
        ("inspect", "--label-lengths=1", "--label-lengths needs --labels <FILE>"),
        ("loss", "--label-split=chars", "--label-split needs --alphabet <FILE>"),
        ("align", "--unk=x", "--unk needs --alphabet <FILE>"),
        ("loss", "--rtol=1", "--rtol needs --expect <X> or --guess <X>"),
        ("loss", "--atol=1", "--atol needs --expect <X> or --guess <X>"),
    ] {
        let labels = if matches!(command, "loss" | "align") { &["--labels", "y"][..] } else { &[] };
        let beam = if needs.contains("--lm") || needs.contains("--hot") { &["--beam", "3"][..] } else { &[] };
        let args = [&[command, "x.npy", option], labels, beam].concat();
        let hint = format!("see 'ctctool {command} --help'");
        refused(&folder, &args, needs, Some(&hint));
    }
    // What is missing by itself is still named, also beside that.
    let (_, stderr) = said(&folder, &["loss", "x.npy", "--rtol", "1"]);
    assert!(stderr.contains("--labels <FILE>") && stderr.contains("--expect <X>"), "{stderr}");
    let (_, stderr) = said(&folder, &["align", "x.npy", "--frame-shift", "0.02"]);
    assert!(stderr.contains("required") && stderr.contains("--labels <FILE>"), "{stderr}");
}
