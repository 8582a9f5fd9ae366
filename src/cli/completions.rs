//! `ctctool completions`: a completion script for a shell.

use std::io;

use clap_complete::Shell;

use super::ExitStatus;
use crate::report::Output;

/// Print a shell completion script
#[derive(clap::Args)]
pub(super) struct Args {
    /// The shell to generate it for
    shell: Shell,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "ctctool", &mut script);
    Output::default().deliver(|out| io::copy(&mut &script[..], out).map(drop))?;
    Ok(ExitStatus::Success)
}
