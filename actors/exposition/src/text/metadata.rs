//! The lines of a text body that start with `#`: HELP, TYPE and comments.
//!
//! Source: the states `sComment`, `sMeta1` and `sMeta2` of `promlex.l`. As there, a line that only resembles HELP or TYPE
//! is a comment.

use super::{NAME, TextReader};
use crate::cursor::is_blank;
use crate::entry::{Entry, Name};
use crate::escape::{INVALID_ESCAPE, invalid_escape};
use crate::fault::{RawFault, shown};
use crate::metric_type::MetricType;
use crate::names::starts_name;

impl<'a> TextReader<'a> {
    /// Reads a line that starts with `#`.
    pub(super) fn comment(&mut self) -> Result<Entry<'a>, RawFault> {
        self.cursor.at += 1;
        let blanks = self.cursor.take_while(is_blank);
        if blanks.is_empty() {
            self.cursor.take_while(|byte| !matches!(byte, b'\n' | 0));
        }
        if self.cursor.peek() == Some(0) {
            return Err(self.nul());
        }
        if !blanks.is_empty() {
            if self.keyword(b"HELP") {
                return self.help();
            }
            if self.keyword(b"TYPE") {
                return self.metric_type();
            }
        }
        self.cursor.skip_line();
        Ok(Entry::Comment)
    }

    /// Takes a keyword and the blanks that must follow it; NUL bytes in both are skipped.
    fn keyword(&mut self, word: &[u8]) -> bool {
        let start = self.cursor.at;
        let found = self.cursor.take_word(word) && self.cursor.peek().is_some_and(is_blank);
        if found {
            self.cursor.take_while(|byte| is_blank(byte) || byte == 0);
        } else {
            self.cursor.at = start;
        }
        found
    }

    fn help(&mut self) -> Result<Entry<'a>, RawFault> {
        let name = self.family_name()?;
        let start = self.cursor.at;
        let text = self.meta_text()?;
        if std::str::from_utf8(text).is_err() {
            return Err(RawFault::malformed(
                start,
                "the help text is not valid UTF-8",
            ));
        }
        if let Some(at) = invalid_escape(text, b"n") {
            self.note(start + 1 + at, INVALID_ESCAPE);
        }
        Ok(Entry::Help(name))
    }

    fn metric_type(&mut self) -> Result<Entry<'a>, RawFault> {
        let name = self.family_name()?;
        let start = self.cursor.at;
        let text = self.meta_text()?;
        let metric_type = match text {
            b"counter" => MetricType::Counter,
            b"gauge" => MetricType::Gauge,
            b"histogram" => MetricType::Histogram,
            b"summary" => MetricType::Summary,
            b"untyped" => MetricType::Unknown,
            _ => {
                let end = start + 1 + text.len();
                if end >= self.cursor.body.len() && self.cursor.body.last() != Some(&b'\n') {
                    return Err(RawFault::truncated(
                        end,
                        "unexpected end of body in a metric type",
                    ));
                }
                let message = format!(
                    "`{}` is not a metric type: expected counter, gauge, histogram, summary or untyped after one blank",
                    shown(text)
                );
                let word = start + text.len().min(1);
                return Err(RawFault::in_word(word, text, message));
            }
        };
        Ok(Entry::Type(name, metric_type))
    }

    fn family_name(&mut self) -> Result<Name<'a>, RawFault> {
        match self.cursor.peek_text() {
            b'"' => {
                let start = self.cursor.at;
                let text = self.cursor.quoted(NAME, "a metric name")?;
                self.note_quoted(start, text);
                Ok(Name { text, quoted: true })
            }
            byte if starts_name(byte) => Ok(Name {
                text: self.cursor.bare_name(),
                quoted: false,
            }),
            _ => Err(self.unexpected("a metric name")),
        }
    }

    /// Takes the rest of the line, and returns it without its first byte; only blanks count as no text.
    fn meta_text(&mut self) -> Result<&'a [u8], RawFault> {
        let start = self.cursor.at;
        if self.cursor.peek() == Some(0) {
            return Err(self.unexpected("a blank"));
        }
        let line = self.cursor.take_while(|byte| byte != b'\n');
        self.cursor.take(b'\n');
        let text = line
            .iter()
            .position(|byte| !is_blank(*byte) && *byte != 0)
            .map_or(&[][..], |_| line);
        if line.first().is_some_and(|byte| !is_blank(*byte)) {
            self.note(start, "missing blank after the metric name");
        }
        Ok(text.get(1..).unwrap_or_default())
    }
}
