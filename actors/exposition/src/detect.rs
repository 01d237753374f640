//! Detects the format of a body from its bytes.
//!
//! The first and the last bytes give a guess at no cost. The guess is verified only if the body is faulty in that format:
//! a text may contain the comment `# EOF` and may start with any line.

use crate::entry::{Entry, Reader};
use crate::format::Format;
use crate::openmetrics::OpenMetricsReader;
use crate::protobuf;
use crate::rules::FormatChoice;
use crate::summary::Summary;
use crate::text::TextReader;

/// The format that `body` is read as under `choice`.
///
/// [`FormatChoice::Auto`] detects it: `OpenMetrics` if the last line is `# EOF`, protobuf if the body starts like a
/// delimited message, and text otherwise. If the body is faulty in that format but can be read as text, it is text, unless
/// it ends with `# EOF` and has timestamps or units: as text those would mean something else.
#[must_use]
pub fn detect_format(body: &[u8], choice: FormatChoice) -> Format {
    let guess = guess(body, choice);
    if choice == FormatChoice::Auto && is_text_after_all(body, guess) {
        Format::Text
    } else {
        guess
    }
}

/// The chosen format, or a guess by the first and the last bytes.
pub(crate) fn guess(body: &[u8], choice: FormatChoice) -> Format {
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
pub(crate) fn ends_with_eof(body: &[u8]) -> bool {
    let lines = body.strip_suffix(b"\n").unwrap_or(body);
    lines
        .strip_suffix(b"# EOF")
        .is_some_and(|before| before.last().is_none_or(|byte| *byte == b'\n'))
}

/// Whether `body` is faulty as `guess` but is text.
///
/// What ends with `# EOF` and only makes sense as `OpenMetrics` is not text, even if it is faulty.
pub(crate) fn is_text_after_all(body: &[u8], guess: Format) -> bool {
    match guess {
        Format::Text => false,
        Format::OpenMetrics => {
            !is_readable(OpenMetricsReader::new(body)) && as_text(body) == Suitability::SameMeaning
        }
        Format::Protobuf => {
            protobuf::read(body, true, &mut Summary::new(guess)).is_err()
                && as_text(body) != Suitability::Unreadable
        }
    }
}

/// What an `OpenMetrics` body would be as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suitability {
    /// It means the same.
    SameMeaning,
    /// It can be read, but means something else: timestamps are seconds and not milliseconds, or it has units, which
    /// are comments in text.
    OtherMeaning,
    /// It cannot be read. Exemplars and the types that only `OpenMetrics` has are errors in text.
    Unreadable,
}

/// What `body` would be as text.
pub(crate) fn as_text(body: &[u8]) -> Suitability {
    let mut reader = TextReader::new(body);
    let mut suitability = Suitability::SameMeaning;
    loop {
        let start = reader.at();
        match reader.next() {
            Ok(Some(Entry::Sample(sample))) if sample.timestamp.is_some() => {
                suitability = Suitability::OtherMeaning;
            }
            Ok(Some(Entry::Comment)) if is_unit(body.get(start..).unwrap_or_default()) => {
                suitability = Suitability::OtherMeaning;
            }
            Ok(Some(_)) => {}
            Ok(None) => return suitability,
            Err(_) => return Suitability::Unreadable,
        }
    }
}

/// Whether a line is a UNIT line of `OpenMetrics`.
fn is_unit(line: &[u8]) -> bool {
    line.starts_with(b"# UNIT ")
}

fn is_readable<'a>(mut reader: impl Reader<'a>) -> bool {
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
    use super::detect_format;
    use crate::format::Format;
    use crate::protobuf::tests::family;
    use crate::rules::FormatChoice;

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
