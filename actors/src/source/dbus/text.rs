//! Text from a bus or a daemon, made safe for error messages.

/// The most characters, which is enough for the message of a bus that denies a call.
const MAX_LENGTH: usize = 500;

/// The text on one line: control characters are escaped, and a longer text is cut.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::new();
    for (index, letter) in text.chars().enumerate() {
        if index == MAX_LENGTH {
            printable.push('…');
            break;
        }
        if letter.is_control() {
            printable.extend(letter.escape_default());
        } else {
            printable.push(letter);
        }
    }
    printable
}
