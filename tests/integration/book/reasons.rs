//! `docs/src/reasons.md` has every reason, with a cause and advice.

use super::table::{code, rows};
use crate::support::Exporter;
use local_exporter_actors::Reason;
use std::collections::BTreeSet;

const PAGE: &str = "docs/src/reasons.md";

#[test]
fn every_reason_has_a_status_a_cause_and_advice() {
    let rows = rows(PAGE, "# Error reasons");
    let documented: Vec<&str> = rows.iter().map(|row| code(&row[0])).collect();
    let all: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(documented, all);
    for row in &rows {
        let [reason, status, cause, advice] = row.as_slice() else {
            panic!("{row:?}");
        };
        assert!(["502", "503", "504"].contains(&status.as_str()), "{row:?}");
        assert!(
            cause.len() > 15 && advice.len() > 15,
            "{reason} lacks a cause or advice"
        );
    }
}

#[test]
fn every_reason_for_rejecting_a_request_has_a_row() {
    let exporter = Exporter::start("");
    let text = exporter.get("/metrics").text();
    let series = "local_exporter_bridge_rejected_requests_total{reason=\"";
    let rejected: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix(series))
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    let rows = rows(PAGE, "## Rejected requests");
    let documented = rows.iter().map(|row| code(&row[0]).to_owned()).collect();
    assert_eq!(rejected, documented);
}
