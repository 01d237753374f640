//! The escape sequences of quoted strings.

/// Resolves the escape sequences of `text` as Prometheus does: `\\`, `\"` and `\n`.
///
/// A backslash before any other character stays. Label names and values compare equal if this yields equal bytes.
pub(crate) fn unescaped(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut bytes = text.iter().copied().peekable();
    std::iter::from_fn(move || {
        let byte = bytes.next()?;
        if byte != b'\\' {
            return Some(byte);
        }
        let escaped = bytes.next_if(|next| matches!(next, b'\\' | b'"' | b'n'));
        Some(escaped.map_or(b'\\', |next| if next == b'n' { b'\n' } else { next }))
    })
}

/// The offset of the first backslash in `text` that begins no escape sequence; those are `\\\\` and that of a character in
/// `escapes`.
pub(crate) fn invalid_escape(text: &[u8], escapes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text.get(at..)?.iter().position(|byte| *byte == b'\\')?;
        match text.get(at + 1) {
            Some(next) if *next == b'\\' || escapes.contains(next) => at += 2,
            _ => return Some(at),
        }
    }
}

/// The message for an [`invalid_escape`].
pub(crate) const INVALID_ESCAPE: &str =
    "a backslash that begins no escape sequence must be written as \\\\";

#[cfg(test)]
mod tests {
    use super::{invalid_escape, unescaped};

    #[test]
    fn backslashes_without_an_escape_sequence_are_found() {
        let cases: [(&[u8], Option<usize>); 6] = [
            (b"", None),
            (b"abc", None),
            (b"\\\\\\A", Some(2)),
            (b"\\n\\\"\\\\A", None),
            (b"a\\A", Some(1)),
            (b"ab\\", Some(2)),
        ];
        for (text, expected) in cases {
            assert_eq!(
                invalid_escape(text, b"n\""),
                expected,
                "{}",
                text.escape_ascii()
            );
        }
    }

    #[test]
    fn three_escapes_are_known() {
        let text: Vec<u8> = unescaped(br#"a\\\"\n\z\"#).collect();
        assert_eq!(text, b"a\\\"\n\\z\\");
    }
}
