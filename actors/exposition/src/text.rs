//! Reads the Prometheus text format, 0.0.4 and 1.0.0, as Prometheus 3.5 does.
//!
//! Source: `promlex.l` and `promparse.go`. The reader accepts what those accept and refuses the rest. It also refuses
//! bodies that crash them, and bodies that they silently stop reading at a NUL byte.

mod metadata;
mod sample;

use crate::cursor::{Cursor, Quoting};
use crate::entry::{Deviation, Entry, Label, Reader};
use crate::escape::{INVALID_ESCAPE, invalid_escape};
use crate::fault::RawFault;
use crate::names::starts_name;

/// Names in quotes; line feeds in them are a deviation from the specification.
const NAME: Quoting = Quoting {
    newlines: true,
    nuls: false,
};

pub(crate) struct TextReader<'a> {
    cursor: Cursor<'a>,
    labels: Vec<Label<'a>>,
    deviation: Option<Deviation>,
}

impl<'a> TextReader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self {
            cursor: Cursor { body, at: 0 },
            labels: Vec::new(),
            deviation: None,
        }
    }

    fn unexpected(&self, wanted: &str) -> RawFault {
        RawFault::unexpected(self.cursor.body, self.cursor.at, wanted)
    }

    /// Notes a deviation, unless the entry has an earlier one.
    fn note(&mut self, at: usize, deviation: &'static str) {
        self.deviation.get_or_insert((at, deviation));
    }

    /// Notes what the specification does not allow in the quoted string at `start`.
    fn note_quoted(&mut self, start: usize, text: &[u8]) {
        if text.contains(&b'\n') {
            self.note(start, "a line feed in quotes must be written as \\n");
        }
        if let Some(at) = invalid_escape(text, b"n\"") {
            self.note(start + 1 + at, INVALID_ESCAPE);
        }
    }

    /// At a NUL byte Prometheus ends the scrape without an error, as if the body ended there.
    fn nul(&self) -> RawFault {
        let message = "a NUL byte, after which Prometheus silently drops the rest";
        RawFault::truncated(self.cursor.at, message)
    }
}

impl<'a> Reader<'a> for TextReader<'a> {
    fn next(&mut self) -> Result<Option<Entry<'a>>, RawFault> {
        if self.cursor.at >= self.cursor.body.len() {
            return Ok(None);
        }
        self.deviation = None;
        let start = self.cursor.at;
        self.cursor.skip_blanks();
        match self.cursor.peek_text() {
            b'\n' => {
                self.cursor.at += 1;
                Ok(Some(Entry::Comment))
            }
            b'#' => self.comment().map(Some),
            0 => Err(self.nul()),
            b'{' => self.sample().map(Some),
            byte if starts_name(byte) && start < self.cursor.at => Err(RawFault::malformed(
                start,
                "blanks before a metric name, which Prometheus 3 takes for a part of the name",
            )),
            byte if starts_name(byte) => self.sample().map(Some),
            _ => Err(self.unexpected("a metric name, `{`, `#` or a blank line")),
        }
    }

    fn at(&self) -> usize {
        self.cursor.at.min(self.cursor.body.len())
    }

    fn cursor(&mut self) -> &mut Cursor<'a> {
        &mut self.cursor
    }

    fn labels(&self) -> &[Label<'a>] {
        &self.labels
    }

    fn exemplar(&self) -> &[Label<'a>] {
        &[]
    }

    fn deviation(&self) -> Option<Deviation> {
        self.deviation
    }
}
