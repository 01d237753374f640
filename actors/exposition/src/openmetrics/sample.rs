//! The sample lines of an `OpenMetrics` body: name, labels, value, timestamp and exemplar.

use super::{NAME, OpenMetricsReader};
use crate::cursor::Quoting;
use crate::entry::{Entry, Label, Name, Sample};
use crate::fault::{RawFault, shown};
use crate::labels::{accept, name_without_quotes};
use crate::names::starts_label;
use crate::number::{self, MILLISECONDS_FROM, MILLISECONDS_TO};
use std::ops::Range;

/// The values of a sample's labels.
const VALUE: Quoting = Quoting {
    newlines: false,
    nuls: true,
};

/// The names and values of an exemplar's labels.
const EXEMPLAR: Quoting = Quoting {
    newlines: false,
    nuls: false,
};

impl<'a> OpenMetricsReader<'a> {
    /// Reads a sample.
    pub(super) fn sample(&mut self) -> Result<Entry<'a>, RawFault> {
        let start = self.cursor.at;
        self.labels.clear();
        self.exemplar.clear();
        let mut name = None;
        if self.cursor.peek() != Some(b'{') {
            name = Some(Name {
                text: self.cursor.bare_name(),
                quoted: false,
            });
        }
        if self.cursor.take(b'{') {
            self.braces(&mut name)?;
        }
        let Some(name) = name else {
            return Err(RawFault::malformed(start, "the sample has no metric name"));
        };
        let value = self.number("a space and a value")?;
        let mut timestamp = None;
        if self.cursor.peek() == Some(b' ') && !self.cursor.rest().starts_with(b" # ") {
            timestamp = Some(self.sample_timestamp()?);
        }
        let exemplar = self.cursor.peek() == Some(b' ');
        if self.cursor.rest().starts_with(b" st@") {
            let range = self.word("a start timestamp")?;
            if let Some(fault) = self.of_version_2(&range) {
                return Err(fault);
            }
        }
        if exemplar {
            self.exemplar_part()?;
        }
        if !self.cursor.take(b'\n') {
            return Err(self.unexpected("the end of the line"));
        }
        accept(start, name, &self.labels)?;
        Ok(Entry::Sample(Sample {
            name,
            value,
            timestamp,
            exemplar,
        }))
    }

    /// Reads from behind the opening brace to behind the closing one; `name` is set if the braces contain it.
    fn braces(&mut self, name: &mut Option<Name<'a>>) -> Result<(), RawFault> {
        loop {
            let start = self.cursor.at;
            if self.cursor.take(b'}') {
                return Ok(());
            }
            let word = self.label_name(NAME)?;
            if matches!(self.cursor.peek(), Some(b',' | b'}')) {
                if name.is_some() {
                    let message =
                        "a name without a value, although the metric name is already given";
                    return Err(RawFault::malformed(start, message));
                }
                if !word.quoted {
                    self.deviation
                        .get_or_insert((start, "the metric name in braces is not quoted"));
                }
                *name = Some(if word.quoted {
                    word
                } else {
                    name_without_quotes(start, word)?
                });
            } else {
                let value = self.label_value(VALUE)?;
                self.labels.push(Label { name: word, value });
            }
            self.after_label()?;
        }
    }

    fn label_name(&mut self, quoting: Quoting) -> Result<Name<'a>, RawFault> {
        match self.cursor.peek() {
            Some(b'"') => {
                let start = self.cursor.at + 1;
                let text = self.cursor.quoted(quoting, "a label name")?;
                self.note_escapes(start, text);
                Ok(Name { text, quoted: true })
            }
            Some(byte) if starts_label(byte) => Ok(Name {
                text: self.cursor.bare_label(),
                quoted: false,
            }),
            _ => Err(self.unexpected("a label name or `}`")),
        }
    }

    fn label_value(&mut self, quoting: Quoting) -> Result<&'a [u8], RawFault> {
        if !self.cursor.take(b'=') {
            return Err(self.unexpected("`=`"));
        }
        let start = self.cursor.at;
        let value = self.cursor.quoted(quoting, "a label value in quotes")?;
        if std::str::from_utf8(value).is_err() {
            return Err(RawFault::malformed(
                start,
                "the label value is not valid UTF-8",
            ));
        }
        self.note_escapes(start + 1, value);
        Ok(value)
    }

    /// Takes the comma after a label, or checks that the closing brace follows.
    fn after_label(&mut self) -> Result<(), RawFault> {
        let comma = self.cursor.at;
        if self.cursor.take(b',') {
            if self.cursor.peek() == Some(b'}') {
                self.deviation
                    .get_or_insert((comma, "a comma before the closing brace"));
            }
            return Ok(());
        }
        if self.cursor.peek() == Some(b'}') {
            Ok(())
        } else {
            Err(self.unexpected("`,` or `}`"))
        }
    }

    /// Takes a space and the word after it, up to the next space or the end of the line.
    fn word(&mut self, wanted: &str) -> Result<Range<usize>, RawFault> {
        if !self.cursor.take(b' ') {
            return Err(self.unexpected(wanted));
        }
        let start = self.cursor.at;
        if self
            .cursor
            .take_while(|byte| !matches!(byte, b' ' | b'\n' | 0))
            .is_empty()
        {
            return Err(self.unexpected(wanted));
        }
        Ok(start..self.cursor.at)
    }

    /// A fault for a word that only `OpenMetrics` 2.0 has: a value in braces, or a start timestamp.
    fn of_version_2(&self, range: &Range<usize>) -> Option<RawFault> {
        let word = self.cursor.body.get(range.clone())?;
        let found = word.starts_with(b"{") || word.starts_with(b"st@");
        let message = format!(
            "`{}` is OpenMetrics 2.0, which Prometheus does not read yet",
            shown(word)
        );
        found.then(|| RawFault::malformed(range.start, message))
    }

    fn number(&mut self, wanted: &str) -> Result<Range<usize>, RawFault> {
        let range = self.word(wanted)?;
        let text = self.cursor.since(range.start);
        if number::parse(text).is_none() {
            let message = format!("`{}` is not a valid number", shown(text));
            return Err(self
                .of_version_2(&range)
                .unwrap_or_else(|| RawFault::in_word(range.start, text, message)));
        }
        Ok(range)
    }

    /// The timestamp of a sample. Prometheus silently drops samples that are far in the future.
    fn sample_timestamp(&mut self) -> Result<(Range<usize>, i64), RawFault> {
        let (range, milliseconds) = self.timestamp()?;
        if (MILLISECONDS_FROM * 1000..MILLISECONDS_TO * 1000).contains(&milliseconds) {
            let text = shown(self.cursor.since(range.start));
            return Err(RawFault::malformed(
                range.start,
                format!("the timestamp `{text}` is in milliseconds; `OpenMetrics` has seconds"),
            ));
        }
        Ok((range, milliseconds))
    }

    fn timestamp(&mut self) -> Result<(Range<usize>, i64), RawFault> {
        let range = self.word("a timestamp or the end of the line")?;
        let text = self.cursor.since(range.start);
        let Some(milliseconds) = number::parse_seconds(text) else {
            let message = format!(
                "`{}` is not a valid timestamp: expected a finite number of seconds",
                shown(text)
            );
            return Err(self
                .of_version_2(&range)
                .unwrap_or_else(|| RawFault::in_word(range.start, text, message)));
        };
        Ok((range, milliseconds))
    }

    /// Reads an exemplar: labels, a value and an optional timestamp.
    fn exemplar_part(&mut self) -> Result<(), RawFault> {
        for byte in b" # {" {
            if !self.cursor.take(*byte) {
                return Err(self.unexpected("an exemplar (` # {`) or the end of the line"));
            }
        }
        while !self.cursor.take(b'}') {
            let name = self.label_name(EXEMPLAR)?;
            let value = self.label_value(EXEMPLAR)?;
            self.exemplar.push(Label { name, value });
            self.after_label()?;
        }
        self.number("a space and the exemplar's value")?;
        if self.cursor.peek() == Some(b' ') {
            self.timestamp()?;
        }
        Ok(())
    }
}
