//! Checked values from values as written.
//!
//! Nothing is coerced: `bus = 7` is an error, not the string "7" that the crate `config` would
//! make of it. Limits of a type are here and in the modules below; limits of one key are with
//! the key.

pub(crate) mod measure;
pub(crate) mod path;

use config::{Value, ValueKind};
use std::net::IpAddr;

/// A type that a setting can have.
pub(crate) trait FromValue: Sized {
    /// The type in one or two words.
    const TYPE: &'static str;
    /// The permitted values, in words that fit after "expected".
    const EXPECTED: &'static str;

    /// The checked value, or what was found instead.
    fn from_value(value: &Value) -> Result<Self, String>;

    /// The permitted values, for the error about an invalid one. If only a part of the value is
    /// invalid, the words may be about that part.
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

/// Describes a value in words; a long string is shortened.
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

/// A whole number that is not negative, in whichever width the parser chose for it.
fn whole(value: &Value) -> Option<u64> {
    match value.kind {
        ValueKind::I64(number) => u64::try_from(number).ok(),
        ValueKind::U64(number) => Some(number),
        _ => None,
    }
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
