//! One log line in each of its formats. The keys, the values and the precision of the time are
//! the same in all of them:
//!
//! ```text
//! human   2026-12-01T09:30:00.123Z WARN  source failed selector=daemon1 reason=absent
//! logfmt  time=2026-12-01T09:30:00.123Z level=warn msg="source failed" selector=daemon1 reason=absent
//! json    {"time":"2026-12-01T09:30:00.123Z","level":"warn","msg":"source failed","selector":"daemon1","reason":"absent"}
//! ```
//!
//! The time is RFC 3339 in UTC with milliseconds. A value is quoted, as in JSON, if it is empty or
//! contains a space, `=`, `"` or a control character. Writes to strings only.

use super::fields::Fields;
use local_exporter_config::is_printable;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use std::fmt::Write;
use std::time::SystemTime;
use tracing::Level;

/// The keys that every line has. A field with one of these names is left out.
const KEYS: [&str; 3] = ["time", "level", "msg"];

/// One log line.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) time: SystemTime,
    pub(crate) level: Level,
    pub(crate) msg: &'a str,
    pub(crate) fields: &'a Fields,
}

/// Whether a line in format `human` is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Color {
    Off,
    Ansi,
}

impl Line<'_> {
    /// The line in format `human`, with a line break at its end. Values of several lines, such as a
    /// backtrace, follow unquoted.
    pub(super) fn human(&self, color: Color) -> String {
        let time = humantime::format_rfc3339_millis(self.time);
        let level = format!("{:5}", self.level);
        let (dim, paint, reset) = match color {
            Color::Off => ("", "", ""),
            Color::Ansi => ("\x1b[2m", ansi(self.level), "\x1b[0m"),
        };
        let msg = without_control(self.msg);
        let mut line = format!("{dim}{time}{reset} {paint}{level}{reset} {msg}");
        let mut blocks = String::new();
        for (key, value) in self.fields() {
            match value.as_str().filter(|text| text.contains('\n')) {
                Some(block) => {
                    let rows = block
                        .lines()
                        .map(|row| format!("  {}\n", without_control(row)));
                    blocks += &format!("{key}:\n{}", rows.collect::<String>());
                }
                None => pair(&mut line, key, value),
            }
        }
        line + "\n" + &blocks
    }

    /// The line as pairs of key and value, with a line break at its end.
    pub(crate) fn logfmt(&self) -> String {
        let time = humantime::format_rfc3339_millis(self.time);
        let mut line = format!("time={time} level={}", name(self.level));
        pair(&mut line, "msg", &self.msg.into());
        for (key, value) in self.fields() {
            pair(&mut line, key, value);
        }
        line + "\n"
    }

    /// The line as an object of JSON, with a line break at its end.
    ///
    /// # Errors
    /// None: the keys are strings, and writing to memory does not fail.
    pub(super) fn json(&self) -> serde_json::Result<String> {
        let mut bytes = Vec::new();
        let mut serializer = serde_json::Serializer::new(&mut bytes);
        let mut map = serializer.serialize_map(None)?;
        let time = humantime::format_rfc3339_millis(self.time);
        map.serialize_entry("time", &format_args!("{time}"))?;
        map.serialize_entry("level", name(self.level))?;
        map.serialize_entry("msg", self.msg)?;
        for (key, value) in self.fields() {
            map.serialize_entry(key, value)?;
        }
        map.end()?;
        Ok(without_control(&String::from_utf8_lossy(&bytes)) + "\n")
    }

    /// The fields, without those that have a reserved name.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        let fields = self.fields.iter();
        fields.filter(|(key, _)| !KEYS.contains(key))
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

fn ansi(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

/// Appends ` key=value`.
fn pair(line: &mut String, key: &str, value: &Value) {
    // Writing to a string does not fail.
    let _ = match (value.as_str(), value.as_f64().filter(|_| value.is_f64())) {
        (Some(text), _) if is_plain(text) => write!(line, " {key}={text}"),
        (_, Some(number)) => write!(line, " {key}={number}"),
        _ => write!(line, " {key}={}", without_control(&value.to_string())),
    };
}

/// Whether a value needs no quotes.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && is_printable(c) && c != '=' && c != '"';
    !text.is_empty() && text.chars().all(plain)
}

/// A text with its control characters and invisible characters escaped, as in JSON: values may come
/// from a client, and a terminal interprets such characters. JSON itself leaves those above U+007E
/// unescaped.
fn without_control(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped += "\\n",
            c if is_printable(c) => escaped.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string does not fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn line(msg: &str, fields: &[(&'static str, Value)]) -> [String; 3] {
        let mut all = Fields::default();
        for (key, value) in fields {
            all.set(key, value.clone());
        }
        let line = Line {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
            level: Level::WARN,
            msg,
            fields: &all,
        };
        [line.human(Color::Off), line.logfmt(), line.json().unwrap()]
    }

    #[test]
    fn no_format_lets_a_value_control_a_terminal_or_forge_a_line() {
        let foreign = "a\u{1b}[31m\u{9b}\u{202e}\u{2028}\u{e0041}b";
        for line in line(foreign, &[("error", foreign.into())]) {
            let within = line.strip_suffix('\n').unwrap();
            assert!(within.chars().all(is_printable), "{within:?}");
            assert!(within.contains("\\u202e\\u2028\\udb40\\udc41b"), "{within}");
        }
        let [_, _, json] = line("", &[("error", foreign.into())]);
        let parsed: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(parsed.get("error"), Some(&Value::from(foreign)));
    }

    #[test]
    fn all_formats_have_the_same_keys_values_and_time() {
        let [human, logfmt, json] = line(
            "source failed",
            &[
                ("selector", "a".into()),
                ("error", "no\"=".into()),
                ("n", 2.into()),
            ],
        );
        assert_eq!(
            human,
            "2023-11-14T22:13:20.123Z WARN  source failed selector=a error=\"no\\\"=\" n=2\n"
        );
        assert_eq!(
            logfmt,
            "time=2023-11-14T22:13:20.123Z level=warn msg=\"source failed\" selector=a \
             error=\"no\\\"=\" n=2\n"
        );
        assert_eq!(
            json,
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"msg\":\"source failed\",\
             \"selector\":\"a\",\"error\":\"no\\\"=\",\"n\":2}\n"
        );
    }

    #[test]
    fn a_field_cannot_replace_time_level_or_message() {
        for text in line("it", &[("level", "mine".into()), ("time", 1.into())]) {
            assert!(!text.contains("mine"), "{text}");
            assert!(text.contains("2023-"), "{text}");
        }
    }

    #[test]
    fn no_value_can_forge_a_line_or_reach_the_terminal() {
        for text in line("a\nb\u{1b}[31m", &[("name", "\r\nx\u{9b}31m".into())]) {
            let text = text.replace('\n', "");
            assert!(!text.contains(char::is_control), "{text:?}");
        }
        let [human, logfmt, json] = line("a\nb", &[("name", "".into())]);
        assert_eq!(human.lines().count(), 1, "{human}");
        assert!(logfmt.ends_with("msg=\"a\\nb\" name=\"\"\n"), "{logfmt}");
        assert_eq!(json.lines().count(), 1, "{json}");
    }

    #[test]
    fn a_backtrace_follows_the_human_line() {
        let [human, logfmt, _] = line("panicked", &[("backtrace", "0: a\n1: b".into())]);
        assert!(
            human.ends_with("WARN  panicked\nbacktrace:\n  0: a\n  1: b\n"),
            "{human}"
        );
        assert_eq!(logfmt.lines().count(), 1, "{logfmt}");
    }
}
