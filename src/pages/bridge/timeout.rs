//! The time that a scrape may take: the scraper's timeout less an offset.
//!
//! Pure arithmetic. The selector's own timeout is a second bound, which its handle applies.

use std::time::Duration;

/// The header in which Prometheus sends its timeout, in seconds.
pub const SCRAPE_TIMEOUT_HEADER: &str = "X-Prometheus-Scrape-Timeout-Seconds";
/// The least that is left of a timeout. With less, no scrape could succeed.
const FLOOR: Duration = Duration::from_millis(100);
/// The most characters of an invalid value in an error message.
const MAX_SHOWN_VALUE: usize = 40;

/// The time that a scrape may take: the value of the header less `offset`
/// (`--timeout-offset`), which is left for sending the response. [`Duration::MAX`] if the header is
/// absent or zero.
///
/// # Errors
/// A message, if the value is not a number of seconds.
pub(super) fn scrape_timeout(header: Option<&[u8]>, offset: Duration) -> Result<Duration, String> {
    let Some(header) = header else {
        return Ok(Duration::MAX);
    };
    let text = std::str::from_utf8(header).unwrap_or("?").trim();
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds >= 0.0);
    match seconds {
        Some(0.0) => Ok(Duration::MAX),
        // Values too large for a duration, infinity included, leave the selector's timeout as the bound.
        Some(seconds) => {
            let timeout = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
            Ok(timeout.saturating_sub(offset).max(FLOOR))
        }
        None => {
            let shown: String = text.chars().take(MAX_SHOWN_VALUE).collect();
            Err(format!(
                "{SCRAPE_TIMEOUT_HEADER} is {shown:?}; expected seconds as a decimal number"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFSET: Duration = Duration::from_millis(500);

    #[test]
    fn the_offset_is_subtracted_down_to_the_floor() {
        let cases = [
            (None, Some(Duration::MAX)),
            (Some("0"), Some(Duration::MAX)),
            (Some("10"), Some(Duration::from_millis(9500))),
            (Some("2.5"), Some(Duration::from_secs(2))),
            (Some(" 1 "), Some(Duration::from_millis(500))),
            (Some("0.55"), Some(FLOOR)),
            (Some("0.001"), Some(FLOOR)),
            (Some("1e300"), Some(Duration::MAX - OFFSET)),
            (Some("inf"), Some(Duration::MAX - OFFSET)),
            (Some("-1"), None),
            (Some("NaN"), None),
            (Some("10s"), None),
            (Some(""), None),
        ];
        for (header, expected) in cases {
            let found = scrape_timeout(header.map(str::as_bytes), OFFSET);
            assert_eq!(found.clone().ok(), expected, "{header:?} {found:?}");
        }
        assert!(scrape_timeout(Some(b"\xff"), OFFSET).is_err());
    }

    #[test]
    fn no_offset_and_one_above_the_timeout_are_valid() {
        let two = Some(b"2".as_slice());
        assert_eq!(
            scrape_timeout(two, Duration::ZERO),
            Ok(Duration::from_secs(2))
        );
        assert_eq!(scrape_timeout(two, Duration::from_secs(60)), Ok(FLOOR));
    }
}
