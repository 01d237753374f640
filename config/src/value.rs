//! From a value as written to a value that is right, or the words for what it is.
//!
//! Nothing is coerced: `bus = 7` is an error, not the string "7" (which the
//! crate `config` would make of it). Limits that hold wherever a type is used
//! stand here; limits of one key stand with the key.

use bytesize::ByteSize;
use config::{Value, ValueKind};
use glob::Pattern;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The longest duration a setting may have: one day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// The shortest duration a setting may have: 10 milliseconds.
const SHORTEST: Duration = Duration::from_millis(10);
/// The largest body that may be allowed: 1 GiB, since it is held in memory whole.
const LARGEST: u64 = 1 << 30;

/// A type that a setting can have.
pub(crate) trait FromValue: Sized {
    /// The type in one or two words.
    const TYPE: &'static str;
    /// The permitted values, in words that fit after "expected".
    const EXPECTED: &'static str;

    /// The value, or what was found in its place.
    fn from_value(value: &Value) -> Result<Self, String>;

    /// What is expected in the place of a value that is wrong; where one can tell which part
    /// of it is at fault, of that part.
    fn expected(_value: &Value) -> String {
        Self::EXPECTED.to_owned()
    }
}

/// The words for a choice between strings.
macro_rules! one_of {
    ($first:literal $(, $rest:literal)*) => {
        concat!("one of \"", $first, "\"" $(, ", \"", $rest, "\"")*)
    };
}
pub(crate) use one_of;

/// What a value is, in words, long ones shortened.
pub(crate) fn describe(value: &Value) -> String {
    match &value.kind {
        ValueKind::Nil => "nothing".into(),
        ValueKind::Boolean(value) => format!("the boolean {value}"),
        ValueKind::I64(value) => format!("the number {value}"),
        ValueKind::I128(value) => format!("the number {value}"),
        ValueKind::U64(value) => format!("the number {value}"),
        ValueKind::U128(value) => format!("the number {value}"),
        ValueKind::Float(value) if value.is_infinite() => "a number out of range".into(),
        ValueKind::Float(value) => format!("the number {value:?}"),
        ValueKind::String(value) => quoted(value),
        ValueKind::Table(_) => "a table".into(),
        ValueKind::Array(_) => "an array".into(),
    }
}

fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

impl FromValue for String {
    const TYPE: &'static str = "string";
    const EXPECTED: &'static str = "a string that is not empty";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(text) if !text.is_empty() => Ok(text.clone()),
            _ => Err(describe(value)),
        }
    }
}

impl FromValue for bool {
    const TYPE: &'static str = "boolean";
    const EXPECTED: &'static str = "true or false";

    fn from_value(value: &Value) -> Result<Self, String> {
        match value.kind {
            ValueKind::Boolean(value) => Ok(value),
            _ => Err(describe(value)),
        }
    }
}

/// A whole number that cannot be negative, whichever width the parser chose for it.
fn whole(value: &Value) -> Option<u64> {
    match value.kind {
        ValueKind::I64(number) => u64::try_from(number).ok(),
        ValueKind::U64(number) => Some(number),
        _ => None,
    }
}

impl FromValue for u16 {
    const TYPE: &'static str = "port";
    const EXPECTED: &'static str = "a port number from 0 (any free one) to 65535";

    fn from_value(value: &Value) -> Result<Self, String> {
        whole(value)
            .and_then(|number| Self::try_from(number).ok())
            .ok_or_else(|| describe(value))
    }
}

impl FromValue for u32 {
    const TYPE: &'static str = "uid";
    const EXPECTED: &'static str = "a uid from 0 to 4294967294";

    fn from_value(value: &Value) -> Result<Self, String> {
        // The largest number means "no uid" (setreuid(2)).
        whole(value)
            .and_then(|number| Self::try_from(number).ok())
            .filter(|uid| *uid != Self::MAX)
            .ok_or_else(|| describe(value))
    }
}

impl FromValue for IpAddr {
    const TYPE: &'static str = "IP address";
    const EXPECTED: &'static str =
        "an IP address such as \"127.0.0.1\" or \"::\" (a name is not looked up)";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(text) => text.parse().map_err(|_| quoted(text)),
            _ => Err(describe(value)),
        }
    }
}

impl FromValue for Duration {
    const TYPE: &'static str = "duration";
    const EXPECTED: &'static str = "a duration with a unit such as \"3s\", from 10ms to 1 day";

    fn from_value(value: &Value) -> Result<Self, String> {
        let ValueKind::String(text) = &value.kind else {
            return Err(describe(value));
        };
        match humantime::parse_duration(text) {
            Ok(duration) if (SHORTEST..=LONGEST).contains(&duration) => Ok(duration),
            _ => Err(quoted(text)),
        }
    }
}

/// A duration that may be none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromValue for Span {
    const TYPE: &'static str = "duration";
    const EXPECTED: &'static str = "a duration with a unit such as \"60s\", from 0s to 1 day";

    fn from_value(value: &Value) -> Result<Self, String> {
        let ValueKind::String(text) = &value.kind else {
            return Err(describe(value));
        };
        match humantime::parse_duration(text) {
            Ok(duration) if duration <= LONGEST => Ok(Self(duration)),
            _ => Err(quoted(text)),
        }
    }
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) usize);

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

/// How many of something may be under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) usize);

impl FromValue for Count {
    const TYPE: &'static str = "integer";
    const EXPECTED: &'static str = "a whole number from 1 to 65536";

    fn from_value(value: &Value) -> Result<Self, String> {
        whole(value)
            .filter(|count| (1..=65_536).contains(count))
            .and_then(|count| usize::try_from(count).ok())
            .map(Self)
            .ok_or_else(|| describe(value))
    }
}

/// What names of files in a directory may look like, `*` and `?` standing for what they usually do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamePattern(pub(crate) String);

impl FromValue for NamePattern {
    const TYPE: &'static str = "pattern";
    const EXPECTED: &'static str = "a pattern for file names such as \"*.prom\", without a slash";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::String(text)
                if !text.is_empty() && !text.contains('/') && Pattern::new(text).is_ok() =>
            {
                Ok(Self(text.clone()))
            }
            _ => Err(describe(value)),
        }
    }
}

/// The path of a file or directory, or a pattern for such paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern(pub(crate) PathBuf);

impl FromValue for PathPattern {
    const TYPE: &'static str = "path or pattern";
    const EXPECTED: &'static str = "an absolute path, which may contain `*`, `?` and `[…]`";

    fn from_value(value: &Value) -> Result<Self, String> {
        let path = PathBuf::from_value(value)?;
        match path.to_str().map(Pattern::new) {
            Some(Ok(_)) => Ok(Self(path)),
            _ => Err(describe(value)),
        }
    }
}

impl FromValue for PathBuf {
    const TYPE: &'static str = "path";
    const EXPECTED: &'static str = "an absolute path";

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            // The working directory of a service is nobody's choice: a relative path has no meaning.
            ValueKind::String(text) if text.starts_with('/') && !text.contains('\0') => {
                Ok(Self::from(text))
            }
            _ => Err(describe(value)),
        }
    }
}
