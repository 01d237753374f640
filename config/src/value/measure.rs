//! Durations, sizes and counts.

use super::{FromValue, describe, whole};
use bytesize::ByteSize;
use config::{Value, ValueKind};
use std::time::Duration;

/// The longest duration of a setting: one day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// The shortest duration of a setting that may not be zero: 10 milliseconds.
const SHORTEST: Duration = Duration::from_millis(10);
/// The largest size of a body that may be permitted: 1 GiB, since bodies are held in memory.
const LARGEST: u64 = 1 << 30;

/// The largest number of connections or scrapes that a setting may permit.
pub const MAX_COUNT: u32 = 65_536;

/// A duration that may be zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DurationOrZero(pub(crate) Duration);

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) usize);

/// A number of connections or scrapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) usize);

/// Reads a duration that `valid` accepts.
pub(crate) fn duration(
    value: &Value,
    valid: impl Fn(&Duration) -> bool,
) -> Result<Duration, String> {
    let duration = match &value.kind {
        // The crate accepts a zero without a unit.
        ValueKind::String(text) if text.contains(char::is_alphabetic) => {
            humantime::parse_duration(text).ok()
        }
        _ => None,
    };
    duration.filter(valid).ok_or_else(|| describe(value))
}

impl FromValue for Duration {
    const TYPE: &'static str = "duration";
    const EXPECTED: &'static str = "a duration with a unit such as \"3s\", from 10ms to 1 day";

    fn from_value(value: &Value) -> Result<Self, String> {
        duration(value, |duration| (SHORTEST..=LONGEST).contains(duration))
    }
}

impl FromValue for DurationOrZero {
    const TYPE: &'static str = "duration";
    const EXPECTED: &'static str = "a duration with a unit such as \"60s\", from 0s to 1 day";

    fn from_value(value: &Value) -> Result<Self, String> {
        duration(value, |duration| *duration <= LONGEST).map(Self)
    }
}

impl FromValue for Bytes {
    const TYPE: &'static str = "size";
    const EXPECTED: &'static str = "a size such as \"16MiB\" or a number of bytes, from 1 to 1GiB";

    fn from_value(value: &Value) -> Result<Self, String> {
        let bytes = match &value.kind {
            ValueKind::String(text) => text.parse::<ByteSize>().ok().map(|size| size.as_u64()),
            _ => whole(value),
        };
        bytes
            .filter(|bytes| (1..=LARGEST).contains(bytes))
            .and_then(|bytes| usize::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(|| describe(value))
    }
}

impl FromValue for Count {
    const TYPE: &'static str = "integer";
    const EXPECTED: &'static str = "a whole number from 1 to 65536";

    fn from_value(value: &Value) -> Result<Self, String> {
        whole(value)
            .filter(|count| (1..=u64::from(MAX_COUNT)).contains(count))
            .and_then(|count| usize::try_from(count).ok())
            .map(Self)
            .ok_or_else(|| describe(value))
    }
}
