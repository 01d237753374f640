//! What an answer made of files lacks, which a scrape that succeeds does not say.

use super::{Finding, MOST_FINDINGS, advice};
use crate::report::{CacheReport, FileReport};
use local_exporter_exposition::Summary;

/// Adds to what was found on the host what was found when its files were read.
pub(super) fn add(findings: &mut Vec<Finding>, report: &CacheReport, summary: &Summary) {
    let known = |file: &&FileReport| {
        let mut paths = findings.iter().filter_map(|finding| finding.path.as_ref());
        // What is served of a file with an error lacks a family, which is a conflict.
        file.served || paths.any(|path| file.path.starts_with(path))
    };
    let files = report.files.iter().filter(|file| !known(file));
    let files: Vec<Finding> = files.filter_map(left_out).collect();
    findings.extend(files);
    findings.extend(
        report
            .conflicts
            .iter()
            .map(|conflict| conflicting(conflict)),
    );
    findings.extend(duplicates(report));
    findings.extend(unfinished(summary));
    findings.truncate(MOST_FINDINGS);
}

fn left_out(file: &FileReport) -> Option<Finding> {
    let error = file.error.as_ref()?;
    Some(Finding {
        what: format!("{}, so it is left out", error.message),
        path: Some(file.path.clone()),
        remedy: advice::remedy(error.reason).to_owned(),
        leads_to: &[],
    })
}

fn conflicting(conflict: &str) -> Finding {
    let remedy = "have one file alone give it, or all of them the same type and format";
    of_several(conflict.to_owned(), remedy)
}

fn duplicates(report: &CacheReport) -> Option<Finding> {
    let count = report.duplicate_series;
    let what = format!("series left out because an earlier file has them: {count}");
    let remedy = "have them differ in a label, or give each file a selector of its own";
    (count > 0).then(|| of_several(what, remedy))
}

fn unfinished(summary: &Summary) -> Option<Finding> {
    let what = "the file lacks its last newline, as one does that was cut within its last number";
    let remedy = "have the daemon end each line, and write the file by rename";
    summary
        .missing_final_newline
        .then(|| of_several(what.to_owned(), remedy))
}

fn of_several(what: String, remedy: &str) -> Finding {
    Finding {
        what,
        path: None,
        remedy: remedy.to_owned(),
        leads_to: &[],
    }
}
