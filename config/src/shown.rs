//! Displays paths and texts of others on one line, without characters that control a terminal.
//!
//! A daemon chooses the names of its files, and a bus or a client the text of its messages. Printed as
//! they are, a line break forges a log line, an escape sequence controls the terminal, and a direction
//! mark reorders the text (Unicode Technical Report 36, section 2). Every path and every such text
//! in a message, a log line, a page or a label passes through [`Shown`]. Printable text is unchanged,
//! backslashes and quotes included, since systemd's names contain them.

use std::ffi::OsStr;
use std::fmt::{self, Write};

/// A path or a text of others, for display.
///
/// Control characters, direction marks and other invisible characters are escaped as in Rust
/// (`\n`, `\u{1b}`, `\u{202e}`), and bytes that are not UTF-8 as `\xff`.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(&'a [u8]);

/// A path or a text of others, for display.
pub fn shown<T: AsRef<OsStr> + ?Sized>(text: &T) -> Shown<'_> {
    Shown(text.as_ref().as_encoded_bytes())
}

/// Whether a character is displayed as it is. The tables of the standard library decide for all
/// characters beyond ASCII.
#[must_use]
pub fn is_printable(letter: char) -> bool {
    if letter.is_ascii() {
        return !letter.is_ascii_control();
    }
    // Behind another character, since a combining one counts as not printable on its own.
    let mut text = String::from('_');
    text.push(letter);
    !text.escape_debug().any(|escaped| escaped == '\\')
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for letter in chunk.valid().chars() {
                if is_printable(letter) {
                    out.write_char(letter)?;
                } else {
                    write!(out, "{}", letter.escape_debug())?;
                }
            }
            for byte in chunk.invalid() {
                write!(out, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    #[test]
    fn every_character_that_controls_a_terminal_or_the_order_of_text_is_escaped() {
        let cases: [(&[u8], &str); 8] = [
            (b"/run/d\n2026 WARN forged", "/run/d\\n2026 WARN forged"),
            (b"a\x1b[2Jb\r\t\0\x7f", "a\\u{1b}[2Jb\\r\\t\\0\\u{7f}"),
            ("c1 \u{9b}31m".as_bytes(), "c1 \\u{9b}31m"),
            (
                "\u{202e}morp\u{202c} \u{2066}x\u{2069} \u{200f}\u{61c}".as_bytes(),
                "\\u{202e}morp\\u{202c} \\u{2066}x\\u{2069} \\u{200f}\\u{61c}",
            ),
            (
                "\u{2028}\u{2029}\u{feff}\u{200b}\u{e0041}".as_bytes(),
                "\\u{2028}\\u{2029}\\u{feff}\\u{200b}\\u{e0041}",
            ),
            (b"not \xff\xfe UTF-8", "not \\xff\\xfe UTF-8"),
            (
                "a b/\u{e9}/e\u{301}/\u{4f60}".as_bytes(),
                "a b/\u{e9}/e\u{301}/\u{4f60}",
            ),
            (b"my\\x2ddaemon \"it's\"", "my\\x2ddaemon \"it's\""),
        ];
        for (bytes, expected) in cases {
            let path = Path::new(OsStr::from_bytes(bytes));
            assert_eq!(shown(path).to_string(), expected);
        }
    }

    #[test]
    fn displaying_a_text_twice_escapes_nothing_more() {
        let once = shown("a\nb\u{202e}\\").to_string();
        assert_eq!(shown(&once).to_string(), once);
    }
}
