//! The sample lines of a text body: name, labels, value and timestamp.

use super::{NAME, TextReader};
use crate::cursor::Quoting;
use crate::entry::{Entry, Label, Name, Sample};
use crate::fault::{RawFault, shown};
use crate::labels::{accept, name_without_quotes};
use crate::names::starts_label;
use crate::number;
use std::ops::Range;

/// Label values: they may span lines here, and NUL bytes in them are skipped.
const VALUE: Quoting = Quoting {
    newlines: true,
    nuls: true,
};

impl<'a> TextReader<'a> {
    /// Reads a sample from its name or its opening brace on.
    pub(super) fn sample(&mut self) -> Result<Entry<'a>, RawFault> {
        let start = self.cursor.at;
        self.labels.clear();
        let mut name = None;
        if self.cursor.peek() != Some(b'{') {
            name = Some(Name {
                text: self.cursor.bare_name(),
                quoted: false,
            });
            self.cursor.skip_blanks();
        }
        if self.cursor.take(b'{') {
            self.braces(&mut name)?;
            self.cursor.skip_blanks();
        }
        let Some(name) = name else {
            return Err(RawFault::malformed(start, "the sample has no metric name"));
        };
        let value = self.value()?;
        let timestamp = self.timestamp()?;
        accept(start, name, &self.labels)?;
        Ok(Entry::Sample(Sample {
            name,
            value,
            timestamp,
            exemplar: false,
        }))
    }

    /// Reads from behind the opening brace to behind the closing one; `name` is set if the braces contain it.
    fn braces(&mut self, name: &mut Option<Name<'a>>) -> Result<(), RawFault> {
        loop {
            self.cursor.skip_blanks();
            let start = self.cursor.at;
            let word = match self.cursor.peek_text() {
                b'}' => {
                    self.cursor.at += 1;
                    return Ok(());
                }
                b'"' => Name {
                    text: self.cursor.quoted(NAME, "a label name")?,
                    quoted: true,
                },
                byte if starts_label(byte) => Name {
                    text: self.cursor.bare_label(),
                    quoted: false,
                },
                _ => return Err(self.unexpected("a label name or `}`")),
            };
            if word.quoted {
                self.note_quoted(start, word.text);
            }
            self.cursor.skip_blanks();
            if matches!(self.cursor.peek_text(), b',' | b'}') {
                if name.is_some() {
                    let message =
                        "a name without a value, although the metric name is already given";
                    return Err(RawFault::malformed(start, message));
                }
                *name = Some(self.name_in_braces(start, word)?);
                self.cursor.take(b',');
                continue;
            }
            if !self.cursor.take(b'=') {
                return Err(self.unexpected("`=`"));
            }
            self.cursor.skip_blanks();
            let value = self.label_value()?;
            self.labels.push(Label { name: word, value });
            self.cursor.skip_blanks();
            if !self.cursor.take(b',') && self.cursor.peek() != Some(b'}') {
                self.note(self.cursor.at, "missing comma between labels");
            }
        }
    }

    fn name_in_braces(&mut self, start: usize, word: Name<'a>) -> Result<Name<'a>, RawFault> {
        if word.quoted {
            return Ok(word);
        }
        self.note(start, "the metric name in braces is not quoted");
        name_without_quotes(start, word)
    }

    fn label_value(&mut self) -> Result<&'a [u8], RawFault> {
        let start = self.cursor.at;
        let value = self.cursor.quoted(VALUE, "a label value in quotes")?;
        if std::str::from_utf8(value).is_err() {
            return Err(RawFault::malformed(
                start,
                "the label value is not valid UTF-8",
            ));
        }
        self.note_quoted(start, value);
        Ok(value)
    }

    fn value(&mut self) -> Result<Range<usize>, RawFault> {
        let start = self.cursor.at;
        let text = self
            .cursor
            .take_while(|byte| !matches!(byte, b'{' | b' ' | b'\t' | b'\n' | 0));
        if text.is_empty() {
            return Err(self.unexpected("a value"));
        }
        if number::parse(text).is_none() {
            let message = format!("`{}` is not a valid number", shown(text));
            return Err(RawFault::in_word(start, text, message));
        }
        Ok(start..self.cursor.at)
    }

    /// Reads an optional timestamp and the end of the line.
    fn timestamp(&mut self) -> Result<Option<(Range<usize>, i64)>, RawFault> {
        self.cursor.skip_blanks();
        let start = self.cursor.at;
        let text = self.cursor.take_while(|byte| byte.is_ascii_digit());
        let end = self.cursor.at;
        self.cursor.skip_blanks();
        if self.cursor.peek_text() != b'\n' {
            let wanted = if text.is_empty() {
                "a timestamp in milliseconds or the end of the line"
            } else {
                "the end of the line"
            };
            return Err(self.unexpected(wanted));
        }
        self.cursor.at += 1;
        if text.is_empty() {
            return Ok(None);
        }
        let Some(milliseconds) = number::parse_milliseconds(text) else {
            return Err(RawFault::malformed(
                start,
                "the timestamp does not fit in 64 bits",
            ));
        };
        Ok(Some((start..end, milliseconds)))
    }
}
