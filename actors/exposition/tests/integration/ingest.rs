//! Bodies that Prometheus ingests or refuses, one per line.
//!
//! To change what is accepted, add the body here first.

use crate::rules;
use local_exporter_exposition::FormatChoice::{self, OpenMetrics, Text};
use local_exporter_exposition::{Check, Fault, FaultKind, FinalNewline, Rules, check};

fn ingest(format: FormatChoice, body: &[u8]) -> Result<(), Fault> {
    let rules = Rules {
        final_newline: FinalNewline::MayBeMissing,
        ..rules(Check::Ingest, format)
    };
    check(body, &rules).map(|_| ())
}

fn compare(format: FormatChoice, good: &[&[u8]], bad: &[&[u8]]) {
    for body in good {
        let found = ingest(format, body);
        assert!(found.is_ok(), "`{}`: {found:?}", body.escape_ascii());
    }
    for body in bad {
        assert!(ingest(format, body).is_err(), "`{}`", body.escape_ascii());
    }
}

#[test]
fn text_is_ingested_as_prometheus_does() {
    let good: &[&[u8]] = &[
        b"\n",
        b"  \t\n",
        b"a 1",
        b"a 1\n",
        b" {\"a\"} 1\n",
        b" \t# TYPE a gauge\n",
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
        b" a 1\n",
        b"\ta{b=\"c\"} 1\n",
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
    compare(Text, good, bad);
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
        b"a 1 99999999999.999\n# EOF\n",
        b"a 1 99999999999\n# EOF\n",
        b"a 1 100000000000000\n# EOF\n",
        b"a 1 1e14\n# EOF\n",
        b"a 1 -1700000000000\n# EOF\n",
        b"a 1 # {} 1 1700000000000\n# EOF\n",
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
        b"a 1 100000000000\n# EOF\n",
        b"a 1 1e11\n# EOF\n",
        b"a 1 1700000000000\n# EOF\n",
        b"a{b=\"c\"} 1 1700000000000.5\n# EOF\n",
        b"a 1 99999999999999\n# EOF\n",
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
    compare(OpenMetrics, good, bad);
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
