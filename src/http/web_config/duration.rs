//! Durations in Go's notation: `1s`, `1m30s`, `0.5ms`.
//!
//! Pure. Follows Go's `time.ParseDuration`, but refuses negative durations.

use std::time::Duration;

/// Units, each with its length in nanoseconds.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("\u{b5}s", 1e3),
    ("\u{3bc}s", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// Parses a duration; `0` needs no unit.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let invalid = || format!("invalid duration {text:?}: expected one such as 1s, 500ms or 1m30s");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, tail) = digits
            .and_then(|at| rest.split_at_checked(at))
            .ok_or_else(invalid)?;
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, tail) = tail.split_at(letters.unwrap_or(tail.len()));
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let (_, factor) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(invalid)?;
        let part = Duration::try_from_secs_f64(number * factor / 1e9).map_err(|_| invalid())?;
        total = total.checked_add(part).ok_or_else(invalid)?;
        if tail.is_empty() {
            return Ok(total);
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn durations_parse_as_in_go() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("1s", 1000),
            ("1.5s", 1500),
            (".5s", 500),
            ("1m30s", 90_000),
            ("2h", 7_200_000),
            ("250ms", 250),
            ("3000us", 3),
            ("3000\u{b5}s", 3),
        ] {
            assert_eq!(
                parse(text).unwrap(),
                Duration::from_millis(millis),
                "{text}"
            );
        }
        assert_eq!(parse("7ns").unwrap(), Duration::from_nanos(7));
    }

    #[test]
    fn anything_else_is_an_error() {
        for text in [
            "", "1", "s", "-1s", "1 s", "1sec", "1s2", "1..s", "..", "1d", "9e9h",
        ] {
            assert!(
                parse(text).unwrap_err().contains("invalid duration"),
                "{text}"
            );
        }
    }
}
