//! Truncated and empty bodies.

use crate::rules;
use local_exporter_exposition::FormatChoice::{self, OpenMetrics, Text};
use local_exporter_exposition::{Check, FaultKind, FinalNewline, Rules, check, list_faults};

#[test]
fn truncated_and_malformed_bodies_are_distinguished() {
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

/// A body that was cut off is refused, except for text that was cut between two lines.
#[test]
fn truncated_bodies_are_refused() {
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

/// Found by fuzzing: Prometheus skips NUL bytes before the last line, and so accepts the body.
#[test]
fn the_last_line_of_openmetrics_is_exactly_eof() {
    for body in ["# HELP a x\n\0# EOF\n", "a 1\n# EOF\0", "a 1\n# EOF\n\0"] {
        for level in [Check::Ingest, Check::Strict, Check::Whole] {
            let found = check(body.as_bytes(), &rules(level, OpenMetrics));
            assert!(found.is_err(), "{level:?} {body:?}");
        }
    }
}
