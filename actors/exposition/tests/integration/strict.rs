//! Bodies that the specifications forbid although Prometheus ingests them.

use crate::rules;
use local_exporter_exposition::FormatChoice::{self, OpenMetrics, Text};
use local_exporter_exposition::{Check, check, list_faults};

/// The strict check accepts each of `good`; each of `bad` has its first fault in the given line. All are ingested.
fn compare(format: FormatChoice, good: &[&str], bad: &[(&str, usize)]) {
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

#[test]
fn text_families_are_in_one_group_after_their_metadata() {
    let good = [
        "# HELP a x\n# TYPE a counter\na 1\na{b=\"1\"} 2\n# TYPE b gauge\nb -1\n",
        "a 1\nb 1\n",
        "# a comment\n\na 1\n",
        "a{b=\"1\",c=\"\"} 1\na{b=\"2\"} 1\n",
        "# TYPE a gauge\n",
        "a{b=\"1\",} 1\n",
        "# TYPE a gauge\n# HELP a x\na 1\n",
    ];
    let bad = [
        ("# TYPE a gauge\n# TYPE a gauge\n", 2),
        ("# HELP a x\n# HELP a y\n", 2),
        ("a 1\n# TYPE a gauge\n", 2),
        ("a 1\n# HELP a x\n", 2),
        ("a 1\nb 1\na{c=\"1\"} 1\n", 3),
        ("a 1\na 2\n", 2),
        ("a 1 1\na 1 2\n", 2),
        ("a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\"} 1\n", 2),
        ("a{b=\"1\",c=\"\"} 1\na{b=\"1\"} 1\n", 2),
        ("a_bucket 1\n# TYPE a histogram\n", 2),
        ("a{b=\"\n\"} 1\n", 1),
        ("a{b=\"1\" c=\"2\"} 1\n", 1),
        ("{abc} 1\n", 1),
        ("# \u{e9}\na 1\n# TYPE b gauge\nb 1\n# HELP b x\n", 5),
    ];
    compare(Text, &good, &bad);
}

#[test]
fn openmetrics_families_are_in_one_group_and_share_no_names() {
    let good = [
        "# TYPE a counter\n# HELP a x\na_total 1\na_created 2\n# EOF\n",
        "a 1\n# EOF\n",
        "# HELP a \n# UNIT a \n# EOF\n",
        "# TYPE a gauge\na{b=\"1\"} 1 0\na{b=\"1\"} 2 0\na{b=\"1\"} 2 1\n# EOF",
        "# TYPE a_s gauge\n# UNIT a_s s\na_s 1\n# EOF\n",
    ];
    let bad = [
        ("# TYPE a counter\n# TYPE a counter\n# EOF\n", 2),
        ("# TYPE a info\n# TYPE a counter\n# EOF\n", 2),
        ("# TYPE a_created gauge\n# TYPE a counter\n# EOF\n", 2),
        ("# TYPE a counter\n# TYPE a_total gauge\n# EOF\n", 2),
        ("# TYPE a gauge\na 0\nb 0\na{c=\"1\"} 0\n# EOF\n", 4),
        ("# TYPE a gauge\na 0 1\na 0 0\n# EOF\n", 3),
        ("# TYPE a gauge\na 0\na 0 1\n# EOF\n", 3),
        ("# TYPE a gauge\na 0\na 0\n# EOF\n", 3),
        (
            "# TYPE a gauge\na{b=\"1\"} 0\na{b=\"2\"} 0\na{b=\"1\"} 0 1\n# EOF\n",
            4,
        ),
        ("a{b=\"1\",} 1\n# EOF\n", 1),
        ("# UNIT a_s s\n# UNIT a_s s\n# EOF\n", 2),
        ("# TYPE a_s info\n# UNIT a_s s\n# EOF\n", 2),
    ];
    compare(OpenMetrics, &good, &bad);
}

const BUCKETS: &str = "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2\n";

#[test]
fn text_histograms_summaries_and_counters_are_consistent() {
    let both = format!("{BUCKETS}a_sum -3\na_count 2\n");
    let good = [
        both.as_str(),
        BUCKETS,
        "# TYPE a counter\na 0\n",
        "# TYPE a summary\na{quantile=\"0.5\"} NaN\na_sum 1\na_count 2\n",
        "# TYPE a histogram\na_bucket{b=\"1\",le=\"1\"} 5\na_bucket{b=\"2\",le=\"inf\"} 1\na_bucket{b=\"1\",le=\"+Inf\"} 5\n",
    ];
    let count = format!("{BUCKETS}a_count 3\n");
    let bad = [
        ("# TYPE a counter\na -1\n", 2),
        (count.as_str(), 2),
        ("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_count 1\n", 2),
        (
            "# TYPE a histogram\na_bucket{le=\"2\"} 1\na_bucket{le=\"1\"} 1\n",
            3,
        ),
        ("# TYPE a histogram\na_sum 1\n", 2),
        (
            "# TYPE a histogram\na_bucket{le=\"2\"} 2\na_bucket{le=\"+Inf\"} 1\n",
            3,
        ),
        ("# TYPE a histogram\na 1\n", 2),
        ("# TYPE a histogram\na_bucket{le=\"x\"} 2\n", 2),
        ("# TYPE a histogram\na_bucket 2\n", 2),
        ("# TYPE a summary\na 1\n", 2),
        ("# TYPE a summary\na{quantile=\"2\"} 1\n", 2),
        ("# TYPE a summary\na_count -1\n", 2),
    ];
    compare(Text, &good, &bad);
}

#[test]
fn openmetrics_types_have_their_own_samples_and_values() {
    let full = format!("{BUCKETS}a_sum 3\na_count 2\n# EOF\n");
    let good = [
        full.as_str(),
        "# TYPE a info\na_info{b=\"c\"} 1\n# EOF\n",
        "# TYPE a stateset\na{a=\"x\"} 1\na{a=\"y\"} 0\n# EOF\n",
        "# TYPE a gaugehistogram\na_bucket{le=\"-1\"} 1\na_bucket{le=\"+Inf\"} 1\na_gsum -5\na_gcount 1\n# EOF\n",
        "# TYPE a counter\na_total 1 # {b=\"c\"} 1\n# EOF\n",
        "# TYPE a summary\na_sum 1\n# EOF\n",
        "# TYPE a gauge\na NaN\n# EOF\n",
    ];
    let sum = format!("{BUCKETS}a_sum 3\n# EOF\n");
    let fraction = "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1.5\n# EOF\n";
    let long = format!(
        "# TYPE a counter\na_total 1 # {{b=\"{}\"}} 1\n# EOF\n",
        "é".repeat(128)
    );
    let bad = [
        (sum.as_str(), 2),
        (fraction, 2),
        (long.as_str(), 2),
        ("# TYPE a counter\na 1\n# EOF\n", 2),
        ("# TYPE a counter\na_total NaN\n# EOF\n", 2),
        ("# TYPE a counter\na_total -1\n# EOF\n", 2),
        ("# TYPE a info\na 1\n# EOF\n", 2),
        ("# TYPE a info\na_info 2\n# EOF\n", 2),
        ("# TYPE a stateset\na 1\n# EOF\n", 2),
        ("# TYPE a stateset\na{a=\"x\"} 2\n# EOF\n", 2),
        ("# TYPE a summary\na_sum -1\n# EOF\n", 2),
        ("# TYPE a histogram\na_bucket{le=\"+INF\"} 0\n# EOF\n", 2),
        ("# TYPE a gauge\na 1 # {b=\"c\"} 1\n# EOF\n", 2),
        (
            "# TYPE a histogram\na_bucket{le=\"-1\"} 0\na_bucket{le=\"+Inf\"} 0\na_sum 0\na_count 0\n# EOF\n",
            2,
        ),
        (
            "# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gsum -1\na_gcount 1\n# EOF\n",
            2,
        ),
    ];
    compare(OpenMetrics, &good, &bad);
}

/// `1`, `1.0` and `1e0` are the same bound, but a label of the same name on another type is text.
#[test]
fn bounds_and_quantiles_are_compared_by_value() {
    let good = [
        "# TYPE a gauge\na{quantile=\"1\"} 1\na{quantile=\"1.0\"} 1\n",
        "# TYPE a summary\na{quantile=\"0.5\"} 1\na{quantile=\"0.55\"} 1\n",
    ];
    let bad = [
        (
            "# TYPE a summary\na{quantile=\"0.5\"} 1\na{quantile=\"0.50\"} 1\n",
            3,
        ),
        (
            "# TYPE a summary\na{quantile=\"1\"} 1\na{quantile=\"1e0\"} 1\n",
            3,
        ),
        (
            "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_bucket{le=\"1.0\"} 1\n",
            4,
        ),
    ];
    compare(Text, &good, &bad);
}
