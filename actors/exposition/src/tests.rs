//! Cases that go through the whole checker, and the properties that hold for every body.

use super::FormatChoice::{OpenMetrics, Text};
use super::{Check, Fault, FaultKind, FinalNewline, FormatChoice, Rules, check, list_faults};

fn rules(check: Check, format: FormatChoice) -> Rules {
    Rules {
        check,
        format,
        ..Rules::default()
    }
}

/// The specification accepts each of `good`, and each of `bad` is first at fault in the line given; all are ingested.
pub(super) fn strict(format: FormatChoice, good: &[&str], bad: &[(&str, usize)]) {
    for body in good {
        let found = check(body.as_bytes(), &rules(Check::Strict, format));
        assert!(found.is_ok(), "{body:?}: {found:?}");
    }
    for (body, line) in bad {
        let ingest = check(body.as_bytes(), &rules(Check::Ingest, format));
        assert!(ingest.is_ok(), "{body:?}: {ingest:?}");
        let found =
            check(body.as_bytes(), &rules(Check::Strict, format)).map_err(|fault| fault.line);
        assert_eq!(
            found.map(|_| ()),
            Err(*line),
            "{body:?}: {:?}",
            list_faults(body.as_bytes(), &rules(Check::Strict, format))
        );
    }
}

fn ingest(format: FormatChoice, body: &[u8]) -> Result<(), Fault> {
    let rules = Rules {
        final_newline: FinalNewline::MayBeMissing,
        ..rules(Check::Ingest, format)
    };
    check(body, &rules).map(|_| ())
}

#[test]
fn text_is_ingested_as_prometheus_does() {
    let good: &[&[u8]] = &[
        b"\n",
        b"  \t\n",
        b"a 1",
        b"a 1\n",
        b" a 1\n",
        b"a\t1\t2\t\n",
        b"a{}1\n",
        b"a {b=\"c\"} 1\n",
        b"a { b = \"c\" , } 1\n",
        b"a{b=\"c\" d=\"e\"} 1\n",
        b"a{b=\"\n\"} 1\n",
        b"a{b=\"\0\"} 1\n",
        b"a{b=\"c\"\0} 1\n",
        b"a{b=\"\\x\"} 1\n",
        b"{\"a b\"} 1\n",
        b"{\"a\",b=\"c\"} 1\n",
        b"{b=\"c\",\"a\"} 1\n",
        b"a{\"b c\"=\"d\"} 1\n",
        b"{\"a\",} 1\n",
        b"a:b 1\n",
        b"a{b=\"\",b=\"\"} 1\n",
        b"a{b=\"\",b=\"c\"} 1\n",
        b"a NaN\n",
        b"a +Inf 0\n",
        b"a .5e-3 9223372036854775807\n",
        b"#\n",
        b"#a\n",
        b"# \n",
        b"# a\xff\n",
        b"# HELP\n",
        b"# HELPa b\n",
        b"#\tHELP\ta\n",
        b"# HELP a  b \\n\r\n",
        b"# HELP a\xff\n",
        b"# HELP \"a b\" c\n",
        b"# HELP \"a\nb\" c\n",
        b"# HELP a b\0c\n",
        b"# H\0ELP a b\n",
        b"# a\0b\n",
        b"# TYPE a counter\n",
        b"# TYPE a\tuntyped\n",
        b"# TYPE a-gauge\n",
        b"#TYPE a x\n",
        b"# EOF\n",
        b"a 1\n# EOF\nb 2\n",
        b"{ABC} 1\n",
        b"a 1\na 1\n",
    ];
    let bad: &[&[u8]] = &[
        b"a",
        b"a\n",
        b"a \n",
        b"1a 1\n",
        b"a-b 1\n",
        b"a.b 1\n",
        b"\xefa 1\n",
        b"\xef\xbb\xbfa 1\n",
        b"a 1\r\n",
        b"a 1 2\r\n",
        b"\r\n",
        b"a 1 -2\n",
        b"a 1 2.5\n",
        b"a 1 2 3\n",
        b"a 1 9223372036854775808\n",
        b"a 1 # {} 1\n",
        b"a 1e999\n",
        b"a 0x1p3\n",
        b"a 1_0\n",
        b"a{b} 1\n",
        b"a{b=c} 1\n",
        b"a{b='c'} 1\n",
        b"a{b=\"c} 1\n",
        b"a{=\"c\"} 1\n",
        b"a{,} 1\n",
        b"a{b=\"c\",,} 1\n",
        b"a{,b=\"c\"} 1\n",
        b"a{b=\"c\"\n} 1\n",
        b"a{b=\"\\\n\"} 1\n",
        b"a{b=\"\xff\"} 1\n",
        b"a{b=\0\"c\"} 1\n",
        b"a{b=\"c\"}{d=\"e\"} 1\n",
        b"a{b=\"c\"\n",
        b"a{b=\"c\",b=\"c\"} 1\n",
        b"a{__name__=\"b\"} 1\n",
        b"{\"a\",__name__=\"b\"} 1\n",
        b"a{\"\"=\"b\"} 1\n",
        b"a{\"\xff\"=\"b\"} 1\n",
        b"{} 1\n",
        b"{\"\"} 1\n",
        b"{\"a\",\"b\"} 1\n",
        b"{a=\"b\"} 1\n",
        b"{\"\xff\"} 1\n",
        b"a{\"b\"} 1\n",
        b"{\"a\" b=\"c\"} 1\n",
        b"# HELP \n",
        b"# HELP 1\n",
        b"# HELP a \xff\n",
        b"# HELP a\0 b\n",
        b"# HELP \"a b\n",
        b"# HELP \"a\0b\" c\n",
        b"# TYPE a\n",
        b"# TYPE a  counter\n",
        b"# TYPE a counter \n",
        b"# TYPE a Counter\n",
        b"# TYPE a info\n",
        b"# TYPE a counter\r\n",
        b"a\0 1\n",
        b"a 1\0\n",
    ];
    table(Text, good, bad);
}

#[test]
fn openmetrics_is_ingested_as_prometheus_does() {
    let good: &[&[u8]] = &[
        b"# EOF",
        b"# EOF\n",
        b"a 1\n# EOF\n",
        b"a{} 1\n# EOF\n",
        b"a{b=\"c\",} 1 1.5\n# EOF\n",
        b"a 1 -1e3\n# EOF\n",
        b"a 1 1e300\n# EOF\n",
        b"{\"a b\",c=\"d\"} 1\n# EOF\n",
        b"a{\"b c\"=\"d\"} 1\n# EOF\n",
        b"a 1 # {} 2\n# EOF\n",
        b"a 1 2 # {b=\"c\",} 3 4\n# EOF\n",
        b"a 1 # {\"b c\"=\"d\"} 2\n# EOF\n",
        b"a{b=\"\0\"} 1\n# EOF\n",
        b"a 1 # {b=\"c\",b=\"c\"} 2\n# EOF\n",
        b"# HELP a \n# EOF\n",
        b"# HELP a b\n\0\0a 1\n# EOF\n",
        b"# T\0YPE a gauge\n# EOF\n",
        b"# TYPE a unknown\n# EOF\n",
        b"# UNIT a \n# EOF\n",
        b"# UNIT a_b b\n# EOF\n",
        b"{\"a\nb\"} 1\n# EOF\n",
        b"a{b=\"\",b=\"c\"} 1\n# EOF\n",
        b"{ABC} 1\n# EOF\n",
        b"a NaN\n# EOF\n",
    ];
    let bad: &[&[u8]] = &[
        b"\n# EOF\n",
        b"a 1\n",
        b"a 1\n# EO",
        b"a 1\n#EOF\n",
        b"# EOF\n\n",
        b"# EOF \n",
        b"# EOF\na 1\n",
        b"# a comment\n# EOF\n",
        b"#\n# EOF\n",
        b" a 1\n# EOF\n",
        b"a  1\n# EOF\n",
        b"a 1 \n# EOF\n",
        b"a\t1\n# EOF\n",
        b"a{b=\"c\"}1\n# EOF\n",
        b"a {b=\"c\"} 1\n# EOF\n",
        b"a{b= \"c\"} 1\n# EOF\n",
        b"a{b=\"c\", d=\"e\"} 1\n# EOF\n",
        b"a{b=\"c\"d=\"e\"} 1\n# EOF\n",
        b"a{b=\"\n\"} 1\n# EOF\n",
        b"a{b=\"\xff\"} 1\n# EOF\n",
        b"a{,} 1\n# EOF\n",
        b"a{b=\"c\",b=\"d\"} 1\n# EOF\n",
        b"a 1 NaN\n# EOF\n",
        b"a 1 +Inf\n# EOF\n",
        b"a 1 1 1\n# EOF\n",
        b"a 1 #\n# EOF\n",
        b"a 1 # {b} 1\n# EOF\n",
        b"a 1 # {b=\"c\"}\n# EOF\n",
        b"a 1 # {b=\"c\"} 1 NaN\n# EOF\n",
        b"a 1 # {} 1 1 1\n# EOF\n",
        b"a 1 # {} 1 # {} 1\n# EOF\n",
        b"a 1 # {b=\"\0\"} 1\n# EOF\n",
        b"# HELP a\n# EOF\n",
        b"# HELP  a b\n# EOF\n",
        b"# HELP a \xff\n# EOF\n",
        b"# TYPE a untyped\n# EOF\n",
        b"# TYPE a gauge \n# EOF\n",
        b"# UNIT a b\n# EOF\n",
        b"# UNIT b b\n# EOF\n",
        b"#\tTYPE a gauge\n# EOF\n",
        b"{} 1\n# EOF\n",
        b"{\"a\",\"b\"} 1\n# EOF\n",
        b"a 1\r\n# EOF\n",
        b"\0# EOF\n",
        b"# EOF\n\0",
    ];
    table(OpenMetrics, good, bad);
}

fn table(format: FormatChoice, good: &[&[u8]], bad: &[&[u8]]) {
    for body in good {
        let found = ingest(format, body);
        assert!(found.is_ok(), "`{}`: {found:?}", body.escape_ascii());
    }
    for body in bad {
        assert!(ingest(format, body).is_err(), "`{}`", body.escape_ascii());
    }
}

#[test]
fn bodies_that_crash_prometheus_are_refused() {
    for labels in [
        "A",
        "_",
        " A ",
        "A,",
        "A,b=\"c\"",
        "b=\"c\",A",
        "b=\"c\" A,d=\"e\"",
    ] {
        for (format, end) in [(Text, ""), (OpenMetrics, "# EOF\n")] {
            for gap in ["", " "] {
                let body = format!("{{{labels}}}{gap}0\n{end}");
                assert!(ingest(format, body.as_bytes()).is_err(), "{body:?}");
            }
        }
    }
}

#[test]
fn bodies_that_prometheus_reads_only_in_part_are_refused() {
    for body in [
        &b"a 1\n\0b 2\n"[..],
        b"# \0\na 1\n",
        b"#a\0\na 1\n",
        b" \0",
        b"#\0",
    ] {
        let found = ingest(Text, body).map_err(|fault| fault.kind);
        assert_eq!(
            found,
            Err(FaultKind::Truncated),
            "`{}`",
            body.escape_ascii()
        );
    }
}

#[test]
fn wholeness_is_told_from_form() {
    use FaultKind::{Empty, Malformed, Truncated};
    let cases: [(Check, FormatChoice, &[u8], Option<FaultKind>); 16] = [
        (Check::Ingest, Text, b"", Some(Empty)),
        (Check::Whole, OpenMetrics, b"", Some(Empty)),
        (Check::None, Text, b"", None),
        (Check::Ingest, Text, b"a 1", Some(Truncated)),
        (Check::Whole, Text, b"a 1", Some(Truncated)),
        (Check::None, Text, b"a 1", None),
        (Check::Whole, Text, b"!\n", None),
        (Check::Ingest, Text, b"!\n", Some(Malformed)),
        (Check::Ingest, Text, b"a 1\nb{c=\"d", Some(Truncated)),
        (Check::Ingest, Text, b"a 1\n# TYPE a cou", Some(Truncated)),
        (Check::Whole, OpenMetrics, b"a 1\n", Some(Truncated)),
        (Check::Whole, OpenMetrics, b"a 1\n# EOF", None),
        (Check::Ingest, OpenMetrics, b"a 1\n# EO", Some(Truncated)),
        (Check::Ingest, OpenMetrics, b"a 1\n# EOFx", Some(Malformed)),
        (Check::Ingest, OpenMetrics, b"a 1 # {b=\"", Some(Truncated)),
        (Check::Strict, Text, b"# \xff\n", Some(Malformed)),
    ];
    for (level, format, body, kind) in cases {
        let found = check(body, &rules(level, format))
            .err()
            .map(|fault| fault.kind);
        assert_eq!(found, kind, "`{}` {level:?}", body.escape_ascii());
    }
    let allowed = Rules {
        allow_empty: true,
        ..Rules::default()
    };
    assert!(check(b"", &allowed).is_ok());
}

#[test]
fn the_summary_counts() {
    let body = b"# HELP a x\n# TYPE a counter\na_total{b=\"c\"} 1 5 # {d=\"e\"} 1\na_total{b=\"d\"} 1 2.5\n# TYPE b gauge\nb 1\n# EOF\n";
    let found = check(body, &Rules::default()).map(|s| {
        (
            s.format,
            s.samples,
            s.families,
            s.exemplars,
            s.newest_timestamp_ms,
            s.needs_utf8,
        )
    });
    assert_eq!(
        found,
        Ok((super::Format::OpenMetrics, 3, 2, 1, Some(5000), false))
    );
    let names = [
        ("a 1\n", "0.0.4; charset=utf-8"),
        ("{\"a\"} 1\n", "allow-utf-8"),
        ("a{\"b.c\"=\"d\"} 1\n", "allow-utf-8"),
        ("{\"a.b\"} 1\n# EOF\n", "escaping=allow-utf-8"),
        ("{\"a\"} 1\n# EOF\n", "1.0.0; charset=utf-8"),
    ];
    for (body, end) in names {
        let found = check(body.as_bytes(), &Rules::default()).map(|summary| summary.content_type());
        assert!(
            found.as_ref().is_ok_and(|found| found.ends_with(end)),
            "{body:?}: {found:?}"
        );
    }
}

#[test]
fn a_file_may_lack_its_final_newline() {
    let file = Rules {
        final_newline: FinalNewline::MayBeMissing,
        ..Rules::default()
    };
    assert_eq!(
        check(b"a 1", &file).map(|summary| summary.missing_final_newline),
        Ok(true)
    );
    assert_eq!(
        check(b"a 1\n", &file).map(|summary| summary.missing_final_newline),
        Ok(false)
    );
    assert_eq!(
        check(b"a 1\n# EOF", &file).map(|summary| summary.missing_final_newline),
        Ok(false)
    );
}

#[test]
fn problems_are_listed_one_per_line() {
    let lines: Vec<usize> = list_faults(b"a\nb 1\nc{ 1\nd x y\n\ne 1", &rules(Check::Ingest, Text))
        .iter()
        .map(|fault| fault.line)
        .collect();
    assert_eq!(lines, [1, 3, 4]);
    let lines: Vec<usize> = list_faults(
        b"# TYPE a counter\na -1\na! 1\na 1 x\n",
        &rules(Check::Strict, Text),
    )
    .iter()
    .map(|fault| fault.line)
    .collect();
    assert_eq!(lines, [2, 3, 4]);
    let many = "!\n".repeat(2 * super::MAX_FAULTS);
    assert_eq!(
        list_faults(many.as_bytes(), &rules(Check::Ingest, Text)).len(),
        super::MAX_FAULTS
    );
}

/// Cut anywhere but at its end, a body is refused; a text cut between two lines cannot be told from a whole one.
#[test]
fn cut_bodies_are_refused() {
    let text = "# HELP a \"x\" \\\\ y\n# TYPE a counter\na{b=\"c\\\"\\n\",d=\"é\"} 1.5e3 123\n\n{\"x.y\",\"z w\"=\"1\"} NaN\n# a comment\nb_bucket{le=\"+Inf\"} 17\n";
    for end in 1..text.len() {
        let cut = &text.as_bytes()[..end];
        for level in [Check::Ingest, Check::Strict, Check::Whole] {
            let found = check(cut, &rules(level, Text));
            assert_eq!(
                found.is_ok(),
                cut.ends_with(b"\n"),
                "`{}`: {found:?}",
                cut.escape_ascii()
            );
        }
        let faults = list_faults(cut, &rules(Check::Ingest, Text));
        assert_eq!(faults.is_empty(), cut.ends_with(b"\n"), "{faults:?}");
    }
    let open = "# HELP a x\n# TYPE a counter\n# UNIT a \na_total{b=\"c\\\"\\n\"} 1 2 # {d=\"e\"} 3 4.5\n# TYPE b gauge\n{\"b\"} 1\n# EOF\n";
    for end in 1..open.len() - 1 {
        for level in [Check::Ingest, Check::Strict, Check::Whole] {
            assert!(
                check(&open.as_bytes()[..end], &rules(level, OpenMetrics)).is_err(),
                "{:?}",
                &open[..end]
            );
        }
    }
    assert!(check(open.as_bytes(), &rules(Check::Strict, OpenMetrics)).is_ok());
}

/// Whatever ordinary lines are stepped over at speed, the readers accept, with the same end and timestamp.
#[test]
fn the_fast_path_accepts_nothing_the_readers_refuse() {
    use super::entry::{Entry, Reader};
    use super::fast_path::{TimestampUnit, Totals, skip};
    use super::{openmetrics::OpenMetricsReader, text::TextReader};
    let line = b"ab:c{d=\"e f\",_g=\"\",h=\"a longer value\"} -12.5e+3 1234\n";
    let bytes = b"a0_:{}=\",\\ .-+eN\n\t\0#\x7f";
    let mut taken = 0;
    let mut hold = |body: &[u8]| {
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
                newest = newest.max(sample.timestamp.map(|(_, stamp)| stamp));
                taken += 1;
            }
            assert_eq!(
                (reader.at(), newest),
                (end, totals.newest),
                "`{}`",
                body.escape_ascii()
            );
        }
    };
    for place in 0..line.len() {
        for first in bytes {
            for second in bytes {
                let (before, after) = line.split_at(place);
                let replaced = [
                    before,
                    &[*first, *second],
                    after.get(2..).unwrap_or_default(),
                ]
                .concat();
                let inserted = [before, &[*first], after].concat();
                hold(&[&replaced[..], &replaced].concat());
                hold(&[&line[..], &inserted, line].concat());
            }
        }
    }
    assert!(taken > 1000);
}

/// No body makes the checker panic, and its levels only ever get stricter: every body of up to five of these bytes.
#[test]
fn short_bodies_are_all_checked() {
    let bytes = b"a{}=\" 1\n#,\\\0\xff";
    for length in 1..=5_u32 {
        for number in 0..bytes.len().pow(length) {
            let mut rest = number;
            let body: Vec<u8> = (0..length)
                .map(|_| {
                    let byte = bytes[rest % bytes.len()];
                    rest /= bytes.len();
                    byte
                })
                .collect();
            for format in [Text, OpenMetrics] {
                let passes = |level| check(&body, &rules(level, format)).is_ok();
                assert!(!passes(Check::Strict) || passes(Check::Ingest));
                assert!(!passes(Check::Ingest) || passes(Check::Whole));
            }
        }
    }
}

/// Found by fuzzing: Prometheus skips NUL bytes before the last line, and so would take the body for whole.
#[test]
fn the_last_line_of_openmetrics_is_eof_and_nothing_else() {
    for body in ["# HELP a x\n\0# EOF\n", "a 1\n# EOF\0", "a 1\n# EOF\n\0"] {
        for level in [Check::Ingest, Check::Strict, Check::Whole] {
            let found = check(body.as_bytes(), &rules(level, OpenMetrics));
            assert!(found.is_err(), "{level:?} {body:?}");
        }
    }
}
