//! How long a scrape may take: what the scraper says it will wait, less an offset.
//!
//! Pure arithmetic. The selector's own timeout, which is the other bound, is
//! applied where the selector is known.

use std::time::Duration;

/// The header in which Prometheus says how long it waits, in seconds.
pub const SCRAPE_TIMEOUT_HEADER: &str = "X-Prometheus-Scrape-Timeout-Seconds";
/// Less than this is no chance at all, whatever the scraper says.
const FLOOR: Duration = Duration::from_millis(100);

/// How long a scrape may take after the header's value, less `offset`, in which
/// the answer travels (`--timeout-offset`); without a value, or with zero, as
/// long as the selector allows.
///
/// # Errors
/// A value that is no number of seconds is given back in a sentence.
pub(crate) fn within(header: Option<&[u8]>, offset: Duration) -> Result<Duration, String> {
    let Some(header) = header else {
        return Ok(Duration::MAX);
    };
    let text = std::str::from_utf8(header).unwrap_or("?").trim();
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds >= 0.0);
    match seconds {
        Some(0.0) => Ok(Duration::MAX),
        // Infinite and absurdly long are the same: the selector's timeout decides.
        Some(seconds) => {
            let patience = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
            Ok(patience.saturating_sub(offset).max(FLOOR))
        }
        None => {
            let shown: String = text.chars().take(40).collect();
            Err(format!(
                "{SCRAPE_TIMEOUT_HEADER} is {shown:?}, expected seconds as a decimal number"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFSET: Duration = Duration::from_millis(500);

    #[test]
    fn the_offset_is_taken_off_down_to_the_floor() {
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
            let found = within(header.map(str::as_bytes), OFFSET);
            assert_eq!(found.clone().ok(), expected, "{header:?} {found:?}");
        }
        assert!(within(Some(b"\xff"), OFFSET).is_err());
    }

    #[test]
    fn no_offset_and_a_large_one_are_right_too() {
        let two = Some(b"2".as_slice());
        assert_eq!(within(two, Duration::ZERO), Ok(Duration::from_secs(2)));
        assert_eq!(within(two, Duration::from_secs(60)), Ok(FLOOR));
    }
}
