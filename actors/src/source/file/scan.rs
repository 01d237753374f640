//! One reading of everything a selector's paths come to.
//!
//! Finds the files, has each read and judged, and composes them. Blocks, and
//! remembers nothing but what it is given and gives back.

use super::FileSettings;
use super::cache::{FileCache, FileOutcome, Now};
use super::compose::{Composed, compose};
use super::expand::{MOST_FILES, expand};
use super::pattern::Patterns;
use super::pending_writes::WriteSnapshot;
use super::watch::Targets;
use crate::reason::Reason;
use crate::report::{CacheReport, FileReport, WatchMode};
use crate::scrape::{ScrapeError, ScrapeResult};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// What one reading of everything came to.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) cache: FileCache,
    pub(super) targets: Targets,
    pub(super) answer: ScrapeResult,
    pub(super) report: CacheReport,
    /// After how long to read again even if nothing changes.
    pub(super) due: Option<Duration>,
    pub(super) began: Instant,
    /// Who was at the files when it began.
    pub(super) writing: WriteSnapshot,
}

/// Finds, reads, judges and composes all files; blocks.
pub(super) fn scan(
    settings: &FileSettings,
    patterns: &Patterns,
    mut cache: FileCache,
    writing: WriteSnapshot,
) -> Scan {
    let now = Now {
        instant: Instant::now(),
        wall: SystemTime::now(),
    };
    let expansion = expand(&settings.paths, patterns);
    let (outcomes, composed) = if expansion.files.len() > MOST_FILES {
        let message = format!("there are over {MOST_FILES} files");
        let error = ScrapeError::new(Reason::TooLarge, message);
        (Vec::new(), Composed::failed(error))
    } else {
        let mut outcomes = cache.update(&expansion, settings, &writing, now);
        let composed = compose(&mut outcomes, settings);
        (outcomes, composed)
    };
    let oldest = outcomes.iter().filter_map(|outcome| outcome.modified).min();
    let newlines = outcomes
        .iter()
        .filter(|outcome| outcome.missing_final_newline);
    let missing_final_newlines = newlines.count();
    let due = outcomes.iter().filter_map(|outcome| outcome.due).min();
    Scan {
        cache,
        targets: expansion.targets,
        answer: composed.answer,
        report: CacheReport {
            watching: WatchMode::Polling,
            oldest,
            files: outcomes.into_iter().map(report).collect(),
            passed_over: expansion.passed_over,
            duplicate_series: composed.duplicates,
            conflicts: composed.conflicts,
            missing_final_newlines,
        },
        due,
        began: now.instant,
        writing,
    }
}

fn report(outcome: FileOutcome) -> FileReport {
    FileReport {
        path: outcome.path,
        mtime: outcome.modified,
        served: outcome.last_good.is_some(),
        error: outcome.error,
    }
}
