//! The lines of an `OpenMetrics` body that start with `# `: HELP, TYPE, UNIT and EOF.
//!
//! Source: the states `sComment`, `sMeta1` and `sMeta2` of `openmetricslex.l`. The format has no comments, so every other
//! line that starts with `#` is an error.

use super::{NAME, OpenMetricsReader};
use crate::entry::{Entry, Name};
use crate::fault::{RawFault, shown};
use crate::metric_type::MetricType;
use crate::names::starts_name;

impl<'a> OpenMetricsReader<'a> {
    /// Reads a line that starts with `#`; `None` at `# EOF`.
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
            _ if self.cursor.take_word(b"TYPE ") => self.metric_type().map(Some),
            _ if self.cursor.take_word(b"UNIT ") => self.unit().map(Some),
            rest if rest.starts_with(b"EOF\r") => {
                Err(RawFault::carriage_return(self.cursor.at + 3))
            }
            rest if rest.starts_with(b"EOF") => Err(RawFault::malformed(
                self.cursor.at + 3,
                "unexpected text after `# EOF`, which must end the body",
            )),
            rest if !rest.contains(&b'\n') => Err(RawFault::truncated(
                self.cursor.body.len(),
                "unexpected end of body in a line that starts with `# `",
            )),
            _ => Err(self.unexpected("HELP, TYPE or UNIT and one space, or EOF")),
        }
    }

    fn help(&mut self) -> Result<Entry<'a>, RawFault> {
        let name = self.family_name()?;
        let start = self.cursor.at;
        let text = self.meta_text("a space and the help text")?;
        // The lexer takes NUL bytes after the line as part of its text.
        self.cursor.skip_nuls();
        if std::str::from_utf8(text).is_err() {
            return Err(RawFault::malformed(
                start,
                "the help text is not valid UTF-8",
            ));
        }
        self.note_escapes(start + 1, text);
        Ok(Entry::Help(name))
    }

    fn metric_type(&mut self) -> Result<Entry<'a>, RawFault> {
        let name = self.family_name()?;
        let start = self.cursor.at + 1;
        let text = self.meta_text("a space and the metric type")?;
        let metric_type = match text {
            b"counter" => MetricType::Counter,
            b"gauge" => MetricType::Gauge,
            b"histogram" => MetricType::Histogram,
            b"gaugehistogram" => MetricType::GaugeHistogram,
            b"summary" => MetricType::Summary,
            b"info" => MetricType::Info,
            b"stateset" => MetricType::StateSet,
            b"unknown" => MetricType::Unknown,
            _ => {
                let message = format!(
                    "`{}` is not a metric type: expected counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown",
                    shown(text)
                );
                return Err(RawFault::in_word(start, text, message));
            }
        };
        self.no_nul_follows()?;
        Ok(Entry::Type(name, metric_type))
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
            let (shown_unit, name) = (shown(unit), shown(name.text));
            let message =
                format!("the metric name `{name}` does not end with its unit `_{shown_unit}`");
            return Err(RawFault::in_word(start, unit, message));
        }
        self.no_nul_follows()?;
        Ok(Entry::Unit(name))
    }

    /// Refuses NUL bytes after the line: the lexer makes them part of the type or the unit, which then is invalid.
    fn no_nul_follows(&self) -> Result<(), RawFault> {
        if self.cursor.peek() == Some(0) {
            Err(self.unexpected("the next line"))
        } else {
            Ok(())
        }
    }

    fn family_name(&mut self) -> Result<Name<'a>, RawFault> {
        match self.cursor.peek() {
            Some(b'"') => {
                let start = self.cursor.at + 1;
                let text = self.cursor.quoted(NAME, "a metric name")?;
                self.note_escapes(start, text);
                Ok(Name { text, quoted: true })
            }
            Some(byte) if starts_name(byte) => Ok(Name {
                text: self.cursor.bare_name(),
                quoted: false,
            }),
            _ => Err(self.unexpected("a metric name")),
        }
    }

    /// Takes a space and the rest of the line, and returns the latter.
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
