//! A place in a body, and the steps both text grammars take from it.
//!
//! It never steps past the end, and reading at the end gives `None`. NUL bytes follow Prometheus' lexers, which skip
//! them unseen in some places and stop at them in others (`next` in `promparse.go` and `openmetricsparse.go`).

use super::fault::RawFault;

#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) body: &'a [u8],
    pub(super) at: usize,
}

/// What a quoted string may hold besides ordinary characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoting {
    pub(super) newlines: bool,
    /// NUL bytes are skipped unseen: even one between a backslash and the character it escapes, or after the end.
    pub(super) nuls: bool,
}

pub(super) const fn starts_name(byte: u8) -> bool {
    byte == b':' || starts_label(byte)
}

pub(super) const fn starts_label(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

const fn continues_name(byte: u8) -> bool {
    byte == b':' || continues_label(byte)
}

const fn continues_label(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether names before UTF-8 were allowed could be `name`.
pub(super) fn is_legacy_metric_name(name: &[u8]) -> bool {
    name.first().is_some_and(|byte| starts_name(*byte))
        && name.iter().all(|byte| continues_name(*byte))
}

pub(super) fn is_legacy_label_name(name: &[u8]) -> bool {
    name.first().is_some_and(|byte| starts_label(*byte))
        && name.iter().all(|byte| continues_label(*byte))
}

impl<'a> Cursor<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    /// The next byte of a text body: Prometheus' text parser adds a newline to every body.
    pub(super) fn peek_text(&self) -> u8 {
        self.peek().unwrap_or(b'\n')
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.body.get(self.at..).unwrap_or_default()
    }

    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.body.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.at;
        let rest = self.rest();
        self.at += rest
            .iter()
            .position(|byte| !wanted(*byte))
            .unwrap_or(rest.len());
        self.since(start)
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    pub(super) fn skip_nuls(&mut self) {
        self.take_while(|byte| byte == 0);
    }

    /// Steps over the rest of the line and its newline.
    pub(super) fn skip_line(&mut self) {
        self.take_while(|byte| byte != b'\n');
        self.take(b'\n');
    }

    /// A metric name without quotes; empty where none stands.
    pub(super) fn bare_name(&mut self) -> &'a [u8] {
        self.take_while(continues_name)
    }

    /// A label name without quotes; empty where none stands.
    pub(super) fn bare_label(&mut self) -> &'a [u8] {
        self.take_while(continues_label)
    }

    /// Takes `word` with NUL bytes between and after its characters skipped unseen, or nothing.
    pub(super) fn take_word(&mut self, word: &[u8]) -> bool {
        let start = self.at;
        for wanted in word {
            if !self.take(*wanted) {
                self.at = start;
                return false;
            }
            self.skip_nuls();
        }
        true
    }

    /// A string in quotes, from its first quote on; gives what stands between them, escapes untouched.
    pub(super) fn quoted(&mut self, quoting: Quoting, wanted: &str) -> Result<&'a [u8], RawFault> {
        if !self.take(b'"') {
            return Err(RawFault::unexpected(self.body, self.at, wanted));
        }
        let inside = self.at;
        loop {
            self.take_while(|byte| !matches!(byte, b'"' | b'\\' | b'\n' | 0));
            match self.peek() {
                Some(b'"') => break,
                Some(b'\n') if quoting.newlines => self.at += 1,
                Some(0) if quoting.nuls => self.skip_nuls(),
                Some(b'\\') => {
                    self.at += 1;
                    if quoting.nuls {
                        self.skip_nuls();
                    }
                    match self.peek() {
                        None | Some(b'\n' | 0) => {
                            return Err(RawFault::unexpected(
                                self.body,
                                self.at,
                                "an escaped character",
                            ));
                        }
                        Some(_) => self.at += 1,
                    }
                }
                Some(_) | None => {
                    return Err(RawFault::unexpected(self.body, self.at, "a closing quote"));
                }
            }
        }
        self.at += 1;
        if quoting.nuls {
            self.skip_nuls();
        }
        Ok(self.body.get(inside..self.at - 1).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Quoting, is_legacy_label_name, is_legacy_metric_name};

    #[test]
    fn quoted_strings_follow_the_place_they_stand_in() {
        let value = Quoting {
            newlines: true,
            nuls: true,
        };
        let name = Quoting {
            newlines: true,
            nuls: false,
        };
        let exemplar = Quoting {
            newlines: false,
            nuls: false,
        };
        type Case = (&'static [u8], Quoting, Option<&'static [u8]>);
        let cases: [Case; 12] = [
            (b"\"\"", value, Some(b"")),
            (b"\"a\\\"b\" rest", value, Some(b"a\\\"b")),
            (b"\"a\nb\"", value, Some(b"a\nb")),
            (b"\"a\nb\"", exemplar, None),
            (b"\"a\\\nb\"", value, None),
            (b"\"a\0b\"", value, Some(b"a\0b")),
            (b"\"a\0b\"", name, None),
            (b"\"a\"\0", value, Some(b"a\"")),
            (b"\"a\\\0\"b\"", value, Some(b"a\\\0\"b")),
            (b"\"a", value, None),
            (b"\"a\\", value, None),
            (b"a", value, None),
        ];
        for (body, quoting, expected) in cases {
            let found = Cursor { body, at: 0 }.quoted(quoting, "a string").ok();
            assert_eq!(found, expected, "{}", body.escape_ascii());
        }
    }

    #[test]
    fn legacy_names_have_letters_digits_underscores_and_colons() {
        for (name, metric, label) in [
            ("a:b", true, false),
            ("a_1", true, true),
            ("1a", false, false),
            ("", false, false),
            ("a.b", false, false),
        ] {
            assert_eq!(is_legacy_metric_name(name.as_bytes()), metric, "{name}");
            assert_eq!(is_legacy_label_name(name.as_bytes()), label, "{name}");
        }
    }
}
