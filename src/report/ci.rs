//! What continuous integration shows of a checked result: GitHub's workflow annotations and JUnit's XML.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::{Record, Report, Warning};
use crate::input::counted;

/// GitHub shows so many errors and as many warnings of a step.
const MAX_SHOWN: usize = 10;

/// Workflow commands, a line a check and a line a failing item:
/// `::error title=…::…`, as GitHub's documentation of workflow commands has it.
pub(super) fn write_github<P, S, I: Record>(report: &Report<P, S, I>, out: &mut dyn Write) -> io::Result<()> {
    for warning in few_of(&report.warnings) {
        annotate(out, "warning", &format!("{}: {}", report.command, warning.code), &warning.message)?;
    }
    for check in &report.checks {
        let level = if check.passed { "notice" } else { "error" };
        annotate(out, level, &format!("{}: {}", report.command, check.name), &check.message)?;
    }
    let mut failing = failing_items(report);
    let checks = report.checks.iter().filter(|check| !check.passed).count();
    for (name, message) in failing.by_ref().take(MAX_SHOWN.saturating_sub(checks)) {
        annotate(out, "error", &format!("{}: {name}", report.command), &message)?;
    }
    let rest = failing.count();
    if rest > 0 {
        let message = format!("{} failed; other formats show more of them", counted(rest, "more item"));
        annotate(out, "notice", &format!("{}: more", report.command), &message)?;
    }
    Ok(())
}

/// As many warnings of each code as there is room for.
fn few_of(warnings: &[Warning]) -> Vec<Warning> {
    let few = |most| Warning::for_people(warnings, most);
    (2..MAX_SHOWN).rev().map(few).find(|few| few.len() <= MAX_SHOWN).unwrap_or_else(|| few(1))
}

/// A command that could not run.
pub(super) fn write_github_error(command: &str, message: &str, out: &mut dyn Write) -> io::Result<()> {
    annotate(out, "error", &format!("{command}: error"), message)
}

fn annotate(out: &mut dyn Write, level: &str, title: &str, message: &str) -> io::Result<()> {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    writeln!(out, "::{level} title={}::{}", property(title), data(message))
}

/// One test suite: a case a check, and a failing case a failing item.
pub(super) fn write_junit<P, S, I: Record>(report: &Report<P, S, I>, out: &mut dyn Write) -> io::Result<()> {
    let failed = |message: &str| not_passed(NonSuccessKind::Failure, message);
    let checks = report.checks.iter().map(|check| {
        let status = if check.passed { TestCaseStatus::success() } else { failed(&check.message) };
        TestCase::new(check.name, status)
    });
    let items = failing_items(report).map(|(name, message)| TestCase::new(xml_text(&name), failed(&message)));
    write_suite(report.command, checks.chain(items), out)
}

/// A command that could not run: one case, which is an error.
pub(super) fn write_junit_error(command: &str, message: &str, out: &mut dyn Write) -> io::Result<()> {
    let case = TestCase::new("error", not_passed(NonSuccessKind::Error, message));
    write_suite(command, std::iter::once(case), out)
}

fn not_passed(kind: NonSuccessKind, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(xml_text(message));
    status
}

/// Two characters that are no control characters are in no XML either; those are left out by who writes it.
fn xml_text(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn write_suite(command: &str, cases: impl Iterator<Item = TestCase>, out: &mut dyn Write) -> io::Result<()> {
    let mut suite = TestSuite::new(format!("ctctool {command}"));
    suite.add_test_cases(cases);
    let mut junit = Junit::new("ctctool");
    junit.add_test_suite(suite);
    // First as a text: what goes wrong in writing is to be told from what can't be XML.
    out.write_all(junit.to_string().map_err(io::Error::other)?.as_bytes())
}

/// Items that a failed check is about, by name.
fn failing_items<P, S, I: Record>(report: &Report<P, S, I>) -> impl Iterator<Item = (String, String)> {
    let items = if report.passed() { &[][..] } else { &report.items[..] };
    items.iter().filter_map(Record::failure)
}
