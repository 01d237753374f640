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

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn three_escapes_are_known() {
        let text: Vec<u8> = unescaped(br#"a\\\"\n\z\"#).collect();
        assert_eq!(text, b"a\\\"\n\\z\\");
    }
}
