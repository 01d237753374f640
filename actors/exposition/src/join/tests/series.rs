//! Which samples are the same, and which displace others.

use super::joined;
use crate::{JoinRules, Timestamps, join};

#[test]
fn text_samples_that_differ_in_their_timestamps_are_all_kept() {
    let one: &[u8] = b"w{l=\"1\"} 1 1000\nw{l=\"1\"} 2 2000\nw{l=\"1\"} 2 2000\n";
    let two: &[u8] = b"w{l=\"2\"} 3 1000\nw{l=\"1\"} 9 3000\nw{l=\"1\"} 9 1000\n";
    let joined = |timestamps| {
        let rules = JoinRules {
            timestamps,
            ..JoinRules::default()
        };
        let joined = join(&[("one", one), ("two", two)], rules);
        (
            String::from_utf8_lossy(&joined.body).into_owned(),
            joined.duplicates,
        )
    };
    let all = "w{l=\"1\"} 1 1000\nw{l=\"1\"} 2 2000\nw{l=\"2\"} 3 1000\nw{l=\"1\"} 9 3000\n";
    assert_eq!(joined(Timestamps::Kept), (all.to_owned(), 2));
    let first = "w{l=\"1\"} 1 1000\nw{l=\"2\"} 3 1000\n";
    assert_eq!(joined(Timestamps::Stripped), (first.to_owned(), 4));
}

#[test]
fn files_that_are_valid_as_both_formats_are_read_as_the_others_in_a_tie() {
    let both = "a 1\n# EOF\n";
    let cases: [(&[&str], &str); 4] = [
        (&[both, "b 1\n"], "a 1\nb 1\n"),
        (&["b 1\n", both], "b 1\na 1\n"),
        (&[both, "b 1 1\n# EOF\n"], "a 1\nb 1 1\n# EOF\n"),
        (&[both, both], "a 1\n# EOF\n"),
    ];
    for (files, body) in cases {
        let (found, _, conflicts) = joined(files);
        assert_eq!((found.as_str(), conflicts), (body, Vec::new()), "{files:?}");
    }
}

#[test]
fn an_invalid_file_has_no_say_in_the_format() {
    let invalid = "# UNIT a b\na 1 1\n# EOF\n";
    let expected = vec![["one".to_owned(), String::new(), String::new()]];
    let found = joined(&[invalid, "b 1\n"]);
    assert_eq!(found, ("b 1\n".to_owned(), 0, expected.clone()));
    let found = joined(&[invalid, "b 1\n", "!\n# EOF\n"]);
    assert_eq!(found.0, "b 1\n");
}

#[test]
fn an_untyped_family_conflicts_with_none() {
    let gauge = "# TYPE q gauge\nq{a=\"2\"} 1\n";
    let untyped = "# TYPE q untyped\nq{a=\"1\"} 1\n";
    let first = "# TYPE q gauge\nq{a=\"1\"} 1\nq{a=\"2\"} 1\n";
    let last = "# TYPE q gauge\nq{a=\"2\"} 1\nq{a=\"1\"} 1\n";
    assert_eq!(joined(&[untyped, gauge]), (first.to_owned(), 0, vec![]));
    assert_eq!(joined(&[gauge, untyped]), (last.to_owned(), 0, vec![]));
    assert_eq!(joined(&[untyped, untyped]).0, untyped);
    let histogram = "# TYPE q histogram\nq_bucket{le=\"+Inf\"} 1\n";
    let found = joined(&[untyped, gauge, histogram]);
    let conflict = ["three".to_owned(), "two".to_owned(), "q".to_owned()];
    assert_eq!(found, (first.to_owned(), 0, vec![conflict]));
}

#[test]
fn a_plain_sample_displaces_no_histogram_or_summary() {
    let histogram =
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n";
    let summary = "# TYPE h summary\nh{quantile=\"0.5\"} 1\nh_sum 3\nh_count 2\n";
    let conflict = vec![["one".to_owned(), "two".to_owned(), "h".to_owned()]];
    for whole in [histogram, summary] {
        for plain in [
            "h 5\n",
            "# TYPE h untyped\nh 5\n",
            "h_count 5\n",
            "h_sum 1\n",
        ] {
            let found = joined(&[plain, whole]);
            assert_eq!(found, (whole.to_owned(), 0, conflict.clone()), "{plain}");
        }
    }
    // What the histogram does not have is kept.
    let other = "# TYPE h histogram\nh_bucket{x=\"y\",le=\"+Inf\"} 1\n";
    let found = joined(&[
        "h_count{x=\"z\"} 5\nh_bucket{x=\"z\",le=\"+Inf\"} 5\n",
        other,
    ]);
    assert_eq!(found.0.lines().count(), 4);
}

#[test]
fn bounds_and_quantiles_are_compared_by_value() {
    let one = "# TYPE s summary\ns{quantile=\"0.5\"} 1\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n";
    let two = "# TYPE s summary\ns{quantile=\"0.50\"} 2\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\n";
    assert_eq!(joined(&[one, two]), (one.to_owned(), 3, vec![]));
    let twice = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\n";
    let once = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\na 1\n";
    assert_eq!(joined(&[twice, "a 1\n"]), (once.to_owned(), 1, vec![]));
}

#[test]
fn duplicates_are_listed_with_their_files() {
    let joined = join(
        &[
            ("one", b"a{b=\"c\"} 1\na 1\na 2\n"),
            ("two", b"a{b=\"c\"} 2\n"),
        ],
        JoinRules::default(),
    );
    let listed: Vec<_> = joined.duplicate_series.iter().collect();
    let found: Vec<_> = listed
        .iter()
        .map(|one| (&*one.dropped, &*one.kept, &*one.series))
        .collect();
    assert_eq!(found, [("one", "one", "a"), ("two", "one", "a{b=\"c\"}")]);
}
