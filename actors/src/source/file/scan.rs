//! One scan of everything that the paths of a source lead to.
//!
//! Finds the files, reads and validates each, and composes their bodies. Blocks,
//! and keeps no state other than what it is given and returns.

use super::cache::{FileCache, Updated};
use super::compose::{Composed, compose};
use super::entry::Now;
use super::expand::{MAX_FILES, expand};
use super::outcome::FileOutcome;
use super::settings::FileSettings;
use super::version::Stamp;
use crate::reason::Reason;
use crate::report::{CacheReport, FileReport, WatchMode};
use crate::scrape::{ScrapeError, ScrapeResult};
use crate::secret_files::SecretIdentities;
use crate::source::watch::Targets;
use crate::source::watch::pattern::Patterns;
use crate::source::watch::pending_writes::WriteSnapshot;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// What a scan keeps for the next one.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) cache: FileCache,
    composed: Option<Composed>,
}

/// The result of one scan.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) kept: Kept,
    pub(super) targets: Targets,
    pub(super) result: ScrapeResult,
    pub(super) report: CacheReport,
    /// The time until the next scan even if no file changes.
    pub(super) due: Option<Duration>,
    pub(super) began: Instant,
    /// The files that no source serves, when the scan began.
    pub(super) secrets: SecretIdentities,
    /// The versions that were read in this scan, and may still have been written then.
    pub(super) young: Vec<(PathBuf, Stamp)>,
    /// The writes that were pending when the scan began.
    pub(super) writes: WriteSnapshot,
}

/// Finds, reads, validates and composes all files. Blocks.
pub(super) fn scan(
    settings: &FileSettings,
    patterns: &Patterns,
    kept: Kept,
    secrets: SecretIdentities,
    writes: WriteSnapshot,
) -> Scan {
    let now = Now {
        instant: Instant::now(),
        wall: SystemTime::now(),
    };
    let Kept {
        mut cache,
        composed,
    } = kept;
    let expansion = expand(&settings.paths, patterns, settings.options.follow_links);
    let (updated, composed) = if expansion.files.len() > MAX_FILES {
        let message = format!("more than {MAX_FILES} files, which is the limit");
        let error = ScrapeError::new(Reason::TooLarge, message);
        (Updated::default(), Composed::failed(error))
    } else {
        let mut updated = cache.update(&expansion, settings, &secrets, &writes, now);
        let composed = compose(&mut updated.outcomes, settings, composed);
        (updated, composed)
    };
    let Updated { outcomes, young } = updated;
    let oldest = outcomes.iter().filter_map(|outcome| outcome.modified).min();
    let due = outcomes.iter().filter_map(|outcome| outcome.due).min();
    let incomplete = outcomes.iter().filter(|file| file.missing_final_newline);
    let missing_final_newlines = incomplete.count();
    Scan {
        targets: expansion.targets,
        result: composed.files.result.clone(),
        report: CacheReport {
            watching: WatchMode::Polling,
            oldest,
            files: outcomes.into_iter().map(report).collect(),
            passed_over: expansion.passed_over,
            duplicate_series: composed.files.duplicates,
            file_metrics: settings.options.file_metrics,
            duplicates: composed.files.duplicate_series.clone(),
            conflicts: composed.files.conflicts.clone(),
            missing_final_newlines,
        },
        kept: Kept {
            cache,
            composed: Some(composed),
        },
        due,
        began: now.instant,
        secrets,
        young,
        writes,
    }
}

fn report(outcome: FileOutcome) -> FileReport {
    FileReport {
        path: outcome.path,
        mtime: outcome.modified,
        served: outcome.served.is_some(),
        error: outcome.error,
        never_closed: outcome.never_closed,
    }
}
