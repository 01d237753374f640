//! Skips sample lines in the usual form: `name{label="value",…} 123` with an optional integer timestamp.
//!
//! The fast path only accepts lines that both readers accept. It leaves every other line to them, so it may be incomplete
//! but never wrong. It allocates nothing. The part that a line shares with the line before it is compared, not read again;
//! for the series of one family that is most of the line.
#![allow(
    clippy::indexing_slicing,
    reason = "the arrays are indexed by counts that MAX_LABELS bounds; the body only with get"
)]

mod number;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use number::TimestampUnit;
use number::value_and_timestamp;
use scan::{common_prefix, label_name_end, metric_name_end, value_end};

/// The maximum number of labels of a line; others are left to the reader.
const MAX_LABELS: usize = 24;

/// The number of samples so far, and their newest timestamp.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) samples: usize,
    /// In milliseconds since the epoch.
    pub(crate) newest_ms: Option<i64>,
}

/// The layout of the last line: where its labels are, relative to its start.
struct LastLine {
    start: usize,
    labels: usize,
    /// Start and end of the name of each label.
    names: [(usize, usize); MAX_LABELS],
    /// Start of the value of each label, after the quote.
    values: [usize; MAX_LABELS],
}

/// Skips lines from `at` on and counts them in `totals`; returns the start of the first line it does not accept.
///
/// `body` must be valid UTF-8, because the bytes of label values are not examined.
pub(crate) fn skip(body: &[u8], at: usize, unit: TimestampUnit, totals: &mut Totals) -> usize {
    let mut last = LastLine {
        start: at,
        labels: 0,
        names: [(0, 0); MAX_LABELS],
        values: [0; MAX_LABELS],
    };
    let mut at = at;
    while let Some((length, timestamp)) = body
        .get(at..)
        .and_then(|rest| line(body, rest, at, unit, &mut last))
    {
        totals.samples += 1;
        if timestamp.is_some() {
            totals.newest_ms = totals.newest_ms.max(timestamp);
        }
        at += length;
    }
    at
}

/// The length of the first line of `rest`, which starts at `at`, and its timestamp in milliseconds.
fn line(
    body: &[u8],
    rest: &[u8],
    at: usize,
    unit: TimestampUnit,
    last: &mut LastLine,
) -> Option<(usize, Option<i64>)> {
    let end = match shared_value(body, rest, at, last) {
        Some(value) => label_values(rest, value, last)?,
        None => {
            last.labels = 0;
            let end = metric_name_end(rest, 0)?;
            if *rest.get(end)? == b'{' {
                labels(rest, end + 1, last)?
            } else {
                end
            }
        }
    };
    last.start = at;
    value_and_timestamp(rest, end, unit)
}

/// The start of the last label value up to which this line equals the one before it.
fn shared_value(body: &[u8], rest: &[u8], at: usize, last: &mut LastLine) -> Option<usize> {
    if last.labels == 0 {
        return None;
    }
    let shared = common_prefix(body.get(last.start..at)?, rest);
    let label = last.values[..last.labels]
        .iter()
        .rposition(|value| *value <= shared)?;
    last.labels = label + 1;
    Some(last.values[label])
}

/// The position after the closing brace, reading from the first label name on.
fn labels(rest: &[u8], at: usize, last: &mut LastLine) -> Option<usize> {
    if *rest.get(at)? == b'}' {
        return Some(at + 1);
    }
    let value = label_name(rest, at, last)?;
    label_values(rest, value, last)
}

/// The position after the closing brace, reading from within a label value on.
fn label_values(rest: &[u8], mut at: usize, last: &mut LastLine) -> Option<usize> {
    loop {
        at = value_end(rest, at)?;
        match rest.get(at..at + 2)? {
            b"\"}" => return Some(at + 2),
            b"\"," => at = label_name(rest, at + 2, last)?,
            _ => return None,
        }
    }
}

/// The start of a label's value, reading from its name on. Repeated names and `__name__` are left to the reader.
fn label_name(rest: &[u8], at: usize, last: &mut LastLine) -> Option<usize> {
    let end = label_name_end(rest, at)?;
    if rest.get(end..end + 2)? != b"=\"" || last.labels == MAX_LABELS {
        return None;
    }
    let name = rest.get(at..end)?;
    for (start, end) in &last.names[..last.labels] {
        if end - start == name.len() && rest.get(*start..*end)? == name {
            return None;
        }
    }
    if name == b"__name__" {
        return None;
    }
    last.names[last.labels] = (at, end);
    last.values[last.labels] = end + 2;
    last.labels += 1;
    Some(end + 2)
}
