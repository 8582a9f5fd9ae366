//! The `ctctool` program: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ctctool::cli::main().into()
}
