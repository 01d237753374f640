//! Numbers as Go reads them: values, timestamps and bucket bounds.
//!
//! Source: `parseFloat` in `model/textparse/promparse.go`, which is Go's `strconv.ParseFloat` without `p`, `P` and `_`, so
//! without hexadecimal numbers. A number too large for a float is an error, as it is there; one too small is zero.

/// Parses a number; `None` if Prometheus would refuse it.
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+"));
    let digits = unsigned.unwrap_or(text);
    match digits.first()? {
        b'i' | b'I' => {
            let infinite =
                digits.eq_ignore_ascii_case(b"inf") || digits.eq_ignore_ascii_case(b"infinity");
            let negative = text.first() == Some(&b'-');
            infinite.then_some(if negative {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            })
        }
        // A NaN has no sign.
        b'n' | b'N' => {
            (unsigned.is_none() && digits.eq_ignore_ascii_case(b"nan")).then_some(f64::NAN)
        }
        b'0'..=b'9' | b'.' => {
            // Rust reads these as Go does: digits, a point, an exponent.
            let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            number.is_finite().then_some(number)
        }
        _ => None,
    }
}

/// The bits of `number`, the same for all that are the same bound: zero has no sign, and every NaN is one.
pub(crate) fn identity(number: f64) -> u64 {
    if number == 0.0 {
        0.0_f64.to_bits()
    } else if number.is_nan() {
        f64::NAN.to_bits()
    } else {
        number.to_bits()
    }
}

/// From this on, a timestamp of `OpenMetrics` can only be one in milliseconds: as seconds it is in the year 5138.
pub(crate) const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// Up to but not including this, a timestamp of `OpenMetrics` can be one in milliseconds, which then is in the year 5138.
pub(crate) const MILLISECONDS_TO: i64 = 100_000_000_000_000;

/// Parses a timestamp of the text format: digits only (`promlex.l`), in milliseconds, that fit in 64 bits.
pub(crate) fn parse_milliseconds(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Parses a timestamp of `OpenMetrics`, which is a finite number of seconds; returns milliseconds.
pub(crate) fn parse_seconds(text: &[u8]) -> Option<i64> {
    let seconds = parse(text).filter(|seconds| seconds.is_finite())?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, which is good enough for the newest timestamp"
    )]
    let milliseconds = (seconds * 1000.0) as i64;
    Some(milliseconds)
}

#[cfg(test)]
mod tests {
    use super::{parse, parse_milliseconds, parse_seconds};

    #[test]
    fn numbers_are_read_as_in_go() {
        let good = [
            "0",
            "1",
            "-1",
            "+1",
            "1.",
            ".5",
            "1.5e3",
            "1E-3",
            "1e+3",
            "Inf",
            "+inf",
            "-INFINITY",
            "NaN",
            "nan",
            "1e-999",
            "007",
            "0e99999",
            "-.5e1",
            "123456789012345678901234567890",
        ];
        let bad = [
            "", "-", "+", ".", "e5", "1e", "1e+", "+NaN", "-nan", "0x1", "0x1p-3", "1_2", "1e999",
            "-1e400", "in", "infin", "nano", "1 ", " 1", "1\r", "--1", "+-1", "1,5", "true", "١",
            "\u{0}", "1.1.1", "0b1", "0o1",
        ];
        for text in good {
            assert!(parse(text.as_bytes()).is_some(), "{text}");
        }
        for text in bad {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"-inf"), Some(f64::NEG_INFINITY));
    }

    #[test]
    fn timestamps_have_bounds() {
        assert_eq!(parse_milliseconds(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_milliseconds(b"9223372036854775808"), None);
        assert_eq!(parse_seconds(b"1.5"), Some(1500));
        assert_eq!(parse_seconds(b"-1e300"), Some(i64::MIN));
        assert_eq!(parse_seconds(b"Inf"), None);
        assert_eq!(parse_seconds(b"NaN"), None);
    }
}
