//! A log line as an entry of the journal, in systemd's "Native Journal Protocol".
//!
//! Fields have the prefix of the program, because all programs share their names. The crate
//! `tracing-journald` writes to the socket on the thread that logs, which blocks while the journal is
//! stopped; so the entry is made here, and the queue of the log sends it.

use super::line::Line;
use serde_json::Value;
use tracing::{Level, Metadata};

/// The prefix of our field names.
const PREFIX: &str = "LOCAL_EXPORTER_";
/// The name of the program in the journal.
const IDENTIFIER: &str = "local-exporter";
/// The longest value, in bytes. A whole entry is then below the limit of a datagram (about 200 KiB,
/// `net.core.wmem_default`).
const MAX_VALUE: usize = 64 * 1024;

/// The entry of a line; `origin` is where it was logged.
pub(super) fn entry(line: &Line<'_>, origin: Option<&Metadata<'_>>) -> Vec<u8> {
    let mut entry = Vec::with_capacity(256);
    put(&mut entry, "PRIORITY", priority(line.level));
    put(&mut entry, "MESSAGE", line.msg);
    put(&mut entry, "SYSLOG_IDENTIFIER", IDENTIFIER);
    if let Some(origin) = origin {
        put(&mut entry, "TARGET", origin.target());
        if let Some(file) = origin.file() {
            put(&mut entry, "CODE_FILE", file);
        }
        if let Some(line) = origin.line() {
            put(&mut entry, "CODE_LINE", &line.to_string());
        }
    }
    for (key, value) in line.fields() {
        let name = format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "_"));
        match value {
            Value::String(text) => put(&mut entry, &name, text),
            other => put(&mut entry, &name, &other.to_string()),
        }
    }
    entry
}

/// The severity in syslog(3).
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    }
}

/// Appends a field with the length of its value, which may contain any byte.
fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    let value = value.as_bytes();
    let value = value.get(..MAX_VALUE).unwrap_or(value);
    entry.extend_from_slice(name.as_bytes());
    entry.push(b'\n');
    entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    entry.extend_from_slice(value);
    entry.push(b'\n');
}
