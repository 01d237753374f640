//! A position in a body, and the steps that both text grammars take from it.
//!
//! A cursor never steps past the end; reading at the end yields `None`. NUL bytes follow Prometheus' lexers, which skip
//! them in some positions and stop at them in others (`next` in `promparse.go` and `openmetricsparse.go`).

use crate::fault::RawFault;
use crate::names::{continues_label, continues_name};

/// A position in a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) at: usize,
}

/// The special characters that a quoted string may contain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoting {
    /// Unescaped line feeds are allowed.
    pub(crate) newlines: bool,
    /// NUL bytes are skipped, even between a backslash and the character it escapes, and after the closing quote.
    pub(crate) nuls: bool,
}

pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

impl<'a> Cursor<'a> {
    pub(crate) fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    /// The next byte, or a line feed at the end: Prometheus' text parser appends one to every body.
    pub(crate) fn peek_text(&self) -> u8 {
        self.peek().unwrap_or(b'\n')
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.body.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.body.get(start..self.at).unwrap_or_default()
    }

    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.at;
        let rest = self.rest();
        self.at += rest
            .iter()
            .position(|byte| !wanted(*byte))
            .unwrap_or(rest.len());
        self.since(start)
    }

    pub(crate) fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    pub(crate) fn skip_nuls(&mut self) {
        self.take_while(|byte| byte == 0);
    }

    /// Skips the rest of the line and its line feed.
    pub(crate) fn skip_line(&mut self) {
        self.take_while(|byte| byte != b'\n');
        self.take(b'\n');
    }

    /// Takes a metric name without quotes; empty if there is none.
    pub(crate) fn bare_name(&mut self) -> &'a [u8] {
        self.take_while(continues_name)
    }

    /// Takes a label name without quotes; empty if there is none.
    pub(crate) fn bare_label(&mut self) -> &'a [u8] {
        self.take_while(continues_label)
    }

    /// Takes `word`, skipping NUL bytes between and after its characters; takes nothing if something else follows.
    pub(crate) fn take_word(&mut self, word: &[u8]) -> bool {
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

    /// Takes a string in quotes and returns the bytes between them, escape sequences unresolved.
    pub(crate) fn quoted(&mut self, quoting: Quoting, wanted: &str) -> Result<&'a [u8], RawFault> {
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
    use super::{Cursor, Quoting};

    #[test]
    fn quoted_strings_follow_the_rules_of_their_position() {
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
}
