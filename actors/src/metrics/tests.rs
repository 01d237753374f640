//! When series are created and removed, and that every family is described.

use super::Metrics;
use crate::reason::Reason;
use crate::report::{CacheReport, FileReport, State, WatchMode};
use prometheus::Registry;
use std::time::{Duration, SystemTime};

fn series(registry: &Registry) -> String {
    prometheus::TextEncoder::new()
        .encode_to_string(&registry.gather())
        .unwrap()
}

#[test]
fn unknown_values_and_removed_selectors_have_no_series() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    let one = metrics.selector("one");
    let two = metrics.selector("two");
    one.entered(State::Running);
    assert!(
        !series(&registry).contains("source_up"),
        "the source was not read yet"
    );

    one.source_failed();
    let text = series(&registry);
    assert!(
        text.contains("local_exporter_source_up{selector=\"one\"} 0"),
        "{text}"
    );
    assert!(!text.contains("last_success"), "it never succeeded: {text}");

    one.source_succeeded(7, 12.5, Some(1500));
    let report = CacheReport {
        watching: WatchMode::Events,
        oldest: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(3)),
        files: vec![FileReport {
            path: "/run/a".into(),
            mtime: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(4)),
            served: false,
            error: None,
            never_closed: false,
        }],
        passed_over: Vec::new(),
        duplicate_series: 2,
        duplicates: Vec::new(),
        file_metrics: true,
        conflicts: vec!["a".into()],
        missing_final_newlines: 4,
    };
    one.files_checked(&report);
    one.scraped(0.1, Some(Reason::Absent));
    two.scraped(0.1, None);
    let text = series(&registry);
    for expected in [
        "local_exporter_source_up{selector=\"one\"} 1",
        "local_exporter_source_body_bytes{selector=\"one\"} 7",
        "local_exporter_source_last_success_timestamp_seconds{selector=\"one\"} 12.5",
        "local_exporter_source_newest_sample_timestamp_seconds{selector=\"one\"} 1.5",
        "local_exporter_file_mtime_timestamp_seconds{selector=\"one\"} 3",
        "local_exporter_file_error{file=\"/run/a\",selector=\"one\"} 0",
        "local_exporter_file_modified_timestamp_seconds{file=\"/run/a\",selector=\"one\"} 4",
        "local_exporter_file_duplicate_series{selector=\"one\"} 2",
        "local_exporter_file_conflicts{selector=\"one\"} 1",
        "local_exporter_file_watch_mode{mode=\"events\",selector=\"one\"} 1",
        "local_exporter_file_watch_mode{mode=\"polling\",selector=\"one\"} 0",
        "local_exporter_file_missing_final_newlines_total{selector=\"one\"} 4",
        "local_exporter_bridge_scrape_failures_total{reason=\"absent\",selector=\"one\"} 1",
        "local_exporter_actor_state{selector=\"one\",state=\"running\"} 1",
        "local_exporter_actor_state{selector=\"one\",state=\"backoff\"} 0",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }

    one.source_succeeded(7, 12.5, None);
    one.files_checked(&CacheReport {
        oldest: None,
        files: Vec::new(),
        ..report
    });
    let text = series(&registry);
    for removed in ["newest_sample", "file_mtime", "file_error", "file_modified"] {
        assert!(!text.contains(removed), "{removed} is in\n{text}");
    }

    drop(one);
    let text = series(&registry);
    assert!(!text.contains("\"one\""), "{text}");
    assert!(text.contains("\"two\""), "{text}");
}

#[test]
fn a_new_actor_continues_the_counts_and_is_the_only_one_to_describe_the_source() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    let before = metrics.selector("one");
    before.entered(State::Running);
    before.scraped(0.1, Some(Reason::Absent));
    before.source_succeeded(7, 12.5, None);

    let after = metrics.selector("one");
    let text = series(&registry);
    assert!(!text.contains("source_up"), "not read yet: {text}");
    after.entered(State::Running);
    after.source_failed();
    after.scraped(0.1, None);
    // The older actor completes its scrapes.
    before.scraped(0.1, Some(Reason::Absent));
    before.source_succeeded(7, 12.5, Some(1));
    before.entered(State::Stopped);
    drop(before);
    let text = series(&registry);
    for expected in [
        "local_exporter_bridge_scrapes_total{selector=\"one\"} 3",
        "local_exporter_bridge_scrape_failures_total{reason=\"absent\",selector=\"one\"} 2",
        "local_exporter_source_up{selector=\"one\"} 0",
        "local_exporter_actor_state{selector=\"one\",state=\"running\"} 1",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    assert!(!text.contains("newest_sample"), "{text}");

    drop(after);
    let text = series(&registry);
    assert!(!text.contains("\"one\""), "{text}");
    let again = metrics.selector("one");
    assert_eq!((again.scrapes(), again.restarts()), (0, 0));
}

#[test]
fn every_family_is_described_before_it_has_series() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    let described: Vec<_> = metrics
        .descriptions()
        .iter()
        .map(|family| {
            (
                family.name.as_str(),
                family.kind.as_str(),
                family.labels.join(","),
            )
        })
        .collect();
    for expected in [
        ("local_exporter_bridge_scrapes_total", "counter", "selector"),
        (
            "local_exporter_bridge_scrape_failures_total",
            "counter",
            "selector,reason",
        ),
        (
            "local_exporter_bridge_scrape_duration_seconds",
            "histogram",
            "selector",
        ),
        ("local_exporter_file_error", "gauge", "selector,file"),
        ("local_exporter_actor_state", "gauge", "selector,state"),
    ] {
        let expected = (expected.0, expected.1, expected.2.to_owned());
        assert!(
            described.contains(&expected),
            "{expected:?} is not in {described:?}"
        );
    }
    assert_eq!(described.len(), 17);
    assert!(
        metrics
            .descriptions()
            .iter()
            .all(|family| family.help.ends_with('.'))
    );
}
