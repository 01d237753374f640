//! The faults of a body: kind, position and message.
//!
//! Readers produce a [`RawFault`], which has only an offset and a message, so that lines are counted only if there is a
//! fault. It becomes a [`Fault`] with line, column and excerpt when it is reported.

mod excerpt;

pub(crate) use excerpt::{shown, shown_line};

use std::borrow::Cow;
use std::fmt;

/// The kind of a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The body has no bytes.
    #[default]
    Empty,
    /// The body was cut off.
    Truncated,
    /// The body breaks a rule of its format.
    Malformed,
}

/// A fault of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    /// The line, counted from 1; in protobuf, the number of the message.
    pub line: usize,
    /// The byte within the line, counted from 1; in protobuf, within the body.
    pub column: usize,
    /// What was found and what was expected, in lower case and without a full stop. The text may change.
    pub message: String,
    /// About 60 characters of the line around the position, control characters escaped; can be empty.
    pub excerpt: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )?;
        if !self.excerpt.is_empty() {
            write!(out, " in `{}`", self.excerpt)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// A fault before its line and column are computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawFault {
    /// The offset in the body.
    pub(crate) at: usize,
    pub(crate) kind: FaultKind,
    pub(crate) message: Cow<'static, str>,
}

impl RawFault {
    pub(crate) fn malformed(at: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            at,
            kind: FaultKind::Malformed,
            message: message.into(),
        }
    }

    pub(crate) fn truncated(at: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            at,
            kind: FaultKind::Truncated,
            message: message.into(),
        }
    }

    /// A fault for a line that ends with CRLF, whose carriage return is at `at`.
    #[cold]
    pub(crate) fn carriage_return(at: usize) -> Self {
        Self::malformed(
            at,
            "the line ends with CRLF; lines must end with a line feed alone",
        )
    }

    /// A fault for `text` at `at`, a word that ends its line; the message does not matter if it ends with CRLF.
    #[cold]
    pub(crate) fn in_word(at: usize, text: &[u8], message: impl Into<Cow<'static, str>>) -> Self {
        match text.strip_suffix(b"\r") {
            Some(before) => Self::carriage_return(at + before.len()),
            None => Self::malformed(at, message),
        }
    }

    /// A fault for anything but `wanted` at `at`; at the end of the body it means that the body was cut off.
    #[cold]
    pub(crate) fn unexpected(body: &[u8], at: usize, wanted: &str) -> Self {
        match body.get(at) {
            None => Self::truncated(
                body.len(),
                format!("unexpected end of body, expected {wanted}"),
            ),
            Some(b'\n') => {
                Self::malformed(at, format!("unexpected end of line, expected {wanted}"))
            }
            Some(b'\r') if body.get(at + 1) == Some(&b'\n') => Self::carriage_return(at),
            Some(byte) => Self::malformed(
                at,
                format!("unexpected `{}`, expected {wanted}", byte.escape_ascii()),
            ),
        }
    }

    /// Computes line, column and excerpt.
    #[cold]
    pub(crate) fn into_fault(self, body: &[u8]) -> Fault {
        self.into_fault_at(&mut LineCounter::new(body))
    }

    /// The same for one of several faults, which are converted in the order of their positions.
    #[cold]
    pub(crate) fn into_fault_at(self, lines: &mut LineCounter<'_>) -> Fault {
        let body = lines.body;
        let at = self.at.min(body.len());
        let line = lines.line_at(at);
        let (before, after) = body.split_at_checked(at).unwrap_or((body, &[]));
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let head = before.get(line_start..).unwrap_or_default();
        let tail = after
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        Fault {
            kind: self.kind,
            line,
            column: 1 + head.len(),
            message: self.message.into_owned(),
            excerpt: excerpt::excerpt(head, tail),
        }
    }
}

/// Counts the lines of a body up to positions that increase, in one pass over all of them.
pub(crate) struct LineCounter<'a> {
    body: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> LineCounter<'a> {
    pub(crate) const fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            at: 0,
            line: 1,
        }
    }

    /// The number of the line that contains `at`, which must not be less than before.
    fn line_at(&mut self, at: usize) -> usize {
        let passed = self.body.get(self.at..at).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.at = at;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, RawFault};

    #[test]
    fn a_fault_has_line_column_and_excerpt() {
        let body = b"a 1\nb{c=\"\xff\x00\"} x\nd 2\n";
        let fault = RawFault::unexpected(body, 13, "a number").into_fault(body);
        assert_eq!(
            (fault.line, fault.column, fault.kind),
            (2, 10, FaultKind::Malformed)
        );
        assert_eq!(fault.message, "unexpected ` `, expected a number");
        assert_eq!(fault.excerpt, "b{c=\"\\xff\\0\"} x");
    }

    #[test]
    fn the_end_of_the_body_means_it_was_cut() {
        let fault = RawFault::unexpected(b"a", 1, "a value").into_fault(b"a");
        assert_eq!(
            (fault.line, fault.column, fault.kind),
            (1, 2, FaultKind::Truncated)
        );
    }

    #[test]
    fn a_long_line_is_shortened_around_the_position() {
        let body = format!("{}!{}", "x".repeat(100), "y".repeat(100));
        let fault = RawFault::malformed(100, "").into_fault(body.as_bytes());
        assert!(
            fault.excerpt.starts_with('…')
                && fault.excerpt.ends_with('…')
                && fault.excerpt.contains("x!y")
        );
        assert!(fault.excerpt.chars().count() <= 62, "{}", fault.excerpt);
    }
}
