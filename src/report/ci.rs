//! What continuous integration shows of a checked result: GitHub's workflow annotations and JUnit's XML.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::{Record, Report, Warning};
use crate::input::counted;

/// Failing items that are shown, at most; GitHub shows no more than ten errors a step.
const MAX_SHOWN: usize = 9;

/// Workflow commands, a line a check and a line a failing item:
/// `::error title=…::…`, as GitHub's documentation of workflow commands has it.
pub(super) fn write_github<P, S, I: Record>(report: &Report<P, S, I>, out: &mut dyn Write) -> io::Result<()> {
    for warning in Warning::for_people(&report.warnings) {
        annotate(out, "warning", &format!("{}: {}", report.command, warning.code), &warning.message)?;
    }
    for check in &report.checks {
        let level = if check.passed { "notice" } else { "error" };
        annotate(out, level, &format!("{}: {}", report.command, check.name), &check.message)?;
    }
    let mut failing = failing_items(report);
    for (name, message) in failing.by_ref().take(MAX_SHOWN) {
        annotate(out, "error", &format!("{}: {name}", report.command), &message)?;
    }
    let rest = failing.count();
    if rest > 0 {
        let message = format!("{} more fail; the other formats show all", counted(rest, "item"));
        annotate(out, "notice", &format!("{}: more", report.command), &message)?;
    }
    Ok(())
}

fn annotate(out: &mut dyn Write, level: &str, title: &str, message: &str) -> io::Result<()> {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    writeln!(out, "::{level} title={}::{}", property(title), data(message))
}

/// One test suite: a case a check, and a failing case a failing item.
pub(super) fn write_junit<P, S, I: Record>(report: &Report<P, S, I>, out: &mut dyn Write) -> io::Result<()> {
    let mut suite = TestSuite::new(format!("ctctool {}", report.command));
    let failed = |message: &str| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(message);
        status
    };
    for check in &report.checks {
        let status = if check.passed { TestCaseStatus::success() } else { failed(&check.message) };
        suite.add_test_case(TestCase::new(check.name, status));
    }
    for (name, message) in failing_items(report) {
        suite.add_test_case(TestCase::new(name, failed(&message)));
    }
    let mut junit = Junit::new("ctctool");
    junit.add_test_suite(suite);
    junit.serialize(&mut *out).map_err(io::Error::other)?;
    Ok(())
}

/// Items that a failed check is about, by name.
fn failing_items<P, S, I: Record>(report: &Report<P, S, I>) -> impl Iterator<Item = (String, String)> {
    let items = if report.passed() { &[][..] } else { &report.items[..] };
    items.iter().filter_map(Record::failure)
}
