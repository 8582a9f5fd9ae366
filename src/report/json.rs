//! JSON: one object, or one line per item and one for the summary.

use std::io::{self, Write};

use serde::Serialize;

use super::{Check, Report, Warning, chunks};

pub(super) fn write_object<P, S, I>(report: &Report<P, S, I>, out: &mut dyn Write) -> io::Result<()>
where
    P: Serialize,
    S: Serialize,
    I: Serialize + Sync,
{
    // The items come last: all before them, then they, a chunk at a time.
    let head = serde_json::to_vec(&report.without_items())?;
    let Some(head) = head.strip_suffix(b"]}") else {
        return Err(io::Error::other("a report ends with its list of items"));
    };
    out.write_all(head)?;
    chunks::write(&report.items, out, |first, items, buffer| {
        for (at, item) in items.iter().enumerate() {
            if first + at > 0 {
                buffer.push(b',');
            }
            serde_json::to_writer(&mut *buffer, item)?;
        }
        Ok(())
    })?;
    out.write_all(b"]}\n")
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
    I: Serialize + Sync,
{
    chunks::write(&report.items, out, |_, items, buffer| {
        for item in items {
            // The item's object with one more key in front.
            buffer.extend_from_slice(br#"{"type":"item""#);
            let start = buffer.len();
            serde_json::to_writer(&mut *buffer, item)?;
            buffer[start] = b',';
            buffer.push(b'\n');
        }
        Ok(())
    })?;
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
