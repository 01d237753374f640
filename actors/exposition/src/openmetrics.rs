//! Reads `OpenMetrics` 1.0 as Prometheus 3.5 does.
//!
//! Source: `openmetricslex.l` and `openmetricsparse.go`. The reader accepts what those accept and refuses the rest, and it
//! refuses bodies that crash them. The grammar has no blank lines, no comments, and single spaces only.

mod metadata;
mod sample;

use crate::cursor::{Cursor, Quoting};
use crate::entry::{Deviation, Entry, Label, Reader};
use crate::escape::{INVALID_ESCAPE, invalid_escape};
use crate::fault::RawFault;
use crate::names::starts_name;

/// Names in quotes.
const NAME: Quoting = Quoting {
    newlines: true,
    nuls: false,
};
pub(crate) struct OpenMetricsReader<'a> {
    cursor: Cursor<'a>,
    labels: Vec<Label<'a>>,
    exemplar: Vec<Label<'a>>,
    deviation: Option<Deviation>,
    /// Whether `# EOF` or the end of the body was reached.
    ended: bool,
}

impl<'a> OpenMetricsReader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        let cursor = Cursor { body, at: 0 };
        Self {
            cursor,
            labels: Vec::new(),
            exemplar: Vec::new(),
            deviation: None,
            ended: false,
        }
    }

    /// Notes a backslash that begins no escape sequence in the text at `start`.
    fn note_escapes(&mut self, start: usize, text: &[u8]) {
        if let Some(at) = invalid_escape(text, b"n\"") {
            self.deviation.get_or_insert((start + at, INVALID_ESCAPE));
        }
    }

    fn unexpected(&self, wanted: &str) -> RawFault {
        RawFault::unexpected(self.cursor.body, self.cursor.at, wanted)
    }
}

impl<'a> Reader<'a> for OpenMetricsReader<'a> {
    fn next(&mut self) -> Result<Option<Entry<'a>>, RawFault> {
        self.deviation = None;
        if self.ended {
            return Ok(None);
        }
        match self.cursor.peek() {
            Some(b'#') => self.metadata(),
            Some(byte) if byte == b'{' || starts_name(byte) => self.sample().map(Some),
            None => {
                self.ended = true;
                Err(RawFault::truncated(
                    self.cursor.at,
                    "the body does not end with `# EOF`",
                ))
            }
            Some(_) => Err(self.unexpected("a metric name, `{` or `# `")),
        }
    }

    fn at(&self) -> usize {
        self.cursor.at
    }

    fn cursor(&mut self) -> &mut Cursor<'a> {
        &mut self.cursor
    }

    fn labels(&self) -> &[Label<'a>] {
        &self.labels
    }

    fn exemplar(&self) -> &[Label<'a>] {
        &self.exemplar
    }

    fn deviation(&self) -> Option<Deviation> {
        self.deviation
    }
}
