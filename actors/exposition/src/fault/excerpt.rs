//! Pieces of a body for messages: short, and without characters that affect a terminal.

/// A word of a body for a message: escaped, and cut to 60 bytes, since a body can consist of one very long word.
pub(crate) fn shown(word: &[u8]) -> String {
    const MAX_BYTES: usize = 60;
    let mut text = word
        .get(..MAX_BYTES)
        .unwrap_or(word)
        .escape_ascii()
        .to_string();
    if word.len() > MAX_BYTES {
        text.push('…');
    }
    text
}

/// The start of a line for a message: about 60 characters, with quotes and backslashes as they are.
pub(crate) fn shown_line(line: &[u8]) -> String {
    excerpt(&[], line)
}

/// About 60 characters around the position between `head` and `tail`, which are the two parts of a line.
pub(super) fn excerpt(head: &[u8], tail: &[u8]) -> String {
    const BEFORE: usize = 40;
    const AFTER: usize = 20;
    let cut_head = head
        .len()
        .saturating_sub(BEFORE.max(60_usize.saturating_sub(tail.len())));
    let shown_head = head.get(cut_head..).unwrap_or_default();
    let room = AFTER.max(60_usize.saturating_sub(shown_head.len()));
    let shown_tail = tail.get(..room).unwrap_or(tail);
    let mut text = String::new();
    if cut_head > 0 {
        text.push('…');
    }
    for piece in [shown_head, shown_tail].concat().utf8_chunks() {
        for c in piece.valid().chars() {
            match c {
                // Quotes and backslashes are part of the syntax; escaping them makes the line hard to read.
                '"' | '\'' | '\\' => text.push(c),
                // Escapes control characters and invisible ones, including direction marks.
                _ => text.extend(c.escape_debug()),
            }
        }
        text.extend(
            piece
                .invalid()
                .iter()
                .map(|byte| byte.escape_ascii().to_string()),
        );
    }
    if shown_tail.len() < tail.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{excerpt, shown};

    #[test]
    fn words_are_short_and_excerpts_contain_no_control_characters() {
        assert_eq!(shown(b"a\x1bb"), "a\\x1bb");
        assert_eq!(shown(&[b'x'; 100]).chars().count(), 61);
        let excerpt = excerpt("\u{202e}\u{feff}é\"\\".as_bytes(), b"\t");
        assert_eq!(excerpt, "\\u{202e}\\u{feff}é\"\\\\t");
    }
}
