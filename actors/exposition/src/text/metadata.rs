//! The lines of a text body that start with `#`: HELP, TYPE and comments.
//!
//! Source: the states `sComment`, `sMeta1` and `sMeta2` of `promlex.l`. A line that only looks like HELP or TYPE is a
//! comment there, and so it is here.

use super::super::cursor::{is_blank, starts_name};
use super::super::entry::{Entry, Kind, Name};
use super::super::fault::{RawFault, shown};
use super::{NAME, TextReader};

impl<'a> TextReader<'a> {
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
                return self.kind();
            }
        }
        self.cursor.skip_line();
        Ok(Entry::Comment)
    }

    /// A keyword and the blanks that make it one; NUL bytes in it go unseen.
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
            return Err(RawFault::malformed(start, "the help text is not UTF-8"));
        }
        Ok(Entry::Help(name))
    }

    fn kind(&mut self) -> Result<Entry<'a>, RawFault> {
        let name = self.family_name()?;
        let start = self.cursor.at;
        let text = self.meta_text()?;
        let kind = match text {
            b"counter" => Kind::Counter,
            b"gauge" => Kind::Gauge,
            b"histogram" => Kind::Histogram,
            b"summary" => Kind::Summary,
            b"untyped" => Kind::Unknown,
            _ => {
                let end = start + 1 + text.len();
                if end >= self.cursor.body.len() && self.cursor.body.last() != Some(&b'\n') {
                    return Err(RawFault::truncated(end, "the body ends in a metric type"));
                }
                let message = format!(
                    "`{}` is no metric type: counter, gauge, histogram, summary or untyped is expected after one blank",
                    shown(text)
                );
                return Err(RawFault::malformed(start, message));
            }
        };
        Ok(Entry::Type(name, kind))
    }

    fn family_name(&mut self) -> Result<Name<'a>, RawFault> {
        match self.cursor.peek_text() {
            b'"' => {
                let start = self.cursor.at;
                let text = self.cursor.quoted(NAME, "a metric name")?;
                self.note_newline(start, text);
                Ok(Name { text, quoted: true })
            }
            byte if starts_name(byte) => Ok(Name {
                text: self.cursor.bare_name(),
                quoted: false,
            }),
            _ => Err(self.unexpected("a metric name")),
        }
    }

    /// The rest of the line without its first byte, whatever that is; blanks alone are no text.
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
            self.note(start, "a blank is missing after the name");
        }
        Ok(text.get(1..).unwrap_or_default())
    }
}
