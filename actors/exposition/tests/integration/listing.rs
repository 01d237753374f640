//! Summaries, lists of faults, and the order of the levels.

use crate::rules;
use local_exporter_exposition::FormatChoice::{OpenMetrics, Text};
use local_exporter_exposition::{
    Check, Format, FormatChoice, MAX_FAULTS, Rules, check, list_faults,
};

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
    assert_eq!(found, Ok((Format::OpenMetrics, 3, 2, 1, Some(5000), false)));
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
fn faults_are_listed_one_per_line() {
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
    let many = "!\n".repeat(2 * MAX_FAULTS);
    assert_eq!(
        list_faults(many.as_bytes(), &rules(Check::Ingest, Text)).len(),
        MAX_FAULTS
    );
}

/// No body of up to five of these bytes makes the checker panic, and each level accepts a subset of the one before it.
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

#[test]
fn frequent_mistakes_have_messages_of_their_own() {
    let auto = FormatChoice::Auto;
    let cases: [(FormatChoice, &str, usize, &str); 13] = [
        (auto, "a 1\r\n# EOF\r\n", 1, "CRLF"),
        (OpenMetrics, "# TYPE a gauge\r\na 1\r\n# EOF\r\n", 1, "CRLF"),
        (OpenMetrics, "# HELP a x\na 1 2\r\n# EOF\n", 2, "CRLF"),
        (OpenMetrics, "a 1\n# EOF\r\n", 2, "CRLF"),
        (Text, "a 1\r\n", 1, "CRLF"),
        (Text, "# TYPE a gauge\r\n", 1, "CRLF"),
        (
            auto,
            "a {count:1,sum:2,bucket:[1:1]}\n# EOF\n",
            1,
            "OpenMetrics 2.0",
        ),
        (auto, "a 1 st@1\n# EOF\n", 1, "OpenMetrics 2.0"),
        (auto, "a 1 2 st@1\n# EOF\n", 1, "OpenMetrics 2.0"),
        (auto, "a 1 1700000000000\n# EOF\n", 1, "milliseconds"),
        (Text, "b 1\n  a 1\n", 2, "blanks before a metric name"),
        (auto, "# UNIT a b\na 1 1\n# EOF\n", 1, "unit"),
        (auto, "a 1 1\n# TYPE b untyped\n# EOF\n", 2, "untyped"),
    ];
    for (format, body, line, message) in cases {
        let fault = check(body.as_bytes(), &rules(Check::Ingest, format)).unwrap_err();
        assert_eq!(fault.line, line, "{body:?}: {fault}");
        assert!(fault.message.contains(message), "{body:?}: {fault}");
    }
}

#[test]
fn strict_reports_backslashes_that_begin_no_escape_sequence() {
    let cases: [(FormatChoice, &str, usize); 6] = [
        (Text, "a{b=\"C:\\A\"} 1\n", 8),
        (Text, "# HELP a \\A\n", 10),
        (Text, "# HELP a \\\"\n", 10),
        (OpenMetrics, "a{b=\"C:\\A\"} 1\n# EOF\n", 8),
        (OpenMetrics, "# HELP a \\A\n# EOF\n", 10),
        (OpenMetrics, "{\"a\\x\"} 1\n# EOF\n", 4),
    ];
    for (format, body, column) in cases {
        assert!(
            check(body.as_bytes(), &rules(Check::Ingest, format)).is_ok(),
            "{body:?}"
        );
        let fault = check(body.as_bytes(), &rules(Check::Strict, format)).unwrap_err();
        assert!(
            fault.message.contains("escape sequence"),
            "{body:?}: {fault}"
        );
        assert_eq!(fault.column, column, "{body:?}");
    }
    let good = "# HELP a \\\" \\\\ \\n\na{b=\"\\\\A\\\"\\n\"} 1\n# EOF\n";
    assert_eq!(
        list_faults(good.as_bytes(), &rules(Check::Strict, OpenMetrics)),
        []
    );
}
