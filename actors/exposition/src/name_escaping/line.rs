//! Writes a body with other names in some of its lines.

use super::error::EscapingError;
use super::names::EscapedLabel;
use crate::cursor::is_blank;
use crate::entry::{Name, Sample};
use std::ops::Range;

/// The maximum size of the result, as a multiple of the size of the body, and what is added to it in bytes. Names that grow
/// more than this are not what a daemon sends.
const MAX_GROWTH: (usize, usize) = (2, 4096);

/// A body that is being rewritten: lines are copied as they are, except for those that are rewritten.
pub(super) struct Lines<'a> {
    body: &'a [u8],
    out: Vec<u8>,
    /// The part of the body that `out` covers.
    copied: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            out: Vec::with_capacity(body.len()),
            copied: 0,
        }
    }

    /// The rewritten body.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.copy(self.body.len());
        self.out
    }

    /// Replaces the quoted name in a line with metadata.
    pub(super) fn rewrite_metadata(
        &mut self,
        line: Range<usize>,
        name: Name<'_>,
        escaped: &str,
    ) -> Result<(), EscapingError> {
        let text = self.part(line.clone());
        let Some(quote) = text.iter().position(|byte| *byte == b'"') else {
            return Err(unsupported());
        };
        let end = quote + name.text.len() + 2;
        if text.get(quote + 1..end - 1) != Some(name.text) || text.get(end - 1) != Some(&b'"') {
            return Err(unsupported());
        }
        self.copy(line.start + quote);
        self.out.extend_from_slice(escaped.as_bytes());
        self.copied = line.start + end;
        // Prometheus ignores the byte after the name, whatever it is; now the name would continue with it.
        if text
            .get(end)
            .is_some_and(|byte| !is_blank(*byte) && *byte != b'\n')
        {
            self.out.push(b' ');
            self.copied += 1;
        }
        self.check_size()
    }

    /// Writes a sample with another name and other labels, unless it has no quoted name.
    pub(super) fn rewrite_sample(
        &mut self,
        line: Range<usize>,
        sample: &Sample<'_>,
        name: &str,
        labels: Option<Vec<EscapedLabel<'_>>>,
        exemplar: Option<Vec<EscapedLabel<'_>>>,
    ) -> Result<(), EscapingError> {
        if labels.is_none() && exemplar.is_none() {
            return Ok(());
        }
        // Prometheus skips NUL bytes in some positions, and only in the form in which they are written.
        if self.part(line.clone()).contains(&0) {
            return Err(unsupported());
        }
        if let Some(labels) = labels {
            self.copy(line.start);
            self.out.extend_from_slice(name.as_bytes());
            if !labels.is_empty() {
                self.braces(&labels);
            }
            self.out.push(b' ');
            self.copied = sample.value.start;
        }
        if let Some(exemplar) = exemplar {
            let timestamp = sample.timestamp.as_ref();
            self.copy(timestamp.map_or(sample.value.end, |(range, _)| range.end));
            self.out.extend_from_slice(b" # ");
            self.braces(&exemplar);
            // What follows the labels are numbers.
            let rest = self.part(self.copied..line.end);
            let brace = rest.iter().rposition(|byte| *byte == b'}');
            self.copied += brace.ok_or_else(unsupported)? + 1;
        }
        self.copy(line.end);
        self.check_size()
    }

    fn check_size(&self) -> Result<(), EscapingError> {
        let (factor, more) = MAX_GROWTH;
        let limit = self.body.len().saturating_mul(factor).saturating_add(more);
        if self.out.len() > limit {
            let why = "the body would become more than twice as large";
            return Err(EscapingError::Unsupported(why));
        }
        Ok(())
    }

    fn braces(&mut self, labels: &[EscapedLabel<'_>]) {
        let mut before = b'{';
        for (name, value) in labels {
            self.out.push(before);
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"=\"");
            self.out.extend_from_slice(value);
            self.out.push(b'"');
            before = b',';
        }
        if labels.is_empty() {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }

    /// Copies the body up to `end`.
    fn copy(&mut self, end: usize) {
        let part = self.body.get(self.copied..end).unwrap_or_default();
        self.out.extend_from_slice(part);
        self.copied = end;
    }

    fn part(&self, range: Range<usize>) -> &'a [u8] {
        self.body.get(range).unwrap_or_default()
    }
}

fn unsupported() -> EscapingError {
    EscapingError::Unsupported("a line cannot be written without quotes")
}
