//! Strips the timestamps of samples.
//!
//! All other bytes stay, including the timestamps of exemplars. Protobuf is refused: its timestamps are fields of messages
//! with lengths, so a body would have to be encoded again.

use crate::detect::detect_format;
use crate::entry::{Entry, Reader};
use crate::fault::{Fault, FaultKind};
use crate::format::Format;
use crate::openmetrics::OpenMetricsReader;
use crate::rules::FormatChoice;
use crate::text::TextReader;
use std::borrow::Cow;

/// Returns `body` without the timestamps of its samples; borrowed if it has none.
///
/// # Errors
///
/// The first line that Prometheus would refuse, or a fault without excerpt for a protobuf body, which is not rewritten.
pub fn strip_timestamps(body: &[u8], format: FormatChoice) -> Result<Cow<'_, [u8]>, Fault> {
    match detect_format(body, format) {
        Format::Text => strip(body, TextReader::new(body)),
        Format::OpenMetrics if body.is_empty() => Ok(Cow::Borrowed(body)),
        Format::OpenMetrics => strip(body, OpenMetricsReader::new(body)),
        Format::Protobuf => Err(Fault {
            kind: FaultKind::Malformed,
            line: 1,
            column: 1,
            message: "cannot strip the timestamps of a protobuf body".to_owned(),
            excerpt: String::new(),
        }),
    }
}

fn strip<'a>(body: &'a [u8], mut reader: impl Reader<'a>) -> Result<Cow<'a, [u8]>, Fault> {
    let mut out = Vec::new();
    let mut copied = 0;
    while let Some(entry) = reader.next().map_err(|fault| fault.into_fault(body))? {
        let Entry::Sample(sample) = entry else {
            continue;
        };
        let Some((timestamp, _)) = sample.timestamp else {
            continue;
        };
        // The blanks before the timestamp are removed with it.
        out.extend_from_slice(body.get(copied..sample.value.end).unwrap_or_default());
        copied = timestamp.end;
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(body));
    }
    out.extend_from_slice(body.get(copied..).unwrap_or_default());
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::strip_timestamps;
    use crate::rules::FormatChoice::{self, OpenMetrics, Protobuf, Text};
    use std::borrow::Cow;

    #[test]
    fn only_the_timestamps_of_samples_are_removed() {
        let cases: [(FormatChoice, &str, &str); 7] = [
            (
                Text,
                "a 1 2\nb{c=\"d 3\"}  4 \t 5  \n# HELP a 1 2\n",
                "a 1\nb{c=\"d 3\"}  4  \n# HELP a 1 2\n",
            ),
            (Text, "a 1 2", "a 1"),
            (Text, "a 1\n", "a 1\n"),
            (Text, "", ""),
            (OpenMetrics, "", ""),
            (
                OpenMetrics,
                "a_total 1 2.5 # {b=\"c\"} 3 4\na 1 # {} 1 2\n# EOF\n",
                "a_total 1 # {b=\"c\"} 3 4\na 1 # {} 1 2\n# EOF\n",
            ),
            (OpenMetrics, "a 1 2\n# EOF", "a 1\n# EOF"),
        ];
        for (format, body, expected) in cases {
            let found = strip_timestamps(body.as_bytes(), format).map(Cow::into_owned);
            assert_eq!(found, Ok(expected.as_bytes().to_vec()), "{body:?}");
        }
        assert!(matches!(
            strip_timestamps(b"a 1\n", Text),
            Ok(Cow::Borrowed(_))
        ));
        assert!(strip_timestamps(b"a 1\n!\n", Text).is_err());
        assert!(strip_timestamps(b"", Protobuf).is_err());
    }
}
