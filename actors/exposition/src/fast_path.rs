//! Steps over ordinary sample lines at speed: `name{label="value",…} 123` and an optional whole timestamp.
//!
//! It only ever takes a line that both readers would accept, and leaves everything else to them: any line can be left,
//! none can be taken wrongly. It allocates nothing. What a line shares with the one before it is compared instead of
//! read again, which for the lines of one family is most of it.
#![allow(
    clippy::indexing_slicing,
    reason = "the tables are indexed by a byte or by a count checked against MOST_LABELS; the body only through get"
)]

mod number;

use number::number;

/// More labels than this are left to the reader.
const MOST_LABELS: usize = 24;

const STARTS_NAME: u8 = 1;
const IN_NAME: u8 = 2;
const STARTS_LABEL: u8 = 4;
const IN_LABEL: u8 = 8;

/// What each byte may be part of.
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

/// How an ordinary timestamp is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimestampUnit {
    Milliseconds,
    Seconds,
}

/// What the lines stepped over hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) samples: usize,
    pub(super) newest: Option<i64>,
}

/// Where the parts of the line before stand, counted from its start.
struct Shape {
    start: usize,
    labels: usize,
    /// Start and end of each label's name.
    names: [(usize, usize); MOST_LABELS],
    /// Where each label's value starts, after its quote.
    values: [usize; MOST_LABELS],
}

/// Steps over ordinary lines from `at` on; gives where the first other line starts.
///
/// `body` must be UTF-8 throughout, for label values are not looked at closely.
pub(super) fn skip(body: &[u8], at: usize, unit: TimestampUnit, totals: &mut Totals) -> usize {
    let mut shape = Shape {
        start: at,
        labels: 0,
        names: [(0, 0); MOST_LABELS],
        values: [0; MOST_LABELS],
    };
    let mut at = at;
    while let Some((length, stamp)) = body
        .get(at..)
        .and_then(|rest| line(body, rest, at, unit, &mut shape))
    {
        totals.samples += 1;
        if stamp.is_some() {
            totals.newest = totals.newest.max(stamp);
        }
        at += length;
    }
    at
}

/// The length of the ordinary line that `rest` starts with, and its timestamp in milliseconds.
fn line(
    body: &[u8],
    rest: &[u8],
    at: usize,
    unit: TimestampUnit,
    shape: &mut Shape,
) -> Option<(usize, Option<i64>)> {
    let place = match known(body, rest, at, shape) {
        Some(place) => label_values(rest, place, shape)?,
        None => {
            shape.labels = 0;
            let end = run(rest, 0, STARTS_NAME, IN_NAME)?;
            if *rest.get(end)? == b'{' {
                labels(rest, end + 1, shape)?
            } else {
                end
            }
        }
    };
    shape.start = at;
    number(rest, place, unit)
}

/// Where to go on in the value of the last label up to which this line is the one before it.
fn known(body: &[u8], rest: &[u8], at: usize, shape: &mut Shape) -> Option<usize> {
    if shape.labels == 0 {
        return None;
    }
    let same = same(body.get(shape.start..at)?, rest);
    let shared = shape.values[..shape.labels]
        .iter()
        .rposition(|value| *value <= same)?;
    shape.labels = shared + 1;
    Some(shape.values[shared])
}

/// How many bytes both start with, at least in steps of eight.
fn same(one: &[u8], other: &[u8]) -> usize {
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

/// The end of the run that starts at `at` with a byte of class `first` and goes on with bytes of class `more`.
fn run(rest: &[u8], at: usize, first: u8, more: u8) -> Option<usize> {
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

/// The labels from the first name on; gives the place after the closing brace.
fn labels(rest: &[u8], mut at: usize, shape: &mut Shape) -> Option<usize> {
    if *rest.get(at)? == b'}' {
        return Some(at + 1);
    }
    at = label_name(rest, at, shape)?;
    label_values(rest, at, shape)
}

/// From within a label's value up to the place after the closing brace.
fn label_values(rest: &[u8], mut at: usize, shape: &mut Shape) -> Option<usize> {
    loop {
        at = value_end(rest, at)?;
        match rest.get(at..at + 2)? {
            b"\"}" => return Some(at + 2),
            b"\"," => at = label_name(rest, at + 2, shape)?,
            _ => return None,
        }
    }
}

/// A label's name, `=` and opening quote; names used before and the metric's own are left to the reader.
fn label_name(rest: &[u8], at: usize, shape: &mut Shape) -> Option<usize> {
    let end = run(rest, at, STARTS_LABEL, IN_LABEL)?;
    if rest.get(end..end + 2)? != b"=\"" || shape.labels == MOST_LABELS {
        return None;
    }
    let name = rest.get(at..end)?;
    for (start, end) in &shape.names[..shape.labels] {
        if end - start == name.len() && rest.get(*start..*end)? == name {
            return None;
        }
    }
    if name == b"__name__" {
        return None;
    }
    shape.names[shape.labels] = (at, end);
    shape.values[shape.labels] = end + 2;
    shape.labels += 1;
    Some(end + 2)
}

/// The first quote from `at` on; nothing where a backslash or a control character comes before it.
fn value_end(rest: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some(word) = rest.get(at..).and_then(|tail| tail.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        // In each of the three, the lowest byte found is truly one; those above it may not be.
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

#[cfg(test)]
mod tests {
    use super::{TimestampUnit, Totals, skip};

    #[test]
    fn ordinary_lines_are_taken_and_others_left() {
        let taken = [
            "a 1\n",
            "a{} 1\n",
            "a{b=\"c\"} 1.5e-3\n",
            "a:b{b=\"c\",_d=\"\"} -0\n",
            "a NaN\n",
            "a +Inf 17\n",
            "a{b=\"a long value of many bytes}\",c=\"{}\"} 1 1234\n",
            "a{b=\"é\"} 1.\n",
        ];
        let left = [
            "",
            "a 1",
            "a  1\n",
            " a 1\n",
            "a\t1\n",
            "a{b=\"c\"}1\n",
            "a{b=\"c\\n\"} 1\n",
            "a{b=\"c\n\"} 1\n",
            "a{b=\"\0\"} 1\n",
            "a{b=\"c\",} 1\n",
            "a{b=\"c\",b=\"d\"} 1\n",
            "a{__name__=\"c\"} 1\n",
            "{\"a\"} 1\n",
            "a 1e999\n",
            "a 0x1\n",
            "a 1 -1\n",
            "a 1 1.5\n",
            "a 1 9999999999999999\n",
            "a 1 # {} 1\n",
            "# a\n",
            "\n",
            "a{b:c=\"d\"} 1\n",
            "a{1=\"d\"} 1\n",
            "a 1 \n",
            "a 1 1 \n",
            "a 1_0\n",
            "a 1\r\n",
            "a -NaN\n",
            "a .5\n",
        ];
        for (lines, whole) in [(&taken[..], true), (&left[..], false)] {
            for line in lines {
                let mut totals = Totals::default();
                let end = skip(line.as_bytes(), 0, TimestampUnit::Milliseconds, &mut totals);
                assert_eq!(
                    (end, totals.samples),
                    if whole { (line.len(), 1) } else { (0, 0) },
                    "{line:?}"
                );
            }
        }
    }

    #[test]
    fn what_a_line_shares_with_the_one_before_is_not_taken_on_trust() {
        let first = "some_name{first=\"value one\",second=\"value two\"} 1\n";
        let seconds = [
            (
                "some_name{first=\"value one\",second=\"value two\"} 2\n",
                true,
            ),
            (
                "some_name{first=\"value one\",second=\"value twice\",third=\"3\"} 2\n",
                true,
            ),
            (
                "some_name{first=\"value one\",second=\"value two\",first=\"3\"} 2\n",
                false,
            ),
            (
                "some_name{first=\"value one\",second=\"value two\\\"} 2\n",
                false,
            ),
            ("some_name{first=\"value\",second=\"x\"} 2\n", true),
            ("some_name{first=\"value\"} 2\n", true),
            ("some_name{first=\"value\"\n", false),
            ("some_name 2\n", true),
            ("some_nam", false),
        ];
        for (second, taken) in seconds {
            let mut totals = Totals::default();
            skip(
                format!("{first}{second}").as_bytes(),
                0,
                TimestampUnit::Milliseconds,
                &mut totals,
            );
            assert_eq!(totals.samples, 1 + usize::from(taken), "{second:?}");
        }
    }

    #[test]
    fn the_newest_timestamp_is_kept_in_milliseconds() {
        for (unit, newest) in [
            (TimestampUnit::Milliseconds, 30),
            (TimestampUnit::Seconds, 30_000),
        ] {
            let mut totals = Totals::default();
            skip(b"a 1 10\nb 1 30\nc 1 20\nd 1\n", 0, unit, &mut totals);
            assert_eq!((totals.samples, totals.newest), (4, Some(newest)));
        }
    }
}
