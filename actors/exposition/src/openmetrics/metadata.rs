//! The lines of an `OpenMetrics` body that start with `# `: HELP, TYPE, UNIT and EOF.
//!
//! Source: the states `sComment`, `sMeta1` and `sMeta2` of `openmetricslex.l`. There are no other lines that start so:
//! the format has no comments.

use super::super::cursor::starts_name;
use super::super::entry::{Entry, Kind, Name};
use super::super::fault::{RawFault, shown};
use super::{NAME, OpenMetricsReader};

impl<'a> OpenMetricsReader<'a> {
    pub(super) fn metadata(&mut self) -> Result<Option<Entry<'a>>, RawFault> {
        self.cursor.at += 1;
        if !self.cursor.take(b' ') {
            return Err(self.unexpected("a space after `#`"));
        }
        match self.cursor.rest() {
            b"EOF" | b"EOF\n" => {
                self.cursor.at = self.cursor.body.len();
                self.ended = true;
                Ok(None)
            }
            _ if self.cursor.take_word(b"HELP ") => self.help().map(Some),
            _ if self.cursor.take_word(b"TYPE ") => self.kind().map(Some),
            _ if self.cursor.take_word(b"UNIT ") => self.unit().map(Some),
            rest if rest.starts_with(b"EOF") => Err(RawFault::malformed(
                self.cursor.at + 3,
                "more follows after `# EOF`, which must end the body",
            )),
            rest if !rest.contains(&b'\n') => Err(RawFault::truncated(
                self.cursor.body.len(),
                "the body ends within a line that starts with `# `",
            )),
            _ => Err(self.unexpected("HELP, TYPE, UNIT or EOF, and one space")),
        }
    }

    fn help(&mut self) -> Result<Entry<'a>, RawFault> {
        let name = self.family_name()?;
        let start = self.cursor.at;
        let text = self.meta_text("a space and the help text")?;
        // The lexer swallows NUL bytes after the line as part of its text.
        self.cursor.skip_nuls();
        if std::str::from_utf8(text).is_err() {
            return Err(RawFault::malformed(start, "the help text is not UTF-8"));
        }
        Ok(Entry::Help(name))
    }

    fn kind(&mut self) -> Result<Entry<'a>, RawFault> {
        let name = self.family_name()?;
        let start = self.cursor.at + 1;
        let text = self.meta_text("a space and the metric type")?;
        let kind = match text {
            b"counter" => Kind::Counter,
            b"gauge" => Kind::Gauge,
            b"histogram" => Kind::Histogram,
            b"gaugehistogram" => Kind::GaugeHistogram,
            b"summary" => Kind::Summary,
            b"info" => Kind::Info,
            b"stateset" => Kind::StateSet,
            b"unknown" => Kind::Unknown,
            _ => {
                let message = format!(
                    "`{}` is no metric type: counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown is expected",
                    shown(text)
                );
                return Err(RawFault::malformed(start, message));
            }
        };
        self.nothing_swallowed()?;
        Ok(Entry::Type(name, kind))
    }

    fn unit(&mut self) -> Result<Entry<'a>, RawFault> {
        let name = self.family_name()?;
        let start = self.cursor.at + 1;
        let unit = self.meta_text("a space and the unit")?;
        let fits = unit.is_empty()
            || name
                .text
                .strip_suffix(unit)
                .is_some_and(|stem| stem.ends_with(b"_"));
        if !fits {
            let (unit, name) = (shown(unit), shown(name.text));
            return Err(RawFault::malformed(
                start,
                format!("the metric name `{name}` does not end in its unit `_{unit}`"),
            ));
        }
        self.nothing_swallowed()?;
        Ok(Entry::Unit(name))
    }

    /// NUL bytes after the line would become part of a type or a unit, and spoil it.
    fn nothing_swallowed(&self) -> Result<(), RawFault> {
        if self.cursor.peek() == Some(0) {
            Err(self.unexpected("the next line"))
        } else {
            Ok(())
        }
    }

    fn family_name(&mut self) -> Result<Name<'a>, RawFault> {
        match self.cursor.peek() {
            Some(b'"') => Ok(Name {
                text: self.cursor.quoted(NAME, "a metric name")?,
                quoted: true,
            }),
            Some(byte) if starts_name(byte) => Ok(Name {
                text: self.cursor.bare_name(),
                quoted: false,
            }),
            _ => Err(self.unexpected("a metric name")),
        }
    }

    fn meta_text(&mut self, wanted: &str) -> Result<&'a [u8], RawFault> {
        if !self.cursor.take(b' ') {
            return Err(self.unexpected(wanted));
        }
        let text = self.cursor.take_while(|byte| byte != b'\n');
        if !self.cursor.take(b'\n') {
            return Err(self.unexpected("the end of the line"));
        }
        Ok(text)
    }
}
