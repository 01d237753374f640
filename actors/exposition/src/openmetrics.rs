//! Reads `OpenMetrics` 1.0 as Prometheus 3.5 does.
//!
//! Source: `openmetricslex.l` and `openmetricsparse.go`. Promises to accept what those accept and to refuse the
//! rest, and the bodies they crash on. The grammar knows no blank lines, no comments and single spaces only.

mod metadata;

use super::cursor::{Cursor, Quoting, starts_label, starts_name};
use super::entry::{Deviation, Entry, Label, Name, Reader, Sample};
use super::fault::{RawFault, shown};
use super::labels;
use super::number;
use super::text::name_without_quotes;
use std::ops::Range;

const NAME: Quoting = Quoting {
    newlines: true,
    nuls: false,
};
const VALUE: Quoting = Quoting {
    newlines: false,
    nuls: true,
};
const EXEMPLAR: Quoting = Quoting {
    newlines: false,
    nuls: false,
};

pub(super) struct OpenMetricsReader<'a> {
    cursor: Cursor<'a>,
    labels: Vec<Label<'a>>,
    exemplar: Vec<Label<'a>>,
    deviation: Option<Deviation>,
    ended: bool,
}

impl<'a> OpenMetricsReader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        let cursor = Cursor { body, at: 0 };
        Self {
            cursor,
            labels: Vec::new(),
            exemplar: Vec::new(),
            deviation: None,
            ended: false,
        }
    }

    fn unexpected(&self, wanted: &str) -> RawFault {
        RawFault::unexpected(self.cursor.body, self.cursor.at, wanted)
    }

    fn sample(&mut self) -> Result<Entry<'a>, RawFault> {
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
            timestamp = Some(self.timestamp()?);
        }
        let exemplar = self.cursor.peek() == Some(b' ');
        if exemplar {
            self.exemplar_part()?;
        }
        if !self.cursor.take(b'\n') {
            return Err(self.unexpected("the end of the line"));
        }
        labels::accept(start, name, &self.labels)?;
        Ok(Entry::Sample(Sample {
            name,
            value,
            timestamp,
            exemplar,
        }))
    }

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
                        "a word without a value stands here, but the metric name is already given";
                    return Err(RawFault::malformed(start, message));
                }
                if !word.quoted {
                    self.deviation
                        .get_or_insert((start, "the metric name in braces has no quotes"));
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
            Some(b'"') => Ok(Name {
                text: self.cursor.quoted(quoting, "a label name")?,
                quoted: true,
            }),
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
            return Err(RawFault::malformed(start, "the label value is not UTF-8"));
        }
        Ok(value)
    }

    fn after_label(&mut self) -> Result<(), RawFault> {
        let comma = self.cursor.at;
        if self.cursor.take(b',') {
            if self.cursor.peek() == Some(b'}') {
                self.deviation
                    .get_or_insert((comma, "a comma stands before the closing brace"));
            }
            return Ok(());
        }
        if self.cursor.peek() == Some(b'}') {
            Ok(())
        } else {
            Err(self.unexpected("`,` or `}`"))
        }
    }

    /// A space and what follows up to the next space or the end of the line.
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

    fn number(&mut self, wanted: &str) -> Result<Range<usize>, RawFault> {
        let range = self.word(wanted)?;
        let text = self.cursor.since(range.start);
        if number::parse(text).is_none() {
            let message = format!("`{}` is no number Prometheus reads", shown(text));
            return Err(RawFault::malformed(range.start, message));
        }
        Ok(range)
    }

    fn timestamp(&mut self) -> Result<(Range<usize>, i64), RawFault> {
        let range = self.word("a timestamp or the end of the line")?;
        let text = self.cursor.since(range.start);
        let Some(milliseconds) = number::parse_seconds(text) else {
            let message = format!(
                "`{}` is no timestamp: finite seconds are expected",
                shown(text)
            );
            return Err(RawFault::malformed(range.start, message));
        };
        Ok((range, milliseconds))
    }

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
