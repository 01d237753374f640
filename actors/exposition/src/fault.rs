//! Faults: what is wrong with a body, where, and in which words.
//!
//! Inside the module a [`RawFault`] carries only an offset and a sentence, so that nothing is counted while all is
//! well; it becomes a [`Fault`] with line, column and excerpt once, when it is reported.

use std::borrow::Cow;
use std::fmt;

/// The sort of a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// No bytes at all.
    #[default]
    Empty,
    /// The body stops before its end.
    Truncated,
    /// The body breaks a rule of its format.
    Malformed,
}

/// A fault of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Its sort.
    pub kind: FaultKind,
    /// The line, counted from 1; in protobuf, the message.
    pub line: usize,
    /// The byte of that line, counted from 1; in protobuf, of the body.
    pub column: usize,
    /// What was found and what is expected.
    pub message: String,
    /// The line's text around the place, shortened and escaped.
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

/// A fault before its line is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawFault {
    pub(super) at: usize,
    pub(super) kind: FaultKind,
    pub(super) message: Cow<'static, str>,
}

impl RawFault {
    pub(super) fn malformed(at: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            at,
            kind: FaultKind::Malformed,
            message: message.into(),
        }
    }

    pub(super) fn truncated(at: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            at,
            kind: FaultKind::Truncated,
            message: message.into(),
        }
    }

    /// Something else stands at `at` than `wanted`; at the end of the body that means it was cut.
    #[cold]
    pub(super) fn unexpected(body: &[u8], at: usize, wanted: &str) -> Self {
        match body.get(at) {
            None => Self::truncated(
                body.len(),
                format!("the body ends where {wanted} is expected"),
            ),
            Some(b'\n') => Self::malformed(at, format!("the line ends where {wanted} is expected")),
            Some(byte) => Self::malformed(
                at,
                format!(
                    "`{}` stands where {wanted} is expected",
                    byte.escape_ascii()
                ),
            ),
        }
    }

    /// Gives the fault its line, column and excerpt.
    #[cold]
    pub(super) fn into_fault(self, body: &[u8]) -> Fault {
        let at = self.at.min(body.len());
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
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            column: 1 + head.len(),
            message: self.message.into_owned(),
            excerpt: excerpt(head, tail),
        }
    }
}

/// A word of a body as it may stand in a sentence: escaped, and no longer than
/// a sentence bears; a body may be one word of many megabytes.
pub(super) fn shown(word: &[u8]) -> String {
    const SHOWN: usize = 60;
    let mut text = word.get(..SHOWN).unwrap_or(word).escape_ascii().to_string();
    if word.len() > SHOWN {
        text.push('…');
    }
    text
}

/// About sixty characters around the place where `head` ends and `tail` begins.
pub(super) fn excerpt(head: &[u8], tail: &[u8]) -> String {
    const BEFORE: usize = 40;
    const AFTER: usize = 20;
    let cut_head = head
        .len()
        .saturating_sub(BEFORE.max(60_usize.saturating_sub(tail.len())));
    let shown_head = head.get(cut_head..).unwrap_or_default();
    let room = AFTER.max(60_usize.saturating_sub(shown_head.len()));
    let shown_tail = tail.get(..room).unwrap_or(tail);
    let mut text = String::new();
    if cut_head > 0 {
        text.push('…');
    }
    for piece in [shown_head, shown_tail].concat().utf8_chunks() {
        for c in piece.valid().chars() {
            match c {
                // Quotes and backslashes are what a line is made of.
                '"' | '\'' | '\\' => text.push(c),
                // What a terminal would act on or not show, direction marks included.
                _ => text.extend(c.escape_debug()),
            }
        }
        text.extend(
            piece
                .invalid()
                .iter()
                .map(|byte| byte.escape_ascii().to_string()),
        );
    }
    if shown_tail.len() < tail.len() {
        text.push('…');
    }
    text
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
        assert_eq!(fault.message, "` ` stands where a number is expected");
        assert_eq!(fault.excerpt, "b{c=\"\\xff\\0\"} x");
    }

    #[test]
    fn words_in_sentences_are_short_and_nothing_in_an_excerpt_acts() {
        assert_eq!(super::shown(b"a\x1bb"), "a\\x1bb");
        assert_eq!(super::shown(&[b'x'; 100]).chars().count(), 61);
        let excerpt = super::excerpt("\u{202e}\u{feff}é\"\\".as_bytes(), b"\t");
        assert_eq!(excerpt, "\\u{202e}\\u{feff}é\"\\\\t");
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
    fn a_long_line_is_shortened_around_the_place() {
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
