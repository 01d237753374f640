//! The diagnosis of a source: its faults on this host, with their remedies.
//!
//! Inspects paths, permissions and mounts as this user and in this mount
//! namespace, without the actor of the source. Opens nothing and connects to
//! nothing: only a scrape shows whether a scrape succeeds, and findings explain
//! its error. Blocks for as long as a file system hangs, so callers limit the
//! time. Only `source` knows the requirements of each kind.

mod advice;
mod finding;
mod partial;
mod path;

pub use finding::Finding;

use crate::reason::Reason;
use crate::report::CacheReport;
use crate::scrape::ScrapeError;
use crate::source;
use finding::MAX_FINDINGS;
use local_exporter_config as config;
use local_exporter_exposition::Summary;

/// Inspects the paths of a source, and returns at most 20 findings in the order of the paths and
/// their components. Blocks.
#[must_use]
pub fn inspect(source: &config::Source) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let required = source::kind(source).required_paths();
    for finding in required.iter().flat_map(path::inspect) {
        if findings.len() == MAX_FINDINGS {
            break;
        }
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}

/// Moves the cause of a failed scrape to the front of the findings, or adds it there.
#[must_use]
pub fn explain(
    source: &config::Source,
    error: &ScrapeError,
    mut findings: Vec<Finding>,
) -> Vec<Finding> {
    let explains = |finding: &Finding| finding.leads_to.contains(&error.reason);
    let cause = match findings.iter().position(explains) {
        Some(found) => findings.remove(found),
        None => {
            let specific = source::kind(source).remedy(error);
            let remedy = specific.unwrap_or_else(|| advice::remedy(error.reason).to_owned());
            Finding::general(error.message.clone(), remedy)
        }
    };
    findings.insert(0, cause);
    findings
}

/// Adds the findings about the content of files that a successful scrape lacks.
#[must_use]
pub fn complete(
    mut findings: Vec<Finding>,
    files: &CacheReport,
    summary: &Summary,
) -> Vec<Finding> {
    partial::add(&mut findings, files, summary);
    findings
}

/// The finding if [`inspect`] did not return in time.
#[must_use]
pub fn timed_out() -> Finding {
    Finding {
        leads_to: &[Reason::Timeout],
        ..Finding::general(
            "inspecting its paths took longer than its timeout",
            "find the file system that hangs, and mount it again",
        )
    }
}
