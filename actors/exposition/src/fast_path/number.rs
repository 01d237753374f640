//! The value and timestamp of an ordinary line.
//!
//! Only numbers that cannot overflow are taken; what a value is does not matter here, only that it is one.

use super::TimestampUnit;

/// Numbers of more digits than this, or exponents of more than two, are left to the reader: none of these overflows.
const MOST_DIGITS: usize = 40;

/// A space, a value and the end of the line, or a whole timestamp before it.
pub(super) fn number(rest: &[u8], at: usize, unit: TimestampUnit) -> Option<(usize, Option<i64>)> {
    if *rest.get(at)? != b' ' {
        return None;
    }
    let at = value(rest, at + 1)?;
    match rest.get(at)? {
        b'\n' => Some((at + 1, None)),
        b' ' => {
            let (digits, number) = digits(rest, at + 1)?;
            let end = at + 1 + digits;
            if !(1..=15).contains(&digits) || *rest.get(end)? != b'\n' {
                return None;
            }
            let scale = if unit == TimestampUnit::Seconds {
                1000
            } else {
                1
            };
            Some((end + 1, Some(i64::try_from(number).ok()? * scale)))
        }
        _ => None,
    }
}

/// The end of a decimal number, `NaN` or `+Inf`.
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
    (count <= MOST_DIGITS).then_some(at)
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

/// How many digits stand at `at`, and the number they are (where it fits).
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
