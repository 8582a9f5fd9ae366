//! The command line: what was typed, and which subcommand runs.
//!
//! A file a subcommand: its arguments and its `run`, glue between the stages.

mod align;
mod alphabet_args;
mod compare;
mod completions;
mod ctc_shape;
mod ctc_targets;
mod decode;
mod diagnostics;
mod eval;
mod frame_warnings;
mod inputs;
mod inspect;
mod loss;
mod other_axis;
mod output_args;
mod progress;
mod steering;
mod subcommand;
mod timing;
mod tune;
mod usage_error;
mod values;

use std::ffi::OsStr;
use std::io;
use std::process::ExitCode;

use clap::{Args, FromArgMatches, Subcommand};

use diagnostics::Diagnostics;
use subcommand::deliver;
use usage_error::report_usage;

use crate::report::OutputError;

/// How the program ends; the whole policy of exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It ran, and every check that was asked for holds.
    Success,
    /// It ran, and a check that was asked for does not hold.
    Failure,
    /// It could not run.
    Error,
}

impl ExitStatus {
    /// Of a program that ran and wrote its result. Whoever reads it may stop when they have seen enough: what the
    /// checks say is known before.
    fn of_checks(passed: bool, written: Result<(), OutputError>) -> anyhow::Result<Self> {
        match written {
            Err(error) if error.source.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ if passed => Ok(Self::Success),
            _ => Ok(Self::Failure),
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Success => 0,
            ExitStatus::Failure => 1,
            ExitStatus::Error => 2,
        })
    }
}

#[derive(Subcommand)]
enum Command {
    Loss(Box<loss::Args>),
    Decode(Box<decode::Args>),
    Eval(eval::Args),
    Inspect(Box<inspect::Args>),
    Compare(compare::Args),
    Align(Box<align::Args>),
    Tune(Box<tune::Args>),
    Completions(completions::Args),
}

/// The definition of the whole command line, for man pages and completions.
pub fn command() -> clap::Command {
    Command::augment_subcommands(program()).mut_subcommands(|subcommand| subcommand.after_help(EXIT_CODES))
}

const EXIT_CODES: &str = "Exit codes: 0 ran, and every check passed; 1 a check failed; 2 could not run.";

fn program() -> clap::Command {
    clap::Command::new("ctctool")
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .about("Exact losses and transcripts from a network's output files")
        .after_help(EXIT_CODES)
        .subcommand_required(true)
        .arg_required_else_help(true)
}

/// What defines a subcommand's arguments.
type Augment = fn(clap::Command) -> clap::Command;

/// The subcommands by name: to define the one that was typed takes a quarter of the time that all take.
const SUBCOMMANDS: [(&str, Augment); 8] = [
    ("loss", loss::Args::augment_args),
    ("decode", decode::Args::augment_args),
    ("eval", eval::Args::augment_args),
    ("inspect", inspect::Args::augment_args),
    ("compare", compare::Args::augment_args),
    ("align", align::Args::augment_args),
    ("tune", tune::Args::augment_args),
    ("completions", completions::Args::augment_args),
];

fn parse() -> Result<Command, clap::Error> {
    let typed = std::env::args_os().nth(1);
    let known = SUBCOMMANDS.iter().find(|(name, _)| typed.as_deref() == Some(OsStr::new(name)));
    let command = match known {
        Some((name, augment)) => {
            program().subcommand(augment(clap::Command::new(name)).after_help(EXIT_CODES))
        }
        None => command(),
    };
    Command::from_arg_matches(&command.try_get_matches()?)
}

/// Runs the program with the process's arguments.
///
/// For the program's own `main` alone: the whole process becomes the program's, signals included, and files are mapped,
/// so that nobody may write to one that is read (see [`allow_mapping`](crate::kernel::allow_mapping)).
pub fn main() -> ExitStatus {
    crate::kernel::begin_program();
    let command = match parse() {
        Ok(command) => command,
        Err(error) => return report_usage(&error),
    };
    let (result, diagnostics) = match command {
        Command::Loss(args) => deliver(&*args),
        Command::Decode(args) => deliver(&*args),
        Command::Eval(args) => deliver(&args),
        Command::Inspect(args) => deliver(&*args),
        Command::Compare(args) => deliver(&args),
        Command::Align(args) => deliver(&*args),
        Command::Tune(args) => deliver(&*args),
        Command::Completions(args) => (completions::run(&args), Diagnostics::default()),
    };
    result.unwrap_or_else(|error| {
        // Whoever reads our output may stop when they have seen enough.
        let closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
        if error.chain().filter_map(|cause| cause.downcast_ref()).any(closed) {
            return ExitStatus::Success;
        }
        diagnostics.error(&error);
        ExitStatus::Error
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subcommand_is_the_same_alone() {
        let mut all = command();
        all.build();
        let help_of = |all: &mut clap::Command, name| {
            all.find_subcommand_mut(name).map(|found| found.render_long_help().to_string())
        };
        for (name, augment) in SUBCOMMANDS {
            let mut alone = program().subcommand(augment(clap::Command::new(name)).after_help(EXIT_CODES));
            alone.build();
            let (help, among_all) = (help_of(&mut alone, name), help_of(&mut all, name));
            assert!(help.is_some() && help == among_all, "{name}: {help:?}, {among_all:?}");
        }
        // And help of its own.
        assert_eq!(all.get_subcommands().count(), SUBCOMMANDS.len() + 1);
    }
}
