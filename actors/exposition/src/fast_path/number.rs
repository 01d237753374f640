//! The value and the timestamp of a line on the fast path.
//!
//! Only numbers that cannot overflow are accepted, since values are validated and not computed.

use crate::number::MILLISECONDS_FROM;

/// The unit of timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimestampUnit {
    Milliseconds,
    Seconds,
}

/// The maximum number of digits of a value, whose exponent may have two: no such number overflows.
const MAX_DIGITS: usize = 40;

/// The maximum number of digits of a timestamp: in milliseconds or seconds, it fits in 64 bits.
const MAX_TIMESTAMP_DIGITS: usize = 15;

/// Reads a space, a value, an optional timestamp and the end of the line from `at` on.
///
/// Returns the position after the line and the timestamp in milliseconds.
#[inline]
pub(super) fn value_and_timestamp(
    rest: &[u8],
    at: usize,
    unit: TimestampUnit,
) -> Option<(usize, Option<i64>)> {
    if *rest.get(at)? != b' ' {
        return None;
    }
    let at = value(rest, at + 1)?;
    match rest.get(at)? {
        b'\n' => Some((at + 1, None)),
        b' ' => {
            let (digits, number) = digits(rest, at + 1)?;
            let end = at + 1 + digits;
            if !(1..=MAX_TIMESTAMP_DIGITS).contains(&digits) || *rest.get(end)? != b'\n' {
                return None;
            }
            let number = i64::try_from(number).ok()?;
            let scale = match unit {
                TimestampUnit::Milliseconds => 1,
                // Those that the reader refuses are left to it.
                TimestampUnit::Seconds if number >= MILLISECONDS_FROM => return None,
                TimestampUnit::Seconds => 1000,
            };
            Some((end + 1, Some(number * scale)))
        }
        _ => None,
    }
}

/// The end of a decimal number, `NaN`, `+Inf` or `-Inf`.
#[inline]
fn value(rest: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(*rest.get(at)? == b'-');
    let (whole, _) = digits(rest, start)?;
    if whole == 0 {
        return word_value(rest, at);
    }
    let mut at = start + whole;
    let mut count = whole;
    if *rest.get(at)? == b'.' {
        let (fraction, _) = digits(rest, at + 1)?;
        at += 1 + fraction;
        count += fraction;
    }
    if matches!(rest.get(at)?, b'e' | b'E') {
        at += 1;
        at += usize::from(matches!(rest.get(at)?, b'+' | b'-'));
        let (exponent, _) = digits(rest, at)?;
        if !(1..=2).contains(&exponent) {
            return None;
        }
        at += exponent;
    }
    (count <= MAX_DIGITS).then_some(at)
}

fn word_value(rest: &[u8], at: usize) -> Option<usize> {
    let tail = rest.get(at..)?;
    let length = if tail.starts_with(b"NaN") {
        3
    } else if tail.starts_with(b"+Inf") || tail.starts_with(b"-Inf") {
        4
    } else {
        return None;
    };
    Some(at + length)
}

/// The number of digits at `at`, and their value, which wraps around if it does not fit.
#[inline]
fn digits(rest: &[u8], at: usize) -> Option<(usize, u64)> {
    let mut number = 0_u64;
    for (count, byte) in rest.get(at..)?.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Some((count, number));
        }
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    None
}
