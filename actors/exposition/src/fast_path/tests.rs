//! The lines that the fast path accepts, compared with the readers.

use super::{TimestampUnit, Totals, skip};
use crate::entry::{Entry, Reader};
use crate::openmetrics::OpenMetricsReader;
use crate::text::TextReader;

#[test]
fn usual_lines_are_accepted_and_others_left_to_the_reader() {
    let accepted = [
        "a 1\n",
        "a{} 1\n",
        "a{b=\"c\"} 1.5e-3\n",
        "a:b{b=\"c\",_d=\"\"} -0\n",
        "a NaN\n",
        "a +Inf 17\n",
        "a{b=\"a long value of many bytes}\",c=\"{}\"} 1 1234\n",
        "a{b=\"é\"} 1.\n",
    ];
    let others = [
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
    for (lines, whole) in [(&accepted[..], true), (&others[..], false)] {
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
fn the_part_shared_with_the_last_line_is_still_checked() {
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
    for (second, accepted) in seconds {
        let mut totals = Totals::default();
        skip(
            format!("{first}{second}").as_bytes(),
            0,
            TimestampUnit::Milliseconds,
            &mut totals,
        );
        assert_eq!(totals.samples, 1 + usize::from(accepted), "{second:?}");
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
        assert_eq!((totals.samples, totals.newest_ms), (4, Some(newest)));
    }
}

/// The readers accept every line that the fast path skips, with the same end and the same timestamp.
#[test]
fn the_fast_path_accepts_nothing_the_readers_refuse() {
    let line = b"ab:c{d=\"e f\",_g=\"\",h=\"a longer value\"} -12.5e+3 1234\n";
    let bytes = b"a0_:{}=\",\\ .-+eN\n\t\0#\x7f";
    let mut accepted = 0;
    let mut compare = |body: &[u8]| {
        for unit in [TimestampUnit::Milliseconds, TimestampUnit::Seconds] {
            let mut totals = Totals::default();
            let end = skip(body, 0, unit, &mut totals);
            let text = unit == TimestampUnit::Milliseconds;
            let mut reader: Box<dyn Reader<'_>> = if text {
                Box::new(TextReader::new(body))
            } else {
                Box::new(OpenMetricsReader::new(body))
            };
            let mut newest = None;
            for _ in 0..totals.samples {
                let entry = reader.next();
                let Ok(Some(Entry::Sample(sample))) = entry else {
                    panic!("`{}`: {entry:?}", body.escape_ascii())
                };
                newest = newest.max(sample.timestamp.map(|(_, timestamp)| timestamp));
                accepted += 1;
            }
            assert_eq!(
                (reader.at(), newest),
                (end, totals.newest_ms),
                "`{}`",
                body.escape_ascii()
            );
        }
    };
    for position in 0..line.len() {
        for first in bytes {
            for second in bytes {
                let (before, after) = line.split_at(position);
                let repositiond = [
                    before,
                    &[*first, *second],
                    after.get(2..).unwrap_or_default(),
                ]
                .concat();
                let inserted = [before, &[*first], after].concat();
                compare(&[&repositiond[..], &repositiond].concat());
                compare(&[&line[..], &inserted, line].concat());
            }
        }
    }
    assert!(accepted > 1000);
}
