//! Text from a bus or a daemon, made safe for error messages.

use local_exporter_config::shown;

/// The most characters, which is enough for the message of a bus that denies a call.
const MAX_LENGTH: usize = 500;

/// The text on one line: a longer text is cut.
pub(super) fn printable(text: &str) -> String {
    match text.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => format!("{}…", shown(text.get(..end).unwrap_or(text))),
        None => shown(text).to_string(),
    }
}
