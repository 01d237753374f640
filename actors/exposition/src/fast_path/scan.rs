//! Scans names and label values.
#![allow(
    clippy::indexing_slicing,
    reason = "the table is indexed by a byte; the body only with get"
)]

const STARTS_NAME: u8 = 1;
const IN_NAME: u8 = 2;
const STARTS_LABEL: u8 = 4;
const IN_LABEL: u8 = 8;

/// The classes of each byte.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0_u8; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphabetic() || byte == b'_' {
            table[byte as usize] = STARTS_NAME | IN_NAME | STARTS_LABEL | IN_LABEL;
        } else if byte.is_ascii_digit() {
            table[byte as usize] = IN_NAME | IN_LABEL;
        } else if byte == b':' {
            table[byte as usize] = STARTS_NAME | IN_NAME;
        }
        byte += 1;
    }
    table
}

/// The number of bytes that both start with; a multiple of eight if all of the shorter one is shared.
#[inline]
pub(super) fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    let mut count = 0;
    for (one, other) in one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0) {
        let differing = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differing != 0 {
            return count + differing.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    count
}

/// The end of the metric name at `at`.
#[inline]
pub(super) fn metric_name_end(rest: &[u8], at: usize) -> Option<usize> {
    run_end(rest, at, STARTS_NAME, IN_NAME)
}

/// The end of the label name at `at`.
#[inline]
pub(super) fn label_name_end(rest: &[u8], at: usize) -> Option<usize> {
    run_end(rest, at, STARTS_LABEL, IN_LABEL)
}

/// The end of the run that starts at `at` with a byte of the class `first` and continues with bytes of the class `more`.
#[inline]
fn run_end(rest: &[u8], at: usize, first: u8, more: u8) -> Option<usize> {
    let tail = rest.get(at..)?;
    if CLASSES[usize::from(*tail.first()?)] & first == 0 {
        return None;
    }
    Some(
        at + tail
            .iter()
            .position(|byte| CLASSES[usize::from(*byte)] & more == 0)?,
    )
}

/// The first quote from `at` on; `None` if a backslash or a control character precedes it.
///
/// Examines eight bytes at a time.
#[inline]
pub(super) fn value_end(rest: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some(word) = rest.get(at..).and_then(|tail| tail.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        // In each of the three, the lowest marked byte is a match; those above it may be false positives.
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if found & HIGH != 0 {
            at += (found & HIGH).trailing_zeros() as usize / 8;
            return (*rest.get(at)? == b'"').then_some(at);
        }
        at += 8;
    }
    let tail = rest.get(at..)?;
    let end = at
        + tail
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
    (*rest.get(end)? == b'"').then_some(end)
}
