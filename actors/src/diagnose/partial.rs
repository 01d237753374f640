//! The findings about a body made of files that lacks some of their content.
//!
//! A scrape succeeds nevertheless, so its result does not show them.

use super::advice;
use super::finding::{Finding, MAX_FINDINGS};
use crate::report::{CacheReport, FileReport};
use local_exporter_exposition::Summary;

/// The most duplicates that are named.
const MAX_DUPLICATES: usize = 10;

/// Adds findings about the files to those about the host.
pub(super) fn add(findings: &mut Vec<Finding>, report: &CacheReport, summary: &Summary) {
    let is_reported = |file: &&FileReport| {
        let mut paths = findings.iter().filter_map(|finding| finding.path.as_ref());
        // A served file with an error lacks a family, which is reported as a conflict.
        file.served || paths.any(|path| file.path.starts_with(path))
    };
    let files = report.files.iter().filter(|file| !is_reported(file));
    let files: Vec<Finding> = files.filter_map(left_out).collect();
    findings.extend(files);
    findings.extend(report.conflicts.iter().map(|message| conflict(message)));
    findings.extend(duplicates(report));
    findings.extend(incomplete(summary));
    findings.truncate(MAX_FINDINGS);
}

fn left_out(file: &FileReport) -> Option<Finding> {
    let error = file.error.as_ref()?;
    let what = format!("{}, so the file is left out", error.message);
    Some(Finding {
        path: Some(file.path.clone()),
        ..Finding::general(what, advice::remedy(error.reason))
    })
}

fn conflict(message: &str) -> Finding {
    let remedy = "have only one file contain it, or use the same type and format in all of them";
    Finding::general(message, remedy)
}

fn duplicates(report: &CacheReport) -> Vec<Finding> {
    let remedy = "distinguish them by a label, or use one selector for each file";
    let named = report.duplicates.iter().take(MAX_DUPLICATES);
    let named = named
        .map(|duplicate| format!("series left out because an earlier file has it: {duplicate}"));
    let count = report.duplicate_series;
    let all = format!("series left out because an earlier file has them: {count}");
    let all = (count > 0).then_some(all);
    let findings = named.chain(all);
    findings
        .map(|what| Finding::general(what, remedy))
        .collect()
}

fn incomplete(summary: &Summary) -> Option<Finding> {
    let what = "the file lacks its final newline, so its last number may be incomplete";
    let remedy = "have the daemon end each line, and replace the file by renaming";
    let is_incomplete = summary.missing_final_newline;
    is_incomplete.then(|| Finding::general(what, remedy))
}
