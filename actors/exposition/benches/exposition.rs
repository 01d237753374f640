//! Throughput of the checker in bytes per second: `cargo bench -p local-exporter-exposition`.
//!
//! The bodies have 1 MB. "Typical" is the output of client libraries: many series of one family, one after the other.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a benchmark that fails panics"
)]

use divan::Bencher;
use divan::counter::BytesCount;
use local_exporter_exposition::{
    Check, FormatChoice, JoinRules, Rules, check, join, strip_timestamps,
};
use std::fmt::Write;

fn main() {
    divan::main();
}

const SIZE: usize = 1_000_000;

/// Lines that `line` makes from a running number, up to 1 MB.
fn lines(head: &str, line: impl Fn(usize) -> String, end: &str) -> Vec<u8> {
    let mut body = head.to_owned();
    let mut number = 0;
    while body.len() < SIZE {
        body.push_str(&line(number));
        number += 1;
    }
    body.push_str(end);
    body.into_bytes()
}

/// Series of one counter, as client libraries write them.
fn typical() -> Vec<u8> {
    let head = "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n";
    let line = |n: usize| {
        let (code, path, value) = (200 + n % 5, n / 5, n * 7919 % 100_000);
        format!(
            "http_requests_total{{method=\"GET\",code=\"{code}\",path=\"/x/{path}\"}} {value}\n"
        )
    };
    lines(head, line, "")
}

/// Lines that differ from the one before them.
fn different() -> Vec<u8> {
    let line = |n: usize| {
        let mut name = String::new();
        for byte in n.to_le_bytes().into_iter().take(3) {
            let _ = write!(name, "{}", char::from(b'a' + byte % 26));
        }
        format!(
            "{name}_metric_{n}{{label_{name}=\"value {n}\"}} {}\n",
            n as f64 / 7.0
        )
    };
    lines("", line, "")
}

/// `OpenMetrics` with timestamps.
fn openmetrics() -> Vec<u8> {
    let line = |n: usize| {
        format!(
            "a_total{{path=\"/x/{n}\"}} {n} 1700000000.{:03}\n",
            n % 1000
        )
    };
    lines("# TYPE a counter\n", line, "# EOF\n")
}

/// Series with timestamps.
fn with_timestamps() -> Vec<u8> {
    let line = |n: usize| format!("a_total{{path=\"/x/{n}\"}} {n} {}\n", 1_700_000_000_000 + n);
    lines("", line, "")
}

fn run(bencher: Bencher<'_, '_>, body: &[u8], level: Check) {
    let rules = Rules {
        check: level,
        ..Rules::default()
    };
    assert!(
        check(body, &rules).is_ok(),
        "the benchmark's body is refused"
    );
    bencher
        .counter(BytesCount::of_slice(body))
        .bench(|| check(divan::black_box(body), &rules));
}

#[divan::bench]
fn ingest_typical(bencher: Bencher<'_, '_>) {
    run(bencher, &typical(), Check::Ingest);
}

#[divan::bench]
fn ingest_different_lines(bencher: Bencher<'_, '_>) {
    run(bencher, &different(), Check::Ingest);
}

#[divan::bench]
fn ingest_timestamps(bencher: Bencher<'_, '_>) {
    run(bencher, &with_timestamps(), Check::Ingest);
}

#[divan::bench]
fn ingest_openmetrics(bencher: Bencher<'_, '_>) {
    run(bencher, &openmetrics(), Check::Ingest);
}

#[divan::bench]
fn strict_typical(bencher: Bencher<'_, '_>) {
    run(bencher, &typical(), Check::Strict);
}

#[divan::bench]
fn whole_typical(bencher: Bencher<'_, '_>) {
    run(bencher, &typical(), Check::Whole);
}

#[divan::bench]
fn strip(bencher: Bencher<'_, '_>) {
    let body = with_timestamps();
    bencher
        .counter(BytesCount::of_slice(&body))
        .bench(|| strip_timestamps(divan::black_box(&body), FormatChoice::Text).map(drop));
}

#[divan::bench]
fn join_two(bencher: Bencher<'_, '_>) {
    let (one, two) = (typical(), different());
    let files: [(&str, &[u8]); 2] = [("one", &one), ("two", &two)];
    let text = JoinRules {
        format: FormatChoice::Text,
        ..JoinRules::default()
    };
    bencher
        .counter(BytesCount::new(one.len() + two.len()))
        .bench(|| join(divan::black_box(&files), text));
}
