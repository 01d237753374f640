//! Decides from its bytes which format a body is in.
//!
//! A guess costs nothing; it is doubted only where the body then does not read as guessed but does as text, for a text
//! may hold the comment `# EOF` and start with any line.

use super::entry::Reader;
use super::openmetrics::OpenMetricsReader;
use super::text::TextReader;
use super::{Format, FormatChoice, Summary, protobuf};

/// The format of `body`, all doubts settled.
pub(super) fn detect_format(body: &[u8], choice: FormatChoice) -> Format {
    let guess = guess(body, choice);
    if choice == FormatChoice::Auto && is_text_after_all(body, guess) {
        Format::Text
    } else {
        guess
    }
}

/// The format chosen, or what the first and the last bytes look like.
pub(super) fn guess(body: &[u8], choice: FormatChoice) -> Format {
    match choice {
        FormatChoice::Text => Format::Text,
        FormatChoice::OpenMetrics => Format::OpenMetrics,
        FormatChoice::Protobuf => Format::Protobuf,
        FormatChoice::Auto if ends_with_eof(body) => Format::OpenMetrics,
        FormatChoice::Auto if protobuf::is_plausible(body) => Format::Protobuf,
        FormatChoice::Auto => Format::Text,
    }
}

/// Whether the last line is `# EOF`.
pub(super) fn ends_with_eof(body: &[u8]) -> bool {
    let lines = body.strip_suffix(b"\n").unwrap_or(body);
    lines
        .strip_suffix(b"# EOF")
        .is_some_and(|before| before.last().is_none_or(|byte| *byte == b'\n'))
}

/// Whether `body` does not read as `guess` but as text.
pub(super) fn is_text_after_all(body: &[u8], guess: Format) -> bool {
    let reads = match guess {
        Format::Text => true,
        Format::OpenMetrics => self::reads(OpenMetricsReader::new(body)),
        Format::Protobuf => protobuf::read(body, true, &mut Summary::new(guess)).is_ok(),
    };
    !reads && self::reads(TextReader::new(body))
}

fn reads<'a>(mut reader: impl Reader<'a>) -> bool {
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::protobuf::tests::family;
    use super::super::{Format, FormatChoice, detect_format};

    #[test]
    fn the_bytes_decide() {
        let message = family(b"up", b"l");
        let cut = &message[..message.len() - 1];
        let cases: [(&[u8], Format); 13] = [
            (b"", Format::Text),
            (b"a 1\n", Format::Text),
            (b"a 1\n# EOF\n", Format::OpenMetrics),
            (b"a 1\n# EOF", Format::OpenMetrics),
            (b"# EOF\n", Format::OpenMetrics),
            (b"a 1\n# EOF\n\n", Format::Text),
            (b"a 1\n\n# a comment\n# EOF\n", Format::Text),
            (b"a 1 # EOF\n", Format::Text),
            (b"a 1\n!\n# EOF\n", Format::OpenMetrics),
            (b"\n\nminimal 1\n", Format::Text),
            (b"#\n\nten_chars_ 1\nand_more_of_it 1\n", Format::Text),
            (&message, Format::Protobuf),
            (cut, Format::Protobuf),
        ];
        for (body, format) in cases {
            assert_eq!(
                detect_format(body, FormatChoice::Auto),
                format,
                "{}",
                body.escape_ascii()
            );
        }
    }
}
