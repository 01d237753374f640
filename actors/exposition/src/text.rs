//! Reads the Prometheus text format, 0.0.4 and 1.0.0, as Prometheus 3.5 does.
//!
//! Source: `promlex.l` and `promparse.go`. Promises to accept what those accept and to refuse the rest, with two
//! additions: a body they crash on, and a body they silently stop reading at a NUL byte, are refused.

mod metadata;

use super::cursor::{Cursor, Quoting, starts_label, starts_name};
use super::entry::{Deviation, Entry, Label, Name, Reader, Sample};
use super::fault::{RawFault, shown};
use super::labels;
use super::number;

/// Label values may span lines here, and NUL bytes in them go unseen.
const VALUE: Quoting = Quoting {
    newlines: true,
    nuls: true,
};
const NAME: Quoting = Quoting {
    newlines: true,
    nuls: false,
};

pub(super) struct TextReader<'a> {
    cursor: Cursor<'a>,
    labels: Vec<Label<'a>>,
    deviation: Option<Deviation>,
}

impl<'a> TextReader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self {
            cursor: Cursor { body, at: 0 },
            labels: Vec::new(),
            deviation: None,
        }
    }

    fn unexpected(&self, wanted: &str) -> RawFault {
        RawFault::unexpected(self.cursor.body, self.cursor.at, wanted)
    }

    fn note(&mut self, at: usize, deviation: &'static str) {
        self.deviation.get_or_insert((at, deviation));
    }

    /// Prometheus ends the scrape here as if the body were over, without a word about what follows.
    fn nul(&self) -> RawFault {
        let message = "a NUL byte stands here: Prometheus would silently drop what follows";
        RawFault::truncated(self.cursor.at, message)
    }

    fn sample(&mut self, start: usize) -> Result<Entry<'a>, RawFault> {
        self.labels.clear();
        let mut name = None;
        if self.cursor.peek() != Some(b'{') {
            self.cursor.bare_name();
            // Blanks before the name become part of it in Prometheus.
            name = Some(Name {
                text: self.cursor.since(start),
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
        labels::accept(start, name, &self.labels)?;
        Ok(Entry::Sample(Sample {
            name,
            value,
            timestamp,
            exemplar: false,
        }))
    }

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
            self.note_newline(start, word.text);
            self.cursor.skip_blanks();
            if matches!(self.cursor.peek_text(), b',' | b'}') {
                if name.is_some() {
                    let message =
                        "a word without a value stands here, but the metric name is already given";
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
                self.note(self.cursor.at, "a comma is missing between labels");
            }
        }
    }

    fn name_in_braces(&mut self, start: usize, word: Name<'a>) -> Result<Name<'a>, RawFault> {
        if word.quoted {
            return Ok(word);
        }
        self.note(start, "the metric name in braces has no quotes");
        name_without_quotes(start, word)
    }

    fn label_value(&mut self) -> Result<&'a [u8], RawFault> {
        let start = self.cursor.at;
        let value = self.cursor.quoted(VALUE, "a label value in quotes")?;
        if std::str::from_utf8(value).is_err() {
            return Err(RawFault::malformed(start, "the label value is not UTF-8"));
        }
        self.note_newline(start, value);
        Ok(value)
    }

    fn note_newline(&mut self, start: usize, text: &[u8]) {
        if text.contains(&b'\n') {
            self.note(start, "a line feed in quotes must be written as \\n");
        }
    }

    fn value(&mut self) -> Result<std::ops::Range<usize>, RawFault> {
        let start = self.cursor.at;
        let text = self
            .cursor
            .take_while(|byte| !matches!(byte, b'{' | b' ' | b'\t' | b'\n' | 0));
        if text.is_empty() {
            return Err(self.unexpected("a value"));
        }
        if number::parse(text).is_none() {
            let message = format!("`{}` is no number Prometheus reads", shown(text));
            return Err(RawFault::malformed(start, message));
        }
        Ok(start..self.cursor.at)
    }

    fn timestamp(&mut self) -> Result<Option<(std::ops::Range<usize>, i64)>, RawFault> {
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
                "the timestamp does not fit 64 bits",
            ));
        };
        Ok(Some((start..end, milliseconds)))
    }
}

/// A bare word where the quoted metric name stands: `{up}`.
///
/// Prometheus 3.5 takes its first and last byte for quotes (`parseLVals`). Of a single byte that leaves a slice that
/// ends before it begins: the server crashes. Of two it leaves no name, of more a name without its ends.
pub(super) fn name_without_quotes(start: usize, word: Name<'_>) -> Result<Name<'_>, RawFault> {
    match word.text {
        [_, text @ .., _] => Ok(Name {
            text,
            quoted: false,
        }),
        _ => {
            let message =
                "a single letter stands for a metric name in quotes: this crashes Prometheus 3.5";
            Err(RawFault::malformed(start, message))
        }
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
            byte if byte == b'{' || starts_name(byte) => self.sample(start).map(Some),
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
