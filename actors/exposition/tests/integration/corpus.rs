//! Holds the checker against what a real Prometheus made of a collection of bodies.
//!
//! The collection stands outside the repository, with a table of verdicts; where it is missing the test says so and
//! passes. No body of it is copied here.

use local_exporter_exposition::{Check, FinalNewline, FormatChoice, Rules, check};
use local_exporter_skip::skip;
use std::path::Path;

/// The file of every case and whether Prometheus ingested it, from a table with one key to a line.
fn verdicts(table: &str) -> Vec<(&str, bool)> {
    let mut file = "";
    let mut verdicts = Vec::new();
    for line in table.lines() {
        let mut quoted = line.split('"').skip(1).step_by(2);
        match (quoted.next(), quoted.next()) {
            (Some(key), None) => file = key,
            (Some("verdict"), Some(verdict)) => verdicts.push((file, verdict == "ingested")),
            _ => {}
        }
    }
    verdicts
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "a test that skips says so, and one that compares says how many agree"
)]
fn ingest_agrees_with_prometheus() {
    let corpus = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/corpus"
    ));
    let Ok(table) = std::fs::read_to_string(corpus.join("verdicts.json")) else {
        skip("../shared/corpus does not exist beside this repository");
        return;
    };
    let verdicts = verdicts(&table);
    assert!(
        !verdicts.is_empty(),
        "the table of verdicts could not be read"
    );
    let mut disagreements = Vec::new();
    for (file, ingested) in &verdicts {
        let Ok(body) = std::fs::read(corpus.join(file)) else {
            disagreements.push(format!("{file}: missing"));
            continue;
        };
        let format = if file.starts_with("om/") {
            FormatChoice::OpenMetrics
        } else {
            FormatChoice::Text
        };
        let rules = Rules {
            check: Check::Ingest,
            format,
            allow_empty: *ingested,
            final_newline: FinalNewline::MayBeMissing,
        };
        match check(&body, &rules) {
            Ok(_) if *ingested => {}
            Err(_) if !*ingested => {}
            Ok(_) => disagreements.push(format!("{file}: accepted")),
            Err(fault) => disagreements.push(format!("{file}: {fault}")),
        }
    }
    eprintln!(
        "{} of {} verdicts agree",
        verdicts.len() - disagreements.len(),
        verdicts.len()
    );
    assert!(disagreements.is_empty(), "{disagreements:#?}");
}
