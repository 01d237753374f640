//! The results of joining, each of which passes the strict check.

mod families;
mod series;

use super::{Conflict, JoinRules, join};
use crate::{Check, FormatChoice, Rules, check};

fn as_format(format: FormatChoice) -> JoinRules {
    JoinRules {
        format,
        ..JoinRules::default()
    }
}

/// Joins `files`: the body, the duplicates, and of each conflict the dropped file, the kept file and the family.
fn joined(files: &[&str]) -> (String, usize, Vec<[String; 3]>) {
    let names = ["one", "two", "three"];
    let files: Vec<(&str, &[u8])> = names
        .into_iter()
        .zip(files.iter().map(|body| body.as_bytes()))
        .collect();
    let joined = join(&files, JoinRules::default());
    let summary = |conflict: Conflict| [conflict.dropped, conflict.kept, conflict.family];
    if files.iter().filter(|(_, body)| !body.is_empty()).count() > 1 {
        let found = check(
            &joined.body,
            &Rules {
                check: Check::Strict,
                ..Rules::default()
            },
        );
        assert!(found.is_ok(), "{found:?}");
    }
    (
        String::from_utf8_lossy(&joined.body).into_owned(),
        joined.duplicates,
        joined.conflicts.into_iter().map(summary).collect(),
    )
}

#[test]
fn families_and_series_occur_once() {
    let cases: [(&[&str], &str, usize); 9] = [
        (&["# x\n\na 1"], "# x\n\na 1", 0),
        (&["", "# x\na 1"], "# x\na 1", 0),
        (&[], "", 0),
        (
            &[
                "# HELP a x\n# TYPE a counter\na{f=\"1\"} 1\nb 1\n",
                "# y\n# TYPE a counter\n# HELP a z\na{f=\"2\"} 2",
            ],
            "# HELP a x\n# TYPE a counter\na{f=\"1\"} 1\na{f=\"2\"} 2\nb 1\n",
            0,
        ),
        (
            &["a{b=\"1\",c=\"2\"} 1\n", "a{c=\"2\",b=\"1\"} 2\na 3\n"],
            "a{b=\"1\",c=\"2\"} 1\na 3\n",
            1,
        ),
        (
            &["a 1\n", "# HELP a x\n# TYPE a gauge\na{b=\"\"} 1\n"],
            "# HELP a x\n# TYPE a gauge\na 1\n",
            1,
        ),
        (
            &[
                "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n",
                "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_bucket{a=\"b\",le=\"+Inf\"} 1\n",
            ],
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_bucket{a=\"b\",le=\"+Inf\"} 1\n",
            2,
        ),
        (
            &[
                "# TYPE a counter\na_total{b=\"1\"} 1\n# EOF\n",
                "c 1\n# EOF",
                "# TYPE a counter\na_total{b=\"2\"} 1 1\na_total{b=\"2\"} 2 2\n# EOF\n",
            ],
            "# TYPE a counter\na_total{b=\"1\"} 1\na_total{b=\"2\"} 1 1\na_total{b=\"2\"} 2 2\nc 1\n# EOF\n",
            0,
        ),
        (
            &["a 1\n# EOF\n", "# TYPE b counter\nb_total 1\n# EOF\n"],
            "a 1\n# TYPE b counter\nb_total 1\n# EOF\n",
            0,
        ),
    ];
    for (files, body, duplicates) in cases {
        assert_eq!(
            joined(files),
            (body.to_owned(), duplicates, Vec::new()),
            "{files:?}"
        );
    }
}

#[test]
fn conflicting_files_are_left_out_and_reported() {
    let cases: [(&[&str], &str, [&str; 3]); 5] = [
        (
            &[
                "# TYPE a gauge\na 1\n",
                "# HELP a x\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\nb 1\n",
            ],
            "# TYPE a gauge\na 1\nb 1\n",
            ["two", "one", "a"],
        ),
        (
            &["a 1\n", "b 1\n# EOF\n", "c 1\n"],
            "a 1\nc 1\n",
            ["two", "one", ""],
        ),
        (
            &["a 1 1\n# EOF\n", "b 1\n"],
            "a 1 1\n# EOF\n",
            ["two", "one", ""],
        ),
        (&["a 1\n", "b\n", "c 1\n"], "a 1\nc 1\n", ["two", "", ""]),
        (&["!\n", "b 1\n"], "b 1\n", ["one", "", ""]),
    ];
    for (files, body, conflict) in cases {
        assert_eq!(
            joined(files),
            (body.to_owned(), 0, vec![conflict.map(str::to_owned)]),
            "{files:?}"
        );
    }
}

#[test]
fn one_truncated_file_does_not_exclude_the_others() {
    let open: &[u8] = b"b 1\n# EOF\n";
    let joined = join(
        &[("cut", b"a 1\n"), ("b", open), ("c", b"c 1\n# EOF\n")],
        JoinRules::default(),
    );
    assert_eq!(joined.body, b"b 1\nc 1\n# EOF\n");
    let dropped: Vec<_> = joined
        .conflicts
        .iter()
        .map(|conflict| &*conflict.dropped)
        .collect();
    assert_eq!(dropped, ["cut"]);
    let dated: &[u8] = b"b 1 1\n# EOF\n";
    let joined = join(&[("a", b"a 1\n"), ("b", dated)], JoinRules::default());
    assert_eq!(joined.body, b"a 1\n", "the first of two decides");
}

/// Many types, many labels and many conflicts take time in proportion to their number.
#[test]
fn the_time_is_linear() {
    let types = |kind: &str| -> Vec<u8> {
        let line = |n: usize| format!("# TYPE m{n} {kind}\nm{n} 1\n");
        (0..50_000).map(line).collect::<String>().into_bytes()
    };
    let (gauges, counters) = (types("gauge"), types("counter"));
    let joined = join(
        &[("a", &gauges), ("b", &counters)],
        as_format(FormatChoice::Text),
    );
    assert_eq!(joined.body.len(), gauges.len());
    assert_eq!(joined.conflicts.len(), super::report::MAX_CONFLICTS);

    let labels: Vec<_> = (0..50_000).map(|n| format!("l{n}=\"v\"")).collect();
    let line = format!("m{{{}}} 1\n", labels.join(","));
    assert!(check(line.as_bytes(), &Rules::default()).is_ok());
    let twice = format!("m{{{},l0=\"w\"}} 1\n", labels.join(","));
    assert!(check(twice.as_bytes(), &Rules::default()).is_err());
}

/// Found by fuzzing: Prometheus skips NUL bytes after a HELP line, but refuses them between two samples.
#[test]
fn nul_bytes_that_prometheus_skips_are_removed() {
    let body: &[u8] = b"# HELP a x\n\0\0b 1\n# EOF\n";
    let rules = Rules::default();
    assert!(check(body, &rules).is_ok());
    let joined = join(
        &[("one", body), ("two", b"c 1\n# EOF\n")],
        as_format(FormatChoice::OpenMetrics),
    );
    assert_eq!(joined.body, b"# HELP a x\nb 1\nc 1\n# EOF\n");
    assert!(check(&joined.body, &rules).is_ok());
}
