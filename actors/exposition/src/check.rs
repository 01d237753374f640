//! Checks a body: detects its format and runs it through the reader of that format.

mod fault_list;
mod lines;

use crate::detect;
use crate::fault::{Fault, FaultKind, RawFault};
use crate::format::Format;
use crate::protobuf;
use crate::rules::{Check, FinalNewline, FormatChoice, Rules};
use crate::summary::Summary;
use fault_list::FaultList;

/// The maximum number of faults that [`list_faults`] returns.
pub const MAX_FAULTS: usize = 1000;

/// Checks `body` against `rules`.
///
/// # Errors
///
/// The first fault.
pub fn check(body: &[u8], rules: &Rules) -> Result<Summary, Fault> {
    check_body(body, rules, 1).map_err(|faults| faults.into_iter().next().unwrap_or_default())
}

/// Lists the faults of `body` in order, at most one per line and [`MAX_FAULTS`] in total; empty if it passes.
///
/// A fault can cause others in the lines after it, so the first is the most reliable.
#[must_use]
pub fn list_faults(body: &[u8], rules: &Rules) -> Vec<Fault> {
    check_body(body, rules, MAX_FAULTS)
        .err()
        .unwrap_or_default()
}

/// Summarizes a body that is passed on unchecked; a body that Prometheus would not ingest counts as one without samples.
///
/// Its Content-Type depends on the names it contains, even if [`Check::Whole`] or [`Check::None`] accepted it.
#[must_use]
pub fn summarize(body: &[u8], format: Format) -> Summary {
    let rules = Rules {
        check: Check::Ingest,
        format: format.choice(),
        allow_empty: true,
        final_newline: FinalNewline::MayBeMissing,
    };
    check(body, &rules).unwrap_or(Summary::new(format))
}

/// Checks `body`; the error has between one and `max` faults.
fn check_body(body: &[u8], rules: &Rules, max: usize) -> Result<Summary, Vec<Fault>> {
    let reads_samples = rules.check.reads_samples();
    let guess = if reads_samples {
        detect::guess(body, rules.format)
    } else {
        detect::detect_format(body, rules.format)
    };
    let result = check_as(body, rules, guess, max);
    // The guess is verified only if the body is faulty: an accepted one has been read as guessed.
    let doubtful = result.is_err() && reads_samples && rules.format == FormatChoice::Auto;
    if doubtful && detect::is_text_after_all(body, guess) {
        return check_as(body, rules, Format::Text, max);
    }
    result
}

/// Checks `body` as `format`.
fn check_as(body: &[u8], rules: &Rules, format: Format, max: usize) -> Result<Summary, Vec<Fault>> {
    let mut summary = Summary::new(format);
    if rules.check == Check::None || (body.is_empty() && rules.allow_empty) {
        return Ok(summary);
    }
    if body.is_empty() {
        return Err(vec![empty_body()]);
    }
    if format == Format::Protobuf {
        let read = protobuf::read(body, rules.check.reads_samples(), &mut summary);
        return read.map(|()| summary).map_err(|fault| vec![fault]);
    }
    let newline_required = format == Format::Text && rules.final_newline == FinalNewline::Required;
    let mut faults = FaultList::new(body, max, newline_required);
    if rules.check.reads_samples() {
        lines::check_lines(
            body,
            rules.check == Check::Strict,
            &mut faults,
            &mut summary,
        );
    }
    check_end(body, newline_required, &mut faults, &mut summary);
    faults.into_result().map(|()| summary)
}

/// Checks that a body in a text-based format is complete.
fn check_end(
    body: &[u8],
    newline_required: bool,
    faults: &mut FaultList<'_>,
    summary: &mut Summary,
) {
    let format = summary.format;
    // Prometheus also accepts NUL bytes around the last line, which no complete body has.
    if format == Format::OpenMetrics && faults.is_empty() && !detect::ends_with_eof(body) {
        faults.add(RawFault::truncated(
            body.len(),
            "the body does not end with the line `# EOF`",
        ));
    }
    if format == Format::Text && body.last() != Some(&b'\n') {
        summary.missing_final_newline = true;
        if newline_required && faults.is_empty() {
            faults.add(RawFault::truncated(
                body.len(),
                "the last line does not end with a newline: the body was cut off",
            ));
        }
    }
}

fn empty_body() -> Fault {
    Fault {
        kind: FaultKind::Empty,
        line: 1,
        column: 1,
        message: "the body is empty".to_owned(),
        ..Fault::default()
    }
}
