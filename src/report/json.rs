//! JSON: one object, or a line an item and a line for the summary.

use std::io::{self, Write};

use serde::Serialize;

use super::{Check, Report, Warning};

pub(super) fn write_object<P, S, I>(report: &Report<P, S, I>, out: &mut dyn Write) -> io::Result<()>
where
    P: Serialize,
    S: Serialize,
    I: Serialize,
{
    write_line(report, out)
}

#[derive(Serialize)]
struct ItemLine<'a, I> {
    r#type: &'static str,
    #[serde(flatten)]
    item: &'a I,
}

#[derive(Serialize)]
struct SummaryLine<'a, P, S> {
    r#type: &'static str,
    schema_version: u32,
    command: &'static str,
    version: &'static str,
    params: &'a P,
    warnings: &'a [Warning],
    #[serde(skip_serializing_if = "<[Check]>::is_empty")]
    checks: &'a [Check],
    #[serde(flatten)]
    summary: &'a S,
}

pub(super) fn write_lines<P, S, I>(report: &Report<P, S, I>, out: &mut dyn Write) -> io::Result<()>
where
    P: Serialize,
    S: Serialize,
    I: Serialize,
{
    for item in &report.items {
        write_line(&ItemLine { r#type: "item", item }, out)?;
    }
    let line = SummaryLine {
        r#type: "summary",
        schema_version: report.schema_version,
        command: report.command,
        version: report.version,
        params: &report.params,
        warnings: &report.warnings,
        checks: &report.checks,
        summary: &report.summary,
    };
    write_line(&line, out)
}

fn write_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
